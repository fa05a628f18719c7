//! Pulling when the host asks for it, on a thread of its own.

use std::sync::Arc;

use super::{Line, Sink};
use crate::delivery::Reply;
use crate::error::{Error, Result};
use crate::event::SyncState;
use crate::primitives::mpsc::{Receiver, Sender, channel};
use crate::primitives::thread::JoinHandle;
use crate::threads::Threads;

/// The way to the thread. Dropped, it ends it.
pub struct Puller(Sender<Reply<()>>);

impl Puller {
    /// Starts the thread.
    pub fn start<S: Sink>(threads: Threads, line: Arc<Line<S>>) -> Result<(Self, JoinHandle<()>)> {
        let (way, calls) = channel();
        let thread = threads.spawn("adieu-pull", move || run(&line, &calls))?;
        Ok((Self(way), thread))
    }

    /// Pulls everything that this device lacks.
    pub fn pull(&self, reply: Reply<()>) {
        if let Err(unheard) = self.0.send(reply) {
            unheard.0.send(Err(Error::Closed));
        }
    }
}

fn run<S: Sink>(line: &Line<S>, calls: &Receiver<Reply<()>>) {
    while let Ok(reply) = calls.recv() {
        line.sink.tell(SyncState::Started);
        line.sink.done(line.catch_up(0).map(|_| ()), reply);
    }
}
