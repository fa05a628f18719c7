//! Ten thousand conversations at once: from the first of the batch calls to the flush after which
//! all are hidden and unrecoverable, against a `DELETE` for each in a plain store.

use std::ffi::{CStr, CString};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Result;
use rusqlite::{Connection, params};

use crate::adieu::{Calls, Client, messages, texts};
use crate::engine::Run;
use crate::report::{Goal, Report, Row};
use crate::statistics::Samples;

/// Messages in each.
const MESSAGES: usize = 20;
/// Conversations in one call.
pub const TOGETHER: usize = 100;

/// Runs the section.
pub fn run(report: &mut Report, run: &Run) -> Result<()> {
    let (count, rounds) = if run.quick { (2_000, 1) } else { (10_000, 2) };
    let (mut plain, mut erased, mut told) =
        (Samples::default(), Samples::default(), Samples::default());
    for round in 0..rounds {
        // The floor takes many seconds: once in each round is enough for it.
        if round == 0 {
            plain.push(one_by_one(count, run)?);
        }
        let times = all_at_once(count, run)?;
        erased.push(times.erased);
        told.push(times.told);
    }
    let (plain, erased, told) = (plain.times(1e-3), erased.times(1e-3), told.times(1e-3));
    let floor = "a plain DELETE for each, committed and flushed";
    report.add(
        Row::samples(
            format!("{count} conversations, first call to last flush"),
            &erased,
            "ms",
        )
        .under(floor, plain.median())
        .goal(Goal::AtLeast(100.0))
        .why_missed(
            "the batch costs processor time for each conversation, the plain store a flush: \
             the quicker the disk's flush, the nearer they are",
        ),
    );
    report.add(
        Row::samples("the same, to the last callback", &told, "ms").under(floor, plain.median()),
    );
    Ok(())
}

/// The ids of the conversations.
pub fn names(count: usize) -> Result<Vec<CString>> {
    (0..count)
        .map(|index| Ok(CString::new(format!("c2c_user{index}"))?))
        .collect()
}

/// Fills every conversation with a few messages.
pub fn fill_all(client: &Client, names: &[CString], size: usize) -> Result<()> {
    let (senders, bodies) = texts()?;
    let calls = Calls::default();
    // Some at a time, so that the worker has always something to do.
    for some in names.chunks(1_000) {
        for (index, name) in some.iter().enumerate() {
            let mut rows = messages(1, &senders, &bodies, size);
            rows.rotate_left(index % size);
            client.begin_save(name, &rows, &calls)?;
        }
        for _ in some {
            calls.next()?;
        }
    }
    Ok(())
}

struct Times {
    erased: Duration,
    told: Duration,
}

fn all_at_once(count: usize, run: &Run) -> Result<Times> {
    let folder = tempfile::tempdir_in(".")?;
    let client = Client::open(folder.path(), "alice", None)?;
    let names = names(count)?;
    fill_all(&client, &names, MESSAGES)?;
    rest(run)?;
    let pointers: Vec<_> = names.iter().map(|name| name.as_ptr()).collect();
    let mut ids = vec![[0; 16]; count];
    let mut begun = Vec::with_capacity(count / TOGETHER);
    let calls = Calls::default();
    let start = Instant::now();
    for (names, ids) in pointers.chunks(TOGETHER).zip(ids.chunks_mut(TOGETHER)) {
        begun.push(start.elapsed());
        client.delete_many(names, ids, &calls)?;
    }
    let mut told = start;
    for _ in &begun {
        told = told.max(calls.next()?.at);
    }
    // A receipt counts from its call. The newest are kept, and the last of all is among them.
    let mut erased = Duration::ZERO;
    for (ids, begun) in ids.chunks(TOGETHER).zip(&begun) {
        for id in ids {
            if let Ok(receipt) = client.receipt(id) {
                erased = erased.max(*begun + Duration::from_nanos(receipt.total_ns));
            }
        }
    }
    anyhow::ensure!(
        client
            .receipt(ids.last().unwrap_or(&[0; 16]))
            .is_ok_and(|receipt| receipt.cut_off == MESSAGES as u64),
        "the last deletion has no receipt"
    );
    Ok(Times {
        erased,
        told: told - start,
    })
}

/// The same rows in a plain table with an index, in the same order, deleted in that order.
fn one_by_one(count: usize, run: &Run) -> Result<Duration> {
    let folder = tempfile::tempdir_in(".")?;
    let mut db = plain_store(folder.path(), &names(count)?)?;
    rest(run)?;
    let names = names(count)?;
    let names: Vec<_> = names
        .iter()
        .map(|name| name.to_str())
        .collect::<Result<_, _>>()?;
    let start = Instant::now();
    for name in names {
        let tx = db.transaction()?;
        let deleted = tx
            .prepare_cached("DELETE FROM messages WHERE conversation = ?")?
            .execute([name])?;
        tx.commit()?;
        anyhow::ensure!(deleted == MESSAGES, "{deleted} rows of {name}");
    }
    Ok(start.elapsed())
}

fn plain_store(folder: &Path, names: &[CString]) -> Result<Connection> {
    let mut db = Connection::open(folder.join("plain.db"))?;
    db.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
         CREATE TABLE messages(conversation TEXT, position INTEGER, time INTEGER, sender TEXT, body TEXT);
         CREATE INDEX by_conversation ON messages(conversation, position);",
    )?;
    let (senders, bodies) = texts()?;
    let text = |texts: &[CString], at: u64| -> Result<String> {
        let text: &CStr = &texts[at as usize % texts.len()];
        Ok(text.to_str()?.to_owned())
    };
    let tx = db.transaction()?;
    for name in names {
        for position in 1..=MESSAGES as u64 {
            tx.prepare_cached("INSERT INTO messages VALUES(?, ?, ?, ?, ?)")?
                .execute(params![
                    name.to_str()?,
                    position as i64,
                    1_700_000_000 + position as i64,
                    text(&senders, position)?,
                    text(&bodies, position)?
                ])?;
        }
    }
    tx.commit()?;
    db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
    Ok(db)
}

/// What the preparation wrote is moved and flushed before anything is measured.
pub fn rest(run: &Run) -> Result<()> {
    std::thread::sleep(Duration::from_millis(run.scaled(500, 1_500)));
    crate::floor::sync_all()
}
