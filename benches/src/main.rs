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
mod elsewhere;
mod engine;
mod erase;
mod figures;
mod floor;
mod footprint;
mod library;
mod listener;
mod load;
mod machine;
mod pending;
mod plots;
mod purge;
mod report;
mod results;
mod round_trip;
mod sealing;
mod server;
mod side_by_side;
mod statistics;
mod sync;
mod table;

use std::collections::{HashMap, HashSet};
use std::env;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context, Result};

use crate::arguments::Arguments;
use crate::engine::Run;
use crate::figures::Figures;
use crate::library::{Build, api, built};
use crate::machine::Machine;
use crate::report::Report;

/// Seconds after which no section begins another round, in a quick run and otherwise: the first rounds
/// of all take less, and the whole stays under a minute and under ten.
const BUDGET: [f64; 2] = [54.0, 540.0];

type Measure = fn(&mut Report, &Run) -> Result<()>;

/// One part of the benchmark.
struct Section {
    name: &'static str,
    run: Measure,
    /// How often it runs at most, in turn with the others, when the run is a quick one and otherwise.
    rounds: [usize; 2],
}

const fn section(name: &'static str, run: Measure, rounds: [usize; 2]) -> Section {
    Section { name, run, rounds }
}

const SECTIONS: [Section; 13] = [
    section("erase", erase::run, [2, 3]),
    section("round-trip", round_trip::run, [1, 2]),
    section("call", call::run, [3, 5]),
    section("footprint", footprint::run, [1, 3]),
    section("sealing", sealing::run, [2, 3]),
    section("bulk", bulk::run, [1, 3]),
    section("batch", batch::run, [2, 4]),
    section("callers", callers::run, [1, 3]),
    section("purge", purge::run, [1, 2]),
    section("pending", pending::run, [1, 3]),
    section("sync", sync::run, [1, 2]),
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
    let words: Vec<_> = env::args_os().skip(1).collect();
    match words.as_slice() {
        [verb, database] if verb == purge::WATCH => purge::watch(database.as_ref())?,
        [verb, library, folder] if verb == footprint::OPEN => {
            footprint::open(library.as_ref(), folder.as_ref())?;
        }
        _ => {
            let names = SECTIONS.map(|section| section.name);
            return run(&Arguments::read(env::args().skip(1), &names)?);
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn run(arguments: &Arguments) -> Result<ExitCode> {
    if arguments.redraw {
        results::write(&arguments.out)?;
        eprintln!("{}", plots::draw(&arguments.out)?.join("\n"));
        return Ok(ExitCode::SUCCESS);
    }
    // Before the minutes that a run takes.
    std::fs::create_dir_all(&arguments.out)
        .with_context(|| format!("cannot make the folder {}", arguments.out.display()))?;
    let run = Run {
        quick: arguments.quick,
        no_postgres: arguments.no_postgres.clone(),
    };
    let wanted: Vec<_> = SECTIONS
        .iter()
        .filter(|section| arguments.wants(section.name))
        .collect();
    let mut report = Report::default();
    let begun = Instant::now();
    build(&run, &wanted);
    let build_seconds = begun.elapsed().as_secs_f64();
    let machine = Machine::look(&env::current_dir()?);
    eprintln!("{}\n", machine.words());
    let begun = Instant::now();
    measure(&mut report, &run, &wanted);
    let figures = Figures {
        machine: &machine,
        report: &report,
        quick: run.quick,
        build_seconds,
        seconds: begun.elapsed().as_secs_f64(),
    };
    figures.write(&arguments.out)?;
    results::write(&arguments.out)?;
    plots::draw(&arguments.out)?;
    if arguments.json {
        println!("{}", figures.json());
    } else {
        table::print(&report);
        println!(
            "took {:.0} s, after {build_seconds:.0} s of building; load after {}; results.md, \
             figures.json and the plots are in {}",
            figures.seconds,
            machine::load(),
            arguments.out.display()
        );
    }
    let failed = report.missing().iter().any(|missing| missing.failed);
    Ok(ExitCode::from(u8::from(failed)))
}

/// Builds what the sections measure, so that none of them waits for a compiler. What does not build
/// is the section's own failure, when its turn comes.
fn build(run: &Run, wanted: &[&Section]) {
    let wants = |name: &str| wanted.iter().any(|section| section.name == name);
    let begun = Instant::now();
    let said = |what: &str, done: Result<()>| match done {
        Ok(()) => eprintln!("{what}: {:.0} s", begun.elapsed().as_secs_f64()),
        Err(error) => eprintln!("{what}: {error:#}"),
    };
    said("built adieu", built("adieu").map(drop));
    said("built adieu-server", built("adieu-server").map(drop));
    if wants("sealing") {
        let plain = api(Build::Plain).map(drop);
        said("built adieu in plain text", plain);
    }
    if wants("side-by-side") {
        let done = side_by_side::build(run).map(drop);
        said("built side-by-side", done);
    }
}

/// Runs the sections in turn, and again, so that a moment in which the machine is busy spoils no
/// figure as a whole. One that fails says so in the report, and has no more rounds.
fn measure(report: &mut Report, run: &Run, wanted: &[&Section]) {
    let rounds_of = |section: &Section| run.scaled(section.rounds[0], section.rounds[1]);
    let rounds = wanted.iter().map(|section| rounds_of(section)).max();
    let mut longest: HashMap<&str, f64> = HashMap::new();
    let mut failed: HashSet<&str> = HashSet::new();
    let begun = Instant::now();
    for round in 1..=rounds.unwrap_or(0) {
        for section in wanted.iter().filter(|section| rounds_of(section) >= round) {
            let name = section.name;
            let until = longest
                .get(name)
                .map(|took| begun.elapsed().as_secs_f64() + took);
            let late = until.is_some_and(|until| until > run.scaled(BUDGET[0], BUDGET[1]));
            if late || failed.contains(name) {
                continue;
            }
            eprint!("round {round} {name:<12} ");
            let started = Instant::now();
            report.section(name);
            if let Err(why) = guarded(section.run, report, run) {
                eprint!("FAILED: {why}");
                report.failed(format!("round {round}"), why);
                failed.insert(name);
            }
            let took = started.elapsed().as_secs_f64();
            let longest = longest.entry(name).or_insert(took);
            *longest = longest.max(took);
            eprintln!(
                "{took:6.1} s, {:4.0} s in all",
                begun.elapsed().as_secs_f64()
            );
        }
    }
}

/// Runs a section; what goes wrong in it, a panic too, comes back as words.
fn guarded(section: Measure, report: &mut Report, run: &Run) -> Result<(), String> {
    match catch_unwind(AssertUnwindSafe(|| section(report, run))) {
        Ok(done) => done.map_err(|error| format!("{error:#}")),
        Err(panic) => Err(panic
            .downcast_ref::<String>()
            .cloned()
            .or_else(|| {
                panic
                    .downcast_ref::<&str>()
                    .map(|words| (*words).to_owned())
            })
            .unwrap_or_else(|| "it panicked".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use anyhow::bail;

    use super::*;

    const RUN: Run = Run {
        quick: true,
        no_postgres: None,
    };

    fn works(report: &mut Report, _: &Run) -> Result<()> {
        report.figure("one", 1.0, "");
        Ok(())
    }

    fn fails(report: &mut Report, _: &Run) -> Result<()> {
        report.figure("before", 1.0, "");
        bail!("no disk")
    }

    fn panics(_: &mut Report, _: &Run) -> Result<()> {
        assert_eq!(1, 2, "no database");
        Ok(())
    }

    #[test]
    fn a_section_that_fails_leaves_the_others_their_rows() {
        let sections = [
            section("fails", fails, [2, 2]),
            section("panics", panics, [2, 2]),
            section("works", works, [2, 2]),
        ];
        let mut report = Report::default();
        measure(&mut report, &RUN, &sections.each_ref());
        let rows: Vec<_> = report.rows().iter().map(|row| row.section).collect();
        assert_eq!(rows, ["fails", "works"]);
        let missing = report.missing();
        let failed: Vec<_> = missing.iter().map(|missing| missing.section).collect();
        assert_eq!(failed, ["fails", "panics"], "each of them once");
        assert_eq!(missing[0].why, "no disk");
        assert!(missing[1].why.contains("no database"));
        assert!(missing.iter().all(|missing| missing.failed));
    }
}
