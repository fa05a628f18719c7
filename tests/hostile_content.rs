//! What a server says that cannot be: lists and histories with values that break every rule.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests fail the test"
)]

mod support;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use support::fake::{BOB, Request, world};
use support::{Answer, Client, FakeServer, Options, abi, life};
use tempfile::TempDir;

const SIG: &str = "eJyrVgrx-a-very*secret-signature_";
const OWN: &str = "mine alone, and not the server's";

/// A device that has the small world and a conversation of its own.
fn device(folder: &TempDir) {
    let healthy = FakeServer::with_world(|_, _| Answer::Ok(().into()));
    let client = Options::remote(folder.path(), &healthy.url(), SIG).open();
    client.pulled();
    client.save_texts("c2c_own", &[OWN]);
}

/// One pull from such a server: it ends once, with one of these codes, and harms nothing; a good
/// server helps.
fn pull(
    name: &str,
    codes: &[i32],
    script: impl Fn(&Request) -> Option<Value> + Send + Sync + 'static,
) {
    let folder = tempfile::tempdir().unwrap();
    device(&folder);
    let fake = FakeServer::start(move |request, _| match script(request) {
        Some(fields) => Answer::Ok(fields),
        None => world(request).unwrap_or(Answer::Ok(().into())),
    });
    let client = Options::remote(folder.path(), &fake.url(), SIG).open();
    let call = client.call();
    assert_eq!(client.begin_pull(&call), abi::OK);
    let outcome = call.wait();
    assert!(codes.contains(&outcome.code()), "{name}: {outcome:?}");
    is_whole(name, &client);
    assert_eq!(client.close(), abi::OK);
    assert_eq!(call.events().len(), 1, "{name}");
    life::passes_integrity_check(folder.path());
    let healthy = FakeServer::with_world(|_, _| Answer::Ok(().into()));
    let client = Options::remote(folder.path(), &healthy.url(), SIG).open();
    client.pulled();
    is_whole(name, &client);
}

/// All that was there is there: what a server adds comes after it.
fn is_whole(name: &str, client: &Client) {
    assert_eq!(client.texts("c2c_own"), [OWN], "{name}");
    let bob = client.texts("c2c_bob");
    assert!(bob.starts_with(&BOB.map(str::to_owned)), "{name}: {bob:?}");
    client.list();
}

const REFUSED: &[i32] = &[abi::BAD_ANSWER];
const ANY: &[i32] = &[abi::OK, abi::BAD_ANSWER];

/// CALL-3, DEL-5: lists of views that break every rule.
#[test]
fn views_that_cannot_be() {
    let bob = || json!({"Type": 1, "To_Account": "bob", "Title": "", "Head": BOB.len()});
    let with = |name: &str, value: Value| {
        let mut view = bob();
        view[name] = value;
        json!([view])
    };
    let cases: Vec<(&str, &[i32], Value)> = vec![
        ("no views", REFUSED, json!(null)),
        ("views that are none", REFUSED, json!([1, "x", []])),
        ("views that are text", REFUSED, json!("bob")),
        ("an empty view", REFUSED, json!([{}])),
        ("an unknown type", REFUSED, with("Type", json!(3))),
        ("a type beyond all types", REFUSED, with("Type", json!(300))),
        ("nobody", REFUSED, with("To_Account", json!(null))),
        ("an empty name", REFUSED, with("To_Account", json!(""))),
        (
            "a name without end",
            REFUSED,
            with("To_Account", json!("x".repeat(1 << 20))),
        ),
        (
            "a name with a NUL",
            REFUSED,
            with("To_Account", json!("b\u{0}b")),
        ),
        ("a negative head", REFUSED, with("Head", json!(-1))),
        ("a head that is text", REFUSED, with("Head", json!("3"))),
        ("the last of all heads", ANY, with("Head", json!(u64::MAX))),
        ("a title that is none", REFUSED, with("Title", json!([]))),
        (
            "an own conversation, erased",
            ANY,
            json!([{"Type": 1, "To_Account": "own", "Title": "", "Head": 9, "EraseThrough": 9}]),
        ),
        (
            "a negative erasure",
            REFUSED,
            with("EraseThrough", json!(-1)),
        ),
        (
            "the same view many times",
            ANY,
            Value::Array((0..500).map(|_| bob()).collect()),
        ),
    ];
    for (name, codes, views) in cases {
        pull(name, codes, move |request| {
            request
                .path
                .ends_with("sync")
                .then(|| json!({"Views": views, "Cursor": "", "Complete": 1}))
        });
    }
}

/// ERA-2, DEL-3: a server that has everything erased or hidden up to positions that no message can have
/// is not believed: nothing is, messages still come, and the store opens again.
#[test]
fn erasures_that_cannot_be() {
    for through in [i64::MAX as u64, i64::MAX as u64 + 1, u64::MAX] {
        for how in ["EraseThrough", "HiddenThrough"] {
            let name = format!("{how} beyond all positions");
            pull(&name, REFUSED, move |request| {
                let mut view = json!({"Type": 1, "To_Account": "bob", "Title": "", "Head": BOB.len(), "Listed": 0});
                view[how] = through.into();
                request
                    .path
                    .ends_with("sync")
                    .then(|| json!({"Views": [view], "Cursor": "", "Complete": 1}))
            });
        }
    }
}

/// CALL-3, DEL-5: pages of history that break every rule.
#[test]
fn messages_that_cannot_be() {
    let message = |position: Value| {
        json!({
            "Position": position,
            "From_Account": "bob",
            "MsgTime": 1_700_000_000,
            "MsgBody": [{"MsgType": "TIMTextElem", "MsgContent": {"Text": "bob: one more"}}],
        })
    };
    let with = |name: &str, value: Value| {
        let mut message = message(json!(4));
        message[name] = value;
        json!([message])
    };
    let nest = format!("{}{}", "[".repeat(100), "]".repeat(100));
    let nest: Value = serde_json::from_str(&nest).unwrap();
    let cases: Vec<(&str, &[i32], Value, u8)> = vec![
        ("no messages", REFUSED, json!(null), 1),
        ("messages that are none", REFUSED, json!([1, 2]), 1),
        ("a message without anything", REFUSED, json!([{}]), 1),
        ("position 0", REFUSED, json!([message(json!(0))]), 1),
        (
            "a negative position",
            REFUSED,
            json!([message(json!(-4))]),
            1,
        ),
        (
            "the last of all positions",
            REFUSED,
            json!([message(json!(u64::MAX))]),
            1,
        ),
        (
            "a position that has no successor",
            REFUSED,
            json!([message(json!(i64::MAX))]),
            1,
        ),
        (
            "a position that is a fraction",
            REFUSED,
            json!([message(json!(4.5))]),
            1,
        ),
        (
            "positions that fall",
            ANY,
            json!([message(json!(6)), message(json!(5)), message(json!(4))]),
            1,
        ),
        (
            "one position twice",
            ANY,
            json!([message(json!(4)), message(json!(4))]),
            1,
        ),
        (
            "positions that were there before",
            ANY,
            json!([message(json!(1)), message(json!(2))]),
            1,
        ),
        (
            "a page that does not go on",
            REFUSED,
            json!([message(json!(3))]),
            0,
        ),
        (
            "a page of nothing that is not the last",
            REFUSED,
            json!([]),
            0,
        ),
        ("no sender", REFUSED, with("From_Account", json!(null)), 1),
        (
            "an empty sender",
            REFUSED,
            with("From_Account", json!("")),
            1,
        ),
        (
            "a sender without end",
            REFUSED,
            with("From_Account", json!("x".repeat(100_000))),
            1,
        ),
        (
            "a time before all time",
            REFUSED,
            with("MsgTime", json!(-1)),
            1,
        ),
        (
            "a time after all time",
            REFUSED,
            with("MsgTime", json!(u64::MAX)),
            1,
        ),
        ("a body that is a number", ANY, with("MsgBody", json!(7)), 1),
        ("a body of nothing", ANY, with("MsgBody", json!(null)), 1),
        ("a body that nests", ANY, with("MsgBody", nest), 1),
        (
            "a body without end",
            REFUSED,
            with("MsgBody", json!("x".repeat(2 << 20))),
            1,
        ),
    ];
    for (name, codes, messages, complete) in cases {
        pull(name, codes, move |request| match request.path.as_str() {
            "v4/recentcontact/sync" => {
                let view =
                    json!({"Type": 1, "To_Account": "bob", "Title": "", "Head": BOB.len() + 4});
                Some(json!({"Views": [view], "Cursor": "", "Complete": 1}))
            }
            "v4/recentcontact/get_history" if request.body["After"] == BOB.len() => {
                Some(json!({"Messages": messages, "Complete": complete, "Head": 7}))
            }
            "v4/recentcontact/get_history" => {
                Some(json!({"Messages": [], "Complete": 1, "Head": 7}))
            }
            _ => None,
        });
    }
}

/// CALL-3, ABI-5: lists and histories that never end are ended by a close, at once.
#[test]
fn pages_without_end() {
    for path in ["v4/recentcontact/sync", "v4/recentcontact/get_history"] {
        let page = AtomicU64::new(BOB.len() as u64);
        let folder = tempfile::tempdir().unwrap();
        device(&folder);
        let fake = FakeServer::start(move |request, _| {
            let next = page.fetch_add(1, Ordering::SeqCst) + 1;
            let view = json!({"Type": 1, "To_Account": "bob", "Title": "", "Head": i64::MAX});
            Answer::Ok(match request.path.as_str() {
                now if now == path && path.ends_with("sync") => {
                    json!({"Views": [], "Cursor": next.to_string(), "Complete": 0})
                }
                "v4/recentcontact/sync" => json!({"Views": [view], "Cursor": "", "Complete": 1}),
                _ => {
                    let message = json!({
                        "Position": request.body["After"].as_u64().unwrap() + 1,
                        "From_Account": "bob",
                        "MsgTime": 1,
                        "MsgBody": [],
                    });
                    json!({"Messages": [message], "Complete": 0, "Head": i64::MAX})
                }
            })
        });
        let client = Options::remote(folder.path(), &fake.url(), SIG).open();
        let call = client.call();
        assert_eq!(client.begin_pull(&call), abi::OK);
        assert!(call.event_within(Duration::from_millis(500)).is_none());
        // The device is not held up meanwhile.
        assert_eq!(client.texts("c2c_own"), [OWN]);
        let start = Instant::now();
        assert_eq!(client.close(), abi::OK);
        assert!(
            start.elapsed() < Duration::from_secs(3),
            "{:?}",
            start.elapsed()
        );
        assert_eq!(call.wait().code(), abi::CLOSED);
        assert_eq!(call.events().len(), 1);
        life::passes_integrity_check(folder.path());
        assert_eq!(Client::local(folder.path()).texts("c2c_own"), [OWN]);
    }
}
