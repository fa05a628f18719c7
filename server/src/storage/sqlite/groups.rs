//! Groups and their members. Being a member is having a view that was not left.

use rusqlite::{Connection, params};

use super::{
    names::{GROUP, account, group, known_account, living_group, new_conversation},
    purge, views,
};
use crate::{
    Error, Result,
    storage::{Joined, NewGroup, view::View},
};

pub(super) fn create(connection: &Connection, new: &NewGroup) -> Result<()> {
    // The id of a dissolved group is not given again: devices that were away still know the old
    // one's positions.
    if group(connection, &new.id)?.is_some() {
        return Err(Error::GroupIdInUse(new.id.clone()));
    }
    let owner = new
        .owner
        .as_deref()
        .map(|name| known_account(connection, name))
        .transpose()?;
    let conversation = create_row(connection, &new.id, &new.title, &new.kind, owner)?;
    if let Some(owner) = owner {
        join(connection, owner, conversation)?;
    }
    for name in &new.members {
        join(connection, known_account(connection, name)?, conversation)?;
    }
    Ok(())
}

pub(super) fn create_row(
    connection: &Connection,
    id: &str,
    title: &str,
    kind: &str,
    owner: Option<i64>,
) -> Result<i64> {
    let conversation = new_conversation(connection, GROUP, None)?;
    connection
        .prepare_cached("INSERT INTO groups (conversation, name, title, kind, owner) VALUES (?1, ?2, ?3, ?4, ?5)")?
        .execute(params![conversation, id, title, kind, owner])?;
    Ok(conversation)
}

pub(super) fn add_members(
    connection: &Connection,
    id: &str,
    accounts: &[String],
) -> Result<Vec<Joined>> {
    let conversation = living_group(connection, id)?;
    accounts
        .iter()
        .map(|name| match account(connection, name)? {
            Some(account) => join(connection, account, conversation),
            None => Ok(Joined::Unknown),
        })
        .collect()
}

fn join(connection: &Connection, account: i64, conversation: i64) -> Result<Joined> {
    match views::load(connection, account, conversation)? {
        Some((view, _)) if view.sees_to.is_none() => Ok(Joined::Already),
        Some((mut view, heads)) => {
            view.join(&heads);
            views::store(connection, account, conversation, &view)?;
            // What it saw as a member before is out of its reach now.
            purge::enqueue(connection, conversation)?;
            Ok(Joined::Now)
        }
        None => {
            let mut view = View::default();
            view.join(&views::heads(connection, conversation)?);
            views::create(connection, account, conversation, &view)?;
            Ok(Joined::Now)
        }
    }
}

// DEL-6
pub(super) fn remove_members(connection: &Connection, id: &str, accounts: &[String]) -> Result<()> {
    let conversation = living_group(connection, id)?;
    for name in accounts {
        let Some(account) = account(connection, name)? else {
            continue;
        };
        let Some((mut view, heads)) = views::load(connection, account, conversation)? else {
            continue;
        };
        if view.sees_to.is_none() {
            view.leave(&heads);
            views::store(connection, account, conversation, &view)?;
            purge::enqueue(connection, conversation)?;
        }
    }
    Ok(())
}

/// Marks one row, however many members there are: the head stands still from now on, so their
/// views need no end of their own.
// DEL-6
pub(super) fn dissolve(connection: &Connection, id: &str) -> Result<()> {
    let conversation = living_group(connection, id)?;
    connection
        .prepare_cached("UPDATE groups SET dissolved = 1 WHERE conversation = ?1")?
        .execute([conversation])?;
    purge::enqueue(connection, conversation)
}
