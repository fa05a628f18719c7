//! The forensic look.

use std::ffi::{CStr, c_char, c_void};

use super::callback::{UserData, adieu_error_callback, reply};
use super::guard::guard;
use super::message::conversation;
use super::status::ADIEU_ERR_INVALID_ARGUMENT;
use super::{adieu_client, handle};
use crate::store::Verification;

/// What a forensic look found. Fields may be added at the end in later releases.
#[repr(C)]
pub struct adieu_verification {
    /// Distinct strings that were looked for.
    pub searched: u64,
    /// Those of them that stand, byte for byte, in some file of the store. 0 is what you want.
    pub found: u64,
    /// Distinct strings that were left out because they are shorter than 8 bytes.
    pub left_out_short: u64,
    /// Distinct strings that were left out because a surviving conversation holds them too.
    pub left_out_shared: u64,
    /// Records that belong to the deleted part of the conversation and can still be decoded. 0 is
    /// what you want.
    pub readable_records: u64,
    /// Records of all conversations that were decoded.
    pub records: u64,
    /// Bytes of the store's files that were searched.
    pub bytes: u64,
}

/// Called with what the look found; valid until the callback returns.
pub type adieu_verification_callback =
    Option<unsafe extern "C" fn(user_data: *mut c_void, verification: *const adieu_verification)>;

/// Looks whether anything of a deleted conversation is left in the store: decodes every record
/// that a living key opens, and searches every file of the store's folder, byte by byte, for
/// `count` strings that the conversation held (texts, names, ids: the host kept them from before
/// the deletion). Reads the whole store; other calls of this client wait meanwhile.
///
/// Returns 0, and exactly one of the callbacks follows; or a negative code, and none does:
/// ADIEU_ERR_INVALID_HANDLE, ADIEU_ERR_INVALID_ARGUMENT (a callback is NULL, or a string),
/// ADIEU_ERR_CLOSED, ADIEU_ERR_FORKED.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn adieu_verify_erased(
    client: *mut adieu_client,
    conversation_id: *const c_char,
    strings: *const *const c_char,
    count: usize,
    on_verification: adieu_verification_callback,
    on_error: adieu_error_callback,
    user_data: *mut c_void,
) -> i32 {
    guard(|| {
        let client = handle::find(client)?;
        let (Some(on_verification), Some(on_error)) = (on_verification, on_error) else {
            return Err(ADIEU_ERR_INVALID_ARGUMENT);
        };
        if strings.is_null() && count > 0 {
            return Err(ADIEU_ERR_INVALID_ARGUMENT);
        }
        let mut texts = Vec::with_capacity(count);
        for index in 0..count {
            // SAFETY: within the array of `count` pointers by the contract.
            let string = unsafe { strings.add(index).read() };
            if string.is_null() {
                return Err(ADIEU_ERR_INVALID_ARGUMENT);
            }
            // SAFETY: not NULL, and NUL-terminated by the contract.
            texts.push(unsafe { CStr::from_ptr(string) }.to_bytes().to_vec());
        }
        let user_data = UserData::new(user_data, None);
        let reply = reply(
            client.delivery().clone(),
            user_data,
            on_error,
            move |found: Verification, user_data| {
                let view = adieu_verification {
                    searched: found.searched,
                    found: found.found,
                    left_out_short: found.too_short,
                    left_out_shared: found.shared,
                    readable_records: found.readable_records,
                    records: found.records,
                    bytes: found.bytes,
                };
                // SAFETY: a valid function pointer by the contract; `view` lives until it returns.
                unsafe { on_verification(user_data, &raw const view) };
            },
        );
        // SAFETY: NULL or NUL-terminated by the contract.
        match unsafe { conversation(conversation_id) } {
            Ok(id) => client.verify(id, texts, reply),
            Err(error) => client.reject(error, reply),
        }
        .map_err(|error| error.code())
    })
}
