//! What the call costs on the caller's thread.

use std::ffi::CString;
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::adieu::{Calls, Client, fill};
use crate::engine::Run;
use crate::report::{Goal, Report, Row};
use crate::statistics::Samples;

/// Runs the section.
pub fn run(report: &mut Report, run: &Run) -> Result<()> {
    let folder = tempfile::tempdir_in(".")?;
    let client = Client::open(folder.path(), "alice", None)?;
    fill(&client, c"c2c_known", 100)?;
    let ids: Vec<_> = (0..if run.quick { 2_000 } else { 20_000 })
        .map(|index| CString::new(format!("c2c_user{index}")))
        .collect::<Result<_, _>>()?;

    let calls = Calls::default();
    let mut busy = Samples::default();
    let clock = clock_cost();
    let prepared: Vec<_> = ids.iter().map(|_| Client::prepare(&calls)).collect();
    for (conversation, user_data) in ids.iter().zip(prepared) {
        let mut id = [0; 16];
        let start = Instant::now();
        client.delete_prepared(conversation, &mut id, user_data)?;
        busy.push(start.elapsed().saturating_sub(clock));
    }
    for _ in &ids {
        calls.next()?;
    }
    report.add(
        Row::samples("call while the worker is busy", &busy.times(1e3), "ns")
            .goal(Goal::AtMost(300.0))
            .why_missed("the call stands in the inbox until the journal has it (decision 6)"),
    );

    let mut parked = Samples::default();
    let mut floor = Samples::default();
    let sleeper = Sleeper::start();
    for conversation in &ids[..if run.quick { 50 } else { 300 }] {
        std::thread::sleep(PAUSE);
        floor.push(sleeper.wake().saturating_sub(clock));
        std::thread::sleep(PAUSE);
        let mut id = [0; 16];
        let user_data = Client::prepare(&calls);
        let start = Instant::now();
        client.delete_prepared(conversation, &mut id, user_data)?;
        parked.push(start.elapsed().saturating_sub(clock));
        calls.next()?;
    }
    report.add(
        Row::samples("call that wakes the worker", &parked, "µs")
            .goal(Goal::AtMost(10.0))
            .why_missed(
                "most of it is the wake-up of a sleeping thread, which the row below has alone",
            ),
    );
    report.add(Row::samples(
        "bare wake-up of a sleeping thread",
        &floor,
        "µs",
    ));
    Ok(())
}

/// Quiet before each measurement, long enough for the worker to be asleep.
const PAUSE: Duration = Duration::from_millis(2);

/// A thread that does nothing but sleep: waking it is the floor.
struct Sleeper(std::sync::Arc<(std::sync::Mutex<bool>, std::sync::Condvar)>);

impl Sleeper {
    fn start() -> Self {
        let shared = std::sync::Arc::new((std::sync::Mutex::new(false), std::sync::Condvar::new()));
        let (inside, sleeper) = (shared.clone(), Self(shared));
        std::thread::spawn(move || {
            let (woken, signal) = &*inside;
            while let Ok(state) = woken.lock() {
                // Spurious or not, it goes back to sleep.
                drop(signal.wait(state));
            }
        });
        sleeper
    }

    fn wake(&self) -> Duration {
        let start = Instant::now();
        self.0.1.notify_one();
        start.elapsed()
    }
}

/// What two looks at the clock cost.
fn clock_cost() -> Duration {
    let mut samples = Samples::default();
    for _ in 0..1000 {
        let start = Instant::now();
        samples.push(start.elapsed());
    }
    Duration::from_secs_f64(samples.median() / 1e6)
}
