//! The tables, and the way from older formats to this one: forward only, each step in one
//! transaction, under a lock that one process has at a time.

use ring::rand::{SecureRandom, SystemRandom};
use tokio_postgres::Client;

use super::{FORMAT, failure::Result};
use crate::Error;

/// Of the lock ("adieu", and a number).
const LOCK: i64 = 0x6164_6965_7502;

/// Makes the tables, or brings them to this format. A process that dies in the middle has changed
/// nothing.
pub(super) async fn bring_up(client: &Client) -> Result<()> {
    let encoding: String = client
        .query_one("SHOW server_encoding", &[])
        .await?
        .try_get(0)?;
    if encoding != "UTF8" {
        return Err(Error::Store(format!(
            "the database is encoded in {encoding}; allowed: UTF8 (CREATE DATABASE ... ENCODING 'UTF8' TEMPLATE template0)"
        ))
        .into());
    }
    // Waits as long as another process takes.
    client
        .batch_execute("SET statement_timeout = 0; SET lock_timeout = 0; BEGIN")
        .await?;
    client
        .execute("SELECT pg_advisory_xact_lock($1)", &[&LOCK])
        .await?;
    let there: bool = client
        .query_one("SELECT to_regclass('settings') IS NOT NULL", &[])
        .await?
        .try_get(0)?;
    if there {
        check(client).await?;
    } else {
        make(client).await?;
    }
    client.batch_execute("COMMIT").await?;
    Ok(())
}

async fn make(client: &Client) -> Result<()> {
    client.batch_execute(include_str!("schema.sql")).await?;
    let mut secret = [0_u8; 32];
    SystemRandom::new()
        .fill(&mut secret)
        .map_err(|_| Error::Storage("the system gives no random bytes".to_owned()))?;
    client
        .execute(
            "INSERT INTO settings (format, usable_from, secret) VALUES ($1, $1, $2)",
            &[&FORMAT, &secret.as_slice()],
        )
        .await?;
    tracing::info!(format = FORMAT, "the database's tables were made");
    Ok(())
}

async fn check(client: &Client) -> Result<()> {
    let ours = client
        .query_opt(
            "SELECT 1 FROM pg_attribute
             WHERE attrelid = 'settings'::regclass AND attname = 'usable_from'",
            &[],
        )
        .await?;
    if ours.is_none() {
        return Err(Error::Store(
            "the database holds the tables of another program; give adieu-server one of its own"
                .to_owned(),
        )
        .into());
    }
    let row = client
        .query_one("SELECT format, usable_from FROM settings", &[])
        .await?;
    let (format, usable_from): (i32, i32) = (row.try_get(0)?, row.try_get(1)?);
    if usable_from > FORMAT {
        return Err(Error::Store(format!(
            "the database was written by a newer adieu-server (format {format}, usable from {usable_from} on; this one knows {FORMAT})"
        ))
        .into());
    }
    // There is one format so far; a step from each to the next goes here.
    Ok(())
}
