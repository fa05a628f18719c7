//! adieu-server: its store, its secret, its start and its end.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use crate::children::Running;

/// The app that everything here belongs to.
pub const APP_ID: u64 = 1_400_000_000;
/// The administrator's identifier.
pub const ADMIN: &str = "administrator";

/// A server's program with a folder of its own.
pub struct Server {
    program: PathBuf,
    folder: PathBuf,
}

/// What an import says at its end; the fields that are used here.
#[derive(Debug, Deserialize)]
pub struct Imported {
    /// Messages taken.
    pub messages: u64,
    /// Lines not taken.
    pub rejected: u64,
    /// How long it took.
    pub seconds: f64,
}

#[derive(Deserialize)]
struct Listening {
    listening: String,
}

impl Server {
    /// Makes the secret; the store comes with the first use.
    pub fn new(program: PathBuf, folder: PathBuf) -> Result<Self> {
        fs::create_dir_all(&folder)
            .with_context(|| format!("cannot make the folder {}", folder.display()))?;
        let server = Self { program, folder };
        // It guards nothing but a server on the loopback that ends with this program.
        fs::write(server.secret(), "a secret for a server of one minute")
            .context("cannot write the server's secret")?;
        Ok(server)
    }

    /// Where its files are.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    fn secret(&self) -> PathBuf {
        self.folder.join("secret")
    }

    fn command(&self, name: &str) -> Command {
        let mut command = Command::new(&self.program);
        command.arg(name).stdin(Stdio::null());
        command
    }

    fn store(&self) -> String {
        format!("sqlite:{}", self.folder.join("server.db").display())
    }

    /// Loads a chat log. Its progress bar, if there is a terminal, goes to standard error.
    pub fn import(&self, log: &Path) -> Result<Imported> {
        let import = Running::start(
            self.command("import")
                .arg(log)
                .args(["--json", "--store", &self.store()])
                .stdout(Stdio::piped()),
        )?;
        let said = std::io::read_to_string(import.stdout()?).context("cannot read the import")?;
        ensure!(import.wait()?.success(), "the import failed");
        serde_json::from_str(&said).with_context(|| format!("the import said {said:?}"))
    }

    /// A credential.
    pub fn user_sig(&self, identifier: &str) -> Result<String> {
        let made = self
            .command("usersig")
            .args(["--app-id", &APP_ID.to_string(), "--identifier", identifier])
            .arg("--secret-file")
            .arg(self.secret())
            .stderr(Stdio::inherit())
            .output()
            .context("cannot run adieu-server usersig")?;
        ensure!(made.status.success(), "adieu-server usersig failed");
        Ok(String::from_utf8(made.stdout)
            .context("the credential is not text")?
            .trim()
            .to_owned())
    }

    /// Starts it on a free port.
    pub fn serve(&self) -> Result<Serving> {
        self.serve_at("127.0.0.1:0")
    }

    /// Starts it where one that is gone listened.
    pub fn serve_again(&self, url: &str) -> Result<Serving> {
        self.serve_at(url.strip_prefix("http://").unwrap_or(url))
    }

    fn serve_at(&self, address: &str) -> Result<Serving> {
        let running = Running::start(
            self.command("serve")
                .args(["--listen", address, "--store", &self.store()])
                .args(["--app-id", &APP_ID.to_string(), "--admin", ADMIN])
                .arg("--secret-file")
                .arg(self.secret())
                .args(["--log-level", "warn", "--max-connections", "256"])
                .stdout(Stdio::piped()),
        )?;
        let mut line = String::new();
        BufReader::new(running.stdout()?)
            .read_line(&mut line)
            .context("cannot read from the server")?;
        let listening: Listening = serde_json::from_str(&line)
            .with_context(|| format!("the server did not start; it said {line:?}"))?;
        Ok(Serving {
            running,
            url: format!("http://{}", listening.listening),
        })
    }
}

/// A server that runs until this value goes.
pub struct Serving {
    running: Running,
    /// Where it listens.
    pub url: String,
}

impl Serving {
    /// The process's id.
    pub fn process(&self) -> u32 {
        self.running.id()
    }
}
