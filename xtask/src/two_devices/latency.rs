//! How long it takes from the success on one device to the event on another, beside what no such
//! way can avoid.

use std::{
    fs::File,
    io::Write,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use serde::Serialize;

use super::{live::Live, stage::Stage};
use crate::report::Report;

/// Rounds of the demo.
pub const ROUNDS: usize = 41;
/// Quiet before each measurement: a machine that has just woken is slower than a busy one, and a
/// deletion finds it like that.
const PAUSE: Duration = Duration::from_millis(60);
/// Quiet after a deletion, in which both sides purge.
const REST: Duration = Duration::from_millis(150);
/// Round trips and flushes that the median may take, of each.
const ALLOWED: f64 = 3.0;

/// What was measured, in microseconds. The keys of the JSON line are these names.
#[derive(Clone, Debug, Serialize)]
pub struct Latency {
    /// What was tried.
    pub scene: &'static str,
    /// Deletions.
    pub rounds: usize,
    /// From `on_success` on the phone to the event on the tablet. Below 0 when the event was first.
    pub median_us: f64,
    /// The slowest round.
    pub slowest_us: f64,
    /// From the phone's call to the tablet's event, both as seen by who drives them.
    pub call_to_event_median_us: f64,
    /// A keep-alive round trip on the loopback, median.
    pub round_trip_us: f64,
    /// An append of 4 KiB and its fdatasync, median.
    pub flush_us: f64,
    /// Three round trips and three flushes.
    pub goal_us: f64,
}

impl Latency {
    /// Whether the median is as short as it should be.
    pub fn kept(&self) -> bool {
        self.median_us <= self.goal_us
    }
}

/// The other side of the conversation of a round.
pub fn peer(round: usize) -> String {
    format!("round{round}")
}

/// Deletes one conversation after the other on the phone, and waits for the tablet to hear of it.
pub fn measure(
    stage: &Stage<'_>,
    phone: &mut Live,
    tablet: &mut Live,
    rounds: usize,
    report: &Report,
) -> Result<Latency> {
    let mut floor = Floor::new(stage.folder, stage.url)?;
    floor.round_trip()?;
    let [mut way, mut whole, mut trip, mut flush] = [const { Vec::new() }; 4];
    let what = format!("measuring {rounds} deletions");
    report.steps(&what, |progress| {
        for round in 0..rounds {
            progress.set_message(format!("{what}: {}", round + 1));
            thread::sleep(PAUSE);
            flush.push(floor.flush()?);
            thread::sleep(PAUSE);
            trip.push(floor.round_trip()?);
            thread::sleep(PAUSE);
            let id = format!("c2c_{}", peer(round));
            let begun = Instant::now();
            let success = phone.delete(&id)?;
            let event = tablet.hears_of_deletion(&id)?.at_ns;
            whole.push(microseconds(begun.elapsed()));
            way.push(signed_us(success, event));
            thread::sleep(REST);
        }
        Ok(())
    })?;
    let (round_trip_us, flush_us) = (median(&mut trip), median(&mut flush));
    Ok(Latency {
        scene: "latency",
        rounds,
        median_us: median(&mut way),
        slowest_us: way.last().copied().unwrap_or(f64::NAN),
        call_to_event_median_us: median(&mut whole),
        round_trip_us,
        flush_us,
        goal_us: ALLOWED * (round_trip_us + flush_us),
    })
}

/// Sorts, and gives the middle.
fn median(samples: &mut [f64]) -> f64 {
    samples.sort_by(f64::total_cmp);
    samples.get(samples.len() / 2).copied().unwrap_or(f64::NAN)
}

fn microseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

fn signed_us(from_ns: u64, to_ns: u64) -> f64 {
    let apart = microseconds(Duration::from_nanos(to_ns.abs_diff(from_ns)));
    if to_ns < from_ns { -apart } else { apart }
}

/// The least that disk and loopback cost.
struct Floor {
    file: File,
    agent: ureq::Agent,
    url: String,
}

impl Floor {
    fn new(folder: &Path, url: &str) -> Result<Self> {
        let config = ureq::Agent::config_builder().http_status_as_error(false);
        Ok(Self {
            file: File::create(folder.join("floor")).context("cannot make a file")?,
            agent: config.build().into(),
            // Costs the server nothing but its answer.
            url: format!("{url}/v4/nothing/at_all"),
        })
    }

    fn flush(&mut self) -> Result<f64> {
        let begun = Instant::now();
        let flushed = self.file.write_all(&[7; 4096]);
        flushed
            .and_then(|()| self.file.sync_data())
            .context("cannot flush")?;
        Ok(microseconds(begun.elapsed()))
    }

    fn round_trip(&self) -> Result<f64> {
        let begun = Instant::now();
        let answer = self.agent.post(&self.url).send("{}");
        let read = answer.and_then(|answer| answer.into_body().read_to_vec());
        read.context("no answer from the server")?;
        Ok(microseconds(begun.elapsed()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_before_the_success_counts_below_nothing() {
        assert_eq!(signed_us(2_000, 3_500), 1.5);
        assert_eq!(signed_us(3_500, 2_000), -1.5);
        assert_eq!(median(&mut [3.0, -1.0, 2.0]), 2.0);
    }
}
