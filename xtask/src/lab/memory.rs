//! What a process still holds after a deletion and a close, and what becomes of one that the system
//! gives no memory, files or threads.

use std::{process::Command, time::Duration};

use anyhow::{Context, Result, ensure};

use super::{Bench, instrument::Kit, said};
use crate::{captured::Captured, machine::Need, tally::Tally, workspace::Workspace};

/// What the command needs.
pub const NEEDS: &[Need] = &[super::need("cc", "gcc")];

/// A program looks through its own memory for what it deleted.
pub fn check(workspace: &Workspace, captured: &mut Captured) -> Result<Tally> {
    let mut bench = Bench::new(captured, true);
    workspace.build_release()?;
    let kit = Kit::plain(workspace, &workspace.release())?;
    let program = kit.compile(&["lab/memory.c"], bench.captured)?;
    // Nobody answers there.
    for (what, url) in [
        ("without a server", None),
        ("with one", Some("http://127.0.0.1:1")),
    ] {
        bench.check(&format!("memory after a deletion {what}"), |captured| {
            let store = tempfile::tempdir().context("cannot make a temporary folder")?;
            let mut command = Command::new(&program);
            command.arg(store.path()).args(url);
            let (succeeded, text) = said(captured, &mut command, Duration::ZERO)?;
            eprint!("{text}");
            ensure!(succeeded, "something is left");
            Ok(())
        })?;
    }
    Ok(bench.tally)
}

/// A process is refused its nth allocation, its nth thread and its last files, and a second one
/// looks at what it left.
pub fn scarce(workspace: &Workspace, step: u64, captured: &mut Captured) -> Result<Tally> {
    let mut bench = Bench::new(captured, true);
    workspace.build_release()?;
    let kit = Kit::plain(workspace, &workspace.release())?;
    let program = kit.compile(&["lab/scarce.c"], bench.captured)?;
    let step = step.to_string();
    for [kind, first, last, step] in [
        ["threads", "1", "100", "1"],
        ["files", "0", "30", "1"],
        ["memory", "1", "1000000", &step],
    ] {
        bench.check(&format!("without {kind}"), |captured| {
            let place = tempfile::tempdir().context("cannot make a temporary folder")?;
            let mut command = Command::new(&program);
            command.args([kind, first, last, step]).arg(place.path());
            let (succeeded, text) = said(captured, &mut command, Duration::ZERO)?;
            eprint!("{text}");
            ensure!(succeeded, "something did not hold");
            Ok(())
        })?;
    }
    Ok(bench.tally)
}
