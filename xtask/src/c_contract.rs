//! The contract as a C program sees it (tests/consumers/contract), on whichever platform runs it.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, ensure};

use crate::{
    bindings::Stage, captured::Captured, machine::Need, tally::Tally, tls_front::TlsFront,
};

/// What the part with a server needs.
pub const NEEDS: [Need; 2] = TlsFront::NEEDS;

/// Its sources, as they are named from the folder `consumers`.
pub fn sources(consumers: &Path) -> Result<Vec<String>> {
    let folder = consumers.join("contract");
    let mut sources = Vec::new();
    for entry in fs::read_dir(folder).context("cannot list the checks in C")? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if name.ends_with(".c") {
            sources.push(format!("contract/{name}"));
        }
    }
    sources.sort();
    Ok(sources)
}

/// The built program, and how it is run.
pub struct Contract<'a> {
    /// Begins a command that runs it.
    pub command: &'a dyn Fn() -> Command,
    /// An empty folder.
    pub folder: PathBuf,
}

impl Contract<'_> {
    /// All of it: alone, killed in the middle of a deletion, and with the server of `built`.
    pub fn check(&self, built: &Path, captured: &mut Captured) -> Result<Tally> {
        let mut tally = self.run(&mut self.with(&[]), captured)?;
        // It ends itself as nothing that has failed does.
        let survived = captured.run(&mut self.with(&["accept"]))?;
        tally.check(!survived);
        tally += self.run(&mut self.with(&["killed"]), captured)?;
        tally.attempt("the server's word", captured, |captured| {
            let served = self.served(built, captured)?;
            ensure!(served.failed == 0, "{} checks failed", served.failed);
            Ok(())
        })?;
        Ok(tally)
    }

    fn with(&self, words: &[&str]) -> Command {
        let mut command = (self.command)();
        command.arg(&self.folder).args(words);
        command
    }

    /// Over TLS; what is gone is looked for at the server, too.
    fn served(&self, built: &Path, captured: &mut Captured) -> Result<Tally> {
        let stage = Stage::set(built)?;
        let front = TlsFront::before(stage.url())?;
        stage.expect_whole("c2c_bob")?;
        let mut command = self.with(&["served"]);
        stage.tell(&mut command)?;
        command
            .env("ADIEU_SERVER_URL", &front.url)
            .env("ADIEU_AUTHORITY", front.authority());
        let tally = self.run(&mut command, captured)?;
        stage.expect_gone("c2c_bob")?;
        stage.expect_whole("c2c_carol")?;
        Ok(tally)
    }

    /// Counts the lines that it ends each check with.
    fn run(&self, command: &mut Command, captured: &mut Captured) -> Result<Tally> {
        let mut own = Captured::new()?;
        let succeeded = own.run(command)?;
        let text = own.text()?;
        captured.note(&text)?;
        let count = |begin: &str| text.lines().filter(|line| line.starts_with(begin)).count();
        let mut tally = Tally {
            passed: count("ok ") as u64,
            failed: count("FAILED ") as u64,
            skipped: 0,
        };
        // What died, or checked nothing, counted nothing.
        if (!succeeded && tally.failed == 0) || tally.passed == 0 {
            tally.failed += 1;
        }
        Ok(tally)
    }
}
