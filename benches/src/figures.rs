//! The file of figures. `docs/benchmarks.md` says what stands in it.

use std::fs;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::machine::{Machine, Noise};
use crate::report::{Missing, Report, Summary};

/// Raised when a field changes its meaning.
const FORMAT: u32 = 1;

/// A whole run.
pub struct Figures<'a> {
    /// On what.
    pub machine: &'a Machine,
    /// What was found.
    pub report: &'a Report,
    /// Whether it was a quick one.
    pub quick: bool,
    /// How long building took before it.
    pub build_seconds: f64,
    /// How long it took.
    pub seconds: f64,
}

impl Figures<'_> {
    /// All of it.
    pub fn json(&self) -> Value {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let measured = self.report.rows().iter().map(Summary::json);
        let missing = self.report.missing().iter().map(Missing::json);
        let rows: Vec<_> = measured.chain(missing).collect();
        json!({
            "format": FORMAT, "ended": now.unwrap_or_default().as_secs(), "seconds": self.seconds,
            "build_seconds": self.build_seconds, "quick": self.quick, "machine": self.machine.json(),
            "noise": Noise::of(self.report).json(), "rows": rows,
        })
    }

    /// Writes it into a folder.
    pub fn write(&self, folder: &Path) -> Result<()> {
        let path = folder.join("figures.json");
        fs::write(&path, format!("{:#}\n", self.json()))
            .with_context(|| format!("cannot write {}", path.display()))
    }
}
