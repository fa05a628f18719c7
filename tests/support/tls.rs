//! A TLS front before the scripted server, with certificates made for the test.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    date_time_ymd,
};
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// How long the front waits for either side before it looks at the other.
const TURN: Duration = Duration::from_millis(2);

/// An authority of the test's own.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pub pem: String,
}

/// What a server shows.
pub type Identity = Arc<ServerConfig>;

impl Authority {
    pub fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        Self {
            issuer: Issuer::new(params, key),
            pem,
        }
    }

    /// A server's certificate for these names, valid from one year to another.
    pub fn identity(&self, names: &[&str], years: (i32, i32)) -> Identity {
        let (key, params) = leaf(names, years);
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        identity(certificate, &key)
    }
}

/// A certificate that only its own server stands for.
pub fn self_signed(names: &[&str]) -> Identity {
    let (key, params) = leaf(names, NOW);
    let certificate = params.self_signed(&key).unwrap();
    identity(certificate, &key)
}

/// Years that the test runs in.
pub const NOW: (i32, i32) = (2000, 4000);

fn leaf(names: &[&str], (from, to): (i32, i32)) -> (KeyPair, CertificateParams) {
    let names: Vec<String> = names.iter().map(ToString::to_string).collect();
    let mut params = CertificateParams::new(names).unwrap();
    params.not_before = date_time_ymd(from, 1, 1);
    params.not_after = date_time_ymd(to, 1, 1);
    (KeyPair::generate().unwrap(), params)
}

fn identity(certificate: rcgen::Certificate, key: &KeyPair) -> Identity {
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .unwrap();
    Arc::new(config)
}

/// What waits at the address.
pub enum Peer {
    /// A server with a certificate, and the scripted one behind it.
    Tls(Identity, String),
    /// One that answers in plain text.
    Plain,
    /// One that hangs up on whoever begins to speak.
    HangsUp,
    /// One that takes everything and says nothing.
    Silent,
}

/// A listening peer.
pub struct Front {
    port: u16,
    /// Every byte that came, as it came.
    came: Arc<Mutex<Vec<u8>>>,
    stopped: Arc<AtomicBool>,
}

impl Front {
    pub fn start(peer: Peer) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let front = Self {
            port: listener.local_addr().unwrap().port(),
            came: Arc::default(),
            stopped: Arc::default(),
        };
        let (came, stopped, peer) = (front.came.clone(), front.stopped.clone(), Arc::new(peer));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if stopped.load(Ordering::SeqCst) {
                    return;
                }
                let (came, stopped, peer) = (came.clone(), stopped.clone(), peer.clone());
                let tapped = Tapped {
                    stream: stream.unwrap(),
                    came,
                };
                std::thread::spawn(move || serve(&peer, tapped, &stopped));
            }
        });
        front
    }

    /// Its URL, by this name of the machine.
    pub fn url(&self, host: &str) -> String {
        format!("https://{host}:{}", self.port)
    }

    /// Whether anybody has come, and what was sent as it stood on the wire.
    pub fn came(&self) -> Vec<u8> {
        self.came.lock().unwrap().clone()
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::SeqCst);
        // Wakes the thread that accepts.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

/// A connection whose incoming bytes are kept.
struct Tapped {
    stream: TcpStream,
    came: Arc<Mutex<Vec<u8>>>,
}

impl Read for Tapped {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.stream.read(buffer)?;
        self.came.lock().unwrap().extend_from_slice(&buffer[..read]);
        Ok(read)
    }
}

impl Write for Tapped {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.stream.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.stream.flush()
    }
}

fn serve(peer: &Peer, mut tapped: Tapped, stopped: &AtomicBool) {
    tapped.stream.set_read_timeout(Some(TURN)).unwrap();
    match peer {
        Peer::Tls(identity, behind) => {
            let connection = ServerConnection::new(identity.clone()).unwrap();
            let mut client = StreamOwned::new(connection, tapped);
            let mut behind = TcpStream::connect(behind).unwrap();
            behind.set_read_timeout(Some(TURN)).unwrap();
            while !stopped.load(Ordering::SeqCst)
                && pass(&mut client, &mut behind)
                && pass(&mut behind, &mut client)
            {}
            client.conn.send_close_notify();
            let _ = client.flush();
        }
        Peer::Plain | Peer::HangsUp => {
            while read_some(&mut tapped, &mut [0; 4096]) == Some(0)
                && !stopped.load(Ordering::SeqCst)
            {}
            if matches!(peer, Peer::Plain) {
                let _ = tapped.write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
            }
            let _ = tapped.stream.shutdown(Shutdown::Both);
        }
        Peer::Silent => {
            while !stopped.load(Ordering::SeqCst)
                && read_some(&mut tapped, &mut [0; 4096]).is_some()
            {}
        }
    }
}

/// Hands on what is there; `false` when a side has hung up.
fn pass(from: &mut impl Read, to: &mut impl Write) -> bool {
    let mut buffer = [0; 16 << 10];
    match read_some(from, &mut buffer) {
        // Writing nothing could wait for the rest of a handshake.
        Some(0) => true,
        Some(read) => to
            .write_all(&buffer[..read])
            .and_then(|()| to.flush())
            .is_ok(),
        None => false,
    }
}

/// How much came by now; `None` when nothing will come any more.
fn read_some(from: &mut impl Read, buffer: &mut [u8]) -> Option<usize> {
    match from.read(buffer) {
        Ok(0) => None,
        Ok(read) => Some(read),
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
            Some(0)
        }
        Err(_) => None,
    }
}
