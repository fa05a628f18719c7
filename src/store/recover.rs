//! What an earlier life of the process left behind: read from the slots and from the journal.

use std::collections::{HashMap, HashSet};

use super::entry::Entry;
use super::erase::{Erasure, Intent, bury, remove_conversation};
use super::slot::SlotRef;
use super::{Store, unflushed};
use crate::conversation::Source;
use crate::deletion::DeletionId;
use crate::error::Result;

/// A deletion that an earlier life of the process left behind.
#[derive(Clone, Debug)]
pub struct Unfinished {
    /// What was accepted.
    pub intent: Intent,
    /// Its keys are destroyed, only its outcome was not delivered.
    pub erased: bool,
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
