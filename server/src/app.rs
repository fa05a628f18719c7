//! What every request needs.

use std::sync::Arc;

use adieu_protocol::user_sig::Signer;
use tokio::sync::Notify;

use crate::{cursor::Cursors, storage::Storage};

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
    pub(crate) cursors: Cursors,
}
