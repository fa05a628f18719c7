//! What undo windows hide of a conversation, and bring back when they are undone.

use rusqlite::Connection;

use crate::deletion::{DeletionId, Scope};
use crate::error::Result;

/// Up to which positions undo windows hide a conversation. The journal has the truth: a row keeps
/// only `history`, until the store is opened again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Veil {
    /// Its messages.
    pub history: Option<u64>,
    /// All else, its place in the list among it: what clears the history leaves that alone. Never
    /// beyond `history`.
    pub entry: Option<u64>,
}

impl Veil {
    /// What the undo windows of a conversation hide, without those of some deletions.
    pub fn without(db: &Connection, row: i64, done: &[DeletionId]) -> Result<Self> {
        let mut select = db.prepare_cached(
            "SELECT deletion, coalesce(cut_off, 0), scope FROM journal
             WHERE conversation = ? AND undo_until IS NOT NULL AND erased = 0",
        )?;
        let mut rows = select.query([row])?;
        let mut veil = Self::default();
        while let Some(row) = rows.next()? {
            if !done.contains(&DeletionId(row.get(0)?)) {
                let scope = Scope::of(row.get(2)?);
                veil.cover(row.get(1)?, scope);
            }
        }
        Ok(veil)
    }

    /// Hides what a deletion would take, up to a position.
    pub fn cover(&mut self, through: u64, scope: Scope) {
        self.history = self.history.max(Some(through));
        if scope != Scope::History {
            self.entry = self.entry.max(Some(through));
        }
    }

    /// Whether it hides something.
    pub fn hides(&self) -> bool {
        self.history.is_some()
    }
}
