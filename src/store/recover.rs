//! What an earlier life of the process left behind: read from the slots and from the journal.

use std::collections::{HashMap, HashSet};

use super::entry::{Entry, source_number, source_of};
use super::erase::Erasure;
use super::intent::{Intent, Progress};
use super::record::remove_nameless;
use super::slot::SlotRef;
use super::veil::Veil;
use super::{Store, unflushed};
use crate::deletion::{DeletionId, Policy, Scope};
use crate::error::Result;

/// A deletion that an earlier life of the process left behind.
#[derive(Clone, Debug)]
pub struct Unfinished {
    /// What was accepted.
    pub intent: Intent,
    /// How far it has come.
    pub progress: Progress,
}

impl Store {
    /// Deletions that an earlier life of the process accepted and did not see to their end.
    pub fn unfinished(&self) -> Result<Vec<Unfinished>> {
        let by_row: HashMap<i64, &Entry> = self
            .entries
            .values()
            .map(|entry| (entry.row, entry))
            .collect();
        let mut unfinished = Vec::new();
        let mut select = self.db.prepare(
            "SELECT deletion, conversation, cut_off, scope, policy, accepted_at, undo_until,
                 erased, refused, attempts, next_try, last_code, host_positions
             FROM journal ORDER BY accepted_at",
        )?;
        let mut rows = select.query([])?;
        while let Some(row) = rows.next()? {
            let Some(entry) = by_row.get(&row.get(1)?) else {
                continue;
            };
            let intent = Intent {
                deletion: DeletionId(row.get(0)?),
                conversation: entry.id.clone(),
                cut_off: row.get(2)?,
                host_positions: row.get(12)?,
                scope: Scope::of(row.get(3)?),
                policy: Policy::of(row.get(4)?),
                accepted_at: row.get(5)?,
                undo_until: row.get(6)?,
            };
            let progress = Progress {
                erased: row.get(7)?,
                refused: row.get(8)?,
                attempts: row.get(9)?,
                next_try: row.get(10)?,
                last_code: row.get(11)?,
            };
            unfinished.push(Unfinished { intent, progress });
        }
        // Erased without a journal row (the server has no part in it), and not forgotten.
        let written: HashSet<_> = unfinished
            .iter()
            .map(|left| left.intent.conversation.clone())
            .collect();
        for entry in self.entries.values() {
            if (entry.hidden || entry.is_only_a_name()) && !written.contains(&entry.id) {
                let erased = self.erased_at_open.get(&entry.id);
                let intent = Intent {
                    deletion: erased.copied().unwrap_or(DeletionId([0; 16])),
                    conversation: entry.id.clone(),
                    cut_off: Some(entry.floor),
                    host_positions: false,
                    scope: Scope::Everything,
                    policy: Policy::LocalOnly,
                    accepted_at: 0,
                    undo_until: None,
                };
                let progress = Progress {
                    erased: true,
                    ..Progress::default()
                };
                unfinished.push(Unfinished { intent, progress });
            }
        }
        Ok(unfinished)
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
                // What said so in the row may not have reached the disk.
                source: entry.source.or(epitaph.source),
                scope: epitaph.scope,
            }));
        }
        if erasures.is_empty() {
            return Ok(());
        }
        self.destroy(&erasures)?;
        let erased = erasures.into_iter();
        self.erased_at_open = erased
            .map(|erasure| (erasure.conversation, erasure.deletion))
            .collect();
        self.record()
    }

    /// What undo windows hide is what the journal says they do.
    pub(super) fn mend_veils(&mut self) -> Result<()> {
        let veiled = self.entries.values().filter(|entry| entry.veil.hides());
        for mut entry in veiled.cloned().collect::<Vec<_>>() {
            let veil = Veil::without(&self.db, entry.row, &[])?;
            if veil != entry.veil {
                entry.veil = veil;
                self.recount(&mut entry)?;
                unflushed(&mut self.db, |db| entry.update(db))?;
                self.put(entry);
            }
        }
        Ok(())
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
                    // What said so in the row may not have reached the disk.
                    let source = source_of(row.get(4)?).or(epitaph.source);
                    let how = (source_number(source), epitaph.scope != Scope::History);
                    nameless.push((number, address, epitaph.cut_off, how));
                }
            }
        }
        if nameless.is_empty() {
            return Ok(());
        }
        unflushed(&mut self.db, |db| {
            for (row, address, cut_off, how) in nameless {
                remove_nameless(db, row, address, cut_off, how)?;
                db.execute("DELETE FROM journal WHERE conversation = ?", [row])?;
            }
            Ok(())
        })
    }
}
