//! A process that dies at a named point of a deletion, and the next one.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests fail the test"
)]

mod support;

use std::path::PathBuf;

use support::{Client, Outcome, Server, abi, child, eventually};

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
        if point == "accept" {
            // It had not begun: nothing was written down, and the server was not asked.
            assert_eq!(client.texts("c2c_bob"), TEXTS, "{point}");
            assert_eq!(client.delete("c2c_bob"), Outcome::Success);
        }
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
    for (point, gone) in [
        ("accept", false),
        ("before-destroying", false),
        ("keys-destroyed", true),
        ("before-delivery", true),
        ("rows-followed", true),
        ("address-destroyed", true),
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
        assert_eq!(client.texts("c2c_bob").is_empty(), gone, "{point}");
        assert_eq!(
            client.texts("c2c_carol"),
            ["carol: tea at four?"],
            "{point}"
        );
        if !gone {
            assert_eq!(client.texts("c2c_bob"), TEXTS, "{point}");
            continue;
        }
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
