//! A run, and the engines that a server can keep its messages with.

#[path = "../../server/tests/support/database.rs"]
mod database;

use std::path::Path;
use std::process::Command;

use database::Node;

use crate::report::Report;

/// What is wanted of a run.
pub struct Run {
    /// Smaller and fewer.
    pub quick: bool,
    /// Why there is no PostgreSQL on this machine, where that is so.
    pub no_postgres: Option<String>,
}

impl Run {
    /// One of these.
    pub fn scaled<T>(&self, quick: T, full: T) -> T {
        if self.quick { quick } else { full }
    }

    /// As [`Self::postgres`], but in full runs only: starting one takes seconds.
    pub fn postgres_in_full(&self, report: &mut Report) -> Option<Engine> {
        if self.quick {
            report.left_out("everything on PostgreSQL", "in full runs only");
            return None;
        }
        self.postgres(report)
    }

    /// A new, empty PostgreSQL, or a word in the report on why there is none.
    pub fn postgres(&self, report: &mut Report) -> Option<Engine> {
        if let Some(why) = &self.no_postgres {
            report.left_out("everything on PostgreSQL", why);
            return None;
        }
        // As an operator runs it: every commit is flushed.
        Some(Engine::Postgres(Node::start(
            "fsync = on\nfull_page_writes = on\nshared_buffers = 512MB\nmax_wal_size = 4GB",
        )))
    }
}

/// Where a server keeps its messages.
pub enum Engine {
    /// In a file.
    Embedded,
    /// In a database of its own.
    Postgres(Node),
}

impl Engine {
    /// As rows call it.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Embedded => "SQLite",
            Self::Postgres(_) => "PostgreSQL",
        }
    }

    /// The URL of a new store; that of the file is the same for a folder each time.
    pub fn store(&self, folder: &Path) -> String {
        match self {
            Self::Embedded => format!("sqlite:{}", folder.join("server.db").display()),
            Self::Postgres(node) => node.database(),
        }
    }
}

/// Statements, behind the server's back.
pub fn execute(url: &str, sql: &str) {
    database::execute(url, sql);
}

/// A program of PostgreSQL.
pub fn program(name: &str) -> Command {
    Command::new(database::program(name))
}
