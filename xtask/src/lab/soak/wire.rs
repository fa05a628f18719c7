//! The network between the devices and the server, which can be taken away.

use std::{
    io,
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use anyhow::{Context, Result};

/// A relay in front of a server.
pub struct Wire {
    /// Where devices connect to.
    pub url: String,
    state: Arc<State>,
}

struct State {
    server: SocketAddr,
    cut: AtomicBool,
    ended: AtomicBool,
    /// Both ends of what goes through.
    open: Mutex<Vec<TcpStream>>,
}

impl Wire {
    /// To the server that listens there.
    pub fn to(url: &str) -> Result<Self> {
        let server = url.strip_prefix("http://").unwrap_or(url);
        let server = server
            .parse()
            .with_context(|| format!("{url} is no address of this machine"))?;
        let listener = TcpListener::bind("127.0.0.1:0").context("cannot listen")?;
        let url = format!("http://{}", listener.local_addr()?);
        let state = Arc::new(State {
            server,
            cut: AtomicBool::new(false),
            ended: AtomicBool::new(false),
            open: Mutex::default(),
        });
        let accepting = state.clone();
        thread::spawn(move || {
            for device in listener.incoming().flatten() {
                if accepting.ended.load(Ordering::SeqCst) {
                    return;
                }
                // A device sees a connection that ends at once, or none.
                let _ = accepting.connect(device);
            }
        });
        Ok(Self { url, state })
    }

    /// Takes the network away, with everything that is on its way.
    pub fn cut(&self) {
        self.state.cut.store(true, Ordering::SeqCst);
        self.state.close_all();
    }

    /// Gives it back.
    pub fn mend(&self) {
        self.state.cut.store(false, Ordering::SeqCst);
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.state.ended.store(true, Ordering::SeqCst);
        self.cut();
        // Ends the thread that accepts.
        let _ = self.url.strip_prefix("http://").map(TcpStream::connect);
    }
}

impl State {
    fn connect(&self, device: TcpStream) -> io::Result<()> {
        let server = TcpStream::connect(self.server)?;
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        // Under the lock: what comes while the network is being taken away goes with it.
        if self.cut.load(Ordering::SeqCst) {
            return Ok(());
        }
        open.retain(|stream| stream.peer_addr().is_ok());
        for (from, to) in [(&device, &server), (&server, &device)] {
            let (from, to) = (from.try_clone()?, to.try_clone()?);
            thread::spawn(move || relay(&from, &to));
        }
        open.extend([device, server]);
        Ok(())
    }

    fn close_all(&self) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        for stream in open.drain(..) {
            // It may be gone already.
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

fn relay(mut from: &TcpStream, mut to: &TcpStream) {
    let _ = io::copy(&mut from, &mut to);
    for stream in [from, to] {
        let _ = stream.shutdown(Shutdown::Both);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};

    fn echo() -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                thread::spawn(move || io::copy(&mut &stream, &mut &stream));
            }
        });
        url
    }

    fn says_back(wire: &Wire) -> bool {
        let address = wire.url.strip_prefix("http://").unwrap();
        let mut stream = TcpStream::connect(address).unwrap();
        let mut back = [0; 2];
        stream.write_all(b"hi").is_ok() && stream.read_exact(&mut back).is_ok() && &back == b"hi"
    }

    #[test]
    fn what_is_cut_comes_back_when_mended() {
        let wire = Wire::to(&echo()).unwrap();
        assert!(says_back(&wire));
        let address = wire.url.strip_prefix("http://").unwrap();
        let mut open = TcpStream::connect(address).unwrap();
        open.write_all(b"x").unwrap();
        let mut byte = [0];
        open.read_exact(&mut byte).unwrap();
        wire.cut();
        assert!(!matches!(open.read(&mut byte), Ok(1..)));
        assert!(!says_back(&wire));
        wire.mend();
        assert!(says_back(&wire));
    }
}
