//! What the library gives back to the system's memory is wiped first. Message texts, ids, the
//! UserSig and keys pass through many buffers on their way, some of them in other crates; here is
//! the one place that all of them come by.

use std::alloc::{GlobalAlloc, Layout, System};

struct Wiping;

#[global_allocator]
static HEAP: Wiping = Wiping;

/// Blocks that glibc maps from the system one by one, however its threshold has moved
/// (M_MMAP_THRESHOLD in mallopt(3)): growing one moves its pages, freeing one gives them back, and
/// the system hands out no page that it has not wiped.
#[cfg(all(target_os = "linux", target_env = "gnu", target_pointer_width = "64"))]
const MAPPED: usize = 32 << 20;
#[cfg(not(all(target_os = "linux", target_env = "gnu", target_pointer_width = "64")))]
const MAPPED: usize = usize::MAX;

// SAFETY: the system's allocator, with its own layouts; what is written to is given back at once,
// or moved by the system itself.
unsafe impl GlobalAlloc for Wiping {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the same contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the same contract.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if layout.size().min(size) >= MAPPED {
            // SAFETY: the same contract. A long answer would lie in memory twice while it grows.
            return unsafe { System.realloc(at, layout, size) };
        }
        // SAFETY: by the contract, `size` is one that a layout of this alignment can have.
        let larger = unsafe { Layout::from_size_align_unchecked(size, layout.align()) };
        // SAFETY: the same contract; the two places do not overlap, and the old one goes only when
        // there is a new one.
        unsafe {
            let to = self.alloc(larger);
            if !to.is_null() {
                at.copy_to_nonoverlapping(to, layout.size().min(size));
                self.dealloc(at, layout);
            }
            to
        }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        // SAFETY: by the contract, `at` was given out for this layout and nobody uses it any more.
        unsafe {
            if layout.size() < MAPPED {
                at.write_bytes(0, layout.size());
                // Without it, writing before freeing is left out as useless.
                zeroize::optimization_barrier(&*at);
            }
            System.dealloc(at, layout);
        }
    }
}
