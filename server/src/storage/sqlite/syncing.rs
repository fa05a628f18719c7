//! What has changed for a device, page by page.
//!
//! State, not a log: a pass goes through the owner's views in the order of their keys, looks at
//! those that changed since the device's position, and ends at the change that was the last when
//! it began. What changes meanwhile is above that, and so is found by the next pass at the latest.

use rusqlite::{Connection, params};

use super::{
    incarnations,
    names::{known_account, signed},
    settings, views,
};
use crate::{
    Result,
    storage::{Known, SyncPage, SyncPosition, SyncQuery},
};

/// Up to so many changes of the whole store, it is quicker to look at them than at all views of
/// the owner.
const NEAR: u64 = 1_000;

pub(super) fn page(
    connection: &Connection,
    query: &SyncQuery,
    incarnation: u64,
) -> Result<SyncPage> {
    let owner = known_account(connection, &query.owner)?;
    let now = settings::changes(connection)?;
    let known = match &query.position {
        Some(position) if incarnations::follows(connection, position)? => Some(position),
        _ => None,
    };
    let (since, after) = known.map_or((0, 0), |known| (known.since.through, known.after));
    let target = match known {
        Some(under_way) if after > 0 => under_way.target.through,
        _ => now,
    };
    let sql = if known.is_some() && now.saturating_sub(since) <= NEAR {
        views::CHANGED_BY_CHANGE
    } else {
        views::CHANGED_BY_VIEW
    };
    let mut find = connection.prepare_cached(sql)?;
    // One more than fits tells whether there is more.
    let mut found = find
        .query_map(
            params![
                owner,
                query.device,
                signed(after),
                signed(since),
                signed(query.limit as u64).saturating_add(1),
            ],
            views::read_owned,
        )?
        .collect::<rusqlite::Result<Vec<_>>>()?;
    let complete = found.len() <= query.limit;
    found.truncate(query.limit);
    let position = match found.last() {
        Some(last) if !complete => SyncPosition {
            incarnation,
            since: Known::all_through(since),
            target: Known::all_through(target),
            after: last.key,
        },
        _ => SyncPosition {
            incarnation,
            since: Known::all_through(target),
            target: Known::all_through(target),
            after: 0,
        },
    };
    Ok(SyncPage {
        views: found,
        position,
        complete,
        anew: query.position.is_some() && known.is_none(),
    })
}
