//! The service `recentcontact`: listing conversations, deleting them, and adieu's own calls that
//! a device pulls its state with.
//!
//! Fields that adieu added to the published calls are optional and say so; leaving them out gives
//! the published behaviour.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::{ConversationId, InvalidConversationId, conversation_id};

/// `Type` of a one-to-one conversation.
pub const TYPE_C2C: u8 = 1;
/// `Type` of a group conversation.
pub const TYPE_GROUP: u8 = 2;

/// Most conversations in one [`BatchDelete`].
pub const MAX_BATCH: usize = 100;
/// Most messages in one page of [`GetHistory`].
pub const MAX_HISTORY_PAGE: usize = 1_000;
/// Most conversations in one page of [`Sync`].
pub const MAX_SYNC_PAGE: usize = 500;
/// Longest time for which the answer to a [`Sync`] is held, in seconds.
pub const MAX_SYNC_WAIT: u8 = 60;
/// The first version of a device that is sent the deletions of others.
pub const DELETIONS_SINCE: &str = "5.1.1";

/// For fields of our own that a published server or client need not see.
fn is_zero(number: &u8) -> bool {
    *number == 0
}

/// How the wire names a conversation: by type and the peer's or the group's id.
///
/// Deleting spells the group's field `ToGroupid`, listing `GroupId`. Published clients send
/// lower-case `type`, and the group id in `To_Account`: both are read, neither is written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// [`TYPE_C2C`] or [`TYPE_GROUP`].
    #[serde(rename = "Type", alias = "type")]
    pub kind: u8,
    /// The peer of a one-to-one conversation.
    #[serde(
        rename = "To_Account",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub to_account: Option<String>,
    /// The group.
    #[serde(
        rename = "ToGroupid",
        alias = "GroupId",
        alias = "ToGroupId",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub to_group_id: Option<String>,
}

/// Why a [`Target`] names no conversation.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadTarget {
    /// `Type` is neither 1 nor 2.
    #[error("Type is {0}; allowed: 1 (one-to-one), 2 (group)")]
    Kind(u8),
    /// The id that the type asks for is not there.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// The id breaks the rule.
    #[error(transparent)]
    Id(#[from] InvalidConversationId),
}

impl Target {
    /// The wire's name of a conversation; `None` for the system conversation, which the REST API
    /// does not know.
    #[must_use]
    pub fn of(id: &ConversationId) -> Option<Self> {
        match id {
            ConversationId::C2c(user) => Some(Self {
                kind: TYPE_C2C,
                to_account: Some(user.to_string()),
                to_group_id: None,
            }),
            ConversationId::Group(group) => Some(Self {
                kind: TYPE_GROUP,
                to_account: None,
                to_group_id: Some(group.to_string()),
            }),
            ConversationId::System => None,
        }
    }

    /// Which conversation is meant.
    ///
    /// # Errors
    /// [`BadTarget`], whose text says what is missing or allowed.
    pub fn conversation(&self) -> Result<ConversationId, BadTarget> {
        match self.kind {
            TYPE_C2C => {
                let user = self
                    .to_account
                    .as_deref()
                    .ok_or(BadTarget::Missing("To_Account"))?;
                conversation_id::check_user_id(user)?;
                Ok(ConversationId::C2c(user.into()))
            }
            TYPE_GROUP => {
                let group = self.to_group_id.as_deref().or(self.to_account.as_deref());
                let group = group.ok_or(BadTarget::Missing("ToGroupid"))?;
                conversation_id::check_group_id(group)?;
                Ok(ConversationId::Group(group.into()))
            }
            other => Err(BadTarget::Kind(other)),
        }
    }
}

/// Deletes one conversation from the view of `From_Account`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delete {
    /// Whose view.
    #[serde(rename = "From_Account")]
    pub from_account: String,
    /// Which conversation.
    #[serde(flatten)]
    pub target: Target,
    /// 1: the history goes too; 0 or absent: only the list entry.
    #[serde(rename = "ClearRamble", default)]
    pub clear_ramble: u8,
    /// adieu's own. With [`Self::clear_ramble`] 1: the messages go and the conversation stays in the
    /// owner's list, pinned if it was. 0 or absent: it leaves the list. 1 without `ClearRamble` 1
    /// is refused: nothing would be deleted.
    #[serde(rename = "KeepListed", default, skip_serializing_if = "is_zero")]
    pub keep_listed: u8,
    /// adieu's own. The last position that this deletion covers; absent: the head at the first
    /// receipt of this deletion id.
    #[serde(rename = "CutOff", default, skip_serializing_if = "Option::is_none")]
    pub cut_off: Option<u64>,
    /// adieu's own. 32 lower-case hexadecimal digits, unique for the owner; a request with an id
    /// that the server has answered already gets the same answer and does nothing.
    #[serde(
        rename = "DeletionId",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub deletion_id: Option<String>,
    /// adieu's own. Which of the owner's devices asks.
    #[serde(rename = "DeviceId", default, skip_serializing_if = "Option::is_none")]
    pub device_id: Option<String>,
}

/// What a deletion did. Published clients see an answer with two fields more than they read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deleted {
    /// adieu's own. The position up to which this deletion reached: the request's cut-off, or the
    /// head at its first receipt; never above the head.
    #[serde(
        rename = "ClearedThrough",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub cleared_through: Option<u64>,
}

/// Deletes up to [`MAX_BATCH`] conversations of one owner in one request. adieu's own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchDelete {
    /// Whose views.
    #[serde(rename = "From_Account")]
    pub from_account: String,
    /// Which of the owner's devices asks.
    #[serde(rename = "DeviceId", default, skip_serializing_if = "Option::is_none")]
    pub device_id: Option<String>,
    /// Which conversations.
    #[serde(rename = "DeleteItem")]
    pub items: Vec<BatchDeleteItem>,
}

/// One conversation of a [`BatchDelete`]; the fields are those of [`Delete`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchDeleteItem {
    /// Which conversation.
    #[serde(flatten)]
    pub target: Target,
    /// See [`Delete::clear_ramble`].
    #[serde(rename = "ClearRamble", default)]
    pub clear_ramble: u8,
    /// See [`Delete::keep_listed`].
    #[serde(rename = "KeepListed", default, skip_serializing_if = "is_zero")]
    pub keep_listed: u8,
    /// See [`Delete::cut_off`].
    #[serde(rename = "CutOff", default, skip_serializing_if = "Option::is_none")]
    pub cut_off: Option<u64>,
    /// See [`Delete::deletion_id`].
    #[serde(
        rename = "DeletionId",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub deletion_id: Option<String>,
}

/// The answer to a [`BatchDelete`]: one result for each item, in the order of the request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchDeleted {
    /// One for each item.
    #[serde(rename = "ResultItem")]
    pub results: Vec<BatchDeleteResult>,
}

/// What became of one item of a [`BatchDelete`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchDeleteResult {
    /// 0, or the code that [`Delete`] would have been refused with.
    #[serde(rename = "ResultCode")]
    pub code: i32,
    /// The server's words; empty on success.
    #[serde(rename = "ResultInfo", default)]
    pub info: String,
    /// See [`Deleted::cleared_through`].
    #[serde(
        rename = "ClearedThrough",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub cleared_through: Option<u64>,
}

/// `AssistFlags` bit: pinned conversations are listed.
pub const ASSIST_PINNED: u32 = 1;
/// `AssistFlags` bit: conversations without a visible message are listed.
pub const ASSIST_EMPTY: u32 = 2;
/// `AssistFlags` bit: pinned conversations are paged too.
pub const ASSIST_PAGE_PINNED: u32 = 4;

/// Lists the conversations of `From_Account`, newest first, in pages of at most 100.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GetList {
    /// Whose list.
    #[serde(rename = "From_Account")]
    pub from_account: String,
    /// Where to go on; 0 begins.
    #[serde(rename = "TimeStamp", default)]
    pub time_stamp: u64,
    /// Where to go on within `TimeStamp`; 0 begins.
    #[serde(rename = "StartIndex", default)]
    pub start_index: u64,
    /// Where to go on among the pinned; 0 begins.
    #[serde(rename = "TopTimeStamp", default)]
    pub top_time_stamp: u64,
    /// Where to go on within `TopTimeStamp`; 0 begins.
    #[serde(rename = "TopStartIndex", default)]
    pub top_start_index: u64,
    /// Bits [`ASSIST_PINNED`], [`ASSIST_EMPTY`], [`ASSIST_PAGE_PINNED`].
    #[serde(rename = "AssistFlags", default)]
    pub assist_flags: u32,
}

/// A page of the list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct List {
    /// The conversations.
    #[serde(rename = "SessionItem")]
    pub items: Vec<SessionItem>,
    /// 1: nothing follows.
    #[serde(rename = "CompleteFlag")]
    pub complete: u8,
    /// For the next page.
    #[serde(rename = "TimeStamp")]
    pub time_stamp: u64,
    /// For the next page.
    #[serde(rename = "StartIndex")]
    pub start_index: u64,
    /// For the next page.
    #[serde(rename = "TopTimeStamp")]
    pub top_time_stamp: u64,
    /// For the next page.
    #[serde(rename = "TopStartIndex")]
    pub top_start_index: u64,
}

/// One conversation of a [`List`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionItem {
    /// [`TYPE_C2C`] or [`TYPE_GROUP`].
    #[serde(rename = "Type")]
    pub kind: u8,
    /// The peer of a one-to-one conversation.
    #[serde(
        rename = "To_Account",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub to_account: Option<String>,
    /// The group.
    #[serde(rename = "GroupId", default, skip_serializing_if = "Option::is_none")]
    pub group_id: Option<String>,
    /// When the newest message came, in Unix seconds.
    #[serde(rename = "MsgTime")]
    pub msg_time: u64,
    /// 1: pinned.
    #[serde(rename = "TopFlag")]
    pub top_flag: u8,
}

/// Asks for the state of the owner's views, page by page. adieu's own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sync {
    /// Whose views.
    #[serde(rename = "From_Account")]
    pub from_account: String,
    /// Which of the owner's devices asks; it is told of its own deletions.
    #[serde(rename = "DeviceId", default, skip_serializing_if = "Option::is_none")]
    pub device_id: Option<String>,
    /// The version that the device states, as numbers and dots (`5.1.1`); absent: the newest. One
    /// that is older than [`DELETIONS_SINCE`] is told of its own deletions only.
    #[serde(rename = "Version", default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Opaque: what the last page gave this device; empty begins. One that the server cannot go on
    /// from (of another store, of a database that was restored since, of another device or
    /// version, damaged) begins anew, and the answer says so in [`Synced::anew`].
    #[serde(rename = "Cursor", default)]
    pub cursor: String,
    /// Most views in the answer, 1 to [`MAX_SYNC_PAGE`]; 0 leaves it to the server.
    #[serde(rename = "MaxCnt", default)]
    pub max_count: usize,
    /// A long-poll: where the cursor is at its end and nothing has changed, the answer is held for
    /// so many seconds, 0 to [`MAX_SYNC_WAIT`], or until something changes. 0 or absent: answered
    /// at once.
    #[serde(rename = "Wait", default, skip_serializing_if = "is_zero")]
    pub wait: u8,
}

/// A page of views: the state of those that have changed since the cursor.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Synced {
    /// The views.
    #[serde(rename = "Views")]
    pub views: Vec<View>,
    /// For the next page.
    #[serde(rename = "Cursor")]
    pub cursor: String,
    /// 1: nothing follows; the cursor stands at its end.
    #[serde(rename = "Complete")]
    pub complete: u8,
    /// 1: the request's cursor was not one to go on from, and this is the first page of all views.
    #[serde(rename = "Anew", default, skip_serializing_if = "is_zero")]
    pub anew: u8,
}

/// [`View::erased_by`]: the asking device itself.
pub const ERASED_BY_THIS_DEVICE: u8 = 0;
/// [`View::erased_by`]: another device of the owner.
pub const ERASED_BY_ANOTHER_DEVICE: u8 = 1;
/// [`View::erased_by`]: a back end through REST, which named no device.
pub const ERASED_BY_BACK_END: u8 = 2;

/// How one owner sees one conversation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct View {
    /// Which conversation.
    #[serde(flatten)]
    pub target: Target,
    /// The group's name; empty for a one-to-one conversation.
    #[serde(rename = "Title", default)]
    pub title: String,
    /// The highest position that the owner can see; 0 when there is none, and when the owner's list
    /// does not show the conversation.
    #[serde(rename = "Head")]
    pub head: u64,
    /// 1: the conversation stands in the owner's list on the server, even where `Head` is 0 (its
    /// history was cleared).
    #[serde(rename = "Listed", default)]
    pub listed: u8,
    /// Positions up to here are read.
    #[serde(rename = "ReadThrough", default)]
    pub read_through: u64,
    /// Positions up to here are deleted from this owner's view on the server.
    #[serde(rename = "ClearedThrough", default)]
    pub cleared_through: u64,
    /// Positions up to here must be erased by the asking device: its own deletions, and those of
    /// the others as far as they are propagated.
    #[serde(rename = "EraseThrough", default)]
    pub erase_through: u64,
    /// Where `EraseThrough` is above 0, who made the newest deletion that raised it:
    /// [`ERASED_BY_THIS_DEVICE`], [`ERASED_BY_ANOTHER_DEVICE`] or [`ERASED_BY_BACK_END`].
    #[serde(rename = "ErasedBy", default)]
    pub erased_by: u8,
    /// The list entry was deleted up to here, by the asking device or, as far as that is
    /// propagated, by others; 0: it was not. The device hides its entry where it has no message
    /// above it and `Listed` is 0. Where the messages went too, `EraseThrough` says so.
    #[serde(rename = "HiddenThrough", default)]
    pub hidden_through: u64,
    /// 1: pinned.
    #[serde(rename = "TopFlag", default)]
    pub top_flag: u8,
}

/// Asks for a page of the owner's view of one conversation. adieu's own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GetHistory {
    /// Whose view.
    #[serde(rename = "From_Account")]
    pub from_account: String,
    /// Which conversation.
    #[serde(flatten)]
    pub target: Target,
    /// Only messages above this position; they come in ascending order.
    #[serde(rename = "After", default)]
    pub after: u64,
    /// Most messages in the answer, 1 to [`MAX_HISTORY_PAGE`]; 0 leaves it to the server.
    #[serde(rename = "MaxCnt", default)]
    pub max_count: usize,
}

/// A page of history, ascending by position.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct History {
    /// The messages.
    #[serde(rename = "Messages")]
    pub messages: Vec<HistoryMessage>,
    /// 1: nothing follows.
    #[serde(rename = "Complete")]
    pub complete: u8,
    /// The highest position that the owner can see.
    #[serde(rename = "Head")]
    pub head: u64,
}

/// One message of a [`History`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct HistoryMessage {
    /// Its place in the conversation, from 1 up.
    #[serde(rename = "Position")]
    pub position: u64,
    /// Who sent it.
    #[serde(rename = "From_Account")]
    pub from_account: String,
    /// When, in Unix seconds.
    #[serde(rename = "MsgTime")]
    pub time: u64,
    /// The array of elements, as it was sent.
    #[serde(rename = "MsgBody")]
    pub body: Box<RawValue>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_spellings_of_a_target_are_read() {
        for text in [
            r#"{"From_Account":"a","Type":2,"ToGroupid":"g"}"#,
            r#"{"From_Account":"a","type":2,"To_Account":"g"}"#,
            r#"{"From_Account":"a","Type":2,"GroupId":"g","ClearRamble":0}"#,
        ] {
            let delete: Delete = serde_json::from_str(text).unwrap();
            assert_eq!(
                delete.target.conversation(),
                Ok(ConversationId::Group("g".into())),
                "{text}"
            );
            assert_eq!(delete.clear_ramble, 0);
        }
    }

    #[test]
    fn deleting_writes_the_published_spelling_and_nothing_of_its_own_unasked() {
        let delete = Delete {
            from_account: "a".to_owned(),
            target: Target::of(&ConversationId::Group("g".into())).unwrap(),
            clear_ramble: 1,
            ..Delete::default()
        };
        let text = serde_json::to_string(&delete).unwrap();
        assert_eq!(
            text,
            r#"{"From_Account":"a","Type":2,"ToGroupid":"g","ClearRamble":1}"#
        );
    }

    #[test]
    fn a_wrong_target_says_what_is_allowed() {
        let bad = |text: &str| {
            serde_json::from_str::<Target>(text)
                .unwrap()
                .conversation()
                .unwrap_err()
                .to_string()
        };
        assert!(bad(r#"{"Type":3,"To_Account":"x"}"#).contains("allowed: 1"));
        assert!(bad(r#"{"Type":1}"#).contains("To_Account is missing"));
        assert!(bad(r#"{"Type":2}"#).contains("ToGroupid is missing"));
        assert!(
            bad(r#"{"Type":1,"To_Account":"0123456789012345678901234567890123"}"#)
                .contains("at most 32")
        );
    }
}
