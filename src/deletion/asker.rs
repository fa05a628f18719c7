//! Asking the server to delete, on a thread of its own, so that a slow server holds up nothing
//! else on the device.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use adieu_protocol::envelope::reason;
use adieu_protocol::path;
use adieu_protocol::recent_contact::{
    BatchDelete, BatchDeleteItem, BatchDeleted, Delete, Deleted, MAX_BATCH, Target,
};

use super::Scope;
use crate::error::{Error, Result, code};
use crate::primitives::Mutex;
use crate::primitives::mpsc::{Receiver, Sender, channel};
use crate::primitives::thread::JoinHandle;
use crate::remote::{CallError, Remote};
use crate::store::Intent;
use crate::threads::Threads;

/// Deadlines this close to each other share a request.
const TOGETHER: Duration = Duration::from_millis(250);
/// Threads that ask: one stalled request holds up nobody else's timeout.
const LINES: usize = 4;

/// A deletion that the server is to carry out.
pub struct Question {
    /// Which.
    pub intent: Intent,
    /// When nobody waits for it any more.
    pub deadline: Instant,
}

/// What the server said: the position up to which it has cleared, where it tells.
pub struct Answer {
    /// To which question.
    pub intent: Intent,
    /// [`Error::OutcomeUnknown`] when it may have done it.
    pub result: Result<Option<u64>>,
    /// How long the server wants to be left alone.
    pub retry_after: Option<Duration>,
}

/// The line to the server. Dropped, it ends the threads behind it.
pub struct Asker(Sender<Vec<Question>>);

impl Asker {
    /// Starts the threads; `answered` is called on them.
    pub fn start(
        threads: Threads,
        remote: &Arc<Remote>,
        answered: impl Fn(Vec<Answer>) + Send + Sync + 'static,
    ) -> Result<(Self, Vec<JoinHandle<()>>)> {
        let (line, questions) = channel();
        let questions = Arc::new(Mutex::new(questions));
        let answered = Arc::new(answered);
        let start = |_| {
            let (remote, questions, answered) =
                (remote.clone(), questions.clone(), answered.clone());
            threads.spawn("adieu-ask", move || run(&remote, &questions, &*answered))
        };
        let started = (0..LINES).map(start).collect::<Result<_>>()?;
        Ok((Self(line), started))
    }

    /// Asks; everything in one call goes out together.
    pub fn ask(&self, questions: Vec<Question>) {
        // The threads end only after this line is dropped, so there is someone to hear.
        let _ = self.0.send(questions);
    }
}

fn run(
    remote: &Remote,
    questions: &Mutex<Receiver<Vec<Question>>>,
    answered: &impl Fn(Vec<Answer>),
) {
    loop {
        // The lock is held while waiting: the others wait behind it, for the same.
        let mut asked = {
            let questions = questions.lock();
            let Ok(mut asked) = questions.recv() else {
                return;
            };
            asked.extend(questions.try_iter().flatten());
            asked
        };
        // Those who wait shortest first, and never in one request with those who wait longer.
        asked.sort_by_key(|question| question.deadline);
        while let Some(first) = asked.first() {
            let together = first.deadline + TOGETHER;
            let end = asked.partition_point(|question| question.deadline <= together);
            let batch: Vec<_> = asked.drain(..end.min(MAX_BATCH)).collect();
            let intents: Vec<_> = batch
                .iter()
                .map(|question| question.intent.clone())
                .collect();
            let asked = catch_unwind(AssertUnwindSafe(|| ask(remote, batch)));
            // A bug of ours leaves the outcome open, and the thread alive.
            answered(asked.unwrap_or_else(|_| {
                let unknown = |intent| Answer {
                    intent,
                    result: Err(Error::OutcomeUnknown(Error::Panic.to_string())),
                    retry_after: None,
                };
                intents.into_iter().map(unknown).collect()
            }));
        }
    }
}

fn ask(remote: &Remote, batch: Vec<Question>) -> Vec<Answer> {
    let now = Instant::now();
    let (on_time, late): (Vec<_>, Vec<_>) = batch
        .into_iter()
        .partition(|question| question.deadline > now);
    // The REST API has no system conversation: nothing of it is on the server.
    let (asked, local): (Vec<_>, Vec<_>) = on_time
        .into_iter()
        .partition(|question| Target::of(&question.intent.conversation).is_some());
    let mut answers: Vec<_> = late
        .into_iter()
        .map(|question| answer(question.intent, Err(too_late())))
        .collect();
    answers.extend(local.into_iter().map(|question| {
        let reached = question.intent.cut_off;
        answer(question.intent, Ok(reached))
    }));
    let Some(deadline) = asked.iter().map(|question| question.deadline).max() else {
        return answers;
    };
    let time = deadline - now;
    let results = match asked.as_slice() {
        [one] => vec![ask_for_one(remote, &one.intent, time)],
        many => ask_for_many(remote, many, time),
    };
    let pairs = asked.into_iter().zip(results);
    answers.extend(pairs.map(|(question, result)| match result {
        Ok(reached) => answer(question.intent, Ok(reached)),
        Err(failed) => Answer {
            retry_after: failed.retry_after,
            ..answer(question.intent, Err(failed.error))
        },
    }));
    answers
}

/// What the server made of one question.
type Asked = std::result::Result<Option<u64>, Failed>;

/// Why it was not deleted, as far as that is known.
#[derive(Clone)]
struct Failed {
    error: Error,
    retry_after: Option<Duration>,
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self {
            error,
            retry_after: None,
        }
    }
}

impl From<CallError> for Failed {
    fn from(error: CallError) -> Self {
        let retry_after = error.retry_after();
        let error = match error.plain() {
            CallError::Unclear(text) => Error::OutcomeUnknown(text),
            CallError::Interrupted => Error::Pending,
            other => other.into(),
        };
        Self { error, retry_after }
    }
}

fn answer(intent: Intent, result: Result<Option<u64>>) -> Answer {
    Answer {
        intent,
        result,
        retry_after: None,
    }
}

/// 1: the history goes too.
fn clear_ramble(intent: &Intent) -> u8 {
    u8::from(intent.scope.erases())
}

/// 1: the list entry stays.
fn keep_listed(intent: &Intent) -> u8 {
    u8::from(intent.scope == Scope::History)
}

fn too_late() -> Error {
    Error::Network {
        code: code::QUEUE_TIMED_OUT,
        text: "the timeout passed before the request could be sent; nothing was deleted".to_owned(),
    }
}

/// Positions of the host are its own; the server knows nothing of them.
fn wire_cut_off(intent: &Intent) -> Option<u64> {
    if intent.host_positions {
        None
    } else {
        intent.cut_off
    }
}

fn ask_for_one(remote: &Remote, intent: &Intent, time: Duration) -> Asked {
    let request = Delete {
        from_account: remote.user().to_owned(),
        target: Target::of(&intent.conversation).unwrap_or_default(),
        clear_ramble: clear_ramble(intent),
        keep_listed: keep_listed(intent),
        cut_off: wire_cut_off(intent),
        deletion_id: Some(intent.deletion.to_string()),
        device_id: Some(remote.device().to_owned()),
    };
    let (deleted, _): (Deleted, _) = remote.change_again_if_cut(path::DELETE, &request, time)?;
    Ok(deleted.cleared_through)
}

fn ask_for_many(remote: &Remote, questions: &[Question], time: Duration) -> Vec<Asked> {
    let request = BatchDelete {
        from_account: remote.user().to_owned(),
        device_id: Some(remote.device().to_owned()),
        items: questions
            .iter()
            .map(|question| BatchDeleteItem {
                target: Target::of(&question.intent.conversation).unwrap_or_default(),
                clear_ramble: clear_ramble(&question.intent),
                keep_listed: keep_listed(&question.intent),
                cut_off: wire_cut_off(&question.intent),
                deletion_id: Some(question.intent.deletion.to_string()),
            })
            .collect(),
    };
    let deadline = Instant::now() + time;
    match remote.change_again_if_cut::<_, BatchDeleted>(path::BATCH_DELETE, &request, time) {
        Ok((answer, first)) if answer.results.len() == questions.len() => answer
            .results
            .into_iter()
            .map(|item| match (item.code, &first) {
                (code::OK, _) => Ok(item.cleared_through),
                // No code of a server, so not its refusal.
                (code @ ..code::OK, _) => {
                    let text = format!("the server gave a result with the code {code}");
                    Err(Failed::from(Error::OutcomeUnknown(text)))
                }
                (code, None) => Err(Failed::from(Error::Refused {
                    code,
                    info: reason(code, item.info),
                })),
                // The first request may have carried it out.
                (_, Some(first)) => {
                    let text = format!("{first}; then {}", item.info);
                    Err(Failed::from(Error::OutcomeUnknown(text)))
                }
            })
            .collect(),
        Ok((answer, _)) => {
            let text = format!(
                "the server gave {} results for {} deletions",
                answer.results.len(),
                questions.len()
            );
            let unknown = |_| Err(Failed::from(Error::OutcomeUnknown(text.clone())));
            questions.iter().map(unknown).collect()
        }
        // A server of the published API alone does not know the batch: one by one, then.
        Err(CallError::Refused {
            code: adieu_protocol::error_code::NO_SUCH_COMMAND,
            ..
        }) => questions
            .iter()
            .map(
                |question| match deadline.saturating_duration_since(Instant::now()) {
                    Duration::ZERO => Err(too_late().into()),
                    left => ask_for_one(remote, &question.intent, left),
                },
            )
            .collect(),
        Err(error) => {
            let failed = Failed::from(error);
            questions.iter().map(|_| Err(failed.clone())).collect()
        }
    }
}
