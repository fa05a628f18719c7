//! What the tests of the contract share: the library behind its C ABI, the server, and a server
//! that misbehaves by script.

#![allow(
    dead_code,
    unused_imports,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "test support: each file of tests uses its part, and what goes wrong fails the test"
)]

pub mod abi;
pub mod build;
pub mod call;
pub mod child;
pub mod choice;
pub mod client;
pub mod deed;
pub mod fake;
pub mod faults;
pub mod folder;
pub mod life;
pub mod listener;
pub mod look;
pub mod operation;
pub mod options;
pub mod power;
pub mod random;
pub mod server;
pub mod shelf;
pub mod slate;
pub mod survivor;
pub mod trial;
pub mod trick;
pub mod world;

pub use abi::abi;
pub use call::{Call, Conversation, Message, Outcome, Verification};
pub use client::Client;
pub use fake::{Answer, FakeServer};
pub use listener::{Heard, Listener};
pub use options::{DeleteOptions, Options};
pub use server::Server;

use std::time::{Duration, Instant};

/// In an order that can be compared.
pub fn sorted(mut ids: Vec<String>) -> Vec<String> {
    ids.sort();
    ids
}

/// How long a test waits for what must come. Never the time that it takes.
pub const DEADLINE: Duration = Duration::from_secs(20);

/// Waits until `what` holds.
#[track_caller]
pub fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < DEADLINE, "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}
