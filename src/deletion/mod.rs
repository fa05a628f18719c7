//! The way of a deletion, from the accepted call to the delivered outcome.
//!
//! ```text
//! Request ─▶ Inbox               noted where a kill cannot reach it
//!         ─▶ Deletions::accept   intent written down                  (store::begin)
//!         ─▶ Asker               the server raises its watermark      (remote)
//!         ─▶ Deletions::answered the key dies, the rows follow        (store::erase)
//!         ─▶ Reply, Event        on_success or on_error, the listener (delivery)
//!         ─▶ Deletions::tidy     the last name goes                   (store::forget)
//! ```
//! With policy `queue` the key dies before the server is asked. Within an undo window the
//! conversation is only hidden. What the server does not answer waits ([`Deletions::next_due`])
//! and is asked for again. This is the only room that knows both the store and the server.

mod asker;
mod backoff;
mod elsewhere;
mod flight;
mod gather;
mod id;
mod inbox;
mod outcome;
mod pending;
mod receipt;
mod request;
mod table;
mod telling;
mod terms;
mod upkeep;

pub use asker::{Answer, Asker, Question};
pub use elsewhere::ErasedElsewhere;
pub use gather::Gather;
pub use id::{DeletionId, IdSource};
pub use inbox::{Inbox, LeftBehind, MapFile, Noted, Record, SharedWords};
pub use pending::{Pending, PendingState};
pub use receipt::{Receipt, Receipts};
pub use request::{Moment, Request};
pub use table::Deletions;
pub use terms::{Policy, Scope, Terms};
pub use upkeep::Management;
