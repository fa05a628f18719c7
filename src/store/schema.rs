//! The tables of `store.db`.
//!
//! What tells content or people stands sealed in a BLOB; what stands open here are counts,
//! positions, and keyed hashes. `conversation` is a row number that is never used again, so that
//! dead ciphertext can wait for its purge without ever meeting a successor.

use rusqlite::Connection;
use rusqlite::config::DbConfig;

use crate::error::{Error, Result};

const FORMAT: u32 = 2;
/// "adie", so that `file` and a curious SQLite shell can tell what this is.
const APPLICATION: i32 = 0x6164_6965;

const TABLES: &str = "
CREATE TABLE conversations(
    row INTEGER PRIMARY KEY AUTOINCREMENT,
    address BLOB NOT NULL UNIQUE,            -- keyed hash of the conversation id
    slot INTEGER NOT NULL,                   -- its address key
    generation INTEGER NOT NULL,
    id BLOB NOT NULL,                        -- sealed under the address key
    source INTEGER NOT NULL,                 -- 0 not known yet, 1 server, 2 host
    details BLOB,                            -- sealed under the key in details_slot
    details_slot INTEGER,
    details_generation INTEGER,
    head INTEGER NOT NULL DEFAULT 0,         -- highest position stored
    read_through INTEGER NOT NULL DEFAULT 0,
    messages INTEGER NOT NULL DEFAULT 0,
    unread INTEGER NOT NULL DEFAULT 0,
    hidden INTEGER NOT NULL DEFAULT 0,       -- 1: erased, kept only until the outcome is delivered
    veil INTEGER,                            -- undo windows hide the messages up to here
    unlisted INTEGER,                        -- left the list with its history, until something newer comes
    relisted INTEGER NOT NULL DEFAULT 0,     -- 1: back all the same, pinned or drafted in since
    stays INTEGER                            -- listed without a message, its history was cleared up to here
) STRICT;
-- Positions above the epoch before and up to `through` are sealed under this key.
CREATE TABLE epochs(
    conversation INTEGER NOT NULL,
    through INTEGER NOT NULL,
    slot INTEGER NOT NULL,
    generation INTEGER NOT NULL,
    PRIMARY KEY(conversation, through)
) STRICT, WITHOUT ROWID;
CREATE TABLE messages(
    conversation INTEGER NOT NULL,
    position INTEGER NOT NULL,
    sealed BLOB NOT NULL,
    PRIMARY KEY(conversation, position)
) STRICT, WITHOUT ROWID;
-- Messages whose key is destroyed, waiting for the purge.
CREATE TABLE dead(
    conversation INTEGER PRIMARY KEY,
    through INTEGER NOT NULL
) STRICT;
-- Nothing at or below `through` is ever stored for this address.
CREATE TABLE tombstones(
    address BLOB PRIMARY KEY,
    through INTEGER NOT NULL,
    source INTEGER NOT NULL,                 -- whose positions, as in conversations
    unlisted INTEGER                         -- it left the list up to here, with its history
) STRICT, WITHOUT ROWID;
-- The server's cursor, which tells nothing.
CREATE TABLE sync(
    only INTEGER PRIMARY KEY CHECK(only = 1),
    cursor TEXT NOT NULL
) STRICT;
-- Accepted deletions whose outcome is not delivered yet.
CREATE TABLE journal(
    deletion BLOB PRIMARY KEY,
    conversation INTEGER NOT NULL,
    cut_off INTEGER,                         -- NULL: the device knows no position
    host_positions INTEGER NOT NULL,         -- 1: the cut-off is a position of the host
    scope INTEGER NOT NULL,                  -- 0 everything, 1 the list entry, 2 the history
    policy INTEGER NOT NULL,                 -- 0 fail, 1 queue, 2 local only
    accepted_at INTEGER NOT NULL,            -- times in Unix milliseconds
    undo_until INTEGER,                      -- NULL: there is no undo window
    erased INTEGER NOT NULL DEFAULT 0,
    refused INTEGER NOT NULL DEFAULT 0,      -- 1: the server will not, and the host is to know
    attempts INTEGER NOT NULL DEFAULT 0,
    next_try INTEGER NOT NULL DEFAULT 0,
    last_code INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
CREATE INDEX journal_by_conversation ON journal(conversation);
-- Ids of calls that joined an equal deletion under way.
CREATE TABLE joined(
    deletion BLOB NOT NULL,
    call BLOB NOT NULL,
    PRIMARY KEY(deletion, call)
) STRICT, WITHOUT ROWID;
";

/// Prepares a connection to the database at hand: pragmas, and the tables of a new one.
///
/// # Errors
/// [`Error::StoreNewer`], [`Error::StoreDamaged`] for a database that is not a store, and what
/// SQLite reports.
pub fn prepare(db: &mut Connection) -> Result<()> {
    let empty = db.query_row("SELECT count(*) = 0 FROM sqlite_schema", [], |row| {
        row.get(0)
    })?;
    if empty {
        db.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
    } else {
        check(db)?;
    }
    db.pragma_update(None, "journal_mode", "WAL")?;
    // Commits reach the disk with the next checkpoint; those that may not wait say so themselves.
    db.pragma_update(None, "synchronous", "NORMAL")?;
    db.pragma_update(None, "wal_autocheckpoint", 0)?;
    db.pragma_update(None, "journal_size_limit", 4 << 20)?;
    db.pragma_update(None, "temp_store", "MEMORY")?;
    // A plan that depended on the values of its parameters would be made anew for each.
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    if empty {
        let tx = db.transaction()?;
        tx.execute_batch(TABLES)?;
        tx.pragma_update(None, "application_id", APPLICATION)?;
        tx.pragma_update(None, "user_version", FORMAT)?;
        tx.commit()?;
    }
    Ok(())
}

/// Whether anything was ever stored.
pub fn has_content(db: &Connection) -> Result<bool> {
    let known: bool = db.query_row(
        "SELECT count(*) > 0 FROM sqlite_schema WHERE name = 'conversations'",
        [],
        |row| row.get(0),
    )?;
    if !known {
        // Some other database, or an empty one; `prepare` tells them apart.
        return Ok(false);
    }
    let content = "SELECT EXISTS(SELECT 1 FROM conversations) OR EXISTS(SELECT 1 FROM tombstones)";
    Ok(db.query_row(content, [], |row| row.get(0))?)
}

fn check(db: &Connection) -> Result<()> {
    let application: i32 = db.pragma_query_value(None, "application_id", |row| row.get(0))?;
    if application != APPLICATION {
        return Err(Error::StoreDamaged(
            "store.db is not a store of adieu".to_owned(),
        ));
    }
    let format: u32 = db.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if format > FORMAT {
        return Err(Error::StoreNewer {
            found: format,
            known: FORMAT,
        });
    }
    if format < FORMAT {
        let text = format!("it has format {format}, which no release has written");
        return Err(Error::StoreDamaged(text));
    }
    Ok(())
}
