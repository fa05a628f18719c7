//! A real server beside the benchmark.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::adieu::built;
use crate::engine::Engine;
pub use crate::library::APP_ID;

/// A running server; killed when dropped.
pub struct Server {
    child: Child,
    /// Its URL.
    pub url: String,
}

/// What an import did.
pub struct Imported {
    /// Messages taken.
    pub messages: f64,
    /// Seconds it took.
    pub seconds: f64,
    /// Most memory it had, in KiB.
    pub peak_kib: f64,
}

impl Server {
    /// Starts one on the file in a folder.
    pub fn start(folder: &Path) -> Result<Self> {
        Self::start_on(folder, &Engine::Embedded.store(folder), &[])
    }

    /// Starts one on the store of a URL, with more of its flags; its secret is in the folder.
    pub fn start_on(folder: &Path, store: &str, flags: &[&str]) -> Result<Self> {
        let mut child = command(store, "serve")?
            .args(["--listen", "127.0.0.1:0", "--admin", "administrator"])
            .args(["--app-id", &APP_ID.to_string(), "--secret-file"])
            .arg(folder.join("secret"))
            .args(flags)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().context("no output")?).read_line(&mut line)?;
        let first: Value = serde_json::from_str(&line).context("the server did not start")?;
        let address = first["listening"].as_str().context("no address")?;
        Ok(Self {
            child,
            url: format!("http://{address}"),
        })
    }

    /// Resident memory, now and at most, in KiB.
    pub fn memory(&self) -> Result<f64> {
        memory(self.child.id(), "VmHWM")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A line of the kernel's account of a process, in KiB.
pub fn memory(process: u32, what: &str) -> Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status
        .lines()
        .find(|line| line.starts_with(what))
        .context("no such line")?;
    Ok(line
        .split_whitespace()
        .nth(1)
        .context("no number")?
        .parse()?)
}

/// Writes a log of one group, as `import` reads it.
pub fn write_log(path: &Path, group: &str, sender: &str, messages: usize) -> Result<()> {
    let mut log = std::io::BufWriter::new(std::fs::File::create(path)?);
    for index in 0..messages {
        let text =
            format!("message {index}: the quick boat crosses the wide lake before the storm");
        let line = serde_json::json!({ "conversation": group, "sender": sender, "time": 1_700_000_000 + index, "text": text });
        writeln!(log, "{line}")?;
    }
    Ok(log.flush()?)
}

/// Imports a log into the store of a folder.
pub fn import(folder: &Path, log: &Path) -> Result<Imported> {
    import_into(folder, &Engine::Embedded.store(folder), log)
}

/// Imports a log into the store of a URL.
pub fn import_into(folder: &Path, store: &str, log: &Path) -> Result<Imported> {
    std::fs::write(folder.join("secret"), "benchmark")?;
    let start = Instant::now();
    let mut child = command(store, "import")?
        .arg(log)
        .arg("--json")
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let mut peak = 0.0;
    let status = loop {
        if let Ok(now) = memory(child.id(), "VmHWM") {
            peak = now;
        }
        match child.try_wait()? {
            Some(status) => break status,
            None => std::thread::sleep(std::time::Duration::from_millis(10)),
        }
    };
    let seconds = start.elapsed().as_secs_f64();
    if !status.success() {
        bail!("the import failed");
    }
    let summary: Value = serde_json::from_reader(child.stdout.take().context("no output")?)?;
    Ok(Imported {
        messages: summary["messages"].as_f64().unwrap_or(0.0),
        seconds,
        peak_kib: peak,
    })
}

/// A credential.
pub fn user_sig(folder: &Path, user: &str) -> Result<String> {
    let output = Command::new(built("adieu-server")?.join("adieu-server"))
        .args([
            "usersig",
            "--app-id",
            &APP_ID.to_string(),
            "--identifier",
            user,
            "--secret-file",
        ])
        .arg(folder.join("secret"))
        .output()?;
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

fn command(store: &str, verb: &str) -> Result<Command> {
    let mut command = Command::new(built("adieu-server")?.join("adieu-server"));
    command.args([verb, "--store", store]);
    Ok(command)
}
