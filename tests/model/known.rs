//! What the library does not do as the contract says it, yet: steps that would show it are passed
//! over. Each of these goes when the library is put right.

use super::device::Device;
use super::operation::{Policy, Scope, Terms, Undo};

/// DUR-6: keeping or clearing the history shows again what another deletion's undo window hides.
pub fn lifts_the_veil(model: &Device, id: &str, terms: Terms) -> bool {
    terms.scope != Scope::Everything && model.veil(id).is_some()
}

/// DEL-2, DUR-2: a window that is over goes on hiding a conversation without a message while a
/// deletion waits for the server.
pub fn leaves_a_veil(model: &Device, id: &str, terms: Terms) -> bool {
    terms.undo != Undo::None
        && model.get(id).messages.is_empty()
        && (model.pends(id) > 0 || terms.policy == Policy::Queue)
}

/// DEL-9: `keep_history` of what the device has not pulled does not remember that it was read.
pub fn forgets_what_is_read(model: &Device, id: &str, terms: Terms) -> bool {
    terms.scope == Scope::ListEntry && model.cut_off(id).is_none() && model.line(id).is_none()
}

/// CALL-5: the id of a call that joined an equal one is not known any more after a restart.
pub const FORGETS_WHO_JOINED: bool = true;

/// DUR-6: what was set is shown with the first newer message while an undo window hides it.
pub const SHOWS_WHAT_WAS_SET: bool = true;

/// DUR-2: policy `queue` hides a conversation without a message only when the server has answered.
pub fn is_hidden_late(model: &Device, id: &str, terms: Terms) -> bool {
    terms.policy == Policy::Queue && model.cut_off(id).is_none() && model.line(id).is_some()
}

/// An undo that shows more of a conversation that is listed already is not told as a change.
pub const UNDO_IS_NOT_TOLD: bool = true;

/// SYNC-3: where the user can see nothing above a deletion's cut-off, it is sent to other devices
/// as if it reached up to the head.
pub const IS_SENT_TOO_FAR: bool = true;

/// DEL-4: what was taken out of the list once is taken out again at the next pull, with what was
/// set since, where no newer message came.
pub const UNLISTS_AGAIN: bool = true;

/// DUR-6, DEL-8: clearing the history of a conversation that a window hides takes its marks.
pub const CLEARS_HIDDEN_MARKS: bool = true;

/// DEL-3: after a restart, a stale save lowers the cut-off of what has nothing but its floor.
pub const FORGETS_ITS_FLOOR: bool = true;

/// DEL-4: pinning again what is pinned leaves the pin as old as it was, and an earlier deletion
/// takes it.
pub fn pins_as_of_before(model: &Device, id: &str) -> bool {
    model.has_older_pin(id)
}

/// DEL-9: a mark makes the older ones as new as itself, and an earlier deletion leaves them.
pub fn renews_older_marks(model: &Device, id: &str) -> bool {
    model.has_older_marks(id)
}
