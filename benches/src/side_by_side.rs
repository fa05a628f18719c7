//! adieu beside SQLite, as chat apps use it: a program of its own, whose figures join the others.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use crate::library::built;
use crate::report::{Goal, Report, Row};

/// Runs the section.
pub fn run(report: &mut Report, quick: bool) -> Result<()> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let target = built("adieu")?;
    let beside = target.with_file_name("side-by-side");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let built = Command::new(cargo)
        .args(["build", "--quiet", "--release", "--locked", "--target-dir"])
        .arg(&beside)
        .current_dir(here.join("side-by-side"))
        .status()?;
    ensure!(built.success(), "side-by-side does not build");
    let output = Command::new(beside.join("release/side-by-side"))
        .arg(target.join("libadieu.so"))
        .arg(here.join("../../shared/data"))
        .args(quick.then_some("--quick"))
        .stderr(Stdio::inherit())
        .output()
        .context("cannot run side-by-side")?;
    ensure!(output.status.success(), "side-by-side failed");
    for line in String::from_utf8(output.stdout)?.lines() {
        let found: Value = serde_json::from_str(line)?;
        let store = found["store"].as_str().context("no store")?;
        let what = found["what"].as_str().context("no name")?;
        let value = found["value"].as_f64().context("no value")?;
        let unit = match found["unit"].as_str() {
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
    }
    Ok(())
}
