//! Looking for the deleted texts in a store's files.

use std::collections::HashSet;
use std::fs;
use std::path::Path;

use aho_corasick::{AhoCorasick, AhoCorasickKind};
use anyhow::Result;

use crate::log::Log;

/// Shorter texts are found by chance.
const SHORTEST: usize = 20;
/// Texts that are looked for, taken evenly from all.
const MOST: usize = 10_000;

/// What is looked for.
pub struct Search(AhoCorasick);

impl Search {
    /// Distinct texts of the deleted conversations that stand in no message of another.
    pub fn new(log: &Log) -> Result<Self> {
        let deleted = |conversation| conversation == log.group || conversation == log.pair;
        let texts: HashSet<&str> = log
            .messages
            .iter()
            .filter(|message| deleted(message.conversation) && message.text.len() >= SHORTEST)
            .map(|message| message.text.as_str())
            .collect();
        let mut texts: Vec<_> = texts.into_iter().collect();
        texts.sort_unstable();
        let step = texts.len().div_ceil(MOST).max(1);
        let texts: Vec<_> = texts.into_iter().step_by(step).collect();
        let all = automaton(&texts)?;
        let mut kept = vec![true; texts.len()];
        for message in &log.messages {
            if !deleted(message.conversation) {
                for found in all.find_overlapping_iter(&message.text) {
                    if let Some(kept) = kept.get_mut(found.pattern().as_usize()) {
                        *kept = false;
                    }
                }
            }
        }
        let texts = texts.into_iter().zip(kept);
        let texts: Vec<_> = texts
            .filter_map(|(text, kept)| kept.then_some(text))
            .collect();
        Ok(Self(automaton(&texts)?))
    }

    /// The share of them that stands in some file of a folder.
    pub fn share_found_in(&self, folder: &Path) -> Result<f64> {
        let mut found = HashSet::new();
        for file in folder.read_dir()? {
            let bytes = fs::read(file?.path())?;
            let here = self.0.find_overlapping_iter(&bytes);
            found.extend(here.map(|found| found.pattern()));
        }
        Ok(found.len() as f64 / self.0.patterns_len() as f64)
    }
}

fn automaton(texts: &[&str]) -> Result<AhoCorasick> {
    let mut builder = AhoCorasick::builder();
    Ok(builder
        .kind(Some(AhoCorasickKind::ContiguousNFA))
        .build(texts)?)
}
