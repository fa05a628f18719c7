//! What goes into and comes out of a storage engine.

use adieu_protocol::ConversationId;

use super::{
    Between,
    view::{Extent, Heads, View},
};

/// Settings that belong to a store.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Which app the store serves; none in a store that was never served.
    pub app_id: Option<u64>,
    /// Whether deletions reach the user's other devices.
    pub sync_deletions: bool,
    /// Random bytes that were drawn when the store was made: key of cursors, and the incarnation
    /// that tells this store from every other.
    pub secret: Vec<u8>,
}

/// An account to be made known.
#[derive(Clone, Debug, Default)]
pub struct Account {
    /// The user id.
    pub name: String,
    /// The name to show.
    pub nick: Option<String>,
    /// Where the picture is.
    pub face_url: Option<String>,
}

/// What every message has before it is stored.
#[derive(Clone, Debug, Default)]
pub struct Draft {
    /// Who sends it.
    pub sender: String,
    /// When, in Unix seconds.
    pub time: u64,
    /// The sender's own number; absent: the position.
    pub seq: Option<u32>,
    /// The sender's random.
    pub random: u32,
    /// The array of elements, as JSON.
    pub body: String,
    /// What the sender attached.
    pub custom: Option<String>,
}

/// A one-to-one message to be stored.
#[derive(Clone, Debug, Default)]
pub struct C2cMessage {
    /// The message.
    pub draft: Draft,
    /// The receiver.
    pub receiver: String,
    /// Whether the receiver only gets it, not the sender's own view.
    pub receiver_only: bool,
}

/// A group message to be stored.
#[derive(Clone, Debug, Default)]
pub struct GroupMessage {
    /// The message.
    pub draft: Draft,
    /// The group.
    pub group: String,
    /// Who sees it beside the sender; empty: every member.
    pub receivers: Vec<String>,
    /// Whether a sender who is no member is refused.
    pub members_only: bool,
}

/// A message that has been stored, now or by an earlier equal request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sent {
    /// Its place in the conversation.
    pub position: u64,
    /// The sender's own number.
    pub seq: u32,
    /// When, in Unix seconds.
    pub time: u64,
}

/// A message as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Its place in the conversation.
    pub position: u64,
    /// Who sent it.
    pub sender: String,
    /// When, in Unix seconds.
    pub time: u64,
    /// The sender's own number.
    pub seq: u32,
    /// The sender's random.
    pub random: u32,
    /// The array of elements, as JSON.
    pub body: String,
    /// What the sender attached.
    pub custom: Option<String>,
}

/// Asks for one-to-one history in a range of time.
#[derive(Clone, Debug)]
pub struct RoamQuery {
    /// Whose view.
    pub operator: String,
    /// With whom.
    pub peer: String,
    /// Earliest time.
    pub min_time: u64,
    /// Latest time.
    pub max_time: u64,
    /// Sequence number, random and time of the message to go on behind.
    pub behind: Option<(u32, u32, u64)>,
    /// Most messages.
    pub limit: usize,
    /// About how many bytes of messages.
    pub bytes: usize,
}

/// A page of one-to-one history.
#[derive(Clone, Debug, Default)]
pub struct RoamPage {
    /// Ascending.
    pub messages: Vec<Message>,
    /// Whether nothing older lies in the range.
    pub complete: bool,
}

impl RoamPage {
    /// The part that an answer has room for, of the newest messages in the range: newest first, and
    /// one more than asked for where there is more.
    pub(super) fn fitting(mut messages: Vec<Message>, query: &RoamQuery) -> Self {
        let mut complete = messages.len() <= query.limit;
        messages.truncate(query.limit);
        let mut bytes = 0;
        // The first comes however large it is: a page without a message would never end.
        let fitting = messages.iter().take_while(|message| {
            let fits = bytes == 0 || bytes + message.size() <= query.bytes;
            bytes += message.size();
            fits
        });
        let fitting = fitting.count();
        if fitting < messages.len() {
            complete = false;
            messages.truncate(fitting);
        }
        messages.reverse();
        Self { messages, complete }
    }
}

impl Message {
    /// About what it takes in an answer: its body, and the fields around it.
    fn size(&self) -> usize {
        200 + self.body.len() + self.custom.as_ref().map_or(0, String::len)
    }
}

/// Asks for group history.
#[derive(Clone, Debug)]
pub struct GroupQuery {
    /// Which group.
    pub group: String,
    /// Whose view; none: all that is stored.
    pub viewer: Option<String>,
    /// The highest position wanted.
    pub through: Option<u64>,
    /// Most messages.
    pub limit: usize,
}

/// A page of group history.
#[derive(Clone, Debug, Default)]
pub struct GroupPage {
    /// Descending.
    pub messages: Vec<Message>,
    /// Whether nothing older exists.
    pub complete: bool,
}

/// Asks for what an owner's view shows.
#[derive(Clone, Debug)]
pub struct HistoryQuery {
    /// Whose view.
    pub owner: String,
    /// Of which conversation.
    pub conversation: ConversationId,
    /// Only positions above this one.
    pub after: u64,
    /// Most messages.
    pub limit: usize,
}

/// A page of what an owner's view shows.
#[derive(Clone, Debug, Default)]
pub struct HistoryPage {
    /// Ascending.
    pub messages: Vec<Message>,
    /// The highest position that the owner can see, 0 when there is none.
    pub head: u64,
    /// Whether nothing newer exists.
    pub complete: bool,
}

/// A group to be created.
#[derive(Clone, Debug, Default)]
pub struct NewGroup {
    /// Its id.
    pub id: String,
    /// The name to show.
    pub title: String,
    /// Its kind, as the published API names it.
    pub kind: String,
    /// Who owns it; a member.
    pub owner: Option<String>,
    /// Who else is a member.
    pub members: Vec<String>,
}

/// What became of an account that was to join a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Joined {
    /// It is a member now.
    Now,
    /// It was one already.
    Already,
    /// It was never imported.
    Unknown,
}

/// A friend to be added.
#[derive(Clone, Debug, Default)]
pub struct NewFriend {
    /// Who.
    pub account: String,
    /// What the owner calls the friend.
    pub remark: Option<String>,
    /// Where the friend came from.
    pub source: Option<String>,
}

/// A friend.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Friend {
    /// Who.
    pub account: String,
    /// What the owner calls the friend.
    pub remark: Option<String>,
    /// Where the friend came from.
    pub source: Option<String>,
    /// Since when, in Unix seconds.
    pub since: u64,
}

/// A page of friends.
#[derive(Clone, Debug, Default)]
pub struct FriendPage {
    /// The friends, by user id.
    pub friends: Vec<Friend>,
    /// How many there are in all.
    pub count: usize,
}

/// One of an owner's views, with its conversation.
#[derive(Clone, Debug)]
pub struct OwnedView {
    /// The conversation, as the owner names it.
    pub conversation: ConversationId,
    /// Sorts views for paging; never changes.
    pub key: u64,
    /// The group's name; empty for a one-to-one conversation.
    pub title: String,
    /// The view.
    pub view: View,
    /// The conversation's heads.
    pub heads: Heads,
    /// The highest cut-off of the asking device's own deletions of messages.
    pub device_erased_through: u64,
    /// The highest cut-off of the asking device's own deletions of the list entry.
    pub device_hidden_through: u64,
}

/// A deletion as it was asked for.
#[derive(Clone, Debug)]
pub struct Deletion {
    /// From whose view.
    pub owner: String,
    /// Which conversation.
    pub conversation: ConversationId,
    /// What goes.
    pub extent: Extent,
    /// The last position that it covers; none: the head.
    pub cut_off: Option<u64>,
    /// The owner's name for this deletion.
    pub id: Option<[u8; 16]>,
    /// Which of the owner's devices asks; none: a back end.
    pub device: Option<String>,
    /// When, in Unix seconds.
    pub now: u64,
}

/// A deletion as it is remembered. It tells who deleted what, never content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeletionRecord {
    /// Counts deletions in the order in which they took effect.
    pub number: u64,
    /// From whose view.
    pub owner: String,
    /// Which conversation, in the native dialect.
    pub conversation: String,
    /// What went.
    pub extent: Extent,
    /// Up to which position it reached.
    pub cut_off: u64,
    /// How many positions of the view it took; one that was a message to others counts too.
    pub cleared: u64,
    /// Whether it is propagated to the owner's other devices.
    pub propagated: bool,
    /// The owner's name for it.
    pub id: Option<[u8; 16]>,
    /// Which device asked; none: a back end through REST.
    pub device: Option<String>,
    /// When, in Unix seconds.
    pub at: u64,
}

/// The changes that a device knows: all up to a number, but for a few.
///
/// An engine with one writer knows no exceptions. Where several write at once, those that were
/// under way when somebody looked have lower numbers than some that were done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// Up to this number,
    pub through: u64,
    /// without these.
    pub without: Vec<u64>,
}

impl Known {
    /// All up to a number.
    #[must_use]
    pub fn all_through(through: u64) -> Self {
        Self {
            through,
            without: Vec::new(),
        }
    }
}

/// Where a device stands in the changes of its owner's views.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SyncPosition {
    /// Which opening of the store gave it: two stores may count alike, and a restored one counts
    /// again.
    pub incarnation: u64,
    /// The device knows the state as of these changes.
    pub since: Known,
    /// The changes that the pass under way brings it to.
    pub target: Known,
    /// The pass under way goes on behind the view with this key; 0: none is under way.
    pub after: u64,
}

/// Asks for those of an owner's views that have changed.
#[derive(Clone, Debug)]
pub struct SyncQuery {
    /// Whose views.
    pub owner: String,
    /// Which device asks.
    pub device: Option<String>,
    /// Where it stands; none: it knows nothing.
    pub position: Option<SyncPosition>,
    /// Most views.
    pub limit: usize,
}

/// A page of an owner's views.
#[derive(Clone, Debug, Default)]
pub struct SyncPage {
    /// Ascending by key.
    pub views: Vec<OwnedView>,
    /// Where the device stands with it.
    pub position: SyncPosition,
    /// Whether nothing follows.
    pub complete: bool,
    /// Whether the query's position was none of this store's, and this is the first of all views.
    pub anew: bool,
}

/// A change that somebody may be waiting for. It is a hint that there is something to look at,
/// given after the commit; nothing is lost with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Changed {
    /// Of this account's views.
    Views(String),
    /// Of the views of all members of this group.
    Group(String),
    /// This account has deleted.
    Deletion(String),
    /// Of the settings.
    Settings,
    /// Of anything: there was too much to tell, or nobody knows.
    All,
}

/// How a store is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Conversations in which there may be something to purge.
    pub purge_backlog: u64,
    /// What the files take, in bytes.
    pub bytes: u64,
    /// The store's own time, in Unix seconds, where it has one.
    pub time: Option<u64>,
}

/// A message of a chat log.
#[derive(Clone, Debug)]
pub struct LoggedMessage {
    /// The conversation.
    pub between: Between,
    /// Who sent it.
    pub sender: String,
    /// When, in Unix seconds.
    pub time: u64,
    /// The array of elements, as JSON.
    pub body: String,
}

/// What a batch of a chat log did.
#[derive(Clone, Copy, Debug, Default)]
pub struct Imported {
    /// Messages that were appended.
    pub messages: u64,
    /// Accounts that came into being.
    pub accounts: u64,
    /// Conversations that came into being.
    pub conversations: u64,
    /// Messages that are older than one ahead of them.
    pub out_of_order: u64,
}
