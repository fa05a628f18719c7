//! `cargo xtask lab`: what tries to break the library, for as long as one wants.

pub mod fuzz;
pub mod instrument;
pub mod memory;
pub mod sanitizers;
pub mod soak;

use std::{env::consts::ARCH, process::Command, time::Duration};

use anyhow::{Result, bail};

use crate::{captured::Captured, machine::Need, tally::Tally, workspace::Workspace};

const fn need(program: &'static str, package: &'static str) -> Need {
    Need { program, package }
}

/// The compiler that has the LLVM of this Rust, and the libraries of its sanitizers.
pub const CLANG: [Need; 2] = [
    need("clang-22", "clang-22"),
    need(
        "/usr/lib/llvm-22/lib/clang/22/lib/linux/libclang_rt.asan-x86_64.a",
        "libclang-rt-22-dev",
    ),
];

/// A Rust whose standard library can be built anew.
const RUST_WITH_SOURCES: [Need; 3] = [
    need("/usr/bin/rustc", "rustc-web"),
    need("/usr/bin/cargo", "cargo-web"),
    need(
        "/usr/lib/rustlib/src/rust/library/Cargo.lock",
        "rust-web-src",
    ),
];

/// One experiment after the other: what it is goes to the terminal where one looks, and what it
/// says is kept for when it fails.
pub struct Bench<'a> {
    /// What programs say.
    pub captured: &'a mut Captured,
    /// What came of it.
    pub tally: Tally,
    /// Name each step on the terminal.
    pub loud: bool,
}

impl<'a> Bench<'a> {
    /// Nothing tried yet.
    pub fn new(captured: &'a mut Captured, loud: bool) -> Self {
        Self {
            captured,
            tally: Tally::default(),
            loud,
        }
    }

    /// One check.
    pub fn check(
        &mut self,
        what: &str,
        check: impl FnOnce(&mut Captured) -> Result<()>,
    ) -> Result<()> {
        self.say(what);
        let done = check(self.captured);
        self.tally.check(done.is_ok());
        match done {
            Ok(()) => Ok(()),
            Err(error) => {
                self.say(&format!("{what}: {error:#}"));
                self.captured.note(&format!("{what}: {error:#}"))
            }
        }
    }

    /// What happens now.
    pub fn say(&self, what: &str) {
        if self.loud {
            eprintln!("lab: {what}");
        }
    }
}

/// Runs an experiment as a command: installs what it needs, and prints what it said if it failed.
pub fn command(
    needs: &[Need],
    run: impl FnOnce(&Workspace, &mut Captured) -> Result<Tally>,
) -> Result<bool> {
    if ARCH != "x86_64" || !cfg!(target_os = "linux") {
        bail!("the laboratory needs Linux on x86_64");
    }
    for need in needs {
        if let Err(reason) = need.meet() {
            bail!("{reason}");
        }
    }
    let workspace = Workspace::find()?;
    let mut captured = Captured::new()?;
    let tally = run(&workspace, &mut captured)?;
    if tally.failed > 0 {
        print!("{}", captured.text()?);
    }
    println!("{} passed, {} failed", tally.passed, tally.failed);
    Ok(tally.failed == 0)
}

/// Runs a program, for as long as it was told to, and gives back what it said too.
fn said(captured: &mut Captured, command: &mut Command, told: Duration) -> Result<(bool, String)> {
    let mut own = Captured::new()?;
    let succeeded = own.run_for(command, told)?;
    let text = own.text()?;
    captured.note(&text)?;
    Ok((succeeded, text))
}
