//! Credentials: none is taken but the one that was signed, however it is spelled and packed.

#![cfg_attr(feature = "libfuzzer", no_main)]

#[cfg(not(feature = "libfuzzer"))]
mod replay;

use std::io::Write;

use adieu_protocol::user_sig::Signer;
use base64::{Engine, engine::general_purpose::STANDARD};
use flate2::{Compression, write::ZlibEncoder};
use libfuzzer_sys::fuzz_target;

const NOW: u64 = 1_700_000_000;

// The text as it stands, and what it says when it is packed as a credential is: chance alone would
// hardly ever get past the checksum of the compression.
fuzz_target!(|data: &[u8]| {
    let signer = Signer::new(1_400_000_000, b"a secret that is not in the input");
    let mut zlib = ZlibEncoder::new(Vec::new(), Compression::fast());
    let packed = zlib.write_all(data).and_then(|()| zlib.finish());
    let packed = STANDARD.encode(packed.expect("memory takes it"));
    let packed = packed.replace('+', "*").replace('/', "-").replace('=', "_");
    for text in [&*String::from_utf8_lossy(data), &packed] {
        assert!(
            signer.verify(text, "alice", NOW).is_err(),
            "a forged credential was taken"
        );
    }
});

#[cfg(not(feature = "libfuzzer"))]
fn main() {
    replay::all();
}
