//! Whose conversations the demo deletes, and which: found in the logs.

use std::{
    collections::HashMap,
    fs::File,
    io::{BufWriter, Write},
    path::{Path, PathBuf},
};

use adieu_protocol::conversation_id::check_user_id;
use anyhow::{Context, Result};

use crate::chat_log::{ChatLog, Line};

/// A conversation to delete.
pub struct Target {
    /// As the user sees it.
    pub conversation_id: String,
    /// Somebody else who has it, and keeps it.
    pub peer: String,
}

/// What is deleted, and for whom.
pub struct Scenario {
    /// Who deletes.
    pub user: String,
    /// Whom the user stands in for: no account of the logs has both kinds of conversation, so the
    /// one-to-one conversations of this account are given to the user.
    pub stand_in_for: Option<String>,
    /// The biggest group and the user's biggest one-to-one conversation, as far as there are any.
    pub targets: Vec<Target>,
    /// What is deleted without a network afterwards: the user's next one-to-one conversation, if
    /// there is one.
    pub offline: Option<Target>,
}

/// Messages of each writer in each group, and of each pair.
#[derive(Default)]
struct Census {
    groups: HashMap<String, HashMap<String, u64>>,
    pairs: HashMap<String, HashMap<String, u64>>,
}

impl Census {
    fn take(&mut self, line: &Line) {
        if let Some(group) = line.group() {
            let writers = self.groups.entry(group.to_owned()).or_default();
            *writers.entry(line.sender.clone()).or_default() += 1;
        } else if let Some((writer, other)) = line.pair() {
            for (one, two) in [(writer, other), (other, writer)] {
                let others = self.pairs.entry(one.to_owned()).or_default();
                *others.entry(two.to_owned()).or_default() += 1;
            }
        }
    }

    fn biggest_group(&self) -> Option<(&str, &HashMap<String, u64>)> {
        self.groups
            .iter()
            .max_by_key(|(name, writers)| (writers.values().sum::<u64>(), *name))
            .map(|(name, writers)| (name.as_str(), writers))
    }

    /// Of the biggest pair, the one with more conversations.
    fn sociable(&self) -> Option<&str> {
        self.pairs
            .iter()
            .max_by_key(|(name, others)| (others.values().max(), others.len(), *name))
            .map(|(name, _)| name.as_str())
    }
}

/// The one with most messages; equal ones by name, so that every run chooses alike.
fn most<'a>(counts: impl Iterator<Item = (&'a String, &'a u64)>) -> Option<&'a str> {
    counts
        .max_by_key(|(name, count)| (**count, *name))
        .map(|(name, _)| name.as_str())
}

impl Scenario {
    /// Looks through the logs and chooses.
    pub fn choose(logs: &[ChatLog]) -> Result<Self> {
        let mut census = Census::default();
        for log in logs {
            log.read(|_, line| {
                if let Some(line) = line.filter(|line| check_user_id(&line.sender).is_ok()) {
                    census.take(&line);
                }
                Ok(())
            })?;
        }
        Self::of(&census).context("the log has no conversation of two people or more")
    }

    fn of(census: &Census) -> Option<Self> {
        let Some((group, writers)) = census.biggest_group() else {
            let user = census.sociable()?;
            return Some(Self::with(user, None, None, census.pairs.get(user)));
        };
        let in_both = writers
            .iter()
            .filter_map(|(name, count)| Some((census.pairs.get(name)?.len(), count, name)));
        // With several one-to-one conversations there is one to survive.
        if let Some((_, _, user)) = in_both.max() {
            let group = Some((group, writers));
            return Some(Self::with(user, None, group, census.pairs.get(user)));
        }
        let user = most(writers.iter())?;
        let stands_for = census.sociable();
        let pairs = stands_for.and_then(|name| census.pairs.get(name));
        Some(Self::with(user, stands_for, Some((group, writers)), pairs))
    }

    fn with(
        user: &str,
        stand_in_for: Option<&str>,
        group: Option<(&str, &HashMap<String, u64>)>,
        pairs: Option<&HashMap<String, u64>>,
    ) -> Self {
        let group = group.and_then(|(name, writers)| {
            let peer = most(writers.iter().filter(|(writer, _)| *writer != user))?;
            Some(Target {
                conversation_id: format!("group_{name}"),
                peer: peer.to_owned(),
            })
        });
        let pair_with = |peer: &str| Target {
            conversation_id: format!("c2c_{peer}"),
            peer: peer.to_owned(),
        };
        let first = pairs.and_then(|others| most(others.iter()));
        let second = pairs.and_then(|others| {
            most(
                others
                    .iter()
                    .filter(|(other, _)| Some(other.as_str()) != first),
            )
        });
        Self {
            user: user.to_owned(),
            stand_in_for: stand_in_for.map(str::to_owned),
            targets: group.into_iter().chain(first.map(pair_with)).collect(),
            offline: second.map(pair_with),
        }
    }

    /// Writes the logs as one, with the user in the place of whom it stands in for.
    pub fn write_log(&self, logs: &[ChatLog], folder: &Path) -> Result<PathBuf> {
        let path = folder.join("log.jsonl");
        let failed = || format!("cannot write {}", path.display());
        let mut file = BufWriter::new(File::create(&path).with_context(failed)?);
        for log in logs {
            log.read(|text, line| {
                match (line, &self.stand_in_for) {
                    (Some(mut line), Some(from)) => {
                        line.rename(from, &self.user);
                        serde_json::to_writer(&mut file, &line).with_context(failed)?;
                        file.write_all(b"\n")
                    }
                    _ => writeln!(file, "{text}"),
                }
                .with_context(failed)
            })?;
        }
        file.flush().with_context(failed)?;
        Ok(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_small_log_needs_nobody_to_stand_in() {
        let scenario = Scenario::choose(&[ChatLog::Small]).unwrap();
        assert_eq!(scenario.stand_in_for, None);
        let ids: Vec<&str> = scenario
            .targets
            .iter()
            .map(|target| target.conversation_id.as_str())
            .collect();
        assert_eq!(ids, ["group_allotment", "c2c_jonas"]);
        let offline = scenario.offline.unwrap();
        assert_eq!(offline.conversation_id, "c2c_ines");
    }
}
