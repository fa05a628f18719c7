//! One call and all that the library makes of it.

use std::ffi::{CStr, c_char};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::ThreadId;
use std::time::{Duration, Instant};

use super::DEADLINE;
use super::abi::{
    Data, RawConversation, RawDeletionResult, RawMessage, RawPending, RawVerification,
};
use super::listener::{Pending, pending};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    pub position: u64,
    pub time: u64,
    pub sender: String,
    pub body: String,
    pub text: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conversation {
    pub id: String,
    pub title: String,
    pub messages: u64,
    pub unread: u64,
    pub last: Option<Message>,
    pub draft: String,
    pub marks: u64,
    pub pinned: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verification {
    pub searched: u64,
    pub found: u64,
    pub left_out_short: u64,
    pub left_out_shared: u64,
    pub readable_records: u64,
    pub records: u64,
    pub bytes: u64,
}

/// What a callback was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    Success,
    Error {
        code: i32,
        text: String,
    },
    Conversations(Vec<Conversation>),
    Messages(Vec<Message>),
    Verification(Verification),
    Pending(Vec<Pending>),
    /// Of a list of deletions: id, code and text of each.
    Results(Vec<(String, i32, String)>),
}

impl Outcome {
    /// The code: 0 for every kind of success.
    pub fn code(&self) -> i32 {
        match self {
            Self::Error { code, .. } => *code,
            _ => 0,
        }
    }

    /// The text of an error.
    pub fn text(&self) -> &str {
        match self {
            Self::Error { text, .. } => text,
            _ => "",
        }
    }
}

/// One callback that came.
#[derive(Clone, Debug)]
pub struct Event {
    pub outcome: Outcome,
    pub thread: ThreadId,
    /// Of all callbacks of this process, the how-manieth.
    pub number: u64,
}

/// Notices callbacks of one client that overlap.
#[derive(Default)]
pub struct Lane {
    running: AtomicUsize,
    overlapped: AtomicBool,
}

impl Lane {
    pub fn overlapped(&self) -> bool {
        self.overlapped.load(Ordering::SeqCst)
    }
}

type Hook = Box<dyn Fn(&Outcome) + Send + Sync>;

/// The `user_data` of one call.
pub struct Call {
    events: Mutex<Vec<Event>>,
    changed: Condvar,
    destroyed: AtomicUsize,
    /// How many callbacks had come when the destructor ran.
    destroyed_after: AtomicUsize,
    lane: Arc<Lane>,
    hook: Option<Hook>,
}

static NUMBER: AtomicU64 = AtomicU64::new(0);

impl Call {
    pub fn new(lane: &Arc<Lane>) -> Arc<Self> {
        Self::make(lane, None)
    }

    /// A call whose callback runs `hook`.
    pub fn with_hook(
        lane: &Arc<Lane>,
        hook: impl Fn(&Outcome) + Send + Sync + 'static,
    ) -> Arc<Self> {
        Self::make(lane, Some(Box::new(hook)))
    }

    fn make(lane: &Arc<Lane>, hook: Option<Hook>) -> Arc<Self> {
        Arc::new(Self {
            events: Mutex::default(),
            changed: Condvar::new(),
            destroyed: AtomicUsize::new(0),
            destroyed_after: AtomicUsize::new(usize::MAX),
            lane: lane.clone(),
            hook,
        })
    }

    /// A pointer for the library. What it points to is never freed, so that a callback too many
    /// is counted and not undefined.
    pub fn data(self: &Arc<Self>) -> Data {
        Arc::into_raw(self.clone()).cast_mut().cast()
    }

    /// All callbacks so far.
    pub fn events(&self) -> Vec<Event> {
        self.events.lock().unwrap().clone()
    }

    /// How often the destructor has run.
    pub fn destroyed(&self) -> usize {
        self.destroyed.load(Ordering::SeqCst)
    }

    /// How many callbacks had come when the destructor ran.
    pub fn destroyed_after(&self) -> usize {
        self.destroyed_after.load(Ordering::SeqCst)
    }

    /// Waits for the first callback.
    #[track_caller]
    pub fn wait(&self) -> Outcome {
        self.event().outcome
    }

    /// Waits for the first callback, with all about it.
    #[track_caller]
    pub fn event(&self) -> Event {
        match self.event_within(DEADLINE) {
            Some(event) => event,
            None => panic!("no callback came"),
        }
    }

    /// Waits a given time for the first callback.
    pub fn event_within(&self, time: Duration) -> Option<Event> {
        let start = Instant::now();
        let mut events = self.events.lock().unwrap();
        while events.is_empty() {
            let left = time.checked_sub(start.elapsed())?;
            events = self.changed.wait_timeout(events, left).unwrap().0;
        }
        events.first().cloned()
    }

    fn happened(&self, outcome: Outcome) {
        if self.lane.running.fetch_add(1, Ordering::SeqCst) > 0 {
            self.lane.overlapped.store(true, Ordering::SeqCst);
        }
        let number = NUMBER.fetch_add(1, Ordering::SeqCst);
        if let Some(hook) = &self.hook {
            hook(&outcome);
        }
        self.lane.running.fetch_sub(1, Ordering::SeqCst);
        self.events.lock().unwrap().push(Event {
            outcome,
            thread: std::thread::current().id(),
            number,
        });
        self.changed.notify_all();
    }
}

/// # Safety
/// `data` came from [`Call::data`].
unsafe fn call<'a>(data: Data) -> &'a Call {
    // SAFETY: from Call::data, which leaks what it points to.
    unsafe { &*data.cast::<Call>() }
}

pub unsafe extern "C" fn on_success(data: Data) {
    // SAFETY: every call in these tests passes Call::data.
    unsafe { call(data) }.happened(Outcome::Success);
}

pub unsafe extern "C" fn on_error(data: Data, code: i32, text: *const c_char) {
    assert!(!text.is_null(), "desc is never NULL");
    // SAFETY: as above; the text lives until this returns.
    let (call, text) = unsafe { (call(data), string(text)) };
    assert_ne!(code, 0, "an error has a code");
    call.happened(Outcome::Error { code, text });
}

pub unsafe extern "C" fn on_conversations(
    data: Data,
    list: *const *const RawConversation,
    count: usize,
) {
    // SAFETY: `count` pointers that live until this returns, says the header.
    let list = unsafe { pointers(list, count) };
    // SAFETY: as above.
    let list = list.map(|at| unsafe { conversation(&*at) });
    let outcome = Outcome::Conversations(list.collect());
    // SAFETY: as in on_success.
    unsafe { call(data) }.happened(outcome);
}

pub unsafe extern "C" fn on_pending(data: Data, list: *const *const RawPending, count: usize) {
    // SAFETY: `count` pointers that live until this returns, says the header.
    let list = unsafe { pointers(list, count) };
    // SAFETY: as above.
    let list = list.map(|at| unsafe { pending(&*at) });
    let outcome = Outcome::Pending(list.collect());
    // SAFETY: as in on_success.
    unsafe { call(data) }.happened(outcome);
}

pub unsafe extern "C" fn on_results(
    data: Data,
    list: *const *const RawDeletionResult,
    count: usize,
) {
    // SAFETY: `count` pointers that live until this returns, says the header.
    let list = unsafe { pointers(list, count) };
    let results = list.map(|at| {
        // SAFETY: as above.
        let raw = unsafe { &*at };
        // SAFETY: as above.
        let (id, text) = unsafe { (string(raw.conversation_id), string(raw.desc)) };
        (id, raw.code, text)
    });
    let outcome = Outcome::Results(results.collect());
    // SAFETY: as in on_success.
    unsafe { call(data) }.happened(outcome);
}

pub unsafe extern "C" fn on_messages(data: Data, list: *const *const RawMessage, count: usize) {
    // SAFETY: `count` pointers that live until this returns, says the header.
    let list = unsafe { pointers(list, count) };
    // SAFETY: as above.
    let outcome = Outcome::Messages(list.map(|at| unsafe { message(&*at) }).collect());
    // SAFETY: as in on_success.
    unsafe { call(data) }.happened(outcome);
}

pub unsafe extern "C" fn on_verification(data: Data, found: *const RawVerification) {
    // SAFETY: valid until this returns.
    let raw = unsafe { &*found };
    let outcome = Outcome::Verification(Verification {
        searched: raw.searched,
        found: raw.found,
        left_out_short: raw.left_out_short,
        left_out_shared: raw.left_out_shared,
        readable_records: raw.readable_records,
        records: raw.records,
        bytes: raw.bytes,
    });
    // SAFETY: as in on_success.
    unsafe { call(data) }.happened(outcome);
}

pub unsafe extern "C" fn destroy(data: Data) {
    // SAFETY: as in on_success.
    let call = unsafe { call(data) };
    let before = call.events.lock().unwrap().len();
    call.destroyed_after.store(before, Ordering::SeqCst);
    call.destroyed.fetch_add(1, Ordering::SeqCst);
}

/// # Safety
/// `count` readable pointers.
unsafe fn pointers<T>(list: *const *const T, count: usize) -> impl Iterator<Item = *const T> {
    // SAFETY: by the contract.
    (0..count).map(move |index| unsafe { list.add(index).read() })
}

/// # Safety
/// A conversation of the library whose strings live.
pub unsafe fn conversation(raw: &RawConversation) -> Conversation {
    Conversation {
        // SAFETY: by the contract.
        id: unsafe { string(raw.conversation_id) },
        // SAFETY: by the contract.
        title: unsafe { string(raw.title) },
        messages: raw.message_count,
        unread: raw.unread_count,
        // SAFETY: by the contract; NULL when there is none.
        last: unsafe { raw.last_message.as_ref() }.map(|raw| unsafe { message(raw) }),
        // SAFETY: by the contract.
        draft: unsafe { string(raw.draft) },
        marks: raw.marks,
        pinned: raw.pinned == 1,
    }
}

/// # Safety
/// A message of the library whose strings live.
unsafe fn message(raw: &RawMessage) -> Message {
    // SAFETY: by the contract.
    let (sender, body, text) = unsafe { (string(raw.sender), string(raw.body), string(raw.text)) };
    Message {
        position: raw.position,
        time: raw.time,
        sender,
        body,
        text,
    }
}

/// # Safety
/// NUL-terminated.
pub unsafe fn string(text: *const c_char) -> String {
    // SAFETY: by the contract.
    unsafe { CStr::from_ptr(text) }
        .to_str()
        .expect("strings passed out are UTF-8")
        .to_owned()
}
