//! The chat logs, with names that every store takes.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::Value;

/// The largest window that the logs are compressed with.
const WINDOW_LOG: u32 = 27;

/// One message.
pub struct Message {
    /// Which conversation, by number.
    pub conversation: usize,
    /// Its place in the conversation, from 1.
    pub position: u64,
    /// Unix seconds.
    pub time: u64,
    /// Who wrote it.
    pub sender: String,
    /// What it says.
    pub text: String,
}

/// What arrives.
pub struct Log {
    /// All of it, in the order of arrival.
    pub messages: Vec<Message>,
    /// How many conversations there are.
    pub conversations: usize,
    /// The group: half of all messages.
    pub group: usize,
    /// The longest of the others.
    pub pair: usize,
}

/// What a store calls a conversation.
pub fn name_of(conversation: usize) -> String {
    format!("c2c_peer{conversation}")
}

impl Log {
    /// Takes in turn from a group's log and from one of pairs; nothing where they are not there.
    pub fn read(folder: &Path, most: usize) -> Result<Option<Self>> {
        let files = ["ubuntu-irc.jsonl.zst", "chitchat.jsonl.zst"].map(|name| folder.join(name));
        if files.iter().any(|file| !file.is_file()) {
            return Ok(None);
        }
        let [group, pairs] = files;
        let (mut group, mut pairs) = (lines(&group)?, lines(&pairs)?);
        let (mut names, mut senders) = (HashMap::new(), HashMap::new());
        let mut lengths: Vec<u64> = Vec::new();
        let mut messages = Vec::new();
        let mut ended = false;
        while !ended && messages.len() < most {
            ended = true;
            for line in [group.next(), pairs.next()].into_iter().flatten() {
                ended = false;
                let line: Value = serde_json::from_str(&line?)?;
                let text = |field: &str| line[field].as_str().map(str::to_owned);
                let name = text("conversation").context("no conversation")?;
                let sender = text("sender").context("no sender")?;
                let next = names.len();
                let conversation = *names.entry(name).or_insert(next);
                lengths.resize(names.len(), 0);
                let length = lengths
                    .get_mut(conversation)
                    .context("no such conversation")?;
                *length += 1;
                // Some of the real ones are no user ids.
                let next = senders.len();
                let sender = format!("user{}", senders.entry(sender).or_insert(next));
                messages.push(Message {
                    conversation,
                    position: *length,
                    time: line["time"].as_u64().context("no time")?,
                    sender,
                    text: text("text").context("no text")?,
                });
            }
        }
        let longest = |but: Option<usize>| {
            let others = lengths
                .iter()
                .enumerate()
                .filter(|(at, _)| Some(*at) != but);
            others.max_by_key(|(_, length)| **length).map(|(at, _)| at)
        };
        let group = longest(None).context("no messages")?;
        Ok(Some(Self {
            messages,
            conversations: lengths.len(),
            group,
            pair: longest(Some(group)).context("one conversation only")?,
        }))
    }
}

fn lines(path: &Path) -> Result<impl Iterator<Item = std::io::Result<String>>> {
    let mut decoder = zstd::Decoder::new(File::open(path)?)?;
    decoder.window_log_max(WINDOW_LOG)?;
    Ok(BufReader::new(decoder).lines())
}
