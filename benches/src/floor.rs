//! The least that the machine itself costs.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use rusqlite::Connection;

/// Flushes on the disk that a folder is on.
pub struct Disk {
    appended: File,
    overwritten: File,
}

impl Disk {
    /// Prepares two files in a folder.
    pub fn new(folder: &Path) -> Result<Self> {
        let open = |name: &str| {
            OpenOptions::new()
                .write(true)
                .create(true)
                .truncate(true)
                .open(folder.join(name))
        };
        let (appended, mut overwritten) = (open("floor-append")?, open("floor-overwrite")?);
        overwritten.write_all(&[0; 8192])?;
        overwritten.sync_all()?;
        Ok(Self {
            appended,
            overwritten,
        })
    }

    /// One append of 4 KiB and its fdatasync.
    pub fn append(&mut self) -> Result<Duration> {
        let start = Instant::now();
        self.appended.write_all(&[7; 4096])?;
        self.appended.sync_data()?;
        Ok(start.elapsed())
    }

    /// One overwrite of 64 bytes in place and its fdatasync.
    pub fn overwrite(&mut self) -> Result<Duration> {
        let start = Instant::now();
        self.overwritten
            .write_all_at(&[start.elapsed().subsec_nanos() as u8; 64], 128)?;
        self.overwritten.sync_data()?;
        Ok(start.elapsed())
    }
}

/// A plain table in SQLite, with its log flushed at each commit.
pub struct Statement(Connection);

impl Statement {
    /// Makes one with enough rows.
    pub fn new(folder: &Path) -> Result<Self> {
        let db = Connection::open(folder.join("floor.db"))?;
        db.execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
             CREATE TABLE rows(id INTEGER PRIMARY KEY, text TEXT);
             WITH RECURSIVE some(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM some LIMIT 100)
                 INSERT INTO rows SELECT id, 'a message of a conversation' FROM some;
             PRAGMA wal_checkpoint(TRUNCATE);",
        )?;
        Ok(Self(db))
    }

    /// Deletes one row.
    pub fn commit(&self) -> Result<Duration> {
        let sql = "DELETE FROM rows WHERE id = (SELECT min(id) FROM rows)";
        let mut delete = self.0.prepare_cached(sql)?;
        let start = Instant::now();
        ensure!(delete.execute([])? == 1, "no row was left");
        Ok(start.elapsed())
    }
}

/// Brings everything that any program has written to the disk.
pub fn sync_all() -> Result<()> {
    std::process::Command::new("sync").status()?;
    Ok(())
}
