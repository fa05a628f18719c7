//! A client: one account's store, its line to the server, and the threads between them.
//!
//! | thread | what it does |
//! |---|---|
//! | `adieu-work` | everything on the store |
//! | `adieu-checkpoint` | moves the write-ahead log into the database |
//! | `adieu-ask` (four) | asks the server to delete |
//! | `adieu-pull` | pulls from the server when the host asks for it |
//! | `adieu-sync` | stays up to date, where the host wants that |
//! | `adieu-deliver` | calls the host, unless the host delivers |

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use adieu_protocol::recent_contact::MAX_BATCH;

use crate::conversation::{Change, ConversationId, MAX_DRAFT, Message, Positions, Source, Summary};
use crate::deletion::{
    Asker, DeletionId, Deletions, Gather, IdSource, Inbox, Management, MapFile, Moment, Pending,
    Receipt, Receipts, Record, Request, Terms,
};
use crate::delivery::{Delivery, Job, Mode, Reply};
use crate::error::{Error, Result};
use crate::event::{Events, Listener, SyncState};
use crate::primitives::atomic::{AtomicBool, Ordering};
use crate::primitives::mpsc::channel;
use crate::primitives::thread::JoinHandle;
use crate::primitives::{Condvar, Mutex, MutexGuard};
use crate::queue::Queue;
use crate::remote::{Remote, Server};
use crate::store::{Named, RawKey, Store, Verification};
use crate::sync::{Elsewhere, Line, Live, Page, Puller, Sink};
use crate::threads::{StepBack, Threads};
use crate::worker::{Command, Ended, PAGES_AHEAD, Worker};

/// Most messages in one [`Client::save`].
pub const MAX_SAVE: usize = 10_000;
/// Most messages in one [`Client::history`].
pub const MAX_HISTORY: usize = 1_000;

/// Longest undo window.
pub const MAX_UNDO: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// How often a close that waits for another looks whether it has to deliver.
const POLLING: Duration = Duration::from_millis(5);

/// How a client is opened.
pub struct Config {
    /// The store's folder; it must exist.
    pub folder: PathBuf,
    /// Whose account this is.
    pub user: String,
    /// Wraps all keys; `None` keeps one in the folder.
    pub master_key: Option<RawKey>,
    /// `None`: there is no server, and the device is all there is.
    pub server: Option<Server>,
    /// Stay up to date without being asked.
    pub live: bool,
    /// Who delivers.
    pub delivery: Mode,
    /// Who hears of events.
    pub listener: Option<Listener>,
    /// How a file is shared with memory.
    pub map: MapFile,
    /// How a thread lets the others go first.
    pub step_back: StepBack,
}

/// An open client. Every method may be called from any thread.
pub struct Client {
    queue: Arc<Queue<Command>>,
    positions: Arc<Positions>,
    delivery: Arc<Delivery>,
    receipts: Arc<Receipts>,
    inbox: Option<Arc<Inbox>>,
    events: Arc<Events>,
    remote: Option<Arc<Remote>>,
    ids: Arc<IdSource>,
    puller: Mutex<Option<Puller>>,
    live: Mutex<Option<Live>>,
    threads: Threads,
    running: Mutex<Vec<JoinHandle<()>>>,
    deliverer: Mutex<Option<JoinHandle<()>>>,
    /// What the worker left when it ended, and what was delivered after that.
    ended: Arc<Mutex<Option<Ended>>>,
    delivered_late: Arc<Mutex<Vec<Named>>>,
    closing: AtomicBool,
    close_from_callback: AtomicBool,
    close_taken_up: AtomicBool,
    closed: Mutex<bool>,
    closed_changed: Condvar,
}

impl Client {
    /// Opens the store and starts the threads. Deletions that an earlier life of the process left
    /// behind are taken up at once.
    pub fn open(config: Config) -> Result<Arc<Self>> {
        adieu_protocol::conversation_id::check_user_id(&config.user)
            .map_err(|error| Error::Parameter(format!("user_id: {error}")))?;
        if let Some(server) = &config.server {
            Remote::check(server)?;
        }
        let positions = Arc::new(Positions::default());
        let store = Store::open(
            &config.folder,
            &config.user,
            config.master_key,
            positions.clone(),
        )?;
        let remote = match config.server {
            Some(server) => {
                let device = server.device.clone();
                let device = device.unwrap_or_else(|| store.device_name());
                Some(Arc::new(Remote::new(&server, &config.user, &device)?))
            }
            None => None,
        };

        // Without it, as on a full disk, a call is safe from when the worker has it.
        let (inbox, accepted) = match Inbox::open(&config.folder.join("accepted"), config.map) {
            Ok((inbox, accepted)) => (Some(inbox), accepted),
            Err(_) => (None, Vec::new()),
        };
        let queue = Arc::new(Queue::new());
        let delivery = Arc::new(Delivery::new(config.delivery));
        let events = Arc::new(Events::new(delivery.clone(), config.listener));
        let receipts = Arc::new(Receipts::default());
        let threads = Threads::new(config.step_back);
        let mut running = Vec::new();
        let mut asker = None;
        let (mut puller, mut live) = (None, None);
        if let Some(remote) = &remote {
            let answers = queue.clone();
            let (line, mut started) = Asker::start(threads, remote, move |answer| {
                push(&answers, Command::Answered(answer))
            })?;
            asker = Some(line);
            running.append(&mut started);
            let sink = ToWorker {
                queue: queue.clone(),
                positions: positions.clone(),
                cursor: Mutex::new(store.cursor()?),
            };
            let line = Line::new(remote.clone(), sink);
            let (way, thread) = Puller::start(threads, line.clone())?;
            puller = Some(way);
            running.push(thread);
            if config.live {
                let (way, thread) = Live::start(threads, line)?;
                live = Some(way);
                running.push(thread);
            }
        }
        let ids = Arc::new(IdSource::new()?);
        let told = queue.clone();
        let delivered_late: Arc<Mutex<Vec<Named>>> = Arc::default();
        let late = delivered_late.clone();
        let delivered = Arc::new(move |names| {
            if let Err(Command::Delivered(names)) = told.push(Command::Delivered(names)) {
                late.lock().extend(names);
            }
        });
        let deletions = Deletions::new(
            asker,
            events.clone(),
            delivery.clone(),
            receipts.clone(),
            ids.clone(),
            delivered,
        );
        let ended: Arc<Mutex<Option<Ended>>> = Arc::default();
        running.extend(Worker::start(
            threads,
            store,
            deletions,
            events.clone(),
            queue.clone(),
            accepted,
            ended.clone(),
        )?);
        let client = Arc::new(Self {
            queue,
            positions,
            delivery,
            receipts,
            inbox,
            events,
            remote,
            ids,
            puller: Mutex::new(puller),
            live: Mutex::new(live),
            threads,
            running: Mutex::new(running),
            deliverer: Mutex::new(None),
            ended,
            delivered_late,
            closing: AtomicBool::new(false),
            close_from_callback: AtomicBool::new(false),
            close_taken_up: AtomicBool::new(false),
            closed: Mutex::new(false),
            closed_changed: Condvar::new(),
        });
        if client
            .remote
            .as_ref()
            .is_none_or(|remote| remote.is_signed_in())
        {
            push(&client.queue, Command::Settle);
        }
        Ok(client)
    }

    /// Starts delivering on a library thread; not called where the host delivers. `gone` is
    /// called when a close from a callback has taken effect.
    pub fn start_delivering(self: &Arc<Self>, gone: impl FnOnce() + Send + 'static) -> Result<()> {
        let client = self.clone();
        let thread = self.threads.spawn("adieu-deliver", move || {
            let closing = || client.close_from_callback.load(Ordering::SeqCst);
            client.delivery.run_until_finished(closing);
            if closing() {
                client.close_here();
                gone();
            }
        })?;
        *self.deliverer.lock() = Some(thread);
        Ok(())
    }

    /// A new id for a deletion.
    pub fn new_deletion_id(&self) -> DeletionId {
        self.ids.next()
    }

    /// Where answers of this client go.
    pub fn delivery(&self) -> &Arc<Delivery> {
        &self.delivery
    }

    /// Deletes a conversation. Never waits for disk or network.
    ///
    /// # Errors
    /// [`Error::Closed`], as for every call below: it was refused, and `reply` answers nothing.
    pub fn delete(
        &self,
        id: DeletionId,
        conversation: ConversationId,
        terms: Terms,
        reply: Reply<()>,
    ) -> Result<()> {
        if let Err(error) = check(&terms) {
            return self.reject(error, reply);
        }
        let request = self.request(id, conversation, terms, reply, Moment::now());
        self.submit(Command::Delete(request))
    }

    /// From here on, nothing but a power cut can lose it.
    fn request(
        &self,
        id: DeletionId,
        conversation: ConversationId,
        terms: Terms,
        reply: Reply<()>,
        now: Moment,
    ) -> Request {
        let (source, cut_off) = self.positions.head(&conversation).unzip();
        let host_positions = source == Some(Source::Host);
        let noted = self.inbox.as_ref().and_then(|inbox| {
            let record = Record {
                deletion: id,
                cut_off,
                accepted_at: now.by_clock,
                undo: u32::try_from(terms.undo.as_millis()).unwrap_or(u32::MAX),
                scope: terms.scope,
                policy: terms.policy,
                alone: self.remote.is_none(),
                host_positions,
            };
            inbox.note(&conversation, &record)
        });
        Request {
            id,
            conversation,
            cut_off,
            host_positions,
            terms,
            accepted: now,
            noted,
            reply,
        }
    }

    /// Deletes several conversations in one call, which is accepted or refused as a whole; those
    /// whose id is an error fail by themselves. `done` is called once, on whichever thread
    /// delivers.
    pub fn delete_all(
        &self,
        wanted: Vec<(DeletionId, Result<ConversationId>)>,
        terms: Terms,
        done: impl FnOnce(Result<Vec<Result<()>>>) + Send + 'static,
    ) -> Result<()> {
        if wanted.is_empty() || wanted.len() > MAX_BATCH {
            let reply = Reply::new(self.delivery.clone(), done);
            return self.reject(Error::TooMany(wanted.len()), reply);
        }
        if let Err(error) = check(&terms) {
            let reply = Reply::new(self.delivery.clone(), done);
            return self.reject(error, reply);
        }
        let reply = Reply::new(self.delivery.clone(), done);
        let gather = Gather::new(wanted.len(), reply);
        let now = Moment::now();
        let mut requests = Vec::with_capacity(wanted.len());
        let mut failed = Vec::new();
        for (index, (id, conversation)) in wanted.into_iter().enumerate() {
            let noting = gather.clone();
            let reply = Reply::at_once(move |outcome| noting.note(index, outcome));
            match conversation {
                Ok(conversation) => {
                    requests.push(self.request(id, conversation, terms, reply, now));
                }
                Err(error) => failed.push((error, reply)),
            }
        }
        let submitted = self.submit(Command::DeleteAll { requests, failed });
        if submitted.is_err() {
            gather.release();
        }
        submitted
    }

    /// Fails a call that was accepted, by the same way as every other outcome.
    pub fn reject<T: Send>(&self, error: Error, reply: Reply<T>) -> Result<()> {
        self.submit(Command::Reject(Box::new(move |accepted| {
            if accepted {
                reply.send(Err(error))
            } else {
                reply.release()
            }
        })))
    }

    /// Saves messages of the host's own transport. From here on they are accepted: a deletion
    /// that is made after this covers them.
    pub fn save(
        &self,
        conversation: ConversationId,
        messages: Vec<Message>,
        reply: Reply<()>,
    ) -> Result<()> {
        if let Some(error) = messages.iter().find_map(|message| message.check().err()) {
            return self.reject(error, reply);
        }
        if let Some(highest) = messages.iter().map(|message| message.position).max() {
            self.positions.raise(&conversation, Source::Host, highest);
        }
        self.submit(Command::Save {
            conversation,
            messages,
            reply,
        })
    }

    /// Pulls what the server has and this device lacks.
    pub fn pull(&self, reply: Reply<()>) -> Result<()> {
        if self.remote.is_none() {
            return self.reject(no_server(), reply);
        }
        match self.puller.lock().as_ref() {
            Some(puller) => {
                if self
                    .remote
                    .as_ref()
                    .is_some_and(|remote| remote.is_signed_in())
                {
                    push(&self.queue, Command::Settle);
                }
                puller.pull(reply);
                Ok(())
            }
            None => {
                reply.release();
                Err(Error::Closed)
            }
        }
    }

    /// The conversation list, the newest first.
    pub fn list(&self, reply: Reply<Vec<Summary>>) -> Result<()> {
        self.submit(Command::List(reply))
    }

    /// At most `count` messages below the position `before`, the newest first.
    pub fn history(
        &self,
        conversation: ConversationId,
        before: u64,
        count: usize,
        reply: Reply<Vec<Message>>,
    ) -> Result<()> {
        if count == 0 || count > MAX_HISTORY {
            return self.reject(
                Error::Parameter(format!("count is {count}; allowed: 1 to {MAX_HISTORY}")),
                reply,
            );
        }
        self.submit(Command::History {
            conversation,
            before,
            count,
            reply,
        })
    }

    /// Changes what a conversation shows.
    pub fn change(
        &self,
        conversation: ConversationId,
        change: Change,
        reply: Reply<()>,
    ) -> Result<()> {
        if let Change::Draft(text) = &change
            && text.len() > MAX_DRAFT
        {
            let text = format!(
                "the draft has {} bytes; at most {MAX_DRAFT} are allowed",
                text.len()
            );
            return self.reject(Error::Parameter(text), reply);
        }
        let head = self.positions.head(&conversation);
        self.submit(Command::Change {
            conversation,
            change,
            head: head.map_or(0, |(_, head)| head),
            reply,
        })
    }

    /// The deletions whose outcome is open, the oldest first.
    pub fn pending(&self, reply: Reply<Vec<Pending>>) -> Result<()> {
        self.submit(Command::ListPending(reply))
    }

    /// Undoes, cancels, retries or acknowledges a pending deletion.
    pub fn manage(
        &self,
        deletion: DeletionId,
        management: Management,
        reply: Reply<()>,
    ) -> Result<()> {
        self.submit(Command::Manage {
            deletion,
            management,
            reply,
        })
    }

    /// Takes note that there is a network, which is used at once, or none.
    pub fn network_changed(&self, online: bool) -> Result<()> {
        if online {
            self.wake_live();
        }
        self.queue
            .push(Command::Network(online))
            .map_err(|_| Error::Closed)
    }

    /// The forensic look.
    pub fn verify(
        &self,
        conversation: ConversationId,
        texts: Vec<Vec<u8>>,
        reply: Reply<Verification>,
    ) -> Result<()> {
        self.submit(Command::Verify {
            conversation,
            texts,
            reply,
        })
    }

    /// Unread messages in all conversations.
    pub fn total_unread(&self) -> u64 {
        self.positions.unread()
    }

    /// What a deletion that succeeded did.
    pub fn receipt(&self, id: DeletionId) -> Option<Receipt> {
        self.receipts.find(id)
    }

    /// Replaces the UserSig, and asks again for what is not settled; an empty one signs out.
    pub fn sign_in(&self, user_sig: &str) -> Result<()> {
        let remote = self.remote.as_ref().ok_or_else(no_server)?;
        remote.set_user_sig(user_sig);
        if !user_sig.is_empty() {
            self.events.signed_in();
            self.wake_live();
            push(&self.queue, Command::Settle);
        }
        Ok(())
    }

    /// Delivers on this thread what is queued; `gone` is called when a callback has closed the
    /// client and that has taken effect.
    pub fn poll(&self, gone: impl FnOnce()) -> usize {
        let delivered = self.delivery.poll(usize::MAX);
        // Not before that callback has returned, and on one of the threads that poll: another one
        // would find nothing left to wait for and call it done.
        if self.close_from_callback.load(Ordering::SeqCst)
            && self.delivery.is_idle()
            && !self.close_taken_up.swap(true, Ordering::SeqCst)
        {
            self.close_here();
            gone();
        }
        delivered
    }

    /// Whether this thread is inside a callback of this client, or one of its own: it cannot wait
    /// for the client's end.
    pub fn is_here(&self) -> bool {
        self.threads.is_one() || self.delivery.is_delivering_here()
    }

    /// Takes no more calls. `false` when that was so already.
    pub fn begin_close(&self) -> bool {
        !self.closing.swap(true, Ordering::SeqCst)
    }

    /// Notes that a callback wants the client closed, which happens when it returns.
    pub fn close_after_callback(&self) {
        self.close_from_callback.store(true, Ordering::SeqCst);
    }

    /// Closes: returns when the last callback has returned and the last thread is gone.
    pub fn close_here(&self) {
        self.stop_threads();
        if self.delivery.by_host() || self.close_from_callback.load(Ordering::SeqCst) {
            self.delivery.drain();
        } else {
            self.delivery.finish();
            if let Some(thread) = self.deliverer.lock().take() {
                let _ = thread.join();
            }
        }
        self.let_go_of_store();
        self.note_closed();
    }

    /// Closes without waiting: `last` is delivered after everything else, and then nothing is.
    pub fn close_elsewhere(self: &Arc<Self>, last: Job) -> Result<()> {
        let client = self.clone();
        let started = self.threads.spawn("adieu-close", move || {
            client.stop_threads();
            let closed = client.clone();
            client.delivery.push(Box::new(move || {
                closed.let_go_of_store();
                last();
                closed.note_closed();
            }));
            client.delivery.finish();
        });
        if let Err(error) = started {
            // Nothing has begun: a later close can try again.
            self.closing.store(false, Ordering::SeqCst);
            return Err(error);
        }
        Ok(())
    }

    /// Waits until another thread's close has ended; where the host delivers, delivers meanwhile.
    pub fn wait_closed(&self, gone: impl Fn()) {
        let mut closed = self.closed.lock();
        while !*closed {
            if self.delivery.by_host() {
                MutexGuard::unlocked(&mut closed, || self.poll(&gone));
                if !*closed {
                    self.closed_changed.wait_for(&mut closed, POLLING);
                }
            } else {
                self.closed_changed.wait(&mut closed);
            }
        }
    }

    /// The worker has ended and everything is delivered: the last names go, and the folder is free.
    fn let_go_of_store(&self) {
        let ended = self.ended.lock().take();
        if let Some(mut ended) = ended {
            let delivered = std::mem::take(&mut *self.delivered_late.lock());
            ended.tidy(delivered);
        }
    }

    fn note_closed(&self) {
        self.events.end();
        *self.closed.lock() = true;
        self.closed_changed.notify_all();
    }

    /// Ends every thread but the one that delivers.
    fn stop_threads(&self) {
        if let Some(remote) = &self.remote {
            remote.interrupt();
        }
        drop(self.puller.lock().take());
        drop(self.live.lock().take());
        self.queue.close();
        let running = std::mem::take(&mut *self.running.lock());
        for thread in running {
            let _ = thread.join();
        }
    }

    fn wake_live(&self) {
        if let Some(live) = self.live.lock().as_ref() {
            live.wake();
        }
    }

    fn submit(&self, command: Command) -> Result<()> {
        self.queue.push(command).map_err(|refused| {
            refused.release();
            Error::Closed
        })
    }
}

pub(crate) fn no_server() -> Error {
    Error::Parameter("this client was opened without a server".to_owned())
}

fn check(terms: &Terms) -> Result<()> {
    if terms.undo > MAX_UNDO {
        return Err(Error::Parameter(format!(
            "undo window of {} ms; at most {} are allowed",
            terms.undo.as_millis(),
            MAX_UNDO.as_millis()
        )));
    }
    Ok(())
}

/// For what nobody waits for: after the close it is nobody's business.
fn push(queue: &Queue<Command>, command: Command) {
    if let Err(refused) = queue.push(command) {
        refused.release();
    }
}

/// Hands on what was pulled.
struct ToWorker {
    queue: Arc<Queue<Command>>,
    positions: Arc<Positions>,
    cursor: Mutex<String>,
}

impl Sink for ToWorker {
    fn cursor(&self) -> String {
        self.cursor.lock().clone()
    }

    fn head(&self, conversation: &ConversationId) -> u64 {
        self.positions
            .head_of(conversation, Source::Server)
            .unwrap_or(0)
    }

    fn store(&self, page: Page) -> bool {
        self.queue
            .push_when_shorter_than(PAGES_AHEAD, Command::Pulled(page))
            .is_ok()
    }

    fn begin(&self) {
        push(&self.queue, Command::Turn);
    }

    fn follow(&self, conversation: ConversationId, what: Elsewhere) {
        push(&self.queue, Command::Follow(conversation, what));
    }

    fn go_on(&self, cursor: String) -> Result<()> {
        let (answer, stored) = channel();
        let wanted = cursor.clone();
        self.queue
            .push(Command::GoOn { cursor, answer })
            .map_err(|_| Error::Closed)?;
        stored.recv().unwrap_or(Err(Error::Closed))?;
        *self.cursor.lock() = wanted;
        Ok(())
    }

    fn tell(&self, state: SyncState) {
        push(&self.queue, Command::SyncState(state));
    }

    fn done(&self, result: Result<()>, reply: Reply<()>) {
        let done = Command::PullDone { result, reply };
        if let Err(Command::PullDone { reply, .. }) = self.queue.push(done) {
            reply.send(Err(Error::Closed));
        }
    }
}
