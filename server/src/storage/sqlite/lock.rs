//! One process at a time: the lock beside the store.

use std::{
    fs::{File, TryLockError},
    path::Path,
};

use crate::{Error, Result};

/// Held as long as the store is open. The system lets go of it when the process ends, however it
/// ends.
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    pub(super) fn take(store: &Path) -> Result<Self> {
        let mut name = store.as_os_str().to_owned();
        name.push("-lock");
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&name)
            .map_err(Error::io(format!(
                "cannot open the lock of the store {}",
                store.display()
            )))?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(Error::Store(format!(
                "the store {} is in use by another process; stop that first",
                store.display()
            ))),
            Err(TryLockError::Error(error)) => Err(Error::io(format!(
                "cannot lock the store {}",
                store.display()
            ))(error)),
        }
    }
}
