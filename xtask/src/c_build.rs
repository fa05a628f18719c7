//! Building the C programs, with the Makefile that users copy.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result, ensure};

use crate::{children::Running, workspace::Workspace};

/// The built programs.
pub struct CPrograms {
    /// The harness.
    pub harness: PathBuf,
    /// The device without a network.
    pub offline: PathBuf,
    /// The device that stays up to date by itself.
    pub live: PathBuf,
    /// The app whose callbacks are delivered in one way each.
    pub delivered: [PathBuf; 3],
    /// The shortest program.
    pub delete_conversation: PathBuf,
}

/// Builds against the library in `library`. `name` keeps one build apart from another.
pub fn build(workspace: &Workspace, library: &Path, name: &str) -> Result<CPrograms> {
    build_with(workspace, library, name, &[])
}

/// As [`build`], with variables of the Makefile set.
pub fn build_with(
    workspace: &Workspace,
    library: &Path,
    name: &str,
    variables: &[(&str, &str)],
) -> Result<CPrograms> {
    let folder = workspace.scratch(name);
    fs::create_dir_all(&folder)
        .with_context(|| format!("cannot make the folder {}", folder.display()))?;
    let mut make = Command::new("make");
    make.arg("--silent")
        .arg("--directory")
        .arg(workspace.root.join("examples-c"))
        .arg(format!("ADIEU_LIBDIR={}", library.display()))
        .arg(format!("BUILD={}", folder.display()))
        .args(
            variables
                .iter()
                .map(|(name, value)| format!("{name}={value}")),
        )
        .stdout(Stdio::null());
    let status = Running::start(&mut make)?
        .wait()
        .context("cannot wait for make")?;
    ensure!(status.success(), "the C programs do not build");
    Ok(CPrograms {
        harness: folder.join("harness"),
        offline: folder.join("offline"),
        live: folder.join("live"),
        delivered: ["library_thread", "poll_loop", "post_hook"].map(|name| folder.join(name)),
        delete_conversation: folder.join("delete_conversation"),
    })
}
