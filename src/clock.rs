//! The time of day, for what outlives the process. Within one life of it, nothing is measured
//! with this: it may jump.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Now, in Unix milliseconds.
pub fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    })
}

/// How long it is until a time, `most` at the most: a clock that was set back makes nobody wait
/// for ever.
pub fn until(time: u64, most: Duration) -> Duration {
    Duration::from_millis(time.saturating_sub(now())).min(most)
}
