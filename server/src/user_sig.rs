//! The command `usersig`, and the secret that it and the server share.

use std::{path::Path, time::SystemTime};

use adieu_protocol::{conversation_id::check_user_id, user_sig::Signer};

use crate::{Error, Result, cli};

/// Prints a credential and nothing else.
///
/// # Errors
/// An unreadable secret, an identifier outside the rule.
pub fn run(args: &cli::UserSig) -> Result<()> {
    check_user_id(&args.identifier).map_err(|error| Error::BadIdentifier(error.to_string()))?;
    let signer = signer(args.app_id, &args.secret_file)?;
    println!(
        "{}",
        signer.sign(
            &args.identifier,
            args.time.unwrap_or_else(unix_now),
            args.expire
        )
    );
    Ok(())
}

/// The app's signer, from the file that holds its secret.
///
/// # Errors
/// An unreadable or empty file.
pub fn signer(app_id: u64, secret_file: &Path) -> Result<Signer> {
    Ok(Signer::new(app_id, &secret(secret_file)?))
}

/// A secret, from the file that holds it.
///
/// # Errors
/// An unreadable or empty file.
pub fn secret(file: &Path) -> Result<Vec<u8>> {
    let secret = std::fs::read(file).map_err(Error::io(format!(
        "cannot read the secret file {}",
        file.display()
    )))?;
    // Editors end files with a line break, which is no part of the secret.
    let secret = secret.trim_ascii();
    if secret.is_empty() {
        return Err(Error::Store(format!(
            "the secret file {} is empty",
            file.display()
        )));
    }
    Ok(secret.to_vec())
}

/// The time, in Unix seconds.
#[must_use]
pub fn unix_now() -> u64 {
    SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}
