//! The C program that stays up to date by itself: told what to do, and listened to.

use std::{
    ffi::OsStr,
    io::{BufRead, BufReader, Write},
    process::{ChildStdin, ChildStdout},
    sync::mpsc::{Receiver, channel},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use serde::{Deserialize, Serialize};

use crate::{children::Running, harness::Device};

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// A line that it printed.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
enum Line {
    Sync {
        state: String,
    },
    ConversationNew {
        conversation_id: String,
        messages: u64,
    },
    ConversationChanged {
        conversation_id: String,
        messages: u64,
    },
    ConversationDeleted(Heard),
    SignInNeeded {},
    Looked(Looked),
    Deleted {
        at_ns: u64,
    },
    Verified(Verified),
    Failed {
        code: i32,
        desc: String,
    },
}

/// A deletion that the listener was told of.
#[derive(Clone, Debug, Deserialize)]
pub struct Heard {
    /// Of which conversation.
    pub conversation_id: String,
    /// `this_device`, `another_device` or `back_end`.
    pub cause: String,
    /// When, on the clock that all processes share.
    pub at_ns: u64,
}

/// What the user sees of a conversation.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct Looked {
    /// 1 when it is in the list.
    pub listed: u64,
    /// Messages that can be read.
    pub messages: u64,
}

/// What the library's own look found.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub struct Verified {
    /// Records of what was deleted that it could still decode.
    pub readable_records: u64,
    /// Records of everything else that it decoded.
    pub records: u64,
}

/// A device that runs.
pub struct Live {
    running: Running,
    tell: ChildStdin,
    lines: Receiver<Result<Line>>,
    heard: Vec<Line>,
}

impl Live {
    /// Starts it, and waits until it has what the server has.
    pub fn start(program: &[&OsStr], device: &Device<'_>, name: &str) -> Result<Self> {
        let running = device.start(program, &[], &[name.as_ref()])?;
        let (say, lines) = channel();
        let output = running.stdout()?;
        thread::spawn(move || {
            for line in read(output) {
                if say.send(line).is_err() {
                    return;
                }
            }
        });
        let mut live = Self {
            tell: running.stdin()?,
            running,
            lines,
            heard: Vec::new(),
        };
        live.wait("it is up to date", |line| match line {
            Line::Sync { state, .. } => (state == "finished").then_some(()),
            _ => None,
        })?;
        Ok(live)
    }

    /// Waits for a line in which `seek` finds something, heard already or still to come.
    fn wait<T>(&mut self, what: &str, seek: impl Fn(&Line) -> Option<T>) -> Result<T> {
        if let Some(found) = self.heard.iter().find_map(&seek) {
            return Ok(found);
        }
        let end = Instant::now() + PATIENCE;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let Ok(line) = self.lines.recv_timeout(left) else {
                bail!("waiting until {what}, the device said {:?}", self.heard);
            };
            let line = line?;
            let found = seek(&line);
            if let Line::Failed { code, desc } = &line {
                bail!("the device failed: {code}: {desc}");
            }
            // An answer is taken once.
            if !matches!(
                line,
                Line::Looked(_) | Line::Deleted { .. } | Line::Verified(_)
            ) {
                self.heard.push(line);
            }
            if let Some(found) = found {
                return Ok(found);
            }
        }
    }

    fn tell(&mut self, command: &str, conversation_id: &str) -> Result<()> {
        writeln!(self.tell, "{command} {conversation_id}").context("cannot write to the device")
    }

    /// What the user sees of a conversation.
    pub fn look(&mut self, conversation_id: &str) -> Result<Looked> {
        self.tell("look", conversation_id)?;
        self.wait("it has looked", |line| match line {
            Line::Looked(looked) => Some(*looked),
            _ => None,
        })
    }

    /// Deletes, and says when success was told.
    pub fn delete(&mut self, conversation_id: &str) -> Result<u64> {
        self.tell("delete", conversation_id)?;
        self.wait("it has deleted", |line| match line {
            Line::Deleted { at_ns } => Some(*at_ns),
            _ => None,
        })
    }

    /// Has the store looked through for what is left.
    pub fn verify(&mut self, conversation_id: &str) -> Result<Verified> {
        self.tell("verify", conversation_id)?;
        self.wait("it has searched", |line| match line {
            Line::Verified(verified) => Some(*verified),
            _ => None,
        })
    }

    /// Waits until the listener has heard that a conversation is deleted.
    pub fn hears_of_deletion(&mut self, conversation_id: &str) -> Result<Heard> {
        self.wait("it hears of the deletion", |line| match line {
            Line::ConversationDeleted(heard) if heard.conversation_id == conversation_id => {
                Some(heard.clone())
            }
            _ => None,
        })
    }

    /// Waits until the list shows so many messages of a conversation.
    pub fn hears_of_messages(&mut self, conversation_id: &str, count: u64) -> Result<()> {
        self.wait("it hears of the message", |line| match line {
            Line::ConversationNew {
                conversation_id: id,
                messages,
            }
            | Line::ConversationChanged {
                conversation_id: id,
                messages,
            } => (id == conversation_id && *messages == count).then_some(()),
            _ => None,
        })
    }

    /// Who deleted a conversation, each time that the listener was told so until now.
    pub fn told_of(&self, conversation_id: &str) -> Vec<String> {
        let told = self.heard.iter().filter_map(|line| match line {
            Line::ConversationDeleted(heard) => Some(heard),
            _ => None,
        });
        told.filter(|heard| heard.conversation_id == conversation_id)
            .map(|heard| heard.cause.clone())
            .collect()
    }

    /// Ends it.
    pub fn close(self) -> Result<()> {
        drop(self.tell);
        let status = self.running.wait().context("cannot wait for the device")?;
        ensure!(status.success(), "the device failed: {status}");
        Ok(())
    }
}

fn read(output: ChildStdout) -> impl Iterator<Item = Result<Line>> {
    BufReader::new(output).lines().map(|line| {
        let line = line.context("cannot read from the device")?;
        serde_json::from_str(&line).with_context(|| format!("the device said {line}"))
    })
}
