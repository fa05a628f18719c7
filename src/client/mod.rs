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

mod calls;
mod close;
mod open;
mod sink;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::conversation::Positions;
use crate::deletion::{IdSource, Inbox, MapFile, Receipts};
use crate::delivery::{Delivery, Mode};
use crate::error::Error;
use crate::event::{Events, Listener};
use crate::primitives::atomic::AtomicBool;
use crate::primitives::thread::JoinHandle;
use crate::primitives::{Condvar, Mutex};
use crate::queue::Queue;
use crate::remote::{Remote, Server};
use crate::store::{Named, RawKey};
use crate::sync::{Live, Puller};
use crate::threads::{StepBack, Threads};
use crate::worker::{Command, Ended};

/// Most messages in one [`Client::save`].
pub const MAX_SAVE: usize = 10_000;
/// Most messages in one [`Client::history`].
pub const MAX_HISTORY: usize = 1_000;

/// Longest undo window.
pub const MAX_UNDO: Duration = Duration::from_secs(7 * 24 * 60 * 60);

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

pub(crate) fn no_server() -> Error {
    Error::Parameter("this client was opened without a server".to_owned())
}

/// For what nobody waits for: after the close it is nobody's business.
fn push(queue: &Queue<Command>, command: Command) {
    if let Err(refused) = queue.push(command) {
        refused.release();
    }
}
