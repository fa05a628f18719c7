//! Sealing: AES-256-GCM under one key, a random nonce in front, bound to the place it stands in.

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use zeroize::Zeroizing;

use super::random::Random;
use crate::error::{Error, Result};

/// Length of a key, in bytes.
pub const KEY_LEN: usize = 32;
/// What sealing adds to a text, in bytes.
pub const OVERHEAD: usize = NONCE_LEN + 16;

/// A raw key; wiped from memory when dropped.
pub type RawKey = Zeroizing<[u8; KEY_LEN]>;

/// A key ready for use.
pub struct SealingKey(LessSafeKey);

/// What a sealed text is bound to: it opens only at the place it was sealed for.
#[derive(Clone, Copy)]
pub enum Place {
    /// The id of the conversation in this row.
    Address { row: i64 },
    /// Title and the like of the conversation in this row.
    Details { row: i64 },
    /// The message at this position of the conversation in this row.
    Message { row: i64, position: u64 },
}

impl Place {
    fn bytes(self) -> [u8; 17] {
        let (kind, row, position) = match self {
            Self::Address { row } => (1, row, 0),
            Self::Details { row } => (2, row, 0),
            Self::Message { row, position } => (3, row, position),
        };
        let mut bytes = [kind; 17];
        bytes[1..9].copy_from_slice(&row.to_le_bytes());
        bytes[9..].copy_from_slice(&position.to_le_bytes());
        bytes
    }
}

impl SealingKey {
    /// Prepares a raw key.
    pub fn new(raw: &[u8; KEY_LEN]) -> Result<Self> {
        let key = UnboundKey::new(&AES_256_GCM, raw)
            .map_err(|_| Error::StoreDamaged("a key has the wrong length".to_owned()))?;
        Ok(Self(LessSafeKey::new(key)))
    }

    /// Seals `text` for `place` into `sealed`, which it clears first.
    pub fn seal(
        &self,
        place: Place,
        text: &[u8],
        sealed: &mut Vec<u8>,
        random: &mut Random,
    ) -> Result<()> {
        if cfg!(feature = "plaintext-for-benchmarks") {
            sealed.clear();
            sealed.extend_from_slice(text);
            return Ok(());
        }
        self.seal_bound(&place.bytes(), text, sealed, random)
    }

    /// Opens what [`Self::seal`] made, in place; the text is a part of `sealed`.
    pub fn open<'a>(&self, place: Place, sealed: &'a mut [u8]) -> Result<&'a [u8]> {
        if cfg!(feature = "plaintext-for-benchmarks") {
            return Ok(sealed);
        }
        self.open_bound(&place.bytes(), sealed).ok_or_else(|| {
            Error::StoreDamaged("a sealed record does not open at its place".to_owned())
        })
    }

    /// As [`Self::seal`], bound to any bytes.
    pub fn seal_bound(
        &self,
        bound_to: &[u8],
        text: &[u8],
        sealed: &mut Vec<u8>,
        random: &mut Random,
    ) -> Result<()> {
        let nonce: [u8; NONCE_LEN] = random.draw()?;
        sealed.clear();
        sealed.reserve(text.len() + OVERHEAD);
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(text);
        let tag = self
            .0
            .seal_in_place_separate_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(bound_to),
                &mut sealed[NONCE_LEN..],
            )
            .map_err(|_| Error::Parameter("a text is too long to be sealed".to_owned()))?;
        sealed.extend_from_slice(tag.as_ref());
        Ok(())
    }

    /// As [`Self::open`], bound to any bytes; `None` when the key or the binding is another.
    pub fn open_bound<'a>(&self, bound_to: &[u8], sealed: &'a mut [u8]) -> Option<&'a [u8]> {
        let (nonce, text) = sealed.split_at_mut_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        self.0
            .open_in_place(nonce, Aad::from(bound_to), text)
            .ok()
            .map(|text| &*text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sealed_text_opens_only_at_its_place_and_with_its_key() {
        let mut random = Random::new();
        let key = SealingKey::new(&[7; KEY_LEN]).unwrap();
        let place = Place::Message {
            row: 3,
            position: 9,
        };
        let mut sealed = Vec::new();
        key.seal(place, b"see you at the lake", &mut sealed, &mut random)
            .unwrap();
        assert_eq!(sealed.len(), 19 + OVERHEAD);
        for elsewhere in [
            Place::Message {
                row: 3,
                position: 10,
            },
            Place::Message {
                row: 4,
                position: 9,
            },
            Place::Details { row: 3 },
        ] {
            assert!(key.open(elsewhere, &mut sealed.clone()).is_err());
        }
        let other = SealingKey::new(&[8; KEY_LEN]).unwrap();
        assert!(other.open(place, &mut sealed.clone()).is_err());
        assert!(key.open(place, &mut sealed.clone()[..11]).is_err());
        assert_eq!(
            key.open(place, &mut sealed).unwrap(),
            b"see you at the lake"
        );
    }
}
