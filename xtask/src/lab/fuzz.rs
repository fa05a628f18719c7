//! libFuzzer, on the targets in `fuzz/`.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use anyhow::{Context, Result, bail, ensure};

use super::{Bench, instrument::Kit};
use crate::{
    captured::Captured, children::Running, machine::Need, tally::Tally, workspace::Workspace,
};

/// What building needs: libFuzzer itself is C++.
pub const NEEDS: &[Need] = &[
    super::CLANG[0],
    super::CLANG[1],
    super::need("/usr/include/nlohmann/json.hpp", "nlohmann-json3-dev"),
];

const TRIPLE: &str = "x86_64-unknown-linux-gnu";
/// The target in C++.
const TIM_JSON: &str = "tim_json";
/// Edges counted, comparisons seen: what libFuzzer learns from.
const COVERAGE: [&str; 5] = [
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
];
/// Longest input, in bytes: what matters is in short ones.
const MAX_LEN: &str = "1024";
/// Seconds of changed inputs in a replay, for each target.
const CHANGED_FOR: &str = "2";
/// One input takes no longer, in seconds; a call that does not answer is told before.
const TIMEOUT: &str = "120";

/// Runs these targets, or all, for so many seconds each.
pub fn check(
    workspace: &Workspace,
    seconds: u64,
    only: &[String],
    captured: &mut Captured,
) -> Result<Tally> {
    let all = targets(workspace)?;
    if let Some(unknown) = only.iter().find(|name| !all.contains(name)) {
        bail!(
            "there is no target {unknown:?}; there are {}",
            all.join(", ")
        );
    }
    let mut bench = Bench::new(captured, true);
    bench.say("building the targets");
    let programs = build(workspace)?;
    for target in all
        .iter()
        .filter(|name| only.is_empty() || only.contains(name))
    {
        let what = format!("{target} for {seconds} s");
        bench.check(&what, |captured| {
            run(workspace, &programs.join(target), target, seconds, captured)
        })?;
    }
    Ok(bench.tally)
}

/// Each is a file with what libFuzzer calls.
fn targets(workspace: &Workspace) -> Result<Vec<String>> {
    let mut targets = rust_targets(workspace)?;
    targets.push(TIM_JSON.to_owned());
    Ok(targets)
}

fn rust_targets(workspace: &Workspace) -> Result<Vec<String>> {
    let mut targets = Vec::new();
    for file in fs::read_dir(workspace.root.join("fuzz/src")).context("cannot read fuzz/src")? {
        let path = file?.path();
        if path.extension().is_some_and(|extension| extension == "rs")
            && fs::read_to_string(&path)?.contains("fuzz_target!(")
        {
            targets.push(
                path.file_stem()
                    .unwrap_or_default()
                    .to_string_lossy()
                    .into_owned(),
            );
        }
    }
    targets.sort();
    Ok(targets)
}

/// With the release's own compiler, whose switches for this are for those who ask by name, and
/// with AddressSanitizer for Rust and for the bundled SQLite.
fn build(workspace: &Workspace) -> Result<PathBuf> {
    let folder = workspace.target.join("lab").join("fuzz");
    let mut flags = COVERAGE.to_vec();
    flags.extend(["-Zsanitizer=address", "--cfg=fuzzing", "-Cdebug-assertions"]);
    let mut command = workspace.cargo(&["build", "--bins", "--profile=fuzz", "--target", TRIPLE]);
    command
        .current_dir(workspace.root.join("fuzz"))
        .arg("--target-dir")
        .arg(&folder)
        .env("RUSTC_BOOTSTRAP", "1")
        .env("CC", "clang-22")
        .env("CXX", "clang++-22")
        .env("CFLAGS", "-fsanitize=address,fuzzer-no-link -g -O1")
        .env("RUSTFLAGS", flags.join(" "))
        .stdout(Stdio::null());
    let status = Running::start(&mut command)?
        .wait()
        .context("cannot wait for cargo")?;
    ensure!(status.success(), "the targets do not build");
    let programs = folder.join(TRIPLE).join("fuzz");
    build_tim_json(workspace, &programs)?;
    Ok(programs)
}

/// C++, with the vendor's C API in it and the library beside it.
fn build_tim_json(workspace: &Workspace, programs: &Path) -> Result<()> {
    workspace.build_debug()?;
    let kit = Kit::plain(workspace, &workspace.debug())?;
    let mut command = Command::new("clang++-22");
    command
        .args(["-std=c++17", "-O1", "-g", "-DADIEU_TIM_BUILD", "-pthread"])
        .args([
            "-fsanitize=fuzzer,address,undefined",
            "-fno-sanitize-recover=all",
        ])
        .args(["include", "bindings/tim"].map(|folder| {
            let folder = workspace.root.join(folder);
            format!("-I{}", folder.display())
        }))
        .arg(workspace.root.join("bindings/tim/tim.cpp"))
        .arg(workspace.root.join("fuzz/src/tim_json.cpp"))
        .arg("-o")
        .arg(programs.join(TIM_JSON))
        .arg("-L")
        .arg(&kit.library)
        .arg("-ladieu")
        .arg(format!("-Wl,-rpath,{}", kit.library.display()));
    let status = Running::start(&mut command)?
        .wait()
        .context("cannot wait for the compiler")?;
    ensure!(status.success(), "{TIM_JSON} does not build");
    Ok(())
}

/// Runs every committed input on targets that are built like everything else, and for a moment each
/// such inputs with some bytes changed: what was broken once is not broken again, and the
/// targets keep up with what they call.
pub fn replay(workspace: &Workspace, captured: &mut Captured) -> Result<Tally> {
    let mut command = workspace.cargo(&["build", "--bins", "--no-default-features"]);
    command
        .current_dir(workspace.root.join("fuzz"))
        .arg("--target-dir")
        .arg(&workspace.target);
    let mut bench = Bench::new(captured, false);
    bench.check("the targets build", |captured| {
        ensure!(captured.run(&mut command)?, "they do not");
        Ok(())
    })?;
    if bench.tally.failed > 0 {
        return Ok(bench.tally);
    }
    let last = workspace.target.join("lab").join("last");
    fs::create_dir_all(&last).context("cannot make the folder of last inputs")?;
    for target in rust_targets(workspace)? {
        let folders = inputs(workspace, &target);
        let last = last.join(&target);
        bench.check(&format!("the inputs of {target}"), |captured| {
            ensure!(!folders.is_empty(), "there are none in fuzz/seeds");
            let mut command = Command::new(workspace.debug().join(&target));
            command
                .args(&folders)
                .env("ADIEU_FUZZ_SECONDS", CHANGED_FOR)
                .env("ADIEU_FUZZ_LAST", &last);
            ensure!(captured.run(&mut command)?, "broken by {}", last.display());
            Ok(())
        })?;
    }
    Ok(bench.tally)
}

/// The folders with committed inputs of a target.
fn inputs(workspace: &Workspace, target: &str) -> Vec<PathBuf> {
    let folders = ["seeds", "regressions"];
    let folders = folders.map(|folder| workspace.root.join("fuzz").join(folder).join(target));
    folders
        .into_iter()
        .filter(|folder| folder.is_dir())
        .collect()
}

/// What it learns goes to a folder of cargo's, what breaks to another; inputs that once broke
/// something are in `fuzz/regressions` and tried first.
fn run(
    workspace: &Workspace,
    program: &Path,
    target: &str,
    seconds: u64,
    captured: &mut Captured,
) -> Result<()> {
    let kept = workspace.target.join("lab").join("corpus").join(target);
    let broken = workspace.target.join("lab").join("broken").join(target);
    for folder in [&kept, &broken] {
        fs::create_dir_all(folder).context("cannot make a folder of inputs")?;
    }
    let mut command = Command::new(program);
    command
        .arg(format!("-max_total_time={seconds}"))
        .arg(format!("-max_len={MAX_LEN}"))
        // Long inputs from the start: the slow targets would never come to them.
        .arg("-len_control=0")
        .arg(format!("-timeout={TIMEOUT}"))
        .arg("-print_final_stats=1")
        .arg(format!("-artifact_prefix={}/", broken.display()))
        .arg(&kept)
        .env("ASAN_OPTIONS", "detect_leaks=0");
    command.args(inputs(workspace, target));
    let (succeeded, text) = super::said(captured, &mut command, Duration::from_secs(seconds))?;
    for line in text.lines() {
        if line.starts_with("stat::number_of_executed_units") || line.contains("DONE") {
            eprintln!("lab:   {line}");
        }
    }
    ensure!(succeeded, "it found something: {}", broken.display());
    Ok(())
}
