//! What may stand where one value stands: a draft, a pin.

use std::fmt::Debug;

/// The model of one value of one conversation.
#[derive(Clone, Debug)]
pub struct Slate<T> {
    /// With the number of the call that would have written it.
    possible: Vec<(u64, T)>,
}

impl<T: Default> Default for Slate<T> {
    fn default() -> Self {
        Self {
            possible: vec![(0, T::default())],
        }
    }
}

impl<T: Clone + Default + PartialEq + Debug> Slate<T> {
    /// A call with this number would write this.
    pub fn asked(&mut self, number: u64, value: T) {
        self.possible.push((number, value));
    }

    /// It has: what was written before it is not there any more.
    pub fn written(&mut self, number: u64) {
        self.possible.retain(|(at, _)| *at >= number);
    }

    /// Compares with what was found, which from then on is the truth.
    pub fn settle(&mut self, found: T) -> Result<(), String> {
        if !self.possible.iter().any(|(_, value)| *value == found) {
            return Err(format!("found {found:?}, possible are {:?}", self.possible));
        }
        self.possible = vec![(0, found)];
        Ok(())
    }
}
