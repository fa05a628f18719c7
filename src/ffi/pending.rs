//! Deletions whose outcome is open.

use std::ffi::{CStr, CString, c_char, c_void};

use super::callback::{UserData, adieu_error_callback, adieu_success_callback, reply};
use super::deletion::{
    ADIEU_POLICY_FAIL, ADIEU_POLICY_LOCAL_ONLY, ADIEU_POLICY_QUEUE, adieu_deletion_id,
};
use super::guard::guard;
use super::listener::scope_number;
use super::status::{self, ADIEU_ERR_INVALID_ARGUMENT, ADIEU_OK};
use super::{adieu_client, handle, text};
use crate::deletion::{DeletionId, Management, Pending, PendingState, Policy};

/// What it takes is hidden, and it can still be undone (adieu_undo_delete).
pub const ADIEU_PENDING_UNDOABLE: u32 = 1;
/// The server is being asked, or is about to be.
pub const ADIEU_PENDING_ASKING: u32 = 2;
/// The server is asked again at `next_try_ms`, or at once after adieu_retry_deletion,
/// adieu_sign_in or adieu_network_changed.
pub const ADIEU_PENDING_WAITING: u32 = 3;
/// The server refused, and trying again does not help by itself: `code` and `desc` say why. It is
/// kept until adieu_acknowledge_deletion or a successful adieu_retry_deletion.
pub const ADIEU_PENDING_REFUSED: u32 = 4;
/// Only in events: it has succeeded.
pub const ADIEU_PENDING_DONE: u32 = 5;
/// Only in events: it was undone or cancelled; nothing was deleted.
pub const ADIEU_PENDING_CANCELLED: u32 = 6;
/// Only in events: it has failed, or its refusal was acknowledged; it is not tried again.
pub const ADIEU_PENDING_FAILED: u32 = 7;

/// A deletion whose outcome is open. Fields may be added at the end in later releases.
#[repr(C)]
pub struct adieu_pending_deletion {
    /// Its id.
    pub deletion_id: adieu_deletion_id,
    /// c2c_<user> or group_<group>.
    pub conversation_id: *const c_char,
    /// Why the last attempt was in vain; "" before the first.
    pub desc: *const c_char,
    /// The last position that it covers; 0 when the device knows none.
    pub cut_off: u64,
    /// When it was accepted, in Unix milliseconds.
    pub accepted_at_ms: u64,
    /// Until when it can be undone, in Unix milliseconds; 0: it has no undo window.
    pub undo_until_ms: u64,
    /// When the server is asked again, in Unix milliseconds; 0 where time does not decide.
    pub next_try_ms: u64,
    /// One of ADIEU_PENDING_.
    pub state: u32,
    /// One of ADIEU_SCOPE_.
    pub scope: u32,
    /// One of ADIEU_POLICY_.
    pub policy: u32,
    /// How often the server was asked in vain.
    pub attempts: u32,
    /// The code of the last attempt; ADIEU_OK before the first.
    pub code: i32,
    /// 1 when this device's copy is erased already.
    pub erased: u32,
}

/// Called with the pending deletions, the oldest first. The array and everything in it is valid
/// until the callback returns.
pub type adieu_pending_callback = Option<
    unsafe extern "C" fn(
        user_data: *mut c_void,
        pending: *const *const adieu_pending_deletion,
        count: usize,
    ),
>;

/// Lists the deletions whose outcome is open.
///
/// Returns 0, and exactly one of the callbacks follows; or a negative code, and none does:
/// ADIEU_ERR_INVALID_HANDLE, ADIEU_ERR_INVALID_ARGUMENT (a callback is NULL), ADIEU_ERR_CLOSED,
/// ADIEU_ERR_FORKED.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn adieu_list_pending(
    client: *mut adieu_client,
    on_pending: adieu_pending_callback,
    on_error: adieu_error_callback,
    user_data: *mut c_void,
) -> i32 {
    guard(|| {
        let client = handle::find(client)?;
        let (Some(on_pending), Some(on_error)) = (on_pending, on_error) else {
            return Err(ADIEU_ERR_INVALID_ARGUMENT);
        };
        let reply = reply(
            client.delivery().clone(),
            UserData::new(user_data, None),
            on_error,
            move |list: Vec<Pending>, user_data| {
                let held: Vec<_> = list.iter().map(OutPending::new).collect();
                let views: Vec<_> = held.iter().map(OutPending::view).collect();
                let pointers: Vec<*const adieu_pending_deletion> =
                    views.iter().map(|view| &raw const *view).collect();
                // SAFETY: a valid function pointer by the contract; everything that the array
                // points to lives until it returns.
                unsafe { on_pending(user_data, pointers.as_ptr(), pointers.len()) };
            },
        );
        client.pending(reply).map_err(|error| error.code())
    })
}

/// Brings back what a deletion within its undo window has hidden. The server is never asked, and
/// the call that asked for the deletion ends with ADIEU_ERR_CANCELLED.
///
/// Returns 0, and exactly one of the callbacks follows; or a negative code, and none does:
/// ADIEU_ERR_INVALID_HANDLE, ADIEU_ERR_INVALID_ARGUMENT (a pointer is NULL), ADIEU_ERR_CLOSED,
/// ADIEU_ERR_FORKED. To `on_error`: ADIEU_ERR_NOT_FOUND, ADIEU_ERR_TOO_LATE when the window is
/// over, or what the disk reported, and then the deletion goes on.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn adieu_undo_delete(
    client: *mut adieu_client,
    deletion_id: *const adieu_deletion_id,
    on_success: adieu_success_callback,
    on_error: adieu_error_callback,
    user_data: *mut c_void,
) -> i32 {
    // SAFETY: the same contract.
    unsafe {
        manage(
            client,
            deletion_id,
            Management::Undo,
            on_success,
            on_error,
            user_data,
        )
    }
}

/// Takes a deletion back that has not begun: one within its undo window, or one that waits for
/// another of the same conversation. Nothing was erased, and the call that asked for it ends with
/// ADIEU_ERR_CANCELLED.
///
/// Returns and errors as adieu_undo_delete; ADIEU_ERR_TOO_LATE when the server was asked, or when
/// the policy has erased the device's copy.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn adieu_cancel_deletion(
    client: *mut adieu_client,
    deletion_id: *const adieu_deletion_id,
    on_success: adieu_success_callback,
    on_error: adieu_error_callback,
    user_data: *mut c_void,
) -> i32 {
    // SAFETY: the same contract.
    unsafe {
        manage(
            client,
            deletion_id,
            Management::Cancel,
            on_success,
            on_error,
            user_data,
        )
    }
}

/// Asks the server again now for a deletion that waits or was refused. `on_success` means that it
/// is being asked; the outcome comes as ADIEU_EVENT_PENDING_CHANGED, and to the call that asked
/// for the deletion if that still waits.
///
/// Returns and errors as adieu_undo_delete; ADIEU_ERR_INVALID_PARAMETER for one that can still be
/// undone, or without a server.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn adieu_retry_deletion(
    client: *mut adieu_client,
    deletion_id: *const adieu_deletion_id,
    on_success: adieu_success_callback,
    on_error: adieu_error_callback,
    user_data: *mut c_void,
) -> i32 {
    // SAFETY: the same contract.
    unsafe {
        manage(
            client,
            deletion_id,
            Management::Retry,
            on_success,
            on_error,
            user_data,
        )
    }
}

/// Takes note of a deletion that the server refused (ADIEU_PENDING_REFUSED): it is not pending any
/// more. What the device has erased stays erased here; what it has not, it keeps.
///
/// Returns and errors as adieu_undo_delete; ADIEU_ERR_INVALID_PARAMETER for one that was not
/// refused.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn adieu_acknowledge_deletion(
    client: *mut adieu_client,
    deletion_id: *const adieu_deletion_id,
    on_success: adieu_success_callback,
    on_error: adieu_error_callback,
    user_data: *mut c_void,
) -> i32 {
    // SAFETY: the same contract.
    unsafe {
        manage(
            client,
            deletion_id,
            Management::Acknowledge,
            on_success,
            on_error,
            user_data,
        )
    }
}

/// # Safety
/// Every pointer is NULL or valid as the header says.
unsafe fn manage(
    client: *mut adieu_client,
    deletion_id: *const adieu_deletion_id,
    management: Management,
    on_success: adieu_success_callback,
    on_error: adieu_error_callback,
    user_data: *mut c_void,
) -> i32 {
    guard(|| {
        let client = handle::find(client)?;
        let (Some(on_success), Some(on_error)) = (on_success, on_error) else {
            return Err(ADIEU_ERR_INVALID_ARGUMENT);
        };
        if deletion_id.is_null() {
            return Err(ADIEU_ERR_INVALID_ARGUMENT);
        }
        // SAFETY: not NULL, and readable by the contract.
        let id = DeletionId(unsafe { deletion_id.read() }.bytes);
        let reply = reply(
            client.delivery().clone(),
            UserData::new(user_data, None),
            on_error,
            move |(), user_data| {
                // SAFETY: a valid function pointer by the contract, with its own data.
                unsafe { on_success(user_data) };
            },
        );
        client
            .manage(id, management, reply)
            .map_err(|error| error.code())
    })
}

/// Tells the client that there is a network (`online` 1), which it uses at once for every deletion
/// that waits, or that there is none (0), so that it tries less often. Without it, waiting
/// deletions are tried with growing pauses of up to a quarter of an hour. Returns at once.
///
/// Errors: ADIEU_ERR_INVALID_HANDLE, ADIEU_ERR_INVALID_ARGUMENT (another value),
/// ADIEU_ERR_CLOSED, ADIEU_ERR_FORKED.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn adieu_network_changed(client: *mut adieu_client, online: i32) -> i32 {
    guard(|| {
        let client = handle::find(client)?;
        let online = match online {
            0 => false,
            1 => true,
            _ => return Err(ADIEU_ERR_INVALID_ARGUMENT),
        };
        client.network_changed(online).map_err(|error| error.code())
    })
}

/// What a pending deletion's pointers point to.
pub(super) struct OutPending {
    pending: Pending,
    id: CString,
    desc: CString,
}

impl OutPending {
    pub(super) fn new(pending: &Pending) -> Self {
        // The text of an earlier life of the process is not kept: it could name people.
        let desc = match &pending.error {
            Some(error) => text::out(&error.to_string()),
            None if pending.code == ADIEU_OK => CString::default(),
            None => status::text(pending.code).to_owned(),
        };
        Self {
            pending: pending.clone(),
            id: text::out(&pending.conversation.native()),
            desc,
        }
    }

    pub(super) fn desc(&self) -> &CStr {
        &self.desc
    }

    pub(super) fn view(&self) -> adieu_pending_deletion {
        let pending = &self.pending;
        adieu_pending_deletion {
            deletion_id: adieu_deletion_id {
                bytes: pending.deletion.0,
            },
            conversation_id: self.id.as_ptr(),
            desc: self.desc.as_ptr(),
            cut_off: pending.cut_off.unwrap_or(0),
            accepted_at_ms: pending.accepted_at,
            undo_until_ms: pending.undo_until,
            next_try_ms: pending.next_try,
            state: match pending.state {
                PendingState::Undoable => ADIEU_PENDING_UNDOABLE,
                PendingState::Asking => ADIEU_PENDING_ASKING,
                PendingState::Waiting => ADIEU_PENDING_WAITING,
                PendingState::Refused => ADIEU_PENDING_REFUSED,
                PendingState::Done => ADIEU_PENDING_DONE,
                PendingState::Cancelled => ADIEU_PENDING_CANCELLED,
                PendingState::Failed => ADIEU_PENDING_FAILED,
            },
            scope: scope_number(pending.scope),
            policy: match pending.policy {
                Policy::Fail => ADIEU_POLICY_FAIL,
                Policy::Queue => ADIEU_POLICY_QUEUE,
                Policy::LocalOnly => ADIEU_POLICY_LOCAL_ONLY,
            },
            attempts: pending.attempts,
            code: pending.code,
            erased: u32::from(pending.erased),
        }
    }
}
