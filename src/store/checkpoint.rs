//! Moving the write-ahead log into the database, beside the writer instead of inside its commits.

use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use super::{Store, unflushed};
use crate::error::Result;

/// Pages of the log. Each checkpoint flushes twice, and each flush can hold up whoever writes at
/// that moment: few large ones do that less often than many small ones.
const LONG: i64 = 8_192;
/// What the log's file may keep, in bytes, and how much is cut off it at once: cutting off 180 MB
/// took 18 ms.
const LOG_KEPT: i64 = 4 << 20;
const CUT: i64 = 4 << 20;

/// A connection that only makes checkpoints. Those are passive: they wait for nobody, and nobody
/// waits for them.
pub struct Checkpointer {
    db: Connection,
}

impl Checkpointer {
    /// Opens a second connection to an open store's database.
    pub(super) fn open(path: &Path) -> Result<Self> {
        let db = Connection::open_with_flags(
            path,
            OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
        )?;
        db.pragma_update(None, "synchronous", "NORMAL")?;
        db.pragma_update(None, "wal_autocheckpoint", 0)?;
        Ok(Self { db })
    }

    /// Makes one, and says whether it moved everything. What it could not move waits for the next.
    pub fn run(&self) -> Result<bool> {
        let complete = self
            .db
            .query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| {
                let (busy, in_log, moved): (i64, i64, i64) =
                    (row.get(0)?, row.get(1)?, row.get(2)?);
                Ok(busy == 0 && in_log == moved)
            })?;
        Ok(complete)
    }
}

impl Store {
    /// After a complete checkpoint the next commit begins the log anew, which costs it a flush
    /// more. This makes that commit, so that no deletion has to.
    ///
    /// The log's file keeps its length while there is more to come, so that its blocks are written
    /// again instead of allocated again. Otherwise it is cut a piece at a time, since the worker
    /// waits for that: `true` when there is more to cut.
    pub fn begin_log_anew(&mut self, more_to_come: bool) -> bool {
        // Before that commit, as long as the log is empty. Otherwise after the next checkpoint.
        let _ = self.release_slots();
        let log = self.folder.join("store.db-wal");
        let length = std::fs::metadata(log).map_or(0, |log| log.len() as i64);
        let limit = if more_to_come {
            length
        } else {
            (length - CUT).max(LOG_KEPT)
        };
        // Nothing depends on either: a commit of one page, and a limit for what is to be cut.
        let _ = self.db.pragma_update(None, "journal_size_limit", limit);
        let _ = unflushed(&mut self.db, |db| {
            let format: i64 = db.pragma_query_value(None, "user_version", |row| row.get(0))?;
            Ok(db.pragma_update(None, "user_version", format)?)
        });
        !more_to_come && limit > LOG_KEPT
    }

    /// Whether more of the log waits for a checkpoint than the purge may pile up.
    pub fn log_is_long(&self) -> bool {
        self.unmoved_pages().is_ok_and(|pages| pages > LONG)
    }

    /// Pages of the log that no checkpoint has moved and flushed yet.
    pub(super) fn unmoved_pages(&self) -> Result<i64> {
        let state = "PRAGMA wal_checkpoint(NOOP)";
        let pages = self.db.query_row(state, [], |row| {
            Ok(row.get::<_, i64>(1)? - row.get::<_, i64>(2)?)
        })?;
        Ok(pages)
    }
}
