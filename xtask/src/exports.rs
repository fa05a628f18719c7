//! What the shared library shows to a linker.

use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::{captured::Captured, header::Header, tally::Tally, workspace::Workspace};

/// Only the functions of the header, under the promised name, never to be unloaded.
pub fn check(workspace: &Workspace, captured: &mut Captured) -> Result<Tally> {
    let library = workspace.release().join("libadieu.so");
    let output = |program: &str, arguments: &[&str]| -> Result<String> {
        let output = Command::new(program)
            .args(arguments)
            .arg(&library)
            .output()
            .with_context(|| format!("cannot run {program}"))?;
        ensure!(output.status.success(), "{program} failed");
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let symbols = output("nm", &["--dynamic", "--defined-only", "--format=posix"])?;
    let mut exported: Vec<String> = symbols
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        // A version may follow the name.
        .filter_map(|name| name.split('@').next().map(str::to_owned))
        .collect();
    exported.sort_unstable();
    let declared = Header::read(workspace)?.functions();
    let dynamic = output("readelf", &["--dynamic", "--wide"])?;

    let mut tally = Tally::default();
    let mut expect = |holds: bool, what: &str| -> Result<()> {
        tally.check(holds);
        if holds { Ok(()) } else { captured.note(what) }
    };
    expect(
        !declared.is_empty() && exported == declared,
        &format!("exported: {exported:?}\ndeclared: {declared:?}"),
    )?;
    expect(
        dynamic.contains("Library soname: [libadieu.so.0]"),
        "the SONAME is not libadieu.so.0",
    )?;
    expect(
        dynamic
            .lines()
            .any(|line| line.contains("FLAGS_1") && line.contains("NODELETE")),
        "the library may be unloaded",
    )?;
    Ok(tally)
}
