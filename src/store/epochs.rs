//! Which key covers which positions, and moving that boundary.

use rusqlite::{Connection, params};

use super::entry::{Entry, Epoch, insert_epoch, only_one};
use super::erase::Erasure;
use super::keyring::Keyring;
use super::seal::Place;
use super::slot::SlotRef;
use super::{Store, flushed};
use crate::deletion::Scope;
use crate::error::Result;

/// Rows that are sealed anew between two looks at memory.
const RESEAL_CHUNK: i64 = 1000;

impl Store {
    /// Sets apart what came after the cut-off while the deletion was on its way. Nothing is set
    /// apart before: most deletions find nothing newer.
    pub(super) fn split_where_needed(&mut self, erasures: &[Erasure]) -> Result<()> {
        for erasure in erasures {
            let Some(entry) = self.entries.get(&erasure.conversation) else {
                continue;
            };
            // With nothing above the cut-off, every key goes: there is nothing to set apart but
            // what shows a conversation that stays in the list.
            let boundary = |epoch: &Epoch| epoch.through == erasure.through;
            let stays = erasure.scope == Scope::History;
            if (entry.head <= erasure.through && !stays) || entry.epochs.iter().any(boundary) {
                continue;
            }
            let mut entry = entry.clone();
            let left = entry.details.above(erasure.through);
            // A draft that goes is not to lie under a key that lives on.
            let details_go = !stays && left != *entry.details;
            if !stays {
                entry.details = left.into();
            }
            let Self { db, keys, .. } = self;
            let entry = keys.taking(|keys, taken| {
                flushed(db, |db| {
                    split(&mut entry, (erasure.through, details_go), db, keys, taken)?;
                    Ok(entry)
                })
            })?;
            self.put(entry);
        }
        Ok(())
    }
}

/// Puts an epoch boundary at `cut_off`: positions above it get a key of their own. Rows there that
/// lie under the old key are sealed anew, which is the one part that costs what it moves.
fn split(
    entry: &mut Entry,
    (cut_off, details_go): (u64, bool),
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
    if below >= cut_off && !details_go {
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
    // The details that are left belong to what lives on.
    if !entry.details.is_empty() {
        entry.update_details(db, keys)?;
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
