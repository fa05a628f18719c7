//! Locks, channels, atomics and threads: all of the library's come from here, so that tests can put
//! others in their place.
//!
//! What ships has the locks of parking_lot and everything else from std. With the feature
//! `failpoints`, a thread also counts the locks that it holds, and dies when it calls the host with
//! one. In unit tests with the feature `shuttle` they are those of [shuttle], which decides at each
//! step which thread goes on.
//!
//! [shuttle]: https://docs.rs/shuttle

#[cfg(any(feature = "failpoints", all(test, feature = "shuttle")))]
mod counted;

#[cfg(any(feature = "failpoints", all(test, feature = "shuttle")))]
pub use counted::{Condvar, Mutex, MutexGuard, RwLock, no_lock_is_held};
#[cfg(not(any(feature = "failpoints", all(test, feature = "shuttle"))))]
pub use parking_lot::{Condvar, Mutex, MutexGuard, RwLock};

#[cfg(not(all(test, feature = "shuttle")))]
pub use std::{
    sync::{atomic, mpsc},
    thread, thread_local,
};

#[cfg(all(test, feature = "shuttle"))]
pub use shuttle::{
    sync::{atomic, mpsc},
    thread, thread_local,
};

#[cfg(not(all(test, feature = "shuttle")))]
pub use RwLock as StaticRwLock;
/// A lock that outlives every client: shuttle's do not outlive a run.
#[cfg(all(test, feature = "shuttle"))]
pub use parking_lot::RwLock as StaticRwLock;

/// Nothing: what ships does not count.
#[cfg(not(any(feature = "failpoints", all(test, feature = "shuttle"))))]
#[inline]
pub fn no_lock_is_held() {}
