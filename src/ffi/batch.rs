//! Deleting several conversations in one call.

use std::ffi::{CStr, CString, c_char, c_void};

use super::callback::{adieu_error_callback, call_error};
use super::deletion::{self, adieu_delete_options, adieu_deletion_id};
use super::guard::guard;
use super::message::conversation;
use super::status::{ADIEU_ERR_INVALID_ARGUMENT, ADIEU_OK};
use super::{adieu_client, handle, text};
use crate::deletion::Scope;
use crate::delivery::Reply;
use crate::error::{Error, Result};

/// Most conversations in one adieu_delete_conversations.
pub const ADIEU_MAX_BATCH: usize = 100;

/// What became of one conversation of a list. Fields may be added at the end in later releases.
#[repr(C)]
pub struct adieu_deletion_result {
    /// As it was given; "" where it was NULL.
    pub conversation_id: *const c_char,
    /// What the error text says; "" on success.
    pub desc: *const c_char,
    /// ADIEU_OK, or the code that adieu_delete_conversation would have failed with.
    pub code: i32,
}

/// Called with one result for each conversation, in the order of the call. The array and
/// everything in it is valid until the callback returns.
pub type adieu_results_callback = Option<
    unsafe extern "C" fn(
        user_data: *mut c_void,
        results: *const *const adieu_deletion_result,
        count: usize,
    ),
>;

/// Deletes 1 to ADIEU_MAX_BATCH conversations, each as adieu_delete_conversation would. They share
/// their flushes and their requests to the server. One that fails leaves the others alone: its
/// result says why. An id that breaks the rules is such a failure.
///
/// `options` may be NULL; its deletion_id, where not NULL, points to `count` ids to be written.
///
/// Returns 0, and exactly one of the callbacks follows: `on_results` when every outcome is known,
/// `on_error` with ADIEU_ERR_INVALID_PARAMETER for a count outside its limits, when nothing is
/// deleted; or a negative code, and none does: as adieu_delete_conversation_with_options, and
/// ADIEU_ERR_INVALID_ARGUMENT when `conversation_ids` is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn adieu_delete_conversations(
    client: *mut adieu_client,
    conversation_ids: *const *const c_char,
    count: usize,
    options: *const adieu_delete_options,
    on_results: adieu_results_callback,
    on_error: adieu_error_callback,
    user_data: *mut c_void,
) -> i32 {
    guard(|| {
        // SAFETY: NULL or struct_size readable bytes by the contract.
        let (options, user_data) = unsafe { deletion::given(options, user_data) }?;
        let client = handle::find(client)?;
        let (Some(on_results), Some(on_error)) = (on_results, on_error) else {
            return Err(ADIEU_ERR_INVALID_ARGUMENT);
        };
        if conversation_ids.is_null() {
            return Err(ADIEU_ERR_INVALID_ARGUMENT);
        }
        let in_limits = (1..=ADIEU_MAX_BATCH).contains(&count);
        let count = if in_limits { count } else { 0 };
        let mut given = Given::with_capacity(count);
        let mut wanted = Vec::with_capacity(count);
        let out = options.deletion_id;
        for index in 0..count {
            // SAFETY: within the array of `count` pointers by the contract.
            let text = unsafe { conversation_ids.add(index).read() };
            let id = client.new_deletion_id();
            // SAFETY: NULL or NUL-terminated by the contract.
            unsafe { given.push(text) };
            // SAFETY: as above.
            wanted.push((id, unsafe { conversation(text) }));
            if !out.is_null() {
                // SAFETY: room for `count` ids by the contract.
                unsafe { out.add(index).write(adieu_deletion_id { bytes: id.0 }) };
            }
        }
        let done = move |outcome: Result<Vec<Result<()>>>| match outcome {
            Ok(outcomes) => {
                let descs: Vec<_> = outcomes.iter().map(desc).collect();
                let views: Vec<_> = given
                    .iter()
                    .zip(&outcomes)
                    .zip(&descs)
                    .map(|((conversation_id, outcome), desc)| adieu_deletion_result {
                        conversation_id,
                        desc: desc.as_deref().unwrap_or_default().as_ptr(),
                        code: outcome.as_ref().map_or_else(Error::code, |()| ADIEU_OK),
                    })
                    .collect();
                let pointers: Vec<*const adieu_deletion_result> =
                    views.iter().map(|view| &raw const *view).collect();
                // SAFETY: a valid function pointer by the contract; everything that the array
                // points to lives until it returns.
                unsafe { on_results(user_data.get(), pointers.as_ptr(), pointers.len()) };
            }
            Err(error) => call_error(on_error, user_data.get(), &error),
        };
        match deletion::terms(&options, Scope::Everything) {
            Ok(terms) => client.delete_all(wanted, terms, done),
            Err(error) => client.reject(error, Reply::new(client.delivery().clone(), done)),
        }
        .map_err(|error| error.code())
    })
}

/// Why it failed, if it did.
fn desc(outcome: &Result<()>) -> Option<CString> {
    let error = outcome.as_ref().err()?;
    Some(text::out(&error.to_string()))
}

/// The ids as they were given, one behind the other, each with its NUL.
struct Given {
    bytes: Vec<u8>,
    starts: Vec<usize>,
}

impl Given {
    fn with_capacity(count: usize) -> Self {
        /// Most ids are shorter.
        const USUAL: usize = 32;
        Self {
            bytes: Vec::with_capacity(count * USUAL),
            starts: Vec::with_capacity(count),
        }
    }

    /// Copies one, UTF-8 or not; NULL is empty.
    ///
    /// # Safety
    /// `id` is NULL or points to a NUL-terminated string.
    unsafe fn push(&mut self, id: *const c_char) {
        self.starts.push(self.bytes.len());
        let id = if id.is_null() {
            c""
        } else {
            // SAFETY: not NULL, and NUL-terminated by the caller's contract.
            unsafe { CStr::from_ptr(id) }
        };
        self.bytes.extend_from_slice(id.to_bytes_with_nul());
    }

    fn iter(&self) -> impl Iterator<Item = *const c_char> {
        let from = |start: &usize| self.bytes[*start..].as_ptr().cast();
        self.starts.iter().map(from)
    }
}
