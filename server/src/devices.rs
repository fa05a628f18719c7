//! Which devices are there: for the operator to look at, kept in memory only.

use std::collections::HashMap;

use parking_lot::Mutex;
use serde::Serialize;

/// Devices that are remembered. The ones that were seen longest ago are forgotten first.
const REMEMBERED: usize = 20_000;

/// The table.
#[derive(Default)]
pub struct Devices {
    seen: Mutex<HashMap<Key, Seen>>,
}

type Key = (String, Option<String>);

struct Seen {
    version: Option<String>,
    at: u64,
    waiting: usize,
}

/// A device, as the operator sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Device {
    /// Whose.
    pub owner: String,
    /// What it calls itself.
    pub device: Option<String>,
    /// The version that it states.
    pub version: Option<String>,
    /// When it was here last, in Unix seconds.
    pub at: u64,
    /// Whether it waits for changes at this moment.
    pub waiting: bool,
}

/// A device that is waiting; ends with this value.
pub struct Waiting<'a> {
    devices: &'a Devices,
    key: Key,
}

impl Devices {
    /// A device was here.
    pub fn saw(&self, owner: &str, device: Option<&str>, version: Option<&str>, now: u64) {
        let mut seen = self.seen.lock();
        let entry = seen
            .entry((owner.to_owned(), device.map(str::to_owned)))
            .or_insert(Seen {
                version: None,
                at: now,
                waiting: 0,
            });
        entry.version = version.map(str::to_owned);
        entry.at = now;
        if seen.len() > REMEMBERED {
            forget_the_older_half(&mut seen);
        }
    }

    /// It waits from now on.
    pub fn wait(&self, owner: &str, device: Option<&str>) -> Waiting<'_> {
        let key = (owner.to_owned(), device.map(str::to_owned));
        if let Some(entry) = self.seen.lock().get_mut(&key) {
            entry.waiting += 1;
        }
        Waiting { devices: self, key }
    }

    /// How many wait; one device may wait more than once.
    pub fn waiting(&self) -> usize {
        self.seen.lock().values().map(|entry| entry.waiting).sum()
    }

    /// Those that were here last.
    pub fn recent(&self, limit: usize) -> Vec<Device> {
        let seen = self.seen.lock();
        let mut all: Vec<(&Key, &Seen)> = seen.iter().collect();
        let newest = |one: &(&Key, &Seen)| (std::cmp::Reverse(one.1.at), one.0.clone());
        if all.len() > limit {
            all.select_nth_unstable_by_key(limit, newest);
            all.truncate(limit);
        }
        all.sort_by_cached_key(newest);
        all.into_iter()
            .map(|((owner, device), entry)| Device {
                owner: owner.clone(),
                device: device.clone(),
                version: entry.version.clone(),
                at: entry.at,
                waiting: entry.waiting > 0,
            })
            .collect()
    }
}

/// Half of them at once, so that it is seldom done. Those that wait stay.
fn forget_the_older_half(seen: &mut HashMap<Key, Seen>) {
    let mut times: Vec<u64> = seen.values().map(|entry| entry.at).collect();
    let middle = times.len() / 2;
    let (_, at, _) = times.select_nth_unstable(middle);
    let at = *at;
    let mut left = middle;
    seen.retain(|_, entry| {
        let stays = entry.waiting > 0 || entry.at > at || left == 0;
        left -= usize::from(!stays);
        stays
    });
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if let Some(entry) = self.devices.seen.lock().get_mut(&self.key) {
            entry.waiting = entry.waiting.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_are_remembered_and_those_that_wait() {
        let devices = Devices::default();
        devices.saw("first", Some("phone"), Some("5.1.1"), 0);
        let waiting = devices.wait("first", Some("phone"));
        for at in 1..=REMEMBERED as u64 + 10 {
            devices.saw(&format!("u{at}"), None, None, at);
        }
        let all = devices.recent(usize::MAX);
        assert!(all.len() <= REMEMBERED, "{}", all.len());
        assert_eq!(devices.waiting(), 1);
        assert_eq!(all[0].owner, format!("u{}", REMEMBERED + 10));
        assert!(all.last().is_some_and(|one| one.waiting));
        drop(waiting);
        assert_eq!(devices.waiting(), 0);
        assert_eq!(devices.recent(3).len(), 3);
    }
}
