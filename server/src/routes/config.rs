//! The service `config`: the app's switches.

use adieu_protocol::config::{SyncDeletions, SyncDeletionsSwitch};

use super::Call;
use crate::{Error, Result};

/// Looks at the switch, or sets it.
// SYNC-1
pub(super) async fn sync_deletions(
    call: &Call<'_>,
    request: SyncDeletions,
) -> Result<SyncDeletionsSwitch> {
    match request.switch {
        None => {}
        Some(switch @ (0 | 1)) => call.app.set_sync_deletions(switch == 1, "REST").await?,
        Some(other) => {
            return Err(Error::BadParameter(format!(
                "SyncDeletions is {other}; allowed: 0 (off), 1 (on), or absent"
            )));
        }
    }
    let settings = call.app.storage.settings().await?;
    Ok(SyncDeletionsSwitch {
        switch: settings.sync_deletions.into(),
    })
}
