//! Locks that are counted while a thread holds them, with the interface of parking_lot.

use std::cell::Cell;
use std::io::Write;
use std::ops::{Deref, DerefMut};
use std::sync::PoisonError;
use std::time::Duration;

#[cfg(all(test, feature = "shuttle"))]
use shuttle::sync as raw;
#[cfg(not(all(test, feature = "shuttle")))]
use std::sync as raw;

super::thread_local! {
    /// Locks that this thread holds.
    static HELD: Cell<usize> = const { Cell::new(0) };
}

/// The host is about to be called. A thread that holds a lock by then is a bug, whatever comes of
/// it, and it ends the process: nothing on the way could catch it.
pub fn no_lock_is_held() {
    let held = HELD.with(Cell::get);
    if held > 0 {
        // Not by a macro: what a test prints is kept back, and would be lost.
        let _ = writeln!(
            std::io::stderr(),
            "adieu: the host is called while {held} locks are held"
        );
        std::process::abort();
    }
}

/// One lock, for as long as it is held.
struct Held;

impl Held {
    fn new() -> Self {
        HELD.with(|held| held.set(held.get() + 1));
        Self
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        HELD.with(|held| held.set(held.get() - 1));
    }
}

/// A lock.
#[derive(Default)]
pub struct Mutex<T>(raw::Mutex<T>);

/// Keeps it locked.
pub struct MutexGuard<'a, T> {
    lock: &'a Mutex<T>,
    /// `None` while it is let go of, which nobody sees.
    locked: Option<(raw::MutexGuard<'a, T>, Held)>,
}

impl<T> Mutex<T> {
    /// Around this value.
    pub fn new(value: T) -> Self {
        Self(raw::Mutex::new(value))
    }

    /// Waits for it, and takes it.
    pub fn lock(&self) -> MutexGuard<'_, T> {
        MutexGuard {
            lock: self,
            locked: Some(self.take()),
        }
    }

    fn take(&self) -> (raw::MutexGuard<'_, T>, Held) {
        let locked = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        (locked, Held::new())
    }
}

impl<T> MutexGuard<'_, T> {
    /// Lets go of the lock while `work` is done.
    pub fn unlocked<R>(guard: &mut Self, work: impl FnOnce() -> R) -> R {
        guard.locked = None;
        let done = work();
        guard.locked = Some(guard.lock.take());
        done
    }
}

impl<T> Deref for MutexGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        match &self.locked {
            Some((value, _)) => value,
            None => unreachable!("a guard is not used while it waits"),
        }
    }
}

impl<T> DerefMut for MutexGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        match &mut self.locked {
            Some((value, _)) => value,
            None => unreachable!("a guard is not used while it waits"),
        }
    }
}

/// What threads wait at.
#[derive(Default)]
pub struct Condvar(raw::Condvar);

/// How a wait has ended.
pub struct Waited {
    timed_out: bool,
}

impl Waited {
    /// The time was over.
    pub fn timed_out(&self) -> bool {
        self.timed_out
    }
}

impl Condvar {
    /// Nobody waits.
    pub fn new() -> Self {
        Self::default()
    }

    /// Wakes one that waits.
    pub fn notify_one(&self) {
        self.0.notify_one();
    }

    /// Wakes all that wait.
    pub fn notify_all(&self) {
        self.0.notify_all();
    }

    /// Waits to be woken.
    pub fn wait<T>(&self, guard: &mut MutexGuard<'_, T>) {
        if let Some((locked, _)) = guard.locked.take() {
            let locked = self.0.wait(locked).unwrap_or_else(PoisonError::into_inner);
            guard.locked = Some((locked, Held::new()));
        }
    }

    /// Waits to be woken, for so long.
    #[cfg(not(all(test, feature = "shuttle")))]
    pub fn wait_for<T>(&self, guard: &mut MutexGuard<'_, T>, time: Duration) -> Waited {
        let Some((locked, _)) = guard.locked.take() else {
            return Waited { timed_out: false };
        };
        let (locked, waited) = self
            .0
            .wait_timeout(locked, time)
            .unwrap_or_else(PoisonError::into_inner);
        guard.locked = Some((locked, Held::new()));
        Waited {
            timed_out: waited.timed_out(),
        }
    }

    /// Waits to be woken. shuttle knows no time: a short one passes at any moment or wakes for no
    /// reason, a long one never passes.
    #[cfg(all(test, feature = "shuttle"))]
    pub fn wait_for<T>(&self, guard: &mut MutexGuard<'_, T>, time: Duration) -> Waited {
        use shuttle::rand::{Rng, thread_rng};

        const LONG: Duration = Duration::from_secs(3600);
        if time >= LONG {
            self.wait(guard);
            return Waited { timed_out: false };
        }
        MutexGuard::unlocked(guard, super::thread::yield_now);
        Waited {
            timed_out: thread_rng().r#gen(),
        }
    }
}

/// A lock that many hold to read.
pub struct RwLock<T>(raw::RwLock<T>);

/// Keeps it locked, either way.
pub struct RwLockGuard<G> {
    locked: G,
    _held: Held,
}

impl<T> RwLock<T> {
    /// Around this value.
    #[cfg(not(all(test, feature = "shuttle")))]
    pub const fn new(value: T) -> Self {
        Self(raw::RwLock::new(value))
    }

    /// Around this value.
    #[cfg(all(test, feature = "shuttle"))]
    pub fn new(value: T) -> Self {
        Self(raw::RwLock::new(value))
    }

    /// Waits until nobody writes.
    pub fn read(&self) -> RwLockGuard<raw::RwLockReadGuard<'_, T>> {
        RwLockGuard {
            locked: self.0.read().unwrap_or_else(PoisonError::into_inner),
            _held: Held::new(),
        }
    }

    /// Waits until nobody reads or writes.
    pub fn write(&self) -> RwLockGuard<raw::RwLockWriteGuard<'_, T>> {
        RwLockGuard {
            locked: self.0.write().unwrap_or_else(PoisonError::into_inner),
            _held: Held::new(),
        }
    }
}

impl<G: Deref> Deref for RwLockGuard<G> {
    type Target = G::Target;

    fn deref(&self) -> &G::Target {
        &self.locked
    }
}

impl<G: DerefMut> DerefMut for RwLockGuard<G> {
    fn deref_mut(&mut self) -> &mut G::Target {
        &mut self.locked
    }
}
