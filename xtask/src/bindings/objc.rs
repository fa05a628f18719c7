//! `bindings/objc`, with clang and GNUstep.

use std::{
    ffi::{OsStr, OsString},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, ensure};

use super::{
    overhead,
    samples::{self, SKIPPED, Sample},
    stage::{Stage, library_folder},
};
use crate::{captured::Captured, tally::Tally, workspace::Workspace};

/// Compiles the classes with and without ARC, and runs what uses them.
pub fn check(workspace: &Workspace, captured: &mut Captured) -> Result<Tally> {
    let built = &workspace.debug();
    let objc = ObjC::new(workspace, built, workspace.scratch("bindings").join("objc"))?;
    let mut tally = Tally::default();
    for source in objc.sources()? {
        tally.attempt("ARC", captured, |captured| objc.arc(&source, captured))?;
    }
    let example = objc.build("examples/delete_conversation.m", &[], captured)?;
    tally.attempt("example", captured, |captured| {
        Stage::set(built)?.run_example(&[example.as_os_str()], "group_team", captured)
    })?;
    let tests = objc.build("tests/tests.m", &[], captured)?;
    let valgrind = workspace.valgrind();
    // GNUstep leaks much by itself: the tests count the objects that blocks capture instead.
    let mut valgrind = valgrind
        .map(|word| word.replace("--leak-check=full", "--leak-check=no"))
        .to_vec();
    let own = objc.root.join("gnustep/valgrind.supp");
    valgrind.push(format!("--suppressions={}", own.display()));
    let valgrind: Vec<&OsStr> = valgrind.iter().map(AsRef::as_ref).collect();
    for runner in [&[][..], &valgrind] {
        let words = [runner, &[tests.as_os_str()]].concat();
        tally.attempt("tests/tests.m", captured, |captured| {
            let stage = Stage::set_under(runner, built)?;
            stage.run(&words, captured)?;
            stage.expect_gone("c2c_bob")?;
            stage.expect_gone("c2c_carol")?;
            stage.expect_whole("c2c_Example")
        })?;
    }
    let Some(sample) = Sample::ObjectiveC.read(&workspace.root)? else {
        captured.note(SKIPPED)?;
        tally.skipped += 1;
        return Ok(tally);
    };
    tally.attempt("the sample", captured, |captured| {
        let sample = samples::replace(&sample, "@\"conversationID\"", "@\"c2c_bob\"")?;
        let file = objc.folder.join("sample.inc");
        fs::write(&file, sample).context("cannot write the sample")?;
        let define = format!("-DSAMPLE=\"{}\"", file.display());
        let program = objc.build("tests/sample.m", &[&define], captured)?;
        let stage = Stage::set(built)?;
        stage.run(&[program.as_os_str()], captured)?;
        stage.expect_gone("c2c_bob")
    })?;
    Ok(tally)
}

struct ObjC {
    root: PathBuf,
    include: PathBuf,
    library: PathBuf,
    folder: PathBuf,
    compile: Vec<String>,
    link: Vec<String>,
}

/// The words that start the program whose calls are timed.
pub fn overhead(
    workspace: &Workspace,
    built: &Path,
    captured: &mut Captured,
) -> Result<Vec<OsString>> {
    let objc = ObjC::new(workspace, built, overhead::folder(workspace, "objc"))?;
    Ok(vec![
        objc.build("../overhead/overhead.m", &[], captured)?.into(),
    ])
}

impl ObjC {
    fn new(workspace: &Workspace, built: &Path, folder: PathBuf) -> Result<Self> {
        fs::create_dir_all(&folder).context("cannot make the folder of the programs")?;
        Ok(Self {
            root: workspace.root.join("bindings/objc"),
            include: workspace.root.join("include"),
            library: library_folder(workspace, built)?,
            folder,
            compile: gnustep("--objc-flags")?,
            link: gnustep("--base-libs")?,
        })
    }

    fn sources(&self) -> Result<Vec<PathBuf>> {
        let mut sources = Vec::new();
        for entry in fs::read_dir(self.root.join("src")).context("no bindings/objc/src")? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "m") {
                sources.push(path);
            }
        }
        sources.sort();
        Ok(sources)
    }

    fn clang(&self) -> Result<Command> {
        let mut command = Command::new("clang");
        command
            .arg("-D_GNU_SOURCE")
            .args(&self.compile)
            // Debug information that this machine's valgrind can read.
            .args(["-fblocks", "-gdwarf-4", "-Wall", "-Wextra", "-Werror"])
            .arg("-Wno-unused-parameter");
        for folder in ["gnustep", "include", "src"] {
            command.arg("-I").arg(self.root.join(folder));
        }
        // Where GCC has its headers for Objective-C.
        let gcc = Command::new("gcc")
            .arg("-print-file-name=include")
            .output()
            .context("cannot run gcc")?;
        let gcc = String::from_utf8_lossy(&gcc.stdout).trim().to_owned();
        command.arg("-I").arg(&self.include);
        command.arg("-idirafter").arg(gcc);
        Ok(command)
    }

    /// The source is right under ARC. GCC's own header is not, and stands in the way of no more than
    /// a look: what counts are complaints about our files.
    fn arc(&self, source: &Path, captured: &mut Captured) -> Result<()> {
        let mut command = self.clang()?;
        let said = command
            .args(["-fobjc-arc", "-fobjc-runtime=gnustep-2.0", "-fsyntax-only"])
            .arg(source)
            .output()
            .context("cannot run clang")?;
        let said = String::from_utf8_lossy(&said.stderr);
        captured.note(&said)?;
        let ours = self.root.display().to_string();
        let complaint = said.lines().find(|line| {
            line.starts_with(&ours) && (line.contains(": error:") || line.contains(": warning:"))
        });
        ensure!(complaint.is_none(), "{}", complaint.unwrap_or_default());
        ensure!(!said.contains("too many errors"), "clang gave up");
        Ok(())
    }

    fn build(&self, name: &str, more: &[&str], captured: &mut Captured) -> Result<PathBuf> {
        let program = self.folder.join(name.replace(['/', '.'], "-"));
        let mut command = self.clang()?;
        command
            .args(more)
            .args(self.sources()?)
            .arg(self.root.join("gnustep/blocks.m"))
            .arg(self.root.join(name))
            .arg("-o")
            .arg(&program)
            .arg("-L")
            .arg(&self.library)
            .arg("-ladieu")
            .arg(format!("-Wl,-rpath,{}", self.library.display()))
            // Before gnustep-base, which has functions of the same names.
            .arg("-lBlocksRuntime")
            .args(&self.link);
        ensure!(captured.run(&mut command)?, "{name} does not compile");
        Ok(program)
    }
}

/// Words for the compiler, of GNUstep's own.
fn gnustep(which: &str) -> Result<Vec<String>> {
    let said = Command::new("gnustep-config")
        .arg(which)
        .output()
        .context("cannot run gnustep-config")?;
    Ok(String::from_utf8_lossy(&said.stdout)
        .split_whitespace()
        // It would write files of dependencies beside the sources.
        .filter(|word| !matches!(*word, "-MMD" | "-MP" | "-g"))
        .map(str::to_owned)
        .collect())
}
