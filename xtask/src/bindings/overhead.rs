//! `cargo xtask overhead`: what a call costs through each wrapper, beside the C interface in the same
//! round.

use std::{
    ffi::{OsStr, OsString},
    fs,
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{ChildStdin, ChildStdout, Command, Stdio},
    time::{SystemTime, UNIX_EPOCH},
};

use anyhow::{Context, Result, ensure};
use indicatif::ProgressBar;
use serde::Serialize;

use super::{
    java, node, objc,
    stage::{Stage, library_folder},
};
use crate::{captured::Captured, children::Running, suites, workspace::Workspace};

/// What the programs do: its name, how many calls are under way at once, and what that is.
const KINDS: [(&str, u32, &str); 3] = [
    (
        "deletion",
        2_000,
        "a deletion, to the server's disk and the device's",
    ),
    ("pin", 2_000, "a pin, to the device's disk"),
    (
        "refused",
        20_000,
        "a call that is refused by its id: the way in and out, and no more",
    ),
];

/// Rounds that count, after those in which caches, pools and compilers warm up.
const ROUNDS: usize = 21;
const WARM_UP: usize = 4;

/// A wrapper, or the C interface.
struct Wrapper {
    /// The account it has, and what it is called in the figures.
    name: &'static str,
    what: &'static str,
    /// At most so many times the C interface.
    goal: Option<f64>,
    /// The suite that has the same needs.
    suite: &'static str,
    /// The words that start its program.
    build: fn(&Workspace, &Path, &mut Captured) -> Result<Vec<OsString>>,
}

const WRAPPERS: [Wrapper; 6] = [
    Wrapper {
        name: "c",
        what: "adieu.h",
        goal: None,
        suite: "header",
        build: |workspace, release, captured| native(workspace, release, "overhead.c", captured),
    },
    Wrapper {
        name: "cpp",
        what: "adieu.hpp",
        goal: Some(1.1),
        suite: "header",
        build: |workspace, release, captured| native(workspace, release, "client.cpp", captured),
    },
    Wrapper {
        name: "v2tim",
        what: "the vendor's C++ classes",
        goal: Some(1.1),
        suite: "header",
        build: |workspace, release, captured| native(workspace, release, "v2tim.cpp", captured),
    },
    Wrapper {
        name: "objc",
        what: "Objective-C, GNUstep",
        goal: Some(1.5),
        suite: "objc",
        build: objc::overhead,
    },
    Wrapper {
        name: "java",
        what: "Java",
        goal: Some(3.0),
        suite: "java",
        build: java::overhead,
    },
    Wrapper {
        name: "node",
        what: "Node.js",
        goal: Some(3.0),
        suite: "node",
        build: node::overhead,
    },
];

/// One kind of call through one wrapper.
#[derive(Serialize)]
struct Row {
    kind: &'static str,
    through: &'static str,
    unit: &'static str,
    /// Of each round.
    rounds: Vec<f64>,
    median: f64,
    /// The quarter and the three quarters of the rounds.
    quartiles: [f64; 2],
    /// To the C interface: the median of the rounds' own, and of each.
    ratio: f64,
    ratios: Vec<f64>,
    ratio_quartiles: [f64; 2],
    at_most: Option<f64>,
    kept: Option<bool>,
}

#[derive(Serialize)]
struct Figures {
    format: u32,
    /// Unix seconds.
    ended: u64,
    /// Of the last minute, at the end.
    load: Option<f64>,
    rows: Vec<Row>,
    skipped: Vec<String>,
}

/// Builds everything for release, and takes the times. A goal that is missed is a result, not a
/// failure.
pub fn run(json: bool) -> Result<bool> {
    let workspace = Workspace::find()?;
    let release = workspace.release();
    let (wrappers, skipped): (Vec<_>, Vec<_>) = WRAPPERS
        .iter()
        .map(|wrapper| (wrapper, suites::meet_needs_of(wrapper.suite)))
        .partition(|(_, met)| met.is_ok());
    let skipped: Vec<String> = skipped
        .into_iter()
        .filter_map(|(wrapper, met)| Some(format!("{}: {}", wrapper.what, met.err()?)))
        .collect();
    ensure!(
        wrappers
            .first()
            .is_some_and(|(first, _)| first.goal.is_none()),
        "no C compiler: there is nothing to compare with"
    );
    // One after the other: built together, they have each other's features.
    for package in ["adieu", "adieu-server"] {
        eprintln!("building {package}");
        workspace.build_released(package)?;
    }
    let mut captured = Captured::new()?;
    let names: Vec<&str> = wrappers.iter().map(|(wrapper, _)| wrapper.name).collect();
    let stage = Stage::set_for(&release, &names)?;
    let mut meters = Vec::new();
    for (wrapper, _) in wrappers {
        eprintln!("building what calls through {}", wrapper.what);
        let built = (wrapper.build)(&workspace, &release, &mut captured);
        if built.is_err() {
            eprint!("{}", captured.text()?);
        }
        meters.push(Meter::start(wrapper, &built?, &stage)?);
    }
    let rows = measure(&mut meters)?;
    let figures = Figures {
        format: 1,
        ended: SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_secs()),
        load: load(),
        rows,
        skipped,
    };
    if json {
        println!("{}", serde_json::to_string(&figures)?);
    } else {
        print(&figures);
    }
    Ok(true)
}

/// Rounds in turn: a moment in which the machine is busy falls on all alike, and each is compared
/// with the C interface of its own round. Who begins changes from round to round.
fn measure(meters: &mut [Meter<'_>]) -> Result<Vec<Row>> {
    let total = KINDS.len() * (WARM_UP + ROUNDS);
    let progress = ProgressBar::new(u64::try_from(total).unwrap_or(u64::MAX));
    let mut rows = Vec::new();
    for (kind, calls, _) in KINDS {
        let mut taken = vec![Vec::new(); meters.len()];
        for round in 0..WARM_UP + ROUNDS {
            for turn in 0..meters.len() {
                let at = (round + turn) % meters.len();
                let each = meters[at].round(kind, calls)?;
                if round >= WARM_UP {
                    taken[at].push(each);
                }
            }
            progress.inc(1);
        }
        let floor = taken.first().cloned().unwrap_or_default();
        for (meter, rounds) in meters.iter().zip(taken) {
            rows.push(Row::of(kind, meter.wrapper, rounds, &floor));
        }
    }
    progress.finish_and_clear();
    Ok(rows)
}

impl Row {
    fn of(kind: &'static str, wrapper: &Wrapper, rounds: Vec<f64>, floor: &[f64]) -> Self {
        let ratios: Vec<f64> = rounds.iter().zip(floor).map(|(own, c)| own / c).collect();
        let ratio = quantile(&ratios, 0.5);
        Self {
            kind,
            through: wrapper.what,
            unit: "us",
            median: quantile(&rounds, 0.5),
            quartiles: [quantile(&rounds, 0.25), quantile(&rounds, 0.75)],
            ratio,
            ratio_quartiles: [quantile(&ratios, 0.25), quantile(&ratios, 0.75)],
            at_most: wrapper.goal,
            kept: wrapper.goal.map(|goal| ratio <= goal),
            rounds,
            ratios,
        }
    }
}

fn quantile(numbers: &[f64], share: f64) -> f64 {
    let mut sorted = numbers.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = (share * sorted.len().saturating_sub(1) as f64).round() as usize;
    sorted.get(at).copied().unwrap_or(f64::NAN)
}

fn print(figures: &Figures) {
    for (kind, calls, what) in KINDS {
        println!("\n{what}; {calls} at once, us per call");
        println!(
            "  {:26} {:>8} {:>19} {:>7} {:>15} {:>7}",
            "", "median", "half of the rounds", "ratio", "half of them", "goal"
        );
        for row in figures.rows.iter().filter(|row| row.kind == kind) {
            let [from, to] = row.quartiles;
            let [low, high] = row.ratio_quartiles;
            let goal = row
                .at_most
                .map_or_else(String::new, |goal| format!("<= {goal}"));
            let verdict = match row.kept {
                Some(true) => "kept",
                Some(false) => "MISSED",
                None => "",
            };
            let half = format!("{from:.2} to {to:.2}");
            let ratios = format!("{low:.2} to {high:.2}");
            println!(
                "  {:26} {:>8.2} {half:>19} {:>7.2} {ratios:>15} {goal:>7} {verdict}",
                row.through, row.median, row.ratio
            );
        }
    }
    let judged: Vec<bool> = figures.rows.iter().filter_map(|row| row.kept).collect();
    let kept = judged.iter().filter(|kept| **kept).count();
    println!("\n{kept} of {} goals kept", judged.len());
    for skipped in &figures.skipped {
        println!("skipped: {skipped}");
    }
    if let Some(load) = figures.load {
        println!("load at the end: {load}");
    }
}

/// Of the last minute, where the system tells.
fn load() -> Option<f64> {
    let told = fs::read_to_string("/proc/loadavg").ok()?;
    told.split_whitespace().next()?.parse().ok()
}

/// A program that is open and takes one round when it is asked to.
struct Meter<'a> {
    wrapper: &'a Wrapper,
    asks: ChildStdin,
    answers: BufReader<ChildStdout>,
    _running: Running,
}

impl<'a> Meter<'a> {
    fn start(wrapper: &'a Wrapper, words: &[OsString], stage: &Stage) -> Result<Self> {
        let words: Vec<&OsStr> = words.iter().map(OsString::as_os_str).collect();
        let running = Running::start(
            stage
                .command_of(wrapper.name, &words)?
                .stdin(Stdio::piped())
                .stdout(Stdio::piped()),
        )?;
        Ok(Self {
            wrapper,
            asks: running.stdin()?,
            answers: BufReader::new(running.stdout()?),
            _running: running,
        })
    }

    /// Microseconds per call.
    fn round(&mut self, kind: &str, calls: u32) -> Result<f64> {
        let through = self.wrapper.what;
        writeln!(self.asks, "{kind} {calls}")
            .and_then(|()| self.asks.flush())
            .with_context(|| format!("the program through {through} is gone"))?;
        let mut line = String::new();
        self.answers
            .read_line(&mut line)
            .with_context(|| format!("cannot read from the program through {through}"))?;
        let nanoseconds: f64 = line
            .trim()
            .parse()
            .with_context(|| format!("the program through {through} said {line:?}"))?;
        Ok(nanoseconds / 1000.0)
    }
}

/// Where what is built for this command lies.
pub fn folder(workspace: &Workspace, name: &str) -> PathBuf {
    workspace.scratch("overhead").join(name)
}

/// A program in C or C++.
fn native(
    workspace: &Workspace,
    release: &Path,
    source: &str,
    captured: &mut Captured,
) -> Result<Vec<OsString>> {
    let library = library_folder(workspace, release)?;
    let folder = folder(workspace, "native");
    fs::create_dir_all(&folder).context("cannot make a folder for programs")?;
    let program = folder.join(source.replace('.', "-"));
    let (compiler, standard) = if source.ends_with(".c") {
        ("gcc", "-std=c11")
    } else {
        ("g++", "-std=c++17")
    };
    let compiled = captured.run(
        Command::new(compiler)
            .args([
                standard,
                "-O2",
                "-Wall",
                "-Wextra",
                "-Wpedantic",
                "-Werror",
                "-I",
            ])
            .arg(workspace.root.join("include"))
            .arg(workspace.root.join("bindings/overhead").join(source))
            .arg("-o")
            .arg(&program)
            .arg("-L")
            .arg(&library)
            .args(["-ladieu", "-pthread"])
            .arg(format!("-Wl,-rpath,{}", library.display())),
    )?;
    ensure!(compiled, "{source} does not compile");
    Ok(vec![program.into()])
}
