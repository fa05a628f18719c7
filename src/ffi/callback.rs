//! What the library calls.
//!
//! Callbacks of one client never overlap and come in the order in which calls finished. No lock
//! is held while one runs, and any function of the library may be called from it. It must return
//! normally: no longjmp, no exception.

use std::ffi::{c_char, c_void};
use std::sync::Arc;

use super::text;
use crate::delivery::{Delivery, Reply};
use crate::error::{Error, Result};
use crate::primitives::no_lock_is_held;

/// Called when a call has succeeded.
pub type adieu_success_callback = Option<unsafe extern "C" fn(user_data: *mut c_void)>;

/// Called when a call has failed: one of the ADIEU_ERR_ codes or a code of the server, and a text
/// that says what was wrong and what is allowed. `desc` is never NULL and is valid until the
/// callback returns.
pub type adieu_error_callback =
    Option<unsafe extern "C" fn(user_data: *mut c_void, code: i32, desc: *const c_char)>;

/// Called once for a `user_data` that will not be used any more.
pub type adieu_user_data_destructor = Option<unsafe extern "C" fn(user_data: *mut c_void)>;

/// Called when there is something to poll for after there was nothing, on any thread of the
/// library. It asks the host's loop to call adieu_client_poll soon (PostMessage, dispatch_async,
/// uv_async_send ...); it must return quickly. Calls are coalesced; one that fails or is late
/// does no harm.
pub type adieu_post_hook = Option<unsafe extern "C" fn(post_data: *mut c_void)>;

/// A host's pointer on its way through the library. The library never looks behind it.
#[derive(Clone, Copy)]
pub(super) struct HostPointer(pub(super) *mut c_void);

// SAFETY: the pointer is only handed back to the host, whose threads it is made for: the header
// says on which thread callbacks come.
unsafe impl Send for HostPointer {}
// SAFETY: as above.
unsafe impl Sync for HostPointer {}

/// `user_data` together with the duty to destroy it: exactly once, on every path.
pub(super) struct UserData {
    pointer: HostPointer,
    destructor: adieu_user_data_destructor,
}

impl UserData {
    pub(super) fn new(pointer: *mut c_void, destructor: adieu_user_data_destructor) -> Self {
        Self {
            pointer: HostPointer(pointer),
            destructor,
        }
    }

    /// For the host, which is called next.
    pub(super) fn get(&self) -> *mut c_void {
        no_lock_is_held();
        self.pointer.0
    }
}

impl Drop for UserData {
    fn drop(&mut self) {
        if let Some(destructor) = self.destructor.take() {
            no_lock_is_held();
            // SAFETY: a valid function pointer by the caller's contract, with the pointer that it
            // was given for, called this once.
            unsafe { destructor(self.pointer.0) };
        }
    }
}

/// Calls the error callback.
pub(super) fn call_error(
    on_error: unsafe extern "C" fn(*mut c_void, i32, *const c_char),
    user_data: *mut c_void,
    error: &Error,
) {
    let desc = text::out(&error.to_string());
    // SAFETY: a valid function pointer by the caller's contract; `desc` lives until it returns.
    unsafe { on_error(user_data, error.code(), desc.as_ptr()) };
}

/// A reply that calls `on_value` or the error callback.
pub(super) fn reply<T: Send + 'static>(
    delivery: Arc<Delivery>,
    user_data: UserData,
    on_error: unsafe extern "C" fn(*mut c_void, i32, *const c_char),
    on_value: impl FnOnce(T, *mut c_void) + Send + 'static,
) -> Reply<T> {
    Reply::new(delivery, move |result: Result<T>| match result {
        Ok(value) => on_value(value, user_data.get()),
        Err(error) => call_error(on_error, user_data.get(), &error),
    })
}
