//! The threads of one client, told apart from those of all others.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::Result;
use crate::primitives::thread::{Builder, JoinHandle};
use crate::primitives::thread_local;

thread_local! {
    /// The client that this thread belongs to; 0 for none.
    static OWNER: Cell<u64> = const { Cell::new(0) };
}

/// Has the system let other threads go before the one that calls this.
pub type StepBack = fn();

/// Starts the threads of one client, and knows them again.
#[derive(Clone, Copy)]
pub struct Threads {
    owner: u64,
    step_back: StepBack,
}

impl Threads {
    /// For a new client.
    pub fn new(step_back: StepBack) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Self {
            owner: NEXT.fetch_add(1, Ordering::Relaxed),
            step_back,
        }
    }

    /// Starts one.
    pub fn spawn(self, name: &str, work: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>> {
        let thread = Builder::new().name(name.to_owned()).spawn(move || {
            OWNER.with(|owner| owner.set(self.owner));
            work();
        })?;
        Ok(thread)
    }

    /// Starts one whose work nobody waits for.
    pub fn spawn_in_background(
        self,
        name: &str,
        work: impl FnOnce() + Send + 'static,
    ) -> Result<JoinHandle<()>> {
        self.spawn(name, move || {
            (self.step_back)();
            work();
        })
    }

    /// Whether the current thread is one of them, and so cannot wait for their end.
    pub fn is_one(self) -> bool {
        OWNER.with(Cell::get) == self.owner
    }
}
