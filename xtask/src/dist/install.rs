//! `cargo xtask install`: the same files under a prefix of this machine.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use super::{
    platform::of_this_machine,
    stage::{copy_tree, stage},
};
use crate::workspace::Workspace;

/// What of an archive goes under a prefix; README.md stays behind.
const FOLDERS: [&str; 4] = ["bin", "include", "lib", "share"];

/// Builds, and installs under `prefix`; with `root`, under that folder instead of `/`.
pub fn install(prefix: &Path, root: Option<&Path>) -> Result<bool> {
    ensure!(
        prefix.is_absolute(),
        "the prefix {} is not absolute; allowed: a path such as /usr/local",
        prefix.display()
    );
    let workspace = Workspace::find()?;
    let platform = of_this_machine().context("there is no library for this machine")?;
    let folder = workspace.scratch("install");
    let stage = stage(&workspace, &workspace.root, platform, &folder)?;
    let to = root.map_or_else(
        || prefix.to_owned(),
        |root| root.join(prefix.strip_prefix("/").unwrap_or(prefix)),
    );
    let mut installed: Vec<PathBuf> = Vec::new();
    for name in FOLDERS {
        let from = stage.root.join(name);
        if from.is_dir() {
            copy_tree(&from, &to.join(name))?;
            installed.push(to.join(name));
        }
    }
    for folder in installed {
        println!("{}", folder.display());
    }
    Ok(true)
}
