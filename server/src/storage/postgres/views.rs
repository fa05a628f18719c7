//! Views: loading one, and putting it back.

use adieu_protocol::ConversationId;
use tokio_postgres::Row;

use super::{
    failure::Result,
    names::{GROUP, known_account, signed, unsigned},
    session::{Session, owned},
};
use crate::storage::{
    OwnedView,
    view::{Heads, View},
};

/// The columns that [`read`] takes, from `views v` and `conversations c`.
macro_rules! columns {
    () => {
        "v.cleared_through, v.propagated_through, v.read_through, v.hidden_through, v.pinned,
         v.sees_from, v.sees_to, v.own_head, v.own_time, v.propagated_by,
         v.hiding_propagated_through, v.kept_through, c.head, c.common, c.common_time"
    };
}
pub(super) use columns;
/// How many they are.
pub(super) const COLUMNS: usize = 15;

pub(super) fn read(row: &Row) -> Result<(View, Heads)> {
    let number = |at: usize| row.try_get(at).map(unsigned);
    let perhaps = |at: usize| {
        row.try_get::<_, Option<i64>>(at)
            .map(|one| one.map(unsigned))
    };
    let view = View {
        cleared_through: number(0)?,
        propagated_through: number(1)?,
        read_through: number(2)?,
        hidden_through: perhaps(3)?,
        pinned: row.try_get(4)?,
        sees_from: number(5)?,
        sees_to: perhaps(6)?,
        own_head: number(7)?,
        own_time: number(8)?,
        propagated_by: row.try_get(9)?,
        hiding_propagated_through: number(10)?,
        kept_through: number(11)?,
    };
    let heads = Heads {
        head: number(12)?,
        common: number(13)?,
        common_time: number(14)?,
    };
    Ok((view, heads))
}

macro_rules! one_view {
    ($lock:literal) => {
        concat!(
            "SELECT ",
            columns!(),
            " FROM views v JOIN conversations c ON c.id = v.conversation
             WHERE v.owner = $1 AND v.conversation = $2",
            $lock
        )
    };
}

pub(super) const LOAD: &str = one_view!("");

/// An owner's view of a conversation, if it ever had one.
pub(super) async fn load(
    session: &Session,
    owner: i64,
    conversation: i64,
) -> Result<Option<(View, Heads)>> {
    let row = session.row(LOAD, &[&owner, &conversation]).await?;
    row.as_ref().map(read).transpose()
}

/// The same; nobody changes it until this transaction ends.
pub(super) async fn lock(
    session: &Session,
    owner: i64,
    conversation: i64,
) -> Result<Option<(View, Heads)>> {
    let row = session
        .row(one_view!(" FOR UPDATE OF v"), &[&owner, &conversation])
        .await?;
    row.as_ref().map(read).transpose()
}

/// A conversation's heads; nobody moves them until this transaction ends.
pub(super) async fn lock_heads(session: &Session, conversation: i64) -> Result<Heads> {
    let row = session
        .one(
            "SELECT head, common, common_time FROM conversations WHERE id = $1 FOR UPDATE",
            &[&conversation],
        )
        .await?;
    let number = |at: usize| row.try_get(at).map(unsigned);
    Ok(Heads {
        head: number(0)?,
        common: number(1)?,
        common_time: number(2)?,
    })
}

/// Puts a changed view back. Exactly one row may change by it: another number is divided by zero,
/// which ends the transaction.
// DEL-5
const STORE: &str = "WITH stored AS (
         UPDATE views SET version = $3, cleared_through = $4, propagated_through = $5, read_through = $6,
             hidden_through = $7, pinned = $8, sees_from = $9, sees_to = $10, own_head = $11, own_time = $12,
             propagated_by = $13, hiding_propagated_through = $14, kept_through = $15
         WHERE owner = $1 AND conversation = $2 RETURNING 1)
     SELECT 1 / (count(*) = 1)::int FROM stored";

pub(super) async fn store(
    session: &Session,
    owner: i64,
    conversation: i64,
    view: &View,
) -> Result<()> {
    let version = session.change().await?;
    session
        .later(
            STORE,
            owned![
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
                view.propagated_by.clone(),
                signed(view.hiding_propagated_through),
                signed(view.kept_through),
            ],
        )
        .await
}

/// Makes the row of a view.
pub(super) async fn create(
    session: &Session,
    owner: i64,
    conversation: i64,
    view: &View,
) -> Result<()> {
    session
        .later(
            "INSERT INTO views (owner, conversation, version) VALUES ($1, $2, 0)",
            owned![owner, conversation],
        )
        .await?;
    store(session, owner, conversation, view).await
}

macro_rules! owned_views {
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
             LEFT JOIN device_views d ON d.owner = v.owner AND d.device = $2 AND d.conversation = v.conversation
             WHERE v.owner = $1 AND ",
            $which,
            " ORDER BY v.conversation"
        )
    };
}

/// Views above the key $3 that changed, or whose head moved, behind the change $4 or in one of the
/// changes $5; at most $6.
pub(super) const CHANGED: &str = concat!(
    owned_views!(
        "v.conversation > $3 AND (v.version > $4 OR v.version = ANY ($5) OR c.changed > $4 OR c.changed = ANY ($5))"
    ),
    " LIMIT $6"
);
const ALL: &str = owned_views!("$2 IS NULL");

pub(super) fn read_owned(row: &Row) -> Result<OwnedView> {
    let (view, heads) = read(row)?;
    let number = |at: usize| row.try_get(COLUMNS + at).map(unsigned);
    let (kind, name): (i16, String) = (row.try_get(COLUMNS + 1)?, row.try_get(COLUMNS + 2)?);
    Ok(OwnedView {
        conversation: if kind == GROUP {
            ConversationId::Group(name.into())
        } else {
            ConversationId::C2c(name.into())
        },
        key: number(0)?,
        title: row
            .try_get::<_, Option<String>>(COLUMNS + 3)?
            .unwrap_or_default(),
        view,
        heads,
        device_erased_through: number(4)?,
        device_hidden_through: number(5)?,
    })
}

/// All views of an owner.
pub(super) async fn all(session: &Session, owner: &str) -> Result<Vec<OwnedView>> {
    let owner = known_account(session, owner).await?;
    let rows = session.rows(ALL, &[&owner, &None::<&str>]).await?;
    rows.iter().map(read_owned).collect()
}

/// The names of a group's members.
pub(super) async fn members(session: &Session, group: &str) -> Result<Vec<String>> {
    let rows = session
        .rows(
            "SELECT a.name FROM groups g
             JOIN views v ON v.conversation = g.conversation AND v.floor IS NOT NULL AND v.sees_to IS NULL
             JOIN accounts a ON a.id = v.owner WHERE g.name = $1",
            &[&group],
        )
        .await?;
    Ok(rows
        .iter()
        .map(|row| row.try_get(0))
        .collect::<std::result::Result<_, _>>()?)
}
