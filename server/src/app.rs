//! What every request needs.

use std::sync::Arc;

use adieu_protocol::user_sig::Signer;
use tokio::sync::{Notify, watch};

use crate::{
    Result,
    console::Console,
    cursor::Cursors,
    devices::{Devices, Waiting},
    limits::Limits,
    metrics::Metrics,
    storage::Storage,
    wake::Wakes,
    webhook::Webhook,
};

/// One app, as this process serves it. Nothing of consequence lives here: several processes may
/// serve one store.
pub struct App {
    /// Where everything is kept.
    pub storage: Arc<dyn Storage>,
    /// Checks credentials.
    pub signer: Signer,
    /// The administrator's identifier.
    pub admin: String,
    /// Wakes the purge: a floor may have risen.
    pub purge: Arc<Notify>,
    /// Whoever waits for a change.
    pub wakes: Arc<Wakes>,
    /// The devices that were here.
    pub devices: Devices,
    /// True when the server stops: whoever waits is to be answered.
    pub stopping: watch::Receiver<bool>,
    /// How often one may ask.
    pub limits: Limits,
    /// What is counted.
    pub metrics: Metrics,
    /// The operator's page.
    pub console: Console,
    /// Where deletions are reported to, if anywhere.
    pub webhook: Option<Arc<Webhook>>,
    pub(crate) cursors: Cursors,
}

impl App {
    /// Sets the switch of multi-client sync; `by` says who, for the log.
    ///
    /// # Errors
    /// Those of the storage.
    pub async fn set_sync_deletions(&self, on: bool, by: &str) -> Result<()> {
        self.storage.set_sync_deletions(on).await?;
        tracing::info!(on, by, "sync of deletions across devices was set");
        Ok(())
    }

    /// A device waits from now on.
    pub(crate) fn wait_of(&self, owner: &str, device: Option<&str>) -> Waiting<'_> {
        self.devices.wait(owner, device)
    }
}
