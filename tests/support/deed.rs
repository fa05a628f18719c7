//! A deletion as the model knows it, until its outcome is certain.

use super::abi;
use super::listener::{Pending, UNDOABLE};
use super::operation::Terms;
use super::shelf::CutOff;

/// One deletion that was asked for.
#[derive(Clone, Debug)]
pub struct Deed {
    /// The number of its call, over all lives.
    pub number: u64,
    pub conversation: String,
    pub terms: Terms,
    pub cut_off: CutOff,
    pub id: Option<[u8; 16]>,
    /// The call has returned: nothing but a power cut can lose it.
    pub accepted: bool,
    /// It may have been taken back, or have failed, without a word of it.
    pub either: bool,
    /// Something was certainly there to be deleted, and how often its end was heard of before.
    pub shown: Option<u64>,
}

/// Undo windows of this length are over when nobody expects it; all others never are.
pub const LONG: u32 = 3_600_000;

impl Deed {
    /// Whether it stays undoable for as long as the test goes.
    pub fn is_long(&self) -> bool {
        self.terms.undo_ms >= LONG
    }

    /// Whether what a client lists as pending is this, or another that this has joined.
    pub fn is(&self, pending: &Pending) -> bool {
        self.id == Some(pending.deletion.0) || self.is_like(pending)
    }

    fn is_like(&self, pending: &Pending) -> bool {
        let scope = match (self.terms.keep_history, self.terms.clear_history) {
            (true, _) => 1,
            (_, true) => 2,
            _ => 0,
        };
        self.conversation == pending.id
            && scope == pending.scope
            // Without a server, every policy is that of the device.
            && [self.terms.policy, abi::POLICY_LOCAL_ONLY].contains(&pending.policy)
            && u64::from(self.terms.undo_ms) == window_of(pending)
    }

    /// Whether it has to end as a success when the server can be reached.
    pub fn must_succeed(&self) -> bool {
        self.accepted && !self.either && !self.is_long()
    }

    /// The server was away: a call whose policy is to fail may have failed.
    pub fn server_was_away(&mut self) {
        self.either |= self.terms.policy == abi::FAIL;
    }
}

/// How long a pending deletion can be undone from when it was accepted.
pub fn window_of(pending: &Pending) -> u64 {
    pending.undo_until_ms.saturating_sub(pending.accepted_at_ms)
}

/// The position up to which undo windows hide a conversation; 0: not at all.
pub fn veil_over(conversation: &str, pending: &[Pending]) -> u64 {
    let over = |one: &&Pending| one.id == conversation && one.state == UNDOABLE;
    let cut_offs = pending.iter().filter(over).map(|one| one.cut_off);
    cut_offs.max().unwrap_or(0)
}
