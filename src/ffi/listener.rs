//! What a listener hears of.

use std::ffi::{CString, c_char, c_void};

use super::callback::{UserData, adieu_user_data_destructor};
use super::conversation::{OutConversation, adieu_conversation};
use super::deletion::adieu_deletion_id;
use super::options::{self, Sized32};
use super::pending::{OutPending, adieu_pending_deletion};
use super::status::ADIEU_OK;
use super::text;
use crate::deletion::Scope;
use crate::error::{Error, Result};
use crate::event::{Cause, Event, Listener, SyncState};

/// The list shows a conversation that it did not show: `conversation`.
pub const ADIEU_EVENT_CONVERSATION_NEW: u32 = 1;
/// The list shows something else of a conversation, or may: `conversation`.
pub const ADIEU_EVENT_CONVERSATION_CHANGED: u32 = 2;
/// A conversation has left the list for good (one within its undo window has not; for that there is
/// ADIEU_EVENT_PENDING_CHANGED): `conversation_id`, `cause`, `scope`, and `deletion_id` where
/// this device made the deletion. Until a newer message brings it back, no other event names it.
pub const ADIEU_EVENT_CONVERSATION_DELETED: u32 = 3;
/// A deletion is pending, stands elsewhere than before, or is pending no longer: `pending`, and
/// `conversation_id`, `deletion_id`, `code` and `desc` as there.
pub const ADIEU_EVENT_PENDING_CHANGED: u32 = 4;
/// The server does not take the UserSig (any more): `code`, `desc`. Told once, until adieu_sign_in
/// gives another one.
pub const ADIEU_EVENT_SIGN_IN_NEEDED: u32 = 5;
/// The pulling of the server's state has begun, finished or failed: `sync_state`, and `code` and
/// `desc` when it failed.
pub const ADIEU_EVENT_SYNC_CHANGED: u32 = 6;
/// Unread messages in all conversations: `total_unread`.
pub const ADIEU_EVENT_TOTAL_UNREAD_CHANGED: u32 = 7;

/// A call on this device.
pub const ADIEU_CAUSE_THIS_DEVICE: u32 = 0;
/// Another device of the user.
pub const ADIEU_CAUSE_ANOTHER_DEVICE: u32 = 1;
/// A back end, through the server's REST API.
pub const ADIEU_CAUSE_BACK_END: u32 = 2;

/// The conversation with its history.
pub const ADIEU_SCOPE_EVERYTHING: u32 = 0;
/// The list entry; the history stays.
pub const ADIEU_SCOPE_LIST_ENTRY: u32 = 1;
/// The history; the list entry stays.
pub const ADIEU_SCOPE_HISTORY: u32 = 2;

/// Pulling has begun.
pub const ADIEU_SYNC_STARTED: u32 = 1;
/// The device has what the server had.
pub const ADIEU_SYNC_FINISHED: u32 = 2;
/// Pulling broke off; what came is kept.
pub const ADIEU_SYNC_FAILED: u32 = 3;

/// Something that happened. Which fields mean something, the kind says; the others are NULL, ""
/// or 0. Fields may be added at the end in later releases, and kinds too: pass over one that you
/// do not know. Everything is valid until the callback returns.
#[repr(C)]
pub struct adieu_event {
    /// One of ADIEU_EVENT_.
    pub kind: u32,
    /// One of ADIEU_CAUSE_.
    pub cause: u32,
    /// One of ADIEU_SCOPE_.
    pub scope: u32,
    /// One of ADIEU_SYNC_.
    pub sync_state: u32,
    /// Which conversation; "" where it is about none.
    pub conversation_id: *const c_char,
    /// What the list shows of it now.
    pub conversation: *const adieu_conversation,
    /// The deletion that is or was pending.
    pub pending: *const adieu_pending_deletion,
    /// What `code` means; "" for ADIEU_OK.
    pub desc: *const c_char,
    /// Unread messages in all conversations.
    pub total_unread: u64,
    /// Which deletion; zeros for none of this device's.
    pub deletion_id: adieu_deletion_id,
    /// What went wrong.
    pub code: i32,
}

/// Called for every event, as callbacks are: on the thread that delivers, one after the other, in
/// the order in which things happened, between the callbacks of calls.
pub type adieu_event_callback =
    Option<unsafe extern "C" fn(user_data: *mut c_void, event: *const adieu_event)>;

/// Who hears of events. Begin with ADIEU_LISTENER_INIT.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct adieu_listener {
    /// sizeof(adieu_listener).
    pub struct_size: u32,
    /// Must be 0.
    pub reserved: u32,
    /// Not NULL.
    pub on_event: adieu_event_callback,
    /// Handed to `on_event`.
    pub user_data: *mut c_void,
    /// Called exactly once with `user_data`: after the last event, when the client is closed, or
    /// when it could not be opened for another reason than this listener. May be NULL.
    pub user_data_destructor: adieu_user_data_destructor,
}

// SAFETY: repr(C), begins with u32; NULL, None and zeros are values of its fields.
unsafe impl Sized32 for adieu_listener {
    const FIRST_SIZE: usize = size_of::<Self>();
}

/// Copies a host's listener; NULL is none.
///
/// # Safety
/// `given` is NULL or points to struct_size readable bytes.
pub(super) unsafe fn read(
    given: *const adieu_listener,
) -> std::result::Result<Option<adieu_listener>, i32> {
    if given.is_null() {
        return Ok(None);
    }
    // SAFETY: passed on from the caller.
    unsafe { options::read(given) }.map(Some)
}

/// What the host wants to hear with.
pub(super) fn listener(given: Option<adieu_listener>) -> Result<Option<Listener>> {
    let Some(given) = given else {
        return Ok(None);
    };
    let Some(on_event) = given.on_event else {
        return Err(Error::Parameter("listener: on_event is NULL".to_owned()));
    };
    if given.reserved != 0 {
        return Err(Error::Parameter("listener: reserved is not 0".to_owned()));
    }
    let user_data = UserData::new(given.user_data, given.user_data_destructor);
    Ok(Some(Box::new(move |event| {
        let held = Held::new(event);
        let conversation = held.conversation.as_ref().map(OutConversation::view);
        let conversation = conversation.as_ref().map(|view| view.get());
        let pending = held.pending.as_ref().map(OutPending::view);
        let event = adieu_event {
            conversation: conversation.map_or(std::ptr::null(), |view| &raw const *view),
            pending: pending
                .as_ref()
                .map_or(std::ptr::null(), |view| &raw const *view),
            ..held.view()
        };
        // SAFETY: a valid function pointer by the contract, with its own data; what the event
        // points to lives until it returns.
        unsafe { on_event(user_data.get(), &raw const event) };
    })))
}

/// What an event's pointers point to.
#[derive(Default)]
struct Held {
    kind: u32,
    cause: u32,
    scope: u32,
    sync_state: u32,
    id: CString,
    conversation: Option<OutConversation>,
    pending: Option<OutPending>,
    desc: CString,
    total_unread: u64,
    deletion: [u8; 16],
    code: i32,
}

impl Held {
    fn new(event: &Event) -> Self {
        match event {
            Event::New(summary) => Self {
                kind: ADIEU_EVENT_CONVERSATION_NEW,
                id: text::out(&summary.id.native()),
                conversation: Some(OutConversation::new(summary)),
                ..Self::default()
            },
            Event::Changed(summary) => Self {
                kind: ADIEU_EVENT_CONVERSATION_CHANGED,
                id: text::out(&summary.id.native()),
                conversation: Some(OutConversation::new(summary)),
                ..Self::default()
            },
            Event::Deleted {
                conversation,
                cause,
                scope,
                deletion,
            } => Self {
                kind: ADIEU_EVENT_CONVERSATION_DELETED,
                cause: cause_number(*cause),
                scope: scope_number(*scope),
                id: text::out(&conversation.native()),
                deletion: deletion.map_or([0; 16], |id| id.0),
                ..Self::default()
            },
            Event::Pending(pending) => {
                let out = OutPending::new(pending);
                Self {
                    kind: ADIEU_EVENT_PENDING_CHANGED,
                    scope: scope_number(pending.scope),
                    id: text::out(&pending.conversation.native()),
                    deletion: pending.deletion.0,
                    code: pending.code,
                    desc: out.desc().to_owned(),
                    pending: Some(out),
                    ..Self::default()
                }
            }
            Event::SignInNeeded(error) => Self {
                kind: ADIEU_EVENT_SIGN_IN_NEEDED,
                ..Self::failed(error)
            },
            Event::Sync(state) => {
                let (sync_state, told) = match state {
                    SyncState::Started => (ADIEU_SYNC_STARTED, Self::default()),
                    SyncState::Finished => (ADIEU_SYNC_FINISHED, Self::default()),
                    SyncState::Failed(error) => (ADIEU_SYNC_FAILED, Self::failed(error)),
                };
                Self {
                    kind: ADIEU_EVENT_SYNC_CHANGED,
                    sync_state,
                    ..told
                }
            }
            Event::TotalUnread(total) => Self {
                kind: ADIEU_EVENT_TOTAL_UNREAD_CHANGED,
                total_unread: *total,
                ..Self::default()
            },
        }
    }

    fn failed(error: &Error) -> Self {
        debug_assert!(error.code() != ADIEU_OK);
        Self {
            code: error.code(),
            desc: text::out(&error.to_string()),
            ..Self::default()
        }
    }

    fn view(&self) -> adieu_event {
        adieu_event {
            kind: self.kind,
            cause: self.cause,
            scope: self.scope,
            sync_state: self.sync_state,
            conversation_id: self.id.as_ptr(),
            conversation: std::ptr::null(),
            pending: std::ptr::null(),
            desc: self.desc.as_ptr(),
            total_unread: self.total_unread,
            deletion_id: adieu_deletion_id {
                bytes: self.deletion,
            },
            code: self.code,
        }
    }
}

fn cause_number(cause: Cause) -> u32 {
    match cause {
        Cause::ThisDevice => ADIEU_CAUSE_THIS_DEVICE,
        Cause::AnotherDevice => ADIEU_CAUSE_ANOTHER_DEVICE,
        Cause::BackEnd => ADIEU_CAUSE_BACK_END,
    }
}

pub(super) fn scope_number(scope: Scope) -> u32 {
    match scope {
        Scope::Everything => ADIEU_SCOPE_EVERYTHING,
        Scope::ListEntry => ADIEU_SCOPE_LIST_ENTRY,
        Scope::History => ADIEU_SCOPE_HISTORY,
    }
}
