//! The highest position of each conversation that this device has accepted.

use super::{ConversationId, Source};
use crate::map::Map;
use crate::primitives::Mutex;
use crate::primitives::atomic::{AtomicU64, Ordering};

/// No position reaches this; in the store it means "without an end".
pub const END: u64 = i64::MAX as u64;

/// What callers ask without waiting for the store: where a deletion that is made now must cut
/// off, and how much is unread. Kept in memory beside the store, which is its source at open.
#[derive(Default)]
pub struct Positions {
    heads: Mutex<Map<ConversationId, (Source, u64)>>,
    unread: AtomicU64,
}

impl Positions {
    /// Raises the head of a conversation; it is never lowered, and positions of the other source
    /// mean nothing in it.
    pub fn raise(&self, conversation: &ConversationId, source: Source, position: u64) {
        let mut heads = self.heads.lock();
        match heads.get_mut(conversation) {
            Some((known, head)) if *known == source => *head = position.max(*head),
            Some(_) => {}
            None => {
                heads.insert(conversation.clone(), (source, position));
            }
        }
    }

    /// Takes back what was accepted and then refused: the head is what the store knows.
    pub fn correct(&self, conversation: &ConversationId, source: Source, head: u64) {
        self.heads
            .lock()
            .insert(conversation.clone(), (source, head));
    }

    /// The head of a conversation, and whose positions those are; `None` when this device knows no
    /// position of it.
    pub fn head(&self, conversation: &ConversationId) -> Option<(Source, u64)> {
        self.heads.lock().get(conversation).copied()
    }

    /// The head of a conversation, if its positions are of this source.
    pub fn head_of(&self, conversation: &ConversationId, source: Source) -> Option<u64> {
        let heads = self.heads.lock();
        let (known, head) = heads.get(conversation)?;
        (*known == source).then_some(*head)
    }

    /// Unread messages in all conversations.
    pub fn unread(&self) -> u64 {
        self.unread.load(Ordering::Relaxed)
    }

    /// Sets what [`Self::unread`] answers.
    pub fn set_unread(&self, unread: u64) {
        self.unread.store(unread, Ordering::Relaxed);
    }
}
