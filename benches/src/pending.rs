//! Opening a client with many deletions whose outcome is not known.

use std::net::TcpListener;
use std::time::Instant;

use anyhow::Result;

use crate::adieu::{Calls, Client, ServerAccess};
use crate::batch::{TOGETHER, fill_all, names};
use crate::engine::Run;
use crate::report::{Goal, Report, Row};
use crate::statistics::Samples;

/// Runs the section.
pub fn run(report: &mut Report, run: &Run) -> Result<()> {
    let (count, rounds) = if run.quick { (2_000, 5) } else { (10_000, 7) };
    // A server that takes every request and answers none.
    let silent = TcpListener::bind("127.0.0.1:0")?;
    let url = format!("http://{}", silent.local_addr()?);
    let access = ServerAccess {
        url: &url,
        user_sig: "none",
    };
    let folder = tempfile::tempdir_in(".")?;
    let client = Client::open(folder.path(), "alice", Some(&access))?;
    let names = names(count)?;
    fill_all(&client, &names, 1)?;
    let pointers: Vec<_> = names.iter().map(|name| name.as_ptr()).collect();
    let calls = Calls::default();
    for names in pointers.chunks(TOGETHER) {
        client.delete_many(names, &mut [[0; 16]; TOGETHER], &calls)?;
    }
    drop(client);
    for _ in pointers.chunks(TOGETHER) {
        calls.next_pending()?;
    }
    let (mut open, mut ready) = (Samples::default(), Samples::default());
    for _ in 0..rounds {
        let start = Instant::now();
        let client = Client::open(folder.path(), "alice", Some(&access))?;
        open.push(start.elapsed());
        // The worker takes the pending ones up before anything else.
        client.history(&names[0], 0, 1)?;
        ready.push(start.elapsed());
    }
    report.add(
        Row::samples(
            format!("open with {count} pending deletions"),
            &open.times(1e-3),
            "ms",
        )
        .goal(Goal::AtMost(200.0)),
    );
    report.add(Row::samples(
        "until its first call is answered",
        &ready.times(1e-3),
        "ms",
    ));
    Ok(())
}
