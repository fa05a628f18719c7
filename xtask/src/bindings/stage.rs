//! A server with a few conversations, where programs of the bindings run.

use std::{
    cell::Cell,
    ffi::OsStr,
    fs,
    os::unix,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, ensure};
use serde_json::json;
use tempfile::TempDir;

use super::front::Front;
use crate::{
    captured::Captured,
    rest::Account,
    server::{APP_ID, Server, Serving},
    workspace::Workspace,
};

/// Who deletes.
pub const USER: &str = "alice";
/// What the server has for that user, and somebody else who has it too.
pub const CONVERSATIONS: [(&str, &str); 4] = [
    ("c2c_bob", "bob"),
    ("c2c_carol", "carol"),
    // The web page's sample deletes this one.
    ("c2c_Example", "Example"),
    ("group_team", "bob"),
];
/// Messages of each.
const MESSAGES: u64 = 4;

/// A server that is there until this value goes.
pub struct Stage {
    serving: Serving,
    server: Server,
    /// Goes before the folder.
    front: Option<Front>,
    folder: TempDir,
    stores: Cell<u32>,
}

impl Stage {
    /// Starts the server that is in the folder `built`.
    pub fn set(built: &Path) -> Result<Self> {
        Self::set_for(built, &[])
    }

    /// The same, where more users have accounts.
    pub fn set_for(built: &Path, users: &[&str]) -> Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix("adieu-binding-")
            .tempdir()
            .context("cannot make a temporary folder")?;
        let log = folder.path().join("log.jsonl");
        fs::write(&log, messages(users)).context("cannot write the log")?;
        let server = Server::new(Workspace::server(built), folder.path().join("server"))?;
        server.import(&log)?;
        let serving = server.serve()?;
        Ok(Self {
            serving,
            server,
            front: None,
            folder,
            stores: Cell::new(0),
        })
    }

    /// The same, behind TLS too, with an authority that nobody else knows.
    pub fn set_with_tls(built: &Path) -> Result<Self> {
        let mut stage = Self::set(built)?;
        let folder = stage.new_folder()?;
        stage.front = Some(Front::start(built, &stage.serving.url, &folder)?);
        Ok(stage)
    }

    /// For a test that such a program runs: behind TLS too, unless that is valgrind, which takes what
    /// comes of a handshake for uninitialised.
    pub fn set_under(runner: &[&OsStr], built: &Path) -> Result<Self> {
        if runner.is_empty() {
            Self::set_with_tls(built)
        } else {
            Self::set(built)
        }
    }

    /// A folder that is empty, for a store or for what is built.
    pub fn new_folder(&self) -> Result<PathBuf> {
        let number = self.stores.get() + 1;
        self.stores.set(number);
        let path = self.folder.path().join(format!("folder-{number}"));
        fs::create_dir(&path).context("cannot make a folder")?;
        Ok(path)
    }

    /// A command that finds the server, a new store and a credential in its environment.
    pub fn command(&self, words: &[&OsStr]) -> Result<Command> {
        self.command_of(USER, words)
    }

    /// The same for another user, of whom the server knows nothing yet.
    pub fn command_of(&self, user: &str, words: &[&OsStr]) -> Result<Command> {
        let (program, rest) = words.split_first().context("no program to run")?;
        let mut command = Command::new(program);
        self.tell_of(user, command.args(rest))?;
        Ok(command)
    }

    /// Puts the server, a new store and a credential into a command's environment.
    pub fn tell(&self, command: &mut Command) -> Result<()> {
        self.tell_of(USER, command)
    }

    fn tell_of(&self, user: &str, command: &mut Command) -> Result<()> {
        command
            .env("ADIEU_SERVER_URL", &self.serving.url)
            .env("ADIEU_APP_ID", APP_ID.to_string())
            .env("ADIEU_USER", user)
            .env("ADIEU_USER_SIG", self.server.user_sig(user)?)
            .env("ADIEU_STORE", self.new_folder()?);
        if let Some(front) = &self.front {
            command
                .env("ADIEU_TLS_URL", &front.url)
                .env("ADIEU_CA_CERTIFICATES", &front.authorities);
        }
        Ok(())
    }

    /// Where the server listens.
    pub fn url(&self) -> &str {
        &self.serving.url
    }

    /// Runs it to its end, which must be a success.
    pub fn run(&self, words: &[&OsStr], captured: &mut Captured) -> Result<()> {
        let mut command = self.command(words)?;
        ensure!(captured.run(&mut command)?, "it did not succeed");
        Ok(())
    }

    /// Runs it with `STORE USER SERVER APP_ID CONVERSATION`, as the examples are run.
    pub fn run_example(
        &self,
        words: &[&OsStr],
        conversation: &str,
        captured: &mut Captured,
    ) -> Result<()> {
        self.expect(conversation, MESSAGES)?;
        let store = self.new_folder()?;
        let app_id = APP_ID.to_string();
        let mut words = words.to_vec();
        words.extend([
            store.as_os_str(),
            OsStr::new(USER),
            OsStr::new(&self.serving.url),
            OsStr::new(&app_id),
            OsStr::new(conversation),
        ]);
        self.run(&words, captured)?;
        self.expect_gone(conversation)
    }

    /// The server gives the user this many messages.
    pub fn expect(&self, conversation: &str, messages: u64) -> Result<()> {
        let user = Account::sign_in(&self.server, &self.serving.url, USER)?;
        let count = user.count(conversation)?;
        ensure!(
            count == messages,
            "the server gives {count} messages of {conversation}, not {messages}"
        );
        Ok(())
    }

    /// The server has all of it.
    pub fn expect_whole(&self, conversation: &str) -> Result<()> {
        self.expect(conversation, MESSAGES)
    }

    /// The server gives the user nothing of it any more, and the other side all of it.
    pub fn expect_gone(&self, conversation: &str) -> Result<()> {
        self.expect(conversation, 0)?;
        let (_, peer) = CONVERSATIONS
            .iter()
            .find(|(id, _)| *id == conversation)
            .context("not a conversation of this stage")?;
        let peers = Account::sign_in(&self.server, &self.serving.url, peer)?;
        let theirs = match conversation.strip_prefix("c2c_") {
            Some(_) => format!("c2c_{USER}"),
            None => conversation.to_owned(),
        };
        let count = peers.count(&theirs)?;
        ensure!(
            count == MESSAGES,
            "{peer} has {count} messages of it, not {MESSAGES}"
        );
        Ok(())
    }
}

/// The log: user and peer write in turn; more users have a message each.
fn messages(users: &[&str]) -> String {
    let mut log = String::new();
    for user in users {
        let line = json!({
            "conversation": format!("c2c_{user}:greeter"),
            "sender": "greeter",
            "time": 1_700_000_000,
            "text": "welcome",
        });
        log += &format!("{line}\n");
    }
    for (conversation, peer) in CONVERSATIONS {
        let name = match conversation.strip_prefix("c2c_") {
            Some(_) => format!("c2c_{USER}:{peer}"),
            None => conversation.to_owned(),
        };
        for number in 0..MESSAGES {
            let sender = if number % 2 == 0 { USER } else { peer };
            let line = json!({
                "conversation": name,
                "sender": sender,
                "time": 1_700_000_000 + number,
                "text": format!("message {number} of {conversation}"),
            });
            log += &format!("{line}\n");
        }
    }
    log
}

/// A folder that holds the shared library of `built` under the names that linkers and loaders ask
/// for.
pub fn library_folder(workspace: &Workspace, built: &Path) -> Result<PathBuf> {
    let profile = built.file_name().unwrap_or_default().to_string_lossy();
    let folder = workspace.scratch("bindings").join(format!("lib-{profile}"));
    fs::create_dir_all(&folder)
        .with_context(|| format!("cannot make the folder {}", folder.display()))?;
    for name in ["libadieu.so", "libadieu.so.0"] {
        let link = folder.join(name);
        // There may be one from an earlier run.
        let _ = fs::remove_file(&link);
        unix::fs::symlink(built.join("libadieu.so"), &link)
            .with_context(|| format!("cannot make {}", link.display()))?;
    }
    Ok(folder)
}
