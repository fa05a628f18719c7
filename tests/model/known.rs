//! What the library does not do as the contract says it, yet: steps that would show it are passed
//! over. Each of these goes when the library is put right; `ADIEU_MODEL_STRICT=1` passes over none.

use crate::support::random::number;

use super::device::Device;
use super::operation::{Policy, Scope, Terms, Undo};

fn is_passed_over() -> bool {
    number("ADIEU_MODEL_STRICT").is_none_or(|strict| strict == 0)
}

/// DUR-6: keeping or clearing the history shows again what another deletion's undo window hides.
pub fn lifts_the_veil(model: &Device, id: &str, terms: Terms) -> bool {
    is_passed_over() && terms.scope != Scope::Everything && model.veil(id).is_some()
}

/// DEL-2, DUR-2: a window that is over goes on hiding a conversation without a message while a
/// deletion waits for the server.
pub fn leaves_a_veil(model: &Device, id: &str, terms: Terms) -> bool {
    is_passed_over()
        && terms.undo != Undo::None
        && model.get(id).messages.is_empty()
        && (model.pends(id) > 0 || terms.policy == Policy::Queue)
}

/// CALL-5: the id of a call that joined an equal one is not known any more after a restart.
pub fn forgets_who_joined() -> bool {
    is_passed_over()
}

/// DUR-6: what was set is shown with the first newer message while an undo window hides it.
pub fn shows_what_was_set() -> bool {
    is_passed_over()
}

/// DUR-2: policy `queue` hides a conversation without a message only when the server has answered.
pub fn is_hidden_late(model: &Device, id: &str, terms: Terms) -> bool {
    is_passed_over()
        && terms.policy == Policy::Queue
        && model.cut_off(id).is_none()
        && model.line(id).is_some()
}

/// An undo that shows more of a conversation that is listed already is not told as a change.
pub fn undo_is_not_told() -> bool {
    is_passed_over()
}

/// SYNC-3: where the user can see nothing above a deletion's cut-off, it is sent to other devices
/// as if it reached up to the head.
pub fn is_sent_too_far() -> bool {
    is_passed_over()
}

/// DEL-4: what was taken out of the list once is taken out again at the next pull, with what was
/// set since, where no newer message came.
pub fn unlists_again() -> bool {
    is_passed_over()
}

/// DUR-6, DEL-8: clearing the history of a conversation that a window hides takes its marks.
pub fn clears_hidden_marks() -> bool {
    is_passed_over()
}

/// DEL-3: after a restart, a stale save lowers the cut-off of what has nothing but its floor.
pub fn forgets_its_floor() -> bool {
    is_passed_over()
}

/// DEL-4: pinning again what is pinned leaves the pin as old as it was, and an earlier deletion
/// takes it.
pub fn pins_as_of_before(model: &Device, id: &str) -> bool {
    is_passed_over() && model.has_older_pin(id)
}

/// DEL-9: a mark makes the older ones as new as itself, and an earlier deletion leaves them.
pub fn renews_older_marks(model: &Device, id: &str) -> bool {
    is_passed_over() && model.has_older_marks(id)
}
