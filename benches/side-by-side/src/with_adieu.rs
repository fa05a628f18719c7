//! adieu, through its C interface, on a device without a server.

use std::collections::BTreeMap;
use std::ffi::CString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Result, bail};

use crate::adieu::{Calls, Client, NewMessage};
use crate::log::{Log, name_of};
use crate::{Store, TOGETHER, files_size};

/// One client, and where its files are.
pub struct Adieu(Client, PathBuf);

/// It looks after its files by itself, and has come to rest when they stay as large as they are.
const STEP: Duration = Duration::from_millis(500);
/// Steps without a change.
const QUIET: usize = 3;
/// Steps after which the waiting ends in any case: after a burst the log's file may have 250 MB, of
/// which a quiet second cuts off 4 MiB.
const PATIENCE: usize = 600;

impl Adieu {
    /// Opens one on an empty folder.
    pub fn open(folder: &Path) -> Result<Self> {
        Ok(Self(
            Client::open(folder, "alice", None)?,
            folder.to_owned(),
        ))
    }
}

impl Store for Adieu {
    fn save(&mut self, log: &Log) -> Result<()> {
        let calls = Calls::default();
        for some in log.messages.chunks(TOGETHER) {
            let texts: Vec<_> = some
                .iter()
                .map(|message| {
                    let sender = CString::new(message.sender.as_str())?;
                    Ok((sender, CString::new(message.text.as_str())?))
                })
                .collect::<Result<_>>()?;
            // The interface takes messages of one conversation at a time.
            let mut arrays: BTreeMap<usize, Vec<NewMessage>> = BTreeMap::new();
            for (message, (sender, body)) in some.iter().zip(&texts) {
                arrays
                    .entry(message.conversation)
                    .or_default()
                    .push(NewMessage {
                        struct_size: size_of::<NewMessage>() as u32,
                        reserved: 0,
                        position: message.position,
                        time: message.time,
                        sender: sender.as_ptr(),
                        body: body.as_ptr(),
                    });
            }
            for (conversation, array) in &arrays {
                let name = CString::new(name_of(*conversation))?;
                self.0.begin_save(&name, array, &calls)?;
            }
            for _ in &arrays {
                calls.next()?;
            }
        }
        Ok(())
    }

    fn rest(&mut self) -> Result<()> {
        let (mut before, mut quiet) = (f64::NAN, 0);
        for _ in 0..PATIENCE {
            std::thread::sleep(STEP);
            let now = files_size(&self.1)?;
            quiet = if now == before { quiet + 1 } else { 0 };
            before = now;
            if quiet == QUIET {
                return Ok(());
            }
        }
        bail!("the files still change")
    }

    fn delete(&mut self, conversation: usize) -> Result<()> {
        let (name, calls) = (CString::new(name_of(conversation))?, Calls::default());
        self.0.delete(&name, &mut [0; 16], &calls)?;
        calls.next().map(drop)
    }
}
