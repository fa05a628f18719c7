//! The forensic look: is anything of what was deleted still in the store?

use std::collections::HashSet;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};

use rusqlite::params;

use super::Store;
use super::seal::Place;
use super::search::{SHORTEST, Search};
use crate::conversation::{ConversationId, Message};
use crate::error::Result;

/// Bytes of a file that are looked through at once.
const WINDOW: usize = 1 << 20;

/// What the look found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Verification {
    /// Distinct strings that were looked for.
    pub searched: u64,
    /// Those of them that stand in a file of the store.
    pub found: u64,
    /// Strings left out because they are shorter than eight bytes.
    pub too_short: u64,
    /// Strings left out because a surviving conversation holds them too.
    pub shared: u64,
    /// Records with a living key that belong to the conversation: all of it is readable.
    pub readable_records: u64,
    /// Records decoded.
    pub records: u64,
    /// Bytes of the files looked through.
    pub bytes: u64,
}

impl Store {
    /// Decodes every record, and looks for `texts` in every byte of every file of the store.
    /// `deleted` is the conversation that must not be there; a newer life of it does not count.
    pub fn verify(
        &mut self,
        deleted: &ConversationId,
        texts: Vec<Vec<u8>>,
    ) -> Result<Verification> {
        self.record()?;
        let mut report = Verification::default();
        let given = texts.into_iter().collect::<HashSet<_>>();
        let (texts, short): (Vec<_>, Vec<_>) =
            given.into_iter().partition(|text| text.len() >= SHORTEST);
        report.too_short = short.len() as u64;
        let search = Search::new(&texts);

        let mut shared = vec![false; texts.len()];
        self.decode_all(deleted, &mut report, |text| search.mark(text, &mut shared))?;
        report.shared = shared.iter().filter(|shared| **shared).count() as u64;
        report.searched = texts.len() as u64 - report.shared;

        let mut found = vec![false; texts.len()];
        let longest = texts.iter().map(Vec::len).max().unwrap_or(0);
        for file in std::fs::read_dir(&self.folder)? {
            let path = file?.path();
            if path.is_file() {
                let is_database = path.file_stem().is_some_and(|stem| stem == "store");
                let fresh;
                let file = if is_database {
                    self.looked.file(&path)?
                } else {
                    fresh = File::open(&path)?;
                    &fresh
                };
                report.bytes += search_file(file, &search, longest, &mut found)?;
            }
        }
        report.found = found
            .iter()
            .zip(&shared)
            .filter(|(found, shared)| **found && !**shared)
            .count() as u64;
        Ok(report)
    }

    fn decode_all(
        &mut self,
        deleted: &ConversationId,
        report: &mut Verification,
        mut look: impl FnMut(&[u8]),
    ) -> Result<()> {
        let Self {
            db, keys, entries, ..
        } = self;
        let mut select =
            db.prepare("SELECT position, sealed FROM messages WHERE conversation = ?")?;
        for entry in entries.values() {
            let is_deleted = entry.id == *deleted && entry.head <= entry.floor;
            if !entry.hidden {
                report.records += 1;
                look(entry.id.native().as_bytes());
                look(entry.details.title.as_bytes());
            }
            let mut rows = select.query(params![entry.row])?;
            while let Some(row) = rows.next()? {
                let position = row.get::<_, i64>(0)? as u64;
                let mut sealed: Vec<u8> = row.get(1)?;
                let opened = entry.key_for(position).and_then(|slot| {
                    let text = keys
                        .key(slot)
                        .ok()?
                        .0
                        .open(
                            Place::Message {
                                row: entry.row,
                                position,
                            },
                            &mut sealed,
                        )
                        .ok()?;
                    Message::decode(position, text).ok()
                });
                let Some(message) = opened else { continue };
                report.records += 1;
                if is_deleted || position <= entry.floor {
                    report.readable_records += 1;
                } else {
                    look(message.sender.as_bytes());
                    look(message.body.as_bytes());
                }
            }
        }
        Ok(())
    }
}

/// Looks through one file, in windows that overlap by the longest text.
fn search_file(
    mut file: &File,
    search: &Search<'_>,
    longest: usize,
    found: &mut [bool],
) -> Result<u64> {
    file.seek(SeekFrom::Start(0))?;
    let mut window = Vec::with_capacity(WINDOW + longest);
    let mut bytes = 0;
    loop {
        let read = (&mut file).take(WINDOW as u64).read_to_end(&mut window)?;
        if read == 0 {
            return Ok(bytes);
        }
        bytes += read as u64;
        search.mark(&window, found);
        let keep = window.len().saturating_sub(longest.saturating_sub(1));
        window.drain(..keep);
    }
}
