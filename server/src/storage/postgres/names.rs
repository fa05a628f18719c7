//! From the names of accounts and conversations to their rows.

use adieu_protocol::ConversationId;

use super::{
    failure::Result,
    session::{Session, owned},
};
use crate::Error;

pub(super) const GROUP: i16 = 2;

/// The row of an account.
pub(super) async fn account(session: &Session, name: &str) -> Result<Option<i64>> {
    let row = session
        .row("SELECT id FROM accounts WHERE name = $1", &[&name])
        .await?;
    Ok(row.map(|row| row.try_get(0)).transpose()?)
}

/// The row of an account that has to be there.
pub(super) async fn known_account(session: &Session, name: &str) -> Result<i64> {
    account(session, name)
        .await?
        .ok_or_else(|| Error::AccountNotFound(name.to_owned()).into())
}

/// The conversation of two accounts.
pub(super) async fn c2c(session: &Session, one: i64, other: i64) -> Result<Option<i64>> {
    let row = session
        .row(
            "SELECT id FROM conversations WHERE kind = 1 AND low = $1 AND high = $2",
            &[&one.min(other), &one.max(other)],
        )
        .await?;
    Ok(row.map(|row| row.try_get(0)).transpose()?)
}

/// The conversation of two accounts, made if need be, with a view for each.
pub(super) async fn c2c_or_new(session: &Session, one: i64, other: i64) -> Result<i64> {
    let change = session.change().await?;
    let made = session
        .row(
            "INSERT INTO conversations (kind, low, high, changed) VALUES (1, $1, $2, $3)
             ON CONFLICT (low, high) WHERE kind = 1 DO NOTHING RETURNING id",
            &[&one.min(other), &one.max(other), &change],
        )
        .await?;
    let Some(made) = made else {
        // Somebody was quicker, and has committed.
        return c2c(session, one, other).await?.ok_or_else(|| {
            Error::Storage("a conversation that was there has gone".to_owned()).into()
        });
    };
    let id = made.try_get(0)?;
    // Someone who writes to themselves has one view.
    session
        .later(
            "INSERT INTO views (owner, conversation, version) VALUES ($1, $3, $4), ($2, $3, $4)
             ON CONFLICT DO NOTHING",
            owned![one.min(other), one.max(other), id, change],
        )
        .await?;
    Ok(id)
}

/// A group's conversation, and whether the group was dissolved.
pub(super) async fn group(session: &Session, name: &str) -> Result<Option<(i64, bool)>> {
    let row = session
        .row(
            "SELECT conversation, dissolved FROM groups WHERE name = $1",
            &[&name],
        )
        .await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some((row.try_get(0)?, row.try_get(1)?)))
}

/// A group's conversation, if the group lives.
pub(super) async fn living_group(session: &Session, name: &str) -> Result<i64> {
    match group(session, name).await? {
        Some((conversation, false)) => Ok(conversation),
        _ => Err(Error::GroupNotFound(name.to_owned()).into()),
    }
}

/// What this owner calls a conversation, if it was ever there.
pub(super) async fn conversation(
    session: &Session,
    owner: i64,
    id: &ConversationId,
) -> Result<Option<i64>> {
    match id {
        ConversationId::C2c(peer) => match account(session, peer).await? {
            Some(peer) => c2c(session, owner, peer).await,
            None => Ok(None),
        },
        ConversationId::Group(name) => Ok(group(session, name)
            .await?
            .map(|(conversation, _)| conversation)),
        ConversationId::System => Ok(None),
    }
}

/// PostgreSQL counts in signed numbers; so do we, on the disk.
pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// No number on the disk is below 0.
pub(super) fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}
