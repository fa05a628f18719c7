//! What a deletion takes, and how far it goes to get there.

use std::time::Duration;

/// What of a conversation goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Scope {
    /// The conversation with its history.
    #[default]
    Everything,
    /// The list entry: the history stays, and returns with the conversation.
    ListEntry,
    /// The history: the conversation stays in the list.
    History,
}

impl Scope {
    /// As it stands in the store.
    pub fn number(self) -> u8 {
        match self {
            Self::Everything => 0,
            Self::ListEntry => 1,
            Self::History => 2,
        }
    }

    /// The scope of a number in the store.
    pub fn of(number: u8) -> Self {
        match number {
            1 => Self::ListEntry,
            2 => Self::History,
            _ => Self::Everything,
        }
    }

    /// Whether messages go, and with them their keys.
    pub fn erases(self) -> bool {
        self != Self::ListEntry
    }
}

/// What happens when the server does not carry the deletion out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Policy {
    /// The call fails, and the device keeps all of it.
    #[default]
    Fail,
    /// Erased on the device at once, and asked for until the server confirms.
    Queue,
    /// The server is not asked.
    LocalOnly,
}

impl Policy {
    /// As it stands in the store.
    pub fn number(self) -> u8 {
        match self {
            Self::Fail => 0,
            Self::Queue => 1,
            Self::LocalOnly => 2,
        }
    }

    /// The policy of a number in the store.
    pub fn of(number: u8) -> Self {
        match number {
            1 => Self::Queue,
            2 => Self::LocalOnly,
            _ => Self::Fail,
        }
    }
}

/// How a conversation is to be deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// What goes.
    pub scope: Scope,
    /// How far to go.
    pub policy: Policy,
    /// How long to wait for the server, where the policy is to fail.
    pub timeout: Duration,
    /// How long it can be undone; zero: not at all.
    pub undo: Duration,
}
