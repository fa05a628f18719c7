//! The purge of a million dead messages: how fast it is, how long an insert waits for it, and how
//! small the file gets.

use std::ffi::{CString, OsStr};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rusqlite::{Connection, OpenFlags};

use crate::adieu::{Calls, Client, fill, messages, texts};
use crate::engine::Run;
use crate::report::{Goal, Report, Row};
use crate::statistics::Samples;

/// The verb under which this program watches a database, in a process of its own.
pub const WATCH: &str = "watch-the-purge";

/// Quiet between two inserts.
const PAUSE: Duration = Duration::from_micros(500);

const QUIET: &str = "insert while nothing is purged";

/// Runs the section.
pub fn run(report: &mut Report, run: &Run) -> Result<()> {
    let (small, large) = if run.quick {
        (50, 50_000)
    } else {
        (500, 500_000)
    };
    // The last checkpoint comes after a quiet second.
    let rest = Duration::from_secs(2);
    let dead = (small * 1_000 + large) as f64;
    let purged = |what: &str, purged: &Purged| {
        let rate = dead / purged.took.as_secs_f64();
        Row::value(format!("{what}: purged"), rate, "messages/s").goal(Goal::AtLeast(300_000.0))
    };
    let beside = purge(small, large, true, rest)?;
    let mut size = beside.size;
    if !run.quick {
        let alone = purge(small, large, false, rest)?;
        size = size.max(alone.size);
        report.add(purged("nobody waits", &alone));
        report.figure(
            "nobody waits: largest write-ahead log",
            alone.log / 1e6,
            "MB",
        );
    }
    report.add(purged("beside inserts", &beside));
    report.figure(
        "beside inserts: largest write-ahead log",
        beside.log / 1e6,
        "MB",
    );
    let (quiet, purging) = (&beside.quiet, &beside.purging);
    report.add(Row::samples(QUIET, quiet, "µs"));
    report.add(Row::samples("insert while purging", purging, "µs"));
    let more = purging.quantile(0.99) - quiet.quantile(0.99);
    report.add(
        Row::value("more at the 99th percentile", more, "µs")
            .goal(Goal::AtMost(1_000.0))
            .why_missed("an insert may come while one step of the purge is being flushed"),
    );
    report.add(
        Row::value("slowest insert while purging", purging.quantile(1.0), "µs")
            .goal(Goal::NeverAbove(5_000.0)),
    );
    report.add(
        Row::value("file afterwards by a VACUUMed copy", size, "").goal(Goal::NeverAbove(1.15)),
    );
    Ok(())
}

struct Purged {
    took: Duration,
    size: f64,
    log: f64,
    quiet: Samples,
    purging: Samples,
}

fn purge(small: usize, large: usize, inserting: bool, rest: Duration) -> Result<Purged> {
    let folder = tempfile::tempdir_in(".")?;
    let database = folder.path().join("store.db");
    let client = Client::open(folder.path(), "alice", None)?;
    let names: Vec<_> = (0..small)
        .map(|index| CString::new(format!("c2c_user{index}")))
        .collect::<Result<_, _>>()?;
    fill_interleaved(&client, &names)?;
    fill(&client, c"c2c_other", 50_000)?;
    fill(&client, c"group_large", large)?;
    std::thread::sleep(rest);
    crate::floor::sync_all()?;
    let mut inserter = Inserter::new(&client)?;
    let quiet = if inserting {
        inserter.run(Some(4_000), || Ok(false))?
    } else {
        Samples::default()
    };
    std::thread::sleep(rest);
    crate::floor::sync_all()?;

    let mut watcher = Watcher::start(&database)?;
    let calls = Calls::default();
    let start = Instant::now();
    client.delete(c"group_large", &mut [0; 16], &calls)?;
    for name in &names {
        client.delete(name, &mut [0; 16], &calls)?;
    }
    for _ in 0..=names.len() {
        calls.next()?;
    }
    let mut log = 0.0;
    let mut is_done = || {
        let length = std::fs::metadata(folder.path().join("store.db-wal"))?.len() as f64;
        log = f64::max(log, length);
        watcher.is_done()
    };
    let purging = if inserting {
        inserter.run(None, is_done)?
    } else {
        while !is_done()? {
            std::thread::sleep(Duration::from_millis(1));
        }
        Samples::default()
    };
    let took = start.elapsed();
    // The last checkpoint comes when it has been quiet for a while.
    std::thread::sleep(rest);
    let length = std::fs::metadata(&database)?.len() as f64;
    drop(client);
    let copy = folder.path().join("copy.db");
    let db = Connection::open(&database)?;
    db.execute("VACUUM INTO ?", [copy.to_str().context("path")?])?;
    let dead: i64 = db.query_row("SELECT count(*) FROM messages", [], |row| row.get(0))?;
    anyhow::ensure!((50_000..100_000).contains(&dead), "{dead} rows are left");
    let size = length / std::fs::metadata(&copy)?.len() as f64;
    Ok(Purged {
        took,
        size,
        log,
        quiet,
        purging,
    })
}

/// Conversations of a thousand messages that came mixed with each other.
fn fill_interleaved(client: &Client, names: &[CString]) -> Result<()> {
    let (senders, bodies) = texts()?;
    let calls = Calls::default();
    for first in (1..=1_000).step_by(50) {
        for name in names {
            client.begin_save(name, &messages(first, &senders, &bodies, 50), &calls)?;
        }
        for _ in names {
            calls.next()?;
        }
    }
    Ok(())
}

/// Saves one message after the other, and tells how long each took from call to callback.
struct Inserter<'a> {
    client: &'a Client,
    position: u64,
}

impl<'a> Inserter<'a> {
    fn new(client: &'a Client) -> Result<Self> {
        Ok(Self {
            client,
            position: 50_001,
        })
    }

    fn run(
        &mut self,
        most: Option<usize>,
        mut done: impl FnMut() -> Result<bool>,
    ) -> Result<Samples> {
        let (senders, bodies) = texts()?;
        let mut samples = Samples::default();
        let calls = Calls::default();
        while most.is_none_or(|most| samples.count() < most) && !done()? {
            let row = messages(self.position, &senders, &bodies, 1);
            self.position += 1;
            let start = Instant::now();
            self.client.begin_save(c"c2c_other", &row, &calls)?;
            samples.push(calls.next()?.at - start);
            std::thread::sleep(PAUSE);
        }
        Ok(samples)
    }
}

/// A process of its own that looks into the database: two SQLite libraries in one process would
/// undo each other's locks.
struct Watcher {
    child: Child,
    done: std::sync::mpsc::Receiver<()>,
}

impl Watcher {
    fn start(database: &Path) -> Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .arg(OsStr::new(WATCH))
            .arg(database)
            .stdout(Stdio::piped())
            .spawn()?;
        let mut lines = BufReader::new(child.stdout.take().context("no output")?).lines();
        lines.next().context("the watcher did not start")??;
        let (sender, done) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            if let Some(Ok(_)) = lines.next() {
                let _ = sender.send(());
            }
        });
        Ok(Self { child, done })
    }

    fn is_done(&mut self) -> Result<bool> {
        use std::sync::mpsc::TryRecvError;
        match self.done.try_recv() {
            Ok(()) => Ok(true),
            Err(TryRecvError::Empty) => Ok(false),
            Err(TryRecvError::Disconnected) => bail!("the watcher died"),
        }
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Says when the dead messages that come are gone, and the pages that they had as well.
pub fn watch(database: &Path) -> Result<()> {
    let db = Connection::open_with_flags(database, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    db.busy_timeout(Duration::from_secs(5))?;
    let dead =
        || -> Result<i64> { Ok(db.query_row("SELECT count(*) FROM dead", [], |row| row.get(0))?) };
    println!("watching");
    while dead()? == 0 {
        std::thread::sleep(Duration::from_millis(1));
    }
    loop {
        let free: i64 = db.pragma_query_value(None, "freelist_count", |row| row.get(0))?;
        if dead()? == 0 && free == 0 {
            println!("gone");
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}
