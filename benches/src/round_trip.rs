//! From the call to the success, with a server on loopback, against what no such way can avoid:
//! one flush on the device, one keep-alive round trip, one flush of the server.

use std::ffi::CString;
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::adieu::{Calls, Client, ServerAccess};
use crate::floor::Disk;
use crate::report::{Goal, Report, Row};
use crate::server::{Server, import, user_sig, write_log};
use crate::statistics::Samples;

/// Allowed on top of the floor, in microseconds, before it is doubled.
const ALLOWANCE: f64 = 100.0;

/// Quiet before each measurement.
const PAUSE: Duration = Duration::from_millis(100);

/// Runs the section.
pub fn run(report: &mut Report, quick: bool) -> Result<()> {
    let sizes: &[usize] = if quick {
        &[10, 10_000]
    } else {
        &[10, 1_000, 100_000, 1_000_000]
    };
    let rounds = if quick { 2 } else { 7 };
    let folder = tempfile::tempdir_in(".")?;
    for size in sizes {
        // Many groups of the largest sizes would fill the disk.
        for round in 0..rounds_of(*size, rounds) {
            let log = folder.path().join("log.jsonl");
            write_log(&log, &format!("group_g{size}-{round}"), "alice", *size)?;
            import(folder.path(), &log)?;
        }
    }
    let server = Server::start(folder.path())?;
    let user_sig = user_sig(folder.path(), "alice")?;
    let device = tempfile::tempdir_in(".")?;
    let access = ServerAccess {
        url: &server.url,
        user_sig: &user_sig,
    };
    let client = Client::open(device.path(), "alice", Some(&access))?;
    client.pull()?;
    std::thread::sleep(Duration::from_millis(500));

    let mut disk = Disk::new(folder.path())?;
    let line = ureq::Agent::new_with_defaults();
    round_trip(&line, &server.url)?;
    let (mut flush, mut trip) = (Samples::default(), Samples::default());
    let mut worst: f64 = 0.0;
    for size in sizes {
        let mut total = Samples::default();
        for round in 0..rounds_of(*size, rounds) {
            // Each after the same pause: a machine that has just woken is slower than a busy one, and
            // a deletion finds it like that.
            crate::floor::sync_all()?;
            std::thread::sleep(PAUSE);
            flush.push(disk.append()?);
            std::thread::sleep(PAUSE);
            trip.push(round_trip(&line, &server.url)?);
            std::thread::sleep(PAUSE);
            let conversation = CString::new(format!("group_g{size}-{round}"))?;
            let (mut id, calls) = ([0; 16], Calls::default());
            let start = Instant::now();
            client.delete(&conversation, &mut id, &calls)?;
            total.push(calls.next()?.at - start);
            // The purges of both sides, which follow, are other work.
            std::thread::sleep(Duration::from_millis(800 + *size as u64 / 100));
        }
        report.add(Row::samples(
            format!("{size} messages: call to success"),
            &total,
            "µs",
        ));
        worst = worst.max(total.median());
    }
    report.add(Row::samples("4 KiB append + fdatasync", &flush, "µs"));
    report.add(Row::samples("keep-alive round trip", &trip, "µs"));
    let floor = 2.0 * flush.median() + trip.median() + ALLOWANCE;
    report.add(
        Row::value("slowest of these medians", worst, "µs")
            .over("two flushes + round trip + 100 µs", floor)
            .goal(Goal::AtMost(2.0)),
    );
    Ok(())
}

fn rounds_of(size: usize, rounds: usize) -> usize {
    if size >= 100_000 {
        rounds.min(2)
    } else {
        rounds
    }
}

/// One request that costs the server nothing, by the HTTP client that the library uses.
pub fn round_trip(line: &ureq::Agent, url: &str) -> Result<Duration> {
    let start = Instant::now();
    let answer = line.post(format!("{url}/v4/bench/nothing")).send("{}")?;
    let _ = answer.into_body().read_to_string()?;
    Ok(start.elapsed())
}
