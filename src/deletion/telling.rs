//! Who is told of what becomes of deletions: calls, the listener, and the store when all have been.

use super::table::erasure;
use super::{DeletionId, Deletions, Noted, PendingState, Scope};
use crate::conversation::ConversationId;
use crate::delivery::Job;
use crate::error::{Error, Result};
use crate::event::{Cause, Event};
use crate::store::{Erasure, Named, Store};

impl Deletions {
    /// Tells everyone who waits for this deletion, and takes it out of the table. Gives what the
    /// inbox says of one that has succeeded, which stands there until that is delivered.
    pub(super) fn end(&mut self, id: DeletionId, result: Result<()>) -> Option<Noted> {
        let mut flight = self.flights.remove(&id)?;
        if let Some(due) = flight.due.take() {
            self.due.remove(&(due, id));
        }
        // Before anybody is told: what failed is not begun again.
        let mut noted = flight.noted.take();
        if !matches!(result, Ok(()) | Err(Error::LocalOnly)) {
            drop(noted.take());
            if let Some(inbox) = &flight.inbox {
                inbox.flush();
            }
        }
        let (_, conversation) = flight.name();
        self.no_longer_asked(id, &conversation);
        if let Some(ids) = self.of.get_mut(&conversation) {
            ids.retain(|other| *other != id);
            if ids.is_empty() {
                self.of.remove(&conversation);
            }
        }
        if flight.told {
            let state = match &result {
                Ok(()) | Err(Error::LocalOnly) => PendingState::Done,
                Err(Error::Cancelled) => PendingState::Cancelled,
                Err(_) => PendingState::Failed,
            };
            let mut pending = flight.pending(state);
            if let (PendingState::Failed, Err(error)) = (state, &result) {
                (pending.code, pending.error) = (error.code(), Some(error.clone()));
            }
            self.events.emit(Event::Pending(pending));
        }
        for waiting in flight.waiting {
            waiting.reply.send(result.clone());
        }
        noted
    }

    /// Has the store forget deletions once everything before this has been delivered, and the inbox
    /// too.
    pub(super) fn forget_when_delivered(&self, done: Vec<(Named, Option<Noted>)>) {
        if done.is_empty() {
            return;
        }
        let delivered = self.delivered.clone();
        let job: Job = Box::new(move || {
            // What the inbox says of them goes here.
            delivered(done.into_iter().map(|(name, _)| name).collect());
        });
        self.delivery.push(job);
    }

    /// Tells the calls that wait for a deletion, which goes on without them.
    pub(super) fn answer_calls(&mut self, id: DeletionId, error: &Error) {
        let waiting = self.flights.get_mut(&id).map(|flight| {
            flight.deadline = None;
            std::mem::take(&mut flight.waiting)
        });
        for waiting in waiting.unwrap_or_default() {
            waiting.reply.send(Err(error.clone()));
        }
    }

    /// Tells the listener where a deletion stands that does not end at once.
    pub(super) fn tell_pending(&mut self, id: DeletionId, state: PendingState) {
        if let Some(flight) = self.flights.get_mut(&id) {
            flight.told = true;
            self.events.emit(Event::Pending(flight.pending(state)));
        }
    }

    /// Tells the listener of a conversation that stays in the list while its history is within an
    /// undo window: one that leaves it is told by the window itself.
    pub(super) fn tell_hidden(&self, id: DeletionId, store: &mut Store) {
        let Some(flight) = self.flights.get(&id) else {
            return;
        };
        let erasure = erasure(flight, flight.intent.cut_off.unwrap_or(0));
        if erasure.scope == Scope::History && store.would_lose(&erasure) {
            self.tell_shown(&erasure.conversation, true, store);
        }
    }

    /// Tells the listener what the list shows of a conversation now that undo windows hide more or
    /// less of it.
    pub(super) fn tell_shown(
        &self,
        conversation: &ConversationId,
        was_listed: bool,
        store: &mut Store,
    ) {
        if self.events.are_heard()
            && let Some(summary) = store.summary(conversation)
        {
            self.events.emit(if was_listed {
                Event::Changed(summary)
            } else {
                Event::New(summary)
            });
        }
    }

    /// Tells the listener what the list no longer shows.
    pub(super) fn tell_erased(&self, erasure: &Erasure, store: &mut Store) {
        self.tell_gone(erasure, Cause::ThisDevice, Some(erasure.deletion), store);
    }

    pub(super) fn tell_gone(
        &self,
        erasure: &Erasure,
        cause: Cause,
        deletion: Option<DeletionId>,
        store: &mut Store,
    ) {
        if !self.events.are_heard() {
            return;
        }
        let shown = store.summary(&erasure.conversation);
        if erasure.scope != Scope::History {
            self.events.emit(Event::Deleted {
                conversation: erasure.conversation.clone(),
                cause,
                scope: erasure.scope,
                deletion,
            });
        }
        // One that lives on: its history is cleared, or there are newer messages.
        if let Some(summary) = shown {
            self.events.emit(match erasure.scope {
                Scope::History => Event::Changed(summary),
                Scope::Everything | Scope::ListEntry => Event::New(summary),
            });
        }
    }
}
