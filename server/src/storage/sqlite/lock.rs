//! One process at a time: the lock beside the store.

use std::{
    fs::{File, TryLockError},
    io,
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
        let file = private_file(name.as_ref()).map_err(Error::io(format!(
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

/// Opens a file, or makes one that its owner alone may read, where the platform has such a thing.
pub(super) fn private_file(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.create(true).truncate(false).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}
