//! Deletions that wait: what the host can do with them, and what an earlier life of the process
//! left behind.

use std::collections::{HashMap, HashSet};
use std::time::Instant;

use super::flight::{Flight, State};
use super::{DeletionId, Deletions, LeftBehind, Pending, PendingState, Policy};
use crate::clock;
use crate::error::{Error, Result};
use crate::event::Cause;
use crate::store::{Erasure, Named, Step, Store, Unfinished};

/// Deletions that are forgotten in one step: what comes meanwhile waits for its end.
const STEP: usize = 64;

/// The id of a deletion that the store has forgotten.
const NAMELESS: DeletionId = DeletionId([0; 16]);

/// What a host can do with a pending deletion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Management {
    /// Bring everything back, within the undo window.
    Undo,
    /// Take it back, if nothing was erased yet and the server was not asked.
    Cancel,
    /// Ask the server now.
    Retry,
    /// Take note of a refusal, and forget it.
    Acknowledge,
}

impl Deletions {
    /// All deletions whose outcome is open, the oldest first.
    pub fn pending(&self) -> Vec<Pending> {
        let pending = |flight: &Flight| {
            flight.pending(match flight.state {
                State::Undoable => PendingState::Undoable,
                State::New | State::Behind | State::Asked => PendingState::Asking,
                State::Waiting => PendingState::Waiting,
                State::Refused => PendingState::Refused,
            })
        };
        let mut all: Vec<_> = self.flights().map(pending).collect();
        all.sort_by_key(|pending| (pending.accepted_at, pending.deletion));
        all
    }

    /// Does what the host wants with a pending deletion.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::TooLate`], [`Error::Parameter`] for what makes no sense in
    /// its state, and what the disk reports.
    pub fn manage(
        &mut self,
        id: DeletionId,
        management: Management,
        store: &mut Store,
    ) -> Result<()> {
        // A call that joined an earlier one was given an id of its own.
        let joined = |flight: &&Flight| flight.joined.contains(&id);
        let flight = self.flights.get(&id).map(|flight| &**flight);
        let flight = flight
            .or_else(|| self.flights().find(joined))
            .ok_or(Error::NotFound)?;
        let name = flight.name();
        match (management, flight.state) {
            (Management::Undo | Management::Cancel, State::Undoable) => self.take_away(name, store),
            (Management::Cancel, State::Behind)
                if !flight.progress.erased && !flight.maybe_done =>
            {
                self.take_away(name, store)
            }
            (Management::Undo | Management::Cancel, _) => Err(Error::TooLate),
            (Management::Retry, State::Waiting | State::Refused) if self.asker.is_none() => {
                Err(crate::client::no_server())
            }
            (Management::Retry, State::Waiting | State::Refused) => {
                if let Some(flight) = self.flights.get_mut(&name.0) {
                    flight.progress.refused = false;
                }
                self.start(vec![name.0], store);
                Ok(())
            }
            (Management::Retry, State::New | State::Asked | State::Behind) => Ok(()),
            (Management::Retry, State::Undoable) => Err(Error::Parameter(
                "the deletion can still be undone: it is asked for when that time is over"
                    .to_owned(),
            )),
            (Management::Acknowledge, State::Refused) => self.acknowledge(name, store),
            (Management::Acknowledge, _) => Err(Error::Parameter(
                "the deletion was not refused: only a refusal is acknowledged".to_owned(),
            )),
        }
    }

    fn take_away(&mut self, name: Named, store: &mut Store) -> Result<()> {
        let was_listed = store.is_listed(&name.1);
        store.abandon(std::slice::from_ref(&name))?;
        self.end(name.0, Err(Error::Cancelled));
        self.tell_shown(&name.1, was_listed, store);
        if let Some(next) = self.released(&name.1) {
            self.start(vec![next], store);
        }
        Ok(())
    }

    /// What is erased stays erased on this device; what is not, is kept.
    fn acknowledge(&mut self, name: Named, store: &mut Store) -> Result<()> {
        let Some(flight) = self.flights.get(&name.0) else {
            return Err(Error::NotFound);
        };
        // An earlier life of the process kept only the number.
        let error = flight.last.clone().unwrap_or(Error::Refused {
            code: flight.progress.last_code,
            info: "the server refused".to_owned(),
        });
        let (was_veiled, was_listed) = (store.is_veiled(&name.1), store.is_listed(&name.1));
        if flight.progress.erased {
            store.forget(std::slice::from_ref(&name))?;
        } else {
            store.abandon(std::slice::from_ref(&name))?;
        }
        self.end(name.0, Err(error));
        if was_veiled || !was_listed {
            self.tell_shown(&name.1, was_listed, store);
        }
        Ok(())
    }

    /// Asks now for everything that waits to be asked for again, but for what the server has put
    /// off itself.
    pub fn settle(&mut self, store: &mut Store) {
        if self.asker.is_none() {
            // Without a server, what one was asked before waits until there is one again.
            return;
        }
        let now = Instant::now();
        let waits = |flight: &&Flight| {
            flight.state == State::Waiting && flight.not_before.is_none_or(|time| time <= now)
        };
        let mut waiting: Vec<_> = self
            .flights()
            .filter(waits)
            .map(|flight| (flight.intent.accepted_at, flight.intent.deletion))
            .collect();
        waiting.sort_unstable();
        let ids = waiting.into_iter().map(|(_, id)| id).collect();
        self.start(ids, store);
    }

    /// The host says whether there is a network.
    pub fn network_changed(&mut self, online: bool, store: &mut Store) {
        self.offline = !online;
        if online {
            self.settle(store);
        }
    }

    /// Takes up what an earlier life of the process left behind: what it wrote down, and what it
    /// had only accepted. The server is asked when the client is signed in.
    pub fn recover(
        &mut self,
        unfinished: Vec<Unfinished>,
        accepted: LeftBehind,
        store: &mut Store,
    ) {
        let mut go_on = Vec::new();
        // Written down, or destroyed and told of below.
        let written: HashSet<_> = unfinished.iter().map(|left| left.intent.deletion).collect();
        let mut to_be_told = HashSet::new();
        let mut untold = HashMap::new();
        for (conversation, mut record, noted) in accepted {
            if written.contains(&record.deletion) {
                untold.insert(record.deletion, noted);
            } else {
                // It knew no position, and so it covers nothing that was not erased before. (After a
                // power cut it may be one that was carried out long ago.)
                let floor = store.standing(&conversation).floor;
                record.cut_off = record.cut_off.map(|cut_off| cut_off.max(floor));
                if record.cut_off.is_none() {
                    record.cut_off = Some(floor).filter(|floor| *floor > 0);
                    record.host_positions = store.has_host_positions(&conversation);
                }
                go_on.push(record.deletion);
                to_be_told.insert(conversation.clone());
                self.insert(Flight::accepted(conversation, record, noted));
            }
        }
        for Unfinished { intent, progress } in unfinished {
            let name = (intent.deletion, intent.conversation.clone());
            // Policy `queue` erases before the server has confirmed.
            if progress.erased && intent.policy != Policy::Queue {
                if name.0 == NAMELESS && to_be_told.contains(&name.1) {
                    continue;
                }
                self.tell_left_behind(&name, intent.cut_off, intent.scope, store);
                self.forget_when_delivered(vec![(name, None)]);
                continue;
            }
            let id = name.0;
            let mut noted = untold.remove(&id);
            if progress.erased && noted.is_some() {
                self.tell_left_behind(&name, intent.cut_off, intent.scope, store);
                let told = noted.take();
                self.delivery.push(Box::new(move || drop(told)));
            }
            let mut flight = Flight::recovered(intent, progress);
            flight.noted = noted.filter(|_| flight.intent.policy == Policy::Queue);
            let (undo_until, policy) = (flight.intent.undo_until, flight.intent.policy);
            let maybe_done = flight.maybe_done;
            self.insert(flight);
            if progress.refused {
                if let Some(flight) = self.flights.get_mut(&id) {
                    flight.state = State::Refused;
                }
            } else if !maybe_done && undo_until.is_some() {
                let left = clock::until(undo_until.unwrap_or(0), crate::client::MAX_UNDO);
                self.wait(id, State::Undoable, left);
            } else if policy == Policy::LocalOnly
                || (policy == Policy::Queue && !progress.erased && self.asker.is_some())
            {
                // What goes on the device goes now.
                go_on.push(id);
            } else if self.asker.is_some() && progress.next_try > 0 {
                let left = clock::until(progress.next_try, super::backoff::LONGEST);
                self.wait(id, State::Waiting, left);
            }
        }
        for (deletion, call) in store.joined().unwrap_or_default() {
            if let Some(flight) = self.flights.get_mut(&deletion) {
                flight.joined.push(call);
            }
        }
        self.start(go_on, store);
    }

    /// The outcome of a deletion whose call died with the process: the listener is who is left.
    fn tell_left_behind(
        &self,
        name: &Named,
        cut_off: Option<u64>,
        scope: super::Scope,
        store: &mut Store,
    ) {
        let erasure = Erasure {
            deletion: name.0,
            conversation: name.1.clone(),
            through: cut_off.unwrap_or(0),
            source: None,
            scope,
        };
        self.tell_gone(&erasure, Cause::ThisDevice, Some(name.0), store);
    }

    /// Notes that the last callbacks of deletions have returned.
    pub fn note_delivered(&mut self, mut names: Vec<Named>) {
        self.untidy.append(&mut names);
    }

    /// Lets the store forget some of what was delivered.
    pub fn tidy_step(&mut self, store: &mut Store) -> Step {
        let some = self.untidy.len().min(STEP);
        if some == 0 || store.forget(&self.untidy[..some]).is_err() {
            return Step::Nothing;
        }
        self.untidy.drain(..some);
        Step::of(some, STEP)
    }

    /// Lets the store forget all that was delivered.
    pub fn tidy(&mut self, store: &mut Store) {
        while self.tidy_step(store) == Step::Full {}
    }
}
