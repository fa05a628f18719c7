//! Where accounts, conversations, views and messages are kept.
//!
//! [`Storage`] is what an engine has to do, in the words of the field. Each call is a whole
//! operation: it takes effect at once, as one, or not at all, and has been flushed when it
//! answers. So an engine may be a file in this process or a database that several processes
//! share. What a deletion, a leave or a new message means for a view is not the engine's business
//! but [`view`]'s: engines load a view, let it decide and store it.

mod open;
pub mod postgres;
pub mod sqlite;
pub mod transfer;
mod types;
pub mod view;

use adieu_protocol::ConversationId;
use async_trait::async_trait;
use tokio::sync::broadcast;

pub use open::open;
use transfer::Transfer;
pub use types::*;

use crate::Result;

/// A storage engine.
///
/// Positions count from 1 within a conversation, without gaps, in commit order. Times of messages
/// that are sent never fall while positions rise; chat logs are what they are.
#[async_trait]
pub trait Storage: Transfer {
    /// Settings that belong to the store.
    async fn settings(&self) -> Result<Settings>;
    /// Binds a new store to an app; refuses a store of another one.
    async fn bind_app(&self, app_id: u64) -> Result<()>;
    /// Switches the propagation of deletions to other devices.
    async fn set_sync_deletions(&self, on: bool) -> Result<()>;

    /// Makes an account known; known ones keep everything but the given name and picture.
    async fn import_account(&self, account: Account) -> Result<()>;

    /// Appends a one-to-one message. A repeated `random` of the same sender within a second is
    /// the same message.
    async fn send_c2c(&self, message: C2cMessage) -> Result<Sent>;
    /// Appends a group message. A repeated `random` with the same body of the same sender within
    /// five minutes is the same message.
    async fn send_group(&self, message: GroupMessage) -> Result<Sent>;
    /// A page of one-to-one history in a range of time, as its operator sees it.
    async fn roam(&self, query: RoamQuery) -> Result<RoamPage>;
    /// A page of group history, newest first.
    async fn group_messages(&self, query: GroupQuery) -> Result<GroupPage>;
    /// A page of what an owner's view shows, oldest first.
    async fn history(&self, query: HistoryQuery) -> Result<HistoryPage>;

    /// Creates a group.
    async fn create_group(&self, group: NewGroup) -> Result<()>;
    /// Adds members; says for each what became of it.
    async fn add_members(&self, group: &str, accounts: Vec<String>) -> Result<Vec<Joined>>;
    /// Removes members; accounts that are none are passed over.
    async fn remove_members(&self, group: &str, accounts: Vec<String>) -> Result<()>;
    /// Dissolves a group. Its members keep what they can see.
    async fn dissolve_group(&self, group: &str) -> Result<()>;

    /// Adds to the owner's list of friends, and the owner to theirs if `both`.
    async fn add_friends(
        &self,
        owner: &str,
        friends: Vec<NewFriend>,
        both: bool,
        now: u64,
    ) -> Result<Vec<Result<()>>>;
    /// Removes from the owner's list of friends, and the owner from theirs if `both`.
    async fn delete_friends(
        &self,
        owner: &str,
        friends: Vec<String>,
        both: bool,
    ) -> Result<Vec<Result<()>>>;
    /// The owner's friends from an index on.
    async fn friends(&self, owner: &str, start: usize, limit: usize) -> Result<FriendPage>;

    /// The owner's views, in no particular order.
    async fn views(&self, owner: &str) -> Result<Vec<OwnedView>>;
    /// Deletes conversations from views, all in one operation. Each has its own result: the
    /// position up to which it reached.
    async fn delete(&self, deletions: Vec<Deletion>) -> Result<Vec<Result<u64>>>;
    /// A page of those of the owner's views that have changed, for a device.
    async fn sync(&self, query: SyncQuery) -> Result<SyncPage>;
    /// Changes from now on, of this process and of others that share the store. Who is slow to
    /// read them is told that it missed some, and has to look at everything.
    fn changes(&self) -> broadcast::Receiver<Changed>;
    /// The members of a group.
    async fn members(&self, group: &str) -> Result<Vec<String>>;

    /// The last deletions, newest first.
    async fn recent_deletions(&self, limit: usize) -> Result<Vec<DeletionRecord>>;
    /// The deletions behind a number, oldest first.
    async fn deletions_after(&self, number: u64, limit: usize) -> Result<Vec<DeletionRecord>>;
    /// The number of the last deletion that was reported to the operator's webhook. Where none
    /// ever was, reporting begins behind the newest of now.
    async fn reported_through(&self) -> Result<u64>;
    /// Whether this process is the one that reports: never two at a time. A process that may report
    /// asks again and again, and takes over when the one before it ends.
    async fn reports(&self) -> Result<bool>;
    /// Remembers how far reporting has come.
    async fn set_reported_through(&self, number: u64) -> Result<()>;
    /// How the store is doing.
    async fn standing(&self) -> Result<Standing>;

    /// Appends a batch of a chat log; accounts and groups that it names come into being, and
    /// whoever writes in a group is a member who sees it from its beginning.
    async fn import(&self, batch: Vec<LoggedMessage>) -> Result<Imported>;

    /// Removes a bounded amount of what nobody can reach any more and of what is too old to be
    /// remembered. Says whether there may be more.
    async fn purge_step(&self, now: u64) -> Result<bool>;

    /// Ends the work and lets go of the store.
    async fn close(&self) -> Result<()>;
}

/// The time for which a deletion's id is remembered, in seconds.
pub const DELETION_MEMORY: u64 = 30 * 24 * 60 * 60;
/// The time in which a repeated group message is recognised, in seconds.
pub const GROUP_REPEAT: u64 = 5 * 60;
/// The time in which a repeated one-to-one message is recognised, in seconds.
pub const C2C_REPEAT: u64 = 1;

/// A conversation's name that two sides share: both users of a one-to-one conversation, or the
/// group.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Between {
    /// Two users.
    Users(String, String),
    /// A group's members.
    Group(String),
}

/// What the console and a device call a conversation of this owner.
#[must_use]
pub fn target(conversation: &ConversationId) -> String {
    conversation.native()
}
