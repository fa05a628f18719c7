//! `include/adieu.hpp` and `include/v2tim/`.

use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail, ensure};

use super::{
    blocks,
    samples::{self, SKIPPED, Sample},
    stage::{Stage, library_folder},
};
use crate::{captured::Captured, tally::Tally, workspace::Workspace};

const STANDARDS: [&str; 3] = ["c++17", "c++20", "c++2b"];
const WARNINGS: [&str; 4] = ["-Wall", "-Wextra", "-Wpedantic", "-Werror"];
/// The headers that a program includes first.
const ENTRIES: [&str; 2] = ["adieu.hpp", "v2tim/V2TIMManager.h"];

/// Compiles and runs all of it against the library and the server of the dev profile.
pub fn check(workspace: &Workspace, captured: &mut Captured) -> Result<Tally> {
    let built = &workspace.debug();
    let cpp = Cpp {
        workspace,
        library: library_folder(workspace, built)?,
        folder: workspace.scratch("bindings").join("cpp"),
    };
    fs::create_dir_all(&cpp.folder).context("cannot make the folder of the C++ programs")?;
    let mut tally = Tally::default();
    for entry in ENTRIES {
        for compiler in ["g++", "clang++"] {
            for standard in STANDARDS {
                tally.check(cpp.alone(compiler, standard, entry, captured)?);
            }
        }
    }
    tally.attempt("the blocks of the pages", captured, |captured| {
        blocks::compile(workspace, "cpp", captured)
    })?;
    let example = cpp.build("examples/delete_conversation", captured)?;
    tally.attempt("example", captured, |captured| {
        Stage::set(built)?.run_example(&[example.as_os_str()], "group_team", captured)
    })?;
    let valgrind = workspace.valgrind();
    let valgrind: Vec<&OsStr> = valgrind.iter().map(AsRef::as_ref).collect();
    for name in ["client", "v2tim"] {
        let program = cpp.build(&format!("tests/{name}"), captured)?;
        for runner in [&[][..], &valgrind] {
            let words = [runner, &[program.as_os_str()]].concat();
            tally.attempt(name, captured, |captured| {
                Stage::set_under(runner, built)?.run(&words, captured)
            })?;
        }
    }
    let Some(sample) = Sample::Cpp.read(&workspace.root)? else {
        captured.note(SKIPPED)?;
        tally.skipped += 2;
        return Ok(tally);
    };
    // The page calls another function than it means: as it is written it deletes nothing.
    tally.attempt("the sample as written", captured, |captured| {
        let stage = cpp.run_sample(built, "as_written", &sample, captured)?;
        stage.expect_whole("c2c_bob")
    })?;
    tally.attempt("the sample", captured, |captured| {
        let sample = samples::replace(&sample, "DeleteConversationGroup", "DeleteConversation")?;
        let stage = cpp.run_sample(built, "corrected", &sample, captured)?;
        stage.expect_gone("c2c_bob")
    })?;
    Ok(tally)
}

struct Cpp<'a> {
    workspace: &'a Workspace,
    library: PathBuf,
    folder: PathBuf,
}

impl Cpp<'_> {
    fn source(&self, name: &str) -> PathBuf {
        let file = format!("bindings/cpp/{name}.cpp");
        self.workspace.root.join(file)
    }

    fn include(&self) -> PathBuf {
        self.workspace.root.join("include")
    }

    /// The header compiles as the only one.
    fn alone(
        &self,
        compiler: &str,
        standard: &str,
        header: &str,
        captured: &mut Captured,
    ) -> Result<bool> {
        let user = self.folder.join("user.cpp");
        let text = format!("#include <{header}>\n#include <{header}>\nint main() {{}}\n");
        fs::write(&user, text).context("cannot write the header's user")?;
        captured.run(
            Command::new(compiler)
                .arg(format!("-std={standard}"))
                .args(WARNINGS)
                .args(["-fsyntax-only", "-I"])
                .arg(self.include())
                .arg(&user),
        )
    }

    fn build(&self, name: &str, captured: &mut Captured) -> Result<PathBuf> {
        self.compile(&self.source(name), &[], captured)
    }

    fn compile(
        &self,
        source: &Path,
        defines: &[String],
        captured: &mut Captured,
    ) -> Result<PathBuf> {
        let program = self.folder.join(source.file_stem().unwrap_or_default());
        let compiled = captured.run(
            Command::new("g++")
                .args(["-std=c++17", "-O1", "-g"])
                .args(WARNINGS)
                .args(defines)
                .arg("-I")
                .arg(self.include())
                .arg(source)
                .arg("-o")
                .arg(&program)
                .arg("-L")
                .arg(&self.library)
                .args(["-ladieu", "-pthread"])
                .arg(format!("-Wl,-rpath,{}", self.library.display())),
        )?;
        if !compiled {
            bail!("{} does not compile", source.display());
        }
        Ok(program)
    }

    /// Runs the sample with a conversation in the place of its placeholder.
    fn run_sample(
        &self,
        built: &Path,
        name: &str,
        sample: &str,
        captured: &mut Captured,
    ) -> Result<Stage> {
        let sample = samples::replace(sample, "\"conversationID\"", "\"c2c_bob\"")?;
        let file = self.folder.join("sample.inc");
        fs::write(&file, sample).context("cannot write the sample")?;
        let define = format!("-DSAMPLE=\"{}\"", file.display());
        // The page names parameters that it does not use.
        let page = "-Wno-unused-parameter".to_owned();
        let program = self.compile(&self.source("tests/sample"), &[define, page], captured)?;
        let stage = Stage::set(built)?;
        ensure!(program.is_file(), "{name} was not built");
        stage.run(&[program.as_os_str(), OsStr::new(name)], captured)?;
        Ok(stage)
    }
}
