//! Moving the write-ahead log into the database, beside the writer instead of inside its commits.

use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use super::{Store, unflushed};
use crate::error::Result;

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
    pub fn begin_log_anew(&mut self) {
        // A commit of one page; nothing depends on it.
        let _ = unflushed(&mut self.db, |db| {
            let format: i64 = db.pragma_query_value(None, "user_version", |row| row.get(0))?;
            Ok(db.pragma_update(None, "user_version", format)?)
        });
    }
}
