//! Cursors: opaque to clients, and of no use to anyone but the device they were given to.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::hmac;

use crate::storage::{Known, SyncPosition};

/// Of the layout: version, capability, the opening, the key that a pass stands at, then what is
/// known and what will be: each a number, how many are excepted, and those.
const VERSION: u8 = 3;
const SEAL: usize = 16;

/// Whom a cursor is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bearer<'a> {
    /// The account.
    pub(crate) owner: &'a str,
    /// Which of its devices.
    pub(crate) device: Option<&'a str>,
    /// Whether it is sent the deletions of others.
    pub(crate) gets_deletions: bool,
}

/// Seals and opens cursors of one store.
pub(crate) struct Cursors {
    key: hmac::Key,
}

impl Cursors {
    /// Takes the store's secret for cursors.
    pub(crate) fn new(secret: &[u8]) -> Self {
        Self {
            key: hmac::Key::new(hmac::HMAC_SHA256, secret),
        }
    }

    /// A cursor for a position.
    pub(crate) fn seal(&self, bearer: Bearer<'_>, position: &SyncPosition) -> String {
        let mut bytes = vec![VERSION, bearer.gets_deletions.into()];
        bytes.extend(position.incarnation.to_be_bytes());
        bytes.extend(position.after.to_be_bytes());
        for known in [&position.since, &position.target] {
            bytes.extend(known.through.to_be_bytes());
            bytes.extend((known.without.len() as u64).to_be_bytes());
            bytes.extend(known.without.iter().flat_map(|one| one.to_be_bytes()));
        }
        let tag = hmac::sign(&self.key, &covered(&bytes, bearer));
        bytes.extend(tag.as_ref().iter().take(SEAL));
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Where a cursor stands; none if it was not given to this bearer by this store.
    pub(crate) fn open(&self, bearer: Bearer<'_>, cursor: &str) -> Option<SyncPosition> {
        let bytes = URL_SAFE_NO_PAD.decode(cursor).ok()?;
        let (body, seal) = bytes.split_at_checked(bytes.len().checked_sub(SEAL)?)?;
        let tag = hmac::sign(&self.key, &covered(body, bearer));
        // A cursor lets nobody see what is not theirs, so the time this comparison takes tells nothing.
        if seal != tag.as_ref().get(..SEAL)? {
            return None;
        }
        let ([VERSION, capability], numbers) = body.split_first_chunk()? else {
            return None;
        };
        if *capability != u8::from(bearer.gets_deletions) {
            return None;
        }
        // Sealed by us, so it has the form that we gave it.
        let mut numbers = numbers.chunks_exact(8).map(|bytes| {
            let mut number = [0; 8];
            number.copy_from_slice(bytes);
            u64::from_be_bytes(number)
        });
        let (incarnation, after) = (numbers.next()?, numbers.next()?);
        let mut known = || {
            let (through, count) = (numbers.next()?, numbers.next()?);
            let without = (0..count).map(|_| numbers.next()).collect::<Option<_>>()?;
            Some(Known { through, without })
        };
        Some(SyncPosition {
            incarnation,
            since: known()?,
            target: known()?,
            after,
        })
    }
}

/// A zero byte stands in neither name, so no two bearers share one text.
fn covered(body: &[u8], bearer: Bearer<'_>) -> Vec<u8> {
    let device = bearer.device.unwrap_or_default();
    [body, bearer.owner.as_bytes(), &[0], device.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PHONE: Bearer<'_> = Bearer {
        owner: "a",
        device: Some("phone"),
        gets_deletions: true,
    };

    #[test]
    fn a_cursor_opens_for_its_bearer_only_and_unchanged_only() {
        let cursors = Cursors::new(b"key");
        let position = SyncPosition {
            incarnation: u64::MAX,
            since: Known::all_through(7),
            target: Known {
                through: 8,
                without: vec![4, 6],
            },
            after: 9,
        };
        let cursor = cursors.seal(PHONE, &position);
        assert_eq!(cursors.open(PHONE, &cursor), Some(position.clone()));
        let others = [
            Bearer {
                owner: "b",
                ..PHONE
            },
            Bearer {
                device: Some("tablet"),
                ..PHONE
            },
            Bearer {
                device: None,
                ..PHONE
            },
            Bearer {
                gets_deletions: false,
                ..PHONE
            },
        ];
        for bearer in others {
            assert_eq!(cursors.open(bearer, &cursor), None, "{bearer:?}");
        }
        for damaged in [
            &cursor[..cursor.len() - 1],
            "",
            "x",
            "AAAA",
            "not base64!",
            &format!("{cursor}A"),
            &"A".repeat(100_000),
            &Cursors::new(b"other store").seal(PHONE, &position),
        ] {
            assert_eq!(cursors.open(PHONE, damaged), None);
        }
    }
}
