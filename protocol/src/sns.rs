//! The service `sns`: friends. Being friends and having a conversation are two things: nothing
//! here deletes a conversation.

use serde::{Deserialize, Serialize};

/// Most friends in one [`FriendAdd`] and in one [`FriendDelete`].
pub const MAX_FRIENDS: usize = 1_000;
/// Friends in one page of [`FriendGet`].
pub const FRIEND_PAGE: usize = 100;

/// `AddType`: only in the list of `From_Account`.
pub const ADD_SINGLE: &str = "Add_Type_Single";
/// `AddType`: in both lists.
pub const ADD_BOTH: &str = "Add_Type_Both";
/// `DeleteType`: only from the list of `From_Account`.
pub const DELETE_SINGLE: &str = "Delete_Type_Single";
/// `DeleteType`: from both lists.
pub const DELETE_BOTH: &str = "Delete_Type_Both";

/// Adds friends.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FriendAdd {
    /// Whose list.
    #[serde(rename = "From_Account")]
    pub from_account: String,
    /// Who.
    #[serde(rename = "AddFriendItem")]
    pub items: Vec<FriendAddItem>,
    /// [`ADD_SINGLE`] or [`ADD_BOTH`]; absent: both.
    #[serde(rename = "AddType", default, skip_serializing_if = "Option::is_none")]
    pub add_type: Option<String>,
}

/// One friend of a [`FriendAdd`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FriendAddItem {
    /// Who.
    #[serde(rename = "To_Account")]
    pub to_account: String,
    /// What the owner calls the friend.
    #[serde(rename = "Remark", default, skip_serializing_if = "Option::is_none")]
    pub remark: Option<String>,
    /// Where the friend came from: `AddSource_Type_…`.
    #[serde(rename = "AddSource", default, skip_serializing_if = "Option::is_none")]
    pub add_source: Option<String>,
}

/// Deletes friends.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FriendDelete {
    /// From whose list.
    #[serde(rename = "From_Account")]
    pub from_account: String,
    /// Who.
    #[serde(rename = "To_Account")]
    pub to_accounts: Vec<String>,
    /// [`DELETE_SINGLE`] or [`DELETE_BOTH`]; absent: single.
    #[serde(
        rename = "DeleteType",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub delete_type: Option<String>,
}

/// The answer to [`FriendAdd`] and [`FriendDelete`]: a result for each item under one envelope
/// that says OK.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FriendResults {
    /// One for each item, in the order of the request.
    #[serde(rename = "ResultItem")]
    pub results: Vec<FriendResult>,
    /// Those whose result is not 0.
    #[serde(
        rename = "Fail_Account",
        default,
        skip_serializing_if = "Vec::is_empty"
    )]
    pub failed: Vec<String>,
}

/// What became of one item.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FriendResult {
    /// Who.
    #[serde(rename = "To_Account")]
    pub to_account: String,
    /// 0 or one of [`crate::error_code`].
    #[serde(rename = "ResultCode")]
    pub code: i32,
    /// The server's words; empty on success.
    #[serde(rename = "ResultInfo", default)]
    pub info: String,
}

/// Lists friends.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FriendGet {
    /// Whose list.
    #[serde(rename = "From_Account")]
    pub from_account: String,
    /// Where to go on; 0 begins.
    #[serde(rename = "StartIndex", default)]
    pub start_index: usize,
    /// The sequence that the caller's copy has.
    #[serde(rename = "StandardSequence", default)]
    pub standard_sequence: u64,
    /// The sequence that the caller's copy has.
    #[serde(rename = "CustomSequence", default)]
    pub custom_sequence: u64,
}

/// A page of friends.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Friends {
    /// The friends.
    #[serde(rename = "UserDataItem")]
    pub items: Vec<Friend>,
    /// The list's sequence.
    #[serde(rename = "StandardSequence")]
    pub standard_sequence: u64,
    /// The list's sequence.
    #[serde(rename = "CustomSequence")]
    pub custom_sequence: u64,
    /// How many friends there are in all.
    #[serde(rename = "FriendNum")]
    pub count: usize,
    /// 1: nothing follows.
    #[serde(rename = "CompleteFlag")]
    pub complete: u8,
    /// For the next page.
    #[serde(rename = "NextStartIndex")]
    pub next_start_index: usize,
}

/// One friend of [`Friends`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Friend {
    /// Who.
    #[serde(rename = "To_Account")]
    pub to_account: String,
    /// What the owner noted.
    #[serde(rename = "ValueItem")]
    pub values: Vec<FriendValue>,
}

/// One note of a [`Friend`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FriendValue {
    /// `Tag_SNS_IM_Remark`, `Tag_SNS_IM_AddSource`, `Tag_SNS_IM_AddTime`.
    #[serde(rename = "Tag")]
    pub tag: String,
    /// Its value.
    #[serde(rename = "Value")]
    pub value: serde_json::Value,
}
