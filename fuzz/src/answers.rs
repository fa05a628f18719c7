//! The bodies of a server's answers, as the client's types read them.

#![cfg_attr(feature = "libfuzzer", no_main)]

#[cfg(not(feature = "libfuzzer"))]
mod replay;

use adieu_protocol::{envelope::read_answer, recent_contact as wire};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let _ = read_answer::<wire::Deleted>(data);
    let _ = read_answer::<wire::BatchDeleted>(data);
    let _ = read_answer::<wire::List>(data);
    let _ = read_answer::<wire::History>(data);
    if let Ok(synced) = read_answer::<wire::Synced>(data) {
        for view in synced.views {
            let _ = view.target.conversation();
        }
    }
});

#[cfg(not(feature = "libfuzzer"))]
fn main() {
    replay::all();
}
