//! Changing what a conversation shows beside its messages.

use super::{Store, unflushed};
use crate::conversation::{Change, ConversationId, Set};
use crate::error::{Error, Result};

impl Store {
    /// Makes a change; `true` when the list shows something else afterwards. A pin or a draft
    /// makes a conversation known that was not.
    ///
    /// # Errors
    /// [`Error::NotFound`] for marks on, or reading, what is not there.
    pub fn change(&mut self, id: &ConversationId, change: &Change) -> Result<bool> {
        self.record()?;
        let mut entry = self.entry_or_new(id)?;
        let was_listed = entry.is_listed();
        let at = entry.head;
        let details = entry.details.clone();
        match change {
            Change::Pin(true) => {
                entry.details.pinned.get_or_insert(Set { at, value: () });
            }
            Change::Pin(false) => entry.details.pinned = None,
            Change::Draft(text) if text.is_empty() => entry.details.draft = None,
            Change::Draft(text) => {
                let value = text.clone();
                entry.details.draft = Some(Set { at, value });
            }
            Change::Marks { .. } | Change::Read(_) if !was_listed => return Err(Error::NotFound),
            Change::Marks { set, clear } => {
                let now = entry.details.marks.as_ref().map_or(0, |marks| marks.value);
                let value = (now | set) & !clear;
                entry.details.marks = (value != 0).then_some(Set { at, value });
            }
            Change::Read(through) => {
                entry.read_through = entry.read_through.max((*through).min(entry.head));
            }
        }
        let new_details = entry.details != details;
        if new_details && entry.details.keep_listed() {
            entry.unlisted = None;
        }
        let unread = entry.unread;
        if matches!(change, Change::Read(_)) {
            self.recount(&mut entry)?;
        } else if !new_details {
            return Ok(false);
        }
        let Self { db, keys, .. } = self;
        let entry = keys.taking(|keys, taken| {
            unflushed(db, |db| {
                if entry.row == 0 {
                    entry.insert(db, keys, taken)?;
                }
                if entry.epochs.is_empty() {
                    entry.begin_first_epoch(db, keys, taken)?;
                }
                entry.hidden &= !entry.details.keep_listed();
                if new_details {
                    entry.update_details(db, keys)?;
                }
                entry.update(db)?;
                Ok(entry)
            })
        })?;
        let changed = new_details || entry.unread != unread;
        let listed = entry.is_listed();
        self.put(entry);
        Ok(changed && (listed || was_listed))
    }
}
