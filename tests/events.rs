//! What a listener hears, in which order, and on whose thread.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests fail the test"
)]

mod support;

use std::ptr;

use support::abi::{RawClientOptions, RawListener};
use support::listener::heard_by;
use support::{
    Answer, Client, DeleteOptions, FakeServer, Heard, Listener, Options, Outcome, Server, abi,
    eventually, fake, options,
};

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

/// New, changed, deleted, and new again; each with what the list shows at that time.
#[test]
fn the_life_of_a_conversation() {
    let folder = folder();
    let (client, listener) = heard_by(Options::local(folder.path()));
    client.save("c2c_bob", &[(1, "bob", "bob: one")]);
    client.save("c2c_bob", &[(2, "bob", "bob: two")]);
    client.pin("c2c_bob", true);
    client.pin("c2c_bob", true);
    client.mark_read("c2c_bob", 0);
    assert_eq!(client.delete("c2c_bob"), Outcome::Success);
    client.save("c2c_bob", &[(1, "bob", "bob: one"), (2, "bob", "bob: two")]);
    client.save("c2c_bob", &[(3, "bob", "bob: three")]);
    client.close();
    let of_bob = listener.heard_of("c2c_bob");
    let kinds: Vec<_> = of_bob
        .iter()
        .map(|heard| match heard {
            Heard::New(line) => ("new", line.messages),
            Heard::Changed(line) => ("changed", line.messages),
            _ => ("deleted", 0),
        })
        .collect();
    assert_eq!(
        kinds,
        [
            ("new", 1),
            ("changed", 2),
            ("changed", 2),
            ("changed", 2),
            ("deleted", 0),
            ("new", 1)
        ]
    );
    assert_eq!(listener.heard().last(), Some(&Heard::TotalUnread(1)));
    assert_eq!(listener.destroyed(), 1);
}

/// DEL-10: whatever else happens at the time, after the deleted event no event names the
/// conversation until a newer message is there, and the callback comes after the event.
#[test]
fn nothing_names_it_after_its_deletion() {
    for round in 0..20_u64 {
        let folder = folder();
        let (client, listener) = heard_by(Options::local(folder.path()));
        client.save("c2c_bob", &[(1, "bob", "bob: one")]);
        let calls: Vec<_> = (2..40)
            .map(|position| {
                let call = client.call();
                let text = format!("bob: {position}");
                let _ = client.begin_save("c2c_bob", &[(position, "bob", &text)], &call);
                if position == 10 + round {
                    let deletion = client.call();
                    assert_eq!(client.begin_delete("c2c_bob", &deletion), abi::OK);
                    return deletion;
                }
                call
            })
            .collect();
        let late = client.call();
        let _ = client.begin_save("c2c_bob", &[(3, "bob", "bob: a stale one")], &late);
        for call in &calls {
            assert_eq!(call.wait(), Outcome::Success);
        }
        client.close();
        let of_bob = listener.heard_of("c2c_bob");
        let at = of_bob
            .iter()
            .position(|heard| heard.is_deletion_of("c2c_bob"));
        let at = at.expect("the deletion is told");
        for heard in &of_bob[at + 1..] {
            let (Heard::New(line) | Heard::Changed(line)) = heard else {
                panic!("deleted twice: {of_bob:?}");
            };
            let last = line.last.as_ref().map(|last| last.position);
            assert!(last > Some(10 + round), "{line:?}");
        }
    }
}

/// DEL-10: a stale message tells nothing of what it does not bring back.
#[test]
fn a_stale_message_tells_nothing() {
    let folder = folder();
    let (client, listener) = heard_by(Options::local(folder.path()));
    client.save("c2c_bob", &[(1, "bob", "bob: one"), (2, "bob", "bob: two")]);
    assert_eq!(client.delete("c2c_bob"), Outcome::Success);
    client.save("c2c_bob", &[(2, "bob", "bob: two")]);
    assert!(client.ids().is_empty());
    client.close();
    let of_bob = listener.heard_of("c2c_bob");
    assert!(
        matches!(of_bob[..], [Heard::New(_), ref gone] if gone.is_deletion_of("c2c_bob")),
        "{of_bob:?}"
    );
}

/// DUR-1: a deletion that a killed process left behind is told once, at the next open and never
/// after it.
#[test]
fn left_behind_and_told_once() {
    use support::child;
    if child::is_child() {
        let folder = std::path::PathBuf::from(std::env::var("EVENTS_FOLDER").unwrap());
        let client = Client::local(&folder);
        let outcome = client.delete("c2c_bob");
        panic!("the failpoint was not reached: {outcome:?}");
    }
    for point in [
        "accept",
        "before-destroying",
        "keys-destroyed",
        "before-delivery",
    ] {
        let folder = folder();
        let client = Client::local(folder.path());
        client.save_texts("c2c_bob", &["bob: one", "bob: two"]);
        client.close();
        child::run(
            "left_behind_and_told_once",
            &[
                ("ADIEU_FAILPOINT", &format!("{point}=abort")),
                ("EVENTS_FOLDER", folder.path().to_str().unwrap()),
            ],
        );
        for told in [1, 0, 0] {
            let (client, listener) = heard_by(Options::local(folder.path()));
            assert!(client.ids().is_empty(), "{point}");
            client.close();
            let deleted = |heard: &&Heard| heard.is_deletion_of("c2c_bob");
            assert_eq!(
                listener.heard().iter().filter(deleted).count(),
                told,
                "{point}"
            );
        }
    }
}

/// DUR-1: a deletion is not forgotten before its outcome was delivered: killed in between, the next
/// open tells it, once.
#[test]
fn killed_before_its_outcome_was_delivered() {
    use support::child;
    if child::is_child() {
        let folder = std::path::PathBuf::from(std::env::var("EVENTS_FOLDER").unwrap());
        let mut options = Options::local(&folder);
        options.delivery = abi::DELIVER_BY_POLL;
        let client = options.open();
        let call = client.call();
        assert_eq!(client.begin_delete("c2c_bob", &call), abi::OK);
        // The host does not poll, and the library has time for whatever it does by itself.
        std::thread::sleep(std::time::Duration::from_millis(300));
        assert!(call.events().is_empty());
        std::process::abort();
    }
    let folder = folder();
    let client = Client::local(folder.path());
    client.save_texts("c2c_bob", &["bob: one", "bob: two"]);
    client.close();
    let path = folder.path().to_str().unwrap();
    child::run(
        "killed_before_its_outcome_was_delivered",
        &[("EVENTS_FOLDER", path)],
    );
    for told in [1, 0] {
        let (client, listener) = heard_by(Options::local(folder.path()));
        assert!(client.ids().is_empty());
        client.close();
        let deleted = |heard: &&Heard| heard.is_deletion_of("c2c_bob");
        assert_eq!(listener.heard().iter().filter(deleted).count(), told);
    }
}

/// DUR-1, DEL-2: a deletion that the next process finds refused is told as failed, once, and the
/// device keeps all of it.
#[test]
fn left_behind_and_refused() {
    let fake = FakeServer::with_world(|_, number| match number {
        0 | 1 => Answer::Reset,
        _ => Answer::Fail(50001, "no such account"),
    });
    let folder = folder();
    let options = Options::remote(folder.path(), &fake.url(), "sig");
    let client = options.open();
    client.pulled();
    let (call, id) = client.deleting("c2c_bob", DeleteOptions::default());
    assert_eq!(call.wait().code(), abi::OUTCOME_UNKNOWN);
    client.close();
    let (client, listener) = heard_by(options);
    // The refusal says nothing of the request before it: the host is shown it, and decides.
    listener.wait("the refusal is told", |heard| {
        matches!(heard, Heard::Pending(pending)
            if pending.deletion == id && pending.state == support::listener::REFUSED && pending.code == 50001)
    });
    assert_eq!(client.texts("c2c_bob"), fake::BOB);
    assert_eq!(client.manage(abi::abi().acknowledge, id), Outcome::Success);
    assert_eq!(client.texts("c2c_bob"), fake::BOB);
    assert!(client.pending().is_empty());
}

/// SYNC-2, SYNC-3: what others deleted is told with who caused it; sync state is told around it.
#[test]
fn who_caused_it() {
    let server = Server::start();
    server.accounts(&["alice", "bob", "carol", "dave"]);
    for peer in ["bob", "carol", "dave"] {
        server.send(peer, "alice", &format!("{peer}: hello"));
    }
    let folder = folder();
    let (client, listener) = heard_by(server.device("alice", folder.path()));
    client.pulled();
    let sync: Vec<_> = listener
        .heard()
        .into_iter()
        .filter(|heard| matches!(heard, Heard::Sync(..)))
        .collect();
    assert_eq!(sync, [Heard::Sync(1, 0), Heard::Sync(2, 0)]);
    assert_eq!(client.delete("c2c_dave"), Outcome::Success);
    let own = listener.wait("the own deletion", |heard| heard.is_deletion_of("c2c_dave"));
    assert!(matches!(own, Heard::Deleted { cause: 0, deletion, .. } if deletion.0 != [0; 16]));
    client.pulled();
    let twice = listener
        .heard_of("c2c_dave")
        .into_iter()
        .filter(|heard| heard.is_deletion_of("c2c_dave"));
    assert_eq!(
        twice.count(),
        1,
        "a device's own changes do not come back to it"
    );
}

/// A failed pull is told with its code.
#[test]
fn a_pull_that_fails() {
    let fake = FakeServer::start(|_, _| Answer::Fail(70009, "wrong key"));
    let folder = folder();
    let (client, listener) = heard_by(Options::remote(folder.path(), &fake.url(), "sig"));
    assert_eq!(client.pull().code(), 70009);
    assert_eq!(client.pull().code(), 70009);
    client.close();
    let heard = listener.heard();
    let needed = heard
        .iter()
        .filter(|heard| **heard == Heard::SignInNeeded(70009))
        .count();
    assert_eq!(needed, 1, "{heard:?}");
    assert_eq!(
        heard
            .iter()
            .filter(|heard| **heard == Heard::Sync(3, 70009))
            .count(),
        2
    );
}

/// CALL-6: events come where callbacks come: where the host delivers, when it polls; and a host
/// that does not poll is not flooded with every step.
#[test]
fn events_where_the_host_delivers() {
    let folder = folder();
    let (client, listener) = heard_by(Options {
        delivery: abi::DELIVER_BY_POLL,
        ..Options::local(folder.path())
    });
    for position in 1..=50 {
        let call = client.call();
        let _ = client.begin_save(
            "c2c_bob",
            &[(position, "bob", "bob: again and again")],
            &call,
        );
        // The event that the save makes is queued before its callback.
        eventually("it is saved", || client.total_unread() >= position);
    }
    assert!(listener.heard().is_empty());
    assert!(client.poll() > 0);
    let of_bob = listener.heard_of("c2c_bob");
    assert!(matches!(of_bob[0], Heard::New(_)));
    assert_eq!(of_bob.len(), 2, "{of_bob:?}");
    assert!(matches!(&of_bob[1], Heard::Changed(line) if line.messages == 50));
    client.close();
    assert_eq!(listener.destroyed(), 1);
}

/// ABI-2, CALL-5: a listener that cannot be read keeps the client from opening; one that can has
/// its destructor run also when the client does not open.
#[test]
fn listeners_that_are_wrong() {
    let folder = folder();
    let path = std::ffi::CString::new(folder.path().to_str().unwrap()).unwrap();
    let listener = Listener::new();
    let open = |raw: &RawListener, user: &std::ffi::CStr| {
        let options = RawClientOptions {
            struct_size: size_of::<RawClientOptions>() as u32,
            delivery: 0,
            store_path: path.as_ptr(),
            user_id: user.as_ptr(),
            master_key: ptr::null(),
            server_url: ptr::null(),
            sdk_app_id: 0,
            device_id: ptr::null(),
            user_sig: ptr::null(),
            post: None,
            post_data: ptr::null_mut(),
            listener: raw,
            live_sync: 0,
            reserved: 0,
            ca_certificates: ptr::null(),
        };
        options::open_raw(&options)
    };
    for (raw, wanted, words) in [
        (
            RawListener {
                struct_size: 4,
                ..listener.raw()
            },
            abi::ABI,
            "struct_size",
        ),
        (
            RawListener {
                on_event: None,
                ..listener.raw()
            },
            abi::INVALID_PARAMETER,
            "on_event is NULL",
        ),
        (
            RawListener {
                reserved: 1,
                ..listener.raw()
            },
            abi::INVALID_PARAMETER,
            "reserved",
        ),
    ] {
        let (code, text) = open(&raw, c"alice").unwrap_err();
        assert_eq!(code, wanted);
        assert!(text.contains(words), "{text}");
    }
    assert_eq!(listener.destroyed(), 0);
    let (code, _) = open(&listener.raw(), c"").unwrap_err();
    assert_eq!((code, listener.destroyed()), (abi::INVALID_PARAMETER, 1));
}

/// DEL-10: a deletion that finds nothing tells nothing, whatever came while the server was asked.
#[test]
fn a_deletion_of_nothing_tells_nothing() {
    let fake = FakeServer::with_world(|_, _| Answer::Hold(Box::new(Answer::Ok(().into()))));
    let terms = [DeleteOptions::default(), DeleteOptions::queue()];
    for (nth, options) in terms.into_iter().enumerate() {
        let folder = folder();
        let (client, listener) = heard_by(Options::remote(folder.path(), &fake.url(), "sig"));
        let (call, _) = client.deleting("c2c_bob", options);
        fake.wait_for_deletions(nth + 1);
        client.save("c2c_bob", &[(1, "bob", "bob: one")]);
        fake.release();
        assert_eq!(call.wait(), Outcome::Success);
        assert_eq!(client.texts("c2c_bob"), ["bob: one"]);
        client.close();
        let deleted = |heard: &&Heard| heard.is_deletion_of("c2c_bob");
        assert_eq!(listener.heard().iter().filter(deleted).count(), 0);
    }
}
