//! The stress program, the C programs and the C++ headers, under sanitizers.

use std::{ffi::OsStr, process::Command, time::Duration};

use anyhow::{Context, Result, ensure};

use super::{
    Bench,
    instrument::{Kit, Sanitizer, options},
    said,
};
use crate::{
    bindings::Stage, c_build, c_programs, captured::Captured, machine::Need, tally::Tally,
    workspace::Workspace,
};

/// What the suite and the command need.
pub const NEEDS: &[Need] = &super::CLANG;

/// All of it under one sanitizer, with so many seconds of stress.
pub fn check(
    workspace: &Workspace,
    sanitizer: Sanitizer,
    seconds: u64,
    loud: bool,
    captured: &mut Captured,
) -> Result<Tally> {
    let mut bench = Bench::new(captured, loud);
    let name = sanitizer.name();
    bench.say(&format!("building the library for {name}"));
    let kit = sanitizer.build(workspace)?;
    notices(&mut bench, &kit, sanitizer)?;
    stress(&mut bench, &kit, name, seconds)?;
    bench.say(&format!("the C programs under {name}"));
    bench.tally += programs(&kit, name, bench.captured)?;
    for test in ["client", "v2tim"] {
        bench.check(&format!("{test}.cpp under {name}"), |captured| {
            cpp(&kit, test, captured)
        })?;
    }
    Ok(bench.tally)
}

/// It is on: mistakes made on purpose do not pass.
fn notices(bench: &mut Bench<'_>, kit: &Kit<'_>, sanitizer: Sanitizer) -> Result<()> {
    let program = kit.compile(&["lab/faults.c"], bench.captured)?;
    for (fault, word) in sanitizer.notices() {
        let what = format!("{} notices {fault}", sanitizer.name());
        bench.check(&what, |captured| {
            let store = folder()?;
            let mut command = Command::new(&program);
            command
                .arg(fault)
                .arg(store.path())
                .envs(options(kit.workspace));
            let (succeeded, text) = said(captured, &mut command, Duration::ZERO)?;
            ensure!(!succeeded, "it did not: the program succeeded");
            ensure!(
                text.contains(word),
                "the program failed, and not with {word:?}"
            );
            Ok(())
        })?;
    }
    Ok(())
}

fn stress(bench: &mut Bench<'_>, kit: &Kit<'_>, name: &str, seconds: u64) -> Result<()> {
    let sources = ["lab/stress.c", "lab/life.c", "lab/play.c"];
    let program = kit.compile(&sources, bench.captured)?;
    let loud = bench.loud;
    bench.check(
        &format!("stress under {name} for {seconds} s"),
        |captured| {
            let stores = folder()?;
            let mut command = Command::new(&program);
            command
                .args(["--seconds", &seconds.to_string()])
                .arg(stores.path())
                .envs(options(kit.workspace));
            let told = Duration::from_secs(seconds);
            let (succeeded, text) = said(captured, &mut command, told)?;
            if loud {
                eprint!("{text}");
            }
            ensure!(succeeded, "it did not end well");
            Ok(())
        },
    )
}

/// The programs that users copy, against a real server.
fn programs(kit: &Kit<'_>, name: &str, captured: &mut Captured) -> Result<Tally> {
    let flags = kit.flags.join(" ");
    let [compiler, _] = kit.compilers;
    let tools = [("CC", compiler), ("CFLAGS", &flags)];
    let programs = c_build::build_with(kit.workspace, &kit.library, name, &tools)?;
    // Programs are started in many places: `env` hands them the options in all of them.
    let options = options(kit.workspace).map(|(name, value)| format!("{name}={value}"));
    let mut runner = vec![OsStr::new("env")];
    runner.extend(options.iter().map(OsStr::new));
    let server = kit.workspace.debug();
    c_programs::check(kit.workspace, &server, &programs, &runner, captured)
}

/// A test of the C++ headers.
fn cpp(kit: &Kit<'_>, test: &str, captured: &mut Captured) -> Result<()> {
    let program = kit.compile(&[&format!("bindings/cpp/tests/{test}.cpp")], captured)?;
    let stage = Stage::set_with_tls(&kit.workspace.debug())?;
    let mut command = stage.command(&[program.as_os_str()])?;
    ensure!(
        captured.run(command.envs(options(kit.workspace)))?,
        "it did not succeed"
    );
    Ok(())
}

fn folder() -> Result<tempfile::TempDir> {
    let folder = tempfile::Builder::new().prefix("adieu-lab-").tempdir();
    folder.context("cannot make a temporary folder")
}
