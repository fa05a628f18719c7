//! Deleting in the store: intent, destruction, and the last name.
//!
//! ```text
//! begin   journal row                                        one flushed transaction
//! destroy where newer messages lie under the same key,
//!         they are sealed anew under the next                one flushed transaction
//!         the keys below the cut-off die, both copies        one flush of the key file
//! record  the rows follow: tombstone, dead, hidden           one transaction
//! forget  the address key dies, the row and the journal go   after the outcome was delivered
//! ```
//! Every step can be run again. After a crash, [`Store::open`] reads from the slots what was
//! destroyed and lets the rows follow, and [`Store::unfinished`] gives what must still be asked
//! or told.

use std::collections::HashMap;

use rusqlite::{Connection, params};

use super::entry::{Entry, only_one, source_number};
use super::intent::{Named, strike};
use super::seal::Place;
use super::slot::{Epitaph, SlotRef};
use super::{Store, flushed, unflushed};
use crate::conversation::{ConversationId, Details, END, Message, Source};
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
        self.unlist(erasures)?;
        self.split_where_needed(erasures)?;
        let mut doomed = Vec::new();
        let mut unrecorded = Vec::new();
        for erasure in erasures.iter().filter(|erasure| erasure.scope.erases()) {
            let epitaph = Epitaph {
                deletion: erasure.deletion,
                cut_off: erasure.through,
                scope: erasure.scope,
                source: self.source_of(erasure),
            };
            let entry = self.entries.get(&erasure.conversation);
            let slots = entry
                .into_iter()
                .flat_map(|entry| entry.doomed(erasure.through, erasure.scope));
            let slots: Vec<_> = slots.collect();
            unrecorded.push((
                erasure.clone(),
                slots.iter().map(|slot| slot.index).collect(),
            ));
            doomed.extend(slots.into_iter().map(|slot| (slot, epitaph)));
        }
        failpoint("before-destroying");
        let destroyed = self.keys.destroy(&doomed);
        // Also where it failed: one copy of a key may be dead, and what is saved from now on must
        // not lie under it.
        for (erasure, _) in &unrecorded {
            self.hide(erasure);
        }
        self.unrecorded.append(&mut unrecorded);
        destroyed?;
        failpoint("keys-destroyed");
        Ok(())
    }

    /// Lets the rows follow the keys. Not flushed, and not what success waits for: what is lost
    /// here, the next open does again from the dead slots. What fails is tried again before
    /// anything else is written.
    pub fn record(&mut self) -> Result<()> {
        self.record_erasures()?;
        self.drop_nameless()
    }

    fn record_erasures(&mut self) -> Result<()> {
        if self.unrecorded.is_empty() {
            return Ok(());
        }
        // Never before the keys.
        self.keys.file.flush()?;
        self.record_rows()?;
        failpoint("rows-followed");
        // Only now does no row refer to these slots any more.
        for (_, slots) in std::mem::take(&mut self.unrecorded) {
            self.dead_slots.extend(slots);
        }
        Ok(())
    }

    /// Removes the last traces of deletions whose outcome has been delivered.
    pub fn forget(&mut self, delivered: &[Named]) -> Result<()> {
        self.record()?;
        // By conversation: two of its deletions may have been delivered at once.
        let mut gone: HashMap<&ConversationId, (Entry, DeletionId)> = HashMap::new();
        for (deletion, conversation) in delivered {
            let Some(entry) = self.entries.get(conversation) else {
                continue;
            };
            let stays = !(entry.hidden || entry.is_only_a_name());
            if !stays && !self.has_other_intents(entry.row, delivered)? {
                gone.insert(conversation, (entry.clone(), *deletion));
            }
        }
        let mut doomed = Vec::new();
        let mut nameless = Vec::new();
        for (entry, deletion) in gone.into_values() {
            let epitaph = Epitaph {
                deletion,
                cut_off: entry.floor,
                scope: Scope::Everything,
                source: entry.source,
            };
            doomed.extend(slots_of(&entry).map(|slot| (slot, epitaph)));
            nameless.push(entry);
        }
        let destroyed = self.keys.destroy(&doomed);
        // Also where it failed: a row whose name may be dead takes no message any more.
        for entry in nameless {
            self.entries.remove(&entry.id);
            self.nameless.push(entry);
        }
        let ids = delivered.iter().map(|(deletion, _)| *deletion);
        self.delivered.extend(ids);
        destroyed?;
        failpoint("address-destroyed");
        self.drop_nameless()
    }

    /// Removes the rows of conversations without a name, and what was delivered from the journal.
    fn drop_nameless(&mut self) -> Result<()> {
        if self.nameless.is_empty() && self.delivered.is_empty() {
            return Ok(());
        }
        self.keys.file.flush()?;
        let Self {
            db,
            nameless,
            delivered,
            ..
        } = self;
        unflushed(db, |db| {
            for entry in &*nameless {
                let source = source_number(entry.source);
                bury(db, entry.row, entry.address, entry.floor, source)?;
                remove_conversation(db, entry.row)?;
            }
            for deletion in &*delivered {
                strike(db, *deletion)?;
            }
            Ok(())
        })?;
        self.delivered.clear();
        for entry in std::mem::take(&mut self.nameless) {
            self.dead_slots
                .extend(slots_of(&entry).map(|slot| slot.index));
        }
        Ok(())
    }

    /// Remembers how far a deletion reached whose conversation has nothing on this device that it
    /// could take: what was set since its call stays.
    pub fn cover(&mut self, erasure: &Erasure) -> Result<()> {
        self.record()?;
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
                raise_tombstone(db, entry.address, erasure.through, source)?;
            }
            if leaves {
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
            entry.details = entry.details.above(erasure.through);
            entry.stays = entry.stays.filter(|stays| *stays > erasure.through);
            entry.relisted = false;
            if entry.veil.is_some() {
                entry.veil = self.veil_without(entry.row, &[erasure.deletion])?;
            }
            self.recount(&mut entry)?;
            changed.push((entry, erasure.deletion));
        }
        self.record()?;
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
    fn hide(&mut self, erasure: &Erasure) {
        let Some(mut entry) = self.entries.get(&erasure.conversation).cloned() else {
            return;
        };
        let (was_there, was_listed) = (entry.is_there(), entry.is_listed());
        entry.floor = entry.floor.max(erasure.through);
        let doomed: Vec<_> = entry.doomed(erasure.through, erasure.scope).collect();
        entry.epochs.retain(|epoch| !doomed.contains(&epoch.slot));
        if entry.veil.is_some() {
            // Where that cannot be read, what is hidden stays hidden until the next open.
            let veil = self.veil_without(entry.row, &[erasure.deletion]);
            entry.veil = veil.unwrap_or(entry.veil);
        }
        if erasure.scope == Scope::History {
            if was_there {
                // What an undo window hides stays hidden by it.
                let hidden = entry.veil.filter(|_| !was_listed);
                let at = hidden.map_or(erasure.through, |veil| veil.min(erasure.through));
                entry.stays = entry.stays.max(Some(at));
            }
        } else {
            entry.details = entry.details.above(erasure.through);
            entry.stays = entry.stays.filter(|stays| *stays > erasure.through);
            entry.unlisted = entry.unlisted.max(Some(erasure.through));
            entry.relisted &= entry.details.keep_listed();
        }
        entry.hidden = entry.head <= entry.floor && entry.stays.is_none();
        if entry
            .details_key
            .is_some_and(|slot| !entry.epochs.iter().any(|epoch| epoch.slot == slot))
        {
            entry.details_key = None;
        }
        if entry.hidden {
            (entry.messages, entry.unread) = (0, 0);
            entry.details = Details::default();
        } else {
            // What cannot be counted keeps its counts until the next time.
            let _ = self.recount(&mut entry);
        }
        self.put(entry);
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
    fn source_of(&self, erasure: &Erasure) -> Option<Source> {
        let entry = self.entries.get(&erasure.conversation);
        entry.and_then(|entry| entry.source).or(erasure.source)
    }

    /// In the database: the rows follow the keys.
    fn record_rows(&mut self) -> Result<()> {
        let addressed: Vec<_> = self
            .unrecorded
            .iter()
            .map(|(erasure, _)| {
                let address = self.address(&erasure.conversation);
                (address, self.source_of(erasure), erasure.clone())
            })
            .collect();
        let Self {
            db, keys, entries, ..
        } = self;
        unflushed(db, |db| {
            for (address, source, erasure) in addressed {
                let source = source_number(source);
                let everything = erasure.scope == Scope::Everything && erasure.through > 0;
                let Some(entry) = entries.get_mut(&erasure.conversation) else {
                    raise_tombstone(db, address, erasure.through, source)?;
                    if everything {
                        note_unlisted(db, address, erasure.through)?;
                    }
                    continue;
                };
                bury(db, entry.row, address, erasure.through, source)?;
                if everything {
                    note_unlisted(db, address, erasure.through)?;
                }
                // What is left in memory are the epochs whose keys live.
                let lives_from = entry.epochs.first().map_or(END, |epoch| epoch.through - 1);
                db.prepare_cached("DELETE FROM epochs WHERE conversation = ? AND through <= ?")?
                    .execute(params![entry.row, lives_from as i64])?;
                if entry.details_key.is_none() {
                    let changed = db
                        .prepare_cached(
                            "UPDATE conversations
                             SET details = NULL, details_slot = NULL, details_generation = NULL
                             WHERE row = ?",
                        )?
                        .execute([entry.row])?;
                    only_one(changed)?;
                }
                // What the deletion took of them is not to come back with the row.
                if !entry.hidden && (entry.details_key.is_some() || !entry.details.is_empty()) {
                    entry.update_details(db, keys)?;
                }
                entry.update(db)?;
                note_erased(db, erasure.deletion)?;
            }
            Ok(())
        })
    }
}

/// All keys of a conversation.
fn slots_of(entry: &Entry) -> impl Iterator<Item = SlotRef> {
    let content = entry.epochs.iter().map(|epoch| epoch.slot);
    content.chain([entry.key])
}

/// Keeps what lies at or below a position from coming back, and has its ciphertext purged.
pub(super) fn bury(
    db: &Connection,
    row: i64,
    address: [u8; 16],
    through: u64,
    source: i64,
) -> Result<()> {
    if through == 0 {
        return Ok(());
    }
    raise_tombstone(db, address, through, source)?;
    db.prepare_cached(
        "INSERT INTO dead(conversation, through) VALUES(?, ?)
         ON CONFLICT DO UPDATE SET through = max(through, excluded.through)",
    )?
    .execute(params![row, through as i64])?;
    Ok(())
}

fn note_erased(db: &Connection, deletion: DeletionId) -> Result<()> {
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

fn raise_tombstone(db: &Connection, address: [u8; 16], through: u64, source: i64) -> Result<()> {
    // Nothing was erased, and so nothing is said of whose positions the next message brings.
    if through == 0 {
        return Ok(());
    }
    db.prepare_cached(
        "INSERT INTO tombstones(address, through, source) VALUES(?, ?, ?)
         ON CONFLICT DO UPDATE SET through = max(through, excluded.through),
             source = CASE source WHEN 0 THEN excluded.source ELSE source END",
    )?
    .execute(params![address, through as i64, source])?;
    Ok(())
}

pub(super) fn remove_conversation(db: &Connection, row: i64) -> Result<()> {
    db.prepare_cached("DELETE FROM epochs WHERE conversation = ?")?
        .execute([row])?;
    only_one(
        db.prepare_cached("DELETE FROM conversations WHERE row = ?")?
            .execute([row])?,
    )
}
