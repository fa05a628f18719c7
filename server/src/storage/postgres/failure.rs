//! What can go wrong between this process and the database, and what helps.

use deadpool_postgres::PoolError;
use tokio_postgres::error::SqlState;

use super::session::Transaction;
use crate::Error;

/// A result within this engine.
pub(super) type Result<T, E = Failure> = std::result::Result<T, E>;

/// Why an operation did not take effect.
#[derive(Debug)]
pub(super) enum Failure {
    /// The operation itself says no.
    Refused(Error),
    /// The database, or the way to it.
    Database(tokio_postgres::Error),
    /// No connection could be had.
    NoConnection(String),
    /// All connections are in use, and stayed so.
    Busy,
    /// The connection broke at the commit of this transaction.
    Unsure(Transaction),
}

/// What to do about a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Remedy {
    /// Nothing helps.
    None,
    /// Again, on the same connection: somebody was quicker.
    Again,
    /// Again, on another connection.
    Reconnect,
}

impl Failure {
    pub(super) fn remedy(&self) -> Remedy {
        match self {
            Self::Refused(_) | Self::Busy => Remedy::None,
            Self::NoConnection(_) | Self::Unsure(_) => Remedy::Reconnect,
            Self::Database(error) => remedy(error),
        }
    }
}

fn remedy(error: &tokio_postgres::Error) -> Remedy {
    let Some(code) = error.code() else {
        // No answer of the database: the connection is gone.
        return Remedy::Reconnect;
    };
    // Classes 08: connection; 57P: the server stops or starts.
    let class = code.code().get(..2);
    match code {
        &SqlState::T_R_SERIALIZATION_FAILURE
        | &SqlState::T_R_DEADLOCK_DETECTED
        // Two made the same row at once; who comes second finds it.
        | &SqlState::UNIQUE_VIOLATION => Remedy::Again,
        &SqlState::ADMIN_SHUTDOWN
        | &SqlState::CRASH_SHUTDOWN
        | &SqlState::CANNOT_CONNECT_NOW
        | &SqlState::TOO_MANY_CONNECTIONS
        // It became a standby.
        | &SqlState::READ_ONLY_SQL_TRANSACTION
        // The tables changed under a prepared statement.
        | &SqlState::FEATURE_NOT_SUPPORTED
        | &SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT => Remedy::Reconnect,
        _ if class == Some("08") => Remedy::Reconnect,
        _ => Remedy::None,
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Refused(error)
    }
}

impl From<tokio_postgres::Error> for Failure {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Database(error)
    }
}

impl From<PoolError> for Failure {
    fn from(error: PoolError) -> Self {
        match error {
            PoolError::Backend(error) => Self::Database(error),
            PoolError::Timeout(deadpool_postgres::TimeoutType::Wait) => Self::Busy,
            other => Self::NoConnection(other.to_string()),
        }
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Refused(error) => error,
            Failure::Busy => Self::Overloaded,
            Failure::NoConnection(why) => {
                Self::Storage(format!("the database cannot be reached: {why}"))
            }
            Failure::Unsure(_) => Self::Storage(
                "the database went away at a commit; whether it took effect is not known"
                    .to_owned(),
            ),
            Failure::Database(error) => match error.code() {
                // Somebody holds the row for longer than anybody should wait.
                Some(&SqlState::LOCK_NOT_AVAILABLE) => Self::Overloaded,
                // PostgreSQL's text holds every character but this one.
                Some(&SqlState::CHARACTER_NOT_IN_REPERTOIRE) => {
                    Self::BadParameter("the character U+0000 cannot be stored".to_owned())
                }
                _ => Self::Storage(said(&error)),
            },
        }
    }
}

/// Code and first line: details of the database may hold what users wrote.
fn said(error: &tokio_postgres::Error) -> String {
    match error.as_db_error() {
        Some(said) => format!(
            "the database said {}: {}",
            said.code().code(),
            said.message()
        ),
        None => match std::error::Error::source(error) {
            Some(source) => format!("the database cannot be reached: {error}: {source}"),
            None => format!("the database cannot be reached: {error}"),
        },
    }
}
