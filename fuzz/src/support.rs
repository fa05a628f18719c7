//! A client that is driven through the C interface, with callbacks that come when it is polled.

#![allow(
    dead_code,
    unused_imports,
    reason = "not every target drives all of it"
)]

use std::ffi::{CStr, CString, c_char, c_void};
use std::path::Path;
use std::ptr::{null, null_mut};
use std::time::{Duration, Instant};

pub use adieu::ffi::{
    batch::*, callback::*, change::*, client::*, conversation::*, deletion::*, message::*,
    pending::*, status::*, verify::*,
};

/// Nothing takes longer, even where other fuzzers have most of the machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A folder in memory where the system has one: flushing to a disk is not what is looked at.
pub fn folder() -> tempfile::TempDir {
    let place = Path::new("/dev/shm");
    let place = if place.is_dir() {
        place.to_owned()
    } else {
        std::env::temp_dir()
    };
    let made = tempfile::Builder::new()
        .prefix("adieu-fuzz-")
        .tempdir_in(place);
    made.expect("a temporary folder can be made")
}

/// An open client, and how many of its calls have not answered.
pub struct Client {
    handle: *mut adieu_client,
    outcome: Box<Outcome>,
}

#[derive(Default)]
pub struct Outcome {
    accepted: usize,
    answered: usize,
    /// Of the newest answer.
    pub code: i32,
}

impl Client {
    /// Opens; an error is the code.
    pub fn open(folder: &Path, url: Option<&str>) -> Result<Self, i32> {
        let path = CString::new(folder.to_str().expect("folders have names in UTF-8"));
        let path = path.expect("folders have names without zeros");
        let url = url.map(|url| CString::new(url).expect("URLs have no zeros"));
        let options = adieu_client_options {
            struct_size: size_of::<adieu_client_options>() as u32,
            delivery: ADIEU_DELIVER_BY_POLL,
            store_path: path.as_ptr(),
            user_id: c"alice".as_ptr(),
            master_key: [7; 32].as_ptr(),
            server_url: url.as_ref().map_or(null(), |url| url.as_ptr()),
            sdk_app_id: 1_400_000_000,
            device_id: c"phone".as_ptr(),
            user_sig: c"eJw-not-looked-at".as_ptr(),
            post: None,
            post_data: null_mut(),
            listener: null(),
            live_sync: 0,
            reserved: 0,
            ca_certificates: null(),
        };
        Self::with(&options)
    }

    /// Opens with these options, whose pointers are NULL or valid for the call.
    pub fn with(options: &adieu_client_options) -> Result<Self, i32> {
        let mut handle = null_mut();
        let mut why: [c_char; 200] = [0; 200];
        // SAFETY: every pointer in the options is NULL or valid for the call.
        let code = unsafe { adieu_client_open(options, &mut handle, why.as_mut_ptr(), why.len()) };
        known(code);
        if code != ADIEU_OK {
            // SAFETY: the error text is always terminated.
            let why = unsafe { CStr::from_ptr(why.as_ptr()) };
            assert!(!why.is_empty(), "an error without a text");
            return Err(code);
        }
        Ok(Self {
            handle,
            outcome: Box::default(),
        })
    }

    /// The handle, and what calls get as `user_data`.
    pub fn parts(&mut self) -> (*mut adieu_client, *mut c_void) {
        let data: *mut Outcome = &mut *self.outcome;
        (self.handle, data.cast())
    }

    /// A function that answers at once.
    pub fn told(&self, code: i32) {
        known(code);
    }

    /// Takes note of what a call returned.
    pub fn called(&mut self, code: i32) {
        known(code);
        assert!(code <= 0, "a refused call has a negative code");
        self.outcome.accepted += usize::from(code == ADIEU_OK);
    }

    /// Delivers until every call has answered.
    pub fn settle(&mut self) -> i32 {
        let begun = Instant::now();
        while self.outcome.answered < self.outcome.accepted {
            // SAFETY: handles are looked up.
            let polled = unsafe { adieu_client_poll(self.handle) };
            assert!(polled >= 0);
            if polled == 0 {
                assert!(begun.elapsed() < PATIENCE, "a call has not answered");
                std::thread::sleep(Duration::from_micros(50));
            }
        }
        self.outcome.code
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        // SAFETY: handles are looked up.
        let closed = unsafe { adieu_client_close(self.handle) };
        assert_eq!(closed, ADIEU_OK);
        assert_eq!(
            self.outcome.answered, self.outcome.accepted,
            "each accepted call answers once"
        );
    }
}

/// A panic is a bug, whoever caught it.
fn known(code: i32) {
    assert_ne!(code, ADIEU_ERR_PANIC);
}

fn answered(user_data: *mut c_void, code: i32) {
    known(code);
    // SAFETY: `user_data` is the outcome of a client that is not closed yet, and only the thread
    // that polls or closes is here.
    let outcome = unsafe { &mut *user_data.cast::<Outcome>() };
    outcome.answered += 1;
    outcome.code = code;
}

pub unsafe extern "C" fn on_success(user_data: *mut c_void) {
    answered(user_data, ADIEU_OK);
}

pub unsafe extern "C" fn on_error(user_data: *mut c_void, code: i32, desc: *const c_char) {
    // SAFETY: a text, by the contract.
    let desc = unsafe { CStr::from_ptr(desc) };
    assert!(code != ADIEU_OK && desc.to_str().is_ok_and(|desc| !desc.is_empty()));
    answered(user_data, code);
}

pub unsafe extern "C" fn on_conversations(
    user_data: *mut c_void,
    list: *const *const adieu_conversation,
    count: usize,
) {
    for at in 0..count {
        // SAFETY: `count` lines with texts, by the contract.
        let id = unsafe { CStr::from_ptr((**list.add(at)).conversation_id) };
        assert!(!id.is_empty());
    }
    answered(user_data, ADIEU_OK);
}

pub unsafe extern "C" fn on_messages(
    user_data: *mut c_void,
    messages: *const *const adieu_message,
    count: usize,
) {
    for at in 0..count {
        // SAFETY: `count` messages with texts, by the contract.
        let texts = unsafe {
            let message = &**messages.add(at);
            [message.sender, message.body, message.text].map(|text| CStr::from_ptr(text))
        };
        assert!(texts.iter().all(|text| text.to_str().is_ok()));
    }
    answered(user_data, ADIEU_OK);
}

pub unsafe extern "C" fn on_pending(
    user_data: *mut c_void,
    _pending: *const *const adieu_pending_deletion,
    _count: usize,
) {
    answered(user_data, ADIEU_OK);
}

pub unsafe extern "C" fn on_results(
    user_data: *mut c_void,
    _results: *const *const adieu_deletion_result,
    _count: usize,
) {
    answered(user_data, ADIEU_OK);
}

pub unsafe extern "C" fn on_verification(
    user_data: *mut c_void,
    _verification: *const adieu_verification,
) {
    answered(user_data, ADIEU_OK);
}
