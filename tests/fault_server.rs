//! A disk that fails while a server is asked, and a disk that is slow.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests fail the test"
)]

mod support;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;
use support::fake::{BOB, world};
use support::faults::{self, How, Plan, Shim};
use support::random::number;
use support::{Answer, Client, FakeServer, Options, Outcome, abi, child, eventually, folder, life};

const SIG: &str = "eJyrVgrx-a-very*secret-signature_";
const OWN: &str = "mine alone, and not the server's";

/// In a child that has the shim; `true` there.
fn is_preloaded(test: &str) -> bool {
    if !child::is_child() {
        let shim = faults::shim();
        child::passes(test, &[("LD_PRELOAD", shim.to_str().unwrap())]);
    }
    child::is_child()
}

/// A server that deletes when it is asked to, and tells the device so when that connects.
fn server() -> (FakeServer, Arc<AtomicBool>) {
    let deleted = Arc::new(AtomicBool::new(false));
    let now = deleted.clone();
    let fake = FakeServer::start(move |request, _| match request.path.as_str() {
        "v4/recentcontact/sync" => {
            let erased = if now.load(Ordering::SeqCst) {
                BOB.len()
            } else {
                0
            };
            let view = json!({
                "Type": 1, "To_Account": "bob", "Title": "", "Head": BOB.len(), "EraseThrough": erased,
            });
            Answer::Ok(json!({"Views": [view], "Cursor": "", "Complete": 1}))
        }
        "v4/recentcontact/get_history" => world(request).unwrap(),
        _ => {
            now.store(true, Ordering::SeqCst);
            Answer::Ok(().into())
        }
    });
    (fake, deleted)
}

/// What a device does while its disk fails: pulls, looks, deletes. Gives what the deletion was told.
fn story(path: &Path, url: &str) -> Option<Outcome> {
    let client = Options::remote(path, url, SIG).try_open().ok()?;
    let calls = [client.call(), client.call(), client.call(), client.call()];
    assert_eq!(client.begin_pull(&calls[0]), abi::OK);
    calls[0].wait();
    assert_eq!(client.begin_history("c2c_bob", 0, 10, &calls[1]), abi::OK);
    calls[1].wait();
    assert_eq!(client.begin_delete("c2c_bob", &calls[2]), abi::OK);
    let outcome = calls[2].wait();
    assert_eq!(client.begin_history("c2c_bob", 0, 10, &calls[3]), abi::OK);
    if let (Outcome::Success, Outcome::Messages(left)) = (&outcome, calls[3].wait()) {
        assert!(left.is_empty(), "{left:?}");
    }
    assert_eq!(client.close(), abi::OK);
    assert!(calls.iter().all(|call| call.events().len() == 1));
    Some(outcome)
}

/// DEL-1, DEL-2, DUR-7: whichever call on the disk fails, a deletion is told the truth, and with a
/// disk that works server and device agree: deleted on both or on neither.
#[test]
fn every_disk_call_fails_while_a_server_is_asked() {
    if !is_preloaded("every_disk_call_fails_while_a_server_is_asked") {
        return;
    }
    let shim = Shim::find();
    let template = folder::in_memory();
    {
        let (fake, _) = server();
        let client = Options::remote(template.path(), &fake.url(), SIG).open();
        client.pulled();
        client.save_texts("c2c_own", &[OWN]);
    }
    let plan = |calls, how, times, error| Plan {
        calls,
        how,
        times,
        error,
    };
    for plan in [
        plan(faults::ALL, How::Fail, 1, libc::EIO),
        plan(faults::ALL, How::Fail, 4, libc::EIO),
        plan(faults::ALL, How::Fail, 0, libc::EIO),
        plan(faults::GROWING, How::Fail, 0, libc::ENOSPC),
        plan(faults::WRITE, How::Torn, 2, libc::ENOSPC),
    ] {
        let mut nth = number("FAULT_AT").unwrap_or(1);
        loop {
            let copy = folder::in_memory();
            folder::copy(template.path(), copy.path());
            let (fake, deleted) = server();
            eprintln!("{plan:?} {nth}");
            shim.arm(&plan, copy.path(), nth);
            let outcome = story(copy.path(), &fake.url());
            let hits = shim.disarm();
            let deleted = deleted.load(Ordering::SeqCst);
            match &outcome {
                Some(Outcome::Success) => assert!(deleted),
                Some(outcome) => assert!(
                    outcome.code() == abi::OUTCOME_UNKNOWN || !deleted,
                    "the server has deleted: {outcome:?}"
                ),
                None => assert!(!deleted),
            }
            agree(copy.path(), &fake, deleted);
            if hits == 0 {
                assert_eq!(outcome, Some(Outcome::Success));
                break;
            }
            nth += 1;
        }
    }
}

fn agree(path: &Path, fake: &FakeServer, deleted: bool) {
    life::passes_integrity_check(path);
    let client = Options::remote(path, &fake.url(), SIG).open();
    client.pulled();
    assert_eq!(client.texts("c2c_own"), [OWN]);
    if deleted {
        eventually("it is gone here, too", || {
            client.texts("c2c_bob").is_empty()
        });
        let found = client.verify("c2c_bob", &BOB);
        assert_eq!((found.found, found.readable_records), (0, 0));
    } else {
        assert_eq!(client.texts("c2c_bob"), BOB);
    }
}

/// CALL-1: calls return at once on a disk that takes its time, and all of them succeed in the end.
#[test]
fn a_slow_disk_holds_up_no_caller() {
    if !is_preloaded("a_slow_disk_holds_up_no_caller") {
        return;
    }
    const SLOW: Duration = Duration::from_millis(100);
    let shim = Shim::find();
    let folder = folder::in_memory();
    shim.watch(folder.path());
    let client = Client::local(folder.path());
    client.save_texts("c2c_bob", &BOB);
    client.save_texts("c2c_ann", &BOB);
    let plan = Plan {
        calls: faults::ALL,
        how: How::Slow,
        times: 0,
        error: SLOW.as_millis() as i32,
    };
    shim.arm(&plan, folder.path(), 1);
    let calls: Vec<_> = (0..5).map(|_| client.call()).collect();
    let start = Instant::now();
    assert_eq!(client.begin_delete("c2c_bob", &calls[0]), abi::OK);
    assert_eq!(
        client.begin_save("c2c_cleo", &[(1, "cleo", "hello")], &calls[1]),
        abi::OK
    );
    assert_eq!(client.begin_history("c2c_ann", 0, 10, &calls[2]), abi::OK);
    assert_eq!(client.begin_list(&calls[3]), abi::OK);
    assert_eq!(client.begin_delete("c2c_ann", &calls[4]), abi::OK);
    let took = start.elapsed();
    assert!(
        took < SLOW,
        "five calls took {took:?}, one call on the disk {SLOW:?}"
    );
    for call in &calls {
        assert_eq!(call.wait().code(), abi::OK);
    }
    let told = start.elapsed();
    assert!(shim.disarm() > 3, "the disk was slow");
    assert!(told > SLOW, "{told:?}");
    assert_eq!(client.ids(), ["c2c_cleo"]);
    assert_eq!(client.close(), abi::OK);
    assert!(calls.iter().all(|call| call.events().len() == 1));
}
