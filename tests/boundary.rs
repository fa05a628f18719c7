//! The boundary: handles, struct sizes, panics, forking.

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

use support::abi::{
    self, DeletionId, Handle, RawClientOptions, RawDeleteOptions, RawNewMessage, RawReceipt, abi,
};
use support::call::{
    Call, destroy, on_conversations, on_error, on_messages, on_success, on_verification,
};
use support::client::close;
use support::options::open_raw;
use support::{Client, Options, Outcome, child};
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
