//! Removing dead ciphertext, in steps small enough for writers to slip between them.

use rusqlite::{OptionalExtension, params};

use super::{Store, unflushed};
use crate::error::Result;

/// Rows that one step removes at most.
const STEP_ROWS: i64 = 500;
/// Dead slots that are worth a checkpoint.
const RENEW_SLOTS: usize = 256;
/// Free pages that one step gives back to the file system at most.
const STEP_PAGES: u32 = 64;

impl Store {
    /// Does one step; `false` when nothing is left to do. Interrupted anywhere, the next step
    /// goes on.
    pub fn purge_step(&mut self) -> Result<bool> {
        if self.purge_rows()? || self.shrink_file()? {
            return Ok(true);
        }
        self.renew_slots()?;
        Ok(false)
    }

    fn purge_rows(&mut self) -> Result<bool> {
        let dead: Option<(i64, i64)> = self
            .db
            .prepare_cached("SELECT conversation, through FROM dead LIMIT 1")?
            .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        let Some((conversation, through)) = dead else {
            return Ok(false);
        };
        unflushed(&mut self.db, |db| {
            let end: Option<i64> = db
                .prepare_cached(
                    "SELECT position FROM messages WHERE conversation = ? AND position <= ?
                     ORDER BY position LIMIT 1 OFFSET ?",
                )?
                .query_row(params![conversation, through, STEP_ROWS - 1], |row| {
                    row.get(0)
                })
                .optional()?;
            db.prepare_cached("DELETE FROM messages WHERE conversation = ? AND position <= ?")?
                .execute(params![conversation, end.unwrap_or(through)])?;
            if end.is_none() {
                db.prepare_cached("DELETE FROM dead WHERE conversation = ?")?
                    .execute([conversation])?;
            }
            Ok(())
        })?;
        Ok(true)
    }

    fn shrink_file(&mut self) -> Result<bool> {
        let free: u32 = self
            .db
            .pragma_query_value(None, "freelist_count", |row| row.get(0))?;
        if free == 0 {
            return Ok(false);
        }
        // One row for each page given back: it has to be stepped to its end.
        let mut vacuum = self
            .db
            .prepare(&format!("PRAGMA incremental_vacuum({STEP_PAGES})"))?;
        let mut rows = vacuum.query([])?;
        while rows.next()?.is_some() {}
        Ok(true)
    }

    /// Slots may be used again once no row that they sealed exists, and once that and the
    /// tombstones stand in the database's main file, flushed.
    fn renew_slots(&mut self) -> Result<()> {
        if self.dead_slots.len() < RENEW_SLOTS {
            return Ok(());
        }
        let complete = self
            .db
            .query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| {
                let (busy, in_log, done): (i64, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
                Ok(busy == 0 && in_log == done)
            })?;
        if complete {
            let dead = std::mem::take(&mut self.dead_slots);
            self.keys.file.renew(&dead)?;
        }
        Ok(())
    }
}
