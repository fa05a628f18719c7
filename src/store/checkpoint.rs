//! Moving the write-ahead log into the database, beside the writer instead of inside its commits.

use std::path::Path;

use rusqlite::{Connection, OpenFlags};

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

    /// Makes one; what it could not move waits for the next.
    pub fn run(&self) -> Result<()> {
        Ok(self
            .db
            .query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))?)
    }
}
