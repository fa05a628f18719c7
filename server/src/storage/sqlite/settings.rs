//! The store's settings.

use rusqlite::{Connection, OptionalExtension, ToSql, params, types::FromSql};

use super::names::signed;
use crate::{Error, Result, storage::Settings};

const APP_ID: &str = "app_id";
const SYNC_DELETIONS: &str = "sync_deletions";
const REPORTED_THROUGH: &str = "reported_through";

fn get<T: FromSql>(connection: &Connection, name: &str) -> Result<Option<T>> {
    let mut find = connection.prepare_cached("SELECT value FROM settings WHERE name = ?1")?;
    Ok(find.query_row([name], |row| row.get(0)).optional()?)
}

fn put(connection: &Connection, name: &str, value: impl ToSql) -> Result<()> {
    connection
        .prepare_cached("INSERT OR REPLACE INTO settings (name, value) VALUES (?1, ?2)")?
        .execute(params![name, value])?;
    Ok(())
}

pub(super) fn load(connection: &Connection) -> Result<Settings> {
    Ok(Settings {
        app_id: get(connection, APP_ID)?,
        sync_deletions: sync_deletions(connection)?,
        secret: get(connection, "secret")?
            .ok_or_else(|| Error::Storage("the store has no secret".to_owned()))?,
    })
}

/// Read inside the operation that acts on it: whoever flips the switch is before or behind a
/// deletion, never in its middle.
// SYNC-1
pub(super) fn sync_deletions(connection: &Connection) -> Result<bool> {
    Ok(get(connection, SYNC_DELETIONS)?.unwrap_or(false))
}

pub(super) fn set_sync_deletions(connection: &Connection, on: bool) -> Result<()> {
    put(connection, SYNC_DELETIONS, on)
}

/// The number of the last change.
pub(super) fn changes(connection: &Connection) -> Result<u64> {
    get(connection, "changes")?
        .ok_or_else(|| Error::Storage("the store does not count its changes".to_owned()))
}

/// How far reporting has come, if it ever began.
pub(super) fn reported(connection: &Connection) -> Result<Option<u64>> {
    get(connection, REPORTED_THROUGH)
}

pub(super) fn reported_through(connection: &Connection) -> Result<u64> {
    if let Some(number) = reported(connection)? {
        return Ok(number);
    }
    let newest = connection
        .prepare_cached("SELECT coalesce(max(number), 0) FROM deletions")?
        .query_row([], |row| row.get(0))?;
    set_reported_through(connection, newest)?;
    Ok(newest)
}

pub(super) fn set_reported_through(connection: &Connection, number: u64) -> Result<()> {
    put(connection, REPORTED_THROUGH, signed(number))
}

pub(super) fn bind_app(connection: &Connection, app_id: u64) -> Result<()> {
    match get::<u64>(connection, APP_ID)? {
        Some(bound) if bound == app_id => Ok(()),
        Some(bound) => Err(Error::Store(format!(
            "the store belongs to the app {bound}; it cannot serve the app {app_id}"
        ))),
        None => put(connection, APP_ID, signed(app_id)),
    }
}
