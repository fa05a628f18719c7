//! Views: loading one, and putting it back.

use adieu_protocol::ConversationId;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::names::{GROUP, known_account, next_version, signed};
use crate::{
    Error, Result,
    storage::{
        OwnedView, SyncPage, SyncQuery,
        view::{Heads, View},
    },
};

macro_rules! columns {
    () => {
        "v.cleared_through, v.propagated_through, v.read_through, v.hidden_through, v.pinned,
         v.sees_from, v.sees_to, v.own_head, v.own_time, c.head, c.common, c.common_time"
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
    };
    Ok((
        view,
        Heads {
            head: row.get(9)?,
            common: row.get(10)?,
            common_time: row.get(11)?,
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

/// Puts a changed view back. Exactly one row may change by it.
// DEL-5
pub(super) fn store(
    connection: &Connection,
    owner: i64,
    conversation: i64,
    view: &View,
) -> Result<()> {
    let version = next_version(connection, owner)?;
    let changed = connection
        .prepare_cached(
            "UPDATE views SET version = ?3, cleared_through = ?4, propagated_through = ?5, read_through = ?6,
                 hidden_through = ?7, pinned = ?8, sees_from = ?9, sees_to = ?10, own_head = ?11, own_time = ?12
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

/// An owner's views above a key, in the order of keys; `each` says whether to go on.
fn visit(
    connection: &Connection,
    owner: i64,
    device: Option<&str>,
    after: i64,
    mut each: impl FnMut(OwnedView) -> bool,
) -> Result<()> {
    let mut find = connection.prepare_cached(concat!(
        "SELECT ",
        columns!(),
        ", v.conversation, c.kind, coalesce(g.name, p.name), g.title, coalesce(d.erase_through, 0)
         FROM views v
         JOIN conversations c ON c.id = v.conversation
         LEFT JOIN groups g ON g.conversation = v.conversation
         LEFT JOIN accounts p ON p.id = CASE WHEN c.low = v.owner THEN c.high ELSE c.low END
         LEFT JOIN device_views d ON d.owner = v.owner AND d.device = ?2 AND d.conversation = v.conversation
         WHERE v.owner = ?1 AND v.conversation > ?3 ORDER BY v.conversation"
    ))?;
    let mut rows = find.query(params![owner, device, after])?;
    while let Some(row) = rows.next()? {
        let (view, heads) = read(row)?;
        let (kind, name): (i64, String) = (row.get(13)?, row.get(14)?);
        let owned = OwnedView {
            conversation: if kind == GROUP {
                ConversationId::Group(name)
            } else {
                ConversationId::C2c(name)
            },
            key: row.get(12)?,
            title: row.get::<_, Option<String>>(15)?.unwrap_or_default(),
            view,
            heads,
            device_erased_through: row.get(16)?,
        };
        if !each(owned) {
            break;
        }
    }
    Ok(())
}

/// All views of an owner.
pub(super) fn all(connection: &Connection, owner: &str) -> Result<Vec<OwnedView>> {
    let mut views = Vec::new();
    visit(
        connection,
        known_account(connection, owner)?,
        None,
        0,
        |view| {
            views.push(view);
            true
        },
    )?;
    Ok(views)
}

/// A page of an owner's views for a device.
pub(super) fn page(connection: &Connection, query: &SyncQuery) -> Result<SyncPage> {
    let owner = known_account(connection, &query.owner)?;
    let mut page = SyncPage {
        after: query.after,
        complete: true,
        ..SyncPage::default()
    };
    visit(
        connection,
        owner,
        query.device.as_deref(),
        signed(query.after),
        |view| {
            if page.views.len() == query.limit {
                page.complete = false;
                return false;
            }
            page.after = view.key;
            page.views.push(view);
            true
        },
    )?;
    Ok(page)
}
