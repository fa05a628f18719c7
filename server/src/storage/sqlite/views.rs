//! Views: loading one, and putting it back.

use adieu_protocol::ConversationId;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::names::{GROUP, known_account, next_change, signed};
use crate::{
    Error, Result,
    storage::{
        OwnedView,
        view::{Heads, View},
    },
};

macro_rules! columns {
    () => {
        "v.cleared_through, v.propagated_through, v.read_through, v.hidden_through, v.pinned,
         v.sees_from, v.sees_to, v.own_head, v.own_time, v.propagated_by,
         v.hiding_propagated_through, v.kept_through, c.head, c.common, c.common_time"
    };
}

fn read(row: &Row<'_>) -> rusqlite::Result<(View, Heads)> {
    let view = View {
        cleared_through: row.get(0)?,
        propagated_through: row.get(1)?,
        read_through: row.get(2)?,
        hidden_through: row.get(3)?,
        pinned: row.get(4)?,
        sees_from: row.get(5)?,
        sees_to: row.get(6)?,
        own_head: row.get(7)?,
        own_time: row.get(8)?,
        propagated_by: row.get(9)?,
        hiding_propagated_through: row.get(10)?,
        kept_through: row.get(11)?,
    };
    Ok((
        view,
        Heads {
            head: row.get(12)?,
            common: row.get(13)?,
            common_time: row.get(14)?,
        },
    ))
}

/// An owner's view of a conversation, if it ever had one.
pub(super) fn load(
    connection: &Connection,
    owner: i64,
    conversation: i64,
) -> Result<Option<(View, Heads)>> {
    let mut find = connection.prepare_cached(concat!(
        "SELECT ",
        columns!(),
        " FROM views v JOIN conversations c ON c.id = v.conversation WHERE v.owner = ?1 AND v.conversation = ?2"
    ))?;
    Ok(find.query_row([owner, conversation], read).optional()?)
}

/// A conversation's heads.
pub(super) fn heads(connection: &Connection, conversation: i64) -> Result<Heads> {
    let mut find = connection
        .prepare_cached("SELECT head, common, common_time FROM conversations WHERE id = ?1")?;
    Ok(find.query_row([conversation], |row| {
        Ok(Heads {
            head: row.get(0)?,
            common: row.get(1)?,
            common_time: row.get(2)?,
        })
    })?)
}

/// Puts a changed view back.
pub(super) fn store(
    connection: &Connection,
    owner: i64,
    conversation: i64,
    view: &View,
) -> Result<()> {
    store_as(
        connection,
        owner,
        conversation,
        view,
        next_change(connection)?,
    )
}

/// The same, as the change of this number. Exactly one row may change by it.
// DEL-5
pub(super) fn store_as(
    connection: &Connection,
    owner: i64,
    conversation: i64,
    view: &View,
    version: i64,
) -> Result<()> {
    let changed = connection
        .prepare_cached(
            "UPDATE views SET version = ?3, cleared_through = ?4, propagated_through = ?5, read_through = ?6,
                 hidden_through = ?7, pinned = ?8, sees_from = ?9, sees_to = ?10, own_head = ?11, own_time = ?12,
                 propagated_by = ?13, hiding_propagated_through = ?14, kept_through = ?15
             WHERE owner = ?1 AND conversation = ?2",
        )?
        .execute(params![
            owner,
            conversation,
            version,
            signed(view.cleared_through),
            signed(view.propagated_through),
            signed(view.read_through),
            view.hidden_through.map(signed),
            view.pinned,
            signed(view.sees_from),
            view.sees_to.map(signed),
            signed(view.own_head),
            signed(view.own_time),
            view.propagated_by,
            signed(view.hiding_propagated_through),
            signed(view.kept_through),
        ])?;
    if changed == 1 {
        Ok(())
    } else {
        Err(Error::Storage(format!(
            "{changed} views would have changed instead of one"
        )))
    }
}

/// Makes the row of a view.
pub(super) fn create(
    connection: &Connection,
    owner: i64,
    conversation: i64,
    view: &View,
) -> Result<()> {
    connection
        .prepare_cached("INSERT INTO views (owner, conversation, version) VALUES (?1, ?2, 0)")?
        .execute([owner, conversation])?;
    store(connection, owner, conversation, view)
}

macro_rules! owned {
    ($which:literal limit) => {
        concat!(owned!($which), " LIMIT ?5")
    };
    ($which:literal) => {
        concat!(
            "SELECT ",
            columns!(),
            ", v.conversation, c.kind, coalesce(g.name, p.name), g.title,
                coalesce(d.erase_through, 0), coalesce(d.hide_through, 0)
             FROM views v
             JOIN conversations c ON c.id = v.conversation
             LEFT JOIN groups g ON g.conversation = v.conversation
             LEFT JOIN accounts p ON p.id = CASE WHEN c.low = v.owner THEN c.high ELSE c.low END
             LEFT JOIN device_views d ON d.owner = v.owner AND d.device = ?2 AND d.conversation = v.conversation
             WHERE v.owner = ?1 AND ",
            $which,
            " ORDER BY v.conversation"
        )
    };
}

/// Views above the key ?3 that changed, or whose head moved, behind the change ?4: found from the
/// changes.
pub(super) const CHANGED_BY_CHANGE: &str = owned!(
    "+v.conversation > ?3 AND v.conversation IN (
         SELECT conversation FROM views WHERE owner = ?1 AND version > ?4
         UNION ALL SELECT id FROM conversations WHERE changed > ?4)"
    limit
);
/// The same, found from the views.
pub(super) const CHANGED_BY_VIEW: &str =
    owned!("v.conversation > ?3 AND (v.version > ?4 OR c.changed > ?4)" limit);

pub(super) fn read_owned(row: &Row<'_>) -> rusqlite::Result<OwnedView> {
    let (view, heads) = read(row)?;
    let (kind, name): (i64, String) = (row.get(16)?, row.get(17)?);
    Ok(OwnedView {
        conversation: if kind == GROUP {
            ConversationId::Group(name.into())
        } else {
            ConversationId::C2c(name.into())
        },
        key: row.get(15)?,
        title: row.get::<_, Option<String>>(18)?.unwrap_or_default(),
        view,
        heads,
        device_erased_through: row.get(19)?,
        device_hidden_through: row.get(20)?,
    })
}

/// All views of an owner.
pub(super) fn all(connection: &Connection, owner: &str) -> Result<Vec<OwnedView>> {
    let owner = known_account(connection, owner)?;
    let mut find = connection.prepare_cached(owned!("?2 IS NULL"))?;
    let views = find.query_map(params![owner, None::<&str>], read_owned)?;
    Ok(views.collect::<rusqlite::Result<_>>()?)
}

/// The names of a group's members.
pub(super) fn members(connection: &Connection, group: &str) -> Result<Vec<String>> {
    let mut find = connection.prepare_cached(
        "SELECT a.name FROM groups g
         JOIN views v ON v.conversation = g.conversation AND v.floor IS NOT NULL AND v.sees_to IS NULL
         JOIN accounts a ON a.id = v.owner WHERE g.name = ?1",
    )?;
    let names = find.query_map([group], |row| row.get(0))?;
    Ok(names.collect::<rusqlite::Result<_>>()?)
}
