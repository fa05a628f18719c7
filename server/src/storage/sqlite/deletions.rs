//! Deleting: one row of a view, whatever the conversation holds.

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{
    names::{Changes, conversation, known_account, signed},
    purge, settings, views,
};
use crate::{
    Error, Result,
    storage::{
        Deletion, DeletionRecord, target,
        view::{Cut, Extent},
    },
};

/// Deletes each by itself: one that is refused leaves the others alone, since it has written
/// nothing. What the storage cannot do fails all of them. A savepoint for each would copy every page
/// once more.
pub(super) fn delete_all(
    connection: &Connection,
    deletions: &[Deletion],
) -> Result<Vec<Result<u64>>> {
    let mut list = List {
        connection,
        owner: None,
        propagates: settings::sync_deletions(connection)?,
        // One for the view, one for the record.
        changes: Changes::new(connection, 2 * deletions.len()),
    };
    let mut results = Vec::with_capacity(deletions.len());
    for deletion in deletions {
        results.push(match delete(&mut list, deletion) {
            Err(error) if error.is_internal() => return Err(error),
            done_or_refused => done_or_refused,
        });
    }
    Ok(results)
}

/// What the deletions of a list share, and is found once.
struct List<'l> {
    connection: &'l Connection,
    owner: Option<(&'l str, i64)>,
    propagates: bool,
    changes: Changes<'l>,
}

impl<'l> List<'l> {
    /// Mostly that of the one before.
    fn owner(&mut self, name: &'l str) -> Result<i64> {
        match self.owner {
            Some((known, owner)) if known == name => Ok(owner),
            _ => {
                let owner = known_account(self.connection, name)?;
                self.owner = Some((name, owner));
                Ok(owner)
            }
        }
    }
}

fn delete<'l>(list: &mut List<'l>, deletion: &'l Deletion) -> Result<u64> {
    let connection = list.connection;
    let owner = list.owner(&deletion.owner)?;
    let target = target(&deletion.conversation);
    // DUR-4: a request that was answered already is answered again, and does nothing.
    if let Some((known_target, reached)) = remembered(connection, owner, deletion.id)? {
        return if known_target == target {
            Ok(reached)
        } else {
            Err(Error::BadParameter(
                "DeletionId was used for another conversation; each deletion needs an id of its own".to_owned(),
            ))
        };
    }
    // DEL-4, DEL-6: what was never there, or is no longer, counts as deleted.
    let done = match conversation(connection, owner, &deletion.conversation)? {
        Some(conversation) => cut(list, owner, conversation, deletion)?,
        None => Done::default(),
    };
    connection
        .prepare_cached(
            "INSERT INTO deletions
                 (number, owner, id, target, clear, keep_listed, cut_off, cleared, propagated, device, at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
        )?
        .execute(params![
            // Never given twice, unlike the numbers that SQLite would choose.
            list.changes.next()?,
            owner,
            deletion.id.as_ref().map(<[u8; 16]>::as_slice),
            target,
            deletion.extent.clears(),
            !deletion.extent.hides(),
            signed(done.reached),
            signed(done.cleared),
            done.propagated,
            deletion.device,
            signed(deletion.now),
        ])?;
    Ok(done.reached)
}

/// What a deletion did.
#[derive(Default)]
struct Done {
    reached: u64,
    cleared: u64,
    propagated: bool,
}

fn remembered(
    connection: &Connection,
    owner: i64,
    id: Option<[u8; 16]>,
) -> Result<Option<(String, u64)>> {
    let Some(id) = id else { return Ok(None) };
    let mut find = connection
        .prepare_cached("SELECT target, cut_off FROM deletions WHERE owner = ?1 AND id = ?2")?;
    Ok(find
        .query_row(params![owner, id.as_slice()], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .optional()?)
}

/// Raises the watermarks of the owner's view, if there is one.
fn cut(list: &mut List<'_>, owner: i64, conversation: i64, deletion: &Deletion) -> Result<Done> {
    let connection = list.connection;
    let Some((mut view, heads)) = views::load(connection, owner, conversation)? else {
        return Ok(Done::default());
    };
    let floor = view.floor();
    let reached = view.delete(
        &heads,
        Cut {
            through: deletion.cut_off,
            extent: deletion.extent,
            propagate: list.propagates,
            by: deletion.device.as_deref(),
        },
    );
    views::store_as(connection, owner, conversation, &view, list.changes.next()?)?;
    let through = |of: bool| if of { signed(reached) } else { 0 };
    if let Some(device) = &deletion.device {
        // DUR-7: replayed to this device, whatever the switch says.
        connection
            .prepare_cached(
                "INSERT INTO device_views (owner, device, conversation, erase_through, hide_through)
                 VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT DO UPDATE SET erase_through = max(erase_through, excluded.erase_through),
                     hide_through = max(hide_through, excluded.hide_through)",
            )?
            .execute(params![
                owner,
                device,
                conversation,
                through(deletion.extent.clears()),
                through(deletion.extent.hides()),
            ])?;
    }
    if deletion.extent.clears() {
        purge::enqueue(connection, conversation)?;
    }
    let cleared = if deletion.extent.clears() {
        reached.saturating_sub(floor)
    } else {
        0
    };
    Ok(Done {
        reached,
        cleared,
        propagated: list.propagates,
    })
}

macro_rules! records {
    ($rest:literal) => {
        concat!(
            "SELECT d.number, a.name, d.target, d.clear, d.keep_listed, d.cut_off, d.cleared, d.propagated,
                 d.id, d.device, d.at
             FROM deletions d JOIN accounts a ON a.id = d.owner ",
            $rest
        )
    };
}

fn record(row: &Row<'_>) -> rusqlite::Result<DeletionRecord> {
    let extent = match (row.get(3)?, row.get(4)?) {
        (false, _) => Extent::Entry,
        (true, true) => Extent::History,
        (true, false) => Extent::Conversation,
    };
    Ok(DeletionRecord {
        number: row.get(0)?,
        owner: row.get(1)?,
        conversation: row.get(2)?,
        extent,
        cut_off: row.get(5)?,
        cleared: row.get(6)?,
        propagated: row.get(7)?,
        id: row.get(8)?,
        device: row.get(9)?,
        at: row.get(10)?,
    })
}

/// The last deletions, newest first.
pub(super) fn recent(connection: &Connection, limit: usize) -> Result<Vec<DeletionRecord>> {
    let mut find = connection.prepare_cached(records!("ORDER BY d.number DESC LIMIT ?1"))?;
    let rows = find.query_map([signed(limit as u64)], record)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// The deletions behind a number, oldest first.
pub(super) fn after(
    connection: &Connection,
    number: u64,
    limit: usize,
) -> Result<Vec<DeletionRecord>> {
    let mut find =
        connection.prepare_cached(records!("WHERE d.number > ?1 ORDER BY d.number LIMIT ?2"))?;
    let rows = find.query_map([signed(number), signed(limit as u64)], record)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}
