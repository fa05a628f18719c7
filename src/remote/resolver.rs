//! Resolving names on the thread that asks, which the library counts and joins. ureq's own
//! resolver starts a thread that can outlive the client.

use std::net::ToSocketAddrs;

use ureq::Error;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;

/// The system's resolver, called in place.
#[derive(Debug)]
pub struct OnThisThread;

impl Resolver for OnThisThread {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        _: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, Error> {
        let (Some(scheme), Some(authority)) = (uri.scheme(), uri.authority()) else {
            return Err(Error::HostNotFound);
        };
        let host = DefaultResolver::host_and_port(scheme, authority).ok_or(Error::HostNotFound)?;
        let addresses = host.to_socket_addrs().map_err(|_| Error::HostNotFound)?;
        let mut resolved = self.empty();
        for address in config.ip_family().keep_wanted(addresses).take(16) {
            resolved.push(address);
        }
        if resolved.is_empty() {
            Err(Error::HostNotFound)
        } else {
            Ok(resolved)
        }
    }
}
