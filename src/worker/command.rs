//! What the worker is told.

use crate::conversation::{Change, ConversationId, Message, Summary};
use crate::deletion::{Answer, DeletionId, Management, Pending, Request};
use crate::delivery::Reply;
use crate::error::{Error, Result};
use crate::event::SyncState;
use crate::primitives::mpsc::Sender;
use crate::store::{Named, Verification};
use crate::sync::{Elsewhere, Page};

/// What the worker is told.
pub enum Command {
    /// An app deletes.
    Delete(Request),
    /// An app deletes several; those that cannot be deletions fail.
    DeleteAll {
        requests: Vec<Request>,
        failed: Vec<(Error, Reply<()>)>,
    },
    /// The server answered.
    Answered(Vec<Answer>),
    /// The last callbacks of deletions have returned.
    Delivered(Vec<Named>),
    /// Ask again for what is not settled.
    Settle,
    /// There is a network, or there is none.
    Network(bool),
    /// The deletions whose outcome is open are wanted.
    ListPending(Reply<Vec<Pending>>),
    /// The host wants something of a pending deletion.
    Manage {
        deletion: DeletionId,
        management: Management,
        reply: Reply<()>,
    },
    /// The host changes what a conversation shows.
    Change {
        conversation: ConversationId,
        change: Change,
        /// The highest position that was accepted by then.
        head: u64,
        reply: Reply<()>,
    },
    /// A host saves messages of its own transport.
    Save {
        conversation: ConversationId,
        messages: Vec<Message>,
        reply: Reply<()>,
    },
    /// A page came from the server.
    Pulled(Page),
    /// Something was done elsewhere, and this device follows.
    Follow(ConversationId, Elsewhere),
    /// What follows is handed on by another than what came before: its errors are its own.
    Turn,
    /// Everything before this was handed on: answer when it is stored, and note where to go on.
    GoOn {
        cursor: String,
        answer: Sender<Result<()>>,
    },
    /// Pulling has begun, ended or failed.
    SyncState(SyncState),
    /// A checkpoint has ended, for which the purge waits or does not.
    Checkpointed { purge_waits: bool },
    /// The pull has handed everything on.
    PullDone {
        result: Result<()>,
        reply: Reply<()>,
    },
    /// A call was accepted only to fail: `true` fails it, `false` lets go of it.
    Reject(Box<dyn FnOnce(bool) + Send>),
    /// The conversation list is wanted.
    List(Reply<Vec<Summary>>),
    /// A page of history is wanted.
    History {
        conversation: ConversationId,
        before: u64,
        count: usize,
        reply: Reply<Vec<Message>>,
    },
    /// A forensic look is wanted.
    Verify {
        conversation: ConversationId,
        texts: Vec<Vec<u8>>,
        reply: Reply<Verification>,
    },
}

impl Command {
    /// The queue is closed and the call was refused: nobody is answered.
    pub fn release(self) {
        match self {
            Self::Save { reply, .. }
            | Self::PullDone { reply, .. }
            | Self::Change { reply, .. }
            | Self::Manage { reply, .. } => reply.release(),
            Self::List(reply) => reply.release(),
            Self::ListPending(reply) => reply.release(),
            Self::History { reply, .. } => reply.release(),
            Self::Verify { reply, .. } => reply.release(),
            Self::Delete(request) => request.reply.release(),
            Self::DeleteAll { requests, failed } => {
                let failed = failed.into_iter().map(|(_, reply)| reply);
                let replies = requests
                    .into_iter()
                    .map(|request| request.reply)
                    .chain(failed);
                replies.for_each(Reply::release);
            }
            Self::Reject(answer) => answer(false),
            Self::Answered(_)
            | Self::Delivered(..)
            | Self::Settle
            | Self::Network(_)
            | Self::SyncState(_)
            | Self::GoOn { .. }
            | Self::Turn
            | Self::Checkpointed { .. }
            | Self::Pulled(_)
            | Self::Follow(..) => {}
        }
    }
}
