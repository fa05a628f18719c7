//! libadieu deletes instant-messaging conversations for good: from the device, from the server
//! and, where the operator switched it on, from the user's other devices.
//!
//! The interface is C: see `include/adieu.h`, which is generated from [`ffi`], the only room with
//! unsafe code. The way of a deletion is described in [`deletion`], the store in [`store`].

#![deny(unsafe_code)]

pub mod client;
mod clock;
pub mod conversation;
pub mod deletion;
pub mod delivery;
pub mod error;
pub mod event;
pub mod failpoint;
pub mod ffi;
#[cfg(all(test, feature = "shuttle"))]
mod interleavings;
mod map;
mod primitives;
mod queue;
pub mod remote;
pub mod store;
pub mod sync;
mod threads;
mod worker;
