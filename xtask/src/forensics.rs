//! The forensic look: which of many texts stand, byte for byte, in the files of a folder.
//!
//! It shares nothing with the library's own look, so that the two can disagree.

use std::{
    collections::HashMap,
    fs::{self, File},
    io::Read,
    path::Path,
};

use anyhow::{Context, Result};

/// Shorter texts turn up by chance.
const SHORTEST: usize = 8;
/// How much of a file is held at once, beside the overlap.
const WINDOW: usize = 4 << 20;
/// Bits of the filter that most places fail at.
const FILTER_BITS: u32 = 23;

/// Texts to look for.
pub struct Search {
    texts: Vec<Vec<u8>>,
    left_out: Vec<bool>,
    /// Texts by their first eight bytes.
    by_start: HashMap<[u8; SHORTEST], Vec<usize>>,
    filter: Vec<bool>,
    longest: usize,
}

impl Search {
    /// Takes distinct texts that are long enough, out of texts that each end with a NUL.
    pub fn of(ended_by_nul: &[u8]) -> Self {
        let mut texts: Vec<Vec<u8>> = ended_by_nul
            .split(|byte| *byte == 0)
            .filter(|text| text.len() >= SHORTEST)
            .map(<[u8]>::to_vec)
            .collect();
        texts.sort_unstable();
        texts.dedup();
        let mut search = Self {
            left_out: vec![false; texts.len()],
            by_start: HashMap::new(),
            filter: vec![false; 1 << FILTER_BITS],
            longest: texts.iter().map(Vec::len).max().unwrap_or(SHORTEST),
            texts,
        };
        for (index, text) in search.texts.iter().enumerate() {
            if let Some(start) = text.first_chunk() {
                search.by_start.entry(*start).or_default().push(index);
                if let Some(bit) = search.filter.get_mut(filter_bit(*start)) {
                    *bit = true;
                }
            }
        }
        search
    }

    /// Leaves out of the count what stands in `held`.
    pub fn leave_out(&mut self, held: &[u8]) {
        let mut left_out = std::mem::take(&mut self.left_out);
        self.mark(held, &mut left_out);
        self.left_out = left_out;
    }

    /// How many texts are looked for.
    pub fn searched(&self) -> u64 {
        count(self.left_out.iter().map(|left_out| !left_out))
    }

    /// How many of them stand in the files of a folder.
    pub fn found_in(&self, folder: &Path) -> Result<u64> {
        let failed = || format!("cannot look through {}", folder.display());
        let mut found = vec![false; self.texts.len()];
        for entry in fs::read_dir(folder).with_context(failed)? {
            let path = entry.with_context(failed)?.path();
            if path.is_file() {
                self.mark_file(&path, &mut found)
                    .with_context(|| format!("cannot look through {}", path.display()))?;
            }
        }
        let pairs = found.iter().zip(&self.left_out);
        Ok(count(pairs.map(|(found, left_out)| *found && !left_out)))
    }

    fn mark_file(&self, path: &Path, found: &mut [bool]) -> std::io::Result<()> {
        let mut file = File::open(path)?;
        let mut window = Vec::new();
        loop {
            let read = (&mut file).take(WINDOW as u64).read_to_end(&mut window)?;
            if read == 0 {
                return Ok(());
            }
            self.mark(&window, found);
            // A text may begin at the end of one window and end in the next.
            let done = window.len().saturating_sub(self.longest - 1);
            window.drain(..done);
        }
    }

    fn mark(&self, hay: &[u8], found: &mut [bool]) {
        for (at, start) in hay.windows(SHORTEST).enumerate() {
            let Some(start) = start.first_chunk::<SHORTEST>() else {
                continue;
            };
            if self.filter.get(filter_bit(*start)) != Some(&true) {
                continue;
            }
            let here = hay.get(at..).unwrap_or_default();
            for index in self.by_start.get(start).into_iter().flatten() {
                if let (Some(text), Some(found)) = (self.texts.get(*index), found.get_mut(*index)) {
                    *found = *found || here.starts_with(text);
                }
            }
        }
    }
}

fn count(marks: impl Iterator<Item = bool>) -> u64 {
    marks.filter(|mark| *mark).count() as u64
}

fn filter_bit(start: [u8; SHORTEST]) -> usize {
    let mixed = u64::from_le_bytes(start).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    usize::try_from(mixed >> (64 - FILTER_BITS)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_is_there_once_and_leaves_out_what_survives() {
        let folder = tempfile::tempdir().unwrap();
        let mut search =
            Search::of(b"short\0a longer text\0a longer text\0the other text\0missing text\0");
        assert_eq!(search.searched(), 3);
        fs::write(folder.path().join("a"), b"..a longer text..").unwrap();
        fs::write(folder.path().join("b"), b"a longer textthe other text").unwrap();
        assert_eq!(search.found_in(folder.path()).unwrap(), 2);
        search.leave_out(b"[the other text]");
        assert_eq!(search.searched(), 2);
        assert_eq!(search.found_in(folder.path()).unwrap(), 1);
    }

    #[test]
    fn a_text_across_two_windows_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let text = b"across the border";
        for before in [WINDOW - 1, WINDOW - 8, WINDOW - text.len() + 1, WINDOW] {
            let mut bytes = vec![b'.'; before];
            bytes.extend_from_slice(text);
            fs::write(folder.path().join("a"), bytes).unwrap();
            let search = Search::of(text);
            assert_eq!(search.found_in(folder.path()).unwrap(), 1, "{before}");
        }
    }
}
