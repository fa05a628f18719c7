//! On what it was measured, and how restless that was.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::report::Report;
use crate::statistics::median;

/// What is said of the machine; the load is that of the moment.
pub struct Machine {
    cpu: String,
    cores: usize,
    memory_mib: u64,
    kernel: String,
    file_system: String,
    rustc: String,
    revision: String,
    load_before: String,
}

impl Machine {
    /// Looks around in the folder whose disk is measured.
    pub fn look(folder: &Path) -> Self {
        Self {
            cpu: field("/proc/cpuinfo", "model name").unwrap_or_else(|| unknown("processor")),
            cores: std::thread::available_parallelism().map_or(0, usize::from),
            memory_mib: field("/proc/meminfo", "MemTotal")
                .and_then(|line| line.split(' ').next()?.parse::<u64>().ok())
                .map_or(0, |kib| kib / 1024),
            kernel: read("/proc/sys/kernel/osrelease"),
            file_system: file_system(folder),
            rustc: said("rustc", &["--version"]),
            revision: said(
                "git",
                &[
                    "-C",
                    env!("CARGO_MANIFEST_DIR"),
                    "describe",
                    "--always",
                    "--dirty",
                ],
            ),
            load_before: load(),
        }
    }

    /// For people, before anything is measured.
    pub fn words(&self) -> String {
        format!(
            "{}, {} cores, {} MiB, Linux {}, {}\n{}, revision {}, load before {}",
            self.cpu,
            self.cores,
            self.memory_mib,
            self.kernel,
            self.file_system,
            self.rustc,
            self.revision,
            self.load_before
        )
    }

    /// As the file of figures has it, with the load of now as that after the run.
    pub fn json(&self) -> Value {
        json!({
            "cpu": self.cpu, "cores": self.cores, "memory_mib": self.memory_mib,
            "kernel": self.kernel, "file_system": self.file_system, "rustc": self.rustc,
            "revision": self.revision, "load_before": self.load_before, "load_after": load(),
        })
    }
}

/// Processes that wanted to run, in the last 1, 5 and 15 minutes.
pub fn load() -> String {
    let text = read("/proc/loadavg");
    text.split(' ').take(3).collect::<Vec<_>>().join(" ")
}

fn unknown(what: &str) -> String {
    format!("unknown {what}")
}

fn read(path: &str) -> String {
    fs::read_to_string(path).map_or_else(|_| unknown(path), |text| text.trim().to_owned())
}

fn field(path: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    let line = text.lines().find(|line| line.starts_with(name))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

fn said(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output().ok();
    let output = output.filter(|output| output.status.success());
    output.map_or_else(
        || unknown(program),
        |output| String::from_utf8_lossy(&output.stdout).trim().to_owned(),
    )
}

/// Kind and device of the mount that a folder lies on.
fn file_system(folder: &Path) -> String {
    let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    let mounts = read("/proc/self/mounts");
    mounts
        .lines()
        .filter_map(|line| {
            let mut words = line.split(' ');
            let (device, at, kind) = (words.next()?, words.next()?, words.next()?);
            folder
                .starts_with(at)
                .then_some((at.len(), format!("{kind} on {device}")))
        })
        .max_by_key(|(length, _)| *length)
        .map_or_else(|| unknown("file system"), |(_, words)| words)
}

/// How far the rounds lie apart.
pub struct Noise {
    rows: usize,
    middle: f64,
    largest: f64,
    of: String,
}

impl Noise {
    /// Of all rows that have more than one round.
    pub fn of(report: &Report) -> Self {
        let spreads: Vec<_> = report
            .rows()
            .iter()
            .filter_map(|row| Some((row.spread()?, format!("{}: {}", row.section, row.what))))
            .collect();
        let shares: Vec<_> = spreads.iter().map(|(spread, _)| *spread).collect();
        let largest = spreads
            .into_iter()
            .max_by(|one, other| one.0.total_cmp(&other.0));
        let (largest, of) = largest.unwrap_or((0.0, String::new()));
        Self {
            rows: shares.len(),
            middle: median(&shares),
            largest,
            of,
        }
    }

    /// For people.
    pub fn words(&self) -> String {
        if self.rows == 0 {
            return "one round only: nothing is known of the noise".to_owned();
        }
        format!(
            "between its rounds a row differs by {:.0} % (middle of {} rows), at most by {:.0} % ({})",
            self.middle * 100.0,
            self.rows,
            self.largest * 100.0,
            self.of
        )
    }

    /// As the file of figures has it.
    pub fn json(&self) -> Value {
        json!({ "rows": self.rows, "spread_median": self.middle, "spread_largest": self.largest, "largest_of": self.of })
    }
}
