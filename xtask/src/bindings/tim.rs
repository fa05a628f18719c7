//! `include/tim/` and its library.

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, ensure};

use super::{
    blocks,
    stage::{Stage, library_folder},
};
use crate::{captured::Captured, tally::Tally, workspace::Workspace};

/// Builds the library with its Makefile and runs programs that are linked with it.
pub fn check(workspace: &Workspace, captured: &mut Captured) -> Result<Tally> {
    let built = &workspace.debug();
    let library = library_folder(workspace, built)?;
    let made = captured.run(
        Command::new("make")
            .args(["--silent", "--directory"])
            .arg(workspace.root.join("bindings/tim"))
            .arg(format!("ADIEU_LIBDIR={}", library.display()))
            .arg(format!("BUILD={}", library.display())),
    )?;
    ensure!(made, "libadieu_tim does not build");
    let mut tally = Tally::default();
    tally.attempt("exports", captured, |_| exports(workspace, &library))?;
    tally.attempt("the blocks of the pages", captured, |captured| {
        blocks::compile(workspace, "c", captured)
    })?;
    let example = build(
        workspace,
        &library,
        "examples/delete_conversation",
        captured,
    )?;
    tally.attempt("example", captured, |captured| {
        Stage::set(built)?.run_example(&[example.as_os_str()], "c2c_bob", captured)
    })?;
    let test = build(workspace, &library, "tests/tim", captured)?;
    let valgrind = workspace.valgrind();
    let valgrind: Vec<&OsStr> = valgrind.iter().map(AsRef::as_ref).collect();
    for runner in [&[][..], &valgrind] {
        let words = [runner, &[test.as_os_str()]].concat();
        tally.attempt("tests/tim.c", captured, |captured| {
            let stage = Stage::set_under(runner, built)?;
            stage.run(&words, captured)?;
            stage.expect_gone("c2c_bob")?;
            stage.expect_gone("c2c_carol")?;
            stage.expect_whole("c2c_Example")
        })?;
    }
    Ok(tally)
}

/// Every function of the header, and nothing else.
fn exports(workspace: &Workspace, library: &Path) -> Result<()> {
    let header = std::fs::read_to_string(workspace.root.join("include/tim/TIMCloud.h"))
        .context("cannot read include/tim/TIMCloud.h")?;
    let mut declared: Vec<&str> = header
        .split("\nTIM_API ")
        .skip(1)
        .filter_map(|declaration| declaration.split_once('(')?.0.rsplit([' ', '*']).next())
        .collect();
    declared.sort_unstable();
    let symbols = Command::new("nm")
        .args(["--dynamic", "--defined-only", "--format=posix"])
        .arg(library.join("libadieu_tim.so"))
        .output()
        .context("cannot run nm")?;
    let symbols = String::from_utf8_lossy(&symbols.stdout);
    let mut exported: Vec<&str> = symbols
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    exported.sort_unstable();
    ensure!(
        !declared.is_empty() && exported == declared,
        "exported: {exported:?}\ndeclared: {declared:?}"
    );
    Ok(())
}

fn build(
    workspace: &Workspace,
    library: &Path,
    name: &str,
    captured: &mut Captured,
) -> Result<PathBuf> {
    let source = workspace.root.join(format!("bindings/tim/{name}.c"));
    let program = library.join(format!("tim-{}", name.replace('/', "-")));
    let compiled = captured.run(
        Command::new("gcc")
            .args(["-std=c11", "-D_GNU_SOURCE", "-O1", "-g"])
            .args(["-Wall", "-Wextra", "-Wpedantic", "-Werror", "-I"])
            .arg(workspace.root.join("include"))
            .arg(&source)
            .arg("-o")
            .arg(&program)
            .arg("-L")
            .arg(library)
            .args(["-ladieu_tim", "-pthread"])
            .arg(format!("-Wl,-rpath,{}", library.display())),
    )?;
    ensure!(compiled, "{} does not compile", source.display());
    Ok(program)
}
