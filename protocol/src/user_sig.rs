//! UserSig, the credential of the published API, in its second version (HMAC-SHA256).

use std::io::{Read, Write};

use base64::{
    Engine,
    alphabet::STANDARD as ALPHABET,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use flate2::{Compression, read::ZlibDecoder, write::ZlibEncoder};
use ring::hmac;
use serde::{Deserialize, Serialize};

use crate::error_code;

/// Longest credential that is looked at, in bytes.
pub const MAX_LEN: usize = 8 * 1024;
/// Most bytes that a credential may inflate to: a few hundred bytes can be told to become
/// gigabytes.
pub const MAX_INFLATED: usize = 16 * 1024;

// Published generators differ in whether they pad.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &ALPHABET,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Why a credential is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Nothing was given.
    #[error("usersig is empty")]
    Empty,
    /// Base64, compression or JSON is broken, or the whole is too large.
    #[error("usersig cannot be decoded")]
    Unreadable,
    /// Made for another app.
    #[error("usersig was made for another sdkappid")]
    App,
    /// Made for another identifier.
    #[error("usersig was made for another identifier")]
    Identifier,
    /// Made with another key, or changed afterwards.
    #[error("usersig was made with another key or has been changed")]
    Key,
    /// Its time is over.
    #[error("usersig has expired")]
    Expired,
}

impl Refused {
    /// The vendor's number.
    #[must_use]
    pub fn code(self) -> i32 {
        match self {
            Self::Empty => error_code::USER_SIG_EMPTY,
            Self::Unreadable => error_code::USER_SIG_UNREADABLE,
            Self::App => error_code::USER_SIG_APP_MISMATCH,
            Self::Identifier => error_code::USER_SIG_IDENTIFIER_MISMATCH,
            Self::Key => error_code::USER_SIG_KEY_MISMATCH,
            Self::Expired => error_code::USER_SIG_EXPIRED,
        }
    }
}

/// The key of an app. The secret's text is the key: hexadecimal digits are not decoded.
pub struct Signer {
    app_id: u64,
    key: hmac::Key,
}

/// What a credential says. Generators write the fields in different orders.
#[derive(Serialize, Deserialize)]
struct Claims {
    #[serde(rename = "TLS.ver")]
    version: String,
    #[serde(rename = "TLS.identifier")]
    identifier: String,
    #[serde(rename = "TLS.sdkappid")]
    app_id: u64,
    #[serde(rename = "TLS.expire")]
    expire: u64,
    #[serde(rename = "TLS.time")]
    time: u64,
    #[serde(
        rename = "TLS.userbuf",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    user_buf: Option<String>,
    #[serde(rename = "TLS.sig")]
    sig: String,
}

impl Claims {
    /// What the signature covers.
    fn content(&self) -> String {
        let Self {
            identifier,
            app_id,
            time,
            expire,
            ..
        } = self;
        let mut content = format!(
            "TLS.identifier:{identifier}\nTLS.sdkappid:{app_id}\nTLS.time:{time}\nTLS.expire:{expire}\n"
        );
        if let Some(buf) = &self.user_buf {
            content.push_str("TLS.userbuf:");
            content.push_str(buf);
            content.push('\n');
        }
        content
    }
}

impl Signer {
    /// Takes the app's number and secret.
    #[must_use]
    pub fn new(app_id: u64, secret: &[u8]) -> Self {
        Self {
            app_id,
            key: hmac::Key::new(hmac::HMAC_SHA256, secret),
        }
    }

    /// Which app.
    #[must_use]
    pub fn app_id(&self) -> u64 {
        self.app_id
    }

    /// Makes a credential that holds from `time` (Unix seconds) for `expire` seconds.
    #[must_use]
    pub fn sign(&self, identifier: &str, time: u64, expire: u64) -> String {
        let mut claims = Claims {
            version: "2.0".to_owned(),
            identifier: identifier.to_owned(),
            app_id: self.app_id,
            expire,
            time,
            user_buf: None,
            sig: String::new(),
        };
        claims.sig = BASE64.encode(hmac::sign(&self.key, claims.content().as_bytes()));
        // Neither step can fail: plain fields, and a compressor that writes into memory.
        let json = serde_json::to_vec(&claims).unwrap_or_default();
        let mut zlib = ZlibEncoder::new(Vec::new(), Compression::default());
        let packed = zlib
            .write_all(&json)
            .and_then(|()| zlib.finish())
            .unwrap_or_default();
        BASE64
            .encode(packed)
            .replace('+', "*")
            .replace('/', "-")
            .replace('=', "_")
    }

    /// Checks a credential against the identifier that came with it, at `now` (Unix seconds).
    ///
    /// What it says is recomputed, never compared as text: two generators write the same
    /// credential differently.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn verify(&self, user_sig: &str, identifier: &str, now: u64) -> Result<(), Refused> {
        let claims = decode(user_sig)?;
        if claims.app_id != self.app_id {
            return Err(Refused::App);
        }
        if claims.identifier != identifier {
            return Err(Refused::Identifier);
        }
        let sig = BASE64
            .decode(&claims.sig)
            .map_err(|_| Refused::Unreadable)?;
        // Compares in constant time.
        hmac::verify(&self.key, claims.content().as_bytes(), &sig).map_err(|_| Refused::Key)?;
        if now > claims.time.saturating_add(claims.expire) {
            return Err(Refused::Expired);
        }
        Ok(())
    }
}

fn decode(user_sig: &str) -> Result<Claims, Refused> {
    if user_sig.is_empty() {
        return Err(Refused::Empty);
    }
    if user_sig.len() > MAX_LEN {
        return Err(Refused::Unreadable);
    }
    let base64 = user_sig
        .replace('*', "+")
        .replace('-', "/")
        .replace('_', "=");
    let packed = BASE64.decode(base64).map_err(|_| Refused::Unreadable)?;
    let mut json = Vec::new();
    let limit = MAX_INFLATED as u64 + 1;
    ZlibDecoder::new(packed.as_slice())
        .take(limit)
        .read_to_end(&mut json)
        .map_err(|_| Refused::Unreadable)?;
    if json.len() > MAX_INFLATED {
        return Err(Refused::Unreadable);
    }
    serde_json::from_slice(&json).map_err(|_| Refused::Unreadable)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &[u8] = b"5bd2850fff3ecb11d7c805251c51ee463a25727bddc2385f3fa8bfee1bb93b5e";
    const APP: u64 = 1_400_000_000;
    const EXPIRE: u64 = 15_552_000;

    fn pack(json: &[u8], level: Compression) -> String {
        let mut zlib = ZlibEncoder::new(Vec::new(), level);
        zlib.write_all(json).unwrap();
        BASE64
            .encode(zlib.finish().unwrap())
            .replace('+', "*")
            .replace('/', "-")
            .replace('=', "_")
    }

    #[test]
    fn the_published_vectors() {
        let signer = Signer::new(APP, KEY);
        for (time, sig) in [
            (
                1_700_000_000,
                "LvA7d/Iw7gSsnskvVzBDPOCCDbuNCw4GHwTC0bip+B4=",
            ),
            (
                1_600_000_000,
                "1Z5PngDjGaufeSiPoBuxdHY7EK3JTdAjMP93S4KvV3M=",
            ),
        ] {
            assert_eq!(
                decode(&signer.sign("xiaojun", time, EXPIRE)).unwrap().sig,
                sig
            );
        }
        let published = "eJyrVgrxCdYrSy1SslJQMtIzUNJRAItkpqTmlWSmZUIkKjIT87NK82CSxSnZiQUFmSlAKUMTAyiAyqVWFGQWpYJkTE1NjRDiJZm5YFFzNPXFmekgG3zKHM1T9D3LzdODi-OKs8vCqpxcAvydnV2SSv2cy03cPcpDnA2SMgu0nUxslWoBHdYzUg__";
        assert_eq!(signer.verify(published, "xiaojun", 1_700_000_000), Ok(()));
        assert_eq!(
            decode(published).unwrap().sig,
            "LvA7d/Iw7gSsnskvVzBDPOCCDbuNCw4GHwTC0bip+B4="
        );
        // Two letters exchanged: the checksum of the compression notices.
        let mistyped = published.replace("cPcp", "cPpc");
        assert_eq!(
            signer.verify(&mistyped, "xiaojun", 1_700_000_000),
            Err(Refused::Unreadable)
        );
    }

    #[test]
    fn order_spaces_and_compression_do_not_matter() {
        let json = br#"{ "TLS.sig": "LvA7d/Iw7gSsnskvVzBDPOCCDbuNCw4GHwTC0bip+B4=", "TLS.time": 1700000000,
            "TLS.expire": 15552000, "TLS.sdkappid": 1400000000, "TLS.identifier": "xiaojun", "TLS.ver": "2.0" }"#;
        for level in [
            Compression::none(),
            Compression::fast(),
            Compression::best(),
        ] {
            let sig = pack(json, level);
            assert_eq!(
                Signer::new(APP, KEY).verify(&sig, "xiaojun", 1_700_000_000),
                Ok(())
            );
            assert_eq!(
                Signer::new(APP, KEY).verify(sig.trim_end_matches('_'), "xiaojun", 1_700_000_000),
                Ok(())
            );
        }
    }

    #[test]
    fn a_user_buf_is_covered() {
        let signer = Signer::new(APP, KEY);
        let mut claims = decode(&signer.sign("a", 1, 1)).unwrap();
        claims.user_buf = Some("YWJj".to_owned());
        let unsigned = pack(
            &serde_json::to_vec(&claims).unwrap(),
            Compression::default(),
        );
        assert_eq!(signer.verify(&unsigned, "a", 1), Err(Refused::Key));
        claims.sig = BASE64.encode(hmac::sign(&signer.key, claims.content().as_bytes()));
        let signed = pack(
            &serde_json::to_vec(&claims).unwrap(),
            Compression::default(),
        );
        assert_eq!(signer.verify(&signed, "a", 1), Ok(()));
    }

    #[test]
    fn each_refusal_has_its_number() {
        let signer = Signer::new(APP, KEY);
        let good = signer.sign("a", 1_000, 60);
        let verify =
            |sig: &str, identifier, now| signer.verify(sig, identifier, now).map_err(Refused::code);
        assert_eq!(verify(&good, "a", 1_060), Ok(()));
        assert_eq!(verify(&good, "a", 1_061), Err(70001));
        assert_eq!(verify("", "a", 1_000), Err(70002));
        assert_eq!(verify("!", "a", 1_000), Err(70003));
        assert_eq!(verify(&"A".repeat(MAX_LEN + 1), "a", 1_000), Err(70003));
        assert_eq!(
            verify(&pack(b"[]", Compression::fast()), "a", 1_000),
            Err(70003)
        );
        assert_eq!(verify(&good[..good.len() / 2], "a", 1_000), Err(70003));
        assert_eq!(verify(&good, "b", 1_000), Err(70013));
        assert_eq!(
            verify(&Signer::new(APP + 1, KEY).sign("a", 1_000, 60), "a", 1_000),
            Err(70014)
        );
        assert_eq!(
            verify(&Signer::new(APP, b"other").sign("a", 1_000, 60), "a", 1_000),
            Err(70009)
        );
        // An expired credential of another key is a wrong one first.
        assert_eq!(
            verify(&Signer::new(APP, b"other").sign("a", 0, 0), "a", 1_000),
            Err(70009)
        );
        let mut longer = decode(&good).unwrap();
        longer.expire = 1_000_000;
        let tampered = pack(
            &serde_json::to_vec(&longer).unwrap(),
            Compression::default(),
        );
        assert_eq!(verify(&tampered, "a", 1_000), Err(70009));
        assert_eq!(
            verify(&signer.sign("a", u64::MAX, 1), "a", 1_000),
            Ok(()),
            "no overflow"
        );
    }

    #[test]
    fn every_changed_byte_is_noticed() {
        let signer = Signer::new(APP, KEY);
        let good = signer.sign("a", 1_000, 60);
        let claims = decode(&good).unwrap();
        let json = serde_json::to_vec(&claims).unwrap();
        for at in 0..json.len() {
            let mut changed = json.clone();
            changed[at] ^= 1;
            let Ok(parsed) = serde_json::from_slice::<Claims>(&changed) else {
                continue;
            };
            // The version and the signature's unused last bits are not covered by the signature.
            if parsed.version != claims.version
                || BASE64.decode(&parsed.sig) == BASE64.decode(&claims.sig)
                    && parsed.content() == claims.content()
            {
                continue;
            }
            assert!(
                signer
                    .verify(&pack(&changed, Compression::fast()), "a", 1_000)
                    .is_err(),
                "byte {at}"
            );
        }
    }

    #[test]
    fn a_bomb_is_not_inflated() {
        let bomb = pack(&vec![b' '; 4 << 20], Compression::best());
        assert!(
            bomb.len() < MAX_LEN,
            "the bomb has to pass the length check: {}",
            bomb.len()
        );
        assert_eq!(
            Signer::new(APP, KEY).verify(&bomb, "a", 0),
            Err(Refused::Unreadable)
        );
    }
}
