//! What the library gives back to the system's memory is wiped first. Message texts, ids, the
//! UserSig and keys pass through many buffers on their way, some of them in other crates; here is
//! the one place that all of them come by.

use std::alloc::{GlobalAlloc, Layout, System};

struct Wiping;

#[global_allocator]
static HEAP: Wiping = Wiping;

// SAFETY: the system's allocator, with its own layouts; what is written to is given back at once.
// `realloc` is the trait's own: it moves, and gives the old place back through `dealloc`.
unsafe impl GlobalAlloc for Wiping {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the same contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the same contract.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        // SAFETY: by the contract, `at` was given out for this layout and nobody uses it any more.
        unsafe {
            at.write_bytes(0, layout.size());
            // Without it, writing before freeing is left out as useless.
            zeroize::optimization_barrier(&*at);
            System.dealloc(at, layout);
        }
    }
}
