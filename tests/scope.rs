//! What goes with a conversation and what stays: keeping and clearing history, pins, drafts, marks
//! and read positions.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests fail the test"
)]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use support::client::save;
use support::{
    Answer, Client, DeleteOptions, FakeServer, Heard, Listener, Options, Outcome, Server, abi,
    eventually, fake,
};

const OLD: [&str; 2] = [
    "bob: meet me by the old mill",
    "bob: bring the green lantern",
];

const KEEP: DeleteOptions = DeleteOptions {
    timeout_ms: 0,
    policy: 0,
    keep_history: true,
    undo_ms: 0,
};

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

fn ok(outcome: &Outcome) {
    assert_eq!(*outcome, Outcome::Success);
}

/// DEL-8: with `keep_history` only the list entry goes, here and on the server; the messages are
/// still there, and return to the list with a newer one.
#[test]
fn history_that_is_kept() {
    let server = Server::start();
    server.accounts(&["alice", "bob", "carol"]);
    for text in OLD {
        server.send("bob", "alice", text);
    }
    server.send("carol", "alice", "carol: tea at four?");
    let folder = folder();
    let listener = Listener::new();
    let options = Options {
        listener: Some(listener.clone()),
        ..server.device("alice", folder.path())
    };
    let client = options.open();
    client.pulled();
    ok(&client.delete_as("c2c_bob", KEEP));
    assert_eq!(client.ids(), ["c2c_carol"]);
    assert_eq!(client.total_unread(), 1, "its unread count went with it");
    assert_eq!(client.texts("c2c_bob"), OLD);
    assert_eq!(server.contacts("alice"), ["c2c_carol"]);
    assert_eq!(server.roaming("alice", "bob"), OLD);
    let deleted = listener.wait("it has left the list", |heard| {
        heard.is_deletion_of("c2c_bob")
    });
    assert!(
        matches!(
            deleted,
            Heard::Deleted {
                scope: 1,
                cause: 0,
                ..
            }
        ),
        "{deleted:?}"
    );

    client.close();
    let client = server.device("alice", folder.path()).open();
    assert_eq!(client.ids(), ["c2c_carol"]);
    client.pulled();
    assert_eq!(client.ids(), ["c2c_carol"]);
    server.send("bob", "alice", "bob: and here I am again");
    client.pulled();
    assert_eq!(client.ids().len(), 2);
    assert_eq!(client.texts("c2c_bob").len(), 3);
    let bob = client
        .list()
        .into_iter()
        .find(|line| line.id == "c2c_bob")
        .unwrap();
    assert_eq!((bob.messages, bob.unread), (3, 1));
}

/// DEL-8: `adieu_clear_history` is the reverse: the messages go, from both sides of the line, and
/// the conversation stays in the list with its title, pin and draft.
#[test]
fn history_that_is_cleared() {
    let server = Server::start();
    server.accounts(&["alice", "bob"]);
    server.group("club", "The Club of Rome", "alice", &["bob"]);
    for text in OLD {
        server.send_group("club", "bob", text);
    }
    let folder = folder();
    let listener = Listener::new();
    let options = Options {
        listener: Some(listener.clone()),
        ..server.device("alice", folder.path())
    };
    let client = options.open();
    client.pulled();
    ok(&client.pin("group_club", true));
    ok(&client.set_draft("group_club", "what I meant to say"));
    ok(&client.clear_history("group_club"));
    let check = |client: &Client| {
        let line = client.list().into_iter().next().unwrap();
        assert_eq!(
            (line.id.as_str(), line.title.as_str()),
            ("group_club", "The Club of Rome")
        );
        assert_eq!((line.messages, line.unread, line.last), (0, 0, None));
        assert_eq!(
            (line.draft.as_str(), line.pinned),
            ("what I meant to say", true)
        );
        assert!(client.history("group_club").is_empty());
        let found = client.verify("group_club", &OLD);
        assert_eq!((found.searched, found.found), (2, 0), "{found:?}");
    };
    check(&client);
    assert_eq!(server.contacts("alice"), ["group_club"]);
    let target = serde_json::json!({"Type": 2, "ToGroupid": "club"});
    assert!(server.history("alice", target.clone()).is_empty());
    assert_eq!(server.history("bob", target), OLD);
    client.close();
    let heard = listener.heard_of("group_club");
    assert!(
        matches!(heard.last(), Some(Heard::Changed(line)) if line.messages == 0),
        "{heard:?}"
    );
    assert!(!heard.iter().any(|heard| heard.is_deletion_of("group_club")));

    let client = server.device("alice", folder.path()).open();
    check(&client);
    client.pulled();
    check(&client);
    server.send_group("club", "bob", "bob: something new at last");
    client.pulled();
    assert_eq!(client.texts("group_club"), ["bob: something new at last"]);
    ok(&client.delete("group_club"));
    assert!(client.ids().is_empty());
    let found = client.verify("group_club", &["what I meant to say", "The Club of Rome"]);
    assert_eq!(found.found, 0, "{found:?}");
}

/// DEL-8, DEL-3: clearing spares what came after the call, and a stale message brings nothing back.
#[test]
fn clearing_keeps_to_its_cut_off() {
    let folder = folder();
    let client = Client::local(folder.path());
    client.save_texts("c2c_bob", &OLD);
    ok(&client.clear_history("c2c_bob"));
    assert_eq!(client.ids(), ["c2c_bob"]);
    client.save("c2c_bob", &[(1, "bob", OLD[0])]);
    assert!(client.history("c2c_bob").is_empty());
    client.save("c2c_bob", &[(3, "bob", "bob: something new at last")]);
    assert_eq!(client.texts("c2c_bob"), ["bob: something new at last"]);
    ok(&client.clear_history("c2c_bob"));
    ok(&client.clear_history("c2c_bob"));
    ok(&client.clear_history("c2c_nobody"));
    assert_eq!(client.ids(), ["c2c_bob"]);
}

/// DEL-9: pin, draft, marks and unread counts go with the conversation, and are not there when it
/// comes back; the total is right.
#[test]
fn everything_goes_with_the_conversation() {
    let folder = folder();
    let client = Client::local(folder.path());
    client.save_texts("c2c_bob", &OLD);
    client.save_texts("c2c_carol", &["carol: tea at four?"]);
    ok(&client.pin("c2c_bob", true));
    ok(&client.set_draft("c2c_bob", "a draft nobody may find"));
    ok(&client.mark("c2c_bob", 0b101, 0));
    ok(&client.mark("c2c_bob", 0b010, 0b001));
    assert_eq!(
        client.ids(),
        ["c2c_bob", "c2c_carol"],
        "what is pinned comes first"
    );
    let line = &client.list()[0];
    assert_eq!(
        (line.pinned, line.draft.as_str(), line.marks, line.unread),
        (true, "a draft nobody may find", 0b110, 2)
    );
    assert_eq!(client.total_unread(), 3);

    ok(&client.delete("c2c_bob"));
    assert_eq!(
        (client.ids(), client.total_unread()),
        (vec!["c2c_carol".to_owned()], 1)
    );
    assert_eq!(
        client.verify("c2c_bob", &["a draft nobody may find"]).found,
        0
    );
    client.save("c2c_bob", &[(3, "bob", "bob: a new beginning")]);
    let bob = client
        .list()
        .into_iter()
        .find(|line| line.id == "c2c_bob")
        .unwrap();
    assert_eq!(
        (bob.pinned, bob.draft.as_str(), bob.marks, bob.unread),
        (false, "", 0, 1)
    );
    assert_eq!(client.total_unread(), 2);
}

/// DEL-9, DEL-4, ERA-2: a deletion that newer messages outlive takes pin and draft of its time,
/// unreadably, and leaves alone what was set after.
#[test]
fn what_was_set_later_stays() {
    let folder = folder();
    let client = Client::local(folder.path());
    client.save_texts("c2c_bob", &OLD);
    ok(&client.set_draft("c2c_bob", "a draft of the old days"));
    ok(&client.pin("c2c_bob", true));
    let (call, _) = client.deleting("c2c_bob", DeleteOptions::undo(300));
    client.save("c2c_bob", &[(3, "bob", "bob: something new at last")]);
    ok(&client.mark("c2c_bob", 4, 0));
    ok(&call.wait());
    let line = client.list().into_iter().next().unwrap();
    assert_eq!(
        (line.messages, line.pinned, line.draft.as_str(), line.marks),
        (1, false, "", 4)
    );
    let gone = ["a draft of the old days", OLD[0], OLD[1]];
    assert_eq!(client.verify("c2c_bob", &gone).found, 0);
    client.close();
    let client = Client::local(folder.path());
    let line = client.list().into_iter().next().unwrap();
    assert_eq!((line.draft.as_str(), line.marks), ("", 4));
}

/// DEL-9: read positions count, survive a restart, and go with the conversation.
#[test]
fn read_positions() {
    let folder = folder();
    let client = Client::local(folder.path());
    client.save(
        "c2c_bob",
        &[
            (1, "bob", "one"),
            (2, "alice", "two"),
            (3, "bob", "three"),
            (4, "bob", "four"),
        ],
    );
    assert_eq!(client.total_unread(), 3, "one's own are never unread");
    ok(&client.mark_read("c2c_bob", 3));
    assert_eq!(client.total_unread(), 1);
    ok(&client.mark_read("c2c_bob", 1));
    assert_eq!(client.total_unread(), 1, "what is read stays read");
    client.close();
    let client = Client::local(folder.path());
    assert_eq!(client.total_unread(), 1);
    ok(&client.mark_read("c2c_bob", 0));
    assert_eq!(client.total_unread(), 0);
    ok(&client.delete("c2c_bob"));
    client.save("c2c_bob", &[(5, "bob", "five")]);
    assert_eq!(client.total_unread(), 1);
}

/// A draft or a pin makes a conversation known that has no message, and is deleted like any other.
#[test]
fn a_conversation_that_is_only_a_draft() {
    let folder = folder();
    let client = Client::local(folder.path());
    ok(&client.set_draft("c2c_dora", "dear Dora, I never"));
    assert_eq!(client.list()[0].draft, "dear Dora, I never");
    assert_eq!(client.mark("c2c_nobody", 1, 0).code(), abi::NOT_FOUND);
    assert_eq!(client.mark_read("c2c_nobody", 0).code(), abi::NOT_FOUND);
    client.close();
    let client = Client::local(folder.path());
    assert_eq!(client.ids(), ["c2c_dora"]);
    ok(&client.delete("c2c_dora"));
    assert!(client.ids().is_empty());
    assert_eq!(
        client
            .verify("c2c_dora", &["dear Dora, I never", "c2c_dora"])
            .found,
        0
    );
    ok(&client.set_draft("c2c_dora", "dear Dora"));
    ok(&client.set_draft("c2c_dora", ""));
    assert!(client.ids().is_empty());
    ok(&client.pin("c2c_dora", true));
    assert_eq!(client.ids(), ["c2c_dora"]);
    ok(&client.delete_as("c2c_dora", KEEP));
    assert!(client.ids().is_empty());
    ok(&client.pin("c2c_dora", true));
    assert_eq!(
        client.ids(),
        ["c2c_dora"],
        "what is pinned anew is listed anew"
    );
    let long = "x".repeat((64 << 10) + 1);
    let refused = client.set_draft("c2c_dora", &long);
    assert_eq!(refused.code(), abi::INVALID_PARAMETER);
    assert!(refused.text().contains("at most 65536"), "{refused:?}");
}

/// DEL-8: what goes is what the request says, also in a batch and across a lost answer.
#[test]
fn what_the_server_is_told() {
    let server = fake::FakeServer::with_world(|_, number| match number {
        0 => fake::Answer::Reset,
        _ => fake::Answer::Ok(().into()),
    });
    let folder = folder();
    let client = Options::remote(folder.path(), &server.url(), "sig").open();
    client.pulled();
    ok(&client.delete_as("c2c_bob", KEEP));
    ok(&client.clear_history("group_club"));
    let asked = server.deletions();
    let told: Vec<_> = asked
        .iter()
        .map(|body| {
            (
                body["ClearRamble"].clone(),
                body["KeepListed"].clone(),
                body["CutOff"].clone(),
            )
        })
        .collect();
    let null = serde_json::Value::Null;
    assert_eq!(
        told,
        [
            (0.into(), null.clone(), 3.into()),
            (0.into(), null, 3.into()),
            (1.into(), 1.into(), 2.into())
        ]
    );
}

/// DEL-8, DUR-6: clearing a history within an undo window, and after it, leaves the conversation in
/// the list with its marks, as without one; what the window hid is gone.
#[test]
fn cleared_after_an_undo_window() {
    let folder = folder();
    let client = Client::local(folder.path());
    client.save_texts("c2c_bob", &OLD);
    ok(&client.mark("c2c_bob", 4, 0));
    let (call, _) = client.clearing("c2c_bob", DeleteOptions::undo(300));
    assert!(client.history("c2c_bob").is_empty());
    let within = client.list();
    ok(&call.wait());
    let bob = client.list().remove(0);
    assert_eq!(
        (bob.id.as_str(), bob.marks, bob.messages, bob.unread),
        ("c2c_bob", 4, 0, 0)
    );
    assert_eq!(within, std::slice::from_ref(&bob));
    assert_eq!(client.verify("c2c_bob", &OLD).found, 0);
    client.close();
    assert_eq!(Client::local(folder.path()).list(), [bob]);
}

/// DEL-4, DEL-8: taking a conversation out of the list covers what was there at the call: a newer
/// message that came while the server was asked keeps it listed.
#[test]
fn hiding_keeps_to_its_cut_off() {
    let fake = FakeServer::with_world(|_, _| Answer::Hold(Box::new(Answer::Ok(().into()))));
    let folder = folder();
    let options = Options::remote(folder.path(), &fake.url(), "sig");
    let client = options.open();
    client.save_texts("c2c_zoe", &OLD);
    let (call, _) = client.deleting("c2c_zoe", KEEP);
    fake.wait_for_deletions(1);
    client.save("c2c_zoe", &[(3, "zoe", "zoe: came after the call")]);
    fake.release();
    ok(&call.wait());
    let listed = |client: &Client| {
        assert_eq!(client.ids(), ["c2c_zoe"]);
        assert_eq!(client.history("c2c_zoe").len(), 3);
        assert_eq!(client.close(), abi::OK);
    };
    listed(&client);
    listed(&options.open());
}

/// DEL-9: a message that the host saves in the callback of the deletion, when nothing has been
/// tidied up yet, brings back the conversation without its pin, draft, marks and unread count.
#[test]
fn brought_back_bare_in_the_callback() {
    let folder = folder();
    let client = Client::local(folder.path());
    client.save_texts("c2c_bob", &OLD);
    ok(&client.pin("c2c_bob", true));
    ok(&client.set_draft("c2c_bob", "a draft nobody may find"));
    ok(&client.mark("c2c_bob", 4, 0));
    let (handle, saving) = (client.handle() as usize, client.call());
    let begun = saving.clone();
    let deleting = client.call_with(move |_| {
        let newer = [(3, "bob", "bob: something new at last")];
        assert_eq!(save(handle, "c2c_bob", &newer, &begun), abi::OK);
    });
    assert_eq!(client.begin_delete("c2c_bob", &deleting), abi::OK);
    ok(&deleting.wait());
    ok(&saving.wait());
    let bob = client.list().remove(0);
    assert_eq!(
        (bob.pinned, bob.draft.as_str(), bob.marks, bob.unread),
        (false, "", 0, 1)
    );
    client.close();
    assert_eq!(Client::local(folder.path()).list(), [bob]);
}

/// DEL-9, DEL-3, ERA-2: a draft and a pin that were set on an emptied conversation go with its
/// deletion, and do not come back with a message that comes while the server is asked.
#[test]
fn a_draft_that_went_stays_gone() {
    const DRAFT: &str = "the draft that has to go";
    for cleared in [true, false] {
        let slow = Arc::new(AtomicBool::new(false));
        let now = slow.clone();
        let fake = FakeServer::with_world(move |_, _| {
            if now.load(Ordering::SeqCst) {
                Answer::Hold(Box::new(Answer::Ok(().into())))
            } else {
                Answer::Ok(().into())
            }
        });
        let folder = folder();
        let options = Options::remote(folder.path(), &fake.url(), "sig");
        let client = options.open();
        client.save_texts("c2c_zoe", &OLD);
        ok(&if cleared {
            client.clear_history("c2c_zoe")
        } else {
            client.delete("c2c_zoe")
        });
        ok(&client.set_draft("c2c_zoe", DRAFT));
        ok(&client.pin("c2c_zoe", true));
        ok(&client.mark("c2c_zoe", 4, 0));
        let old = self::folder();
        support::folder::copy(folder.path(), old.path());
        slow.store(true, Ordering::SeqCst);
        let (call, _) = client.deleting("c2c_zoe", DeleteOptions::default());
        fake.wait_for_deletions(2);
        client.save("c2c_zoe", &[(3, "zoe", "zoe: came after the call")]);
        fake.release();
        ok(&call.wait());
        let zoe = client.list().remove(0);
        assert_eq!(
            (zoe.draft.as_str(), zoe.pinned, zoe.marks, zoe.messages),
            ("", false, 0, 1)
        );
        let found = client.verify("c2c_zoe", &[DRAFT]);
        assert_eq!(found.found, 0, "{found:?}");
        client.close();
        let client = options.open();
        assert_eq!(client.list(), [zoe]);
        assert_eq!(client.texts("c2c_zoe"), ["zoe: came after the call"]);
        client.close();
        // Nor does the database of then give it away, beside the keys of today.
        let keys = std::fs::copy(folder.path().join("keys"), old.path().join("keys"));
        assert!(keys.is_ok());
        let client = Client::local(old.path());
        assert!(client.list().iter().all(|line| line.draft.is_empty()));
    }
}

/// DEL-9, DUR-2: a draft that was set after a queued deletion has erased the conversation goes with
/// the next call, which joins the pending one in everything else.
#[test]
fn a_draft_set_while_a_deletion_is_queued_goes_with_the_next() {
    let fake = FakeServer::with_world(|_, _| Answer::Hold(Box::new(Answer::Ok(().into()))));
    let folder = folder();
    let client = Options::remote(folder.path(), &fake.url(), "sig").open();
    client.save_texts("c2c_zoe", &OLD);
    let (first, _) = client.deleting("c2c_zoe", DeleteOptions::queue());
    fake.wait_for_deletions(1);
    ok(&client.set_draft("c2c_zoe", "second thoughts"));
    let (second, _) = client.deleting("c2c_zoe", DeleteOptions::queue());
    eventually("it has left the list", || client.list().is_empty());
    fake.release();
    ok(&first.wait());
    fake.wait_for_deletions(2);
    fake.release();
    ok(&second.wait());
    assert!(client.list().is_empty());
    client.close();
    assert!(Client::local(folder.path()).list().is_empty());
}
