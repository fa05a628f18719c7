//! Two deletions of one conversation, the second while the first is under way.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests fail the test"
)]

mod support;

use std::os::unix::process::ExitStatusExt;
use std::path::Path;

use support::{
    Answer, Client, DeleteOptions, FakeServer, Options, Outcome, abi, child, eventually,
};

const MINUTE: u32 = 60_000;

const OLD: [&str; 2] = ["bob: one message", "bob: two messages"];

const KEEP: DeleteOptions = DeleteOptions {
    timeout_ms: 0,
    policy: 0,
    keep_history: true,
    undo_ms: 0,
};

fn filled() -> (tempfile::TempDir, Client) {
    let folder = tempfile::tempdir().unwrap();
    let client = Client::local(folder.path());
    client.save_texts("c2c_bob", &OLD);
    (folder, client)
}

/// DUR-6, DEL-8: what an undo window hides stays hidden when the list entry is deleted within it
/// and comes back with a newer message; undoing then brings the history back.
#[test]
fn history_kept_within_a_window() {
    let (folder, client) = filled();
    let (first, id) = client.deleting("c2c_bob", DeleteOptions::undo(MINUTE));
    assert!(client.history("c2c_bob").is_empty());
    assert_eq!(client.delete_as("c2c_bob", KEEP), Outcome::Success);
    assert!(client.ids().is_empty());
    assert!(client.history("c2c_bob").is_empty());
    client.save("c2c_bob", &[(3, "bob", "bob: three messages")]);
    assert_eq!(client.ids(), ["c2c_bob"]);
    assert_eq!(client.texts("c2c_bob"), ["bob: three messages"]);
    client.close();
    assert_eq!(first.wait().code(), abi::PENDING);

    let client = Client::local(folder.path());
    assert_eq!(client.texts("c2c_bob"), ["bob: three messages"]);
    assert_eq!(client.undo(id), Outcome::Success);
    assert_eq!(
        client.texts("c2c_bob"),
        [OLD[0], OLD[1], "bob: three messages"]
    );
}

/// DUR-6, DEL-8: clearing the history within the undo window of a deletion leaves the list entry
/// to the window: undoing brings it back with its marks, and without the history.
#[test]
fn cleared_within_a_window_and_undone() {
    let (folder, client) = filled();
    assert_eq!(client.mark("c2c_bob", 4, 0), Outcome::Success);
    let (first, id) = client.deleting("c2c_bob", DeleteOptions::undo(MINUTE));
    assert_eq!(client.clear_history("c2c_bob"), Outcome::Success);
    assert!(client.ids().is_empty(), "the window still hides it");
    assert_eq!(client.undo(id), Outcome::Success);
    assert_eq!(first.wait().code(), abi::CANCELLED);
    let bob = client.list().remove(0);
    assert_eq!(
        (bob.id.as_str(), bob.marks, bob.messages),
        ("c2c_bob", 4, 0)
    );
    assert_eq!(client.verify("c2c_bob", &OLD).found, 0);
    client.close();
    assert_eq!(Client::local(folder.path()).list(), [bob]);
}

/// DUR-6, DEL-8: a deletion and a cleared history, both within their windows: the conversation is
/// listed where only the history is hidden, whichever is undone first.
#[test]
fn a_deletion_and_a_clearing_within_their_windows() {
    for (first_undone, listed) in [(0, true), (1, false)] {
        let (_folder, client) = filled();
        let (_, deletion) = client.deleting("c2c_bob", DeleteOptions::undo(MINUTE));
        let (_, clearing) = client.clearing("c2c_bob", DeleteOptions::undo(MINUTE));
        assert!(client.ids().is_empty(), "the deletion hides it");
        let ids = [deletion, clearing];
        assert_eq!(client.undo(ids[first_undone]), Outcome::Success);
        assert_eq!(client.ids().len(), usize::from(listed));
        assert!(client.history("c2c_bob").is_empty());
        assert_eq!(client.undo(ids[1 - first_undone]), Outcome::Success);
        assert_eq!(client.texts("c2c_bob"), OLD);
    }

    // What came after the deletion lists it, also while that is hidden as history.
    let (_folder, client) = filled();
    let (_, deletion) = client.deleting("c2c_bob", DeleteOptions::undo(MINUTE));
    client.save("c2c_bob", &[(3, "bob", "bob: three messages")]);
    let (_, clearing) = client.clearing("c2c_bob", DeleteOptions::undo(MINUTE));
    assert_eq!(client.ids(), ["c2c_bob"]);
    assert!(client.history("c2c_bob").is_empty());
    assert_eq!(client.undo(clearing), Outcome::Success);
    assert_eq!(client.texts("c2c_bob"), ["bob: three messages"]);
    assert_eq!(client.undo(deletion), Outcome::Success);
    assert_eq!(client.history("c2c_bob").len(), 3);
}

/// DUR-1, DEL-8: the process dies while a history is cleared within the window of an earlier deletion,
/// beyond which there was a message: the next open finishes it, and the conversation stays listed, as
/// it would have.
#[test]
fn killed_while_clearing_within_a_window() {
    if child::is_child() {
        let client = Client::local(Path::new(&std::env::var("WINDOW_FOLDER").unwrap()));
        client.deleting("c2c_bob", DeleteOptions::undo(MINUTE));
        client.save("c2c_bob", &[(3, "bob", "bob: three messages")]);
        let (call, _) = client.clearing("c2c_bob", DeleteOptions::undo(100));
        panic!("the failpoint was not reached: {:?}", call.wait());
    }
    for point in ["before-destroying", "keys-destroyed", "rows-followed"] {
        let (folder, client) = filled();
        client.close();
        let died = child::run(
            "killed_while_clearing_within_a_window",
            &[
                ("ADIEU_FAILPOINT", &format!("{point}=abort")),
                ("WINDOW_FOLDER", folder.path().to_str().unwrap()),
            ],
        );
        assert_eq!(died.status.signal(), Some(libc::SIGABRT), "{died:?}");
        let client = Client::local(folder.path());
        eventually("it is cleared", || client.pending().len() == 1);
        assert_eq!(client.ids(), ["c2c_bob"], "{point}");
        assert!(client.history("c2c_bob").is_empty());
        let window = client.pending()[0].deletion;
        assert_eq!(client.undo(window), Outcome::Success);
        assert_eq!(client.ids(), ["c2c_bob"], "{point}");
        assert!(client.history("c2c_bob").is_empty());
    }
}

/// DEL-4, DEL-2: two equal calls do the work once. When its outcome is unknown both hear so, one
/// deletion is pending, and the library knows it by either id.
#[test]
fn joined_calls_whose_outcome_is_unknown() {
    let fake = FakeServer::with_world(|_, _| {
        Answer::Hold(Box::new(Answer::Http(
            "500 Internal Server Error",
            "",
            String::new(),
        )))
    });
    let folder = tempfile::tempdir().unwrap();
    let client = Options::remote(folder.path(), &fake.url(), "sig").open();
    client.pulled();
    let (first, one) = client.deleting("c2c_bob", DeleteOptions::default());
    fake.wait_for_deletions(1);
    let (second, two) = client.deleting("c2c_bob", DeleteOptions::default());
    eventually("it is taken up", || client.pending().len() == 1);
    fake.release();
    assert_eq!(first.wait().code(), abi::OUTCOME_UNKNOWN);
    assert_eq!(second.wait().code(), abi::OUTCOME_UNKNOWN);
    assert_ne!(one, two);
    assert_eq!(client.pending().len(), 1);
    for id in [one, two] {
        assert_eq!(client.undo(id).code(), abi::TOO_LATE);
    }
    for asked in fake.deletions() {
        assert_eq!(asked["DeletionId"], one.wire());
    }
}
