//! The service `sns`. Items that fail say so under an envelope that says OK.

use adieu_protocol::{
    conversation_id::check_user_id,
    sns::{
        ADD_BOTH, ADD_SINGLE, DELETE_BOTH, DELETE_SINGLE, FRIEND_PAGE, Friend, FriendAdd,
        FriendDelete, FriendGet, FriendResult, FriendResults, FriendValue, Friends, MAX_FRIENDS,
    },
};
use serde_json::Value;

use super::{Call, told};
use crate::{Error, Result, command::Service, storage::NewFriend};

pub(super) async fn add(call: &Call<'_>, request: FriendAdd) -> Result<FriendResults> {
    owner(call, &request.from_account)?;
    let both = choose(
        "AddType",
        request.add_type.as_deref(),
        (ADD_SINGLE, ADD_BOTH),
        true,
    )?;
    at_most(request.items.len())?;
    let accounts: Vec<String> = request
        .items
        .iter()
        .map(|item| item.to_account.clone())
        .collect();
    let friends = request
        .items
        .into_iter()
        .map(|item| NewFriend {
            account: item.to_account,
            remark: item.remark,
            source: item.add_source,
        })
        .collect();
    let results = call
        .app
        .storage
        .add_friends(&request.from_account, friends, both, call.now)
        .await?;
    Ok(collect(accounts, results))
}

pub(super) async fn delete(call: &Call<'_>, request: FriendDelete) -> Result<FriendResults> {
    owner(call, &request.from_account)?;
    let both = choose(
        "DeleteType",
        request.delete_type.as_deref(),
        (DELETE_SINGLE, DELETE_BOTH),
        false,
    )?;
    at_most(request.to_accounts.len())?;
    let accounts = request.to_accounts.clone();
    let results = call
        .app
        .storage
        .delete_friends(&request.from_account, request.to_accounts, both)
        .await?;
    Ok(collect(accounts, results))
}

pub(super) async fn list(call: &Call<'_>, request: FriendGet) -> Result<Friends> {
    owner(call, &request.from_account)?;
    let page = call
        .app
        .storage
        .friends(&request.from_account, request.start_index, FRIEND_PAGE)
        .await?;
    let next = request.start_index.saturating_add(page.friends.len());
    let complete = next >= page.count;
    let items = page
        .friends
        .into_iter()
        .map(|friend| {
            let notes = [
                ("Tag_SNS_IM_AddTime", Some(Value::from(friend.since))),
                ("Tag_SNS_IM_AddSource", friend.source.map(Value::from)),
                ("Tag_SNS_IM_Remark", friend.remark.map(Value::from)),
            ];
            let values = notes
                .into_iter()
                .filter_map(|(tag, value)| {
                    Some(FriendValue {
                        tag: tag.to_owned(),
                        value: value?,
                    })
                })
                .collect();
            Friend {
                to_account: friend.account,
                values,
            }
        })
        .collect();
    Ok(Friends {
        items,
        standard_sequence: request.standard_sequence,
        custom_sequence: request.custom_sequence,
        count: page.count,
        complete: complete.into(),
        next_start_index: if complete { 0 } else { next },
    })
}

fn owner(call: &Call<'_>, account: &str) -> Result<()> {
    check_user_id(account)
        .map_err(|error| Error::BadParameter(format!("From_Account: {error}")))?;
    call.caller.act_for(account)
}

fn choose(
    field: &str,
    value: Option<&str>,
    (single, both): (&str, &str),
    default: bool,
) -> Result<bool> {
    match value {
        None | Some("") => Ok(default),
        Some(value) if value == single => Ok(false),
        Some(value) if value == both => Ok(true),
        Some(value) => Err(Error::BadParameter(format!(
            "{field} is {value:?}; allowed: {single}, {both}"
        ))),
    }
}

fn at_most(given: usize) -> Result<()> {
    match given {
        0 => Err(Error::BadParameter("no friend is named".to_owned())),
        1..=MAX_FRIENDS => Ok(()),
        _ => Err(Error::BadParameter(format!(
            "{given} friends; at most {MAX_FRIENDS} are allowed in one request"
        ))),
    }
}

fn collect(accounts: Vec<String>, results: Vec<Result<()>>) -> FriendResults {
    let mut answer = FriendResults::default();
    for (to_account, result) in accounts.into_iter().zip(results) {
        let (code, info) = match result {
            Ok(()) => (0, String::new()),
            Err(error) => told(&error, Service::Friend),
        };
        if code != 0 {
            answer.failed.push(to_account.clone());
        }
        answer.results.push(FriendResult {
            to_account,
            code,
            info,
        });
    }
    answer
}
