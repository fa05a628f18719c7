//! A server's address behind TLS, with an authority of its own, for programs of other languages.
//!
//!   tls-front HOST:PORT FOLDER
//!
//! Writes the authority's certificate into the folder, prints one JSON line that says where, and hands
//! on what comes until its standard input ends.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    dead_code,
    reason = "shared with tests, and fails like one"
)]

#[path = "tls.rs"]
mod tls;

use std::io::Read;
use std::path::Path;

use tls::{Authority, Front, NOW, Peer};

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, behind, folder] = &arguments[..] else {
        eprintln!("tls-front HOST:PORT FOLDER");
        std::process::exit(2);
    };
    let authority = Authority::new("Authority of a test");
    let identity = authority.identity(&["localhost"], NOW);
    let file = Path::new(folder).join("authority.pem");
    std::fs::write(&file, &authority.pem).unwrap();
    let front = Front::start(Peer::Tls(identity, behind.clone()));
    println!(
        "{}",
        serde_json::json!({ "url": front.url("localhost"), "authorities": file })
    );
    // A pipe that ends with whoever started this.
    let _ = std::io::stdin().read(&mut [0]);
}
