//! Moves the write-ahead log into the database now and then, on a thread and a connection of its
//! own, so that no commit has to.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{RecvTimeoutError, Sender, channel},
    },
    thread::JoinHandle,
    time::Duration,
};

use parking_lot::Mutex;
use rusqlite::Connection;

use super::{schema, writer::Writer};
use crate::{Error, Result};

const TICK: Duration = Duration::from_millis(100);
/// Commits after which the log is moved, busy or not.
const COMMITS: u64 = 1_000;
/// Ticks without a commit that make a quiet moment.
const QUIET: u32 = 10;
/// Commits that are worth moving in a quiet moment. The first commit afterwards takes one flush
/// more, so a few commits are left where they are.
const WORTH: u64 = 64;
/// Ticks without a commit after which the few are moved too.
const LONG_QUIET: u32 = 300;
/// Size of the log's file above which it is cut in a quiet moment.
const LARGE: u64 = 16 << 20;
/// Size of the log's file above which it is cut at once, whoever has to wait.
const TOO_LARGE: u64 = 256 << 20;

/// The thread.
pub(super) struct Upkeep {
    stop: Mutex<Option<(Sender<()>, JoinHandle<()>)>>,
    purged: Arc<AtomicBool>,
}

impl Upkeep {
    pub(super) fn start(path: &Path, writer: Arc<Writer>) -> Result<Self> {
        let connection = schema::open_checkpointer(path)?;
        let mut log = path.as_os_str().to_owned();
        log.push("-wal");
        let log = PathBuf::from(log);
        let purged = Arc::new(AtomicBool::new(false));
        let to_be_cut = Arc::clone(&purged);
        let (stop, stopped) = channel();
        let thread = std::thread::Builder::new()
            .name("upkeep".to_owned())
            .spawn(move || {
                let (mut moved, mut seen, mut quiet) = (0, 0, 0);
                while stopped.recv_timeout(TICK) == Err(RecvTimeoutError::Timeout) {
                    let commits = writer.commits();
                    quiet = if commits == seen { quiet + 1 } else { 0 };
                    seen = commits;
                    let size = std::fs::metadata(&log).map_or(0, |file| file.len());
                    let behind = commits - moved;
                    if size > TOO_LARGE {
                        writer.truncate_log();
                        moved = commits;
                    } else if behind >= COMMITS {
                        checkpoint(&connection);
                        // What came meanwhile is little; with that moved too, the log begins anew
                        // in its file instead of growing, which makes every flush cheaper.
                        writer.checkpoint();
                        moved = commits;
                    } else if (behind >= WORTH && quiet >= QUIET)
                        || (behind > 0 && quiet >= LONG_QUIET)
                    {
                        checkpoint(&connection);
                        moved = commits;
                    }
                    // The log is a copy of what was purged: it goes too.
                    if quiet >= QUIET
                        && size > 0
                        && (size > LARGE || to_be_cut.swap(false, Ordering::Relaxed))
                    {
                        writer.truncate_log();
                    }
                }
            })
            .map_err(Error::io("cannot start the upkeep thread"))?;
        Ok(Self {
            stop: Mutex::new(Some((stop, thread))),
            purged,
        })
    }

    /// The purge has removed something: the log is cut at the next quiet moment.
    pub(super) fn cut_log_when_quiet(&self) {
        self.purged.store(true, Ordering::Relaxed);
    }

    pub(super) fn stop(&self) {
        let Some((stop, thread)) = self.stop.lock().take() else {
            return;
        };
        drop(stop);
        let _ = thread.join();
    }
}

impl Drop for Upkeep {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Moves what no reader needs in the log any more.
pub(super) fn checkpoint(connection: &Connection) {
    if let Err(error) = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(())) {
        tracing::warn!(%error, "the write-ahead log could not be moved");
    }
}
