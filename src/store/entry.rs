//! A conversation as the store knows it: the row, its keys and its counts, kept in memory.

use rusqlite::{Connection, Row, params};
use smallvec::SmallVec;

use super::DeadSlots;
use super::erase::Erasure;
use super::keyring::Keyring;
use super::seal::Place;
use super::slot::SlotRef;
use super::sparse::Sparse;
use super::veil::Veil;
use crate::conversation::{ConversationId, Details, END, Source};
use crate::deletion::Scope;
use crate::error::{Error, Result};

/// The positions that one content key covers: above the epoch before, up to `through`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Epoch {
    /// The last position; [`END`] for the newest epoch.
    pub through: u64,
    /// Where its key is.
    pub slot: SlotRef,
}

/// Erasures, each with the slots of the keys that it destroyed: the rows still refer to those. Mostly
/// one of a conversation.
pub type Unrecorded = SmallVec<[(Erasure, DeadSlots); 1]>;

/// One conversation. Changes are made on a copy that replaces the original when their transaction
/// has been committed.
#[derive(Clone, Debug)]
// What a deletion looks at comes first, and so lies together.
#[repr(C)]
pub struct Entry {
    /// Content keys, ascending; empty until a message comes.
    pub epochs: SmallVec<[Epoch; 1]>,
    /// Highest position stored.
    pub head: u64,
    /// Positions up to here are erased, and never come back.
    pub floor: u64,
    /// What destroyed keys of it, and the rows have not followed yet.
    pub unrecorded: Option<Box<Unrecorded>>,
    /// Sealed under a content key, so that they die with the messages.
    pub details: Sparse,
    /// What undo windows hide.
    pub veil: Veil,
    /// Left the list with its history, until something above this comes.
    pub unlisted: Option<u64>,
    /// Listed without a message: its history was cleared up to here.
    pub stays: Option<u64>,
    /// The key that the stored details are sealed under.
    pub details_key: Option<SlotRef>,
    /// Whose positions it uses; `None` until a message comes.
    pub source: Option<Source>,
    /// It is back all the same: it was pinned or drafted in since.
    pub relisted: bool,
    /// Erased, and kept only until the outcome is delivered.
    pub hidden: bool,
    /// Messages that are shown: above the floor and the veil.
    pub messages: u64,
    /// Those of them that are unread.
    pub unread: u64,
    /// Positions up to here are read.
    pub read_through: u64,
    /// Row number; 0 until it is stored.
    pub row: i64,
    /// Which conversation.
    pub id: ConversationId,
    /// Keyed hash of the id.
    pub address: [u8; 16],
    /// Seals the id.
    pub key: SlotRef,
}

impl Entry {
    /// A conversation that is not stored yet.
    pub fn new(id: ConversationId, address: [u8; 16], floor: u64, source: Option<Source>) -> Self {
        Self {
            row: 0,
            id,
            address,
            key: SlotRef {
                index: 0,
                generation: 0,
            },
            epochs: SmallVec::new(),
            source,
            details: Sparse::default(),
            details_key: None,
            head: 0,
            read_through: 0,
            floor,
            veil: Veil::default(),
            unlisted: None,
            relisted: false,
            stays: None,
            messages: 0,
            unread: 0,
            hidden: false,
            unrecorded: None,
        }
    }

    /// The keys that go with everything up to `through`: those of the epochs below it and, with no
    /// message above it, the newest too, unless the conversation stays in the list.
    pub fn doomed(&self, through: u64, scope: Scope) -> impl Iterator<Item = SlotRef> {
        let all = self.all_go(through, scope);
        self.epochs
            .iter()
            .filter(move |epoch| all || epoch.through <= through)
            .map(|epoch| epoch.slot)
    }

    fn all_go(&self, through: u64, scope: Scope) -> bool {
        self.head <= through && scope != Scope::History
    }

    /// Nothing but a name that a deletion in flight needs.
    pub fn is_only_a_name(&self) -> bool {
        self.epochs.is_empty() && self.messages == 0
    }

    /// The position up to which nothing is given out.
    pub fn shown_above(&self) -> u64 {
        self.floor.max(self.veil.history.unwrap_or(0))
    }

    /// Title, pin, draft and marks as far as no undo window hides them.
    pub fn shown_details(&self) -> Details {
        match self.veil.entry {
            Some(veil) => self.details.above(veil),
            None => Details::clone(&self.details),
        }
    }

    /// Whether it has left the list, or was erased.
    pub fn has_left(&self) -> bool {
        let unlisted = self.unlisted.is_some_and(|unlisted| self.head <= unlisted);
        self.hidden || unlisted && !self.relisted
    }

    /// What took all that there was of it: only what was deleted with its entry has left the list.
    pub fn left_with(&self) -> Scope {
        if self.unlisted >= Some(self.floor) {
            Scope::Everything
        } else {
            Scope::History
        }
    }

    /// Whether the conversation list shows it.
    pub fn is_listed(&self) -> bool {
        // A window that only the history is within leaves it listed, as the clearing will.
        let something = self.head > self.floor.max(self.veil.entry.unwrap_or(0))
            || self.stays > self.veil.entry
            || self.shown_details().keep_listed();
        !self.has_left() && something
    }

    /// Whether the list shows it, or would without undo windows.
    pub fn is_there(&self) -> bool {
        let something =
            self.head > self.floor || self.stays.is_some() || self.details.keep_listed();
        !self.has_left() && something
    }

    /// Takes what an erasure takes. `veil` is what undo windows hide from now on. Counts are left to
    /// the caller, unless nothing is left to count.
    pub fn erase(&mut self, erasure: &Erasure, veil: Veil) {
        let through = erasure.through;
        let (was_there, was_listed) = (self.is_there(), self.is_listed());
        self.floor = self.floor.max(through);
        if self.floor > 0 {
            self.source = self.source.or(erasure.source);
        }
        let all = self.all_go(through, erasure.scope);
        self.epochs
            .retain(|epoch| !(all || epoch.through <= through));
        self.veil = veil;
        if erasure.scope == Scope::History {
            if was_there {
                // What an undo window hides stays hidden by it.
                let hidden = veil.entry.filter(|_| !was_listed);
                let at = hidden.map_or(through, |veil| veil.min(through));
                self.stays = self.stays.max(Some(at));
            }
        } else {
            self.details = self.details.above(through).into();
            self.stays = self.stays.filter(|stays| *stays > through);
            self.unlisted = self.unlisted.max(Some(through));
            self.relisted &= self.details.keep_listed();
        }
        self.hidden = self.head <= self.floor && self.stays.is_none();
        if self
            .details_key
            .is_some_and(|slot| !self.epochs.iter().any(|epoch| epoch.slot == slot))
        {
            self.details_key = None;
        }
        if self.hidden {
            (self.messages, self.unread) = (0, 0);
            self.details = Sparse::default();
        }
    }

    /// Inserts the row of a new conversation, its id sealed under a fresh key.
    pub fn insert(
        &mut self,
        db: &Connection,
        keys: &mut Keyring,
        taken: &mut Vec<SlotRef>,
    ) -> Result<()> {
        self.key = keys.file.take()?;
        taken.push(self.key);
        db.prepare_cached("INSERT INTO conversations(address, slot, generation, id, source) VALUES(?, ?, ?, x'', 0)")?
            .execute(params![self.address, self.key.index, self.key.generation])?;
        self.row = db.last_insert_rowid();
        let mut sealed = Vec::new();
        let (key, random) = keys.key(self.key)?;
        key.seal(
            Place::Address { row: self.row },
            self.id.native().as_bytes(),
            &mut sealed,
            random,
        )?;
        db.prepare_cached("UPDATE conversations SET id = ? WHERE row = ?")?
            .execute(params![sealed, self.row])?;
        Ok(())
    }

    /// Gives the conversation its first content key.
    pub fn begin_first_epoch(
        &mut self,
        db: &Connection,
        keys: &mut Keyring,
        taken: &mut Vec<SlotRef>,
    ) -> Result<()> {
        let slot = keys.file.take()?;
        taken.push(slot);
        self.epochs.push(Epoch { through: END, slot });
        insert_epoch(db, self.row, END, slot)
    }

    /// The key that covers a position; `None` before the first message.
    pub fn key_for(&self, position: u64) -> Option<SlotRef> {
        self.epochs
            .iter()
            .find(|epoch| position <= epoch.through)
            .map(|epoch| epoch.slot)
    }

    /// Writes source, counts and what is shown of it.
    pub fn update(&self, db: &Connection) -> Result<()> {
        let source = source_number(self.source);
        let changed = db
            .prepare_cached(
                "UPDATE conversations SET source = ?, head = ?, read_through = ?, messages = ?, unread = ?, hidden = ?,
                     veil = ?, unlisted = ?, relisted = ?, stays = ?
                 WHERE row = ?",
            )?
            .execute(params![
                source,
                self.head as i64,
                self.read_through as i64,
                self.messages as i64,
                self.unread as i64,
                self.hidden,
                self.veil.history.map(|veil| veil as i64),
                self.unlisted.map(|unlisted| unlisted as i64),
                self.relisted,
                self.stays.map(|stays| stays as i64),
                self.row
            ])?;
        only_one(changed)
    }

    /// Writes the details, sealed under the newest content key; nothing is written while the
    /// conversation has none.
    pub fn update_details(&mut self, db: &Connection, keys: &mut Keyring) -> Result<()> {
        let Some(newest) = self.epochs.last().map(|epoch| epoch.slot) else {
            return Ok(());
        };
        let text = serde_json::to_vec(&*self.details)
            .map_err(|error| Error::Database(error.to_string()))?;
        let mut sealed = Vec::new();
        let (key, random) = keys.key(newest)?;
        key.seal(Place::Details { row: self.row }, &text, &mut sealed, random)?;
        let changed = db
            .prepare_cached("UPDATE conversations SET details = ?, details_slot = ?, details_generation = ? WHERE row = ?")?
            .execute(params![sealed, newest.index, newest.generation, self.row])?;
        self.details_key = Some(newest);
        only_one(changed)
    }

    /// Reads a row of [`SELECT`]. Details whose key is gone are gone.
    pub fn read(row: &Row<'_>, keys: &mut Keyring) -> Result<Self> {
        let number: i64 = row.get(0)?;
        let key = SlotRef {
            index: row.get(2)?,
            generation: row.get(3)?,
        };
        let mut sealed: Vec<u8> = row.get(4)?;
        let text = keys
            .key(key)?
            .0
            .open(Place::Address { row: number }, &mut sealed)?;
        let id = std::str::from_utf8(text)
            .ok()
            .and_then(|text| ConversationId::parse(text).ok())
            .ok_or_else(|| Error::StoreDamaged("a conversation id cannot be read".to_owned()))?;
        let source = source_of(row.get(5)?).or(source_of(row.get(19)?));
        let details: Option<Vec<u8>> = row.get(6)?;
        let details_slot: Option<u32> = row.get(7)?;
        let details_generation: Option<u32> = row.get(8)?;
        let details_key = details_slot
            .zip(details_generation)
            .map(|(index, generation)| SlotRef { index, generation });
        let details = details.zip(details_key).and_then(|(mut sealed, slot)| {
            let key = keys.key(slot).ok()?.0;
            let text = key.open(Place::Details { row: number }, &mut sealed).ok()?;
            serde_json::from_slice::<Details>(text).ok()
        });
        // So many rows fit into no database, and the sum over all conversations into a number.
        let count = |column: usize| row.get::<_, u32>(column).map(u64::from);
        Ok(Self {
            row: number,
            id,
            address: row.get(1)?,
            key,
            epochs: SmallVec::new(),
            source,
            details: details.map_or_else(Sparse::default, Sparse::from),
            details_key,
            head: row.get(9)?,
            read_through: row.get(10)?,
            messages: count(11)?,
            unread: count(12)?,
            hidden: row.get(13)?,
            // The journal says the rest.
            veil: Veil {
                history: row.get(14)?,
                entry: None,
            },
            unlisted: row.get(15)?,
            relisted: row.get(16)?,
            stays: row.get(17)?,
            floor: row.get(18)?,
            unrecorded: None,
        })
    }
}

/// A source as it stands in the tables.
pub fn source_number(source: Option<Source>) -> i64 {
    match source {
        None => 0,
        Some(Source::Server) => 1,
        Some(Source::Host) => 2,
    }
}

/// The source that a number in the tables means.
pub fn source_of(number: i64) -> Option<Source> {
    match number {
        0 => None,
        1 => Some(Source::Server),
        _ => Some(Source::Host),
    }
}

/// The rows that [`Entry::read`] reads.
pub const SELECT: &str = "
SELECT c.row, c.address, c.slot, c.generation, c.id, c.source, c.details, c.details_slot, c.details_generation,
       c.head, c.read_through, c.messages, c.unread, c.hidden, c.veil, c.unlisted, c.relisted, c.stays,
       coalesce(t.through, 0), coalesce(t.source, 0)
FROM conversations c LEFT JOIN tombstones t USING(address)";

/// Inserts an epoch of a conversation.
pub fn insert_epoch(db: &Connection, row: i64, through: u64, slot: SlotRef) -> Result<()> {
    db.prepare_cached(
        "INSERT INTO epochs(conversation, through, slot, generation) VALUES(?, ?, ?, ?)",
    )?
    .execute(params![row, through as i64, slot.index, slot.generation])?;
    Ok(())
}

/// The blast-radius guard: a statement about one conversation changes one row of it.
pub fn only_one(changed: usize) -> Result<()> {
    if changed == 1 {
        Ok(())
    } else {
        Err(Error::Database(format!(
            "a change of one conversation touched {changed} rows; it was undone"
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::super::unflushed;
    use super::*;

    // DEL-5
    #[test]
    fn a_change_of_several_conversations_or_of_none_is_undone() {
        let mut db = Connection::open_in_memory().unwrap();
        db.execute_batch("CREATE TABLE t(row, name); INSERT INTO t VALUES(1, 'a'), (2, 'b')")
            .unwrap();
        let mut change = |sql| unflushed(&mut db, |db| only_one(db.execute(sql, [])?));
        assert!(change("UPDATE t SET name = 'x'").is_err());
        assert!(change("UPDATE t SET name = 'x' WHERE row = 3").is_err());
        assert!(change("UPDATE t SET name = 'c' WHERE row = 2").is_ok());
        let names = "SELECT group_concat(name) FROM t";
        let names: String = db.query_row(names, [], |row| row.get(0)).unwrap();
        assert_eq!(names, "a,c");
    }
}
