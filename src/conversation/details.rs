//! What a conversation shows beside its messages.

use serde::{Deserialize, Serialize};

/// Longest draft, in bytes.
pub const MAX_DRAFT: usize = 64 << 10;

/// Title, pin, draft and marks. All but the title remember the head of the conversation at the
/// time they were set: a deletion takes what was set at or below its cut-off, and a late one
/// leaves alone what came after.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Details {
    /// The group's name; empty for a one-to-one conversation.
    #[serde(default, rename = "t", skip_serializing_if = "String::is_empty")]
    pub title: String,
    /// Pinned to the top of the list.
    #[serde(default, rename = "p", skip_serializing_if = "Option::is_none")]
    pub pinned: Option<Set<()>>,
    /// What the user began to write.
    #[serde(default, rename = "d", skip_serializing_if = "Option::is_none")]
    pub draft: Option<Set<String>>,
    /// Bits whose meaning is the host's, by when they were set; the latest last.
    #[serde(default, rename = "m", skip_serializing_if = "Vec::is_empty")]
    pub marks: Vec<Set<u64>>,
}

/// Something that was set when the conversation's head was at a position.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Set<T> {
    /// The head at that time.
    #[serde(rename = "a")]
    pub at: u64,
    /// What was set.
    #[serde(rename = "v")]
    pub value: T,
}

impl Details {
    /// Nothing beside the messages.
    pub const NONE: Self = Self {
        title: String::new(),
        pinned: None,
        draft: None,
        marks: Vec::new(),
    };

    /// What is left when everything up to a position is deleted. The title names the
    /// conversation, and stays as long as that does.
    pub fn above(&self, through: u64) -> Self {
        Self {
            title: self.title.clone(),
            pinned: self.pinned.clone().filter(|set| set.at > through),
            draft: self.draft.clone().filter(|set| set.at > through),
            marks: self
                .marks
                .iter()
                .filter(|set| set.at > through)
                .cloned()
                .collect(),
        }
    }

    /// All bits that are set.
    pub fn marked(&self) -> u64 {
        self.marks.iter().fold(0, |all, set| all | set.value)
    }

    /// Sets bits, then clears others. What is set anew is set now.
    pub fn mark(&mut self, at: u64, set: u64, clear: u64) {
        for earlier in &mut self.marks {
            earlier.value &= !(set | clear);
        }
        self.marks.push(Set {
            at,
            value: set & !clear,
        });
        self.marks.retain(|set| set.value != 0);
    }

    /// Whether a conversation without a message is listed for it.
    pub fn keep_listed(&self) -> bool {
        self.pinned.is_some() || self.draft.is_some()
    }

    /// Whether there is anything to store.
    pub fn is_empty(&self) -> bool {
        *self == Self::NONE
    }
}

/// A change of one of a conversation's details, or of what is read.
#[derive(Clone, Debug)]
pub enum Change {
    /// Pins to the top of the list, or lets go.
    Pin(bool),
    /// Replaces the draft; an empty one removes it.
    Draft(String),
    /// Sets the first bits, clears the second.
    Marks {
        /// Bits to set.
        set: u64,
        /// Bits to clear.
        clear: u64,
    },
    /// Everything up to a position is read; [`super::END`] for all there is.
    Read(u64),
}
