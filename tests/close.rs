//! Closing a client: from any thread, with calls in flight, in each way of delivery.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests fail the test"
)]

mod support;

use std::ptr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, AtomicUsize, Ordering};
use std::time::Duration;

use support::abi::{self, Data, Handle, abi};
use support::client::{close, delete};
use support::{Answer, Call, Client, FakeServer, Options, Server, child, eventually};
use tempfile::TempDir;

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
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
