//! Arguments by chance for the functions of the C interface, on a device without a server.

#![cfg_attr(feature = "libfuzzer", no_main)]

#[cfg(not(feature = "libfuzzer"))]
mod replay;

mod support;

use std::ffi::CString;
use std::ptr::null;

use libfuzzer_sys::arbitrary::{Result, Unstructured};
use libfuzzer_sys::fuzz_target;
use support::*;

/// Bytes without a zero: what a C string can hold, UTF-8 or not.
fn text(input: &mut Unstructured<'_>) -> Result<CString> {
    let mut bytes = input.arbitrary::<Vec<u8>>()?;
    bytes.retain(|byte| *byte != 0);
    Ok(CString::new(bytes).expect("the zeros are gone"))
}

/// Now and then an id that is none.
fn id(input: &mut Unstructured<'_>) -> Result<CString> {
    const IDS: [&std::ffi::CStr; 4] = [c"c2c_bob", c"c2c_carol", c"group_team", c"C2Cbob"];
    if input.ratio(1, 5)? {
        text(input)
    } else {
        Ok(input.choose(&IDS)?.to_owned().to_owned())
    }
}

/// One call; `last` is the newest deletion's id.
fn call(
    client: &mut Client,
    last: &mut adieu_deletion_id,
    input: &mut Unstructured<'_>,
) -> Result<()> {
    let id = id(input)?;
    let (handle, data) = client.parts();
    let (done, failed) = (Some(on_success as _), Some(on_error as _));
    let pointer = if input.ratio(1, 50)? {
        null()
    } else {
        id.as_ptr()
    };
    // SAFETY, in all of them: handles are looked up, texts end with zeros and outlive the call,
    // counts are those of their arrays, callbacks and their data are valid until the client closes.
    let code = match input.int_in_range(0..=18)? {
        0 => {
            let (body, sender) = (text(input)?, text(input)?);
            let message = adieu_new_message {
                struct_size: input.int_in_range(0..=64)?,
                reserved: u32::from(input.ratio(1, 20)?),
                position: input.arbitrary()?,
                time: input.arbitrary()?,
                sender: sender.as_ptr(),
                body: body.as_ptr(),
            };
            // Larger than it is: the rest is not there to be read.
            let message = adieu_new_message {
                struct_size: message.struct_size.min(size_of_val(&message) as u32),
                ..message
            };
            unsafe { adieu_save_messages(handle, pointer, &message, 1, done, failed, data) }
        }
        1..=3 => {
            let (body, position) = (text(input)?, input.int_in_range(1..=1000)?);
            let message = adieu_new_message {
                struct_size: size_of::<adieu_new_message>() as u32,
                reserved: 0,
                position,
                time: 1_700_000_000,
                sender: c"bob".as_ptr(),
                body: body.as_ptr(),
            };
            unsafe { adieu_save_messages(handle, pointer, &message, 1, done, failed, data) }
        }
        4 => {
            let options = adieu_delete_options {
                struct_size: input.int_in_range(0..=size_of::<adieu_delete_options>() as u32)?,
                timeout_ms: input.arbitrary()?,
                user_data_destructor: None,
                deletion_id: last,
                policy: input.int_in_range(0..=3)?,
                keep_history: input.int_in_range(0..=2)?,
                // A window that nobody waits for.
                undo_ms: if input.ratio(1, 10)? { u32::MAX } else { 0 },
                reserved: u32::from(input.ratio(1, 20)?),
            };
            unsafe {
                adieu_delete_conversation_with_options(
                    handle, pointer, &options, done, failed, data,
                )
            }
        }
        5 => unsafe { adieu_delete_conversation(handle, pointer, done, failed, data) },
        6 => {
            let draft = text(input)?;
            unsafe { adieu_set_draft(handle, pointer, draft.as_ptr(), done, failed, data) }
        }
        7 => {
            let pinned = input.int_in_range(-1..=2)?;
            unsafe { adieu_pin_conversation(handle, pointer, pinned, done, failed, data) }
        }
        8 => {
            let (set, clear) = (input.arbitrary()?, input.arbitrary()?);
            unsafe { adieu_mark_conversation(handle, pointer, set, clear, done, failed, data) }
        }
        9 => {
            let (before, count) = (input.arbitrary()?, input.int_in_range(0..=1001)?);
            unsafe {
                adieu_get_history(
                    handle,
                    pointer,
                    before,
                    count,
                    Some(on_messages),
                    failed,
                    data,
                )
            }
        }
        10 => {
            let through = input.arbitrary()?;
            unsafe { adieu_mark_read(handle, pointer, through, done, failed, data) }
        }
        11 => unsafe { adieu_clear_history(handle, pointer, null(), done, failed, data) },
        12 => unsafe { adieu_list_pending(handle, Some(on_pending), failed, data) },
        13..=16 => {
            if input.ratio(1, 5)? {
                last.bytes = input.arbitrary()?;
            }
            let about = *input.choose(&[
                adieu_undo_delete,
                adieu_cancel_deletion,
                adieu_retry_deletion,
                adieu_acknowledge_deletion,
            ])?;
            unsafe { about(handle, last, done, failed, data) }
        }
        17 => {
            let looked_for = text(input)?;
            let strings = [looked_for.as_ptr()];
            let found = Some(on_verification as _);
            unsafe {
                adieu_verify_erased(handle, pointer, strings.as_ptr(), 1, found, failed, data)
            }
        }
        _ => {
            let ids = [pointer; 3];
            let count = input.int_in_range(0..=ids.len())?;
            let results = Some(on_results as _);
            unsafe {
                adieu_delete_conversations(
                    handle,
                    ids.as_ptr(),
                    count,
                    null(),
                    results,
                    failed,
                    data,
                )
            }
        }
    };
    client.called(code);
    Ok(())
}

fuzz_target!(|data: &[u8]| {
    let folder = folder();
    let mut client = Client::open(folder.path(), None).expect("a new store opens");
    let mut input = Unstructured::new(data);
    let mut last = adieu_deletion_id { bytes: [0; 16] };
    while !input.is_empty() && call(&mut client, &mut last, &mut input).is_ok() {}
    let (handle, data) = client.parts();
    // SAFETY: valid callbacks; handles are looked up.
    let code =
        unsafe { adieu_list_conversations(handle, Some(on_conversations), Some(on_error), data) };
    client.called(code);
    client.settle();
    drop(client);
    drop(Client::open(folder.path(), None).expect("a store that was closed opens"));
});

#[cfg(not(feature = "libfuzzer"))]
fn main() {
    replay::all();
}
