//! Looking at a store's folder from outside.

use std::collections::BTreeMap;
use std::path::Path;

use tempfile::TempDir;

/// A folder in memory where there is such a thing: for tests with thousands of flushes, of which no
/// power cut will ask.
pub fn in_memory() -> TempDir {
    tempfile::tempdir_in("/dev/shm").unwrap_or_else(|_| tempfile::tempdir().unwrap())
}

/// Every file with its bytes, but the lock file.
pub fn bytes(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.file_name() != "lock")
        .map(|entry| {
            let name = entry.file_name().into_string().unwrap();
            let bytes = if entry.path().is_file() {
                std::fs::read(entry.path()).unwrap()
            } else {
                b"a folder".to_vec()
            };
            (name, bytes)
        })
        .collect()
}

/// Copies a folder's files.
pub fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

/// Which of `needles` stand in some file, and in which.
pub fn find(folder: &Path, needles: &[&str]) -> Vec<(String, String)> {
    let files = bytes(folder);
    let mut found = Vec::new();
    for needle in needles {
        for (name, bytes) in &files {
            if bytes
                .windows(needle.len())
                .any(|window| window == needle.as_bytes())
            {
                found.push(((*needle).to_owned(), name.clone()));
            }
        }
    }
    found
}
