//! Undo windows: hidden at once, and nothing else until they are over.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests fail the test"
)]

mod support;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use support::call::{on_error, on_success};
use support::listener::{CANCELLED, DONE, FAILED, UNDOABLE, WAITING, heard_by, only};
use support::{
    Answer, Client, DeleteOptions, FakeServer, Heard, Options, Outcome, abi, child, eventually,
    fake,
};

const MINUTE: u32 = 60_000;
/// Long enough to close a client in.
const SHORT: u32 = 1_000;

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

/// DUR-6: within the undo window a conversation is hidden, and undoing brings all of it back; the
/// server is never asked.
#[test]
fn undone_within_its_window() {
    let fake = FakeServer::with_world(|_, _| Answer::Ok(().into()));
    let folder = folder();
    let (client, listener) = heard_by(Options::remote(folder.path(), &fake.url(), "sig"));
    client.pulled();
    for set in [
        client.pin("c2c_bob", true),
        client.set_draft("c2c_bob", "a draft"),
        client.mark("c2c_bob", 4, 0),
    ] {
        assert_eq!(set, Outcome::Success);
    }
    let before = client.everything();
    let unread = client.total_unread();
    let (call, id) = client.deleting("c2c_bob", DeleteOptions::undo(MINUTE));
    assert_eq!(client.ids(), ["group_club"]);
    assert!(client.history("c2c_bob").is_empty());
    assert!(client.total_unread() < unread);
    let pending = only(&client);
    assert_eq!((pending.state, pending.erased), (UNDOABLE, false));
    assert!(pending.undo_until_ms > pending.accepted_at_ms);
    assert_eq!(
        client.manage(abi::abi().retry, id).code(),
        abi::INVALID_PARAMETER,
        "it is not time"
    );

    assert_eq!(client.undo(id), Outcome::Success);
    assert_eq!(call.wait().code(), abi::CANCELLED);
    assert_eq!(client.everything(), before);
    assert_eq!(client.total_unread(), unread);
    assert!(client.pending().is_empty());
    assert_eq!(client.undo(id).code(), abi::NOT_FOUND);
    assert_eq!(listener.states_of(id), [UNDOABLE, CANCELLED]);
    let of_bob = listener.heard_of("c2c_bob");
    assert!(
        matches!(of_bob.last(), Some(Heard::New(line)) if line.messages == 3),
        "{of_bob:?}"
    );
    assert!(!of_bob.iter().any(|heard| heard.is_deletion_of("c2c_bob")));
    client.close();
    assert!(fake.deletions().is_empty());
    let client = Options::remote(folder.path(), &fake.url(), "sig").open();
    assert_eq!(client.everything(), before);
}

/// DUR-6, DEL-8, DEL-10: within its undo window a cleared history is hidden, and the conversation
/// stays in the list with all else, across a restart too; undoing brings the history back. The
/// listener hears of it as of a conversation that has changed, never as of one that is new.
#[test]
fn a_cleared_history_undone() {
    let folder = folder();
    let (client, listener) = heard_by(Options::local(folder.path()));
    client.save_texts("c2c_bob", &["bob: one", "bob: two"]);
    assert_eq!(client.pin("c2c_bob", true), Outcome::Success);
    assert_eq!(client.mark("c2c_bob", 4, 0), Outcome::Success);
    let before = client.everything();
    let (call, id) = client.clearing("c2c_bob", DeleteOptions::undo(MINUTE));
    let within = client.everything();
    let (bob, history) = &within["c2c_bob"];
    assert_eq!((bob.messages, bob.unread, bob.marks), (0, 0, 4));
    assert!(bob.pinned && bob.last.is_none() && history.is_empty());
    assert_eq!(client.total_unread(), 0);
    client.close();
    assert_eq!(call.wait().code(), abi::PENDING);
    let changed = |heard: &Heard, messages| matches!(heard, Heard::Changed(line) if line.messages == messages);
    let of_bob = listener.heard_of("c2c_bob");
    assert!(of_bob.iter().any(|heard| changed(heard, 0)), "{of_bob:?}");

    let (client, listener) = heard_by(Options::local(folder.path()));
    assert_eq!(client.everything(), within);
    assert_eq!(client.undo(id), Outcome::Success);
    assert_eq!(client.everything(), before);
    client.close();
    let of_bob = listener.heard_of("c2c_bob");
    let told = |heard: &&Heard| !matches!(heard, Heard::Pending(_));
    let told: Vec<_> = of_bob.iter().filter(told).collect();
    assert!(matches!(told[..], [only] if changed(only, 2)), "{of_bob:?}");
}

/// DUR-6, DEL-3: when the window is over the deletion takes its way, up to where it was made; what
/// came within the window shows the conversation again, and survives.
#[test]
fn not_undone() {
    let folder = folder();
    let (client, listener) = heard_by(Options::local(folder.path()));
    client.save_texts("c2c_bob", &["bob: the first of all", "bob: the second one"]);
    let (call, _) = client.deleting("c2c_bob", DeleteOptions::undo(400));
    assert!(client.ids().is_empty());
    client.save("c2c_bob", &[(3, "bob", "bob: the third, in the window")]);
    assert_eq!(client.texts("c2c_bob"), ["bob: the third, in the window"]);
    assert_eq!((client.list()[0].messages, client.total_unread()), (1, 1));
    assert_eq!(call.wait(), Outcome::Success);
    assert_eq!(client.texts("c2c_bob"), ["bob: the third, in the window"]);
    let gone = ["bob: the first of all", "bob: the second one"];
    assert_eq!(client.verify("c2c_bob", &gone).found, 0);
    listener.wait("the deletion is told", |heard| {
        heard.is_deletion_of("c2c_bob")
    });
}

/// DUR-6: a process that dies within the window: the next one can still undo; one that opens after
/// it sees the deletion take its way.
#[test]
fn undo_windows_across_restarts() {
    for window in [MINUTE, 300] {
        let folder = folder();
        let fake = FakeServer::with_world(|_, _| Answer::Ok(().into()));
        let options = Options::remote(folder.path(), &fake.url(), "sig");
        let client = options.open();
        client.pulled();
        let before = client.everything();
        let begun = Instant::now();
        let (call, id) = client.deleting("c2c_bob", DeleteOptions::undo(window));
        client.close();
        assert_eq!(call.wait().code(), abi::PENDING);
        if window == MINUTE {
            let client = options.open();
            assert!(!client.ids().contains(&"c2c_bob".to_owned()));
            assert_eq!(only(&client).state, UNDOABLE);
            assert_eq!(client.undo(id), Outcome::Success);
            assert_eq!(client.everything(), before);
            assert!(fake.deletions().is_empty());
        } else {
            eventually("the window is over", || {
                begun.elapsed() > Duration::from_millis(window.into())
            });
            let (client, listener) = heard_by(options.clone());
            listener.wait("the deletion is told", |heard| {
                heard.is_deletion_of("c2c_bob")
            });
            eventually("nothing is pending", || client.pending().is_empty());
            assert_eq!(client.ids(), ["group_club"]);
            assert_eq!(fake.deletions().len(), 1);
            assert_eq!(fake.deletions()[0]["DeletionId"], id.wire());
        }
    }
}

/// DUR-6: undoing brings all back beside what came within the window, and the listener hears of a
/// change that shows all of it.
#[test]
fn undone_after_a_newer_message() {
    let folder = folder();
    let (client, listener) = heard_by(Options::local(folder.path()));
    let texts = ["bob: the first of all", "bob: the second one"];
    client.save_texts("c2c_bob", &texts);
    let (call, id) = client.deleting("c2c_bob", DeleteOptions::undo(MINUTE));
    client.save("c2c_bob", &[(3, "bob", "bob: the third, in the window")]);
    assert_eq!(client.texts("c2c_bob"), ["bob: the third, in the window"]);
    assert_eq!(client.undo(id), Outcome::Success);
    assert_eq!(call.wait().code(), abi::CANCELLED);
    assert_eq!(
        client.texts("c2c_bob"),
        [texts[0], texts[1], "bob: the third, in the window"]
    );
    assert_eq!((client.list()[0].messages, client.total_unread()), (3, 3));
    client.close();
    assert_eq!(listener.states_of(id), [UNDOABLE, CANCELLED]);
    let of_bob = listener.heard_of("c2c_bob");
    assert!(
        matches!(of_bob.last(), Some(Heard::Changed(line)) if line.messages == 3),
        "{of_bob:?}"
    );
    assert_eq!(listener.heard().last(), Some(&Heard::TotalUnread(3)));
}

/// DUR-6, DUR-1: killed while an undo is written, or the moment after it has succeeded: the next
/// open shows all of it with nothing pending, or hides all of it and can still undo.
#[test]
fn killed_while_undoing() {
    if child::is_child() {
        let folder = PathBuf::from(std::env::var("UNDO_FOLDER").unwrap());
        let client = Client::local(&folder);
        let (_, id) = client.deleting("c2c_bob", DeleteOptions::undo(MINUTE));
        eventually("it is hidden", || client.ids().is_empty());
        if std::env::var("UNDO_WAITS").unwrap() == "1" {
            assert_eq!(client.undo(id), Outcome::Success);
        } else {
            let call = client.call();
            // SAFETY: the id lives during the call, the data for ever.
            let code = unsafe {
                (abi::abi().undo)(
                    client.handle(),
                    &raw const id,
                    Some(on_success),
                    Some(on_error),
                    call.data(),
                )
            };
            assert_eq!(code, abi::OK);
        }
        println!("undone");
        // SAFETY: kills this process.
        unsafe { libc::kill(libc::getpid(), libc::SIGKILL) };
    }
    for waits in ["1", "0", "0", "0", "0", "0"] {
        let folder = folder();
        let client = Client::local(folder.path());
        client.save_texts("c2c_bob", &["bob: one", "bob: two"]);
        let before = client.everything();
        client.close();
        let died = child::run(
            "killed_while_undoing",
            &[
                ("UNDO_FOLDER", folder.path().to_str().unwrap()),
                ("UNDO_WAITS", waits),
            ],
        );
        let out = String::from_utf8_lossy(&died.stdout);
        assert!(out.contains("undone"), "{out}");
        let client = Client::local(folder.path());
        if waits == "0" && !client.pending().is_empty() {
            let pending = only(&client);
            assert_eq!((pending.state, pending.erased), (UNDOABLE, false));
            assert!(client.ids().is_empty());
            assert!(client.history("c2c_bob").is_empty());
            assert_eq!(client.total_unread(), 0);
            assert_eq!(client.undo(pending.deletion), Outcome::Success);
        }
        assert!(client.pending().is_empty());
        assert_eq!(client.everything(), before);
        assert_eq!(client.total_unread(), 2);
        client.close();
        assert_eq!(Client::local(folder.path()).everything(), before);
    }
}

/// DUR-6, DUR-1: a deletion that was made for a server, and whose window ends where there is none:
/// nothing is deleted without it, and the next client with a server asks for it.
#[test]
fn a_window_that_ends_without_a_server() {
    let fake = FakeServer::with_world(|_, _| Answer::Ok(().into()));
    let folder = folder();
    let options = Options::remote(folder.path(), &fake.url(), "sig");
    let client = options.open();
    client.pulled();
    let (call, id) = client.deleting("c2c_bob", DeleteOptions::undo(SHORT));
    assert_eq!(client.ids(), ["group_club"]);
    client.close();
    assert_eq!(call.wait().code(), abi::PENDING);

    let (client, listener) = heard_by(Options::local(folder.path()));
    eventually("it waits for a server", || only(&client).state == WAITING);
    let waits = only(&client);
    assert_eq!((waits.deletion, waits.erased), (id, false));
    client.close();
    assert!(!listener.states_of(id).contains(&DONE));
    let deleted = |heard: &Heard| heard.is_deletion_of("c2c_bob");
    assert!(!listener.heard().iter().any(deleted));
    assert!(fake.deletions().is_empty());

    let (client, listener) = heard_by(options);
    listener.wait("the deletion is told", deleted);
    eventually("nothing is pending", || client.pending().is_empty());
    assert_eq!(client.ids(), ["group_club"]);
    assert_eq!(fake.deletions().len(), 1);
    assert_eq!(fake.deletions()[0]["DeletionId"], id.wire());
}

/// DUR-1: killed before more than the acceptance was written down, and opened by the other kind of
/// client: what was made on a device alone is finished there, and no server is asked; what was made
/// for a server waits for one.
#[test]
fn accepted_with_a_server_and_opened_without_one() {
    let url = |of: &str| std::env::var(of).unwrap();
    if child::is_child() {
        let folder = PathBuf::from(std::env::var("KIND_FOLDER").unwrap());
        let client = match url("KIND_URL").as_str() {
            "" => Client::local(&folder),
            url => Options::remote(&folder, url, "sig").open(),
        };
        let outcome = client.delete("c2c_bob");
        panic!("the failpoint was not reached: {outcome:?}");
    }
    for alone in [true, false] {
        let fake = FakeServer::with_world(|_, _| Answer::Ok(().into()));
        let folder = folder();
        let (here, there) = (
            Options::local(folder.path()),
            Options::remote(folder.path(), &fake.url(), "sig"),
        );
        let client = here.open();
        client.save_texts("c2c_bob", &["bob: one", "bob: two"]);
        client.close();
        let died = child::run(
            "accepted_with_a_server_and_opened_without_one",
            &[
                ("ADIEU_FAILPOINT", "accept=abort"),
                ("KIND_FOLDER", folder.path().to_str().unwrap()),
                (
                    "KIND_URL",
                    if alone {
                        ""
                    } else {
                        there.server.as_deref().unwrap()
                    },
                ),
            ],
        );
        let said = String::from_utf8_lossy(&died.stdout);
        assert!(
            !died.status.success() && !said.contains("not reached"),
            "{said}"
        );
        if !alone {
            let client = here.open();
            eventually("it waits for a server", || only(&client).state == WAITING);
            assert_eq!(client.texts("c2c_bob"), ["bob: one", "bob: two"]);
            client.close();
        }
        let (client, listener) = heard_by(there);
        listener.wait("the deletion is told", |heard| {
            heard.is_deletion_of("c2c_bob")
        });
        eventually("nothing is pending", || client.pending().is_empty());
        assert!(client.ids().is_empty());
        assert_eq!(fake.deletions().len(), usize::from(!alone));
    }
}

/// DUR-6: when the window is over it is too late to undo, also while the server is still asked.
#[test]
fn too_late_to_undo() {
    let fake = FakeServer::with_world(|_, _| Answer::Hold(Box::new(Answer::Ok(().into()))));
    let folder = folder();
    let client = Options::remote(folder.path(), &fake.url(), "sig").open();
    client.pulled();
    let (call, id) = client.deleting("c2c_bob", DeleteOptions::undo(SHORT));
    fake.wait_for_deletions(1);
    assert_eq!(client.undo(id).code(), abi::TOO_LATE);
    assert_eq!(client.ids(), ["group_club"], "it stays hidden");
    fake.release();
    assert_eq!(call.wait(), Outcome::Success);
    assert_eq!(client.undo(id).code(), abi::NOT_FOUND);
}

/// DUR-6, DEL-2: the window ended while no process ran, and the server refuses: all of it is shown
/// again, and the failure is told once.
#[test]
fn refused_after_a_window_that_ended_meanwhile() {
    let (fake, _) = FakeServer::refusing(20003);
    let folder = folder();
    let options = Options::remote(folder.path(), &fake.url(), "sig");
    let client = options.open();
    client.pulled();
    let before = client.everything();
    let begun = Instant::now();
    let (call, id) = client.deleting("c2c_bob", DeleteOptions::undo(SHORT));
    assert_eq!(client.ids(), ["group_club"]);
    client.close();
    assert_eq!(call.wait().code(), abi::PENDING);
    eventually("the window is over", || {
        begun.elapsed() > Duration::from_millis(SHORT.into())
    });
    let (client, listener) = heard_by(options.clone());
    listener.wait("the failure is told", |heard| {
        matches!(heard, Heard::Pending(pending)
            if pending.deletion == id && pending.state == FAILED && pending.code == 20003)
    });
    assert!(client.pending().is_empty());
    assert_eq!(client.everything(), before);
    client.close();
    assert!(matches!(listener.heard_of("c2c_bob")[..], [Heard::New(_)]));
    assert_eq!(fake.deletions().len(), 1);
    let (client, listener) = heard_by(options);
    assert_eq!(client.everything(), before);
    client.close();
    assert!(listener.states_of(id).is_empty());
}

/// DUR-6, DEL-2: after the window, a refusal under the default policy shows all of it again.
#[test]
fn refused_after_the_window() {
    let (fake, _) = FakeServer::refusing(50002);
    let folder = folder();
    let (client, listener) = heard_by(Options::remote(folder.path(), &fake.url(), "sig"));
    client.pulled();
    let before = client.everything();
    let (call, id) = client.deleting("c2c_bob", DeleteOptions::undo(200));
    assert_eq!(client.ids(), ["group_club"]);
    assert_eq!(call.wait().code(), 50002);
    assert_eq!(client.everything(), before);
    assert!(client.pending().is_empty());
    assert_eq!(listener.states_of(id).last(), Some(&FAILED));
    assert!(matches!(
        listener.heard_of("c2c_bob").last(),
        Some(Heard::New(_))
    ));
}

/// DUR-6, DUR-2: undo window and policy `queue` together: erased when the window is over, without
/// a server.
#[test]
fn undo_then_queue() {
    let (fake, give_in) = FakeServer::refusing(60007);
    let folder = folder();
    let client = Options::remote(folder.path(), &fake.url(), "sig").open();
    client.pulled();
    let options = DeleteOptions {
        undo_ms: 200,
        ..DeleteOptions::queue()
    };
    let (call, id) = client.deleting("c2c_bob", options);
    assert_eq!(only(&client).state, UNDOABLE);
    eventually("it waits for the server", || only(&client).state == WAITING);
    assert!(only(&client).erased);
    assert_eq!(client.verify("c2c_bob", &fake::BOB).found, 0);
    give_in();
    assert_eq!(client.manage(abi::abi().retry, id), Outcome::Success);
    assert_eq!(call.wait(), Outcome::Success);
}
