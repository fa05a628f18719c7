//! One accepted call.

use std::time::Instant;

use super::{DeletionId, Noted, Terms};
use crate::conversation::ConversationId;
use crate::delivery::Reply;

/// What the app asked for.
pub struct Request {
    /// The id that the call was given.
    pub id: DeletionId,
    /// Which conversation.
    pub conversation: ConversationId,
    /// The highest position that the device had accepted when the call was made.
    pub cut_off: Option<u64>,
    /// That is a position of the host.
    pub host_positions: bool,
    /// How it is to be deleted.
    pub terms: Terms,
    /// When the call was made.
    pub accepted: Instant,
    /// Where it stands until the journal knows it.
    pub noted: Option<Noted>,
    /// Where the outcome goes.
    pub reply: Reply<()>,
}
