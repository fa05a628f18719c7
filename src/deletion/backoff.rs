//! How long to wait before the server is asked again.

use std::time::Duration;

use super::DeletionId;

/// The wait after the first attempt.
const FIRST: Duration = Duration::from_secs(1);
/// No wait is longer.
pub(super) const LONGEST: Duration = Duration::from_secs(15 * 60);
/// What a server asks for is believed up to here.
const MOST_ASKED_FOR: Duration = Duration::from_secs(24 * 60 * 60);

/// The wait after so many attempts in vain: doubled each time, and spread over its upper half, so
/// that devices that failed together do not come back together. `at_least` is what the server
/// asked for.
pub(super) fn wait(id: DeletionId, attempts: u32, at_least: Option<Duration>) -> Duration {
    let doubled = FIRST.saturating_mul(1 << attempts.saturating_sub(1).min(16));
    let full = doubled.min(LONGEST);
    let spread = full.mul_f64(f64::from(dice(id, attempts)) / f64::from(u32::MAX) / 2.0);
    let asked_for = at_least.unwrap_or_default().min(MOST_ASKED_FOR);
    (full / 2 + spread).max(asked_for + spread / 4)
}

/// Random enough: the id is.
fn dice(id: DeletionId, attempts: u32) -> u32 {
    let id = u128::from_le_bytes(id.0);
    let mut mixed = (id as u64).wrapping_mul(0x2545_f491_4f6c_dd1d) ^ u64::from(attempts);
    mixed = mixed.wrapping_add((id >> 64) as u64);
    mixed = (mixed ^ (mixed >> 31)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    ((mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 32) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    // DUR-2
    #[test]
    fn waits_grow_stay_below_the_longest_and_are_spread() {
        let id = |n: u8| DeletionId([n; 16]);
        for attempts in 1..40 {
            let wait = wait(id(1), attempts, None);
            let full = FIRST
                .saturating_mul(1 << (attempts - 1).min(16))
                .min(LONGEST);
            assert!(wait >= full / 2 && wait <= full, "{attempts}: {wait:?}");
        }
        let waits: std::collections::HashSet<_> = (0..50).map(|n| wait(id(n), 5, None)).collect();
        assert!(waits.len() > 40);
    }

    // DUR-2
    #[test]
    fn what_the_server_asks_for_is_kept_within_reason() {
        let hour = Duration::from_secs(3600);
        assert!(wait(DeletionId([7; 16]), 1, Some(hour)) >= hour);
        assert!(wait(DeletionId([7; 16]), 1, Some(hour * 1000)) < 25 * hour);
    }
}
