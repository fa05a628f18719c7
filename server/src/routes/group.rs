//! The service `group_open_http_svc`.

use adieu_protocol::{
    conversation_id::{SERVER_GROUP_PREFIX, check_group_id, check_user_id},
    envelope::Nothing,
    group::{
        ADD_ALREADY, ADD_DONE, ADD_FAILED, AddGroupMember, AddedGroupMember, AddedMember,
        CreateGroup, CreatedGroup, DeleteGroupMember, DestroyGroup, FINISHED_ALL, FINISHED_NOT,
        GROUP_TYPES, GroupMsg, GroupMsgGetSimple, GroupMsgs, MAX_ADD_MEMBERS, MAX_CREATE_MEMBERS,
        MAX_DELETE_MEMBERS, MAX_GROUP_PAGE, MAX_RECEIVERS, Member, SendGroupMsg, SentGroupMsg,
    },
};
use ring::rand::{SecureRandom, SystemRandom};

use super::{
    Call,
    message::{check_body, raw, sender},
};
use crate::{
    Error, Result,
    storage::{Draft, GroupMessage, GroupQuery, Joined, NewGroup},
};

/// `MsgPriority` of every message: priorities rule what is dropped first under load, and nothing
/// is dropped here.
const NORMAL_PRIORITY: u8 = 2;

pub(super) async fn create(call: &Call<'_>, request: CreateGroup) -> Result<CreatedGroup> {
    if !GROUP_TYPES.contains(&request.kind.as_str()) {
        return Err(Error::BadParameter(format!(
            "Type is {:?}; allowed: {}",
            request.kind,
            GROUP_TYPES.join(", ")
        )));
    }
    if request.name.is_empty() {
        return Err(Error::BadParameter("Name is empty".to_owned()));
    }
    let owner = request.owner.filter(|owner| !owner.is_empty());
    if let Some(owner) = &owner {
        user("Owner_Account", owner)?;
    }
    let id = match request.group_id.filter(|id| !id.is_empty()) {
        Some(id) => chosen(id)?,
        None => made()?,
    };
    let group = NewGroup {
        id: id.clone(),
        title: request.name,
        kind: request.kind,
        owner,
        members: names(request.members, MAX_CREATE_MEMBERS)?,
    };
    call.app.storage.create_group(group).await?;
    Ok(CreatedGroup { group_id: id })
}

fn chosen(id: String) -> Result<String> {
    group(&id)?;
    if id.starts_with(SERVER_GROUP_PREFIX) {
        return Err(Error::BadGroupId(format!(
            "GroupId begins with {SERVER_GROUP_PREFIX}, which only ids made by the server do"
        )));
    }
    Ok(id)
}

fn made() -> Result<String> {
    let mut random = [0_u8; 10];
    SystemRandom::new()
        .fill(&mut random)
        .map_err(|_| Error::Storage("the system gives no random bytes".to_owned()))?;
    let digits: String = random.iter().map(|byte| format!("{byte:02X}")).collect();
    Ok(format!("{SERVER_GROUP_PREFIX}{digits}"))
}

pub(super) async fn add_members(
    call: &Call<'_>,
    request: AddGroupMember,
) -> Result<AddedGroupMember> {
    group(&request.group_id)?;
    let accounts = names(request.members, MAX_ADD_MEMBERS)?;
    let joined = call
        .app
        .storage
        .add_members(&request.group_id, accounts.clone())
        .await?;
    call.app.purge.notify_one();
    let members = accounts
        .into_iter()
        .zip(joined)
        .map(|(account, joined)| {
            let result = match joined {
                Joined::Now => ADD_DONE,
                Joined::Already => ADD_ALREADY,
                Joined::Unknown => ADD_FAILED,
            };
            AddedMember { account, result }
        })
        .collect();
    Ok(AddedGroupMember { members })
}

pub(super) async fn remove_members(call: &Call<'_>, request: DeleteGroupMember) -> Result<Nothing> {
    group(&request.group_id)?;
    at_most(MAX_DELETE_MEMBERS, request.accounts.len())?;
    call.app
        .storage
        .remove_members(&request.group_id, request.accounts)
        .await?;
    call.app.purge.notify_one();
    Ok(Nothing {})
}

pub(super) async fn dissolve(call: &Call<'_>, request: DestroyGroup) -> Result<Nothing> {
    group(&request.group_id)?;
    call.app.storage.dissolve_group(&request.group_id).await?;
    call.app.purge.notify_one();
    Ok(Nothing {})
}

pub(super) async fn send(call: &Call<'_>, request: SendGroupMsg) -> Result<SentGroupMsg> {
    group(&request.group_id)?;
    let sender = sender(call, request.from_account)?;
    check_body(&request.body, request.cloud_custom_data.as_deref())?;
    at_most(MAX_RECEIVERS, request.receivers.len())?;
    if request.online_only == Some(1) {
        // See the same of one-to-one messages: there is nobody to get it, and nothing to store.
        return Ok(SentGroupMsg {
            time: call.now,
            seq: 0,
        });
    }
    let message = GroupMessage {
        draft: Draft {
            sender,
            time: call.now,
            seq: None,
            random: request.random,
            body: Box::<str>::from(request.body).into(),
            custom: request.cloud_custom_data,
        },
        group: request.group_id,
        receivers: request.receivers,
        members_only: !call.caller.is_admin(),
    };
    let sent = call.app.storage.send_group(message).await?;
    Ok(SentGroupMsg {
        time: sent.time,
        seq: sent.position,
    })
}

/// The administrator sees all that is stored, an account what its own view shows.
pub(super) async fn messages(call: &Call<'_>, request: GroupMsgGetSimple) -> Result<GroupMsgs> {
    group(&request.group_id)?;
    if request.count == 0 || request.count > MAX_GROUP_PAGE {
        return Err(Error::BadParameter(format!(
            "ReqMsgNumber is {}; allowed: 1 to {MAX_GROUP_PAGE}",
            request.count
        )));
    }
    let query = GroupQuery {
        group: request.group_id.clone(),
        viewer: (!call.caller.is_admin()).then(|| call.caller.name().to_owned()),
        through: request.through,
        limit: request.count,
    };
    let page = call.app.storage.group_messages(query).await?;
    let messages = page
        .messages
        .into_iter()
        .map(|message| {
            Ok(GroupMsg {
                from_account: message.sender,
                place: 0,
                body: raw(message.body)?,
                priority: NORMAL_PRIORITY,
                random: message.random,
                seq: message.position,
                time: message.time,
                cloud_custom_data: message.custom,
            })
        })
        .collect::<Result<_>>()?;
    let finished = if page.complete {
        FINISHED_ALL
    } else {
        FINISHED_NOT
    };
    Ok(GroupMsgs {
        group_id: request.group_id,
        finished,
        messages,
    })
}

fn group(id: &str) -> Result<()> {
    check_group_id(id).map_err(|error| Error::BadGroupId(format!("GroupId: {error}")))
}

fn user(field: &str, id: &str) -> Result<()> {
    check_user_id(id).map_err(|error| Error::BadParameter(format!("{field}: {error}")))
}

fn at_most(max: usize, given: usize) -> Result<()> {
    if given > max {
        Err(Error::TooManyMembers { given, max })
    } else {
        Ok(())
    }
}

fn names(members: Vec<Member>, max: usize) -> Result<Vec<String>> {
    at_most(max, members.len())?;
    members
        .into_iter()
        .map(|member| {
            user("Member_Account", &member.account)?;
            Ok(member.account)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn made_ids_are_good_ids_that_nobody_may_choose() {
        let id = made().unwrap();
        assert!(check_group_id(&id).is_ok(), "{id}");
        assert_ne!(id, made().unwrap());
        assert!(matches!(chosen(id), Err(Error::BadGroupId(_))));
        assert!(chosen("g".repeat(48)).is_ok());
        assert!(chosen("g".repeat(49)).is_err());
    }
}
