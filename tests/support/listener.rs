//! A listener that remembers what it heard.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use super::abi::{Data, DeletionId, RawEvent, RawListener, RawPending};
use super::call::{Conversation, conversation, string};
use super::eventually;

/// What was heard, by kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    New(Conversation),
    Changed(Conversation),
    Deleted {
        id: String,
        cause: u32,
        scope: u32,
        deletion: DeletionId,
    },
    Pending(Pending),
    SignInNeeded(i32),
    /// State and code.
    Sync(u32, i32),
    TotalUnread(u64),
    Unknown(u32),
}

impl Heard {
    /// The conversation that it names, if it is about the list.
    pub fn conversation(&self) -> Option<&str> {
        match self {
            Self::New(line) | Self::Changed(line) => Some(&line.id),
            Self::Deleted { id, .. } => Some(id),
            _ => None,
        }
    }

    pub fn is_deletion_of(&self, wanted: &str) -> bool {
        matches!(self, Self::Deleted { id, .. } if id == wanted)
    }
}

/// The scope of a cleared history.
pub const HISTORY: u32 = 2;

pub const UNDOABLE: u32 = 1;
pub const ASKING: u32 = 2;
pub const WAITING: u32 = 3;
pub const REFUSED: u32 = 4;
pub const DONE: u32 = 5;
pub const CANCELLED: u32 = 6;
pub const FAILED: u32 = 7;

/// A pending deletion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pending {
    pub deletion: DeletionId,
    pub id: String,
    pub desc: String,
    pub cut_off: u64,
    pub accepted_at_ms: u64,
    pub undo_until_ms: u64,
    pub next_try_ms: u64,
    pub state: u32,
    pub scope: u32,
    pub policy: u32,
    pub attempts: u32,
    pub code: i32,
    pub erased: bool,
}

/// # Safety
/// A pending deletion of the library whose strings live.
pub unsafe fn pending(raw: &RawPending) -> Pending {
    // SAFETY: by the contract.
    let (id, desc) = unsafe { (string(raw.conversation_id), string(raw.desc)) };
    Pending {
        deletion: raw.deletion_id,
        id,
        desc,
        cut_off: raw.cut_off,
        accepted_at_ms: raw.accepted_at_ms,
        undo_until_ms: raw.undo_until_ms,
        next_try_ms: raw.next_try_ms,
        state: raw.state,
        scope: raw.scope,
        policy: raw.policy,
        attempts: raw.attempts,
        code: raw.code,
        erased: raw.erased == 1,
    }
}

type Hook = Box<dyn Fn(&Heard) + Send + Sync>;

/// Remembers.
#[derive(Default)]
pub struct Listener {
    heard: Mutex<Vec<Heard>>,
    destroyed: AtomicUsize,
    hook: Option<Hook>,
}

impl Listener {
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// One that also runs `hook` for each event, before the library goes on.
    pub fn with_hook(hook: impl Fn(&Heard) + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self {
            hook: Some(Box::new(hook)),
            ..Self::default()
        })
    }

    /// For the options of a client. The listener lives for ever.
    pub fn raw(self: &Arc<Self>) -> RawListener {
        RawListener {
            struct_size: size_of::<RawListener>() as u32,
            reserved: 0,
            on_event: Some(on_event),
            user_data: Arc::into_raw(self.clone()).cast_mut().cast(),
            user_data_destructor: Some(destroy),
        }
    }

    /// All that was heard so far.
    pub fn heard(&self) -> Vec<Heard> {
        self.heard.lock().unwrap().clone()
    }

    /// What was heard of one conversation in the list.
    pub fn heard_of(&self, id: &str) -> Vec<Heard> {
        let heard = self.heard().into_iter();
        heard
            .filter(|event| event.conversation() == Some(id))
            .collect()
    }

    /// The states that a deletion was heard to be in.
    pub fn states_of(&self, deletion: DeletionId) -> Vec<u32> {
        let states = self.heard().into_iter().filter_map(|event| match event {
            Heard::Pending(pending) if pending.deletion == deletion => Some(pending.state),
            _ => None,
        });
        states.collect()
    }

    /// Waits until something was heard.
    #[track_caller]
    pub fn wait(&self, what: &str, wanted: impl Fn(&Heard) -> bool) -> Heard {
        eventually(what, || self.heard.lock().unwrap().iter().any(&wanted));
        self.heard().into_iter().find(wanted).unwrap()
    }

    /// How often the destructor has run.
    pub fn destroyed(&self) -> usize {
        self.destroyed.load(Ordering::SeqCst)
    }
}

/// # Safety
/// `data` came from [`Listener::raw`].
unsafe fn listener<'a>(data: Data) -> &'a Listener {
    // SAFETY: from Listener::raw, which leaks what it points to.
    unsafe { &*data.cast::<Listener>() }
}

unsafe extern "C" fn on_event(data: Data, event: *const RawEvent) {
    // SAFETY: every listener in these tests is made by Listener::raw; the event lives until this
    // returns.
    let (listener, event) = unsafe { (listener(data), &*event) };
    assert_eq!(listener.destroyed(), 0, "an event after the destructor");
    // SAFETY: as above.
    let (id, _desc) = unsafe { (string(event.conversation_id), string(event.desc)) };
    let line = || {
        assert!(!event.conversation.is_null());
        // SAFETY: not NULL, and as above.
        let line = unsafe { conversation(&*event.conversation) };
        assert_eq!(line.id, id);
        line
    };
    let heard = match event.kind {
        1 => Heard::New(line()),
        2 => Heard::Changed(line()),
        3 => Heard::Deleted {
            id,
            cause: event.cause,
            scope: event.scope,
            deletion: event.deletion_id,
        },
        4 => {
            assert!(!event.pending.is_null());
            // SAFETY: not NULL, and as above.
            let pending = unsafe { pending(&*event.pending) };
            assert_eq!((&pending.id, pending.deletion), (&id, event.deletion_id));
            assert_eq!(pending.code, event.code);
            Heard::Pending(pending)
        }
        5 => Heard::SignInNeeded(event.code),
        6 => Heard::Sync(event.sync_state, event.code),
        7 => Heard::TotalUnread(event.total_unread),
        other => Heard::Unknown(other),
    };
    if let Some(hook) = &listener.hook {
        hook(&heard);
    }
    listener.heard.lock().unwrap().push(heard);
}

unsafe extern "C" fn destroy(data: Data) {
    // SAFETY: as in on_event.
    unsafe { listener(data) }
        .destroyed
        .fetch_add(1, Ordering::SeqCst);
}

/// A client with these options, and what its listener hears.
pub fn heard_by(options: super::Options) -> (super::Client, Arc<Listener>) {
    let listener = Listener::new();
    let options = super::Options {
        listener: Some(listener.clone()),
        ..options
    };
    (options.open(), listener)
}

/// The one pending deletion.
#[track_caller]
pub fn only(client: &super::Client) -> Pending {
    let pending = client.pending();
    assert_eq!(pending.len(), 1, "{pending:?}");
    pending.into_iter().next().unwrap()
}
