//! The part of the demo without a network: the server is gone, a conversation is deleted, the app
//! is killed and started again, the server comes back.

use std::{
    ffi::OsStr,
    fs,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{ChildStdin, ChildStdout, ExitStatus},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use anyhow::{Context, Result, bail, ensure};
use serde::{Deserialize, Serialize};

use crate::{
    children::Running,
    demo::{Outcome, ms, peers_id},
    forensics::Search,
    harness::{Device, make_folder, store_in},
    plain_store::PlainStore,
    rest::Account,
    scenario::Target,
    server::Serving,
};

/// SIGKILL.
const KILL: i32 = 9;

/// A pending deletion, as the library lists it. The keys of the JSON line are these names.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Pending {
    /// Of which conversation.
    pub conversation_id: String,
    /// Its id, in hexadecimal digits.
    pub deletion_id: String,
    /// `asking`, `waiting`, `done` ...
    pub state: String,
    /// `queue`.
    pub policy: String,
    /// How often the server was asked in vain.
    pub attempts: u32,
    /// Why the last time, as a code.
    pub code: i32,
    /// The same in words.
    pub desc: String,
    /// 1 when the device's copy is erased.
    pub erased: u32,
    /// Unix milliseconds.
    pub accepted_at_ms: u64,
    /// Unix milliseconds.
    pub next_try_ms: u64,
}

/// How things stand on the device.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Stands {
    /// Messages of the conversation that can be read.
    pub messages: u64,
    /// 1 when it is in the list.
    pub listed: u64,
    /// Conversations in the list.
    pub conversations: u64,
    /// Deletions that are pending.
    pub pending: u64,
}

/// What the library's own look found.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Verified {
    /// Strings that it looked for.
    pub searched: u64,
    /// Those that it found.
    pub found: u64,
    /// Records that it could still decode.
    pub readable_records: u64,
}

/// What is said of a deletion without a network, beside its outcome. The keys of the JSON object
/// are these names.
#[derive(Clone, Debug, Serialize)]
pub struct Offline {
    /// Who else has the conversation.
    pub peer: String,
    /// Messages that the server gave to the user before, and went on keeping.
    pub server_messages_before: u64,
    /// With the server gone, after the call.
    pub while_away: Stands,
    /// What was pending then.
    pub pending: Pending,
    /// Texts that stood in the store's files then.
    pub readable_while_pending: u64,
    /// What the app died of.
    pub killed_by_signal: i32,
    /// In a new process, still without a server.
    pub after_restart: Stands,
    /// What was pending then.
    pub pending_after_restart: Pending,
    /// What the listener heard in both lives, in this order.
    pub events: Vec<String>,
    /// From telling the library of a network until it said that the deletion is done.
    pub confirmed_ms: f64,
    /// With the server back.
    pub at_the_end: Stands,
    /// The library's own look.
    pub verified: Verified,
    /// Conversations in the list before.
    #[serde(skip)]
    before: Before,
}

#[derive(Clone, Debug, Deserialize)]
struct Before {
    messages: u64,
    listed: u64,
    conversations: u64,
}

#[derive(Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
enum Line {
    Before(Before),
    ConversationDeleted {
        conversation_id: String,
        after_ns: u64,
    },
    PendingChanged(Pending),
    Pending(Pending),
    Verified(Verified),
    Stands(Stands),
}

/// What a process said until it had told how things stand.
#[derive(Default)]
struct Said {
    before: Option<Before>,
    pending: Vec<Pending>,
    verified: Option<Verified>,
    events: Vec<String>,
    /// From the call until the conversation had left the list.
    gone_ns: Option<u64>,
    /// When the deletion was told to be done.
    done: Option<(Instant, u64)>,
}

/// One life of the app.
struct Life {
    running: Running,
    tell: ChildStdin,
    lines: BufReader<ChildStdout>,
}

impl Life {
    fn begin(
        program: &[&OsStr],
        device: &Device<'_>,
        what: &str,
        texts: &Path,
        conversation_id: &str,
    ) -> Result<Self> {
        make_folder(texts)?;
        let after = [texts.as_os_str(), conversation_id.as_ref()];
        let running = device.start(program, &[what], &after)?;
        Ok(Self {
            tell: running.stdin()?,
            lines: BufReader::new(running.stdout()?),
            running,
        })
    }

    /// Reads until it has told how things stand.
    fn stands(&mut self) -> Result<(Stands, Said)> {
        let mut said = Said::default();
        loop {
            let mut line = Vec::new();
            self.lines
                .read_until(b'\n', &mut line)
                .context("cannot read from the device")?;
            ensure!(!line.is_empty(), "the device without a network ended early");
            let line: Line = serde_json::from_slice(&line)
                .with_context(|| format!("it said {}", String::from_utf8_lossy(&line)))?;
            match line {
                Line::Before(before) => said.before = Some(before),
                Line::ConversationDeleted {
                    conversation_id,
                    after_ns,
                } => {
                    said.events
                        .push(format!("conversation_deleted {conversation_id}"));
                    said.gone_ns = Some(after_ns);
                }
                Line::PendingChanged(pending) => {
                    if pending.state == "done" {
                        said.done = Some((Instant::now(), unix_ms()));
                    }
                    let event = format!("pending_changed {}", pending.state);
                    said.events.push(event);
                }
                Line::Pending(pending) => said.pending.push(pending),
                Line::Verified(verified) => said.verified = Some(verified),
                Line::Stands(stands) => return Ok((stands, said)),
            }
        }
    }

    fn tell_of_a_network(&mut self) -> Result<()> {
        writeln!(self.tell, "online").context("cannot write to the device")
    }

    fn kill(self) -> Result<ExitStatus> {
        self.running.kill().context("cannot kill the device")
    }

    fn end(self) -> Result<()> {
        let status = self.running.wait().context("cannot wait for the device")?;
        ensure!(status.success(), "the device failed: {status}");
        Ok(())
    }
}

/// One deletion without a network, and who looks at it.
pub struct Away<'a> {
    /// What is deleted.
    pub target: &'a Target,
    /// Whose device it is.
    pub device: &'a Device<'a>,
    /// Who deletes.
    pub user: &'a Account,
    /// Who keeps a copy.
    pub peer: &'a Account,
    /// The C program, and what runs it.
    pub program: &'a [&'a OsStr],
}

impl Away<'_> {
    /// Takes the server away, and gives another one back. `plain` is the control.
    pub fn run(&self, serving: Serving, plain: &mut PlainStore) -> Result<(Outcome, Serving)> {
        let id = &self.target.conversation_id;
        let peers_id = peers_id(self.user, id);
        let server_messages_before = self.user.count(id)?;
        let peer_messages_before = self.peer.count(&peers_id)?;
        let texts = self.device.folder.join("offline");
        let store = store_in(self.device.folder);

        drop(serving);
        let mut first = Life::begin(self.program, self.device, "delete", &texts, id)?;
        let (while_away, said) = first.stands()?;
        let gathered = fs::read(texts.join("1.texts")).context("no texts were gathered")?;
        let mut search = Search::of(&gathered);
        plain.delete(id)?;
        plain.leave_out_survivors(&mut search)?;
        let killed = first.kill()?;
        let readable_while_pending = search.found_in(&store)?;

        let mut second = Life::begin(self.program, self.device, "resume", &texts, id)?;
        let (after_restart, said_then) = second.stands()?;
        let serving = self.device.server.serve_again(self.device.url)?;
        let online = Instant::now();
        second.tell_of_a_network()?;
        let (at_the_end, said_last) = second.stands()?;
        second.end()?;

        let (done, done_at_ms) = said_then
            .done
            .or(said_last.done)
            .context("nobody was told that the deletion is done")?;
        let pending = only(said.pending)?;
        let events = [said.events, said_then.events, said_last.events].concat();
        let outcome = Outcome {
            conversation_id: id.clone(),
            messages_before: said.before.as_ref().map_or(0, |before| before.messages),
            device_messages_after: at_the_end.messages,
            server_messages_after: self.user.count(id)?.max(self.user.count_published(id)?),
            peer_messages_before,
            peer_messages_after: self.peer.count(&peers_id)?,
            searched: search.searched(),
            readable_after: search.found_in(&store)?,
            readable_after_plain_delete: search.found_in(plain.folder())?,
            erase_ms: ms(said.gone_ns.unwrap_or(0)),
            total_ms: whole_ms(done_at_ms.saturating_sub(pending.accepted_at_ms)),
            offline: Some(Offline {
                peer: self.peer.name().to_owned(),
                server_messages_before,
                while_away,
                pending,
                readable_while_pending,
                killed_by_signal: signal(killed),
                after_restart,
                pending_after_restart: only(said_then.pending)?,
                events,
                confirmed_ms: done.saturating_duration_since(online).as_secs_f64() * 1e3,
                at_the_end,
                verified: said_last.verified.context("the device was not searched")?,
                before: said.before.context("the device did not say what it had")?,
            }),
        };
        Ok((outcome, serving))
    }
}

fn only(pending: Vec<Pending>) -> Result<Pending> {
    match <[Pending; 1]>::try_from(pending) {
        Ok([one]) => Ok(one),
        Err(pending) => bail!("{} deletions are pending, one should be", pending.len()),
    }
}

fn unix_ms() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    u64::try_from(now.unwrap_or(Duration::ZERO).as_millis()).unwrap_or(u64::MAX)
}

fn whole_ms(milliseconds: u64) -> f64 {
    Duration::from_millis(milliseconds).as_secs_f64() * 1e3
}

#[cfg(unix)]
fn signal(status: ExitStatus) -> i32 {
    std::os::unix::process::ExitStatusExt::signal(&status).unwrap_or(0)
}

#[cfg(not(unix))]
fn signal(_status: ExitStatus) -> i32 {
    KILL
}

/// What must hold of a deletion without a network.
pub fn complaints(outcome: &Outcome, offline: &Offline) -> Vec<&'static str> {
    let id = &outcome.conversation_id;
    let gone = |stands: &Stands, pending: u64| {
        stands.listed == 0
            && stands.messages == 0
            && stands.pending == pending
            && stands.conversations + 1 == offline.before.conversations
    };
    let waits = |pending: &Pending| {
        pending.conversation_id == *id
            && pending.policy == "queue"
            && pending.erased == 1
            && pending.attempts > 0
            && pending.code != 0
            && match pending.state.as_str() {
                "waiting" => pending.next_try_ms > pending.accepted_at_ms,
                state => state == "asking",
            }
    };
    let told = offline.events.iter().filter(|event| {
        event
            .strip_prefix("conversation_deleted ")
            .is_some_and(|told| told == id)
    });
    let done = |event: &&String| *event == "pending_changed done";
    let holds = [
        (
            outcome.messages_before > 0
                && outcome.messages_before == offline.server_messages_before
                && offline.before.listed == 1,
            "the device did not have what the server has",
        ),
        (
            gone(&offline.while_away, 1),
            "without a network it was not hidden at once, or something else was",
        ),
        (
            waits(&offline.pending),
            "without a network it was not pending",
        ),
        (
            offline.readable_while_pending == 0,
            "while it was pending, texts stood in the store's files",
        ),
        (
            offline.killed_by_signal == KILL,
            "the app was not killed: it ended by itself",
        ),
        (
            gone(&offline.after_restart, 1),
            "after the kill it was back, or something else was gone",
        ),
        (
            waits(&offline.pending_after_restart)
                && offline.pending_after_restart.deletion_id == offline.pending.deletion_id
                && offline.pending_after_restart.attempts > offline.pending.attempts,
            "after the kill it was not pending as before",
        ),
        (
            told.count() == 1,
            "the listener was not told once that it has left the list",
        ),
        (
            offline.events.iter().filter(done).count() == 1
                && offline.events.last().is_some_and(|last| done(&last)),
            "the listener was not told at last, and once, that the deletion is done",
        ),
        (
            gone(&offline.at_the_end, 0),
            "with the network back it is not over and done with",
        ),
        (
            offline.verified.found == 0
                && offline.verified.readable_records == 0
                && offline.verified.searched > 0,
            "the library's own look is not clean",
        ),
    ];
    let failed = holds.into_iter().filter(|(holds, _)| !holds);
    failed.map(|(_, complaint)| complaint).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stands(conversations: u64, pending: u64) -> Stands {
        Stands {
            messages: 0,
            listed: 0,
            conversations,
            pending,
        }
    }

    fn pending(attempts: u32) -> Pending {
        Pending {
            conversation_id: "c2c_bob".to_owned(),
            deletion_id: "01".to_owned(),
            state: "waiting".to_owned(),
            policy: "queue".to_owned(),
            attempts,
            code: 9511,
            desc: "refused".to_owned(),
            erased: 1,
            accepted_at_ms: 1,
            next_try_ms: 2,
        }
    }

    /// The complaints about a run in which all is well but for what `spoil` does.
    fn of(spoil: impl FnOnce(&mut Outcome, &mut Offline)) -> Vec<&'static str> {
        let mut offline = Offline {
            peer: "bob".to_owned(),
            server_messages_before: 8,
            while_away: stands(1, 1),
            pending: pending(1),
            readable_while_pending: 0,
            killed_by_signal: KILL,
            after_restart: stands(1, 1),
            pending_after_restart: pending(2),
            events: ["conversation_deleted c2c_bob", "pending_changed done"]
                .map(str::to_owned)
                .to_vec(),
            confirmed_ms: 1.0,
            at_the_end: stands(1, 0),
            verified: Verified {
                searched: 9,
                found: 0,
                readable_records: 0,
            },
            before: Before {
                messages: 8,
                listed: 1,
                conversations: 2,
            },
        };
        let mut outcome = Outcome {
            conversation_id: "c2c_bob".to_owned(),
            messages_before: 8,
            device_messages_after: 0,
            server_messages_after: 0,
            peer_messages_before: 8,
            peer_messages_after: 8,
            searched: 9,
            readable_after: 0,
            readable_after_plain_delete: 9,
            erase_ms: 1.0,
            total_ms: 1.0,
            offline: None,
        };
        spoil(&mut outcome, &mut offline);
        complaints(&outcome, &offline)
    }

    #[test]
    fn a_good_run_has_no_complaint_and_each_flaw_has_one() {
        assert_eq!(of(|_, _| ()), [""; 0]);
        let flaws: [fn(&mut Outcome, &mut Offline); 16] = [
            |outcome, _| outcome.messages_before = 7,
            |_, offline| offline.while_away.listed = 1,
            |_, offline| offline.while_away.messages = 8,
            |_, offline| offline.pending.erased = 0,
            |_, offline| offline.pending.next_try_ms = 0,
            |_, offline| offline.readable_while_pending = 1,
            |_, offline| offline.killed_by_signal = 0,
            |_, offline| offline.after_restart.pending = 0,
            |_, offline| offline.after_restart.conversations = 0,
            |_, offline| offline.pending_after_restart.deletion_id = "02".to_owned(),
            |_, offline| offline.pending_after_restart.attempts = 1,
            |_, offline| drop(offline.events.remove(0)),
            |_, offline| drop(offline.events.pop()),
            |_, offline| offline.events.push("pending_changed failed".to_owned()),
            |_, offline| offline.at_the_end.pending = 1,
            |_, offline| offline.verified.found = 1,
        ];
        for (number, flaw) in flaws.into_iter().enumerate() {
            assert_eq!(of(flaw).len(), 1, "flaw {number}");
        }
    }
}
