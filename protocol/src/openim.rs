//! The service `openim`: one-to-one messages.
//!
//! What a request must have is optional in its type, because each missing field has a number of
//! its own and the server has to see which one it is.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// Largest `MsgBody`, in bytes of its JSON.
pub const MAX_BODY: usize = 12 * 1024;
/// Most messages in one page of [`GetRoamMsg`].
pub const MAX_ROAM_PAGE: usize = 100;
/// About how many bytes of messages one page of [`GetRoamMsg`] carries.
pub const ROAM_PAGE_BYTES: usize = 13 * 1024;
/// `SyncOtherMachine`: the message does not enter the sender's own view.
pub const SYNC_NOT_TO_SENDER: u8 = 2;

/// Sends a one-to-one message.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct SendMsg {
    /// 1 or absent: the sender's view gets the message too; [`SYNC_NOT_TO_SENDER`]: it does not.
    #[serde(
        rename = "SyncOtherMachine",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub sync_other_machine: Option<u8>,
    /// The sender; absent: whoever signed in.
    #[serde(
        rename = "From_Account",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub from_account: Option<String>,
    /// The receiver.
    #[serde(
        rename = "To_Account",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub to_account: Option<String>,
    /// How long an offline receiver can still get it, in seconds; 0: not stored at all.
    #[serde(
        rename = "MsgLifeTime",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub life_time: Option<u64>,
    /// The sender's own number of the message; payload, not a position.
    #[serde(rename = "MsgSeq", default, skip_serializing_if = "Option::is_none")]
    pub seq: Option<u32>,
    /// Tells a repeated request from a second message of the same second.
    #[serde(rename = "MsgRandom", default, skip_serializing_if = "Option::is_none")]
    pub random: Option<u32>,
    /// The array of elements.
    #[serde(rename = "MsgBody", default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Box<RawValue>>,
    /// What the sender attached.
    #[serde(
        rename = "CloudCustomData",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub cloud_custom_data: Option<String>,
}

/// The answer to [`SendMsg`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SentMsg {
    /// When the server took it, in Unix seconds.
    #[serde(rename = "MsgTime")]
    pub time: u64,
    /// See [`message_key`].
    #[serde(rename = "MsgKey")]
    pub key: String,
}

/// A message's name towards clients: `MsgSeq_MsgRandom_MsgTime`.
#[must_use]
pub fn message_key(seq: u32, random: u32, time: u64) -> String {
    format!("{seq}_{random}_{time}")
}

/// Takes a [`message_key`] apart: sequence number, random, time.
#[must_use]
pub fn read_message_key(key: &str) -> Option<(u32, u32, u64)> {
    let mut parts = key.split('_');
    let parsed = (
        parts.next()?.parse().ok()?,
        parts.next()?.parse().ok()?,
        parts.next()?.parse().ok()?,
    );
    parts.next().is_none().then_some(parsed)
}

/// Asks for a page of one-to-one history, newest page first, as the operator sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GetRoamMsg {
    /// Whose view.
    #[serde(
        rename = "Operator_Account",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub operator: Option<String>,
    /// With whom.
    #[serde(
        rename = "Peer_Account",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub peer: Option<String>,
    /// Most messages, 1 to [`MAX_ROAM_PAGE`].
    #[serde(rename = "MaxCnt", default, skip_serializing_if = "Option::is_none")]
    pub max_count: Option<usize>,
    /// Earliest time, in Unix seconds.
    #[serde(rename = "MinTime", default, skip_serializing_if = "Option::is_none")]
    pub min_time: Option<u64>,
    /// Latest time, in Unix seconds; the last answer's `LastMsgTime` to go on.
    #[serde(rename = "MaxTime", default, skip_serializing_if = "Option::is_none")]
    pub max_time: Option<u64>,
    /// The last answer's `LastMsgKey` to go on.
    #[serde(
        rename = "LastMsgKey",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub last_key: Option<String>,
}

/// A page of one-to-one history, ascending within the page.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct RoamMsgs {
    /// 1: the whole range has been given.
    #[serde(rename = "Complete")]
    pub complete: u8,
    /// How many messages follow.
    #[serde(rename = "MsgCnt")]
    pub count: usize,
    /// Time of the page's earliest message.
    #[serde(rename = "LastMsgTime")]
    pub last_time: u64,
    /// Key of the page's earliest message.
    #[serde(rename = "LastMsgKey")]
    pub last_key: String,
    /// The messages.
    #[serde(rename = "MsgList")]
    pub messages: Vec<RoamMsg>,
}

/// One message of [`RoamMsgs`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RoamMsg {
    /// The sender.
    #[serde(rename = "From_Account")]
    pub from_account: String,
    /// The receiver.
    #[serde(rename = "To_Account")]
    pub to_account: String,
    /// The sender's own number.
    #[serde(rename = "MsgSeq")]
    pub seq: u32,
    /// The sender's random.
    #[serde(rename = "MsgRandom")]
    pub random: u32,
    /// When, in Unix seconds.
    #[serde(rename = "MsgTimeStamp")]
    pub time: u64,
    /// 8: recalled.
    #[serde(rename = "MsgFlagBits")]
    pub flags: u32,
    /// 1: the receiver has read it.
    #[serde(rename = "IsPeerRead")]
    pub peer_read: u8,
    /// See [`message_key`].
    #[serde(rename = "MsgKey")]
    pub key: String,
    /// The array of elements, as it was sent.
    #[serde(rename = "MsgBody")]
    pub body: Box<RawValue>,
    /// What the sender attached.
    #[serde(
        rename = "CloudCustomData",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub cloud_custom_data: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_key_comes_apart_as_it_was_put_together() {
        let key = message_key(89_541, 2_574_206, 1_572_870_301);
        assert_eq!(key, "89541_2574206_1572870301");
        assert_eq!(
            read_message_key(&key),
            Some((89_541, 2_574_206, 1_572_870_301))
        );
        for bad in [
            "",
            "1",
            "1_2",
            "1_2_3_4",
            "a_2_3",
            "4294967296_2_3",
            "-1_2_3",
        ] {
            assert_eq!(read_message_key(bad), None, "{bad}");
        }
    }

    #[test]
    fn the_body_stays_as_it_was_written() {
        let text = r#"{"To_Account":"b","MsgRandom":1,"MsgBody":[ {"MsgType":"TIMTextElem", "MsgContent":{"Text":"\u0068i"}} ],"ForbidCallbackControl":["x"]}"#;
        let send: SendMsg = serde_json::from_str(text).unwrap();
        assert_eq!(
            send.body.unwrap().get(),
            r#"[ {"MsgType":"TIMTextElem", "MsgContent":{"Text":"\u0068i"}} ]"#
        );
    }
}
