//! Removing dead ciphertext, in steps small enough for writers to slip between them.

use std::time::{Duration, Instant};

use rusqlite::{Connection, OptionalExtension, params};

use super::{Step, Store, unflushed};
use crate::error::Result;
use crate::failpoint::failpoint;

/// How long a step may take: whoever comes meanwhile waits for its end.
const STEP: Duration = Duration::from_micros(250);
/// Rows that the first step removes; the next ones as many as fit into [`STEP`].
const FIRST_ROWS: i64 = 200;
/// And at most: a step that happens to be fast is not followed by one without a bound.
const MOST_ROWS: i64 = 5_000;
/// Free pages that one step gives back to the file system, at first and at most.
const FIRST_PAGES: i64 = 16;
const MOST_PAGES: i64 = 256;
/// Free pages that the file may have before any are given back. To give back the last page, SQLite
/// looks through the whole list of the free ones: with a million dead messages that list would
/// make each page as dear as a whole step.
const MOST_FREE: i64 = 1_024;
/// Dead slots that are worth a flush of their own, and that one step renews.
const RENEW_SLOTS: usize = 256;

/// How much one step does: what fits into [`STEP`] on this machine, right now.
pub struct Pace {
    rows: i64,
    pages: i64,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            rows: FIRST_ROWS,
            pages: FIRST_PAGES,
        }
    }
}

/// What the next step should do when this one did `done` and began at `start`. It grows slowly and
/// shrinks at once; halved at most, since one slow step may be the disk's fault.
fn next(done: i64, start: Instant, most: i64) -> i64 {
    let fits = STEP.as_secs_f64() / start.elapsed().as_secs_f64().max(1e-6);
    ((done as f64 * fits.clamp(0.5, 1.25)) as i64).clamp(8, most)
}

impl Store {
    /// Does one step. Interrupted anywhere, the next step goes on.
    pub fn purge_step(&mut self) -> Result<Step> {
        let work = self.shrink_file(MOST_FREE)?
            || self.purge_rows()?
            || self.shrink_file(0)?
            || self.renew_slots()?;
        Ok(if work { Step::Full } else { Step::Nothing })
    }

    /// Removes rows of as many conversations as it takes to make a step.
    fn purge_rows(&mut self) -> Result<bool> {
        let start = Instant::now();
        let limit = self.pace.rows;
        let removed = unflushed(&mut self.db, |db| {
            // The newest first: its rows are the likeliest to lie at the end of the file, where
            // pages can be given back without moving others into them.
            let mut next = db.prepare_cached(
                "SELECT conversation, through FROM dead ORDER BY conversation DESC LIMIT 1",
            )?;
            let mut removed = None;
            let mut left = limit;
            while left > 0
                && let Some((conversation, through)) = next
                    .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))
                    .optional()?
            {
                // A conversation without rows counts for one: finding that out has its price too.
                let rows = remove_rows(db, conversation, through, left)?;
                left -= rows.max(1);
                removed = Some(limit - left);
            }
            Ok(removed)
        })?;
        if removed.is_some() {
            failpoint("rows-purged");
        }
        match removed {
            Some(rows) if rows >= limit => {
                self.pace.rows = self::next(rows, start, MOST_ROWS);
                Ok(true)
            }
            removed => Ok(removed.is_some()),
        }
    }

    /// Gives free pages back to the file system when there are more than `kept`.
    fn shrink_file(&mut self, kept: i64) -> Result<bool> {
        let start = Instant::now();
        let free: i64 = self
            .db
            .prepare_cached("PRAGMA freelist_count")?
            .query_row([], |row| row.get(0))?;
        if free <= kept {
            return Ok(false);
        }
        let pages = self.pace.pages;
        {
            // One row for each page given back: it has to be stepped to its end.
            let mut vacuum = self
                .db
                .prepare(&format!("PRAGMA incremental_vacuum({pages})"))?;
            let mut rows = vacuum.query([])?;
            while rows.next()?.is_some() {}
        }
        if free >= pages {
            self.pace.pages = next(pages, start, MOST_PAGES);
        }
        Ok(true)
    }

    /// Slots may be used again once no row that they sealed exists, and once that and the
    /// tombstones stand in the database's main file, flushed. Called when a checkpoint has ended.
    pub(super) fn release_slots(&mut self) -> Result<()> {
        let dead: bool = self
            .db
            .query_row("SELECT EXISTS(SELECT 1 FROM dead)", [], |row| row.get(0))?;
        // Nobody else writes: what the log says now, it says of every row there is.
        if !dead && self.unmoved_pages()? == 0 {
            self.free_slots.append(&mut self.dead_slots);
        }
        Ok(())
    }

    /// Puts new keys into slots that may be used again.
    fn renew_slots(&mut self) -> Result<bool> {
        if self.free_slots.len() < RENEW_SLOTS {
            return Ok(false);
        }
        let renewed = self
            .free_slots
            .split_off(self.free_slots.len() - RENEW_SLOTS);
        self.keys.file.renew(&renewed)?;
        Ok(true)
    }
}

/// Removes up to `limit` rows of a dead conversation, and with its last ones what said that it was
/// dead. Gives how many.
fn remove_rows(db: &Connection, conversation: i64, through: i64, limit: i64) -> Result<i64> {
    let end: Option<i64> = db
        .prepare_cached(
            "SELECT position FROM messages WHERE conversation = ? AND position <= ?
             ORDER BY position LIMIT 1 OFFSET ?",
        )?
        .query_row(params![conversation, through, limit - 1], |row| row.get(0))
        .optional()?;
    let removed = db
        .prepare_cached("DELETE FROM messages WHERE conversation = ? AND position <= ?")?
        .execute(params![conversation, end.unwrap_or(through)])?;
    if end.is_none() {
        db.prepare_cached("DELETE FROM dead WHERE conversation = ?")?
            .execute([conversation])?;
    }
    Ok(removed as i64)
}
