//! Every call that talks to a server, against everything that a server can do wrong.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests fail the test"
)]

mod support;

use std::ffi::CString;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;
use support::abi::{self, RawDeleteOptions, abi};
use support::call::{Call, on_error, on_results};
use support::fake::{BOB, CLUB, Request, world};
use support::trick::{FIELDS, JSON, RESULTS, Trick, WIRE};
use support::{Answer, Client, FakeServer, Options, Outcome, eventually, life};
use tempfile::TempDir;

const SIG: &str = "eJyrVgrx-a-very*secret-signature_";
/// How long a deletion waits here.
const PATIENCE: Duration = Duration::from_millis(600);
/// What may come on top of it on a busy machine.
const SLACK: Duration = Duration::from_secs(5);
/// Cases at one time: most of them wait.
const AT_ONCE: usize = 8;

/// Runs every case, some at a time; says which failed.
fn all(cases: Vec<&'static Trick>, case: impl Fn(&'static Trick) + Sync) {
    let (next, failed) = (AtomicUsize::new(0), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some(trick) = cases.get(next.fetch_add(1, Ordering::SeqCst)) {
                    if catch_unwind(AssertUnwindSafe(|| case(trick))).is_err() {
                        eprintln!("it failed with a server that {}", trick.name);
                        failed.fetch_add(1, Ordering::SeqCst);
                    }
                }
            });
        }
    });
    assert_eq!(failed.into_inner(), 0, "of {} cases", cases.len());
}

fn of<'a>(tables: &[&'a [Trick]]) -> Vec<&'a Trick> {
    tables.iter().flat_map(|table| table.iter()).collect()
}

/// A server with the small world, which plays the trick where `path` is asked.
fn server(trick: &'static Trick, path: fn(&Request) -> bool) -> FakeServer {
    FakeServer::start(move |request, _| {
        if path(request) {
            return (trick.answer)();
        }
        world(request).unwrap_or(Answer::Ok(().into()))
    })
}

fn is_deletion(request: &Request) -> bool {
    request.path.ends_with("delete")
}

/// A device that has the small world, and a conversation of its own.
fn device(folder: &TempDir) -> Client {
    let healthy = FakeServer::with_world(|_, _| Answer::Ok(().into()));
    let client = Options::remote(folder.path(), &healthy.url(), SIG).open();
    client.pulled();
    client.save_texts("c2c_own", &["mine alone, and not the server's"]);
    client
}

/// A device of this server that has all of it.
fn device_of(folder: &TempDir, fake: &FakeServer) -> Client {
    device(folder).close();
    let client = Options::remote(folder.path(), &fake.url(), SIG).open();
    assert_eq!(client.texts("c2c_bob"), BOB);
    client
}

/// What has nothing to do with it is as it was, and so is all else where `gone` is not said; the
/// store is whole, and a good server helps.
fn is_unharmed(folder: &TempDir, client: &Client, gone: bool, unknown: bool) {
    let check = |client: &Client, gone: bool| {
        assert_eq!(
            client.texts("c2c_own"),
            ["mine alone, and not the server's"]
        );
        let bob = client.texts("c2c_bob");
        assert!(if gone { bob.is_empty() } else { bob == BOB }, "{bob:?}");
    };
    check(client, gone);
    assert_closes(client);
    life::passes_integrity_check(folder.path());
    let healthy = FakeServer::with_world(|_, _| Answer::Ok(().into()));
    let client = Options::remote(folder.path(), &healthy.url(), SIG).open();
    client.pulled();
    if unknown {
        eventually("it is settled", || client.texts("c2c_bob").is_empty());
    }
    check(&client, gone || unknown);
    assert_eq!(client.close(), abi::OK);
}

#[track_caller]
fn assert_closes(client: &Client) {
    let start = Instant::now();
    assert_eq!(client.close(), abi::OK);
    assert!(start.elapsed() < SLACK, "close took {:?}", start.elapsed());
}

/// One outcome, in time, with a text that says something and no secret.
#[track_caller]
fn one_outcome(call: &Arc<Call>, within: Duration) -> Outcome {
    let event = call.event_within(within);
    let outcome = event.expect("an outcome in time").outcome;
    assert!(!outcome.text().contains("secret"), "{outcome:?}");
    if outcome.code() != abi::OK {
        assert!(outcome.text().len() > 5, "{outcome:?}");
    }
    outcome
}

/// CALL-3, DEL-1, DEL-2: a deletion ends once and in time, whatever the server does; what it is told
/// is true; what is not known is settled with a good server.
#[test]
fn a_deletion() {
    all(of(&[WIRE, JSON, FIELDS]), |trick| {
        let fake = server(trick, is_deletion);
        let folder = tempfile::tempdir().unwrap();
        let client = device_of(&folder, &fake);
        let call = client.call();
        let patience = PATIENCE.as_millis() as u32;
        assert_eq!(
            client.begin_delete_with("c2c_bob", patience, &call).0,
            abi::OK
        );
        let outcome = one_outcome(&call, PATIENCE + SLACK);
        assert!(trick.deletion.contains(&outcome.code()), "{outcome:?}");
        let unknown = outcome.code() == abi::OUTCOME_UNKNOWN;
        is_unharmed(&folder, &client, outcome == Outcome::Success, unknown);
        assert_eq!((call.events().len(), call.destroyed()), (1, 1));
    });
}

/// CALL-3, DEL-1, DEL-2, DEL-5: the same for a list of deletions, each of which is told the truth.
#[test]
fn a_list_of_deletions() {
    all(of(&[WIRE, JSON, FIELDS, RESULTS]), |trick| {
        let fake = server(trick, is_deletion);
        let folder = tempfile::tempdir().unwrap();
        let client = device_of(&folder, &fake);
        let call = client.call();
        begin_delete_both(&client, &call);
        let Outcome::Results(results) = one_outcome(&call, PATIENCE + SLACK) else {
            panic!("a list has results")
        };
        let codes: Vec<i32> = results.iter().map(|(_, code, _)| *code).collect();
        assert_eq!(codes.len(), 2);
        assert!(
            codes.iter().all(|code| trick.deletion.contains(code)),
            "{results:?}"
        );
        for (id, code, _) in &results {
            let full = if id == "c2c_bob" {
                BOB.len()
            } else {
                CLUB.len()
            };
            let left = if *code == abi::OK { 0 } else { full };
            assert_eq!(client.history(id).len(), left, "{results:?}");
        }
        let unknown = codes[0] == abi::OUTCOME_UNKNOWN;
        is_unharmed(&folder, &client, codes[0] == abi::OK, unknown);
        assert_eq!(call.events().len(), 1);
    });
}

fn begin_delete_both(client: &Client, call: &Arc<Call>) {
    let ids = ["c2c_bob", "group_club"].map(|id| CString::new(id).unwrap());
    let pointers = ids.each_ref().map(|id| id.as_ptr());
    let options = RawDeleteOptions {
        struct_size: size_of::<RawDeleteOptions>() as u32,
        timeout_ms: PATIENCE.as_millis() as u32,
        user_data_destructor: None,
        deletion_id: std::ptr::null_mut(),
        policy: 0,
        keep_history: 0,
        undo_ms: 0,
        reserved: 0,
    };
    // SAFETY: all pointers are valid during the call, and the data for ever.
    let code = unsafe {
        (abi().delete_all)(
            client.handle(),
            pointers.as_ptr(),
            pointers.len(),
            &raw const options,
            Some(on_results),
            Some(on_error),
            call.data(),
        )
    };
    assert_eq!(code, abi::OK);
}

/// DEL-2, DUR-1: what is settled after signing in meets the same server: it stays unknown, harms
/// nothing, and close does not wait for it.
#[test]
fn settling_after_signing_in() {
    all(of(&[WIRE, JSON]), |trick| {
        let folder = tempfile::tempdir().unwrap();
        device(&folder).close();
        let silent = FakeServer::with_world(|_, _| Answer::Close);
        let client = Options::remote(folder.path(), &silent.url(), SIG).open();
        let (outcome, _) = client.delete_within("c2c_bob", 300);
        assert_eq!(outcome.code(), abi::OUTCOME_UNKNOWN);
        client.close();
        let fake = server(trick, is_deletion);
        let mut options = Options::remote(folder.path(), &fake.url(), SIG);
        options.user_sig = None;
        let client = options.open();
        assert_eq!(client.sign_in(SIG), abi::OK);
        fake.wait_for_deletions(1);
        std::thread::sleep(Duration::from_millis(50));
        let bob = client.texts("c2c_bob");
        let done = trick.deletion.contains(&abi::OK) && bob.is_empty();
        assert!(done || bob == BOB, "{bob:?}");
        is_unharmed(&folder, &client, done, !done);
    });
}

/// CALL-3: a pull ends once, in time or at close, whatever the server says for a list.
#[test]
fn pulling_the_list() {
    pulling(|request| request.path.ends_with("sync"));
}

/// CALL-3: the same for the history.
#[test]
fn pulling_history() {
    pulling(|request| request.path.ends_with("get_history"));
}

fn pulling(path: fn(&Request) -> bool) {
    all(of(&[WIRE, JSON]), |trick| {
        let folder = tempfile::tempdir().unwrap();
        device(&folder).close();
        // One more message than the device has, so that it asks for history.
        let fake = FakeServer::start(move |request, _| {
            if path(request) {
                return (trick.answer)();
            }
            if request.path.ends_with("sync") {
                let view =
                    json!({"Type": 1, "To_Account": "bob", "Title": "", "Head": BOB.len() + 1});
                return Answer::Ok(json!({"Views": [view], "Cursor": "", "Complete": 1}));
            }
            world(request).unwrap_or(Answer::Ok(().into()))
        });
        let client = Options::remote(folder.path(), &fake.url(), SIG).open();
        let call = client.call();
        assert_eq!(client.begin_pull(&call), abi::OK);
        if trick.endless {
            // It ends by its own timeout, in the test below, or here: at close.
            eventually("it is asked", || fake.requests().iter().any(path));
            let early = call.event_within(Duration::from_millis(300));
            assert_closes(&client);
            let code = call.event().outcome.code();
            let wanted = if early.is_some() {
                abi::BAD_ANSWER
            } else {
                abi::CLOSED
            };
            assert_eq!(code, wanted);
        } else {
            let outcome = one_outcome(&call, SLACK);
            // The good one among the tricks says that there is nothing.
            let codes = [abi::BAD_ANSWER, abi::OK];
            assert!(codes.contains(&outcome.code()), "{outcome:?}");
            assert_eq!(
                outcome.code() == abi::OK,
                trick.deletion.contains(&abi::OK),
                "{outcome:?}"
            );
            assert_closes(&client);
        }
        assert_eq!(call.events().len(), 1);
        is_unharmed(&folder, &Options::local(folder.path()).open(), false, false);
    });
}
