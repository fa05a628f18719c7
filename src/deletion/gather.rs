//! One answer for several deletions that were asked for in one call.

use std::sync::Arc;

use parking_lot::Mutex;

use crate::error::{Error, Result};

/// What is called with all outcomes, in the order of the call.
type Done = Box<dyn FnOnce(Vec<Result<()>>) + Send>;

/// Collects outcomes; the last one to come calls.
pub struct Gather(Mutex<State>);

struct State {
    outcomes: Vec<Option<Result<()>>>,
    missing: usize,
    done: Option<Done>,
}

impl Gather {
    /// For `count` outcomes, none of which is known yet.
    pub fn new(count: usize, done: impl FnOnce(Vec<Result<()>>) + Send + 'static) -> Arc<Self> {
        Arc::new(Self(Mutex::new(State {
            outcomes: vec![None; count],
            missing: count,
            done: Some(Box::new(done)),
        })))
    }

    /// Notes an outcome. Called on the thread that delivers; the last one calls the host there.
    pub fn note(&self, index: usize, outcome: Result<()>) {
        let mut state = self.0.lock();
        if let Some(place) = state.outcomes.get_mut(index)
            && place.replace(outcome).is_none()
        {
            state.missing -= 1;
        }
        if state.missing > 0 {
            return;
        }
        let outcomes = std::mem::take(&mut state.outcomes);
        let done = state.done.take();
        drop(state);
        if let Some(done) = done {
            done(
                outcomes
                    .into_iter()
                    .map(|outcome| outcome.unwrap_or(Err(Error::Panic)))
                    .collect(),
            );
        }
    }
}
