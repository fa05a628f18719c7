//! The way of a deletion, from the accepted call to the delivered outcome.
//!
//! ```text
//! Request ─▶ Deletions::accept   intent written down                  (store::begin)
//!         ─▶ Asker               the server raises its watermark      (remote)
//!         ─▶ Deletions::answered the key dies, the rows follow        (store::erase)
//!         ─▶ Reply               on_success or on_error               (delivery)
//!         ─▶ Deletions::tidy     the last name goes                   (store::forget)
//! ```
//! This is the only room that knows both the store and the server.

mod asker;
mod gather;
mod id;
mod receipt;
mod request;
mod table;

pub use asker::{Answer, Asker, Question};
pub use gather::Gather;
pub use id::{DeletionId, IdSource};
pub use receipt::{Receipt, Receipts};
pub use request::Request;
pub use table::Deletions;
