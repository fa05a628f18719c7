//! Deletions that do not end at once: the policies, and what a host can do with what is pending.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests fail the test"
)]

mod support;

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use serde_json::json;
use support::listener::{ASKING, DONE, FAILED, Pending, REFUSED, WAITING, heard_by, only};
use support::{
    Answer, Client, DeleteOptions, FakeServer, Heard, Options, Outcome, Server, abi, child,
    eventually, fake,
};

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

/// DUR-2, DEL-3: with policy `queue` a conversation is hidden and erased at once, although the
/// server is away; it stays pending until the server has confirmed, and only then comes the
/// success; what came meanwhile is still there.
#[test]
fn queued_while_the_server_is_away() {
    let mut server = Server::start();
    server.accounts(&["alice", "bob"]);
    server.send("bob", "alice", "bob: this is to be forgotten");
    let folder = folder();
    let (client, listener) = heard_by(server.device("alice", folder.path()));
    client.pulled();
    server.kill();

    let (call, id) = client.deleting("c2c_bob", DeleteOptions::queue());
    eventually("it is hidden", || client.ids().is_empty());
    assert!(client.history("c2c_bob").is_empty());
    assert_eq!(client.total_unread(), 0);
    let found = client.verify("c2c_bob", &["bob: this is to be forgotten"]);
    assert_eq!((found.found, found.readable_records), (0, 0), "{found:?}");
    listener.wait("the deletion is told", |heard| {
        heard.is_deletion_of("c2c_bob")
    });
    eventually("it waits", || only(&client).state == WAITING);
    let waits = only(&client);
    assert_eq!(
        (
            waits.deletion,
            waits.id.as_str(),
            waits.policy,
            waits.erased
        ),
        (id, "c2c_bob", abi::QUEUE, true)
    );
    assert!(waits.attempts >= 1 && waits.code != 0 && !waits.desc.is_empty());
    assert!(waits.next_try_ms > waits.accepted_at_ms);
    assert!(call.events().is_empty(), "success waits for the server");

    server.restart();
    server.send("bob", "alice", "bob: and this is new");
    assert_eq!(client.network_changed(true), abi::OK);
    assert_eq!(call.wait(), Outcome::Success);
    assert!(client.pending().is_empty());
    assert_eq!(server.roaming("alice", "bob"), ["bob: and this is new"]);
    client.pulled();
    assert_eq!(client.texts("c2c_bob"), ["bob: and this is new"]);
    let states = listener.states_of(id);
    assert_eq!(
        (states.first(), states.last()),
        (Some(&ASKING), Some(&DONE)),
        "{states:?}"
    );
    assert!(states.contains(&WAITING), "{states:?}");
    let deleted = |heard: &&Heard| heard.is_deletion_of("c2c_bob");
    assert_eq!(listener.heard().iter().filter(deleted).count(), 1);
}

/// DUR-1, DUR-2: what is queued survives the process; the next one goes on, with the same id.
#[test]
fn queued_across_a_killed_process() {
    if child::is_child() {
        let folder = PathBuf::from(std::env::var("QUEUE_FOLDER").unwrap());
        let client = Options::remote(&folder, &std::env::var("QUEUE_URL").unwrap(), "sig").open();
        let (_, id) = client.deleting("c2c_bob", DeleteOptions::queue());
        eventually("it waits", || only(&client).state == WAITING);
        println!("deletion {}", id.wire());
        // SAFETY: kills this process.
        unsafe { libc::kill(libc::getpid(), libc::SIGKILL) };
    }
    let (fake, give_in) = FakeServer::refusing(60007);
    let folder = folder();
    let client = Options::remote(folder.path(), &fake.url(), "sig").open();
    client.pulled();
    client.close();
    let died = child::run(
        "queued_across_a_killed_process",
        &[
            ("QUEUE_FOLDER", folder.path().to_str().unwrap()),
            ("QUEUE_URL", &fake.url()),
        ],
    );
    let out = String::from_utf8_lossy(&died.stdout);
    let wire = out.split("deletion ").nth(1).expect("the child got there");
    let wire = &wire[..32];

    let asked = fake.deletions().len();
    let (client, listener) = heard_by(Options::remote(folder.path(), &fake.url(), "sig"));
    assert!(!client.ids().contains(&"c2c_bob".to_owned()));
    let waits = only(&client);
    assert_eq!(waits.deletion.wire(), wire);
    fake.wait_for_deletions(asked + 1);
    assert!(waits.erased && waits.attempts >= 1);
    give_in();
    assert_eq!(client.network_changed(true), abi::OK);
    listener.wait(
        "it is done",
        |heard| matches!(heard, Heard::Pending(pending) if pending.state == DONE),
    );
    assert!(client.pending().is_empty());
    for deletion in fake.deletions() {
        assert_eq!(deletion["DeletionId"], wire, "always the same id");
    }
    client.close();
    let client = Options::remote(folder.path(), &fake.url(), "sig").open();
    assert!(client.pending().is_empty());
}

/// DUR-2, DUR-4: the server is asked again by itself, after growing pauses, and always with the same
/// id.
#[test]
fn queued_and_tried_again_by_itself() {
    let fake = FakeServer::with_world(|_, number| {
        if number < 2 {
            Answer::Http("503 Service Unavailable", "", String::new())
        } else {
            Answer::Ok(().into())
        }
    });
    let folder = folder();
    let client = Options::remote(folder.path(), &fake.url(), "sig").open();
    client.pulled();
    let (call, id) = client.deleting("c2c_bob", DeleteOptions::queue());
    assert_eq!(call.wait(), Outcome::Success);
    assert!(fake.deletions().len() >= 3);
    for deletion in fake.deletions() {
        assert_eq!(deletion["DeletionId"], id.wire());
    }
}

/// DUR-2: however often the server fails, it is asked again; the pauses double, they differ among
/// deletions that failed together, and a restart does not begin them anew.
#[test]
fn pauses_grow_and_differ_across_restarts() {
    const TRIES: u32 = 8;
    let down = |_: &_, _| Answer::Http("503 Service Unavailable", "", String::new());
    let fake = FakeServer::with_world(down);
    let folder = folder();
    let options = Options::remote(folder.path(), &fake.url(), "sig");
    let client = options.open();
    for friend in 0..12 {
        client.deleting(&format!("c2c_friend{friend}"), DeleteOptions::queue());
    }
    eventually("all were tried often", || {
        // Each time there is a network, it is used at once.
        client.network_changed(true);
        std::thread::sleep(Duration::from_millis(10));
        let often = |waits: &Pending| waits.attempts >= TRIES && waits.state == WAITING;
        client.pending().iter().all(often)
    });
    // What is left of a pause, by how long the pause may be at most.
    let shares = |client: &Client| -> Vec<f64> {
        let now = SystemTime::UNIX_EPOCH.elapsed().unwrap().as_millis() as f64;
        let share = |waits: &Pending| {
            let longest = (1000 << (waits.attempts - 1)).min(15 * 60 * 1000);
            (waits.next_try_ms as f64 - now) / f64::from(longest)
        };
        client.pending().iter().map(share).collect()
    };
    let before = client.pending();
    let left = shares(&client);
    // Half a minute of the shortest of these pauses may have passed on a slow machine.
    assert!(
        left.iter().all(|share| (0.25..=1.0).contains(share)),
        "{left:?}"
    );
    let (least, most) = left
        .iter()
        .fold((f64::MAX, 0.0_f64), |(least, most), share| {
            (least.min(*share), most.max(*share))
        });
    assert!(most - least > 0.1, "all at once: {left:?}");
    client.close();

    let client = options.open();
    for (now, before) in client.pending().iter().zip(&before) {
        assert_eq!(now.deletion, before.deletion);
        assert!(now.attempts >= before.attempts, "{now:?}");
    }
    eventually("all were tried once more", || {
        let pending = client.pending();
        let mut pairs = pending.iter().zip(&before);
        pairs.all(|(now, before)| now.attempts > before.attempts && now.state == WAITING)
    });
    let left = shares(&client);
    assert!(left.iter().all(|share| *share >= 0.25), "{left:?}");
}

/// DUR-2: what a server asks for with Retry-After, and the vendor's frequency codes, are honoured.
#[test]
fn a_server_that_wants_to_be_left_alone() {
    type Case = (fn() -> Answer, u64);
    let cases: [Case; 4] = [
        (
            || {
                Answer::Http(
                    "429 Too Many Requests",
                    "Retry-After: 3600\r\n",
                    String::new(),
                )
            },
            3_600_000,
        ),
        (
            || {
                Answer::Http(
                    "503 Service Unavailable",
                    "Retry-After: 600\r\n",
                    String::new(),
                )
            },
            600_000,
        ),
        (|| Answer::Fail(60007, "too many requests"), 5_000),
        (|| Answer::Fail(70050, "too many failures"), 60_000),
    ];
    for (answer, at_least) in cases {
        let fake = FakeServer::with_world(move |_, _| answer());
        let folder = folder();
        let client = Options::remote(folder.path(), &fake.url(), "sig").open();
        client.pulled();
        let (call, _) = client.deleting("c2c_bob", DeleteOptions::queue());
        eventually("it waits", || only(&client).attempts > 0);
        let waits = only(&client);
        let pause = waits.next_try_ms - waits.accepted_at_ms;
        assert!(pause >= at_least, "{pause} of {at_least}: {waits:?}");
        assert!(call.events().is_empty());
        client.close();
        assert_eq!(call.wait().code(), abi::PENDING);
    }
}

/// DUR-2: a pull, which shows that the server is there, does not ask again before the time that the
/// server set with Retry-After.
#[test]
fn a_pull_does_not_overrule_retry_after() {
    let fake = FakeServer::with_world(|_, _| {
        Answer::Http(
            "503 Service Unavailable",
            "Retry-After: 3600\r\n",
            String::new(),
        )
    });
    let folder = folder();
    let client = Options::remote(folder.path(), &fake.url(), "sig").open();
    client.pulled();
    let (call, _) = client.deleting("c2c_bob", DeleteOptions::queue());
    eventually("it waits", || {
        let waits = only(&client);
        waits.state == WAITING && waits.attempts > 0
    });
    let (asked, tries) = (fake.deletions().len(), only(&client).attempts);
    for _ in 0..5 {
        client.pulled();
        let waits = only(&client);
        assert_eq!((waits.state, waits.attempts), (WAITING, tries));
    }
    assert_eq!(fake.deletions().len(), asked);
    client.close();
    assert_eq!(call.wait().code(), abi::PENDING);
    assert_eq!(fake.deletions().len(), asked, "nor when it closes");
}

/// DUR-2, DUR-3: another UserSig wakes what waits, at once.
#[test]
fn signing_in_wakes_what_waits() {
    let fake = FakeServer::start(|request, _| {
        if !request.query.contains("usersig=good") {
            return Answer::Fail(70001, "the UserSig has expired");
        }
        fake::world(request).unwrap_or(Answer::Ok(().into()))
    });
    let folder = folder();
    let (client, listener) = heard_by(Options::remote(folder.path(), &fake.url(), "good"));
    client.pulled();
    assert_eq!(client.sign_in("old"), abi::OK);
    let (call, _) = client.deleting("c2c_bob", DeleteOptions::queue());
    eventually("it waits", || only(&client).state == WAITING);
    assert_eq!(only(&client).code, 70001);
    listener.wait("a sign-in is needed", |heard| {
        *heard == Heard::SignInNeeded(70001)
    });
    assert_eq!(client.sign_in("good"), abi::OK);
    assert_eq!(call.wait(), Outcome::Success);
    let needed = |heard: &&Heard| matches!(heard, Heard::SignInNeeded(_));
    assert_eq!(
        listener.heard().iter().filter(needed).count(),
        1,
        "told once"
    );
}

/// DUR-3: a server's refusal is kept and shown, across restarts, until the host acknowledges it;
/// the call hears of it.
#[test]
fn a_refusal_is_kept_until_it_is_acknowledged() {
    let (fake, _) = FakeServer::refusing(50003);
    let folder = folder();
    let options = Options::remote(folder.path(), &fake.url(), "sig");
    let (client, listener) = heard_by(options.clone());
    client.pulled();
    let (call, id) = client.deleting("c2c_bob", DeleteOptions::queue());
    assert_eq!(call.wait().code(), 50003);
    let refused = only(&client);
    assert_eq!(
        (refused.state, refused.code, refused.next_try_ms),
        (REFUSED, 50003, 0)
    );
    assert!(listener.states_of(id).contains(&REFUSED));
    let asked = fake.deletions().len();
    client.close();

    let client = options.open();
    assert_eq!(only(&client).state, REFUSED);
    assert!(!only(&client).desc.is_empty());
    client.pulled();
    assert_eq!(
        fake.deletions().len(),
        asked,
        "it is not asked for again by itself"
    );
    assert_eq!(client.manage(abi::abi().acknowledge, id), Outcome::Success);
    assert!(client.pending().is_empty());
    assert!(
        !client.ids().contains(&"c2c_bob".to_owned()),
        "it stays erased here"
    );
    assert_eq!(
        client.manage(abi::abi().acknowledge, id).code(),
        abi::NOT_FOUND
    );
    client.close();
    assert!(options.open().pending().is_empty());
}

/// DUR-3: a refusal that an earlier life of the process heard is acknowledged as what it was: the
/// listener hears the server's code.
#[test]
fn a_refusal_of_an_earlier_life_keeps_its_code() {
    let (fake, _) = FakeServer::refusing(20003);
    let folder = folder();
    let options = Options::remote(folder.path(), &fake.url(), "sig");
    let client = options.open();
    client.pulled();
    let (call, id) = client.deleting("c2c_bob", DeleteOptions::queue());
    assert_eq!(call.wait().code(), 20003);
    client.close();
    let (client, listener) = heard_by(options);
    assert_eq!((only(&client).state, only(&client).code), (REFUSED, 20003));
    assert_eq!(client.manage(abi::abi().acknowledge, id), Outcome::Success);
    client.close();
    let ends: Vec<_> = listener
        .heard()
        .into_iter()
        .filter_map(|heard| match heard {
            Heard::Pending(pending) if pending.deletion == id => {
                Some((pending.state, pending.code))
            }
            _ => None,
        })
        .collect();
    assert_eq!(ends, [(FAILED, 20003)]);
}

/// DUR-3: a refused or waiting deletion can be tried again now, and then succeeds.
#[test]
fn tried_again_on_demand() {
    for code in [50003, 60007] {
        let (fake, give_in) = FakeServer::refusing(code);
        let folder = folder();
        let (client, listener) = heard_by(Options::remote(folder.path(), &fake.url(), "sig"));
        client.pulled();
        let (_, id) = client.deleting("c2c_bob", DeleteOptions::queue());
        eventually("it waits or is refused", || only(&client).attempts > 0);
        give_in();
        assert_eq!(client.manage(abi::abi().retry, id), Outcome::Success);
        listener.wait(
            "it is done",
            |heard| matches!(heard, Heard::Pending(pending) if pending.state == DONE),
        );
        assert!(client.pending().is_empty());
    }
}

/// DUR-3: what was erased, or asked for, cannot be cancelled any more.
#[test]
fn too_late_to_cancel() {
    let (fake, _) = FakeServer::refusing(60007);
    let folder = folder();
    let client = Options::remote(folder.path(), &fake.url(), "sig").open();
    client.pulled();
    let (_, id) = client.deleting("c2c_bob", DeleteOptions::queue());
    eventually("it waits", || only(&client).state == WAITING);
    assert_eq!(client.manage(abi::abi().cancel, id).code(), abi::TOO_LATE);
    assert_eq!(client.undo(id).code(), abi::TOO_LATE);
    assert_eq!(
        client.manage(abi::abi().acknowledge, id).code(),
        abi::INVALID_PARAMETER
    );
    assert_eq!(client.undo(abi::DeletionId([9; 16])).code(), abi::NOT_FOUND);
    assert_eq!(only(&client).state, WAITING);
}

/// DUR-3, DEL-4: one with other options waits behind another of its conversation; it has not begun,
/// and can be cancelled.
#[test]
fn cancelled_behind_another() {
    let fake = FakeServer::with_world(|_, _| Answer::Hold(Box::new(Answer::Ok(().into()))));
    let folder = folder();
    let client = Options::remote(folder.path(), &fake.url(), "sig").open();
    client.pulled();
    let (first, _) = client.deleting("c2c_bob", DeleteOptions::default());
    fake.wait_for_deletions(1);
    let keep = DeleteOptions {
        keep_history: true,
        ..DeleteOptions::default()
    };
    let (second, id) = client.deleting("c2c_bob", keep);
    assert_eq!(client.pending().len(), 2);
    assert_eq!(client.manage(abi::abi().cancel, id), Outcome::Success);
    assert_eq!(second.wait().code(), abi::CANCELLED);
    fake.release();
    assert_eq!(first.wait(), Outcome::Success);
    client.list();
    assert_eq!(fake.deletions().len(), 1);
    client.close();
    let client = Options::remote(folder.path(), &fake.url(), "sig").open();
    assert!(client.pending().is_empty(), "nor does a restart know of it");
    client.pulled();
    assert_eq!(fake.deletions().len(), 1);
}

/// DUR-3: also behind another one, what was erased here already, or what the server may have done,
/// cannot be cancelled any more.
#[test]
fn too_late_to_cancel_behind_another() {
    let keep = DeleteOptions {
        keep_history: true,
        ..DeleteOptions::default()
    };
    for (options, cut) in [
        (DeleteOptions::queue(), false),
        (DeleteOptions::default(), true),
    ] {
        // Where it is cut, the first one is sent twice before its outcome is unknown.
        let cuts = if cut { 2 } else { 0 };
        let fake = FakeServer::with_world(move |_, number| {
            if number < cuts {
                Answer::Reset
            } else {
                Answer::Hold(Box::new(Answer::Ok(json!({"ClearedThrough": 3}))))
            }
        });
        let folder = folder();
        let client = Options::remote(folder.path(), &fake.url(), "sig").open();
        client.pulled();
        let (late, other);
        if cut {
            let (call, id) = client.deleting("c2c_bob", options);
            assert_eq!(call.wait().code(), abi::OUTCOME_UNKNOWN);
            (late, other) = (id, client.deleting("c2c_bob", keep).0);
            fake.wait_for_deletions(cuts + 1);
            assert_eq!(client.network_changed(true), abi::OK);
        } else {
            other = client.deleting("c2c_bob", keep).0;
            fake.wait_for_deletions(1);
            late = client.deleting("c2c_bob", options).1;
        }
        let behind = |pending: &Pending| pending.deletion == late && pending.state == ASKING;
        eventually("it is behind", || client.pending().iter().any(behind));
        assert_eq!(client.manage(abi::abi().cancel, late).code(), abi::TOO_LATE);
        fake.release();
        assert_eq!(other.wait(), Outcome::Success);
        eventually("both are done", || client.pending().is_empty());
        assert_eq!(client.ids(), ["group_club"]);
    }
}

/// DUR-5: `local_only` deletes where the server has lost the account, has a result of its own, and
/// the server is not asked.
#[test]
fn local_only_where_the_server_has_lost_the_account() {
    let (fake, _) = FakeServer::refusing(50001);
    let folder = folder();
    let (client, listener) = heard_by(Options::remote(folder.path(), &fake.url(), "sig"));
    client.pulled();
    assert_eq!(
        client.delete("c2c_bob").code(),
        50001,
        "the default policy fails"
    );
    assert_eq!(client.texts("c2c_bob"), fake::BOB);
    let asked = fake.deletions().len();
    let local = DeleteOptions {
        policy: abi::POLICY_LOCAL_ONLY,
        ..DeleteOptions::default()
    };
    let outcome = client.delete_as("c2c_bob", local);
    assert_eq!(outcome.code(), abi::LOCAL_ONLY, "{outcome:?}");
    assert_eq!(fake.deletions().len(), asked);
    assert_eq!(client.ids(), ["group_club"]);
    assert_eq!(client.verify("c2c_bob", &fake::BOB).found, 0);
    listener.wait("the deletion is told", |heard| {
        heard.is_deletion_of("c2c_bob")
    });
    client.pulled();
    assert_eq!(
        client.ids(),
        ["group_club"],
        "what the server still has does not come back"
    );
    assert!(client.pending().is_empty());
}

/// DEL-2, DUR-3: a deletion whose outcome is unknown is pending, is settled by itself, and the
/// listener hears how.
#[test]
fn an_unknown_outcome_is_settled_with_an_event() {
    let fake = FakeServer::with_world(|_, number| {
        if number < 2 {
            Answer::Reset
        } else {
            Answer::Ok(json!({"ClearedThrough": 3}))
        }
    });
    let folder = folder();
    let (client, listener) = heard_by(Options::remote(folder.path(), &fake.url(), "sig"));
    client.pulled();
    let (call, id) = client.deleting("c2c_bob", DeleteOptions::default());
    assert_eq!(call.wait().code(), abi::OUTCOME_UNKNOWN);
    listener.wait("it is done", |heard| {
        matches!(heard, Heard::Pending(pending) if pending.state == DONE && pending.deletion == id)
    });
    listener.wait("the deletion is told", |heard| {
        heard.is_deletion_of("c2c_bob")
    });
    assert_eq!(client.ids(), ["group_club"]);
    assert!(client.pending().is_empty());
}

/// DUR-4: without a position to stop at, a deletion that the server may have forgotten is not
/// asked for again; the host is shown it instead.
#[test]
fn too_old_to_be_asked_again() {
    let fake = FakeServer::with_world(|_, _| Answer::Reset);
    let folder = folder();
    let options = Options::remote(folder.path(), &fake.url(), "sig");
    let client = options.open();
    let (call, _) = client.deleting("c2c_stranger", DeleteOptions::default());
    assert_eq!(call.wait().code(), abi::OUTCOME_UNKNOWN);
    client.close();
    let asked = fake.deletions().len();
    // Thirty days pass.
    let db = rusqlite::Connection::open(folder.path().join("store.db")).unwrap();
    let changed = db.execute(
        "UPDATE journal SET accepted_at = accepted_at - 30 * 86400000, next_try = 0",
        [],
    );
    assert_eq!(changed.unwrap(), 1);
    drop(db);
    let client = options.open();
    eventually("it is shown", || only(&client).state == REFUSED);
    assert_eq!(fake.deletions().len(), asked);
}

/// Options that break a rule fail the call with a text that says what is allowed.
#[test]
fn options_that_break_a_rule() {
    let folder = folder();
    let client = Options::local(folder.path()).open();
    client.save_texts("c2c_bob", &["bob: hello there"]);
    let week = 7 * 24 * 60 * 60 * 1000;
    let cases = [
        (
            DeleteOptions {
                policy: 3,
                ..DeleteOptions::default()
            },
            "allowed: 0 (fail), 1 (queue), 2 (local only)",
        ),
        (DeleteOptions::undo(week + 1), "at most 604800000"),
    ];
    for (options, allowed) in cases {
        let outcome = client.delete_as("c2c_bob", options);
        assert_eq!(outcome.code(), abi::INVALID_PARAMETER);
        assert!(outcome.text().contains(allowed), "{outcome:?}");
    }
    let call = client.call();
    let keep = DeleteOptions {
        keep_history: true,
        ..DeleteOptions::default()
    };
    assert_eq!(
        client.begin_clear_history("c2c_bob", keep, &call).0,
        abi::OK
    );
    assert_eq!(call.wait().code(), abi::INVALID_PARAMETER);
    assert_eq!(client.network_changed(true), abi::OK);
    assert_eq!(client.list().len(), 1);
}
