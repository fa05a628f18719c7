//! The C programs, run against a real server.

use std::{ffi::OsStr, fs, path::Path, process::Command};

use anyhow::{Context, Result, ensure};

use crate::{
    c_build::CPrograms,
    captured::Captured,
    chat_log::ChatLog,
    harness::Harness,
    rest::Account,
    scenario::Scenario,
    server::{APP_ID, Server},
    tally::Tally,
    workspace::Workspace,
};

/// Runs both programs, under `runner` where it is not empty. `built` has the server.
pub fn check(
    built: &Path,
    programs: &CPrograms,
    runner: &[&OsStr],
    captured: &mut Captured,
) -> Result<Tally> {
    let mut tally = Tally::default();
    for (name, check) in [
        ("delete_conversation", delete_conversation as Check),
        ("harness", harness),
    ] {
        let folder = tempfile::Builder::new()
            .prefix("adieu-c-")
            .tempdir()
            .context("cannot make a temporary folder")?;
        let scenario = Scenario::choose(&[ChatLog::Small])?;
        let log = scenario.write_log(&[ChatLog::Small], folder.path())?;
        let server = Server::new(Workspace::server(built), folder.path().join("server"))?;
        server.import(&log)?;
        let serving = server.serve()?;
        let place = Place {
            folder: folder.path(),
            scenario: &scenario,
            server: &server,
            url: &serving.url,
        };
        let done = check(&place, programs, runner, captured);
        tally.check(done.is_ok());
        if let Err(error) = done {
            captured.note(&format!("{name}: {error:#}"))?;
        }
    }
    Ok(tally)
}

/// The README shows the shortest program as it is, so that what is read is what was run.
pub fn readme_shows_the_shortest(root: &Path) -> Result<()> {
    let read = |name: &str| {
        fs::read_to_string(root.join(name)).with_context(|| format!("cannot read {name}"))
    };
    let program = read("examples-c/delete_conversation.c")?;
    ensure!(
        read("README.md")?.contains(&format!("```c\n{program}```")),
        "its C block is not examples-c/delete_conversation.c"
    );
    Ok(())
}

type Check = fn(&Place<'_>, &CPrograms, &[&OsStr], &mut Captured) -> Result<()>;

struct Place<'a> {
    folder: &'a Path,
    scenario: &'a Scenario,
    server: &'a Server,
    url: &'a str,
}

/// The shortest program deletes one conversation, and another run of it succeeds again.
fn delete_conversation(
    place: &Place<'_>,
    programs: &CPrograms,
    runner: &[&OsStr],
    captured: &mut Captured,
) -> Result<()> {
    let user = &place.scenario.user;
    let id = &place
        .scenario
        .targets
        .first()
        .context("nothing to delete")?
        .conversation_id;
    let account = Account::sign_in(place.server, place.url, user)?;
    ensure!(account.count(id)? > 0, "the server has nothing of {id}");
    let store = place.folder.join("store");
    fs::create_dir_all(&store).context("cannot make the store's folder")?;
    let app = APP_ID.to_string();
    let words: Vec<&OsStr> = runner
        .iter()
        .copied()
        .chain([
            programs.delete_conversation.as_os_str(),
            store.as_os_str(),
            user.as_ref(),
            place.url.as_ref(),
            app.as_ref(),
            id.as_ref(),
        ])
        .collect();
    let (first, rest) = words.split_first().context("no program to run")?;
    for _ in 0..2 {
        let mut command = Command::new(first);
        command
            .args(rest)
            .env("ADIEU_USER_SIG", place.server.user_sig(user)?);
        ensure!(captured.run(&mut command)?, "it did not succeed");
        let left = account.count(id)?;
        ensure!(left == 0, "the server still gives {left} messages of {id}");
    }
    let mut unsigned = Command::new(first);
    unsigned.args(rest).env_remove("ADIEU_USER_SIG");
    ensure!(
        !captured.run(&mut unsigned)?,
        "without a credential it succeeded"
    );
    Ok(())
}

/// The harness deletes all that the scenario names.
fn harness(
    place: &Place<'_>,
    programs: &CPrograms,
    runner: &[&OsStr],
    _captured: &mut Captured,
) -> Result<()> {
    let words: Vec<&OsStr> = runner
        .iter()
        .copied()
        .chain([programs.harness.as_os_str()])
        .collect();
    let (mut harness, before) = Harness::start(
        &words,
        place.folder,
        place.server,
        place.url,
        &place.scenario.user,
    )?;
    for target in &place.scenario.targets {
        let id = &target.conversation_id;
        let (deleted, texts) = harness.delete(id)?;
        ensure!(
            deleted.messages_before == before.messages_of(id) && deleted.messages_before > 0,
            "{id}: the list counted {}, the history {}",
            before.messages_of(id),
            deleted.messages_before
        );
        ensure!(
            deleted.messages_after == 0 && deleted.listed_after == 0 && deleted.found == 0,
            "{id}: not gone: {deleted:?}"
        );
        ensure!(!texts.is_empty(), "{id}: no texts were gathered");
    }
    let after = harness.finish()?;
    let deleted = place.scenario.targets.len();
    ensure!(
        after.list.len() + deleted == before.list.len(),
        "{} conversations before, {} after {deleted} deletions",
        before.list.len(),
        after.list.len()
    );
    Ok(())
}
