//! The service `group_open_http_svc`: groups, their members and messages.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// Most members in one [`CreateGroup`].
pub const MAX_CREATE_MEMBERS: usize = 100;
/// Most members in one [`AddGroupMember`].
pub const MAX_ADD_MEMBERS: usize = 300;
/// Most members in one [`DeleteGroupMember`].
pub const MAX_DELETE_MEMBERS: usize = 100;
/// Most receivers of one [`SendGroupMsg`] that is meant for some members only.
pub const MAX_RECEIVERS: usize = 50;
/// Most messages in one page of [`GroupMsgGetSimple`].
pub const MAX_GROUP_PAGE: usize = 20;

/// The kinds of groups that [`CreateGroup`] takes.
pub const GROUP_TYPES: [&str; 7] = [
    "Public",
    "Private",
    "Work",
    "ChatRoom",
    "Meeting",
    "AVChatRoom",
    "Community",
];

/// Creates a group.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateGroup {
    /// Becomes a member; absent: the group has no owner.
    #[serde(
        rename = "Owner_Account",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub owner: Option<String>,
    /// One of [`GROUP_TYPES`].
    #[serde(rename = "Type")]
    pub kind: String,
    /// The id; absent: the server makes one.
    #[serde(rename = "GroupId", default, skip_serializing_if = "Option::is_none")]
    pub group_id: Option<String>,
    /// The name to show.
    #[serde(rename = "Name")]
    pub name: String,
    /// Members from the start, at most [`MAX_CREATE_MEMBERS`].
    #[serde(rename = "MemberList", default, skip_serializing_if = "Vec::is_empty")]
    pub members: Vec<Member>,
}

/// One account in a list of members. Other fields of the published call are not kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// Who.
    #[serde(rename = "Member_Account")]
    pub account: String,
}

/// The answer to [`CreateGroup`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreatedGroup {
    /// The id, given or made.
    #[serde(rename = "GroupId")]
    pub group_id: String,
}

/// Adds members.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddGroupMember {
    /// To which group.
    #[serde(rename = "GroupId")]
    pub group_id: String,
    /// Who, at most [`MAX_ADD_MEMBERS`].
    #[serde(rename = "MemberList")]
    pub members: Vec<Member>,
}

/// `Result` of an account that could not be added.
pub const ADD_FAILED: u8 = 0;
/// `Result` of an account that is a member now.
pub const ADD_DONE: u8 = 1;
/// `Result` of an account that was a member already.
pub const ADD_ALREADY: u8 = 2;

/// The answer to [`AddGroupMember`], in the order of the request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddedGroupMember {
    /// One for each account.
    #[serde(rename = "MemberList")]
    pub members: Vec<AddedMember>,
}

/// What became of one account of an [`AddGroupMember`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddedMember {
    /// Who.
    #[serde(rename = "Member_Account")]
    pub account: String,
    /// [`ADD_FAILED`], [`ADD_DONE`] or [`ADD_ALREADY`].
    #[serde(rename = "Result")]
    pub result: u8,
}

/// Removes members; succeeds for an account that is none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeleteGroupMember {
    /// From which group.
    #[serde(rename = "GroupId")]
    pub group_id: String,
    /// Who, at most [`MAX_DELETE_MEMBERS`].
    #[serde(rename = "MemberToDel_Account")]
    pub accounts: Vec<String>,
}

/// Dissolves a group.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DestroyGroup {
    /// Which group.
    #[serde(rename = "GroupId")]
    pub group_id: String,
}

/// Sends a group message.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct SendGroupMsg {
    /// To which group.
    #[serde(rename = "GroupId")]
    pub group_id: String,
    /// The sender; absent: whoever signed in.
    #[serde(
        rename = "From_Account",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub from_account: Option<String>,
    /// Tells a repeated request from a second message with the same content.
    #[serde(rename = "Random")]
    pub random: u32,
    /// The array of elements.
    #[serde(rename = "MsgBody")]
    pub body: Box<RawValue>,
    /// 1: for those who are online only; not stored.
    #[serde(
        rename = "OnlineOnlyFlag",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub online_only: Option<u8>,
    /// Only these members see it, at most [`MAX_RECEIVERS`]; absent or empty: all.
    #[serde(rename = "To_Account", default, skip_serializing_if = "Vec::is_empty")]
    pub receivers: Vec<String>,
    /// What the sender attached.
    #[serde(
        rename = "CloudCustomData",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub cloud_custom_data: Option<String>,
}

/// The answer to [`SendGroupMsg`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SentGroupMsg {
    /// When the server took it, in Unix seconds.
    #[serde(rename = "MsgTime")]
    pub time: u64,
    /// Its position in the group, from 1 up; 0 when it was not stored.
    #[serde(rename = "MsgSeq")]
    pub seq: u64,
}

/// Asks for a page of group history, newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupMsgGetSimple {
    /// Which group.
    #[serde(rename = "GroupId")]
    pub group_id: String,
    /// Most messages, 1 to [`MAX_GROUP_PAGE`].
    #[serde(rename = "ReqMsgNumber")]
    pub count: usize,
    /// The highest position wanted; absent: the newest.
    #[serde(rename = "ReqMsgSeq", default, skip_serializing_if = "Option::is_none")]
    pub through: Option<u64>,
}

/// `IsFinished`: more messages follow.
pub const FINISHED_NOT: u8 = 0;
/// `IsFinished`: nothing older exists.
pub const FINISHED_ALL: u8 = 1;

/// The answer to [`GroupMsgGetSimple`].
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct GroupMsgs {
    /// Which group.
    #[serde(rename = "GroupId")]
    pub group_id: String,
    /// [`FINISHED_NOT`] or [`FINISHED_ALL`].
    #[serde(rename = "IsFinished")]
    pub finished: u8,
    /// The messages, newest first.
    #[serde(rename = "RspMsgList")]
    pub messages: Vec<GroupMsg>,
}

/// One message of [`GroupMsgs`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct GroupMsg {
    /// The sender.
    #[serde(rename = "From_Account")]
    pub from_account: String,
    /// 0: a message; 1: what was deleted; 2: what was recalled.
    #[serde(rename = "IsPlaceMsg")]
    pub place: u8,
    /// The array of elements, as it was sent.
    #[serde(rename = "MsgBody")]
    pub body: Box<RawValue>,
    /// 1 high, 2 normal, 3 low.
    #[serde(rename = "MsgPriority")]
    pub priority: u8,
    /// The sender's random.
    #[serde(rename = "MsgRandom")]
    pub random: u32,
    /// Its position.
    #[serde(rename = "MsgSeq")]
    pub seq: u64,
    /// When, in Unix seconds.
    #[serde(rename = "MsgTimeStamp")]
    pub time: u64,
    /// What the sender attached.
    #[serde(
        rename = "CloudCustomData",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub cloud_custom_data: Option<String>,
}
