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
use support::call::{on_error, on_success};
use support::client::save;
use support::fake::{BOB, CLUB};
use support::{Answer, Client, FakeServer, Options, Outcome, Server, eventually};
use tempfile::TempDir;

const SIG: &str = "eJyrVgrx-a-very*secret-signature_";
const PATIENCE_MS: u32 = 400;

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

/// A device that has pulled the fake server's small world.
fn device(folder: &TempDir, fake: &FakeServer) -> Client {
    let client = Options::remote(folder.path(), &fake.url(), SIG).open();
    client.pulled();
    assert_eq!(client.texts("c2c_bob"), BOB);
    assert_eq!(client.texts("group_club"), CLUB);
    client
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
    let client = device(&folder, &fake);
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
    let client = device(&folder, &fake);
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
    let client = device(&folder, &fake);
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
    let client = device(&folder, &fake);
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
    let client = device(&folder, &fake);
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
    let client = device(&folder, &fake);
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
        let client = device(&folder, &fake);
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
    let client = device(&folder, &fake);
    fails(&client, &[abi::BAD_ANSWER]);
    nothing_happens_later(&client, &fake);
}

/// DEL-2: the server refuses: its number and words, the device untouched, and the intent is gone.
#[test]
fn a_refusal() {
    for code in [50004, 60007, 70001, 70003, 70013, 10002] {
        let fake = FakeServer::with_world(move |_, _| Answer::Fail(code, "not in this house"));
        let folder = folder();
        let client = device(&folder, &fake);
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
    let client = device(&folder, &fake);
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
    let client = device(&folder, &fake);
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
    let client = device(&folder, &fake);
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

/// DEL-3: messages that are refused, since the conversation is the server's, move no cut-off and
/// keep nothing from being pulled.
#[test]
fn a_refused_save_moves_no_cut_off() {
    let fake = FakeServer::with_world(|_, _| Answer::Ok(().into()));
    let folder = folder();
    let client = device(&folder, &fake);
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
    let client = device(&folder, &fake);
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
    let client = device(&folder, &fake);
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
    let client = device(&folder, &fake);
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
    device(&folder, &fake).close();
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
    let client = device(&folder, &fake);
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
        let client = device(&folder, &fake);
        let before = client.everything();
        broken.store(true, Ordering::SeqCst);
        let outcome = client.pull();
        assert_eq!(outcome.code(), code, "{outcome:?}");
        assert_eq!(client.everything(), before);
    }
}

/// Ids that break the rules get 6017 with a text that says what is allowed, and nothing is sent.
#[test]
fn conversation_ids_that_break_the_rules() {
    let fake = FakeServer::with_world(|_, _| Answer::Ok(().into()));
    let folder = folder();
    let client = device(&folder, &fake);
    let before = client.everything();
    let user = format!("c2c_{}", "u".repeat(33));
    let group = format!("group_{}", "g".repeat(49));
    let long = format!("c2c_{}", "u".repeat(100_000));
    let bad = [
        "",
        " ",
        "bob",
        "c2c",
        "c2c_",
        "group_",
        "C2C",
        "GROUP",
        "C2C_",
        "c2d_bob",
        "xc2c_bob",
        " c2c_bob",
        "Group_club",
        "c2c_b\u{f6}b",
        "c2c_b\nb",
        "@TIM#",
        "@TIM#SYSTEMx",
        "@TGS#abc",
        &user,
        &group,
        &long,
    ];
    for id in bad {
        // The web spelling of the group id "_x" is not this: an underscore may begin an id.
        if id == "C2C_" {
            continue;
        }
        let outcome = client.delete(id);
        assert_eq!(
            outcome.code(),
            abi::INVALID_PARAMETER,
            "{id:?}: {outcome:?}"
        );
        assert!(outcome.text().len() > 15, "{id:?}: {outcome:?}");
        assert!(
            outcome.text().len() < 1000,
            "{id:?}: the text repeats the input"
        );
    }
    let call = client.call();
    // SAFETY: NULL is what is tested.
    let code = unsafe {
        (abi().delete)(
            client.handle(),
            ptr::null(),
            Some(on_success),
            Some(on_error),
            call.data(),
        )
    };
    assert!(
        code == abi::INVALID_ARGUMENT
            || (code == abi::OK && call.wait().code() == abi::INVALID_PARAMETER),
        "{code}"
    );
    assert!(fake.deletions().is_empty(), "something was sent");
    assert_eq!(client.everything(), before);
}

/// Good ids in every spelling; a prefix counts at the beginning only, and one inside an id is part
/// of it.
#[test]
fn conversation_ids_that_are_good() {
    let fake = FakeServer::with_world(|_, _| Answer::Ok(().into()));
    let folder = folder();
    let client = device(&folder, &fake);
    let (user, group) = ("u".repeat(32), "g".repeat(48));
    let cases = [
        ("c2c_c2c_x".to_owned(), "To_Account", "c2c_x".to_owned()),
        ("c2c_group_x".to_owned(), "To_Account", "group_x".to_owned()),
        ("group_c2c_x".to_owned(), "ToGroupid", "c2c_x".to_owned()),
        (
            "group_@TGS#2ABC".to_owned(),
            "ToGroupid",
            "@TGS#2ABC".to_owned(),
        ),
        (
            "GROUP@TGS#2DEF".to_owned(),
            "ToGroupid",
            "@TGS#2DEF".to_owned(),
        ),
        ("C2Cc2c_y".to_owned(), "To_Account", "c2c_y".to_owned()),
        ("C2CC2Cz".to_owned(), "To_Account", "C2Cz".to_owned()),
        ("c2c_a b~!".to_owned(), "To_Account", "a b~!".to_owned()),
        (format!("c2c_{user}"), "To_Account", user),
        (format!("group_{group}"), "ToGroupid", group),
    ];
    for (id, field, wire) in cases {
        let outcome = client.delete(&id);
        assert_eq!(outcome, Outcome::Success, "{id}");
        let last = fake.deletions().last().cloned().unwrap();
        assert_eq!(last[field], wire, "{id}: {last}");
    }
    // The system conversation is on no server.
    let before = fake.deletions().len();
    assert_eq!(client.delete("@TIM#SYSTEM"), Outcome::Success);
    assert_eq!(fake.deletions().len(), before);
    assert_eq!(client.list().len(), 2, "none of them touched another");
}

/// An id with a prefix inside deletes the conversation of that id and not the one that a careless
/// mapping would make of it.
#[test]
fn a_prefix_inside_an_id_is_part_of_it() {
    let folder = folder();
    let client = Client::local(folder.path());
    for id in ["c2c_x", "c2c_c2c_x", "c2c_C2Cx", "group_x", "group_c2c_x"] {
        client.save_texts(id, &["hello there"]);
    }
    assert_eq!(client.delete("c2c_c2c_x"), Outcome::Success);
    let mut left = client.ids();
    left.sort();
    assert_eq!(left, ["c2c_C2Cx", "c2c_x", "group_c2c_x", "group_x"]);
    assert_eq!(
        client.delete("C2Cx"),
        Outcome::Success,
        "the other spelling of c2c_x"
    );
    left.retain(|id| id != "c2c_x");
    let mut now = client.ids();
    now.sort();
    assert_eq!(now, left);
}

/// 70001 to 70014: the real server's answers to credentials that are expired, foreign or changed;
/// the device is untouched, and a good one helps.
#[test]
fn credentials_that_are_not_good() {
    let server = Server::start();
    server.accounts(&["alice", "bob"]);
    server.send("bob", "alice", "come at dawn, alone");
    let folder = folder();
    let client = server.device("alice", folder.path()).open();
    client.pulled();
    let before = client.everything();
    assert_eq!(before["c2c_bob"].1[0].text, "come at dawn, alone");
    let good = server.user_sig("alice");
    let secret = "5bd2850fff3ecb11d7c805251c51ee463a25727bddc2385f3fa8bfee1bb93b5e";
    let app = support::server::APP_ID;
    let changed = if good.as_bytes()[20] == b'A' {
        "B"
    } else {
        "A"
    };
    let cases = [
        (
            server.user_sig_of(
                "alice",
                app,
                secret,
                &["--time", "1000000000", "--expire", "10"],
            ),
            &[70001][..],
        ),
        (server.user_sig("bob"), &[70013]),
        (server.user_sig_of("alice", app + 1, secret, &[]), &[70014]),
        (
            server.user_sig_of("alice", app, "another secret", &[]),
            &[70003, 70009],
        ),
        (
            format!("{}{changed}{}", &good[..20], &good[21..]),
            &[70003, 70009],
        ),
        (good[..good.len() / 2].to_owned(), &[70003]),
        ("nonsense".to_owned(), &[70003]),
        ("=&identifier=administrator#?%".to_owned(), &[70003]),
    ];
    for (sig, codes) in cases {
        assert_eq!(client.sign_in(&sig), abi::OK);
        let outcome = client.delete("c2c_bob");
        assert!(codes.contains(&outcome.code()), "{sig}: {outcome:?}");
        assert!(!outcome.text().contains(&sig), "{outcome:?}");
        assert!(codes.contains(&client.pull().code()));
        assert_eq!(client.everything(), before, "the device is untouched");
        assert_eq!(server.roaming("alice", "bob"), ["come at dawn, alone"]);
    }
    assert_eq!(client.sign_in(&good), abi::OK);
    assert_eq!(client.delete("c2c_bob"), Outcome::Success);
    assert!(server.roaming("alice", "bob").is_empty());
    assert!(
        !server.log().contains(&good),
        "a credential stands in the log"
    );
    assert!(!server.log().contains("panicked"), "{}", server.log());
}
