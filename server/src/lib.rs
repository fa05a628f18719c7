//! The server of adieu: the published `v4` REST API over a store in which deleting a conversation
//! is raising a watermark.
//!
//! [`serve`] takes requests, [`sign_in`] says who asks, [`routes`] answer them, [`storage`] keeps
//! everything, [`wake`] wakes devices that wait, [`purge`] removes what nobody can reach any more, [`import`] loads chat logs, [`migrate`] moves to another store.
//! [`check`] says whether a configuration would do, [`limits`] bounds how often one may ask.
//! [`console`] is the operator's page, [`metrics`] counts, [`webhook`] reports deletions.

mod app;
pub mod check;
pub mod cli;
mod command;
pub mod console;
mod cursor;
pub mod devices;
pub mod error;
pub mod import;
pub mod limits;
mod listen;
pub mod metrics;
pub mod migrate;
pub mod purge;
pub mod routes;
pub mod serve;
pub mod sign_in;
pub mod storage;
pub mod user_sig;
pub mod version;
pub mod wake;
pub mod webhook;

pub use error::{Error, Result};
