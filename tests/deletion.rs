//! What success means, against the real server; what the server cannot be made to do on demand
//! (stalling) against the fake one.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests fail the test"
)]

mod support;

use std::os::unix::process::ExitStatusExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::Duration;

use serde_json::json;
use support::{
    Answer, Client, FakeServer, Options, Outcome, Server, abi, child, eventually, fake, folder,
};
use tempfile::TempDir;

const BOB: [&str; 3] = ["bob: come at dawn", "alice: i will", "bob: come alone"];
const CLUB: [&str; 2] = ["bob: the vote is on friday", "carol: bring the minutes"];

fn target(peer: &str) -> serde_json::Value {
    json!({"Type": 1, "To_Account": peer})
}

fn group(group: &str) -> serde_json::Value {
    json!({"Type": 2, "ToGroupid": group})
}

/// A server with alice, bob and carol: alice's conversations with bob, with carol, and a group.
fn world() -> Server {
    let server = Server::start();
    server.accounts(&["alice", "bob", "carol"]);
    server.send("bob", "alice", BOB[0]);
    server.send("alice", "bob", BOB[1]);
    server.send("bob", "alice", BOB[2]);
    server.send("carol", "alice", "carol: tea at four?");
    server.group("club", "The Club", "carol", &["alice", "bob"]);
    server.send_group("club", "bob", CLUB[0]);
    server.send_group("club", "carol", CLUB[1]);
    server
}

/// A device of alice with all of it.
fn device(server: &Server) -> (TempDir, Client) {
    let folder = tempfile::tempdir().unwrap();
    let client = server.device("alice", folder.path()).open();
    client.pulled();
    assert_eq!(client.texts("c2c_bob"), BOB);
    assert_eq!(client.texts("group_club"), CLUB);
    assert_eq!(client.texts("c2c_carol"), ["carol: tea at four?"]);
    (folder, client)
}

fn sorted(mut ids: Vec<String>) -> Vec<String> {
    ids.sort();
    ids
}

/// DEL-1, DEL-5, DEL-7: server and device give nothing of it any more, the files neither; the
/// other conversations are what they were, and the other side keeps its copy.
#[test]
fn deleted_on_server_and_device_and_nowhere_else() {
    let server = world();
    let (folder, client) = device(&server);
    let mut before = client.everything();
    assert_eq!(server.roaming("alice", "bob"), BOB);
    assert_eq!(client.delete("c2c_bob"), Outcome::Success);

    assert!(server.roaming("alice", "bob").is_empty());
    assert!(server.history("alice", target("bob")).is_empty());
    assert_eq!(server.contacts("alice"), ["c2c_carol", "group_club"]);
    assert!(client.history("c2c_bob").is_empty());
    before.remove("c2c_bob");
    assert_eq!(client.everything(), before, "the others are what they were");
    let found = client.verify("c2c_bob", &BOB);
    assert_eq!(
        (found.searched, found.found, found.readable_records),
        (3, 0, 0)
    );
    assert!(folder::find(folder.path(), &BOB).is_empty());

    assert_eq!(
        server.roaming("bob", "alice"),
        BOB,
        "the other side keeps its copy"
    );
    assert_eq!(server.contacts("bob"), ["c2c_alice", "group_club"]);
    // It stays away: pulled again, opened again, on a new device.
    client.pulled();
    assert_eq!(client.everything(), before);
    client.close();
    let client = server.device("alice", folder.path()).open();
    client.pulled();
    assert_eq!(client.everything(), before);
    let new = tempfile::tempdir().unwrap();
    let other = server.device("alice", new.path()).open();
    other.pulled();
    assert_eq!(sorted(other.ids()), ["c2c_carol", "group_club"]);
    assert!(!server.log().contains("panicked"), "{}", server.log());
}

/// DEL-1, DEL-7: the same for a group: its other members keep theirs, and so does the other side's
/// device.
#[test]
fn a_group_is_deleted_for_its_owner_of_the_view_only() {
    let server = world();
    let (_folder, client) = device(&server);
    let bobs = tempfile::tempdir().unwrap();
    let bob = server.device("bob", bobs.path()).open();
    bob.pulled();
    let before = bob.everything();
    assert_eq!(client.delete("group_club"), Outcome::Success);
    assert!(server.history("alice", group("club")).is_empty());
    assert!(client.history("group_club").is_empty());
    for member in ["bob", "carol"] {
        assert_eq!(
            server.history(member, group("club")),
            CLUB,
            "{member} keeps it"
        );
        assert!(server.contacts(member).contains(&"group_club".to_owned()));
    }
    bob.pulled();
    assert_eq!(bob.everything(), before);
    assert_eq!(sorted(client.ids()), ["c2c_bob", "c2c_carol"]);
    // Alice is a member still: what is said next is heard.
    server.send_group("club", "bob", "bob: who was that?");
    client.pulled();
    assert_eq!(client.texts("group_club"), ["bob: who was that?"]);
}

/// DEL-2: the server refuses: the device has all of it, the intent is gone, and a good credential
/// deletes it.
#[test]
fn a_refused_deletion_changes_nothing() {
    let server = world();
    let (folder, client) = device(&server);
    let before = client.everything();
    assert_eq!(client.sign_in(&server.user_sig("bob")), abi::OK);
    assert_eq!(client.delete("c2c_bob").code(), 70013);
    assert_eq!(client.everything(), before);
    assert_eq!(server.roaming("alice", "bob"), BOB);
    client.close();
    let client = server.device("alice", folder.path()).open();
    client.pulled();
    assert_eq!(client.everything(), before, "the intent is gone");
    assert_eq!(server.roaming("alice", "bob"), BOB);
    assert_eq!(client.delete("c2c_bob"), Outcome::Success);
}

/// DEL-2: an account that the server does not know.
#[test]
fn an_account_that_does_not_exist() {
    let server = world();
    let folder = tempfile::tempdir().unwrap();
    let client = server.device("nobody", folder.path()).open();
    client.save_texts("c2c_bob", &["kept on the device"]);
    let outcome = client.delete("c2c_bob");
    assert!([50001, 70107].contains(&outcome.code()), "{outcome:?}");
    assert_eq!(client.texts("c2c_bob"), ["kept on the device"]);
}

/// DEL-3: the cut-off is fixed when the call is made: what the device had not seen by then
/// survives, and brings the conversation back with just that.
#[test]
fn what_the_device_had_not_seen_survives() {
    let server = world();
    let (_folder, client) = device(&server);
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
    let found = client.verify("c2c_bob", &[BOB[0], BOB[2], newer[0], newer[1]]);
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
    let server = world();
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

/// DEL-3, DUR-1: where the device has no key to destroy, the rows alone say how far a deletion
/// reached. Killed in the callback of its success, the next life takes in nothing from before it.
#[test]
fn killed_after_a_success_without_a_key() {
    const NAME: &str = "killed_after_a_success_without_a_key";
    if child::is_child() {
        let variable = |name| std::env::var(name).unwrap();
        let folder = variable("KEYLESS_FOLDER");
        let client = Options::remote(folder.as_ref(), &variable("KEYLESS_URL"), "sig").open();
        let call = client.call_with(|outcome| {
            if *outcome == Outcome::Success {
                // SAFETY: kills this process.
                unsafe { libc::kill(libc::getpid(), libc::SIGKILL) };
            }
        });
        assert_eq!(client.begin_delete("c2c_bob", &call), abi::OK);
        panic!("{:?}", call.wait());
    }
    let fake = FakeServer::with_world(|_, number| match number {
        0 => Answer::Ok(json!({"ClearedThrough": fake::BOB.len()})),
        _ => Answer::Http("503 Service Unavailable", "", String::new()),
    });
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    let died = child::run(
        NAME,
        &[("KEYLESS_FOLDER", path), ("KEYLESS_URL", &fake.url())],
    );
    assert_eq!(died.status.signal(), Some(libc::SIGKILL), "{died:?}");
    // This server gives what it has deleted all the same.
    let client = Options::remote(folder.path(), &fake.url(), "sig").open();
    client.pulled();
    assert_eq!(client.ids(), ["group_club"]);
    assert!(client.pending().is_empty());
    assert_eq!(fake.deletions().len(), 1, "it was carried out already");
}

/// DEL-3: a deletion asked for again, after newer messages, does not reach them: the same id.
#[test]
fn the_same_deletion_twice_reaches_no_further() {
    let server = world();
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

/// DEL-4: deleting what does not exist, and what is deleted already, succeeds.
#[test]
fn unknown_and_twice() {
    let server = world();
    let (_folder, client) = device(&server);
    let before = client.everything();
    for id in [
        "c2c_dave",
        "group_nosuch",
        "c2c_nosuch",
        "group_@TGS#nosuch",
        "@TIM#SYSTEM",
    ] {
        assert_eq!(client.delete(id), Outcome::Success, "{id}");
    }
    assert_eq!(client.everything(), before);
    for _ in 0..3 {
        assert_eq!(client.delete("c2c_bob"), Outcome::Success);
    }
    assert!(server.roaming("alice", "bob").is_empty());
    assert_eq!(server.roaming("bob", "alice"), BOB);
}

/// DEL-4: a conversation that was deleted before this device knew anything of it can begin
/// afterwards, with the host's positions; on a device alone, and after the next open.
#[test]
fn unknown_and_then_begun() {
    let folder = tempfile::tempdir().unwrap();
    let client = Client::local(folder.path());
    assert_eq!(client.delete("c2c_bob"), Outcome::Success);
    client.save_texts("c2c_bob", &["bob: hello"]);
    assert_eq!(client.delete("c2c_carol"), Outcome::Success);
    client.close();
    let client = Client::local(folder.path());
    client.save_texts("c2c_carol", &["carol: hello"]);
    assert_eq!(client.texts("c2c_bob"), ["bob: hello"]);
    assert_eq!(client.texts("c2c_carol"), ["carol: hello"]);
}

/// DEL-4: equal calls at one time: the work is done once, each is answered, each has an id and a
/// receipt.
#[test]
fn equal_calls_do_the_work_once() {
    let fake = FakeServer::with_world(|_, _| Answer::Hold(Box::new(Answer::Ok(().into()))));
    let folder = tempfile::tempdir().unwrap();
    let client = Options::remote(folder.path(), &fake.url(), "sig").open();
    client.pulled();
    let calls: Vec<_> = (0..10).map(|_| client.call()).collect();
    let ids: Vec<_> = calls
        .iter()
        .zip(["c2c_bob", "C2Cbob"].iter().cycle())
        .map(|(call, id)| {
            let (code, deletion) = client.begin_delete_with(id, 0, call);
            assert_eq!(code, abi::OK);
            deletion
        })
        .collect();
    fake.wait_for_deletions(1);
    client.list();
    assert!(calls.iter().all(|call| call.events().is_empty()));
    fake.release();
    for (call, id) in calls.iter().zip(&ids) {
        assert_eq!(call.wait(), Outcome::Success);
        assert_eq!(client.receipt(*id).unwrap().cut_off, 3);
    }
    client.list();
    assert_eq!(fake.deletions().len(), 1, "the work was done once");
    assert!(
        calls
            .iter()
            .all(|call| call.events().len() == 1 && call.destroyed() == 1)
    );
    let unique: std::collections::HashSet<_> = ids.iter().collect();
    assert_eq!(unique.len(), ids.len());
}

/// DEL-4: a call with another cut-off queues behind, and is done after the first.
#[test]
fn another_cut_off_queues_behind() {
    let fake = FakeServer::start(|_, _| Answer::Hold(Box::new(Answer::Ok(().into()))));
    let folder = tempfile::tempdir().unwrap();
    let client = Options::remote(folder.path(), &fake.url(), "sig").open();
    client.save("c2c_bob", &[(1, "bob", "one")]);
    let (first, second) = (client.call(), client.call());
    assert_eq!(client.begin_delete("c2c_bob", &first), abi::OK);
    fake.wait_for_deletions(1);
    client.save("c2c_bob", &[(2, "bob", "two")]);
    let (code, id) = client.begin_delete_with("c2c_bob", 0, &second);
    assert_eq!(code, abi::OK);
    client.list();
    assert_eq!(fake.deletions().len(), 1, "it waits");
    fake.release();
    assert_eq!(
        (first.wait(), second.wait()),
        (Outcome::Success, Outcome::Success)
    );
    assert!(first.event().number < second.event().number);
    assert_eq!(client.receipt(id).unwrap().cut_off, 2);
    assert!(client.list().is_empty());
}

/// DEL-4: many conversations deleted at one moment: each is answered, all are gone, and the rest
/// is what it was.
#[test]
fn many_at_once() {
    let server = world();
    let peers: Vec<_> = (0..150).map(|index| format!("peer{index}")).collect();
    for peer in &peers {
        server.accounts(&[peer]);
        server.send(peer, "alice", &format!("{peer}: hello"));
    }
    let (_folder, client) = device(&server);
    assert_eq!(client.list().len(), 153);
    let calls: Vec<_> = peers
        .iter()
        .map(|peer| {
            let call = client.call();
            assert_eq!(client.begin_delete(&format!("c2c_{peer}"), &call), abi::OK);
            call
        })
        .collect();
    for call in &calls {
        assert_eq!(call.wait(), Outcome::Success);
    }
    assert_eq!(sorted(client.ids()), ["c2c_bob", "c2c_carol", "group_club"]);
    assert_eq!(
        server.contacts("alice"),
        ["c2c_bob", "c2c_carol", "group_club"]
    );
    assert_eq!(client.texts("c2c_bob"), BOB);
    assert_eq!(server.roaming(&peers[0], "alice").len(), 1);
}

/// DEL-6: deleting a friend deletes no conversation, and afterwards it can be deleted.
#[test]
fn after_a_friend_was_deleted() {
    let server = world();
    server.admin(
        "sns/friend_add",
        &json!({"From_Account": "alice", "AddFriendItem": [{"To_Account": "bob", "AddSource": "AddSource_Type_X"}], "AddType": "Add_Type_Both"}),
    );
    let (_folder, client) = device(&server);
    server.admin(
        "sns/friend_delete",
        &json!({"From_Account": "alice", "To_Account": ["bob"], "DeleteType": "Delete_Type_Both"}),
    );
    client.pulled();
    assert_eq!(client.texts("c2c_bob"), BOB);
    assert_eq!(server.roaming("alice", "bob"), BOB);
    assert_eq!(client.delete("c2c_bob"), Outcome::Success);
    assert!(server.roaming("alice", "bob").is_empty());
    assert!(client.history("c2c_bob").is_empty());
    assert_eq!(server.roaming("bob", "alice"), BOB);
}

/// DEL-6: leaving a group deletes nothing, and afterwards its conversation can be deleted.
#[test]
fn after_a_group_was_left() {
    let server = world();
    let (_folder, client) = device(&server);
    server.admin(
        "group_open_http_svc/delete_group_member",
        &json!({"GroupId": "club", "MemberToDel_Account": ["alice"]}),
    );
    server.send_group("club", "bob", "bob: is she gone?");
    client.pulled();
    assert_eq!(
        client.texts("group_club"),
        CLUB,
        "nothing is deleted, and nothing new is heard"
    );
    assert_eq!(client.delete("group_club"), Outcome::Success);
    assert!(client.history("group_club").is_empty());
    assert!(server.history("alice", group("club")).is_empty());
    assert_eq!(server.history("bob", group("club")).len(), 3);
    client.pulled();
    assert_eq!(sorted(client.ids()), ["c2c_bob", "c2c_carol"]);
}

/// DEL-6: after a group was dissolved its conversation can still be deleted.
#[test]
fn after_a_group_was_dissolved() {
    let server = world();
    let (_folder, client) = device(&server);
    server.admin(
        "group_open_http_svc/destroy_group",
        &json!({"GroupId": "club"}),
    );
    client.pulled();
    assert_eq!(
        client.texts("group_club"),
        CLUB,
        "dissolving deletes nothing of alice's"
    );
    assert_eq!(client.delete("group_club"), Outcome::Success);
    assert!(client.history("group_club").is_empty());
    client.pulled();
    assert_eq!(sorted(client.ids()), ["c2c_bob", "c2c_carol"]);
}

/// DEL-9: the total unread count is right after every deletion, and after what comes later.
#[test]
fn the_unread_count_is_right_afterwards() {
    let server = world();
    let (_folder, client) = device(&server);
    let sum = || client.list().iter().map(|line| line.unread).sum::<u64>();
    // One from bob after the answer, one from carol, two in the club.
    assert_eq!((client.total_unread(), sum()), (4, 4));
    assert_eq!(client.delete("c2c_bob"), Outcome::Success);
    assert_eq!((client.total_unread(), sum()), (3, 3));
    server.send_group("club", "bob", "bob: hello?");
    client.pulled();
    assert_eq!((client.total_unread(), sum()), (4, 4));
    assert_eq!(client.delete("group_club"), Outcome::Success);
    assert_eq!((client.total_unread(), sum()), (1, 1));
    server.send("bob", "alice", "bob: and you?");
    client.pulled();
    assert_eq!((client.total_unread(), sum()), (2, 2));
}

/// DEL-9: the total is right in the very callback that tells of the change.
#[test]
fn the_unread_count_is_right_in_the_callback() {
    let folder = tempfile::tempdir().unwrap();
    let client = Client::local(folder.path());
    let handle = client.handle() as usize;
    for round in 0..50_u64 {
        let totals = Arc::new(std::sync::Mutex::new(Vec::new()));
        let look = |totals: &Arc<std::sync::Mutex<Vec<u64>>>| {
            let totals = totals.clone();
            client.call_with(move |_| {
                let client = std::mem::ManuallyDrop::new(Client::of(handle));
                totals.lock().unwrap().push(client.total_unread());
            })
        };
        let (saved, deleted) = (look(&totals), look(&totals));
        assert_eq!(
            client.begin_save("c2c_bob", &[(round + 1, "bob", "hello")], &saved),
            abi::OK
        );
        saved.wait();
        assert_eq!(client.begin_delete("c2c_bob", &deleted), abi::OK);
        deleted.wait();
        assert_eq!(*totals.lock().unwrap(), [1, 0], "round {round}");
    }
}

/// DUR-7: the server is killed right after `on_success`: it is deleted all the same.
#[test]
fn the_server_is_killed_after_success() {
    let mut server = world();
    let (folder, client) = device(&server);
    for turn in 0..3 {
        let id = ["c2c_bob", "c2c_carol", "group_club"][turn];
        assert_eq!(client.delete(id), Outcome::Success);
    }
    server.kill();
    client.close();
    server.restart();
    assert!(server.roaming("alice", "bob").is_empty());
    assert!(server.history("alice", group("club")).is_empty());
    assert!(server.contacts("alice").is_empty());
    assert_eq!(server.roaming("bob", "alice"), BOB);
    let client = server.device("alice", folder.path()).open();
    client.pulled();
    assert!(client.list().is_empty());
}

/// DUR-7: a device that was restored from a copy made before the deletion is told of its own
/// deletions when it connects, and loses the conversation again; the rest stays.
#[test]
fn a_restored_device_loses_it_again() {
    let server = world();
    let (folder, client) = device(&server);
    client.close();
    let copy = tempfile::tempdir().unwrap();
    folder::copy(folder.path(), copy.path());
    let client = server.device("alice", folder.path()).open();
    assert_eq!(client.delete("c2c_bob"), Outcome::Success);
    assert_eq!(client.delete("group_club"), Outcome::Success);
    server.send("bob", "alice", "bob: newer");
    client.close();
    let restored = server.device("alice", copy.path()).open();
    assert_eq!(restored.texts("c2c_bob"), BOB, "the copy has all of it");
    restored.pulled();
    assert_eq!(restored.texts("c2c_bob"), ["bob: newer"]);
    assert!(restored.history("group_club").is_empty());
    assert_eq!(restored.texts("c2c_carol"), ["carol: tea at four?"]);
    let texts: Vec<_> = BOB.into_iter().chain(CLUB).collect();
    let found = restored.verify("c2c_bob", &texts);
    assert_eq!(
        (found.searched, found.found, found.readable_records),
        (5, 0, 0)
    );
}

/// SYNC-3: where sync of deletions is off, as it is by default, another device keeps its local
/// copy; the server's history is gone for it, too.
#[test]
fn another_device_keeps_its_copy() {
    let server = world();
    let (_one, first) = device(&server);
    let (_two, second) = device(&server);
    assert_eq!(first.delete("c2c_bob"), Outcome::Success);
    second.pulled();
    assert_eq!(second.texts("c2c_bob"), BOB);
    server.send("bob", "alice", "bob: newer");
    second.pulled();
    first.pulled();
    assert_eq!(second.texts("c2c_bob").len(), 4);
    assert_eq!(first.texts("c2c_bob"), ["bob: newer"]);
}

/// DUR-1: the process that made the call dies while the server has not answered; the next open
/// finishes the deletion, by the same id.
#[test]
fn a_deletion_survives_the_client_that_made_it() {
    let fake = Arc::new(FakeServer::with_world(|_, number| match number {
        0 => Answer::Stall,
        _ => Answer::Ok(().into()),
    }));
    let folder = tempfile::tempdir().unwrap();
    let client = Options::remote(folder.path(), &fake.url(), "sig").open();
    client.pulled();
    let call = client.call();
    let (_, id) = client.begin_delete_with("c2c_bob", 0, &call);
    fake.wait_for_deletions(1);
    // As the death of the process would leave it: a copy of the files as they are now.
    let dead = tempfile::tempdir().unwrap();
    folder::copy(folder.path(), dead.path());
    client.close();
    assert_eq!(call.wait().code(), abi::PENDING);
    for (turn, path) in [folder.path(), dead.path()].into_iter().enumerate() {
        let client = Options::remote(path, &fake.url(), "sig").open();
        fake.wait_for_deletions(turn + 2);
        eventually("it is finished", || client.history("c2c_bob").is_empty());
        assert_eq!(fake.deletions()[turn + 1]["DeletionId"], id.wire().as_str());
        assert_eq!(client.ids(), ["group_club"]);
    }
    assert_eq!(call.events().len(), 1);
}
