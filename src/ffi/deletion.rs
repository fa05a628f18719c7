//! Deleting a conversation.

use std::ffi::{c_char, c_void};
use std::mem::offset_of;
use std::time::Duration;

use super::callback::{
    UserData, adieu_error_callback, adieu_success_callback, adieu_user_data_destructor, reply,
};
use super::guard::guard;
use super::message::conversation;
use super::options::{self, Sized32};
use super::status::{ADIEU_ERR_INVALID_ARGUMENT, ADIEU_ERR_NOT_FOUND};
use super::{adieu_client, handle};
use crate::deletion::{DeletionId, Policy, Scope, Terms};
use crate::error::{Error, Result};

/// Milliseconds that a deletion waits for the server when its options say nothing.
pub const ADIEU_DEFAULT_TIMEOUT_MS: u32 = 15_000;

/// When the server does not carry the deletion out, the call fails and the device keeps all of
/// it.
pub const ADIEU_POLICY_FAIL: u32 = 0;
/// Hidden and erased on this device at once; pending until the server has confirmed, and tried
/// again for as long as that takes, across restarts. `on_success` waits for the server; a final
/// refusal goes to `on_error` and stays in the list of pending deletions.
pub const ADIEU_POLICY_QUEUE: u32 = 1;
/// Erased on this device, and the server is not asked: for a conversation or an account that the
/// server has lost. Ends in `on_error` with ADIEU_LOCAL_ONLY, since `on_success` promises more
/// (in a client without a server, where it does not, in `on_success`).
pub const ADIEU_POLICY_LOCAL_ONLY: u32 = 2;

/// The name of one deletion, unique for its user.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct adieu_deletion_id {
    /// Opaque.
    pub bytes: [u8; 16],
}

/// How a conversation is deleted. Begin with ADIEU_DELETE_OPTIONS_INIT.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct adieu_delete_options {
    /// sizeof(adieu_delete_options).
    pub struct_size: u32,
    /// How long to wait for the server, in milliseconds; 0 is ADIEU_DEFAULT_TIMEOUT_MS.
    pub timeout_ms: u32,
    /// Called exactly once with `user_data`: after the last callback, or before the call returns
    /// when it is refused. May be NULL.
    pub user_data_destructor: adieu_user_data_destructor,
    /// When not NULL, receives the deletion's id, before any callback can come. Means nothing when
    /// the call is refused. A call that joins an equal one under way is known by its own id too;
    /// events and the list of pending deletions name the one that it joined.
    pub deletion_id: *mut adieu_deletion_id,
    /// One of ADIEU_POLICY_.
    pub policy: u32,
    /// 1: the conversation only leaves the list, here and on the server; its messages return with
    /// it, when a newer one comes. Pin, draft, marks and unread count go. 0: the messages go.
    pub keep_history: u32,
    /// Milliseconds within which adieu_undo_delete brings everything back, up to 7 days; 0: none.
    /// What it takes is hidden at once, and everything else waits until they are over: the
    /// conversation leaves the list, or with adieu_clear_history stays in it without messages.
    pub undo_ms: u32,
    /// Must be 0.
    pub reserved: u32,
}

// SAFETY: repr(C), begins with u32; NULL, None and zeros are values of its fields.
unsafe impl Sized32 for adieu_delete_options {
    const FIRST_SIZE: usize = offset_of!(Self, policy);
}

/// Deletes a conversation for good: from the server, then from this device. The other side keeps
/// its own copy. There is no way back.
///
/// `conversation_id` is c2c_<user> or group_<group>, or the web spelling C2C<user>, GROUP<group>,
/// @TIM#SYSTEM. Deleting an unknown or already deleted conversation succeeds, also when the
/// friend was deleted, the group left or dissolved. Messages that come after this call are not
/// touched by it.
///
/// Returns at once, without waiting for disk, network or another call: 0, and exactly one of
/// `on_success` and `on_error` follows, exactly once, never from within this call (it may come on
/// another thread before this call has returned); or a negative code, and none does:
/// ADIEU_ERR_INVALID_HANDLE, ADIEU_ERR_INVALID_ARGUMENT (a callback is NULL), ADIEU_ERR_CLOSED,
/// ADIEU_ERR_FORKED.
///
/// `on_success`: the server gives this user no message of the conversation up to this call any
/// more, neither does this device, and nothing in the store's files can bring them back.
///
/// `on_error`: the device still has all of it, and nothing will happen later (other policies:
/// adieu_delete_conversation_with_options). Two codes are
/// different: after ADIEU_ERR_OUTCOME_UNKNOWN (the request may have arrived, no answer came) and
/// ADIEU_PENDING (the client was closed) the deletion is written down and is settled later. An id
/// that breaks the rules gets ADIEU_ERR_INVALID_PARAMETER here, with a text that says what is
/// allowed. adieu_is_retryable tells whether trying again can help.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn adieu_delete_conversation(
    client: *mut adieu_client,
    conversation_id: *const c_char,
    on_success: adieu_success_callback,
    on_error: adieu_error_callback,
    user_data: *mut c_void,
) -> i32 {
    // SAFETY: the same contract, with the options left out.
    unsafe {
        adieu_delete_conversation_with_options(
            client,
            conversation_id,
            std::ptr::null(),
            on_success,
            on_error,
            user_data,
        )
    }
}

/// As adieu_delete_conversation, with options; NULL options are the defaults.
///
/// Refused in addition with ADIEU_ERR_ABI (struct_size). The destructor in the options runs on
/// every path, a refused call included, unless the options themselves cannot be read or this is a forked
/// child.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn adieu_delete_conversation_with_options(
    client: *mut adieu_client,
    conversation_id: *const c_char,
    options: *const adieu_delete_options,
    on_success: adieu_success_callback,
    on_error: adieu_error_callback,
    user_data: *mut c_void,
) -> i32 {
    // SAFETY: the same contract.
    unsafe {
        delete(
            client,
            conversation_id,
            options,
            Scope::Everything,
            (on_success, on_error),
            user_data,
        )
    }
}

/// Deletes the history of a conversation for good, which stays in the list with its title, pin,
/// draft and marks. In everything else as adieu_delete_conversation_with_options; `keep_history`
/// in the options must be 0 (ADIEU_ERR_INVALID_PARAMETER).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn adieu_clear_history(
    client: *mut adieu_client,
    conversation_id: *const c_char,
    options: *const adieu_delete_options,
    on_success: adieu_success_callback,
    on_error: adieu_error_callback,
    user_data: *mut c_void,
) -> i32 {
    // SAFETY: the same contract.
    unsafe {
        delete(
            client,
            conversation_id,
            options,
            Scope::History,
            (on_success, on_error),
            user_data,
        )
    }
}

/// # Safety
/// Every pointer is NULL or valid as the header says.
unsafe fn delete(
    client: *mut adieu_client,
    conversation_id: *const c_char,
    options: *const adieu_delete_options,
    scope: Scope,
    (on_success, on_error): (adieu_success_callback, adieu_error_callback),
    user_data: *mut c_void,
) -> i32 {
    guard(|| {
        // SAFETY: NULL or struct_size readable bytes by the contract.
        let (options, user_data) = unsafe { given(options, user_data) }?;
        let client = handle::find(client)?;
        let (Some(on_success), Some(on_error)) = (on_success, on_error) else {
            return Err(ADIEU_ERR_INVALID_ARGUMENT);
        };
        let reply = reply(
            client.delivery().clone(),
            user_data,
            on_error,
            move |(), user_data| {
                // SAFETY: a valid function pointer by the contract, with its own data.
                unsafe { on_success(user_data) };
            },
        );
        let id = client.new_deletion_id();
        let wanted = options.deletion_id;
        if !wanted.is_null() {
            // SAFETY: not NULL, and writable by the contract.
            unsafe { wanted.write(adieu_deletion_id { bytes: id.0 }) };
        }
        // SAFETY: NULL or NUL-terminated by the contract.
        match unsafe { conversation(conversation_id) } {
            Ok(conversation) => match terms(&options, scope) {
                Ok(terms) => client.delete(id, conversation, terms, reply),
                Err(error) => client.reject(error, reply),
            },
            Err(error) => client.reject(error, reply),
        }
        .map_err(|error| error.code())
    })
}

/// A caller's options, or the defaults for NULL, and `user_data` with the destructor that they give
/// it: from here on that runs on every path.
///
/// # Safety
/// `options` is NULL or points to struct_size readable bytes.
pub(super) unsafe fn given(
    options: *const adieu_delete_options,
    user_data: *mut c_void,
) -> std::result::Result<(adieu_delete_options, UserData), i32> {
    let options = if options.is_null() {
        adieu_delete_options {
            struct_size: size_of::<adieu_delete_options>() as u32,
            timeout_ms: 0,
            user_data_destructor: None,
            deletion_id: std::ptr::null_mut(),
            policy: ADIEU_POLICY_FAIL,
            keep_history: 0,
            undo_ms: 0,
            reserved: 0,
        }
    } else {
        // SAFETY: passed on from the caller.
        unsafe { options::read(options) }?
    };
    Ok((
        options,
        UserData::new(user_data, options.user_data_destructor),
    ))
}

/// How the options want a conversation to be deleted.
///
/// # Errors
/// [`Error::Parameter`], whose text says what is allowed.
pub(super) fn terms(options: &adieu_delete_options, scope: Scope) -> Result<Terms> {
    let wrong = |text: String| Err(Error::Parameter(text));
    let policy = match options.policy {
        ADIEU_POLICY_FAIL => Policy::Fail,
        ADIEU_POLICY_QUEUE => Policy::Queue,
        ADIEU_POLICY_LOCAL_ONLY => Policy::LocalOnly,
        other => {
            return wrong(format!(
                "policy is {other}; allowed: 0 (fail), 1 (queue), 2 (local only)"
            ));
        }
    };
    let scope = match (options.keep_history, scope) {
        (0, scope) => scope,
        (1, Scope::Everything) => Scope::ListEntry,
        (1, _) => return wrong("keep_history is 1, and the history is to be cleared".to_owned()),
        (other, _) => return wrong(format!("keep_history is {other}; allowed: 0, 1")),
    };
    if options.reserved != 0 {
        return wrong("reserved is not 0".to_owned());
    }
    let timeout = match options.timeout_ms {
        0 => ADIEU_DEFAULT_TIMEOUT_MS,
        given => given,
    };
    Ok(Terms {
        scope,
        policy,
        timeout: Duration::from_millis(timeout.into()),
        undo: Duration::from_millis(options.undo_ms.into()),
    })
}

/// What a deletion did. Set struct_size before asking.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct adieu_receipt {
    /// sizeof(adieu_receipt).
    pub struct_size: u32,
    /// 0.
    pub reserved: u32,
    /// The last position that was deleted.
    pub cut_off: u64,
    /// Nanoseconds from the beginning of the erasure on this device until nothing could bring the
    /// messages back.
    pub erase_ns: u64,
    /// Nanoseconds from the call until that moment, the answer of the server included.
    pub total_ns: u64,
}

// SAFETY: repr(C), begins with u32; zeros are values of its fields.
unsafe impl Sized32 for adieu_receipt {
    const FIRST_SIZE: usize = size_of::<Self>();
}

/// Tells what a deletion that succeeded did; the newest 1,024 are kept in memory, from before
/// their callback on. Returns at once.
///
/// Errors: ADIEU_ERR_INVALID_HANDLE, ADIEU_ERR_INVALID_ARGUMENT, ADIEU_ERR_ABI,
/// ADIEU_ERR_NOT_FOUND, ADIEU_ERR_FORKED.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn adieu_get_receipt(
    client: *const adieu_client,
    deletion_id: *const adieu_deletion_id,
    receipt: *mut adieu_receipt,
) -> i32 {
    guard(|| {
        let client = handle::find(client)?;
        if deletion_id.is_null() {
            return Err(ADIEU_ERR_INVALID_ARGUMENT);
        }
        // SAFETY: not NULL, and readable by the contract.
        let id = DeletionId(unsafe { deletion_id.read() }.bytes);
        let found = client.receipt(id).ok_or(ADIEU_ERR_NOT_FOUND)?;
        let value = adieu_receipt {
            struct_size: 0,
            reserved: 0,
            cut_off: found.cut_off,
            erase_ns: u64::try_from(found.erase.as_nanos()).unwrap_or(u64::MAX),
            total_ns: u64::try_from(found.total.as_nanos()).unwrap_or(u64::MAX),
        };
        // SAFETY: NULL or struct_size writable bytes by the contract.
        unsafe { options::write(receipt, &value) }
    })
}
