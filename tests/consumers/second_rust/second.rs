//! A second Rust library in the same program, as rustc leaves its archive.

use std::panic;
use std::sync::atomic::{AtomicI32, Ordering};

static PANICS: AtomicI32 = AtomicI32::new(0);

/// Panics, catches it, and says how many panics its hook has seen since the first call.
#[unsafe(no_mangle)]
pub extern "C" fn second_panics() -> i32 {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        panic::set_hook(Box::new(|_| {
            PANICS.fetch_add(1, Ordering::SeqCst);
        }));
    });
    let text = format!("at {}", std::process::id());
    let caught = panic::catch_unwind(|| panic!("{text}"));
    assert!(caught.is_err());
    PANICS.load(Ordering::SeqCst)
}
