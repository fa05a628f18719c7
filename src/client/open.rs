//! Opening: the store, the line to the server, and the threads.

use std::sync::Arc;

use super::sink::ToWorker;
use super::{Client, Config, push};
use crate::conversation::Positions;
use crate::deletion::{Asker, Deletions, IdSource, Inbox, Receipts};
use crate::delivery::Delivery;
use crate::error::{Error, Result};
use crate::event::Events;
use crate::primitives::atomic::{AtomicBool, Ordering};
use crate::primitives::{Condvar, Mutex};
use crate::queue::Queue;
use crate::remote::Remote;
use crate::store::{Named, Store};
use crate::sync::{Line, Live, Puller};
use crate::threads::Threads;
use crate::worker::{Command, Ended, Worker};

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
}
