//! The C interface. Every exported function stands in one of these files as a plain item, checks
//! what it was given, and hands on to the core; nothing is decided here.
//!
//! This is the only room with unsafe code. What C callers must do for it to be sound, the header
//! says in the comment of the function.

#![allow(
    clippy::missing_safety_doc,
    reason = "the contract of a function is its whole comment, which the header shows"
)]
#![allow(unsafe_code, reason = "the C boundary")]
#![allow(
    non_camel_case_types,
    reason = "types carry the names that C callers see"
)]

pub mod batch;
pub mod callback;
pub mod change;
pub mod client;
pub mod conversation;
pub mod deletion;
mod guard;
mod handle;
mod heap;
#[cfg(all(test, feature = "shuttle"))]
mod interleavings;
pub mod listener;
mod mapping;
pub mod message;
mod module;
mod options;
pub mod pending;
mod priority;
pub mod status;
mod text;
pub mod verify;
pub mod version;

pub(crate) use client::adieu_client;
