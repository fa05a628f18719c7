//! A process that dies at a named point of a deletion, and the next one.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests fail the test"
)]

mod support;

use std::path::PathBuf;

use support::{Client, DeleteOptions, Outcome, Server, abi, child, eventually};

const TEXTS: [&str; 2] = ["bob: come at dawn", "bob: come alone"];

/// DUR-1, DEL-1, DEL-5: killed at any step of a deletion, the next open finishes it, and nothing
/// else has changed; the server and the device agree in the end.
#[test]
fn killed_at_every_step_with_a_server() {
    if child::is_child() {
        let folder = PathBuf::from(std::env::var("CRASH_FOLDER").unwrap());
        let (url, sig) = (
            std::env::var("CRASH_URL").unwrap(),
            std::env::var("CRASH_SIG").unwrap(),
        );
        let client = support::Options::remote(&folder, &url, &sig).open();
        let outcome = client.delete("c2c_bob");
        // Dies on the way, or soon after; at the latest here.
        client.close();
        panic!("the failpoint was not reached: {outcome:?}");
    }
    for point in [
        "accept",
        "intent-recorded",
        "before-destroying",
        "keys-destroyed",
        "before-delivery",
        "rows-followed",
        "address-destroyed",
    ] {
        let server = Server::start();
        server.accounts(&["alice", "bob", "carol"]);
        for text in TEXTS {
            server.send("bob", "alice", text);
        }
        server.send("carol", "alice", "carol: tea at four?");
        let folder = tempfile::tempdir().unwrap();
        let client = server.device("alice", folder.path()).open();
        client.pulled();
        assert_eq!(client.texts("c2c_bob"), TEXTS);
        client.close();

        let died = child::run(
            "killed_at_every_step_with_a_server",
            &[
                ("ADIEU_FAILPOINT", &format!("{point}=abort")),
                ("CRASH_FOLDER", folder.path().to_str().unwrap()),
                ("CRASH_URL", server.url()),
                ("CRASH_SIG", &server.user_sig("alice")),
            ],
        );
        let said = String::from_utf8_lossy(&died.stdout);
        assert!(
            !died.status.success() && !said.contains("not reached"),
            "{point}: {said}"
        );

        let client = server.device("alice", folder.path()).open();
        client.pulled();
        eventually(point, || client.texts("c2c_bob").is_empty());
        assert_eq!(client.ids(), ["c2c_carol"], "{point}");
        assert!(server.roaming("alice", "bob").is_empty(), "{point}");
        assert_eq!(server.roaming("bob", "alice").len(), TEXTS.len(), "{point}");
        let found = client.verify("c2c_bob", &TEXTS);
        assert_eq!((found.found, found.readable_records), (0, 0), "{point}");
    }
}

/// DUR-1, DEL-3, ERA-2: the same on a device alone; what was destroyed stays destroyed, and a stale
/// message brings nothing back.
#[test]
fn killed_at_every_step_on_a_device_alone() {
    if child::is_child() {
        let client = Client::local(&PathBuf::from(std::env::var("CRASH_FOLDER").unwrap()));
        let outcome = client.delete("c2c_bob");
        client.close();
        panic!("the failpoint was not reached: {outcome:?}");
    }
    for point in [
        "accept",
        "before-destroying",
        "keys-destroyed",
        "before-delivery",
        "rows-followed",
        "address-destroyed",
    ] {
        let folder = tempfile::tempdir().unwrap();
        let client = Client::local(folder.path());
        client.save_texts("c2c_bob", &TEXTS);
        client.save_texts("c2c_carol", &["carol: tea at four?"]);
        client.close();

        let died = child::run(
            "killed_at_every_step_on_a_device_alone",
            &[
                ("ADIEU_FAILPOINT", &format!("{point}=abort")),
                ("CRASH_FOLDER", folder.path().to_str().unwrap()),
            ],
        );
        let said = String::from_utf8_lossy(&died.stdout);
        assert!(
            !died.status.success() && !said.contains("not reached"),
            "{point}: {said}"
        );

        let client = Client::local(folder.path());
        assert!(client.texts("c2c_bob").is_empty(), "{point}");
        assert_eq!(
            client.texts("c2c_carol"),
            ["carol: tea at four?"],
            "{point}"
        );
        let found = client.verify("c2c_bob", &[TEXTS[0], TEXTS[1], "c2c_bob-and-more"]);
        assert_eq!((found.found, found.readable_records), (0, 0), "{point}");
        client.save(
            "c2c_bob",
            &[(1, "bob", "a stale one"), (3, "bob", "a newer one")],
        );
        assert_eq!(client.texts("c2c_bob"), ["a newer one"], "{point}");
        assert_eq!(client.close(), abi::OK);
        assert_eq!(
            Client::local(folder.path()).texts("c2c_bob"),
            ["a newer one"],
            "{point}"
        );
    }
}

/// DUR-1: killed the moment after calls have returned, with nothing written down yet: the next
/// open carries all of them out. Nothing else goes, and the file that held them is empty again.
#[test]
fn killed_the_moment_calls_have_returned() {
    if child::is_child() {
        let client = Client::local(&PathBuf::from(std::env::var("CRASH_FOLDER").unwrap()));
        client.list();
        for id in ["c2c_bob", "group_club", "c2c_dora", "c2c_unknown"] {
            let call = client.call();
            let (code, _) = client.begin_delete_as(id, DeleteOptions::default(), &call);
            assert_eq!(code, abi::OK);
        }
        // SAFETY: kills this process.
        unsafe { libc::kill(libc::getpid(), libc::SIGKILL) };
    }
    for _ in 0..10 {
        let folder = tempfile::tempdir().unwrap();
        let client = Client::local(folder.path());
        for id in ["c2c_bob", "group_club", "c2c_carol"] {
            client.save_texts(id, &TEXTS);
        }
        // One that has come back with nothing but a draft.
        client.save_texts("c2c_dora", &TEXTS);
        assert_eq!(client.delete("c2c_dora"), Outcome::Success);
        client.set_draft("c2c_dora", "dora, I did not mean");
        client.close();
        let folder_name = folder.path().to_str().unwrap();
        child::run(
            "killed_the_moment_calls_have_returned",
            &[("CRASH_FOLDER", folder_name)],
        );
        let client = Client::local(folder.path());
        assert_eq!(client.ids(), ["c2c_carol"]);
        assert!(client.pending().is_empty());
        client.save(
            "c2c_bob",
            &[(2, "bob", TEXTS[1]), (3, "bob", "bob: a new one")],
        );
        assert_eq!(client.texts("c2c_bob"), ["bob: a new one"]);
        client.close();
        let accepted = std::fs::read(folder.path().join("accepted")).unwrap();
        assert!(accepted.iter().all(|byte| *byte == 0));
    }
}

/// How a conversation is deleted on the way to a failpoint.
fn terms(name: &str) -> (DeleteOptions, bool) {
    match name {
        "queue" => (DeleteOptions::queue(), false),
        "undo" => (DeleteOptions::undo(1), false),
        "keep" => (
            DeleteOptions {
                keep_history: true,
                ..DeleteOptions::default()
            },
            false,
        ),
        _ => (DeleteOptions::default(), true),
    }
}

/// DUR-1, DUR-2, DUR-6, DEL-8: the same for policy `queue`, an undo window that ends, a cleared
/// history and a kept one: the next open finishes each, and nothing is pending afterwards.
#[test]
fn killed_at_every_step_of_every_kind() {
    if child::is_child() {
        let folder = PathBuf::from(std::env::var("CRASH_FOLDER").unwrap());
        let client = match std::env::var("CRASH_URL") {
            Ok(url) => support::Options::remote(&folder, &url, "sig").open(),
            Err(_) => Client::local(&folder),
        };
        let (options, clears) = terms(&std::env::var("CRASH_TERMS").unwrap());
        let call = client.call();
        if clears {
            client.begin_clear_history("c2c_bob", options, &call);
        } else {
            client.begin_delete_as("c2c_bob", options, &call);
        }
        let outcome = call.wait();
        client.close();
        panic!("the failpoint was not reached: {outcome:?}");
    }
    for with_server in [false, true] {
        for (kind, points) in [
            ("queue", &["accept", "keys-destroyed", "rows-followed"][..]),
            (
                "undo",
                &[
                    "accept",
                    "intent-recorded",
                    "before-destroying",
                    "keys-destroyed",
                    "before-delivery",
                ],
            ),
            (
                "clear",
                &[
                    "accept",
                    "before-destroying",
                    "keys-destroyed",
                    "before-delivery",
                    "rows-followed",
                ],
            ),
            ("keep", &["accept", "before-delivery"]),
        ] {
            for point in points {
                let name = format!("{kind} {point}, server {with_server}");
                let fake = support::FakeServer::with_world(|_, _| support::Answer::Ok(().into()));
                let folder = tempfile::tempdir().unwrap();
                let open = || {
                    if with_server {
                        support::Options::remote(folder.path(), &fake.url(), "sig").open()
                    } else {
                        Client::local(folder.path())
                    }
                };
                let client = open();
                if with_server {
                    client.pulled();
                } else {
                    client.save_texts("c2c_bob", &TEXTS);
                    client.save_texts("group_club", &["club: the vote"]);
                }
                let texts = client.texts("c2c_bob");
                client.close();
                let point = format!("{point}=abort");
                let mut environment = vec![
                    ("ADIEU_FAILPOINT", point.as_str()),
                    ("CRASH_FOLDER", folder.path().to_str().unwrap()),
                    ("CRASH_TERMS", kind),
                ];
                let url = fake.url();
                if with_server {
                    environment.push(("CRASH_URL", &url));
                }
                let died = child::run("killed_at_every_step_of_every_kind", &environment);
                let said = String::from_utf8_lossy(&died.stdout);
                let reached = !died.status.success() && !said.contains("not reached");
                assert!(reached, "{name}: {said}");

                let client = open();
                eventually(&name, || client.pending().is_empty());
                let listed = client.ids().contains(&"c2c_bob".to_owned());
                assert_eq!(listed, kind == "clear", "{name}");
                if kind == "keep" {
                    assert_eq!(client.texts("c2c_bob"), texts, "{name}");
                } else {
                    assert!(client.history("c2c_bob").is_empty(), "{name}");
                    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
                    let found = client.verify("c2c_bob", &texts);
                    assert_eq!((found.found, found.readable_records), (0, 0), "{name}");
                }
                assert!(client.ids().contains(&"group_club".to_owned()), "{name}");
                let ids = fake.deletions();
                let ids: Vec<_> = ids.iter().map(|one| &one["DeletionId"]).collect();
                assert!(
                    ids.windows(2).all(|pair| pair[0] == pair[1]),
                    "{name}: {ids:?}"
                );
            }
        }
    }
}
