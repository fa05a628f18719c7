//! What the worker does when nobody waits for it: rows follow their keys, dead ciphertext leaves the
//! file, the log is moved into the database.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use super::{Command, Worker};
use crate::primitives::mpsc::Receiver;
use crate::queue::Queue;
use crate::store::{Checkpointer, Step};

/// Rows after which the log is moved into the database while there is work.
pub(super) const CHECKPOINT_ROWS: usize = 8_000;
/// Quiet after which it is moved however little it is.
const QUIET: Duration = Duration::from_secs(1);
/// Pause between two pieces that are cut off a log that grew long: a command waits for one piece at
/// most, which takes less than a millisecond.
const BETWEEN_CUTS: Duration = Duration::from_millis(20);
/// Nothing to do: a day is as good as for ever.
const FOREVER: Duration = Duration::from_secs(86_400);
/// Housekeeping waits for so long a pause between commands: whoever deletes one after the other, or
/// from many threads, is served first.
const LULL: Duration = Duration::from_millis(1);
/// But not for longer than this. Then it takes its steps between the commands. And so long each task
/// of a round may take: one that never comes to an end does not keep the others waiting.
const OVERDUE: Duration = Duration::from_millis(250);

/// What there is to do, in the order of a round. Where outcomes are delivered one after the other, a
/// round does not wait for the last of them: each step would find a few, and cost as much as for many.
#[derive(Clone, Copy)]
enum Task {
    /// What has been delivered goes as a whole: its rows need not follow first.
    Forget,
    Record,
    Purge,
}

/// Where the housekeeping is.
pub(super) struct House {
    /// There is, or may be, something to do.
    pub(super) open: bool,
    /// It has been put off since.
    pub(super) put_off: Option<Instant>,
    /// No command has come for a while.
    pub(super) lull: bool,
    /// It waits for a checkpoint that it asked for: writing to the log meanwhile would only wait
    /// for the disk, and with it whoever comes.
    pub(super) waits: bool,
    round: Round,
}

/// How far a round is.
struct Round {
    task: Task,
    /// When its first step was taken.
    task_began: Option<Instant>,
    did_something: bool,
    /// A task had more to do than there was time for.
    left_something: bool,
}

impl Worker {
    /// How long to wait for commands: with housekeeping under way, the worker only looks whether
    /// something waits.
    pub(super) fn patience(&self) -> Duration {
        let House { open, waits, .. } = self.house;
        let idle = match (open, self.written) {
            (true, _) if waits => FOREVER,
            (true, _) if self.house.lull || self.house.is_overdue() => Duration::ZERO,
            (true, _) => LULL,
            (false, 0) => FOREVER,
            (false, _) if self.cuts => BETWEEN_CUTS,
            (false, _) => QUIET,
        };
        match self.deletions.next_due() {
            Some(due) => idle.min(due.saturating_duration_since(Instant::now())),
            None => idle,
        }
    }

    /// One small step of what can wait: the queue is looked at between any two of them.
    pub(super) fn keep_house(&mut self) {
        loop {
            let task = self.house.round.task;
            self.house.round.task_began.get_or_insert_with(Instant::now);
            let step = catch_unwind(AssertUnwindSafe(|| match task {
                Task::Forget => self.deletions.tidy_step(&mut self.store),
                Task::Record => self.store.record_step().unwrap_or(Step::Nothing),
                Task::Purge => self.store.purge_step().unwrap_or(Step::Nothing),
            }));
            let step = step.unwrap_or(Step::Nothing);
            let round_ends = self.house.go_on(step);
            if step != Step::Nothing {
                self.written += 1;
                if self.store.log_is_long() {
                    self.house.waits = true;
                    self.want_checkpoint(1);
                }
            }
            if round_ends || step != Step::Nothing {
                break;
            }
        }
    }

    /// Has the log moved into the database when it has grown by so many rows.
    pub(super) fn want_checkpoint(&mut self, rows: usize) {
        if self.written >= rows {
            self.written = 0;
            let _ = self.checkpoints.send(self.house.waits);
        }
    }
}

impl House {
    /// With everything to be looked at, and nobody in the way.
    pub(super) fn new() -> Self {
        Self {
            open: true,
            put_off: None,
            lull: true,
            waits: false,
            round: Round::new(),
        }
    }

    /// Chooses what comes after a step; `true` at the end of a round.
    fn go_on(&mut self, step: Step) -> bool {
        let round = &mut self.round;
        round.did_something |= step != Step::Nothing;
        let in_time = |began: Instant| began.elapsed() < OVERDUE;
        if step == Step::Full && round.task_began.is_some_and(in_time) {
            return false;
        }
        round.left_something |= step == Step::Full;
        round.task_began = None;
        round.task = match round.task {
            Task::Forget => Task::Record,
            Task::Record => Task::Purge,
            Task::Purge => {
                // A round that found nothing to do is the last one.
                self.open = round.did_something;
                if !round.left_something {
                    self.put_off = None;
                }
                self.round = Round::new();
                return true;
            }
        };
        false
    }

    pub(super) fn is_overdue(&self) -> bool {
        self.put_off.is_some_and(|since| since.elapsed() >= OVERDUE)
    }
}

impl Round {
    fn new() -> Self {
        Self {
            task: Task::Forget,
            task_began: None,
            did_something: false,
            left_something: false,
        }
    }
}

/// Makes a checkpoint for each that is wanted; `true`: the purge waits for it.
pub(super) fn make_checkpoints(
    checkpointer: &Checkpointer,
    wanted: &Receiver<bool>,
    worker: &Queue<Command>,
) {
    while let Ok(mut purge_waits) = wanted.recv() {
        while let Ok(more) = wanted.try_recv() {
            purge_waits |= more;
        }
        // What it cannot move now, the next one moves.
        let _ = checkpointer.run(purge_waits);
        let _ = worker.push(Command::Checkpointed { purge_waits });
    }
}
