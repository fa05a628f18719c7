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

use std::collections::{HashMap, HashSet};

use rusqlite::{Connection, params};

use super::entry::{Entry, Epoch, insert_epoch, only_one, source_number};
use super::key_file::{Epitaph, SlotRef};
use super::keyring::Keyring;
use super::seal::Place;
use super::{Store, flushed, unflushed};
use crate::conversation::{ConversationId, END, Message, Source};
use crate::deletion::DeletionId;
use crate::error::Result;
use crate::failpoint::failpoint;

/// Rows that are sealed anew between two looks at memory.
const RESEAL_CHUNK: i64 = 1000;

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

/// A deletion that an earlier life of the process left behind.
#[derive(Clone, Debug)]
pub struct Unfinished {
    /// What was accepted.
    pub intent: Intent,
    /// Its keys are destroyed, only its outcome was not delivered.
    pub erased: bool,
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
    /// The disk failed. Keys may be dead or not; carrying the deletions out again makes it certain.
    pub fn destroy(&mut self, erasures: &[Erasure]) -> Result<()> {
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
        self.keys.destroy(&doomed)?;
        self.unrecorded.append(&mut unrecorded);
        for erasure in erasures {
            self.hide(erasure);
        }
        failpoint("keys-destroyed");
        Ok(())
    }

    /// Lets the rows follow the keys. Not flushed, and not what success waits for: what is lost
    /// here, the next open does again from the dead slots. What fails is tried again before
    /// anything else is written.
    pub fn record(&mut self) -> Result<()> {
        if self.unrecorded.is_empty() {
            return Ok(());
        }
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
        for (entry, deletion) in gone.values() {
            let epitaph = Epitaph {
                deletion: *deletion,
                cut_off: entry.floor,
            };
            let content = entry.epochs.iter().map(|epoch| epoch.slot);
            doomed.extend(content.chain([entry.key]).map(|slot| (slot, epitaph)));
        }
        self.keys.destroy(&doomed)?;
        failpoint("address-destroyed");
        unflushed(&mut self.db, |db| {
            for (entry, _) in gone.values() {
                bury(
                    db,
                    entry.row,
                    entry.address,
                    entry.floor,
                    source_number(entry.source),
                )?;
                remove_conversation(db, entry.row)?;
            }
            for (deletion, _) in delivered {
                db.prepare_cached("DELETE FROM journal WHERE deletion = ?")?
                    .execute([deletion.0])?;
            }
            Ok(())
        })?;
        for conversation in gone.keys() {
            self.entries.remove(*conversation);
        }
        self.dead_slots
            .extend(doomed.iter().map(|(slot, _)| slot.index));
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

    /// Deletions that an earlier life of the process accepted and did not see to their end.
    pub fn unfinished(&self) -> Result<Vec<Unfinished>> {
        let by_row: HashMap<i64, &Entry> = self
            .entries
            .values()
            .map(|entry| (entry.row, entry))
            .collect();
        let mut unfinished = Vec::new();
        let mut select = self
            .db
            .prepare("SELECT deletion, conversation, cut_off, erased FROM journal")?;
        let mut rows = select.query([])?;
        while let Some(row) = rows.next()? {
            if let Some(entry) = by_row.get(&row.get(1)?) {
                let cut_off: Option<i64> = row.get(2)?;
                let intent = Intent {
                    deletion: DeletionId(row.get(0)?),
                    conversation: entry.id.clone(),
                    cut_off: cut_off.map(|cut_off| cut_off as u64),
                    host_positions: entry.source == Some(Source::Host),
                };
                unfinished.push(Unfinished {
                    intent,
                    erased: row.get(3)?,
                });
            }
        }
        // Erased without a journal row (there is no server), and not forgotten: told long ago.
        let written: HashSet<_> = unfinished
            .iter()
            .map(|left| left.intent.conversation.clone())
            .collect();
        for entry in self.entries.values() {
            if (entry.hidden || entry.is_only_a_name()) && !written.contains(&entry.id) {
                let intent = Intent {
                    deletion: DeletionId([0; 16]),
                    conversation: entry.id.clone(),
                    cut_off: None,
                    host_positions: false,
                };
                unfinished.push(Unfinished {
                    intent,
                    erased: true,
                });
            }
        }
        Ok(unfinished)
    }

    /// Sets apart what came after the cut-off while the deletion was on its way. Nothing is set
    /// apart before: most deletions find nothing newer.
    fn split_where_needed(&mut self, erasures: &[Erasure]) -> Result<()> {
        for erasure in erasures {
            let Some(mut entry) = self.entries.get(&erasure.conversation).cloned() else {
                continue;
            };
            // With nothing above the cut-off, every key goes: there is nothing to set apart.
            let boundary = |epoch: &Epoch| epoch.through == erasure.through;
            if entry.head <= erasure.through || entry.epochs.iter().any(boundary) {
                continue;
            }
            let Self { db, keys, .. } = self;
            let entry = keys.taking(|keys, taken| {
                flushed(db, |db| {
                    split(&mut entry, erasure.through, db, keys, taken)?;
                    Ok(entry)
                })
            })?;
            self.put(entry);
        }
        Ok(())
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

    /// In the database: the rows follow the keys.
    fn record_rows(&mut self) -> Result<()> {
        let addressed: Vec<_> = self
            .unrecorded
            .iter()
            .map(|(erasure, _)| (self.address(&erasure.conversation), erasure.clone()))
            .collect();
        let Self {
            db, keys, entries, ..
        } = self;
        unflushed(db, |db| {
            for (address, erasure) in addressed {
                // Where no message ever told, the positions are the server's.
                let server = source_number(Some(Source::Server));
                let Some(entry) = entries.get_mut(&erasure.conversation) else {
                    raise_tombstone(db, address, erasure.through, server)?;
                    continue;
                };
                let source = entry
                    .source
                    .map_or(server, |source| source_number(Some(source)));
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

    /// After a crash: epochs whose key is dead are erased, whatever their rows say.
    pub(super) fn finish_erasing(&mut self) -> Result<()> {
        let mut erasures: Vec<Erasure> = Vec::new();
        for entry in self.entries.values() {
            let epitaphs = entry
                .epochs
                .iter()
                .filter_map(|epoch| self.keys.file.epitaph(epoch.slot));
            erasures.extend(epitaphs.map(|epitaph| Erasure {
                deletion: epitaph.deletion,
                conversation: entry.id.clone(),
                through: epitaph.cut_off,
            }));
        }
        if erasures.is_empty() {
            return Ok(());
        }
        self.destroy(&erasures)?;
        self.record()
    }

    /// After a crash: conversations whose address key is dead have lost their last name already.
    pub(super) fn finish_forgetting(&mut self) -> Result<()> {
        let mut nameless = Vec::new();
        {
            let mut select = self
                .db
                .prepare("SELECT row, address, slot, generation, source FROM conversations")?;
            let mut rows = select.query([])?;
            while let Some(row) = rows.next()? {
                let slot = SlotRef {
                    index: row.get(2)?,
                    generation: row.get(3)?,
                };
                if let Some(epitaph) = self.keys.file.epitaph(slot) {
                    let (number, address): (i64, [u8; 16]) = (row.get(0)?, row.get(1)?);
                    nameless.push((number, address, epitaph.cut_off, row.get::<_, i64>(4)?));
                }
            }
        }
        if nameless.is_empty() {
            return Ok(());
        }
        unflushed(&mut self.db, |db| {
            for (row, address, cut_off, source) in nameless {
                bury(db, row, address, cut_off, source)?;
                remove_conversation(db, row)?;
                db.execute("DELETE FROM journal WHERE conversation = ?", [row])?;
            }
            Ok(())
        })
    }
}

/// Keeps what lies at or below a position from coming back, and has its ciphertext purged.
fn bury(db: &Connection, row: i64, address: [u8; 16], through: u64, source: i64) -> Result<()> {
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
    db.prepare_cached(
        "INSERT INTO tombstones(address, through, source) VALUES(?, ?, ?)
         ON CONFLICT DO UPDATE SET through = max(through, excluded.through)",
    )?
    .execute(params![address, through as i64, source])?;
    Ok(())
}

fn remove_conversation(db: &Connection, row: i64) -> Result<()> {
    db.prepare_cached("DELETE FROM epochs WHERE conversation = ?")?
        .execute([row])?;
    only_one(
        db.prepare_cached("DELETE FROM conversations WHERE row = ?")?
            .execute([row])?,
    )
}

/// Puts an epoch boundary at `cut_off`: positions above it get a key of their own. Rows there that
/// lie under the old key are sealed anew, which is the one part that costs what it moves.
fn split(
    entry: &mut Entry,
    cut_off: u64,
    db: &Connection,
    keys: &mut Keyring,
    taken: &mut Vec<SlotRef>,
) -> Result<()> {
    let Some(at) = entry
        .epochs
        .iter()
        .position(|epoch| epoch.through > cut_off)
    else {
        return Ok(());
    };
    let below = if at == 0 {
        entry.floor
    } else {
        entry.epochs[at - 1].through
    };
    if below >= cut_off {
        return Ok(());
    }
    let Epoch { through, slot: old } = entry.epochs[at];
    let new = keys.file.take()?;
    taken.push(new);
    let changed = db
        .prepare_cached(
            "UPDATE epochs SET slot = ?, generation = ? WHERE conversation = ? AND through = ?",
        )?
        .execute(params![
            new.index,
            new.generation,
            entry.row,
            through as i64
        ])?;
    only_one(changed)?;
    insert_epoch(db, entry.row, cut_off, old)?;
    entry.epochs[at].slot = new;
    entry.epochs.insert(
        at,
        Epoch {
            through: cut_off,
            slot: old,
        },
    );
    // The title belongs to what lives on.
    if !entry.title.is_empty() {
        entry.update_title(db, keys)?;
    }
    reseal(entry.row, cut_off, through, (old, new), db, keys)
}

fn reseal(
    row: i64,
    above: u64,
    through: u64,
    (old, new): (SlotRef, SlotRef),
    db: &Connection,
    keys: &mut Keyring,
) -> Result<()> {
    let mut above = above as i64;
    loop {
        let chunk: Vec<(i64, Vec<u8>)> = db
            .prepare_cached(
                "SELECT position, sealed FROM messages WHERE conversation = ? AND position > ? AND position <= ?
                 ORDER BY position LIMIT ?",
            )?
            .query_map(params![row, above, through as i64, RESEAL_CHUNK], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<rusqlite::Result<_>>()?;
        let Some((last, _)) = chunk.last() else {
            return Ok(());
        };
        above = *last;
        let mut resealed = Vec::new();
        for (position, mut sealed) in chunk {
            let place = Place::Message {
                row,
                position: position as u64,
            };
            // What does not open was lost before, and is no reason to keep the rest.
            let Ok(text) = keys.key(old)?.0.open(place, &mut sealed) else {
                continue;
            };
            let (key, random) = keys.key(new)?;
            key.seal(place, text, &mut resealed, random)?;
            let changed = db
                .prepare_cached(
                    "UPDATE messages SET sealed = ? WHERE conversation = ? AND position = ?",
                )?
                .execute(params![resealed, row, position])?;
            only_one(changed)?;
        }
    }
}
