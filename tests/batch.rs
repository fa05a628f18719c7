//! Deleting several conversations in one call.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests fail the test"
)]

mod support;

use std::ffi::{CString, c_char};
use std::ptr::null;
use std::sync::Arc;

use support::abi::{DeletionId, RawDeleteOptions, abi};
use support::call::{Call, destroy, on_error, on_results};
use support::{Answer, Client, FakeServer, Options, Outcome, Server, abi as codes};

/// Begins a call for several; gives its code and the ids of its deletions.
fn begin(client: &Client, ids: &[Option<&str>], call: &Arc<Call>) -> (i32, Vec<DeletionId>) {
    let texts: Vec<_> = ids
        .iter()
        .map(|id| id.map(|id| CString::new(id).unwrap()))
        .collect();
    let pointers: Vec<*const c_char> = texts
        .iter()
        .map(|text| text.as_ref().map_or(null(), |text| text.as_ptr()))
        .collect();
    let mut deletions = vec![DeletionId::default(); ids.len()];
    let options = RawDeleteOptions {
        struct_size: size_of::<RawDeleteOptions>() as u32,
        timeout_ms: 0,
        user_data_destructor: Some(destroy),
        deletion_id: deletions.as_mut_ptr(),
        policy: 0,
        keep_history: 0,
        undo_ms: 0,
        reserved: 0,
    };
    // SAFETY: every pointer is valid for the call; the call's data is never freed.
    let code = unsafe {
        (abi().delete_all)(
            client.handle(),
            pointers.as_ptr(),
            pointers.len(),
            &raw const options,
            Some(on_results),
            Some(on_error),
            call.data(),
        )
    };
    (code, deletions)
}

fn results(call: &Call) -> Vec<(String, i32, String)> {
    match call.wait() {
        Outcome::Results(results) => results,
        other => panic!("{other:?}"),
    }
}

fn filled(count: usize) -> (tempfile::TempDir, Client, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    let client = Client::local(folder.path());
    let ids: Vec<_> = (0..count).map(|index| format!("c2c_user{index}")).collect();
    for id in &ids {
        client.save_texts(id, &["a text of this conversation", "and another one"]);
    }
    client.save_texts("c2c_stays", &["this one stays"]);
    (folder, client, ids)
}

/// CALL-3, CALL-5: one callback with one result each, in the order of the call; one destructor,
/// after it; an id for each.
#[test]
fn a_list_has_a_result_for_each() {
    let (_folder, client, ids) = filled(100);
    let call = client.call();
    let wanted: Vec<_> = ids.iter().map(|id| Some(id.as_str())).collect();
    let (code, deletions) = begin(&client, &wanted, &call);
    assert_eq!(code, codes::OK);
    let expected: Vec<_> = ids
        .iter()
        .map(|id| (id.clone(), codes::OK, String::new()))
        .collect();
    assert_eq!(results(&call), expected);
    assert_eq!(client.ids(), ["c2c_stays"]);
    for deletion in &deletions {
        assert_eq!(client.receipt(*deletion).unwrap().cut_off, 2);
    }
    support::eventually("the destructor has run", || call.destroyed() == 1);
    assert_eq!((call.events().len(), call.destroyed_after()), (1, 1));
}

/// CALL-3, DEL-1, DEL-4: lists that wait together share flushes: each has its results all the same,
/// and what was told is gone, also for who asks twice and after a restart.
#[test]
fn lists_that_wait_together() {
    let (folder, client, ids) = filled(2_100);
    let wanted: Vec<_> = ids.iter().map(|id| Some(id.as_str())).collect();
    let lists = wanted.chunks(100).chain(wanted.chunks(100));
    let calls: Vec<_> = lists
        .map(|list| {
            let call = client.call();
            assert_eq!(begin(&client, list, &call).0, codes::OK);
            call
        })
        .collect();
    for call in calls {
        let results = results(&call);
        assert_eq!(results.len(), 100);
        assert!(results.iter().all(|(_, code, _)| *code == codes::OK));
        assert_eq!(call.events().len(), 1);
    }
    assert_eq!(client.ids(), ["c2c_stays"]);
    client.close();
    assert_eq!(Client::local(folder.path()).ids(), ["c2c_stays"]);
}

/// DEL-5: what is no id, and what is there twice, leaves the others alone, with all that is set on
/// them, also after a restart.
#[test]
fn one_that_fails_leaves_the_others_alone() {
    let (folder, client, ids) = filled(2);
    for id in [ids[0].as_str(), "c2c_stays"] {
        for set in [
            client.pin(id, true),
            client.set_draft(id, "half a thought"),
            client.mark(id, 4, 0),
        ] {
            assert_eq!(set, Outcome::Success);
        }
    }
    let mut others = client.everything();
    others.remove(&ids[0]);
    let call = client.call();
    let wanted = [
        Some(ids[0].as_str()),
        Some("nonsense"),
        None,
        Some(""),
        Some(ids[0].as_str()),
        Some("c2c_unknown"),
    ];
    assert_eq!(begin(&client, &wanted, &call).0, codes::OK);
    let results = results(&call);
    let codes_of: Vec<_> = results.iter().map(|(_, code, _)| *code).collect();
    let bad = codes::INVALID_PARAMETER;
    assert_eq!(codes_of, [0, bad, bad, bad, 0, 0]);
    assert_eq!(results[1].0, "nonsense");
    assert!(results[1].2.contains("c2c_<user>"), "{}", results[1].2);
    assert_eq!(client.ids(), ["c2c_stays", ids[1].as_str()]);
    assert_eq!(client.everything(), others);
    client.close();
    assert_eq!(Client::local(folder.path()).everything(), others);
}

/// CALL-2, CALL-5: too few or too many delete nothing and say what is allowed; a refused call has
/// no callback, and its destructor has run.
#[test]
fn limits_of_a_list() {
    let (_folder, client, ids) = filled(1);
    let too_many = vec![Some(ids[0].as_str()); 101];
    for wanted in [&[][..], &too_many] {
        let call = client.call();
        assert_eq!(begin(&client, wanted, &call).0, codes::OK);
        let outcome = call.wait();
        assert_eq!(outcome.code(), codes::INVALID_PARAMETER);
        assert!(outcome.text().contains("1 to 100"), "{}", outcome.text());
        support::eventually("the destructor has run", || call.destroyed() == 1);
    }
    assert_eq!(client.ids().len(), 2);
    client.close();
    let call = client.call();
    assert_eq!(
        begin(&client, &too_many[..1], &call).0,
        codes::INVALID_HANDLE
    );
    assert_eq!((call.events().len(), call.destroyed()), (0, 1));
}

/// DEL-1, DEL-4: a list goes to the server in one request, whose results are told one by one.
#[test]
fn a_list_is_one_request() {
    let fake = FakeServer::with_world(|_, _| {
        Answer::Ok(serde_json::json!({"ResultItem": [
            {"ResultCode": 0, "ResultInfo": "", "ClearedThrough": 3},
            {"ResultCode": 50004, "ResultInfo": "not today"},
        ]}))
    });
    let folder = tempfile::tempdir().unwrap();
    let client = Options::remote(folder.path(), &fake.url(), "sig").open();
    client.pulled();
    let before = client.texts("group_club");
    let call = client.call();
    assert_eq!(
        begin(&client, &[Some("c2c_bob"), Some("group_club")], &call).0,
        codes::OK
    );
    let results = results(&call);
    assert_eq!(results[0].1, codes::OK);
    assert_eq!((results[1].1, results[1].2.as_str()), (50004, "not today"));
    assert!(client.texts("c2c_bob").is_empty());
    assert_eq!(
        client.texts("group_club"),
        before,
        "what was refused is untouched"
    );
    let requests = fake.requests();
    let batches = requests
        .iter()
        .filter(|request| request.path.contains("batch_delete"));
    assert_eq!(batches.count(), 1);
}

/// DEL-2: the connection was cut once, and of the repetition the server refuses one: the first
/// request may have carried that out, so its outcome is not known, and is settled.
#[test]
fn a_refusal_after_a_cut_says_nothing_about_the_first_request() {
    let fake = FakeServer::with_world(|_, number| match number {
        0 => Answer::Close,
        1 => Answer::Ok(serde_json::json!({"ResultItem": [
            {"ResultCode": 0, "ResultInfo": "", "ClearedThrough": 3},
            {"ResultCode": 50004, "ResultInfo": "not today"},
        ]})),
        _ => Answer::Ok(().into()),
    });
    let folder = tempfile::tempdir().unwrap();
    let client = Options::remote(folder.path(), &fake.url(), "sig").open();
    client.pulled();
    let call = client.call();
    let both = [Some("c2c_bob"), Some("group_club")];
    assert_eq!(begin(&client, &both, &call).0, codes::OK);
    let codes_of: Vec<_> = results(&call).iter().map(|(_, code, _)| *code).collect();
    assert_eq!(codes_of, [codes::OK, codes::OUTCOME_UNKNOWN]);
    support::eventually("it is settled", || client.ids().is_empty());
}

/// DEL-1, DEL-7: on the real server, all of a list is gone for its owner and for nobody else.
#[test]
fn a_list_on_the_real_server() {
    let server = Server::start();
    let peers: Vec<_> = (0..20).map(|index| format!("peer{index}")).collect();
    let mut accounts: Vec<_> = peers.iter().map(String::as_str).collect();
    accounts.push("alice");
    server.accounts(&accounts);
    for peer in &peers {
        server.send(peer, "alice", "a greeting to alice");
    }
    let folder = tempfile::tempdir().unwrap();
    let client = server.device("alice", folder.path()).open();
    client.pulled();
    let ids: Vec<_> = peers.iter().map(|peer| format!("c2c_{peer}")).collect();
    assert_eq!(client.ids().len(), 20);
    let call = client.call();
    let wanted: Vec<_> = ids.iter().map(|id| Some(id.as_str())).collect();
    assert_eq!(begin(&client, &wanted, &call).0, codes::OK);
    assert!(results(&call).iter().all(|(_, code, _)| *code == codes::OK));
    client.pulled();
    assert!(client.ids().is_empty());
    assert!(server.contacts("alice").is_empty());
    assert_eq!(server.roaming("peer7", "alice"), ["a greeting to alice"]);
}

/// CALL-3, DUR-2: a list that is open at close ends once, each of it pending.
#[test]
fn a_list_that_is_open_at_close() {
    let fake = FakeServer::with_world(|_, _| Answer::Stall);
    let folder = tempfile::tempdir().unwrap();
    let client = Options::remote(folder.path(), &fake.url(), "sig").open();
    client.pulled();
    let call = client.call();
    assert_eq!(
        begin(
            &client,
            &[Some("c2c_bob"), Some("bad"), Some("group_club")],
            &call
        )
        .0,
        codes::OK
    );
    fake.wait_for_deletions(2);
    assert_eq!(client.close(), codes::OK);
    let codes_of: Vec<_> = results(&call).iter().map(|(_, code, _)| *code).collect();
    assert_eq!(
        codes_of,
        [codes::PENDING, codes::INVALID_PARAMETER, codes::PENDING]
    );
    assert_eq!((call.events().len(), call.destroyed()), (1, 1));
}
