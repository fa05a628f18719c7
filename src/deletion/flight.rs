//! One deletion under way, and the calls that wait for it.

use std::sync::Arc;
use std::time::Instant;

use smallvec::{SmallVec, smallvec};

use super::request::{Moment, Request};
use super::{DeletionId, Inbox, Noted, Pending, PendingState, Policy, Record};
use crate::clock;
use crate::conversation::ConversationId;
use crate::delivery::Reply;
use crate::error::Error;
use crate::store::{Intent, Progress};

/// Where a deletion stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Accepted just now.
    New,
    /// It can still be undone.
    Undoable,
    /// Another one of the same conversation is at the server.
    Behind,
    /// The server is being asked.
    Asked,
    /// The server is asked again later.
    Waiting,
    /// The server will not; the host is to know.
    Refused,
}

/// A call that waits for the outcome.
pub(super) struct Waiting {
    pub id: DeletionId,
    pub accepted: Instant,
    pub reply: Reply<()>,
}

/// One deletion under way.
pub(super) struct Flight {
    pub intent: Intent,
    pub state: State,
    pub waiting: SmallVec<[Waiting; 1]>,
    /// The ids of calls that joined it.
    pub joined: Vec<DeletionId>,
    /// When nobody waits for the server any more; `None`: nobody does.
    pub deadline: Option<Instant>,
    /// There was no server to ask: the device's own erasure is all there is to do.
    pub alone: bool,
    /// Where it stands until the journal knows it.
    pub noted: Option<Noted>,
    /// Where it has ever stood.
    pub inbox: Option<Arc<Inbox>>,
    /// An earlier life of the process had accepted it, and may have carried it out.
    pub left_behind: bool,
    /// It stands in the journal.
    pub written: bool,
    /// The server may have carried it out already: no later failure takes it back.
    pub maybe_done: bool,
    pub progress: Progress,
    /// When it is worked on next, if time decides that.
    pub due: Option<Instant>,
    /// The server wants to be left alone until then.
    pub not_before: Option<Instant>,
    /// Why the last attempt was in vain.
    pub last: Option<Error>,
    /// The listener knows of it as pending.
    pub told: bool,
}

impl Flight {
    /// Of a call.
    pub fn new(request: Request, alone: bool) -> Self {
        let Request {
            id,
            conversation,
            cut_off,
            host_positions,
            terms,
            accepted,
            noted,
            reply,
        } = request;
        let Moment { exact, by_clock } = accepted;
        let undo = u64::try_from(terms.undo.as_millis()).unwrap_or(u64::MAX);
        // However long the call waited, the window is as long as it was asked for.
        let accepted_at = if undo > 0 { clock::now() } else { by_clock };
        Self {
            intent: Intent {
                deletion: id,
                conversation,
                cut_off,
                host_positions,
                scope: terms.scope,
                policy: terms.policy,
                accepted_at,
                undo_until: (undo > 0).then(|| accepted_at.saturating_add(undo)),
            },
            state: State::New,
            waiting: smallvec![Waiting {
                id,
                accepted: exact,
                reply,
            }],
            joined: Vec::new(),
            deadline: Some(exact + terms.undo + terms.timeout),
            alone,
            inbox: noted.as_ref().map(Noted::inbox),
            noted,
            left_behind: false,
            written: false,
            maybe_done: false,
            progress: Progress::default(),
            due: None,
            not_before: None,
            last: None,
            told: false,
        }
    }

    /// Accepted by an earlier life of the process, which died before the journal knew it.
    pub fn accepted(conversation: ConversationId, record: Record, noted: Noted) -> Self {
        let undo = u64::from(record.undo);
        let intent = Intent {
            deletion: record.deletion,
            conversation,
            cut_off: record.cut_off,
            host_positions: record.host_positions,
            scope: record.scope,
            policy: if record.alone {
                Policy::LocalOnly
            } else {
                record.policy
            },
            accepted_at: record.accepted_at,
            undo_until: (undo > 0).then(|| record.accepted_at.saturating_add(undo)),
        };
        Self {
            alone: record.alone,
            inbox: Some(noted.inbox()),
            noted: Some(noted),
            left_behind: true,
            written: false,
            ..Self::recovered(intent, Progress::default())
        }
    }

    /// Left behind in the journal by an earlier life of the process.
    pub fn recovered(intent: Intent, progress: Progress) -> Self {
        Self {
            state: State::Waiting,
            waiting: SmallVec::new(),
            joined: Vec::new(),
            deadline: None,
            alone: false,
            noted: None,
            inbox: None,
            left_behind: false,
            written: true,
            // Until its undo window was noted as over, the server was never asked.
            maybe_done: intent.undo_until.is_none_or(|until| until == 0),
            progress,
            due: None,
            not_before: None,
            last: None,
            told: true,
            intent,
        }
    }

    pub fn name(&self) -> (DeletionId, ConversationId) {
        (self.intent.deletion, self.intent.conversation.clone())
    }

    /// Whether another call wants just this.
    pub fn is_wanted_by(&self, request: &Request) -> bool {
        let intent = &self.intent;
        let window = match self.state {
            State::New | State::Undoable => intent.undo_until,
            _ => None,
        };
        let window = window.map_or(0, |until| until.saturating_sub(intent.accepted_at));
        intent.cut_off == request.cut_off
            && intent.scope == request.terms.scope
            && intent.policy == request.terms.policy
            && u128::from(window) == request.terms.undo.as_millis()
            // An outcome that is unknown or refused says nothing to a new call.
            && match self.state {
                State::New | State::Undoable | State::Behind | State::Asked => true,
                State::Waiting => intent.policy == super::Policy::Queue,
                State::Refused => false,
            }
    }

    /// As the host sees it.
    pub fn pending(&self, state: PendingState) -> Pending {
        let intent = &self.intent;
        Pending {
            deletion: intent.deletion,
            conversation: intent.conversation.clone(),
            scope: intent.scope,
            policy: intent.policy,
            state,
            attempts: self.progress.attempts,
            code: self.progress.last_code,
            error: self.last.clone(),
            next_try: match self.state {
                State::Waiting => self.progress.next_try,
                _ => 0,
            },
            accepted_at: intent.accepted_at,
            undo_until: intent.undo_until.unwrap_or(0),
            cut_off: intent.cut_off,
            erased: self.progress.erased,
        }
    }

    /// Notes why an attempt was in vain.
    pub fn note_failure(&mut self, error: Error) {
        self.progress.attempts = self.progress.attempts.saturating_add(1);
        self.progress.last_code = error.code();
        self.last = Some(error);
    }

    /// Whether asking again may reach further than was meant: the server has forgotten the id,
    /// and no position says where to stop.
    pub fn is_too_old_to_ask(&self) -> bool {
        /// A day less than the server remembers an id.
        const MEMORY: u64 = 29 * 24 * 60 * 60 * 1000;
        let no_position = self.intent.cut_off.is_none() || self.intent.host_positions;
        let age = clock::now().saturating_sub(self.intent.accepted_at);
        self.maybe_done && no_position && age > MEMORY
    }
}
