//! From the call to the success, with a server on loopback, against what no such way can avoid:
//! one flush on the device, one keep-alive round trip, one flush of the server.

use std::ffi::CString;
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::adieu::{Calls, Client, ServerAccess};
use crate::engine::{Engine, Run};
use crate::floor::Disk;
use crate::report::{Goal, Report, Row};
use crate::server::{Server, import_into, user_sig, write_log};
use crate::statistics::Samples;

/// Allowed on top of the floor, in microseconds, before it is doubled.
const ALLOWANCE: f64 = 100.0;

/// Quiet before each measurement.
const PAUSE: Duration = Duration::from_millis(100);

/// Runs the section.
pub fn run(report: &mut Report, run: &Run) -> Result<()> {
    // The longest come last: nobody waits for the purge of those.
    let sizes: &[(usize, usize)] = if run.quick {
        &[(10, 2), (10_000, 2)]
    } else {
        &[(10, 5), (1_000, 5), (100_000, 2), (1_000_000, 1)]
    };
    on(&Engine::Embedded, report, sizes)?;
    match run.postgres_in_full(report) {
        Some(postgres) => on(&postgres, report, sizes),
        None => Ok(()),
    }
}

fn on(engine: &Engine, report: &mut Report, sizes: &[(usize, usize)]) -> Result<()> {
    let name = engine.name();
    let folder = tempfile::tempdir_in(".")?;
    let store = engine.store(folder.path());
    for (size, rounds) in sizes {
        for round in 0..*rounds {
            let log = folder.path().join("log.jsonl");
            write_log(&log, &format!("group_g{size}-{round}"), "alice", *size)?;
            import_into(folder.path(), &store, &log)?;
        }
    }
    let server = Server::start_on(folder.path(), &store, &[])?;
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
    for (size, rounds) in sizes {
        let mut total = Samples::default();
        for round in 0..*rounds {
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
            if *size < 1_000_000 {
                std::thread::sleep(Duration::from_millis(500 + *size as u64 / 100));
            }
        }
        report.add(Row::samples(
            format!("{name}, {size} messages: call to success"),
            &total,
            "µs",
        ));
        worst = worst.max(total.median());
    }
    report.add(Row::samples("4 KiB append + fdatasync", &flush, "µs"));
    report.add(Row::samples("keep-alive round trip", &trip, "µs"));
    let floor = 2.0 * flush.median() + trip.median() + ALLOWANCE;
    let row = Row::value(format!("{name}: slowest of these medians"), worst, "µs")
        .over("two flushes + round trip + 100 µs", floor);
    // A database is a third process, with round trips of its own.
    report.add(match engine {
        Engine::Embedded => row.goal(Goal::AtMost(2.0)),
        Engine::Postgres(_) => row,
    });
    Ok(())
}

/// One request that costs the server nothing, by the HTTP client that the library uses.
pub fn round_trip(line: &ureq::Agent, url: &str) -> Result<Duration> {
    let start = Instant::now();
    let answer = line.post(format!("{url}/v4/bench/nothing")).send("{}")?;
    let _ = answer.into_body().read_to_string()?;
    Ok(start.elapsed())
}
