//! One user, the user's devices, and their conversations, on a server.

use std::{
    fs::File,
    io::{BufWriter, Write},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

use super::{latency, live::Live};
use crate::{
    chat_log::Line,
    harness::{Device, make_folder},
    server::Server,
};

/// Whose devices they are.
pub const USER: &str = "alice";
/// Who writes in between: a message that a device has says that it has what came before, too.
pub const WITNESS: &str = "frank";
/// Messages of each conversation.
pub const MESSAGES: u64 = 12;

/// Where devices are started.
pub struct Stage<'a> {
    /// Everything is below.
    pub folder: &'a Path,
    /// The server's program and secret.
    pub server: &'a Server,
    /// Where the server listens.
    pub url: &'a str,
    /// The device's program.
    pub program: &'a Path,
}

impl Stage<'_> {
    /// Starts a device, or starts it again.
    pub fn device(&self, name: &str) -> Result<Live> {
        let folder = self.folder.join(name);
        make_folder(&folder)?;
        let device = Device {
            folder: &folder,
            server: self.server,
            url: self.url,
            user: USER,
        };
        Live::start(&[self.program.as_os_str()], &device, name)
    }
}

/// The conversations of the scenes, and one for each round that is measured.
pub fn write_log(folder: &Path, rounds: usize) -> Result<PathBuf> {
    let log = folder.join("log.jsonl");
    let failed = || format!("cannot write {}", log.display());
    let mut file = BufWriter::new(File::create(&log).with_context(failed)?);
    let rounds = (0..rounds).map(latency::peer);
    let peers = ["bob", "carol", "dave", "erin", WITNESS].map(str::to_owned);
    for peer in peers.into_iter().chain(rounds) {
        for number in 1..=MESSAGES {
            let line = Line {
                conversation: format!("c2c_{peer}:{USER}"),
                sender: if number % 3 == 0 { USER } else { &peer }.to_owned(),
                time: 1_700_000_000 + number,
                text: format!("{peer} and {USER}, message {number}: see you by the old mill"),
            };
            serde_json::to_writer(&mut file, &line).with_context(failed)?;
            file.write_all(b"\n").with_context(failed)?;
        }
    }
    file.flush().with_context(failed)?;
    Ok(log)
}
