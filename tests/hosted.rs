//! Whose positions a conversation has: the server's, or the host's that brings it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests fail the test"
)]

mod support;

use std::time::{Duration, Instant};

use serde_json::json;
use support::abi;
use support::client::save;
use support::fake::{BOB, SIG};
use support::{Answer, FakeServer, Options, Outcome};
use tempfile::TempDir;

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

/// DEL-3: messages that are refused, since the conversation is the server's, move no cut-off and
/// keep nothing from being pulled.
#[test]
fn a_refused_save_moves_no_cut_off() {
    let fake = FakeServer::with_world(|_, _| Answer::Ok(().into()));
    let folder = folder();
    let client = fake.device(&folder);
    let call = client.call();
    let far = [(1_000_000, "bob", "from far away")];
    assert_eq!(client.begin_save("c2c_bob", &far, &call), abi::OK);
    assert_eq!(call.wait().code(), abi::INVALID_PARAMETER);
    assert_eq!(client.delete("c2c_bob"), Outcome::Success);
    assert_eq!(fake.deletions()[0]["CutOff"], BOB.len());
}

/// DEL-3: the same where only a tombstone remembers whose positions the conversation has: what was
/// refused leaves no head behind that the next deletion would send as its cut-off.
#[test]
fn a_refused_save_into_a_deleted_conversation_moves_no_cut_off() {
    let fake = FakeServer::with_world(|_, _| Answer::Ok(().into()));
    let folder = folder();
    let client = fake.device(&folder);
    assert_eq!(client.delete("c2c_bob"), Outcome::Success);
    client.close();
    let client = Options::remote(folder.path(), &fake.url(), SIG).open();
    let call = client.call();
    let far = [(1_000_000, "bob", "from far away")];
    assert_eq!(client.begin_save("c2c_bob", &far, &call), abi::OK);
    assert_eq!(call.wait().code(), abi::INVALID_PARAMETER);
    assert_eq!(client.delete("c2c_bob"), Outcome::Success);
    let cut_offs: Vec<_> = fake
        .deletions()
        .iter()
        .map(|asked| asked["CutOff"].clone())
        .collect();
    assert_eq!(cut_offs, [BOB.len(), BOB.len()]);
}

/// DEL-3: a conversation that the host brings is the host's for good: what the server says of
/// positions erases nothing of it, and its positions are never sent to the server.
#[test]
fn the_hosts_positions_stay_the_hosts() {
    let fake = FakeServer::with_world(|_, _| Answer::Ok(serde_json::json!({"ClearedThrough": 50})));
    let folder = folder();
    let client = Options::remote(folder.path(), &fake.url(), SIG).open();
    client.save("c2c_carol", &[(3, "carol", "the third one")]);
    assert_eq!(client.delete("c2c_carol"), Outcome::Success);
    client.save(
        "c2c_carol",
        &[(2, "carol", "a stale one"), (4, "carol", "the fourth one")],
    );
    assert_eq!(client.texts("c2c_carol"), ["the fourth one"]);
    assert_eq!(client.delete("c2c_carol"), Outcome::Success);
    assert!(
        fake.deletions()
            .iter()
            .all(|asked| asked.get("CutOff").is_none())
    );
    assert!(client.texts("c2c_carol").is_empty());
}

/// DEL-3: the host brings a conversation while the server is asked to delete it: what the server
/// answers of positions erases nothing of it.
#[test]
fn brought_by_the_host_while_the_server_is_asked() {
    let fake = FakeServer::with_world(|_, _| {
        Answer::Hold(Box::new(Answer::Ok(json!({"ClearedThrough": 500}))))
    });
    let folder = folder();
    let client = Options::remote(folder.path(), &fake.url(), SIG).open();
    let call = client.call();
    assert_eq!(client.begin_delete("c2c_zoe", &call), abi::OK);
    fake.wait_for_deletions(1);
    client.save_texts("c2c_zoe", &["came after the call", "this too"]);
    fake.release();
    assert_eq!(call.wait(), Outcome::Success);
    assert_eq!(client.texts("c2c_zoe"), ["came after the call", "this too"]);
    client.save("c2c_zoe", &[(3, "zoe", "and this later")]);
    assert_eq!(client.texts("c2c_zoe").len(), 3);
}

/// DEL-3: a conversation that this device never had is deleted on the server, whose positions do
/// not keep out what the host brings of it later.
#[test]
fn brought_by_the_host_after_the_server_deleted_it() {
    let fake = FakeServer::with_world(|_, _| Answer::Ok(json!({"ClearedThrough": 500})));
    let folder = folder();
    let options = Options::remote(folder.path(), &fake.url(), SIG);
    let client = options.open();
    assert_eq!(client.delete("c2c_yan"), Outcome::Success);
    client.save("c2c_yan", &[(1, "yan", "hello, first message")]);
    client.save("c2c_yan", &[(501, "yan", "a later one")]);
    let texts = ["hello, first message", "a later one"];
    assert_eq!(client.texts("c2c_yan"), texts);
    client.close();
    assert_eq!(options.open().texts("c2c_yan"), texts);
}

/// DEL-3: the same from within the callback, when nothing has been tidied up yet: the purge does
/// not take for the deleted what came since.
#[test]
fn brought_by_the_host_in_the_callback_of_its_deletion() {
    let fake = FakeServer::with_world(|_, _| Answer::Ok(json!({"ClearedThrough": 500})));
    let folder = folder();
    let client = Options::remote(folder.path(), &fake.url(), SIG).open();
    let handle = client.handle() as usize;
    let texts = ["hello, first message"];
    let saving = client.call();
    let begun = saving.clone();
    let deleting = client.call_with(move |_| {
        let messages = [(1, "yan", texts[0])];
        assert_eq!(save(handle, "c2c_yan", &messages, &begun), abi::OK);
    });
    assert_eq!(client.begin_delete("c2c_yan", &deleting), abi::OK);
    assert_eq!(deleting.wait(), Outcome::Success);
    assert_eq!(saving.wait(), Outcome::Success);
    let start = Instant::now();
    while start.elapsed() < Duration::from_millis(300) {
        assert_eq!(client.texts("c2c_yan"), texts);
    }
}
