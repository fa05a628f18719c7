//! Removing what nobody can reach any more, a bounded amount at a time.
//!
//! `purge_work` says where to look. A process claims a conversation by an advisory lock for the
//! time of a step, so several processes purge several conversations, and never one together.

use super::{
    failure::Result,
    names::{signed, unsigned},
    session::{Session, owned},
};
use crate::storage::{DELETION_MEMORY, GROUP_REPEAT, Standing};

/// Rows in one step.
const ROWS: i64 = 1_000;
/// Of the locks that conversations are claimed by.
const LOCKS: i32 = 0x0061_6469;
/// Conversations among which one that nobody has claimed is looked for.
const CHOICE: i64 = 32;

/// Notes that a floor of this conversation may have risen.
pub(super) async fn enqueue(session: &Session, conversation: i64) -> Result<()> {
    let change = session.change().await?;
    session
        .later(
            "INSERT INTO purge_work (conversation, change) VALUES ($1, $2) ON CONFLICT DO NOTHING",
            owned![conversation, change],
        )
        .await
}

/// One step. Says whether there may be more.
pub(super) async fn step(session: &Session, now: u64) -> Result<bool> {
    let claimed = session
        .row(
            "SELECT conversation FROM
                 (SELECT DISTINCT conversation FROM
                     (SELECT conversation FROM purge_work ORDER BY conversation LIMIT $2) nearest) work
             WHERE pg_try_advisory_xact_lock($1, (conversation % 2147483647)::int) LIMIT 1",
            &[&LOCKS, &CHOICE],
        )
        .await?;
    if let Some(row) = claimed {
        messages(session, row.try_get(0)?).await?;
        return Ok(true);
    }
    let mut expired = 0;
    for (sql, before) in [
        (
            "DELETE FROM deletions WHERE number = ANY (ARRAY(
                 SELECT number FROM deletions WHERE at < $1 ORDER BY at LIMIT $2 FOR UPDATE SKIP LOCKED))",
            now.saturating_sub(DELETION_MEMORY),
        ),
        (
            "DELETE FROM recent_sends WHERE ctid = ANY (ARRAY(
                 SELECT ctid FROM recent_sends WHERE time < $1 ORDER BY time LIMIT $2 FOR UPDATE SKIP LOCKED))",
            now.saturating_sub(GROUP_REPEAT),
        ),
    ] {
        expired += session.execute(sql, &[&signed(before), &ROWS]).await?;
    }
    Ok(expired > 0)
}

/// Removes the lowest messages of a conversation that lie under every view's floor.
async fn messages(session: &Session, conversation: i64) -> Result<()> {
    // First: what is noted later may be of a floor that was not seen.
    let noted: Vec<i64> = session
        .one(
            "SELECT coalesce(array_agg(change), '{}') FROM
                 (SELECT change FROM purge_work WHERE conversation = $1 ORDER BY change LIMIT $2) first",
            &[&conversation, &ROWS],
        )
        .await?
        .try_get(0)?;
    // No view that can reach anything: all of it.
    let floor: i64 = session
        .one(
            "SELECT coalesce((SELECT min(floor) FROM views WHERE conversation = $1 AND floor IS NOT NULL),
                             (SELECT head FROM conversations WHERE id = $1), 0)",
            &[&conversation],
        )
        .await?
        .try_get(0)?;
    let removed = session
        .execute(
            "DELETE FROM messages WHERE conversation = $1 AND position <= (SELECT max(position) FROM
                 (SELECT position FROM messages WHERE conversation = $1 AND position <= $2
                  ORDER BY position LIMIT $3) lowest)",
            &[&conversation, &floor, &ROWS],
        )
        .await?;
    if removed < ROWS.unsigned_abs() {
        session
            .later(
                "DELETE FROM purge_work WHERE conversation = $1 AND change = ANY ($2)",
                owned![conversation, noted],
            )
            .await?;
    }
    Ok(())
}

/// What is left to do, and what the database takes.
pub(super) async fn standing(session: &Session) -> Result<Standing> {
    let row = session
        .one(
            "SELECT (SELECT count(*) FROM (SELECT DISTINCT conversation FROM purge_work LIMIT 100000) work),
                 pg_database_size(current_database()), extract(epoch FROM clock_timestamp())::bigint",
            &[],
        )
        .await?;
    Ok(Standing {
        purge_backlog: row.try_get(0).map(unsigned)?,
        bytes: row.try_get(1).map(unsigned)?,
        time: Some(row.try_get(2).map(unsigned)?),
    })
}
