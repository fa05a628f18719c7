//! The boundary: handles, struct sizes, panics, closing, forking.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests fail the test"
)]

mod support;

use std::ffi::{CStr, c_char};
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, AtomicUsize, Ordering};
use std::time::Duration;

use support::abi::{
    self, Data, DeletionId, Handle, RawClientOptions, RawDeleteOptions, RawNewMessage, RawReceipt,
    abi,
};
use support::call::{
    Call, destroy, on_conversations, on_error, on_messages, on_success, on_verification,
};
use support::client::{close, delete, open_raw};
use support::{Answer, Client, FakeServer, Options, Outcome, Server, child, eventually};
use tempfile::TempDir;

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

/// Calls every function that takes a handle; all arguments but the handle are good.
fn everything(handle: Handle, call: &Arc<Call>) -> Vec<(&'static str, i32)> {
    let id = c"c2c_bob".as_ptr();
    let message = RawNewMessage {
        struct_size: size_of::<RawNewMessage>() as u32,
        reserved: 0,
        position: 1,
        time: 1,
        sender: c"bob".as_ptr(),
        body: c"hello".as_ptr(),
    };
    let text = [c"a long enough text".as_ptr()];
    let mut total = 0;
    let deletion = DeletionId::default();
    let mut receipt = RawReceipt {
        struct_size: size_of::<RawReceipt>() as u32,
        ..RawReceipt::default()
    };
    let data = || call.data();
    // SAFETY: all pointers are valid during the calls, and any handle is.
    unsafe {
        vec![
            ("sign_in", (abi().sign_in)(handle, c"sig".as_ptr())),
            ("poll", (abi().poll)(handle)),
            (
                "pull",
                (abi().pull)(handle, Some(on_success), Some(on_error), data()),
            ),
            (
                "list",
                (abi().list)(handle, Some(on_conversations), Some(on_error), data()),
            ),
            ("total_unread", (abi().total_unread)(handle, &raw mut total)),
            (
                "delete",
                (abi().delete)(handle, id, Some(on_success), Some(on_error), data()),
            ),
            (
                "delete_with",
                (abi().delete_with)(
                    handle,
                    id,
                    ptr::null(),
                    Some(on_success),
                    Some(on_error),
                    data(),
                ),
            ),
            (
                "receipt",
                (abi().receipt)(handle, &raw const deletion, &raw mut receipt),
            ),
            (
                "history",
                (abi().history)(handle, id, 0, 1, Some(on_messages), Some(on_error), data()),
            ),
            (
                "save",
                (abi().save)(
                    handle,
                    id,
                    &raw const message,
                    1,
                    Some(on_success),
                    Some(on_error),
                    data(),
                ),
            ),
            (
                "verify",
                (abi().verify)(
                    handle,
                    id,
                    text.as_ptr(),
                    1,
                    Some(on_verification),
                    Some(on_error),
                    data(),
                ),
            ),
            (
                "close_async",
                (abi().close_async)(handle, Some(on_success), data()),
            ),
            ("close", (abi().close)(handle)),
        ]
    }
}

/// ABI-1: NULL, numbers of nobody, pointers to real memory, and handles after close are refused by
/// every function, and no callback comes.
#[test]
fn handles_of_nobody_are_refused() {
    let folder = folder();
    let client = Client::local(folder.path());
    let stale = client.handle();
    client.close();
    let here = 0_u64;
    let foreign = [
        ptr::null_mut(),
        stale,
        ptr::without_provenance_mut(1),
        ptr::without_provenance_mut(usize::MAX),
        ptr::without_provenance_mut(0xdead_beef_0000),
        ptr::without_provenance_mut(0xfff),
        ptr::from_ref(&here).cast_mut().cast(),
        // Another life of the same place.
        ptr::without_provenance_mut(stale as usize + 0x1000),
    ];
    let again = Client::local(folder.path());
    assert_ne!(again.handle(), stale, "a handle came twice");
    let call = again.call();
    for handle in foreign
        .into_iter()
        .filter(|handle| *handle != again.handle())
    {
        for (function, code) in everything(handle, &call) {
            assert_eq!(code, abi::INVALID_HANDLE, "{function} of {handle:?}");
        }
    }
    // The stale ones have not touched the living one.
    assert_eq!(again.delete("c2c_bob"), Outcome::Success);
    assert_eq!(again.close(), abi::OK);
    assert!(call.events().is_empty());
}

/// ABI-1: many handles over many lives never come twice.
#[test]
fn handles_are_not_used_again() {
    let folder = folder();
    let mut seen = std::collections::HashSet::new();
    for _ in 0..30 {
        let client = Client::local(folder.path());
        assert!(seen.insert(client.handle() as usize), "a handle came twice");
        client.close();
    }
}

#[repr(C)]
struct Later<T> {
    known: T,
    newer: [u8; 24],
}

fn client_options(path: &CStr) -> RawClientOptions {
    RawClientOptions {
        struct_size: size_of::<RawClientOptions>() as u32,
        delivery: 0,
        store_path: path.as_ptr(),
        user_id: c"alice".as_ptr(),
        master_key: ptr::null(),
        server_url: ptr::null(),
        sdk_app_id: 0,
        device_id: ptr::null(),
        user_sig: ptr::null(),
        post: None,
        post_data: ptr::null_mut(),
        listener: ptr::null(),
        live_sync: 0,
        reserved: 0,
        ca_certificates: ptr::null(),
    }
}

/// ABI-2: options of a size that no release had are refused, a newer caller's are taken as long as
/// it leaves the new fields alone. The text of a refused open is terminated, too.
#[test]
fn sizes_of_client_options() {
    let folder = folder();
    let path = std::ffi::CString::new(folder.path().to_str().unwrap()).unwrap();
    let full = size_of::<RawClientOptions>() as u32;
    let first = std::mem::offset_of!(RawClientOptions, listener) as u32;
    for size in [0, 4, 8, first - 8, first - 1, full - 4, full - 1] {
        let options = RawClientOptions {
            struct_size: size,
            ..client_options(&path)
        };
        let (code, text) = open_raw(&raw const options).unwrap_err();
        assert_eq!(code, abi::ABI, "{size}");
        assert!(!text.is_empty(), "the text of the error is written");
    }
    let mut later = Later {
        known: client_options(&path),
        newer: [0; 24],
    };
    later.known.struct_size = full + 24;
    later.newer[23] = 1;
    assert_eq!(open_raw((&raw const later).cast()).unwrap_err().0, abi::ABI);
    assert!(
        std::fs::read_dir(folder.path()).unwrap().next().is_none(),
        "a refused open made files"
    );
    later.newer[23] = 0;
    let client = Client::of(open_raw((&raw const later).cast()).unwrap());
    assert!(client.list().is_empty());
}

/// ABI-2: NULL where it may not be is refused, and the text says so.
#[test]
fn opening_with_null() {
    let (code, text) = open_raw(ptr::null()).unwrap_err();
    assert_eq!(code, abi::INVALID_ARGUMENT);
    assert!(!text.is_empty(), "the text of the error is written");
    // SAFETY: NULL for the handle and the text is what is tested.
    let code = unsafe { (abi().open)(ptr::null(), ptr::null_mut(), ptr::null_mut(), 0) };
    assert_eq!(code, abi::INVALID_ARGUMENT);
    let options = RawClientOptions {
        store_path: ptr::null(),
        ..client_options(c"")
    };
    let (code, text) = open_raw(&raw const options).unwrap_err();
    assert!(
        [abi::INVALID_PARAMETER, abi::INVALID_ARGUMENT].contains(&code),
        "{code}"
    );
    assert!(text.contains("store_path"), "{text}");
}

/// ABI-2: the text of an error is cut to the room that there is, and always terminated.
#[test]
fn the_error_text_is_cut_and_terminated() {
    let options = client_options(c"/no/such/folder/\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac");
    let mut handle: Handle = ptr::null_mut();
    for size in 0..80_usize {
        let mut room = [0x7f_u8; 96];
        // SAFETY: `size` bytes are there.
        let code = unsafe {
            (abi().open)(
                &raw const options,
                &raw mut handle,
                room.as_mut_ptr().cast::<c_char>(),
                size,
            )
        };
        assert_eq!(code, abi::STORE_PATH);
        assert!(
            room[size..].iter().all(|byte| *byte == 0x7f),
            "written past the end at {size}"
        );
        if size > 0 {
            let end = room[..size].iter().position(|byte| *byte == 0).unwrap();
            std::str::from_utf8(&room[..end]).unwrap();
        }
    }
    // SAFETY: a NULL text is allowed.
    let code = unsafe { (abi().open)(&raw const options, &raw mut handle, ptr::null_mut(), 99) };
    assert_eq!(code, abi::STORE_PATH);
}

/// ABI-2: as above for the options of a deletion; where they can be read at all, the destructor
/// has run.
#[test]
fn sizes_of_delete_options() {
    let folder = folder();
    let client = Client::local(folder.path());
    client.save_texts("c2c_bob", &["hello"]);
    let full = size_of::<RawDeleteOptions>() as u32;
    let first = std::mem::offset_of!(RawDeleteOptions, policy) as u32;
    let options = |struct_size| RawDeleteOptions {
        struct_size,
        timeout_ms: 0,
        user_data_destructor: Some(destroy),
        deletion_id: ptr::null_mut(),
        policy: 0,
        keep_history: 0,
        undo_ms: 0,
        reserved: 0,
    };
    let begin = |options: *const RawDeleteOptions, call: &Arc<Call>| {
        // SAFETY: as many bytes are there as struct_size says.
        unsafe {
            (abi().delete_with)(
                client.handle(),
                c"c2c_bob".as_ptr(),
                options,
                Some(on_success),
                Some(on_error),
                call.data(),
            )
        }
    };
    for size in [0, 4, first - 1, first + 2, full - 2] {
        let call = client.call();
        assert_eq!(
            begin(ptr::from_ref(&options(size)), &call),
            abi::ABI,
            "{size}"
        );
        assert_eq!((call.events().len(), call.destroyed()), (0, 0));
    }
    let mut later = Later {
        known: options(full + 24),
        newer: [0; 24],
    };
    // An older caller ends before what came later: nothing there is read.
    let older = RawDeleteOptions {
        policy: u32::MAX,
        reserved: u32::MAX,
        ..options(first)
    };
    let call = client.call();
    assert_eq!(begin(&raw const older, &call), abi::OK);
    assert_eq!(call.wait(), Outcome::Success);
    client.save("c2c_bob", &[(9, "bob", "hello again")]);
    later.newer[0] = 7;
    assert_eq!(begin((&raw const later).cast(), &client.call()), abi::ABI);
    assert_eq!(client.list().len(), 1);
    later.newer[0] = 0;
    let call = client.call();
    assert_eq!(begin((&raw const later).cast(), &call), abi::OK);
    assert_eq!(call.wait(), Outcome::Success);
}

/// ABI-2: as above for messages and receipts; a newer caller's array has wider strides.
#[test]
fn sizes_of_messages_and_receipts() {
    let folder = folder();
    let client = Client::local(folder.path());
    let message = |struct_size, position| RawNewMessage {
        struct_size,
        reserved: 0,
        position,
        time: 1,
        sender: c"bob".as_ptr(),
        body: c"hello".as_ptr(),
    };
    let full = size_of::<RawNewMessage>() as u32;
    let save = |messages: *const RawNewMessage, count, call: &Arc<Call>| {
        // SAFETY: `count` structs of the size that the first one says.
        unsafe {
            (abi().save)(
                client.handle(),
                c"c2c_bob".as_ptr(),
                messages,
                count,
                Some(on_success),
                Some(on_error),
                call.data(),
            )
        }
    };
    let refused = client.call();
    assert_eq!(save(ptr::from_ref(&message(0, 1)), 1, &refused), abi::ABI);
    assert_eq!(
        save(ptr::from_ref(&message(full - 1, 1)), 1, &refused),
        abi::ABI
    );
    let later = [1, 2, 3].map(|position| Later {
        known: message(full + 24, position),
        newer: [0; 24],
    });
    let call = client.call();
    assert_eq!(save(later.as_ptr().cast(), 3, &call), abi::OK);
    assert_eq!(call.wait(), Outcome::Success);
    assert_eq!(client.history("c2c_bob").len(), 3);

    let (_, deletion) = client.delete_within("c2c_bob", 0);
    let mut receipt = RawReceipt::default();
    // SAFETY: valid pointers.
    let code = unsafe { (abi().receipt)(client.handle(), &raw const deletion, &raw mut receipt) };
    assert_eq!((code, receipt.cut_off), (abi::ABI, 0));
    let mut later = Later {
        known: RawReceipt {
            struct_size: size_of::<RawReceipt>() as u32 + 24,
            ..RawReceipt::default()
        },
        newer: [9; 24],
    };
    // SAFETY: valid pointers, as many bytes as struct_size says.
    let code = unsafe {
        (abi().receipt)(
            client.handle(),
            &raw const deletion,
            (&raw mut later).cast(),
        )
    };
    assert_eq!(code, abi::OK);
    assert_eq!(later.known.cut_off, 3);
    assert_eq!(later.known.struct_size, size_of::<RawReceipt>() as u32 + 24);
    assert_eq!(later.newer, [9; 24], "it wrote what it does not know");
    assert!(refused.events().is_empty());
}

/// ABI-4: the versions are those of the header.
#[test]
fn versions() {
    // SAFETY: no arguments.
    assert_eq!(unsafe { (abi().abi_version)() }, 2);
    // SAFETY: never NULL and valid for ever.
    let version = unsafe { CStr::from_ptr((abi().version)()) };
    assert_eq!(version.to_str().unwrap(), env!("CARGO_PKG_VERSION"));
}

/// ABI-5: when close returns, the last thread of the client is gone and the last callback has
/// returned, with and without a server.
#[test]
fn close_leaves_no_thread() {
    if !child::is_child() {
        return child::passes("close_leaves_no_thread", &[]);
    }
    let fake = FakeServer::with_world(|_, _| Answer::Ok(().into()));
    let before = child::threads("adieu-");
    assert_eq!(before, 0);
    for turn in 0..6 {
        let folder = folder();
        let mut options = if turn % 2 == 0 {
            Options::local(folder.path())
        } else {
            Options::remote(folder.path(), &fake.url(), "sig")
        };
        options.delivery = turn / 2 % 2;
        let client = options.open();
        eventually("the client has threads", || child::threads("adieu-") >= 2);
        let call = client.call();
        assert_eq!(client.begin_list(&call), abi::OK);
        assert_eq!(client.begin_delete("c2c_bob", &client.call()), abi::OK);
        assert_eq!(client.close(), abi::OK);
        assert_eq!(child::threads("adieu-"), 0, "a thread outlived the close");
        assert_eq!(call.events().len(), 1);
    }
}

/// ABI-5, CALL-3: close with a thousand calls in flight: each has exactly one outcome when it
/// returns, and none comes later.
#[test]
fn close_with_a_thousand_calls_in_flight() {
    let (folder, fake) = (folder(), FakeServer::with_world(|_, _| Answer::Stall));
    let client = Options::remote(folder.path(), &fake.url(), "sig").open();
    client.pulled();
    let calls: Vec<_> = (0..1000)
        .map(|turn| {
            let call = client.call();
            let code = match turn % 5 {
                0 => client.begin_delete("c2c_bob", &call),
                1 => client.begin_delete(&format!("c2c_u{turn}"), &call),
                2 => client.begin_list(&call),
                3 => client.begin_history("group_club", 0, 10, &call),
                _ => client.begin_pull(&call),
            };
            assert_eq!(code, abi::OK);
            call
        })
        .collect();
    assert_eq!(client.close(), abi::OK);
    let counts: Vec<_> = calls.iter().map(|call| call.events().len()).collect();
    assert!(counts.iter().all(|count| *count == 1), "{counts:?}");
    for (turn, call) in calls.iter().enumerate() {
        let code = call.wait().code();
        let fits: &[i32] = match turn % 5 {
            0 | 1 => &[abi::PENDING],
            4 => &[abi::OK, abi::CLOSED],
            _ => &[abi::OK],
        };
        assert!(fits.contains(&code), "call {turn} ended with {code}");
    }
    assert!(!client.overlapped());
    drop(fake);
    // The store is free again, and what was pending is written down: without a server it waits,
    // with one it is settled.
    let client = Client::local(folder.path());
    assert_eq!(client.ids().len(), 2);
    client.close();
    let server = Server::start();
    server.accounts(&["alice"]);
    let client = server.device("alice", folder.path()).open();
    eventually("what was pending is settled", || {
        !client.ids().contains(&"c2c_bob".to_owned())
    });
    assert_eq!(client.ids(), ["group_club"]);
    assert!(calls.iter().all(|call| call.events().len() == 1));
}

/// ABI-5, CALL-3: calls that race with close are refused or answered, never both and never neither.
#[test]
fn calls_that_race_with_close() {
    for _ in 0..20 {
        let folder = folder();
        let client = Client::local(folder.path());
        let handle = client.handle() as usize;
        let lane = Arc::new(support::call::Lane::default());
        let racers: Vec<_> = (0..3)
            .map(|racer| {
                let lane = lane.clone();
                std::thread::spawn(move || {
                    (0..200)
                        .map(|turn| {
                            let call = Call::new(&lane);
                            (delete(handle, &format!("c2c_r{racer}x{turn}"), &call), call)
                        })
                        .collect::<Vec<_>>()
                })
            })
            .collect();
        std::thread::yield_now();
        assert_eq!(client.close(), abi::OK);
        for racer in racers {
            for (code, call) in racer.join().unwrap() {
                let expected = match code {
                    abi::OK => 1,
                    abi::CLOSED | abi::INVALID_HANDLE => 0,
                    other => panic!("a call that raced with close returned {other}"),
                };
                assert_eq!(call.events().len(), expected, "returned {code}");
            }
        }
    }
}

/// ABI-5: a second close waits for the first, and both succeed or find the handle stale.
#[test]
fn two_closes_at_once() {
    for _ in 0..20 {
        let folder = folder();
        let client = Client::local(folder.path());
        let call = client.call_with(|_| std::thread::sleep(std::time::Duration::from_millis(5)));
        assert_eq!(client.begin_list(&call), abi::OK);
        let handle = client.handle() as usize;
        let seen = call.clone();
        let other = std::thread::spawn(move || (close(handle), seen.events().len()));
        let code = client.close();
        assert_eq!(
            call.events().len(),
            1,
            "close returned before the last callback"
        );
        let (second, events) = other.join().unwrap();
        let mut codes = [code, second];
        codes.sort();
        assert!(
            codes == [abi::OK, abi::OK] || codes == [abi::INVALID_HANDLE, abi::OK],
            "{codes:?}"
        );
        assert_eq!(events, 1, "the other close did not wait");
    }
}

/// ABI-5: close from a callback of one client waits for another client as from outside.
#[test]
fn a_callback_may_close_another_client() {
    let (one, two) = (folder(), folder());
    let (one, two) = (Client::local(one.path()), Client::local(two.path()));
    let pending = two.call();
    assert_eq!(two.begin_list(&pending), abi::OK);
    let handle = two.handle() as usize;
    let code = Arc::new(AtomicI32::new(99));
    let told = code.clone();
    let call = one.call_with(move |_| told.store(close(handle), Ordering::SeqCst));
    assert_eq!(one.begin_list(&call), abi::OK);
    call.wait();
    eventually("the other client is closed", || {
        close(handle) == abi::INVALID_HANDLE
    });
    assert_eq!(
        code.load(Ordering::SeqCst),
        abi::OK,
        "it was no callback of the closed client"
    );
    assert_eq!(pending.events().len(), 1);
    assert!(matches!(one.list().len(), 0), "the first one works");
}

/// ABI-5: close_async returns at once, and its callback is the last of all.
#[test]
fn close_async_calls_back_last() {
    let (folder, fake) = (folder(), FakeServer::with_world(|_, _| Answer::Stall));
    let client = Options::remote(folder.path(), &fake.url(), "sig").open();
    let calls: Vec<_> = (0..50).map(|_| client.call()).collect();
    for (index, call) in calls.iter().enumerate() {
        assert_eq!(client.begin_delete(&format!("c2c_u{index}"), call), abi::OK);
    }
    let (closed, never) = (client.call(), client.call());
    assert_eq!(client.close_async(&closed), abi::OK);
    let again = client.close_async(&never);
    assert!(
        [abi::CLOSED, abi::INVALID_HANDLE].contains(&again),
        "{again}"
    );
    let last = closed.event();
    for call in &calls {
        assert!(call.event().number < last.number);
        assert_eq!(call.wait().code(), abi::PENDING);
    }
    assert_eq!(close(client.handle() as usize), abi::INVALID_HANDLE);
    eventually("the store is free", || {
        Options::local(folder.path()).try_open().is_ok()
    });
    assert!(never.events().is_empty());
}

/// ABI-5, CALL-3: where the host delivers, close delivers what is left on the closing thread.
#[test]
fn close_delivers_what_is_left_where_the_host_delivers() {
    let folder = folder();
    let mut options = Options::local(folder.path());
    options.delivery = abi::DELIVER_BY_POLL;
    let client = options.open();
    let calls: Vec<_> = (0..100).map(|_| client.call()).collect();
    for call in &calls {
        assert_eq!(client.begin_list(call), abi::OK);
    }
    assert_eq!(client.close(), abi::OK);
    for call in &calls {
        assert_eq!(call.events().len(), 1);
        assert_eq!(call.event().thread, std::thread::current().id());
    }
    assert_eq!(client.poll(), abi::INVALID_HANDLE);
}

/// ABI-5: the same by close_async, as long as the host polls.
#[test]
fn close_async_where_the_host_delivers() {
    let folder = folder();
    let mut options = Options::local(folder.path());
    options.delivery = abi::DELIVER_BY_POLL;
    let client = options.open();
    let (call, closed) = (client.call(), client.call());
    assert_eq!(client.begin_list(&call), abi::OK);
    assert_eq!(client.close_async(&closed), abi::OK);
    assert!(closed.events().is_empty());
    eventually("it is closed", || {
        client.poll();
        closed.events().len() == 1
    });
    assert!(call.event().number < closed.event().number);
    assert_eq!(client.poll(), abi::INVALID_HANDLE);
}

/// ABI-5, CALL-6: a host that delivers and has had enough of polling closes once more: that delivers
/// what is left while it waits.
#[test]
fn close_after_close_async_where_the_host_delivers() {
    let folder = folder();
    let mut options = Options::local(folder.path());
    options.delivery = abi::DELIVER_BY_POLL;
    let client = options.open();
    let (call, closed) = (client.call(), client.call());
    assert_eq!(client.begin_list(&call), abi::OK);
    assert_eq!(client.close_async(&closed), abi::OK);
    let handle = client.handle() as usize;
    let closing = std::thread::spawn(move || close(handle));
    eventually("it is closed", || closing.is_finished());
    assert_eq!(closing.join().unwrap(), abi::OK);
    assert_eq!((call.events().len(), closed.events().len()), (1, 1));
    assert!(call.event().number < closed.event().number);
    Client::local(folder.path());
}

/// ABI-5: close from a callback where the host delivers takes effect when that callback returns.
#[test]
fn close_from_a_callback_where_the_host_delivers() {
    let folder = folder();
    let mut options = Options::local(folder.path());
    options.delivery = abi::DELIVER_BY_POLL;
    let client = options.open();
    let handle = client.handle() as usize;
    let code = Arc::new(AtomicI32::new(99));
    let told = code.clone();
    let closing = client.call_with(move |_| told.store(close(handle), Ordering::SeqCst));
    let behind = client.call();
    assert_eq!(client.begin_list(&closing), abi::OK);
    assert_eq!(client.begin_delete("c2c_bob", &behind), abi::OK);
    eventually("the callback ran", || {
        client.poll();
        code.load(Ordering::SeqCst) != 99
    });
    assert_eq!(code.load(Ordering::SeqCst), abi::PENDING);
    assert_eq!(
        client.poll(),
        abi::INVALID_HANDLE,
        "the close has taken effect"
    );
    assert_eq!(behind.events().len(), 1);
    assert!(!client.overlapped());
    Client::local(folder.path());
}

/// ABI-5, CALL-6: while a callback that has closed the client has not returned, a thread that polls
/// gets 0 at once; it neither waits for that callback nor ends the client under it.
#[test]
fn a_poll_beside_a_callback_that_closes() {
    let folder = folder();
    let mut options = Options::local(folder.path());
    options.delivery = abi::DELIVER_BY_POLL;
    let client = options.open();
    let handle = client.handle() as usize;
    // SAFETY: handles are looked up.
    let poll = move || unsafe { (abi().poll)(handle as Handle) };
    let (closed, has_closed) = std::sync::mpsc::channel();
    let (polled, has_polled) = std::sync::mpsc::channel();
    let has_polled = std::sync::Mutex::new(has_polled);
    let closing = client.call_with(move |_| {
        let code = close(handle);
        closed.send(code).unwrap();
        // Only the other thread's poll lets this callback return.
        let in_time = has_polled
            .lock()
            .unwrap()
            .recv_timeout(Duration::from_secs(10));
        closed.send(in_time.map_or(99, |()| 0)).unwrap();
    });
    assert_eq!(client.begin_list(&closing), abi::OK);
    let delivering = std::thread::spawn(move || {
        eventually("the callback ran", || poll() != 0);
    });
    assert_eq!(has_closed.recv(), Ok(abi::PENDING));
    assert_eq!(poll(), 0);
    polled.send(()).unwrap();
    assert_eq!(has_closed.recv(), Ok(0), "the poll did not return at once");
    delivering.join().unwrap();
    assert_eq!(poll(), abi::INVALID_HANDLE, "the close has taken effect");
    assert!(!client.overlapped());
    Client::local(folder.path());
}

unsafe extern "C" fn close_from_hook(data: Data) {
    // SAFETY: the address of an atomic that is leaked.
    let (handle, code) = unsafe { &*data.cast::<(AtomicUsize, AtomicI32)>() };
    let handle = handle.swap(0, Ordering::SeqCst);
    if handle != 0 {
        code.store(close(handle), Ordering::SeqCst);
    }
}

/// ABI-5: close from the post hook returns at once and takes effect.
#[test]
fn close_from_the_post_hook() {
    let folder = folder();
    let shared: &(AtomicUsize, AtomicI32) =
        Box::leak(Box::new((AtomicUsize::new(0), AtomicI32::new(99))));
    let mut options = Options::local(folder.path());
    options.delivery = abi::DELIVER_BY_POLL;
    options.post = Some(close_from_hook);
    options.post_data = ptr::from_ref(shared) as usize;
    let client = options.open();
    shared.0.store(client.handle() as usize, Ordering::SeqCst);
    let call = client.call();
    assert_eq!(client.begin_list(&call), abi::OK);
    eventually("the client is closed", || {
        client.poll() == abi::INVALID_HANDLE
    });
    assert_eq!(shared.1.load(Ordering::SeqCst), abi::PENDING);
    assert_eq!(call.events().len(), 1);
}

/// ABI-4: a forked child gets ADIEU_ERR_FORKED from every function and touches nothing; the parent
/// goes on.
#[test]
fn a_forked_child_is_refused() {
    if !child::is_child() {
        return child::passes("a_forked_child_is_refused", &[]);
    }
    let folder = folder();
    let client = Client::local(folder.path());
    client.save_texts("c2c_bob", &["one for bob"]);
    let call = client.call();
    // SAFETY: the child only calls what the header allows it, and leaves without destructors.
    let process = unsafe { libc::fork() };
    if process == 0 {
        let wrong = everything(client.handle(), &call)
            .iter()
            .filter(|(_, code)| *code != abi::FORKED)
            .count();
        let options = client_options(c"/tmp");
        let mut handle: Handle = ptr::null_mut();
        // SAFETY: valid pointers; the text is that of a refused call.
        let opened =
            unsafe { (abi().open)(&raw const options, &raw mut handle, ptr::null_mut(), 0) };
        // SAFETY: allowed in a child.
        let text = unsafe { *(abi().strerror)(abi::FORKED) } != 0;
        let wrong = wrong + usize::from(opened != abi::FORKED) + usize::from(!text);
        // SAFETY: ends this process.
        unsafe { libc::_exit(wrong as i32) };
    }
    let mut status = 0;
    // SAFETY: a child of this process.
    let waited = unsafe { libc::waitpid(process, &raw mut status, 0) };
    assert_eq!(waited, process);
    assert!(libc::WIFEXITED(status), "the child crashed: {status}");
    assert_eq!(
        libc::WEXITSTATUS(status),
        0,
        "functions that were not refused"
    );
    assert!(call.events().is_empty());
    assert_eq!(client.delete("c2c_bob"), Outcome::Success);
}

/// ABI-4, ABI-5: a forked child that lives on, as a host's helper may, does not keep the store:
/// when close has returned, the folder can be opened again.
#[test]
fn a_forked_child_does_not_keep_the_store() {
    if !child::is_child() {
        return child::passes("a_forked_child_does_not_keep_the_store", &[]);
    }
    let folder = folder();
    let client = Client::local(folder.path());
    // SAFETY: the child only sleeps and leaves without destructors.
    let process = unsafe { libc::fork() };
    if process == 0 {
        // SAFETY: as above.
        unsafe {
            libc::sleep(30);
            libc::_exit(0);
        }
    }
    assert_eq!(client.close(), abi::OK);
    let again = Options::local(folder.path()).try_open().map(drop);
    // SAFETY: ends and collects the child of this process.
    unsafe {
        libc::kill(process, libc::SIGKILL);
        libc::waitpid(process, ptr::null_mut(), 0);
    }
    assert_eq!(again, Ok(()));
}

/// ABI-3: a panic while a client works does not stop its process, its other clients or its close.
#[test]
fn a_panic_stays_within() {
    if !child::is_child() {
        return child::passes(
            "a_panic_stays_within",
            &[("ADIEU_FAILPOINT", "accept=panic")],
        );
    }
    let (one, two) = (folder(), folder());
    let (first, second) = (Client::local(one.path()), Client::local(two.path()));
    first.save_texts("c2c_bob", &["one for bob"]);
    second.save_texts("c2c_bob", &["one for bob"]);
    for client in [&first, &second, &first] {
        let outcome = client.delete("c2c_bob");
        assert_eq!(outcome.code(), abi::PANIC);
        assert!(!outcome.text().is_empty());
        assert_eq!(
            client.texts("c2c_bob"),
            ["one for bob"],
            "the device has all of it"
        );
    }
    assert_eq!((first.close(), second.close()), (0, 0));
    assert_eq!(child::threads("adieu-"), 0);
    let again = Client::local(one.path());
    assert_eq!(again.texts("c2c_bob"), ["one for bob"]);
}

/// ABI-3: a panic on the caller's own stack ends in the code of the call.
#[test]
fn a_panic_within_a_call_is_its_code() {
    if !child::is_child() {
        return child::passes(
            "a_panic_within_a_call_is_its_code",
            &[("ADIEU_FAILPOINT", "boundary=panic")],
        );
    }
    assert_eq!(close(0), abi::PANIC);
    let client = Client::of(0);
    assert_eq!(client.network_changed(true), abi::PANIC);
    assert_eq!(client.sign_in("sig"), abi::PANIC);
}
