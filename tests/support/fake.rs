//! A server by script: it answers as it is told, and remembers what it was asked.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{Client, Options, eventually};

/// What the server does with one request.
pub enum Answer {
    /// The envelope of success, with these fields.
    Ok(Value),
    /// The envelope of refusal.
    Fail(i32, &'static str),
    /// Status line, further header lines, body; the length is added.
    Http(&'static str, &'static str, String),
    /// Bytes as they are, and then the end.
    Raw(Vec<u8>),
    /// Bytes as they are, and no end.
    Keep(Vec<u8>),
    /// The end, orderly.
    Close,
    /// The end, with a reset.
    Reset,
    /// Nothing, until the server ends.
    Stall,
    /// This answer, when [`FakeServer::release`] is called.
    Hold(Box<Answer>),
    /// This answer, a byte at a time.
    Slow(Box<Answer>),
    /// Whatever this does with the connection, which then ends. It may go on for as long as the
    /// server does.
    Wire(fn(&mut Wire)),
}

/// A connection in the hands of [`Answer::Wire`].
pub struct Wire<'a> {
    stream: &'a mut TcpStream,
    shared: &'a Shared,
}

impl Wire<'_> {
    /// `false` when the other side has hung up, or the server ends.
    pub fn send(&mut self, bytes: &[u8]) -> bool {
        !self.shared.stopped.load(Ordering::SeqCst) && self.stream.write_all(bytes).is_ok()
    }

    /// Sends this again and again.
    pub fn send_for_ever(&mut self, bytes: &[u8]) {
        while self.send(bytes) {}
    }

    /// Does nothing for so long; less when the server ends.
    pub fn wait(&mut self, time: Duration) {
        let start = Instant::now();
        while start.elapsed() < time && !self.shared.stopped.load(Ordering::SeqCst) {
            std::thread::sleep(Duration::from_millis(5).min(time));
        }
    }

    /// Does nothing until the server ends.
    pub fn stall(&mut self) {
        self.wait(Duration::MAX);
    }
}

/// A request that came.
#[derive(Clone, Debug)]
pub struct Request {
    /// Without the leading slash and the query.
    pub path: String,
    pub query: String,
    pub body: Value,
}

type Script = dyn Fn(&Request, usize) -> Answer + Send + Sync;

struct Shared {
    script: Box<Script>,
    requests: Mutex<Vec<Request>>,
    open: Mutex<Vec<TcpStream>>,
    gate: Mutex<bool>,
    gate_changed: Condvar,
    stopped: AtomicBool,
}

pub struct FakeServer {
    address: SocketAddr,
    shared: Arc<Shared>,
}

impl FakeServer {
    /// Starts; `script` is given each request and how many came before it.
    pub fn start(script: impl Fn(&Request, usize) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            script: Box::new(script),
            requests: Mutex::default(),
            open: Mutex::default(),
            gate: Mutex::new(false),
            gate_changed: Condvar::new(),
            stopped: AtomicBool::new(false),
        });
        let behind = shared.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if behind.stopped.load(Ordering::SeqCst) {
                    return;
                }
                let (stream, shared) = (stream.unwrap(), behind.clone());
                shared
                    .open
                    .lock()
                    .unwrap()
                    .push(stream.try_clone().unwrap());
                std::thread::spawn(move || shared.serve(stream));
            }
        });
        Self { address, shared }
    }

    /// Serves the small world of [`world`], and deletions by `script`.
    pub fn with_world(script: impl Fn(&Request, usize) -> Answer + Send + Sync + 'static) -> Self {
        let deletions = std::sync::atomic::AtomicUsize::new(0);
        Self::start(move |request, _| match world(request) {
            Some(answer) => answer,
            None => script(request, deletions.fetch_add(1, Ordering::SeqCst)),
        })
    }

    /// Refuses deletions in that world with this code, until what comes with it is called.
    pub fn refusing(code: i32) -> (Self, impl Fn()) {
        let refuses = Arc::new(AtomicBool::new(true));
        let asked = refuses.clone();
        let fake = Self::with_world(move |_, _| {
            if asked.load(Ordering::SeqCst) {
                Answer::Fail(code, "not now")
            } else {
                Answer::Ok(().into())
            }
        });
        (fake, move || refuses.store(false, Ordering::SeqCst))
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// A device that has pulled the small world, signed in with [`SIG`].
    pub fn device(&self, folder: &TempDir) -> Client {
        let client = Options::remote(folder.path(), &self.url(), SIG).open();
        client.pulled();
        assert_eq!(client.texts("c2c_bob"), BOB);
        assert_eq!(client.texts("group_club"), CLUB);
        client
    }

    /// All requests so far.
    pub fn requests(&self) -> Vec<Request> {
        self.shared.requests.lock().unwrap().clone()
    }

    /// Those that ask for deletions, batches taken apart: the items.
    pub fn deletions(&self) -> Vec<Value> {
        self.requests()
            .into_iter()
            .flat_map(|request| match request.path.as_str() {
                "v4/recentcontact/delete" => vec![request.body],
                "v4/recentcontact/batch_delete" => {
                    request.body["DeleteItem"].as_array().cloned().unwrap()
                }
                _ => Vec::new(),
            })
            .collect()
    }

    /// Waits until so many deletions were asked for.
    #[track_caller]
    pub fn wait_for_deletions(&self, count: usize) {
        eventually("the server was asked to delete", || {
            self.deletions().len() >= count
        });
    }

    /// Lets go what is held.
    pub fn release(&self) {
        *self.shared.gate.lock().unwrap() = true;
        self.shared.gate_changed.notify_all();
    }
}

impl Drop for FakeServer {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::SeqCst);
        self.release();
        for stream in self.shared.open.lock().unwrap().drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
        // Wakes the thread that accepts.
        let _ = TcpStream::connect(self.address);
    }
}

impl Shared {
    fn serve(&self, mut stream: TcpStream) {
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        while let Some(request) = read_request(&mut reader) {
            let number = {
                let mut requests = self.requests.lock().unwrap();
                requests.push(request.clone());
                requests.len() - 1
            };
            if !self.answer(
                &mut stream,
                (self.script)(&request, number),
                &request,
                false,
            ) {
                return;
            }
        }
    }

    /// `false` when the connection is over.
    fn answer(
        &self,
        stream: &mut TcpStream,
        answer: Answer,
        request: &Request,
        slow: bool,
    ) -> bool {
        let envelope = |mut fields: Value, status: &str, code: i32, info: &str| {
            fields["ActionStatus"] = status.into();
            fields["ErrorCode"] = code.into();
            fields["ErrorInfo"] = info.into();
            fields["ErrorDisplay"] = "".into();
            fields.to_string()
        };
        let (status, headers, body) = match answer {
            Answer::Ok(fields) => {
                let fields = if fields.is_null() {
                    done(request)
                } else {
                    fields
                };
                ("200 OK", "", envelope(fields, "OK", 0, ""))
            }
            Answer::Fail(code, info) => ("200 OK", "", envelope(json!({}), "FAIL", code, info)),
            Answer::Http(status, headers, body) => (status, headers, body),
            Answer::Raw(bytes) => {
                let _ = stream.write_all(&bytes);
                let _ = stream.shutdown(Shutdown::Both);
                return false;
            }
            Answer::Keep(bytes) => return stream.write_all(&bytes).is_ok(),
            Answer::Close => {
                let _ = stream.shutdown(Shutdown::Both);
                return false;
            }
            Answer::Reset => {
                reset(stream);
                return false;
            }
            Answer::Stall => {
                self.wait_for_gate(true);
                return false;
            }
            Answer::Hold(then) => {
                self.wait_for_gate(false);
                return self.answer(stream, *then, request, slow);
            }
            Answer::Slow(then) => return self.answer(stream, *then, request, true),
            Answer::Wire(does) => {
                does(&mut Wire {
                    stream,
                    shared: self,
                });
                let _ = stream.shutdown(Shutdown::Both);
                return false;
            }
        };
        let text = format!(
            "HTTP/1.1 {status}\r\nContent-Type: application/json\r\n{headers}Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        if slow {
            for byte in text.as_bytes() {
                if stream.write_all(&[*byte]).is_err() {
                    return false;
                }
                std::thread::sleep(Duration::from_micros(300));
            }
            true
        } else {
            stream.write_all(text.as_bytes()).is_ok()
        }
    }

    /// Waits until the gate is open and, where it stalls, the server ends.
    fn wait_for_gate(&self, stall: bool) {
        let mut open = self.gate.lock().unwrap();
        while !(*open && (!stall || self.stopped.load(Ordering::SeqCst))) {
            open = self.gate_changed.wait(open).unwrap();
        }
    }
}

/// Deletions: done, up to the cut-off that was asked for, each item of a batch.
fn done(request: &Request) -> Value {
    let one = |item: &Value| match item["CutOff"].as_u64() {
        Some(cut_off) => json!({"ClearedThrough": cut_off}),
        None => json!({"ClearedThrough": 0}),
    };
    match request.body["DeleteItem"].as_array() {
        Some(items) => {
            let results: Vec<_> = items
                .iter()
                .map(|item| {
                    let mut result = one(item);
                    result["ResultCode"] = 0.into();
                    result["ResultInfo"] = "".into();
                    result
                })
                .collect();
            json!({"ResultItem": results})
        }
        None => one(&request.body),
    }
}

/// A credential that no text may show.
pub const SIG: &str = "eJyrVgrx-a-very*secret-signature_";

/// Texts of the world that [`world`] serves.
pub const BOB: [&str; 3] = [
    "bob: the key is under the third stone",
    "bob: come at dawn, alone",
    "bob: and tell nobody at all",
];
pub const CLUB: [&str; 2] = ["club: the vote is on friday", "club: bring the minutes"];

/// Answers the questions that change nothing for a small world: `c2c_bob` and `group_club`.
pub fn world(request: &Request) -> Option<Answer> {
    let group = request.body["Type"] == 2;
    match request.path.as_str() {
        "v4/recentcontact/sync" => Some(Answer::Ok(json!({
            "Views": [
                {"Type": 1, "To_Account": "bob", "Title": "", "Head": BOB.len()},
                {"Type": 2, "ToGroupid": "club", "Title": "The Club of Rome", "Head": CLUB.len()},
            ],
            "Cursor": "c",
            "Complete": 1,
        }))),
        "v4/recentcontact/get_history" => {
            let texts: &[&str] = if group { &CLUB } else { &BOB };
            let after = request.body["After"].as_u64().unwrap_or(0) as usize;
            let messages: Vec<_> = texts
                .iter()
                .enumerate()
                .skip(after)
                .map(|(index, text)| {
                    json!({
                        "Position": index + 1,
                        "From_Account": "bob",
                        "MsgTime": 1_700_000_000 + index,
                        "MsgBody": [{"MsgType": "TIMTextElem", "MsgContent": {"Text": text}}],
                    })
                })
                .collect();
            Some(Answer::Ok(
                json!({"Messages": messages, "Complete": 1, "Head": texts.len()}),
            ))
        }
        _ => None,
    }
}

fn read_request(reader: &mut BufReader<TcpStream>) -> Option<Request> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
    let target = line.split(' ').nth(1)?.to_owned();
    let mut length = 0;
    loop {
        let mut header = String::new();
        reader
            .read_line(&mut header)
            .ok()
            .filter(|read| *read > 0)?;
        let header = header.trim().to_ascii_lowercase();
        if header.is_empty() {
            break;
        }
        if let Some(value) = header.strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    Some(Request {
        path: path.trim_start_matches('/').to_owned(),
        query: query.to_owned(),
        body: serde_json::from_slice(&body).unwrap_or(Value::Null),
    })
}

/// Closes so that the other side sees a reset.
fn reset(stream: &TcpStream) {
    let linger = libc::linger {
        l_onoff: 1,
        l_linger: 0,
    };
    // SAFETY: a valid descriptor, and a struct of the size that is told.
    unsafe {
        libc::setsockopt(
            stream.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_LINGER,
            (&raw const linger).cast(),
            size_of::<libc::linger>() as libc::socklen_t,
        );
        // The clones of this stream keep the socket open: the reset has to be told to it.
        libc::connect(
            stream.as_raw_fd(),
            (&raw const UNSPECIFIED).cast(),
            size_of::<libc::sockaddr>() as libc::socklen_t,
        );
    }
}

/// Connecting to nowhere dissolves a connection, with a reset.
static UNSPECIFIED: libc::sockaddr = libc::sockaddr {
    sa_family: libc::AF_UNSPEC as libc::sa_family_t,
    sa_data: [0; 14],
};
