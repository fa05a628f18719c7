//! What a run says: for people, or one JSON object a line.

use std::{
    io::IsTerminal,
    time::{Duration, Instant},
};

use anyhow::Result;
use console::style;
use indicatif::{HumanCount, ProgressBar, ProgressStyle};
use serde::Serialize;

use crate::{
    chat_log::ChatLog,
    demo::{Circumstances, Findings, Outcome},
    harness::Pulled,
    offline::Pending,
    scenario::Scenario,
    server::Imported,
};

/// Conversations that are shown of a list.
const SHOWN: usize = 8;

/// Where results go.
pub struct Report {
    json: bool,
    quiet: bool,
}

impl Report {
    /// Results on standard output, progress on standard error.
    pub fn new(json: bool) -> Self {
        Self { json, quiet: false }
    }

    /// Says nothing at all.
    pub fn silent() -> Self {
        Self {
            json: true,
            quiet: true,
        }
    }

    /// A line for people.
    pub fn say(&self, line: impl AsRef<str>) {
        if !self.json {
            println!("{}", line.as_ref());
        }
    }

    /// Shows that something long is under way, and how long it took.
    pub fn step<T>(&self, what: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
        self.steps(what, |_| work())
    }

    /// The same; the work says how far it is.
    pub fn steps<T>(&self, what: &str, work: impl FnOnce(&ProgressBar) -> Result<T>) -> Result<T> {
        let begun = Instant::now();
        let spinner = if self.quiet || !std::io::stderr().is_terminal() {
            ProgressBar::hidden()
        } else {
            ProgressBar::new_spinner()
        };
        if let Ok(look) = ProgressStyle::with_template("{spinner} {msg} {elapsed}") {
            spinner.set_style(look);
        }
        spinner.set_message(what.to_owned());
        spinner.enable_steady_tick(Duration::from_millis(120));
        let done = work(&spinner);
        spinner.finish_and_clear();
        if done.is_ok() {
            let seconds = format!("{:8.2} s", begun.elapsed().as_secs_f64());
            self.say(format!("{}  {what}", style(seconds).dim()));
        }
        done
    }

    /// Who deletes what.
    pub fn scenario(&self, logs: &[ChatLog], scenario: &Scenario) {
        let names: Vec<String> = logs.iter().map(ChatLog::name).collect();
        self.say(format!("{:12}log: {}", "", names.join(", ")));
        self.say(format!("{:12}user: {}", "", scenario.user));
        if let Some(from) = &scenario.stand_in_for {
            self.say(format!(
                "{:12}nobody in these logs has both a group and one-to-one conversations: the\n\
                 {:12}one-to-one conversations of {from} are given to {}",
                "", "", scenario.user
            ));
        }
    }

    /// What the server took.
    pub fn imported(&self, imported: &Imported) {
        self.say(format!(
            "{:12}{} messages in {:.1} s; {} lines not taken",
            "",
            HumanCount(imported.messages),
            imported.seconds,
            HumanCount(imported.rejected),
        ));
    }

    /// The conversation list.
    pub fn list(&self, title: &str, pulled: &Pulled) {
        let mut list: Vec<_> = pulled.list.iter().collect();
        list.sort_by_key(|one| std::cmp::Reverse(one.messages));
        self.say(format!(
            "\n{} ({}; pulled in {:.1} s)",
            style(title).bold(),
            list.len(),
            pulled.ms / 1e3
        ));
        for one in list.iter().take(SHOWN) {
            self.say(format!(
                "  {:>10} messages {:>10} unread  {}",
                HumanCount(one.messages).to_string(),
                HumanCount(one.unread).to_string(),
                one.conversation_id
            ));
        }
        if let Some(more) = list.len().checked_sub(SHOWN).filter(|more| *more > 0) {
            self.say(format!("  and {more} more"));
        }
        self.say("");
    }

    /// The line of JSON, where that is wanted; says whether that is all.
    pub fn json(&self, outcome: &impl Serialize) -> bool {
        if self.json && !self.quiet {
            match serde_json::to_string(outcome) {
                Ok(line) => println!("{line}"),
                Err(error) => eprintln!("{error}"),
            }
        }
        self.json
    }

    /// What became of one conversation.
    pub fn deletion(&self, outcome: &Outcome, circumstances: &Circumstances) {
        if self.json(outcome) {
            return;
        }
        let count = |count: u64| HumanCount(count).to_string();
        let device = &circumstances.device;
        let [before, after] = [outcome.messages_before, outcome.device_messages_after];
        self.say(format!("\n{}", style(&outcome.conversation_id).bold()));
        self.row("device", &count(before), &count(after));
        self.row(
            "server, for the user",
            &count(circumstances.server_before),
            &count(outcome.server_messages_after),
        );
        self.row(
            &format!("server, for {}", circumstances.peer),
            &count(outcome.peer_messages_before),
            &count(outcome.peer_messages_after),
        );
        self.say(format!(
            "  of {} distinct texts and names stand in the files",
            count(outcome.searched)
        ));
        self.row("    of adieu's store", "", &count(outcome.readable_after));
        self.row(
            "    of an ordinary store, after its DELETE",
            "",
            &count(outcome.readable_after_plain_delete),
        );
        self.say(format!(
            "  the library's own look: {} searched, {} found, {} records readable",
            count(device.searched),
            count(device.found),
            count(device.readable_records)
        ));
        self.say(format!(
            "  the call {:.1} µs, erased in {:.3} ms, success after {:.3} ms; an ordinary DELETE {:.1} ms\n",
            nanoseconds(device.call_ns) / 1e3,
            outcome.erase_ms,
            outcome.total_ms,
            circumstances.plain_delete_ms,
        ));
    }

    /// The log has no conversation that could be deleted without a network.
    pub fn no_offline_part(&self) {
        self.say(
            "the user has no other one-to-one conversation: nothing is deleted without a network",
        );
    }

    /// What became of the conversation that was deleted without a network.
    pub fn offline(&self, outcome: &Outcome) {
        let Some(offline) = &outcome.offline else {
            return;
        };
        if self.json(outcome) {
            return;
        }
        let count = |count: u64| HumanCount(count).to_string();
        self.say(format!(
            "\n{} without a network",
            style(&outcome.conversation_id).bold()
        ));
        self.say("  the server is stopped; the app deletes with ADIEU_POLICY_QUEUE");
        self.row(
            "device, at once",
            &count(outcome.messages_before),
            &count(offline.while_away.messages),
        );
        self.row(
            &format!("    of {} texts in its files", count(outcome.searched)),
            "",
            &count(offline.readable_while_pending),
        );
        self.say(format!("    pending, {}", waiting(&offline.pending)));
        self.say("  the app is killed (SIGKILL) and started again; the server is still away");
        self.row(
            "device, still hidden",
            "",
            &count(offline.after_restart.messages),
        );
        self.say(format!(
            "    pending, {}",
            waiting(&offline.pending_after_restart)
        ));
        self.say("  the server is back, and the app says adieu_network_changed(client, 1)");
        self.say(format!(
            "    event: ADIEU_EVENT_PENDING_CHANGED, done, after {:.1} ms",
            offline.confirmed_ms
        ));
        self.row(
            "server, for the user",
            &count(offline.server_messages_before),
            &count(outcome.server_messages_after),
        );
        self.row(
            &format!("server, for {}", offline.peer),
            &count(outcome.peer_messages_before),
            &count(outcome.peer_messages_after),
        );
        self.row(
            "texts in the files of adieu's store",
            "",
            &count(outcome.readable_after),
        );
        self.row(
            "    of an ordinary store, after its DELETE",
            "",
            &count(outcome.readable_after_plain_delete),
        );
        self.say("");
    }

    /// A count, before and after.
    pub fn row(&self, what: &str, before: &str, after: &str) {
        let arrow = if before.is_empty() { " " } else { "→" };
        self.say(format!("  {what:<44} {before:>9} {arrow} {after:>9}"));
    }

    /// The last words.
    pub fn verdict(&self, findings: &Findings) {
        if findings.complaints.is_empty() {
            let offline = findings.outcomes.iter().any(|one| one.offline.is_some());
            if offline {
                self.say("the network was away and the app was killed: the deletion was not lost");
            }
            let good = "everything that should be gone is gone, and nothing else";
            self.say(style(good).green().to_string());
        }
        Self::complain(&findings.complaints);
    }

    /// What is not as it should be.
    pub fn complain(complaints: &[String]) {
        for complaint in complaints {
            eprintln!("{}", style(complaint).red());
        }
    }
}

/// Where a pending deletion stands, and why.
fn waiting(pending: &Pending) -> String {
    let tries = match pending.attempts {
        1 => "one try in vain".to_owned(),
        many => format!("{many} tries in vain"),
    };
    let next = pending.next_try_ms.checked_sub(pending.accepted_at_ms);
    let next = next.map_or_else(String::new, |after| {
        let after = Duration::from_millis(after).as_secs_f64();
        format!(", the next {after:.1} s after the call")
    });
    format!("{}; {tries} ({}){next}", pending.state, pending.code)
}

#[expect(clippy::cast_precision_loss, reason = "hours of nanoseconds fit")]
fn nanoseconds(count: u64) -> f64 {
    count as f64
}
