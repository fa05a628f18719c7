//! The price of sealing: the library against itself, built to keep its records in plain text.

use std::time::Instant;

use anyhow::Result;
use rusqlite::Connection;

use crate::adieu::{Build, Client, messages, texts};
use crate::report::Report;
use crate::statistics::Samples;

const BATCH: usize = 1_000;

/// Runs the section.
pub fn run(report: &mut Report, quick: bool) -> Result<()> {
    let (rounds, batches) = if quick { (3, 30) } else { (9, 200) };
    let mut stores = [Measured::new(Build::Sealed), Measured::new(Build::Plain)];
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
    for measured in &stores {
        let name = if measured.which == Build::Sealed {
            "sealed"
        } else {
            "plain"
        };
        report.figure(
            &format!("insert of {BATCH}, {name}, median"),
            measured.insert.median(),
            "µs",
        );
        report.figure(
            &format!("page of 50, {name}, median"),
            measured.page.median(),
            "µs",
        );
        report.figure(
            &format!("{} messages on disk, {name}", batches * BATCH),
            measured.bytes / 1e6,
            "MB",
        );
    }
    report.judged(
        "insert, sealed / plain",
        sealed.insert.median() / plain.insert.median(),
        "x",
        1.12,
    );
    report.judged(
        "page, sealed / plain",
        sealed.page.median() / plain.page.median(),
        "x",
        1.5,
    );
    report.judged("size, sealed / plain", sealed.bytes / plain.bytes, "x", 1.2);
    Ok(())
}

/// What one build costs.
struct Measured {
    which: Build,
    insert: Samples,
    page: Samples,
    bytes: f64,
}

impl Measured {
    fn new(which: Build) -> Self {
        Self {
            which,
            insert: Samples::default(),
            page: Samples::default(),
            bytes: 0.0,
        }
    }
}
