//! The service `config`: settings of the app, for the administrator. adieu's own.

use serde::{Deserialize, Serialize};

/// Asks for the switch of multi-client sync of deletions, or sets it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyncDeletions {
    /// 1: deletions reach the user's other devices from the next one on; 0: they do not, and those
    /// made meanwhile are never sent later. Absent: nothing is changed.
    #[serde(
        rename = "SyncDeletions",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub switch: Option<u8>,
}

/// How the switch stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyncDeletionsSwitch {
    /// 1: on; 0: off.
    #[serde(rename = "SyncDeletions")]
    pub switch: u8,
}
