//! The price of sealing: the library against itself, built to keep its records in plain text.

use std::time::Instant;

use anyhow::Result;
use rusqlite::Connection;

use crate::adieu::{Build, Client, messages, texts};
use crate::engine::Run;
use crate::report::{Goal, Report, Row};
use crate::statistics::Samples;

const BATCH: usize = 1_000;

/// Runs the section.
pub fn run(report: &mut Report, run: &Run) -> Result<()> {
    let (rounds, batches) = if run.quick { (1, 30) } else { (3, 200) };
    let mut stores = [Measured::default(), Measured::default()];
    for _ in 0..rounds {
        let folders = [tempfile::tempdir_in(".")?, tempfile::tempdir_in(".")?];
        let clients = [
            Client::open_build(Build::Sealed, folders[0].path(), "alice", None)?,
            Client::open_build(Build::Plain, folders[1].path(), "alice", None)?,
        ];
        let (senders, bodies) = texts()?;
        for batch in 0..batches {
            let given = messages((batch * BATCH) as u64 + 1, &senders, &bodies, BATCH);
            for (client, measured) in clients.iter().zip(&mut stores) {
                let start = Instant::now();
                client.save(c"c2c_target", &given)?;
                measured.insert.push(start.elapsed());
            }
        }
        let count = batches * BATCH;
        for page in 0..400 {
            let before = (count - (page * 37) % (count - 100)) as u64;
            for (client, measured) in clients.iter().zip(&mut stores) {
                let start = Instant::now();
                client.history(c"c2c_target", before, 50)?;
                measured.page.push(start.elapsed());
            }
        }
        drop(clients);
        for (folder, measured) in folders.iter().zip(&mut stores) {
            Connection::open(folder.path().join("store.db"))?
                .execute_batch("PRAGMA wal_checkpoint(TRUNCATE)")?;
            measured.bytes = std::fs::metadata(folder.path().join("store.db"))?.len() as f64;
        }
    }
    let [sealed, plain] = &stores;
    let judged = |row: Row, plain: f64, limit: f64| {
        row.over("the same in plain text", plain)
            .goal(Goal::AtMost(limit))
    };
    report.add(judged(
        Row::samples(format!("insert of {BATCH}"), &sealed.insert, "µs"),
        plain.insert.median(),
        1.12,
    ));
    report.add(judged(
        Row::samples("page of 50", &sealed.page, "µs"),
        plain.page.median(),
        1.5,
    ));
    report.add(judged(
        Row::value(
            format!("{} messages on disk", batches * BATCH),
            sealed.bytes / 1e6,
            "MB",
        ),
        plain.bytes / 1e6,
        1.2,
    ));
    Ok(())
}

/// What one build costs.
#[derive(Default)]
struct Measured {
    insert: Samples,
    page: Samples,
    bytes: f64,
}
