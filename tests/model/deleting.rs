//! Deleting in the world, and what a host does with the deletions that it made.

use crate::support::abi::DeletionId;
use crate::support::operation::Operation;
use crate::support::{abi, eventually};

use super::device::{Pending, State};
use super::operation::{CONVERSATIONS, HOSTED, Kind, Management, Policy, Scope, Terms, Undo};
use super::world::World;

impl World {
    pub(super) fn delete(&mut self, at: usize, id: &str, terms: Terms) {
        let alone = self.kind == Kind::Alone;
        let seat = &mut self.seats[at];
        // Where nothing is left to delete, the device may have one position or another in mind, and
        // so join one deletion or another.
        let floor = seat.model.get(id).floor;
        let erased = seat.model.cut_off(id) == Some(floor);
        if seat.client().is_none() || erased && seat.model.pends(id) > 1 {
            return;
        }
        let terms = Terms {
            // With no server, there is no difference.
            policy: if alone {
                Policy::LocalOnly
            } else {
                terms.policy
            },
            ..terms
        };
        let (deletion, call) = seat.begin(id, terms);
        let joined = !erased || !seat.is_pending(deletion);
        // Not one that has erased already, if a pin or a draft was set since.
        let through = seat.model.cut_off(id).unwrap_or(0);
        let loses = seat.model.would_lose(id, through);
        let same = seat.model.same(id, terms);
        if let Some(same) = same.filter(|same| joined && !(same.erased && loses)) {
            same.joined.push(deletion);
            seat.expect(deletion, call);
            return;
        }
        let mut pending = Pending {
            id: deletion,
            joined: Vec::new(),
            conversation: id.to_owned(),
            terms,
            cut_off: seat.model.cut_off(id),
            state: State::Undoable,
            erased: false,
        };
        if terms.undo == Undo::Long {
            seat.model.pending.push(pending);
            seat.expect(deletion, call);
            return;
        }
        let through = pending.cut_off.unwrap_or(0);
        pending.state = State::Waiting;
        if terms.policy == Policy::LocalOnly {
            let code = if alone { abi::OK } else { abi::LOCAL_ONLY };
            seat.model.erase(id, through, terms.scope);
            seat.expect(deletion, call);
            seat.answered(&pending, code);
        } else if !self.server.away {
            seat.expect(deletion, call);
            self.carry_out(at, &pending);
        } else if terms.policy == Policy::Queue {
            seat.model.erase(id, through, terms.scope);
            pending.erased = true;
            seat.expect(deletion, call);
            // Within its window it is hidden and not erased.
            assert!(seat.is_pending(deletion), "{pending:?} is not pending");
            eventually("it waits", || {
                let all = seat.client().unwrap().pending();
                all.iter()
                    .any(|one| one.deletion == deletion && one.attempts > 0)
            });
            seat.model.pending.push(pending);
        } else {
            // DEL-2: the device has all of it. A connection that was cut can have carried it.
            match call.wait().code() {
                abi::OK => panic!("it succeeded without a server"),
                abi::OUTCOME_UNKNOWN => seat.model.pending.push(pending),
                _ => {}
            }
        }
    }

    /// Several in one call, each as it would be by itself.
    pub(super) fn delete_all(&mut self, at: usize, of: usize) {
        let alone = self.kind == Kind::Alone;
        let (Some(client), false) = (self.seats[at].client(), self.server.away && !alone) else {
            return;
        };
        let ids = [of, of + 1].map(|of| CONVERSATIONS[of % CONVERSATIONS.len()]);
        let operation = Operation::DeleteAll {
            conversations: ids.map(str::to_owned).to_vec(),
        };
        let call = client.call();
        operation.begin(client, &[], &call);
        let answer = operation.answer(&call.wait());
        assert_eq!(answer.codes, [abi::OK; 2], "{answer:?}");
        for id in ids {
            self.deletions += 1;
            let pending = Pending {
                // The call gave none: one that the server has not heard of.
                id: DeletionId(self.deletions.to_be_bytes()),
                joined: Vec::new(),
                conversation: id.to_owned(),
                terms: Terms {
                    scope: Scope::Everything,
                    policy: Policy::Fail,
                    undo: Undo::None,
                },
                cut_off: self.seats[at].model.cut_off(id),
                state: State::Waiting,
                erased: false,
            };
            if alone {
                let through = pending.cut_off.unwrap_or(0);
                self.seats[at].model.erase(id, through, Scope::Everything);
            } else {
                self.carry_out(at, &pending);
            }
        }
    }

    /// The server does it, and then the device.
    fn carry_out(&mut self, at: usize, pending: &Pending) {
        let seat = &mut self.seats[at];
        let id = pending.conversation.as_str();
        let scope = pending.terms.scope;
        // The host's positions mean nothing to the server.
        let cut_off = pending.cut_off.filter(|_| id != HOSTED);
        let reached = self
            .server
            .delete(id, cut_off, scope, Some(pending.id), Some(at));
        seat.answered(pending, abi::OK);
        if !pending.erased || pending.cut_off.is_none() {
            let through = pending.cut_off.unwrap_or(reached);
            if pending.erased && seat.model.get(id).messages.is_empty() {
                seat.model.cover(id, through, scope);
            } else {
                seat.model.erase(id, through, scope);
            }
        }
    }

    /// With a server, everything that waits comes to its end.
    pub(super) fn settle(&mut self, at: usize) {
        if self.server.away || self.seats[at].client().is_none() {
            return;
        }
        self.seats[at].settled();
        let all = std::mem::take(&mut self.seats[at].model.pending);
        let (waiting, undoable) = all
            .into_iter()
            .partition(|pending| pending.state == State::Waiting);
        self.seats[at].model.pending = undoable;
        let waiting: Vec<Pending> = waiting;
        for pending in &waiting {
            self.carry_out(at, pending);
        }
    }

    pub(super) fn manage(&mut self, at: usize, nth: usize, management: Management) {
        let seat = &mut self.seats[at];
        let (Some(&id), true) = (seat.made.iter().rev().nth(nth), seat.client().is_some()) else {
            return;
        };
        let pending = seat.model.pending_of(id).cloned();
        let state = pending.as_ref().map(|pending| pending.state);
        let (function, code) = match (management, state) {
            (Management::Undo, state) => (abi::abi().undo, taken_back(state)),
            (Management::Cancel, state) => (abi::abi().cancel, taken_back(state)),
            (Management::Retry, None) => (abi::abi().retry, abi::NOT_FOUND),
            (Management::Retry, Some(State::Undoable)) => {
                (abi::abi().retry, abi::INVALID_PARAMETER)
            }
            (Management::Retry, Some(State::Waiting)) => (abi::abi().retry, abi::OK),
            (Management::Acknowledge, None) => (abi::abi().acknowledge, abi::NOT_FOUND),
            (Management::Acknowledge, Some(_)) => (abi::abi().acknowledge, abi::INVALID_PARAMETER),
        };
        assert_eq!(
            seat.manage(function, id).code(),
            code,
            "{management:?} of {pending:?}"
        );
        if code == abi::OK && management != Management::Retry {
            let pending = pending.unwrap();
            seat.model.pending.retain(|one| one.id != pending.id);
            seat.answered(&pending, abi::CANCELLED);
        }
    }
}

fn taken_back(state: Option<State>) -> i32 {
    match state {
        None => abi::NOT_FOUND,
        Some(State::Undoable) => abi::OK,
        Some(State::Waiting) => abi::TOO_LATE,
    }
}
