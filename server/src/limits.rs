//! How often one address and one account may ask.

use std::{
    hash::Hash,
    net::{IpAddr, Ipv6Addr},
    num::NonZeroU32,
    sync::atomic::{AtomicU32, Ordering},
};

use governor::{Quota, RateLimiter, clock::DefaultClock, state::keyed::DefaultKeyedStateStore};

use crate::{Error, Result};

/// After so many requests, those whose time has passed are forgotten.
const SWEEP: u32 = 4_096;

/// The limits of this process; each may be absent.
#[derive(Default)]
pub struct Limits {
    address: Option<Limit<IpAddr>>,
    account: Option<Limit<String>>,
}

struct Limit<K: Clone + Eq + Hash> {
    of: &'static str,
    most: NonZeroU32,
    seen: RateLimiter<K, DefaultKeyedStateStore<K>, DefaultClock>,
    asked: AtomicU32,
}

impl<K: Clone + Eq + Hash> Limit<K> {
    fn new(of: &'static str, most: NonZeroU32) -> Self {
        Self {
            of,
            most,
            seen: RateLimiter::keyed(Quota::per_second(most)),
            asked: AtomicU32::new(0),
        }
    }

    fn check(&self, key: &K) -> Result<()> {
        if self.asked.fetch_add(1, Ordering::Relaxed) % SWEEP == SWEEP - 1 {
            self.seen.retain_recent();
        }
        self.seen.check_key(key).map_err(|_| Error::TooFrequent {
            of: self.of,
            most: self.most.get(),
        })
    }
}

impl Limits {
    /// Requests a second, with as many at once.
    #[must_use]
    pub fn new(address: Option<NonZeroU32>, account: Option<NonZeroU32>) -> Self {
        Self {
            address: address.map(|most| Limit::new("address", most)),
            account: account.map(|most| Limit::new("account", most)),
        }
    }

    /// Counts a request of an address.
    ///
    /// # Errors
    /// [`Error::TooFrequent`].
    pub fn address(&self, address: Option<IpAddr>) -> Result<()> {
        match (&self.address, address) {
            (Some(limit), Some(address)) => limit.check(&network(address)),
            _ => Ok(()),
        }
    }

    /// Counts a request of an account that has signed in.
    ///
    /// # Errors
    /// [`Error::TooFrequent`].
    pub fn account(&self, name: &str) -> Result<()> {
        match &self.account {
            Some(limit) => limit.check(&name.to_owned()),
            None => Ok(()),
        }
    }
}

/// Whoever has one address of version 6 has its whole network of 64 bits.
pub(crate) fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let network = address.to_bits() & (u128::MAX << 64);
            IpAddr::V6(Ipv6Addr::from_bits(network))
        }
        address @ IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_key_has_its_own_count_and_none_without_a_limit() {
        let limits = Limits::new(NonZeroU32::new(2), NonZeroU32::new(1));
        let address = |text: &str| limits.address(Some(text.parse().unwrap()));
        assert!(address("10.0.0.1").is_ok() && address("10.0.0.1").is_ok());
        let refused = address("10.0.0.1").unwrap_err();
        assert_eq!(refused.code(crate::command::Service::Contact), 60007);
        assert!(refused.to_string().contains("at most 2"), "{refused}");
        assert!(address("::ffff:10.0.0.1").is_err(), "the same in version 6");
        assert!(address("10.0.0.2").is_ok());
        assert!(address("2001:db8::1").is_ok() && address("2001:db8::2").is_ok());
        assert!(address("2001:db8::3").is_err(), "one network");
        assert!(limits.account("a").is_ok() && limits.account("b").is_ok());
        assert!(limits.account("a").is_err());
        let none = Limits::default();
        for _ in 0..10_000 {
            assert!(none.account("a").is_ok() && none.address(None).is_ok());
        }
    }
}
