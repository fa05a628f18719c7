//! A few connections that read, beside the one that writes.

use std::{path::Path, sync::Arc};

use parking_lot::Mutex;
use rusqlite::Connection;
use tokio::sync::Semaphore;

use super::schema;
use crate::{Error, Result};

/// More would only wait for the processor.
const CONNECTIONS: usize = 4;

/// The pool.
pub(super) struct Readers {
    free: Arc<Mutex<Vec<Connection>>>,
    permits: Arc<Semaphore>,
}

impl Readers {
    pub(super) fn open(path: &Path) -> Result<Self> {
        let connections = (0..CONNECTIONS)
            .map(|_| schema::open_reader(path))
            .collect::<Result<Vec<_>>>()?;
        Ok(Self {
            free: Arc::new(Mutex::new(connections)),
            permits: Arc::new(Semaphore::new(CONNECTIONS)),
        })
    }

    /// Runs a query on a snapshot: all that it reads is of one moment.
    pub(super) async fn run<T, F>(&self, query: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T> + Send + 'static,
    {
        let permit = Arc::clone(&self.permits)
            .acquire_owned()
            .await
            .map_err(|_| Error::Stopping)?;
        let free = Arc::clone(&self.free);
        tokio::task::spawn_blocking(move || {
            let connection = free.lock().pop().ok_or(Error::Stopping)?;
            let result = snapshot(&connection, query);
            free.lock().push(connection);
            drop(permit);
            result
        })
        .await
        .map_err(|error| Error::Storage(error.to_string()))?
    }

    /// Refuses further queries and closes the connections.
    pub(super) fn close(&self) {
        self.permits.close();
        self.free.lock().clear();
    }
}

fn snapshot<T>(connection: &Connection, query: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
    connection.prepare_cached("BEGIN")?.execute([])?;
    let result = query(connection);
    connection.prepare_cached("COMMIT")?.execute([])?;
    result
}
