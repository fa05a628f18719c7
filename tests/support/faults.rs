//! The disk that fails on purpose: `fault_shim.c`, built, preloaded and steered.

use std::ffi::{CString, c_char, c_int, c_long};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use tempfile::TempDir;

pub const OPEN: c_int = 1;
pub const READ: c_int = 2;
pub const WRITE: c_int = 4;
pub const SYNC: c_int = 8;
pub const CUT: c_int = 16;
pub const MAP: c_int = 32;
pub const NAME: c_int = 64;
pub const STAT: c_int = 128;
/// Everything but looking at a file's state.
pub const ALL: c_int = OPEN | READ | WRITE | SYNC | CUT | MAP | NAME;
/// What needs room.
pub const GROWING: c_int = WRITE | CUT;

/// What happens to the call that is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub enum How {
    /// It fails.
    Fail = 0,
    /// It moves half of the bytes, and says so.
    Short = 1,
    /// So does it, and all after it fail.
    Torn = 2,
    /// It takes so many milliseconds.
    Slow = 3,
    /// The process is killed instead.
    Kill = 4,
    /// The process is killed when half of it is written.
    KillTorn = 5,
}

/// Which calls fail, and how.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    pub calls: c_int,
    pub how: How,
    /// So many calls, the one that is chosen first; 0: all from it on.
    pub times: c_int,
    /// An error number; milliseconds for what is slow.
    pub error: c_int,
}

impl Plan {
    /// What the environment of a child says to have it killed at one call.
    pub fn environment(&self, folder: &Path, nth: u64) -> [(&'static str, String); 3] {
        [
            ("LD_PRELOAD", shim().to_str().unwrap().to_owned()),
            ("FAULT_FOLDER", folder.to_str().unwrap().to_owned()),
            (
                "FAULT_PLAN",
                format!("{} {} {nth}", self.calls, self.how as i32),
            ),
        ]
    }
}

/// The shared object, built once.
pub fn shim() -> PathBuf {
    static BUILT: OnceLock<(TempDir, PathBuf)> = OnceLock::new();
    let (_, path) = BUILT.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("fault_shim.so");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/fault_shim.c");
        let output = Command::new("cc")
            .args(["-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-Werror"])
            .arg("-o")
            .args([&path, &source])
            .arg("-ldl")
            .output()
            .expect("there is a C compiler");
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        (folder, path)
    });
    path.clone()
}

/// The shim in this process, which was started with it.
pub struct Shim {
    watch: unsafe extern "C" fn(*const c_char),
    arm: unsafe extern "C" fn(c_int, c_int, c_long, c_int, c_int),
    disarm: unsafe extern "C" fn() -> c_long,
}

impl Shim {
    pub fn find() -> Self {
        let process = libloading::os::unix::Library::this();
        // SAFETY: the types are those of fault_shim.c.
        unsafe {
            Self {
                watch: *process.get(b"fault_watch").expect("it was preloaded"),
                arm: *process.get(b"fault_arm").unwrap(),
                disarm: *process.get(b"fault_disarm").unwrap(),
            }
        }
    }

    /// Notes which files are meant: those of this folder that are opened from now on.
    pub fn watch(&self, folder: &Path) {
        let folder = CString::new(folder.to_str().unwrap()).unwrap();
        // SAFETY: a string that lives during the call.
        unsafe { (self.watch)(folder.as_ptr()) }
    }

    /// From now on the nth call on files of this folder fails as planned.
    pub fn arm(&self, plan: &Plan, folder: &Path, nth: u64) {
        self.watch(folder);
        // SAFETY: plain numbers.
        unsafe {
            (self.arm)(
                plan.calls,
                plan.how as c_int,
                nth as c_long,
                plan.times,
                plan.error,
            );
        }
    }

    /// All is well again; how many calls were hit.
    pub fn disarm(&self) -> u64 {
        // SAFETY: takes nothing.
        unsafe { (self.disarm)() as u64 }
    }
}
