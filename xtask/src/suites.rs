//! `cargo xtask test`: the suites.

use std::{cell::OnceCell, ffi::OsStr, process::Command, time::Instant};

use anyhow::{Result, anyhow, bail};
use console::style;

use crate::{
    c_build, c_programs,
    captured::Captured,
    contract, demo_suite, exports, header,
    machine::{self, Need},
    tally::Tally,
    workspace::Workspace,
};

/// Lines that are shown of a suite that failed.
const SHOWN: usize = 400;

/// One suite.
pub struct Suite {
    /// What `--only` takes.
    pub name: &'static str,
    /// What it checks.
    pub what: &'static str,
    needs: &'static [Need],
    /// Sentences of the contract that it proves by itself.
    pub proves: &'static [&'static str],
    run: fn(&Built, &mut Captured) -> Result<Tally>,
}

const CC: Need = need("gcc", "gcc");
const CPP: Need = need("g++", "g++");
const CLANG: Need = need("clang", "clang");
const CLANGPP: Need = need("clang++", "clang");
const MAKE: Need = need("make", "make");
const BINUTILS: Need = need("readelf", "binutils");
const VALGRIND: Need = need("valgrind", "valgrind");

const fn need(program: &'static str, package: &'static str) -> Need {
    Need { program, package }
}

/// All of them, the quickest first.
pub const SUITES: &[Suite] = &[
    Suite {
        name: "fmt",
        what: "the sources are formatted",
        needs: &[],
        proves: &[],
        run: |built, captured| once(captured, &mut built.cargo(&["fmt", "--all", "--check"])),
    },
    Suite {
        name: "contract-doc",
        what: "every sentence of the contract has a test, or a word on what is still to come",
        needs: &[],
        proves: &[],
        run: |built, captured| contract::check(&built.workspace, captured),
    },
    Suite {
        name: "clippy",
        what: "no lint speaks up",
        needs: &[],
        proves: &[],
        run: |built, captured| {
            let arguments = [
                "clippy",
                "--workspace",
                "--all-targets",
                "--features=adieu/failpoints",
                "--",
                "-Dwarnings",
            ];
            once(captured, &mut built.cargo(&arguments))
        },
    },
    Suite {
        name: "header",
        what: "adieu.h compiles alone as C99 to C23 and C++11 to C++23, and is what the sources say",
        needs: &[CC, CPP, CLANG, CLANGPP],
        proves: &[],
        run: |built, captured| header::check(&built.workspace, captured),
    },
    Suite {
        name: "unit",
        what: "unit tests of the library, the wire and these commands",
        needs: &[],
        proves: &[],
        run: |built, captured| {
            let mut tally = Tally::default();
            for arguments in [
                &["--package=adieu", "--features=failpoints", "--lib"][..],
                &["--package=adieu-protocol", "--all-features"],
                &["--package=xtask"],
            ] {
                tally += cargo_test(built, captured, arguments)?;
            }
            Ok(tally)
        },
    },
    Suite {
        name: "server",
        what: "tests of adieu-server",
        needs: &[],
        proves: &[],
        run: |built, captured| cargo_test(built, captured, &["--package=adieu-server"]),
    },
    Suite {
        name: "contract",
        what: "the contract, driven through the C interface",
        needs: &[],
        proves: &[],
        run: |built, captured| {
            built.debug()?;
            let arguments = ["--package=adieu", "--features=failpoints", "--test=*"];
            cargo_test(built, captured, &arguments)
        },
    },
    Suite {
        name: "exports",
        what: "the shared library shows the functions of the header and nothing else",
        needs: &[BINUTILS],
        proves: &["ABI-4"],
        run: |built, captured| {
            built.release()?;
            exports::check(&built.workspace, captured)
        },
    },
    Suite {
        name: "c",
        what: "the C programs build with their Makefile and work",
        needs: &[CC, MAKE],
        proves: &[],
        run: |built, captured| {
            built.release()?;
            let release = built.workspace.release();
            let programs = c_build::build(&built.workspace, &release, "c")?;
            c_programs::check(&release, &programs, &[], captured)
        },
    },
    Suite {
        name: "valgrind",
        what: "the C programs under memcheck: no error, no leak",
        needs: &[CC, MAKE, VALGRIND],
        proves: &[],
        run: |built, captured| {
            built.debug()?;
            // With symbols, for what valgrind has to say and for its suppressions.
            let debug = built.workspace.debug();
            let programs = c_build::build(&built.workspace, &debug, "valgrind")?;
            let suppressions = built.workspace.root.join("examples-c/valgrind.supp");
            let suppressions = format!("--suppressions={}", suppressions.display());
            let runner = [
                OsStr::new("valgrind"),
                OsStr::new("--quiet"),
                OsStr::new("--leak-check=full"),
                OsStr::new("--errors-for-leak-kinds=definite,possible"),
                OsStr::new("--error-exitcode=99"),
                OsStr::new(&suppressions),
            ];
            c_programs::check(&debug, &programs, &runner, captured)
        },
    },
    Suite {
        name: "demo",
        what: "the demo, on the log of our own and on the sample logs",
        needs: &[CC, MAKE],
        proves: &["DEL-1", "DEL-5", "DEL-7", "ERA-2"],
        run: |built, captured| {
            built.release()?;
            demo_suite::check(&built.workspace, captured)
        },
    },
];

/// The workspace, and what was built of it in this run.
pub struct Built {
    workspace: Workspace,
    release: OnceCell<()>,
    debug: OnceCell<()>,
}

impl Built {
    fn cargo(&self, arguments: &[&str]) -> Command {
        self.workspace.cargo(arguments)
    }

    fn release(&self) -> Result<()> {
        if self.release.get().is_none() {
            self.workspace.build_release()?;
            let _ = self.release.set(());
        }
        Ok(())
    }

    fn debug(&self) -> Result<()> {
        if self.debug.get().is_none() {
            self.workspace.build_debug()?;
            let _ = self.debug.set(());
        }
        Ok(())
    }
}

fn once(captured: &mut Captured, command: &mut Command) -> Result<Tally> {
    let mut tally = Tally::default();
    tally.check(captured.run(command)?);
    Ok(tally)
}

fn cargo_test(built: &Built, captured: &mut Captured, arguments: &[&str]) -> Result<Tally> {
    let mut command = built.cargo(&["test", "--no-fail-fast"]);
    command
        .args(arguments)
        .env("ADIEU_LIB", built.workspace.debug().join("libadieu.so"))
        .env("ADIEU_SERVER", Workspace::server(&built.workspace.debug()));
    let mut own = Captured::new()?;
    let succeeded = own.run(&mut command)?;
    let text = own.text()?;
    captured.note(&text)?;
    let mut tally = Tally::of_cargo_test(&text);
    // What did not compile, or died, counted nothing.
    if !succeeded && tally.failed == 0 {
        tally.failed = 1;
    }
    Ok(tally)
}

/// Names the suites.
pub fn list() -> Result<bool> {
    for suite in SUITES {
        let needs: Vec<&str> = suite.needs.iter().map(|need| need.program).collect();
        let needs = if needs.is_empty() {
            String::new()
        } else {
            format!("  (needs {})", needs.join(", "))
        };
        println!("{:<14}{}{needs}", suite.name, suite.what);
    }
    Ok(true)
}

/// Runs the named suites, or all; the last line that it prints counts.
pub fn run(only: &[String]) -> Result<bool> {
    let mut chosen: Vec<&Suite> = SUITES.iter().collect();
    if !only.is_empty() {
        if let Some(unknown) = only
            .iter()
            .find(|name| SUITES.iter().all(|suite| suite.name != **name))
        {
            bail!("there is no suite {unknown:?}; cargo xtask test --list names them");
        }
        chosen.retain(|suite| only.iter().any(|name| name == suite.name));
    }
    let built = Built {
        workspace: Workspace::find()?,
        release: OnceCell::new(),
        debug: OnceCell::new(),
    };
    let mut total = Tally::default();
    let mut left_out = Vec::new();
    for suite in chosen {
        total += run_one(suite, &built, &mut left_out)?;
    }
    println!();
    for reason in &left_out {
        println!("{}", style(format!("skipped: {reason}")).yellow());
    }
    if machine::in_ci() && total.skipped > 0 {
        println!("nothing may be skipped here: what was counts as failed");
        total.failed += std::mem::take(&mut total.skipped);
    }
    println!(
        "{} passed, {} failed, {} skipped",
        total.passed, total.failed, total.skipped
    );
    Ok(total.failed == 0)
}

/// Prints the end of what failed: a compiler can say more than a terminal holds.
fn show(text: &str) {
    let lines: Vec<&str> = text.lines().collect();
    let left_out = lines.len().saturating_sub(SHOWN);
    if left_out > 0 {
        println!("{:14} | {left_out} lines, and then", "");
    }
    for line in lines.iter().skip(left_out) {
        println!("{:14} | {line}", "");
    }
}

fn run_one(suite: &Suite, built: &Built, left_out: &mut Vec<String>) -> Result<Tally> {
    println!(
        "{} {}",
        style(format!("{:<14}", suite.name)).bold(),
        suite.what
    );
    let begun = Instant::now();
    for need in suite.needs {
        if let Err(reason) = need.meet() {
            println!("{:14} skipped: {reason}", "");
            left_out.push(format!("{}: {reason}", suite.name));
            return Ok(Tally {
                skipped: 1,
                ..Tally::default()
            });
        }
    }
    let mut captured = Captured::new()?;
    let ran = (suite.run)(built, &mut captured);
    if crate::children::interrupted() {
        return Err(anyhow!("interrupted"));
    }
    let tally = match ran {
        Ok(tally) => tally,
        Err(error) => {
            captured.note(&format!("{error:#}"))?;
            Tally {
                failed: 1,
                ..Tally::default()
            }
        }
    };
    if tally.failed > 0 {
        show(&captured.text()?);
    }
    if tally.skipped > 0 {
        left_out.push(format!("{}: {} checks", suite.name, tally.skipped));
        for line in captured
            .text()?
            .lines()
            .filter(|line| line.contains("skipped: "))
        {
            left_out.push(format!("{}: {line}", suite.name));
        }
    }
    println!(
        "{:14} {} passed, {} failed, {} skipped in {:.1} s",
        "",
        tally.passed,
        tally.failed,
        tally.skipped,
        begun.elapsed().as_secs_f64()
    );
    Ok(tally)
}
