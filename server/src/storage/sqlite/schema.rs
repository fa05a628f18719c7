//! The tables, and the settings of every connection.

use std::path::Path;

use ring::rand::{SecureRandom, SystemRandom};
use rusqlite::{Connection, OpenFlags, config::DbConfig};

use super::{lock::private_file, migrations};
use crate::{Error, Result};

/// Tells our files from other SQLite files ("adie").
const APPLICATION_ID: i32 = 0x6164_6965;
/// What this code reads and writes.
pub(super) const VERSION: i32 = 2;

pub(super) const SCHEMA: &str = "
CREATE TABLE settings (
    name TEXT PRIMARY KEY,
    value NOT NULL
) WITHOUT ROWID;

CREATE TABLE accounts (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    nick TEXT,
    face_url TEXT
);

-- Each opening of the store, and the number of the last change before it.
CREATE TABLE incarnations (
    number INTEGER PRIMARY KEY,
    id INTEGER NOT NULL UNIQUE,
    began INTEGER NOT NULL
);

-- kind 1: low and high are the accounts, in ascending order; kind 2: there is a row in groups.
-- last_time: the highest time of a message; unsorted: one is older than one ahead of it.
-- changed: the change that moved the head last.
CREATE TABLE conversations (
    id INTEGER PRIMARY KEY,
    kind INTEGER NOT NULL,
    low INTEGER,
    high INTEGER,
    head INTEGER NOT NULL DEFAULT 0,
    last_time INTEGER NOT NULL DEFAULT 0,
    unsorted INTEGER NOT NULL DEFAULT 0,
    common INTEGER NOT NULL DEFAULT 0,
    common_time INTEGER NOT NULL DEFAULT 0,
    changed INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX conversations_by_change ON conversations (changed);
CREATE UNIQUE INDEX conversations_of_two ON conversations (low, high) WHERE kind = 1;

CREATE TABLE groups (
    conversation INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    title TEXT NOT NULL,
    kind TEXT NOT NULL,
    owner INTEGER,
    dissolved INTEGER NOT NULL DEFAULT 0
);

-- Clustered: a page of history is one range of leaves, and so is what the purge removes.
-- audience: ',1,2,' for a message that only these accounts see.
CREATE TABLE messages (
    conversation INTEGER NOT NULL,
    position INTEGER NOT NULL,
    sender INTEGER NOT NULL,
    time INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    random INTEGER NOT NULL,
    audience TEXT,
    custom TEXT,
    body TEXT NOT NULL,
    PRIMARY KEY (conversation, position)
) WITHOUT ROWID;

-- version: the change that changed it last.
-- floor: what this view can reach lies above; NULL when it can reach nothing any more.
CREATE TABLE views (
    owner INTEGER NOT NULL,
    conversation INTEGER NOT NULL,
    version INTEGER NOT NULL,
    cleared_through INTEGER NOT NULL DEFAULT 0,
    propagated_through INTEGER NOT NULL DEFAULT 0,
    read_through INTEGER NOT NULL DEFAULT 0,
    propagated_by TEXT,
    hidden_through INTEGER,
    hiding_propagated_through INTEGER NOT NULL DEFAULT 0,
    kept_through INTEGER NOT NULL DEFAULT 0,
    pinned INTEGER NOT NULL DEFAULT 0,
    sees_from INTEGER NOT NULL DEFAULT 0,
    sees_to INTEGER,
    own_head INTEGER NOT NULL DEFAULT 0,
    own_time INTEGER NOT NULL DEFAULT 0,
    floor INTEGER GENERATED ALWAYS AS (
        CASE WHEN sees_to <= max(cleared_through, sees_from) THEN NULL
             ELSE max(cleared_through, sees_from) END
    ) VIRTUAL,
    PRIMARY KEY (owner, conversation)
) WITHOUT ROWID;
-- The lowest floor of a conversation is one step into this index, however many members it has.
CREATE INDEX views_by_floor ON views (conversation, floor) WHERE floor IS NOT NULL;

CREATE INDEX views_by_version ON views (owner, version);

CREATE TABLE device_views (
    owner INTEGER NOT NULL,
    device TEXT NOT NULL,
    conversation INTEGER NOT NULL,
    erase_through INTEGER NOT NULL,
    hide_through INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (owner, device, conversation)
) WITHOUT ROWID;

-- In the order of arrival, so that the oldest are the first rows.
CREATE TABLE deletions (
    number INTEGER PRIMARY KEY,
    owner INTEGER NOT NULL,
    id BLOB,
    target TEXT NOT NULL,
    clear INTEGER NOT NULL,
    keep_listed INTEGER NOT NULL DEFAULT 0,
    cut_off INTEGER NOT NULL,
    cleared INTEGER NOT NULL DEFAULT 0,
    propagated INTEGER NOT NULL DEFAULT 0,
    device TEXT,
    at INTEGER NOT NULL
);
CREATE UNIQUE INDEX deletions_by_id ON deletions (owner, id) WHERE id IS NOT NULL;

-- Recognises repeated requests; in the order of arrival too.
CREATE TABLE recent_sends (
    number INTEGER PRIMARY KEY,
    conversation INTEGER NOT NULL,
    sender INTEGER NOT NULL,
    random INTEGER NOT NULL,
    digest BLOB NOT NULL,
    time INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    position INTEGER NOT NULL
);
CREATE UNIQUE INDEX recent_sends_by_random ON recent_sends (conversation, sender, random, digest);

CREATE TABLE friends (
    owner INTEGER NOT NULL,
    friend INTEGER NOT NULL,
    remark TEXT,
    source TEXT,
    since INTEGER NOT NULL,
    PRIMARY KEY (owner, friend)
) WITHOUT ROWID;

-- Conversations in which a floor has risen.
CREATE TABLE purge_work (
    conversation INTEGER PRIMARY KEY
);
";

/// The connection that writes. Makes the tables in a new file.
pub(super) fn open_writer(path: &Path) -> Result<Connection> {
    // It holds what people wrote to each other; the files beside it get its permissions.
    private_file(path).map_err(|error| unusable(path, &error))?;
    let connection = Connection::open(path).map_err(|error| unusable(path, &error))?;
    check(&connection, path).map_err(|error| match error {
        Error::Storage(text) => unusable(path, &text),
        other => other,
    })?;
    set(&connection, 64)?;
    // What the purge deletes is overwritten, as far as pages go.
    connection.pragma_update(None, "secure_delete", true)?;
    Ok(connection)
}

/// A connection that only reads.
pub(super) fn open_reader(path: &Path) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    set(&connection, 8)?;
    connection.pragma_update(None, "query_only", true)?;
    Ok(connection)
}

/// The connection that moves the write-ahead log into the database.
pub(super) fn open_checkpointer(path: &Path) -> Result<Connection> {
    let connection = Connection::open(path)?;
    set(&connection, 1)?;
    Ok(connection)
}

fn unusable(path: &Path, why: &dyn std::fmt::Display) -> Error {
    Error::Store(format!("cannot use the store {}: {why}", path.display()))
}

/// Looks before anything is written: a file of another program or of a newer version stays as
/// it is.
fn check(connection: &Connection, path: &Path) -> Result<()> {
    let application_id: i32 =
        connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    let version: i32 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    match (application_id, version) {
        (0, 0) if tables == 0 => make(connection),
        (APPLICATION_ID, VERSION) => Ok(()),
        (APPLICATION_ID, older) if (1..VERSION).contains(&older) => {
            tracing::info!(
                from = older,
                to = VERSION,
                "the store is brought to the new format"
            );
            migrations::bring_up(connection, older)
        }
        (APPLICATION_ID, newer) if newer > VERSION => Err(unusable(
            path,
            &format_args!(
                "it was written by a newer adieu-server (format {newer}; this one knows {VERSION})"
            ),
        )),
        _ => Err(unusable(path, &"it is a database of another program")),
    }
}

fn make(connection: &Connection) -> Result<()> {
    // Has to come before the first table.
    connection.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    let mut secret = [0_u8; 32];
    SystemRandom::new()
        .fill(&mut secret)
        .map_err(|_| Error::Storage("the system gives no random bytes".to_owned()))?;
    let tables = connection.unchecked_transaction()?;
    tables.execute_batch(SCHEMA)?;
    tables.execute(
        "INSERT INTO settings (name, value) VALUES ('secret', ?1), ('changes', 0)",
        [secret.as_slice()],
    )?;
    tables.pragma_update(None, "application_id", APPLICATION_ID)?;
    tables.pragma_update(None, "user_version", VERSION)?;
    tables.commit()?;
    Ok(())
}

fn set(connection: &Connection, cache_mib: i32) -> Result<()> {
    connection.busy_timeout(std::time::Duration::from_secs(5))?;
    connection.set_prepared_statement_cache_capacity(128);
    connection.pragma_update(None, "journal_mode", "WAL")?;
    // Flushed before it is answered.
    connection.pragma_update(None, "synchronous", "FULL")?;
    // The upkeep thread does it: inside a commit it would be in the way.
    connection.pragma_update(None, "wal_autocheckpoint", 0)?;
    connection.pragma_update(None, "cache_size", -1024 * cache_mib)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    // A plan that depended on the values of its parameters would be made anew for each.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    Ok(())
}
