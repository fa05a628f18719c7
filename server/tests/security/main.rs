//! Who may do what to the server, and how much anybody can make it do.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests; a failure is the test's"
)]

mod authorisation;
mod limits;
mod snapshot;
mod strangers;
#[path = "../support/mod.rs"]
mod support;
