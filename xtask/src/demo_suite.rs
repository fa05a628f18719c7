//! The demo as a test: the numbers that must come out.

use anyhow::Result;

use crate::{
    captured::Captured,
    chat_log::ChatLog,
    demo::{self, Findings},
    report::Report,
    tally::Tally,
    workspace::Workspace,
};

/// Messages of the sample group.
const SAMPLE_GROUP: (&str, u64) = ("group_ubuntu", 221_595);
/// Messages of the largest one-to-one conversation of the samples.
const SAMPLE_PAIR: u64 = 11_431;

/// Runs it on the log of our own, and on the sample logs where they are there.
pub fn check(workspace: &Workspace, captured: &mut Captured) -> Result<Tally> {
    let mut tally = Tally::default();
    let small = demo::show(workspace, &[ChatLog::Small], &Report::silent())?;
    tally.check(clean(&small, captured)?);
    let counts: Vec<u64> = small
        .outcomes
        .iter()
        .map(|outcome| outcome.messages_before)
        .collect();
    captured.note(&format!("messages of the log of our own: {counts:?}"))?;
    tally.check(counts == [20, 12, 8]);

    if !ChatLog::all_samples(&workspace.root) {
        captured.note("skipped: the sample logs are not beside the project, in ../shared/data")?;
        tally.skipped += 1;
        return Ok(tally);
    }
    let samples = ChatLog::samples(&workspace.root);
    let found = demo::show(workspace, &samples, &Report::silent())?;
    tally.check(clean(&found, captured)?);
    let [group, pair, away] = found.outcomes.as_slice() else {
        captured.note("three conversations should have been deleted")?;
        tally.check(false);
        return Ok(tally);
    };
    tally.check((group.conversation_id.as_str(), group.messages_before) == SAMPLE_GROUP);
    tally.check(pair.messages_before == SAMPLE_PAIR);
    tally.check(away.offline.is_some());
    // That the look sees anything at all: an ordinary store keeps nearly all of it.
    for (outcome, texts) in [(group, 5_000), (pair, 5_000), (away, 100)] {
        tally.check(outcome.searched > texts);
        tally.check(outcome.readable_after_plain_delete * 2 > outcome.searched);
    }
    Ok(tally)
}

fn clean(findings: &Findings, captured: &mut Captured) -> Result<bool> {
    for outcome in &findings.outcomes {
        captured.note(&format!("{outcome:?}"))?;
    }
    for complaint in &findings.complaints {
        captured.note(complaint)?;
    }
    Ok(findings.complaints.is_empty() && findings.outcomes.len() == 3)
}
