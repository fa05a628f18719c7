//! What a process and a folder take, over time.

use std::{fs, path::Path};

use anyhow::{Context, Result, ensure};

/// What was taken at one moment.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sample {
    /// Memory in use, in KiB.
    pub memory: u64,
    /// Threads.
    pub threads: u64,
    /// Open files and connections.
    pub files: u64,
    /// Bytes of the files in its folder.
    pub bytes: u64,
}

impl Sample {
    /// Of a process, and of the folder that it writes to.
    pub fn of(process: u32, folder: &Path) -> Result<Self> {
        let gone = || format!("process {process} is gone");
        let status = fs::read_to_string(format!("/proc/{process}/status")).with_context(gone)?;
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            let number = line.and_then(|line| line.split_whitespace().next());
            number.and_then(|number| number.parse().ok()).unwrap_or(0)
        };
        Ok(Self {
            memory: field("VmRSS:"),
            threads: field("Threads:"),
            files: fs::read_dir(format!("/proc/{process}/fd"))
                .with_context(gone)?
                .count() as u64,
            bytes: bytes_in(folder)?,
        })
    }

    fn max(self, other: Self) -> Self {
        Self {
            memory: self.memory.max(other.memory),
            threads: self.threads.max(other.threads),
            files: self.files.max(other.files),
            bytes: self.bytes.max(other.bytes),
        }
    }
}

/// Bytes of all files below a folder, but for logs: those of both sides grow until they are cut in a
/// quiet moment, which a soak does not have.
fn bytes_in(folder: &Path) -> Result<u64> {
    let mut bytes = 0;
    for entry in
        fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))?
    {
        let Ok(entry) = entry else { continue };
        if entry.path().to_string_lossy().ends_with("-wal") {
            continue;
        }
        // A file may be gone since.
        bytes += match entry.metadata() {
            Ok(metadata) if metadata.is_dir() => bytes_in(&entry.path())?,
            Ok(metadata) => metadata.len(),
            Err(_) => 0,
        };
    }
    Ok(bytes)
}

/// All that was seen of one process.
#[derive(Default)]
pub struct History(Vec<Sample>);

impl History {
    /// Notes a moment.
    pub fn note(&mut self, sample: Sample) {
        self.0.push(sample);
    }

    /// The most of the second quarter, when everything is warm, and of the last; of the threads there,
    /// as many as there are half of the time. The server's readers take a thread more where one has
    /// not come back yet, and give it up ten seconds later: on a machine that is busy with other
    /// things now and then, the most says how busy it was.
    pub fn before_and_after(&self) -> (Sample, Sample) {
        let quarter = self.0.len() / 4;
        let most =
            |samples: &[Sample]| samples.iter().copied().fold(Sample::default(), Sample::max);
        let before = most(self.0.get(quarter..2 * quarter).unwrap_or_default());
        let last = self.0.get(3 * quarter..).unwrap_or_default();
        let mut threads: Vec<u64> = last.iter().map(|sample| sample.threads).collect();
        threads.sort_unstable();
        let after = Sample {
            threads: threads.get(threads.len() / 2).copied().unwrap_or_default(),
            ..most(last)
        };
        (before, after)
    }

    /// Complains about what has grown. Memory and files breathe; `allowed` more bytes have a reason.
    pub fn is_flat(&self, what: &str, allowed: u64) -> Result<()> {
        const BREATH: u64 = 8 << 20;
        let (before, after) = self.before_and_after();
        ensure!(
            after.memory <= before.memory + before.memory / 5 + (BREATH >> 10),
            "{what}: memory grew from {} to {} KiB",
            before.memory,
            after.memory
        );
        ensure!(
            after.threads <= before.threads + 2,
            "{what}: threads grew from {} to {}",
            before.threads,
            after.threads
        );
        // Connections come and go with the network.
        ensure!(
            after.files <= before.files + before.files / 10 + 8,
            "{what}: open files grew from {} to {}",
            before.files,
            after.files
        );
        ensure!(
            after.bytes <= before.bytes + before.bytes / 5 + BREATH + allowed,
            "{what}: files grew from {} to {} bytes",
            before.bytes,
            after.bytes
        );
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn history(sample: impl Fn(u64) -> Sample) -> History {
        History((0..400).map(sample).collect())
    }

    #[test]
    fn what_breathes_is_flat_and_what_grows_is_not() {
        let breathing = |at: u64| Sample {
            memory: 50_000 + at % 7 * 1_000,
            threads: 40
                + at % 2
                + if at.is_multiple_of(10) && at > 300 {
                    8
                } else {
                    0
                },
            files: 60 + at % 5,
            bytes: (10 << 20) + at % 3 * 500_000,
        };
        history(breathing).is_flat("it", 0).unwrap();
        let grows: [fn(&mut Sample, u64); 4] = [
            |sample, at| sample.memory += at * 1_000,
            |sample, at| sample.threads += at / 40,
            |sample, at| sample.files += at / 10,
            |sample, at| sample.bytes += at * 100_000,
        ];
        for grow in grows {
            let growing = history(|at| {
                let mut sample = breathing(at);
                grow(&mut sample, at);
                sample
            });
            growing.is_flat("it", 0).unwrap_err();
        }
    }
}
