//! Who is let into the console: the password of the operator, or a UserSig of the administrator.

use std::{
    net::{IpAddr, Ipv6Addr},
    num::NonZeroU32,
    path::Path,
};

use governor::{
    Quota, RateLimiter,
    clock::{Clock, DefaultClock},
    state::keyed::HashMapStateStore,
};
use ring::{hmac, rand::SystemRandom};

use crate::{Error, Result, app::App, limits::network};

/// Shortest password, in bytes. It is compared, not stretched: it has to be too long to guess.
const SHORTEST: usize = 16;
/// Attempts that one address has at once, and in each minute.
const ATTEMPTS: NonZeroU32 = NonZeroU32::new(10).unwrap();

/// Checks whoever wants to come in.
pub struct Door {
    password: Option<(hmac::Key, hmac::Tag)>,
    attempts: RateLimiter<IpAddr, HashMapStateStore<IpAddr>, DefaultClock>,
}

impl Door {
    /// Reads the operator's password; without a file, only a UserSig opens.
    ///
    /// # Errors
    /// An unreadable password, or one that is too short.
    pub fn new(file: Option<&Path>) -> Result<Self> {
        Ok(Self {
            password: file.map(password).transpose()?,
            attempts: RateLimiter::hashmap(Quota::per_minute(ATTEMPTS)),
        })
    }

    /// Counts an attempt. Where there were too many, says how many seconds to wait.
    pub(super) fn knock(&self, peer: Option<IpAddr>) -> std::result::Result<(), u64> {
        let peer = peer.map_or(IpAddr::V6(Ipv6Addr::UNSPECIFIED), network);
        // Forgets addresses whose time has passed.
        self.attempts.retain_recent();
        self.attempts.check_key(&peer).map_err(|not_yet| {
            let wait = not_yet.wait_time_from(DefaultClock::default().now());
            wait.as_secs() + 1
        })
    }

    /// Whether this opens. The comparison takes as long for every wrong password.
    pub(super) fn opens(&self, app: &App, given: &str, now: u64) -> bool {
        let given = given.trim();
        let password = self
            .password
            .as_ref()
            .is_some_and(|(key, tag)| hmac::verify(key, given.as_bytes(), tag.as_ref()).is_ok());
        password || app.signer.verify(given, &app.admin, now).is_ok()
    }
}

/// Kept as a code under a key of this process only.
fn password(file: &Path) -> Result<(hmac::Key, hmac::Tag)> {
    let text = std::fs::read(file).map_err(Error::io(format!(
        "cannot read the console's password file {}",
        file.display()
    )))?;
    // Editors end files with a line break, which is no part of the password.
    let text = text.trim_ascii();
    if text.len() < SHORTEST {
        return Err(Error::Store(format!(
            "the password in {} has fewer than {SHORTEST} bytes; take a random one",
            file.display()
        )));
    }
    let key = hmac::Key::generate(hmac::HMAC_SHA256, &SystemRandom::new())
        .map_err(|_| Error::Storage("the system gives no random bytes".to_owned()))?;
    let tag = hmac::sign(&key, text);
    Ok((key, tag))
}
