//! Everything that can go wrong, mapped once to the numbers that callers see.
//!
//! Positive numbers are the vendor's, kept where one exists, so that an app that comes from the
//! vendor's SDK keeps its error handling. Negative numbers are adieu's own.

use adieu_protocol::InvalidConversationId;
use adieu_protocol::recent_contact::MAX_BATCH;

/// A result of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// The stable numbers.
pub mod code {
    #![allow(
        missing_docs,
        reason = "each is documented where the header shows it, in ffi::status"
    )]
    pub const INVALID_HANDLE: i32 = -1;
    pub const INVALID_ARGUMENT: i32 = -2;
    pub const CLOSED: i32 = -3;
    pub const FORKED: i32 = -4;
    pub const ABI: i32 = -5;
    pub const PANIC: i32 = -6;
    pub const OUTCOME_UNKNOWN: i32 = -7;
    pub const NOT_FOUND: i32 = -8;
    pub const TOO_LATE: i32 = -9;
    pub const STORE_LOCKED: i32 = -10;
    pub const STORE_NEWER: i32 = -11;
    pub const STORE_DAMAGED: i32 = -12;
    pub const MASTER_KEY: i32 = -13;
    pub const STORE_PATH: i32 = -14;
    pub const CANCELLED: i32 = -15;
    pub const OK: i32 = 0;
    pub const PENDING: i32 = 1;
    pub const LOCAL_ONLY: i32 = 2;
    pub const NOT_SIGNED_IN: i32 = 6014;
    pub const INVALID_PARAMETER: i32 = 6017;
    pub const STORE_FAILED: i32 = 6019;
    pub const STORE_IO: i32 = 6022;
    pub const NETWORK_UNREACHABLE: i32 = 9508;
    pub const CONNECT_TIMED_OUT: i32 = 9510;
    pub const CONNECTION_REFUSED: i32 = 9511;
    pub const QUEUE_TIMED_OUT: i32 = 9518;
    pub const BAD_ANSWER: i32 = 6010;

    /// Whether trying the same again can help: the network, a busy server, a full disk, a UserSig
    /// that can be replaced.
    pub fn is_retryable(code: i32) -> bool {
        match code {
            PANIC | OUTCOME_UNKNOWN | STORE_LOCKED | PENDING => true,
            BAD_ANSWER | 6012 | NOT_SIGNED_IN | STORE_FAILED | STORE_IO => true,
            // The vendor's network block, frequency limits, and failures inside the server.
            9501..=9999 | 50004 | 50005 | 60014 => true,
            code if wait_for(code).is_some() => true,
            // Another UserSig can help.
            70001..=70014 => true,
            _ => false,
        }
    }

    /// How long whoever got a code of the vendor's frequency limits does well to wait at least.
    pub fn wait_for(code: i32) -> Option<std::time::Duration> {
        let seconds = match code {
            7008 | 60007 | 60008 | 60011 | 10006 | 10023 => 5,
            70050 => 60,
            _ => return None,
        };
        Some(std::time::Duration::from_secs(seconds))
    }
}

/// What went wrong. Its text says what was wrong and what is allowed; it never holds message
/// text, a UserSig or a key.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// A text that names no conversation.
    #[error("{0}")]
    ConversationId(#[from] InvalidConversationId),
    /// Any other parameter that breaks a rule.
    #[error("{0}")]
    Parameter(String),
    /// Too many conversations in one call.
    #[error("{0} conversations in one call; allowed: 1 to {MAX_BATCH}")]
    TooMany(usize),
    /// The client is closing.
    #[error("the client is closed")]
    Closed,
    /// Still open when the client closed; the next open goes on with it.
    #[error(
        "still pending: the client closed before the outcome was known; it is settled after the next open"
    )]
    Pending,
    /// A deletion on this device that the server was not asked for.
    #[error("deleted on this device only; the server was not asked")]
    LocalOnly,
    /// Nothing is known under an id, or a conversation is not on this device.
    #[error("nothing is known under this id on this device")]
    NotFound,
    /// A deletion that has gone too far to be taken back.
    #[error("too late: the deletion cannot be taken back any more")]
    TooLate,
    /// A deletion that was undone or cancelled.
    #[error("the deletion was taken back; nothing was deleted")]
    Cancelled,
    /// A bug in this library.
    #[error("the library failed at this request (a bug): nothing further is known of its outcome")]
    Panic,
    /// The client has no UserSig.
    #[error("not signed in: give a UserSig at open or with adieu_sign_in")]
    NotSignedIn,
    /// The server refused, with its number and words.
    #[error("{info}")]
    Refused {
        /// The vendor's number.
        code: i32,
        /// The server's words.
        info: String,
    },
    /// The request did not reach the server.
    #[error("{text}")]
    Network {
        /// One of the network numbers in [`code`].
        code: i32,
        /// What happened.
        text: String,
    },
    /// The request may have reached the server, and no readable answer came.
    #[error("outcome unknown, settled at the next connection: {0}")]
    OutcomeUnknown(String),
    /// The server's answer to a question that changes nothing cannot be read.
    #[error("{0}")]
    BadAnswer(String),
    /// Another process, or another client of this one, has the store open.
    #[error("the store is open elsewhere: one folder is opened by one client at a time")]
    StoreLocked,
    /// The store was written by a newer version.
    #[error("the store has format {found}, this library reads up to {known}: use a newer libadieu")]
    StoreNewer {
        /// Of the store.
        found: u32,
        /// Of this library.
        known: u32,
    },
    /// A file of the store is not what it should be. Nothing was overwritten.
    #[error("the store is damaged: {0}")]
    StoreDamaged(String),
    /// The master key does not fit the store.
    #[error("the master key is not the one that this store was made with")]
    MasterKey,
    /// The store's folder cannot be used.
    #[error("the store folder cannot be used: {0}")]
    StorePath(String),
    /// The disk failed or is full.
    #[error("the disk failed: {0}")]
    Disk(String),
    /// The store's database failed.
    #[error("the store's database failed: {0}")]
    Database(String),
}

impl Error {
    /// The stable number.
    pub fn code(&self) -> i32 {
        match self {
            Self::ConversationId(_) | Self::Parameter(_) | Self::TooMany(_) => {
                code::INVALID_PARAMETER
            }
            Self::Closed => code::CLOSED,
            Self::Pending => code::PENDING,
            Self::LocalOnly => code::LOCAL_ONLY,
            Self::NotFound => code::NOT_FOUND,
            Self::TooLate => code::TOO_LATE,
            Self::Cancelled => code::CANCELLED,
            Self::Panic => code::PANIC,
            Self::NotSignedIn => code::NOT_SIGNED_IN,
            Self::Refused { code, .. } | Self::Network { code, .. } => *code,
            Self::OutcomeUnknown(_) => code::OUTCOME_UNKNOWN,
            Self::BadAnswer(_) => code::BAD_ANSWER,
            Self::StoreLocked => code::STORE_LOCKED,
            Self::StoreNewer { .. } => code::STORE_NEWER,
            Self::StoreDamaged(_) => code::STORE_DAMAGED,
            Self::MasterKey => code::MASTER_KEY,
            Self::StorePath(_) => code::STORE_PATH,
            Self::Disk(_) => code::STORE_IO,
            Self::Database(_) => code::STORE_FAILED,
        }
    }

    /// Whether trying the same again can help.
    pub fn can_help_later(&self) -> bool {
        code::is_retryable(self.code())
    }

    /// Whether another UserSig is what can help.
    pub fn needs_sign_in(&self) -> bool {
        matches!(self.code(), code::NOT_SIGNED_IN | 70001..=70014)
    }
}

impl From<std::io::Error> for Error {
    fn from(error: std::io::Error) -> Self {
        Self::Disk(error.to_string())
    }
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode as Sqlite;
        // What was written fits where it came from.
        if matches!(
            error,
            rusqlite::Error::IntegralValueOutOfRange(..)
                | rusqlite::Error::InvalidColumnType(..)
                | rusqlite::Error::FromSqlConversionFailure(..)
        ) {
            return Self::StoreDamaged(error.to_string());
        }
        match error.sqlite_error_code() {
            Some(Sqlite::DiskFull) => {
                Self::Disk("no space left for the store's database".to_owned())
            }
            Some(Sqlite::SystemIoFailure | Sqlite::ReadOnly | Sqlite::CannotOpen) => {
                Self::Disk(error.to_string())
            }
            Some(Sqlite::DatabaseCorrupt | Sqlite::NotADatabase) => {
                Self::StoreDamaged(error.to_string())
            }
            Some(Sqlite::DatabaseBusy | Sqlite::DatabaseLocked) => Self::StoreLocked,
            _ => Self::Database(error.to_string()),
        }
    }
}
