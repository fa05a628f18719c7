//! The key file with the keys that are in use kept ready.

use super::key_file::KeyFile;
use super::random::Random;
use super::seal::SealingKey;
use super::slot::{Epitaph, SlotRef};
use crate::error::Result;
use crate::map::Map;

/// Keys kept ready at most; half a kilobyte each. Beyond it they are unwrapped anew.
const KEPT: usize = 4096;

/// All keys of a store, and its random numbers.
pub struct Keyring {
    /// Where they are kept.
    pub file: KeyFile,
    /// Where nonces come from.
    pub random: Random,
    open: Map<SlotRef, SealingKey>,
}

impl Keyring {
    /// Over an open key file.
    pub fn new(file: KeyFile) -> Self {
        Self {
            file,
            random: Random::new(),
            open: Map::default(),
        }
    }

    /// The key in a slot, and the random numbers to seal with.
    pub fn key(&mut self, slot: SlotRef) -> Result<(&SealingKey, &mut Random)> {
        if !self.open.contains_key(&slot) {
            if self.open.len() >= KEPT {
                self.open.clear();
            }
            self.open.insert(slot, self.file.key(slot)?);
        }
        Ok((&self.open[&slot], &mut self.random))
    }

    /// Destroys keys, on disk and in memory.
    pub fn destroy(&mut self, slots: &[(SlotRef, Epitaph)]) -> Result<()> {
        self.doom(slots);
        self.file.flush()
    }

    /// The first half of that: they are dead in memory, and the next flush destroys them.
    pub fn doom(&mut self, slots: &[(SlotRef, Epitaph)]) {
        for (slot, _) in slots {
            self.open.remove(slot);
        }
        self.file.doom(slots);
    }

    /// Runs `work`, which may take keys; those are given back when it fails.
    pub fn taking<T>(
        &mut self,
        work: impl FnOnce(&mut Self, &mut Vec<SlotRef>) -> Result<T>,
    ) -> Result<T> {
        let mut taken = Vec::new();
        let result = work(self, &mut taken);
        if result.is_err() {
            for slot in taken {
                self.open.remove(&slot);
                self.file.give_back(slot);
            }
        }
        result
    }
}
