//! Deleting several conversations in one call.

use std::ffi::{CString, c_char, c_void};

use super::callback::{adieu_error_callback, call_error};
use super::deletion::{self, adieu_delete_options, adieu_deletion_id};
use super::guard::guard;
use super::message::conversation;
use super::status::{ADIEU_ERR_INVALID_ARGUMENT, ADIEU_OK};
use super::{adieu_client, handle, text};
use crate::deletion::Scope;
use crate::delivery::Reply;
use crate::error::Result;

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
        let mut given = Vec::new();
        let mut wanted = Vec::new();
        for index in 0..if in_limits { count } else { 0 } {
            // SAFETY: within the array of `count` pointers by the contract.
            let id = unsafe { conversation_ids.add(index).read() };
            // SAFETY: NULL or NUL-terminated by the contract.
            given.push(unsafe { text::copy_bytes(id) });
            // SAFETY: as above.
            wanted.push(unsafe { conversation(id) });
        }
        let ids: Vec<_> = wanted.iter().map(|_| client.new_deletion_id()).collect();
        let out = options.deletion_id;
        if !out.is_null() {
            for (index, id) in ids.iter().enumerate() {
                // SAFETY: room for `count` ids by the contract.
                unsafe { out.add(index).write(adieu_deletion_id { bytes: id.0 }) };
            }
        }
        let done = move |outcome: Result<Vec<Result<()>>>| match outcome {
            Ok(outcomes) => {
                let held: Vec<Held> = given.into_iter().zip(outcomes).map(Held::new).collect();
                let views: Vec<_> = held.iter().map(Held::view).collect();
                let pointers: Vec<*const adieu_deletion_result> =
                    views.iter().map(|view| &raw const *view).collect();
                // SAFETY: a valid function pointer by the contract; everything that the array
                // points to lives until it returns.
                unsafe { on_results(user_data.get(), pointers.as_ptr(), pointers.len()) };
            }
            Err(error) => call_error(on_error, user_data.get(), &error),
        };
        let wanted = ids.into_iter().zip(wanted).collect();
        match deletion::terms(&options, Scope::Everything) {
            Ok(terms) => client.delete_all(wanted, terms, done),
            Err(error) => client.reject(error, Reply::new(client.delivery().clone(), done)),
        }
        .map_err(|error| error.code())
    })
}

/// What a result's pointers point to.
struct Held {
    id: CString,
    desc: CString,
    code: i32,
}

impl Held {
    fn new((id, outcome): (CString, Result<()>)) -> Self {
        match outcome {
            Ok(()) => Self {
                id,
                desc: CString::default(),
                code: ADIEU_OK,
            },
            Err(error) => Self {
                id,
                desc: text::out(&error.to_string()),
                code: error.code(),
            },
        }
    }

    fn view(&self) -> adieu_deletion_result {
        adieu_deletion_result {
            conversation_id: self.id.as_ptr(),
            desc: self.desc.as_ptr(),
            code: self.code,
        }
    }
}
