//! Who is signed in to the console; kept in memory, so a restart signs everybody out.

use std::collections::HashMap;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use parking_lot::Mutex;
use ring::{
    digest, hmac,
    rand::{SecureRandom, SystemRandom},
};

use crate::{Error, Result};

/// How long a session lives, in seconds.
const LIFE: u64 = 12 * 60 * 60;
/// Most sessions; the oldest has to go.
const MOST: usize = 64;

/// A session.
#[derive(Clone, Debug)]
pub struct Session {
    /// What a change has to show beside the cookie.
    pub csrf: String,
    begun: u64,
}

/// The sessions, by the digest of their token: this memory signs nobody in.
#[derive(Default)]
pub struct Sessions(Mutex<HashMap<Vec<u8>, Session>>);

impl Session {
    /// Whether this is its token against requests of other sites.
    pub(super) fn is_shown_by(&self, shown: &[u8]) -> bool {
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.csrf.as_bytes());
        let tag = hmac::sign(&key, shown);
        hmac::verify(&key, self.csrf.as_bytes(), tag.as_ref()).is_ok()
    }
}

impl Sessions {
    /// Begins one. Returns its token, for the cookie.
    ///
    /// # Errors
    /// A system without random bytes.
    pub(super) fn begin(&self, now: u64) -> Result<(String, Session)> {
        let (token, csrf) = (random()?, random()?);
        let session = Session { csrf, begun: now };
        let mut sessions = self.0.lock();
        sessions.retain(|_, one| now < one.begun + LIFE);
        while sessions.len() >= MOST {
            let oldest = sessions.iter().min_by_key(|(_, one)| one.begun);
            let Some(oldest) = oldest.map(|(key, _)| key.clone()) else {
                break;
            };
            sessions.remove(&oldest);
        }
        sessions.insert(key(&token), session.clone());
        Ok((token, session))
    }

    /// The session of a token.
    pub(super) fn find(&self, token: &str, now: u64) -> Option<Session> {
        let found = self.0.lock().get(&key(token)).cloned();
        found.filter(|session| now < session.begun + LIFE)
    }

    /// Ends one.
    pub(super) fn end(&self, token: &str) {
        self.0.lock().remove(&key(token));
    }
}

fn random() -> Result<String> {
    let mut bytes = [0_u8; 32];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| Error::Storage("the system gives no random bytes".to_owned()))?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

fn key(token: &str) -> Vec<u8> {
    digest::digest(&digest::SHA256, token.as_bytes())
        .as_ref()
        .to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_ends_by_itself_and_the_oldest_makes_room() {
        let sessions = Sessions::default();
        let (first, session) = sessions.begin(1_000).unwrap();
        assert!(sessions.find(&first, 1_000 + LIFE - 1).is_some());
        assert!(sessions.find(&first, 1_000 + LIFE).is_none());
        assert!(session.is_shown_by(session.csrf.as_bytes()));
        assert!(!session.is_shown_by(b""));
        let (second, _) = sessions.begin(1_001).unwrap();
        for at in 0..MOST as u64 - 1 {
            sessions.begin(2_000 + at).unwrap();
        }
        assert!(sessions.find(&first, 3_000).is_none());
        assert!(sessions.find(&second, 3_000).is_some());
        sessions.end(&second);
        assert!(sessions.find(&second, 3_000).is_none());
    }
}
