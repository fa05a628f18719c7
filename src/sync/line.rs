//! Fetching what has changed since the cursor: views first, then the messages that this device
//! lacks.

use std::sync::Arc;
use std::time::Duration;

use adieu_protocol::path;
use adieu_protocol::recent_contact::{
    ERASED_BY_ANOTHER_DEVICE, ERASED_BY_BACK_END, GetHistory, History, HistoryMessage,
    MAX_HISTORY_PAGE, MAX_SYNC_PAGE, Sync, Synced, View,
};

use crate::conversation::{ConversationId, Message};
use crate::deletion::{ErasedElsewhere, Scope};
use crate::delivery::Reply;
use crate::error::{Error, Result};
use crate::event::{Cause, SyncState};
use crate::primitives::Mutex;
use crate::remote::Remote;

/// Longest time for one page, beside what the server was asked to wait.
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

/// What was done to a view elsewhere: by another device, by a back end, or by this device before
/// its store was restored.
#[derive(Clone, Copy, Debug)]
pub enum Elsewhere {
    /// Deleted up to a position.
    Erased(ErasedElsewhere),
    /// Out of the list, until something above a position comes.
    Unlisted(u64),
    /// Read up to a position.
    Read(u64),
}

/// Where what was fetched goes.
pub trait Sink: Send + std::marker::Sync + 'static {
    /// What follows is one turn: errors of what came before are not its own.
    fn begin(&self);
    /// Where the device stands; empty before the first time.
    fn cursor(&self) -> String;
    /// The highest position that this device has of a conversation.
    fn head(&self, conversation: &ConversationId) -> u64;
    /// Stores a page; waits while others are waiting. `false` when the client closes.
    fn store(&self, page: Page) -> bool;
    /// Does on this device what was done elsewhere.
    fn follow(&self, conversation: ConversationId, what: Elsewhere);
    /// Waits until everything before this is stored, and notes where to go on.
    fn go_on(&self, cursor: String) -> Result<()>;
    /// Tells the listener.
    fn tell(&self, state: SyncState);
    /// A pull that the host asked for has ended.
    fn done(&self, result: Result<()>, reply: Reply<()>);
}

/// The line between the server and the store.
pub struct Line<S> {
    pub(super) remote: Arc<Remote>,
    pub(super) sink: S,
    /// Who stores: errors of the store belong to one at a time.
    turn: Mutex<()>,
}

impl<S: Sink> Line<S> {
    /// Between these two.
    pub fn new(remote: Arc<Remote>, sink: S) -> Arc<Self> {
        Arc::new(Self {
            remote,
            sink,
            turn: Mutex::new(()),
        })
    }

    /// Fetches everything that has changed. With nothing changed, the server waits so many seconds
    /// for something. Says whether anything had.
    pub(super) fn catch_up(&self, mut wait: u8) -> Result<bool> {
        let (mut before, mut news) = (None, false);
        loop {
            let request = Sync {
                from_account: self.remote.user().to_owned(),
                device_id: Some(self.remote.device().to_owned()),
                cursor: self.sink.cursor(),
                max_count: MAX_SYNC_PAGE,
                wait,
                ..Sync::default()
            };
            let page: Synced = self.read(path::SYNC, &request, wait)?;
            let stands_still = page.cursor.is_empty() || before.as_ref() == Some(&page.cursor);
            if page.complete != 1 && stands_still {
                return Err(Error::BadAnswer(
                    "the server's list of conversations does not go on".to_owned(),
                ));
            }
            let turn = self.turn.lock();
            self.sink.begin();
            news |= !page.views.is_empty();
            for view in page.views {
                self.view(view)?;
            }
            self.sink.go_on(page.cursor.clone())?;
            drop(turn);
            if page.complete == 1 {
                return Ok(news);
            }
            (before, wait) = (Some(page.cursor), 0);
        }
    }

    fn view(&self, view: View) -> Result<()> {
        let conversation = view.target.conversation().map_err(|error| {
            Error::BadAnswer(format!("the server lists what is no conversation: {error}"))
        })?;
        let mut after = self.sink.head(&conversation);
        let follow = |what| self.sink.follow(conversation.clone(), what);
        if view.erase_through > 0 {
            follow(Elsewhere::Erased(ErasedElsewhere {
                through: view.erase_through,
                scope: scope(&view),
                cause: cause(&view),
            }));
            after = after.max(view.erase_through);
        }
        let mut wanted = true;
        while wanted && after < view.head {
            let request = GetHistory {
                from_account: self.remote.user().to_owned(),
                target: view.target.clone(),
                after,
                max_count: MAX_HISTORY_PAGE,
            };
            let page: History = self.read(path::GET_HISTORY, &request, 0)?;
            wanted = page.complete != 1;
            let messages: Vec<_> = page.messages.into_iter().map(message).collect();
            for message in &messages {
                message.check().map_err(|error| {
                    Error::BadAnswer(format!(
                        "the server sent a message that breaks a rule: {error}"
                    ))
                })?;
            }
            let last = messages.last().map_or(0, |message| message.position);
            if wanted && last <= after {
                return Err(Error::BadAnswer(
                    "the server's history does not go on".to_owned(),
                ));
            }
            after = last.max(after);
            let page = Page {
                conversation: conversation.clone(),
                title: view.title.clone(),
                messages,
            };
            if !page.messages.is_empty() && !self.sink.store(page) {
                return Err(Error::Closed);
            }
        }
        if view.hidden_through > view.erase_through && view.listed == 0 {
            follow(Elsewhere::Unlisted(view.hidden_through));
        }
        if view.read_through > 0 {
            follow(Elsewhere::Read(view.read_through));
        }
        Ok(())
    }

    /// One of the questions that change nothing.
    fn read<Q: serde::Serialize, A: serde::de::DeserializeOwned>(
        &self,
        path: &str,
        request: &Q,
        wait: u8,
    ) -> Result<A> {
        let time = TIMEOUT + Duration::from_secs(wait.into());
        self.remote
            .ask_again_if_cut(path, request, time)
            .map_err(Error::from)
    }
}

/// Where only the history was cleared, the list entry was not hidden as far.
fn scope(view: &View) -> Scope {
    if view.hidden_through < view.erase_through {
        Scope::History
    } else {
        Scope::Everything
    }
}

fn cause(view: &View) -> Cause {
    match view.erased_by {
        ERASED_BY_ANOTHER_DEVICE => Cause::AnotherDevice,
        ERASED_BY_BACK_END => Cause::BackEnd,
        _ => Cause::ThisDevice,
    }
}

fn message(message: HistoryMessage) -> Message {
    Message {
        position: message.position,
        sender: message.from_account,
        time: message.time,
        body: String::from(Box::<str>::from(message.body)),
    }
}
