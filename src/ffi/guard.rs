//! The boundary itself: no panic leaves, no forked child enters.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};

use super::status::{ADIEU_ERR_FORKED, ADIEU_ERR_PANIC, ADIEU_OK};
use crate::failpoint::failpoint;

static FORKED: AtomicBool = AtomicBool::new(false);

/// Runs the body of an exported function. `Err` is the code of a refused call.
pub(super) fn guard(body: impl FnOnce() -> Result<(), i32>) -> i32 {
    if FORKED.load(Ordering::Relaxed) {
        return ADIEU_ERR_FORKED;
    }
    let body = || {
        failpoint("boundary");
        body()
    };
    match catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(())) => ADIEU_OK,
        Ok(Err(code)) => code,
        Err(_) => ADIEU_ERR_PANIC,
    }
}

/// From now on, a child that this process forks is told apart. Threads do not survive a fork and
/// locks may be held for ever in the child, so that nothing there can be made to work.
pub(super) fn watch_forks() {
    #[cfg(unix)]
    {
        static ONCE: std::sync::Once = std::sync::Once::new();
        unsafe extern "C" fn in_child() {
            FORKED.store(true, Ordering::Relaxed);
        }
        ONCE.call_once(|| {
            // SAFETY: the handler only stores to an atomic, which is allowed in a child of a
            // process with threads, and the library is never unloaded.
            unsafe { libc::pthread_atfork(None, None, Some(in_child)) };
        });
    }
}
