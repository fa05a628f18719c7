//! The rows follow the keys: what was erased is buried and waits for the purge, and of what has been
//! delivered the last name goes.

use std::collections::HashMap;

use rusqlite::{Connection, params};

use super::entry::{Entry, Unrecorded, only_one, source_number};
use super::erase::note_erased;
use super::intent::{Named, strike};
use super::slot::{Epitaph, SlotRef};
use super::{DeadSlots, Step, Store, flushed, unflushed};
use crate::conversation::{ConversationId, END};
use crate::deletion::{DeletionId, Scope};
use crate::error::Result;
use crate::failpoint::failpoint;

/// Conversations whose rows follow in one step: what comes meanwhile waits for its end.
const STEP: usize = 64;
/// Names that are looked at in one step: most conversations are forgotten before their rows follow.
const LOOKED_AT: usize = 16 * STEP;

impl Store {
    /// Lets all rows follow the keys. What is lost before, the next open does again from the dead
    /// slots. What fails is tried again before anything else is written of a conversation.
    pub fn record(&mut self) -> Result<()> {
        while self.record_step()? != Step::Nothing {}
        Ok(())
    }

    /// One step of [`Self::record`].
    pub fn record_step(&mut self) -> Result<Step> {
        let mut some = Vec::new();
        let mut looked_at = 0;
        for id in self.behind.iter().take(LOOKED_AT) {
            if some.len() == STEP {
                break;
            }
            looked_at += 1;
            if self.is_behind(id) {
                some.push(id.clone());
            }
        }
        if some.is_empty() {
            // Apart from the others, which are not to fail with them.
            some.extend(self.by_rows.keys().take(STEP).cloned());
        }
        let left_over = self.nameless.len() + self.delivered.len();
        if let Err(error) = self.record_these(&some, false) {
            self.behind.rotate_left(looked_at);
            return Err(error);
        }
        self.behind.drain(..looked_at);
        self.drop_nameless()?;
        Ok(match Step::of(some.len(), STEP) {
            _ if !self.behind.is_empty() => Step::Full,
            Step::Nothing if left_over > 0 => Step::Rest,
            step => step,
        })
    }

    /// Before a conversation is written to: its rows follow its keys.
    pub(super) fn record_of(&mut self, id: &ConversationId) -> Result<()> {
        if self.is_behind(id) {
            self.record_these(std::slice::from_ref(id), false)?;
        }
        self.drop_nameless()
    }

    /// Whether rows of a conversation have not followed its keys yet.
    fn is_behind(&self, id: &ConversationId) -> bool {
        let entry = self.entries.get(id);
        entry.is_some_and(|entry| entry.unrecorded.is_some()) || self.lacks_rows(id)
    }

    pub(super) fn record_these(&mut self, ids: &[ConversationId], flushed: bool) -> Result<()> {
        if ids.is_empty() {
            return Ok(());
        }
        // Never before the keys.
        self.keys.file.flush()?;
        self.record_rows(ids, flushed)?;
        failpoint("rows-followed");
        // Only now does no row refer to these slots any more.
        for id in ids {
            self.by_rows.remove(id);
            let entry = self.entries.get_mut(id);
            if let Some(unrecorded) = entry.and_then(|entry| entry.unrecorded.take()) {
                self.dead_slots.extend(dead_slots(&unrecorded));
            }
        }
        Ok(())
    }

    /// Removes the last traces of deletions whose outcome has been delivered.
    pub fn forget(&mut self, delivered: &[Named]) -> Result<()> {
        self.drop_nameless()?;
        // By conversation: two of its deletions may have been delivered at once.
        let mut gone: HashMap<&ConversationId, (Entry, DeletionId)> = HashMap::new();
        for (deletion, conversation) in delivered {
            let Some(entry) = self.entries.get(conversation) else {
                continue;
            };
            let stays = !(entry.hidden || entry.is_only_a_name());
            if stays {
                self.record_of(conversation)?;
            } else if !self.has_other_intents(entry.row, delivered)? {
                gone.insert(conversation, (entry.clone(), *deletion));
            }
        }
        let mut doomed = Vec::new();
        let mut nameless = Vec::new();
        for (entry, deletion) in gone.into_values() {
            let epitaph = Epitaph {
                deletion,
                cut_off: entry.floor,
                scope: entry.left_with(),
                source: entry.source,
            };
            doomed.extend(slots_of(&entry).map(|slot| (slot, epitaph)));
            nameless.push(entry);
        }
        let destroyed = self.keys.destroy(&doomed);
        // Also where it failed: a row whose name may be dead takes no message any more.
        for mut entry in nameless {
            self.entries.remove(&entry.id);
            self.by_rows.remove(&entry.id);
            // Rows that have not followed their keys need not: they go.
            let unrecorded = entry.unrecorded.take().unwrap_or_default();
            let slots = dead_slots(&unrecorded).into_iter();
            let slots = slots.chain(slots_of(&entry).map(|slot| slot.index));
            let slots = slots.collect();
            self.nameless.push((entry, slots));
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
            for (entry, _) in &*nameless {
                let how = (
                    source_number(entry.source),
                    entry.left_with() != Scope::History,
                );
                remove_nameless(db, entry.row, entry.address, entry.floor, how)?;
            }
            for deletion in &*delivered {
                strike(db, *deletion)?;
            }
            Ok(())
        })?;
        self.delivered.clear();
        for (_, slots) in std::mem::take(&mut self.nameless) {
            self.dead_slots.extend::<Vec<u32>>(slots);
        }
        Ok(())
    }

    /// In the database: the rows follow the keys.
    fn record_rows(&mut self, ids: &[ConversationId], wait: bool) -> Result<()> {
        let by_keys = ids
            .iter()
            .filter_map(|id| self.entries.get(id)?.unrecorded.as_ref())
            .flat_map(|unrecorded| unrecorded.iter().map(|(erasure, _)| erasure));
        let by_rows = ids.iter().filter_map(|id| self.by_rows.get(id)).flatten();
        let addressed: Vec<_> = by_keys
            .chain(by_rows)
            .map(|erasure| {
                let address = self.address(&erasure.conversation);
                (address, self.source_of(erasure), erasure.clone())
            })
            .collect();
        let Self {
            db, keys, entries, ..
        } = self;
        let follow = |db: &Connection| {
            for (address, source, erasure) in addressed {
                let leaves = erasure.scope == Scope::Everything;
                let how = (source_number(source), leaves);
                let Some(entry) = entries.get_mut(&erasure.conversation) else {
                    raise_tombstone(db, address, erasure.through, how)?;
                    continue;
                };
                bury(db, entry.row, address, erasure.through, how)?;
                // What is left in memory are the epochs whose keys live.
                let lives_from = entry
                    .epochs
                    .first()
                    .map_or(END, |epoch| epoch.through.saturating_sub(1));
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
        };
        if wait {
            flushed(db, follow)
        } else {
            unflushed(db, follow)
        }
    }
}

/// The slots of the keys that erasures of one conversation have destroyed. Two that were doomed
/// together name the same ones, which are used again once.
fn dead_slots(unrecorded: &Unrecorded) -> DeadSlots {
    let slots = unrecorded.iter().flat_map(|(_, slots)| slots);
    let mut slots: DeadSlots = slots.copied().collect();
    slots.sort_unstable();
    slots.dedup();
    slots
}

/// All keys of a conversation.
fn slots_of(entry: &Entry) -> impl Iterator<Item = SlotRef> {
    let content = entry.epochs.iter().map(|epoch| epoch.slot);
    content.chain([entry.key])
}

/// Keeps what lies at or below a position from coming back, and has its ciphertext purged. `how`:
/// whose position that is, and whether the conversation leaves the list with it.
fn bury(
    db: &Connection,
    row: i64,
    address: [u8; 16],
    through: u64,
    how: (i64, bool),
) -> Result<()> {
    if through == 0 {
        return Ok(());
    }
    raise_tombstone(db, address, through, how)?;
    db.prepare_cached(
        "INSERT INTO dead(conversation, through) VALUES(?, ?)
         ON CONFLICT DO UPDATE SET through = max(through, excluded.through)",
    )?
    .execute(params![row, through as i64])?;
    Ok(())
}

/// Removes what is left of a conversation whose address key is dead, but for what keeps it from
/// coming back.
pub(super) fn remove_nameless(
    db: &Connection,
    row: i64,
    address: [u8; 16],
    floor: u64,
    how: (i64, bool),
) -> Result<()> {
    bury(db, row, address, floor, how)?;
    db.prepare_cached("DELETE FROM epochs WHERE conversation = ?")?
        .execute([row])?;
    only_one(
        db.prepare_cached("DELETE FROM conversations WHERE row = ?")?
            .execute([row])?,
    )
}

/// Nothing up to a position is stored for this address any more. `how` as in [`bury`].
pub(super) fn raise_tombstone(
    db: &Connection,
    address: [u8; 16],
    through: u64,
    (source, leaves): (i64, bool),
) -> Result<()> {
    // Nothing was erased, and so nothing is said of whose positions the next message brings.
    if through == 0 {
        return Ok(());
    }
    db.prepare_cached(
        "INSERT INTO tombstones(address, through, source, unlisted) VALUES(?1, ?2, ?3, iif(?4, ?2, NULL))
         ON CONFLICT DO UPDATE SET through = max(through, excluded.through),
             source = CASE source WHEN 0 THEN excluded.source ELSE source END,
             unlisted = CASE WHEN ?4 THEN max(coalesce(unlisted, 0), excluded.unlisted) ELSE unlisted END",
    )?
    .execute(params![address, through as i64, source, leaves])?;
    Ok(())
}
