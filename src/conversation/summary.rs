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
}
