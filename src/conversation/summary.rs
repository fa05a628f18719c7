//! A line of the conversation list.

use super::{ConversationId, Message};

/// What the list shows of a conversation.
#[derive(Clone, Debug)]
pub struct Summary {
    /// Which conversation.
    pub id: ConversationId,
    /// The group's name; empty for a one-to-one conversation.
    pub title: String,
    /// Messages on this device.
    pub messages: u64,
    /// Those of them from others above the read position.
    pub unread: u64,
    /// The newest message.
    pub last: Option<Message>,
    /// Pinned to the top of the list.
    pub pinned: bool,
    /// What the user began to write; empty where there is nothing.
    pub draft: String,
    /// Bits whose meaning is the host's.
    pub marks: u64,
}
