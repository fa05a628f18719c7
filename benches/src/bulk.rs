//! Bringing much in: the server's import, and the pull into the sealed store.

use std::time::Instant;

use anyhow::Result;

use crate::adieu::{Client, ServerAccess};
use crate::engine::{Engine, Run};
use crate::report::{Goal, Report, Row};
use crate::server::{Server, import_into, memory, user_sig, write_log};

/// Runs the section.
pub fn run(report: &mut Report, run: &Run) -> Result<()> {
    let count = run.scaled(50_000, 200_000);
    on(&Engine::Embedded, report, count)?;
    match run.postgres_in_full(report) {
        Some(postgres) => on(&postgres, report, count),
        None => Ok(()),
    }
}

/// The goals were set for the embedded engine.
fn judged(engine: &Engine, row: Row, goal: Goal) -> Row {
    match engine {
        Engine::Embedded => row.goal(goal),
        Engine::Postgres(_) => row,
    }
}

fn on(engine: &Engine, report: &mut Report, count: usize) -> Result<()> {
    let named = |what: &str| format!("{}: {what}", engine.name());
    let folder = tempfile::tempdir_in(".")?;
    let log = folder.path().join("log.jsonl");
    write_log(&log, "group_g", "alice", count)?;
    let store = engine.store(folder.path());
    let imported = import_into(folder.path(), &store, &log)?;
    let rate = imported.messages / imported.seconds;
    report.add(judged(
        engine,
        Row::value(named("import into the server"), rate, "messages/s"),
        Goal::AtLeast(100_000.0),
    ));
    let peak = imported.peak_kib / 1024.0;
    report.add(judged(
        engine,
        Row::value(named("memory of the server while it imports"), peak, "MiB"),
        Goal::AtMost(200.0),
    ));

    let server = Server::start_on(folder.path(), &store, &[])?;
    let user_sig = user_sig(folder.path(), "alice")?;
    let device = tempfile::tempdir_in(".")?;
    let access = ServerAccess {
        url: &server.url,
        user_sig: &user_sig,
    };
    let before = memory(std::process::id(), "VmRSS")?;
    let client = Client::open(device.path(), "alice", Some(&access))?;
    let start = Instant::now();
    client.pull()?;
    let rate = count as f64 / start.elapsed().as_secs_f64();
    report.add(judged(
        engine,
        Row::value(named("pull into the sealed store"), rate, "messages/s"),
        Goal::AtLeast(50_000.0),
    ));
    let after = memory(std::process::id(), "VmRSS")?;
    let added = (after - before) / 1024.0;
    report.add(judged(
        engine,
        Row::value(
            named("memory that the pull adds to the client"),
            added,
            "MiB",
        ),
        Goal::AtMost(50.0),
    ));
    report.figure(
        &named("memory of the server after the pull"),
        server.memory()? / 1024.0,
        "MiB",
    );
    drop(client);
    let start = Instant::now();
    let client = Client::open(device.path(), "alice", Some(&access))?;
    report.figure(
        &named("open of the client's store"),
        start.elapsed().as_secs_f64() * 1e3,
        "ms",
    );
    drop(client);
    Ok(())
}
