//! What has changed for a device, page by page.
//!
//! State, not a log: a pass goes through the owner's views in the order of their keys, looks at
//! those that changed since the device's position, and ends at what was to be seen when it began.
//! What changes meanwhile is found by the next pass at the latest.

use super::{
    clock,
    failure::Result,
    names::{known_account, signed},
    session::Session,
    views,
};
use crate::storage::{SyncPage, SyncPosition, SyncQuery};

pub(super) async fn page(session: &Session, query: &SyncQuery) -> Result<SyncPage> {
    let (owner, looked) = tokio::try_join!(
        known_account(session, &query.owner),
        clock::look(session, query.position.as_ref())
    )?;
    let (incarnation, now, follows) = looked;
    let from = query.position.clone().filter(|_| follows);
    let anew = query.position.is_some() && from.is_none();
    let from = from.unwrap_or_default();
    let target = if from.after == 0 {
        now.known()
    } else {
        from.target
    };
    let (through, without) = clock::bounds(&from.since);
    let rows = session
        .rows(
            views::CHANGED,
            &[
                &owner,
                &query.device,
                &signed(from.after),
                &through,
                &without,
                // One more than fits tells whether there is more.
                &signed(query.limit as u64).saturating_add(1),
            ],
        )
        .await?;
    let complete = rows.len() <= query.limit;
    let views = rows
        .iter()
        .take(query.limit)
        .map(views::read_owned)
        .collect::<Result<Vec<_>>>()?;
    let position = match views.last() {
        Some(last) if !complete => SyncPosition {
            incarnation,
            since: from.since,
            target,
            after: last.key,
        },
        _ => SyncPosition {
            incarnation,
            since: target.clone(),
            target,
            after: 0,
        },
    };
    Ok(SyncPage {
        views,
        position,
        complete,
        anew,
    })
}
