//! Random bytes, drawn from the system in blocks: one system call for hundreds of nonces.

use ring::rand::{SecureRandom, SystemRandom};

use crate::error::{Error, Result};

const BLOCK: usize = 4096;

/// A supply of random bytes for one thread.
pub struct Random {
    system: SystemRandom,
    block: [u8; BLOCK],
    used: usize,
}

impl Random {
    /// An empty supply; the first draw fills it.
    pub fn new() -> Self {
        Self {
            system: SystemRandom::new(),
            block: [0; BLOCK],
            used: BLOCK,
        }
    }

    /// Draws `N` bytes that nobody has seen; they are wiped from the supply.
    pub fn draw<const N: usize>(&mut self) -> Result<[u8; N]> {
        const { assert!(N <= BLOCK) };
        if self.used + N > BLOCK {
            self.system
                .fill(&mut self.block)
                .map_err(|_| Error::Disk("the system has no random bytes".to_owned()))?;
            self.used = 0;
        }
        let mut bytes = [0; N];
        let drawn = &mut self.block[self.used..self.used + N];
        bytes.copy_from_slice(drawn);
        drawn.fill(0);
        self.used += N;
        Ok(bytes)
    }
}
