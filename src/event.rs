//! What the host's listener hears of.
//!
//! Events and callbacks share one queue, so that they come in the order in which things happened.
//! Changes of a conversation that has an undelivered one already are not queued again: that one
//! carries the newest state.

use std::collections::HashMap;
use std::sync::Arc;

use crate::conversation::{ConversationId, Summary};
use crate::deletion::{DeletionId, Pending, Scope};
use crate::delivery::Delivery;
use crate::error::Error;
use crate::primitives::Mutex;
use crate::primitives::atomic::{AtomicBool, Ordering};

/// Who caused a deletion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// A call on this device.
    ThisDevice,
    /// Another device of the user.
    AnotherDevice,
    /// A back end, through REST.
    BackEnd,
}

/// Where the pulling of the server's state stands.
#[derive(Clone, Debug)]
pub enum SyncState {
    /// It has begun.
    Started,
    /// The device has what the server had.
    Finished,
    /// It broke off; what came is kept.
    Failed(Error),
}

/// Something that happened.
#[derive(Clone, Debug)]
pub enum Event {
    /// The list shows a conversation that it did not show.
    New(Summary),
    /// The list shows something else of a conversation.
    Changed(Summary),
    /// A conversation has left the list.
    Deleted {
        /// Which.
        conversation: ConversationId,
        /// Who wanted it.
        cause: Cause,
        /// Whether its history is gone too.
        scope: Scope,
        /// Which deletion; `None` for one that this device did not make.
        deletion: Option<DeletionId>,
    },
    /// A deletion is pending, or is so no longer.
    Pending(Pending),
    /// The server does not take the UserSig (any more).
    SignInNeeded(Error),
    /// The pulling of the server's state.
    Sync(SyncState),
    /// Unread messages in all conversations.
    TotalUnread(u64),
}

/// Who is told.
pub type Listener = Box<dyn Fn(&Event) + Send + Sync>;

/// Something queued whose newest state is what is delivered.
type Latest = Arc<Mutex<Option<Event>>>;

/// The way to the listener.
pub struct Events {
    delivery: Arc<Delivery>,
    listener: Mutex<Option<Arc<Listener>>>,
    changes: Mutex<HashMap<ConversationId, Latest>>,
    unread: Mutex<Option<Latest>>,
    sign_in_needed: AtomicBool,
}

impl Events {
    /// To this listener; with none, nothing is queued.
    pub fn new(delivery: Arc<Delivery>, listener: Option<Listener>) -> Self {
        Self {
            delivery,
            listener: Mutex::new(listener.map(Arc::new)),
            changes: Mutex::default(),
            unread: Mutex::default(),
            sign_in_needed: AtomicBool::new(false),
        }
    }

    /// Whether anybody listens: if not, nobody has to find out what changed.
    pub fn are_heard(&self) -> bool {
        self.listener.lock().is_some()
    }

    /// Lets go of the listener: nothing is emitted any more, and what was has been delivered. Some
    /// thread may hold the client for a moment longer, in a call that is about to be refused.
    pub fn end(&self) {
        let listener = self.listener.lock().take();
        drop(listener);
    }

    /// Queues an event. Called by one thread at a time; the host may be asked to poll meanwhile, and
    /// no lock is held for that.
    pub fn emit(&self, event: Event) {
        let Some(listener) = self.listener.lock().clone() else {
            return;
        };
        match &event {
            Event::Changed(summary) => {
                let id = summary.id.clone();
                let queued = self.changes.lock().get(&id).cloned();
                if !queued.is_some_and(|queued| replace(&queued, &event)) {
                    let latest = self.queue_latest(listener, event);
                    let mut changes = self.changes.lock();
                    changes.insert(id, latest);
                    drop_delivered(&mut changes);
                }
            }
            Event::TotalUnread(_) => {
                let queued = self.unread.lock().clone();
                if !queued.is_some_and(|queued| replace(&queued, &event)) {
                    let latest = self.queue_latest(listener, event);
                    *self.unread.lock() = Some(latest);
                }
            }
            other => {
                // What comes after these is a new change: it must not slip in before them.
                match other {
                    Event::New(Summary { id, .. })
                    | Event::Deleted {
                        conversation: id, ..
                    } => drop(self.changes.lock().remove(id)),
                    _ => {}
                }
                self.delivery.push(Box::new(move || listener(&event)));
            }
        }
    }

    /// Tells once that the UserSig is not taken, until there is another one.
    pub fn note_error(&self, error: &Error) {
        if error.needs_sign_in() && !self.sign_in_needed.swap(true, Ordering::SeqCst) {
            self.emit(Event::SignInNeeded(error.clone()));
        }
    }

    /// There is another UserSig.
    pub fn signed_in(&self) {
        self.sign_in_needed.store(false, Ordering::SeqCst);
    }

    fn queue_latest(&self, listener: Arc<Listener>, event: Event) -> Latest {
        let latest = Arc::new(Mutex::new(Some(event)));
        let queued = latest.clone();
        self.delivery.push(Box::new(move || {
            let event = queued.lock().take();
            if let Some(event) = event {
                listener(&event);
            }
        }));
        latest
    }
}

/// Puts a newer state in the place of one that is not delivered yet; `false` when it is.
fn replace(queued: &Latest, event: &Event) -> bool {
    let mut queued = queued.lock();
    if queued.is_some() {
        *queued = Some(event.clone());
    }
    queued.is_some()
}

/// Keeps the table of changes from growing with every conversation there ever was.
fn drop_delivered(changes: &mut HashMap<ConversationId, Latest>) {
    const ENOUGH: usize = 256;
    if changes.len() > ENOUGH && changes.len().is_power_of_two() {
        changes.retain(|_, queued| queued.lock().is_some());
    }
}
