//! Cursors: opaque to clients, and of no use to anyone but the account they were given to.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::hmac;

use crate::{Error, Result};

const VERSION: u8 = 1;
const BODY: usize = 9;
const SEAL: usize = 16;

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

    /// A cursor behind `after`, for this owner.
    pub(crate) fn seal(&self, owner: &str, after: u64) -> String {
        let mut bytes = vec![VERSION];
        bytes.extend(after.to_be_bytes());
        let tag = hmac::sign(&self.key, &covered(&bytes, owner));
        bytes.extend(tag.as_ref().iter().take(SEAL));
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Where a cursor stands; an empty one stands at the beginning.
    pub(crate) fn open(&self, owner: &str, cursor: &str) -> Result<u64> {
        if cursor.is_empty() {
            return Ok(0);
        }
        let refused = || {
            Error::BadParameter(
                "Cursor is not one that this server gave to this account; an empty one begins anew"
                    .to_owned(),
            )
        };
        let bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| refused())?;
        let (body, seal) = bytes.split_at_checked(BODY).ok_or_else(refused)?;
        let tag = hmac::sign(&self.key, &covered(body, owner));
        let expected = tag.as_ref().get(..SEAL).ok_or_else(refused)?;
        // A cursor lets nobody see what is not theirs, so the time this comparison takes tells nothing.
        if body.first() != Some(&VERSION) || seal != expected {
            return Err(refused());
        }
        let after = body
            .get(1..)
            .and_then(|bytes| bytes.try_into().ok())
            .ok_or_else(refused)?;
        Ok(u64::from_be_bytes(after))
    }
}

fn covered(body: &[u8], owner: &str) -> Vec<u8> {
    [body, owner.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_opens_for_its_owner_only_and_unchanged_only() {
        let cursors = Cursors::new(b"key");
        let cursor = cursors.seal("a", 77);
        assert_eq!(cursors.open("a", &cursor).unwrap(), 77);
        assert_eq!(cursors.open("a", "").unwrap(), 0);
        for (owner, cursor) in [
            ("b", cursor.as_str()),
            ("a", &cursor[..cursor.len() - 1]),
            ("a", "x"),
            ("a", "AAAA"),
            ("a", &format!("{cursor}A")),
            ("a", &Cursors::new(b"other store").seal("a", 77)),
        ] {
            let error = cursors.open(owner, cursor).unwrap_err();
            assert_eq!(
                error.code(crate::command::Service::Contact),
                50002,
                "{owner} {cursor}"
            );
        }
    }
}
