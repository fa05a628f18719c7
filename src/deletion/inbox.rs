//! The file that closes the gap between an accepted call and the journal.
//!
//! A call may not wait for the disk, and the worker that writes the journal takes it up a moment
//! later. In between the deletion stands here: in memory that is shared with a file, so that what
//! is stored survives the process, killed at whichever instruction. A power cut may take it, as it
//! takes everything that no flush has confirmed.
//!
//! | word | what |
//! |---|---|
//! | 0 | checksum of the others; 0: the place is free |
//! | 1, 2 | deletion id |
//! | 3 | cut-off; all ones: none |
//! | 4 | when it was accepted, in Unix milliseconds |
//! | 5 | undo window in milliseconds (4 bytes), scope, policy, flags, length of the id |
//! | 6 to 15 | conversation id |

use std::fs::OpenOptions;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use super::{DeletionId, Policy, Scope};
use crate::conversation::ConversationId;
use crate::primitives::Mutex;
use crate::primitives::atomic::{AtomicBool, Ordering};

const WORDS: usize = 16;
const HEAD: usize = 6;
const LONGEST_ID: usize = (WORDS - HEAD) * 8;
/// Calls that may be on their way to the worker; those beyond are covered when they get there.
const PLACES: usize = 1024;
const NO_CUT_OFF: u64 = u64::MAX;

/// Memory that is shared with a file.
pub trait SharedWords: Send + Sync {
    /// All of it.
    fn words(&self) -> &[AtomicU64];

    /// Brings the file on the disk to where the memory is.
    ///
    /// # Errors
    /// What the disk reports.
    fn flush(&self) -> std::io::Result<()>;
}

/// Maps so many bytes of a file.
pub type MapFile = fn(&std::fs::File, usize) -> std::io::Result<Box<dyn SharedWords>>;

/// A deletion as it stands in the inbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its id.
    pub deletion: DeletionId,
    /// Where it ends.
    pub cut_off: Option<u64>,
    /// When it was accepted, in Unix milliseconds.
    pub accepted_at: u64,
    /// How long it can be undone, in milliseconds.
    pub undo: u32,
    /// What goes.
    pub scope: Scope,
    /// How far to go.
    pub policy: Policy,
    /// The device had no server: there is nobody to ask.
    pub alone: bool,
    /// The cut-off is a position of the host.
    pub host_positions: bool,
}

/// The open file.
pub struct Inbox {
    shared: Box<dyn SharedWords>,
    /// Free places; the last one freed is used first, so that few pages are ever touched.
    free: Mutex<Vec<u32>>,
    /// Something was taken out since the last flush.
    unflushed: AtomicBool,
}

/// What an earlier life of the process accepted, and the journal may not know.
pub type LeftBehind = Vec<(ConversationId, Record, Noted)>;

/// A record that stands in the inbox until this is dropped.
pub struct Noted {
    inbox: Arc<Inbox>,
    place: u32,
    left: bool,
}

impl Inbox {
    /// Opens the file, and gives what an earlier life of the process has left in it.
    ///
    /// # Errors
    /// The disk is full, or the system cannot share memory with this file. Without an inbox, an
    /// accepted call is safe from when the worker has it.
    pub fn open(path: &Path, map: MapFile) -> std::io::Result<(Arc<Self>, LeftBehind)> {
        let bytes = PLACES * WORDS * 8;
        let mut options = OpenOptions::new();
        let options = options.read(true).write(true).create(true).truncate(false);
        let file = crate::store::private(options).open(path)?;
        if file.metadata()?.len() != bytes as u64 {
            // Written, not only made longer: a page without a block would wait for the disk later.
            crate::store::write_at(&file, &vec![0; bytes], 0)?;
            file.set_len(bytes as u64)?;
        }
        let shared = map(&file, bytes)?;
        let inbox = Arc::new(Self {
            shared,
            free: Mutex::default(),
            unflushed: AtomicBool::new(false),
        });
        let mut left = Vec::new();
        let mut free = Vec::new();
        for place in (0..PLACES as u32).rev() {
            match inbox.read(place) {
                Some((conversation, record)) => {
                    let noted = Noted::new(inbox.clone(), place);
                    left.push((conversation, record, noted));
                }
                None => {
                    // Half a record was never accepted.
                    inbox.clear(place);
                    free.push(place);
                }
            }
        }
        *inbox.free.lock() = free;
        left.sort_by_key(|(_, record, _)| (record.accepted_at, record.deletion));
        Ok((inbox, left))
    }

    /// Notes a deletion of a conversation. Does not wait. `None` when there is no room.
    pub fn note(self: &Arc<Self>, conversation: &ConversationId, record: &Record) -> Option<Noted> {
        let (prefix, name) = conversation.parts();
        let len = prefix.len() + name.len();
        let mut id = [0; LONGEST_ID];
        id.get_mut(..prefix.len())?
            .copy_from_slice(prefix.as_bytes());
        id.get_mut(prefix.len()..len)?
            .copy_from_slice(name.as_bytes());
        let place = self.free.lock().pop()?;
        let mut words = [0; WORDS];
        let (high, low) = record.deletion.0.split_at(8);
        words[1] = word(high);
        words[2] = word(low);
        words[3] = record.cut_off.unwrap_or(NO_CUT_OFF);
        words[4] = record.accepted_at;
        let mut terms = [0; 8];
        terms[..4].copy_from_slice(&record.undo.to_le_bytes());
        terms[4] = record.scope.number();
        terms[5] = record.policy.number();
        terms[6] = u8::from(record.alone) | u8::from(record.host_positions) << 1;
        terms[7] = len as u8;
        words[5] = u64::from_le_bytes(terms);
        for (at, chunk) in id[..len].chunks(8).enumerate() {
            words[HEAD + at] = word(chunk);
        }
        words[0] = checksum(&words);
        let shared = self.place(place);
        for (at, word) in words.iter().enumerate().skip(1) {
            shared[at].store(*word, Ordering::Relaxed);
        }
        // From here on it is accepted.
        shared[0].store(words[0], Ordering::Release);
        Some(Noted::new(self.clone(), place))
    }

    fn read(&self, place: u32) -> Option<(ConversationId, Record)> {
        let mut words = [0; WORDS];
        for (word, shared) in words.iter_mut().zip(self.place(place)) {
            *word = shared.load(Ordering::Acquire);
        }
        if words[0] == 0 || words[0] != checksum(&words) {
            return None;
        }
        let mut deletion = [0; 16];
        deletion[..8].copy_from_slice(&words[1].to_le_bytes());
        deletion[8..].copy_from_slice(&words[2].to_le_bytes());
        let terms = words[5].to_le_bytes();
        let id: Vec<u8> = words[HEAD..]
            .iter()
            .flat_map(|word| word.to_le_bytes())
            .take(usize::from(terms[7]))
            .collect();
        let conversation = ConversationId::parse(std::str::from_utf8(&id).ok()?).ok()?;
        let record = Record {
            deletion: DeletionId(deletion),
            cut_off: Some(words[3]).filter(|cut_off| *cut_off != NO_CUT_OFF),
            accepted_at: words[4],
            undo: u32::from_le_bytes([terms[0], terms[1], terms[2], terms[3]]),
            scope: Scope::of(terms[4]),
            policy: Policy::of(terms[5]),
            alone: terms[6] & 1 != 0,
            host_positions: terms[6] & 2 != 0,
        };
        Some((conversation, record))
    }

    fn place(&self, place: u32) -> &[AtomicU64] {
        let at = place as usize * WORDS;
        &self.shared.words()[at..at + WORDS]
    }

    /// Makes certain that no power cut brings back what was taken out. Where that fails, a power
    /// cut may.
    pub fn flush(&self) {
        if self.unflushed.swap(false, Ordering::AcqRel) && self.shared.flush().is_err() {
            self.unflushed.store(true, Ordering::Release);
        }
    }

    fn clear(&self, place: u32) {
        for word in self.place(place) {
            word.store(0, Ordering::Release);
        }
        // After them: a flush that is under way would take note of them without taking them along.
        self.unflushed.store(true, Ordering::Release);
    }
}

impl Noted {
    fn new(inbox: Arc<Inbox>, place: u32) -> Self {
        Self {
            inbox,
            place,
            left: false,
        }
    }

    /// Where it stands.
    pub fn inbox(&self) -> Arc<Inbox> {
        self.inbox.clone()
    }

    /// Leaves the record for the next life of the process.
    pub fn leave(mut self) {
        self.left = true;
    }
}

impl Drop for Noted {
    fn drop(&mut self) {
        if !self.left {
            self.inbox.clear(self.place);
            self.inbox.free.lock().push(self.place);
        }
    }
}

fn word(bytes: &[u8]) -> u64 {
    let mut word = [0; 8];
    word[..bytes.len()].copy_from_slice(bytes);
    u64::from_le_bytes(word)
}

/// Tells a whole record from one that a power cut has torn. Never 0.
fn checksum(words: &[u64; WORDS]) -> u64 {
    let mut sum = 0x9e37_79b9_7f4a_7c15_u64;
    for word in &words[1..] {
        sum = (sum ^ word).wrapping_mul(0xff51_afd7_ed55_8ccd);
        sum ^= sum >> 32;
    }
    sum | 1
}

#[cfg(all(test, feature = "shuttle"))]
#[allow(clippy::unwrap_used, reason = "a failure is the test's")]
mod interleavings {
    use super::tests::{conversation, inbox_on, record};
    use super::*;
    use crate::interleavings::explore;
    use crate::primitives::thread;

    /// Memory and the disk below it. Others take their steps whenever either is reached for.
    struct OnDisk {
        memory: Vec<AtomicU64>,
        disk: Arc<Vec<AtomicU64>>,
    }

    impl SharedWords for OnDisk {
        fn words(&self) -> &[AtomicU64] {
            thread::yield_now();
            &self.memory
        }

        fn flush(&self) -> std::io::Result<()> {
            for (disk, memory) in self.disk.iter().zip(&self.memory) {
                disk.store(memory.load(Ordering::Relaxed), Ordering::Relaxed);
            }
            thread::yield_now();
            Ok(())
        }
    }

    /// Callers note, are refused or done, and the worker flushes meanwhile.
    #[test]
    fn nothing_that_was_taken_out_outlives_the_next_flush() {
        explore(4_000, || {
            let words = || (0..4 * WORDS).map(|_| AtomicU64::new(0)).collect();
            let disk: Arc<Vec<AtomicU64>> = Arc::new(words());
            let inbox = inbox_on(Box::new(OnDisk {
                memory: words(),
                disk: disk.clone(),
            }));
            let callers: Vec<_> = ["c2c_bob", "group_team"]
                .into_iter()
                .map(|id| {
                    let inbox = inbox.clone();
                    thread::spawn(move || {
                        for _ in 0..2 {
                            let noted = inbox.note(&conversation(id), &record()).unwrap();
                            let read = inbox.read(noted.place);
                            assert_eq!(read, Some((conversation(id), record())), "another's place");
                        }
                    })
                })
                .collect();
            let flushing = inbox.clone();
            let worker = thread::spawn(move || (0..3).for_each(|_| flushing.flush()));
            for thread in callers.into_iter().chain([worker]) {
                thread.join().unwrap();
            }
            inbox.flush();
            let left = disk.iter().filter(|word| word.load(Ordering::Relaxed) != 0);
            assert_eq!(left.count(), 0, "the disk still has what was taken out");
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Memory(Vec<AtomicU64>);

    impl SharedWords for Memory {
        fn words(&self) -> &[AtomicU64] {
            &self.0
        }

        fn flush(&self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn inbox() -> Arc<Inbox> {
        let words = (0..4 * WORDS).map(|_| AtomicU64::new(0));
        inbox_on(Box::new(Memory(words.collect())))
    }

    /// With room for four.
    pub fn inbox_on(shared: Box<dyn SharedWords>) -> Arc<Inbox> {
        Arc::new(Inbox {
            shared,
            free: Mutex::new(vec![3, 2, 1, 0]),
            unflushed: AtomicBool::new(false),
        })
    }

    pub fn conversation(id: &str) -> ConversationId {
        ConversationId::parse(id).unwrap()
    }

    pub fn record() -> Record {
        Record {
            deletion: DeletionId(*b"0123456789abcdef"),
            cut_off: None,
            accepted_at: 1_700_000_000_000,
            undo: 5000,
            scope: Scope::History,
            policy: Policy::Queue,
            alone: true,
            host_positions: true,
        }
    }

    #[test]
    fn a_record_stands_until_it_is_dropped_and_leaves_nothing() {
        let inbox = inbox();
        let longest = format!("group_{}", "g".repeat(48));
        for id in ["c2c_b", "@TIM#SYSTEM", longest.as_str()] {
            let noted = inbox.note(&conversation(id), &record()).unwrap();
            assert_eq!(inbox.read(noted.place), Some((conversation(id), record())));
            let place = noted.place;
            drop(noted);
            assert_eq!(inbox.read(place), None);
            let words = inbox.shared.words();
            assert!(words.iter().all(|word| word.load(Ordering::Relaxed) == 0));
        }
    }

    #[test]
    fn a_torn_record_is_none() {
        let inbox = inbox();
        let noted = inbox.note(&conversation("c2c_bob"), &record()).unwrap();
        for at in 0..WORDS {
            let word = &inbox.place(noted.place)[at];
            let before = word.swap(0, Ordering::Relaxed);
            assert!(
                before == 0 || inbox.read(noted.place).is_none(),
                "word {at}"
            );
            word.store(before, Ordering::Relaxed);
        }
    }

    #[test]
    fn a_full_inbox_takes_no_more() {
        let inbox = inbox();
        let noted: Vec<_> = (0..4)
            .map(|_| inbox.note(&conversation("c2c_bob"), &record()).unwrap())
            .collect();
        assert!(inbox.note(&conversation("c2c_bob"), &record()).is_none());
        drop(noted);
        assert!(inbox.note(&conversation("c2c_bob"), &record()).is_some());
    }
}
