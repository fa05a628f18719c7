//! The release library, as a C caller sees it.

#![allow(unsafe_code, reason = "this crate measures a C interface")]

use std::ffi::{CStr, CString, c_char, c_void};
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::library::{Api, DeleteOptions, DeletionResult, OpenOptions, api};
pub use crate::library::{Build, NewMessage, Receipt, built};
use crate::listener::{Events, RawListener};

/// How long anything may take before the benchmark gives up.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// The code of a deletion that was still open when the client was closed.
const PENDING: i32 = 1;

/// How a call ended, and when its callback came.
pub struct Outcome {
    result: Result<(), String>,
    /// When the callback ran.
    pub at: Instant,
}

/// Calls that have not ended are waited for here.
pub struct Calls {
    sender: Sender<Outcome>,
    receiver: Receiver<Outcome>,
}

impl Default for Calls {
    fn default() -> Self {
        let (sender, receiver) = channel();
        Self { sender, receiver }
    }
}

impl Calls {
    fn user_data(&self) -> *mut c_void {
        Box::into_raw(Box::new(self.sender.clone())).cast()
    }

    /// Waits for the next call of several deletions to end as pending.
    pub fn next_pending(&self) -> Result<()> {
        let outcome = self
            .receiver
            .recv_timeout(PATIENCE)
            .context("no callback came")?;
        match outcome.result {
            Err(code) if code == PENDING.to_string() => Ok(()),
            Err(code) => bail!("not pending, but {code}"),
            Ok(()) => bail!("not pending, but done"),
        }
    }

    /// Waits for the next call to succeed.
    pub fn next(&self) -> Result<Outcome> {
        let outcome = self
            .receiver
            .recv_timeout(PATIENCE)
            .context("no callback came")?;
        match &outcome.result {
            Ok(()) => Ok(outcome),
            Err(text) => bail!("{text}"),
        }
    }
}

fn answer(user_data: *mut c_void, result: Result<(), String>) {
    let at = Instant::now();
    // SAFETY: made by `Calls::user_data` for this call, whose one callback this is.
    let sender = unsafe { Box::from_raw(user_data.cast::<Sender<Outcome>>()) };
    let _ = sender.send(Outcome { result, at });
}

unsafe extern "C" fn on_success(user_data: *mut c_void) {
    answer(user_data, Ok(()));
}

unsafe extern "C" fn on_messages(user_data: *mut c_void, _: *const *const c_void, _: usize) {
    answer(user_data, Ok(()));
}

unsafe extern "C" fn on_results(
    user_data: *mut c_void,
    results: *const *const DeletionResult,
    count: usize,
) {
    let mut codes = (0..count).map(|index| {
        // SAFETY: an array of `count` valid pointers by the library's contract.
        unsafe { (**results.add(index)).code }
    });
    let failed = codes.find(|code| *code != 0);
    answer(
        user_data,
        failed.map_or(Ok(()), |code| Err(code.to_string())),
    );
}

unsafe extern "C" fn on_error(user_data: *mut c_void, code: i32, desc: *const c_char) {
    // SAFETY: a NUL-terminated string by the library's contract.
    let desc = unsafe { CStr::from_ptr(desc) }
        .to_string_lossy()
        .into_owned();
    answer(user_data, Err(format!("{code}: {desc}")));
}

/// An open client.
pub struct Client {
    api: &'static Api,
    handle: *mut c_void,
}

// SAFETY: every function of the library may be called from every thread.
unsafe impl Send for Client {}
// SAFETY: as above.
unsafe impl Sync for Client {}

/// The server that a client talks to.
pub struct ServerAccess<'a> {
    /// Its URL.
    pub url: &'a str,
    /// The user's credential.
    pub user_sig: &'a str,
}

impl Client {
    /// Opens a store.
    pub fn open(folder: &Path, user: &str, server: Option<&ServerAccess<'_>>) -> Result<Self> {
        Self::open_build(Build::Sealed, folder, user, server)
    }

    /// Opens a store with a build of one's choice.
    pub fn open_build(
        which: Build,
        folder: &Path,
        user: &str,
        server: Option<&ServerAccess<'_>>,
    ) -> Result<Self> {
        Self::open_with(which, folder, user, server, None)
    }

    /// Opens a device that stays up to date by itself, and gives what its listener hears.
    pub fn open_live(
        folder: &Path,
        user: &str,
        server: &ServerAccess<'_>,
    ) -> Result<(Self, Events)> {
        let (listener, events) = RawListener::new();
        let client = Self::open_with(Build::Sealed, folder, user, Some(server), Some(&listener))?;
        Ok((client, events))
    }

    fn open_with(
        which: Build,
        folder: &Path,
        user: &str,
        server: Option<&ServerAccess<'_>>,
        listener: Option<&RawListener>,
    ) -> Result<Self> {
        let api = api(which)?;
        let text = |text: &str| CString::new(text);
        let (path, user) = (text(folder.to_str().context("path")?)?, text(user)?);
        let url = server.map(|server| text(server.url)).transpose()?;
        let sig = server.map(|server| text(server.user_sig)).transpose()?;
        let options = OpenOptions {
            struct_size: size_of::<OpenOptions>() as u32,
            delivery: 0,
            store_path: path.as_ptr(),
            user_id: user.as_ptr(),
            master_key: std::ptr::null(),
            server_url: url.as_ref().map_or(std::ptr::null(), |url| url.as_ptr()),
            sdk_app_id: crate::library::APP_ID,
            device_id: std::ptr::null(),
            user_sig: sig.as_ref().map_or(std::ptr::null(), |sig| sig.as_ptr()),
            post: std::ptr::null(),
            post_data: std::ptr::null_mut(),
            listener: listener.map_or(std::ptr::null(), std::ptr::from_ref),
            live_sync: listener.is_some().into(),
            reserved: 0,
        };
        let mut client = std::ptr::null_mut();
        let mut why = [0; 256];
        // SAFETY: every pointer is valid for the call.
        let code = unsafe {
            (api.open)(
                &raw const options,
                &raw mut client,
                why.as_mut_ptr(),
                why.len(),
            )
        };
        if code != 0 {
            // SAFETY: the library terminates the text.
            let why = unsafe { CStr::from_ptr(why.as_ptr()) }.to_string_lossy();
            bail!("open: {code}: {why}");
        }
        Ok(Self {
            api,
            handle: client,
        })
    }

    /// Deletes; the id goes to `id`, which must stay where it is until the call returns.
    pub fn delete(&self, conversation: &CStr, id: &mut [u8; 16], calls: &Calls) -> Result<()> {
        let user_data = calls.user_data();
        self.delete_prepared(conversation, id, user_data)
    }

    /// What a call needs that is not to be measured.
    pub fn prepare(calls: &Calls) -> *mut c_void {
        calls.user_data()
    }

    /// As [`Self::delete`], with its preparation made.
    pub fn delete_prepared(
        &self,
        conversation: &CStr,
        id: &mut [u8; 16],
        user_data: *mut c_void,
    ) -> Result<()> {
        let options = DeleteOptions {
            struct_size: size_of::<DeleteOptions>() as u32,
            timeout_ms: 0,
            destructor: std::ptr::null(),
            deletion_id: id,
        };
        // SAFETY: every pointer is valid for the call, and `user_data` until its callback.
        let code = unsafe {
            (self.api.delete)(
                self.handle,
                conversation.as_ptr(),
                &raw const options,
                on_success,
                on_error,
                user_data,
            )
        };
        accepted(code)
    }

    /// Deletes several in one call; `ids` has room for as many.
    pub fn delete_many(
        &self,
        conversations: &[*const c_char],
        ids: &mut [[u8; 16]],
        calls: &Calls,
    ) -> Result<()> {
        assert!(ids.len() >= conversations.len());
        let user_data = calls.user_data();
        let options = DeleteOptions {
            struct_size: size_of::<DeleteOptions>() as u32,
            timeout_ms: 0,
            destructor: std::ptr::null(),
            deletion_id: ids.as_mut_ptr(),
        };
        // SAFETY: the caller's strings and ids live longer than the call.
        let code = unsafe {
            (self.api.delete_many)(
                self.handle,
                conversations.as_ptr(),
                conversations.len(),
                &raw const options,
                on_results,
                on_error,
                user_data,
            )
        };
        accepted(code)
    }

    /// The receipt of a deletion.
    pub fn receipt(&self, id: &[u8; 16]) -> Result<Receipt> {
        let mut receipt = Receipt {
            struct_size: size_of::<Receipt>() as u32,
            ..Receipt::default()
        };
        // SAFETY: both pointers are valid.
        accepted(unsafe { (self.api.receipt)(self.handle, id, &raw mut receipt) })?;
        Ok(receipt)
    }

    /// Pulls everything.
    pub fn pull(&self) -> Result<()> {
        let calls = Calls::default();
        // SAFETY: `user_data` is valid until its callback.
        accepted(unsafe { (self.api.pull)(self.handle, on_success, on_error, calls.user_data()) })?;
        calls.next().map(drop)
    }

    /// Saves one array of messages.
    pub fn save(&self, conversation: &CStr, messages: &[NewMessage]) -> Result<()> {
        let calls = Calls::default();
        self.begin_save(conversation, messages, &calls)?;
        calls.next().map(drop)
    }

    /// As [`Self::save`], without waiting for the callback.
    pub fn begin_save(
        &self,
        conversation: &CStr,
        messages: &[NewMessage],
        calls: &Calls,
    ) -> Result<()> {
        let user_data = calls.user_data();
        // SAFETY: the array and its strings live longer than the call.
        let code = unsafe {
            (self.api.save)(
                self.handle,
                conversation.as_ptr(),
                messages.as_ptr(),
                messages.len(),
                on_success,
                on_error,
                user_data,
            )
        };
        accepted(code)
    }

    /// Reads a page of history.
    pub fn history(&self, conversation: &CStr, before: u64, count: usize) -> Result<()> {
        let calls = Calls::default();
        let user_data = calls.user_data();
        // SAFETY: as above.
        let code = unsafe {
            (self.api.history)(
                self.handle,
                conversation.as_ptr(),
                before,
                count,
                on_messages,
                on_error,
                user_data,
            )
        };
        accepted(code)?;
        calls.next().map(drop)
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        // SAFETY: any handle may be closed.
        unsafe { (self.api.close)(self.handle) };
    }
}

fn accepted(code: i32) -> Result<()> {
    if code == 0 {
        Ok(())
    } else {
        bail!("refused with {code}")
    }
}

/// Messages with positions from `first`, made of texts that live as long as the array.
pub fn messages(
    first: u64,
    senders: &[CString],
    bodies: &[CString],
    count: usize,
) -> Vec<NewMessage> {
    (0..count as u64)
        .map(|index| NewMessage {
            struct_size: size_of::<NewMessage>() as u32,
            reserved: 0,
            position: first + index,
            time: 1_700_000_000 + first + index,
            sender: senders[(first + index) as usize % senders.len()].as_ptr(),
            body: bodies[(first + index) as usize % bodies.len()].as_ptr(),
        })
        .collect()
}

/// Fills a conversation.
pub fn fill(client: &Client, conversation: &CStr, count: usize) -> Result<()> {
    let (senders, bodies) = texts()?;
    let mut first = 1;
    while first <= count as u64 {
        let size = (count as u64 + 1 - first).min(10_000) as usize;
        client.save(conversation, &messages(first, &senders, &bodies, size))?;
        first += size as u64;
    }
    Ok(())
}

/// Senders and bodies of the length that chat has.
pub fn texts() -> Result<(Vec<CString>, Vec<CString>)> {
    let senders = (0..8)
        .map(|index| CString::new(format!("user-{index}-of-this-conversation")))
        .collect::<Result<_, _>>()?;
    let bodies = (0..64)
        .map(|index| {
            let words =
                "the quick boat crosses the wide lake before the storm comes in from the west ";
            let text = &words[..8 + (index * 29) % 68];
            CString::new(format!(
                r#"[{{"MsgType":"TIMTextElem","MsgContent":{{"Text":"{index} {text}"}}}}]"#
            ))
        })
        .collect::<Result<_, _>>()?;
    Ok((senders, bodies))
}
