//! The deletions that are under way.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::asker::{Answer, Asker, Question};
use super::{DeletionId, IdSource, Receipt, Receipts, Request};
use crate::conversation::ConversationId;
use crate::delivery::{Delivery, Job, Reply};
use crate::error::{Error, Result};
use crate::failpoint::failpoint;
use crate::store::{Erasure, Intent, Store, Unfinished};

/// How long the server may take to settle a deletion that nobody waits for.
const SETTLING: Duration = Duration::from_secs(30);

/// One deletion under way, and the calls that wait for it.
struct Flight {
    intent: Intent,
    waiting: Vec<Waiting>,
    /// It stands in the journal.
    written: bool,
    /// The server may have carried it out already: no later failure takes it back.
    maybe_done: bool,
    /// Calls for the same conversation with another cut-off: they go when this one has ended.
    behind: VecDeque<Request>,
}

struct Waiting {
    id: DeletionId,
    accepted: Instant,
    reply: Reply<()>,
}

/// The table of deletions. It belongs to the worker, like the store.
pub struct Deletions {
    /// `None`: there is no server, and the device's own erasure is all there is to do.
    asker: Option<Asker>,
    delivery: Arc<Delivery>,
    receipts: Arc<Receipts>,
    ids: Arc<IdSource>,
    /// Called after the last callback of a deletion.
    delivered: Arc<dyn Fn(DeletionId, ConversationId) + Send + Sync>,
    flights: HashMap<ConversationId, Flight>,
    /// Deletions whose outcome is not known: asked again at the next connection.
    parked: Vec<Intent>,
    /// Conversations that are being worked on right now, for when the work panics.
    at_work: Vec<ConversationId>,
    /// Delivered, and not yet forgotten by the store.
    untidy: Vec<(DeletionId, ConversationId)>,
}

impl Deletions {
    /// An empty table.
    pub fn new(
        asker: Option<Asker>,
        delivery: Arc<Delivery>,
        receipts: Arc<Receipts>,
        ids: Arc<IdSource>,
        delivered: Arc<dyn Fn(DeletionId, ConversationId) + Send + Sync>,
    ) -> Self {
        Self {
            asker,
            delivery,
            receipts,
            ids,
            delivered,
            flights: HashMap::new(),
            parked: Vec::new(),
            at_work: Vec::new(),
            untidy: Vec::new(),
        }
    }

    /// Begins everything that was queued at one moment: one flush, one round of requests.
    pub fn accept(&mut self, requests: Vec<Request>, store: &mut Store) {
        let mut begun = Vec::new();
        for mut request in requests {
            // Without a position of its own, the device still knows where it erased before.
            request.cut_off = request
                .cut_off
                .or_else(|| Some(store.head(&request.conversation)).filter(|head| *head > 0));
            match self.flights.get_mut(&request.conversation) {
                Some(flight) if flight.intent.cut_off == request.cut_off => {
                    flight.waiting.push(waiting(request))
                }
                Some(flight) => flight.behind.push_back(request),
                None => {
                    let intent = intent(&request, store);
                    let deadline = request.deadline;
                    let flight = Flight {
                        intent: intent.clone(),
                        waiting: vec![waiting(request)],
                        written: false,
                        maybe_done: false,
                        behind: VecDeque::new(),
                    };
                    self.flights.insert(intent.conversation.clone(), flight);
                    self.at_work.push(intent.conversation.clone());
                    begun.push((intent, deadline));
                }
            }
        }
        if !begun.is_empty() {
            self.begin(begun, store);
        }
        self.at_work.clear();
    }

    /// A bug has interrupted the work: the calls that it was for hear so. What is written down is
    /// taken up at the next connection.
    pub fn after_panic(&mut self) {
        for conversation in std::mem::take(&mut self.at_work) {
            let Some(intent) = self
                .flights
                .get(&conversation)
                .map(|flight| flight.intent.clone())
            else {
                continue;
            };
            for request in self.end(intent.deletion, &conversation, Err(Error::Panic)) {
                request.reply.send(Err(Error::Panic));
            }
            self.parked.push(intent);
        }
    }

    fn begin(&mut self, begun: Vec<(Intent, Instant)>, store: &mut Store) {
        let Some(asker) = &self.asker else {
            // The dead slot is itself the record of the intent: no journal row is needed.
            let answers = begun
                .into_iter()
                .map(|(intent, _)| Answer {
                    result: Ok(intent.cut_off),
                    intent,
                })
                .collect();
            return self.answered(answers, store);
        };
        let intents: Vec<_> = begun.iter().map(|(intent, _)| intent.clone()).collect();
        let questions = begun.into_iter();
        asker.ask(
            questions
                .map(|(intent, deadline)| Question { intent, deadline })
                .collect(),
        );
        // While the request is on its way, the intent is written down. A crash in between is healed
        // by the server, which tells this device at its next pull what it deleted itself. So is a
        // disk too full for this: destroying a key needs no space.
        let written = store.begin(&intents).is_ok();
        for intent in intents {
            if let Some(flight) = self.flights.get_mut(&intent.conversation) {
                flight.written = written;
            }
        }
    }

    /// Takes the server's answers: what it deleted dies here too, what it refused is kept, and
    /// what is unclear is parked.
    pub fn answered(&mut self, answers: Vec<Answer>, store: &mut Store) {
        let (mut erasures, mut refused, mut ended) = (Vec::new(), Vec::new(), Vec::new());
        self.at_work.extend(
            answers
                .iter()
                .map(|answer| answer.intent.conversation.clone()),
        );
        for Answer { intent, result } in answers {
            match result {
                Ok(cleared_through) => erasures.push(Erasure {
                    deletion: intent.deletion,
                    conversation: intent.conversation,
                    through: intent.cut_off.or(cleared_through).unwrap_or(0),
                }),
                Err(error @ (Error::OutcomeUnknown(_) | Error::Pending)) => {
                    let error = self.written_down(&intent, error, store);
                    ended.push((name(&intent), Err(error)));
                    self.parked.push(intent);
                }
                Err(error) if self.maybe_done(&intent) => {
                    let error = Error::OutcomeUnknown(error.to_string());
                    ended.push((name(&intent), Err(error)));
                    self.parked.push(intent);
                }
                Err(error) => {
                    refused.push(name(&intent));
                    ended.push((name(&intent), Err(error)));
                }
            }
        }
        if !refused.is_empty()
            && let Err(error) = store.abandon(&refused)
        {
            // The intent could not be taken back, so it stands: that is what the app must hear.
            for (deletion, result) in &mut ended {
                if refused.contains(deletion) {
                    *result = Err(Error::OutcomeUnknown(error.to_string()));
                }
            }
        }
        self.destroy(&erasures, store, &mut ended);
        failpoint("before-delivery");
        let mut behind = Vec::new();
        for ((deletion, conversation), result) in ended {
            behind.append(&mut self.end(deletion, &conversation, result));
        }
        // Nobody waits for the rows: they follow when success is on its way to the app, and at the
        // next open if they cannot now.
        let _ = store.record();
        self.at_work.clear();
        if !behind.is_empty() {
            self.accept(behind, store);
        }
    }

    /// Whether an earlier request for this deletion may have arrived.
    fn maybe_done(&self, intent: &Intent) -> bool {
        let flight = self.flights.get(&intent.conversation);
        flight.is_none_or(|flight| flight.maybe_done || flight.intent.deletion != intent.deletion)
    }

    fn destroy(
        &mut self,
        erasures: &[Erasure],
        store: &mut Store,
        ended: &mut Vec<((DeletionId, ConversationId), Result<()>)>,
    ) {
        let start = Instant::now();
        let destroyed = if erasures.is_empty() {
            Ok(())
        } else {
            store.destroy(erasures)
        };
        let erase = start.elapsed();
        for erasure in erasures {
            let result = match &destroyed {
                Ok(()) => {
                    self.keep_receipts(erasure, erase);
                    Ok(())
                }
                Err(error) => Err(self.not_destroyed(erasure, error, store)),
            };
            let name = (erasure.deletion, erasure.conversation.clone());
            ended.push((name, result));
        }
    }

    fn keep_receipts(&self, erasure: &Erasure, erase: Duration) {
        let flight = self.flights.get(&erasure.conversation);
        let flight = flight.filter(|flight| flight.intent.deletion == erasure.deletion);
        for waiting in flight.map_or(&[][..], |flight| &flight.waiting) {
            let total = waiting.accepted.elapsed();
            let receipt = Receipt {
                cut_off: erasure.through,
                erase,
                total,
            };
            self.receipts.keep(waiting.id, receipt);
        }
    }

    /// What the app hears when the device's disk failed: keys may be dead already, and the server
    /// has deleted where there is one, so that this cannot be taken back.
    fn not_destroyed(&mut self, erasure: &Erasure, error: &Error, store: &Store) -> Error {
        self.parked.push(Intent {
            deletion: erasure.deletion,
            conversation: erasure.conversation.clone(),
            cut_off: Some(erasure.through),
            host_positions: store.has_host_positions(&erasure.conversation),
        });
        let server = if self.asker.is_some() {
            "the server has deleted it; "
        } else {
            ""
        };
        Error::OutcomeUnknown(format!("{server}on the device, {error}"))
    }

    /// Makes sure that a deletion whose outcome is unknown is in the journal, or says that it is
    /// not.
    fn written_down(&mut self, intent: &Intent, error: Error, store: &mut Store) -> Error {
        let flight = self.flights.get(&intent.conversation);
        if flight.is_none_or(|flight| flight.written) {
            return error;
        }
        match store.begin(std::slice::from_ref(intent)) {
            Ok(()) => error,
            Err(disk) => Error::OutcomeUnknown(format!(
                "{error}; it could not be written down and is forgotten when the client closes: {disk}"
            )),
        }
    }

    /// Tells everyone who waits for this deletion; gives back the calls that were behind.
    fn end(
        &mut self,
        deletion: DeletionId,
        conversation: &ConversationId,
        result: Result<()>,
    ) -> Vec<Request> {
        let waits = |flight: &Flight| flight.intent.deletion == deletion;
        if !self.flights.get(conversation).is_some_and(waits) {
            // Nobody waits: a bug has ended the flight before.
            if result.is_ok() {
                self.untidy.push((deletion, conversation.clone()));
            }
            return Vec::new();
        }
        let Some(flight) = self.flights.remove(conversation) else {
            return Vec::new();
        };
        let done = result.is_ok();
        for waiting in flight.waiting {
            waiting.reply.send(result.clone());
        }
        if done {
            let delivered = self.delivered.clone();
            let (id, conversation) = (flight.intent.deletion, conversation.clone());
            let job: Job = Box::new(move || delivered(id, conversation));
            self.delivery.push(job);
        }
        flight.behind.into()
    }

    /// Erases what was deleted elsewhere: the server has done its part, and no call waits.
    pub fn erase_elsewhere(
        &mut self,
        conversation: ConversationId,
        through: u64,
        store: &mut Store,
    ) -> Result<()> {
        if through <= store.floor(&conversation) {
            return Ok(());
        }
        // The host's positions are not the server's: what it says of those means nothing here.
        if store.has_host_positions(&conversation) {
            return Ok(());
        }
        // Nothing is written down first: the dead slots are the record, and until there are any,
        // the server says it again at every pull.
        let deletion = self.ids.next();
        let erasure = [Erasure {
            deletion,
            conversation: conversation.clone(),
            through,
        }];
        store.destroy(&erasure)?;
        store.record()?;
        self.untidy.push((deletion, conversation));
        Ok(())
    }

    /// Notes that a deletion's last callback has returned.
    pub fn note_delivered(&mut self, id: DeletionId, conversation: ConversationId) {
        self.untidy.push((id, conversation));
    }

    /// Lets the store forget what was delivered; `true` when there was something.
    pub fn tidy(&mut self, store: &mut Store) -> bool {
        let ready = std::mem::take(&mut self.untidy);
        if ready.is_empty() {
            return false;
        }
        let forgotten = store.forget(&ready).is_ok();
        if !forgotten {
            self.untidy = ready;
        }
        forgotten
    }

    /// Takes up what an earlier life of the process left behind.
    pub fn recover(&mut self, unfinished: Vec<Unfinished>) {
        for Unfinished { intent, erased } in unfinished {
            if erased {
                self.untidy.push((intent.deletion, intent.conversation));
            } else {
                self.parked.push(intent);
            }
        }
    }

    /// Asks again for everything whose outcome is not known.
    pub fn settle(&mut self) {
        // Without a server, what one was asked before waits until there is one again.
        let Some(asker) = &self.asker else { return };
        let mut questions = Vec::new();
        let mut waiting = Vec::new();
        for intent in std::mem::take(&mut self.parked) {
            if self.flights.contains_key(&intent.conversation) {
                waiting.push(intent);
                continue;
            }
            let flight = Flight {
                intent: intent.clone(),
                waiting: Vec::new(),
                written: true,
                maybe_done: true,
                behind: VecDeque::new(),
            };
            self.flights.insert(intent.conversation.clone(), flight);
            questions.push(Question {
                intent,
                deadline: Instant::now() + SETTLING,
            });
        }
        self.parked = waiting;
        if !questions.is_empty() {
            asker.ask(questions);
        }
    }

    /// Closes the line to the server and tells every call that is still open that it is pending.
    pub fn close(&mut self, store: &mut Store) {
        self.asker = None;
        for (_, flight) in self.flights.drain() {
            let written = if flight.written {
                Ok(())
            } else {
                store.begin(&[flight.intent])
            };
            for waiting in flight.waiting {
                waiting.reply.send(written.clone().and(Err(Error::Pending)));
            }
            for request in flight.behind {
                let written = store.begin(&[intent(&request, store)]);
                request.reply.send(written.and(Err(Error::Pending)));
            }
        }
    }
}

fn intent(request: &Request, store: &Store) -> Intent {
    Intent {
        deletion: request.id,
        conversation: request.conversation.clone(),
        cut_off: request.cut_off,
        host_positions: store.has_host_positions(&request.conversation),
    }
}

fn waiting(request: Request) -> Waiting {
    Waiting {
        id: request.id,
        accepted: request.accepted,
        reply: request.reply,
    }
}

/// What a deletion is known by in the table.
fn name(intent: &Intent) -> (DeletionId, ConversationId) {
    (intent.deletion, intent.conversation.clone())
}
