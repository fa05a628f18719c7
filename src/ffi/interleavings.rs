//! Whole clients, through the C interface, with the steps of their threads and of the host's in every
//! order that shuttle tries; see `src/interleavings.rs`.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail the test")]

use std::ffi::{CString, c_char, c_void};
use std::ptr::{null, null_mut};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};

use super::client::*;
use super::deletion::{adieu_delete_conversation_with_options, adieu_delete_options};
use super::message::{adieu_new_message, adieu_save_messages};
use super::status::*;
use super::{adieu_client, batch};
use crate::interleavings::explore;
use crate::primitives::thread;

/// How a client ends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    /// Two threads close it.
    TwoClose,
    /// A callback closes it.
    InCallback,
    /// Closed without waiting.
    WithoutWaiting,
}

/// One life of a client.
#[derive(Clone, Copy)]
struct Story {
    end: End,
    by_poll: bool,
    /// With a server that does not answer.
    asks: bool,
}

/// What happened in it.
#[derive(Default)]
struct Life {
    /// The handle's number.
    handle: AtomicUsize,
    /// A callback is under way.
    inside: AtomicBool,
    /// No callback comes any more.
    over: AtomicBool,
    /// The first callback closes the client.
    closes: AtomicBool,
    calls: Mutex<Vec<Arc<Call>>>,
    /// A panic in a callback would be an abort.
    complaints: Mutex<Vec<&'static str>>,
}

/// One call; its address is its `user_data`.
struct Call {
    life: Arc<Life>,
    accepted: AtomicBool,
    answers: AtomicUsize,
    destroyed: AtomicUsize,
}

impl Life {
    fn client(&self) -> *mut adieu_client {
        self.handle.load(SeqCst) as *mut adieu_client
    }

    fn complain(&self, complaint: &'static str) {
        self.complaints.lock().unwrap().push(complaint);
    }

    fn in_callback(&self) {
        if self.inside.swap(true, SeqCst) {
            self.complain("two callbacks at once");
        }
        if self.over.load(SeqCst) {
            self.complain("a callback after the close");
        }
        thread::yield_now();
        if self.closes.swap(false, SeqCst) {
            // SAFETY: handles are looked up.
            let code = unsafe { adieu_client_close(self.client()) };
            if code != ADIEU_PENDING {
                self.complain("a close in a callback did not wait for its return");
            }
        }
        self.inside.store(false, SeqCst);
    }

    /// A call, before it is made.
    fn call(self: &Arc<Self>) -> *mut c_void {
        let call = Arc::new(Call {
            life: self.clone(),
            accepted: AtomicBool::new(false),
            answers: AtomicUsize::new(0),
            destroyed: AtomicUsize::new(0),
        });
        let pointer = Arc::as_ptr(&call).cast_mut();
        self.calls.lock().unwrap().push(call);
        pointer.cast()
    }
}

/// # Safety
/// `user_data` is a call of a life that is not dropped yet.
unsafe fn call<'a>(user_data: *mut c_void) -> &'a Call {
    // SAFETY: by the contract.
    unsafe { &*user_data.cast() }
}

unsafe extern "C" fn on_success(user_data: *mut c_void) {
    // SAFETY: what the call was given.
    let call = unsafe { call(user_data) };
    call.answers.fetch_add(1, SeqCst);
    call.life.in_callback();
}

unsafe extern "C" fn on_error(user_data: *mut c_void, _: i32, _: *const c_char) {
    // SAFETY: the same contract.
    unsafe { on_success(user_data) };
}

unsafe extern "C" fn on_results(
    user_data: *mut c_void,
    _: *const *const batch::adieu_deletion_result,
    _: usize,
) {
    // SAFETY: the same contract.
    unsafe { on_success(user_data) };
}

unsafe extern "C" fn on_destroy(user_data: *mut c_void) {
    // SAFETY: what the call was given.
    let call = unsafe { call(user_data) };
    call.destroyed.fetch_add(1, SeqCst);
    thread::yield_now();
}

unsafe extern "C" fn on_closed(user_data: *mut c_void) {
    // SAFETY: what the call was given.
    let call = unsafe { call(user_data) };
    call.answers.fetch_add(1, SeqCst);
    call.life.in_callback();
    call.life.over.store(true, SeqCst);
}

/// A host that is asked to poll has its own ways of waking its loop: here, it polls all the time.
unsafe extern "C" fn on_post(_: *mut c_void) {
    thread::yield_now();
}

fn open(story: Story, folder: &std::path::Path) -> Arc<Life> {
    let path = CString::new(folder.to_str().unwrap()).unwrap();
    let options = adieu_client_options {
        struct_size: size_of::<adieu_client_options>() as u32,
        delivery: u32::from(story.by_poll),
        store_path: path.as_ptr(),
        user_id: c"alice".as_ptr(),
        master_key: [7; 32].as_ptr(),
        server_url: if story.asks {
            c"http://127.0.0.1:1".as_ptr()
        } else {
            null()
        },
        sdk_app_id: 1_400_000_000,
        device_id: c"phone".as_ptr(),
        user_sig: c"eJw-not-looked-at".as_ptr(),
        post: story.by_poll.then_some(on_post as _),
        post_data: null_mut(),
        listener: null(),
        live_sync: 0,
        reserved: 0,
        ca_certificates: null(),
    };
    let mut client = null_mut();
    // SAFETY: every pointer is NULL or valid.
    let code = unsafe { adieu_client_open(&options, &mut client, null_mut(), 0) };
    assert_eq!(code, ADIEU_OK);
    let life = Arc::new(Life::default());
    life.handle.store(client as usize, SeqCst);
    life.closes.store(story.end == End::InCallback, SeqCst);
    life
}

/// Saves, deletes with a destructor, and deletes several.
fn make_calls(life: &Arc<Life>) {
    let (client, done, failed) = (life.client(), Some(on_success as _), Some(on_error as _));
    let message = adieu_new_message {
        struct_size: size_of::<adieu_new_message>() as u32,
        reserved: 0,
        position: 1,
        time: 1_700_000_000,
        sender: c"bob".as_ptr(),
        body: c"see you at the lake".as_ptr(),
    };
    let options = adieu_delete_options {
        struct_size: size_of::<adieu_delete_options>() as u32,
        timeout_ms: 0,
        user_data_destructor: Some(on_destroy),
        deletion_id: null_mut(),
        policy: 0,
        keep_history: 0,
        undo_ms: 0,
        reserved: 0,
    };
    let ids = [c"c2c_bob".as_ptr(), c"nothing".as_ptr()];
    for number in 0..3 {
        let data = life.call();
        let code = match number {
            // SAFETY: handles are looked up, the rest is valid, and calls outlive the client.
            0 => unsafe { adieu_save_messages(client, ids[0], &message, 1, done, failed, data) },
            // SAFETY: the same.
            1 => unsafe {
                adieu_delete_conversation_with_options(client, ids[0], &options, done, failed, data)
            },
            // SAFETY: the same.
            _ => unsafe {
                let (ids, count, results) = (ids.as_ptr(), ids.len(), Some(on_results as _));
                batch::adieu_delete_conversations(
                    client, ids, count, &options, results, failed, data,
                )
            },
        };
        // SAFETY: as above.
        let call = unsafe { call(data) };
        call.accepted.store(code == ADIEU_OK, SeqCst);
        if ![ADIEU_OK, ADIEU_ERR_CLOSED, ADIEU_ERR_INVALID_HANDLE].contains(&code) {
            life.complain("a call was refused for another reason than the close");
        }
        if number == 0 {
            // No destructor was given for it.
            call.destroyed.store(1, SeqCst);
        }
    }
}

/// Waits until the handle is stale, delivering where the host has to.
fn wait_until_gone(life: &Life) {
    loop {
        // SAFETY: handles are looked up.
        if unsafe { adieu_client_poll(life.client()) } == ADIEU_ERR_INVALID_HANDLE {
            return;
        }
        thread::yield_now();
    }
}

fn close(life: &Life) {
    // SAFETY: handles are looked up.
    let code = unsafe { adieu_client_close(life.client()) };
    match code {
        ADIEU_OK => life.over.store(true, SeqCst),
        // The other one was before.
        ADIEU_ERR_INVALID_HANDLE => {}
        _ => life.complain("a close from outside did not wait"),
    }
}

fn live(story: Story) {
    let place = if std::path::Path::new("/dev/shm").is_dir() {
        "/dev/shm".into()
    } else {
        std::env::temp_dir()
    };
    let folder = tempfile::tempdir_in(place).unwrap();
    let life = open(story, folder.path());
    let mut threads = Vec::new();
    let mut start = |work: fn(&Arc<Life>)| {
        let life = life.clone();
        threads.push(thread::spawn(move || work(&life)));
    };
    start(make_calls);
    start(make_calls);
    if story.by_poll {
        start(|life| wait_until_gone(life));
    }
    match story.end {
        End::TwoClose => {
            start(|life| close(life));
            close(&life);
        }
        End::InCallback => wait_until_gone(&life),
        End::WithoutWaiting => {
            let data = life.call();
            // SAFETY: handles are looked up; calls outlive the client.
            let code = unsafe { adieu_client_close_async(life.client(), Some(on_closed), data) };
            assert_eq!(code, ADIEU_OK);
            // SAFETY: as above.
            let call = unsafe { call(data) };
            call.accepted.store(true, SeqCst);
            call.destroyed.store(1, SeqCst);
            wait_until_gone(&life);
        }
    }
    // Whoever was told that it is closed can open it again.
    let lock = std::fs::File::open(folder.path().join("lock")).unwrap();
    assert!(
        lock.try_lock().is_ok(),
        "closed, and the folder is not free"
    );
    drop(lock);
    for thread in threads {
        thread.join().unwrap();
    }
    wait_until_gone(&life);
    // Closed already: only the last callback may still have to return.
    while life.inside.load(SeqCst) {
        thread::yield_now();
    }
    assert_eq!(*life.complaints.lock().unwrap(), [""; 0]);
    let calls = std::mem::take(&mut *life.calls.lock().unwrap());
    for (number, call) in calls.iter().enumerate() {
        let accepted = usize::from(call.accepted.load(SeqCst));
        assert_eq!(
            call.answers.load(SeqCst),
            accepted,
            "answers of call {number}"
        );
        assert_eq!(
            call.destroyed.load(SeqCst),
            1,
            "destructors of call {number}"
        );
    }
}

fn lives(orders: usize, end: End, by_poll: bool, asks: bool) {
    explore(orders, move || live(Story { end, by_poll, asks }));
}

// CALL-3, CALL-4, CALL-5, ABI-5: each accepted call has one callback, none comes when close has
// returned, none beside another, and each destructor runs once, however the steps fall.
#[test]
fn two_close_while_others_call() {
    lives(400, End::TwoClose, false, false);
}

#[test]
fn two_close_where_the_host_polls() {
    lives(400, End::TwoClose, true, false);
}

#[test]
fn a_callback_closes_while_others_call() {
    lives(400, End::InCallback, false, false);
}

#[test]
fn a_callback_closes_where_the_host_polls() {
    lives(400, End::InCallback, true, false);
}

#[test]
fn closed_without_waiting_while_others_call() {
    lives(400, End::WithoutWaiting, false, false);
}

#[test]
fn closed_without_waiting_where_the_host_polls() {
    lives(400, End::WithoutWaiting, true, false);
}

#[test]
fn two_close_while_the_server_is_asked() {
    lives(400, End::TwoClose, false, true);
}
