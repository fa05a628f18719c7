//! The store's settings.

use super::{
    failure::Result,
    names::{signed, unsigned},
    session::Session,
};
use crate::{Error, storage::Settings};

pub(super) async fn load(session: &Session) -> Result<Settings> {
    let row = session
        .one("SELECT app_id, sync_deletions, secret FROM settings", &[])
        .await?;
    Ok(Settings {
        app_id: row.try_get::<_, Option<i64>>(0)?.map(unsigned),
        sync_deletions: row.try_get(1)?,
        secret: row.try_get(2)?,
    })
}

/// Read inside the transaction of each deletion: whoever flips the switch is before or behind it,
/// never in its middle.
// SYNC-1
pub(super) async fn set_sync_deletions(session: &Session, on: bool) -> Result<()> {
    let change = session.change().await?;
    session
        .execute(
            "UPDATE settings SET sync_deletions = $1, changed = $2",
            &[&on, &change],
        )
        .await?;
    Ok(())
}

pub(super) async fn reported_through(session: &Session) -> Result<u64> {
    let row = session
        .one(
            "UPDATE settings SET reported_through =
                 coalesce(reported_through, (SELECT max(number) FROM deletions), 0)
             RETURNING reported_through",
            &[],
        )
        .await?;
    Ok(row.try_get(0).map(unsigned)?)
}

pub(super) async fn set_reported_through(session: &Session, number: u64) -> Result<()> {
    session
        .execute(
            "UPDATE settings SET reported_through = greatest(reported_through, $1)",
            &[&signed(number)],
        )
        .await?;
    Ok(())
}

pub(super) async fn bind_app(session: &Session, app_id: u64) -> Result<()> {
    let bound: i64 = session
        .one(
            "UPDATE settings SET app_id = coalesce(app_id, $1) RETURNING app_id",
            &[&signed(app_id)],
        )
        .await?
        .try_get(0)?;
    if bound == signed(app_id) {
        Ok(())
    } else {
        Err(Error::Store(format!(
            "the store belongs to the app {bound}; it cannot serve the app {app_id}"
        ))
        .into())
    }
}
