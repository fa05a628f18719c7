//! Files of the database that the forensic look has opened. On Unix SQLite's locks belong to the
//! process, and closing any descriptor of a file gives all of them up: another process would take
//! the database for closed, and clear its log away. So these are closed after SQLite's own.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

/// The files, each opened once.
#[derive(Default)]
pub struct Looked(Vec<(PathBuf, File)>);

impl Looked {
    /// The file that stands at this path now.
    pub fn file(&mut self, path: &Path) -> io::Result<&File> {
        let known = self
            .0
            .iter()
            .position(|(at, file)| at == path && is_at(file, path));
        let at = match known {
            Some(at) => at,
            None => {
                self.0.push((path.to_owned(), File::open(path)?));
                self.0.len() - 1
            }
        };
        Ok(&self.0[at].1)
    }
}

/// Whether an open file is the one that stands at a path.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let id = |data: std::fs::Metadata| (data.dev(), data.ino());
    match (file.metadata(), path.metadata()) {
        (Ok(open), Ok(there)) => id(open) == id(there),
        _ => false,
    }
}

/// Elsewhere a file that is open cannot be replaced.
#[cfg(not(unix))]
fn is_at(_: &File, _: &Path) -> bool {
    true
}
