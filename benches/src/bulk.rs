//! Bringing much in: the server's import, and the pull into the sealed store.

use std::time::Instant;

use anyhow::Result;

use crate::adieu::{Client, ServerAccess};
use crate::report::{Goal, Report, Row};
use crate::server::{Server, import, memory, user_sig, write_log};

/// Runs the section.
pub fn run(report: &mut Report, quick: bool) -> Result<()> {
    let count = if quick { 50_000 } else { 200_000 };
    let folder = tempfile::tempdir_in(".")?;
    let log = folder.path().join("log.jsonl");
    write_log(&log, "group_g", "alice", count)?;
    let imported = import(folder.path(), &log)?;
    let rate = imported.messages / imported.seconds;
    report.add(
        Row::value("import into the server", rate, "messages/s").goal(Goal::AtLeast(100_000.0)),
    );
    let peak = imported.peak_kib / 1024.0;
    report.add(
        Row::value("memory of the server while it imports", peak, "MiB").goal(Goal::AtMost(200.0)),
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
    report.add(
        Row::value("pull into the sealed store", rate, "messages/s").goal(Goal::AtLeast(50_000.0)),
    );
    let after = memory(std::process::id(), "VmRSS")?;
    let added = (after - before) / 1024.0;
    report.add(
        Row::value("memory that the pull adds to the client", added, "MiB")
            .goal(Goal::AtMost(50.0)),
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
