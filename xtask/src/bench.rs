//! `cargo xtask bench`: builds what is measured as it is shipped, and measures it.

use std::{
    env, fs,
    path::PathBuf,
    process::{Command, Stdio},
};

use anyhow::{Context, Result, ensure};

use crate::{children::Running, machine::Need, workspace::Workspace};

/// The other engine of the server.
const POSTGRES: Need = Need {
    program: "pg_ctlcluster",
    package: "postgresql",
};

/// What is wanted of a run.
pub struct Wanted {
    /// Smaller and fewer.
    pub quick: bool,
    /// JSON on standard output.
    pub json: bool,
    /// Where the files go.
    pub out: Option<PathBuf>,
    /// Which sections; all where none is named.
    pub sections: Vec<String>,
}

/// Builds the benchmark and runs it; says whether all sections went well. It builds the rest by
/// itself. A goal that is missed is a result, not a failure.
pub fn run(wanted: &Wanted) -> Result<bool> {
    let workspace = Workspace::find()?;
    let out = match &wanted.out {
        Some(folder) => env::current_dir()
            .context("cannot tell the current folder")?
            .join(folder),
        None => workspace.target.join("bench"),
    };
    eprintln!("building the benchmark");
    let mut cargo = workspace.cargo(&["build", "--quiet", "--release", "--package=adieu-bench"]);
    // The build's words go to standard error: standard output belongs to the result.
    let built = Running::start(cargo.stdout(Stdio::null()))?
        .wait()
        .context("cannot wait for cargo")?;
    ensure!(built.success(), "the benchmark does not build");
    // The stores that are measured lie on the disk of cargo's target folder.
    let disk = workspace.scratch("bench");
    fs::create_dir_all(&disk)
        .with_context(|| format!("cannot make the folder {}", disk.display()))?;
    let mut bench = Command::new(workspace.release().join("adieu-bench"));
    bench.current_dir(disk).arg("--out").arg(&out);
    if wanted.quick {
        bench.arg("--quick");
    }
    if wanted.json {
        bench.arg("--json");
    }
    if let Err(reason) = POSTGRES.meet() {
        bench.args(["--no-postgres", &reason]);
    }
    let ended = Running::start(bench.args(&wanted.sections))?
        .wait()
        .context("cannot wait for the benchmark")?;
    Ok(ended.success())
}
