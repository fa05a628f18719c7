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
use super::seal::Place;
use super::slot::{Epitaph, SlotRef};
use super::{Store, flushed, unflushed};
use crate::conversation::{ConversationId, END, Message, Source};
use crate::deletion::DeletionId;
use crate::error::{Error, Result};
use crate::failpoint::failpoint;

/// A deletion that was accepted.
#[derive(Clone, Debug)]
pub struct Intent {
    /// Its id.
    pub deletion: DeletionId,
    /// Which conversation.
    pub conversation: ConversationId,
    /// Where it ends; `None` when the device knows no position.
    pub cut_off: Option<u64>,
    /// The position is the host's own, which the server does not know.
    pub host_positions: bool,
}

/// A deletion that is to be carried out.
#[derive(Clone, Debug)]
pub struct Erasure {
    /// Its id.
    pub deletion: DeletionId,
    /// Which conversation.
    pub conversation: ConversationId,
    /// The last position that goes.
    pub through: u64,
}

impl Store {
    /// Writes intents down, all or none. When this returns, a crash cannot lose them.
    pub fn begin(&mut self, intents: &[Intent]) -> Result<()> {
        self.record()?;
        let mut changed: HashMap<ConversationId, Entry> = HashMap::new();
        for intent in intents {
            changed.insert(
                intent.conversation.clone(),
                self.entry_or_new(&intent.conversation)?,
            );
        }
        let Self { db, keys, .. } = self;
        let changed = keys.taking(|keys, taken| {
            flushed(db, |db| {
                for intent in intents {
                    let Some(entry) = changed.get_mut(&intent.conversation) else {
                        continue;
                    };
                    if entry.row == 0 {
                        entry.insert(db, keys, taken)?;
                    }
                    let cut_off = intent.cut_off.map(|cut_off| cut_off as i64);
                    db.prepare_cached(
                        "INSERT INTO journal(deletion, conversation, cut_off) VALUES(?, ?, ?)",
                    )?
                    .execute(params![
                        intent.deletion.0,
                        entry.row,
                        cut_off
                    ])?;
                }
                Ok(changed)
            })
        })?;
        for entry in changed.into_values() {
            self.put(entry);
        }
        failpoint("intent-recorded");
        Ok(())
    }

    /// Destroys what the deletions cover, and hides it. When this returns, nothing in the store can
    /// bring it back, and a crash from here on changes nothing: the dead slots are the record.
    ///
    /// # Errors
    /// A cut-off that no message can have: nothing has happened.
    /// The disk failed. Where that was after the first key was touched, what the deletions cover is
    /// hidden, and dead for this process; [`Self::record`] and the next deletion make it certain.
    pub fn destroy(&mut self, erasures: &[Erasure]) -> Result<()> {
        // What the host gives was checked; this came from a server.
        if let Some(wrong) = erasures.iter().find(|erasure| erasure.through >= END) {
            return Err(Error::BadAnswer(format!(
                "the server has erased up to position {}, which no message can have",
                wrong.through
            )));
        }
        self.split_where_needed(erasures)?;
        let mut doomed = Vec::new();
        let mut unrecorded = Vec::new();
        for erasure in erasures {
            let epitaph = Epitaph {
                deletion: erasure.deletion,
                cut_off: erasure.through,
            };
            let entry = self.entries.get(&erasure.conversation);
            let slots = entry
                .into_iter()
                .flat_map(|entry| entry.doomed(erasure.through));
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
        self.unrecorded.append(&mut unrecorded);
        for erasure in erasures {
            self.hide(erasure);
        }
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
    pub fn forget(&mut self, delivered: &[(DeletionId, ConversationId)]) -> Result<()> {
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
                db.prepare_cached("DELETE FROM journal WHERE deletion = ?")?
                    .execute([deletion.0])?;
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

    /// Whether a conversation has deletions under way beside those that are done with.
    fn has_other_intents(&self, row: i64, done: &[(DeletionId, ConversationId)]) -> Result<bool> {
        let mut select = self
            .db
            .prepare_cached("SELECT deletion FROM journal WHERE conversation = ?")?;
        let mut rows = select.query([row])?;
        while let Some(row) = rows.next()? {
            let deletion = DeletionId(row.get(0)?);
            if !done.iter().any(|(done, _)| *done == deletion) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Takes intents back: the device keeps all of it. When this returns, a crash cannot bring
    /// them back.
    pub fn abandon(&mut self, refused: &[(DeletionId, ConversationId)]) -> Result<()> {
        flushed(&mut self.db, |db| {
            for (deletion, _) in refused {
                db.prepare_cached("DELETE FROM journal WHERE deletion = ?")?
                    .execute([deletion.0])?;
            }
            Ok(())
        })?;
        // A conversation that was only a name for the deletion goes with it.
        let names: Vec<_> = refused
            .iter()
            .filter(|(_, conversation)| {
                self.entries
                    .get(conversation)
                    .is_some_and(Entry::is_only_a_name)
            })
            .cloned()
            .collect();
        if names.is_empty() {
            Ok(())
        } else {
            self.forget(&names)
        }
    }

    /// In memory, at once: nothing at or below the cut-off is given out any more.
    fn hide(&mut self, erasure: &Erasure) {
        let Some(mut entry) = self.entries.get(&erasure.conversation).cloned() else {
            return;
        };
        entry.floor = entry.floor.max(erasure.through);
        let doomed: Vec<_> = entry.doomed(erasure.through).collect();
        entry.epochs.retain(|epoch| !doomed.contains(&epoch.slot));
        entry.hidden = entry.head <= entry.floor;
        if entry
            .title_key
            .is_some_and(|slot| !entry.epochs.iter().any(|epoch| epoch.slot == slot))
        {
            entry.title_key = None;
        }
        if entry.hidden {
            (entry.messages, entry.unread, entry.title) = (0, 0, String::new());
        } else {
            (entry.messages, entry.unread) = self.count_above_floor(&entry).unwrap_or_default();
        }
        self.put(entry);
    }

    /// Messages and unread ones that survive; costs what survives.
    fn count_above_floor(&mut self, entry: &Entry) -> Result<(u64, u64)> {
        let Self {
            db, keys, owner, ..
        } = self;
        let mut select = db.prepare_cached(
            "SELECT position, sealed FROM messages WHERE conversation = ? AND position > ?",
        )?;
        let mut rows = select.query(params![entry.row, entry.floor as i64])?;
        let (mut messages, mut unread) = (0, 0);
        while let Some(row) = rows.next()? {
            messages += 1;
            let position = row.get::<_, i64>(0)? as u64;
            if position > entry.read_through
                && let Some(slot) = entry.key_for(position)
            {
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
        }
        Ok((messages, unread))
    }

    /// Whose positions an erasure speaks of: what the messages told, or what the host wanted to
    /// save and has not; where nobody ever told, they are the server's.
    fn source_of(&self, erasure: &Erasure) -> Source {
        let id = &erasure.conversation;
        let stored = self.entries.get(id).and_then(|entry| entry.source);
        let wanted = || self.positions.head_of(id, Source::Host);
        stored.unwrap_or_else(|| wanted().map_or(Source::Server, |_| Source::Host))
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
                let source = source_number(Some(source));
                let Some(entry) = entries.get_mut(&erasure.conversation) else {
                    raise_tombstone(db, address, erasure.through, source)?;
                    continue;
                };
                bury(db, entry.row, address, erasure.through, source)?;
                // What is left in memory are the epochs whose keys live.
                let lives_from = entry.epochs.first().map_or(END, |epoch| epoch.through - 1);
                db.prepare_cached("DELETE FROM epochs WHERE conversation = ? AND through <= ?")?
                    .execute(params![entry.row, lives_from as i64])?;
                if entry.title_key.is_none() {
                    let changed = db
                        .prepare_cached(
                            "UPDATE conversations
                             SET details = NULL, details_slot = NULL, details_generation = NULL
                             WHERE row = ?",
                        )?
                        .execute([entry.row])?;
                    only_one(changed)?;
                }
                if !entry.hidden && entry.title_key.is_none() && !entry.title.is_empty() {
                    entry.update_title(db, keys)?;
                }
                entry.update(db)?;
                db.prepare_cached("UPDATE journal SET erased = 1 WHERE deletion = ?")?
                    .execute([erasure.deletion.0])?;
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

fn raise_tombstone(db: &Connection, address: [u8; 16], through: u64, source: i64) -> Result<()> {
    // Nothing was erased, and so nothing is said of whose positions the next message brings.
    if through == 0 {
        return Ok(());
    }
    db.prepare_cached(
        "INSERT INTO tombstones(address, through, source) VALUES(?, ?, ?)
         ON CONFLICT DO UPDATE SET through = max(through, excluded.through)",
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
