//! The words on the command line.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};

/// What is to be run.
#[derive(Debug)]
pub struct Arguments {
    /// Smaller and fewer.
    pub quick: bool,
    /// Nothing is measured: the plots are drawn anew from the figures in `out`.
    pub redraw: bool,
    /// JSON on standard output in place of the table.
    pub json: bool,
    /// Where the files of this run go.
    pub out: PathBuf,
    /// Why there is no PostgreSQL, where that is so.
    pub no_postgres: Option<String>,
    sections: Vec<String>,
}

impl Arguments {
    /// Reads them; `sections` are those that there are.
    pub fn read(mut given: impl Iterator<Item = String>, sections: &[&str]) -> Result<Self> {
        let mut read = Self {
            quick: false,
            redraw: false,
            json: false,
            out: PathBuf::from("."),
            no_postgres: None,
            sections: Vec::new(),
        };
        while let Some(argument) = given.next() {
            match argument.as_str() {
                "--redraw" => read.redraw = true,
                "--quick" => read.quick = true,
                "--json" => read.json = true,
                "--no-postgres" => read.no_postgres = given.next(),
                "--out" => read.out = given.next().context("--out needs a folder")?.into(),
                name if sections.contains(&name) => read.sections.push(argument),
                other => bail!("{other} is no section; allowed: {}", sections.join(", ")),
            }
        }
        Ok(read)
    }

    /// Whether a section is to be run: where none is named, all are.
    pub fn wants(&self, section: &str) -> bool {
        self.sections.is_empty() || self.sections.iter().any(|name| name == section)
    }
}
