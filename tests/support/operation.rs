//! What a life does, one call after the other: written down by the parent, done by the child.

use std::ffi::CString;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::abi::{self, DeletionId, abi};
use super::call::{Call, Outcome, on_error, on_results, on_success};
use super::client::Client;
use super::options::DeleteOptions;

/// One call of the library.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Operation {
    /// Saves positions `first` to `last`, with the texts of [`text_of`].
    Save {
        conversation: String,
        first: u64,
        last: u64,
    },
    /// The plain call.
    Delete {
        conversation: String,
    },
    /// With options, or clearing the history.
    DeleteAs {
        conversation: String,
        terms: Terms,
    },
    DeleteAll {
        conversations: Vec<String>,
    },
    /// Undo, cancel, retry, acknowledge.
    Manage {
        what: Manage,
        of: Target,
    },
    Draft {
        conversation: String,
        text: String,
    },
    Pin {
        conversation: String,
        pinned: bool,
    },
    History {
        conversation: String,
    },
    List,
    Pull,
}

/// How a conversation is deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    pub policy: u32,
    pub keep_history: bool,
    pub clear_history: bool,
    pub undo_ms: u32,
}

impl Terms {
    pub fn queue() -> Self {
        Self {
            policy: abi::QUEUE,
            ..Self::default()
        }
    }

    pub fn local_only() -> Self {
        Self {
            policy: abi::POLICY_LOCAL_ONLY,
            ..Self::default()
        }
    }

    pub fn undo(undo_ms: u32) -> Self {
        Self {
            undo_ms,
            ..Self::default()
        }
    }

    pub fn keeping_history() -> Self {
        Self {
            keep_history: true,
            ..Self::default()
        }
    }

    pub fn clearing_history() -> Self {
        Self {
            clear_history: true,
            ..Self::default()
        }
    }

    /// Whether messages go.
    pub fn erases(&self) -> bool {
        !self.keep_history
    }
}

/// What is done with a pending deletion.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Manage {
    Undo,
    Cancel,
    Retry,
    Acknowledge,
}

/// Which deletion is meant.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Target {
    /// That of an operation of this life.
    Here(usize),
    /// One of an earlier life.
    Earlier([u8; 16]),
}

/// What was answered.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Answer {
    /// One code; for a list of deletions one each.
    pub codes: Vec<i32>,
    /// Positions of the messages that were read.
    pub read: Vec<u64>,
    /// For the message of a test that fails.
    pub text: String,
}

impl Operation {
    /// Begins the call, which is accepted; the id of what it deletes, where the call tells it.
    /// `earlier` gives those of the operations before it.
    pub fn begin(
        &self,
        client: &Client,
        earlier: &[Option<DeletionId>],
        call: &Arc<Call>,
    ) -> Option<DeletionId> {
        let mut deletion = None;
        let code = match self {
            Self::Save {
                conversation,
                first,
                last,
            } => {
                let texts: Vec<_> = (*first..=*last)
                    .map(|position| (position, text_of(conversation, position)))
                    .collect();
                let messages: Vec<_> = texts
                    .iter()
                    .map(|(position, text)| (*position, "bob", text.as_str()))
                    .collect();
                client.begin_save(conversation, &messages, call)
            }
            Self::Delete { conversation } => client.begin_delete(conversation, call),
            Self::DeleteAs {
                conversation,
                terms,
            } => {
                let options = DeleteOptions {
                    policy: terms.policy,
                    keep_history: terms.keep_history,
                    undo_ms: terms.undo_ms,
                    ..DeleteOptions::default()
                };
                let (code, id) = if terms.clear_history {
                    client.begin_clear_history(conversation, options, call)
                } else {
                    client.begin_delete_as(conversation, options, call)
                };
                deletion = Some(id);
                code
            }
            Self::DeleteAll { conversations } => begin_delete_all(client, conversations, call),
            Self::Manage { what, of } => {
                let of = match of {
                    Target::Here(number) => earlier.get(*number).copied().flatten(),
                    Target::Earlier(id) => Some(DeletionId(*id)),
                };
                begin_manage(client, *what, of.unwrap_or_default(), call)
            }
            Self::Draft { conversation, text } => begin_draft(client, conversation, text, call),
            Self::Pin {
                conversation,
                pinned,
            } => begin_pin(client, conversation, *pinned, call),
            Self::History { conversation } => client.begin_history(conversation, 0, 1000, call),
            Self::List => client.begin_list(call),
            Self::Pull => client.begin_pull(call),
        };
        assert_eq!(code, abi::OK, "{self:?} is accepted");
        deletion
    }

    /// What the parent must know of an outcome; what is read must be what was written.
    pub fn answer(&self, outcome: &Outcome) -> Answer {
        let (mut codes, mut read) = (vec![outcome.code()], Vec::new());
        match outcome {
            Outcome::Results(results) => {
                codes = results.iter().map(|(_, code, _)| *code).collect();
            }
            Outcome::Messages(messages) => {
                let Self::History { conversation } = self else {
                    panic!("{self:?} gave messages")
                };
                for message in messages {
                    assert_eq!(message.text, text_of(conversation, message.position));
                    read.push(message.position);
                }
            }
            _ => {}
        }
        Answer {
            codes,
            read,
            text: outcome.text().to_owned(),
        }
    }

    /// The conversations that this deletes.
    pub fn deletes(&self) -> &[String] {
        match self {
            Self::Delete { conversation } | Self::DeleteAs { conversation, .. } => {
                std::slice::from_ref(conversation)
            }
            Self::DeleteAll { conversations } => conversations,
            _ => &[],
        }
    }

    /// How it deletes them.
    pub fn terms(&self) -> Terms {
        match self {
            Self::DeleteAs { terms, .. } => *terms,
            _ => Terms::default(),
        }
    }
}

/// The text of a message: told by where it stands, of many lengths.
pub fn text_of(conversation: &str, position: u64) -> String {
    let rest = "and so on ".repeat((position % 23) as usize);
    format!("{conversation} says this as number {position:06} {rest}")
}

fn begin_delete_all(client: &Client, conversations: &[String], call: &Arc<Call>) -> i32 {
    let ids: Vec<_> = conversations
        .iter()
        .map(|id| CString::new(id.as_str()).unwrap())
        .collect();
    let ids: Vec<_> = ids.iter().map(|id| id.as_ptr()).collect();
    // SAFETY: the strings live during the call, the data for ever.
    unsafe {
        (abi().delete_all)(
            client.handle(),
            ids.as_ptr(),
            ids.len(),
            std::ptr::null::<abi::RawDeleteOptions>(),
            Some(on_results),
            Some(on_error),
            call.data(),
        )
    }
}

fn begin_manage(client: &Client, what: Manage, of: DeletionId, call: &Arc<Call>) -> i32 {
    let function = match what {
        Manage::Undo => abi().undo,
        Manage::Cancel => abi().cancel,
        Manage::Retry => abi().retry,
        Manage::Acknowledge => abi().acknowledge,
    };
    // SAFETY: the id lives during the call, the data for ever.
    unsafe {
        function(
            client.handle(),
            &raw const of,
            Some(on_success),
            Some(on_error),
            call.data(),
        )
    }
}

fn begin_draft(client: &Client, id: &str, text: &str, call: &Arc<Call>) -> i32 {
    let (id, text) = (CString::new(id).unwrap(), CString::new(text).unwrap());
    // SAFETY: the strings live during the call, the data for ever.
    unsafe {
        (abi().set_draft)(
            client.handle(),
            id.as_ptr(),
            text.as_ptr(),
            Some(on_success),
            Some(on_error),
            call.data(),
        )
    }
}

fn begin_pin(client: &Client, id: &str, pinned: bool, call: &Arc<Call>) -> i32 {
    let id = CString::new(id).unwrap();
    // SAFETY: the id lives during the call, the data for ever.
    unsafe {
        (abi().pin)(
            client.handle(),
            id.as_ptr(),
            i32::from(pinned),
            Some(on_success),
            Some(on_error),
            call.data(),
        )
    }
}
