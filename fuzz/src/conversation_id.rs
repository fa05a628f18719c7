//! Conversation ids: whatever is taken has one native and one web spelling, and both mean the same.

#![cfg_attr(feature = "libfuzzer", no_main)]

#[cfg(not(feature = "libfuzzer"))]
mod replay;

use adieu_protocol::ConversationId;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let Ok(id) = ConversationId::parse(text) else {
        return;
    };
    assert_eq!(ConversationId::parse(&id.native()).as_ref(), Ok(&id));
    assert_eq!(ConversationId::parse(&id.web()).as_ref(), Ok(&id));
});

#[cfg(not(feature = "libfuzzer"))]
fn main() {
    replay::all();
}
