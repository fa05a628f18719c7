//! What a server sends, as the whole client reads it: HTTP, envelope, views and messages, up to the
//! store. The input is a list of answers; those that begin with `H` are sent as they are, the others
//! as the body of a good HTTP answer.

#![cfg_attr(feature = "libfuzzer", no_main)]

#[cfg(not(feature = "libfuzzer"))]
mod replay;

mod support;

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use support::*;

static ANSWERS: Mutex<VecDeque<Vec<u8>>> = Mutex::new(VecDeque::new());

/// Starts the server, once.
fn url() -> &'static str {
    static URL: OnceLock<String> = OnceLock::new();
    URL.get_or_init(|| {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let address = listener.local_addr().expect("it has an address");
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                // Four threads of the client ask to delete.
                std::thread::spawn(move || answer(stream));
            }
        });
        format!("http://{address}")
    })
}

/// One connection, one answer: what follows it is cut.
fn answer(mut stream: TcpStream) -> Option<()> {
    stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
    let mut request = Vec::new();
    let mut piece = [0; 4096];
    // The client sends head and body at once, and the body ends with a brace.
    while !request.ends_with(b"}") {
        match stream.read(&mut piece).ok()? {
            0 => return None,
            read => request.extend_from_slice(&piece[..read]),
        }
    }
    let next = ANSWERS
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .pop_front()?;
    if !next.starts_with(b"H") {
        let head = format!(
            "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
            next.len()
        );
        stream.write_all(head.as_bytes()).ok()?;
    }
    stream.write_all(&next).ok()
}

fuzz_target!(|data: &[u8]| {
    let url = url();
    let answers = data.split(|byte| *byte == b'\n').map(<[u8]>::to_vec);
    *ANSWERS.lock().unwrap_or_else(PoisonError::into_inner) = answers.collect();
    let folder = folder();
    let mut client = Client::open(folder.path(), Some(url)).expect("a new store opens");
    let (handle, data) = client.parts();
    // SAFETY: valid callbacks and texts; handles are looked up.
    let code = unsafe { adieu_pull(handle, Some(on_success), Some(on_error), data) };
    client.called(code);
    client.settle();
    for id in [c"c2c_bob", c"group_g"] {
        // SAFETY: as above.
        let code = unsafe {
            adieu_delete_conversation(handle, id.as_ptr(), Some(on_success), Some(on_error), data)
        };
        client.called(code);
    }
    client.settle();
    // SAFETY: as above.
    let code =
        unsafe { adieu_list_conversations(handle, Some(on_conversations), Some(on_error), data) };
    client.called(code);
    assert_eq!(
        client.settle(),
        ADIEU_OK,
        "the store reads what the client wrote"
    );
});

#[cfg(not(feature = "libfuzzer"))]
fn main() {
    replay::all();
}
