//! What is compiled into the library: from cargo's own words.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use super::platform::Platform;
use crate::workspace::Workspace;

/// A crate.
#[derive(Debug)]
pub struct Component {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// An SPDX expression.
    pub licence: String,
    /// SHA-256 of the crate as it came; none for those of this workspace.
    pub checksum: Option<String>,
    /// Where its sources are.
    pub folder: PathBuf,
    /// Names and versions of those that it uses.
    pub uses: BTreeSet<(String, String)>,
}

impl Component {
    /// Whether it came from elsewhere.
    pub fn is_foreign(&self) -> bool {
        self.checksum.is_some()
    }
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    resolve: Resolve,
}

#[derive(Deserialize)]
struct Package {
    id: String,
    name: String,
    version: String,
    license: Option<String>,
    manifest_path: PathBuf,
}

#[derive(Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Deserialize)]
struct Node {
    id: String,
    dependencies: Vec<String>,
}

/// All crates of the library on a platform, sorted; macros and build scripts, which are not in it,
/// left out.
pub fn of_library(workspace: &Workspace, platform: &Platform) -> Result<Vec<Component>> {
    // cargo tree alone knows which features the library by itself asks for.
    let tree = said(&mut workspace.cargo(&[
        "tree",
        "--locked",
        "--package=adieu",
        "--edges=normal,no-proc-macro",
        "--target",
        platform.triple,
        "--prefix=none",
        "--format={p}",
    ]))?;
    let inside: BTreeSet<(&str, &str)> = tree
        .lines()
        .filter_map(|line| {
            let mut words = line.split_whitespace();
            Some((words.next()?, words.next()?.strip_prefix('v')?))
        })
        .collect();
    let metadata = said(&mut workspace.cargo(&[
        "metadata",
        "--locked",
        "--format-version=1",
        "--filter-platform",
        platform.triple,
    ]))?;
    let metadata: Metadata =
        serde_json::from_str(&metadata).context("cannot read cargo metadata")?;
    let checksums = checksums(&workspace.root)?;
    let names: HashMap<&str, (&str, &str)> = metadata
        .packages
        .iter()
        .map(|package| {
            let named = (package.name.as_str(), package.version.as_str());
            (package.id.as_str(), named)
        })
        .filter(|(_, named)| inside.contains(named))
        .collect();
    let mut components = BTreeMap::new();
    for package in &metadata.packages {
        let named = (package.name.clone(), package.version.clone());
        if !names.contains_key(package.id.as_str()) {
            continue;
        }
        let uses = metadata
            .resolve
            .nodes
            .iter()
            .filter(|node| node.id == package.id)
            .flat_map(|node| &node.dependencies)
            .filter_map(|id| names.get(id.as_str()))
            .map(|(name, version)| ((*name).to_owned(), (*version).to_owned()))
            .collect();
        let licence = package.license.as_deref();
        let component = Component {
            licence: licence
                .with_context(|| format!("{} does not say its licence", package.name))?
                // How old crates write it.
                .replace('/', " OR "),
            checksum: checksums.get(&named).cloned(),
            folder: package
                .manifest_path
                .parent()
                .unwrap_or(Path::new("/"))
                .to_owned(),
            uses,
            name: package.name.clone(),
            version: package.version.clone(),
        };
        components.insert(named, component);
    }
    ensure!(
        components.len() == inside.len(),
        "cargo tree and cargo metadata do not name the same crates"
    );
    Ok(components.into_values().collect())
}

/// Checksums of Cargo.lock.
pub(crate) fn checksums(root: &Path) -> Result<HashMap<(String, String), String>> {
    let lock = fs::read_to_string(root.join("Cargo.lock")).context("cannot read Cargo.lock")?;
    Ok(lock
        .split("[[package]]")
        .filter_map(|package| {
            let value = |key: &str| {
                package
                    .lines()
                    .find_map(|line| line.strip_prefix(key)?.strip_prefix(" = "))
                    .map(|value| value.trim_matches('"').to_owned())
            };
            Some(((value("name")?, value("version")?), value("checksum")?))
        })
        .collect())
}

/// The version of the bundled SQLite.
pub fn sqlite_version(components: &[Component]) -> Result<String> {
    let binding = components
        .iter()
        .find(|component| component.name == "libsqlite3-sys")
        .context("SQLite is not among the crates")?;
    let header = binding.folder.join("sqlite3/sqlite3.h");
    let header =
        fs::read_to_string(&header).with_context(|| format!("cannot read {}", header.display()))?;
    header
        .lines()
        .find_map(|line| line.strip_prefix("#define SQLITE_VERSION "))
        .map(|version| version.trim().trim_matches('"').to_owned())
        .context("sqlite3.h does not say its version")
}

/// What a program prints, where it succeeds.
pub(crate) fn said(command: &mut Command) -> Result<String> {
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .context("cannot run cargo")?;
    ensure!(output.status.success(), "cargo failed");
    String::from_utf8(output.stdout).context("cargo did not print UTF-8")
}
