//! The call: what is accepted, what is refused, and the one outcome that follows.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests fail the test"
)]

mod support;

use std::ffi::c_char;
use std::ptr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use support::abi::{self, Data, RawDeleteOptions, RawNewMessage, abi};
use support::call::{destroy, on_error, on_success};
use support::client::{close, delete};
use support::{Answer, Call, Client, FakeServer, Options, Outcome, child, eventually};
use tempfile::TempDir;

/// Generous: a call that waits for disk or network takes longer than this on a bad day, and one
/// that does not never comes near it.
const AT_ONCE: Duration = Duration::from_millis(50);

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn filled() -> (TempDir, Client) {
    let folder = folder();
    let client = Client::local(folder.path());
    client.save_texts("c2c_bob", &["one for bob", "two for bob"]);
    client.save_texts("group_club", &["one for the club"]);
    (folder, client)
}

/// The fastest of a few: another process may have had the processor meanwhile.
fn fastest(tries: usize, mut call: impl FnMut(usize)) -> Duration {
    (0..tries)
        .map(|turn| {
            let start = Instant::now();
            call(turn);
            start.elapsed()
        })
        .min()
        .unwrap()
}

/// CALL-1: the server stalls, and every call returns at once all the same.
#[test]
fn returns_at_once_while_the_server_stalls() {
    let (folder, fake) = (folder(), FakeServer::start(|_, _| Answer::Stall));
    let client = Options::remote(folder.path(), &fake.url(), "sig").open();
    let first = client.call();
    assert_eq!(client.begin_delete("c2c_first", &first), abi::OK);
    fake.wait_for_deletions(1);
    let calls: Vec<_> = (0..20).map(|_| client.call()).collect();
    let time = fastest(20, |turn| {
        let code = client.begin_delete(&format!("c2c_u{turn}"), &calls[turn]);
        assert_eq!(code, abi::OK);
    });
    assert!(time < AT_ONCE, "{time:?}");
    // The device is not held up either.
    assert!(client.list().is_empty());
    assert!(first.events().is_empty(), "the server has not answered");
    client.close();
    for call in [first].iter().chain(&calls) {
        assert_eq!(call.wait().code(), abi::PENDING);
        assert_eq!(call.events().len(), 1);
    }
}

/// CALL-1: the worker is busy with the disk for long, and the call returns at once.
#[test]
fn returns_at_once_while_the_store_is_busy() {
    let (_folder, client) = filled();
    let body = "x".repeat(2000);
    let messages: Vec<_> = (1..=8000)
        .map(|position| (position, "bob", body.as_str()))
        .collect();
    let saves: Vec<_> = (0..3).map(|_| client.call()).collect();
    for (index, save) in saves.iter().enumerate() {
        assert_eq!(
            client.begin_save(&format!("c2c_busy{index}"), &messages, save),
            abi::OK
        );
    }
    let call = client.call();
    let start = Instant::now();
    assert_eq!(client.begin_delete("c2c_bob", &call), abi::OK);
    let took = start.elapsed();
    let busy = saves.last().unwrap().events().is_empty();
    assert!(busy, "the store was not busy: the test proves nothing");
    assert!(took < AT_ONCE, "{took:?}");
    assert_eq!(call.wait(), Outcome::Success);
    assert_eq!(client.history("c2c_busy2").len(), 1000);
}

/// CALL-2: a NULL client or callback is refused with a negative code that has a text, no callback
/// ever comes, and nothing happens.
#[test]
fn a_refused_call_has_no_callback() {
    let (_folder, client) = filled();
    let call = client.call();
    let id: *const c_char = c"c2c_bob".as_ptr();
    let (good, bad, none) = (client.handle(), ptr::null_mut(), ptr::null_mut());
    // SAFETY: valid strings and data; NULL is what is tested.
    let codes = unsafe {
        [
            (abi().delete)(bad, id, Some(on_success), Some(on_error), call.data()),
            (abi().delete)(good, id, None, Some(on_error), call.data()),
            (abi().delete)(good, id, Some(on_success), None, call.data()),
            (abi().delete)(good, id, None, None, none),
            (abi().pull)(good, None, Some(on_error), call.data()),
            (abi().pull)(good, Some(on_success), None, call.data()),
            (abi().list)(good, None, Some(on_error), call.data()),
            (abi().history)(good, id, 0, 1, None, Some(on_error), call.data()),
            (abi().save)(
                good,
                id,
                ptr::null(),
                1,
                Some(on_success),
                Some(on_error),
                call.data(),
            ),
            (abi().verify)(good, id, ptr::null(), 1, None, Some(on_error), call.data()),
        ]
    };
    assert_eq!(codes[0], abi::INVALID_HANDLE);
    assert!(
        codes[1..].iter().all(|code| *code == abi::INVALID_ARGUMENT),
        "{codes:?}"
    );
    for code in [abi::INVALID_HANDLE, abi::INVALID_ARGUMENT] {
        assert!(abi::strerror(code).len() > 10);
    }
    assert_eq!(client.list().len(), 2, "nothing was deleted");
    assert_eq!(client.close(), abi::OK);
    assert!(call.events().is_empty(), "a refused call was answered");
}

/// CALL-2, DEL-2: the codes have texts, and say whether trying again can help.
#[test]
fn every_code_has_a_text() {
    let codes = [
        0, 1, 2, -1, -2, -3, -4, -5, -6, -7, -8, -9, -10, -11, -12, -13, -14, -15,
    ];
    let vendors = [
        6010, 6012, 6013, 6014, 6017, 6019, 6022, 9508, 9510, 9511, 9518, 70001,
    ];
    let mut texts: Vec<_> = codes
        .iter()
        .chain(&vendors)
        .map(|code| abi::strerror(*code))
        .collect();
    assert!(texts.iter().all(|text| text.len() > 3), "{texts:?}");
    for unknown in [i32::MAX, i32::MIN] {
        let text = abi::strerror(unknown);
        assert!(!text.is_empty() && !texts.contains(&text), "{text}");
    }
    let count = texts.len();
    texts.sort();
    texts.dedup();
    assert_eq!(texts.len(), count, "two codes share a text");
    // SAFETY: takes any number.
    let retryable = |code| unsafe { (abi().is_retryable)(code) };
    for code in [
        abi::CONNECTION_REFUSED,
        9508,
        abi::STORE_IO,
        abi::STORE_LOCKED,
        70001,
        abi::NOT_SIGNED_IN,
        abi::OUTCOME_UNKNOWN,
        abi::PENDING,
        abi::BAD_ANSWER,
        50004,
        60007,
    ] {
        assert_eq!(retryable(code), 1, "{code}");
    }
    for code in [
        abi::INVALID_PARAMETER,
        abi::STORE_DAMAGED,
        abi::INVALID_HANDLE,
        abi::LOCAL_ONLY,
        abi::TOO_LATE,
        abi::CANCELLED,
        20003,
        50001,
        50003,
    ] {
        assert_eq!(retryable(code), 0, "{code}");
    }
}

/// CALL-3: one outcome, not from within the call, not on the caller's thread.
#[test]
fn one_outcome_on_another_thread() {
    let (_folder, client) = filled();
    let good = client.call();
    let bad = client.call();
    assert_eq!(client.begin_delete("c2c_bob", &good), abi::OK);
    assert_eq!(client.begin_delete("not an id", &bad), abi::OK);
    let events = [good.event(), bad.event()];
    assert_eq!(events[0].outcome, Outcome::Success);
    assert_eq!(events[1].outcome.code(), abi::INVALID_PARAMETER);
    for event in events {
        assert_ne!(event.thread, std::thread::current().id());
    }
    client.close();
    assert_eq!((good.events().len(), bad.events().len()), (1, 1));
}

/// CALL-3, CALL-6: where the host delivers, an outcome comes while it polls and at no other time.
#[test]
fn never_on_the_callers_stack_where_the_host_delivers() {
    let folder = folder();
    let mut options = Options::local(folder.path());
    options.delivery = abi::DELIVER_BY_POLL;
    let client = options.open();
    let call = client.call();
    for id in ["c2c_bob", "", "nonsense"] {
        assert_eq!(client.begin_delete(id, &call), abi::OK);
    }
    assert_eq!(
        call.event_within(Duration::from_millis(300))
            .map(|event| event.number),
        None
    );
    eventually("all three came by polling", || {
        assert!(client.poll() >= 0);
        call.events().len() == 3
    });
    for event in call.events() {
        assert_eq!(event.thread, std::thread::current().id());
    }
    assert_eq!(client.poll(), 0);
}

/// CALL-3, ABI-3: a panic at any step still ends in exactly one outcome, the code of a panic, and
/// the client works afterwards.
#[test]
fn a_panic_ends_in_one_outcome() {
    panics_and_goes_on("a_panic_ends_in_one_outcome", "accept");
}

/// CALL-3, ABI-3: as above, in the middle of writing the intent down.
#[test]
fn a_panic_after_the_intent_ends_in_one_outcome() {
    panics_and_goes_on(
        "a_panic_after_the_intent_ends_in_one_outcome",
        "intent-recorded",
    );
}

/// CALL-3, ABI-3: as above, before the keys are destroyed.
#[test]
fn a_panic_before_destroying_ends_in_one_outcome() {
    panics_and_goes_on(
        "a_panic_before_destroying_ends_in_one_outcome",
        "before-destroying",
    );
}

/// CALL-3, ABI-3: as above, after the keys were destroyed.
#[test]
fn a_panic_after_destroying_ends_in_one_outcome() {
    panics_and_goes_on(
        "a_panic_after_destroying_ends_in_one_outcome",
        "keys-destroyed",
    );
}

/// CALL-3, ABI-3: as above, before the outcome is handed over.
#[test]
fn a_panic_before_delivery_ends_in_one_outcome() {
    panics_and_goes_on(
        "a_panic_before_delivery_ends_in_one_outcome",
        "before-delivery",
    );
}

fn panics_and_goes_on(test: &str, failpoint: &str) {
    if !child::is_child() {
        return child::passes(test, &[("ADIEU_FAILPOINT", &format!("{failpoint}=panic"))]);
    }
    // With a server, so that every step of the way is taken.
    let (folder, fake) = (
        folder(),
        FakeServer::with_world(|_, _| Answer::Ok(().into())),
    );
    let client = Options::remote(folder.path(), &fake.url(), "sig").open();
    client.pulled();
    let first = client.call();
    let (code, _) = client.begin_delete_with("c2c_bob", 0, &first);
    assert_eq!(code, abi::OK);
    let outcome = first
        .event_within(Duration::from_secs(5))
        .map(|event| event.outcome.code());
    // Once the keys are gone, saying that the outcome is a success would be right too.
    let fits = match outcome {
        Some(abi::PANIC) => true,
        Some(abi::OK) => matches!(failpoint, "keys-destroyed" | "before-delivery"),
        _ => false,
    };
    assert!(
        fits,
        "the outcome of the call that panicked at {failpoint}: {outcome:?}"
    );
    eventually("the destructor has run", || first.destroyed() == 1);
    // The client works: reading, saving, and the next deletion has its own outcome.
    assert!(client.list().iter().any(|line| line.id == "group_club"));
    client.save_texts("c2c_carol", &["one for carol"]);
    assert_eq!(client.texts("c2c_carol"), ["one for carol"]);
    let second = client.call();
    assert_eq!(client.begin_delete("c2c_bob", &second), abi::OK);
    assert!(
        second.event_within(Duration::from_secs(5)).is_some(),
        "the same one again"
    );
    assert_eq!(client.close(), abi::OK);
    assert_eq!((first.events().len(), second.events().len()), (1, 1));
    assert_eq!((first.destroyed(), first.destroyed_after()), (1, 1));
}

/// CALL-4: a thousand outcomes of all kinds come one after the other, on one thread, in the order
/// in which the calls finished, which for calls of one kind is the order in which they were made.
#[test]
fn outcomes_come_one_after_the_other_and_in_order() {
    let (_folder, client) = filled();
    let slow = |_: &Outcome| std::thread::sleep(Duration::from_micros(200));
    let calls: Vec<Arc<Call>> = (0..600)
        .map(|turn| {
            let call = client.call_with(slow);
            let code = match turn % 3 {
                0 => client.begin_history("c2c_bob", 0, 1, &call),
                1 => client.begin_list(&call),
                _ => client.begin_delete("bad id", &call),
            };
            assert_eq!(code, abi::OK);
            call
        })
        .collect();
    let events: Vec<_> = calls.iter().map(|call| call.event()).collect();
    assert!(!client.overlapped());
    assert!(
        events.is_sorted_by_key(|event| event.number),
        "the order was changed"
    );
    assert!(events.iter().all(|event| event.thread == events[0].thread));
}

/// CALL-4: the library waits for a callback, and goes on working meanwhile.
#[test]
fn a_slow_callback_holds_up_delivery_and_nothing_else() {
    let (_folder, client) = filled();
    let gate = Arc::new(Mutex::new(()));
    let closed = gate.lock().unwrap();
    let behind = gate.clone();
    let entered = Arc::new(AtomicUsize::new(0));
    let inside = entered.clone();
    let slow = client.call_with(move |_| {
        inside.fetch_add(1, Ordering::SeqCst);
        drop(behind.lock().unwrap());
    });
    assert_eq!(client.begin_delete("c2c_bob", &slow), abi::OK);
    eventually("the callback runs", || entered.load(Ordering::SeqCst) == 1);
    let next = client.call();
    assert_eq!(client.begin_list(&next), abi::OK);
    // No lock is held: what answers from memory answers now.
    assert_eq!(client.total_unread(), 1);
    assert!(
        next.event_within(Duration::from_millis(100)).is_none(),
        "callbacks overlap"
    );
    drop(closed);
    assert!(matches!(next.wait(), Outcome::Conversations(list) if list.len() == 1));
}

/// CALL-4: the library under test dies when it calls the host with a lock held. It does so here,
/// where the library is told to make that mistake: so it has not made it in any other test.
#[test]
fn a_lock_that_is_held_in_a_callback_is_noticed() {
    let name = "a_lock_that_is_held_in_a_callback_is_noticed";
    if child::is_child() {
        let (_folder, client) = filled();
        client.list();
        return;
    }
    child::passes(name, &[]);
    let died = child::run(name, &[("ADIEU_FAILPOINT", "callback=locked")]);
    let said = String::from_utf8_lossy(&died.stderr);
    assert!(!died.status.success());
    assert!(said.contains("called while 1 locks are held"), "{said}");
}

/// CALL-4: any function may be called from a callback.
#[test]
fn a_callback_may_call_anything() {
    let (_folder, client) = filled();
    let handle = client.handle() as usize;
    let (deleted, listed, saved) = (client.call(), client.call(), client.call());
    let inner = Mutex::new(Vec::new());
    let inner = Arc::new(inner);
    let (seen, later) = (
        inner.clone(),
        [deleted.clone(), listed.clone(), saved.clone()],
    );
    let outer = client.call_with(move |_| {
        // Only numbers and leaked data go in: this is what a C program does.
        let client = std::mem::ManuallyDrop::new(Client::of(handle));
        let codes = [
            delete(handle, "group_club", &later[0]),
            client.begin_list(&later[1]),
            client.begin_save("c2c_dave", &[(1, "dave", "one for dave")], &later[2]),
            client.begin_delete("nonsense", &client.call()),
            client.begin_history("c2c_bob", 0, 1, &client.call()),
            client.begin_verify("c2c_bob", &["one for bob"], &client.call()),
        ];
        let mut seen = seen.lock().unwrap();
        seen.extend(codes);
        seen.push(i32::from(client.total_unread() > 100));
    });
    assert_eq!(client.begin_delete("c2c_bob", &outer), abi::OK);
    assert_eq!(outer.wait(), Outcome::Success);
    assert_eq!(deleted.wait(), Outcome::Success);
    assert!(matches!(listed.wait(), Outcome::Conversations(list) if list.is_empty()));
    assert_eq!(saved.wait(), Outcome::Success);
    assert_eq!(*inner.lock().unwrap(), [0; 7]);
    assert_eq!(client.ids(), ["c2c_dave"]);
}

/// CALL-4, ABI-5: a callback may close its own client.
#[test]
fn a_callback_may_close() {
    let (_folder, client) = filled();
    let handle = client.handle() as usize;
    let code = Arc::new(AtomicUsize::new(usize::MAX));
    let told = code.clone();
    let call = client.call_with(move |_| told.store(close(handle) as usize, Ordering::SeqCst));
    assert_eq!(client.begin_delete("c2c_bob", &call), abi::OK);
    assert_eq!(call.wait(), Outcome::Success);
    assert_eq!(code.load(Ordering::SeqCst), abi::PENDING as usize);
    eventually("the handle is stale", || {
        close(handle) == abi::INVALID_HANDLE
    });
    assert_eq!(call.events().len(), 1);
}

/// CALL-5: the destructor runs once, after the callback, on success and on error.
#[test]
fn the_destructor_runs_once_after_the_callback() {
    let (_folder, client) = filled();
    for (id, code) in [
        ("c2c_bob", 0),
        ("c2c_nobody", 0),
        ("nonsense", abi::INVALID_PARAMETER),
    ] {
        let call = client.call();
        let (accepted, _) = client.begin_delete_with(id, 0, &call);
        assert_eq!(accepted, abi::OK);
        assert_eq!(call.wait().code(), code);
        eventually("the destructor has run", || call.destroyed() > 0);
        assert_eq!((call.destroyed(), call.destroyed_after()), (1, 1), "{id}");
    }
}

/// CALL-5: the destructor of a refused call has run when the call returns.
#[test]
fn the_destructor_of_a_refused_call_runs_before_it_returns() {
    let (_folder, client) = filled();
    let options = RawDeleteOptions {
        struct_size: size_of::<RawDeleteOptions>() as u32,
        timeout_ms: 0,
        user_data_destructor: Some(destroy),
        deletion_id: ptr::null_mut(),
        policy: 0,
        keep_history: 0,
        undo_ms: 0,
        reserved: 0,
    };
    let id = c"c2c_bob".as_ptr();
    let refused = |handle, on_success, on_error| {
        let call = client.call();
        // SAFETY: valid pointers; a NULL callback or handle is what is tested.
        let code = unsafe {
            (abi().delete_with)(
                handle,
                id,
                &raw const options,
                on_success,
                on_error,
                call.data(),
            )
        };
        assert!(code < 0, "{code}");
        assert_eq!((call.destroyed(), call.destroyed_after()), (1, 0), "{code}");
        call
    };
    let calls = [
        refused(
            ptr::null_mut(),
            Some(on_success as unsafe extern "C" fn(Data)),
            Some(on_error as _),
        ),
        refused(client.handle(), None, Some(on_error as _)),
        refused(client.handle(), Some(on_success as _), None),
    ];
    let stale = client.handle();
    client.close();
    let after = refused(stale, Some(on_success as _), Some(on_error as _));
    for call in calls.iter().chain([&after]) {
        assert_eq!((call.destroyed(), call.events().len()), (1, 0));
    }
}

/// CALL-2, CALL-5: a call that is refused because the client closes has had its destructor when it
/// returns, and no callback comes.
#[test]
fn refused_while_the_client_closes() {
    let folder = folder();
    let mut options = Options::local(folder.path());
    options.delivery = abi::DELIVER_BY_POLL;
    let client = options.open();
    let closed = client.call();
    assert_eq!(client.close_async(&closed), abi::OK);
    let refused = Mutex::new(None);
    eventually("it takes no more calls", || {
        let call = client.call();
        let (code, _) = client.begin_delete_with("c2c_bob", 0, &call);
        if code != abi::OK {
            assert_eq!((code, call.destroyed()), (abi::CLOSED, 1));
            *refused.lock().unwrap() = Some(call);
        }
        code != abi::OK
    });
    eventually("it is closed", || {
        client.poll();
        !closed.events().is_empty()
    });
    let refused = refused.into_inner().unwrap().unwrap();
    assert!(refused.events().is_empty());
}

/// CALL-5: at close, the callback and then the destructor, once each.
#[test]
fn the_destructor_runs_once_at_close() {
    let (folder, fake) = (folder(), FakeServer::start(|_, _| Answer::Stall));
    let client = Options::remote(folder.path(), &fake.url(), "sig").open();
    let calls: Vec<_> = (0..50).map(|_| client.call()).collect();
    for (index, call) in calls.iter().enumerate() {
        assert_eq!(
            client
                .begin_delete_with(&format!("c2c_u{index}"), 0, call)
                .0,
            abi::OK
        );
    }
    fake.wait_for_deletions(1);
    assert_eq!(client.close(), abi::OK);
    for call in calls {
        let codes: Vec<_> = call
            .events()
            .iter()
            .map(|event| event.outcome.code())
            .collect();
        assert_eq!(codes, [abi::PENDING]);
        assert_eq!((call.destroyed(), call.destroyed_after()), (1, 1));
    }
}

/// CALL-5, DUR-4: every deletion has an id of its own, given before any callback, and the receipt
/// is found by it.
#[test]
fn the_deletion_id_is_given() {
    let (folder, client) = filled();
    let (outcome, first) = client.delete_within("c2c_bob", 0);
    assert_eq!(outcome, Outcome::Success);
    let (_, second) = client.delete_within("group_club", 0);
    let (outcome, bad) = client.delete_within("nonsense", 0);
    assert_eq!(outcome.code(), abi::INVALID_PARAMETER);
    assert!(first != second && second != bad && first != abi::DeletionId::default());
    let receipt = client.receipt(first).unwrap();
    assert_eq!(receipt.cut_off, 2);
    assert!(receipt.erase_ns > 0 && receipt.total_ns >= receipt.erase_ns);
    assert_eq!(client.receipt(second).unwrap().cut_off, 1);
    assert_eq!(client.receipt(bad).unwrap_err(), abi::NOT_FOUND);
    drop(client);
    let client = Client::local(folder.path());
    let (_, third) = client.delete_within("c2c_bob", 0);
    assert!(third != first && third != second, "an id came twice");
}

/// CALL-5: within the callback the receipt is there already.
#[test]
fn the_receipt_is_there_in_the_callback() {
    let (_folder, client) = filled();
    let handle = client.handle() as usize;
    let id = Arc::new(Mutex::new(abi::DeletionId::default()));
    let (wanted, found) = (id.clone(), Arc::new(Mutex::new(None)));
    let told = found.clone();
    let call = client.call_with(move |_| {
        let client = std::mem::ManuallyDrop::new(Client::of(handle));
        *told.lock().unwrap() = Some(client.receipt(*wanted.lock().unwrap()).map(|it| it.cut_off));
    });
    let mut held = id.lock().unwrap();
    let (code, given) = client.begin_delete_with("c2c_bob", 0, &call);
    *held = given;
    drop(held);
    assert_eq!((code, call.wait()), (abi::OK, Outcome::Success));
    assert_eq!(*found.lock().unwrap(), Some(Ok(2)));
}

unsafe extern "C" fn count_posts(data: Data) {
    // SAFETY: the address of an atomic that is leaked.
    unsafe { &*data.cast::<AtomicUsize>() }.fetch_add(1, Ordering::SeqCst);
}

/// CALL-6: the hook asks to poll when there is something after there was nothing, once until
/// somebody polls, and all outcomes come at the poll.
#[test]
fn the_post_hook_is_coalesced() {
    let folder = folder();
    let posts: &AtomicUsize = Box::leak(Box::new(AtomicUsize::new(0)));
    let mut options = Options::local(folder.path());
    options.delivery = abi::DELIVER_BY_POLL;
    options.post = Some(count_posts);
    options.post_data = ptr::from_ref(posts) as usize;
    let client = options.open();
    let calls: Vec<_> = (0..30).map(|_| client.call()).collect();
    for call in &calls {
        assert_eq!(client.begin_list(call), abi::OK);
    }
    eventually("the hook was called", || posts.load(Ordering::SeqCst) > 0);
    // The worker has finished them all when it has finished a save that came after them.
    let last = client.call();
    assert_eq!(
        client.begin_save("c2c_bob", &[(1, "bob", "the last one")], &last),
        abi::OK
    );
    eventually("the last one is done", || client.total_unread() == 1);
    assert_eq!(
        posts.load(Ordering::SeqCst),
        1,
        "one wake-up for all that waits"
    );
    eventually("all came", || {
        client.poll();
        calls.iter().all(|call| call.events().len() == 1)
    });
    let before = posts.load(Ordering::SeqCst);
    let call = client.call();
    assert_eq!(client.begin_list(&call), abi::OK);
    eventually("the hook was called again", || {
        posts.load(Ordering::SeqCst) == before + 1
    });
    assert_eq!(client.poll(), 1);
}

/// CALL-6: polling from a callback does nothing; polling a client of the other kind is refused.
#[test]
fn polling_where_it_makes_no_sense() {
    let (folder, other) = (folder(), filled());
    assert_eq!(other.1.poll(), abi::INVALID_ARGUMENT);
    let mut options = Options::local(folder.path());
    options.delivery = abi::DELIVER_BY_POLL;
    let client = options.open();
    let handle = client.handle() as usize;
    let polled = Arc::new(AtomicUsize::new(usize::MAX));
    let told = polled.clone();
    let outer = client.call_with(move |_| {
        let client = std::mem::ManuallyDrop::new(Client::of(handle));
        told.store(client.poll() as usize, Ordering::SeqCst);
    });
    let inner = client.call();
    assert_eq!(client.begin_list(&outer), abi::OK);
    assert_eq!(client.begin_list(&inner), abi::OK);
    eventually("both came", || {
        client.poll();
        inner.events().len() == 1
    });
    assert_eq!(polled.load(Ordering::SeqCst), 0);
    assert!(!client.overlapped());
}

/// CALL-7: what is passed in is copied: the caller's memory may change at once.
#[test]
fn strings_are_copied() {
    let (_folder, client) = filled();
    let mut id = b"group_club\0".to_vec();
    let mut sender = b"carol\0".to_vec();
    let mut body = b"one for the new one\0".to_vec();
    let mut into = b"c2c_carol\0".to_vec();
    let (deleted, saved) = (client.call(), client.call());
    let message = RawNewMessage {
        struct_size: size_of::<RawNewMessage>() as u32,
        reserved: 0,
        position: 9,
        time: 1,
        sender: sender.as_ptr().cast(),
        body: body.as_ptr().cast(),
    };
    // SAFETY: valid during the calls.
    let codes = unsafe {
        [
            (abi().delete)(
                client.handle(),
                id.as_ptr().cast(),
                Some(on_success),
                Some(on_error),
                deleted.data(),
            ),
            (abi().save)(
                client.handle(),
                into.as_ptr().cast(),
                &raw const message,
                1,
                Some(on_success),
                Some(on_error),
                saved.data(),
            ),
        ]
    };
    for buffer in [&mut id, &mut sender, &mut body, &mut into] {
        buffer.fill(b'#');
    }
    assert_eq!(codes, [0, 0]);
    assert_eq!(
        (deleted.wait(), saved.wait()),
        (Outcome::Success, Outcome::Success)
    );
    let mut ids = client.ids();
    ids.sort();
    assert_eq!(ids, ["c2c_bob", "c2c_carol"]);
    assert_eq!(client.texts("c2c_carol"), ["one for the new one"]);
}

/// CALL-7: text that is not UTF-8 is refused by 6017, wherever it stands.
#[test]
fn text_that_is_not_utf8_is_told() {
    let (_folder, client) = filled();
    let bad = c"c2c_b\xffb".as_ptr();
    let good = c"c2c_bob".as_ptr();
    let message = |sender, body| RawNewMessage {
        struct_size: size_of::<RawNewMessage>() as u32,
        reserved: 0,
        position: 9,
        time: 1,
        sender,
        body,
    };
    let calls: Vec<_> = (0..4).map(|_| client.call()).collect();
    let save = |id, message: &RawNewMessage, call: &Arc<Call>| {
        // SAFETY: valid pointers during the call.
        unsafe {
            (abi().save)(
                client.handle(),
                id,
                ptr::from_ref(message),
                1,
                Some(on_success),
                Some(on_error),
                call.data(),
            )
        }
    };
    // SAFETY: as above.
    let deleted = unsafe {
        (abi().delete)(
            client.handle(),
            bad,
            Some(on_success),
            Some(on_error),
            calls[0].data(),
        )
    };
    let codes = [
        deleted,
        save(bad, &message(good, good), &calls[1]),
        save(good, &message(bad, good), &calls[2]),
        save(good, &message(good, bad), &calls[3]),
    ];
    assert_eq!(codes, [0; 4]);
    for call in &calls {
        let outcome = call.wait();
        assert_eq!(outcome.code(), abi::INVALID_PARAMETER, "{outcome:?}");
        assert!(outcome.text().contains("UTF-8"), "{outcome:?}");
    }
    assert_eq!(client.texts("c2c_bob"), ["one for bob", "two for bob"]);
    // Text of every script comes back as it went in.
    let text = "早安 🌅 до свидания \u{301}";
    client.save("c2c_bob", &[(3, "bob", text)]);
    assert_eq!(client.history("c2c_bob")[0].body, text);
}
