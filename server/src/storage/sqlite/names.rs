//! From the names of accounts and conversations to their rows.

use adieu_protocol::ConversationId;
use rusqlite::{Connection, OptionalExtension, params};

use crate::{Error, Result};

pub(super) const C2C: i64 = 1;
pub(super) const GROUP: i64 = 2;

/// The row of an account.
pub(super) fn account(connection: &Connection, name: &str) -> Result<Option<i64>> {
    let mut find = connection.prepare_cached("SELECT id FROM accounts WHERE name = ?1")?;
    Ok(find.query_row([name], |row| row.get(0)).optional()?)
}

/// The row of an account that has to be there.
pub(super) fn known_account(connection: &Connection, name: &str) -> Result<i64> {
    account(connection, name)?.ok_or_else(|| Error::AccountNotFound(name.to_owned()))
}

/// The conversation of two accounts.
pub(super) fn c2c(connection: &Connection, one: i64, other: i64) -> Result<Option<i64>> {
    let mut find = connection
        .prepare_cached("SELECT id FROM conversations WHERE kind = 1 AND low = ?1 AND high = ?2")?;
    Ok(find
        .query_row([one.min(other), one.max(other)], |row| row.get(0))
        .optional()?)
}

/// The conversation of two accounts, made if need be, with a view for each. Says whether it is new.
pub(super) fn c2c_or_new(connection: &Connection, one: i64, other: i64) -> Result<(i64, bool)> {
    if let Some(id) = c2c(connection, one, other)? {
        return Ok((id, false));
    }
    let id = new_conversation(connection, C2C, Some((one.min(other), one.max(other))))?;
    for owner in [one, other] {
        let version = next_change(connection)?;
        // Someone who writes to themselves has one view.
        connection
            .prepare_cached(
                "INSERT OR IGNORE INTO views (owner, conversation, version) VALUES (?1, ?2, ?3)",
            )?
            .execute([owner, id, version])?;
    }
    Ok((id, true))
}

pub(super) fn new_conversation(
    connection: &Connection,
    kind: i64,
    pair: Option<(i64, i64)>,
) -> Result<i64> {
    let (low, high) = pair.unzip();
    connection
        .prepare_cached("INSERT INTO conversations (kind, low, high) VALUES (?1, ?2, ?3)")?
        .execute(params![kind, low, high])?;
    Ok(connection.last_insert_rowid())
}

/// A group's conversation, and whether the group was dissolved.
pub(super) fn group(connection: &Connection, name: &str) -> Result<Option<(i64, bool)>> {
    let mut find =
        connection.prepare_cached("SELECT conversation, dissolved FROM groups WHERE name = ?1")?;
    Ok(find
        .query_row([name], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?)
}

/// A group's conversation, if the group lives.
pub(super) fn living_group(connection: &Connection, name: &str) -> Result<i64> {
    match group(connection, name)? {
        Some((conversation, false)) => Ok(conversation),
        _ => Err(Error::GroupNotFound(name.to_owned())),
    }
}

/// What this owner calls a conversation, if it was ever there.
pub(super) fn conversation(
    connection: &Connection,
    owner: i64,
    id: &ConversationId,
) -> Result<Option<i64>> {
    match id {
        ConversationId::C2c(peer) => match account(connection, peer)? {
            Some(peer) => c2c(connection, owner, peer),
            None => Ok(None),
        },
        ConversationId::Group(name) => {
            Ok(group(connection, name)?.map(|(conversation, _)| conversation))
        }
        ConversationId::System => Ok(None),
    }
}

/// The number of a further change. One count for the whole store: a single thread writes, so the
/// order of numbers is that of commits, for views and for heads alike.
pub(super) fn next_change(connection: &Connection) -> Result<i64> {
    take_changes(connection, 1)
}

/// The same for an operation that makes many changes: they are taken together when the first is
/// wanted. What it does not use is never given again.
pub(super) struct Changes<'c> {
    connection: &'c Connection,
    together: i64,
    next: i64,
    left: i64,
}

impl<'c> Changes<'c> {
    pub(super) fn new(connection: &'c Connection, together: usize) -> Self {
        Self {
            connection,
            together: signed(together as u64),
            next: 0,
            left: 0,
        }
    }

    pub(super) fn next(&mut self) -> Result<i64> {
        if self.left == 0 {
            let last = take_changes(self.connection, self.together)?;
            (self.next, self.left) = (last - self.together + 1, self.together);
        }
        let change = self.next;
        (self.next, self.left) = (change + 1, self.left - 1);
        Ok(change)
    }
}

/// Takes so many numbers, and gives the last of them.
fn take_changes(connection: &Connection, count: i64) -> Result<i64> {
    let mut take = connection.prepare_cached(
        "UPDATE settings SET value = value + ?1 WHERE name = 'changes' RETURNING value",
    )?;
    Ok(take.query_row([count], |row| row.get(0))?)
}

/// SQLite counts in signed numbers; so do we, on the disk.
pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
