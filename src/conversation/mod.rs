//! What a conversation is to the app: its summary, its messages, and the positions in it that
//! this device has accepted.

mod details;
mod message;
mod positions;
mod summary;

pub use details::{Change, Details, MAX_DRAFT, Set};
pub use message::Message;
pub use positions::{END, Positions};
pub use summary::Summary;

pub use adieu_protocol::ConversationId;

/// Whose positions a conversation uses. One conversation never mixes the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// Pulled from adieu-server: positions are the server's.
    Server,
    /// Saved by a host with a transport of its own: positions are the host's.
    Host,
}
