//! What became of a chat log.

use std::{collections::BTreeMap, time::Duration};

use serde_json::json;

use super::line::Rejected;
use crate::{Error, Result, storage::Imported};

/// Rejected lines that are named one by one.
const NAMED: usize = 10;

/// Counts, and the first lines that were not taken.
#[derive(Default)]
pub(super) struct Summary {
    messages: u64,
    accounts: u64,
    out_of_order: u64,
    /// Distinct conversations in the log.
    pub(super) conversations: u64,
    new_conversations: u64,
    rejected: u64,
    reasons: BTreeMap<Rejected, u64>,
    first: Vec<(u64, Rejected)>,
}

impl Summary {
    pub(super) fn add(&mut self, done: Imported) {
        self.messages += done.messages;
        self.accounts += done.accounts;
        self.new_conversations += done.conversations;
        self.out_of_order += done.out_of_order;
    }

    pub(super) fn reject(&mut self, line: u64, why: Rejected) {
        self.rejected += 1;
        *self.reasons.entry(why).or_default() += 1;
        if self.first.len() < NAMED {
            self.first.push((line, why));
        }
    }

    pub(super) fn print(&self, as_json: bool, elapsed: Duration) -> Result<()> {
        let text = if as_json {
            self.json(elapsed)
        } else {
            self.text(elapsed)
        };
        let mut out = std::io::stdout();
        std::io::Write::write_all(&mut out, text.as_bytes())
            .map_err(Error::io("cannot write to standard output"))
    }

    fn rate(&self, elapsed: Duration) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
        let messages = self.messages as f64;
        (messages / elapsed.as_secs_f64().max(1e-6)).round()
    }

    fn json(&self, elapsed: Duration) -> String {
        let reasons: serde_json::Map<String, serde_json::Value> = self
            .reasons
            .iter()
            .map(|(why, count)| (why.to_string(), json!(count)))
            .collect();
        let first: Vec<_> = self
            .first
            .iter()
            .map(|(line, why)| json!({ "line": line, "reason": why.to_string() }))
            .collect();
        let object = json!({
            "messages": self.messages,
            "conversations": self.conversations,
            "conversations_created": self.new_conversations,
            "accounts": self.accounts,
            "out_of_order": self.out_of_order,
            "rejected": self.rejected,
            "reasons": reasons,
            "first_rejected": first,
            "seconds": elapsed.as_secs_f64(),
            "messages_per_second": self.rate(elapsed),
        });
        format!("{object}\n")
    }

    fn text(&self, elapsed: Duration) -> String {
        let mut text = format!(
            "{} messages of {} conversations taken in {:.1} s ({} a second); {} new accounts\n",
            self.messages,
            self.conversations,
            elapsed.as_secs_f64(),
            self.rate(elapsed),
            self.accounts,
        );
        if self.out_of_order > 0 {
            text += &format!(
                "{} messages are older than one ahead of them; the order of the log was kept\n",
                self.out_of_order
            );
        }
        if self.rejected > 0 {
            text += &format!("{} lines not taken:\n", self.rejected);
            for (why, count) in &self.reasons {
                text += &format!("  {count} × {why}\n");
            }
            for (line, why) in &self.first {
                text += &format!("  line {line}: {why}\n");
            }
        }
        text
    }
}
