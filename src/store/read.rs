//! Giving messages out.

use rusqlite::params;

use super::Store;
use super::entry::Entry;
use super::seal::Place;
use crate::conversation::{ConversationId, END, Message, Summary};
use crate::error::{Error, Result};

impl Store {
    /// The conversation list: what is pinned, then the rest, each the newest first.
    pub fn list(&mut self) -> Result<Vec<Summary>> {
        let listed = self.entries.values().filter(|entry| entry.is_listed());
        let listed: Vec<_> = listed.cloned().collect();
        let mut list: Vec<_> = listed
            .into_iter()
            .map(|entry| self.summarise(entry))
            .collect();
        let time = |summary: &Summary| summary.last.as_ref().map_or(0, |last| last.time);
        let rank = |summary: &Summary| (summary.pinned, time(summary));
        list.sort_by(|a, b| rank(b).cmp(&rank(a)).then_with(|| a.id.cmp(&b.id)));
        Ok(list)
    }

    /// A conversation as the list shows it; `None` when it does not.
    pub fn summary(&mut self, id: &ConversationId) -> Option<Summary> {
        let entry = self.entries.get(id).filter(|entry| entry.is_listed())?;
        let entry = entry.clone();
        Some(self.summarise(entry))
    }

    fn summarise(&mut self, entry: Entry) -> Summary {
        // A last message that cannot be read does not hide its conversation.
        let last = self.page(&entry, END, 1).ok();
        let details = entry.shown_details();
        Summary {
            last: last.and_then(|mut page| page.pop()),
            id: entry.id,
            pinned: details.pinned.is_some(),
            marks: details.marked(),
            title: details.title,
            messages: entry.messages,
            unread: entry.unread,
            draft: details.draft.map(|draft| draft.value).unwrap_or_default(),
        }
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
            entry.shown_above() as i64,
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
