//! The guard against regressions: what a deletion asks of the processor and of the system, against
//! the committed figures. Seconds depend on the machine and on what else it does; these do not.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};

use crate::{
    captured::Captured,
    children::Running,
    server::{APP_ID, Server},
    tally::Tally,
    workspace::Workspace,
};

/// Where the committed figures are.
const FILE: &str = "xtask/guard/figures.json";
/// Runs of which the middle counts: when the rows of a deletion follow, and in how many steps they
/// are purged, depends on time, and moves its instructions by a few percent.
const RUNS: usize = 3;
/// What an owner has on the server, by the policy that deletes it.
const POLICIES: [&str; 3] = ["fail", "queue", "local_only"];
/// Conversations for each of them.
const TRIES: usize = 5;
const MESSAGES: usize = 20;
const USER: &str = "alice";

/// What is committed, and what is measured.
#[derive(Debug, Deserialize, Serialize)]
struct Figures {
    /// How much more than committed is let pass, in percent; of a few calls that is none.
    margin_percent: u64,
    /// Instructions in user space of a device without a server, with what follows a deletion.
    instructions: BTreeMap<String, u64>,
    /// System calls of a device with a server on loopback.
    calls: BTreeMap<String, u64>,
}

impl Figures {
    fn committed(workspace: &Workspace) -> Result<Self> {
        let text =
            fs::read(workspace.root.join(FILE)).with_context(|| format!("cannot read {FILE}"))?;
        serde_json::from_slice(&text).with_context(|| format!("cannot understand {FILE}"))
    }

    fn measured(
        workspace: &Workspace,
        margin_percent: u64,
        captured: &mut Captured,
    ) -> Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix("adieu-guard-")
            .tempdir()
            .context("cannot make a temporary folder")?;
        let program = Program::build(workspace, folder.path(), captured)?;
        Ok(Self {
            margin_percent,
            instructions: program.instructions(captured)?,
            calls: program.calls(workspace)?,
        })
    }

    /// One judgement for each committed figure, and for each that is not committed.
    fn judge(&self, measured: &Self) -> Vec<Result<String, String>> {
        let instructions = compare(
            &self.instructions,
            &measured.instructions,
            self.margin_percent,
        );
        let calls = compare(&self.calls, &measured.calls, self.margin_percent);
        instructions.into_iter().chain(calls).collect()
    }
}

/// What was measured beside what was committed: an error for more than the margin lets pass.
fn compare(
    committed: &BTreeMap<String, u64>,
    measured: &BTreeMap<String, u64>,
    margin_percent: u64,
) -> Vec<Result<String, String>> {
    let mut names: Vec<_> = committed.keys().chain(measured.keys()).collect();
    names.sort();
    names.dedup();
    let judge = |name: &String| match (committed.get(name), measured.get(name)) {
        (Some(committed), Some(measured)) => {
            let most = committed + committed * margin_percent / 100;
            let words = format!("{name}: {measured}, committed {committed}, at most {most}");
            if *measured <= most {
                Ok(words)
            } else {
                Err(words)
            }
        }
        (Some(_), None) => Err(format!("{name}: committed, but not measured")),
        (None, _) => Err(format!("{name}: not committed")),
    };
    names.into_iter().map(judge).collect()
}

/// The suite.
pub fn check(workspace: &Workspace, captured: &mut Captured) -> Result<Tally> {
    let committed = Figures::committed(workspace)?;
    let measured = Figures::measured(workspace, committed.margin_percent, captured)?;
    let mut tally = Tally::default();
    for judgement in committed.judge(&measured) {
        tally.check(judgement.is_ok());
        match judgement {
            Ok(words) => captured.note(&words)?,
            Err(words) => captured.note(&format!("MORE: {words}"))?,
        }
    }
    if tally.failed > 0 {
        captured.note("where this is wanted: cargo xtask guard --update")?;
    }
    Ok(tally)
}

/// The command: shows all figures, and writes them down where that is asked for.
pub fn run(update: bool) -> Result<bool> {
    let workspace = Workspace::find()?;
    workspace.build_release()?;
    let committed = Figures::committed(&workspace)?;
    let mut captured = Captured::new()?;
    let measured = Figures::measured(&workspace, committed.margin_percent, &mut captured);
    let Ok(measured) = measured else {
        eprintln!("{}", captured.text()?);
        return measured.map(|_| false);
    };
    let judgements = committed.judge(&measured);
    for judgement in &judgements {
        let (Ok(words) | Err(words)) = judgement;
        let verdict = if judgement.is_ok() { "    " } else { "MORE" };
        println!("{verdict} {words}");
    }
    if update {
        let text = format!("{}\n", serde_json::to_string_pretty(&measured)?);
        fs::write(workspace.root.join(FILE), text)
            .with_context(|| format!("cannot write {FILE}"))?;
    }
    Ok(update || judgements.iter().all(Result::is_ok))
}

/// The C program, and the library that it was built against.
struct Program {
    folder: PathBuf,
}

impl Program {
    fn build(workspace: &Workspace, folder: &Path, captured: &mut Captured) -> Result<Self> {
        // By the name that programs ask for when they start.
        let library = folder.join("libadieu.so.0");
        fs::copy(workspace.release().join("libadieu.so"), &library)
            .context("cannot copy the library")?;
        let mut compile = Command::new("gcc");
        compile
            .args([
                "-std=c11",
                "-O2",
                "-Wall",
                "-Wextra",
                "-Werror",
                "-pthread",
                "-Iinclude",
            ])
            .args([
                "-Iexamples-c",
                "xtask/guard/deletions.c",
                "examples-c/call.c",
                "-o",
            ])
            .arg(folder.join("deletions"))
            .arg(&library)
            .arg(format!("-Wl,-rpath,{}", folder.display()))
            .current_dir(&workspace.root);
        ensure!(captured.run(&mut compile)?, "deletions.c does not build");
        Ok(Self {
            folder: folder.to_owned(),
        })
    }

    fn store(&self, name: &str) -> Result<PathBuf> {
        let store = self.folder.join(name);
        fs::create_dir_all(&store).context("cannot make the store's folder")?;
        Ok(store)
    }

    fn instructions(&self, captured: &mut Captured) -> Result<BTreeMap<String, u64>> {
        let mut runs: BTreeMap<String, Vec<u64>> = BTreeMap::new();
        for run in 0..RUNS {
            let parts = self.folder.join(format!("parts{run}"));
            let mut valgrind = Command::new("valgrind");
            valgrind
                .args(["--quiet", "--tool=callgrind"])
                .arg(format!("--callgrind-out-file={}", parts.display()))
                .arg(self.folder.join("deletions"))
                .arg("instructions")
                .arg(self.store(&format!("counted{run}"))?);
            ensure!(
                captured.run(&mut valgrind)?,
                "deletions failed under callgrind"
            );
            for part in 1..=3 {
                let (name, instructions) = read_part(&parts.with_extension(part.to_string()))?;
                runs.entry(name).or_default().push(instructions);
            }
        }
        captured.note(&format!("instructions: {runs:?}"))?;
        let middle = |mut counts: Vec<u64>| {
            counts.sort_unstable();
            counts.get(counts.len() / 2).copied().unwrap_or(0)
        };
        Ok(runs
            .into_iter()
            .map(|(name, counts)| (name, middle(counts)))
            .collect())
    }

    fn calls(&self, workspace: &Workspace) -> Result<BTreeMap<String, u64>> {
        let log = self.folder.join("log.jsonl");
        fs::write(&log, conversations()).context("cannot write the log")?;
        let server = Server::new(
            Workspace::server(&workspace.release()),
            self.folder.join("server"),
        )?;
        server.import(&log)?;
        let serving = server.serve()?;
        let mut command = Command::new(self.folder.join("deletions"));
        command
            .arg("calls")
            .arg(self.store("device")?)
            .args([&serving.url, USER, &APP_ID.to_string()])
            .env("ADIEU_USER_SIG", server.user_sig(USER)?)
            .stdout(Stdio::piped());
        let running = Running::start(&mut command)?;
        let said = std::io::read_to_string(running.stdout()?).context("cannot read the counts")?;
        ensure!(running.wait()?.success(), "deletions failed");
        let count = |line: &str| {
            let (name, count) = line.split_once('\t')?;
            Some((name.to_owned(), count.parse().ok()?))
        };
        said.lines()
            .map(|line| count(line).with_context(|| format!("it said {line:?}")))
            .collect()
    }
}

/// Name and instructions of one part of callgrind's output.
fn read_part(path: &Path) -> Result<(String, u64)> {
    let text =
        fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let after = |key: &str| text.lines().find_map(|line| line.strip_prefix(key));
    let name = after("desc: Trigger: Client Request: ").context("a part without a name")?;
    let totals = after("totals: ").context("a part without totals")?;
    Ok((name.to_owned(), totals.trim().parse()?))
}

/// A log of what the owner has.
fn conversations() -> String {
    let mut log = String::new();
    for (policy, at) in POLICIES
        .iter()
        .flat_map(|policy| (0..TRIES).map(move |at| (policy, at)))
    {
        for message in 0..MESSAGES {
            // Writing to a String cannot fail.
            let _ = writeln!(
                log,
                r#"{{"conversation":"c2c_{policy}{at}:{USER}","sender":"{policy}{at}","time":{},"text":"message {message} of a conversation"}}"#,
                1_700_000_000 + message
            );
        }
    }
    log
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures(margin_percent: u64, instructions: u64, flushes: u64) -> Figures {
        Figures {
            margin_percent,
            instructions: [("delete".to_owned(), instructions)].into(),
            calls: [("flushes".to_owned(), flushes)].into(),
        }
    }

    #[test]
    fn more_than_the_margin_is_told_and_less_is_not() {
        let committed = figures(5, 1_000, 2);
        let failed = |instructions, flushes| {
            let judged = committed.judge(&figures(5, instructions, flushes));
            judged.iter().filter(|judgement| judgement.is_err()).count()
        };
        assert_eq!(failed(1_050, 2), 0);
        assert_eq!(failed(500, 1), 0);
        assert_eq!(failed(1_051, 2), 1);
        assert_eq!(failed(1_051, 3), 2);
    }

    #[test]
    fn a_figure_that_is_missing_on_either_side_is_told() {
        let committed = figures(5, 1_000, 2);
        let mut measured = figures(5, 1_000, 2);
        measured.calls = [("writes".to_owned(), 2)].into();
        let judged = committed.judge(&measured);
        assert_eq!(
            judged.iter().filter(|judgement| judgement.is_err()).count(),
            2
        );
    }
}
