//! The bodies of requests, as the server's types read them: what is taken means the same when it is
//! written and read again.

#![cfg_attr(feature = "libfuzzer", no_main)]

#[cfg(not(feature = "libfuzzer"))]
mod replay;

use std::fmt::Debug;

use adieu_protocol::{account, config, group, openim, recent_contact as wire, sns};
use libfuzzer_sys::fuzz_target;
use serde::{Serialize, de::DeserializeOwned};

fn again<T: DeserializeOwned + Serialize>(data: &[u8]) -> Option<T> {
    let read: T = serde_json::from_slice(data).ok()?;
    let written = serde_json::to_vec(&read).expect("what was read can be written");
    let second: T = serde_json::from_slice(&written).expect("what was written can be read");
    let rewritten = serde_json::to_vec(&second).expect("what was read can be written");
    assert_eq!(
        String::from_utf8_lossy(&written),
        String::from_utf8_lossy(&rewritten)
    );
    Some(second)
}

/// A target that is taken names the conversation that names it.
fn means_itself(target: &wire::Target) {
    if let Ok(id) = target.conversation() {
        let named = wire::Target::of(&id).map(|target| target.conversation());
        assert!(named.is_none_or(|named| same(&named, &id)), "{id:?}");
    }
}

fn same<E: Debug>(
    named: &Result<adieu_protocol::ConversationId, E>,
    id: &adieu_protocol::ConversationId,
) -> bool {
    named.as_ref().is_ok_and(|named| named == id)
}

fuzz_target!(|data: &[u8]| {
    if let Some(delete) = again::<wire::Delete>(data) {
        means_itself(&delete.target);
    }
    if let Some(history) = again::<wire::GetHistory>(data) {
        means_itself(&history.target);
    }
    again::<wire::BatchDelete>(data);
    again::<wire::GetList>(data);
    again::<wire::Sync>(data);
    again::<account::AccountImport>(data);
    again::<config::SyncDeletionsSwitch>(data);
    again::<group::CreateGroup>(data);
    again::<group::AddGroupMember>(data);
    again::<group::DeleteGroupMember>(data);
    again::<group::DestroyGroup>(data);
    again::<group::SendGroupMsg>(data);
    again::<group::GroupMsgGetSimple>(data);
    again::<openim::SendMsg>(data);
    again::<openim::GetRoamMsg>(data);
    again::<sns::FriendAdd>(data);
    again::<sns::FriendDelete>(data);
    again::<sns::FriendGet>(data);
});

#[cfg(not(feature = "libfuzzer"))]
fn main() {
    replay::all();
}
