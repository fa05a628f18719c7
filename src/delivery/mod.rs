//! Delivering outcomes to the host: one after the other, in the order in which calls finished,
//! with no lock held.
//!
//! Whoever delivers takes a job out of the queue, lets go of the lock, and runs it. That is a
//! library thread, or the host's own through [`Delivery::poll`].

mod reply;

pub use reply::{Parts, Reply};

use std::cell::Cell;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::primitives::{Condvar, Mutex, MutexGuard, thread_local};

/// Something that calls the host.
pub type Job = Box<dyn FnOnce() + Send>;

/// Who delivers.
pub enum Mode {
    /// A thread of the library.
    Thread,
    /// The host, when it polls; the hook, where there is one, is called when there is something
    /// to poll for after there was nothing.
    Host(Option<Box<dyn Fn() + Send + Sync>>),
}

/// The queue of outcomes.
pub struct Delivery {
    mode: Mode,
    state: Mutex<State>,
    changed: Condvar,
}

/// Tells threads apart without making anything that a host's thread would have to free.
#[derive(Clone, Copy, PartialEq, Eq)]
struct ThreadMark(usize);

impl ThreadMark {
    fn here() -> Self {
        thread_local!(static MARK: Cell<u8> = const { Cell::new(0) });
        Self(MARK.with(|mark| std::ptr::from_ref(mark).addr()))
    }
}

#[derive(Default)]
struct State {
    jobs: VecDeque<Job>,
    /// Who runs a job right now.
    deliverer: Option<ThreadMark>,
    /// The host was asked to poll and has not done so yet.
    posted: bool,
    /// More comes at once: nobody is woken yet.
    corked: bool,
    /// Nothing comes any more: whoever delivers leaves when the queue is empty.
    finished: bool,
}

impl Delivery {
    /// An empty queue.
    pub fn new(mode: Mode) -> Self {
        Self {
            mode,
            state: Mutex::default(),
            changed: Condvar::new(),
        }
    }

    /// Whether the host delivers.
    pub fn by_host(&self) -> bool {
        matches!(self.mode, Mode::Host(_))
    }

    /// Puts a job at the end of the queue.
    pub fn push(&self, job: Job) {
        let mut state = self.state.lock();
        state.jobs.push_back(job);
        if !state.corked {
            self.wake(state);
        }
    }

    /// Wakes whoever delivers only when what is given is dropped: many jobs come, and a wake-up for
    /// each would cost more than all of them.
    pub fn cork(&self) -> Corked<'_> {
        self.state.lock().corked = true;
        Corked(self)
    }

    fn wake(&self, mut state: MutexGuard<'_, State>) {
        let post = !state.posted && self.by_host();
        state.posted |= post;
        drop(state);
        match &self.mode {
            Mode::Thread => {
                self.changed.notify_all();
            }
            Mode::Host(Some(hook)) if post => hook(),
            Mode::Host(_) => {}
        }
    }

    /// Delivers what is queued, up to `limit` jobs, on this thread. Returns how many; none when
    /// another thread, or a callback on this one, is delivering already.
    pub fn poll(&self, limit: usize) -> usize {
        let mut state = self.state.lock();
        if state.deliverer.is_some() {
            return 0;
        }
        state.posted = false;
        let mut delivered = 0;
        while delivered < limit {
            let Some(job) = state.jobs.pop_front() else {
                break;
            };
            state = self.run(state, job);
            // Whoever was asked to poll while this job ran found it running and left.
            state.posted = false;
            delivered += 1;
        }
        delivered
    }

    /// Delivers on this thread until [`Self::finish`] was called and the queue is empty.
    /// After each job, `stop` is asked whether to leave at once.
    pub fn run_until_finished(&self, stop: impl Fn() -> bool) {
        let mut state = self.state.lock();
        loop {
            if let Some(job) = state.jobs.pop_front() {
                state = self.run(state, job);
                if stop() {
                    return;
                }
            } else if state.finished {
                return;
            } else {
                self.changed.wait(&mut state);
            }
        }
    }

    /// Says that nothing comes any more.
    pub fn finish(&self) {
        self.state.lock().finished = true;
        self.changed.notify_all();
    }

    /// Waits until nobody delivers, then delivers what is left on this thread.
    pub fn drain(&self) {
        let mut state = self.state.lock();
        loop {
            if state.deliverer.is_some() {
                self.changed.wait(&mut state);
            } else if let Some(job) = state.jobs.pop_front() {
                state = self.run(state, job);
            } else {
                return;
            }
        }
    }

    /// Whether this thread is inside a callback of this client.
    pub fn is_delivering_here(&self) -> bool {
        self.state.lock().deliverer == Some(ThreadMark::here())
    }

    /// Whether nobody is inside a callback of this client.
    pub fn is_idle(&self) -> bool {
        self.state.lock().deliverer.is_none()
    }

    fn run<'a>(&'a self, mut state: MutexGuard<'a, State>, job: Job) -> MutexGuard<'a, State> {
        state.deliverer = Some(ThreadMark::here());
        drop(state);
        #[cfg(feature = "failpoints")]
        let lock = Mutex::new(());
        #[cfg(feature = "failpoints")]
        let _mistake = crate::failpoint::is_wanted("callback=locked").then(|| lock.lock());
        // Host code is C and does not unwind; what is caught here is a bug of the library's own
        // glue, which must not end the delivery of everything behind it.
        let _ = catch_unwind(AssertUnwindSafe(job));
        let mut state = self.state.lock();
        state.deliverer = None;
        self.changed.notify_all();
        state
    }
}

/// Holds back the wake-ups of a queue.
pub struct Corked<'a>(&'a Delivery);

impl Drop for Corked<'_> {
    fn drop(&mut self) {
        let mut state = self.0.state.lock();
        state.corked = false;
        if !state.jobs.is_empty() {
            self.0.wake(state);
        }
    }
}
