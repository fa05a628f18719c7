//! The static archive as it is shipped: one object that shows the functions of the header and
//! nothing else. As rustc leaves it, an archive shows the bundled SQLite and Rust's runtime too: an
//! app with its own SQLite then links one of the two by chance, and two Rust archives do not link
//! at all.

use std::{fs, path::Path, process::Command};

use anyhow::{Context, Result, ensure};

use super::platform::Platform;
use crate::children::Running;

/// Writes to `to` what `from` holds, with `exports` as the only names that a linker sees. `folder`
/// is for what is in between.
pub fn localise(
    platform: &Platform,
    from: &Path,
    to: &Path,
    exports: &[String],
    folder: &Path,
) -> Result<()> {
    let list = folder.join("exports.txt");
    fs::write(&list, exports.join("\n") + "\n").context("cannot write the list of exports")?;
    let object = folder.join("adieu.o");
    let mut link = Command::new(platform.tool("ld"));
    link.args(["-r", "--gc-sections", "-o"])
        .arg(&object)
        // A group that both archives have is linked once; were it kept as a group, the other
        // archive's frames would point to a symbol that is local here, and its first panic would
        // crash.
        .arg("--force-group-allocation")
        .args(exports.iter().map(|name| format!("--undefined={name}")))
        .arg(from);
    run(&mut link)?;
    let mut copy = Command::new(platform.tool("objcopy"));
    copy.arg(format!("--keep-global-symbols={}", list.display()))
        // Link-time-optimisation leftovers, which make ar's plugin fail.
        .args(["--remove-section=.llvmbc", "--remove-section=.llvmcmd"])
        .args(["--remove-section=.comment", "--strip-unneeded"])
        .arg(&object);
    run(&mut copy)?;
    if to.exists() {
        fs::remove_file(to).with_context(|| format!("cannot remove {}", to.display()))?;
    }
    // D: no dates and owners.
    run(Command::new(platform.tool("ar"))
        .arg("rcsD")
        .arg(to)
        .arg(&object))
}

/// Runs a tool to its end.
pub fn run(command: &mut Command) -> Result<()> {
    let name = command.get_program().to_owned();
    let status = Running::start(command)?
        .wait()
        .with_context(|| format!("cannot wait for {}", name.display()))?;
    ensure!(status.success(), "{} failed: {status}", name.display());
    Ok(())
}
