//! The control: the same messages in an ordinary SQLite store, deleted in the ordinary way.

use std::{
    collections::HashSet,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use rusqlite::{Connection, params};

use crate::{chat_log::ChatLog, forensics::Search};

/// Messages in one transaction, as an app that saves pages of history.
const BATCH: usize = 1_000;

/// What an app without erasure keeps on the device.
pub struct PlainStore {
    folder: PathBuf,
    connection: Connection,
}

impl PlainStore {
    /// Fills a new store with what `user` sees of a log.
    pub fn fill(folder: PathBuf, log: &Path, user: &str) -> Result<Self> {
        std::fs::create_dir_all(&folder)
            .with_context(|| format!("cannot make the folder {}", folder.display()))?;
        let connection =
            Connection::open(folder.join("plain.db")).context("cannot open the plain store")?;
        connection
            .execute_batch(
                "PRAGMA journal_mode = WAL;
                 PRAGMA synchronous = NORMAL;
                 CREATE TABLE conversations(id TEXT PRIMARY KEY, title TEXT, preview TEXT);
                 CREATE TABLE messages(
                     id INTEGER PRIMARY KEY, conversation TEXT NOT NULL, sender TEXT NOT NULL,
                     time INTEGER NOT NULL, text TEXT NOT NULL);
                 CREATE INDEX messages_by_conversation ON messages(conversation, time);",
            )
            .context("cannot make the plain store")?;
        let mut store = Self { folder, connection };
        store.insert_all(&ChatLog::File(log.to_owned()), user)?;
        Ok(store)
    }

    fn insert_all(&mut self, log: &ChatLog, user: &str) -> Result<()> {
        let groups = groups_of(log, user)?;
        let mut batch = Vec::with_capacity(BATCH);
        log.read(|_, line| {
            let Some(line) = line else { return Ok(()) };
            let conversation = match line.pair() {
                Some((writer, other)) if writer == user => format!("c2c_{other}"),
                Some((writer, other)) if other == user => format!("c2c_{writer}"),
                _ if groups.contains(&line.conversation) => line.conversation.clone(),
                _ => return Ok(()),
            };
            batch.push((conversation, line));
            if batch.len() == BATCH {
                self.insert(&mut batch)?;
            }
            Ok(())
        })?;
        self.insert(&mut batch)
    }

    fn insert(&mut self, batch: &mut Vec<(String, crate::chat_log::Line)>) -> Result<()> {
        let failed = "cannot write to the plain store";
        let transaction = self.connection.transaction().context(failed)?;
        {
            let mut message = transaction
                .prepare_cached(
                    "INSERT INTO messages(conversation, sender, time, text) VALUES (?, ?, ?, ?)",
                )
                .context(failed)?;
            let mut row = transaction
                .prepare_cached(
                    "INSERT INTO conversations VALUES (?1, '', ?2)
                     ON CONFLICT (id) DO UPDATE SET preview = ?2",
                )
                .context(failed)?;
            for (conversation, line) in batch.drain(..) {
                let time = i64::try_from(line.time).unwrap_or(i64::MAX);
                message
                    .execute(params![conversation, line.sender, time, line.text])
                    .context(failed)?;
                row.execute(params![conversation, line.text])
                    .context(failed)?;
            }
        }
        transaction.commit().context(failed)
    }

    /// Deletes as apps do; says how long it took.
    pub fn delete(&mut self, conversation: &str) -> Result<Duration> {
        let failed = "cannot delete in the plain store";
        let begun = Instant::now();
        let transaction = self.connection.transaction().context(failed)?;
        for statement in [
            "DELETE FROM messages WHERE conversation = ?",
            "DELETE FROM conversations WHERE id = ?",
        ] {
            transaction
                .execute(statement, [conversation])
                .context(failed)?;
        }
        transaction.commit().context(failed)?;
        Ok(begun.elapsed())
    }

    /// Takes out of the search what the surviving conversations hold too: finding it says nothing.
    pub fn leave_out_survivors(&self, search: &mut Search) -> Result<()> {
        let failed = "cannot read the plain store";
        let mut statement = self
            .connection
            .prepare(
                "SELECT conversation, sender, text FROM messages
                 UNION ALL SELECT id, title, preview FROM conversations",
            )
            .context(failed)?;
        let mut rows = statement.query([]).context(failed)?;
        while let Some(row) = rows.next().context(failed)? {
            for column in 0..3 {
                let text = row.get_ref(column).context(failed)?;
                search.leave_out(text.as_bytes().context(failed)?);
            }
        }
        Ok(())
    }

    /// Where its files are.
    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

/// Whoever writes in a group is a member of it.
fn groups_of(log: &ChatLog, user: &str) -> Result<HashSet<String>> {
    let mut groups = HashSet::new();
    log.read(|_, line| {
        if let Some(line) = line.filter(|line| line.sender == user && line.group().is_some()) {
            groups.insert(line.conversation);
        }
        Ok(())
    })?;
    Ok(groups)
}
