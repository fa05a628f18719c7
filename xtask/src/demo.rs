//! `cargo xtask demo`: two conversations are deleted through the C interface, then a third one
//! without a network, and then every place is looked at where something of them could be left.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::Serialize;

use crate::{
    c_build,
    chat_log::ChatLog,
    forensics::Search,
    harness::{self, Deleted, Device, Harness, Pulled},
    offline::{self, Away, Offline},
    plain_store::PlainStore,
    report::Report,
    rest::Account,
    scenario::{Scenario, Target},
    server::Server,
    workspace::Workspace,
};

/// What became of one conversation. The keys of the JSON line are these names.
#[derive(Clone, Debug, Serialize)]
pub struct Outcome {
    /// Which one.
    pub conversation_id: String,
    /// Messages on the device, read page by page.
    pub messages_before: u64,
    /// Messages that the device still gives.
    pub device_messages_after: u64,
    /// Messages that the server still gives to the user.
    pub server_messages_after: u64,
    /// Messages that somebody else had before.
    pub peer_messages_before: u64,
    /// Messages that somebody else has now.
    pub peer_messages_after: u64,
    /// Distinct texts, names and ids that were looked for.
    pub searched: u64,
    /// Those of them that stand in the files of adieu's store.
    pub readable_after: u64,
    /// Those of them that stand in the files of an ordinary store after its `DELETE`.
    pub readable_after_plain_delete: u64,
    /// From the begin of the erasure until nothing could bring the messages back; without a
    /// network, from the call until the listener was told so.
    pub erase_ms: f64,
    /// From the call to its success; without a network, to the event that says so.
    pub total_ms: f64,
    /// Of the conversation that was deleted without a network.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offline: Option<Offline>,
}

/// What is said of a deletion beside its outcome.
pub struct Circumstances {
    /// What the library itself reported.
    pub device: Deleted,
    /// Messages that the server gave to the user before.
    pub server_before: u64,
    /// How long the ordinary store took.
    pub plain_delete_ms: f64,
    /// Who else has the conversation.
    pub peer: String,
}

/// Everything that a run found.
pub struct Findings {
    /// One for each deleted conversation.
    pub outcomes: Vec<Outcome>,
    /// What is not as it should be; empty when all is well.
    pub complaints: Vec<String>,
}

/// Runs the demo. Says whether everything that should be gone is gone.
pub fn run(files: &[PathBuf], built_in: bool, json: bool) -> Result<bool> {
    let workspace = Workspace::find()?;
    let logs = if built_in {
        vec![ChatLog::Small]
    } else if files.is_empty() {
        let samples = ChatLog::samples(&workspace.root);
        if samples.is_empty() {
            vec![ChatLog::Small]
        } else {
            samples
        }
    } else {
        files.iter().cloned().map(ChatLog::File).collect()
    };
    let report = Report::new(json);
    report.step("building library, server and C harness", || {
        workspace.build_release()
    })?;
    let findings = show(&workspace, &logs, &report)?;
    report.verdict(&findings);
    Ok(findings.complaints.is_empty())
}

/// The demo, with everything built in the release profile.
pub fn show(workspace: &Workspace, logs: &[ChatLog], report: &Report) -> Result<Findings> {
    let programs = c_build::build(workspace, &workspace.release(), "demo")?;
    let folder = tempfile::Builder::new()
        .prefix("adieu-demo-")
        .tempdir()
        .context("cannot make a temporary folder")?;
    let scenario = report.step("choosing conversations", || Scenario::choose(logs))?;
    report.scenario(logs, &scenario);
    let log = scenario.write_log(logs, folder.path())?;
    let server = Server::new(
        Workspace::server(&workspace.release()),
        folder.path().join("server"),
    )?;
    let imported = report.step("importing into the server", || server.import(&log))?;
    report.imported(&imported);
    let serving = server.serve()?;
    let url = serving.url.clone();
    let device = Device {
        folder: folder.path(),
        server: &server,
        url: &url,
        user: &scenario.user,
    };
    let mut plain = report.step("filling an ordinary SQLite store beside it", || {
        PlainStore::fill(folder.path().join("plain"), &log, &scenario.user)
    })?;
    let (mut harness, before) = report.step("signing in and pulling", || {
        Harness::start(&[programs.harness.as_os_str()], &device)
    })?;
    report.list("conversations on the device", &before);

    let user = Account::sign_in(&server, &url, &scenario.user)?;
    let mut findings = Findings {
        outcomes: Vec::new(),
        complaints: Vec::new(),
    };
    for target in &scenario.targets {
        let peer = Account::sign_in(&server, &url, &target.peer)?;
        let deletion = Deletion {
            target,
            user: &user,
            peer: &peer,
            store: &harness::store_in(folder.path()),
        };
        let what = format!("deleting {}, and looking for it", target.conversation_id);
        let (outcome, circumstances) =
            report.step(&what, || deletion.run(&mut harness, &mut plain))?;
        report.deletion(&outcome, &circumstances);
        complain(&outcome, &circumstances, &mut findings.complaints);
        findings.outcomes.push(outcome);
    }
    let after = report.step("pulling once more", || harness.finish())?;
    report.list("conversations on the device, after a second pull", &after);
    compare(&before, &after, &scenario, &mut findings.complaints);

    let Some(target) = &scenario.offline else {
        report.no_offline_part();
        return Ok(findings);
    };
    let what = format!(
        "without a network: deleting {}, a kill, and a network again",
        target.conversation_id
    );
    let away = Away {
        target,
        device: &device,
        user: &user,
        peer: &Account::sign_in(&server, &url, &target.peer)?,
        program: &[programs.offline.as_os_str()],
    };
    let (outcome, _serving) = report.step(&what, || away.run(serving, &mut plain))?;
    report.offline(&outcome);
    complain_of_any(&outcome, &mut findings.complaints);
    if let Some(offline) = &outcome.offline {
        for complaint in offline::complaints(&outcome, offline) {
            findings
                .complaints
                .push(format!("{}: {complaint}", outcome.conversation_id));
        }
    }
    findings.outcomes.push(outcome);
    Ok(findings)
}

/// One deletion of the demo, and who looks at it.
struct Deletion<'a> {
    target: &'a Target,
    user: &'a Account,
    peer: &'a Account,
    store: &'a Path,
}

impl Deletion<'_> {
    fn run(
        &self,
        harness: &mut Harness,
        plain: &mut PlainStore,
    ) -> Result<(Outcome, Circumstances)> {
        let id = &self.target.conversation_id;
        let peers_id = peers_id(self.user, id);
        let server_before = self.user.count(id)?;
        let peer_messages_before = self.peer.count(&peers_id)?;
        let (device, texts) = harness.delete(id)?;
        // The device's store is still open here, with whatever lies in its log.
        let mut search = Search::of(&texts);
        let plain_delete = plain.delete(id)?;
        plain.leave_out_survivors(&mut search)?;
        let outcome = Outcome {
            conversation_id: id.clone(),
            messages_before: device.messages_before,
            device_messages_after: device.messages_after,
            server_messages_after: self.user.count(id)?.max(self.user.count_published(id)?),
            peer_messages_before,
            peer_messages_after: self.peer.count(&peers_id)?,
            searched: search.searched(),
            readable_after: search.found_in(self.store)?,
            readable_after_plain_delete: search.found_in(plain.folder())?,
            erase_ms: ms(device.erase_ns),
            total_ms: ms(device.total_ns),
            offline: None,
        };
        let circumstances = Circumstances {
            device,
            server_before,
            plain_delete_ms: plain_delete.as_secs_f64() * 1e3,
            peer: self.peer.name().to_owned(),
        };
        Ok((outcome, circumstances))
    }
}

/// What the other side calls a conversation of `user`.
pub fn peers_id(user: &Account, id: &str) -> String {
    match id.strip_prefix("c2c_") {
        Some(_) => format!("c2c_{}", user.name()),
        None => id.to_owned(),
    }
}

/// Milliseconds, with what is behind the point.
#[expect(clippy::cast_precision_loss, reason = "hours of nanoseconds fit")]
pub fn ms(nanoseconds: u64) -> f64 {
    nanoseconds as f64 / 1e6
}

/// What must hold of a deletion with a server at hand.
fn complain(outcome: &Outcome, circumstances: &Circumstances, complaints: &mut Vec<String>) {
    let device = &circumstances.device;
    let holds = [
        (
            outcome.messages_before > 0 && outcome.messages_before == circumstances.server_before,
            "the device did not have what the server has",
        ),
        (device.listed_after == 0, "it is still in the list"),
        (
            device.found == 0 && device.readable_records == 0 && device.searched > 0,
            "the library's own look is not clean",
        ),
    ];
    note(outcome, &holds, complaints);
    complain_of_any(outcome, complaints);
}

/// What must hold of every deletion; and that the look is not blind, which the control shows.
fn complain_of_any(outcome: &Outcome, complaints: &mut Vec<String>) {
    let holds = [
        (
            outcome.device_messages_after == 0,
            "the device still gives messages",
        ),
        (
            outcome.server_messages_after == 0,
            "the server still gives messages to the user",
        ),
        (
            outcome.peer_messages_before > 0
                && outcome.peer_messages_after == outcome.peer_messages_before,
            "the other side's copy was touched",
        ),
        (
            outcome.readable_after == 0,
            "texts stand in the store's files",
        ),
        (
            outcome.searched > 0 && outcome.readable_after_plain_delete > 0,
            "the look found nothing in the ordinary store either: it is blind",
        ),
    ];
    note(outcome, &holds, complaints);
}

fn note(outcome: &Outcome, holds: &[(bool, &str)], complaints: &mut Vec<String>) {
    for (_, complaint) in holds.iter().filter(|(holds, _)| !holds) {
        complaints.push(format!("{}: {complaint}", outcome.conversation_id));
    }
}

/// A deletion touches its conversation only, and a second pull brings nothing back.
fn compare(before: &Pulled, after: &Pulled, scenario: &Scenario, complaints: &mut Vec<String>) {
    for one in &before.list {
        let id = &one.conversation_id;
        let deleted = scenario
            .targets
            .iter()
            .any(|target| target.conversation_id == *id);
        let expected = if deleted { 0 } else { one.messages };
        let there = after.messages_of(id);
        if there != expected {
            complaints.push(format!(
                "{id}: {there} messages after everything, {expected} expected"
            ));
        }
    }
}
