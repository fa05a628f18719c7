//! What can go wrong between device and server, and what the app is told.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests fail the test"
)]

mod support;

use std::net::TcpListener;
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;
use support::abi::{self, abi};
use support::fake::{BOB, CLUB, SIG};
use support::{Answer, Client, FakeServer, Options, Outcome, eventually};
use tempfile::TempDir;

const PATIENCE_MS: u32 = 400;

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

/// Deletes `c2c_bob`, which must fail in one of these ways: told once, the device untouched, no
/// credential in the text.
#[track_caller]
fn fails(client: &Client, codes: &[i32]) -> Outcome {
    let before = client.everything();
    let call = client.call();
    let start = Instant::now();
    let (code, deletion) = client.begin_delete_with("c2c_bob", PATIENCE_MS, &call);
    assert_eq!(code, abi::OK);
    let outcome = call.wait();
    assert!(
        start.elapsed() < Duration::from_secs(5),
        "{:?}",
        start.elapsed()
    );
    assert!(codes.contains(&outcome.code()), "{outcome:?}");
    assert!(outcome.text().len() > 5, "{outcome:?}");
    assert!(
        !outcome.text().contains(SIG) && !outcome.text().contains("secret"),
        "{outcome:?}"
    );
    assert!(!outcome.text().contains("usersig="), "{outcome:?}");
    assert_eq!(client.everything(), before, "the device is untouched");
    assert_eq!(client.receipt(deletion).unwrap_err(), abi::NOT_FOUND);
    assert_eq!(call.events().len(), 1);
    outcome
}

/// The script's answer to the first deletion and its repetition; later ones succeed.
fn once_wrong(wrong: impl Fn() -> Answer + Send + Sync + 'static) -> (FakeServer, Arc<AtomicBool>) {
    let healed = Arc::new(AtomicBool::new(false));
    let now = healed.clone();
    let fake = FakeServer::with_world(move |_, _| {
        if now.load(Ordering::SeqCst) {
            Answer::Ok(().into())
        } else {
            wrong()
        }
    });
    (fake, healed)
}

/// DEL-2: answers that cannot be read leave the outcome open: the device untouched, the code says
/// so, and the next connection settles it with the same deletion id.
fn settles_later(wrong: impl Fn() -> Answer + Send + Sync + 'static, by_pull: bool) {
    let (fake, healed) = once_wrong(wrong);
    let folder = folder();
    let client = fake.device(&folder);
    fails(&client, &[abi::OUTCOME_UNKNOWN]);
    let asked = fake.deletions();
    let id = asked[0]["DeletionId"].as_str().unwrap().to_owned();
    assert!(
        asked.iter().all(|item| item["DeletionId"] == id.as_str()),
        "one deletion, one id"
    );
    healed.store(true, Ordering::SeqCst);
    if by_pull {
        client.pulled();
    } else {
        assert_eq!(client.sign_in(SIG), abi::OK);
    }
    fake.wait_for_deletions(asked.len() + 1);
    eventually("it is settled", || client.history("c2c_bob").is_empty());
    let all = fake.deletions();
    assert_eq!(all.len(), asked.len() + 1, "asked once more, and no more");
    assert_eq!(all.last().unwrap()["DeletionId"], id.as_str());
    assert_eq!(all.last().unwrap()["CutOff"], BOB.len());
    assert_eq!(client.ids(), ["group_club"]);
    // Nothing is left to settle.
    assert_eq!(client.sign_in(SIG), abi::OK);
    client.list();
    assert_eq!(fake.deletions().len(), all.len());
}

/// DEL-2: a page instead of an answer.
#[test]
fn html() {
    let page = || Answer::Http("200 OK", "", "<html><body>Welcome to our WiFi".to_owned());
    settles_later(page, false);
}

/// DEL-2: an answer that breaks off in its JSON.
#[test]
fn truncated_json() {
    settles_later(
        || Answer::Http("200 OK", "", r#"{"ActionStatus":"OK","Err"#.to_owned()),
        true,
    );
}

/// DEL-2: JSON that is no envelope, and codes that are no server's: negative ones are the library's.
#[test]
fn a_wrong_envelope() {
    for body in [
        "{}",
        "[]",
        "null",
        r#"{"ok":true}"#,
        r#"{"ActionStatus":"OK"}"#,
        r#"{"ErrorCode":"0"}"#,
        r#"{"ActionStatus":"FAIL","ErrorCode":-3,"ErrorInfo":"closed"}"#,
    ] {
        settles_later(move || Answer::Http("200 OK", "", body.to_owned()), true);
    }
}

/// DEL-2: the gateway's 5xx, and an empty body.
#[test]
fn gateway_errors() {
    for status in [
        "500 Internal Server Error",
        "502 Bad Gateway",
        "503 Service Unavailable",
        "200 OK",
    ] {
        settles_later(move || Answer::Http(status, "", String::new()), false);
    }
}

/// DEL-2: the connection ends, orderly or not, before an answer.
#[test]
fn a_cut_connection() {
    settles_later(|| Answer::Close, true);
    settles_later(|| Answer::Reset, false);
}

/// DEL-2: fewer bytes than the answer promised, and no HTTP at all.
#[test]
fn a_wrong_length() {
    let short =
        b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{\"ActionStatus\":\"OK\",\"ErrorCode\":0}";
    settles_later(|| Answer::Raw(short.to_vec()), true);
    settles_later(
        || Answer::Raw(b"SSH-2.0-OpenSSH_9.9\r\n\r\n".to_vec()),
        true,
    );
    settles_later(
        || Answer::Raw(b"HTTP/1.1 200 OK\r\nContent-Le".to_vec()),
        true,
    );
}

/// DEL-2: silence until the timeout, which is the one of the call.
#[test]
fn silence_until_the_timeout() {
    let fake = FakeServer::with_world(|_, number| match number {
        0 => Answer::Stall,
        _ => Answer::Ok(().into()),
    });
    let folder = folder();
    let client = fake.device(&folder);
    let start = Instant::now();
    fails(&client, &[abi::OUTCOME_UNKNOWN]);
    let took = start.elapsed();
    assert!(
        took >= Duration::from_millis(300),
        "it did not wait: {took:?}"
    );
    assert!(
        took < Duration::from_secs(3),
        "it waited too long: {took:?}"
    );
    assert_eq!(fake.deletions().len(), 1);
    assert_eq!(client.sign_in(SIG), abi::OK);
    eventually("it is settled", || client.history("c2c_bob").is_empty());
    let asked = fake.deletions();
    assert_eq!(asked.len(), 2);
    assert_eq!(asked[0]["DeletionId"], asked[1]["DeletionId"]);
}

/// DEL-2, DUR-1: what is not settled is settled after the next open, by the same id.
#[test]
fn settled_after_the_next_open() {
    let (fake, healed) = once_wrong(|| Answer::Http("502 Bad Gateway", "", String::new()));
    let folder = folder();
    let client = fake.device(&folder);
    fails(&client, &[abi::OUTCOME_UNKNOWN]);
    client.close();
    let asked = fake.deletions();
    healed.store(true, Ordering::SeqCst);
    let client = Options::remote(folder.path(), &fake.url(), SIG).open();
    eventually("it is settled", || client.history("c2c_bob").is_empty());
    let last = fake.deletions().last().cloned().unwrap();
    assert_eq!(last["DeletionId"], asked[0]["DeletionId"]);
    assert_eq!(last["CutOff"], BOB.len());
    assert_eq!(client.ids(), ["group_club"]);
}

/// DEL-2: the connection was cut once and the server refuses the repetition: the first request may
/// have arrived and been carried out, so the outcome is not known.
#[test]
fn a_refusal_after_a_cut_says_nothing_about_the_first_request() {
    let fake = FakeServer::with_world(|_, number| match number {
        0 => Answer::Close,
        1 => Answer::Fail(60008, "service timed out"),
        _ => Answer::Ok(().into()),
    });
    let folder = folder();
    let client = fake.device(&folder);
    fails(&client, &[abi::OUTCOME_UNKNOWN]);
    assert_eq!(client.sign_in(SIG), abi::OK);
    eventually("it is settled", || client.history("c2c_bob").is_empty());
}

/// DEL-2: one cut connection is no failure: an idle one that the server has just closed looks the
/// same, and the deletion's id makes asking again harmless.
#[test]
fn a_connection_cut_once_is_made_good() {
    let fake = FakeServer::with_world(|_, number| match number {
        0 => Answer::Close,
        _ => Answer::Ok(().into()),
    });
    let folder = folder();
    let client = fake.device(&folder);
    assert_eq!(client.delete("c2c_bob"), Outcome::Success);
    let asked = fake.deletions();
    assert_eq!(asked.len(), 2);
    assert_eq!(asked[0], asked[1]);
    assert_eq!(client.ids(), ["group_club"]);
}

/// DEL-2: a slow answer is an answer.
#[test]
fn a_slow_answer() {
    let fake = FakeServer::with_world(|_, _| Answer::Slow(Box::new(Answer::Ok(().into()))));
    let folder = folder();
    let client = fake.device(&folder);
    assert_eq!(client.delete("c2c_bob"), Outcome::Success);
    assert_eq!(client.ids(), ["group_club"]);
}

/// DEL-2: what is not the API turned the request away: nothing was deleted, and nothing will be
/// later; a redirect is not followed, the credential goes nowhere else.
#[test]
fn a_redirect_is_not_followed() {
    let elsewhere = FakeServer::start(|_, _| Answer::Ok(().into()));
    let header: &'static str = Box::leak(
        format!("Location: {}/v4/recentcontact/delete\r\n", elsewhere.url()).into_boxed_str(),
    );
    for status in [
        "301 Moved Permanently",
        "302 Found",
        "307 Temporary Redirect",
        "308 Permanent Redirect",
    ] {
        let fake = FakeServer::with_world(move |_, _| Answer::Http(status, header, String::new()));
        let folder = folder();
        let client = fake.device(&folder);
        let outcome = fails(&client, &[abi::BAD_ANSWER]);
        assert!(outcome.text().contains(&status[..3]), "{outcome:?}");
        nothing_happens_later(&client, &fake);
    }
    assert!(
        elsewhere.requests().is_empty(),
        "the credential went elsewhere"
    );
}

/// DEL-2: the same for 4xx.
#[test]
fn not_found() {
    let fake =
        FakeServer::with_world(|_, _| Answer::Http("404 Not Found", "", "not here".to_owned()));
    let folder = folder();
    let client = fake.device(&folder);
    fails(&client, &[abi::BAD_ANSWER]);
    nothing_happens_later(&client, &fake);
}

/// DEL-2: the server refuses: its number and words, the device untouched, and the intent is gone.
#[test]
fn a_refusal() {
    for code in [50004, 60007, 70001, 70003, 70013, 10002] {
        let fake = FakeServer::with_world(move |_, _| Answer::Fail(code, "not in this house"));
        let folder = folder();
        let client = fake.device(&folder);
        let outcome = fails(&client, &[code]);
        assert!(outcome.text().contains("not in this house"), "{outcome:?}");
        nothing_happens_later(&client, &fake);
    }
}

/// DEL-2: a refusal without words has a text all the same.
#[test]
fn a_refusal_without_words() {
    let fake = FakeServer::with_world(|_, _| Answer::Fail(60007, ""));
    let folder = folder();
    let client = fake.device(&folder);
    let outcome = fails(&client, &[60007]);
    assert!(outcome.text().contains("no reason"), "{outcome:?}");
}

/// The intent is gone: neither signing in, nor pulling, nor opening again asks for it.
#[track_caller]
fn nothing_happens_later(client: &Client, fake: &FakeServer) {
    let before = (client.everything(), fake.deletions().len());
    assert_eq!(client.sign_in(SIG), abi::OK);
    client.pulled();
    assert_eq!((client.everything(), fake.deletions().len()), before);
}

/// DEL-2, 9511: nobody listens: the device is untouched, and trying again helps.
#[test]
fn connection_refused() {
    let fake = FakeServer::with_world(|_, _| Answer::Ok(().into()));
    let folder = folder();
    let client = fake.device(&folder);
    client.close();
    let nobody = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let client = Options::remote(folder.path(), &format!("http://{nobody}"), SIG).open();
    let outcome = fails(&client, &[abi::CONNECTION_REFUSED]);
    // SAFETY: takes any number.
    assert_eq!(unsafe { (abi().is_retryable)(outcome.code()) }, 1);
    assert_eq!(client.pull().code(), abi::CONNECTION_REFUSED);
    client.close();
    let client = Options::remote(folder.path(), &fake.url(), SIG).open();
    nothing_happens_later(&client, &fake);
    assert!(fake.deletions().is_empty());
    assert_eq!(client.delete("c2c_bob"), Outcome::Success);
}

/// DEL-2, DUR-1: what may have been carried out stays written down, however often the server cannot
/// be reached or refuses afterwards, and is settled when it answers.
#[test]
fn an_unknown_outcome_outlives_failures_after_it() {
    let (fake, healed) = once_wrong(|| Answer::Http("502 Bad Gateway", "", String::new()));
    let folder = folder();
    let client = fake.device(&folder);
    fails(&client, &[abi::OUTCOME_UNKNOWN]);
    client.close();
    let id = fake.deletions()[0]["DeletionId"].clone();

    // Nobody listens; then nobody is signed in; then there is no server at all.
    let nobody = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let client = Options::remote(folder.path(), &format!("http://{nobody}"), SIG).open();
    assert_eq!(client.pull().code(), abi::CONNECTION_REFUSED);
    assert_eq!(client.sign_in(SIG), abi::OK);
    assert_eq!(client.pull().code(), abi::CONNECTION_REFUSED);
    client.close();
    let client = Options::remote(folder.path(), &fake.url(), "").open();
    assert_eq!(client.pull().code(), abi::NOT_SIGNED_IN);
    client.close();
    Client::local(folder.path()).close();

    healed.store(true, Ordering::SeqCst);
    let before = fake.deletions().len();
    let client = Options::remote(folder.path(), &fake.url(), SIG).open();
    eventually("it is settled", || client.history("c2c_bob").is_empty());
    let asked = fake.deletions().split_off(before);
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0]["DeletionId"], id);
}

/// Deletions that the library asks for at one time.
const LINES: usize = 4;

/// 9518: a request that waits behind stalled ones, on every line to the server, until its own
/// timeout is not sent any more, and says so; it does not wait much longer than it was told to.
#[test]
fn a_request_that_waits_too_long_is_not_sent() {
    let fake = FakeServer::with_world(|_, number| match number {
        0..LINES => Answer::Stall,
        _ => Answer::Ok(().into()),
    });
    let folder = folder();
    let client = fake.device(&folder);
    let second = client.call();
    let stalled: Vec<_> = (0..LINES)
        .map(|line| {
            let call = client.call();
            let id = format!("group_club{line}");
            assert_eq!(client.begin_delete_with(&id, 2_000, &call).0, abi::OK);
            fake.wait_for_deletions(line + 1);
            call
        })
        .collect();
    let start = Instant::now();
    assert_eq!(client.begin_delete_with("c2c_bob", 200, &second).0, abi::OK);
    assert_eq!(second.wait().code(), abi::QUEUE_TIMED_OUT);
    assert!(
        start.elapsed() < Duration::from_secs(3),
        "{:?}",
        start.elapsed()
    );
    for call in stalled {
        assert_eq!(call.wait().code(), abi::OUTCOME_UNKNOWN);
    }
    assert_eq!(fake.deletions().len(), LINES, "it was sent all the same");
    assert_eq!(client.texts("c2c_bob"), BOB);
}

/// A deletion's timeout is its own: one that waits 200 ms is told after about that time, whatever
/// another one waits for.
#[test]
fn a_timeout_is_not_held_up_by_another_deletion() {
    let fake = FakeServer::with_world(|_, _| Answer::Stall);
    let folder = folder();
    let client = fake.device(&folder);
    let (slow, quick) = (client.call(), client.call());
    assert_eq!(
        client.begin_delete_with("group_club", 6_000, &slow).0,
        abi::OK
    );
    fake.wait_for_deletions(1);
    assert_eq!(client.begin_delete_with("c2c_bob", 200, &quick).0, abi::OK);
    let event = quick.event_within(Duration::from_secs(2));
    assert!(
        event.is_some(),
        "a timeout of 200 ms has not ended after two seconds"
    );
}

/// 6014: not signed in: nothing is sent, the device is untouched, and signing in helps.
#[test]
fn not_signed_in() {
    let fake = FakeServer::with_world(|_, _| Answer::Ok(().into()));
    let folder = folder();
    fake.device(&folder).close();
    for sig in [None, Some(String::new())] {
        let mut options = Options::remote(folder.path(), &fake.url(), "");
        options.user_sig = sig;
        let client = options.open();
        let before = fake.requests().len();
        fails(&client, &[abi::NOT_SIGNED_IN]);
        assert_eq!(client.pull().code(), abi::NOT_SIGNED_IN);
        assert_eq!(fake.requests().len(), before, "something was sent");
    }
    let mut options = Options::remote(folder.path(), &fake.url(), "");
    options.user_sig = None;
    let client = options.open();
    assert_eq!(client.sign_in(SIG), abi::OK);
    assert_eq!(client.delete("c2c_bob"), Outcome::Success);
    // And out again: NULL is "".
    // SAFETY: NULL is allowed.
    let code = unsafe { (abi().sign_in)(client.handle(), ptr::null()) };
    assert_eq!(code, abi::OK);
    assert_eq!(client.delete("group_club").code(), abi::NOT_SIGNED_IN);
}

/// A client without a server has nobody to sign in to or to pull from.
#[test]
fn no_server_at_all() {
    let folder = folder();
    let client = Client::local(folder.path());
    assert_eq!(client.sign_in(SIG), abi::INVALID_PARAMETER);
    assert_eq!(client.pull().code(), abi::INVALID_PARAMETER);
    assert_eq!(client.delete("c2c_bob"), Outcome::Success);
}

/// The wire: the published call, with the credential in the query and the three fields of our own.
#[test]
fn what_is_asked() {
    let fake = FakeServer::with_world(|_, _| Answer::Ok(().into()));
    let folder = folder();
    let client = fake.device(&folder);
    let (outcome, deletion) = client.delete_within("c2c_bob", 0);
    assert_eq!(outcome, Outcome::Success);
    assert_eq!(client.delete("GROUPclub"), Outcome::Success);
    assert_eq!(client.delete("c2c_stranger"), Outcome::Success);
    let asked: Vec<_> = fake
        .requests()
        .into_iter()
        .filter(|request| request.path.ends_with("delete"))
        .collect();
    let [bob, club, stranger] = &asked[..] else {
        panic!("{asked:?}");
    };
    assert_eq!(bob.path, "v4/recentcontact/delete");
    for part in [
        "sdkappid=1400000000",
        "identifier=alice",
        &format!("usersig={SIG}"),
        "random=",
        "contenttype=json",
    ] {
        assert!(bob.query.contains(part), "{part} in {}", bob.query);
    }
    let device = &bob.body["DeviceId"];
    assert!(device.as_str().is_some_and(|device| !device.is_empty()));
    assert_eq!(
        bob.body,
        json!({"From_Account": "alice", "Type": 1, "To_Account": "bob", "ClearRamble": 1,
            "CutOff": BOB.len(), "DeletionId": deletion.wire(), "DeviceId": device})
    );
    assert_eq!(club.body["ToGroupid"], "club");
    assert_eq!(club.body["CutOff"], CLUB.len());
    assert!(
        stranger.body.get("CutOff").is_none(),
        "a device without a position sends none"
    );
}

/// A pull that breaks off is told, and what is stored stays.
#[test]
fn a_pull_that_fails() {
    type Wrong = fn() -> Answer;
    let cases: [(Wrong, i32); 5] = [
        (
            || Answer::Http("200 OK", "", "<html>".to_owned()),
            abi::BAD_ANSWER,
        ),
        (
            || Answer::Http("502 Bad Gateway", "", String::new()),
            abi::BAD_ANSWER,
        ),
        (
            || Answer::Ok(json!({"Views": [{"Type": 7}], "Cursor": "", "Complete": 1})),
            abi::BAD_ANSWER,
        ),
        (
            || Answer::Ok(json!({"Views": [], "Cursor": "", "Complete": 0})),
            abi::BAD_ANSWER,
        ),
        (|| Answer::Fail(70001, "expired"), 70001),
    ];
    for (wrong, code) in cases {
        let broken = Arc::new(AtomicBool::new(false));
        let now = broken.clone();
        let fake = FakeServer::start(move |request, _| {
            if now.load(Ordering::SeqCst) {
                wrong()
            } else {
                support::fake::world(request).unwrap_or(Answer::Close)
            }
        });
        let folder = folder();
        let client = fake.device(&folder);
        let before = client.everything();
        broken.store(true, Ordering::SeqCst);
        let outcome = client.pull();
        assert_eq!(outcome.code(), code, "{outcome:?}");
        assert_eq!(client.everything(), before);
    }
}
