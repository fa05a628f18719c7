//! What another device of the user hears, with a server on loopback that sends deletions on.

use std::ffi::CString;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use crate::adieu::{Calls, Client, ServerAccess};
use crate::batch::TOGETHER;
use crate::engine::{Engine, Run};
use crate::floor::Disk;
use crate::listener::{Event, hears, up_to_date};
use crate::report::{Goal, Report, Row};
use crate::round_trip::round_trip;
use crate::server::{Server, import_into, user_sig};
use crate::statistics::Samples;

/// Round trips and flushes that the way to the other device may take, of each.
const ALLOWED: f64 = 3.0;
/// Messages in each.
const MESSAGES: usize = 12;
/// Quiet before each measurement, and after a deletion, while both sides purge.
const PAUSE: Duration = Duration::from_millis(100);

/// Runs the section.
pub fn run(report: &mut Report, run: &Run) -> Result<()> {
    let rounds = run.scaled(5, 15);
    at_once(&Engine::Embedded, report, rounds)?;
    after_a_year(report, run.scaled(1_000, 5_000))?;
    match run.postgres_in_full(report) {
        Some(postgres) => at_once(&postgres, report, rounds),
        None => Ok(()),
    }
}

/// A server whose user `alice` has so many conversations.
fn world(engine: &Engine, folder: &Path, conversations: usize) -> Result<(Server, String)> {
    let log = folder.join("log.jsonl");
    let mut file = std::io::BufWriter::new(std::fs::File::create(&log)?);
    for conversation in 0..conversations {
        for message in 0..MESSAGES {
            let line = serde_json::json!({
                "conversation": format!("c2c_alice:peer{conversation}"),
                "sender": format!("peer{conversation}"), "time": 1_700_000_000 + message,
                "text": format!("message {message}: the quick boat crosses the wide lake"),
            });
            writeln!(file, "{line}")?;
        }
    }
    file.flush()?;
    drop(file);
    let store = engine.store(folder);
    import_into(folder, &store, &log)?;
    let server = Server::start_on(folder, &store, &["--sync-deletions", "on"])?;
    Ok((server, user_sig(folder, "alice")?))
}

/// From the success on one device to the event on another that is connected.
fn at_once(engine: &Engine, report: &mut Report, rounds: usize) -> Result<()> {
    let name = engine.name();
    let folder = tempfile::tempdir_in(".")?;
    let (server, user_sig) = world(engine, folder.path(), rounds)?;
    let access = ServerAccess {
        url: &server.url,
        user_sig: &user_sig,
    };
    let (one, other) = (tempfile::tempdir_in(".")?, tempfile::tempdir_in(".")?);
    let (one, own) = Client::open_live(one.path(), "alice", &access)?;
    let (_other, events) = Client::open_live(other.path(), "alice", &access)?;
    up_to_date(&own)?;
    up_to_date(&events)?;
    let mut disk = Disk::new(folder.path())?;
    let line = ureq::Agent::new_with_defaults();
    round_trip(&line, &server.url)?;
    let [mut flush, mut trip, mut way, mut whole] = [const { Samples::new() }; 4];
    for round in 0..rounds {
        std::thread::sleep(PAUSE);
        flush.push(disk.append()?);
        std::thread::sleep(PAUSE);
        trip.push(round_trip(&line, &server.url)?);
        std::thread::sleep(PAUSE);
        let conversation = CString::new(format!("c2c_peer{round}"))?;
        let (mut id, calls) = ([0; 16], Calls::default());
        let start = Instant::now();
        one.delete(&conversation, &mut id, &calls)?;
        let told = calls.next()?.at;
        let (event, heard) = hears(&events)?;
        ensure!(event == Event::Deleted, "it heard {event:?}");
        let (earlier, later) = (told.min(heard), told.max(heard));
        let apart = (later - earlier).as_secs_f64() * 1e6;
        way.push_value(if heard < told { -apart } else { apart });
        whole.push(heard - start);
        std::thread::sleep(PAUSE);
    }
    report.add(Row::samples("4 KiB append + fdatasync", &flush, "µs"));
    report.add(Row::samples("keep-alive round trip", &trip, "µs"));
    report.add(
        Row::samples(
            format!("{name}: success on one device to the event on another"),
            &way,
            "µs",
        )
        .over("a flush and a round trip", flush.median() + trip.median())
        .goal(Goal::AtMost(ALLOWED)),
    );
    report.add(Row::samples(
        format!("{name}: call on one to the event on the other"),
        &whole,
        "µs",
    ));
    Ok(())
}

/// A device that was away while all its conversations were deleted.
fn after_a_year(report: &mut Report, away: usize) -> Result<()> {
    let folder = tempfile::tempdir_in(".")?;
    let (server, user_sig) = world(&Engine::Embedded, folder.path(), away)?;
    let access = ServerAccess {
        url: &server.url,
        user_sig: &user_sig,
    };
    let (one, other) = (tempfile::tempdir_in(".")?, tempfile::tempdir_in(".")?);
    let (client, events) = Client::open_live(other.path(), "alice", &access)?;
    up_to_date(&events)?;
    drop(client);
    let one = Client::open(one.path(), "alice", Some(&access))?;
    let names: Vec<_> = (0..away)
        .map(|peer| CString::new(format!("c2c_peer{peer}")))
        .collect::<Result<_, _>>()?;
    let pointers: Vec<_> = names.iter().map(|name| name.as_ptr()).collect();
    let calls = Calls::default();
    for names in pointers.chunks(TOGETHER) {
        one.delete_many(names, &mut [[0; 16]; TOGETHER], &calls)?;
    }
    for _ in pointers.chunks(TOGETHER) {
        calls.next()?;
    }
    drop(one);
    std::thread::sleep(PAUSE * 10);
    crate::floor::sync_all()?;
    let start = Instant::now();
    let (_back, events) = Client::open_live(other.path(), "alice", &access)?;
    let deleted = up_to_date(&events)?;
    let took = start.elapsed();
    ensure!(deleted == away, "it heard of {deleted} deletions");
    report.add(
        Row::value(
            format!("{away} deleted meanwhile: open to up to date"),
            took.as_secs_f64() * 1e3,
            "ms",
        )
        .goal(Goal::AtMost(2_000.0)),
    );
    Ok(())
}
