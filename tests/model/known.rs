//! What the library does not do as the contract says it, yet: steps that would show it are passed
//! over. Each of these goes when the library is put right; `ADIEU_MODEL_STRICT=1` passes over none.

use crate::support::random::number;

use super::device::Device;
use super::operation::{Policy, Scope, Terms, Undo};

fn is_passed_over() -> bool {
    number("ADIEU_MODEL_STRICT").is_none_or(|strict| strict == 0)
}

/// DEL-8: what is cleared within another deletion's undo window leaves the list.
pub fn leaves_when_cleared(model: &Device, id: &str, terms: Terms) -> bool {
    is_passed_over() && terms.scope == Scope::History && model.veil(id).is_some()
}

/// The same, when it is cleared elsewhere.
pub fn leaves_when_cleared_elsewhere(model: &Device, id: &str) -> bool {
    is_passed_over() && model.veil(id).is_some()
}

/// DEL-10: a queued deletion of what the device has no position of is told twice where it has an
/// undo window, a pin or a draft, or where another deletion is pending.
pub fn is_told_twice(model: &Device, id: &str, terms: Terms) -> bool {
    is_passed_over()
        && terms.policy == Policy::Queue
        && model.cut_off(id).is_none()
        && (model.pends(id) > 0 || terms.undo != Undo::None || model.line(id).is_some())
}

/// DEL-4: that `keep_history` took out of the list what the device had not pulled is forgotten, and
/// done again at the next pull, with what was set since.
pub fn unlists_again(model: &Device, id: &str, terms: Terms) -> bool {
    is_passed_over()
        && terms.scope == Scope::ListEntry
        && model.cut_off(id).is_none()
        && model.line(id).is_none()
}

/// DUR-6, DEL-8: clearing the history of a conversation that a window hides takes its marks.
pub fn clears_hidden_marks() -> bool {
    is_passed_over()
}

/// CALL-5: the id of a call that joined an equal one is not known any more after a restart.
pub fn forgets_who_joined() -> bool {
    is_passed_over()
}
