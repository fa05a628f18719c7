//! The deletions that are under way.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use smallvec::SmallVec;

use super::asker::{Asker, Question};
use super::flight::{Flight, State, Waiting};
use super::outcome::CarriedOut;
use super::{DeletionId, IdSource, PendingState, Policy, Receipts, Request, backoff};
use crate::clock;
use crate::conversation::{ConversationId, Source};
use crate::delivery::Delivery;
use crate::error::{Error, Result, code};
use crate::event::Events;
use crate::map::Map;
use crate::store::{Erasure, Named, Progress, Store};

/// How long the server may take when nobody waits.
const SETTLING: Duration = Duration::from_secs(30);

/// What is called after the last callbacks of deletions.
pub type Delivered = Arc<dyn Fn(Vec<Named>) + Send + Sync>;

/// The table of deletions. It belongs to the worker, like the store.
pub struct Deletions {
    /// `None`: there is no server, and the device's own erasure is all there is to do.
    pub(super) asker: Option<Asker>,
    pub(super) delivery: Arc<Delivery>,
    pub(super) events: Arc<Events>,
    pub(super) receipts: Arc<Receipts>,
    pub(super) ids: Arc<IdSource>,
    pub(super) delivered: Delivered,
    pub(super) flights: Map<DeletionId, Box<Flight>>,
    /// The deletions of each conversation, the oldest first.
    pub(super) of: Map<ConversationId, SmallVec<[DeletionId; 1]>>,
    /// Which of them is at the server: one at a time.
    asked: Map<ConversationId, DeletionId>,
    /// The server is done with one of them, and whether another one waits is yet to be seen.
    pub(super) free: Vec<ConversationId>,
    /// What time decides.
    pub(super) due: BTreeSet<(Instant, DeletionId)>,
    /// What is being worked on right now, for when the work panics.
    pub(super) at_work: Vec<DeletionId>,
    /// Carried out, and nobody has been told.
    pub(super) untold: Vec<CarriedOut>,
    /// Delivered, and not yet forgotten by the store.
    pub(super) untidy: Vec<Named>,
    /// The host has said that there is no network.
    pub(super) offline: bool,
}

impl Deletions {
    /// An empty table.
    pub fn new(
        asker: Option<Asker>,
        events: Arc<Events>,
        delivery: Arc<Delivery>,
        receipts: Arc<Receipts>,
        ids: Arc<IdSource>,
        delivered: Delivered,
    ) -> Self {
        Self {
            asker,
            delivery,
            events,
            receipts,
            ids,
            delivered,
            flights: Map::default(),
            of: Map::default(),
            asked: Map::default(),
            free: Vec::new(),
            due: BTreeSet::new(),
            at_work: Vec::new(),
            untold: Vec::new(),
            untidy: Vec::new(),
            offline: false,
        }
    }

    /// Begins what was queued together: one flush, one round of requests. What is carried out by
    /// that is told by [`Self::tell`].
    pub fn accept(&mut self, requests: Vec<Request>, store: &mut Store) {
        // Looked up before anything else: one look does not wait for the memory of the one before,
        // and what follows finds it in the processor's cache.
        let standings = requests
            .iter()
            .map(|request| store.standing(&request.conversation));
        let standings: Vec<_> = standings.collect();
        let mut fresh = Vec::with_capacity(requests.len());
        for (mut request, standing) in requests.into_iter().zip(standings) {
            // Without a position of its own, the device still knows where it erased before.
            // What came since an earlier deletion may be older than what that covered.
            request.cut_off = request.cut_off.map(|cut_off| cut_off.max(standing.floor));
            if request.cut_off.is_none() {
                request.cut_off = Some(standing.head).filter(|head| *head > 0);
                request.host_positions = standing.host_positions;
            }
            // With no server to ask, the device's own erasure is the deletion.
            let alone = self.asker.is_none();
            if alone {
                request.terms.policy = Policy::LocalOnly;
            }
            if let Some(flight) = self.wanted_too(&request, store) {
                flight.joined.push(request.id);
                let intent = &flight.intent;
                if intent.undo_until.is_some() || intent.policy == Policy::Queue {
                    // It may outlive the process. Lost, the other call's id still works.
                    let _ = store.note_joined(intent.deletion, request.id);
                }
                flight.waiting.push(Waiting {
                    id: request.id,
                    accepted: request.accepted.exact,
                    reply: request.reply,
                });
                continue;
            }
            let flight = Flight::new(request, alone);
            fresh.push(flight.intent.deletion);
            self.insert(flight);
        }
        self.set_off(fresh, store);
    }

    /// A deletion under way that is just what this call wants: not one that has erased already, if
    /// a pin or a draft was set since.
    fn wanted_too(&mut self, request: &Request, store: &Store) -> Option<&mut Flight> {
        let ids = self.of.get(&request.conversation)?;
        let leaves_something = |flight: &Flight| {
            let through = flight.intent.cut_off.unwrap_or(0);
            flight.progress.erased && store.would_lose(&erasure(flight, through))
        };
        let wanted = |id: &&DeletionId| {
            let flight = self.flights.get(id);
            flight.is_some_and(|flight| flight.is_wanted_by(request) && !leaves_something(flight))
        };
        let id = *ids.iter().find(wanted)?;
        self.flights.get_mut(&id).map(|flight| &mut **flight)
    }

    pub(super) fn flights(&self) -> impl Iterator<Item = &Flight> {
        self.flights.values().map(|flight| &**flight)
    }

    pub(super) fn insert(&mut self, flight: Flight) {
        let (id, conversation) = flight.name();
        self.of.entry(conversation).or_default().push(id);
        self.flights.insert(id, Box::new(flight));
    }

    /// Sends deletions on their way, and tells what is done.
    pub(super) fn start(&mut self, ids: Vec<DeletionId>, store: &mut Store) {
        self.set_off(ids, store);
        self.tell(store);
    }

    /// Each is written down if it is not yet, hidden or erased where its terms want that at once,
    /// and asked for.
    fn set_off(&mut self, ids: Vec<DeletionId>, store: &mut Store) {
        self.at_work.extend(&ids);
        let (mut here, mut fail, mut queue, mut undo) = (vec![], vec![], vec![], vec![]);
        for id in ids {
            let Some(flight) = self.flights.get(&id) else {
                continue;
            };
            let undoable = flight.intent.undo_until;
            if flight.is_too_old_to_ask() {
                // Nothing but asking could tell, and that could delete what came later.
                let unknown = Error::OutcomeUnknown("too old to be asked for again".to_owned());
                self.answer_calls(id, &unknown);
                let note = self.leave_to_host(id, unknown);
                let _ = store.note_progress(&note.into_iter().collect::<Vec<_>>());
            } else if undoable.is_some_and(|until| until > clock::now()) {
                undo.push(id);
            } else if flight.intent.policy == Policy::LocalOnly {
                here.push(id);
            } else if self.asker.is_none() {
                // Made for a server, which there is none of now: it waits until there is one.
                if let Some(flight) = self.flights.get_mut(&id) {
                    flight.state = State::Waiting;
                }
            } else if flight.intent.policy == Policy::Queue {
                queue.push(id);
            } else {
                fail.push(id);
            }
        }
        // While the request is on its way, the intent is written down. A crash in between is healed
        // by the server, which tells this device at its next pull what it deleted itself. So is a
        // disk too full for this: destroying a key needs no space.
        self.ask(&fail);
        let unwritten =
            |id: &&DeletionId| self.flights.get(id).is_some_and(|flight| !flight.written);
        let ids = fail.iter().chain(&queue).chain(&undo).filter(unwritten);
        let ids: Vec<_> = ids.copied().collect();
        let written = self.write_down(&ids, store);
        if let Err(error) = written {
            // These promise to outlive the process, and cannot: nothing of them has begun.
            for id in queue.iter().chain(&undo) {
                if ids.contains(id) {
                    self.end(*id, Err(error.clone()));
                }
            }
            queue.retain(|id| !ids.contains(id));
            undo.retain(|id| !ids.contains(id));
        }
        for id in undo {
            let until = self
                .flights
                .get(&id)
                .and_then(|flight| flight.intent.undo_until);
            let left = clock::until(until.unwrap_or(0), crate::client::MAX_UNDO);
            self.wait(id, State::Undoable, left);
            self.tell_pending(id, PendingState::Undoable);
            self.tell_hidden(id, store);
        }
        if !queue.is_empty() {
            self.erase_before_asking(&queue, store);
            for id in &queue {
                self.tell_pending(*id, PendingState::Asking);
            }
            self.ask(&queue);
        }
        self.finish_here(&here, store);
    }

    /// Writes intents down, all or none.
    pub(super) fn write_down(&mut self, ids: &[DeletionId], store: &mut Store) -> Result<()> {
        if ids.is_empty() {
            return Ok(());
        }
        let flights = ids.iter().filter_map(|id| self.flights.get(id));
        let intents: Vec<_> = flights.map(|flight| flight.intent.clone()).collect();
        store.begin(&intents)?;
        for id in ids {
            if let Some(flight) = self.flights.get_mut(id) {
                flight.written = true;
                // Policy `queue` tells of the erasure long before the journal is done with it: the
                // inbox knows until then that nobody was told.
                if flight.intent.policy != Policy::Queue || flight.intent.undo_until.is_some() {
                    flight.noted = None;
                }
            }
        }
        Ok(())
    }

    /// Policy `queue`: what the device has goes at once. What fails here is done when the server
    /// has answered.
    fn erase_before_asking(&mut self, ids: &[DeletionId], store: &mut Store) {
        let mut erasures = Vec::new();
        for id in ids {
            if let Some(flight) = self.flights.get(id)
                && !flight.progress.erased
            {
                // Without a position there is no message: a draft or a pin, if anything.
                let through = flight.intent.cut_off.unwrap_or(0);
                erasures.push(erasure(flight, through));
            }
        }
        let news: Vec<_> = erasures
            .iter()
            .map(|erasure| store.would_lose(erasure))
            .collect();
        if erasures.is_empty() || store.destroy(&erasures).is_err() {
            return;
        }
        for (erasure, news) in erasures.into_iter().zip(news) {
            let noted = self.flights.get_mut(&erasure.deletion).and_then(|flight| {
                flight.progress.erased = true;
                flight.noted.take()
            });
            if news {
                self.tell_erased(&erasure, store);
            }
            self.delivery.push(Box::new(move || drop(noted)));
        }
    }

    /// Asks the server, or has them wait behind what is being asked for their conversation.
    pub(super) fn ask(&mut self, ids: &[DeletionId]) {
        let mut questions = Vec::new();
        for id in ids {
            let Some(flight) = self.flights.get_mut(id) else {
                continue;
            };
            if let Some(due) = flight.due.take() {
                self.due.remove(&(due, *id));
            }
            let conversation = &flight.intent.conversation;
            if self.asked.get(conversation).is_some_and(|at| at != id) {
                flight.state = State::Behind;
                continue;
            }
            self.asked.insert(conversation.clone(), *id);
            flight.state = State::Asked;
            questions.push(Question {
                intent: flight.intent.clone(),
                deadline: match flight.deadline {
                    Some(deadline) if flight.intent.policy == Policy::Fail => deadline,
                    _ => Instant::now() + SETTLING,
                },
            });
        }
        if let Some(asker) = self.asker.as_ref().filter(|_| !questions.is_empty()) {
            asker.ask(questions);
        }
    }

    /// The server is done with one: `true` when the next of its conversation can go.
    pub(super) fn no_longer_asked(
        &mut self,
        id: DeletionId,
        conversation: &ConversationId,
    ) -> bool {
        let was_asked = self.asked.get(conversation) == Some(&id);
        if was_asked {
            self.asked.remove(conversation);
        }
        was_asked
    }

    /// Those that waited behind another, as far as they can go now.
    pub(super) fn released(&self, conversation: &ConversationId) -> Option<DeletionId> {
        if self.asked.contains_key(conversation) {
            return None;
        }
        let behind = |id: &&DeletionId| {
            let flight = self.flights.get(id);
            flight.is_some_and(|flight| flight.state == State::Behind)
        };
        self.of.get(conversation)?.iter().find(behind).copied()
    }

    /// The deletions of a conversation, the oldest first.
    pub(super) fn of_conversation(&self, conversation: &ConversationId) -> &[DeletionId] {
        self.of.get(conversation).map_or(&[], SmallVec::as_slice)
    }

    /// Leaves one to time.
    pub(super) fn wait(&mut self, id: DeletionId, state: State, delay: Duration) {
        let Some(flight) = self.flights.get_mut(&id) else {
            return;
        };
        let due = Instant::now() + delay;
        flight.state = state;
        if let Some(before) = flight.due.replace(due) {
            self.due.remove(&(before, id));
        }
        self.due.insert((due, id));
    }

    /// Takes one off the clock.
    pub(super) fn wait_no_longer(&mut self, id: DeletionId) {
        if let Some(due) = self
            .flights
            .get_mut(&id)
            .and_then(|flight| flight.due.take())
        {
            self.due.remove(&(due, id));
        }
    }

    /// Leaves one to time after an attempt in vain, or to the host where time does not help.
    /// What the journal is to know of it.
    pub(super) fn wait_for_next_try(
        &mut self,
        id: DeletionId,
        error: Error,
        retry_after: Option<Duration>,
    ) -> Option<(DeletionId, Progress)> {
        let offline = self.offline;
        let flight = self.flights.get_mut(&id)?;
        if !error.can_help_later() {
            return self.leave_to_host(id, error);
        }
        flight.note_failure(error);
        let at_least = retry_after.max(code::wait_for(flight.progress.last_code));
        let mut delay = backoff::wait(id, flight.progress.attempts, at_least);
        flight.not_before = retry_after.map(|_| Instant::now() + delay);
        if offline {
            delay = delay.max(backoff::LONGEST);
        }
        flight.progress.next_try = clock::now().saturating_add(delay.as_millis() as u64);
        let note = (id, flight.progress);
        self.wait(id, State::Waiting, delay);
        self.tell_pending(id, PendingState::Waiting);
        Some(note)
    }

    /// Trying again does not help: the host is to know, and decides.
    fn leave_to_host(&mut self, id: DeletionId, error: Error) -> Option<(DeletionId, Progress)> {
        self.wait_no_longer(id);
        let flight = self.flights.get_mut(&id)?;
        flight.note_failure(error);
        flight.state = State::Refused;
        flight.progress.refused = true;
        flight.progress.next_try = 0;
        let note = (id, flight.progress);
        self.tell_pending(id, PendingState::Refused);
        Some(note)
    }

    /// When time decides next.
    pub fn next_due(&self) -> Option<Instant> {
        self.due.first().map(|(due, _)| *due)
    }

    /// Goes on with what time has decided.
    pub fn go_on(&mut self, store: &mut Store) {
        let now = Instant::now();
        let mut ready = Vec::new();
        while let Some((due, id)) = self.due.first().copied().filter(|(due, _)| *due <= now) {
            self.due.remove(&(due, id));
            if let Some(flight) = self.flights.get_mut(&id) {
                flight.due = None;
                if flight.state == State::Undoable {
                    // It takes its way, whatever the clock on the wall says meanwhile.
                    flight.intent.undo_until = flight.intent.undo_until.map(|_| 0);
                }
                ready.push(id);
            }
        }
        let ended: Vec<_> = ready
            .iter()
            .filter(|id| {
                let flight = self.flights.get(id);
                flight.is_some_and(|flight| flight.intent.undo_until == Some(0))
            })
            .copied()
            .collect();
        if !ended.is_empty() {
            // Lost, the window is looked at again by the clock.
            let _ = store.end_undo(&ended);
        }
        self.start(ready, store);
    }

    /// A bug has interrupted the work: the calls that it was for hear so. The deletions are tried
    /// again later.
    pub fn after_panic(&mut self) {
        self.untold.clear();
        for id in std::mem::take(&mut self.at_work) {
            let Some(flight) = self.flights.get(&id) else {
                continue;
            };
            let (_, conversation) = flight.name();
            self.no_longer_asked(id, &conversation);
            self.answer_calls(id, &Error::Panic);
            if let Some(flight) = self.flights.get_mut(&id) {
                flight.maybe_done = true;
            }
            self.wait_for_next_try(id, Error::Panic, None);
        }
    }

    /// Closes the line to the server and tells every call that is still open that it is pending.
    pub fn close(&mut self, store: &mut Store) {
        self.asker = None;
        let unwritten = self.flights.values().filter(|flight| !flight.written);
        let unwritten: Vec<_> = unwritten.map(|flight| flight.intent.deletion).collect();
        let written = self.write_down(&unwritten, store);
        for (_, flight) in self.flights.drain() {
            let written = if flight.written {
                Ok(())
            } else {
                written.clone()
            };
            if let (Err(_), Some(noted)) = (&written, flight.noted) {
                noted.leave();
            }
            for waiting in flight.waiting {
                waiting.reply.send(written.clone().and(Err(Error::Pending)));
            }
        }
    }
}

/// What a deletion takes from the device.
pub(super) fn erasure(flight: &Flight, through: u64) -> Erasure {
    Erasure {
        deletion: flight.intent.deletion,
        conversation: flight.intent.conversation.clone(),
        through,
        source: match (flight.intent.host_positions, flight.intent.cut_off) {
            (true, _) => Some(Source::Host),
            (false, Some(_)) => Some(Source::Server),
            (false, None) => None,
        },
        scope: flight.intent.scope,
    }
}
