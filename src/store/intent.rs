//! The journal: deletions that were accepted and whose outcome is not delivered yet.

use std::collections::HashMap;

use rusqlite::{Connection, params};

use super::entry::Entry;
use super::veil::Veil;
use super::{Store, flushed, unflushed};
use crate::conversation::ConversationId;
use crate::deletion::{DeletionId, Policy, Scope};
use crate::error::Result;
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
    /// What goes.
    pub scope: Scope,
    /// How far to go.
    pub policy: Policy,
    /// When it was accepted, in Unix milliseconds.
    pub accepted_at: u64,
    /// Until when it can be undone, in Unix milliseconds.
    pub undo_until: Option<u64>,
}

/// How far an intent has come, as the journal knows it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// What the device had is erased.
    pub erased: bool,
    /// The server will not, whatever is tried.
    pub refused: bool,
    /// How often the server was asked in vain.
    pub attempts: u32,
    /// When it is asked next, in Unix milliseconds.
    pub next_try: u64,
    /// Why the last attempt was in vain; 0 before the first.
    pub last_code: i32,
}

/// A deletion by its name in the table and in the journal.
pub type Named = (DeletionId, ConversationId);

impl Store {
    /// Writes intents down, all or none, and hides what can still be undone. When this returns,
    /// a crash cannot lose them.
    pub fn begin(&mut self, intents: &[Intent]) -> Result<()> {
        for intent in intents {
            self.record_of(&intent.conversation)?;
        }
        let mut changed: HashMap<ConversationId, Entry> = HashMap::new();
        for intent in intents {
            // Two of one conversation hide what both hide.
            let mut entry = match changed.remove(&intent.conversation) {
                Some(entry) => entry,
                None => self.entry_or_new(&intent.conversation)?,
            };
            if intent.undo_until.is_some() {
                let through = intent.cut_off.unwrap_or(0);
                entry.veil.cover(through, intent.scope);
                self.recount(&mut entry)?;
            }
            changed.insert(intent.conversation.clone(), entry);
        }
        let Self { db, keys, .. } = self;
        let changed = keys.taking(|keys, taken| {
            flushed(db, |db| {
                for intent in intents {
                    let Some(entry) = changed.get_mut(&intent.conversation) else {
                        continue;
                    };
                    let is_new = entry.row == 0;
                    if is_new {
                        entry.insert(db, keys, taken)?;
                    }
                    if is_new || intent.undo_until.is_some() {
                        entry.update(db)?;
                    }
                    insert(db, entry.row, intent)?;
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

    /// Notes that a call joined a deletion, by whose id the host may ask for it in another life of
    /// the process. Not flushed.
    pub fn note_joined(&mut self, deletion: DeletionId, call: DeletionId) -> Result<()> {
        unflushed(&mut self.db, |db| {
            db.prepare_cached("INSERT OR IGNORE INTO joined(deletion, call) VALUES(?, ?)")?
                .execute(params![deletion.0, call.0])?;
            Ok(())
        })
    }

    /// The calls that joined deletions: which deletion, which call.
    pub fn joined(&self) -> Result<Vec<(DeletionId, DeletionId)>> {
        let mut select = self.db.prepare("SELECT deletion, call FROM joined")?;
        let pairs = select.query_map([], |row| {
            Ok((DeletionId(row.get(0)?), DeletionId(row.get(1)?)))
        })?;
        Ok(pairs.collect::<rusqlite::Result<_>>()?)
    }

    /// Notes how far intents have come. Not flushed: what is lost is tried again a little early.
    pub fn note_progress(&mut self, notes: &[(DeletionId, Progress)]) -> Result<()> {
        unflushed(&mut self.db, |db| {
            let mut update = db.prepare_cached(
                "UPDATE journal SET refused = ?, attempts = ?, next_try = ?, last_code = ?
                 WHERE deletion = ?",
            )?;
            for (deletion, progress) in notes {
                update.execute(params![
                    progress.refused,
                    progress.attempts,
                    progress.next_try as i64,
                    progress.last_code,
                    deletion.0
                ])?;
            }
            Ok(())
        })
    }

    /// Takes intents back: the device keeps all of it, and shows it again. When this returns, a
    /// crash cannot bring them back.
    pub fn abandon(&mut self, abandoned: &[Named]) -> Result<()> {
        for (_, conversation) in abandoned {
            self.record_of(conversation)?;
        }
        let ids: Vec<_> = abandoned.iter().map(|(deletion, _)| *deletion).collect();
        let mut lifted: HashMap<ConversationId, Entry> = HashMap::new();
        let mut names = Vec::new();
        for (deletion, conversation) in abandoned {
            let Some(mut entry) = self.entries.get(conversation).cloned() else {
                continue;
            };
            if entry.veil.hides() {
                // Hidden is only what other undo windows still hide.
                entry.veil = Veil::without(&self.db, entry.row, &ids)?;
                self.recount(&mut entry)?;
                lifted.insert(conversation.clone(), entry.clone());
            }
            // What was only a name for the deletion goes with it.
            if entry.is_only_a_name() {
                names.push((*deletion, conversation.clone()));
            }
        }
        flushed(&mut self.db, |db| {
            for deletion in &ids {
                strike(db, *deletion)?;
            }
            for entry in lifted.values() {
                entry.update(db)?;
            }
            Ok(())
        })?;
        for entry in lifted.into_values() {
            self.put(entry);
        }
        if names.is_empty() {
            Ok(())
        } else {
            self.forget(&names)
        }
    }

    /// Notes that undo windows are over, whatever the clock says later. Not flushed.
    pub fn end_undo(&mut self, ended: &[DeletionId]) -> Result<()> {
        unflushed(&mut self.db, |db| {
            for deletion in ended {
                db.prepare_cached("UPDATE journal SET undo_until = 0 WHERE deletion = ?")?
                    .execute([deletion.0])?;
            }
            Ok(())
        })
    }

    /// Whether a conversation has deletions under way beside those that are done with.
    pub(super) fn has_other_intents(&self, row: i64, done: &[Named]) -> Result<bool> {
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
}

/// Strikes a deletion out of the journal.
pub(super) fn strike(db: &Connection, deletion: DeletionId) -> Result<()> {
    // What joined it goes at the next open: few ever do.
    db.prepare_cached("DELETE FROM journal WHERE deletion = ?")?
        .execute([deletion.0])?;
    Ok(())
}

fn insert(db: &Connection, row: i64, intent: &Intent) -> Result<()> {
    db.prepare_cached(
        "INSERT INTO journal(deletion, conversation, cut_off, host_positions, scope, policy, accepted_at,
             undo_until)
         VALUES(?, ?, ?, ?, ?, ?, ?, ?)",
    )?
    .execute(params![
        intent.deletion.0,
        row,
        intent.cut_off.map(|cut_off| cut_off as i64),
        intent.host_positions,
        intent.scope.number(),
        intent.policy.number(),
        intent.accepted_at as i64,
        intent.undo_until.map(|until| until as i64)
    ])?;
    Ok(())
}
