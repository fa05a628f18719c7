//! How clients are opened, and conversations deleted, with everything that a host can choose.

use std::ffi::{CString, c_char};
use std::path::{Path, PathBuf};
use std::ptr;
use std::sync::Arc;

use super::abi::{
    self, Data, DeletionId, Handle, OnSuccess, RawClientOptions, RawDeleteOptions, abi,
};
use super::call;
use super::client::Client;
use super::listener::Listener;

/// How a client is opened.
#[derive(Clone)]
pub struct Options {
    pub path: PathBuf,
    pub user: String,
    pub master_key: Option<[u8; 32]>,
    pub server: Option<String>,
    pub authorities: Option<String>,
    pub app_id: u64,
    pub device: Option<String>,
    pub user_sig: Option<String>,
    pub delivery: u32,
    pub post: OnSuccess,
    pub post_data: usize,
    pub listener: Option<Arc<Listener>>,
    pub live: bool,
}

impl Options {
    /// A client without a server.
    pub fn local(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            user: "alice".to_owned(),
            master_key: None,
            server: None,
            authorities: None,
            app_id: 0,
            device: None,
            user_sig: None,
            delivery: 0,
            post: None,
            post_data: 0,
            listener: None,
            live: false,
        }
    }

    /// A client of a server.
    pub fn remote(path: &Path, url: &str, user_sig: &str) -> Self {
        Self {
            server: Some(url.to_owned()),
            app_id: super::server::APP_ID,
            user_sig: Some(user_sig.to_owned()),
            ..Self::local(path)
        }
    }

    /// Opens, and says code and text where that fails.
    pub fn try_open(&self) -> Result<Client, (i32, String)> {
        let text = |given: &str| CString::new(given).unwrap();
        let path = text(self.path.to_str().unwrap());
        let user = text(&self.user);
        let server = self.server.as_deref().map(text);
        let authorities = self.authorities.as_deref().map(text);
        let device = self.device.as_deref().map(text);
        let user_sig = self.user_sig.as_deref().map(text);
        let optional =
            |given: &Option<CString>| given.as_ref().map_or(ptr::null(), |text| text.as_ptr());
        let listener = self.listener.as_ref().map(Listener::raw);
        let options = RawClientOptions {
            struct_size: size_of::<RawClientOptions>() as u32,
            delivery: self.delivery,
            store_path: path.as_ptr(),
            user_id: user.as_ptr(),
            master_key: self
                .master_key
                .as_ref()
                .map_or(ptr::null(), |key| key.as_ptr()),
            server_url: optional(&server),
            sdk_app_id: self.app_id,
            device_id: optional(&device),
            user_sig: optional(&user_sig),
            post: self.post,
            post_data: self.post_data as Data,
            listener: listener.as_ref().map_or(ptr::null(), ptr::from_ref),
            live_sync: u32::from(self.live),
            reserved: 0,
            ca_certificates: optional(&authorities),
        };
        open_raw(&options).map(Client::of)
    }

    #[track_caller]
    pub fn open(&self) -> Client {
        match self.try_open() {
            Ok(client) => client,
            Err((code, text)) => panic!("open failed: {code} {text}"),
        }
    }
}

/// How a conversation is deleted.
#[derive(Clone, Copy, Debug, Default)]
pub struct DeleteOptions {
    pub timeout_ms: u32,
    pub policy: u32,
    pub keep_history: bool,
    pub undo_ms: u32,
}

impl DeleteOptions {
    pub fn queue() -> Self {
        Self {
            policy: abi::QUEUE,
            ..Self::default()
        }
    }

    pub fn undo(undo_ms: u32) -> Self {
        Self {
            undo_ms,
            ..Self::default()
        }
    }

    pub fn raw(&self, deletion: &mut DeletionId) -> RawDeleteOptions {
        RawDeleteOptions {
            struct_size: size_of::<RawDeleteOptions>() as u32,
            timeout_ms: self.timeout_ms,
            user_data_destructor: Some(call::destroy),
            deletion_id: deletion,
            policy: self.policy,
            keep_history: u32::from(self.keep_history),
            undo_ms: self.undo_ms,
            reserved: 0,
        }
    }
}

/// Opens with options as they are; checks what the header says of a failed open.
pub fn open_raw(options: *const RawClientOptions) -> Result<usize, (i32, String)> {
    let mut handle: Handle = ptr::dangling_mut::<u64>().cast();
    let mut why = [0x7f_u8; 512];
    // SAFETY: valid pointers, and the true size of the buffer.
    let code = unsafe {
        (abi().open)(
            options,
            &raw mut handle,
            why.as_mut_ptr().cast::<c_char>(),
            why.len(),
        )
    };
    if code == abi::OK {
        assert!(!handle.is_null(), "an open client has a handle");
        return Ok(handle as usize);
    }
    assert!(handle.is_null(), "a failed open leaves no handle");
    let end = why.iter().position(|byte| *byte == 0);
    let end = end.expect("the text of a failed open is always terminated");
    let text = std::str::from_utf8(&why[..end]).expect("it is UTF-8");
    Err((code, text.to_owned()))
}
