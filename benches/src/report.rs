//! Saying what was measured, to people and to files.

use anyhow::Result;
use serde_json::{Value, json};

/// Everything measured so far.
#[derive(Default)]
pub struct Report {
    section: String,
    rows: Vec<Value>,
}

impl Report {
    /// Begins a section.
    pub fn section(&mut self, name: &str) {
        println!("\n{name}");
        self.section = name.to_owned();
    }

    /// A figure without a limit.
    pub fn figure(&mut self, what: &str, value: f64, unit: &str) {
        println!("  {what:<58} {value:>12.2} {unit}");
        self.rows
            .push(json!({ "section": self.section, "what": what, "value": value, "unit": unit }));
    }

    /// A figure and the most it may be.
    pub fn judged(&mut self, what: &str, value: f64, unit: &str, limit: f64) {
        let verdict = if value <= limit { "kept" } else { "MISSED" };
        println!("  {what:<58} {value:>12.2} {unit} (at most {limit:.2}: {verdict})");
        self.rows.push(json!({ "section": self.section, "what": what, "value": value, "unit": unit, "limit": limit }));
    }

    /// A figure and the least it must be.
    pub fn at_least(&mut self, what: &str, value: f64, unit: &str, least: f64) {
        let verdict = if value >= least { "kept" } else { "MISSED" };
        let digits = usize::from(value < 1_000.0);
        println!("  {what:<58} {value:>12.digits$} {unit} (at least {least:.0}: {verdict})");
        self.rows.push(json!({ "section": self.section, "what": what, "value": value, "unit": unit, "least": least }));
    }

    /// Writes all of it as JSON.
    pub fn write(&self, path: &str) -> Result<()> {
        Ok(std::fs::write(
            path,
            serde_json::to_vec_pretty(&self.rows)?,
        )?)
    }
}
