//! The sealed store: one folder for one account, opened by one client at a time.
//!
//! | file | what |
//! |---|---|
//! | `store.db` | SQLite: conversations, messages, journal, tombstones; contents sealed |
//! | `keys` | the keys, see [`key_file`] |
//! | `lock` | held while the store is open |
//! | `master.key` | only where the host gave no master key |
//!
//! Deleting is destroying a key: [`Store::begin`] writes the intent down, [`Store::destroy`]
//! destroys, [`Store::record`] lets the rows follow, [`Store::forget`] removes the last name when the outcome has been delivered. What
//! lies dead in `store.db` then goes in small steps, [`Store::purge_step`].

mod checkpoint;
mod disk;
mod entry;
mod erase;
pub mod key_file;
mod keyring;
mod master_key;
mod purge;
mod random;
mod read;
mod save;
mod schema;
mod seal;
mod search;
mod verify;

use std::collections::HashMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};

use ring::hmac;
use rusqlite::{Connection, OptionalExtension, TransactionBehavior};

pub use self::checkpoint::Checkpointer;
pub use self::erase::{Erasure, Intent, Unfinished};
pub use self::seal::{KEY_LEN, RawKey};
pub use self::verify::Verification;

use self::entry::{Entry, Epoch};
use self::key_file::{KeyFile, SlotRef};
use self::keyring::Keyring;
use crate::conversation::{ConversationId, Positions, Source};
use crate::error::{Error, Result};

/// An open store. It belongs to one thread.
pub struct Store {
    folder: PathBuf,
    /// Whose account this is: their own messages are never unread.
    owner: String,
    db: Connection,
    keys: Keyring,
    address_key: hmac::Key,
    entries: HashMap<ConversationId, Entry>,
    /// Slots that no row refers to any more, to be renewed when the purge has caught up.
    dead_slots: Vec<u32>,
    /// Destroyed slots whose rows have not followed yet.
    orphans: Vec<u32>,
    _lock: File,
}

impl Store {
    /// Opens the store in a folder that exists; an empty folder becomes a new store. With no
    /// master key given, one is kept in the folder, in a file for its owner only.
    ///
    /// # Errors
    /// [`Error::StorePath`], [`Error::StoreLocked`], [`Error::MasterKey`], [`Error::StoreNewer`],
    /// [`Error::StoreDamaged`], [`Error::Disk`]. Nothing that was there is overwritten.
    pub fn open(folder: &Path, owner: &str, master: Option<RawKey>) -> Result<Self> {
        if !folder.is_dir() {
            return Err(Error::StorePath(format!(
                "{} is not a folder that exists",
                folder.display()
            )));
        }
        if cfg!(feature = "plaintext-for-benchmarks")
            && std::env::var_os("ADIEU_PLAINTEXT_BENCHMARK").is_none()
        {
            return Err(Error::StorePath(
                "this build keeps plain text; it is for benchmarks only".to_owned(),
            ));
        }
        let lock = lock(&folder.join("lock"))?;
        let path = folder.join("store.db");
        let has_keys = folder.join("keys").exists();
        if path.exists() != has_keys
            && (has_keys || std::fs::metadata(&path).is_ok_and(|file| file.len() > 0))
        {
            let missing = if has_keys { "store.db" } else { "keys" };
            // A crash while the first store of a folder was made leaves keys without a database.
            if missing == "keys" {
                return Err(Error::StoreDamaged(format!("{missing} is missing")));
            }
        }
        let master = master_key::given_or_kept(master, folder, has_keys)?;
        let keys = KeyFile::open(&folder.join("keys"), &master)?;
        let address_key = hmac::Key::new(hmac::HMAC_SHA256, keys.address_secret());

        let mut db = Connection::open(&path)?;
        schema::prepare(&mut db)?;
        db.set_prepared_statement_cache_capacity(64);
        db.set_transaction_behavior(TransactionBehavior::Immediate);
        disk::sync_folder_of(&path)?;

        let mut store = Self {
            folder: folder.to_owned(),
            owner: owner.to_owned(),
            db,
            keys: Keyring::new(keys),
            address_key,
            entries: HashMap::new(),
            dead_slots: Vec::new(),
            orphans: Vec::new(),
            _lock: lock,
        };
        store.finish_forgetting()?;
        store.load()?;
        store.finish_erasing()?;
        Ok(store)
    }

    /// A second pair of hands for the database's checkpoints.
    pub fn checkpointer(&self) -> Result<Checkpointer> {
        Checkpointer::open(&self.folder.join("store.db"))
    }

    /// Puts every head and the unread total into `positions`.
    pub fn publish(&self, positions: &Positions) {
        for entry in self
            .entries
            .values()
            .filter(|entry| entry.head > entry.floor)
        {
            positions.raise(&entry.id.native(), entry.head);
        }
        positions.set_unread(self.unread());
    }

    /// Unread messages in all conversations.
    pub fn unread(&self) -> u64 {
        self.entries
            .values()
            .filter(|entry| !entry.hidden)
            .map(|entry| entry.unread)
            .sum()
    }

    /// The highest position that was ever stored or erased of a conversation, 0 for none.
    pub fn head(&self, id: &ConversationId) -> u64 {
        self.entry_or_new(id)
            .map_or(0, |entry| entry.head.max(entry.floor))
    }

    /// The position up to which a conversation was erased, 0 for none.
    pub fn floor(&self, id: &ConversationId) -> u64 {
        self.entry_or_new(id).map_or(0, |entry| entry.floor)
    }

    /// A name for this device that stays the same as long as the store does, and tells nothing.
    pub fn device_name(&self) -> String {
        let tag = hmac::sign(&self.address_key, b"device name");
        tag.as_ref()[..16]
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }

    /// Whether a conversation's positions are the host's own.
    pub fn has_host_positions(&self, id: &ConversationId) -> bool {
        self.entries
            .get(id)
            .is_some_and(|entry| entry.source == Some(Source::Host))
    }

    fn load(&mut self) -> Result<()> {
        let Self {
            db, keys, entries, ..
        } = self;
        let mut by_row = HashMap::new();
        let mut select = db.prepare(entry::SELECT)?;
        let mut rows = select.query([])?;
        while let Some(row) = rows.next()? {
            let entry = Entry::read(row, keys)?;
            by_row.insert(entry.row, entry);
        }
        let mut select = db.prepare("SELECT conversation, through, slot, generation FROM epochs ORDER BY conversation, through")?;
        let mut rows = select.query([])?;
        while let Some(row) = rows.next()? {
            let slot = SlotRef {
                index: row.get(2)?,
                generation: row.get(3)?,
            };
            let epoch = Epoch {
                through: row.get::<_, i64>(1)? as u64,
                slot,
            };
            if let Some(entry) = by_row.get_mut(&row.get(0)?) {
                entry.epochs.push(epoch);
            }
        }
        let in_use: std::collections::HashSet<u32> = by_row
            .values()
            .flat_map(|entry| {
                entry
                    .epochs
                    .iter()
                    .map(|epoch| epoch.slot)
                    .chain([entry.key])
            })
            .map(|slot| slot.index)
            .collect();
        self.dead_slots = keys.file.set_in_use(|index| in_use.contains(&index));
        entries.extend(by_row.into_values().map(|entry| (entry.id.clone(), entry)));
        Ok(())
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
        let floor: Option<i64> = self
            .db
            .prepare_cached("SELECT through FROM tombstones WHERE address = ?")?
            .query_row([address], |row| row.get(0))
            .optional()?;
        Ok(Entry::new(id.clone(), address, floor.unwrap_or(0) as u64))
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

fn lock(path: &Path) -> Result<File> {
    let file = disk::private(OpenOptions::new().write(true).create(true).truncate(false))
        .open(path)
        .map_err(|error| Error::StorePath(format!("{}: {error}", path.display())))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Error::StoreLocked),
        Err(TryLockError::Error(error)) => {
            Err(Error::StorePath(format!("{}: {error}", path.display())))
        }
    }
}
