//! Appending messages. A message is one row, whoever sees it.

use ring::digest;
use rusqlite::{Connection, OptionalExtension, params};

use super::{
    names::{account, c2c_or_new, known_account, living_group, next_change, signed},
    views,
};
use crate::{
    Error, Result,
    storage::{C2C_REPEAT, C2cMessage, Draft, GROUP_REPEAT, GroupMessage, Sent},
};

/// A row of `messages` to be.
pub(super) struct NewRow<'a> {
    pub(super) conversation: i64,
    pub(super) position: u64,
    pub(super) sender: i64,
    pub(super) time: u64,
    pub(super) seq: u32,
    pub(super) random: u32,
    pub(super) audience: Option<&'a str>,
    pub(super) custom: Option<&'a str>,
    pub(super) body: &'a str,
}

pub(super) fn insert(connection: &Connection, row: &NewRow<'_>) -> Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO messages (conversation, position, sender, time, seq, random, audience, custom, body)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        )?
        .execute(params![
            row.conversation,
            signed(row.position),
            row.sender,
            signed(row.time),
            row.seq,
            row.random,
            row.audience,
            row.custom,
            row.body,
        ])?;
    Ok(())
}

/// The list of accounts that see a message, as it stands in its row and as reading looks for one
/// in it.
pub(super) fn audience(accounts: &[i64]) -> String {
    let mut text = String::from(",");
    for account in accounts {
        text.push_str(&account.to_string());
        text.push(',');
    }
    text
}

pub(super) fn send_c2c(connection: &Connection, message: &C2cMessage) -> Result<Sent> {
    let draft = &message.draft;
    let sender = known_account(connection, &draft.sender)?;
    let receiver = account(connection, &message.receiver)?
        .ok_or_else(|| Error::ReceiverNotFound(message.receiver.clone()))?;
    let (conversation, _) = c2c_or_new(connection, sender, receiver)?;
    if let Some(sent) = repeated(connection, conversation, sender, draft, &[], C2C_REPEAT)? {
        return Ok(sent);
    }
    let only = message.receiver_only.then_some([receiver]);
    let only = only.as_ref().map(<[i64; 1]>::as_slice);
    append(connection, conversation, sender, draft, &[], only)
}

pub(super) fn send_group(connection: &Connection, message: &GroupMessage) -> Result<Sent> {
    let draft = &message.draft;
    let sender = known_account(connection, &draft.sender)?;
    let conversation = living_group(connection, &message.group)?;
    let member = views::load(connection, sender, conversation)?
        .is_some_and(|(view, _)| view.sees_to.is_none());
    if message.members_only && !member {
        return Err(Error::NotAMember {
            account: draft.sender.clone(),
            group: message.group.clone(),
        });
    }
    let content = digest::digest(&digest::SHA256, draft.body.as_bytes());
    if let Some(sent) = repeated(
        connection,
        conversation,
        sender,
        draft,
        content.as_ref(),
        GROUP_REPEAT,
    )? {
        return Ok(sent);
    }
    if message.receivers.is_empty() {
        return append(
            connection,
            conversation,
            sender,
            draft,
            content.as_ref(),
            None,
        );
    }
    let mut only = Vec::with_capacity(message.receivers.len() + 1);
    if member {
        only.push(sender);
    }
    for name in &message.receivers {
        let receiver = known_account(connection, name)?;
        match views::load(connection, receiver, conversation)? {
            Some((view, _)) if view.sees_to.is_none() => {}
            _ => {
                return Err(Error::NotAMember {
                    account: name.clone(),
                    group: message.group.clone(),
                });
            }
        }
        if !only.contains(&receiver) {
            only.push(receiver);
        }
    }
    append(
        connection,
        conversation,
        sender,
        draft,
        content.as_ref(),
        Some(&only),
    )
}

/// What an equal request has stored within `window` seconds.
fn repeated(
    connection: &Connection,
    conversation: i64,
    sender: i64,
    draft: &Draft,
    content: &[u8],
    window: u64,
) -> Result<Option<Sent>> {
    let since = draft.time.saturating_sub(window);
    let mut find = connection.prepare_cached(
        "SELECT position, seq, time FROM recent_sends
         WHERE conversation = ?1 AND sender = ?2 AND random = ?3 AND digest = ?4 AND time >= ?5",
    )?;
    Ok(find
        .query_row(
            params![conversation, sender, draft.random, content, signed(since)],
            |row| {
                Ok(Sent {
                    position: row.get(0)?,
                    seq: row.get(1)?,
                    time: row.get(2)?,
                })
            },
        )
        .optional()?)
}

/// Takes the next position and stores the message there. `only`: the accounts that see it; none:
/// all sides.
fn append(
    connection: &Connection,
    conversation: i64,
    sender: i64,
    draft: &Draft,
    content: &[u8],
    only: Option<&[i64]>,
) -> Result<Sent> {
    // A clock that was set back must not put a message before the one ahead of it.
    let (position, time): (u64, u64) = connection
        .prepare_cached(
            "UPDATE conversations SET head = head + 1, last_time = max(last_time, ?2),
                 common = CASE WHEN ?3 THEN head + 1 ELSE common END,
                 common_time = CASE WHEN ?3 THEN max(last_time, ?2) ELSE common_time END,
                 changed = ?4
             WHERE id = ?1 RETURNING head, last_time",
        )?
        .query_row(
            params![
                conversation,
                signed(draft.time),
                only.is_none(),
                next_change(connection)?
            ],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )?;
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a number for clients to show; it may wrap"
    )]
    let seq = draft.seq.unwrap_or(position as u32);
    let seen_by = only.map(audience);
    insert(
        connection,
        &NewRow {
            conversation,
            position,
            sender,
            time,
            seq,
            random: draft.random,
            audience: seen_by.as_deref(),
            custom: draft.custom.as_deref(),
            body: &draft.body,
        },
    )?;
    for owner in only.unwrap_or_default() {
        connection
            .prepare_cached("UPDATE views SET own_head = ?3, own_time = ?4 WHERE owner = ?1 AND conversation = ?2")?
            .execute([*owner, conversation, signed(position), signed(time)])?;
    }
    // Who writes has read what stands above.
    connection
        .prepare_cached(
            "UPDATE views SET read_through = ?3 WHERE owner = ?1 AND conversation = ?2",
        )?
        .execute([sender, conversation, signed(position)])?;
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO recent_sends (conversation, sender, random, digest, time, seq, position)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute(params![conversation, sender, draft.random, content, signed(time), seq, signed(position)])?;
    Ok(Sent {
        position,
        seq,
        time,
    })
}
