//! The conversation list.

use std::ffi::{CString, c_char, c_void};

use super::callback::{UserData, adieu_error_callback, reply};
use super::guard::guard;
use super::message::{OutMessage, adieu_message};
use super::status::ADIEU_ERR_INVALID_ARGUMENT;
use super::{adieu_client, handle, text};
use crate::conversation::Summary;

/// A line of the conversation list. Fields may be added at the end in later releases.
#[repr(C)]
pub struct adieu_conversation {
    /// c2c_<user> or group_<group>.
    pub conversation_id: *const c_char,
    /// The group's name; "" for a one-to-one conversation.
    pub title: *const c_char,
    /// Messages on this device.
    pub message_count: u64,
    /// Those of them from others that are unread.
    pub unread_count: u64,
    /// The newest message; NULL when there is none.
    pub last_message: *const adieu_message,
    /// What the user began to write; "" where there is nothing.
    pub draft: *const c_char,
    /// The bits that adieu_mark_conversation set.
    pub marks: u64,
    /// 1 when it is pinned.
    pub pinned: u32,
}

/// Called with the conversation list: what is pinned, then the rest, each the newest first. The array and everything in it is valid
/// until the callback returns.
pub type adieu_conversations_callback = Option<
    unsafe extern "C" fn(
        user_data: *mut c_void,
        conversations: *const *const adieu_conversation,
        count: usize,
    ),
>;

/// Lists the conversations on this device: what is pinned, then the rest, each the newest first.
///
/// Returns 0, and exactly one of the callbacks follows; or a negative code, and none does:
/// ADIEU_ERR_INVALID_HANDLE, ADIEU_ERR_INVALID_ARGUMENT (a callback is NULL), ADIEU_ERR_CLOSED,
/// ADIEU_ERR_FORKED.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn adieu_list_conversations(
    client: *mut adieu_client,
    on_conversations: adieu_conversations_callback,
    on_error: adieu_error_callback,
    user_data: *mut c_void,
) -> i32 {
    guard(|| {
        let client = handle::find(client)?;
        let (Some(on_conversations), Some(on_error)) = (on_conversations, on_error) else {
            return Err(ADIEU_ERR_INVALID_ARGUMENT);
        };
        let reply = reply(
            client.delivery().clone(),
            UserData::new(user_data, None),
            on_error,
            move |list: Vec<Summary>, user_data| {
                let held: Vec<_> = list.iter().map(OutConversation::new).collect();
                let views: Vec<_> = held.iter().map(OutConversation::view).collect();
                let pointers: Vec<*const adieu_conversation> =
                    views.iter().map(|view| &raw const *view.get()).collect();
                // SAFETY: a valid function pointer by the contract; everything that the array points
                // to lives until it returns.
                unsafe { on_conversations(user_data, pointers.as_ptr(), pointers.len()) };
            },
        );
        client.list(reply).map_err(|error| error.code())
    })
}

/// What a line's pointers point to.
pub(super) struct OutConversation {
    id: CString,
    title: CString,
    draft: CString,
    messages: u64,
    unread: u64,
    marks: u64,
    pinned: bool,
    last: Option<OutMessage>,
}

impl OutConversation {
    pub(super) fn new(summary: &Summary) -> Self {
        Self {
            id: text::out(&summary.id.native()),
            title: text::out(&summary.title),
            draft: text::out(&summary.draft),
            messages: summary.messages,
            unread: summary.unread,
            marks: summary.marks,
            pinned: summary.pinned,
            last: summary.last.as_ref().map(OutMessage::new),
        }
    }

    pub(super) fn view(&self) -> ConversationView {
        // On the heap, so that the view may be moved while the line points to its message.
        let last = self.last.as_ref().map(|last| Box::new(last.view()));
        let conversation = adieu_conversation {
            conversation_id: self.id.as_ptr(),
            title: self.title.as_ptr(),
            message_count: self.messages,
            unread_count: self.unread,
            last_message: last
                .as_ref()
                .map_or(std::ptr::null(), |last| &raw const **last),
            draft: self.draft.as_ptr(),
            marks: self.marks,
            pinned: u32::from(self.pinned),
        };
        ConversationView {
            conversation,
            _last: last,
        }
    }
}

/// A line as C sees it, with the message that it points to.
pub(super) struct ConversationView {
    conversation: adieu_conversation,
    _last: Option<Box<adieu_message>>,
}

impl ConversationView {
    pub(super) fn get(&self) -> &adieu_conversation {
        &self.conversation
    }
}

/// Unread messages in all conversations on this device, from memory: returns at once.
///
/// Errors: ADIEU_ERR_INVALID_HANDLE, ADIEU_ERR_INVALID_ARGUMENT (`total` is NULL),
/// ADIEU_ERR_FORKED.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn adieu_total_unread(client: *const adieu_client, total: *mut u64) -> i32 {
    guard(|| {
        let client = handle::find(client)?;
        if total.is_null() {
            return Err(ADIEU_ERR_INVALID_ARGUMENT);
        }
        // SAFETY: not NULL, and writable by the contract.
        unsafe { total.write(client.total_unread()) };
        Ok(())
    })
}
