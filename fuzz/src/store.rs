//! Stores whose files were damaged: they open or are refused with a code of their own, and what opens
//! reads, deletes and closes without harm. The input is a list of edits.

#![cfg_attr(feature = "libfuzzer", no_main)]

#[cfg(not(feature = "libfuzzer"))]
mod replay;

mod support;

use std::ffi::CStr;
use std::fs;
use std::path::Path;
use std::sync::OnceLock;

use libfuzzer_sys::arbitrary::{Result, Unstructured};
use libfuzzer_sys::fuzz_target;
use support::*;

const IDS: [&CStr; 3] = [c"c2c_bob", c"c2c_carol", c"group_team"];

/// Of the key file, in bytes.
const SLOT: usize = 64;

type Files = Vec<(String, Vec<u8>)>;

/// A store with two conversations and a deleted one: as a close leaves it, and as a process does that
/// dies, with its logs.
struct Templates {
    closed: Files,
    died: Files,
}

fn templates() -> &'static Templates {
    static TEMPLATES: OnceLock<Templates> = OnceLock::new();
    TEMPLATES.get_or_init(|| {
        let folder = folder();
        let mut client = Client::open(folder.path(), None).expect("a new store opens");
        let (handle, data) = client.parts();
        for id in IDS {
            for position in 1..=20 {
                let message = adieu_new_message {
                    struct_size: size_of::<adieu_new_message>() as u32,
                    reserved: 0,
                    position,
                    time: 1_700_000_000,
                    sender: c"bob".as_ptr(),
                    body: c"see you at the lake".as_ptr(),
                };
                // SAFETY: valid texts and callbacks; handles are looked up.
                let code = unsafe {
                    let (done, failed) = (Some(on_success as _), Some(on_error as _));
                    adieu_save_messages(handle, id.as_ptr(), &message, 1, done, failed, data)
                };
                client.called(code);
            }
        }
        // SAFETY: as above.
        let code = unsafe {
            let (done, failed) = (Some(on_success as _), Some(on_error as _));
            adieu_delete_conversation(handle, IDS[0].as_ptr(), done, failed, data)
        };
        client.called(code);
        assert_eq!(client.settle(), ADIEU_OK);
        let died = files(folder.path());
        drop(client);
        let closed = files(folder.path());
        Templates { closed, died }
    })
}

fn files(folder: &Path) -> Files {
    let files = fs::read_dir(folder).expect("the folder can be read");
    let mut files: Files = files
        .flatten()
        .map(|file| {
            let bytes = fs::read(file.path()).expect("a file of the store can be read");
            (file.file_name().to_string_lossy().into_owned(), bytes)
        })
        .collect();
    files.sort();
    files
}

fn edit(files: &mut Files, input: &mut Unstructured<'_>) -> Result<()> {
    let which = input.choose_index(files.len())?;
    let bytes = &mut files[which].1;
    let at = input.int_in_range(0..=bytes.len())?;
    match input.int_in_range(0..=7)? {
        0 => bytes.truncate(at),
        1 => bytes.extend(input.arbitrary::<Vec<u8>>()?),
        // A slot of one place in another, as a file system that lost its mind would have it.
        2 => {
            let from = input.int_in_range(0..=bytes.len())? / SLOT * SLOT;
            let slot: Vec<u8> = bytes.iter().skip(from).take(SLOT).copied().collect();
            for (byte, new) in bytes.iter_mut().skip(at / SLOT * SLOT).zip(slot) {
                *byte = new;
            }
        }
        _ => {
            for (byte, new) in bytes[at..].iter_mut().zip(input.arbitrary::<Vec<u8>>()?) {
                *byte = new;
            }
        }
    }
    Ok(())
}

fuzz_target!(|data: &[u8]| {
    let mut input = Unstructured::new(data);
    let templates = templates();
    let mut files = if input.arbitrary().unwrap_or(false) {
        templates.died.clone()
    } else {
        templates.closed.clone()
    };
    while !input.is_empty() && edit(&mut files, &mut input).is_ok() {}
    let folder = folder();
    for (name, bytes) in &files {
        fs::write(folder.path().join(name), bytes).expect("a file of the store can be written");
    }
    let Ok(mut client) = Client::open(folder.path(), None) else {
        return;
    };
    let (handle, data) = client.parts();
    let (done, failed) = (Some(on_success as _), Some(on_error as _));
    // SAFETY, in all of them: valid texts and callbacks; handles are looked up.
    let code = unsafe { adieu_list_conversations(handle, Some(on_conversations), failed, data) };
    client.called(code);
    for id in IDS {
        let code = unsafe {
            let found = Some(on_messages as _);
            adieu_get_history(handle, id.as_ptr(), 0, 100, found, failed, data)
        };
        client.called(code);
    }
    let code = unsafe { adieu_delete_conversation(handle, IDS[1].as_ptr(), done, failed, data) };
    client.called(code);
    let code = unsafe {
        let strings = [c"see you at the lake".as_ptr()];
        let found = Some(on_verification as _);
        adieu_verify_erased(
            handle,
            IDS[1].as_ptr(),
            strings.as_ptr(),
            1,
            found,
            failed,
            data,
        )
    };
    client.called(code);
    client.settle();
});

#[cfg(not(feature = "libfuzzer"))]
fn main() {
    replay::all();
}
