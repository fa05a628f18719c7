//! A back end, or an app, that speaks the REST API with curl.

use std::{
    io::Write,
    process::{Command, Stdio},
};

use adieu_protocol::envelope;
use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::{
    children::Running,
    machine::Need,
    server::{APP_ID, Server},
};

/// What this needs.
pub const CURL: Need = Need {
    program: "curl",
    package: "curl",
};

/// Seconds that an answer may take.
const PATIENCE: u64 = 30;

/// One account, signed in.
pub struct Curl {
    url: String,
    name: &'static str,
    user_sig: String,
}

impl Curl {
    /// Signs `name` in at a server that listens at `url`.
    pub fn sign_in(server: &Server, url: &str, name: &'static str) -> Result<Self> {
        Ok(Self {
            url: url.to_owned(),
            name,
            user_sig: server.user_sig(name)?,
        })
    }

    /// One request. All that curl is told comes over a pipe: its command line could be read by
    /// everyone on the machine.
    pub fn post(&self, command: &str, request: &Value) -> Result<Value> {
        let Self {
            url,
            name,
            user_sig,
        } = self;
        let url = format!(
            "{url}/{command}?sdkappid={APP_ID}&identifier={name}&usersig={user_sig}&random=7&contenttype=json"
        );
        let config = format!(
            "silent\nshow-error\nmax-time = {PATIENCE}\nnoproxy = \"*\"\nurl = {}\nheader = {}\ndata = {}\n",
            quoted(&url),
            quoted("content-type: application/json"),
            quoted(&request.to_string()),
        );
        let curl = Running::start(
            Command::new(CURL.program)
                .args(["--config", "-"])
                .stdin(Stdio::piped())
                .stdout(Stdio::piped()),
        )?;
        // Dropped at the end of the statement: curl begins when its instructions end.
        curl.stdin()?
            .write_all(config.as_bytes())
            .context("cannot write to curl")?;
        let answer = std::io::read_to_string(curl.stdout()?).context("cannot read from curl")?;
        let status = curl.wait().context("cannot wait for curl")?;
        ensure!(status.success(), "curl, {command}: {status}");
        envelope::read_answer(answer.as_bytes()).with_context(|| command.to_owned())
    }
}

/// As a file of curl's settings has it.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_end_a_setting_is_escaped() {
        assert_eq!(quoted(r#"{"a":"\n"}"#), r#""{\"a\":\"\\n\"}""#);
    }
}
