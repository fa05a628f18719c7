//! Deleting: one row of a view, whatever the conversation holds.

use rusqlite::{Connection, OptionalExtension, params};

use super::{
    names::{conversation, known_account, signed},
    purge, settings, views,
    writer::in_savepoint,
};
use crate::{
    Error, Result,
    storage::{Deletion, DeletionRecord, target, view::Cut},
};

/// Deletes each by itself: one that is refused leaves the others alone.
pub(super) fn delete_all(connection: &Connection, deletions: &[Deletion]) -> Vec<Result<u64>> {
    deletions
        .iter()
        .map(|deletion| in_savepoint(connection, |connection| delete(connection, deletion)))
        .collect()
}

fn delete(connection: &Connection, deletion: &Deletion) -> Result<u64> {
    let owner = known_account(connection, &deletion.owner)?;
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
    let reached = match conversation(connection, owner, &deletion.conversation)? {
        Some(conversation) => cut(connection, owner, conversation, deletion)?.unwrap_or(0),
        None => 0,
    };
    connection
        .prepare_cached(
            "INSERT INTO deletions (owner, id, target, clear, cut_off, device, at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute(params![
            owner,
            deletion.id.as_ref().map(<[u8; 16]>::as_slice),
            target,
            deletion.clear,
            signed(reached),
            deletion.device,
            signed(deletion.now),
        ])?;
    Ok(reached)
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
fn cut(
    connection: &Connection,
    owner: i64,
    conversation: i64,
    deletion: &Deletion,
) -> Result<Option<u64>> {
    let Some((mut view, heads)) = views::load(connection, owner, conversation)? else {
        return Ok(None);
    };
    let cut = Cut {
        through: deletion.cut_off,
        clear: deletion.clear,
        propagate: settings::sync_deletions(connection)?,
    };
    let reached = view.delete(&heads, cut);
    views::store(connection, owner, conversation, &view)?;
    if deletion.clear {
        if let Some(device) = &deletion.device {
            // DUR-7: replayed to this device, whatever the switch says.
            connection
                .prepare_cached(
                    "INSERT INTO device_views (owner, device, conversation, erase_through) VALUES (?1, ?2, ?3, ?4)
                     ON CONFLICT DO UPDATE SET erase_through = max(erase_through, excluded.erase_through)",
                )?
                .execute(params![owner, device, conversation, signed(reached)])?;
        }
        purge::enqueue(connection, conversation)?;
    }
    Ok(Some(reached))
}

/// The last deletions, newest first.
pub(super) fn recent(connection: &Connection, limit: usize) -> Result<Vec<DeletionRecord>> {
    let mut find = connection.prepare_cached(
        "SELECT a.name, d.target, d.clear, d.cut_off, d.id, d.device, d.at
         FROM deletions d JOIN accounts a ON a.id = d.owner ORDER BY d.number DESC LIMIT ?1",
    )?;
    let rows = find.query_map([signed(limit as u64)], |row| {
        Ok(DeletionRecord {
            owner: row.get(0)?,
            conversation: row.get(1)?,
            clear: row.get(2)?,
            cut_off: row.get(3)?,
            id: row.get(4)?,
            device: row.get(5)?,
            at: row.get(6)?,
        })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}
