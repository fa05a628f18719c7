//! What most conversations have none of.

use std::ops::{Deref, DerefMut};

use crate::conversation::Details;

static NONE: Details = Details::NONE;

/// Details that cost a pointer where there are none, which is most conversations: a deletion looks
/// at each of ten thousand.
#[derive(Clone, Debug, Default)]
pub struct Sparse(Option<Box<Details>>);

impl Deref for Sparse {
    type Target = Details;

    fn deref(&self) -> &Details {
        self.0.as_deref().unwrap_or(&NONE)
    }
}

impl DerefMut for Sparse {
    fn deref_mut(&mut self) -> &mut Details {
        self.0.get_or_insert_default()
    }
}

impl PartialEq for Sparse {
    /// What was allocated and has nothing is nothing.
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl From<Details> for Sparse {
    fn from(details: Details) -> Self {
        Self((!details.is_empty()).then(|| Box::new(details)))
    }
}
