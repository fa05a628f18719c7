//! The duty to answer exactly once.

use std::sync::Arc;

use super::Delivery;
use crate::error::{Error, Result};

/// What fulfils a duty.
type Answer<T> = Box<dyn FnOnce(Result<T>) + Send>;

/// What gathers several outcomes for one answer.
pub trait Parts<T>: Send + Sync {
    /// Takes one of them, on whichever thread it is: it does not call the host.
    fn note(&self, index: usize, outcome: Result<T>);
}

enum Open<T: Send + 'static> {
    /// A call of its own.
    Call(Answer<T>, Arc<Delivery>),
    /// A part of a call.
    Part(Arc<dyn Parts<T>>, usize),
}

/// Answers one call. Dropped without an answer, as a panic on its way would, it answers with
/// [`Error::Panic`]: whatever happens, the host hears once.
pub struct Reply<T: Send + 'static> {
    open: Option<Open<T>>,
}

impl<T: Send + 'static> Reply<T> {
    /// A duty that `answer` fulfils, on whichever thread delivers.
    pub fn new(delivery: Arc<Delivery>, answer: impl FnOnce(Result<T>) + Send + 'static) -> Self {
        Self {
            open: Some(Open::Call(Box::new(answer), delivery)),
        }
    }

    /// A duty to tell `parts` what came of the one at `index`.
    pub fn part(parts: Arc<dyn Parts<T>>, index: usize) -> Self {
        Self {
            open: Some(Open::Part(parts, index)),
        }
    }

    /// Fulfils the duty.
    pub fn send(mut self, result: Result<T>) {
        self.answer(result);
    }

    /// Lets go of the duty: the call that it belongs to was refused.
    pub fn release(mut self) {
        self.open = None;
    }

    fn answer(&mut self, result: Result<T>) {
        match self.open.take() {
            Some(Open::Call(answer, delivery)) => delivery.push(Box::new(move || answer(result))),
            Some(Open::Part(parts, index)) => parts.note(index, result),
            None => {}
        }
    }
}

impl<T: Send + 'static> Drop for Reply<T> {
    fn drop(&mut self) {
        self.answer(Err(Error::Panic));
    }
}
