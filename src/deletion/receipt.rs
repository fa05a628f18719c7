//! What a finished deletion did, kept for a while for whoever asks.

use std::collections::VecDeque;
use std::time::Duration;

use super::DeletionId;
use crate::primitives::Mutex;

/// How many are kept.
const KEPT: usize = 1024;

/// Facts about a deletion that succeeded; no content.
#[derive(Clone, Copy, Debug)]
pub struct Receipt {
    /// The last position that went.
    pub cut_off: u64,
    /// From the beginning of the erasure to the moment nothing could bring it back.
    pub erase: Duration,
    /// From the call to that moment, the answer of the server included.
    pub total: Duration,
}

/// The newest receipts.
#[derive(Default)]
pub struct Receipts(Mutex<VecDeque<(DeletionId, Receipt)>>);

impl Receipts {
    /// Keeps one.
    pub fn keep(&self, id: DeletionId, receipt: Receipt) {
        let mut kept = self.0.lock();
        if kept.len() == KEPT {
            kept.pop_front();
        }
        kept.push_back((id, receipt));
    }

    /// Finds one.
    pub fn find(&self, id: DeletionId) -> Option<Receipt> {
        self.0
            .lock()
            .iter()
            .rev()
            .find(|(kept, _)| *kept == id)
            .map(|(_, receipt)| *receipt)
    }
}
