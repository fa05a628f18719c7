//! A clock that jumps, forwards and back, while something waits for it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests fail the test"
)]

mod support;

use std::ffi::c_long;
use std::path::Path;
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use support::listener::{UNDOABLE, WAITING, only};
use support::{Answer, DeleteOptions, FakeServer, Options, Outcome, abi, child, eventually};

const MINUTE: u32 = 60_000;
/// In seconds.
const TEN_YEARS: c_long = 10 * 365 * 24 * 60 * 60;

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

/// Sets the clock of this process ahead of the machine's, or behind it.
fn jump(seconds: c_long) {
    let unix = || {
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap()
            .as_secs()
    };
    let process = libloading::os::unix::Library::this();
    // SAFETY: the type is that of clock_shim.c.
    unsafe {
        let jump = process.get::<unsafe extern "C" fn(c_long)>(b"clock_jump");
        let jump = jump.expect("it was preloaded");
        jump(0);
        let true_time = unix();
        jump(seconds);
        let moved = unix() as c_long - true_time as c_long;
        assert!((moved - seconds).abs() < 60, "the clock has not jumped");
    }
}

/// Runs a test in a process whose clock can jump.
#[track_caller]
fn with_a_clock(test: &str) {
    let folder = folder();
    let shim = folder.path().join("clock_shim.so");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/clock_shim.c");
    let status = Command::new("cc")
        .args([
            "-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-Werror", "-o",
        ])
        .args([&shim, &source])
        .status();
    assert!(status.expect("there is a C compiler").success());
    child::passes(test, &[("LD_PRELOAD", shim.to_str().unwrap())]);
}

/// DUR-6: a jump of the clock neither ends an undo window nor makes it longer while the client is
/// open.
#[test]
fn a_window_goes_by_no_clock_that_jumps() {
    if !child::is_child() {
        return with_a_clock("a_window_goes_by_no_clock_that_jumps");
    }
    for seconds in [TEN_YEARS, -TEN_YEARS] {
        jump(0);
        let folder = folder();
        let client = Options::local(folder.path()).open();
        client.save_texts("c2c_bob", &["bob: the first of all"]);
        client.save_texts("c2c_ann", &["ann: hello"]);
        let before = client.everything();
        let (long, id) = client.deleting("c2c_bob", DeleteOptions::undo(MINUTE));
        let (short, _) = client.deleting("c2c_ann", DeleteOptions::undo(500));
        eventually("both are hidden", || client.ids().is_empty());
        jump(seconds);
        assert_eq!(short.wait(), Outcome::Success, "{seconds}");
        assert_eq!(client.verify("c2c_ann", &["ann: hello"]).found, 0);
        let pending = only(&client);
        assert_eq!(
            (pending.deletion, pending.state),
            (id, UNDOABLE),
            "{seconds}"
        );
        assert_eq!(client.undo(id), Outcome::Success);
        assert_eq!(long.wait().code(), abi::CANCELLED);
        assert_eq!(client.everything()["c2c_bob"], before["c2c_bob"]);
    }
}

/// DUR-6: the window of an earlier life of the process is over when the clock says so, and while the
/// clock says it has not begun it can be undone.
#[test]
fn a_window_of_an_earlier_life() {
    if !child::is_child() {
        return with_a_clock("a_window_of_an_earlier_life");
    }
    for seconds in [TEN_YEARS, -TEN_YEARS] {
        jump(0);
        let folder = folder();
        let options = Options::local(folder.path());
        let client = options.open();
        client.save_texts("c2c_bob", &["bob: the first of all"]);
        let before = client.everything();
        let (call, id) = client.deleting("c2c_bob", DeleteOptions::undo(MINUTE));
        client.close();
        assert_eq!(call.wait().code(), abi::PENDING);
        jump(seconds);
        let client = options.open();
        if seconds > 0 {
            eventually("nothing is pending", || client.pending().is_empty());
            assert!(client.ids().is_empty());
            assert_eq!(
                client.verify("c2c_bob", &["bob: the first of all"]).found,
                0
            );
        } else {
            assert_eq!(only(&client).state, UNDOABLE);
            assert_eq!(client.undo(id), Outcome::Success);
            assert_eq!(client.everything(), before);
        }
    }
}

/// DUR-2, DUR-1: a queued deletion is asked for again, in this life and the next, wherever the clock
/// has jumped to.
#[test]
fn a_queued_deletion_goes_on() {
    if !child::is_child() {
        return with_a_clock("a_queued_deletion_goes_on");
    }
    for (seconds, restarted) in [
        (TEN_YEARS, false),
        (-TEN_YEARS, false),
        (TEN_YEARS, true),
        (-TEN_YEARS, true),
    ] {
        jump(0);
        let (fake, give_in) = FakeServer::refusing(60007);
        let folder = folder();
        let options = Options::remote(folder.path(), &fake.url(), "sig");
        let mut client = options.open();
        client.pulled();
        let (_, id) = client.deleting("c2c_bob", DeleteOptions::queue());
        eventually("it waits", || only(&client).state == WAITING);
        if restarted {
            client.close();
        }
        jump(seconds);
        give_in();
        if restarted {
            client = options.open();
        }
        assert_eq!(client.network_changed(true), abi::OK);
        eventually("nothing is pending", || client.pending().is_empty());
        let asked = fake.deletions();
        assert!(asked.iter().all(|asked| asked["DeletionId"] == id.wire()));
        assert_eq!(client.ids(), ["group_club"]);
    }
}

/// DEL-2, CALL-3: a timeout goes by no clock that jumps.
#[test]
fn a_timeout_ends() {
    if !child::is_child() {
        return with_a_clock("a_timeout_ends");
    }
    for seconds in [TEN_YEARS, -TEN_YEARS] {
        jump(0);
        let folder = folder();
        let fake = FakeServer::with_world(|_, _| Answer::Hold(Box::new(Answer::Ok(().into()))));
        let client = Options::remote(folder.path(), &fake.url(), "sig").open();
        client.pulled();
        let options = DeleteOptions {
            timeout_ms: 1_500,
            ..DeleteOptions::default()
        };
        let (call, _) = client.deleting("c2c_bob", options);
        fake.wait_for_deletions(1);
        jump(seconds);
        assert_ne!(call.wait(), Outcome::Success, "{seconds}");
        fake.release();
        eventually("the outcome is known", || client.pending().is_empty());
    }
}
