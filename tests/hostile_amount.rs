//! Servers that send far too much, far too late, or one answer for another.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests fail the test"
)]

mod support;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use support::fake::{BOB, CLUB, world};
use support::trick::WIRE;
use support::{Answer, Client, FakeServer, Options, Outcome, abi, child};

const SIG: &str = "eJyrVgrx-a-very*secret-signature_";
/// What an answer of the longest kind may cost in memory.
const MOST: u64 = 200 << 20;

/// The most memory that this process ever had.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .unwrap();
    let kilobytes: u64 = line.trim().trim_end_matches(" kB").parse().unwrap();
    kilobytes << 10
}

/// 10 GB with their length said, as chunks, and without any length.
fn ten_gigabytes(kind: &str) -> Answer {
    Answer::Wire(match kind {
        "length" => |wire| {
            wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10000000000\r\n\r\n");
            wire.send_for_ever(&[b' '; 1 << 16]);
        },
        "chunks" => |wire| {
            wire.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
            let chunk = [b"10000\r\n".as_slice(), &[b' '; 1 << 16], b"\r\n"].concat();
            wire.send_for_ever(&chunk);
        },
        "end" => |wire| {
            wire.send(b"HTTP/1.1 200 OK\r\n\r\n");
            wire.send_for_ever(&[b' '; 1 << 16]);
        },
        "headers" => |wire| {
            wire.send(b"HTTP/1.1 200 OK\r\nX-Long: ");
            wire.send_for_ever(&[b'x'; 1 << 16]);
        },
        "chunk size" => |wire| {
            wire.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
            wire.send_for_ever(&[b'0'; 1 << 16]);
        },
        other => panic!("{other}"),
    })
}

/// CALL-3, DEL-2: an answer of 10 GB costs neither memory nor patience: the library stops reading,
/// the call has its one outcome, and the device keeps all.
#[test]
fn ten_gigabytes_of_answer() {
    if child::is_child() {
        let folder = PathBuf::from(std::env::var("HOSTILE_FOLDER").unwrap());
        let url = std::env::var("HOSTILE_URL").unwrap();
        let client = Options::remote(&folder, &url, SIG).open();
        assert_eq!(client.texts("c2c_bob"), BOB);
        let before = peak();
        let (outcome, _) = client.delete_within("c2c_bob", 8000);
        assert_eq!(outcome.code(), abi::OUTCOME_UNKNOWN, "{outcome:?}");
        let outcome = client.pull();
        assert_eq!(outcome.code(), abi::BAD_ANSWER, "{outcome:?}");
        assert_eq!(client.texts("c2c_bob"), BOB);
        assert_eq!(client.close(), abi::OK);
        let grown = peak() - before;
        println!("\ngrown by {} MiB", grown >> 20);
        assert!(grown < MOST, "{} MiB", grown >> 20);
        return;
    }
    std::thread::scope(|scope| {
        for kind in ["length", "chunks", "end", "headers", "chunk size"] {
            scope.spawn(move || {
                let folder = tempfile::tempdir().unwrap();
                let healthy = FakeServer::with_world(|_, _| Answer::Ok(().into()));
                Options::remote(folder.path(), &healthy.url(), SIG)
                    .open()
                    .pulled();
                let fake = FakeServer::start(move |_, _| ten_gigabytes(kind));
                let start = Instant::now();
                let environment = [
                    ("HOSTILE_FOLDER", folder.path().to_str().unwrap()),
                    ("HOSTILE_URL", &fake.url()),
                ];
                child::passes("ten_gigabytes_of_answer", &environment);
                let took = start.elapsed();
                assert!(took < Duration::from_secs(60), "{kind}: {took:?}");
                eprintln!("{kind}: {took:?}");
            });
        }
    });
}

/// CALL-3: a pull that nobody closes ends by itself, once, whatever a server does to hold it.
#[test]
fn a_pull_ends_by_itself() {
    std::thread::scope(|scope| {
        for trick in WIRE.iter().filter(|trick| trick.endless) {
            scope.spawn(move || {
                let fake = FakeServer::start(move |_, _| (trick.answer)());
                let folder = tempfile::tempdir().unwrap();
                let client = Options::remote(folder.path(), &fake.url(), SIG).open();
                let call = client.call();
                assert_eq!(client.begin_pull(&call), abi::OK);
                let event = call.event_within(Duration::from_secs(45));
                let event = event.unwrap_or_else(|| panic!("{}: no end", trick.name));
                assert_eq!(event.outcome.code(), abi::BAD_ANSWER, "{}", trick.name);
                assert_eq!(client.close(), abi::OK);
                assert_eq!(call.events().len(), 1, "{}", trick.name);
            });
        }
    });
}

/// DEL-1, DEL-2: an answer that comes twice, or that nobody asked for, is not taken for the answer to
/// the next deletion, which the server refuses.
#[test]
fn an_answer_too_many_answers_nothing() {
    for extra in 1..=3 {
        let fake = FakeServer::start(move |request, _| {
            if let Some(answer) = world(request) {
                return answer;
            }
            if request.body["Type"] == 2 {
                return Answer::Fail(10_007, "not this one");
            }
            let body = r#"{"ActionStatus":"OK","ErrorCode":0,"ErrorInfo":"","ClearedThrough":3}"#;
            let one = format!(
                "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            );
            Answer::Keep(one.repeat(extra + 1).into_bytes())
        });
        let folder = tempfile::tempdir().unwrap();
        let client = Options::remote(folder.path(), &fake.url(), SIG).open();
        client.pulled();
        assert_eq!(client.delete("c2c_bob"), Outcome::Success);
        let outcome = client.delete("group_club");
        assert_ne!(outcome, Outcome::Success, "the server has refused it");
        assert_eq!(client.texts("group_club"), CLUB);
        assert_eq!(client.close(), abi::OK);
    }
}

/// CALL-4, ABI-5: close returns at once while every line to the server stalls, and each call hears it
/// once.
#[test]
fn closing_while_everything_stalls() {
    let fake = FakeServer::start(|_, _| Answer::Stall);
    let folder = tempfile::tempdir().unwrap();
    {
        let client = Client::local(folder.path());
        for name in 0..20 {
            client.save_texts(&format!("c2c_{name}"), &["hello there"]);
        }
    }
    let client = Options::remote(folder.path(), &fake.url(), SIG).open();
    let pull = client.call();
    assert_eq!(client.begin_pull(&pull), abi::OK);
    let deletions: Vec<_> = (0..20)
        .map(|name| {
            let call = client.call();
            assert_eq!(client.begin_delete(&format!("c2c_{name}"), &call), abi::OK);
            call
        })
        .collect();
    fake.wait_for_deletions(1);
    let start = Instant::now();
    assert_eq!(client.close(), abi::OK);
    assert!(
        start.elapsed() < Duration::from_secs(3),
        "{:?}",
        start.elapsed()
    );
    assert_eq!(pull.wait().code(), abi::CLOSED);
    for call in deletions {
        assert_eq!(call.wait().code(), abi::PENDING);
        assert_eq!(call.events().len(), 1);
    }
}
