//! Moving the write-ahead log into the database, beside the writer instead of inside its commits.

use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use super::{Store, unflushed};
use crate::error::Result;

/// Pages of the log after which the purge waits for a checkpoint. Each flushes twice, and each flush
/// can hold up whoever writes at that moment: large ones for longer, small ones more often.
const LONG: i64 = 2_048;
/// Pages by which the purge has the log's file grow from one checkpoint to the next. Where the file
/// has no blocks yet, its flush has to find some, and for so long ext4 lets nobody write to it: 7 ms
/// for 32 MB.
const GROWTH: i64 = 1_024;
/// Pages that the worker moves itself, since they came while a checkpoint was being made.
const FEW: i64 = 64;
/// Checkpoints that are made at most to catch up with a writer.
const PASSES: usize = 8;
/// What the log's file may keep, in bytes, and how much is cut off it at once: cutting off 180 MB
/// took 18 ms.
const LOG_KEPT: i64 = 4 << 20;
const CUT: i64 = 4 << 20;
/// A page in the log, with what SQLite notes of it.
const PAGE: i64 = 4_096 + 24;

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

    /// Makes one. To catch up with the writer, further ones of what was written meanwhile, each of
    /// which is much less: SQLite flushes the database only when nothing came any more.
    pub fn run(&self, catch_up: bool) -> Result<()> {
        checkpoint(&self.db)?;
        for _ in 0..PASSES {
            if !catch_up || unmoved_pages(&self.db)? == 0 {
                break;
            }
            checkpoint(&self.db)?;
        }
        Ok(())
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
        // Before that commit, as long as all of the log is moved. Otherwise after the next checkpoint.
        let _ = self.release_slots();
        let log = self.folder.join("store.db-wal");
        let length = std::fs::metadata(log).map_or(0, |log| log.len() as i64);
        let limit = if more_to_come {
            length
        } else {
            (length - CUT).max(LOG_KEPT)
        };
        self.log_pages = length.min(limit) / PAGE;
        // Nothing depends on either: a commit of one page, and a limit for what is to be cut.
        let _ = self.db.pragma_update(None, "journal_size_limit", limit);
        let _ = unflushed(&mut self.db, |db| {
            let format: i64 = db.pragma_query_value(None, "user_version", |row| row.get(0))?;
            Ok(db.pragma_update(None, "user_version", format)?)
        });
        !more_to_come && limit > LOG_KEPT
    }

    /// Moves what little was written since a checkpoint that caught up, and says whether all of the
    /// log is moved: beside a writer that never pauses it would never be, and the log would go on.
    pub fn move_rest(&mut self) -> bool {
        match self.unmoved_pages() {
            Ok(1..=FEW) => checkpoint(&self.db).is_ok() && self.is_all_moved(),
            unmoved => unmoved.is_ok_and(|pages| pages == 0),
        }
    }

    /// Whether all of the log is moved, so that it can begin anew.
    pub fn is_all_moved(&self) -> bool {
        self.unmoved_pages().is_ok_and(|pages| pages == 0)
    }

    /// Whether more of the log waits for a checkpoint than the purge may pile up.
    pub fn log_is_long(&self) -> bool {
        let long = LONG.min(self.log_pages + GROWTH);
        self.unmoved_pages().is_ok_and(|pages| pages > long)
    }

    /// Pages of the log that no checkpoint has moved and flushed yet.
    pub(super) fn unmoved_pages(&self) -> Result<i64> {
        unmoved_pages(&self.db)
    }
}

fn unmoved_pages(db: &Connection) -> Result<i64> {
    let pages = db.query_row("PRAGMA wal_checkpoint(NOOP)", [], |row| {
        Ok(row.get::<_, i64>(1)? - row.get::<_, i64>(2)?)
    })?;
    Ok(pages)
}

/// Moves what it can: what a reader needs stays in the log.
fn checkpoint(db: &Connection) -> Result<()> {
    Ok(db.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))?)
}
