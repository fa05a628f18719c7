//! The one thread that works on the store.

mod command;
mod housekeeping;

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

use crate::conversation::{Change, ConversationId, Message, Source};
use crate::deletion::{Answer, Deletions, ErasedElsewhere, LeftBehind, Request, Scope};
use crate::error::{Error, Result};
use crate::event::{Cause, Event, Events, SyncState};
use crate::failpoint::failpoint;
use crate::primitives::Mutex;
use crate::primitives::mpsc::{Sender, channel};
use crate::primitives::thread::JoinHandle;
use crate::queue::Queue;
use crate::store::{Named, Store, Unfinished};
use crate::sync::Elsewhere;
use crate::threads::Threads;

pub use self::command::Command;
use self::housekeeping::{CHECKPOINT_ROWS, House, make_checkpoints};

/// Deletions and answers that are taken together when more wait: few enough to stay in the processor's caches
/// from one step to the next.
const TOGETHER: usize = 500;
/// As many share a flush when more wait. The first of them is told after it, too: no more
/// than that many others hold it up.
const UNTOLD: usize = 1_000;
/// Pulled pages that may wait: enough that neither side idles, too few to fill memory.
pub const PAGES_AHEAD: usize = 4;

/// What is left of a worker that has ended. Dropped, it lets go of the store.
pub struct Ended {
    store: Store,
    deletions: Deletions,
}

impl Ended {
    /// Has the store forget what was delivered after the worker's end.
    pub fn tidy(&mut self, delivered: Vec<Named>) {
        self.deletions.note_delivered(delivered);
        self.deletions.tidy(&mut self.store);
        // What cannot follow now does at the next open.
        let _ = self.store.record();
    }
}

/// The worker's state.
pub struct Worker {
    store: Store,
    deletions: Deletions,
    events: Arc<Events>,
    queue: Arc<Queue<Command>>,
    /// The first error of the pull at hand, for its reply.
    pull: Result<()>,
    checkpoints: Sender<bool>,
    /// Rows written since the last checkpoint, roughly.
    written: usize,
    /// There is more to cut off the log.
    cuts: bool,
    house: House,
}

impl Worker {
    /// Starts the worker and the thread that makes checkpoints beside it. Both end when the queue
    /// is closed and empty; what is left then lies in `ended`.
    pub fn start(
        threads: Threads,
        store: Store,
        deletions: Deletions,
        events: Arc<Events>,
        queue: Arc<Queue<Command>>,
        accepted: LeftBehind,
        ended: Arc<Mutex<Option<Ended>>>,
    ) -> Result<[JoinHandle<()>; 2]> {
        let checkpointer = store.checkpointer()?;
        let unfinished = store.unfinished()?;
        let (checkpoints, wanted) = channel();
        let told = queue.clone();
        let worker = Self {
            store,
            deletions,
            events,
            queue,
            pull: Ok(()),
            checkpoints,
            written: 0,
            cuts: false,
            house: House::new(),
        };
        let checkpoints = threads.spawn_in_background("adieu-checkpoint", move || {
            make_checkpoints(&checkpointer, &wanted, &told);
        })?;
        let worker = threads.spawn("adieu-work", move || {
            let left = worker.run(unfinished, accepted);
            *ended.lock() = Some(left);
        })?;
        Ok([worker, checkpoints])
    }

    fn run(mut self, unfinished: Vec<Unfinished>, accepted: LeftBehind) -> Ended {
        self.guarded(|worker| {
            worker
                .deletions
                .recover(unfinished, accepted, &mut worker.store)
        });
        while let Some(commands) = self.queue.take_all(self.patience()) {
            let unread = self.store.unread();
            if self
                .deletions
                .next_due()
                .is_some_and(|due| due <= Instant::now())
            {
                self.guarded(|worker| worker.deletions.go_on(&mut worker.store));
            }
            if !commands.is_empty() {
                self.written += commands.len();
                self.work(commands);
                self.want_checkpoint(CHECKPOINT_ROWS);
                self.house.open = true;
                self.house.lull = false;
                self.house.put_off.get_or_insert_with(Instant::now);
                // Writers that never pause do not keep the house from being kept.
                if self.house.is_overdue() && !self.house.waits {
                    self.keep_house();
                }
            } else if self.house.open {
                self.house.lull = true;
                self.keep_house();
            } else {
                self.want_checkpoint(1);
            }
            if self.store.unread() != unread {
                self.events.emit(Event::TotalUnread(self.store.unread()));
            }
        }
        self.deletions.close(&mut self.store);
        Ended {
            store: self.store,
            deletions: self.deletions,
        }
    }

    /// A panic ends the work at hand, whose replies say so, and not the worker.
    fn guarded(&mut self, work: impl FnOnce(&mut Self)) {
        if catch_unwind(AssertUnwindSafe(|| work(self))).is_err() {
            self.pull = Err(Error::Panic);
            self.deletions.after_panic();
        }
    }

    fn work(&mut self, mut commands: VecDeque<Command>) {
        while !commands.is_empty() {
            self.guarded(|worker| worker.step(&mut commands));
        }
    }

    /// Does the next command, or as many deletions and answers as follow one another: they share
    /// their flushes.
    fn step(&mut self, commands: &mut VecDeque<Command>) {
        let mut untold = 0;
        while untold < UNTOLD {
            let (requests, answers) = self.next_deletions(commands);
            if requests.is_empty() && answers.is_empty() {
                break;
            }
            untold += requests.len() + answers.len();
            // Before the deletions: what has failed is joined by none of them.
            self.deletions.answered(answers, &mut self.store);
            if !requests.is_empty() {
                failpoint("accept");
                self.deletions.accept(requests, &mut self.store);
            }
        }
        if untold > 0 {
            self.deletions.tell(&mut self.store);
            self.deletions.go_on_behind(&mut self.store);
            return;
        }
        let erased = self.next_erased_elsewhere(commands);
        if !erased.is_empty() {
            // A host that brings a conversation itself wants nothing of it from the server.
            let erased = erased.into_iter();
            let erased =
                erased.filter(|(conversation, _)| !self.store.has_host_positions(conversation));
            let erased = erased.collect();
            self.pull = self.deletions.erase_elsewhere(erased, &mut self.store);
        } else if let Some(command) = commands.pop_front() {
            self.one(command);
        }
    }

    /// The deletions that come next, and what the server says of others, as many as go together.
    fn next_deletions(&mut self, commands: &mut VecDeque<Command>) -> (Vec<Request>, Vec<Answer>) {
        let (mut requests, mut answers) = (Vec::new(), Vec::new());
        while requests.len() + answers.len() < TOGETHER
            && let Some(command) = commands.pop_front()
        {
            match command {
                Command::Delete(request) => requests.push(request),
                Command::DeleteAll {
                    requests: more,
                    failed,
                } => {
                    requests.extend(more);
                    for (error, reply) in failed {
                        reply.send(Err(error));
                    }
                }
                Command::Answered(more) => answers.extend(more),
                // Harmless to pull forward, and it must not cut a run of deletions in two.
                Command::Delivered(names) => self.deletions.note_delivered(names),
                other => {
                    commands.push_front(other);
                    break;
                }
            }
        }
        (requests, answers)
    }

    /// The same for what was erased elsewhere, unless the pull that brought it has failed.
    fn next_erased_elsewhere(
        &mut self,
        commands: &mut VecDeque<Command>,
    ) -> Vec<(ConversationId, ErasedElsewhere)> {
        let mut erased = Vec::new();
        while erased.len() < TOGETHER
            && self.pull.is_ok()
            && let Some(command) = commands.pop_front()
        {
            match command {
                Command::Follow(conversation, Elsewhere::Erased(elsewhere)) => {
                    erased.push((conversation, elsewhere));
                }
                Command::Delivered(names) => self.deletions.note_delivered(names),
                other => {
                    commands.push_front(other);
                    break;
                }
            }
        }
        erased
    }

    fn one(&mut self, command: Command) {
        match command {
            // Taken by the step itself, so that they go together.
            Command::Delete(_)
            | Command::DeleteAll { .. }
            | Command::Answered(_)
            | Command::Delivered(..) => {}
            Command::Checkpointed { purge_waits } => {
                // What this writes is not worth a checkpoint, or there would be no end of them.
                self.written = self.written.saturating_sub(1);
                let all_is_moved = if purge_waits {
                    self.house.waits = false;
                    self.store.move_rest()
                } else {
                    self.store.is_all_moved()
                };
                if all_is_moved {
                    self.cuts = self.store.begin_log_anew(self.house.open);
                    self.written += usize::from(self.cuts);
                }
            }
            Command::Settle => self.deletions.settle(&mut self.store),
            Command::Network(online) => self.deletions.network_changed(online, &mut self.store),
            Command::ListPending(reply) => reply.send(Ok(self.deletions.pending())),
            Command::Manage {
                deletion,
                management,
                reply,
            } => {
                let done = self.deletions.manage(deletion, management, &mut self.store);
                reply.send(done);
            }
            Command::Change {
                conversation,
                change,
                head,
                reply,
            } => {
                let was_listed = self.store.is_listed(&conversation);
                let changed = self.store.change(&conversation, &change, head);
                self.tell_changed(&conversation, was_listed, &changed);
                reply.send(changed.map(|_| ()));
            }
            Command::Save {
                conversation,
                messages,
                reply,
            } => {
                let saved = self.save(&conversation, Source::Host, None, &messages);
                reply.send(saved);
            }
            // After a page that could not be stored, a later one would leave a hole behind it.
            Command::Pulled(_) | Command::Follow(..) if self.pull.is_err() => {}
            // A host that brings a conversation itself wants nothing of it from the server.
            Command::Pulled(page) if self.store.has_host_positions(&page.conversation) => {}
            Command::Pulled(page) => {
                let title = Some(page.title.as_str());
                self.pull = self.save(&page.conversation, Source::Server, title, &page.messages);
            }
            Command::Follow(conversation, what) => {
                self.pull = self.follow(&conversation, what);
            }
            Command::Turn => self.pull = Ok(()),
            Command::GoOn { cursor, answer } => {
                let stored = std::mem::replace(&mut self.pull, Ok(()));
                let stored = stored
                    .and_then(|()| self.store.record())
                    .and_then(|()| self.store.set_cursor(&cursor));
                // A pull that was ended by a close hears nothing.
                let _ = answer.send(stored);
            }
            Command::SyncState(state) => self.tell_sync(state),
            Command::PullDone { result, reply } => {
                self.tell_sync(match &result {
                    Ok(()) => SyncState::Finished,
                    Err(error) => SyncState::Failed(error.clone()),
                });
                reply.send(result);
            }
            Command::Reject(answer) => answer(true),
            Command::List(reply) => reply.send(self.store.list()),
            Command::History {
                conversation,
                before,
                count,
                reply,
            } => {
                reply.send(self.store.history(&conversation, before, count));
            }
            Command::Verify {
                conversation,
                texts,
                reply,
            } => {
                // What has been delivered is to be gone before the look, not soon after it.
                self.deletions.tidy(&mut self.store);
                reply.send(self.store.verify(&conversation, texts));
            }
        }
    }

    fn save(
        &mut self,
        conversation: &ConversationId,
        source: Source,
        title: Option<&str>,
        messages: &[Message],
    ) -> Result<()> {
        self.written += messages.len();
        let was_listed = self.store.is_listed(conversation);
        let saved = self.store.save(conversation, source, title, messages);
        self.tell_changed(conversation, was_listed, &saved);
        saved.map(|_| ())
    }

    /// Does on this device what was done elsewhere. A host that brings a conversation itself wants
    /// nothing of it from the server: its positions are not the server's.
    fn follow(&mut self, conversation: &ConversationId, what: Elsewhere) -> Result<()> {
        if self.store.has_host_positions(conversation) {
            return Ok(());
        }
        match what {
            // Taken by the step itself, so that they go together.
            Elsewhere::Erased(_) => Ok(()),
            Elsewhere::Unlisted(through) => {
                let (deletions, store) = (&mut self.deletions, &mut self.store);
                deletions.unlist_elsewhere(conversation, through, store)
            }
            Elsewhere::Read(through) => {
                let change = Change::Read(through);
                let changed = match self.store.change(conversation, &change, through) {
                    Err(Error::NotFound) => Ok(false),
                    changed => changed,
                };
                self.tell_changed(conversation, true, &changed);
                changed.map(|_| ())
            }
        }
    }

    fn tell_sync(&mut self, state: SyncState) {
        if let SyncState::Failed(error) = &state {
            self.events.note_error(error);
        }
        self.events.emit(Event::Sync(state));
    }

    /// Tells the listener what the list shows of a conversation now.
    fn tell_changed(
        &mut self,
        conversation: &ConversationId,
        was_listed: bool,
        changed: &Result<bool>,
    ) {
        if !self.events.are_heard() || !matches!(changed, Ok(true)) {
            return;
        }
        match self.store.summary(conversation) {
            Some(summary) if was_listed => self.events.emit(Event::Changed(summary)),
            Some(summary) => self.events.emit(Event::New(summary)),
            // A draft or a pin was what kept it in the list.
            None => self.events.emit(Event::Deleted {
                conversation: conversation.clone(),
                cause: Cause::ThisDevice,
                scope: Scope::ListEntry,
                deletion: None,
            }),
        }
    }
}
