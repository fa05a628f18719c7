//! What adieu costs: measured through the C ABI of the release build, each figure beside the
//! floor that it is judged against, taken in the same run on the same disk.
//!
//! `cargo xtask bench [--quick] [--json] [--out FOLDER] [SECTION ...]` builds this and runs it.

mod adieu;
mod arguments;
mod batch;
mod bulk;
mod call;
mod callers;
mod chart;
mod erase;
mod figures;
mod floor;
mod library;
mod listener;
mod load;
mod machine;
mod pending;
mod plots;
mod purge;
mod report;
mod round_trip;
mod sealing;
mod server;
mod side_by_side;
mod statistics;
mod sync;
mod table;

use std::env;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context, Result};

use crate::arguments::Arguments;
use crate::figures::Figures;
use crate::machine::Machine;
use crate::report::Report;

/// One part of the benchmark.
struct Section {
    name: &'static str,
    run: fn(&mut Report, bool) -> Result<()>,
    /// How often it runs, in turn with the others, when the run is a quick one and otherwise.
    rounds: [usize; 2],
}

const fn section(
    name: &'static str,
    run: fn(&mut Report, bool) -> Result<()>,
    rounds: [usize; 2],
) -> Section {
    Section { name, run, rounds }
}

const SECTIONS: [Section; 12] = [
    section("erase", erase::run, [2, 3]),
    section("round-trip", round_trip::run, [1, 3]),
    section("call", call::run, [2, 3]),
    section("sealing", sealing::run, [2, 3]),
    section("bulk", bulk::run, [1, 3]),
    section("batch", batch::run, [1, 3]),
    section("callers", callers::run, [1, 3]),
    section("purge", purge::run, [1, 2]),
    section("pending", pending::run, [1, 3]),
    section("sync", sync::run, [1, 3]),
    section("load", load::run, [1, 2]),
    section("side-by-side", side_by_side::run, [1, 2]),
];

fn main() -> Result<ExitCode> {
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
        return purge::watch(database.as_ref()).map(|()| ExitCode::SUCCESS);
    }
    let arguments = Arguments::read(env::args().skip(1), &SECTIONS.map(|section| section.name))?;
    if arguments.redraw {
        eprintln!("{}", plots::draw(&arguments.out)?.join("\n"));
        return Ok(ExitCode::SUCCESS);
    }
    let machine = Machine::look(&env::current_dir()?);
    eprintln!("{}\n", machine.words());
    // Before the minutes that a run takes.
    std::fs::create_dir_all(&arguments.out)
        .with_context(|| format!("cannot make the folder {}", arguments.out.display()))?;
    let begun = Instant::now();
    let report = measure(&arguments)?;
    let figures = Figures {
        machine: &machine,
        report: &report,
        quick: arguments.quick,
        seconds: begun.elapsed().as_secs_f64(),
    };
    figures.write(&arguments.out)?;
    plots::draw(&arguments.out)?;
    if arguments.json {
        println!("{}", figures.json());
    } else {
        table::print(&report);
        println!(
            "took {:.0} s, load after {}; figures and plots are in {}",
            figures.seconds,
            machine::load(),
            arguments.out.display()
        );
    }
    Ok(ExitCode::SUCCESS)
}

/// Runs the sections in turn, and again, so that a moment in which the machine is busy spoils no
/// figure as a whole.
fn measure(arguments: &Arguments) -> Result<Report> {
    let mut report = Report::default();
    let wanted: Vec<_> = SECTIONS
        .iter()
        .filter(|section| arguments.wants(section.name))
        .collect();
    let rounds_of = |section: &Section| section.rounds[usize::from(!arguments.quick)];
    let all: usize = wanted.iter().map(|section| rounds_of(section)).sum();
    let rounds = wanted.iter().map(|section| rounds_of(section)).max();
    let begun = Instant::now();
    let mut done = 0;
    for round in 1..=rounds.unwrap_or(0) {
        for section in wanted.iter().filter(|section| rounds_of(section) >= round) {
            done += 1;
            let name = section.name;
            eprint!("{done:>2}/{all} {name:<12} round {round} ");
            let started = Instant::now();
            report.section(name);
            (section.run)(&mut report, arguments.quick)?;
            eprintln!(
                "{:6.1} s, {:4.0} s in all",
                started.elapsed().as_secs_f64(),
                begun.elapsed().as_secs_f64()
            );
        }
    }
    Ok(report)
}
