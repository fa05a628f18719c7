//! Opening and closing a client, signing in, delivering.

use std::ffi::{c_char, c_void};
use std::mem::offset_of;
use std::path::PathBuf;
use std::sync::Arc;

use zeroize::Zeroizing;

use super::callback::{
    HostPointer, UserData, adieu_error_callback, adieu_post_hook, adieu_success_callback, reply,
};
use super::guard::{guard, watch_forks};
use super::listener::{self, adieu_listener};
use super::options::{self, Sized32};
use super::status::{self, ADIEU_ERR_INVALID_ARGUMENT, ADIEU_OK, ADIEU_PENDING};
use super::{handle, mapping, module, priority, text};
use crate::client::{Client, Config};
use crate::delivery::Mode;
use crate::error::{Error, Result};
use crate::primitives::no_lock_is_held;
use crate::remote::Server;
use crate::store::KEY_LEN;

/// One account on one device, open. Opaque: the value is a number that the library looks up, and
/// a stale one is an error, never a crash. All functions that take one may be called from any
/// thread.
pub struct adieu_client {
    _private: [u8; 0],
}

/// Callbacks come on a thread of the library.
pub const ADIEU_DELIVER_ON_LIBRARY_THREAD: u32 = 0;
/// Callbacks come on the thread that calls adieu_client_poll.
pub const ADIEU_DELIVER_BY_POLL: u32 = 1;

/// How a client is opened. Begin with ADIEU_CLIENT_OPTIONS_INIT, which sets struct_size and
/// clears the rest. Strings are copied.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct adieu_client_options {
    /// sizeof(adieu_client_options).
    pub struct_size: u32,
    /// ADIEU_DELIVER_ON_LIBRARY_THREAD or ADIEU_DELIVER_BY_POLL.
    pub delivery: u32,
    /// Folder of this account's store; UTF-8; it must exist. One client at a time opens it.
    pub store_path: *const c_char,
    /// Whose account this is: 1 to 32 bytes of printable ASCII.
    pub user_id: *const c_char,
    /// 32 bytes from the platform's keystore that wrap every key of the store. NULL keeps a
    /// generated key in the folder, readable for the file's owner: that protects against nobody
    /// who can read the folder.
    pub master_key: *const u8,
    /// https://HOST[:PORT][/PATH] of adieu-server; http:// is taken for this machine itself only.
    /// NULL: there is no server, and deleting is erasing on this device.
    pub server_url: *const c_char,
    /// The app's SDKAppID.
    pub sdk_app_id: u64,
    /// Names this device among the user's devices: 1 to 64 bytes of printable ASCII. NULL: a name
    /// that the store makes and keeps.
    pub device_id: *const c_char,
    /// The user's credential, made by the app's back end. NULL: not signed in yet.
    pub user_sig: *const c_char,
    /// With ADIEU_DELIVER_BY_POLL: called when there is something to poll for. May be NULL.
    pub post: adieu_post_hook,
    /// Handed to `post`.
    pub post_data: *mut c_void,
    /// Who hears of events; copied. NULL: nobody.
    pub listener: *const adieu_listener,
    /// 1: the client stays up to date by itself, with one long-poll that the server answers when
    /// something changes; what came is told by ADIEU_EVENT_SYNC_CHANGED and the events of
    /// conversations. 0: it pulls when adieu_pull asks for it.
    pub live_sync: u32,
    /// Must be 0.
    pub reserved: u32,
    /// Certificates of the authorities that the server's has to come from, in PEM form, one after
    /// the other: a company's own, say. NULL: the authorities of Mozilla's list, as it was when
    /// this library was built. (Since ABI 0.2.)
    pub ca_certificates: *const c_char,
}

// SAFETY: repr(C), begins with u32; NULL pointers, None hooks and zeros are values of its fields.
unsafe impl Sized32 for adieu_client_options {
    const FIRST_SIZE: usize = offset_of!(Self, listener);
}

/// Opens a client: its store, its line to the server, its threads. Deletions that an earlier run
/// of the process accepted and did not finish are taken up at once.
///
/// This call reads the store from the disk and may take as long as that takes; it does not wait
/// for the network.
///
/// On success `*client` is the handle, to be closed with adieu_client_close, and 0 is returned.
/// On failure `*client` is NULL, the code is returned (negative, or one of the vendor's positive
/// numbers), and the text of the error is written to `error_text` as far as it fits, always
/// terminated. `error_text` may be NULL. Nothing that was in the folder is overwritten by a
/// failed open.
///
/// Errors: ADIEU_ERR_INVALID_ARGUMENT, ADIEU_ERR_ABI, ADIEU_ERR_INVALID_PARAMETER,
/// ADIEU_ERR_STORE_PATH, ADIEU_ERR_STORE_LOCKED, ADIEU_ERR_STORE_NEWER, ADIEU_ERR_STORE_DAMAGED,
/// ADIEU_ERR_MASTER_KEY, ADIEU_ERR_STORE_IO, ADIEU_ERR_STORE_FAILED, ADIEU_ERR_FORKED.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn adieu_client_open(
    options: *const adieu_client_options,
    client: *mut *mut adieu_client,
    error_text: *mut c_char,
    error_text_size: usize,
) -> i32 {
    let mut text = None;
    let code = guard(|| {
        if client.is_null() {
            return Err(ADIEU_ERR_INVALID_ARGUMENT);
        }
        // SAFETY: not NULL, and writable by the caller's contract.
        unsafe { client.write(std::ptr::null_mut()) };
        // SAFETY: `options` is NULL or points to struct_size readable bytes by the contract.
        let options = unsafe { options::read(options) }?;
        // SAFETY: as above.
        let listener = unsafe { listener::read(options.listener) }?;
        watch_forks();
        module::keep_loaded();
        // SAFETY: the options' pointers are NULL or valid by the contract.
        let opened = unsafe { config(&options, listener) }
            .and_then(Client::open)
            .and_then(start);
        let handle = opened.map_err(|error| {
            text = Some(error.to_string());
            error.code()
        })?;
        // SAFETY: as above.
        unsafe { client.write(handle) };
        Ok(())
    });
    if code != ADIEU_OK {
        let text = text.unwrap_or_else(|| status::text(code).to_string_lossy().into_owned());
        // SAFETY: NULL or `error_text_size` writable bytes by the contract.
        unsafe { write_error(&text, error_text, error_text_size) };
    }
    code
}

/// # Safety
/// Every pointer in `options` is NULL or valid as its comment says.
unsafe fn config(
    options: &adieu_client_options,
    listener: Option<adieu_listener>,
) -> Result<Config> {
    // SAFETY: NULL or NUL-terminated by the caller's contract.
    let required = |name, given| unsafe { text::copy(name, given) };
    // SAFETY: as above.
    let optional = |name, given| unsafe { text::copy_optional(name, given) };
    // First, so that its destructor runs whatever else is wrong.
    let listener = listener::listener(listener)?;
    let delivery = match options.delivery {
        ADIEU_DELIVER_ON_LIBRARY_THREAD => Mode::Thread,
        ADIEU_DELIVER_BY_POLL => Mode::Host(options.post.map(|post| {
            let data = HostPointer(options.post_data);
            let hook = move || {
                let data = data;
                no_lock_is_held();
                // SAFETY: a valid function pointer by the contract, called with its own data.
                unsafe { post(data.0) };
            };
            Box::new(hook) as Box<dyn Fn() + Send + Sync>
        })),
        other => {
            return Err(Error::Parameter(format!(
                "delivery is {other}; allowed: 0 (library thread), 1 (poll)"
            )));
        }
    };
    let master_key = if options.master_key.is_null() {
        None
    } else {
        // SAFETY: not NULL, and 32 readable bytes by the contract.
        let bytes = unsafe { std::slice::from_raw_parts(options.master_key, KEY_LEN) };
        let mut key = Zeroizing::new([0; KEY_LEN]);
        key.copy_from_slice(bytes);
        Some(key)
    };
    let live = match (options.live_sync, options.reserved) {
        (0, 0) => false,
        (1, 0) => true,
        (0 | 1, _) => return Err(Error::Parameter("reserved is not 0".to_owned())),
        (other, _) => {
            return Err(Error::Parameter(format!(
                "live_sync is {other}; allowed: 0 (when asked), 1 (by itself)"
            )));
        }
    };
    let server = match optional("server_url", options.server_url)? {
        None => None,
        Some(url) => Some(Server {
            url,
            ca_certificates: optional("ca_certificates", options.ca_certificates)?,
            app_id: options.sdk_app_id,
            device: optional("device_id", options.device_id)?,
            user_sig: Zeroizing::new(optional("user_sig", options.user_sig)?.unwrap_or_default()),
        }),
    };
    Ok(Config {
        folder: PathBuf::from(required("store_path", options.store_path)?),
        user: required("user_id", options.user_id)?,
        master_key,
        server,
        live,
        delivery,
        listener,
        map: mapping::map,
        step_back: priority::step_back,
    })
}

fn start(client: Arc<Client>) -> Result<*mut adieu_client> {
    let handle = handle::insert(client.clone())
        .ok_or_else(|| Error::Parameter("4,095 clients are open; no more are allowed".to_owned()));
    let handle = match handle {
        Ok(handle) => handle,
        Err(error) => {
            client.close_here();
            return Err(error);
        }
    };
    let number = handle as usize;
    if !client.delivery().by_host()
        && let Err(error) = client.start_delivering(move || handle::remove(number))
    {
        client.close_here();
        handle::remove(number);
        return Err(error);
    }
    Ok(handle)
}

/// # Safety
/// `to` is NULL or points to `size` writable bytes.
unsafe fn write_error(text: &str, to: *mut c_char, size: usize) {
    let Some(room) = size.checked_sub(1).filter(|_| !to.is_null()) else {
        return;
    };
    let mut end = text.len().min(room);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    // SAFETY: end <= size - 1, and `to` is writable for `size` bytes by the contract.
    unsafe {
        std::ptr::copy_nonoverlapping(text.as_ptr().cast::<c_char>(), to, end);
        to.add(end).write(0);
    }
}

/// Closes a client. Calls that are still open get their error callback with ADIEU_PENDING (a
/// deletion, which is written down and goes on at the next open) or ADIEU_ERR_CLOSED.
///
/// From outside a callback it returns 0 when the last callback has returned and the last thread
/// of the client is gone. Where the host delivers, it delivers what is left on this thread. The
/// network is interrupted; what can hold it up is a callback that does not return, or the
/// system's name resolver.
///
/// From a callback of this client (or its post hook) it returns ADIEU_PENDING at once and takes
/// effect when that callback returns. From a callback of another client it waits like any other
/// thread: two clients that close each other from their callbacks wait for ever. A second close
/// waits for the first. Afterwards the handle is stale.
///
/// Errors: ADIEU_ERR_INVALID_HANDLE, ADIEU_ERR_FORKED.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn adieu_client_close(client: *mut adieu_client) -> i32 {
    guard(|| {
        let number = client as usize;
        let client = handle::find(client)?;
        if !client.begin_close() {
            if client.is_here() {
                return Err(ADIEU_PENDING);
            }
            // Where the host delivers, the close under way may wait for just this thread.
            client.wait_closed(|| handle::remove(number));
            return Ok(());
        }
        if client.delivery().is_delivering_here() {
            client.close_after_callback();
            return Err(ADIEU_PENDING);
        }
        if client.is_here() {
            let last = Box::new(move || handle::remove(number));
            client.close_elsewhere(last).map_err(|error| error.code())?;
            return Err(ADIEU_PENDING);
        }
        client.close_here();
        handle::remove(number);
        Ok(())
    })
}

/// As adieu_client_close, without waiting: returns at once, and `on_closed(user_data)` is the last
/// callback of the client, delivered like all others. Where the host delivers, go on polling
/// until it comes. `on_closed` may be NULL.
///
/// Errors: ADIEU_ERR_INVALID_HANDLE, ADIEU_ERR_CLOSED (a close is under way already: on_closed
/// will not be called), ADIEU_ERR_FORKED.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn adieu_client_close_async(
    client: *mut adieu_client,
    on_closed: adieu_success_callback,
    user_data: *mut c_void,
) -> i32 {
    guard(|| {
        let number = client as usize;
        let client = handle::find(client)?;
        if !client.begin_close() {
            return Err(super::status::ADIEU_ERR_CLOSED);
        }
        let user_data = UserData::new(user_data, None);
        let last = move || {
            handle::remove(number);
            if let Some(on_closed) = on_closed {
                // SAFETY: a valid function pointer by the contract, with its own data.
                unsafe { on_closed(user_data.get()) };
            }
        };
        client
            .close_elsewhere(Box::new(last))
            .map_err(|error| error.code())
    })
}

/// With ADIEU_DELIVER_BY_POLL: runs the callbacks that wait, on this thread. Returns how many, 0
/// when there were none or when another thread is polling, or a negative code. Called from a
/// callback it does nothing and returns 0.
///
/// Errors: ADIEU_ERR_INVALID_HANDLE; ADIEU_ERR_INVALID_ARGUMENT for a client that delivers on a
/// library thread; ADIEU_ERR_FORKED.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn adieu_client_poll(client: *mut adieu_client) -> i32 {
    let mut delivered = 0;
    let code = guard(|| {
        let number = client as usize;
        let client = handle::find(client)?;
        if !client.delivery().by_host() {
            return Err(ADIEU_ERR_INVALID_ARGUMENT);
        }
        delivered = client.poll(|| handle::remove(number));
        Ok(())
    });
    if code < 0 {
        code
    } else {
        i32::try_from(delivered).unwrap_or(i32::MAX)
    }
}

/// Gives the client a UserSig, or a newer one, and asks the server again for every deletion whose
/// outcome is not known. The server checks it at the next request. NULL or "" signs out: calls
/// that need the server then fail with ADIEU_ERR_NOT_SIGNED_IN.
///
/// Errors: ADIEU_ERR_INVALID_HANDLE; ADIEU_ERR_INVALID_PARAMETER for what is not UTF-8, or a
/// client without a server; ADIEU_ERR_FORKED.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn adieu_sign_in(client: *mut adieu_client, user_sig: *const c_char) -> i32 {
    guard(|| {
        let client = handle::find(client)?;
        // SAFETY: NULL or NUL-terminated by the contract.
        let user_sig =
            unsafe { text::copy_optional("user_sig", user_sig) }.map_err(|error| error.code())?;
        let user_sig = Zeroizing::new(user_sig.unwrap_or_default());
        client.sign_in(&user_sig).map_err(|error| error.code())
    })
}

/// Pulls from the server every conversation and message that this device lacks, and erases what
/// the server says this device must not have any more. Answers when all of it is stored.
///
/// Returns 0, and exactly one of the callbacks follows; or a negative code, and none does:
/// ADIEU_ERR_INVALID_HANDLE, ADIEU_ERR_INVALID_ARGUMENT (a callback is NULL), ADIEU_ERR_CLOSED,
/// ADIEU_ERR_FORKED.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn adieu_pull(
    client: *mut adieu_client,
    on_success: adieu_success_callback,
    on_error: adieu_error_callback,
    user_data: *mut c_void,
) -> i32 {
    guard(|| {
        let client = handle::find(client)?;
        let (Some(on_success), Some(on_error)) = (on_success, on_error) else {
            return Err(ADIEU_ERR_INVALID_ARGUMENT);
        };
        let reply = reply(
            client.delivery().clone(),
            UserData::new(user_data, None),
            on_error,
            move |(), user_data| {
                // SAFETY: a valid function pointer by the contract, with its own data.
                unsafe { on_success(user_data) };
            },
        );
        client.pull(reply).map_err(|error| error.code())
    })
}
