//! What the library does not do as the contract says it, yet: steps that would show it are passed
//! over. Each of these goes when the library is put right.

use super::device::Device;
use super::operation::{Scope, Terms};

/// DUR-6: `keep_history` shows the history again that another deletion's undo window hides.
pub fn lifts_the_veil(model: &Device, id: &str, terms: Terms) -> bool {
    terms.scope == Scope::ListEntry && model.veil(id).is_some()
}
