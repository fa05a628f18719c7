//! Hearing of events.

#![allow(unsafe_code, reason = "this crate measures a C interface")]

use std::ffi::c_void;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Instant;

use anyhow::{Context, Result};

use crate::adieu::PATIENCE;

/// Who hears.
#[repr(C)]
pub struct RawListener {
    struct_size: u32,
    reserved: u32,
    on_event: unsafe extern "C" fn(*mut c_void, *const RawEvent),
    user_data: *mut c_void,
    destructor: Option<unsafe extern "C" fn(*mut c_void)>,
}

/// The beginning of an event: what is looked at here.
#[repr(C)]
struct RawEvent {
    kind: u32,
    cause: u32,
    scope: u32,
    sync_state: u32,
}

/// An event that is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A conversation was deleted.
    Deleted,
    /// The device has what the server had.
    UpToDate,
}

/// What a listener hears, and when.
pub type Events = Receiver<(Event, Instant)>;

unsafe extern "C" fn on_event(user_data: *mut c_void, event: *const RawEvent) {
    let at = Instant::now();
    // SAFETY: an event by the library's contract.
    let event = unsafe { &*event };
    let heard = match (event.kind, event.sync_state) {
        (3, _) => Event::Deleted,
        (6, 2) => Event::UpToDate,
        _ => return,
    };
    // SAFETY: made by `RawListener::new`, and freed after the last event.
    let sender = unsafe { &*user_data.cast::<Sender<(Event, Instant)>>() };
    let _ = sender.send((heard, at));
}

unsafe extern "C" fn forget_listener(user_data: *mut c_void) {
    // SAFETY: as above; this is called once.
    drop(unsafe { Box::from_raw(user_data.cast::<Sender<(Event, Instant)>>()) });
}

impl RawListener {
    /// One for `adieu_client_open`, and where its events arrive.
    pub fn new() -> (Self, Events) {
        let (sender, events) = channel();
        let listener = Self {
            struct_size: size_of::<Self>() as u32,
            reserved: 0,
            on_event,
            user_data: Box::into_raw(Box::new(sender)).cast(),
            destructor: Some(forget_listener),
        };
        (listener, events)
    }
}

/// Waits for the next event.
pub fn hears(events: &Events) -> Result<(Event, Instant)> {
    events.recv_timeout(PATIENCE).context("no event came")
}

/// Waits until the device has what the server had; says how many deletions it heard of until then.
pub fn up_to_date(events: &Events) -> Result<usize> {
    let mut deletions = 0;
    while hears(events)?.0 != Event::UpToDate {
        deletions += 1;
    }
    Ok(deletions)
}
