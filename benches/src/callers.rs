//! Many callers at once against one: each deletes a conversation of its own, waits for its
//! callback, and goes on with the next. On the device alone, and with a server on loopback.

use std::ffi::CString;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use anyhow::Result;

use crate::adieu::{Calls, Client, ServerAccess};
use crate::batch::{TOGETHER, fill_all, names, rest};
use crate::engine::Run;
use crate::report::{Goal, Report, Row};
use crate::server::{Server, import, user_sig};
use crate::statistics::Samples;

const CALLERS: usize = 64;
/// Messages in each conversation.
const MESSAGES: usize = 5;

/// Runs the section.
pub fn run(report: &mut Report, run: &Run) -> Result<()> {
    let (each, rounds) = if run.quick { (25, 1) } else { (100, 2) };
    for served in [false, true] {
        let (mut one, mut many) = (Samples::default(), Samples::default());
        for _ in 0..rounds {
            // In one store, one after the other, so that both find the same disk.
            let (alone, together) = throughput(served, each, run)?;
            one.push_value(alone);
            many.push_value(together);
        }
        let place = if served {
            "with a server"
        } else {
            "device alone"
        };
        report.add(
            Row::samples(format!("{place}: {CALLERS} callers"), &many, "deletions/s")
                .over("one caller", one.median())
                .goal(Goal::AtLeast(8.0)),
        );
    }
    let count = if run.quick { 1_000 } else { 10_000 };
    let (requests, seconds) = batch_to_server(count, run)?;
    report.figure(
        &format!("{count} in batches of {TOGETHER}, with a server, to the last callback"),
        seconds * 1e3,
        "ms",
    );
    report.add(
        Row::value("requests that the server got for them", requests as f64, "")
            .goal(Goal::NeverAbove((count / TOGETHER) as f64)),
    );
    Ok(())
}

/// Deletions a second of one caller and of many.
fn throughput(served: bool, each: usize, run: &Run) -> Result<(f64, f64)> {
    let (home, device) = (tempfile::tempdir_in(".")?, tempfile::tempdir_in(".")?);
    let names = names(each * (1 + CALLERS))?;
    let mut server = None;
    let client = if served {
        let (running, user_sig) = serve(home.path(), &names)?;
        let access = ServerAccess {
            url: &running.url,
            user_sig: &user_sig,
        };
        let client = Client::open(device.path(), "alice", Some(&access))?;
        client.pull()?;
        server = Some(running);
        client
    } else {
        let client = Client::open(device.path(), "alice", None)?;
        fill_all(&client, &names, MESSAGES)?;
        client
    };
    let (alone, together) = names.split_at(each);
    rest(run)?;
    let alone = delete_all(&client, &[alone])?;
    rest(run)?;
    let shares: Vec<_> = together.chunks(each).collect();
    let together = delete_all(&client, &shares)?;
    drop(server);
    Ok((alone, together))
}

/// A server that has the conversations, each with a few messages to alice.
fn serve(home: &Path, names: &[CString]) -> Result<(Server, String)> {
    let log = home.join("log.jsonl");
    let mut lines = std::io::BufWriter::new(std::fs::File::create(&log)?);
    for name in names {
        let peer = name.to_str()?.trim_start_matches("c2c_");
        for index in 0..MESSAGES {
            let line = serde_json::json!({
                "conversation": format!("c2c_{peer}:alice"), "sender": peer,
                "time": 1_700_000_000 + index, "text": format!("message {index} of {peer}"),
            });
            writeln!(lines, "{line}")?;
        }
    }
    lines.flush()?;
    import(home, &log)?;
    Ok((Server::start(home)?, user_sig(home, "alice")?))
}

/// A thread for each share; deletions a second.
fn delete_all(client: &Client, shares: &[&[CString]]) -> Result<f64> {
    let start = Instant::now();
    std::thread::scope(|scope| {
        let threads: Vec<_> = shares
            .iter()
            .map(|share| {
                scope.spawn(move || -> Result<()> {
                    let calls = Calls::default();
                    for name in *share {
                        client.delete(name, &mut [0; 16], &calls)?;
                        calls.next()?;
                    }
                    Ok(())
                })
            })
            .collect();
        threads.into_iter().try_for_each(|thread| {
            let ended = thread.join();
            ended.unwrap_or_else(|_| Err(anyhow::anyhow!("a caller panicked")))
        })
    })?;
    let count: usize = shares.iter().map(|share| share.len()).sum();
    Ok(count as f64 / start.elapsed().as_secs_f64())
}

/// Requests and seconds for so many conversations.
fn batch_to_server(count: usize, run: &Run) -> Result<(usize, f64)> {
    let (home, device) = (tempfile::tempdir_in(".")?, tempfile::tempdir_in(".")?);
    let names = names(count)?;
    let (server, user_sig) = serve(home.path(), &names)?;
    let counter = Counter::before(&server.url)?;
    let access = ServerAccess {
        url: &counter.url,
        user_sig: &user_sig,
    };
    let client = Client::open(device.path(), "alice", Some(&access))?;
    client.pull()?;
    rest(run)?;
    let before = counter.requests.load(Ordering::SeqCst);
    let pointers: Vec<_> = names.iter().map(|name| name.as_ptr()).collect();
    let calls = Calls::default();
    let start = Instant::now();
    for names in pointers.chunks(TOGETHER) {
        client.delete_many(names, &mut [[0; 16]; TOGETHER], &calls)?;
    }
    for _ in pointers.chunks(TOGETHER) {
        calls.next()?;
    }
    let seconds = start.elapsed().as_secs_f64();
    Ok((counter.requests.load(Ordering::SeqCst) - before, seconds))
}

/// Stands before a server and counts the requests that go through.
struct Counter {
    url: String,
    requests: Arc<AtomicUsize>,
}

impl Counter {
    fn before(server: &str) -> Result<Self> {
        let server = server.trim_start_matches("http://").to_owned();
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let url = format!("http://{}", listener.local_addr()?);
        let requests = Arc::new(AtomicUsize::new(0));
        let counted = requests.clone();
        // Ends with the process.
        std::thread::spawn(move || {
            for line in listener.incoming().flatten() {
                if let Ok(onward) = TcpStream::connect(&server) {
                    join(line, onward, &counted);
                }
            }
        });
        Ok(Self { url, requests })
    }
}

fn join(line: TcpStream, onward: TcpStream, counted: &Arc<AtomicUsize>) {
    let (Ok(back), Ok(home)) = (onward.try_clone(), line.try_clone()) else {
        return;
    };
    let counted = counted.clone();
    std::thread::spawn(move || {
        pass(line, onward, |bytes| {
            // A request begins a segment here: the client waits for each answer.
            let requests = usize::from(bytes.starts_with(b"POST "));
            counted.fetch_add(requests, Ordering::SeqCst);
        });
    });
    std::thread::spawn(move || pass(back, home, |_| {}));
}

fn pass(mut from: TcpStream, mut to: TcpStream, seen: impl Fn(&[u8])) {
    let mut bytes = [0; 65_536];
    let _ = to.set_nodelay(true);
    while let Ok(count @ 1..) = from.read(&mut bytes) {
        seen(&bytes[..count]);
        if to.write_all(&bytes[..count]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}
