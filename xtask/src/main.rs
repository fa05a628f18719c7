//! The house's own commands:
//! `cargo xtask demo | test | bench | overhead | guard | lab | contract | dist | install`.

mod audit;
mod begin;
mod bench;
mod bindings;
mod built;
mod c_build;
mod c_contract;
mod c_programs;
mod captured;
mod chat_log;
mod children;
mod contract;
mod curl;
mod demo;
mod demo_suite;
mod dist;
mod exports;
mod forensics;
mod guard;
mod harness;
mod header;
mod lab;
mod machine;
mod named_files;
mod named_tests;
mod offline;
mod openapi;
mod packages;
mod plain_store;
mod report;
mod rest;
mod scenario;
mod server;
mod suites;
mod tally;
mod test;
mod tls_front;
mod two_devices;
mod workspace;

use std::{path::PathBuf, process::ExitCode, time::Duration};

use anyhow::{Result, ensure};
use clap::{Parser, Subcommand};

use lab::{fuzz, instrument::Sanitizer, memory, sanitizers, soak};
use tally::Tally;

/// The house's own commands.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Delete two real conversations through the C interface, and look for what is left.
    Demo(DemoArgs),
    /// Run the test suites; what they need is installed where apt and root are there.
    Test(TestArgs),
    /// Measure what adieu costs, beside the floors of this machine; docs/benchmarks.md tells how.
    Bench(BenchArgs),
    /// Measure what a call costs through each wrapper, beside the C interface.
    Overhead(OverheadArgs),
    /// Count instructions and system calls of a deletion, against the committed figures.
    Guard(GuardArgs),
    /// Check docs/contract.md against the tests.
    Contract(ContractArgs),
    /// Make the archives that others install.
    Dist(DistArgs),
    /// Install the library on this machine.
    Install(InstallArgs),
    /// Try to break the library, for as long as one wants.
    #[command(subcommand)]
    Lab(LabCommand),
}

#[derive(Debug, Subcommand)]
enum LabCommand {
    /// Stress, the C programs and the C++ headers under AddressSanitizer, LeakSanitizer,
    /// UndefinedBehaviorSanitizer and ThreadSanitizer.
    Sanitizers {
        /// How long each stress lasts.
        #[arg(long, value_name = "N", default_value_t = 60)]
        seconds: u64,
        /// Only this one.
        #[arg(long, value_enum)]
        only: Option<Sanitizer>,
    },
    /// Fuzz what reads input, with libFuzzer.
    Fuzz {
        /// How long each target is tried.
        #[arg(long, value_name = "N", default_value_t = 60)]
        seconds: u64,
        /// Only read the committed inputs, and for a moment some like them, without a sanitizer: quick
        /// to build.
        #[arg(long, conflicts_with_all = ["seconds", "targets"])]
        replay: bool,
        /// Files in fuzz/src; default: all.
        targets: Vec<String>,
    },
    /// Use two devices of many accounts and a server, with kills and a network that goes and comes.
    Soak {
        /// How long.
        #[arg(long, value_name = "N", default_value_t = 10.0)]
        minutes: f64,
    },
    /// Look through the memory of a process for what it has deleted.
    Memory,
    /// Refuse a process its nth allocation, its nth thread and its last files, for every n, and
    /// look at what it left.
    Scarce {
        /// Every so many-th allocation.
        #[arg(long, value_name = "N", default_value_t = 1,
              value_parser = clap::value_parser!(u64).range(1..))]
        step: u64,
    },
}

/// `demo`.
#[derive(Debug, clap::Args)]
struct DemoArgs {
    /// Chat logs (JSON Lines, plain or zstd); default: ../shared/data where it is there, else a
    /// small log of our own.
    files: Vec<PathBuf>,
    /// Print one JSON object a line for each deleted conversation.
    #[arg(long)]
    json: bool,
    /// Take the small log of our own.
    #[arg(long, conflicts_with = "files")]
    built_in: bool,
    /// 2: show what reaches a user's other devices, with the operator's switch off and on.
    #[arg(long, value_name = "COUNT", default_value_t = 1,
          value_parser = clap::value_parser!(u8).range(1..=2),
          conflicts_with_all = ["files", "built_in"])]
    devices: u8,
}

/// `test`.
#[derive(Debug, clap::Args)]
struct TestArgs {
    /// Name the suites, and what they need.
    #[arg(long)]
    list: bool,
    /// Run this suite only; may be given more than once.
    #[arg(long, value_name = "SUITE")]
    only: Vec<String>,
}

/// `bench`.
#[derive(Debug, clap::Args)]
struct BenchArgs {
    /// Sections (erase, round-trip, call, footprint, sealing, bulk, batch, callers, purge, pending,
    /// sync, load, side-by-side); default: all.
    sections: Vec<String>,
    /// Under a minute: smaller stores, fewer rounds.
    #[arg(long)]
    quick: bool,
    /// Print the figures as one JSON object in place of the table.
    #[arg(long)]
    json: bool,
    /// Where figures.json, results.md and the plots go; default: bench in cargo's target folder.
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
}

/// `overhead`.
#[derive(Debug, clap::Args)]
struct OverheadArgs {
    /// Print the figures as one JSON object in place of the table.
    #[arg(long)]
    json: bool,
}

/// `guard`.
#[derive(Debug, clap::Args)]
struct GuardArgs {
    /// Write the committed figures anew, from what was counted.
    #[arg(long)]
    update: bool,
}

/// `contract`.
#[derive(Debug, clap::Args)]
struct ContractArgs {
    /// Write the column of proofs anew, from what the tests name.
    #[arg(long)]
    update: bool,
}

/// `dist`.
#[derive(Debug, clap::Args)]
struct DistArgs {
    /// A platform, or "all"; with --check also "types", which stands for platforms that there is no
    /// archive for. Default: this machine's, with --check all of that. May be given more than once.
    #[arg(long, value_name = "PLATFORM")]
    target: Vec<String>,
    /// Where the archives go; default: dist in cargo's target folder.
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
    /// Debian packages of those for Linux, too.
    #[arg(long)]
    deb: bool,
    /// Make them, and check what takes too long for the suites: size, ABI, glibc floor,
    /// reproducibility, programs of the other platforms under qemu and wine, and types where
    /// nothing can be run.
    #[arg(long, conflicts_with_all = ["out", "deb", "json"])]
    check: bool,
    /// With --check: write the ABI's baseline anew instead of comparing with it.
    #[arg(long, requires = "check")]
    update_abi: bool,
    /// Print one JSON object a line for each archive.
    #[arg(long)]
    json: bool,
}

/// `install`.
#[derive(Debug, clap::Args)]
struct InstallArgs {
    /// Where to.
    #[arg(long, default_value = "/usr/local")]
    prefix: PathBuf,
    /// A folder that stands for / (what packagers call DESTDIR).
    #[arg(long, value_name = "FOLDER")]
    destdir: Option<PathBuf>,
}

fn run_lab(command: LabCommand) -> Result<bool> {
    match command {
        LabCommand::Sanitizers { seconds, only } => {
            lab::command(sanitizers::NEEDS, |workspace, captured| {
                workspace.build_debug()?;
                let mut tally = Tally::default();
                let all = [Sanitizer::Address, Sanitizer::Thread];
                for one in all
                    .iter()
                    .filter(|one| only.is_none_or(|only| only == **one))
                {
                    tally += sanitizers::check(workspace, *one, seconds, true, captured)?;
                }
                Ok(tally)
            })
        }
        LabCommand::Fuzz { replay: true, .. } => lab::command(&[], fuzz::replay),
        LabCommand::Fuzz {
            seconds, targets, ..
        } => lab::command(fuzz::NEEDS, |workspace, captured| {
            fuzz::check(workspace, seconds, &targets, captured)
        }),
        LabCommand::Soak { minutes } => {
            ensure!(
                (0.1..=100_000.0).contains(&minutes),
                "--minutes {minutes}; allowed: 0.1 to 100,000"
            );
            lab::command(soak::NEEDS, |workspace, captured| {
                workspace.build_debug()?;
                let time = Duration::from_secs_f64(minutes * 60.0);
                soak::check(workspace, time, true, captured)
            })
        }
        LabCommand::Memory => lab::command(memory::NEEDS, memory::check),
        LabCommand::Scarce { step } => lab::command(memory::NEEDS, |workspace, captured| {
            memory::scarce(workspace, step, captured)
        }),
    }
}

fn main() -> ExitCode {
    if let Err(error) = begin::without_cargos_words() {
        eprintln!("error: cannot begin: {error}");
        return ExitCode::FAILURE;
    }
    let done = children::on_interrupt_end_all().and_then(|()| match Cli::parse().command {
        Command::Demo(args) if args.devices == 2 => two_devices::run(args.json),
        Command::Demo(args) => demo::run(&args.files, args.built_in, args.json),
        Command::Test(args) if args.list => test::list(),
        Command::Test(args) => test::run(&args.only),
        Command::Bench(args) => bench::run(&bench::Wanted {
            quick: args.quick,
            json: args.json,
            out: args.out,
            sections: args.sections,
        }),
        Command::Overhead(args) => bindings::measure_overhead(args.json),
        Command::Guard(args) => guard::run(args.update),
        Command::Contract(args) => contract::run(args.update),
        Command::Dist(args) if args.check => dist::check(&args.target, args.update_abi),
        Command::Dist(args) => dist::run(&args.target, args.out.as_deref(), args.deb, args.json),
        Command::Install(args) => dist::install(&args.prefix, args.destdir.as_deref()),
        Command::Lab(command) => run_lab(command),
    });
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(_) if children::interrupted() => {
            eprintln!("interrupted");
            ExitCode::from(130)
        }
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
