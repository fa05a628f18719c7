//! Accounts and friends.

use rusqlite::{Connection, params};

use super::names::{account, known_account, signed};
use crate::{
    Error, Result,
    storage::{Account, Friend, FriendPage, NewFriend},
};

pub(super) fn import(connection: &Connection, new: &Account) -> Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO accounts (name, nick, face_url) VALUES (?1, ?2, ?3)
             ON CONFLICT (name) DO UPDATE SET nick = coalesce(excluded.nick, nick),
                 face_url = coalesce(excluded.face_url, face_url)",
        )?
        .execute(params![new.name, new.nick, new.face_url])?;
    Ok(())
}

pub(super) fn add_friends(
    connection: &Connection,
    owner: &str,
    friends: &[NewFriend],
    both: bool,
    now: u64,
) -> Result<Vec<Result<()>>> {
    let owner = known_account(connection, owner)?;
    friends
        .iter()
        .map(|new| {
            let Some(friend) = account(connection, &new.account)? else {
                return Ok(Err(Error::AccountNotFound(new.account.clone())));
            };
            add(connection, owner, friend, Some(new), now)?;
            if both {
                add(connection, friend, owner, None, now)?;
            }
            Ok(Ok(()))
        })
        .collect()
}

/// `noted`: what the owner of the list notes about the friend; the other list gets no notes.
fn add(
    connection: &Connection,
    owner: i64,
    friend: i64,
    noted: Option<&NewFriend>,
    now: u64,
) -> Result<()> {
    let (remark, source) = noted.map_or((None, None), |new| {
        (new.remark.as_deref(), new.source.as_deref())
    });
    connection
        .prepare_cached(
            "INSERT INTO friends (owner, friend, remark, source, since) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT DO UPDATE SET remark = coalesce(excluded.remark, remark),
                 source = coalesce(excluded.source, source)",
        )?
        .execute(params![owner, friend, remark, source, signed(now)])?;
    Ok(())
}

/// Touches no conversation.
// DEL-6
pub(super) fn delete_friends(
    connection: &Connection,
    owner: &str,
    friends: &[String],
    both: bool,
) -> Result<Vec<Result<()>>> {
    let owner = known_account(connection, owner)?;
    let mut remove =
        connection.prepare_cached("DELETE FROM friends WHERE owner = ?1 AND friend = ?2")?;
    friends
        .iter()
        .map(|name| {
            let Some(friend) = account(connection, name)? else {
                return Ok(Err(Error::NotAFriend(name.clone())));
            };
            let mut removed = remove.execute([owner, friend])?;
            if both {
                removed += remove.execute([friend, owner])?;
            }
            Ok(if removed > 0 {
                Ok(())
            } else {
                Err(Error::NotAFriend(name.clone()))
            })
        })
        .collect()
}

pub(super) fn friends(
    connection: &Connection,
    owner: &str,
    start: usize,
    limit: usize,
) -> Result<FriendPage> {
    let owner = known_account(connection, owner)?;
    let count: i64 = connection
        .prepare_cached("SELECT count(*) FROM friends WHERE owner = ?1")?
        .query_row([owner], |row| row.get(0))?;
    let mut find = connection.prepare_cached(
        "SELECT a.name, f.remark, f.source, f.since FROM friends f JOIN accounts a ON a.id = f.friend
         WHERE f.owner = ?1 ORDER BY f.friend LIMIT ?2 OFFSET ?3",
    )?;
    let rows = find.query_map([owner, signed(limit as u64), signed(start as u64)], |row| {
        Ok(Friend {
            account: row.get(0)?,
            remark: row.get(1)?,
            source: row.get(2)?,
            since: row.get(3)?,
        })
    })?;
    let friends = rows.collect::<rusqlite::Result<_>>()?;
    Ok(FriendPage {
        friends,
        count: usize::try_from(count).unwrap_or_default(),
    })
}
