//! From a store's URL to its engine.

use std::{path::PathBuf, sync::Arc};

use super::{Storage, postgres::Postgres, sqlite::Sqlite};
use crate::{Error, Result};

/// Opens the store of a URL: `sqlite:PATH`, `sqlite://PATH`, a plain path, or `postgres://...`.
///
/// # Errors
/// A URL of another kind, or a store that cannot be opened; the text says what to do.
pub async fn open(url: &str) -> Result<Arc<dyn Storage>> {
    if url.starts_with("postgres://") || url.starts_with("postgresql://") {
        return Ok(Arc::new(Postgres::open(url).await?));
    }
    Ok(Arc::new(Sqlite::open(&sqlite_path(url)?)?))
}

fn sqlite_path(url: &str) -> Result<PathBuf> {
    const ALLOWED: &str = "allowed: sqlite:PATH, sqlite://PATH, a plain path, or postgres://...";
    let path = match url.split_once(':') {
        Some(("sqlite", rest)) => rest.strip_prefix("//").unwrap_or(rest),
        // A drive letter is no scheme.
        Some((scheme, _))
            if scheme.len() > 1 && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric()) =>
        {
            return Err(Error::Store(format!(
                "the store {scheme}: is of a kind that this server does not know; {ALLOWED}"
            )));
        }
        _ => url,
    };
    if path.is_empty() || path == ":memory:" {
        return Err(Error::Store(format!(
            "the store {url:?} names no file; {ALLOWED}"
        )));
    }
    Ok(PathBuf::from(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls() {
        for (url, path) in [
            ("sqlite:a/b.db", "a/b.db"),
            ("sqlite:///srv/b.db", "/srv/b.db"),
            ("sqlite://b.db", "b.db"),
            ("/srv/b.db", "/srv/b.db"),
            ("b.db", "b.db"),
            (r"C:\b.db", r"C:\b.db"),
        ] {
            assert_eq!(sqlite_path(url).unwrap(), PathBuf::from(path), "{url}");
        }
        for url in [
            "mysql://user:secret@host/db",
            "mysql:x",
            "sqlite:",
            "",
            "sqlite::memory:",
        ] {
            let error = sqlite_path(url).unwrap_err().to_string();
            assert!(error.contains("allowed: sqlite:PATH"), "{error}");
            assert!(!error.contains("secret"), "{error}");
        }
    }
}
