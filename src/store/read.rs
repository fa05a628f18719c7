//! Giving messages out.

use rusqlite::params;

use super::Store;
use super::entry::Entry;
use super::seal::Place;
use crate::conversation::{ConversationId, END, Message, Summary};
use crate::error::{Error, Result};

impl Store {
    /// Every conversation with a message, the newest first.
    pub fn list(&mut self) -> Result<Vec<Summary>> {
        let listed = self
            .entries
            .values()
            .filter(|entry| !entry.hidden && entry.messages > 0)
            .cloned()
            .collect::<Vec<_>>();
        let mut list = Vec::with_capacity(listed.len());
        for entry in listed {
            // One that cannot be read is listed all the same, and does not hide the others.
            let last = self
                .page(&entry, END, 1)
                .ok()
                .and_then(|mut page| page.pop());
            list.push(Summary {
                id: entry.id,
                title: entry.title,
                messages: entry.messages,
                unread: entry.unread,
                last,
            });
        }
        let time = |summary: &Summary| summary.last.as_ref().map_or(0, |last| last.time);
        list.sort_by(|a, b| time(b).cmp(&time(a)).then_with(|| a.id.cmp(&b.id)));
        Ok(list)
    }

    /// At most `count` messages below the position `before`, the newest first. An unknown
    /// conversation has none.
    pub fn history(
        &mut self,
        id: &ConversationId,
        before: u64,
        count: usize,
    ) -> Result<Vec<Message>> {
        match self.entries.get(id).cloned() {
            Some(entry) if !entry.hidden => self.page(&entry, before, count),
            _ => Ok(Vec::new()),
        }
    }

    fn page(&mut self, entry: &Entry, before: u64, count: usize) -> Result<Vec<Message>> {
        let mut select = self.db.prepare_cached(
            "SELECT position, sealed FROM messages WHERE conversation = ? AND position > ? AND position < ?
             ORDER BY position DESC LIMIT ?",
        )?;
        let mut rows = select.query(params![
            entry.row,
            entry.floor as i64,
            before.min(END) as i64,
            count as i64
        ])?;
        let mut messages = Vec::new();
        let mut sealed = Vec::new();
        while let Some(row) = rows.next()? {
            let position = row.get::<_, i64>(0)? as u64;
            sealed.clear();
            sealed.extend_from_slice(row.get_ref(1)?.as_blob().unwrap_or_default());
            let slot = entry
                .key_for(position)
                .ok_or_else(|| Error::StoreDamaged("a message stands under no key".to_owned()))?;
            let (key, _) = self.keys.key(slot)?;
            let text = key.open(
                Place::Message {
                    row: entry.row,
                    position,
                },
                &mut sealed,
            )?;
            messages.push(Message::decode(position, text)?);
        }
        Ok(messages)
    }
}
