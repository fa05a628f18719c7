//! What the programs of a suite print: kept, and shown when something failed.

use std::{
    fs::File,
    io::{Read, Seek, SeekFrom, Write},
    process::{Command, Stdio},
    time::Duration,
};

use anyhow::{Context, Result};

use crate::children::Running;

/// A program that takes longer hangs.
const LIMIT: Duration = Duration::from_secs(20 * 60);

/// Output of one suite.
pub struct Captured {
    file: File,
}

impl Captured {
    /// Nothing yet.
    pub fn new() -> Result<Self> {
        Ok(Self {
            file: tempfile::tempfile().context("cannot make a temporary file")?,
        })
    }

    /// Runs a program to its end; says whether it succeeded.
    pub fn run(&mut self, command: &mut Command) -> Result<bool> {
        self.run_for(command, Duration::ZERO)
    }

    /// The same for one that was told to go on for so long.
    pub fn run_for(&mut self, command: &mut Command, told: Duration) -> Result<bool> {
        let limit = LIMIT + told;
        // Without its environment: that may hold a credential.
        let words = std::iter::once(command.get_program()).chain(command.get_args());
        let what = words
            .map(|word| word.to_string_lossy())
            .collect::<Vec<_>>()
            .join(" ");
        self.note(&format!("$ {what}"))?;
        let clone = || self.file.try_clone().context("cannot capture output");
        command
            .stdin(Stdio::null())
            .stdout(Stdio::from(clone()?))
            .stderr(Stdio::from(clone()?));
        let status = Running::start(command)?
            .wait_at_most(limit)
            .with_context(|| format!("cannot wait for {what}"))?;
        match status {
            Some(status) if status.success() => Ok(true),
            Some(status) => {
                self.note(&format!("ended with {status}"))?;
                Ok(false)
            }
            None => {
                self.note(&format!("ended after {limit:?}, by us"))?;
                Ok(false)
            }
        }
    }

    /// Adds a line of our own.
    pub fn note(&mut self, line: &str) -> Result<()> {
        writeln!(self.file, "{line}").context("cannot capture output")
    }

    /// All of it.
    pub fn text(&mut self) -> Result<String> {
        let mut bytes = Vec::new();
        self.file
            .seek(SeekFrom::Start(0))
            .and_then(|_| self.file.read_to_end(&mut bytes))
            .context("cannot read captured output")?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }
}
