//! Which opening of the store numbered a change.
//!
//! A backup counts on from where it was taken, so its numbers come twice, for different changes.
//! Each opening therefore draws a random number of its own and notes the last change before it. A
//! device's position is one to go on from if this store knows its opening, and had not been opened
//! again by the change that it stands at: then all up to there is this store's own past.

use ring::rand::{SecureRandom, SystemRandom};
use rusqlite::{Connection, OptionalExtension, params};

use super::{names::signed, settings};
use crate::{Error, Result, storage::SyncPosition};

/// Openings that are remembered; a device that was away for more begins anew.
const REMEMBERED: i64 = 10_000;

/// Notes a new opening, and returns its id.
pub(super) fn begin(connection: &Connection) -> Result<u64> {
    let mut random = [0_u8; 8];
    SystemRandom::new()
        .fill(&mut random)
        .map_err(|_| Error::Storage("the system gives no random bytes".to_owned()))?;
    // SQLite counts in signed numbers.
    let id = u64::from_be_bytes(random) >> 1;
    connection
        .prepare_cached("INSERT INTO incarnations (id, began) VALUES (?1, ?2)")?
        .execute(params![signed(id), signed(settings::changes(connection)?)])?;
    connection
        .prepare_cached("DELETE FROM incarnations WHERE number <= ?1 - ?2")?
        .execute(params![connection.last_insert_rowid(), REMEMBERED])?;
    Ok(id)
}

/// Whether a position is one to go on from.
pub(super) fn follows(connection: &Connection, position: &SyncPosition) -> Result<bool> {
    // The opening that came next, if one did, ends what this one numbered.
    let last: Option<u64> = connection
        .prepare_cached(
            "SELECT coalesce((SELECT began FROM incarnations n WHERE n.number > i.number ORDER BY n.number LIMIT 1),
                             (SELECT value FROM settings WHERE name = 'changes'))
             FROM incarnations i WHERE i.id = ?1",
        )?
        .query_row([signed(position.incarnation)], |row| row.get(0))
        .optional()?;
    let (since, target) = (position.since.through, position.target.through);
    Ok(last.is_some_and(|last| since <= target && target <= last))
}
