//! Removing what nobody can reach any more, a bounded amount at a time.
//!
//! `purge_work` says where to look; it is emptied only together with the last rows, so a process
//! that was killed goes on where it was.

use std::path::Path;

use rusqlite::{Connection, OptionalExtension, params};

use super::names::signed;
use crate::{
    Result,
    storage::{DELETION_MEMORY, GROUP_REPEAT, Standing},
};

/// Rows in one step: about a millisecond of the writer's time.
const ROWS: u64 = 500;
/// Pages given back in one step: about as long.
const PAGES: i64 = 64;

/// Notes that a floor of this conversation may have risen.
pub(super) fn enqueue(connection: &Connection, conversation: i64) -> Result<()> {
    connection
        .prepare_cached("INSERT OR IGNORE INTO purge_work (conversation) VALUES (?1)")?
        .execute([conversation])?;
    Ok(())
}

/// What a step did.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Rows went; there may be more.
    Removed,
    /// Nothing to remove; a conversation was looked at, or pages were given back. There may be more.
    Looked,
    /// Nothing is left to do.
    Idle,
}

/// One step.
pub(super) fn step(connection: &Connection, now: u64) -> Result<Step> {
    if let Some(conversation) = next(connection)? {
        return messages(connection, conversation);
    }
    let old = [
        ("deletions", "at", now.saturating_sub(DELETION_MEMORY)),
        ("recent_sends", "time", now.saturating_sub(GROUP_REPEAT)),
    ];
    for (table, column, before) in old {
        if expire(connection, table, column, before)? > 0 {
            return Ok(Step::Removed);
        }
    }
    give_back(connection)
}

fn next(connection: &Connection) -> Result<Option<i64>> {
    let mut find = connection
        .prepare_cached("SELECT conversation FROM purge_work ORDER BY conversation LIMIT 1")?;
    Ok(find.query_row([], |row| row.get(0)).optional()?)
}

/// Removes the lowest messages of a conversation that lie under every view's floor.
fn messages(connection: &Connection, conversation: i64) -> Result<Step> {
    // No view that can reach anything: all of it.
    let floor: i64 = connection
        .prepare_cached(
            "SELECT coalesce((SELECT min(floor) FROM views WHERE conversation = ?1 AND floor IS NOT NULL),
                             (SELECT head FROM conversations WHERE id = ?1))",
        )?
        .query_row([conversation], |row| row.get(0))?;
    let last: Option<i64> = connection
        .prepare_cached(
            "SELECT max(position) FROM
                 (SELECT position FROM messages WHERE conversation = ?1 AND position <= ?2 ORDER BY position LIMIT ?3)",
        )?
        .query_row(params![conversation, floor, signed(ROWS)], |row| row.get(0))?;
    let removed = match last {
        Some(last) => connection
            .prepare_cached("DELETE FROM messages WHERE conversation = ?1 AND position <= ?2")?
            .execute([conversation, last])?,
        None => 0,
    };
    if (removed as u64) < ROWS {
        connection
            .prepare_cached("DELETE FROM purge_work WHERE conversation = ?1")?
            .execute([conversation])?;
    }
    Ok(if removed > 0 {
        Step::Removed
    } else {
        Step::Looked
    })
}

/// Removes the first rows of a table that is in the order of arrival, as far as they are old.
fn expire(connection: &Connection, table: &str, column: &str, before: u64) -> Result<usize> {
    let sql = format!(
        "DELETE FROM {table} WHERE number <= (SELECT max(number) FROM
             (SELECT number, {column} AS at FROM {table} ORDER BY number LIMIT {ROWS}) WHERE at < ?1)"
    );
    Ok(connection.prepare_cached(&sql)?.execute([signed(before)])?)
}

/// Gives free pages back to the file system.
fn give_back(connection: &Connection) -> Result<Step> {
    let free: i64 = connection.pragma_query_value(None, "freelist_count", |row| row.get(0))?;
    if free == 0 {
        return Ok(Step::Idle);
    }
    let mut vacuum = connection.prepare(&format!("PRAGMA incremental_vacuum({PAGES})"))?;
    let mut rows = vacuum.query([])?;
    // Each row is a page.
    while rows.next()?.is_some() {}
    Ok(Step::Looked)
}

/// What is left to do, and what the files take.
pub(super) fn standing(connection: &Connection, path: &Path) -> Result<Standing> {
    let purge_backlog = connection
        .prepare_cached("SELECT count(*) FROM purge_work")?
        .query_row([], |row| row.get(0))?;
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    // A log that is not there takes nothing.
    let size = |path: &Path| std::fs::metadata(path).map_or(0, |file| file.len());
    Ok(Standing {
        purge_backlog,
        bytes: size(path) + size(Path::new(&log)),
        time: None,
    })
}
