//! The same conversations, in the same order of arrival, on the same disk: in adieu through its C
//! interface, in SQLite as chat apps lay them out, and in the store of a chat SDK. One pair and one
//! group are deleted; told is when that is on the disk, what can still be read in the files, and how
//! large they are.
//!
//! `side-by-side LIBRARY LOGS [--quick]` prints one JSON object a line: a figure, a store that failed,
//! or that there are no logs; `cargo xtask bench
//! side-by-side` runs it and adds its figures to the others.

#[allow(
    dead_code,
    unused_imports,
    reason = "shared with the benchmark, which uses all of it"
)]
#[path = "../../src/adieu.rs"]
mod adieu;
#[allow(dead_code, reason = "as above")]
#[path = "../../src/library.rs"]
mod library;
#[allow(dead_code, reason = "as above")]
#[path = "../../src/listener.rs"]
mod listener;
mod log;
#[cfg(feature = "matrix")]
mod matrix;
mod search;
mod sqlite;
mod with_adieu;

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde_json::json;

use crate::log::Log;
use crate::search::Search;
use crate::sqlite::{Layout, Sqlite};
use crate::with_adieu::Adieu;

/// Messages that arrive together, and are saved with one flush.
pub const TOGETHER: usize = 1_000;
/// Messages of a quick run.
const QUICK: usize = 40_000;

/// Where messages are kept.
pub trait Store {
    /// Saves all, in their order.
    fn save(&mut self, log: &Log) -> Result<()>;
    /// Comes to rest: nothing of the saving is left to do.
    fn rest(&mut self) -> Result<()>;
    /// Returns when the deletion of a conversation is on the disk.
    fn delete(&mut self, conversation: usize) -> Result<()>;
    /// Messages of a deleted conversation that the store still gives, where it can be asked so.
    fn still_given(&mut self, _conversation: usize) -> Result<Option<usize>> {
        Ok(None)
    }
}

type Make = fn(&Path) -> Result<Box<dyn Store>>;

const STORES: &[(&str, Make)] = &[
    ("adieu", |folder| Ok(Box::new(Adieu::open(folder)?))),
    ("SQLite, DELETE", |folder| {
        sqlite(folder, Layout::Rowid, false)
    }),
    ("SQLite, clustered, DELETE", |folder| {
        sqlite(folder, Layout::Clustered, false)
    }),
    ("SQLite, secure_delete", |folder| {
        sqlite(folder, Layout::Rowid, true)
    }),
    ("SQLite, clustered, secure_delete", |folder| {
        sqlite(folder, Layout::Clustered, true)
    }),
    ("SQLite, DROP TABLE", |folder| {
        sqlite(folder, Layout::TableEach, false)
    }),
    #[cfg(feature = "matrix")]
    ("matrix-sdk-sqlite", |folder| {
        Ok(Box::new(matrix::Matrix::open(folder, None)?))
    }),
    #[cfg(feature = "matrix")]
    ("matrix-sdk-sqlite, passphrase", |folder| {
        let passphrase = Some("a passphrase of the benchmark");
        Ok(Box::new(matrix::Matrix::open(folder, passphrase)?))
    }),
];

fn sqlite(folder: &Path, layout: Layout, secure: bool) -> Result<Box<dyn Store>> {
    Ok(Box::new(Sqlite::open(folder, layout, secure)?))
}

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let library = arguments.next().context("LIBRARY LOGS [--quick]")?;
    let logs = arguments.next().context("LIBRARY LOGS [--quick]")?;
    let most = match arguments.next().as_deref() {
        Some("--quick") => QUICK,
        _ => usize::MAX,
    };
    library::load_from(library.into());
    let Some(log) = Log::read(Path::new(&logs), most)? else {
        println!("{}", json!({ "without_logs": true }));
        return Ok(());
    };
    let search = Search::new(&log)?;
    for (name, make) in STORES {
        let folder = tempfile::tempdir_in(".")?;
        // One that fails says so, and the next one has its turn.
        if let Err(error) = measure(name, *make, folder.path(), &log, &search) {
            println!(
                "{}",
                json!({ "store": name, "failed": format!("{error:#}") })
            );
        }
    }
    Ok(())
}

fn measure(name: &str, make: Make, folder: &Path, log: &Log, search: &Search) -> Result<()> {
    let say = |what: &str, value: f64, unit: &str| {
        let row = json!({ "store": name, "what": what, "value": value, "unit": unit });
        println!("{row}");
    };
    let mut store = make(folder)?;
    let begun = Instant::now();
    store.save(log)?;
    let rate = log.messages.len() as f64 / begun.elapsed().as_secs_f64();
    say("saved", rate, "messages/s");
    let milliseconds = |store: &mut Box<dyn Store>, conversation| -> Result<f64> {
        store.rest()?;
        std::process::Command::new("sync").status()?;
        // Whatever the disk still does with it.
        std::thread::sleep(Duration::from_millis(200));
        let begun = Instant::now();
        store.delete(conversation)?;
        Ok(begun.elapsed().as_secs_f64() * 1e3)
    };
    let pair = milliseconds(&mut store, log.pair)?;
    say("until a pair is gone", pair, "ms");
    let group = milliseconds(&mut store, log.group)?;
    say("until it is gone", group, "ms");
    let found = search.share_found_in(folder)?;
    say("texts in the files at once", found * 100.0, "%");
    // Which is more than apps do: they leave the log to itself.
    store.rest()?;
    let found = search.share_found_in(folder)?;
    say("texts still in the files", found * 100.0, "%");
    say("files afterwards", files_size(folder)? / 1e6, "MB");
    if let Some(given) = store.still_given(log.group)? {
        say(
            "messages of it that the store still gives",
            given as f64,
            "",
        );
    }
    Ok(())
}

/// Bytes of all files of a folder.
pub fn files_size(folder: &Path) -> Result<f64> {
    let mut bytes = 0;
    for file in folder.read_dir()? {
        bytes += file?.metadata()?.len();
    }
    Ok(bytes as f64)
}
