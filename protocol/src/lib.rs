//! The wire of adieu: what `libadieu`, `adieu-server` and any client of the published `v4` REST
//! API say to each other.
//!
//! One crate for both ends, so that they cannot drift. Every request is a `POST` to
//! `/v4/<service>/<command>` with a JSON body; every answer is an [`Answer`] with HTTP status 200.

pub mod account;
pub mod config;
pub mod conversation_id;
pub mod envelope;
pub mod error_code;
pub mod group;
pub mod openim;
pub mod path;
pub mod recent_contact;
pub mod sns;
#[cfg(feature = "usersig")]
pub mod user_sig;

pub use conversation_id::{ConversationId, InvalidConversationId};
pub use envelope::{Answer, Envelope};
