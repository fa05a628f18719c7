//! The sealed store: one folder for one account, opened by one client at a time.
//!
//! | file | what |
//! |---|---|
//! | `store.db` | SQLite: conversations, messages, journal, tombstones; contents sealed |
//! | `keys` | the keys, see `key_file.rs` |
//! | `lock` | held while the store is open |
//! | `accepted` | calls that the journal does not know yet, see `deletion/inbox.rs` |
//! | `master.key` | only where the host gave no master key |
//!
//! Deleting is destroying a key: [`Store::begin`] writes the intent down, [`Store::destroy`]
//! destroys, [`Store::record`] lets the rows follow, [`Store::forget`] removes the last name when the outcome has been delivered. What
//! lies dead in `store.db` then goes in small steps, [`Store::purge_step`].

mod change;
mod checkpoint;
mod disk;
mod entry;
mod epochs;
mod erase;
mod intent;
mod key_file;
mod keyring;
mod looked;
mod master_key;
mod open;
mod purge;
mod random;
mod read;
mod record;
mod recover;
mod save;
mod schema;
mod seal;
mod search;
mod slot;
mod sparse;
mod veil;
mod verify;

use std::collections::{HashMap, VecDeque};
use std::path::PathBuf;
use std::sync::Arc;

use ring::hmac;
use rusqlite::{Connection, OptionalExtension, params};
use smallvec::SmallVec;

pub use self::checkpoint::Checkpointer;
pub use self::disk::{private, write_at};
pub use self::erase::Erasure;
pub use self::intent::{Intent, Named, Progress};
pub use self::recover::Unfinished;
pub use self::seal::{KEY_LEN, RawKey};
pub use self::verify::Verification;

use self::entry::{Entry, source_of};
use self::keyring::Keyring;
use self::looked::Looked;
use self::open::Lock;
use self::purge::Pace;
use crate::conversation::{ConversationId, Positions, Source};
use crate::deletion::DeletionId;
use crate::deletion::Scope;
use crate::error::Result;
use crate::map::Map;

/// Slots whose keys a deletion destroyed: mostly one.
type DeadSlots = SmallVec<[u32; 2]>;

/// How much was done in one step of what can wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// All that fits into one: there is probably more.
    Full,
    /// What there was.
    Rest,
    /// There was nothing, or it cannot be done now.
    Nothing,
}

impl Step {
    /// A step that did so much of at most so much.
    pub fn of(done: usize, most: usize) -> Self {
        match done {
            0 => Self::Nothing,
            _ if done < most => Self::Rest,
            _ => Self::Full,
        }
    }
}

/// What a deletion must know of a conversation before it begins.
#[derive(Clone, Copy, Debug, Default)]
pub struct Standing {
    /// The highest position that was ever stored or erased, 0 for none.
    pub head: u64,
    /// The position up to which it was erased, 0 for none.
    pub floor: u64,
    /// Its positions are the host's own.
    pub host_positions: bool,
}

/// An open store. It belongs to one thread.
pub struct Store {
    folder: PathBuf,
    /// Whose account this is: their own messages are never unread.
    owner: String,
    db: Connection,
    keys: Keyring,
    address_key: hmac::Key,
    entries: Map<ConversationId, Entry>,
    /// Slots that no row refers to any more, but what they sealed may still stand there.
    dead_slots: Vec<u32>,
    /// Dead slots that may be used again.
    free_slots: Vec<u32>,
    /// Conversations whose rows have not followed their keys yet, see [`Entry::unrecorded`]. Some may
    /// have by now.
    behind: VecDeque<ConversationId>,
    /// Doomed with no key to destroy, and not recorded yet: their rows are the record.
    by_rows: Map<ConversationId, Vec<Erasure>>,
    /// Those of them that are to be certain next; flushed where they hide something.
    rows_wanted: Vec<ConversationId>,
    flush_rows: bool,
    /// Their address key is destroyed, and the rows have not gone yet; with all slots that they
    /// still refer to.
    nameless: Vec<(Entry, Vec<u32>)>,
    /// Delivered, and still in the journal.
    delivered: Vec<DeletionId>,
    /// What callers ask without waiting; kept as the entries are.
    positions: Arc<Positions>,
    pace: Pace,
    /// Pages that the write-ahead log's file has room for, as it was when the log began anew.
    log_pages: i64,
    /// Unread messages in all conversations.
    unread: u64,
    /// What an earlier life of the process destroyed, whose rows had not followed.
    erased_at_open: HashMap<ConversationId, DeletionId>,
    looked: Looked,
    _lock: Lock,
}

impl Store {
    /// A second pair of hands for the database's checkpoints.
    pub fn checkpointer(&self) -> Result<Checkpointer> {
        Checkpointer::open(&self.folder.join("store.db"))
    }

    /// Puts a conversation into memory, and what callers ask of it where they find it.
    fn put(&mut self, entry: Entry) {
        let unread = |entry: &Entry| if entry.hidden { 0 } else { entry.unread };
        self.unread += unread(&entry);
        if let Some(source) = entry.source.filter(|_| entry.head > entry.floor) {
            self.positions.raise(&entry.id, source, entry.head);
        }
        if let Some(before) = self.entries.insert(entry.id.clone(), entry) {
            self.unread -= unread(&before);
        }
        self.positions.set_unread(self.unread);
    }

    /// Where a conversation stands.
    pub fn standing(&self, id: &ConversationId) -> Standing {
        self.of_entry(id, |entry| Standing {
            head: entry.head.max(entry.floor),
            floor: entry.floor,
            host_positions: entry.source == Some(Source::Host),
        })
    }

    /// What is wanted of a conversation, stored or not; the default where that cannot be read.
    fn of_entry<T: Default>(&self, id: &ConversationId, wanted: impl Fn(&Entry) -> T) -> T {
        match self.entries.get(id) {
            Some(entry) => wanted(entry),
            None => self
                .entry_or_new(id)
                .map_or_else(|_| T::default(), |entry| wanted(&entry)),
        }
    }

    /// A name for this device that stays the same as long as the store does, and tells nothing.
    pub fn device_name(&self) -> String {
        let tag = hmac::sign(&self.address_key, b"device name");
        tag.as_ref()[..16]
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }

    /// Whether the conversation list shows a conversation.
    pub fn is_listed(&self, id: &ConversationId) -> bool {
        self.entries.get(id).is_some_and(Entry::is_listed)
    }

    /// Whether no message of a conversation is on the device.
    pub fn has_no_message(&self, id: &ConversationId) -> bool {
        self.entries
            .get(id)
            .is_none_or(|entry| entry.head <= entry.floor)
    }

    /// Whether an undo window hides something of a conversation.
    pub fn is_veiled(&self, id: &ConversationId) -> bool {
        self.entries.get(id).is_some_and(|entry| entry.veil.hides())
    }

    /// Whether a conversation would leave the list with everything up to a position, and has not
    /// done so before.
    pub fn lists_below(&self, id: &ConversationId, through: u64) -> bool {
        self.entries.get(id).is_some_and(|entry| {
            entry.head <= through && entry.unlisted < Some(through) && !entry.has_left()
        })
    }

    /// Where the device stands in the server's changes; empty before the first time.
    pub fn cursor(&self) -> Result<String> {
        let cursor = self
            .db
            .prepare_cached("SELECT cursor FROM sync")?
            .query_row([], |row| row.get(0))
            .optional()?;
        Ok(cursor.unwrap_or_default())
    }

    /// Notes where the device stands. Not flushed: what is lost is told again.
    pub fn set_cursor(&mut self, cursor: &str) -> Result<()> {
        unflushed(&mut self.db, |db| {
            db.prepare_cached(
                "INSERT INTO sync(only, cursor) VALUES(1, ?)
                 ON CONFLICT DO UPDATE SET cursor = excluded.cursor",
            )?
            .execute([cursor])?;
            Ok(())
        })
    }

    /// Whether an erasure takes something of what stands in the list, or would without undo
    /// windows. What cannot be read counts as taken.
    pub fn would_lose(&self, erasure: &Erasure) -> bool {
        let Some(entry) = self.entries.get(&erasure.conversation) else {
            return false;
        };
        let through = erasure.through;
        let history = erasure.scope == Scope::History;
        if !entry.is_there() || (history && entry.head <= entry.floor) {
            return false;
        }
        let shown = entry.stays.is_some_and(|stays| stays <= through)
            || entry.details.above(through) != *entry.details;
        entry.head <= through || !history && shown || self.has_message_in(entry, through)
    }

    /// Whether there is a message above what was erased before, up to a position.
    fn has_message_in(&self, entry: &Entry, through: u64) -> bool {
        let first = self
            .db
            .prepare_cached(
                "SELECT 1 FROM messages WHERE conversation = ? AND position > ? AND position <= ?",
            )
            .and_then(|mut select| {
                select.exists(params![entry.row, entry.floor as i64, through as i64])
            });
        entry.floor < through && first.unwrap_or(true)
    }

    /// Unread messages in all conversations.
    pub fn unread(&self) -> u64 {
        self.unread
    }

    /// Whether a conversation's positions are the host's own.
    pub fn has_host_positions(&self, id: &ConversationId) -> bool {
        self.standing(id).host_positions
    }

    /// The keyed hash that a conversation is found by, with or without a row.
    fn address(&self, id: &ConversationId) -> [u8; 16] {
        let tag = hmac::sign(&self.address_key, id.native().as_bytes());
        let mut address = [0; 16];
        address.copy_from_slice(&tag.as_ref()[..16]);
        address
    }

    /// A copy of a conversation to be changed: what is stored, or a new one above its tombstone.
    fn entry_or_new(&self, id: &ConversationId) -> Result<Entry> {
        if let Some(entry) = self.entries.get(id) {
            return Ok(entry.clone());
        }
        let address = self.address(id);
        let tombstone: Option<(u64, i64, Option<u64>)> = self
            .db
            .prepare_cached("SELECT through, source, unlisted FROM tombstones WHERE address = ?")?
            .query_row([address], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
            .optional()?;
        let (floor, source, unlisted) = tombstone.unwrap_or((0, 0, None));
        let mut entry = Entry::new(id.clone(), address, floor, source_of(source));
        entry.unlisted = unlisted;
        Ok(entry)
    }
}

/// Runs a transaction whose commit is on the disk when this returns.
fn flushed<T>(db: &mut Connection, work: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
    db.pragma_update(None, "synchronous", "FULL")?;
    let result = unflushed(db, work);
    db.pragma_update(None, "synchronous", "NORMAL")?;
    result
}

/// Runs a transaction that survives the process, and reaches the disk with the next flush.
fn unflushed<T>(db: &mut Connection, work: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
    let tx = db.transaction()?;
    let value = work(&tx)?;
    tx.commit()?;
    Ok(value)
}
