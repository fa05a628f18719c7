//! The one thread that writes. It takes everything that waits into one transaction, flushes once
//! and answers all: the price of a flush is shared by whoever comes at the same time.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
    },
    thread::JoinHandle,
};

use parking_lot::Mutex;
use rusqlite::Connection;
use tokio::sync::oneshot;

use super::{settings, upkeep::checkpoint};
use crate::{Error, Result};

/// Most operations that wait; more are refused.
const QUEUE: usize = 4_096;
/// Most operations in one transaction: the first of them waits for the last.
const BATCH: usize = 256;

/// An operation. It runs in a savepoint of its own and leaves behind how to answer, which is
/// called after the commit with what became of it.
type Operation = Box<dyn FnOnce(&Connection) -> Answer + Send>;
type Answer = Box<dyn FnOnce(std::result::Result<(), &str>) + Send>;

enum Job {
    Operation(Operation),
    Checkpoint,
    TruncateLog,
    Stop,
}

/// The way to the writing thread.
pub(super) struct Writer {
    jobs: SyncSender<Job>,
    commits: Arc<AtomicU64>,
    last_change: Arc<AtomicU64>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Writer {
    pub(super) fn start(connection: Connection) -> Result<Self> {
        let (jobs, waiting) = sync_channel(QUEUE);
        let commits = Arc::new(AtomicU64::new(0));
        let last_change = Arc::new(AtomicU64::new(settings::changes(&connection)?));
        let done = Done {
            commits: Arc::clone(&commits),
            last_change: Arc::clone(&last_change),
        };
        let thread = std::thread::Builder::new()
            .name("writer".to_owned())
            .spawn(move || write(&connection, &waiting, &done))
            .map_err(Error::io("cannot start the writing thread"))?;
        Ok(Self {
            jobs,
            commits,
            last_change,
            thread: Mutex::new(Some(thread)),
        })
    }

    /// Runs an operation and answers when it has been flushed. An operation that fails leaves no
    /// trace, and the others of its transaction alone.
    pub(super) async fn run<T, F>(&self, operation: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T> + Send + 'static,
    {
        self.run_and_tell(operation, || {}).await
    }

    /// The same; `tell` is called between the flush and the answer, and also when whoever asked
    /// has gone.
    pub(super) async fn run_and_tell<T, F>(
        &self,
        operation: F,
        tell: impl FnOnce() + Send + 'static,
    ) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T> + Send + 'static,
    {
        let (sender, receiver) = oneshot::channel();
        let operation: Operation = Box::new(move |connection| {
            let result = in_savepoint(connection, operation);
            Box::new(move |committed| {
                let answer = match committed {
                    Ok(()) => result,
                    // What failed by itself keeps its own reason.
                    Err(why) => result.and_then(|_| Err(Error::Storage(why.to_owned()))),
                };
                if answer.is_ok() {
                    tell();
                }
                // Whoever asked may have gone; the operation stands all the same.
                let _ = sender.send(answer);
            })
        });
        self.jobs
            .try_send(Job::Operation(operation))
            .map_err(|error| match error {
                TrySendError::Full(_) => Error::Overloaded,
                TrySendError::Disconnected(_) => Error::Stopping,
            })?;
        receiver.await.map_err(|_| Error::Stopping)?
    }

    /// Moves the rest of the write-ahead log between two transactions.
    pub(super) fn checkpoint(&self) {
        let _ = self.jobs.try_send(Job::Checkpoint);
    }

    /// Cuts the write-ahead log to nothing, if no reader is in the way.
    pub(super) fn truncate_log(&self) {
        let _ = self.jobs.try_send(Job::TruncateLog);
    }

    /// How many transactions there have been.
    pub(super) fn commits(&self) -> u64 {
        self.commits.load(Ordering::Relaxed)
    }

    /// The number of the last change that was committed. Who reads it before a commit is told of
    /// that commit afterwards.
    pub(super) fn last_change(&self) -> u64 {
        self.last_change.load(Ordering::Acquire)
    }

    /// Ends the thread after what waits already.
    pub(super) fn stop(&self) {
        let Some(thread) = self.thread.lock().take() else {
            return;
        };
        let _ = self.jobs.send(Job::Stop);
        let _ = thread.join();
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.stop();
    }
}

/// What is known outside of the thread's work.
struct Done {
    commits: Arc<AtomicU64>,
    last_change: Arc<AtomicU64>,
}

fn write(connection: &Connection, waiting: &Receiver<Job>, done: &Done) {
    while let Ok(job) = waiting.recv() {
        let then = match job {
            Job::Operation(first) => {
                let then = transaction(connection, first, waiting, &done.last_change);
                done.commits.fetch_add(1, Ordering::Relaxed);
                then
            }
            other => Some(other),
        };
        match then {
            Some(Job::Checkpoint) => checkpoint(connection),
            Some(Job::TruncateLog) => truncate(connection),
            Some(Job::Stop) => break,
            Some(Job::Operation(_)) | None => {}
        }
    }
    truncate(connection);
}

/// One transaction over the first operation and all that wait. Returns the job that ended it.
fn transaction(
    connection: &Connection,
    first: Operation,
    waiting: &Receiver<Job>,
    last_change: &AtomicU64,
) -> Option<Job> {
    let mut answers = Vec::new();
    let mut ended_by = None;
    let committed = execute(connection, "BEGIN IMMEDIATE").and_then(|()| {
        answers.push(first(connection));
        while answers.len() < BATCH {
            match waiting.try_recv() {
                Ok(Job::Operation(next)) => answers.push(next(connection)),
                Ok(other) => {
                    ended_by = Some(other);
                    break;
                }
                Err(_) => break,
            }
        }
        let last = settings::changes(connection)?;
        execute(connection, "COMMIT")?;
        last_change.store(last, Ordering::Release);
        Ok(())
    });
    let outcome = committed.map_err(|error| error.to_string());
    if let Err(why) = &outcome {
        tracing::error!(why, operations = answers.len(), "a transaction failed");
        if !connection.is_autocommit() {
            let _ = execute(connection, "ROLLBACK");
        }
    }
    for answer in answers {
        answer(outcome.as_ref().copied().map_err(String::as_str));
    }
    ended_by
}

/// Undoes what a failed operation has written, and nothing else.
fn in_savepoint<T>(
    connection: &Connection,
    operation: impl FnOnce(&Connection) -> Result<T>,
) -> Result<T> {
    execute(connection, "SAVEPOINT operation")?;
    // A defect in one operation must not end the thread that all others need.
    let result = catch_unwind(AssertUnwindSafe(|| operation(connection))).unwrap_or_else(|_| {
        Err(Error::Storage(
            "an operation broke off; see the log".to_owned(),
        ))
    });
    if result.is_err() {
        execute(connection, "ROLLBACK TO operation")?;
    }
    execute(connection, "RELEASE operation")?;
    result
}

fn execute(connection: &Connection, sql: &str) -> Result<()> {
    connection.prepare_cached(sql)?.execute([])?;
    Ok(())
}

fn truncate(connection: &Connection) {
    // A reader in the way is no reason to wait: the next occasion comes.
    let _ = connection.busy_timeout(std::time::Duration::ZERO);
    if let Err(error) = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())) {
        tracing::warn!(%error, "the write-ahead log could not be truncated");
    }
    let _ = connection.busy_timeout(std::time::Duration::from_secs(5));
}
