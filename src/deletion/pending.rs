//! A pending deletion as the host sees it.

use super::{DeletionId, Policy, Scope};
use crate::conversation::ConversationId;
use crate::error::Error;

/// Where a pending deletion stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PendingState {
    /// Hidden, and can still be undone.
    Undoable,
    /// The server is being asked, or is about to be.
    Asking,
    /// The server is asked again at a known time.
    Waiting,
    /// The server refused, and trying again does not help; kept until the host acknowledges it.
    Refused,
    /// Told once: it has succeeded.
    Done,
    /// Told once: it was undone or cancelled.
    Cancelled,
    /// Told once: it has failed, and the device still has all of it.
    Failed,
}

/// A deletion whose outcome is still open, or has just come.
#[derive(Clone, Debug)]
pub struct Pending {
    /// Its id.
    pub deletion: DeletionId,
    /// Which conversation.
    pub conversation: ConversationId,
    /// What goes.
    pub scope: Scope,
    /// How far it goes.
    pub policy: Policy,
    /// Where it stands.
    pub state: PendingState,
    /// How often the server was asked in vain.
    pub attempts: u32,
    /// Why the last attempt was in vain; 0 before the first.
    pub code: i32,
    /// The same with its text, in the life of the process that saw it.
    pub error: Option<Error>,
    /// When the server is asked again, in Unix milliseconds; 0 where time does not decide.
    pub next_try: u64,
    /// When it was accepted, in Unix milliseconds.
    pub accepted_at: u64,
    /// Until when it can be undone, in Unix milliseconds; 0 for never.
    pub undo_until: u64,
    /// Where it ends; `None` when the device knows no position.
    pub cut_off: Option<u64>,
    /// The device's copy is erased already.
    pub erased: bool,
}
