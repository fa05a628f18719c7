//! Deleting: one row of a view, whatever the conversation holds.

use adieu_protocol::ConversationId;
use tokio_postgres::Row;

use super::{
    clock,
    failure::Result,
    names::{conversation, known_account, signed, unsigned},
    purge,
    session::{Session, owned},
    views,
};
use crate::{
    Error,
    storage::{
        Deletion, DeletionRecord, target,
        view::{Cut, Extent, Heads, View},
    },
};

/// Deletions of one transaction that have numbers of their own; a batch has fewer.
const PLACES: i64 = 128;

/// Everything that a deletion needs to know, in one look: the view is locked by it. The
/// conversation is found first, by its name; left to itself, the planner would go through all of
/// the owner's views.
macro_rules! found {
    ($conversation:literal) => {
        concat!(
            "WITH named AS MATERIALIZED (
                 SELECT o.id AS owner, (",
            $conversation,
            ") AS conversation FROM accounts o WHERE o.name = $1)
             SELECT ",
            views::columns!(),
            ", n.owner, n.conversation, s.sync_deletions,
                 (SELECT target FROM deletions WHERE owner = n.owner AND id = $3),
                 (SELECT cut_off FROM deletions WHERE owner = n.owner AND id = $3)
             FROM named n
             JOIN views v ON v.owner = n.owner AND v.conversation = n.conversation
             JOIN conversations c ON c.id = n.conversation
             CROSS JOIN settings s
             FOR UPDATE OF v"
        )
    };
}

const FIND_C2C: &str = found!(
    "SELECT c.id FROM accounts p JOIN conversations c
         ON c.kind = 1 AND c.low = least(o.id, p.id) AND c.high = greatest(o.id, p.id)
     WHERE p.name = $2"
);
const FIND_GROUP: &str = found!("SELECT g.conversation FROM groups g WHERE g.name = $2");

/// Deletes each by itself: one that is refused leaves the others alone, since it has written
/// nothing.
pub(super) async fn delete_all(
    session: &Session,
    deletions: &[Deletion],
) -> Result<Vec<crate::Result<u64>>> {
    let mut results = Vec::with_capacity(deletions.len());
    for (place, deletion) in deletions.iter().enumerate() {
        let deleted = delete(session, deletion, place as i64 % PLACES).await;
        results.push(match deleted {
            Ok(reached) => Ok(reached),
            Err(super::failure::Failure::Refused(error)) => Err(error),
            Err(other) => return Err(other),
        });
    }
    Ok(results)
}

async fn delete(session: &Session, deletion: &Deletion, place: i64) -> Result<u64> {
    let id = deletion.id.as_ref().map(<[u8; 16]>::as_slice);
    let (sql, name) = match &deletion.conversation {
        ConversationId::C2c(peer) => (FIND_C2C, peer.as_str()),
        ConversationId::Group(group) => (FIND_GROUP, group.as_str()),
        ConversationId::System => return without_view(session, deletion, place).await,
    };
    let found = session.row(sql, &[&deletion.owner, &name, &id]).await?;
    let Some(row) = found else {
        return without_view(session, deletion, place).await;
    };
    let (view, heads) = views::read(&row)?;
    let column = |at: usize| views::COLUMNS + at;
    let owner: i64 = row.try_get(column(0))?;
    let known: Option<String> = row.try_get(column(3))?;
    if let Some(known) = known {
        return remembered(&known, row.try_get(column(4))?, deletion);
    }
    let done = cut(
        session,
        Place {
            owner,
            conversation: row.try_get(column(1))?,
            view,
            heads,
            propagated: row.try_get(column(2))?,
        },
        deletion,
    )
    .await?;
    record(session, owner, deletion, &done, place).await
}

/// DUR-4: a request that was answered already is answered again, and does nothing.
fn remembered(known: &str, cut_off: i64, deletion: &Deletion) -> Result<u64> {
    if known == target(&deletion.conversation) {
        Ok(unsigned(cut_off))
    } else {
        Err(Error::BadParameter(
            "DeletionId was used for another conversation; each deletion needs an id of its own"
                .to_owned(),
        )
        .into())
    }
}

/// DEL-4, DEL-6: what was never there, or is no longer, counts as deleted.
async fn without_view(session: &Session, deletion: &Deletion, place: i64) -> Result<u64> {
    let owner = known_account(session, &deletion.owner).await?;
    if let Some(id) = &deletion.id {
        // Locked, so that the commit waits for the standbys, which may not have the first request.
        let row = session
            .row(
                "SELECT target, cut_off FROM deletions WHERE owner = $1 AND id = $2 FOR KEY SHARE",
                &[&owner, &id.as_slice()],
            )
            .await?;
        if let Some(row) = row {
            return remembered(row.try_get(0)?, row.try_get(1)?, deletion);
        }
    }
    // A view that came into being since the first look is there to be deleted from.
    if let Some(conversation) = conversation(session, owner, &deletion.conversation).await?
        && let Some((view, heads)) = views::lock(session, owner, conversation).await?
    {
        let propagated = session
            .one("SELECT sync_deletions FROM settings", &[])
            .await?
            .try_get(0)?;
        let found = Place {
            owner,
            conversation,
            view,
            heads,
            propagated,
        };
        let done = cut(session, found, deletion).await?;
        return record(session, owner, deletion, &done, place).await;
    }
    record(session, owner, deletion, &Done::default(), place).await
}

/// What a deletion did.
#[derive(Default)]
struct Done {
    reached: u64,
    cleared: u64,
    propagated: bool,
}

/// A view that is locked.
struct Place {
    owner: i64,
    conversation: i64,
    view: View,
    heads: Heads,
    propagated: bool,
}

/// Raises the watermarks of the owner's view.
async fn cut(session: &Session, found: Place, deletion: &Deletion) -> Result<Done> {
    let Place {
        owner,
        conversation,
        mut view,
        heads,
        propagated,
    } = found;
    let floor = view.floor();
    let reached = view.delete(
        &heads,
        Cut {
            through: deletion.cut_off,
            extent: deletion.extent,
            propagate: propagated,
            by: deletion.device.as_deref(),
        },
    );
    views::store(session, owner, conversation, &view).await?;
    let through = |of: bool| if of { signed(reached) } else { 0 };
    if let Some(device) = &deletion.device {
        // DUR-7: replayed to this device, whatever the switch says.
        session
            .later(
                "INSERT INTO device_views (owner, device, conversation, erase_through, hide_through)
                 VALUES ($1, $2, $3, $4, $5)
                 ON CONFLICT (owner, device, conversation) DO UPDATE
                 SET erase_through = greatest(device_views.erase_through, excluded.erase_through),
                     hide_through = greatest(device_views.hide_through, excluded.hide_through)",
                owned![
                    owner,
                    device.clone(),
                    conversation,
                    through(deletion.extent.clears()),
                    through(deletion.extent.hides())
                ],
            )
            .await?;
    }
    let mut cleared = 0;
    if deletion.extent.clears() {
        purge::enqueue(session, conversation).await?;
        cleared = reached.saturating_sub(floor);
    }
    Ok(Done {
        reached,
        cleared,
        propagated,
    })
}

/// Remembers the deletion. Its number is made of the change, so numbers come in the order of
/// changes whoever makes them.
async fn record(
    session: &Session,
    owner: i64,
    deletion: &Deletion,
    done: &Done,
    place: i64,
) -> Result<u64> {
    let number = first_number(session.change().await?) + place;
    session
        .later(
            "INSERT INTO deletions
                 (number, owner, id, target, clear, keep_listed, cut_off, cleared, propagated, device, at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
            owned![
                number,
                owner,
                deletion.id.map(|id| id.to_vec()),
                target(&deletion.conversation),
                deletion.extent.clears(),
                !deletion.extent.hides(),
                signed(done.reached),
                signed(done.cleared),
                done.propagated,
                deletion.device.clone(),
                signed(deletion.now)
            ],
        )
        .await?;
    Ok(done.reached)
}

macro_rules! records {
    ($rest:literal) => {
        concat!(
            "SELECT d.number, a.name, d.target, d.clear, d.keep_listed, d.cut_off, d.cleared, d.propagated,
                 d.id, d.device, d.at
             FROM deletions d JOIN accounts a ON a.id = d.owner ",
            $rest
        )
    };
}

fn read(row: &Row) -> Result<DeletionRecord> {
    let extent = match (row.try_get(3)?, row.try_get(4)?) {
        (false, _) => Extent::Entry,
        (true, true) => Extent::History,
        (true, false) => Extent::Conversation,
    };
    let id: Option<&[u8]> = row.try_get(8)?;
    Ok(DeletionRecord {
        number: row.try_get(0).map(unsigned)?,
        owner: row.try_get(1)?,
        conversation: row.try_get(2)?,
        extent,
        cut_off: row.try_get(5).map(unsigned)?,
        cleared: row.try_get(6).map(unsigned)?,
        propagated: row.try_get(7)?,
        id: id.and_then(|id| id.try_into().ok()),
        device: row.try_get(9)?,
        at: row.try_get(10).map(unsigned)?,
    })
}

/// The last deletions, newest first.
pub(super) async fn recent(session: &Session, limit: usize) -> Result<Vec<DeletionRecord>> {
    let rows = session
        .rows(
            records!("ORDER BY d.number DESC LIMIT $1"),
            &[&signed(limit as u64)],
        )
        .await?;
    rows.iter().map(read).collect()
}

/// The deletions behind a number, oldest first; only as far as none with a lower number can come.
pub(super) async fn after(
    session: &Session,
    number: u64,
    limit: usize,
) -> Result<Vec<DeletionRecord>> {
    let settled = clock::now(session).await?.settled();
    let rows = session
        .rows(
            records!("WHERE d.number > $1 AND d.number < $2 ORDER BY d.number LIMIT $3"),
            &[
                &signed(number),
                &first_number(settled),
                &signed(limit as u64),
            ],
        )
        .await?;
    rows.iter().map(read).collect()
}

/// The number below which all deletions of changes up to this one are.
pub(super) fn first_number(change: i64) -> i64 {
    change.saturating_mul(PLACES)
}
