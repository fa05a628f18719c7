//! The bugs of this feature that the vendor's changelog tells of, each a test with the version
//! that fixed it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests fail the test"
)]

mod support;

use std::sync::Arc;
use std::sync::mpsc::channel;

use serde_json::json;
use support::{
    Client, Conversation, DeleteOptions, Heard, Listener, Options, Outcome, Server, abi, eventually,
};
use tempfile::TempDir;

const BOB: [&str; 2] = ["bob: come at dawn", "bob: come alone"];
const CLUB: [&str; 2] = ["bob: the vote is on friday", "carol: bring the minutes"];

/// Alice's conversations with bob and carol, and a group of the three.
fn world() -> Server {
    let server = Server::start();
    server.accounts(&["alice", "bob", "carol"]);
    for text in BOB {
        server.send("bob", "alice", text);
    }
    server.send("carol", "alice", "carol: tea at four?");
    server.group("club", "The Club", "carol", &["alice", "bob"]);
    server.send_group("club", "bob", CLUB[0]);
    server.send_group("club", "carol", CLUB[1]);
    server
}

/// A device of alice that has pulled it, and what it hears.
fn device(server: &Server) -> (TempDir, Client, Arc<Listener>) {
    let folder = tempfile::tempdir().unwrap();
    let listener = Listener::new();
    let options = Options {
        listener: Some(listener.clone()),
        ..server.device("alice", folder.path())
    };
    let client = options.open();
    client.pulled();
    (folder, client, listener)
}

/// A device alone.
fn alone() -> (TempDir, Client, Arc<Listener>) {
    let folder = tempfile::tempdir().unwrap();
    let listener = Listener::new();
    let options = Options {
        listener: Some(listener.clone()),
        ..Options::local(folder.path())
    };
    (folder, options.open(), listener)
}

#[track_caller]
fn deleted(client: &Client, id: &str) {
    assert_eq!(client.delete(id), Outcome::Success);
}

fn line(client: &Client, id: &str) -> Option<Conversation> {
    client.list().into_iter().find(|line| line.id == id)
}

/// What was heard of a conversation after its deletion.
fn heard_after_deletion(listener: &Listener, id: &str) -> Vec<Heard> {
    let heard = listener.heard_of(id);
    let at = heard.iter().position(|event| event.is_deletion_of(id));
    heard[at.expect("the deletion is told") + 1..].to_vec()
}

/// "deleteConversationAndMessage() had no effect". DEL-1: the messages are gone from the server,
/// the device and its files.
#[test]
fn v4_2_1_deleting_a_conversation_and_its_messages_has_an_effect() {
    let server = world();
    let (_folder, client, _) = device(&server);
    deleted(&client, "c2c_bob");
    assert_eq!(line(&client, "c2c_bob"), None);
    assert!(client.history("c2c_bob").is_empty());
    assert!(server.roaming("alice", "bob").is_empty());
    let found = client.verify("c2c_bob", &BOB);
    assert_eq!((found.searched, found.found), (2, 0), "{found:?}");
}

/// "unread total not updated after a deletion". DEL-9: it is right at once, and the listener hears
/// of it.
#[test]
fn v4_3_81_the_unread_total_is_updated_after_a_deletion() {
    let server = world();
    let (_folder, client, listener) = device(&server);
    assert_eq!(client.total_unread(), 5);
    deleted(&client, "c2c_bob");
    assert_eq!(client.total_unread(), 3);
    listener.wait("the total is told", |heard| *heard == Heard::TotalUnread(3));
    deleted(&client, "group_club");
    deleted(&client, "c2c_carol");
    assert_eq!(client.total_unread(), 0);
    listener.wait("the total is told", |heard| *heard == Heard::TotalUnread(0));
}

/// "crash after deleting and then pressing the conversation long". DEL-4, DEL-9: whatever a menu of
/// a deleted conversation offers is answered.
#[test]
fn v4_3_81_touching_a_conversation_after_its_deletion_is_answered() {
    let server = world();
    let (_folder, client, _) = device(&server);
    deleted(&client, "c2c_bob");
    assert_eq!(client.mark("c2c_bob", 1, 0).code(), abi::NOT_FOUND);
    assert_eq!(client.mark_read("c2c_bob", 0).code(), abi::NOT_FOUND);
    assert_eq!(client.pin("c2c_bob", false), Outcome::Success);
    assert_eq!(client.set_draft("c2c_bob", ""), Outcome::Success);
    assert_eq!(client.clear_history("c2c_bob"), Outcome::Success);
    assert!(client.history("c2c_bob").is_empty());
    deleted(&client, "c2c_bob");
    assert_eq!(client.ids().len(), 2);
    assert_eq!(client.pin("c2c_bob", true), Outcome::Success);
    deleted(&client, "c2c_bob");
    assert_eq!(client.ids().len(), 2);
}

/// "deleted conversations still delivered in update callbacks". DEL-10: neither a pull nor what
/// happens to others names it.
#[test]
fn v4_5_45_update_callbacks_leave_out_what_was_deleted() {
    let server = world();
    let (_folder, client, listener) = device(&server);
    deleted(&client, "c2c_bob");
    client.pulled();
    server.send("carol", "alice", "carol: are you there?");
    client.pulled();
    assert_eq!(client.pin("c2c_carol", true), Outcome::Success);
    assert_eq!(client.mark_read("group_club", 0), Outcome::Success);
    client.pulled();
    client.close();
    assert_eq!(heard_after_deletion(&listener, "c2c_bob"), []);
}

/// "unread wrong when a deleted group gets a new message". DEL-9, DEL-3: only the new one counts.
#[test]
fn v4_5_45_a_deleted_group_that_gets_a_message_has_one_unread() {
    let server = world();
    let (_folder, client, _) = device(&server);
    deleted(&client, "group_club");
    server.send_group("club", "bob", "bob: the vote was moved");
    client.pulled();
    let club = line(&client, "group_club").unwrap();
    assert_eq!((club.messages, club.unread), (1, 1));
    assert_eq!(client.total_unread(), 4);
}

/// "deleting now also removes local and roaming messages". DEL-1: on both sides of the line, and
/// what was deleted is not pulled anew.
#[test]
fn v5_0_6_local_and_roaming_messages_are_removed() {
    let server = world();
    let (folder, client, _) = device(&server);
    deleted(&client, "c2c_bob");
    assert!(server.roaming("alice", "bob").is_empty());
    client.close();
    let client = server.device("alice", folder.path()).open();
    client.pulled();
    assert!(client.history("c2c_bob").is_empty());
    let new = tempfile::tempdir().unwrap();
    let other = server.device("alice", new.path()).open();
    other.pulled();
    assert!(!other.ids().contains(&"c2c_bob".to_owned()));
}

/// "a system notification revived a deleted conversation with an empty message". DEL-3: what is no
/// newer message brings nothing back.
#[test]
fn v5_0_6_a_notification_does_not_revive_a_deleted_conversation() {
    let server = world();
    server.admin(
        "sns/friend_add",
        &json!({"From_Account": "alice", "AddFriendItem": [{"To_Account": "bob", "AddSource": "AddSource_Type_X"}], "AddType": "Add_Type_Both"}),
    );
    let (_folder, client, listener) = device(&server);
    deleted(&client, "c2c_bob");
    server.admin(
        "sns/friend_delete",
        &json!({"From_Account": "alice", "To_Account": ["bob"], "DeleteType": "Delete_Type_Both"}),
    );
    server.admin(
        "sns/friend_add",
        &json!({"From_Account": "bob", "AddFriendItem": [{"To_Account": "alice", "AddSource": "AddSource_Type_X"}], "AddType": "Add_Type_Both"}),
    );
    client.pulled();
    assert_eq!(line(&client, "c2c_bob"), None);
    assert!(!server.contacts("alice").contains(&"c2c_bob".to_owned()));
    client.close();
    assert_eq!(heard_after_deletion(&listener, "c2c_bob"), []);
}

/// "onError when the group had been left". DEL-6.
#[test]
fn v5_1_118_deleting_after_leaving_the_group_succeeds() {
    let server = world();
    let (_folder, client, _) = device(&server);
    server.admin(
        "group_open_http_svc/delete_group_member",
        &json!({"GroupId": "club", "MemberToDel_Account": ["alice"]}),
    );
    deleted(&client, "group_club");
    assert!(client.history("group_club").is_empty());
    client.pulled();
    assert_eq!(line(&client, "group_club"), None);
}

/// "onError when the group had been dissolved". DEL-6.
#[test]
fn v5_1_118_deleting_after_the_group_was_dissolved_succeeds() {
    let server = world();
    let (_folder, client, _) = device(&server);
    server.admin(
        "group_open_http_svc/destroy_group",
        &json!({"GroupId": "club"}),
    );
    deleted(&client, "group_club");
    client.pulled();
    assert_eq!(line(&client, "group_club"), None);
}

/// "crash on a wrong conversation id". CALL-3, CALL-7: it is told what is allowed.
#[test]
fn v5_1_20_a_wrong_conversation_id_is_an_error_and_no_crash() {
    let (_folder, client, _) = alone();
    client.save_texts("c2c_bob", &BOB);
    let long = format!("c2c_{}", "x".repeat(1 << 20));
    let wrong = [
        "",
        "bob",
        "c2c_",
        "group_",
        "c2c_\u{1f600}",
        "_",
        "c2c_a\nb",
        &long,
    ];
    for id in wrong {
        let outcome = client.delete(id);
        assert_eq!(
            outcome.code(),
            abi::INVALID_PARAMETER,
            "{id:.20?}: {outcome:?}"
        );
        assert!(!outcome.text().is_empty());
        let cleared = client.clear_history(id);
        assert_eq!(
            cleared.code(),
            abi::INVALID_PARAMETER,
            "{id:.20?}: {cleared:?}"
        );
        assert_eq!(client.pin(id, true).code(), abi::INVALID_PARAMETER);
    }
    assert_eq!(client.texts("c2c_bob"), BOB);
}

/// "pin information survived the deletion". DEL-9: with all else that was set.
#[test]
fn v5_1_20_the_pin_does_not_survive_the_deletion() {
    let server = world();
    let (folder, client, _) = device(&server);
    assert_eq!(client.pin("c2c_bob", true), Outcome::Success);
    assert_eq!(
        client.set_draft("c2c_bob", "dear Bob, I never"),
        Outcome::Success
    );
    assert_eq!(client.mark("c2c_bob", 5, 0), Outcome::Success);
    deleted(&client, "c2c_bob");
    client.close();
    let client = server.device("alice", folder.path()).open();
    server.send("bob", "alice", "bob: hello again");
    client.pulled();
    let bob = line(&client, "c2c_bob").unwrap();
    assert_eq!((bob.pinned, bob.draft.as_str(), bob.marks), (false, "", 0));
}

/// "spurious update callback on a deletion". DEL-10: a deletion is told as a deletion, and nothing
/// else is told of this conversation or of another.
#[test]
fn v5_1_50_a_deletion_makes_no_update_callback() {
    let (_folder, client, listener) = alone();
    client.save_texts("c2c_bob", &BOB);
    client.save_texts("c2c_carol", &["carol: tea at four?"]);
    let before = listener.heard().len();
    deleted(&client, "c2c_bob");
    client.close();
    let heard = listener.heard().split_off(before);
    let about: Vec<_> = heard.iter().filter_map(Heard::conversation).collect();
    assert_eq!(about, ["c2c_bob"], "{heard:?}");
    assert!(heard.iter().any(|event| event.is_deletion_of("c2c_bob")));
}

/// "callbacks that never fired": for empty lists, history without a network, drafts, conversations
/// that nobody knows. CALL-3.
#[test]
fn v4_9_1_to_5_8_every_call_is_answered() {
    let mut server = world();
    let folder = tempfile::tempdir().unwrap();
    let client = server.device("alice", folder.path()).open();
    assert_eq!(client.list(), [], "an empty list is an answer");
    assert!(client.pending().is_empty());
    client.pulled();
    server.kill();
    assert_eq!(client.texts("c2c_bob"), BOB, "without a network, too");
    assert_eq!(client.set_draft("c2c_bob", "not sent"), Outcome::Success);
    assert!(client.history("c2c_nobody").is_empty());
    assert_ne!(client.pull().code(), abi::OK);
    assert_ne!(client.delete("c2c_bob").code(), abi::OK);
    assert_eq!(client.ids().len(), 3);
}

/// "callbacks that fired twice" (5.6.1200, 5.7.1435). CALL-3: once, whatever happens at the time.
#[test]
fn v5_6_1200_no_callback_fires_twice() {
    let server = world();
    let (_folder, client, _) = device(&server);
    let calls: Vec<_> = (0..50)
        .flat_map(|round| {
            let (delete, pull, list) = (client.call(), client.call(), client.call());
            let id = ["c2c_bob", "group_club", "c2c_nobody"][round % 3];
            assert_eq!(client.begin_delete(id, &delete), abi::OK);
            assert_eq!(client.begin_pull(&pull), abi::OK);
            assert_eq!(client.begin_list(&list), abi::OK);
            [delete, pull, list]
        })
        .collect();
    client.close();
    for call in &calls {
        assert_eq!(call.events().len(), 1, "{:?}", call.events());
    }
}

/// "the client's thread could block the SDK's logic thread in a callback". CALL-4: while a callback
/// does not return, calls are accepted and the deletion is carried out.
#[test]
fn v5_1_56_a_callback_that_blocks_does_not_block_the_library() {
    let server = world();
    let (_folder, client, _) = device(&server);
    let (release, released) = channel::<()>();
    let released = std::sync::Mutex::new(released);
    let blocked = client.call_with(move |_| {
        let _ = released.lock().unwrap().recv();
    });
    assert_eq!(client.begin_list(&blocked), abi::OK);
    let deletion = client.call();
    assert_eq!(client.begin_delete("c2c_bob", &deletion), abi::OK);
    eventually("the server has deleted it", || {
        server.roaming("alice", "bob").is_empty()
    });
    eventually("the device too", || client.total_unread() == 3);
    assert!(deletion.events().is_empty());
    release.send(()).unwrap();
    assert_eq!(deletion.wait(), Outcome::Success);
}

/// "isRead wrong after a deletion and new messages". DEL-9: what was read before says nothing of
/// what comes after.
#[test]
fn v7_1_3925_new_messages_after_a_deletion_are_unread() {
    let server = world();
    let (_folder, client, _) = device(&server);
    assert_eq!(client.mark_read("c2c_bob", 0), Outcome::Success);
    deleted(&client, "c2c_bob");
    for text in ["bob: one more", "bob: and another"] {
        server.send("bob", "alice", text);
    }
    client.pulled();
    assert_eq!(line(&client, "c2c_bob").unwrap().unread, 2);
    assert_eq!(client.mark_read("c2c_bob", 3), Outcome::Success);
    assert_eq!(line(&client, "c2c_bob").unwrap().unread, 1);
    // And where the history was kept.
    let keep = DeleteOptions {
        keep_history: true,
        ..DeleteOptions::default()
    };
    assert_eq!(client.delete_as("c2c_bob", keep), Outcome::Success);
    server.send("bob", "alice", "bob: still me");
    client.pulled();
    let bob = line(&client, "c2c_bob").unwrap();
    assert_eq!((bob.messages, bob.unread), (3, 1));
}

/// "onConversationDeleted added". DEL-10, DUR-6: it is there, once, with its cause and the id that
/// the call gave.
#[test]
fn v7_2_4123_the_deletion_is_told() {
    let (_folder, client, listener) = alone();
    client.save_texts("c2c_bob", &BOB);
    let (call, id) = client.deleting("c2c_bob", DeleteOptions::default());
    assert_eq!(call.wait(), Outcome::Success);
    client.close();
    let heard = listener.heard_of("c2c_bob");
    let told = Heard::Deleted {
        id: "c2c_bob".to_owned(),
        cause: 0,
        scope: 0,
        deletion: id,
    };
    assert_eq!(heard.iter().filter(|event| **event == told).count(), 1);
    assert_eq!(heard.last(), Some(&told));
}

/// "deleting one conversation occasionally emptied the whole message database". DEL-5: in every
/// order, with everything going on, one deletion touches one conversation.
#[test]
fn v7_3_4358_deleting_one_conversation_never_empties_the_database() {
    let (folder, client, _) = alone();
    let ids: Vec<_> = (0..30).map(|number| format!("c2c_peer{number}")).collect();
    for (number, id) in ids.iter().enumerate() {
        let text = format!("{id}: what is kept");
        client.save_texts(id, &vec![text.as_str(); 1 + number % 7]);
    }
    let mut everything = client.everything();
    for (number, id) in ids.iter().enumerate().step_by(2) {
        // Work on another one is under way at the time.
        let (other, busy) = (&ids[(number + 1) % ids.len()], client.call());
        assert_eq!(client.begin_history(other, 0, 1000, &busy), abi::OK);
        let wrong = format!("{id}x");
        deleted(&client, &wrong);
        assert_eq!(client.everything(), everything);
        deleted(&client, id);
        everything.remove(id);
        assert_eq!(client.everything(), everything, "after {id}");
    }
    assert_eq!(everything.len(), 15);
    client.close();
    let client = Client::local(folder.path());
    assert_eq!(client.everything(), everything);
}

/// "update callback after the delete callback", twice (7.9.5666, 8.1.6116). DEL-10: also with
/// changes of the conversation on their way when it is deleted.
#[test]
fn v7_9_5666_and_v8_1_6116_no_update_callback_comes_after_the_delete_callback() {
    let (_folder, client, listener) = alone();
    for round in 1..=20_u64 {
        let position = round * 10;
        client.save("c2c_bob", &[(position, "bob", BOB[0])]);
        let (more, deletion, stale) = (client.call(), client.call(), client.call());
        let newer = [(position + 1, "bob", BOB[1])];
        assert_eq!(client.begin_save("c2c_bob", &newer, &more), abi::OK);
        assert_eq!(client.begin_delete("c2c_bob", &deletion), abi::OK);
        assert_eq!(client.begin_save("c2c_bob", &newer, &stale), abi::OK);
        for call in [more, deletion, stale] {
            assert_eq!(call.wait(), Outcome::Success);
        }
        assert_eq!(client.ids(), Vec::<String>::new());
        let heard = listener.heard_of("c2c_bob");
        assert!(
            heard.last().unwrap().is_deletion_of("c2c_bob"),
            "round {round}: {heard:?}"
        );
    }
}

/// "a deleted conversation, of a group, was activated again at the next login". DEL-1, DEL-3.
#[test]
fn v7_9_5680_a_deleted_group_stays_away_at_the_next_login() {
    let server = world();
    let (folder, client, _) = device(&server);
    deleted(&client, "group_club");
    for _ in 0..2 {
        client.pulled();
        assert_eq!(line(&client, "group_club"), None);
        assert_eq!(client.sign_in(&server.user_sig("alice")), abi::OK);
    }
    client.close();
    let listener = Listener::new();
    let options = Options {
        listener: Some(listener.clone()),
        ..server.device("alice", folder.path())
    };
    let client = options.open();
    client.pulled();
    assert_eq!(line(&client, "group_club"), None);
    client.close();
    assert_eq!(listener.heard_of("group_club"), []);
}

/// "after deleting a pinned conversation a new message could not bring it back". DEL-3, DEL-9: it
/// comes back, with just the new message, and not pinned.
#[test]
fn v8_1_6116_a_pinned_conversation_comes_back_with_a_new_message() {
    let server = world();
    let (_folder, client, listener) = device(&server);
    assert_eq!(client.pin("c2c_bob", true), Outcome::Success);
    deleted(&client, "c2c_bob");
    assert_eq!(line(&client, "c2c_bob"), None);
    server.send("bob", "alice", "bob: here I am again");
    client.pulled();
    assert_eq!(client.texts("c2c_bob"), ["bob: here I am again"]);
    let bob = line(&client, "c2c_bob").unwrap();
    assert_eq!((bob.pinned, bob.unread), (false, 1));
    let heard = heard_after_deletion(&listener, "c2c_bob");
    assert!(
        matches!(heard.as_slice(), [Heard::New(line)] if line.messages == 1),
        "{heard:?}"
    );
    assert!(server.contacts("alice").contains(&"c2c_bob".to_owned()));
}
