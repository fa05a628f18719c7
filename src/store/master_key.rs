//! The key that wraps all others.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;

use zeroize::Zeroizing;

use super::disk;
use super::random::Random;
use super::seal::{KEY_LEN, RawKey};
use crate::error::{Error, Result};

/// The host's master key; where it gave none, the one kept in the folder, made for a new store.
/// A kept key protects against nobody who can read the folder: it is a place holder for hosts
/// without a keystore.
pub fn given_or_kept(given: Option<RawKey>, folder: &Path, store_exists: bool) -> Result<RawKey> {
    if let Some(given) = given {
        return Ok(given);
    }
    let path = folder.join("master.key");
    if path.try_exists()? {
        let kept = Zeroizing::new(std::fs::read(&path)?);
        let kept: [u8; KEY_LEN] = kept.as_slice().try_into().map_err(|_| {
            Error::StoreDamaged(format!(
                "master.key has {} bytes instead of {KEY_LEN}",
                kept.len()
            ))
        })?;
        return Ok(Zeroizing::new(kept));
    }
    if store_exists {
        return Err(Error::MasterKey);
    }
    let key: RawKey = Zeroizing::new(Random::new().draw()?);
    let draft = path.with_extension("new");
    let mut file =
        disk::private(OpenOptions::new().write(true).create(true).truncate(true)).open(&draft)?;
    file.write_all(&*key)?;
    file.sync_all()?;
    std::fs::rename(&draft, &path)?;
    disk::sync_folder_of(&path)?;
    Ok(key)
}
