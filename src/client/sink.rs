//! What pulling brings, on its way to the worker.

use std::sync::Arc;

use super::push;
use crate::conversation::{ConversationId, Positions, Source};
use crate::delivery::Reply;
use crate::error::{Error, Result};
use crate::event::SyncState;
use crate::primitives::Mutex;
use crate::primitives::mpsc::channel;
use crate::queue::Queue;
use crate::sync::{Elsewhere, Page, Sink};
use crate::worker::{Command, PAGES_AHEAD};

/// Hands on what was pulled.
pub(super) struct ToWorker {
    pub(super) queue: Arc<Queue<Command>>,
    pub(super) positions: Arc<Positions>,
    pub(super) cursor: Mutex<String>,
}

impl Sink for ToWorker {
    fn cursor(&self) -> String {
        self.cursor.lock().clone()
    }

    fn head(&self, conversation: &ConversationId) -> u64 {
        self.positions
            .head_of(conversation, Source::Server)
            .unwrap_or(0)
    }

    fn store(&self, page: Page) -> bool {
        self.queue
            .push_when_shorter_than(PAGES_AHEAD, Command::Pulled(page))
            .is_ok()
    }

    fn begin(&self) {
        push(&self.queue, Command::Turn);
    }

    fn follow(&self, conversation: ConversationId, what: Elsewhere) {
        push(&self.queue, Command::Follow(conversation, what));
    }

    fn go_on(&self, cursor: String) -> Result<()> {
        let (answer, stored) = channel();
        let wanted = cursor.clone();
        self.queue
            .push(Command::GoOn { cursor, answer })
            .map_err(|_| Error::Closed)?;
        stored.recv().unwrap_or(Err(Error::Closed))?;
        *self.cursor.lock() = wanted;
        Ok(())
    }

    fn tell(&self, state: SyncState) {
        push(&self.queue, Command::SyncState(state));
    }

    fn done(&self, result: Result<()>, reply: Reply<()>) {
        let done = Command::PullDone { result, reply };
        if let Err(Command::PullDone { reply, .. }) = self.queue.push(done) {
            reply.send(Err(Error::Closed));
        }
    }
}
