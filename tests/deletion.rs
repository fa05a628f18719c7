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

use serde_json::json;
use support::{
    Answer, Client, FakeServer, Options, Outcome, abi, child, eventually, fake, folder, sorted,
    world,
};

fn target(peer: &str) -> serde_json::Value {
    json!({"Type": 1, "To_Account": peer})
}

fn group(group: &str) -> serde_json::Value {
    json!({"Type": 2, "ToGroupid": group})
}

/// DEL-1, DEL-5, DEL-7: server and device give nothing of it any more, the files neither; the
/// other conversations are what they were, and the other side keeps its copy.
#[test]
fn deleted_on_server_and_device_and_nowhere_else() {
    let server = world::start();
    let (folder, client) = world::device(&server);
    let mut before = client.everything();
    assert_eq!(server.roaming("alice", "bob"), world::BOB);
    assert_eq!(client.delete("c2c_bob"), Outcome::Success);

    assert!(server.roaming("alice", "bob").is_empty());
    assert!(server.history("alice", target("bob")).is_empty());
    assert_eq!(server.contacts("alice"), ["c2c_carol", "group_club"]);
    assert!(client.history("c2c_bob").is_empty());
    before.remove("c2c_bob");
    assert_eq!(client.everything(), before, "the others are what they were");
    let found = client.verify("c2c_bob", &world::BOB);
    assert_eq!(
        (found.searched, found.found, found.readable_records),
        (3, 0, 0)
    );
    assert!(folder::find(folder.path(), &world::BOB).is_empty());

    assert_eq!(
        server.roaming("bob", "alice"),
        world::BOB,
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
    let server = world::start();
    let (_folder, client) = world::device(&server);
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
            world::CLUB,
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
    let server = world::start();
    let (folder, client) = world::device(&server);
    let before = client.everything();
    assert_eq!(client.sign_in(&server.user_sig("bob")), abi::OK);
    assert_eq!(client.delete("c2c_bob").code(), 70013);
    assert_eq!(client.everything(), before);
    assert_eq!(server.roaming("alice", "bob"), world::BOB);
    client.close();
    let client = server.device("alice", folder.path()).open();
    client.pulled();
    assert_eq!(client.everything(), before, "the intent is gone");
    assert_eq!(server.roaming("alice", "bob"), world::BOB);
    assert_eq!(client.delete("c2c_bob"), Outcome::Success);
}

/// DEL-2: an account that the server does not know.
#[test]
fn an_account_that_does_not_exist() {
    let server = world::start();
    let folder = tempfile::tempdir().unwrap();
    let client = server.device("nobody", folder.path()).open();
    client.save_texts("c2c_bob", &["kept on the device"]);
    let outcome = client.delete("c2c_bob");
    assert!([50001, 70107].contains(&outcome.code()), "{outcome:?}");
    assert_eq!(client.texts("c2c_bob"), ["kept on the device"]);
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

/// DEL-4: deleting what does not exist, and what is deleted already, succeeds.
#[test]
fn unknown_and_twice() {
    let server = world::start();
    let (_folder, client) = world::device(&server);
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
    assert_eq!(server.roaming("bob", "alice"), world::BOB);
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
    let server = world::start();
    let peers: Vec<_> = (0..150).map(|index| format!("peer{index}")).collect();
    for peer in &peers {
        server.accounts(&[peer]);
        server.send(peer, "alice", &format!("{peer}: hello"));
    }
    let (_folder, client) = world::device(&server);
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
    assert_eq!(client.texts("c2c_bob"), world::BOB);
    assert_eq!(server.roaming(&peers[0], "alice").len(), 1);
}

/// DEL-6: deleting a friend deletes no conversation, and afterwards it can be deleted.
#[test]
fn after_a_friend_was_deleted() {
    let server = world::start();
    server.admin(
        "sns/friend_add",
        &json!({"From_Account": "alice", "AddFriendItem": [{"To_Account": "bob", "AddSource": "AddSource_Type_X"}], "AddType": "Add_Type_Both"}),
    );
    let (_folder, client) = world::device(&server);
    server.admin(
        "sns/friend_delete",
        &json!({"From_Account": "alice", "To_Account": ["bob"], "DeleteType": "Delete_Type_Both"}),
    );
    client.pulled();
    assert_eq!(client.texts("c2c_bob"), world::BOB);
    assert_eq!(server.roaming("alice", "bob"), world::BOB);
    assert_eq!(client.delete("c2c_bob"), Outcome::Success);
    assert!(server.roaming("alice", "bob").is_empty());
    assert!(client.history("c2c_bob").is_empty());
    assert_eq!(server.roaming("bob", "alice"), world::BOB);
}

/// DEL-6: leaving a group deletes nothing, and afterwards its conversation can be deleted.
#[test]
fn after_a_group_was_left() {
    let server = world::start();
    let (_folder, client) = world::device(&server);
    server.admin(
        "group_open_http_svc/delete_group_member",
        &json!({"GroupId": "club", "MemberToDel_Account": ["alice"]}),
    );
    server.send_group("club", "bob", "bob: is she gone?");
    client.pulled();
    assert_eq!(
        client.texts("group_club"),
        world::CLUB,
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
    let server = world::start();
    let (_folder, client) = world::device(&server);
    server.admin(
        "group_open_http_svc/destroy_group",
        &json!({"GroupId": "club"}),
    );
    client.pulled();
    assert_eq!(
        client.texts("group_club"),
        world::CLUB,
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
    let server = world::start();
    let (_folder, client) = world::device(&server);
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
    let mut server = world::start();
    let (folder, client) = world::device(&server);
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
    assert_eq!(server.roaming("bob", "alice"), world::BOB);
    let client = server.device("alice", folder.path()).open();
    client.pulled();
    assert!(client.list().is_empty());
}

/// DUR-7: a device that was restored from a copy made before the deletion is told of its own
/// deletions when it connects, and loses the conversation again; the rest stays.
#[test]
fn a_restored_device_loses_it_again() {
    let server = world::start();
    let (folder, client) = world::device(&server);
    client.close();
    let copy = tempfile::tempdir().unwrap();
    folder::copy(folder.path(), copy.path());
    let client = server.device("alice", folder.path()).open();
    assert_eq!(client.delete("c2c_bob"), Outcome::Success);
    assert_eq!(client.delete("group_club"), Outcome::Success);
    server.send("bob", "alice", "bob: newer");
    client.close();
    let restored = server.device("alice", copy.path()).open();
    assert_eq!(
        restored.texts("c2c_bob"),
        world::BOB,
        "the copy has all of it"
    );
    restored.pulled();
    assert_eq!(restored.texts("c2c_bob"), ["bob: newer"]);
    assert!(restored.history("group_club").is_empty());
    assert_eq!(restored.texts("c2c_carol"), ["carol: tea at four?"]);
    let texts: Vec<_> = world::BOB.into_iter().chain(world::CLUB).collect();
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
    let server = world::start();
    let (_one, first) = world::device(&server);
    let (_two, second) = world::device(&server);
    assert_eq!(first.delete("c2c_bob"), Outcome::Success);
    second.pulled();
    assert_eq!(second.texts("c2c_bob"), world::BOB);
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
