//! The functions of the release library, and their types, as include/adieu.h has them.

#![allow(unsafe_code, reason = "this crate measures a C interface")]

use std::ffi::{c_char, c_void};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, OnceLock, PoisonError};

use anyhow::{Context, Result, anyhow, bail};
use libloading::Library;

use crate::listener::RawListener;

/// The app that everything here belongs to.
pub const APP_ID: u64 = 1_400_000_000;

pub type OnSuccess = unsafe extern "C" fn(*mut c_void);
pub type OnError = unsafe extern "C" fn(*mut c_void, i32, *const c_char);

#[repr(C)]
pub struct OpenOptions {
    pub struct_size: u32,
    pub delivery: u32,
    pub store_path: *const c_char,
    pub user_id: *const c_char,
    pub master_key: *const u8,
    pub server_url: *const c_char,
    pub sdk_app_id: u64,
    pub device_id: *const c_char,
    pub user_sig: *const c_char,
    pub post: *const c_void,
    pub post_data: *mut c_void,
    pub listener: *const RawListener,
    pub live_sync: u32,
    pub reserved: u32,
}

#[repr(C)]
pub struct DeleteOptions {
    pub struct_size: u32,
    pub timeout_ms: u32,
    pub destructor: *const c_void,
    pub deletion_id: *mut [u8; 16],
}

/// How one deletion of several ended.
#[repr(C)]
pub struct DeletionResult {
    pub conversation_id: *const c_char,
    pub desc: *const c_char,
    pub code: i32,
}

/// A message to be saved.
#[repr(C)]
pub struct NewMessage {
    pub struct_size: u32,
    pub reserved: u32,
    pub position: u64,
    pub time: u64,
    pub sender: *const c_char,
    pub body: *const c_char,
}

/// What the library says of a deletion.
#[repr(C)]
#[derive(Default)]
pub struct Receipt {
    pub struct_size: u32,
    pub reserved: u32,
    /// The last position deleted.
    pub cut_off: u64,
    /// Erasing on the device.
    pub erase_ns: u64,
    /// From the call to the success.
    pub total_ns: u64,
}

/// The functions that are measured.
pub struct Api {
    pub open: unsafe extern "C" fn(*const OpenOptions, *mut *mut c_void, *mut c_char, usize) -> i32,
    pub close: unsafe extern "C" fn(*mut c_void) -> i32,
    pub pull: unsafe extern "C" fn(*mut c_void, OnSuccess, OnError, *mut c_void) -> i32,
    pub save: unsafe extern "C" fn(
        *mut c_void,
        *const c_char,
        *const NewMessage,
        usize,
        OnSuccess,
        OnError,
        *mut c_void,
    ) -> i32,
    pub delete: unsafe extern "C" fn(
        *mut c_void,
        *const c_char,
        *const DeleteOptions,
        OnSuccess,
        OnError,
        *mut c_void,
    ) -> i32,
    pub delete_many: unsafe extern "C" fn(
        *mut c_void,
        *const *const c_char,
        usize,
        *const DeleteOptions,
        OnResults,
        OnError,
        *mut c_void,
    ) -> i32,
    pub history: unsafe extern "C" fn(
        *mut c_void,
        *const c_char,
        u64,
        usize,
        OnMessages,
        OnError,
        *mut c_void,
    ) -> i32,
    pub receipt: unsafe extern "C" fn(*mut c_void, *const [u8; 16], *mut Receipt) -> i32,
}

pub type OnResults = unsafe extern "C" fn(*mut c_void, *const *const DeletionResult, usize);
pub type OnMessages = unsafe extern "C" fn(*mut c_void, *const *const c_void, usize);

/// Which build of the library.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Build {
    /// The one that ships.
    Sealed,
    /// The same with its records in plain text, to tell what sealing costs.
    Plain,
}

/// Builds a package for release, once and alone: built together with others, it would have their
/// features. Gives the folder of its artefacts.
pub fn built(package: &'static str) -> Result<PathBuf> {
    static BUILT: Mutex<Vec<&str>> = Mutex::new(Vec::new());
    let mut done = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
    if !done.contains(&package) {
        build(package, &[])?;
        done.push(package);
    }
    let here = std::env::current_exe()?;
    Ok(here.parent().context("no target folder")?.to_owned())
}

fn build(package: &str, more: &[&str]) -> Result<()> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let arguments = ["build", "--quiet", "--release", "--package", package];
    // Not where the stores are: the workspace and its settings are found from here.
    let status = Command::new(cargo)
        .args(arguments)
        .args(more)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .status()?;
    if status.success() {
        Ok(())
    } else {
        bail!("{package} does not build")
    }
}

static GIVEN: OnceLock<PathBuf> = OnceLock::new();

/// Takes a library that is built already. Means nothing when it was loaded before.
#[allow(
    dead_code,
    reason = "for the program beside this one, which shares this file"
)]
pub fn load_from(path: PathBuf) {
    let _ = GIVEN.set(path);
}

fn load(which: Build) -> Result<Api> {
    let path = match which {
        Build::Sealed => match GIVEN.get() {
            Some(path) => path.clone(),
            None => built("adieu")?.join("libadieu.so"),
        },
        Build::Plain => {
            let here = built("adieu")?;
            let folder = here.parent().context("no target folder")?.join("plaintext");
            let folder = folder.to_str().context("path")?;
            build(
                "adieu",
                &[
                    "--features",
                    "plaintext-for-benchmarks",
                    "--target-dir",
                    folder,
                ],
            )?;
            Path::new(folder).join("release/libadieu.so")
        }
    };
    // SAFETY: the library has no initialisers with side effects, and it is never unloaded.
    let library = Box::leak(Box::new(unsafe { Library::new(path) }?));
    // SAFETY: the types above are those of include/adieu.h.
    unsafe {
        Ok(Api {
            open: *library.get(b"adieu_client_open")?,
            close: *library.get(b"adieu_client_close")?,
            pull: *library.get(b"adieu_pull")?,
            save: *library.get(b"adieu_save_messages")?,
            delete: *library.get(b"adieu_delete_conversation_with_options")?,
            delete_many: *library.get(b"adieu_delete_conversations")?,
            history: *library.get(b"adieu_get_history")?,
            receipt: *library.get(b"adieu_get_receipt")?,
        })
    }
}

pub fn api(which: Build) -> Result<&'static Api> {
    static SEALED: OnceLock<Result<Api, String>> = OnceLock::new();
    static PLAIN: OnceLock<Result<Api, String>> = OnceLock::new();
    let cell = if which == Build::Sealed {
        &SEALED
    } else {
        &PLAIN
    };
    let loaded = cell.get_or_init(|| load(which).map_err(|error| error.to_string()));
    loaded.as_ref().map_err(|error| anyhow!("{error}"))
}
