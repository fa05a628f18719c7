//! One answer for several deletions that were asked for in one call.

use std::sync::Arc;

use crate::delivery::{Parts, Reply};
use crate::error::{Error, Result};
use crate::primitives::Mutex;

/// Collects outcomes, and with the last one answers.
pub struct Gather(Mutex<State>);

struct State {
    outcomes: Vec<Option<Result<()>>>,
    missing: usize,
    reply: Option<Reply<Vec<Result<()>>>>,
}

impl Gather {
    /// For `count` outcomes, none of which is known yet.
    pub fn new(count: usize, reply: Reply<Vec<Result<()>>>) -> Arc<Self> {
        Arc::new(Self(Mutex::new(State {
            outcomes: vec![None; count],
            missing: count,
            reply: Some(reply),
        })))
    }

    /// Lets go: the call was refused.
    pub fn release(&self) {
        // What is let go of may call the host: not with the lock held.
        let reply = self.0.lock().reply.take();
        if let Some(reply) = reply {
            reply.release();
        }
    }
}

impl Parts<()> for Gather {
    /// Notes an outcome; the last one answers.
    fn note(&self, index: usize, outcome: Result<()>) {
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
        let reply = state.reply.take();
        drop(state);
        if let Some(reply) = reply {
            let outcomes = outcomes.into_iter();
            reply.send(Ok(outcomes
                .map(|outcome| outcome.unwrap_or(Err(Error::Panic)))
                .collect()));
        }
    }
}
