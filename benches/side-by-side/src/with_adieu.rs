//! adieu, through its C interface, on a device without a server.

use std::collections::BTreeMap;
use std::ffi::CString;
use std::path::Path;
use std::time::Duration;

use anyhow::Result;

use crate::adieu::{Calls, Client, NewMessage};
use crate::log::{Log, name_of};
use crate::{Store, TOGETHER};

/// One client.
pub struct Adieu(Client);

impl Adieu {
    /// Opens one on an empty folder.
    pub fn open(folder: &Path) -> Result<Self> {
        Ok(Self(Client::open(folder, "alice", None)?))
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
        // It comes to rest by itself.
        std::thread::sleep(Duration::from_secs(2));
        Ok(())
    }

    fn delete(&mut self, conversation: usize) -> Result<()> {
        let (name, calls) = (CString::new(name_of(conversation))?, Calls::default());
        self.0.delete(&name, &mut [0; 16], &calls)?;
        calls.next().map(drop)
    }
}
