//! What adieu costs: measured through the C ABI of the release build, each figure beside the
//! floor that it is judged against, taken in the same run on the same disk.
//!
//! `cargo run --release -p adieu-bench [-- --quick] [--json FILE] [SECTION ...]`

mod adieu;
mod batch;
mod bulk;
mod call;
mod callers;
mod erase;
mod floor;
mod library;
mod listener;
mod load;
mod pending;
mod purge;
mod report;
mod round_trip;
mod sealing;
mod server;
mod statistics;
mod sync;

use std::env;

use anyhow::{Result, bail};

use crate::report::Report;

/// One part of the benchmark.
type Section = (&'static str, fn(&mut Report, bool) -> Result<()>);

const SECTIONS: [Section; 11] = [
    ("erase", erase::run),
    ("round-trip", round_trip::run),
    ("call", call::run),
    ("sealing", sealing::run),
    ("bulk", bulk::run),
    ("batch", batch::run),
    ("callers", callers::run),
    ("purge", purge::run),
    ("pending", pending::run),
    ("sync", sync::run),
    ("load", load::run),
];

fn main() -> Result<()> {
    if env::var_os("ADIEU_PLAINTEXT_BENCHMARK").is_none() {
        // The build in plain text asks for it; set before anything runs.
        let status = std::process::Command::new(env::current_exe()?)
            .args(env::args_os().skip(1))
            .env("ADIEU_PLAINTEXT_BENCHMARK", "1")
            .status()?;
        std::process::exit(status.code().unwrap_or(1));
    }
    if let Some(database) = env::args_os().nth(2)
        && env::args_os()
            .nth(1)
            .is_some_and(|verb| verb == purge::WATCH)
    {
        return purge::watch(database.as_ref());
    }
    let mut quick = false;
    let mut json = None;
    let mut wanted = Vec::new();
    let mut arguments = env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--quick" => quick = true,
            "--bench" => {}
            "--json" => json = arguments.next(),
            name if SECTIONS.iter().any(|(section, _)| *section == name) => {
                wanted.push(name.to_owned())
            }
            other => bail!(
                "{other} is no section; allowed: {:?}",
                SECTIONS.map(|(name, _)| name)
            ),
        }
    }
    let mut report = Report::default();
    for (name, run) in SECTIONS {
        if wanted.is_empty() || wanted.iter().any(|wanted| wanted == name) {
            report.section(name);
            run(&mut report, quick)?;
        }
    }
    match json {
        Some(path) => report.write(&path),
        None => Ok(()),
    }
}
