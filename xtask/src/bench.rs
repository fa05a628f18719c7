//! `cargo xtask bench`: builds what is measured as it is shipped, and measures it.

use std::{
    env, fs,
    path::PathBuf,
    process::{Command, Stdio},
};

use anyhow::{Context, Result, ensure};

use crate::{children::Running, machine::Need, workspace::Workspace};

/// What the section `load` compares with.
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

impl Wanted {
    fn has(&self, section: &str) -> bool {
        self.sections.is_empty() || self.sections.iter().any(|name| name == section)
    }
}

/// Builds and runs; says whether that went well. A goal that is missed is a result, not a failure.
pub fn run(wanted: &Wanted) -> Result<bool> {
    let workspace = Workspace::find()?;
    let out = match &wanted.out {
        Some(folder) => env::current_dir()
            .context("cannot tell the current folder")?
            .join(folder),
        None => workspace.target.join("bench"),
    };
    build(&workspace, wanted)?;
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
    if wanted.has("load")
        && let Err(reason) = POSTGRES.meet()
    {
        eprintln!("skipped: load: {reason}");
        bench.args(["--without", "load"]);
    }
    let ended = Running::start(bench.args(&wanted.sections))?
        .wait()
        .context("cannot wait for the benchmark")?;
    Ok(ended.success())
}

/// One after the other: built together, packages have each other's features.
fn build(workspace: &Workspace, wanted: &Wanted) -> Result<()> {
    for package in ["adieu", "adieu-server", "adieu-bench"] {
        let mut cargo = workspace.cargo(&["build", "--quiet", "--release", "--package", package]);
        finish(package, &mut cargo)?;
    }
    if wanted.has("sealing") {
        let mut cargo = workspace.cargo(&["build", "--quiet", "--release", "--package=adieu"]);
        cargo
            .args(["--features=plaintext-for-benchmarks", "--target-dir"])
            .arg(workspace.target.join("plaintext"));
        finish("adieu in plain text", &mut cargo)?;
    }
    if wanted.has("side-by-side") {
        let mut cargo = workspace.cargo(&["build", "--quiet", "--release", "--locked"]);
        cargo
            .arg("--target-dir")
            .arg(workspace.target.join("side-by-side"))
            .current_dir(workspace.root.join("benches/side-by-side"));
        finish("side-by-side", &mut cargo)?;
    }
    Ok(())
}

fn finish(what: &str, cargo: &mut Command) -> Result<()> {
    eprintln!("building {what}");
    // The build's words go to standard error: standard output belongs to the result.
    let ended = Running::start(cargo.stdout(Stdio::null()))?
        .wait()
        .context("cannot wait for cargo")?;
    ensure!(ended.success(), "{what} does not build");
    Ok(())
}
