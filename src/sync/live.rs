//! Staying up to date: one thread with a long-poll that the server answers when something changes.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{Line, Sink};
use crate::error::{Error, Result};
use crate::event::SyncState;
use crate::primitives::thread::JoinHandle;
use crate::primitives::{Condvar, Mutex};
use crate::threads::Threads;

/// How long the server waits for something to tell, in seconds: shorter than what common
/// middleboxes forget a silent connection after.
const WAIT: u8 = 45;
/// A long-poll that ended sooner with nothing to tell was not one.
const LEAST_WAIT: Duration = Duration::from_secs(1);
/// The pause after the first failure; doubled after each.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// No pause is longer.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// The way to the thread. Dropped, it ends it.
pub struct Live(Arc<Signal>);

#[derive(Default)]
struct Signal {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    stopped: bool,
    woken: bool,
}

impl Live {
    /// Starts the thread.
    pub fn start<S: Sink>(threads: Threads, line: Arc<Line<S>>) -> Result<(Self, JoinHandle<()>)> {
        let signal = Arc::new(Signal::default());
        let told = signal.clone();
        let thread = threads.spawn("adieu-sync", move || run(&line, &told))?;
        Ok((Self(signal), thread))
    }

    /// There is a reason to try at once.
    pub fn wake(&self) {
        self.0.state.lock().woken = true;
        self.0.changed.notify_all();
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.0.state.lock().stopped = true;
        self.0.changed.notify_all();
    }
}

impl Signal {
    /// Waits for a reason to try; `false` when there is none any more.
    fn wait(&self, pause: Duration) -> bool {
        let mut state = self.state.lock();
        while !state.stopped && !state.woken {
            if self.changed.wait_for(&mut state, pause).timed_out() {
                break;
            }
        }
        state.woken = false;
        !state.stopped
    }

    fn is_stopped(&self) -> bool {
        self.state.lock().stopped
    }
}

fn run<S: Sink>(line: &Line<S>, signal: &Signal) {
    let mut up_to_date = false;
    let mut failures = 0_u32;
    line.sink.tell(SyncState::Started);
    while !signal.is_stopped() {
        let begun = Instant::now();
        match line.catch_up(if up_to_date { WAIT } else { 0 }) {
            Ok(news) => {
                // A server, or something before it, that does not wait is not asked all the time.
                let idle = up_to_date && !news && begun.elapsed() < LEAST_WAIT;
                if idle && !signal.wait(LEAST_WAIT) {
                    return;
                }
                if !up_to_date {
                    line.sink.tell(SyncState::Finished);
                }
                (up_to_date, failures) = (true, 0);
            }
            Err(Error::Closed) => return,
            Err(error) => {
                // What fails again and again is told once.
                if failures == 0 {
                    line.sink.tell(SyncState::Failed(error));
                }
                up_to_date = false;
                failures = failures.saturating_add(1);
                if !signal.wait(pause(failures)) {
                    return;
                }
            }
        }
    }
}

/// Spread over its upper half, so that devices that a server lost together do not come back
/// together.
fn pause(failures: u32) -> Duration {
    let full = FIRST_PAUSE
        .saturating_mul(1 << failures.saturating_sub(1).min(16))
        .min(LONGEST_PAUSE);
    let mut dice = [0; 2];
    // Without random bytes they come back together.
    let _ = ring::rand::SecureRandom::fill(&ring::rand::SystemRandom::new(), &mut dice);
    full / 2 + full.mul_f64(f64::from(u16::from_le_bytes(dice)) / f64::from(u16::MAX) / 2.0)
}
