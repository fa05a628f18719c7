//! What a life does, one call after the other: written down by the parent, done by the child.

use std::ffi::CString;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::abi::{self, abi};
use super::call::{Call, Outcome, on_error, on_results};
use super::client::Client;

/// One call of the library.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Operation {
    /// Saves positions `first` to `last`, with the texts of [`text_of`].
    Save {
        conversation: String,
        first: u64,
        last: u64,
    },
    Delete {
        conversation: String,
    },
    DeleteAll {
        conversations: Vec<String>,
    },
    History {
        conversation: String,
    },
    List,
    Pull,
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
    /// Begins the call.
    pub fn begin(&self, client: &Client, call: &Arc<Call>) -> i32 {
        match self {
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
            Self::DeleteAll { conversations } => begin_delete_all(client, conversations, call),
            Self::History { conversation } => client.begin_history(conversation, 0, 1000, call),
            Self::List => client.begin_list(call),
            Self::Pull => client.begin_pull(call),
        }
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
            Self::Delete { conversation } => std::slice::from_ref(conversation),
            Self::DeleteAll { conversations } => conversations,
            _ => &[],
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
