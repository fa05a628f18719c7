//! Accounts and friends.

use super::{
    failure::Result,
    names::{account, known_account, signed, unsigned},
    session::Session,
};
use crate::{
    Error,
    storage::{Account, Friend, FriendPage, NewFriend},
};

pub(super) async fn import(session: &Session, new: &Account) -> Result<()> {
    session
        .execute(
            "INSERT INTO accounts (name, nick, face_url) VALUES ($1, $2, $3)
             ON CONFLICT (name) DO UPDATE SET nick = coalesce(excluded.nick, accounts.nick),
                 face_url = coalesce(excluded.face_url, accounts.face_url)",
            &[&new.name, &new.nick, &new.face_url],
        )
        .await?;
    Ok(())
}

pub(super) async fn add_friends(
    session: &Session,
    owner: &str,
    friends: &[NewFriend],
    both: bool,
    now: u64,
) -> Result<Vec<crate::Result<()>>> {
    let owner = known_account(session, owner).await?;
    let mut results = Vec::with_capacity(friends.len());
    for new in friends {
        results.push(match account(session, &new.account).await? {
            Some(friend) => {
                add(session, owner, friend, Some(new), now).await?;
                if both {
                    add(session, friend, owner, None, now).await?;
                }
                Ok(())
            }
            None => Err(Error::AccountNotFound(new.account.clone())),
        });
    }
    Ok(results)
}

/// `noted`: what the owner of the list notes about the friend; the other list gets no notes.
async fn add(
    session: &Session,
    owner: i64,
    friend: i64,
    noted: Option<&NewFriend>,
    now: u64,
) -> Result<()> {
    let (remark, source) = noted.map_or((None, None), |new| {
        (new.remark.as_deref(), new.source.as_deref())
    });
    session
        .execute(
            "INSERT INTO friends (owner, friend, remark, source, since) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (owner, friend) DO UPDATE SET remark = coalesce(excluded.remark, friends.remark),
                 source = coalesce(excluded.source, friends.source)",
            &[&owner, &friend, &remark, &source, &signed(now)],
        )
        .await?;
    Ok(())
}

/// Touches no conversation.
// DEL-6
pub(super) async fn delete_friends(
    session: &Session,
    owner: &str,
    friends: &[String],
    both: bool,
) -> Result<Vec<crate::Result<()>>> {
    const REMOVE: &str = "DELETE FROM friends WHERE owner = $1 AND friend = $2";
    let owner = known_account(session, owner).await?;
    let mut results = Vec::with_capacity(friends.len());
    for name in friends {
        let mut removed = 0;
        if let Some(friend) = account(session, name).await? {
            removed += session.execute(REMOVE, &[&owner, &friend]).await?;
            if both {
                removed += session.execute(REMOVE, &[&friend, &owner]).await?;
            }
        }
        results.push(if removed > 0 {
            Ok(())
        } else {
            Err(Error::NotAFriend(name.clone()))
        });
    }
    Ok(results)
}

pub(super) async fn friends(
    session: &Session,
    owner: &str,
    start: usize,
    limit: usize,
) -> Result<FriendPage> {
    let owner = known_account(session, owner).await?;
    let count: i64 = session
        .one("SELECT count(*) FROM friends WHERE owner = $1", &[&owner])
        .await?
        .try_get(0)?;
    let rows = session
        .rows(
            "SELECT a.name, f.remark, f.source, f.since FROM friends f JOIN accounts a ON a.id = f.friend
             WHERE f.owner = $1 ORDER BY f.friend LIMIT $2 OFFSET $3",
            &[&owner, &signed(limit as u64), &signed(start as u64)],
        )
        .await?;
    let friends = rows
        .iter()
        .map(|row| {
            Ok(Friend {
                account: row.try_get(0)?,
                remark: row.try_get(1)?,
                source: row.try_get(2)?,
                since: row.try_get(3).map(unsigned)?,
            })
        })
        .collect::<Result<_>>()?;
    Ok(FriendPage {
        friends,
        count: usize::try_from(count).unwrap_or_default(),
    })
}
