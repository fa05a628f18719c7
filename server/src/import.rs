//! The command `import`: chat logs as JSON Lines, plain or compressed with zstd.
//!
//! What cannot be taken is counted and named, and the rest goes on. Importing a file twice
//! appends its messages twice: a log has no ids by which one could tell.

mod line;
mod summary;

use std::{
    collections::HashSet,
    fs::File,
    hash::{BuildHasher, RandomState},
    io::{BufRead, BufReader, IsTerminal, Read},
    path::Path,
    sync::Arc,
    time::Instant,
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio::task::JoinHandle;

use crate::{
    Error, Result, cli,
    storage::{self, Imported, LoggedMessage, Storage},
    user_sig::unix_now,
};
use line::Rejected;
use summary::Summary;

/// Messages in one operation of the storage.
const BATCH: usize = 8_192;
/// Longest line that is read; a longer one is skipped without being held.
const MAX_LINE: usize = 1 << 20;
/// How zstd files begin.
const ZSTD_MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
/// Largest window of a zstd file, as a power of two.
const ZSTD_WINDOW_LOG: u32 = 27;

/// Loads a chat log and prints what became of it.
///
/// # Errors
/// A file that cannot be read or decompressed, a store that cannot be used. What was taken before
/// stays.
pub fn run(args: &cli::Import) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .map_err(Error::io("cannot start the runtime"))?;
    let file = File::open(&args.file)
        .map_err(Error::io(format!("cannot open {}", args.file.display())))?;
    let storage = runtime.block_on(storage::open(&args.store))?;
    let begun = Instant::now();
    let bar = bar(&file);
    let lines = decompressed(bar.wrap_read(file), &args.file)?;
    let _entered = runtime.enter();
    let mut importer = Importer {
        storage: Arc::clone(&storage),
        batch: Vec::with_capacity(BATCH),
        under_way: None,
        conversations: HashSet::new(),
        hasher: RandomState::new(),
        summary: Summary::default(),
    };
    let read = runtime.block_on(async {
        let read = importer.read(lines, &args.file).await;
        importer.finish().await?;
        storage.close().await?;
        read
    });
    bar.finish_and_clear();
    importer.summary.conversations = importer.conversations.len() as u64;
    importer.summary.print(args.json, begun.elapsed())?;
    read
}

fn bar(file: &File) -> ProgressBar {
    let size = file.metadata().map_or(0, |metadata| metadata.len());
    let target = if std::io::stderr().is_terminal() {
        ProgressDrawTarget::stderr()
    } else {
        ProgressDrawTarget::hidden()
    };
    let bar = ProgressBar::with_draw_target(Some(size), target);
    if let Ok(style) =
        ProgressStyle::with_template("{bar:40} {bytes}/{total_bytes} {elapsed} {msg}")
    {
        bar.set_style(style);
    }
    bar
}

/// Looks at the first bytes, not at the name.
fn decompressed<'a>(
    file: impl Read + Send + 'a,
    path: &Path,
) -> Result<Box<dyn BufRead + Send + 'a>> {
    let failed = || format!("cannot read {}", path.display());
    let mut file = BufReader::with_capacity(1 << 16, file);
    if !file
        .fill_buf()
        .map_err(Error::io(failed()))?
        .starts_with(&ZSTD_MAGIC)
    {
        return Ok(Box::new(file));
    }
    let mut decoder = zstd::Decoder::with_buffer(file).map_err(Error::io(failed()))?;
    decoder
        .window_log_max(ZSTD_WINDOW_LOG)
        .map_err(Error::io(failed()))?;
    Ok(Box::new(BufReader::with_capacity(1 << 18, decoder)))
}

struct Importer {
    storage: Arc<dyn Storage>,
    batch: Vec<LoggedMessage>,
    /// The batch before, which is stored while this one is read.
    under_way: Option<JoinHandle<Result<Imported>>>,
    /// Conversations seen, by hash: millions of them have to fit.
    conversations: HashSet<u64>,
    hasher: RandomState,
    summary: Summary,
}

impl Importer {
    async fn read(&mut self, mut lines: Box<dyn BufRead + Send + '_>, path: &Path) -> Result<()> {
        let latest = unix_now() + 24 * 60 * 60;
        let mut line = Vec::new();
        let mut number = 0;
        loop {
            number += 1;
            line.clear();
            let length = next_line(&mut lines, &mut line).map_err(Error::io(format!(
                "cannot read {} at line {number}",
                path.display()
            )))?;
            if length == 0 {
                return Ok(());
            }
            let parsed = if length > MAX_LINE {
                Err(Rejected::LineTooLong)
            } else {
                line::parse(&line, latest)
            };
            match parsed {
                Ok(message) => {
                    self.conversations
                        .insert(self.hasher.hash_one(&message.between));
                    self.batch.push(message);
                }
                Err(why) => self.summary.reject(number, why),
            }
            if self.batch.len() == BATCH {
                self.store().await?;
            }
        }
    }

    /// Hands the batch over, after the one before has been stored.
    async fn store(&mut self) -> Result<()> {
        let batch = std::mem::replace(&mut self.batch, Vec::with_capacity(BATCH));
        self.stored().await?;
        if !batch.is_empty() {
            let storage = Arc::clone(&self.storage);
            self.under_way = Some(tokio::spawn(async move { storage.import(batch).await }));
        }
        Ok(())
    }

    async fn stored(&mut self) -> Result<()> {
        if let Some(under_way) = self.under_way.take() {
            let done = under_way
                .await
                .map_err(|error| Error::Storage(error.to_string()))??;
            self.summary.add(done);
        }
        Ok(())
    }

    async fn finish(&mut self) -> Result<()> {
        self.store().await?;
        self.stored().await
    }
}

/// Reads a line, of which at most `MAX_LINE` bytes are kept. Returns its length, 0 at the end.
fn next_line(lines: &mut dyn BufRead, line: &mut Vec<u8>) -> std::io::Result<usize> {
    let mut length = 0;
    loop {
        let available = match lines.fill_buf() {
            Ok(available) => available,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let end = available.iter().position(|byte| *byte == b'\n');
        let part = available
            .get(..end.unwrap_or(available.len()))
            .unwrap_or_default();
        if line.len() + part.len() <= MAX_LINE {
            line.extend_from_slice(part);
        }
        let taken = part.len() + usize::from(end.is_some());
        length += taken;
        lines.consume(taken);
        if end.is_some() || taken == 0 {
            return Ok(length);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_bounded_and_counted() {
        let long = "x".repeat(MAX_LINE + 5);
        let text = format!("a\n\n{long}\nlast");
        let mut reader = BufReader::with_capacity(7, text.as_bytes());
        let mut lengths = Vec::new();
        let mut kept = Vec::new();
        loop {
            let mut line = Vec::new();
            let length = next_line(&mut reader, &mut line).unwrap();
            if length == 0 {
                break;
            }
            assert!(line.len() <= MAX_LINE);
            lengths.push(length);
            kept.push(line);
        }
        assert_eq!(lengths, [2, 1, MAX_LINE + 6, 4]);
        assert_eq!(
            (kept[0].as_slice(), kept[3].as_slice()),
            (b"a".as_slice(), b"last".as_slice())
        );
    }
}
