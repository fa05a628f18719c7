//! Making a sequence that fails shorter, for as long as it fails.

use std::time::{Duration, Instant};

/// Takes out of `failing` whatever can go: halves first, then quarters, down to single steps.
/// Ends when nothing more can go, or when the time is over.
pub fn shrink<T: Clone>(failing: &[T], time: Duration, fails: impl Fn(&[T]) -> bool) -> Vec<T> {
    let start = Instant::now();
    let mut shortest = failing.to_vec();
    let mut size = shortest.len().div_ceil(2);
    while size > 0 {
        let before = shortest.len();
        let mut from = 0;
        while from < shortest.len() {
            if start.elapsed() > time {
                return shortest;
            }
            let mut shorter = shortest.clone();
            shorter.drain(from..(from + size).min(shortest.len()));
            if fails(&shorter) {
                shortest = shorter;
            } else {
                from += size;
            }
        }
        if shortest.len() == before || size > 1 {
            size = if size == 1 { 0 } else { size / 2 };
        }
    }
    shortest
}
