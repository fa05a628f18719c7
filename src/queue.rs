//! A queue that its one reader empties at a stroke.

use std::collections::VecDeque;
use std::time::Duration;

use crate::primitives::{Condvar, Mutex};

/// Many writers, one reader. A writer pays for a wake-up only when the reader sleeps.
pub struct Queue<T> {
    state: Mutex<State<T>>,
    filled: Condvar,
    emptied: Condvar,
}

struct State<T> {
    items: VecDeque<T>,
    closed: bool,
    reader_sleeps: bool,
    writers_wait: usize,
}

impl<T> Queue<T> {
    /// An empty queue.
    pub fn new() -> Self {
        let state = State {
            items: VecDeque::new(),
            closed: false,
            reader_sleeps: false,
            writers_wait: 0,
        };
        Self {
            state: Mutex::new(state),
            filled: Condvar::new(),
            emptied: Condvar::new(),
        }
    }

    /// Puts an item at the end; gives it back when the queue is closed.
    pub fn push(&self, item: T) -> Result<(), T> {
        let mut state = self.state.lock();
        if state.closed {
            return Err(item);
        }
        state.items.push_back(item);
        let wake = std::mem::take(&mut state.reader_sleeps);
        drop(state);
        if wake {
            self.filled.notify_one();
        }
        Ok(())
    }

    /// As [`Self::push`], once fewer than `limit` items wait.
    pub fn push_when_shorter_than(&self, limit: usize, item: T) -> Result<(), T> {
        let mut state = self.state.lock();
        while state.items.len() >= limit && !state.closed {
            state.writers_wait += 1;
            self.emptied.wait(&mut state);
            state.writers_wait -= 1;
        }
        drop(state);
        self.push(item)
    }

    /// Takes everything that waits; with nothing there, waits for it as long as `patience`. Empty
    /// when nothing came, and `None` when the queue is closed and empty.
    pub fn take_all(&self, patience: Duration) -> Option<VecDeque<T>> {
        let mut state = self.state.lock();
        while state.items.is_empty() && !state.closed && !patience.is_zero() {
            state.reader_sleeps = true;
            if self.filled.wait_for(&mut state, patience).timed_out() {
                break;
            }
        }
        state.reader_sleeps = false;
        if state.items.is_empty() && state.closed {
            return None;
        }
        if state.writers_wait > 0 {
            self.emptied.notify_all();
        }
        Some(std::mem::take(&mut state.items))
    }

    /// Takes no more items; what waits is still read.
    pub fn close(&self) {
        self.state.lock().closed = true;
        self.filled.notify_all();
        self.emptied.notify_all();
    }
}
