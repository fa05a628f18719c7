//! `cargo xtask dist` and `cargo xtask install`: the library as others get it.

mod build;
mod check;
pub(crate) mod components;
mod deb;
mod foreign;
mod install;
mod localise;
mod notices;
mod pack;
mod platform;
mod sbom;
mod stage;
mod type_check;
mod windows;

use std::{
    fs,
    path::{Path, PathBuf},
    time::Instant,
};

use anyhow::{Context, Result, anyhow, bail};
use serde_json::json;

pub use install::install;
use platform::{PLATFORMS, System};
pub use platform::{Platform, of_this_machine};
use stage::{Stage, VERSION, stage};

use crate::{header::Header, workspace::Workspace};

/// What `--target` takes for the check of types.
const TYPES: &str = "types";

/// Makes the archives of the named platforms, or of this machine's; where it is asked for, Debian
/// packages of those for Linux too.
pub fn run(names: &[String], into: Option<&Path>, debian: bool, in_json: bool) -> Result<bool> {
    let workspace = Workspace::find()?;
    let into = into.map_or_else(|| workspace.target.join("dist"), Path::to_owned);
    let mut packed = Vec::new();
    for platform in chosen(names)? {
        let begun = Instant::now();
        let (stage, path) = archive(&workspace, platform, &into)?;
        report(&path, begun, in_json)?;
        packed.push(path);
        if debian && platform.system == System::Linux {
            for path in deb::pack(&stage, platform, &into)? {
                report(&path, begun, in_json)?;
                packed.push(path);
            }
        }
    }
    pack::checksums(&packed, &into)?;
    Ok(true)
}

/// Checks the named platforms, or all, and then the types for those that there is no archive for.
pub fn check(names: &[String], update_abi: bool) -> Result<bool> {
    let (types, named): (Vec<_>, Vec<_>) = names.iter().cloned().partition(|name| name == TYPES);
    let platforms = match (types.is_empty(), named.is_empty()) {
        (true, true) => PLATFORMS.iter().collect(),
        (false, true) => Vec::new(),
        (_, false) => chosen(&named)?,
    };
    check::run(
        &platforms,
        names.is_empty() || !types.is_empty(),
        update_abi,
    )
}

fn chosen(names: &[String]) -> Result<Vec<&'static Platform>> {
    if names.is_empty() {
        let own = of_this_machine().context(
            "there is no archive for this machine; --target names the platforms that there is one for",
        )?;
        return Ok(vec![own]);
    }
    if names.iter().any(|name| name == "all") {
        return Ok(PLATFORMS.iter().collect());
    }
    let mut platforms = Vec::new();
    for name in names {
        match PLATFORMS.iter().find(|platform| platform.name == name) {
            Some(platform) => platforms.push(platform),
            None => {
                let known: Vec<_> = PLATFORMS.iter().map(|platform| platform.name).collect();
                bail!(
                    "there is no platform {name:?}; allowed: all, {}",
                    known.join(", ")
                );
            }
        }
    }
    Ok(platforms)
}

/// The one folder in a platform's archive.
pub fn folder_name(platform: &Platform) -> String {
    format!("adieu-{VERSION}-{}", platform.name)
}

/// Builds, lays out and packs for one platform.
pub fn archive(
    workspace: &Workspace,
    platform: &Platform,
    into: &Path,
) -> Result<(Stage, PathBuf)> {
    fs::create_dir_all(into)
        .with_context(|| format!("cannot make the folder {}", into.display()))?;
    for need in platform.needs {
        need.meet().map_err(|reason| anyhow!(reason))?;
    }
    let stage = stage(workspace, &workspace.root, platform, into)?;
    let path = pack::pack(&stage, platform.system, into)?;
    Ok((stage, path))
}

/// The static library of the tests, with its failpoints, made as the shipped one is.
pub fn localise_tested(workspace: &Workspace, to: &Path, between: &Path) -> Result<()> {
    let platform = of_this_machine().context("there is no archive for this machine")?;
    let exports = Header::read(workspace)?.functions();
    let from = workspace.debug().join("libadieu.a");
    localise::localise(platform, &from, to, &exports, between)
}

fn report(path: &Path, begun: Instant, in_json: bool) -> Result<()> {
    let bytes = fs::metadata(path).context("cannot read the archive")?.len();
    let sha256 = pack::sha256(path)?;
    let seconds = begun.elapsed().as_secs_f64();
    if in_json {
        let line = json!({
            "archive": path, "bytes": bytes, "sha256": sha256, "seconds": seconds
        });
        println!("{line}");
    } else {
        println!(
            "{}  {bytes} bytes, {seconds:.0} s\n  sha256 {sha256}",
            path.display()
        );
    }
    Ok(())
}
