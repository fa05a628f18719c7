//! The C programs, run against a real server.

use std::{ffi::OsStr, fs, path::Path, process::Command};

use anyhow::{Context, Result, ensure};

use crate::{
    c_build::CPrograms,
    captured::Captured,
    chat_log::ChatLog,
    harness::{Device, Harness},
    offline::{self, Away},
    plain_store::PlainStore,
    rest::Account,
    scenario::Scenario,
    server::{APP_ID, Server, Serving},
    tally::Tally,
    two_devices::live::Live,
    workspace::Workspace,
};

/// Runs all programs, under `runner` where it is not empty. `built` has the server.
pub fn check(
    workspace: &Workspace,
    built: &Path,
    programs: &CPrograms,
    runner: &[&OsStr],
    captured: &mut Captured,
) -> Result<Tally> {
    let mut tally = Tally::default();
    let expected = fs::read_to_string(workspace.root.join("examples-c/app.expected"))
        .context("cannot read examples-c/app.expected")?;
    for program in &programs.delivered {
        let done = delivered(program, &expected, runner, captured);
        tally.check(done.is_ok());
        if let Err(error) = done {
            captured.note(&format!("{}: {error:#}", program.display()))?;
        }
    }
    for (name, check) in [
        ("delete_conversation", delete_conversation as Check),
        ("harness", harness),
        ("offline", offline),
        ("live", live),
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
        let url = serving.url.clone();
        let place = Place {
            folder: folder.path(),
            log: &log,
            scenario: &scenario,
            server: &server,
            url: &url,
        };
        let done = check(&place, serving, programs, runner, captured);
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

/// The app whose callbacks are delivered in one of three ways: whichever it is, it says the same.
fn delivered(
    program: &Path,
    expected: &str,
    runner: &[&OsStr],
    captured: &mut Captured,
) -> Result<()> {
    let store = tempfile::Builder::new()
        .prefix("adieu-c-")
        .tempdir()
        .context("cannot make a temporary folder")?;
    let mut own = Captured::new()?;
    let words = with(runner, program);
    let (first, rest) = words.split_first().context("no program to run")?;
    let succeeded = own.run(Command::new(first).args(rest).arg(store.path()))?;
    let text = own.text()?;
    captured.note(&text)?;
    ensure!(succeeded, "it did not succeed");
    let said = text.split_once('\n').map(|(_, said)| said);
    ensure!(
        said == Some(expected),
        "it did not say what stands in examples-c/app.expected"
    );
    Ok(())
}

fn with<'a>(runner: &[&'a OsStr], program: &'a Path) -> Vec<&'a OsStr> {
    let mut words = runner.to_vec();
    words.push(program.as_os_str());
    words
}

type Check = fn(&Place<'_>, Serving, &CPrograms, &[&OsStr], &mut Captured) -> Result<()>;

struct Place<'a> {
    folder: &'a Path,
    log: &'a Path,
    scenario: &'a Scenario,
    server: &'a Server,
    url: &'a str,
}

impl Place<'_> {
    fn device(&self) -> Device<'_> {
        Device {
            folder: self.folder,
            server: self.server,
            url: self.url,
            user: &self.scenario.user,
        }
    }
}

/// The shortest program deletes one conversation, and another run of it succeeds again.
fn delete_conversation(
    place: &Place<'_>,
    _serving: Serving,
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
    let mut words = with(runner, &programs.delete_conversation);
    words.extend([
        store.as_os_str(),
        user.as_ref(),
        place.url.as_ref(),
        app.as_ref(),
        id.as_ref(),
    ]);
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
    _serving: Serving,
    programs: &CPrograms,
    runner: &[&OsStr],
    _captured: &mut Captured,
) -> Result<()> {
    let words = with(runner, &programs.harness);
    let (mut harness, before) = Harness::start(&words, &place.device())?;
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

/// A device without a network deletes, is killed, and goes on where it was.
fn offline(
    place: &Place<'_>,
    serving: Serving,
    programs: &CPrograms,
    runner: &[&OsStr],
    captured: &mut Captured,
) -> Result<()> {
    let device = place.device();
    // It has to have something before the network goes.
    let (harness, _) = Harness::start(&[programs.harness.as_os_str()], &device)?;
    harness.finish()?;
    let target = place.scenario.offline.as_ref();
    let target = target.context("nothing to delete without a network")?;
    let away = Away {
        target,
        device: &device,
        user: &Account::sign_in(place.server, place.url, &place.scenario.user)?,
        peer: &Account::sign_in(place.server, place.url, &target.peer)?,
        program: &with(runner, &programs.offline),
    };
    let mut plain = PlainStore::fill(place.folder.join("plain"), place.log, &place.scenario.user)?;
    let (outcome, _serving) = away.run(serving, &mut plain)?;
    captured.note(&format!("{outcome:?}"))?;
    let seen = outcome.offline.as_ref();
    let complaints = offline::complaints(&outcome, seen.context("it was not without a network")?);
    ensure!(complaints.is_empty(), "{}", complaints.join("; "));
    Ok(())
}

/// A device that stays up to date by itself deletes what it is told to, and says what it hears.
fn live(
    place: &Place<'_>,
    _serving: Serving,
    programs: &CPrograms,
    runner: &[&OsStr],
    _captured: &mut Captured,
) -> Result<()> {
    let mut device = Live::start(&with(runner, &programs.live), &place.device(), "phone")?;
    for target in &place.scenario.targets {
        let id = &target.conversation_id;
        ensure!(device.look(id)?.messages > 0, "{id}: it has nothing");
        device.delete(id)?;
        let told = device.hears_of_deletion(id)?;
        ensure!(told.cause == "this_device", "{id}: by {}", told.cause);
        let left = device.look(id)?;
        ensure!(
            (left.listed, left.messages) == (0, 0),
            "{id}: not gone: {left:?}"
        );
        let look = device.verify(id)?;
        ensure!(
            look.readable_records == 0 && look.records > 0,
            "{id}: {look:?}"
        );
    }
    device.close()
}
