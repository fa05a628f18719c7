//! `cargo xtask dist --check`: what takes too long for the suites.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Instant,
};

use anyhow::{Context, Result, anyhow};
use console::style;

use super::{
    deb, foreign, pack,
    platform::{Platform, System},
    stage::{Stage, stage},
    type_check,
};
use crate::{
    captured::Captured, children, machine, machine::Need, tally::Tally, workspace::Workspace,
};

/// The largest that the shared library may be, in bytes.
const LARGEST: u64 = 3_000_000;
/// The newest glibc that it may ask for.
const GLIBC: (u32, u32) = (2, 34);
const ABIDIFF: Need = Need {
    program: "abidiff",
    package: "abigail-tools",
};

/// Makes the archives of these platforms and checks them, and types for others where that is asked
/// for; `update_abi` writes the baseline anew.
pub fn run(platforms: &[&'static Platform], types: bool, update_abi: bool) -> Result<bool> {
    let workspace = Workspace::find()?;
    let into = workspace.scratch("check");
    fs::create_dir_all(&into)
        .with_context(|| format!("cannot make the folder {}", into.display()))?;
    let mut total = Tally::default();
    for platform in platforms {
        let what = format!("{} built, compared, run", style(platform.name).bold());
        total += one(&what, &mut |captured| {
            let needs = platform.needs.iter().chain([&ABIDIFF]).chain(&deb::NEEDS);
            for need in needs.chain(foreign::needs(platform)) {
                need.meet().map_err(|reason| anyhow!(reason))?;
            }
            let stage = stage(&workspace, &workspace.root, platform, &into)?;
            let archive = pack::pack(&stage, platform.system, &into)?;
            let mut checks = Checks {
                workspace: &workspace,
                platform,
                stage: &stage,
                captured,
                tally: Tally::default(),
            };
            if platform.system == System::Linux {
                checks.size()?;
                checks.floor()?;
            }
            if super::of_this_machine().is_some_and(|own| own.name == platform.name) {
                checks.baseline(update_abi)?;
                let packages = deb::pack(&stage, platform, &into)?;
                let works = deb::works(&packages, checks.captured)?;
                checks.expect(works, "the Debian packages do not work")?;
                checks.reproducible(&archive)?;
            } else {
                // The server that programs of other platforms talk to is this machine's.
                workspace.build_release()?;
                let tally = foreign::check(&workspace, platform, &stage.root, checks.captured)?;
                checks.tally += tally;
            }
            Ok(checks.tally)
        })?;
    }
    if types {
        let what = format!("{} of other platforms checked", style("types").bold());
        total += one(&what, &mut |captured| {
            type_check::check(&workspace, captured)
        })?;
    }
    println!(
        "{} passed, {} failed, {} skipped",
        total.passed, total.failed, total.skipped
    );
    Ok(total.failed == 0 && !(machine::in_ci() && total.skipped > 0))
}

/// Runs checks, and shows what they printed where one failed.
fn one(what: &str, check: &mut dyn FnMut(&mut Captured) -> Result<Tally>) -> Result<Tally> {
    println!("{what}");
    let begun = Instant::now();
    let mut captured = Captured::new()?;
    let tally = match check(&mut captured) {
        Ok(tally) => tally,
        Err(error) if children::interrupted() => return Err(error),
        Err(error) => {
            captured.note(&format!("{error:#}"))?;
            Tally {
                failed: 1,
                ..Tally::default()
            }
        }
    };
    if tally.failed > 0 {
        println!("{}", captured.text()?);
    }
    println!(
        "  {} passed, {} failed, {} skipped in {:.0} s",
        tally.passed,
        tally.failed,
        tally.skipped,
        begun.elapsed().as_secs_f64()
    );
    Ok(tally)
}

/// Checks of one laid out folder.
struct Checks<'a> {
    workspace: &'a Workspace,
    platform: &'a Platform,
    stage: &'a Stage,
    captured: &'a mut Captured,
    tally: Tally,
}

impl Checks<'_> {
    fn expect(&mut self, holds: bool, otherwise: &str) -> Result<()> {
        self.tally.check(holds);
        if holds {
            Ok(())
        } else {
            self.captured.note(otherwise)
        }
    }

    fn shared(&self) -> PathBuf {
        self.stage.root.join("lib/libadieu.so")
    }

    fn size(&mut self) -> Result<()> {
        let bytes = fs::metadata(self.shared())
            .context("cannot read the shared library")?
            .len();
        println!("  libadieu.so: {bytes} bytes");
        self.expect(
            bytes <= LARGEST,
            &format!("libadieu.so has {bytes} bytes; allowed: {LARGEST}"),
        )
    }

    /// The newest version of glibc that the library asks for.
    fn floor(&mut self) -> Result<()> {
        let output = Command::new(self.platform.tool("readelf"))
            .args(["--version-info", "--wide"])
            .arg(self.shared())
            .output()
            .context("cannot run readelf")?;
        let said = String::from_utf8_lossy(&output.stdout);
        let newest = said
            .split("GLIBC_")
            .skip(1)
            .filter_map(|rest| {
                let end = rest.find(|letter: char| !letter.is_ascii_digit() && letter != '.');
                let mut numbers = rest[..end.unwrap_or(rest.len())].split('.');
                Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
            })
            .max();
        self.expect(
            newest.is_some_and(|newest: (u32, u32)| newest <= GLIBC),
            &format!("it asks for glibc {newest:?}; allowed: {GLIBC:?}"),
        )
    }

    /// Layouts and signatures against the committed ones.
    fn baseline(&mut self, update: bool) -> Result<()> {
        let root = &self.workspace.root;
        let baseline = root.join(format!("tests/abi/{}.abi", self.platform.name));
        if update {
            let mut write = Command::new("abidw");
            // Without paths, so that it is the same wherever it is written.
            write
                .args(["--no-show-locs", "--no-corpus-path", "--no-comp-dir-path"])
                .arg("--out-file")
                .arg(&baseline)
                .arg(&self.stage.unstripped);
            let written = self.captured.run(&mut write)?;
            if written {
                only_ours(&baseline)?;
            }
            return self.expect(written, "the baseline was not written");
        }
        let mut compare = Command::new("abidiff");
        // Something new is no break.
        compare
            .arg("--no-added-syms")
            .arg(&baseline)
            .arg(&self.stage.unstripped);
        let same = self.captured.run(&mut compare)?;
        self.expect(same, "the ABI is not that of the baseline (docs/abi.md)")
    }

    /// The sources in another folder give the same bytes.
    fn reproducible(&mut self, archive: &Path) -> Result<()> {
        let folder = tempfile::Builder::new()
            .prefix("adieu-elsewhere-")
            .tempdir()
            .context("cannot make a temporary folder")?;
        let elsewhere = folder.path().join("sources");
        copy_sources(&self.workspace.root, &elsewhere)?;
        let into = folder.path().join("dist");
        let again = stage(self.workspace, &elsewhere, self.platform, &into)?;
        let again = pack::pack(&again, self.platform.system, &into)?;
        let (one, other) = (pack::sha256(archive)?, pack::sha256(&again)?);
        self.expect(
            one == other,
            &format!("two builds differ: {one} and {other}"),
        )
    }
}

/// Leaves of a baseline what comes from the library's own sources.
fn only_ours(baseline: &Path) -> Result<()> {
    const BEGIN: &str = "  <abi-instr ";
    let text = fs::read_to_string(baseline).context("cannot read the baseline")?;
    let mut parts = text.split(BEGIN);
    let mut ours = parts.next().unwrap_or_default().to_owned();
    for part in parts.filter(|part| part.contains(" path='src/lib.rs/")) {
        ours = ours + BEGIN + part;
    }
    if !ours.ends_with("</abi-corpus>\n") {
        ours += "</abi-corpus>\n";
    }
    fs::write(baseline, ours).context("cannot write the baseline")
}

/// What git knows of, or would take.
fn copy_sources(from: &Path, to: &Path) -> Result<()> {
    let output = Command::new("git")
        .args([
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ])
        .current_dir(from)
        .output()
        .context("cannot run git")?;
    let names = String::from_utf8(output.stdout).context("a file's name is not UTF-8")?;
    for name in names.split('\0').filter(|name| !name.is_empty()) {
        let target = to.join(name);
        if let Some(folder) = target.parent() {
            fs::create_dir_all(folder)
                .with_context(|| format!("cannot make the folder {}", folder.display()))?;
        }
        // One that git knows may be gone.
        if from.join(name).is_file() {
            fs::copy(from.join(name), &target).with_context(|| format!("cannot copy {name}"))?;
        }
    }
    Ok(())
}
