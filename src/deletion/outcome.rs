//! What the server's answers make of deletions.

use std::time::{Duration, Instant};

use super::asker::Answer;
use super::table::erasure;
use super::{Deletions, Noted, Policy, Receipt, Scope};
use crate::conversation::END;
use crate::deletion::DeletionId;
use crate::error::Error;
use crate::failpoint::failpoint;
use crate::store::{Erasure, Named, Progress, Store};

/// What the answers that came together make of their deletions.
#[derive(Default)]
struct Outcome {
    /// The server has deleted: what the device has goes too.
    erasures: Vec<Erasure>,
    /// The same, and the device has nothing of it any more.
    done: Vec<DeletionId>,
    /// The server has not deleted and will not: the intent is gone.
    refused: Vec<(Named, Error)>,
    /// For the journal.
    notes: Vec<(DeletionId, Progress)>,
}

/// A deletion that is carried out with the next flush, and nobody has been told.
pub(super) struct CarriedOut {
    deletion: DeletionId,
    /// The last position that goes.
    cut_off: u64,
    /// When erasing it began; `None` where it had happened before.
    begun: Option<Instant>,
    /// What the listener is to hear of.
    news: Option<Erasure>,
}

impl Deletions {
    /// Takes the server's answers: what it deleted dies here too, with the next [`Self::tell`], what
    /// it refused is kept, and what is unclear or is to be tried again waits.
    pub fn answered(&mut self, answers: Vec<Answer>, store: &mut Store) {
        let mut outcome = Outcome::default();
        let ids = answers.iter().map(|answer| answer.intent.deletion);
        self.at_work.extend(ids);
        for answer in answers {
            let (id, conversation) = (answer.intent.deletion, answer.intent.conversation.clone());
            if self.no_longer_asked(id, &conversation) {
                self.free.push(conversation);
            }
            self.sort(answer, &mut outcome, store);
        }
        let delivery = self.delivery.clone();
        let _corked = delivery.cork();
        self.settle_with(outcome, store);
    }

    /// Begins what waited behind a deletion of the same conversation that the server has answered.
    pub fn go_on_behind(&mut self, store: &mut Store) {
        let free = std::mem::take(&mut self.free);
        let released: Vec<_> = free.iter().filter_map(|free| self.released(free)).collect();
        if !released.is_empty() {
            self.start(released, store);
        }
    }

    /// The server has no part in these: the device's own erasure is all there is to do.
    pub(super) fn finish_here(&mut self, ids: &[DeletionId], store: &mut Store) {
        let mut outcome = Outcome::default();
        for id in ids {
            if let Some(flight) = self.flights.get(id) {
                let through = flight.intent.cut_off;
                self.confirmed(*id, through, None, &mut outcome, store);
            }
        }
        self.settle_with(outcome, store);
    }

    fn settle_with(&mut self, outcome: Outcome, store: &mut Store) {
        let Outcome {
            erasures,
            done,
            refused,
            mut notes,
        } = outcome;
        self.take_back(refused, &mut notes, store);
        self.doom(erasures, done, &mut notes, store);
        if !notes.is_empty() {
            // Lost notes only mean that the next life of the process tries early.
            let _ = store.note_progress(&notes);
        }
    }

    fn sort(&mut self, answer: Answer, outcome: &mut Outcome, store: &mut Store) {
        let Answer {
            intent,
            result,
            retry_after,
        } = answer;
        let id = intent.deletion;
        if let Err(error) = &result {
            self.events.note_error(error);
        }
        let Some(flight) = self.flights.get_mut(&id) else {
            return;
        };
        match result {
            Ok(through) => self.confirmed(id, through, retry_after, outcome, store),
            // The client closes, and says so to whoever waits.
            Err(Error::Pending) => {}
            Err(error) if intent.policy == Policy::Queue => {
                flight.maybe_done |= matches!(error, Error::OutcomeUnknown(_));
                let note = self.wait_for_next_try(id, error.clone(), retry_after);
                if note.is_some_and(|(_, progress)| progress.refused) {
                    self.answer_calls(id, &error);
                }
                outcome.notes.extend(note);
            }
            Err(error) => {
                let unclear = matches!(error, Error::OutcomeUnknown(_));
                if !unclear && !flight.maybe_done {
                    outcome.refused.push((flight.name(), error));
                    return;
                }
                flight.maybe_done = true;
                let unknown = match &error {
                    Error::OutcomeUnknown(_) => error.clone(),
                    other => Error::OutcomeUnknown(other.to_string()),
                };
                let unknown = self.written_down(id, unknown, store);
                self.answer_calls(id, &unknown);
                let note = self.wait_for_next_try(id, error, retry_after);
                outcome.notes.extend(note);
            }
        }
    }

    /// It may be carried out, up to its cut-off, or for want of one up to this position.
    fn confirmed(
        &mut self,
        id: DeletionId,
        cleared_through: Option<u64>,
        retry_after: Option<Duration>,
        outcome: &mut Outcome,
        store: &mut Store,
    ) {
        let Some(flight) = self.flights.get(&id) else {
            return;
        };
        let intent = &flight.intent;
        let erased = flight.progress.erased;
        match cleared_through {
            _ if erased && intent.cut_off.is_some() => outcome.done.push(id),
            // What the device had went at the call; what is there now was set since.
            Some(through)
                if erased && store.has_no_message(&intent.conversation) && through < END =>
            {
                // Lost, the server says it again at the next pull.
                let _ = store.cover(&erasure(flight, through));
                outcome.done.push(id);
            }
            Some(through) if through >= END => {
                let text = format!("the server has deleted up to {through}, which is no position");
                let error = Error::OutcomeUnknown(text);
                self.answer_calls(id, &error);
                let note = self.wait_for_next_try(id, error, retry_after);
                outcome.notes.extend(note);
            }
            _ => {
                // The server's position means nothing in a conversation of the host.
                let theirs =
                    || cleared_through.filter(|_| !store.has_host_positions(&intent.conversation));
                let through = intent.cut_off.or_else(theirs).unwrap_or(0);
                if erased && through == 0 {
                    outcome.done.push(id);
                } else {
                    outcome.erasures.push(erasure(flight, through));
                }
            }
        }
    }

    /// Makes sure that a deletion whose outcome is unknown is in the journal, or says that it is
    /// not.
    fn written_down(&mut self, id: DeletionId, error: Error, store: &mut Store) -> Error {
        if self.flights.get(&id).is_none_or(|flight| flight.written) {
            return error;
        }
        match self.write_down(&[id], store) {
            Ok(()) => error,
            Err(disk) => Error::OutcomeUnknown(format!(
                "{error}; it could not be written down and is forgotten when the client closes: {disk}"
            )),
        }
    }

    /// The device keeps all of it, and the intent is gone.
    fn take_back(
        &mut self,
        refused: Vec<(Named, Error)>,
        notes: &mut Vec<(DeletionId, Progress)>,
        store: &mut Store,
    ) {
        if refused.is_empty() {
            return;
        }
        let names: Vec<_> = refused.iter().map(|(name, _)| name.clone()).collect();
        let veiled = names.iter().filter(|name| store.is_veiled(&name.1));
        let veiled: Vec<_> = veiled
            .map(|(_, conversation)| (conversation.clone(), store.is_listed(conversation)))
            .collect();
        let taken_back = store.abandon(&names);
        for ((id, _), error) in refused {
            match &taken_back {
                Ok(()) => drop(self.end(id, Err(error))),
                // The intent could not be taken back, so it stands: that is what the app hears.
                Err(disk) => {
                    let unknown = Error::OutcomeUnknown(disk.to_string());
                    self.answer_calls(id, &unknown);
                    notes.extend(self.wait_for_next_try(id, disk.clone(), None));
                }
            }
        }
        for (conversation, was_listed) in veiled {
            self.tell_shown(&conversation, was_listed, store);
        }
    }

    /// Dooms what the device has; [`Self::tell`] makes it certain, and says so.
    fn doom(
        &mut self,
        erasures: Vec<Erasure>,
        done: Vec<DeletionId>,
        notes: &mut Vec<(DeletionId, Progress)>,
        store: &mut Store,
    ) {
        let news: Vec<_> = erasures
            .iter()
            .map(|erasure| self.events.are_heard() && self.has_news(erasure, store))
            .collect();
        let begun = Instant::now();
        let doomed = if erasures.is_empty() {
            Ok(())
        } else {
            store.doom(&erasures)
        };
        for (erasure, news) in erasures.into_iter().zip(news) {
            match &doomed {
                Ok(()) => self.untold.push(CarriedOut {
                    deletion: erasure.deletion,
                    cut_off: erasure.through,
                    begun: Some(begun),
                    news: news.then_some(erasure),
                }),
                Err(disk) => notes.extend(self.not_destroyed(erasure.deletion, disk)),
            }
        }
        for deletion in done {
            let flight = self.flights.get(&deletion);
            self.untold.push(CarriedOut {
                deletion,
                cut_off: flight.and_then(|flight| flight.intent.cut_off).unwrap_or(0),
                begun: None,
                news: None,
            });
        }
    }

    /// Makes certain what is doomed, with one flush, and tells whoever waits for it.
    pub fn tell(&mut self, store: &mut Store) {
        let untold = std::mem::take(&mut self.untold);
        if untold.is_empty() {
            self.at_work.clear();
            return;
        }
        let certain = if untold.iter().any(|done| done.begun.is_some()) {
            store.make_certain()
        } else {
            Ok(Ok(()))
        };
        let at = Instant::now();
        failpoint("before-delivery");
        let delivery = self.delivery.clone();
        let _corked = delivery.cork();
        let mut ended = Vec::with_capacity(untold.len());
        let mut notes = Vec::new();
        for done in untold {
            let failed = match &certain {
                Ok(Ok(())) => None,
                // The others had a key to destroy, which is dead.
                Ok(Err(disk)) => Some(disk).filter(|_| self.lacks_rows(done.deletion, store)),
                Err(disk) => Some(disk),
            };
            if let (Some(disk), Some(_)) = (failed, done.begun) {
                notes.extend(self.not_destroyed(done.deletion, disk));
                continue;
            }
            // Asked for twice after a panic, it has ended with its first answer.
            if !self.keep_receipts(&done, at) {
                continue;
            }
            if let Some(erasure) = &done.news {
                self.tell_erased(erasure, store);
            }
            ended.extend(self.succeed(done.deletion));
        }
        self.forget_when_delivered(ended);
        if !notes.is_empty() {
            // Lost notes only mean that the next life of the process tries early.
            let _ = store.note_progress(&notes);
        }
        self.at_work.clear();
    }

    fn lacks_rows(&self, id: DeletionId, store: &Store) -> bool {
        let flight = self.flights.get(&id);
        flight.is_some_and(|flight| store.lacks_rows(&flight.intent.conversation))
    }

    /// Whether the listener is to hear of an erasure: it changes what is shown, or an earlier life
    /// of the process has done it and may not have told.
    pub(super) fn has_news(&self, erasure: &Erasure, store: &Store) -> bool {
        let flight = self.flights.get(&erasure.deletion);
        let left_behind = flight.is_some_and(|flight| flight.left_behind);
        let done = || erasure.through > 0 && erasure.scope != Scope::History;
        store.would_lose(erasure) || left_behind && done()
    }

    /// Answers the calls of one that is done; what is to be forgotten when they have been delivered.
    pub(super) fn succeed(&mut self, id: DeletionId) -> Option<(Named, Option<Noted>)> {
        let flight = self.flights.get(&id)?;
        let name = flight.name();
        let result = match flight.intent.policy {
            Policy::LocalOnly if !flight.alone => Err(Error::LocalOnly),
            _ => Ok(()),
        };
        let noted = self.end(id, result);
        Some((name, noted))
    }

    /// What the app hears when the device's disk failed: keys may be dead already, and the server
    /// has deleted where there is one, so that this cannot be taken back.
    fn not_destroyed(&mut self, id: DeletionId, disk: &Error) -> Option<(DeletionId, Progress)> {
        let server = if self.asker.is_some() {
            "the server has deleted it; "
        } else {
            ""
        };
        let error = Error::OutcomeUnknown(format!("{server}on the device, {disk}"));
        self.answer_calls(id, &error);
        if let Some(flight) = self.flights.get_mut(&id) {
            flight.maybe_done = true;
        }
        self.wait_for_next_try(id, error, None)
    }

    /// `false`: the deletion is not in the table any more.
    fn keep_receipts(&self, done: &CarriedOut, at: Instant) -> bool {
        let Some(flight) = self.flights.get(&done.deletion) else {
            return false;
        };
        for waiting in &flight.waiting {
            let receipt = Receipt {
                cut_off: done.cut_off,
                erase: done.begun.map_or(Duration::ZERO, |begun| at - begun),
                total: at.saturating_duration_since(waiting.accepted),
            };
            self.receipts.keep(waiting.id, receipt);
        }
        true
    }
}
