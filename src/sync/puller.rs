//! Pulling conversations and history, on a thread of its own.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use adieu_protocol::path;
use adieu_protocol::recent_contact::{
    ERASED_BY_ANOTHER_DEVICE, ERASED_BY_BACK_END, GetHistory, History, MAX_HISTORY_PAGE,
    MAX_SYNC_PAGE, Sync, Synced, View,
};

use crate::conversation::{ConversationId, Message};
use crate::delivery::Reply;
use crate::error::{Error, Result};
use crate::event::Cause;
use crate::remote::Remote;
use crate::threads::Threads;

/// Longest time for one page.
const TIMEOUT: Duration = Duration::from_secs(30);

/// What the server has of one conversation, or a part of it.
pub struct Page {
    /// Which conversation.
    pub conversation: ConversationId,
    /// The group's name.
    pub title: String,
    /// Messages, ascending.
    pub messages: Vec<Message>,
}

/// What the puller hands on.
pub trait Sink: Send + 'static {
    /// The highest position that this device has of a conversation.
    fn head(&self, conversation: &ConversationId) -> u64;
    /// Stores a page; waits while others are waiting. `false` when the client closes.
    fn store(&self, page: Page) -> bool;
    /// A pull has begun.
    fn begin(&self);
    /// Erases on this device what was deleted elsewhere, or before this store was restored.
    fn erase(&self, conversation: ConversationId, through: u64, cause: Cause);
    /// Everything before this has been handed on, or the pull has failed: answer when what came
    /// is stored.
    fn done(&self, result: Result<()>, reply: Reply<()>);
}

/// The line to the thread. Dropped, it ends it.
pub struct Puller(Sender<Reply<()>>);

impl Puller {
    /// Starts the thread.
    pub fn start(
        threads: Threads,
        remote: Arc<Remote>,
        sink: impl Sink,
    ) -> Result<(Self, JoinHandle<()>)> {
        let (line, calls) = channel();
        let thread = threads.spawn("adieu-pull", move || run(&remote, &calls, &sink))?;
        Ok((Self(line), thread))
    }

    /// Pulls everything that this device lacks.
    pub fn pull(&self, reply: Reply<()>) {
        if let Err(unheard) = self.0.send(reply) {
            unheard.0.send(Err(Error::Closed));
        }
    }
}

fn run(remote: &Remote, calls: &Receiver<Reply<()>>, sink: &impl Sink) {
    while let Ok(reply) = calls.recv() {
        sink.begin();
        sink.done(pull(remote, sink), reply);
    }
}

fn pull(remote: &Remote, sink: &impl Sink) -> Result<()> {
    let mut cursor = String::new();
    loop {
        let request = Sync {
            from_account: remote.user().to_owned(),
            device_id: Some(remote.device().to_owned()),
            cursor: std::mem::take(&mut cursor),
            max_count: MAX_SYNC_PAGE,
            ..Sync::default()
        };
        let page: Synced = read(remote, path::SYNC, &request)?;
        for view in page.views {
            pull_view(remote, sink, view)?;
        }
        if page.complete == 1 {
            return Ok(());
        }
        if page.cursor.is_empty() || page.cursor == request.cursor {
            return Err(Error::BadAnswer(
                "the server's list of conversations does not go on".to_owned(),
            ));
        }
        cursor = page.cursor;
    }
}

fn pull_view(remote: &Remote, sink: &impl Sink, view: View) -> Result<()> {
    let conversation = view.target.conversation().map_err(|error| {
        Error::BadAnswer(format!("the server lists what is no conversation: {error}"))
    })?;
    let mut after = sink.head(&conversation);
    if view.erase_through > 0 {
        let cause = match view.erased_by {
            ERASED_BY_ANOTHER_DEVICE => Cause::AnotherDevice,
            ERASED_BY_BACK_END => Cause::BackEnd,
            _ => Cause::ThisDevice,
        };
        sink.erase(conversation.clone(), view.erase_through, cause);
        after = after.max(view.erase_through);
    }
    while after < view.head {
        let request = GetHistory {
            from_account: remote.user().to_owned(),
            target: view.target.clone(),
            after,
            max_count: MAX_HISTORY_PAGE,
        };
        let page: History = read(remote, path::GET_HISTORY, &request)?;
        let messages = page.messages.into_iter().map(|message| Message {
            position: message.position,
            sender: message.from_account,
            time: message.time,
            body: String::from(Box::<str>::from(message.body)),
        });
        let messages: Vec<_> = messages.collect();
        for message in &messages {
            message.check().map_err(|error| {
                Error::BadAnswer(format!(
                    "the server sent a message that breaks a rule: {error}"
                ))
            })?;
        }
        let last = messages.last().map_or(0, |message| message.position);
        if page.complete != 1 && last <= after {
            return Err(Error::BadAnswer(
                "the server's history does not go on".to_owned(),
            ));
        }
        after = last.max(after);
        let complete = page.complete == 1;
        if !messages.is_empty()
            && !sink.store(Page {
                conversation: conversation.clone(),
                title: view.title.clone(),
                messages,
            })
        {
            return Err(Error::Closed);
        }
        if complete {
            break;
        }
    }
    Ok(())
}

/// One of the questions that change nothing.
fn read<Q: serde::Serialize, A: serde::de::DeserializeOwned>(
    remote: &Remote,
    path: &str,
    request: &Q,
) -> Result<A> {
    remote
        .ask_again_if_cut(path, request, TIMEOUT)
        .map_err(Error::from)
}
