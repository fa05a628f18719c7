//! The name of one deletion, unique among all deletions of its owner.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use ring::rand::{SecureRandom, SystemRandom};

use crate::error::{Error, Result};

/// 16 bytes; on the wire 32 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DeletionId(pub [u8; 16]);

impl fmt::Display for DeletionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for DeletionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Makes ids without asking the system for each: eight random bytes drawn at open, then a count.
pub struct IdSource {
    prefix: [u8; 8],
    count: AtomicU64,
}

impl IdSource {
    /// Draws the random half.
    pub fn new() -> Result<Self> {
        let mut prefix = [0; 8];
        SystemRandom::new()
            .fill(&mut prefix)
            .map_err(|_| Error::Disk("the system has no random bytes".to_owned()))?;
        Ok(Self {
            prefix,
            count: AtomicU64::new(1),
        })
    }

    /// The next id.
    pub fn next(&self) -> DeletionId {
        let mut id = [0; 16];
        id[..8].copy_from_slice(&self.prefix);
        id[8..].copy_from_slice(&self.count.fetch_add(1, Ordering::Relaxed).to_be_bytes());
        DeletionId(id)
    }
}
