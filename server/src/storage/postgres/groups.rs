//! Groups and their members. Being a member is having a view that was not left.
//!
//! Whoever changes who sees what takes the conversation's row first: nobody sends meanwhile.

use super::{
    failure::Result,
    names::{GROUP, account, group, known_account, living_group},
    purge,
    session::{Session, owned},
    views,
};
use crate::{
    Error,
    storage::{Joined, NewGroup, view::View},
};

pub(super) async fn create(session: &Session, new: &NewGroup) -> Result<()> {
    // The id of a dissolved group is not given again: devices that were away still know the old
    // one's positions.
    if group(session, &new.id).await?.is_some() {
        return Err(Error::GroupIdInUse(new.id.clone()).into());
    }
    let owner = match &new.owner {
        Some(name) => Some(known_account(session, name).await?),
        None => None,
    };
    let mut members = Vec::from_iter(owner);
    for name in &new.members {
        let member = known_account(session, name).await?;
        if !members.contains(&member) {
            members.push(member);
        }
    }
    let conversation = create_row(session, &new.id, &new.title, &new.kind, owner).await?;
    session
        .later(
            "INSERT INTO views (owner, conversation, version)
             SELECT member, $2, $3 FROM unnest($1::bigint[]) member",
            owned![members, conversation, session.change().await?],
        )
        .await
}

pub(super) async fn create_row(
    session: &Session,
    id: &str,
    title: &str,
    kind: &str,
    owner: Option<i64>,
) -> Result<i64> {
    let change = session.change().await?;
    let conversation = session
        .one(
            "INSERT INTO conversations (kind, changed) VALUES ($1, $2) RETURNING id",
            &[&GROUP, &change],
        )
        .await?
        .try_get(0)?;
    session
        .execute(
            "INSERT INTO groups (conversation, name, title, kind, owner) VALUES ($1, $2, $3, $4, $5)",
            &[&conversation, &id, &title, &kind, &owner],
        )
        .await?;
    Ok(conversation)
}

pub(super) async fn add_members(
    session: &Session,
    id: &str,
    accounts: &[String],
) -> Result<Vec<Joined>> {
    let conversation = living_group(session, id).await?;
    let heads = views::lock_heads(session, conversation).await?;
    let mut results = Vec::with_capacity(accounts.len());
    for name in accounts {
        let Some(account) = account(session, name).await? else {
            results.push(Joined::Unknown);
            continue;
        };
        results.push(match views::lock(session, account, conversation).await? {
            Some((view, _)) if view.sees_to.is_none() => Joined::Already,
            Some((mut view, _)) => {
                view.join(&heads);
                views::store(session, account, conversation, &view).await?;
                // What it saw as a member before is out of its reach now.
                purge::enqueue(session, conversation).await?;
                Joined::Now
            }
            None => {
                let mut view = View::default();
                view.join(&heads);
                views::create(session, account, conversation, &view).await?;
                Joined::Now
            }
        });
    }
    Ok(results)
}

// DEL-6
pub(super) async fn remove_members(session: &Session, id: &str, accounts: &[String]) -> Result<()> {
    let conversation = living_group(session, id).await?;
    let heads = views::lock_heads(session, conversation).await?;
    for name in accounts {
        let Some(account) = account(session, name).await? else {
            continue;
        };
        let Some((mut view, _)) = views::lock(session, account, conversation).await? else {
            continue;
        };
        if view.sees_to.is_none() {
            view.leave(&heads);
            views::store(session, account, conversation, &view).await?;
            purge::enqueue(session, conversation).await?;
        }
    }
    Ok(())
}

/// Marks one row, however many members there are: the head stands still from now on, so their
/// views need no end of their own.
// DEL-6
pub(super) async fn dissolve(session: &Session, id: &str) -> Result<()> {
    let conversation = living_group(session, id).await?;
    views::lock_heads(session, conversation).await?;
    session
        .later(
            "UPDATE groups SET dissolved = true WHERE conversation = $1",
            owned![conversation],
        )
        .await?;
    purge::enqueue(session, conversation).await
}
