//! Where things are, and building them.

use std::{
    env,
    ffi::OsString,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use crate::children::Running;

/// The workspace and its target folder.
pub struct Workspace {
    /// The folder with the top Cargo.toml.
    pub root: PathBuf,
    /// Where cargo builds.
    pub target: PathBuf,
}

#[derive(Deserialize)]
struct Metadata {
    workspace_root: PathBuf,
    target_directory: PathBuf,
}

/// How the library is built for the tests. With one of them, as the server is with one of its own,
/// so that it is what the tests build too: what those need changes features of what it needs, and
/// all would be built twice.
pub const DEBUG_LIBRARY: [&str; 6] = [
    "build",
    "--package=adieu",
    "--features=failpoints",
    "--lib",
    "--test=batch",
    "--example=tls-front",
];

impl Workspace {
    /// Asks cargo.
    pub fn find() -> Result<Self> {
        let asked = cargo()
            .args(["metadata", "--format-version=1", "--no-deps"])
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .stderr(Stdio::inherit())
            .output()
            .context("cannot run cargo metadata")?;
        ensure!(asked.status.success(), "cargo metadata failed");
        let metadata: Metadata =
            serde_json::from_slice(&asked.stdout).context("cannot read cargo metadata")?;
        Ok(Self {
            root: metadata.workspace_root,
            target: metadata.target_directory,
        })
    }

    /// Where cargo leaves what it builds in the release profile.
    pub fn release(&self) -> PathBuf {
        self.target.join("release")
    }

    /// Where cargo leaves what it builds in the dev profile.
    pub fn debug(&self) -> PathBuf {
        self.target.join("debug")
    }

    /// A folder for what is built beside cargo.
    pub fn scratch(&self, name: &str) -> PathBuf {
        self.target.join("xtask").join(name)
    }

    /// The words before a program that valgrind watches: any error and any leak fails it.
    pub fn valgrind(&self) -> [String; 6] {
        let suppressions = self.root.join("examples-c/valgrind.supp");
        [
            "valgrind".into(),
            "--quiet".into(),
            "--leak-check=full".into(),
            "--errors-for-leak-kinds=definite,possible".into(),
            "--error-exitcode=99".into(),
            format!("--suppressions={}", suppressions.display()),
        ]
    }

    /// cargo, in the workspace's root.
    pub fn cargo(&self, arguments: &[&str]) -> Command {
        let mut command = cargo();
        command.args(arguments).current_dir(&self.root);
        command
    }

    /// Library and server as they are shipped.
    pub fn build_release(&self) -> Result<()> {
        build(&mut self.cargo(&[
            "build",
            "--release",
            "--package=adieu",
            "--package=adieu-server",
        ]))
    }

    /// One package as it is shipped.
    pub fn build_released(&self, package: &str) -> Result<()> {
        build(&mut self.cargo(&["build", "--quiet", "--release", "--package", package]))
    }

    /// Library and server for the tests: quick to build, with symbols and failpoints.
    pub fn build_debug(&self) -> Result<()> {
        build(&mut self.cargo(&DEBUG_LIBRARY))?;
        build(&mut self.cargo(&["build", "--package=adieu-server", "--bins", "--test=sync"]))
    }

    /// The server's program in a folder of built things.
    pub fn server(built: &Path) -> PathBuf {
        built.join("adieu-server")
    }
}

fn cargo() -> Command {
    Command::new(env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo")))
}

fn build(command: &mut Command) -> Result<()> {
    // The build's words go to standard error: standard output belongs to the result.
    let status = Running::start(command.stdout(Stdio::null()))?
        .wait()
        .context("cannot wait for cargo")?;
    ensure!(status.success(), "the build failed");
    Ok(())
}
