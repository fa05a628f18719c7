//! Chat logs: JSON Lines, one message a line.

use std::{
    fs::File,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

/// How zstd files begin.
const ZSTD_MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
/// Largest window of a zstd file, as a power of two.
const ZSTD_WINDOW_LOG: u32 = 27;
/// The log of our own.
const SMALL: &str = include_str!("../small_log.jsonl");
/// Where sample logs lie beside the project, on machines that have them.
const SAMPLES: [&str; 2] = [
    "../shared/data/ubuntu-irc.jsonl.zst",
    "../shared/data/chitchat.jsonl.zst",
];

/// A message of a log.
#[derive(Debug, Deserialize, Serialize)]
pub struct Line {
    /// `c2c_<one>:<other>` or `group_<name>`.
    pub conversation: String,
    /// Who wrote it.
    pub sender: String,
    /// When, in Unix seconds.
    pub time: u64,
    /// What it says.
    pub text: String,
}

impl Line {
    /// The pair of a one-to-one conversation, its writer first.
    pub fn pair(&self) -> Option<(&str, &str)> {
        let pair = self.conversation.strip_prefix("c2c_")?;
        let other = pair
            .strip_prefix(&self.sender)
            .and_then(|rest| rest.strip_prefix(':'))
            .or_else(|| {
                pair.strip_suffix(&self.sender)
                    .and_then(|rest| rest.strip_suffix(':'))
            })?;
        Some((&self.sender, other))
    }

    /// The name of a group.
    pub fn group(&self) -> Option<&str> {
        self.conversation.strip_prefix("group_")
    }

    /// Renames an account, as writer and in the pair.
    pub fn rename(&mut self, from: &str, to: &str) {
        if let Some((writer, other)) = self.pair() {
            let name = |id: &str| if id == from { to } else { id }.to_owned();
            let (writer, other) = (name(writer), name(other));
            self.conversation = format!("c2c_{writer}:{other}");
            self.sender = writer;
        } else if self.sender == from {
            to.clone_into(&mut self.sender);
        }
    }
}

/// Where messages come from.
pub enum ChatLog {
    /// A file, plain or compressed.
    File(PathBuf),
    /// The log of our own.
    Small,
}

impl ChatLog {
    /// The sample logs as far as they are there.
    pub fn samples(root: &Path) -> Vec<Self> {
        SAMPLES
            .iter()
            .map(|sample| root.join(sample))
            .filter(|path| path.is_file())
            .map(Self::File)
            .collect()
    }

    /// Whether all sample logs are there.
    pub fn all_samples(root: &Path) -> bool {
        Self::samples(root).len() == SAMPLES.len()
    }

    /// What to call it.
    pub fn name(&self) -> String {
        match self {
            Self::File(path) => path.file_name().map_or_else(
                || path.display().to_string(),
                |name| name.to_string_lossy().into_owned(),
            ),
            Self::Small => "a small log of our own".to_owned(),
        }
    }

    /// Hands every line over, as text and, where it is a message, as one.
    pub fn read(&self, mut take: impl FnMut(&str, Option<Line>) -> Result<()>) -> Result<()> {
        let mut lines = self.open()?;
        let mut text = String::new();
        loop {
            text.clear();
            let length = lines
                .read_line(&mut text)
                .with_context(|| format!("cannot read {}", self.name()))?;
            if length == 0 {
                return Ok(());
            }
            let line = text.trim_end_matches(['\r', '\n']);
            take(line, serde_json::from_str(line).ok())?;
        }
    }

    fn open(&self) -> Result<Box<dyn BufRead>> {
        let path = match self {
            Self::Small => return Ok(Box::new(SMALL.as_bytes())),
            Self::File(path) => path,
        };
        let failed = || format!("cannot read {}", path.display());
        let mut file = BufReader::new(File::open(path).with_context(failed)?);
        if !file
            .fill_buf()
            .with_context(failed)?
            .starts_with(&ZSTD_MAGIC)
        {
            return Ok(Box::new(file));
        }
        let mut decoder = zstd::Decoder::with_buffer(file).with_context(failed)?;
        decoder
            .window_log_max(ZSTD_WINDOW_LOG)
            .with_context(failed)?;
        Ok(Box::new(BufReader::with_capacity(1 << 18, decoder)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(conversation: &str, sender: &str) -> Line {
        Line {
            conversation: conversation.to_owned(),
            sender: sender.to_owned(),
            time: 1,
            text: "x".to_owned(),
        }
    }

    #[test]
    fn pairs_are_seen_from_their_writer() {
        assert_eq!(line("c2c_a:b", "b").pair(), Some(("b", "a")));
        assert_eq!(line("c2c_a:b:c", "a:b").pair(), Some(("a:b", "c")));
        assert_eq!(line("c2c_a:b", "c").pair(), None);
        assert_eq!(line("group_a:b", "a").pair(), None);
    }

    #[test]
    fn renaming_reaches_writer_and_pair() {
        let mut written = line("c2c_a:b", "a");
        written.rename("a", "z");
        assert_eq!(written.pair(), Some(("z", "b")));
        let mut received = line("c2c_a:b", "b");
        received.rename("a", "z");
        assert_eq!(received.pair(), Some(("b", "z")));
        let mut untouched = line("group_a", "b");
        untouched.rename("a", "z");
        assert_eq!(
            (untouched.conversation.as_str(), untouched.sender.as_str()),
            ("group_a", "b")
        );
    }

    #[test]
    fn the_small_log_is_whole() {
        let mut lines = 0;
        ChatLog::Small
            .read(|text, line| {
                assert!(line.is_some(), "{text}");
                lines += 1;
                Ok(())
            })
            .unwrap();
        assert_eq!(lines, 44);
    }
}
