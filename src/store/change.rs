//! Changing what a conversation shows beside its messages.

use super::entry::Entry;
use super::{Store, unflushed};
use crate::conversation::{Change, ConversationId, Set};
use crate::error::{Error, Result};

impl Store {
    /// Makes a change; `true` when the list shows something else afterwards. A pin or a draft
    /// makes a conversation known that was not. `head` is the highest position that was accepted
    /// when the change was: a deletion that is accepted later covers it, whatever came in between.
    ///
    /// # Errors
    /// [`Error::NotFound`] for marks on, or reading, what is not there.
    pub fn change(&mut self, id: &ConversationId, change: &Change, head: u64) -> Result<bool> {
        self.record_of(id)?;
        let mut entry = self.entry_or_new(id)?;
        let was_listed = entry.is_listed();
        let (before, shown_before) = (entry.details.clone(), shown(&entry));
        let at = head.max(entry.floor);
        match change {
            Change::Pin(pinned) => {
                entry.details.pinned = pinned.then_some(Set { at, value: () });
            }
            Change::Draft(text) => {
                let value = text.clone();
                entry.details.draft = (!value.is_empty()).then_some(Set { at, value });
            }
            Change::Marks { .. } | Change::Read(_) if !was_listed => return Err(Error::NotFound),
            Change::Marks { set, clear } => entry.details.mark(at, *set, *clear),
            Change::Read(through) => {
                entry.read_through = entry.read_through.max((*through).min(entry.head));
                self.recount(&mut entry)?;
            }
        }
        let new_details = entry.details != before;
        if new_details && entry.details.keep_listed() {
            entry.relisted = entry.unlisted.is_some();
        }
        if !new_details && !matches!(change, Change::Read(_)) {
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
        let changed = shown(&entry) != shown_before;
        self.put(entry);
        Ok(changed)
    }
}

/// What the list shows of what can be changed here.
fn shown(entry: &Entry) -> Option<(bool, Option<String>, u64, u64)> {
    let details = entry.shown_details();
    entry.is_listed().then(|| {
        (
            details.pinned.is_some(),
            details.draft.as_ref().map(|draft| draft.value.clone()),
            details.marked(),
            entry.unread,
        )
    })
}
