//! Messages: reading history, and saving what a host's own transport brought.

use std::ffi::{CString, c_char, c_void};

use super::callback::{UserData, adieu_error_callback, adieu_success_callback, reply};
use super::guard::guard;
use super::options::{self, Sized32};
use super::status::{ADIEU_ERR_ABI, ADIEU_ERR_INVALID_ARGUMENT};
use super::{adieu_client, handle, text};
use crate::conversation::{ConversationId, END, Message};
use crate::error::Result;

/// A message. Fields may be added at the end in later releases.
#[repr(C)]
pub struct adieu_message {
    /// Its place in the conversation, from 1 up.
    pub position: u64,
    /// When it was sent, in Unix seconds.
    pub time: u64,
    /// User id of the sender.
    pub sender: *const c_char,
    /// What was stored: for messages from the server, the JSON array of elements.
    pub body: *const c_char,
    /// The texts of the body's text elements, joined; the body itself where it is not such an
    /// array.
    pub text: *const c_char,
}

/// Called with a page of history, the newest first. The array and everything in it is valid until
/// the callback returns.
pub type adieu_messages_callback = Option<
    unsafe extern "C" fn(
        user_data: *mut c_void,
        messages: *const *const adieu_message,
        count: usize,
    ),
>;

/// A message that the host saves. Begin with ADIEU_NEW_MESSAGE_INIT.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct adieu_new_message {
    /// sizeof(adieu_new_message), the same in every element of an array.
    pub struct_size: u32,
    /// Must be 0.
    pub reserved: u32,
    /// Its place in the conversation: 1 to 2^63 - 2, growing within the conversation.
    pub position: u64,
    /// When it was sent, in Unix seconds.
    pub time: u64,
    /// User id of the sender: 1 to 32 bytes of printable ASCII.
    pub sender: *const c_char,
    /// Anything in UTF-8, up to 1 MiB.
    pub body: *const c_char,
}

// SAFETY: repr(C), begins with u32; NULL pointers and zeros are values of its fields.
unsafe impl Sized32 for adieu_new_message {
    const FIRST_SIZE: usize = size_of::<Self>();
}

/// Reads history of one conversation from this device: at most `count` messages (1 to 1,000) with
/// positions below `before`, the newest first. `before` 0 begins at the newest. A conversation
/// that the device does not know has none.
///
/// Returns 0, and exactly one of the callbacks follows; or a negative code, and none does:
/// ADIEU_ERR_INVALID_HANDLE, ADIEU_ERR_INVALID_ARGUMENT (a callback is NULL), ADIEU_ERR_CLOSED,
/// ADIEU_ERR_FORKED. An id or a count that breaks its rule goes to `on_error` with
/// ADIEU_ERR_INVALID_PARAMETER.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn adieu_get_history(
    client: *mut adieu_client,
    conversation_id: *const c_char,
    before: u64,
    count: usize,
    on_messages: adieu_messages_callback,
    on_error: adieu_error_callback,
    user_data: *mut c_void,
) -> i32 {
    guard(|| {
        let client = handle::find(client)?;
        let (Some(on_messages), Some(on_error)) = (on_messages, on_error) else {
            return Err(ADIEU_ERR_INVALID_ARGUMENT);
        };
        let reply = reply(
            client.delivery().clone(),
            UserData::new(user_data, None),
            on_error,
            move |list: Vec<Message>, user_data| {
                let held: Vec<_> = list.iter().map(OutMessage::new).collect();
                let views: Vec<_> = held.iter().map(OutMessage::view).collect();
                let pointers: Vec<*const adieu_message> =
                    views.iter().map(|view| &raw const *view).collect();
                // SAFETY: a valid function pointer by the contract; everything that the array points
                // to lives until it returns.
                unsafe { on_messages(user_data, pointers.as_ptr(), pointers.len()) };
            },
        );
        // SAFETY: NULL or NUL-terminated by the contract.
        let submitted = match unsafe { conversation(conversation_id) } {
            Ok(id) => client.history(id, if before == 0 { END } else { before }, count, reply),
            Err(error) => client.reject(error, reply),
        };
        submitted.map_err(|error| error.code())
    })
}

/// Saves messages of one conversation that the host's own transport brought: 1 to 10,000, all or
/// none. A message that is there already is left as it is; one at or below what was deleted is
/// dropped. From the return of this call on, a deletion covers them.
///
/// One conversation takes its positions either from the server or from the host; saving into one
/// that was pulled from the server fails with ADIEU_ERR_INVALID_PARAMETER.
///
/// Returns 0, and exactly one of the callbacks follows; or a negative code, and none does:
/// ADIEU_ERR_INVALID_HANDLE, ADIEU_ERR_INVALID_ARGUMENT (a callback or `messages` is NULL),
/// ADIEU_ERR_ABI (struct_size), ADIEU_ERR_CLOSED, ADIEU_ERR_FORKED. What breaks a rule goes to
/// `on_error` with ADIEU_ERR_INVALID_PARAMETER, and nothing is saved.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn adieu_save_messages(
    client: *mut adieu_client,
    conversation_id: *const c_char,
    messages: *const adieu_new_message,
    count: usize,
    on_success: adieu_success_callback,
    on_error: adieu_error_callback,
    user_data: *mut c_void,
) -> i32 {
    guard(|| {
        let client = handle::find(client)?;
        let (Some(on_success), Some(on_error)) = (on_success, on_error) else {
            return Err(ADIEU_ERR_INVALID_ARGUMENT);
        };
        if messages.is_null() {
            return Err(ADIEU_ERR_INVALID_ARGUMENT);
        }
        let user_data = UserData::new(user_data, None);
        // SAFETY: `count` elements by the contract.
        let given = unsafe { given_messages(messages, count) }?;
        let reply = reply(
            client.delivery().clone(),
            user_data,
            on_error,
            move |(), user_data| {
                // SAFETY: a valid function pointer by the contract, with its own data.
                unsafe { on_success(user_data) };
            },
        );
        // SAFETY: NULL or NUL-terminated by the contract.
        let conversation = unsafe { conversation(conversation_id) };
        let submitted = match conversation.and_then(|id| Ok((id, given?))) {
            Ok((id, messages)) => client.save(id, messages, reply),
            Err(error) => client.reject(error, reply),
        };
        submitted.map_err(|error| error.code())
    })
}

/// Copies the host's array. The outer error refuses the call, the inner one fails it.
///
/// # Safety
/// `messages` points to `count` structs of the struct_size in the first, each with pointers that
/// are NULL or point to NUL-terminated strings.
unsafe fn given_messages(
    messages: *const adieu_new_message,
    count: usize,
) -> std::result::Result<Result<Vec<Message>>, i32> {
    if count == 0 || count > crate::client::MAX_SAVE {
        let text = format!(
            "{count} messages in one call; allowed: 1 to {}",
            crate::client::MAX_SAVE
        );
        return Ok(Err(crate::error::Error::Parameter(text)));
    }
    // SAFETY: at least one element is there.
    let stride = unsafe { messages.cast::<u32>().read() };
    if !(stride as usize).is_multiple_of(align_of::<adieu_new_message>()) {
        return Err(ADIEU_ERR_ABI);
    }
    let mut copied = Vec::with_capacity(count);
    for index in 0..count {
        // SAFETY: within the array by the contract.
        let at = unsafe { messages.byte_add(index * stride as usize) };
        // SAFETY: as above.
        let given = unsafe { options::read(at) }?;
        if given.struct_size != stride {
            return Err(ADIEU_ERR_ABI);
        }
        if given.reserved != 0 {
            return Err(ADIEU_ERR_INVALID_ARGUMENT);
        }
        // SAFETY: NULL or NUL-terminated by the contract.
        let texts = unsafe {
            text::copy("sender", given.sender)
                .and_then(|sender| Ok((sender, text::copy("body", given.body)?)))
        };
        match texts {
            Ok((sender, body)) => copied.push(Message {
                position: given.position,
                sender,
                time: given.time,
                body,
            }),
            Err(error) => return Ok(Err(error)),
        }
    }
    Ok(Ok(copied))
}

/// Reads a conversation id.
///
/// # Safety
/// `given` is NULL or points to a NUL-terminated string.
pub(super) unsafe fn conversation(given: *const c_char) -> Result<ConversationId> {
    // SAFETY: passed on from the caller.
    let text = unsafe { text::borrow("conversation id", given) }?;
    Ok(ConversationId::parse(text)?)
}

/// What a message's pointers point to.
pub(super) struct OutMessage {
    position: u64,
    time: u64,
    sender: CString,
    body: CString,
    text: CString,
}

impl OutMessage {
    pub(super) fn new(message: &Message) -> Self {
        Self {
            position: message.position,
            time: message.time,
            sender: text::out(&message.sender),
            body: text::out(&message.body),
            text: text::out(&message.text()),
        }
    }

    pub(super) fn view(&self) -> adieu_message {
        adieu_message {
            position: self.position,
            time: self.time,
            sender: self.sender.as_ptr(),
            body: self.body.as_ptr(),
            text: self.text.as_ptr(),
        }
    }
}
