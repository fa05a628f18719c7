//! The service `openim`: one-to-one messages.

use adieu_protocol::{
    conversation_id::check_user_id,
    openim::{
        GetRoamMsg, MAX_BODY, MAX_ROAM_PAGE, ROAM_PAGE_BYTES, RoamMsg, RoamMsgs,
        SYNC_NOT_TO_SENDER, SendMsg, SentMsg, message_key, read_message_key,
    },
};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::Call;
use crate::{
    Error, Result,
    storage::{C2cMessage, Draft, Message, RoamQuery},
};

pub(super) async fn send(call: &Call<'_>, request: SendMsg) -> Result<SentMsg> {
    let sender = sender(call, request.from_account)?;
    let receiver = request
        .to_account
        .ok_or_else(|| Error::BadToAccount("is missing".to_owned()))?;
    check_user_id(&receiver).map_err(|error| Error::BadToAccount(error.to_string()))?;
    let random = request.random.ok_or(Error::BadRandom)?;
    let body = request
        .body
        .ok_or_else(|| Error::BadBody("MsgBody is missing".to_owned()))?;
    check_body(&body, request.cloud_custom_data.as_deref())?;
    if request.life_time == Some(0) {
        // Only for who is online at this moment, and nothing is delivered but by pulling: there
        // is nobody to get it, and nothing to store.
        let key = message_key(request.seq.unwrap_or_default(), random, call.now);
        return Ok(SentMsg {
            time: call.now,
            key,
        });
    }
    let message = C2cMessage {
        draft: Draft {
            sender,
            time: call.now,
            seq: request.seq,
            random,
            body: Box::<str>::from(body).into(),
            custom: request.cloud_custom_data,
        },
        receiver,
        receiver_only: request.sync_other_machine == Some(SYNC_NOT_TO_SENDER),
    };
    let sent = call.app.storage.send_c2c(message).await?;
    Ok(SentMsg {
        time: sent.time,
        key: message_key(sent.seq, random, sent.time),
    })
}

/// Who sends: the account that the request names, or whoever signed in.
pub(super) fn sender(call: &Call<'_>, named: Option<String>) -> Result<String> {
    let Some(name) = named.filter(|name| !name.is_empty()) else {
        return Ok(call.caller.name().to_owned());
    };
    check_user_id(&name).map_err(|error| Error::BadFromAccount(error.to_string()))?;
    call.caller.act_for(&name)?;
    Ok(name)
}

/// One element of a message, as far as the server looks at it.
#[derive(Deserialize)]
struct Element<'a> {
    #[serde(rename = "MsgType")]
    _kind: String,
    #[serde(rename = "MsgContent", borrow)]
    content: &'a RawValue,
}

/// Passes an array, not empty, of elements with a type and a content. It is kept as it was sent,
/// and so is what the sender puts beside it: one limit holds for both.
pub(super) fn check_body(body: &RawValue, custom: Option<&str>) -> Result<()> {
    let text = body.get();
    let size = text.len() + custom.map_or(0, str::len);
    if size > MAX_BODY {
        return Err(Error::MessageTooLarge(size));
    }
    let elements: Vec<Element<'_>> = serde_json::from_str(text).map_err(|error| {
        Error::BadBody(format!(
            "MsgBody is not an array of elements with MsgType and MsgContent: {error}"
        ))
    })?;
    if elements.is_empty() {
        return Err(Error::BadBody(
            "MsgBody is an empty array; at least one element is needed".to_owned(),
        ));
    }
    if elements
        .iter()
        .any(|element| !element.content.get().starts_with('{'))
    {
        return Err(Error::BadBody("MsgContent is not an object".to_owned()));
    }
    Ok(())
}

pub(super) async fn roam(call: &Call<'_>, request: GetRoamMsg) -> Result<RoamMsgs> {
    let operator = account("Operator_Account", request.operator)?;
    let peer = account("Peer_Account", request.peer)?;
    call.caller.act_for(&operator)?;
    let missing = |field: &str, allowed: &str| {
        Error::BadParameter(format!("{field} is missing; allowed: {allowed}"))
    };
    let limit = request
        .max_count
        .ok_or_else(|| missing("MaxCnt", "1 to 100"))?;
    let min_time = request
        .min_time
        .ok_or_else(|| missing("MinTime", "Unix seconds"))?;
    let max_time = request
        .max_time
        .ok_or_else(|| missing("MaxTime", "Unix seconds"))?;
    if limit == 0 {
        return Err(Error::BadParameter(
            "MaxCnt is 0; allowed: 1 to 100".to_owned(),
        ));
    }
    let behind = match request.last_key.filter(|key| !key.is_empty()) {
        None => None,
        Some(key) => Some(read_message_key(&key).ok_or_else(|| {
            Error::BadParameter(
                "LastMsgKey is not the key of a message: MsgSeq_MsgRandom_MsgTime".to_owned(),
            )
        })?),
    };
    let query = RoamQuery {
        operator: operator.clone(),
        peer: peer.clone(),
        min_time,
        max_time,
        behind,
        limit: limit.min(MAX_ROAM_PAGE),
        bytes: ROAM_PAGE_BYTES,
    };
    let page = call.app.storage.roam(query).await?;
    let (last_time, last_key) = page
        .messages
        .first()
        .map_or((0, String::new()), |earliest| {
            (
                earliest.time,
                message_key(earliest.seq, earliest.random, earliest.time),
            )
        });
    let messages: Vec<RoamMsg> = page
        .messages
        .into_iter()
        .map(|message| {
            let receiver = if message.sender == operator {
                &peer
            } else {
                &operator
            };
            roam_message(message, receiver)
        })
        .collect::<Result<_>>()?;
    Ok(RoamMsgs {
        complete: page.complete.into(),
        count: messages.len(),
        last_time,
        last_key,
        messages,
    })
}

fn account(field: &str, name: Option<String>) -> Result<String> {
    let name = name.ok_or_else(|| Error::BadParameter(format!("{field} is missing")))?;
    check_user_id(&name).map_err(|error| Error::BadParameter(format!("{field}: {error}")))?;
    Ok(name)
}

fn roam_message(message: Message, receiver: &str) -> Result<RoamMsg> {
    Ok(RoamMsg {
        key: message_key(message.seq, message.random, message.time),
        from_account: message.sender,
        to_account: receiver.to_owned(),
        seq: message.seq,
        random: message.random,
        time: message.time,
        flags: 0,
        // Read receipts are not part of this API's subset, so nobody has sent one.
        peer_read: 0,
        body: raw(message.body)?,
        cloud_custom_data: message.custom,
    })
}

/// What was checked when it came, and is still JSON unless the store is damaged.
pub(super) fn raw(body: String) -> Result<Box<RawValue>> {
    RawValue::from_string(body)
        .map_err(|error| Error::Storage(format!("a stored message is damaged: {error}")))
}
