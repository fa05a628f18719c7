//! SQLite as chat apps use it: write-ahead log, every commit flushed.

use std::path::Path;

use anyhow::{Result, ensure};
use rusqlite::{Connection, params};

use crate::log::{Log, name_of};
use crate::{Store, TOGETHER};

/// How the messages lie in the file.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// In the order of arrival, with an index.
    Rowid,
    /// By conversation, in the tree itself (WITHOUT ROWID).
    Clustered,
    /// A table for each conversation.
    TableEach,
}

/// One database.
pub struct Sqlite {
    connection: Connection,
    layout: Layout,
    secure: bool,
}

const COLUMNS: &str =
    "conversation TEXT NOT NULL, position INTEGER NOT NULL, time INTEGER NOT NULL,
     sender TEXT NOT NULL, text TEXT NOT NULL";

impl Sqlite {
    /// Makes one. `secure`: with secure_delete, and the log is emptied with each deletion.
    pub fn open(folder: &Path, layout: Layout, secure: bool) -> Result<Self> {
        let connection = Connection::open(folder.join("messages.db"))?;
        connection.set_prepared_statement_cache_capacity(4_096);
        connection.execute_batch(&format!(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
             PRAGMA secure_delete = {};",
            if secure { "ON" } else { "OFF" }
        ))?;
        match layout {
            Layout::Rowid => connection.execute_batch(&format!(
                "CREATE TABLE messages(id INTEGER PRIMARY KEY, {COLUMNS});
                 CREATE UNIQUE INDEX by_conversation ON messages(conversation, position);"
            ))?,
            Layout::Clustered => connection.execute_batch(&format!(
                "CREATE TABLE messages({COLUMNS}, PRIMARY KEY (conversation, position)) WITHOUT ROWID;"
            ))?,
            Layout::TableEach => {}
        }
        Ok(Self {
            connection,
            layout,
            secure,
        })
    }

    fn table(&self, conversation: usize) -> String {
        match self.layout {
            Layout::TableEach => format!("messages_{conversation}"),
            Layout::Rowid | Layout::Clustered => "messages".to_owned(),
        }
    }

    /// Empties the log into the database, and cuts it off.
    fn truncate(&self) -> Result<()> {
        let busy: i64 =
            self.connection
                .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
        ensure!(busy == 0, "the log was not emptied");
        Ok(())
    }
}

impl Store for Sqlite {
    fn save(&mut self, log: &Log) -> Result<()> {
        let mut known = vec![self.layout != Layout::TableEach; log.conversations];
        for some in log.messages.chunks(TOGETHER) {
            self.connection.execute_batch("BEGIN")?;
            for message in some {
                let table = self.table(message.conversation);
                if let Some(known) = known.get_mut(message.conversation).filter(|known| !**known) {
                    *known = true;
                    self.connection.execute_batch(&format!(
                        "CREATE TABLE {table}({COLUMNS}, PRIMARY KEY (position)) WITHOUT ROWID"
                    ))?;
                }
                let insert = format!(
                    "INSERT INTO {table}(conversation, position, time, sender, text) VALUES (?, ?, ?, ?, ?)"
                );
                self.connection.prepare_cached(&insert)?.execute(params![
                    name_of(message.conversation),
                    i64::try_from(message.position)?,
                    i64::try_from(message.time)?,
                    message.sender,
                    message.text
                ])?;
            }
            self.connection.execute_batch("COMMIT")?;
        }
        Ok(())
    }

    fn rest(&mut self) -> Result<()> {
        self.truncate()
    }

    fn delete(&mut self, conversation: usize) -> Result<()> {
        let table = self.table(conversation);
        if self.layout == Layout::TableEach {
            self.connection
                .execute_batch(&format!("DROP TABLE {table}"))?;
        } else {
            let rows = self.connection.execute(
                "DELETE FROM messages WHERE conversation = ?",
                [name_of(conversation)],
            )?;
            ensure!(rows > 0, "there was nothing to delete");
        }
        if self.secure {
            // Without it, what was deleted stands in the log.
            self.truncate()?;
        }
        Ok(())
    }
}
