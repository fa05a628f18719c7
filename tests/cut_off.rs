//! Where a deletion ends: what is newer stays, what is older never comes back.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests fail the test"
)]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::Duration;

use serde_json::json;
use support::{Answer, Client, FakeServer, Options, Outcome, abi, eventually, fake, sorted, world};

/// DEL-3: the cut-off is fixed when the call is made: what the device had not seen by then
/// survives, and brings the conversation back with just that.
#[test]
fn what_the_device_had_not_seen_survives() {
    let server = world::start();
    let (_folder, client) = world::device(&server);
    server.send("bob", "alice", "bob: one more thing");
    server.send("alice", "bob", "alice: from another device");
    assert_eq!(client.delete("c2c_bob"), Outcome::Success);
    let newer = ["bob: one more thing", "alice: from another device"];
    assert_eq!(server.roaming("alice", "bob"), newer);
    assert!(
        !client.ids().contains(&"c2c_bob".to_owned()),
        "the device knows nothing of them yet"
    );
    client.pulled();
    assert_eq!(client.texts("c2c_bob"), newer);
    let line = client
        .list()
        .into_iter()
        .find(|line| line.id == "c2c_bob")
        .unwrap();
    assert_eq!((line.messages, line.unread), (2, 0), "who answers has read");
    assert_eq!(server.roaming("bob", "alice").len(), 5);
    // And again: the newer ones go, the next comes.
    assert_eq!(client.delete("c2c_bob"), Outcome::Success);
    assert!(server.roaming("alice", "bob").is_empty());
    server.send("bob", "alice", "bob: hello?");
    client.pulled();
    assert_eq!(client.texts("c2c_bob"), ["bob: hello?"]);
    let found = client.verify(
        "c2c_bob",
        &[world::BOB[0], world::BOB[2], newer[0], newer[1]],
    );
    assert_eq!(
        (found.searched, found.found, found.readable_records),
        (4, 0, 0)
    );
}

/// DEL-3: what has come from the server, and the device has not accepted when the call is made,
/// survives it: the cut-off is not that of the moment when the call gets its turn.
#[test]
fn what_waits_for_the_store_survives() {
    const LATE: &str = "bob: what waits for the store";
    let more = Arc::new(AtomicBool::new(false));
    let now = more.clone();
    let front = FakeServer::start(move |request, _| match request.path.as_str() {
        "v4/recentcontact/sync" if now.load(SeqCst) => Answer::Ok(json!({
            "Views": [{"Type": 1, "To_Account": "bob", "Title": "", "Head": fake::BOB.len() + 1}],
            "Cursor": "d",
            "Complete": 1,
        })),
        "v4/recentcontact/get_history" if now.load(SeqCst) => Answer::Ok(json!({
            "Messages": [{
                "Position": fake::BOB.len() + 1,
                "From_Account": "bob",
                "MsgTime": 1_700_000_100,
                "MsgBody": [{"MsgType": "TIMTextElem", "MsgContent": {"Text": LATE}}],
            }],
            "Complete": 1,
            "Head": fake::BOB.len() + 1,
        })),
        _ => fake::world(request).unwrap_or(Answer::Ok(().into())),
    });
    let folder = tempfile::tempdir().unwrap();
    let client = Options::remote(folder.path(), &front.url(), "sig").open();
    client.pulled();
    more.store(true, SeqCst);
    // The store has enough to do meanwhile, and there is room in its queue.
    let body = "x".repeat(8000);
    let messages: Vec<_> = (1..=10_000)
        .map(|position| (position, "zoe", body.as_str()))
        .collect();
    let busy = client.call();
    assert_eq!(client.begin_save("c2c_busy", &messages, &busy), abi::OK);
    let pull = client.call();
    assert_eq!(client.begin_pull(&pull), abi::OK);
    let asked = |path: &str| {
        front
            .requests()
            .iter()
            .filter(|asked| asked.path.ends_with(path))
            .count()
    };
    eventually("the page was fetched", || asked("get_history") == 3);
    // On its way from there to the store.
    std::thread::sleep(Duration::from_millis(50));
    let call = client.call();
    assert_eq!(client.begin_delete("c2c_bob", &call), abi::OK);
    assert!(busy.events().is_empty(), "the test proves nothing");
    assert_eq!(call.wait(), Outcome::Success);
    assert_eq!(front.deletions()[0]["CutOff"], fake::BOB.len());
    assert_eq!(pull.wait(), Outcome::Success);
    assert_eq!(client.texts("c2c_bob"), [LATE]);
}

/// DEL-3: what arrives while the deletion is on its way survives it.
#[test]
fn what_arrives_during_the_deletion_survives() {
    let fake = FakeServer::start(|request, _| match request.path.as_str() {
        "v4/recentcontact/delete" => Answer::Hold(Box::new(Answer::Ok(().into()))),
        _ => Answer::Close,
    });
    let folder = tempfile::tempdir().unwrap();
    let client = Options::remote(folder.path(), &fake.url(), "sig").open();
    client.save("c2c_bob", &[(1, "bob", "one"), (2, "bob", "two")]);
    let call = client.call();
    assert_eq!(client.begin_delete("c2c_bob", &call), abi::OK);
    fake.wait_for_deletions(1);
    client.save("c2c_bob", &[(3, "bob", "three"), (4, "bob", "four")]);
    assert_eq!(
        client.texts("c2c_bob"),
        ["one", "two", "three", "four"],
        "nothing is gone yet"
    );
    assert_eq!(client.total_unread(), 4);
    fake.release();
    assert_eq!(call.wait(), Outcome::Success);
    assert_eq!(client.texts("c2c_bob"), ["three", "four"]);
    assert_eq!(client.total_unread(), 2);
    client.close();
    let client = Client::local(folder.path());
    assert_eq!(client.texts("c2c_bob"), ["three", "four"]);
    assert_eq!(client.delete("c2c_bob"), Outcome::Success);
    assert!(client.list().is_empty());
}

/// DEL-3: a save that was accepted before the deletion is covered by it, even if it has not been
/// stored by then.
#[test]
fn what_was_accepted_before_the_call_is_covered() {
    let folder = tempfile::tempdir().unwrap();
    let client = Client::local(folder.path());
    for round in 0..30_u64 {
        let (save, deletion) = (client.call(), client.call());
        let position = round * 10 + 1;
        assert_eq!(
            client.begin_save("c2c_bob", &[(position, "bob", "too late")], &save),
            abi::OK
        );
        assert_eq!(client.begin_delete("c2c_bob", &deletion), abi::OK);
        assert_eq!(
            (save.wait(), deletion.wait()),
            (Outcome::Success, Outcome::Success)
        );
        assert!(client.list().is_empty(), "round {round}");
    }
}

/// DEL-3, DEL-4: two deletions of one conversation whose outcomes are delivered at one moment; what
/// comes afterwards is stored as ever.
#[test]
fn two_outcomes_of_one_conversation_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let mut options = Options::local(folder.path());
    options.delivery = abi::DELIVER_BY_POLL;
    let client = options.open();
    let (first, second, done) = (client.call(), client.call(), client.call());
    let save = |id: &str, messages: &[(u64, &str, &str)]| {
        let call = client.call();
        assert_eq!(client.begin_save(id, messages, &call), abi::OK);
        call
    };
    save("c2c_bob", &[(1, "bob", "one")]);
    assert_eq!(client.begin_delete("c2c_bob", &first), abi::OK);
    save("c2c_bob", &[(2, "bob", "two")]);
    let (code, id) = client.begin_delete_with("c2c_bob", 0, &second);
    assert_eq!(code, abi::OK);
    eventually("both are done", || client.receipt(id).is_ok());
    // The worker is busy while both outcomes are delivered: it hears of both together.
    let body = "x".repeat(2000);
    let busy: Vec<_> = (1..=3000)
        .map(|position| (position, "bob", body.as_str()))
        .collect();
    save("c2c_busy", &busy);
    eventually("both are delivered", || {
        client.poll();
        second.events().len() == 1
    });
    assert_eq!(
        (first.wait(), second.wait()),
        (Outcome::Success, Outcome::Success)
    );
    // Twice: the first waits until the worker has tidied up behind the busy one.
    assert_eq!(client.begin_verify("c2c_bob", &[], &done), abi::OK);
    let late = save("c2c_bob", &[(3, "bob", "three")]);
    eventually("it is stored", || {
        client.poll();
        late.events().len() == 1
    });
    assert_eq!(late.wait(), Outcome::Success);
    client.close();
    let client = Client::local(folder.path());
    assert_eq!(client.texts("c2c_bob"), ["three"], "after the next open");
}

/// DEL-3: a stale message never brings anything back, a newer one brings back itself; across a
/// restart, too.
#[test]
fn stale_messages_bring_nothing_back() {
    let folder = tempfile::tempdir().unwrap();
    let client = Client::local(folder.path());
    client.save("c2c_bob", &[(5, "bob", "five"), (9, "bob", "nine")]);
    assert_eq!(client.delete("c2c_bob"), Outcome::Success);
    let stale = [
        (1, "bob", "one"),
        (5, "bob", "five"),
        (8, "bob", "eight"),
        (9, "bob", "nine"),
    ];
    client.save("c2c_bob", &stale);
    assert!(client.list().is_empty() && client.history("c2c_bob").is_empty());
    assert_eq!(client.total_unread(), 0);
    client.close();
    let client = Client::local(folder.path());
    client.save("c2c_bob", &stale);
    assert!(client.list().is_empty());
    client.save("c2c_bob", &[(9, "bob", "nine"), (10, "bob", "ten")]);
    assert_eq!(client.texts("c2c_bob"), ["ten"]);
    let line = &client.list()[0];
    assert_eq!(
        (line.messages, line.unread, client.total_unread()),
        (1, 1, 1)
    );
    assert_eq!(line.last.as_ref().unwrap().text, "ten");
    let found = client.verify("c2c_bob", &["five and nine"]);
    assert_eq!((found.found, found.readable_records), (0, 0));
}

/// DEL-3: a device that has no position sends none: the server takes its head when it first hears
/// of the deletion, and what comes later survives.
#[test]
fn a_device_without_a_position() {
    let server = world::start();
    let folder = tempfile::tempdir().unwrap();
    let client = server.device("alice", folder.path()).open();
    assert!(client.list().is_empty());
    let (outcome, deletion) = client.delete_within("c2c_bob", 0);
    assert_eq!(outcome, Outcome::Success);
    assert!(server.roaming("alice", "bob").is_empty());
    assert_eq!(
        client.receipt(deletion).unwrap().cut_off,
        3,
        "the server's answer"
    );
    client.pulled();
    assert_eq!(sorted(client.ids()), ["c2c_carol", "group_club"]);
    server.send("bob", "alice", "bob: hello?");
    client.pulled();
    assert_eq!(client.texts("c2c_bob"), ["bob: hello?"]);
}

/// DEL-3: a deletion asked for again, after newer messages, does not reach them: the same id.
#[test]
fn the_same_deletion_twice_reaches_no_further() {
    let server = world::start();
    let body = |cut_off: Option<u64>| {
        let mut body = json!({"From_Account": "alice", "Type": 1, "To_Account": "bob", "ClearRamble": 1,
            "DeletionId": "0123456789abcdef0123456789abcdef", "DeviceId": "d"});
        if let Some(cut_off) = cut_off {
            body["CutOff"] = cut_off.into();
        }
        body
    };
    let first = server.admin("recentcontact/delete", &body(None));
    assert_eq!(first["ClearedThrough"], 3);
    server.send("bob", "alice", "bob: newer");
    let again = server.admin("recentcontact/delete", &body(None));
    assert_eq!(again["ClearedThrough"], 3, "the same answer");
    assert_eq!(server.roaming("alice", "bob"), ["bob: newer"]);
}
