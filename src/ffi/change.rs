//! Pinning, drafting, marking and reading: what a deletion takes with it.

use std::ffi::{c_char, c_void};

use super::callback::{UserData, adieu_error_callback, adieu_success_callback, reply};
use super::guard::guard;
use super::message::conversation;
use super::status::ADIEU_ERR_INVALID_ARGUMENT;
use super::{adieu_client, handle, text};
use crate::conversation::{Change, END};
use crate::error::Result;

/// Pins a conversation to the top of the list (`pinned` 1), or lets go of it (0). Kept on this
/// device; goes with the conversation.
///
/// Returns 0, and exactly one of the callbacks follows; or a negative code, and none does:
/// ADIEU_ERR_INVALID_HANDLE, ADIEU_ERR_INVALID_ARGUMENT (a callback is NULL, or another value),
/// ADIEU_ERR_CLOSED, ADIEU_ERR_FORKED. To `on_error`: ADIEU_ERR_INVALID_PARAMETER (the id), or
/// what the disk reported.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn adieu_pin_conversation(
    client: *mut adieu_client,
    conversation_id: *const c_char,
    pinned: i32,
    on_success: adieu_success_callback,
    on_error: adieu_error_callback,
    user_data: *mut c_void,
) -> i32 {
    let change = || match pinned {
        0 => Ok(Ok(Change::Pin(false))),
        1 => Ok(Ok(Change::Pin(true))),
        _ => Err(ADIEU_ERR_INVALID_ARGUMENT),
    };
    // SAFETY: the same contract.
    unsafe {
        apply(
            client,
            conversation_id,
            change,
            on_success,
            on_error,
            user_data,
        )
    }
}

/// Keeps what the user began to write: UTF-8, up to 64 KiB; NULL or "" removes it. Kept on this
/// device; goes with the conversation. A conversation without a message is listed while it has a
/// draft.
///
/// Returns and errors as adieu_pin_conversation.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn adieu_set_draft(
    client: *mut adieu_client,
    conversation_id: *const c_char,
    draft: *const c_char,
    on_success: adieu_success_callback,
    on_error: adieu_error_callback,
    user_data: *mut c_void,
) -> i32 {
    let change = || {
        // SAFETY: NULL or NUL-terminated by the contract.
        let draft = unsafe { text::copy_optional("draft", draft) };
        Ok(draft.map(|draft| Change::Draft(draft.unwrap_or_default())))
    };
    // SAFETY: the same contract.
    unsafe {
        apply(
            client,
            conversation_id,
            change,
            on_success,
            on_error,
            user_data,
        )
    }
}

/// Sets and then clears bits whose meaning is yours (star, fold, marked unread ...). Kept on this
/// device; they go with the conversation.
///
/// Returns and errors as adieu_pin_conversation; ADIEU_ERR_NOT_FOUND for a conversation that the
/// list does not show.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn adieu_mark_conversation(
    client: *mut adieu_client,
    conversation_id: *const c_char,
    set: u64,
    clear: u64,
    on_success: adieu_success_callback,
    on_error: adieu_error_callback,
    user_data: *mut c_void,
) -> i32 {
    let change = || Ok(Ok(Change::Marks { set, clear }));
    // SAFETY: the same contract.
    unsafe {
        apply(
            client,
            conversation_id,
            change,
            on_success,
            on_error,
            user_data,
        )
    }
}

/// Says that messages up to a position are read; 0: all that are there. What is read stays read.
///
/// Returns and errors as adieu_mark_conversation.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn adieu_mark_read(
    client: *mut adieu_client,
    conversation_id: *const c_char,
    through: u64,
    on_success: adieu_success_callback,
    on_error: adieu_error_callback,
    user_data: *mut c_void,
) -> i32 {
    let through = if through == 0 { END } else { through };
    let change = || Ok(Ok(Change::Read(through)));
    // SAFETY: the same contract.
    unsafe {
        apply(
            client,
            conversation_id,
            change,
            on_success,
            on_error,
            user_data,
        )
    }
}

/// # Safety
/// Every pointer is NULL or valid as the header says.
unsafe fn apply(
    client: *mut adieu_client,
    conversation_id: *const c_char,
    change: impl FnOnce() -> std::result::Result<Result<Change>, i32>,
    on_success: adieu_success_callback,
    on_error: adieu_error_callback,
    user_data: *mut c_void,
) -> i32 {
    guard(|| {
        let client = handle::find(client)?;
        let (Some(on_success), Some(on_error)) = (on_success, on_error) else {
            return Err(ADIEU_ERR_INVALID_ARGUMENT);
        };
        let change = change()?;
        let reply = reply(
            client.delivery().clone(),
            UserData::new(user_data, None),
            on_error,
            move |(), user_data| {
                // SAFETY: a valid function pointer by the contract, with its own data.
                unsafe { on_success(user_data) };
            },
        );
        // SAFETY: NULL or NUL-terminated by the contract.
        let conversation = unsafe { conversation(conversation_id) };
        let submitted = match conversation.and_then(|id| Ok((id, change?))) {
            Ok((id, change)) => client.change(id, change, reply),
            Err(error) => client.reject(error, reply),
        };
        submitted.map_err(|error| error.code())
    })
}
