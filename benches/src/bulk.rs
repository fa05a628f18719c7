//! Bringing much in: the server's import, and the pull into the sealed store.

use std::time::Instant;

use anyhow::Result;

use crate::adieu::{Client, ServerAccess};
use crate::report::Report;
use crate::server::{Server, import, memory, user_sig, write_log};

/// Runs the section.
pub fn run(report: &mut Report, quick: bool) -> Result<()> {
    let count = if quick { 50_000 } else { 200_000 };
    let folder = tempfile::tempdir_in(".")?;
    let log = folder.path().join("log.jsonl");
    write_log(&log, "group_g", "alice", count)?;
    let imported = import(folder.path(), &log)?;
    report.at_least(
        "import into the server",
        imported.messages / imported.seconds,
        "messages/s",
        100_000.0,
    );
    report.judged(
        "memory of the server while it imports",
        imported.peak_kib / 1024.0,
        "MiB",
        200.0,
    );

    let server = Server::start(folder.path())?;
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
    report.at_least("pull into the sealed store", rate, "messages/s", 50_000.0);
    let after = memory(std::process::id(), "VmRSS")?;
    report.judged(
        "memory of a client that has just pulled 200,000",
        (after - before) / 1024.0,
        "MiB",
        50.0,
    );
    report.figure(
        "memory of the server after the pull",
        server.memory()? / 1024.0,
        "MiB",
    );
    drop(client);
    let start = Instant::now();
    let client = Client::open(device.path(), "alice", Some(&access))?;
    report.figure(
        "open of that store",
        start.elapsed().as_secs_f64() * 1e3,
        "ms",
    );
    drop(client);
    Ok(())
}
