//! TLS before a server.

use std::{
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::children::Running;

/// A front that is there until this value goes.
pub struct Front {
    _running: Running,
    /// Where it listens.
    pub url: String,
    /// The certificate of its authority.
    pub authorities: PathBuf,
}

#[derive(Deserialize)]
struct Said {
    url: String,
    authorities: PathBuf,
}

impl Front {
    /// Starts the one in the folder `built`, before the server at an address.
    pub fn start(built: &Path, server: &str, folder: &Path) -> Result<Self> {
        let running = Running::start(
            Command::new(built.join("examples/tls-front"))
                .arg(server.trim_start_matches("http://"))
                .arg(folder)
                .stdin(Stdio::piped())
                .stdout(Stdio::piped()),
        )?;
        let mut line = String::new();
        BufReader::new(running.stdout()?)
            .read_line(&mut line)
            .context("cannot read from the front")?;
        let said: Said = serde_json::from_str(&line)
            .with_context(|| format!("the front did not start; it said {line:?}"))?;
        Ok(Self {
            _running: running,
            url: said.url,
            authorities: said.authorities,
        })
    }
}
