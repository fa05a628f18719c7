//! Waking whoever waits for a change.
//!
//! Wake-ups are hints: who is woken looks at the store. So they may be merged, and one too many
//! does no harm; one that gets lost is made good by the next request, which looks anyway.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use parking_lot::Mutex;
use tokio::{
    sync::{
        Notify,
        broadcast::{Receiver, error::RecvError},
        futures::Notified,
        watch,
    },
    time::{Instant, sleep_until},
};

use crate::storage::{Changed, Storage};

/// The members of busy groups are looked up once in this time.
const GROUP_PACE: Duration = Duration::from_millis(20);

/// Who waits for what.
#[derive(Default)]
pub struct Wakes {
    owners: Mutex<HashMap<String, Arc<Notify>>>,
    /// Deletions and settings: counts them.
    operator: watch::Sender<u64>,
}

/// Waits for changes of one owner's views, and leaves nothing behind.
pub struct Waiter<'a> {
    wakes: &'a Wakes,
    owner: &'a str,
    notify: Arc<Notify>,
}

impl Wakes {
    /// Begins to wait for changes of this owner's views.
    pub fn owner<'a>(&'a self, owner: &'a str) -> Waiter<'a> {
        let mut owners = self.owners.lock();
        let notify = match owners.get(owner) {
            Some(notify) => Arc::clone(notify),
            None => Arc::clone(owners.entry(owner.to_owned()).or_default()),
        };
        Waiter {
            wakes: self,
            owner,
            notify,
        }
    }

    /// Changes whenever something was deleted or set.
    pub fn operator(&self) -> watch::Receiver<u64> {
        self.operator.subscribe()
    }

    fn wake(&self, owner: &str) {
        if let Some(notify) = self.owners.lock().get(owner) {
            notify.notify_waiters();
        }
    }

    fn wake_operator(&self) {
        self.operator.send_modify(|count| *count += 1);
    }

    fn wake_all(&self) {
        for notify in self.owners.lock().values() {
            notify.notify_waiters();
        }
        self.wake_operator();
    }

    fn is_idle(&self) -> bool {
        self.owners.lock().is_empty()
    }
}

impl Waiter<'_> {
    /// The next wake-up; one that comes after this call and before it is awaited counts, once
    /// the future has been enabled.
    pub fn woken(&self) -> Notified<'_> {
        self.notify.notified()
    }
}

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        let mut owners = self.wakes.owners.lock();
        // The table's and ours: nobody else waits.
        if Arc::strong_count(&self.notify) == 2 {
            owners.remove(self.owner);
        }
    }
}

/// Wakes until the store goes.
pub async fn run(storage: Arc<dyn Storage>, mut changes: Receiver<Changed>, wakes: Arc<Wakes>) {
    let mut groups = HashSet::new();
    let mut next_look = Instant::now();
    loop {
        tokio::select! {
            changed = changes.recv() => match changed {
                Ok(Changed::Views(owner)) => wakes.wake(&owner),
                Ok(Changed::Deletion(owner)) => {
                    wakes.wake(&owner);
                    wakes.wake_operator();
                }
                Ok(Changed::Settings) => wakes.wake_operator(),
                Ok(Changed::Group(group)) => {
                    if !wakes.is_idle() {
                        groups.insert(group);
                    }
                }
                Ok(Changed::All) | Err(RecvError::Lagged(_)) => wakes.wake_all(),
                Err(RecvError::Closed) => break,
            },
            () = sleep_until(next_look), if !groups.is_empty() => {
                for group in groups.drain() {
                    match storage.members(&group).await {
                        Ok(members) => members.iter().for_each(|member| wakes.wake(member)),
                        Err(error) => tracing::warn!(%error, "the members of a group were not woken"),
                    }
                }
                next_look = Instant::now() + GROUP_PACE;
            }
        }
    }
}
