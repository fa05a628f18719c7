//! The C harness: what an app sees through the C interface.

use std::{
    ffi::OsStr,
    fs,
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{ChildStdin, ChildStdout, Command, Stdio},
};

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;

use crate::{
    children::Running,
    server::{APP_ID, Server},
};

/// A line of the conversation list.
#[derive(Debug, Deserialize)]
pub struct Listed {
    /// Its id.
    pub conversation_id: String,
    /// Messages on the device.
    pub messages: u64,
    /// Unread ones of them.
    pub unread: u64,
}

/// What a pull brought.
#[derive(Debug)]
pub struct Pulled {
    /// How long it took.
    pub ms: f64,
    /// The list, the newest first.
    pub list: Vec<Listed>,
}

impl Pulled {
    /// Messages of a conversation; 0 when it is not in the list.
    pub fn messages_of(&self, conversation_id: &str) -> u64 {
        self.list
            .iter()
            .find(|one| one.conversation_id == conversation_id)
            .map_or(0, |one| one.messages)
    }
}

/// What a deletion did, as far as the device can tell.
#[derive(Debug, Deserialize)]
pub struct Deleted {
    /// Messages read before.
    pub messages_before: u64,
    /// What the call took on the caller's thread.
    pub call_ns: u64,
    /// From the receipt.
    pub erase_ns: u64,
    /// From the receipt.
    pub total_ns: u64,
    /// 1 when it is still in the list.
    pub listed_after: u64,
    /// Messages that can still be read.
    pub messages_after: u64,
    /// Strings that the library looked for.
    pub searched: u64,
    /// Those that it found.
    pub found: u64,
    /// Records that it could still decode.
    pub readable_records: u64,
}

#[derive(Deserialize)]
#[serde(tag = "event", rename_all = "lowercase")]
enum Event {
    Opened {},
    Pulled {
        ms: f64,
    },
    Conversation(Listed),
    Listed {},
    Deleted {
        error: Option<String>,
        #[serde(flatten)]
        done: Option<Deleted>,
    },
}

/// Whose device it is, where its files are, and what it talks to.
pub struct Device<'a> {
    /// Everything of it is below.
    pub folder: &'a Path,
    /// Who makes its credential.
    pub server: &'a Server,
    /// Where the server listens.
    pub url: &'a str,
    /// Whose account it is.
    pub user: &'a str,
}

impl Device<'_> {
    /// Starts one of the C programs: its words, then what every one of them takes, then its words
    /// again.
    pub fn start(&self, program: &[&OsStr], before: &[&str], after: &[&OsStr]) -> Result<Running> {
        let store = store_in(self.folder);
        make_folder(&store)?;
        let user_sig = self.folder.join("usersig");
        fs::write(&user_sig, self.server.user_sig(self.user)?)
            .context("cannot write the credential")?;
        let (first, rest) = program.split_first().context("no program to run")?;
        Running::start(
            Command::new(first)
                .args(rest)
                .args(before)
                .arg(&store)
                .args([self.user, self.url, &APP_ID.to_string()])
                .arg(&user_sig)
                .args(after)
                .stdin(Stdio::piped())
                .stdout(Stdio::piped()),
        )
    }
}

/// Makes a folder where there is none yet.
pub fn make_folder(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder)
        .with_context(|| format!("cannot make the folder {}", folder.display()))
}

/// A harness that runs.
pub struct Harness {
    running: Running,
    ids: Option<ChildStdin>,
    events: BufReader<ChildStdout>,
    texts: PathBuf,
    deletions: u32,
}

impl Harness {
    /// Starts it. `program` may be a program that runs the harness.
    pub fn start(program: &[&OsStr], device: &Device<'_>) -> Result<(Self, Pulled)> {
        let texts = device.folder.join("texts");
        make_folder(&texts)?;
        let running = device.start(program, &[], &[texts.as_os_str()])?;
        let mut harness = Self {
            ids: Some(running.stdin()?),
            events: BufReader::new(running.stdout()?),
            running,
            texts,
            deletions: 0,
        };
        let pulled = harness.pulled()?;
        Ok((harness, pulled))
    }

    fn event(&mut self) -> Result<Event> {
        let mut line = Vec::new();
        self.events
            .read_until(b'\n', &mut line)
            .context("cannot read from the harness")?;
        ensure!(!line.is_empty(), "the harness ended early");
        serde_json::from_slice(&line)
            .with_context(|| format!("the harness said {}", String::from_utf8_lossy(&line)))
    }

    fn pulled(&mut self) -> Result<Pulled> {
        let mut pulled = Pulled {
            ms: 0.0,
            list: Vec::new(),
        };
        loop {
            match self.event()? {
                Event::Opened {} => {}
                Event::Pulled { ms } => pulled.ms = ms,
                Event::Conversation(one) => pulled.list.push(one),
                Event::Listed {} => return Ok(pulled),
                Event::Deleted { .. } => bail!("the harness deleted what nobody asked for"),
            }
        }
    }

    /// Deletes. Gives what the harness saw, and all texts and names that there were.
    pub fn delete(&mut self, conversation_id: &str) -> Result<(Deleted, Vec<u8>)> {
        let ids = self.ids.as_mut().context("the harness was told to end")?;
        writeln!(ids, "{conversation_id}").context("cannot write to the harness")?;
        self.deletions += 1;
        let done = match self.event()? {
            Event::Deleted {
                error: Some(error), ..
            } => bail!("deleting {conversation_id} failed: {error}"),
            Event::Deleted {
                done: Some(done), ..
            } => done,
            _ => bail!("the harness did not say what became of {conversation_id}"),
        };
        let texts = self.texts.join(format!("{}.texts", self.deletions));
        let texts = fs::read(&texts).with_context(|| format!("cannot read {}", texts.display()))?;
        Ok((done, texts))
    }

    /// Lets it pull once more, and end.
    pub fn finish(mut self) -> Result<Pulled> {
        self.ids = None;
        let pulled = self.pulled()?;
        let status = self.running.wait().context("cannot wait for the harness")?;
        ensure!(status.success(), "the harness failed: {status}");
        Ok(pulled)
    }
}

/// The store's folder.
pub fn store_in(folder: &Path) -> PathBuf {
    folder.join("store")
}
