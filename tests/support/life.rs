//! One life of a process that works on a store until it is killed. The child does what stands in
//! its script and says what it asks and what is answered, each before it goes on; the parent
//! listens, and kills.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::abi;
use super::child;
use super::listener::{Heard, Listener};
use super::operation::{Answer, Operation};
use super::options::Options;
use super::power;

/// What a life is given.
#[derive(Serialize, Deserialize)]
pub struct Script {
    pub folder: PathBuf,
    /// URL and credential.
    pub server: Option<(String, String)>,
    pub operations: Vec<Operation>,
    /// Calls that may be open at once.
    pub window: usize,
    /// Whether it waits for the last answer before it closes.
    pub patient: bool,
}

/// What a life says.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Word {
    Opened,
    /// The call with this number is about to be made.
    Ask(usize),
    /// It has returned, and it is a deletion with this id.
    Accepted(usize, Option<[u8; 16]>),
    /// Its callback has come.
    Answer(usize, Answer),
    /// The listener is told that a conversation is gone, and by which deletion.
    Gone(String, [u8; 16]),
    /// The listener is told that a conversation has come into the list.
    New(String),
    /// The listener is told where a deletion stands.
    Stands([u8; 16], u32),
    /// Everything was done, and the client is closed.
    Closed,
}

const SCRIPT: &str = "ADIEU_TEST_SCRIPT";
/// Words begin with this, to be told from what the test harness says.
const MARK: char = '@';

/// The child's side: lives as the script says, and does not come back.
pub fn live() -> ! {
    let script = std::fs::read(std::env::var_os(SCRIPT).unwrap()).unwrap();
    let script: Script = serde_json::from_slice(&script).unwrap();
    let options = match &script.server {
        Some((url, sig)) => Options::remote(&script.folder, url, sig),
        None => Options::local(&script.folder),
    };
    let options = Options {
        listener: Some(Listener::with_hook(|heard| {
            if let Some(word) = word_of(heard) {
                say(&word);
            }
        })),
        ..options
    };
    let client = options.open();
    say(&Word::Opened);
    let open = Arc::new((Mutex::new(0_usize), Condvar::new()));
    let wait_for = |limit: usize| {
        let (count, changed) = &*open;
        let mut count = count.lock().unwrap();
        while *count > limit {
            count = changed.wait(count).unwrap();
        }
        *count
    };
    let mut ids = Vec::new();
    for (number, operation) in script.operations.iter().enumerate() {
        wait_for(script.window.saturating_sub(1));
        // One that can be undone, or is queued, may stay open for as long as the client does.
        let terms = operation.terms();
        let counts = terms.undo_ms == 0 && terms.policy != abi::QUEUE;
        *open.0.lock().unwrap() += usize::from(counts);
        let (operation, answered) = (operation.clone(), open.clone());
        let asked = operation.clone();
        let call = client.call_with(move |outcome| {
            say(&Word::Answer(number, operation.answer(outcome)));
            *answered.0.lock().unwrap() -= usize::from(counts);
            answered.1.notify_all();
        });
        say(&Word::Ask(number));
        let id = asked.begin(&client, &ids, &call);
        ids.push(id);
        if !asked.deletes().is_empty() {
            say(&Word::Accepted(number, id.map(|id| id.0)));
        }
    }
    if script.patient {
        wait_for(0);
    }
    assert_eq!(client.close(), abi::OK);
    assert_eq!(wait_for(usize::MAX), 0, "every call is answered at close");
    say(&Word::Closed);
    std::process::exit(0)
}

/// What of an event the parent must know.
pub fn word_of(heard: &Heard) -> Option<Word> {
    match heard {
        Heard::Deleted { id, deletion, .. } => Some(Word::Gone(id.clone(), deletion.0)),
        Heard::New(line) => Some(Word::New(line.id.clone())),
        Heard::Pending(pending) => Some(Word::Stands(pending.deletion.0, pending.state)),
        _ => None,
    }
}

/// One write, so that a kill leaves whole lines; the line before may be the test harness's.
fn say(word: &Word) {
    let word = serde_json::to_string(word).unwrap();
    power::mark(&word);
    let line = format!("\n{MARK}{word}\n");
    let mut out = std::io::stdout().lock();
    out.write_all(line.as_bytes()).unwrap();
    out.flush().unwrap();
}

/// The parent's side.
pub struct Life {
    child: Child,
    lines: BufReader<ChildStdout>,
    heard: Vec<Word>,
    _script: tempfile::TempPath,
}

/// How it ended.
pub struct End {
    pub heard: Vec<Word>,
    pub signal: Option<i32>,
    /// What it said beside words: why it failed, if it did.
    pub errors: String,
}

impl Life {
    /// Begins one in the test `name` of this binary, which must call [`live`] in a child.
    pub fn begin(
        name: &str,
        script: &Script,
        environment: impl IntoIterator<Item = (&'static str, String)>,
    ) -> Self {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(&serde_json::to_vec(script).unwrap())
            .unwrap();
        let file = file.into_temp_path();
        let mut command = child::command(name);
        command
            .env(SCRIPT, &file)
            .envs(environment)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap());
        Self {
            child,
            lines,
            heard: Vec::new(),
            _script: file,
        }
    }

    /// Listens until so many words were said, or to the end.
    pub fn listen(&mut self, words: usize) {
        let mut line = Vec::new();
        while self.heard.len() < words {
            line.clear();
            if self.lines.read_until(b'\n', &mut line).unwrap() == 0 {
                return;
            }
            // A line that was cut by the kill was not said.
            if let Some(text) = line.strip_prefix(&[MARK as u8])
                && line.ends_with(b"\n")
            {
                self.heard.push(serde_json::from_slice(text).unwrap());
            }
        }
    }

    /// Kills it after a while, and hears what it had said by then.
    pub fn kill_after(mut self, time: Duration) -> End {
        std::thread::sleep(time);
        let _ = self.child.kill();
        self.end()
    }

    /// Hears it to its end.
    pub fn end(mut self) -> End {
        self.listen(usize::MAX);
        let mut errors = String::new();
        let mut told = self.child.stderr.take().unwrap();
        let _ = std::io::Read::read_to_string(&mut told, &mut errors);
        End {
            signal: self.child.wait().unwrap().signal(),
            heard: std::mem::take(&mut self.heard),
            errors,
        }
    }
}

impl Drop for Life {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// SQLite's own check, on a copy of the folder: what a killed process left must be whole before
/// anybody repairs it.
#[track_caller]
pub fn passes_integrity_check(folder: &Path) {
    let copy = super::folder::in_memory();
    super::folder::copy(folder, copy.path());
    let path = copy.path().join("store.db");
    if !path.exists() {
        return;
    }
    let db = rusqlite::Connection::open(path).unwrap();
    let said: String = db
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .unwrap();
    assert_eq!(said, "ok");
}
