//! The duty to answer exactly once.

use std::sync::Arc;

use super::Delivery;
use crate::error::{Error, Result};

/// What fulfils a duty.
type Answer<T> = Box<dyn FnOnce(Result<T>) + Send>;

/// Answers one call. Dropped without an answer, as a panic on its way would, it answers with
/// [`Error::Panic`]: whatever happens, the host hears once.
pub struct Reply<T: Send + 'static> {
    open: Option<(Answer<T>, Option<Arc<Delivery>>)>,
}

impl<T: Send + 'static> Reply<T> {
    /// A duty that `answer` fulfils, on whichever thread delivers.
    pub fn new(delivery: Arc<Delivery>, answer: impl FnOnce(Result<T>) + Send + 'static) -> Self {
        Self {
            open: Some((Box::new(answer), Some(delivery))),
        }
    }

    /// A duty that `answer` fulfils at once, on whichever thread it is: it does not call the host.
    pub fn at_once(answer: impl FnOnce(Result<T>) + Send + 'static) -> Self {
        Self {
            open: Some((Box::new(answer), None)),
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
            Some((answer, Some(delivery))) => delivery.push(Box::new(move || answer(result))),
            Some((answer, None)) => answer(result),
            None => {}
        }
    }
}

impl<T: Send + 'static> Drop for Reply<T> {
    fn drop(&mut self) {
        self.answer(Err(Error::Panic));
    }
}
