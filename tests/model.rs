//! Chance against a simple model of the whole contract: sequences of everything that can happen
//! to two devices of one user, a peer and a back end, with the real server, compared after every
//! step with what maps and sets say. A sequence that fails is made as short as it can be.
//!
//! `ADIEU_MODEL_SEED` has a sequence again, `ADIEU_MODEL_CASES` says how many there are,
//! `ADIEU_MODEL_STEPS` how long each is.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests fail the test"
)]

mod support;

mod model {
    pub mod deleting;
    pub mod device;
    pub mod operation;
    pub mod seat;
    pub mod server;
    pub mod shown;
    pub mod shrink;
    pub mod world;
}

use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;
use std::time::Duration;

use model::operation::{Kind, Operation};
use model::shrink::shrink;
use model::world::World;
use support::Server;
use support::random::{Random, new_seed, number};

/// Longest time that is spent on making a sequence shorter.
const SHRINKING: Duration = Duration::from_secs(180);

thread_local! {
    /// Panics of this thread are not printed: it tries what is known to fail.
    static QUIET: Cell<bool> = const { Cell::new(false) };
    /// What the last of them said.
    static LAST: RefCell<String> = const { RefCell::new(String::new()) };
}

fn quiet(work: impl FnOnce() -> bool) -> bool {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let loud = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if QUIET.get() {
                LAST.set(info.to_string());
            } else {
                loud(info);
            }
        }));
    });
    QUIET.set(true);
    let done = work();
    QUIET.set(false);
    done
}

/// One sequence from the beginning.
fn run(kind: Kind, sequence: &[Operation], say: bool) {
    let mut server = (kind != Kind::Alone).then(Server::start);
    // The server must not take the panic for its own.
    let ran = catch_unwind(AssertUnwindSafe(|| {
        let mut world = World::new(kind, server.as_ref());
        for (number, operation) in sequence.iter().enumerate() {
            if say {
                eprintln!("{number:4} {operation:?}");
            }
            world.step(operation, &mut server);
        }
        if say {
            eprintln!("     the end");
        }
        world.end(&mut server);
    }));
    drop(server);
    if let Err(panic) = ran {
        std::panic::resume_unwind(panic);
    }
}

fn fails(kind: Kind, sequence: &[Operation]) -> bool {
    quiet(|| catch_unwind(|| run(kind, sequence, false)).is_err())
}

/// Runs so many sequences; what fails is made short and run once more, aloud.
fn try_all(kind: Kind, cases: u64, steps: u64) {
    let seed = number("ADIEU_MODEL_SEED").unwrap_or_else(new_seed);
    let cases = number("ADIEU_MODEL_CASES").unwrap_or(cases);
    let steps = number("ADIEU_MODEL_STEPS").unwrap_or(steps);
    eprintln!("{kind:?}: ADIEU_MODEL_SEED={seed}");
    for case in 0..cases {
        let seed = seed.wrapping_add(case);
        let sequence = kind.sequence(&mut Random::new(seed), steps);
        if !fails(kind, &sequence) {
            continue;
        }
        eprintln!(
            "{kind:?}: ADIEU_MODEL_SEED={seed} ADIEU_MODEL_STEPS={steps} ADIEU_MODEL_CASES=1 fails"
        );
        let short = shrink(&sequence, SHRINKING, |shorter| fails(kind, shorter));
        eprintln!(
            "the shortest sequence found that fails has {} steps:",
            short.len()
        );
        run(kind, &short, true);
        panic!(
            "it failed before, and now it did not: {short:?}\nwhat it said: {}",
            LAST.take()
        );
    }
}

/// DEL-1, DEL-2, DEL-3, DEL-4, DEL-5, DEL-7, DEL-8, DEL-9, DEL-10, DUR-2, DUR-3, DUR-4, DUR-5,
/// DUR-6, DUR-7, SYNC-3, ERA-2: deletions of every scope, policy and window, on two devices and by
/// the back end, with a server that goes away and comes back; sync of deletions is off.
#[test]
fn two_devices_apart() {
    try_all(Kind::Apart, 40, 40);
}

/// SYNC-1, SYNC-2, SYNC-3, DUR-7, DEL-3, DEL-8, DEL-10: the same with the operator's switch going on
/// and off.
#[test]
fn two_devices_in_sync() {
    try_all(Kind::Synced, 40, 40);
}

/// DEL-1, DEL-3, DEL-4, DEL-8, DEL-9, DEL-10, DUR-5, DUR-6, ERA-2: a device alone.
#[test]
fn a_device_alone() {
    try_all(Kind::Alone, 100, 50);
}
