//! What the library is to a program that does nothing yet: a file, a load, an open, some memory.

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::adieu::Client;
use crate::engine::Run;
use crate::library::{Build, api, built, load_from};
use crate::report::{Goal, Report, Row};
use crate::server::memory;
use crate::statistics::Samples;

/// The verb under which this program loads the library and opens a store, in a process of its own.
pub const OPEN: &str = "load-and-open";

/// Runs the section.
pub fn run(report: &mut Report, run: &Run) -> Result<()> {
    let library = built("adieu")?.join("libadieu.so");
    let bytes = library.metadata()?.len() as f64;
    report.figure("libadieu.so of this build, stripped", bytes / 1e6, "MB");
    let [mut load, mut new, mut both, mut again, mut added] = [const { Samples::new() }; 5];
    for _ in 0..run.scaled(5, 15) {
        let folder = tempfile::tempdir_in(".")?;
        let first = opened(&library, folder.path())?;
        let second = opened(&library, folder.path())?;
        let of = |found: &Value, what: &str| found[what].as_f64().context("no such figure");
        load.push_value(of(&first, "load")?);
        new.push_value(of(&first, "open")?);
        both.push_value(of(&first, "load")? + of(&first, "open")?);
        again.push_value(of(&second, "open")?);
        added.push_value(of(&first, "memory")?);
    }
    report.add(Row::samples("load", &load, "ms"));
    report.add(Row::samples("open of a new store", &new, "ms"));
    report.add(Row::samples("load and open", &both, "ms").goal(Goal::AtMost(15.0)));
    report.add(Row::samples("open of one that is there", &again, "ms"));
    report.add(Row::samples("memory that both add", &added, "MiB"));
    Ok(())
}

fn opened(library: &Path, folder: &Path) -> Result<Value> {
    let done = Command::new(std::env::current_exe()?)
        .arg(OPEN)
        .args([library, folder])
        .output()?;
    ensure!(
        done.status.success(),
        "a process that opens a store failed: {}",
        String::from_utf8_lossy(&done.stderr)
    );
    Ok(serde_json::from_slice(&done.stdout)?)
}

/// Loads and opens, and says what that took.
pub fn open(library: &Path, folder: &Path) -> Result<()> {
    load_from(library.to_owned());
    let before = memory(std::process::id(), "VmRSS")?;
    let start = Instant::now();
    api(Build::Sealed)?;
    let load = start.elapsed().as_secs_f64() * 1e3;
    let start = Instant::now();
    let client = Client::open(folder, "alice", None)?;
    let open = start.elapsed().as_secs_f64() * 1e3;
    let after = memory(std::process::id(), "VmRSS")?;
    drop(client);
    let memory = (after - before) / 1024.0;
    println!(
        "{}",
        json!({ "load": load, "open": open, "memory": memory })
    );
    Ok(())
}
