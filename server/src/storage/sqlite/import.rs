//! Appending chat logs in bulk.

use std::collections::HashMap;

use rusqlite::{Connection, params};

use super::{
    accounts,
    groups::create_row,
    names::{account, c2c_or_new, group, next_change, signed},
    sending::{NewRow, insert},
    views,
};
use crate::{
    Error, Result,
    storage::{Account, Between, Imported, LoggedMessage, view::View},
};

/// A conversation while a batch goes into it; counters go back to its rows once, at the end.
struct Growing {
    id: i64,
    head: u64,
    /// The highest time so far, and the last message's.
    last_time: u64,
    time: u64,
    unsorted: bool,
    /// Position of each sender's last message in this batch.
    written: HashMap<i64, u64>,
}

struct Batch<'a> {
    connection: &'a Connection,
    accounts: HashMap<&'a str, i64>,
    conversations: HashMap<&'a Between, Growing>,
    done: Imported,
}

pub(super) fn append(connection: &Connection, messages: &[LoggedMessage]) -> Result<Imported> {
    let mut batch = Batch {
        connection,
        accounts: HashMap::new(),
        conversations: HashMap::new(),
        done: Imported::default(),
    };
    for message in messages {
        batch.append(message)?;
    }
    batch.finish()
}

impl<'a> Batch<'a> {
    fn append(&mut self, message: &'a LoggedMessage) -> Result<()> {
        let sender = self.account(&message.sender)?;
        if !self.conversations.contains_key(&message.between) {
            let growing = self.open(&message.between)?;
            self.conversations.insert(&message.between, growing);
        }
        let Some(growing) = self.conversations.get_mut(&message.between) else {
            return Ok(());
        };
        growing.head += 1;
        if message.time < growing.last_time {
            growing.unsorted = true;
            self.done.out_of_order += 1;
        }
        growing.time = message.time;
        growing.last_time = growing.last_time.max(message.time);
        growing.written.insert(sender, growing.head);
        self.done.messages += 1;
        insert(
            self.connection,
            &NewRow {
                conversation: growing.id,
                position: growing.head,
                sender,
                time: message.time,
                #[expect(
                    clippy::cast_possible_truncation,
                    reason = "a number for clients to show; it may wrap"
                )]
                seq: growing.head as u32,
                random: 0,
                audience: None,
                custom: None,
                body: &message.body,
            },
        )
    }

    fn account(&mut self, name: &'a str) -> Result<i64> {
        if let Some(id) = self.accounts.get(name) {
            return Ok(*id);
        }
        let id = match account(self.connection, name)? {
            Some(id) => id,
            None => {
                accounts::import(
                    self.connection,
                    &Account {
                        name: name.to_owned(),
                        ..Account::default()
                    },
                )?;
                self.done.accounts += 1;
                self.connection.last_insert_rowid()
            }
        };
        self.accounts.insert(name, id);
        Ok(id)
    }

    fn open(&mut self, between: &'a Between) -> Result<Growing> {
        let (id, new) = match between {
            Between::Users(one, other) => {
                let (one, other) = (self.account(one)?, self.account(other)?);
                c2c_or_new(self.connection, one, other)?
            }
            Between::Group(name) => match group(self.connection, name)? {
                Some((_, true)) => return Err(Error::GroupNotFound(name.clone())),
                Some((conversation, false)) => (conversation, false),
                None => (
                    create_row(self.connection, name, name, "Public", None)?,
                    true,
                ),
            },
        };
        self.done.conversations += u64::from(new);
        let growing = self
            .connection
            .prepare_cached("SELECT head, last_time, unsorted FROM conversations WHERE id = ?1")?
            .query_row([id], |row| {
                let (head, last_time, unsorted) = (row.get(0)?, row.get(1)?, row.get(2)?);
                Ok(Growing {
                    id,
                    head,
                    last_time,
                    time: 0,
                    unsorted,
                    written: HashMap::new(),
                })
            })?;
        Ok(growing)
    }

    fn finish(self) -> Result<Imported> {
        for growing in self.conversations.values() {
            self.connection
                .prepare_cached(
                    "UPDATE conversations SET head = ?2, common = ?2, common_time = ?3, last_time = ?4, unsorted = ?5,
                         changed = ?6
                     WHERE id = ?1",
                )?
                .execute(params![
                    growing.id,
                    signed(growing.head),
                    signed(growing.time),
                    signed(growing.last_time),
                    growing.unsorted,
                    next_change(self.connection)?,
                ])?;
            for (sender, position) in &growing.written {
                let known = self
                    .connection
                    .prepare_cached(
                        "UPDATE views SET read_through = ?3 WHERE owner = ?1 AND conversation = ?2",
                    )?
                    .execute([*sender, growing.id, signed(*position)])?;
                if known == 0 {
                    // Whoever writes in a group of a log is a member of it, and sees all of it.
                    let view = View {
                        read_through: *position,
                        ..View::default()
                    };
                    views::create(self.connection, *sender, growing.id, &view)?;
                }
            }
        }
        Ok(self.done)
    }
}
