//! `bindings/node`.

use std::{
    ffi::{OsStr, OsString},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, ensure};

use super::{
    overhead,
    samples::{SKIPPED, Sample},
    stage::{Stage, library_folder},
};
use crate::{captured::Captured, tally::Tally, workspace::Workspace};

/// Builds the addon with the headers that npm has, checks the types, and runs the rest.
pub fn check(workspace: &Workspace, captured: &mut Captured) -> Result<Tally> {
    let built = &workspace.debug();
    let folder = workspace.scratch("bindings").join("node");
    let node = Node::build(workspace, built, &folder, captured)?;
    let mut tally = Tally::default();
    tally.check(node.types(captured)?);
    tally.attempt("example", captured, |captured| {
        let stage = Stage::set(built)?;
        let script = node.package.join("examples/delete_conversation.js");
        stage.run_example(&node.words(&script), "c2c_bob", captured)
    })?;
    tally.attempt("tests/test.js", captured, |captured| {
        let stage = Stage::set_with_tls(built)?;
        stage.run(&node.words(&node.package.join("tests/test.js")), captured)?;
        stage.expect_gone("c2c_bob")?;
        stage.expect_gone("c2c_carol")
    })?;
    let samples = [
        Sample::Js.read(&workspace.root)?,
        Sample::JsCall.read(&workspace.root)?,
    ];
    let [Some(sample), Some(call)] = samples else {
        captured.note(SKIPPED)?;
        tally.skipped += 1;
        return Ok(tally);
    };
    tally.attempt("the sample", captured, |captured| {
        let files = [folder.join("sample.js"), folder.join("call.js")];
        fs::write(&files[0], sample).context("cannot write the sample")?;
        fs::write(&files[1], call).context("cannot write the sample")?;
        let stage = Stage::set(built)?;
        let script = node.package.join("tests/sample.js");
        let mut words = node.words(&script);
        words.extend(files.iter().map(|file| file.as_os_str()));
        stage.run(&words, captured)?;
        stage.expect_gone("c2c_Example")?;
        stage.expect_gone("group_team")
    })?;
    Ok(tally)
}

/// The words that start the program whose calls are timed.
pub fn overhead(
    workspace: &Workspace,
    built: &Path,
    captured: &mut Captured,
) -> Result<Vec<OsString>> {
    let node = Node::build(
        workspace,
        built,
        &overhead::folder(workspace, "node"),
        captured,
    )?;
    let script = workspace.root.join("bindings/overhead/overhead.js");
    Ok(vec![
        "env".into(),
        node.chosen,
        "node".into(),
        script.into(),
    ])
}

/// What the package is developed with, in a folder of its own; where it is, afterwards.
fn install(package: &Path, folder: &Path, captured: &mut Captured) -> Result<PathBuf> {
    fs::create_dir_all(folder).context("cannot make the folder of the addon")?;
    fs::copy(package.join("package.json"), folder.join("package.json"))
        .context("cannot copy package.json")?;
    let installed = captured.run(
        Command::new("npm")
            .args(["install", "--no-audit", "--no-fund", "--no-package-lock"])
            .args(["--ignore-scripts", "--loglevel=error"])
            .current_dir(folder),
    )?;
    ensure!(installed, "npm cannot install what the package needs");
    Ok(folder.join("node_modules"))
}

struct Node {
    package: PathBuf,
    modules: PathBuf,
    addon: PathBuf,
    /// What `env` is told, so that the package takes this addon.
    chosen: OsString,
    library: PathBuf,
}

impl Node {
    /// Installs what the package needs, and builds the addon.
    fn build(
        workspace: &Workspace,
        built: &Path,
        folder: &Path,
        captured: &mut Captured,
    ) -> Result<Self> {
        let package = workspace.root.join("bindings/node");
        let addon = folder.join("adieu.node");
        let mut chosen = OsString::from("ADIEU_NODE_ADDON=");
        chosen.push(&addon);
        let node = Self {
            modules: install(&package, folder, captured)?,
            addon,
            chosen,
            library: library_folder(workspace, built)?,
            package,
        };
        node.compile(&workspace.root.join("include"), captured)?;
        Ok(node)
    }

    fn sources(&self) -> Result<Vec<PathBuf>> {
        let mut sources = Vec::new();
        for entry in fs::read_dir(self.package.join("src")).context("no bindings/node/src")? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "c") {
                sources.push(path);
            }
        }
        Ok(sources)
    }

    fn compile(&self, include: &Path, captured: &mut Captured) -> Result<()> {
        let built = captured.run(
            Command::new("gcc")
                .args(["-std=c11", "-shared", "-fPIC", "-O2", "-g"])
                .args(["-Wall", "-Wextra", "-Wpedantic", "-Werror", "-I"])
                .arg(self.modules.join("node-api-headers/include"))
                .arg("-I")
                .arg(include)
                .args(self.sources()?)
                .arg("-o")
                .arg(&self.addon)
                .arg("-L")
                .arg(&self.library)
                .arg("-ladieu")
                .arg(format!("-Wl,-rpath,{}", self.library.display())),
        )?;
        ensure!(built, "the addon does not compile");
        Ok(())
    }

    fn types(&self, captured: &mut Captured) -> Result<bool> {
        captured.run(
            Command::new("node")
                .arg(self.modules.join("typescript/bin/tsc"))
                .args(["--noEmit", "--strict", "--module", "node16", "--typeRoots"])
                .arg(self.modules.join("@types"))
                .arg(self.package.join("tests/types.ts")),
        )
    }

    /// The words that run a script with the addon.
    fn words<'a>(&'a self, script: &'a Path) -> Vec<&'a OsStr> {
        vec![
            OsStr::new("env"),
            &self.chosen,
            OsStr::new("node"),
            OsStr::new("--expose-gc"),
            script.as_os_str(),
        ]
    }
}
