//! Taking messages in.

use rusqlite::params;

use super::entry::source_number;
use super::seal::Place;
use super::{Store, unflushed};
use crate::conversation::{ConversationId, Message, Source};
use crate::error::{Error, Result};

impl Store {
    /// Stores messages of one conversation, all or none. Those that are stored already are left
    /// as they are; those at or below what was erased are dropped (a stale message brings nothing
    /// back). `title` replaces the title where it is given. `true` when the list shows something
    /// else afterwards.
    ///
    /// # Errors
    /// [`Error::Parameter`] when the conversation uses positions of the other source.
    pub fn save(
        &mut self,
        id: &ConversationId,
        source: Source,
        title: Option<&str>,
        messages: &[Message],
    ) -> Result<bool> {
        self.record_of(id)?;
        let mut entry = self.entry_or_new(id)?;
        if let Some(known) = entry.source.filter(|known| *known != source) {
            let head = entry.head.max(entry.floor);
            self.positions.correct(id, known, head);
            return Err(Error::Parameter(format!(
                "conversation {id} has positions of {}; one conversation never mixes the two",
                if known == Source::Host {
                    "the host"
                } else {
                    "the server"
                }
            )));
        }
        // The server's word on what the device never had means nothing to a host's positions.
        let is_hosts_now = source == Source::Host && entry.source.is_none() && entry.floor > 0;
        if is_hosts_now {
            (entry.floor, entry.unlisted) = (0, None);
        }
        let above_floor = || {
            messages
                .iter()
                .filter(|message| message.position > entry.floor)
        };
        if above_floor().next().is_none() && (entry.row == 0 || title.is_none()) {
            return Ok(false);
        }
        let messages: Vec<&Message> = above_floor().collect();
        let title = title.filter(|title| {
            *title != entry.details.title || (entry.details_key.is_none() && !title.is_empty())
        });
        let new_title = title.is_some();
        let mut inserted = false;
        let Self {
            db, keys, owner, ..
        } = self;
        let entry = keys.taking(|keys, taken| {
            unflushed(db, |db| {
                if entry.row == 0 {
                    entry.insert(db, keys, taken)?;
                }
                if is_hosts_now {
                    db.prepare_cached(
                        "UPDATE tombstones SET through = 0, unlisted = NULL, source = ? WHERE address = ?",
                    )?
                    .execute(params![source_number(Some(source)), entry.address])?;
                    // Nothing was ever stored here that the purge could be on its way to.
                    db.prepare_cached("DELETE FROM dead WHERE conversation = ?")?
                        .execute([entry.row])?;
                }
                if entry.epochs.is_empty() && !messages.is_empty() {
                    entry.begin_first_epoch(db, keys, taken)?;
                }
                let mut insert = db.prepare_cached(
                    "INSERT INTO messages(conversation, position, sealed) VALUES(?, ?, ?) ON CONFLICT DO NOTHING",
                )?;
                let (mut text, mut sealed) = (Vec::new(), Vec::new());
                for message in messages {
                    let place = Place::Message { row: entry.row, position: message.position };
                    let slot = entry.key_for(message.position).ok_or_else(no_key)?;
                    let (key, random) = keys.key(slot)?;
                    message.encode(&mut text);
                    key.seal(place, &text, &mut sealed, random)?;
                    if insert.execute(params![entry.row, message.position as i64, sealed])? == 1 {
                        entry.head = entry.head.max(message.position);
                        entry.source = Some(source);
                        entry.hidden = false;
                        inserted = true;
                        let shown = message.position > entry.shown_above();
                        let unread = message.position > entry.read_through && message.sender != *owner;
                        entry.messages += u64::from(shown);
                        entry.unread += u64::from(shown && unread);
                    }
                }
                if let Some(title) = title {
                    entry.details.title = title.to_owned();
                    entry.update_details(db, keys)?;
                }
                entry.update(db)?;
                Ok(entry)
            })
        })?;
        let listed = entry.is_listed();
        self.put(entry);
        Ok(listed && (inserted || new_title))
    }
}

fn no_key() -> Error {
    Error::StoreDamaged("a conversation has no key for new messages".to_owned())
}
