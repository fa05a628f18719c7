//! adieu beside SQLite, as chat apps use it, and beside the store of a chat SDK: a program of its own,
//! whose figures join the others.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use crate::engine::Run;
use crate::library::built;
use crate::report::{Goal, Report, Row};

/// Runs the section.
pub fn run(report: &mut Report, run: &Run) -> Result<()> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (program, without) = build(run)?;
    if let Some(why) = without {
        report.left_out("matrix-sdk-sqlite", why);
    }
    let mut child = Command::new(program)
        .arg(built("adieu")?.join("libadieu.so"))
        .arg(here.join("../../shared/data"))
        .args(run.quick.then_some("--quick"))
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot run side-by-side")?;
    for line in BufReader::new(child.stdout.take().context("no output")?).lines() {
        take(report, &serde_json::from_str(&line?)?)?;
    }
    ensure!(child.wait()?.success(), "side-by-side failed");
    Ok(())
}

/// Builds the program; tells why one of the stores is not in it, where that is so.
pub fn build(run: &Run) -> Result<(PathBuf, Option<&'static str>)> {
    let folder = built("adieu")?.with_file_name("side-by-side");
    let program = folder.join("release/side-by-side");
    let cargo = |more: &[&str]| -> Result<bool> {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let status = Command::new(cargo)
            .args(["build", "--quiet", "--release", "--locked", "--target-dir"])
            .arg(&folder)
            .args(more)
            .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("side-by-side"))
            .status()?;
        Ok(status.success())
    };
    if !run.quick && cargo(&[])? {
        return Ok((program, None));
    }
    ensure!(
        cargo(&["--no-default-features"])?,
        "side-by-side does not build"
    );
    let why = run.scaled("in full runs only", "it does not build on this machine");
    Ok((program, Some(why)))
}

fn take(report: &mut Report, found: &Value) -> Result<()> {
    if found["without_logs"] == true {
        report.left_out("all of it", "the sample chat logs are not there");
        return Ok(());
    }
    let store = found["store"].as_str().context("no store")?;
    if let Some(why) = found["failed"].as_str() {
        report.failed(store, why);
        return Ok(());
    }
    let what = found["what"].as_str().context("no name")?;
    let value = found["value"].as_f64().context("no value")?;
    let unit = match found["unit"].as_str() {
        Some("") => "",
        Some("ms") => "ms",
        Some("%") => "%",
        Some("MB") => "MB",
        Some("messages/s") => "messages/s",
        other => bail!("side-by-side has a unit {other:?}"),
    };
    let row = Row::value(format!("{store}: {what}"), value, unit);
    // The others promise nothing.
    let promised = store == "adieu" && unit == "%";
    report.add(if promised {
        row.goal(Goal::NeverAbove(0.0))
    } else {
        row
    });
    Ok(())
}
