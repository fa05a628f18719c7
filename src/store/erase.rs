//! Deleting in the store: destruction, and where it belongs on the way of a deletion.
//!
//! ```text
//! begin   journal row                                        one flushed transaction
//! destroy where newer messages lie under the same key,
//!         they are sealed anew under the next                one flushed transaction
//!         the keys below the cut-off die, both copies        one flush of the key file
//! record  the rows follow: tombstone, dead, hidden           when it is quiet, or the next call
//!                                                            needs them
//! forget  the address key dies, the row and the journal go   after the outcome was delivered
//! ```
//! The first is in `intent.rs`, the last two are in `record.rs`.
//!
//! Every step can be run again. After a crash, [`Store::open`] reads from the slots what was
//! destroyed and lets the rows follow, and [`Store::unfinished`] gives what must still be asked
//! or told.

use rusqlite::{Connection, params};

use super::entry::{Entry, source_number};
use super::record::raise_tombstone;
use super::seal::Place;
use super::slot::Epitaph;
use super::veil::Veil;
use super::{DeadSlots, Store, flushed, unflushed};
use crate::conversation::{ConversationId, Message, Source};
use crate::deletion::{DeletionId, Scope};
use crate::error::Result;
use crate::failpoint::failpoint;

/// A deletion that is to be carried out.
#[derive(Clone, Debug)]
pub struct Erasure {
    /// Its id.
    pub deletion: DeletionId,
    /// Which conversation.
    pub conversation: ConversationId,
    /// The last position that goes.
    pub through: u64,
    /// Whose position that is, as far as the call knew; where messages told, they are believed.
    pub source: Option<Source>,
    /// What goes.
    pub scope: Scope,
}

impl Store {
    /// Destroys what the deletions cover, and hides it. When this returns, nothing in the store can
    /// bring it back, and a crash from here on changes nothing: the dead slots are the record.
    ///
    /// # Errors
    /// A cut-off that no message can have: nothing has happened.
    /// The disk failed. Where that was after the first key was touched, what the deletions cover is
    /// hidden, and dead for this process; [`Self::record`] and the next deletion make it certain.
    pub fn destroy(&mut self, erasures: &[Erasure]) -> Result<()> {
        let wanted = (self.rows_wanted.clone(), self.flush_rows);
        self.doom(erasures)?;
        let certain = self.make_certain().flatten();
        if certain.is_err() {
            // Others are doomed, and whoever doomed them has yet to make them certain.
            (self.rows_wanted, self.flush_rows) = wanted;
        }
        certain
    }

    /// The first half of [`Self::destroy`]: hides what the deletions cover. Any number of them
    /// share the second.
    ///
    /// # Errors
    /// A cut-off that no message can have, or the disk failed: nothing of these has happened.
    pub fn doom(&mut self, erasures: &[Erasure]) -> Result<()> {
        for erasure in erasures {
            self.record_of(&erasure.conversation)?;
        }
        self.unlist(erasures)?;
        self.split_where_needed(erasures)?;
        let mut doomed = Vec::with_capacity(erasures.len());
        let mut erased = Vec::with_capacity(erasures.len());
        for erasure in erasures.iter().filter(|erasure| erasure.scope.erases()) {
            let epitaph = Epitaph {
                deletion: erasure.deletion,
                cut_off: erasure.through,
                scope: erasure.scope,
                source: None,
            };
            let entry = self.entries.get(&erasure.conversation);
            let source = entry.and_then(|entry| entry.source).or(erasure.source);
            let epitaph = Epitaph { source, ..epitaph };
            if entry.is_none() && erasure.through == 0 {
                continue;
            }
            let before = doomed.len();
            let slots = entry
                .into_iter()
                .flat_map(|entry| entry.doomed(erasure.through, erasure.scope));
            doomed.extend(slots.map(|slot| (slot, epitaph)));
            let slots: DeadSlots = doomed[before..]
                .iter()
                .map(|(slot, _)| slot.index)
                .collect();
            if slots.is_empty() {
                // With no key to destroy, the rows are the record.
                let by_rows = self.by_rows.entry(erasure.conversation.clone());
                by_rows.or_default().push(erasure.clone());
                self.rows_wanted.push(erasure.conversation.clone());
                self.flush_rows |= entry.is_some_and(Entry::is_there);
            }
            erased.push((erasure, slots));
        }
        failpoint("before-destroying");
        self.keys.doom(&doomed);
        for (erasure, slots) in erased {
            self.hide(erasure, slots);
        }
        Ok(())
    }

    /// The second half of [`Self::destroy`], for all that is doomed. Inside: why rows could not be
    /// written that are the record of something, see [`Self::lacks_rows`].
    pub fn make_certain(&mut self) -> Result<Result<()>> {
        // What fails here is told so; its rows follow when they can, and hold up nobody else.
        let wanted = std::mem::take(&mut self.rows_wanted);
        let flushed = std::mem::take(&mut self.flush_rows);
        self.keys.file.flush()?;
        failpoint("keys-destroyed");
        Ok(self.record_these(&wanted, flushed))
    }

    /// Whether a conversation was erased with no key to destroy, and its rows do not say so yet.
    pub fn lacks_rows(&self, id: &ConversationId) -> bool {
        !self.by_rows.is_empty() && self.by_rows.contains_key(id)
    }

    /// Remembers how far a deletion reached whose conversation has nothing on this device that it
    /// could take: what was set since its call stays.
    pub fn cover(&mut self, erasure: &Erasure) -> Result<()> {
        self.record_of(&erasure.conversation)?;
        let mut entry = self.entry_or_new(&erasure.conversation)?;
        let source = source_number(self.source_of(erasure));
        if erasure.scope.erases() {
            entry.floor = entry.floor.max(erasure.through);
        }
        let leaves = erasure.scope != Scope::History;
        if leaves {
            entry.relisted |= entry.details.keep_listed();
            entry.unlisted = entry.unlisted.max(Some(erasure.through));
        }
        unflushed(&mut self.db, |db| {
            if erasure.scope.erases() {
                raise_tombstone(db, entry.address, erasure.through, (source, leaves))?;
            } else if leaves {
                note_unlisted(db, entry.address, erasure.through)?;
            }
            if entry.row != 0 {
                entry.update(db)?;
            }
            Ok(())
        })?;
        if entry.row != 0 {
            self.put(entry);
        }
        Ok(())
    }

    /// Remembers that a conversation whose history is gone as far has left the list, too.
    pub fn note_left(&mut self, id: &ConversationId, through: u64) -> Result<()> {
        let entry = self.entry_or_new(id)?;
        if entry.unlisted >= Some(through) {
            return Ok(());
        }
        self.cover(&Erasure {
            deletion: DeletionId([0; 16]),
            conversation: id.clone(),
            through,
            source: entry.source,
            scope: Scope::Everything,
        })
    }

    /// Takes conversations out of the list that keep their history. The row says it, and the
    /// journal that it is done, in one flushed transaction.
    fn unlist(&mut self, erasures: &[Erasure]) -> Result<()> {
        let leaving: Vec<_> = erasures
            .iter()
            .filter(|erasure| !erasure.scope.erases())
            .collect();
        if leaving.is_empty() {
            return Ok(());
        }
        let addresses: Vec<_> = leaving
            .iter()
            .map(|erasure| (self.address(&erasure.conversation), erasure.through))
            .collect();
        let mut changed = Vec::new();
        for erasure in leaving {
            let Some(mut entry) = self.entries.get(&erasure.conversation).cloned() else {
                continue;
            };
            entry.unlisted = entry.unlisted.max(Some(erasure.through));
            entry.read_through = entry.read_through.max(erasure.through);
            entry.details = entry.details.above(erasure.through).into();
            entry.stays = entry.stays.filter(|stays| *stays > erasure.through);
            entry.relisted = false;
            if entry.veil.hides() {
                entry.veil = Veil::without(&self.db, entry.row, &[erasure.deletion])?;
            }
            self.recount(&mut entry)?;
            changed.push((entry, erasure.deletion));
        }
        let Self { db, keys, .. } = self;
        flushed(db, |db| {
            for (address, through) in addresses {
                note_unlisted(db, address, through)?;
            }
            for (entry, deletion) in &mut changed {
                entry.update_details(db, keys)?;
                entry.update(db)?;
                note_erased(db, *deletion)?;
            }
            Ok(())
        })?;
        for (entry, _) in changed {
            self.put(entry);
        }
        Ok(())
    }

    /// In memory, at once: nothing at or below the cut-off is given out any more.
    fn hide(&mut self, erasure: &Erasure, slots: DeadSlots) {
        let Some(entry) = self.entries.get_mut(&erasure.conversation) else {
            return;
        };
        if !slots.is_empty() {
            if entry.unrecorded.is_none() {
                self.behind.push_back(erasure.conversation.clone());
            }
            let unrecorded = entry.unrecorded.get_or_insert_default();
            unrecorded.push((erasure.clone(), slots));
        }
        let veil = if entry.veil.hides() {
            // Where that cannot be read, what is hidden stays hidden until the next open.
            Veil::without(&self.db, entry.row, &[erasure.deletion]).unwrap_or(entry.veil)
        } else {
            entry.veil
        };
        let unread = if entry.hidden { 0 } else { entry.unread };
        entry.erase(erasure, veil);
        if entry.hidden {
            self.unread -= unread;
            self.positions.set_unread(self.unread);
        } else {
            let mut entry = entry.clone();
            // What cannot be counted keeps its counts until the next time.
            let _ = self.recount(&mut entry);
            self.put(entry);
        }
    }

    /// Counts what is shown: all messages above what hides them, and the unread among those.
    /// Costs what is unread, and a look at the index for the rest.
    pub(super) fn recount(&mut self, entry: &mut Entry) -> Result<()> {
        if entry.head <= entry.shown_above() {
            (entry.messages, entry.unread) = (0, 0);
            return Ok(());
        }
        let Self {
            db, keys, owner, ..
        } = self;
        let shown = db
            .prepare_cached(
                "SELECT count(*) FROM messages WHERE conversation = ? AND position > ?",
            )?
            .query_row(params![entry.row, entry.shown_above() as i64], |row| {
                row.get::<_, i64>(0)
            })?;
        let mut select = db.prepare_cached(
            "SELECT position, sealed FROM messages WHERE conversation = ? AND position > ?",
        )?;
        let above = entry.shown_above().max(entry.read_through);
        let mut rows = select.query(params![entry.row, above as i64])?;
        let mut unread = 0;
        while let Some(row) = rows.next()? {
            let position = row.get::<_, i64>(0)? as u64;
            let Some(slot) = entry.key_for(position) else {
                continue;
            };
            let mut sealed: Vec<u8> = row.get(1)?;
            let place = Place::Message {
                row: entry.row,
                position,
            };
            // What does not open counts as read.
            let opened = keys.key(slot)?.0.open(place, &mut sealed).ok();
            let message = opened.and_then(|text| Message::decode(position, text).ok());
            unread += u64::from(message.is_some_and(|message| message.sender != *owner));
        }
        (entry.messages, entry.unread) = (shown as u64, unread);
        Ok(())
    }

    /// Whose positions an erasure speaks of: what the messages told, or what the call knew. Where
    /// nobody ever told, they are the server's, for as long as no host brings the conversation.
    pub(super) fn source_of(&self, erasure: &Erasure) -> Option<Source> {
        let entry = self.entries.get(&erasure.conversation);
        entry.and_then(|entry| entry.source).or(erasure.source)
    }
}

/// Notes in the journal that what a deletion covers is gone from this device.
pub(super) fn note_erased(db: &Connection, deletion: DeletionId) -> Result<()> {
    db.prepare_cached("UPDATE journal SET erased = 1 WHERE deletion = ?")?
        .execute([deletion.0])?;
    Ok(())
}

fn note_unlisted(db: &Connection, address: [u8; 16], through: u64) -> Result<()> {
    db.prepare_cached(
        "INSERT INTO tombstones(address, through, source, unlisted) VALUES(?, 0, 0, ?)
         ON CONFLICT DO UPDATE SET unlisted = max(coalesce(unlisted, 0), excluded.unlisted)",
    )?
    .execute(params![address, through as i64])?;
    Ok(())
}
