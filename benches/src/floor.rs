//! The least that the machine itself costs.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Result;

/// Flushes on the disk that a folder is on.
pub struct Disk {
    appended: File,
    overwritten: File,
}

impl Disk {
    /// Prepares two files in a folder.
    pub fn new(folder: &Path) -> Result<Self> {
        let open = |name: &str| {
            OpenOptions::new()
                .write(true)
                .create(true)
                .truncate(true)
                .open(folder.join(name))
        };
        let (appended, mut overwritten) = (open("floor-append")?, open("floor-overwrite")?);
        overwritten.write_all(&[0; 8192])?;
        overwritten.sync_all()?;
        Ok(Self {
            appended,
            overwritten,
        })
    }

    /// One append of 4 KiB and its fdatasync.
    pub fn append(&mut self) -> Result<Duration> {
        let start = Instant::now();
        self.appended.write_all(&[7; 4096])?;
        self.appended.sync_data()?;
        Ok(start.elapsed())
    }

    /// One overwrite of 64 bytes in place and its fdatasync.
    pub fn overwrite(&mut self) -> Result<Duration> {
        let start = Instant::now();
        self.overwritten
            .write_all_at(&[start.elapsed().subsec_nanos() as u8; 64], 128)?;
        self.overwritten.sync_data()?;
        Ok(start.elapsed())
    }
}

/// Brings everything that any program has written to the disk.
pub fn sync_all() -> Result<()> {
    std::process::Command::new("sync").status()?;
    Ok(())
}
