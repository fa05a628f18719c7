//! A disk that loses power: what `power_shim.c` recorded of a life, and what a cut leaves of it.
//!
//! What was flushed is there. Of what came after the last flush of a file each block may be there
//! or not, in any state that it had since; names come and go in their order, up to some point.

use std::collections::BTreeMap;
use std::ffi::{CString, c_char};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use tempfile::TempDir;

use super::random::Random;

type Mark = unsafe extern "C" fn(*const c_char);

/// A word of the process, among what it does to its files; nothing where nobody records.
pub fn mark(word: &str) {
    static MARK: OnceLock<Option<Mark>> = OnceLock::new();
    let find = || {
        let process = libloading::os::unix::Library::this();
        // SAFETY: the type is that of power_shim.c.
        unsafe { process.get::<Mark>(b"power_mark") }
            .ok()
            .map(|mark| *mark)
    };
    if let Some(mark) = MARK.get_or_init(find) {
        let word = CString::new(word).unwrap();
        // SAFETY: a string that lives during the call.
        unsafe { mark(word.as_ptr()) };
    }
}

/// One thing that a process did.
#[derive(Clone, Debug)]
pub enum Deed {
    Write {
        inode: u64,
        at: u64,
        bytes: Vec<u8>,
    },
    /// Everything on the file that had ended before this place in the record is on the disk.
    Sync {
        inode: u64,
        before: usize,
    },
    Cut {
        inode: u64,
        size: u64,
    },
    Create {
        inode: u64,
        name: String,
    },
    Rename {
        from: String,
        to: String,
    },
    Unlink {
        name: String,
    },
    SyncFolder {
        before: usize,
    },
    Mark(String),
}

/// What a life did to its folder, and said, in order.
pub struct Record {
    pub deeds: Vec<Deed>,
    /// What was there before: names, inodes, contents.
    before: BTreeMap<String, Vec<u8>>,
    inodes: BTreeMap<String, u64>,
    file: tempfile::TempPath,
}

impl Record {
    /// Of a life in this folder that is about to begin: what it needs in its environment.
    pub fn begin(folder: &Path) -> (Self, [(&'static str, String); 3]) {
        let file = tempfile::NamedTempFile::new().unwrap().into_temp_path();
        let text = |path: &Path| path.to_str().unwrap().to_owned();
        let environment = [
            ("LD_PRELOAD", text(&shim())),
            ("POWER_FOLDER", text(folder)),
            ("POWER_RECORD", text(&file)),
        ];
        let mut before = super::folder::bytes(folder);
        before.retain(|name, _| !name.ends_with("-shm"));
        let inode = |name: &String| {
            use std::os::unix::fs::MetadataExt;
            std::fs::metadata(folder.join(name)).unwrap().ino()
        };
        let inodes = before
            .keys()
            .map(|name| (name.clone(), inode(name)))
            .collect();
        let record = Self {
            deeds: Vec::new(),
            before,
            inodes,
            file,
        };
        (record, environment)
    }

    /// The life is over: reads what it did.
    pub fn end(&mut self) {
        let bytes = std::fs::read(&self.file).unwrap();
        let mut rest = bytes.as_slice();
        while let Some((head, more)) = rest.split_at_checked(24) {
            let number = |at: usize| u64::from_le_bytes(head[at..at + 8].try_into().unwrap());
            let (kind, length) = (number(0) & 0xffff_ffff, (number(0) >> 32) as usize);
            // The last one may have been cut by a kill.
            let Some((bytes, more)) = more.split_at_checked(length) else {
                break;
            };
            rest = more;
            let (inode, at) = (number(8), number(16));
            let text = || String::from_utf8(bytes.to_vec()).unwrap();
            self.deeds.push(match kind {
                1 => Deed::Write {
                    inode,
                    at,
                    bytes: bytes.to_vec(),
                },
                2 => Deed::Sync {
                    inode,
                    before: at as usize,
                },
                3 => Deed::Cut { inode, size: at },
                4 => Deed::Create {
                    inode,
                    name: text(),
                },
                5 => {
                    let names = text();
                    let (from, to) = names.split_once('\0').unwrap();
                    Deed::Rename {
                        from: from.to_owned(),
                        to: to.to_owned(),
                    }
                }
                6 => Deed::Unlink { name: text() },
                7 => Deed::SyncFolder {
                    before: at as usize,
                },
                8 => Deed::Mark(text()),
                kind => panic!("a record of kind {kind}"),
            });
        }
    }

    /// Up to where the flushes of a file that ended before `cut` have brought what was written.
    pub fn flushed_through(&self, name: &str, cut: usize) -> usize {
        let mut inode = self.inodes.get(name).copied();
        let mut through = 0;
        for deed in &self.deeds[..cut] {
            match deed {
                Deed::Create {
                    inode: new,
                    name: at,
                } if at == name => inode = Some(*new),
                Deed::Sync { inode: of, before } if inode == Some(*of) => through = *before,
                _ => {}
            }
        }
        through
    }

    /// Makes a folder as it may be after the power was cut when so much had been done.
    pub fn cut(&self, cut: usize, block: u64, random: &mut Random, to: &Path) {
        // In some cuts nothing or everything that was not flushed is there.
        let kept = *random.one(&[0, 0, 20, 50, 50, 80, 100, 100]);
        let mut files: BTreeMap<u64, File> = BTreeMap::new();
        let (mut names, mut pending) = (self.inodes.clone(), Vec::new());
        for (name, inode) in &self.inodes {
            files.insert(*inode, File::of(&self.before[name]));
        }
        for (at, deed) in self.deeds[..cut].iter().enumerate() {
            match deed {
                Deed::Write { inode, .. } | Deed::Cut { inode, .. } => {
                    files.entry(*inode).or_default().pending.push((at, deed));
                }
                Deed::Sync { inode, before } => {
                    files.entry(*inode).or_default().flush(*before);
                }
                Deed::Create { inode, .. } => {
                    files.insert(*inode, File::default());
                    pending.push((at, deed));
                }
                Deed::Rename { .. } | Deed::Unlink { .. } => pending.push((at, deed)),
                Deed::SyncFolder { before } => {
                    let done = pending.partition_point(|(at, _)| at < before);
                    for (_, deed) in pending.drain(..done) {
                        name(&mut names, deed);
                    }
                }
                Deed::Mark(_) => {}
            }
        }
        let some = match kept {
            0 => 0,
            100 => pending.len() as u64,
            _ => random.within(0..=pending.len() as u64),
        };
        for (_, deed) in pending.iter().take(some as usize) {
            name(&mut names, deed);
        }
        for (name, inode) in names {
            let bytes = files[&inode].after_cut(kept, block, random);
            std::fs::write(to.join(name), bytes).unwrap();
        }
    }
}

fn name(names: &mut BTreeMap<String, u64>, deed: &Deed) {
    match deed {
        Deed::Create { inode, name } => {
            names.insert(name.clone(), *inode);
        }
        Deed::Rename { from, to } => {
            if let Some(inode) = names.remove(from) {
                names.insert(to.clone(), inode);
            }
        }
        Deed::Unlink { name } => {
            names.remove(name);
        }
        other => panic!("{other:?} names nothing"),
    }
}

/// One file: what is on the disk for certain, and what was done to it since.
#[derive(Default)]
struct File<'a> {
    flushed: Vec<u8>,
    pending: Vec<(usize, &'a Deed)>,
}

impl File<'_> {
    fn of(bytes: &[u8]) -> Self {
        Self {
            flushed: bytes.to_vec(),
            pending: Vec::new(),
        }
    }

    fn flush(&mut self, before: usize) {
        let done = self.pending.partition_point(|(at, _)| *at < before);
        for (_, deed) in self.pending.drain(..done) {
            apply(&mut self.flushed, deed, 0..u64::MAX);
        }
    }

    /// Each block as it was at some moment since, and as long as it was at some moment since.
    fn after_cut(&self, kept: u64, block: u64, random: &mut Random) -> Vec<u8> {
        let mut moment = |count: usize| match kept {
            0 => 0,
            100 => count,
            _ if random.percent(kept) => random.within(0..=count as u64) as usize,
            _ => 0,
        };
        let mut sizes = vec![self.flushed.len() as u64];
        for (_, deed) in &self.pending {
            let size = sizes[sizes.len() - 1];
            sizes.push(match deed {
                Deed::Write { at, bytes, .. } => size.max(at + bytes.len() as u64),
                Deed::Cut { size, .. } => *size,
                _ => size,
            });
        }
        let size = sizes[moment(self.pending.len())];
        let mut bytes = self.flushed.clone();
        bytes.resize(size as usize, 0);
        for first in (0..size).step_by(block as usize) {
            let range = first..(first + block).min(size);
            let touches = |deed: &Deed| match deed {
                Deed::Write { at, bytes, .. } => {
                    *at < range.end && range.start < at + bytes.len() as u64
                }
                Deed::Cut { size, .. } => *size < range.end,
                _ => false,
            };
            let deeds: Vec<_> = self
                .pending
                .iter()
                .filter(|(_, deed)| touches(deed))
                .collect();
            for (_, deed) in deeds.iter().take(moment(deeds.len())) {
                apply(&mut bytes, deed, range.clone());
            }
            bytes.resize(size as usize, 0);
        }
        bytes
    }
}

/// Does to a file's bytes what lies within a range.
fn apply(to: &mut Vec<u8>, deed: &Deed, range: std::ops::Range<u64>) {
    match deed {
        Deed::Write { at, bytes, .. } => {
            let first = range.start.max(*at);
            let last = range.end.min(at + bytes.len() as u64);
            if first < last {
                if to.len() < last as usize {
                    to.resize(last as usize, 0);
                }
                let from = &bytes[(first - at) as usize..(last - at) as usize];
                to[first as usize..last as usize].copy_from_slice(from);
            }
        }
        Deed::Cut { size, .. } if range.end == u64::MAX => to.resize(*size as usize, 0),
        Deed::Cut { size, .. } => {
            let first = (range.start.max(*size) as usize).min(to.len());
            let last = (range.end as usize).min(to.len());
            to[first..last.max(first)].fill(0);
        }
        _ => {}
    }
}

/// The shared object, built once.
fn shim() -> PathBuf {
    static BUILT: OnceLock<(TempDir, PathBuf)> = OnceLock::new();
    let (_, path) = BUILT.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("power_shim.so");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/power_shim.c");
        let output = Command::new("cc")
            .args(["-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-Werror"])
            .arg("-o")
            .args([&path, &source])
            .args(["-ldl", "-lpthread"])
            .output()
            .expect("there is a C compiler");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}");
        (folder, path)
    });
    path.clone()
}
