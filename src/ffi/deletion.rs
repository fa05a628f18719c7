//! Deleting a conversation.

use std::ffi::{c_char, c_void};
use std::time::Duration;

use super::callback::{
    UserData, adieu_error_callback, adieu_success_callback, adieu_user_data_destructor, reply,
};
use super::guard::guard;
use super::message::conversation;
use super::options::{self, Sized32};
use super::status::{ADIEU_ERR_INVALID_ARGUMENT, ADIEU_ERR_NOT_FOUND};
use super::{adieu_client, handle};
use crate::deletion::DeletionId;

/// Milliseconds that a deletion waits for the server when its options say nothing.
pub const ADIEU_DEFAULT_TIMEOUT_MS: u32 = 15_000;

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
    /// the call is refused.
    pub deletion_id: *mut adieu_deletion_id,
}

// SAFETY: repr(C), begins with u32; NULL, None and zeros are values of its fields.
unsafe impl Sized32 for adieu_delete_options {
    const FIRST_SIZE: usize = size_of::<Self>();
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
/// `on_error`: the device still has all of it, and nothing will happen later. Two codes are
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
            Ok(conversation) => client.delete(id, conversation, timeout(&options), reply),
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
) -> Result<(adieu_delete_options, UserData), i32> {
    let options = if options.is_null() {
        adieu_delete_options {
            struct_size: size_of::<adieu_delete_options>() as u32,
            timeout_ms: 0,
            user_data_destructor: None,
            deletion_id: std::ptr::null_mut(),
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

/// How long to wait for the server.
pub(super) fn timeout(options: &adieu_delete_options) -> Duration {
    let given = options.timeout_ms;
    let wanted = if given == 0 {
        ADIEU_DEFAULT_TIMEOUT_MS
    } else {
        given
    };
    Duration::from_millis(wanted.into())
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
    /// Nanoseconds from the call until its success was ready for delivery.
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
