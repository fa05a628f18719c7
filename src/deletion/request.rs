//! One accepted call.

use std::time::Instant;

use super::{DeletionId, Noted, Terms};
use crate::clock;
use crate::conversation::ConversationId;
use crate::delivery::Reply;

/// A point in time, read once for all deletions of a call.
#[derive(Clone, Copy)]
pub struct Moment {
    /// For durations.
    pub exact: Instant,
    /// In Unix milliseconds, for what outlives the process.
    pub by_clock: u64,
}

impl Moment {
    /// This one.
    pub fn now() -> Self {
        Self {
            exact: Instant::now(),
            by_clock: clock::now(),
        }
    }
}

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
    pub accepted: Moment,
    /// Where it stands until the journal knows it.
    pub noted: Option<Noted>,
    /// Where the outcome goes.
    pub reply: Reply<()>,
}
