//! From a URL to a pool of connections.

use std::{sync::Arc, time::Duration};

use deadpool_postgres::{
    Hook, HookError, Manager, ManagerConfig, Object, Pool, RecyclingMethod, Runtime,
};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};
use tokio_postgres::{
    Config,
    config::{Host, SslMode, TargetSessionAttrs},
};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::{
    clock,
    failure::{Failure, Result},
};
use crate::Error;

/// Connections of a process, where the URL does not say.
const CONNECTIONS: usize = 20;
/// How long an operation waits for a connection when all are in use.
const WAIT: Duration = Duration::from_secs(5);
/// How long making a connection may take, for each address.
const CONNECT: Duration = Duration::from_secs(3);
/// After so long without a sign of life the other side is taken for dead.
const SILENCE: Duration = Duration::from_secs(10);

/// What every connection is told. A commit is flushed before it is answered, whatever the
/// database's default; more than that (a synchronous standby) is the operator's choice. Every
/// statement goes by an index, in its order: without statistics, as after an import, the planner
/// would rather collect a conversation as a whole and sort it.
// DUR-7
const SETTINGS: &str = "SET application_name = 'adieu-server'; SET jit = off;
    SET enable_bitmapscan = off;
    SET statement_timeout = '20s'; SET lock_timeout = '5s';
    SET idle_in_transaction_session_timeout = '20s';
    SELECT set_config('synchronous_commit', 'on', false)
    WHERE current_setting('synchronous_commit') IN ('off')";

/// How to reach the database.
#[derive(Clone)]
pub(super) struct Address {
    pub(super) config: Config,
    pub(super) tls: MakeRustlsConnect,
    connections: usize,
}

const ALLOWED: &str = "allowed: postgres://USER:PASSWORD@HOST[:PORT][,HOST...]/DATABASE\
    ?sslmode=verify-full|disable&sslrootcert=FILE&pool_size=1..1000, and what libpq takes beside";

fn wrong(why: impl std::fmt::Display) -> Error {
    // Not the URL itself: it holds a password.
    Error::Store(format!("the store's URL cannot be used: {why}; {ALLOWED}"))
}

impl Address {
    pub(super) fn parse(url: &str) -> crate::Result<Self> {
        let (place, query) = url.split_once('?').unwrap_or((url, ""));
        let (mut connections, mut ssl_mode, mut roots) = (CONNECTIONS, None, None);
        let mut kept = form_urlencoded::Serializer::new(String::new());
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match name.as_ref() {
                "sslmode" => ssl_mode = Some(value.into_owned()),
                "sslrootcert" => roots = Some(value.into_owned()),
                "pool_size" => {
                    connections = value
                        .parse()
                        .ok()
                        .filter(|size| (1..=1_000).contains(size))
                        .ok_or_else(|| wrong("pool_size is no number from 1 to 1000"))?;
                }
                _ => {
                    kept.append_pair(&name, &value);
                }
            }
        }
        let mut config: Config = format!("{place}?{}", kept.finish()).parse().map_err(
            |error: tokio_postgres::Error| match std::error::Error::source(&error) {
                Some(source) => wrong(source),
                None => wrong(error),
            },
        )?;
        if config.get_hosts().is_empty() || config.get_dbname().is_none() {
            return Err(wrong("it names no host or no database"));
        }
        let encrypted = match ssl_mode.as_deref() {
            Some("verify-full" | "require") => true,
            Some("disable") => false,
            Some(other) => return Err(wrong(format_args!("sslmode is {other:?}"))),
            None => !config.get_hosts().iter().all(is_local),
        };
        config
            .ssl_mode(if encrypted {
                SslMode::Require
            } else {
                SslMode::Disable
            })
            .target_session_attrs(TargetSessionAttrs::ReadWrite)
            .connect_timeout(CONNECT)
            .keepalives_idle(SILENCE)
            .tcp_user_timeout(SILENCE);
        let roots = if encrypted {
            trusted(roots.as_deref())?
        } else {
            RootCertStore::empty()
        };
        let tls =
            ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
                .with_safe_default_protocol_versions()
                .map_err(wrong)?
                .with_root_certificates(roots)
                .with_no_client_auth();
        Ok(Self {
            config,
            tls: MakeRustlsConnect::new(tls),
            connections,
        })
    }
}

/// What stays on this machine needs no encryption.
fn is_local(host: &Host) -> bool {
    match host {
        Host::Tcp(name) => {
            name == "localhost"
                || name
                    .parse::<std::net::IpAddr>()
                    .is_ok_and(|address| address.is_loopback())
        }
        #[cfg(unix)]
        Host::Unix(_) => true,
    }
}

fn trusted(file: Option<&str>) -> crate::Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    if let Some(file) = file {
        let certificates = CertificateDer::pem_file_iter(file)
            .and_then(Iterator::collect::<std::result::Result<Vec<_>, _>>)
            .map_err(|error| wrong(format_args!("sslrootcert {file}: {error}")))?;
        roots.add_parsable_certificates(certificates);
    } else {
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    }
    if roots.is_empty() {
        return Err(wrong(
            "no certificate authority is trusted; name one with sslrootcert=FILE",
        ));
    }
    Ok(roots)
}

/// The pool. Nothing is connected yet.
pub(super) fn pool(address: &Address) -> crate::Result<Pool> {
    let manager = Manager::from_config(
        address.config.clone(),
        address.tls.clone(),
        ManagerConfig {
            recycling_method: RecyclingMethod::Fast,
        },
    );
    Pool::builder(manager)
        .max_size(address.connections)
        .wait_timeout(Some(WAIT))
        .create_timeout(Some(CONNECT * 4))
        .recycle_timeout(Some(CONNECT))
        .runtime(Runtime::Tokio1)
        .post_create(Hook::async_fn(|client, _| {
            Box::pin(async move {
                prepare(client)
                    .await
                    .map_err(|failure| HookError::message(Error::from(failure).to_string()))
            })
        }))
        .build()
        .map_err(|error| Error::Store(error.to_string()))
}

async fn prepare(client: &tokio_postgres::Client) -> Result<()> {
    client.batch_execute(SETTINGS).await?;
    clock::enter(client).await
}

/// A connection of its own, with whatever it is told; the future drives it.
pub(super) async fn alone(
    address: &Address,
) -> Result<(
    tokio_postgres::Client,
    tokio_postgres::Connection<
        tokio_postgres::Socket,
        <MakeRustlsConnect as tokio_postgres::tls::MakeTlsConnect<tokio_postgres::Socket>>::Stream,
    >,
)> {
    tokio::time::timeout(CONNECT * 4, address.config.connect(address.tls.clone()))
        .await
        .map_err(|_| Failure::NoConnection("no answer in time".to_owned()))?
        .map_err(Failure::Database)
}

/// A connection of the pool.
pub(super) async fn take(pool: &Pool) -> Result<Object> {
    Ok(pool.get().await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls() {
        for (url, mode, connections) in [
            ("postgres://a:b@localhost/c", SslMode::Disable, CONNECTIONS),
            (
                "postgres://a@127.0.0.1:5,[::1]/c?pool_size=7",
                SslMode::Disable,
                7,
            ),
            ("postgres://a@%2Frun%2Fpg/c", SslMode::Disable, CONNECTIONS),
            (
                "postgresql://a@localhost/c?sslmode=verify-full",
                SslMode::Require,
                CONNECTIONS,
            ),
            (
                "postgres://a@db.example/c?sslmode=disable",
                SslMode::Disable,
                CONNECTIONS,
            ),
        ] {
            let address = Address::parse(url).unwrap_or_else(|error| panic!("{url}: {error}"));
            assert_eq!(address.config.get_ssl_mode(), mode, "{url}");
            assert_eq!(address.connections, connections, "{url}");
        }
        for url in [
            "postgres://user:secret@host/db?sslmode=prefer",
            "postgres://user:secret@host/db?pool_size=0",
            "postgres://user:secret@host/db?nonsense=1",
            "postgres://user:secret@host",
            "postgres://user:secret@host/db?sslmode=require&sslrootcert=/nowhere",
        ] {
            let error = Address::parse(url).err().unwrap().to_string();
            assert!(error.contains("allowed: postgres://"), "{error}");
            assert!(!error.contains("secret"), "{error}");
        }
    }
}
