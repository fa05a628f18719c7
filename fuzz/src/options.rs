//! The configuration of a client by chance: it opens or is refused with a code and a text of its own,
//! and what opened once opens again.

#![cfg_attr(feature = "libfuzzer", no_main)]

#[cfg(not(feature = "libfuzzer"))]
mod replay;

mod support;

use std::ffi::CString;
use std::ptr::{null, null_mut};

use base64::{Engine, engine::general_purpose::STANDARD};
use libfuzzer_sys::arbitrary::{Result, Unstructured};
use libfuzzer_sys::fuzz_target;
use support::*;

/// Nobody listens there: so nothing is asked of anybody, whatever the credential says.
const NOBODY: &str = "http://127.0.0.1:1";

/// Bytes without a zero: what a C string can hold, UTF-8 or not.
fn text(input: &mut Unstructured<'_>) -> Result<CString> {
    let mut bytes = input.arbitrary::<Vec<u8>>()?;
    bytes.retain(|byte| *byte != 0);
    Ok(CString::new(bytes).expect("the zeros are gone"))
}

/// NULL, what is allowed, or what chance makes of it.
fn one_of(input: &mut Unstructured<'_>, allowed: &str) -> Result<Option<CString>> {
    Ok(match input.int_in_range(0..=4)? {
        0 => None,
        1..=2 => Some(CString::new(allowed).expect("without a zero")),
        _ => Some(text(input)?),
    })
}

/// An authority's certificate.
const AUTHORITY: &[u8] = include_bytes!("authority.der");

/// Certificates: any text, or PEM around any bytes, or around a real one that was changed.
fn certificates(input: &mut Unstructured<'_>) -> Result<Option<CString>> {
    let der = match input.int_in_range(0..=5)? {
        0 => return Ok(Some(text(input)?)),
        1 => input.arbitrary::<Vec<u8>>()?,
        2..=3 => {
            let mut der = AUTHORITY.to_vec();
            for _ in 0..input.int_in_range(0..=3)? {
                let at = input.choose_index(der.len())?;
                der[at] = input.arbitrary()?;
            }
            der
        }
        _ => return Ok(None),
    };
    let der = STANDARD.encode(der);
    let pem = format!("-----BEGIN CERTIFICATE-----\n{der}\n-----END CERTIFICATE-----\n");
    Ok(Some(CString::new(pem).expect("without a zero")))
}

fn pointer(text: &Option<CString>) -> *const std::ffi::c_char {
    text.as_ref().map_or(null(), |text| text.as_ptr())
}

fn run(input: &mut Unstructured<'_>) -> Result<()> {
    let folder = folder();
    let path = CString::new(folder.path().to_str().expect("its name is UTF-8"));
    let path = path.expect("without a zero");
    let (user, device) = (one_of(input, "alice")?, one_of(input, "phone")?);
    // A server by chance is a stranger: without a credential nobody asks it.
    let strange = input.ratio(1, 2)?;
    let url = if strange {
        Some(text(input)?)
    } else {
        one_of(input, NOBODY)?.filter(|url| url.as_bytes() == NOBODY.as_bytes())
    };
    let credential = one_of(input, "eJw-not-looked-at")?.filter(|_| !strange);
    let certificates = certificates(input)?;
    let key: [u8; 32] = input.arbitrary()?;
    let size = size_of::<adieu_client_options>() as u32;
    let options = adieu_client_options {
        // Never larger than it is: the rest is not there to be read.
        struct_size: if input.ratio(1, 8)? {
            input.int_in_range(0..=size)?
        } else {
            size
        },
        delivery: if input.ratio(1, 8)? {
            input.arbitrary()?
        } else {
            ADIEU_DELIVER_BY_POLL
        },
        store_path: if input.ratio(1, 30)? {
            null()
        } else {
            path.as_ptr()
        },
        user_id: pointer(&user),
        master_key: if input.arbitrary()? {
            key.as_ptr()
        } else {
            null()
        },
        server_url: pointer(&url),
        sdk_app_id: input.arbitrary()?,
        device_id: pointer(&device),
        user_sig: pointer(&credential),
        post: None,
        post_data: null_mut(),
        listener: null(),
        live_sync: input.int_in_range(0..=2)?,
        reserved: u32::from(input.ratio(1, 20)?),
        ca_certificates: pointer(&certificates),
    };
    let Ok(client) = Client::with(&options) else {
        return Ok(());
    };
    drop(client);
    let client = Client::with(&options);
    let mut client = client.expect("what opened once opens again");
    let (handle, data) = client.parts();
    if !strange && input.arbitrary()? {
        let credential = text(input)?;
        // SAFETY: a text; handles are looked up.
        client.told(unsafe { adieu_sign_in(handle, credential.as_ptr()) });
    }
    if options.delivery == ADIEU_DELIVER_BY_POLL {
        // SAFETY: valid callbacks; handles are looked up.
        let code = unsafe {
            adieu_list_conversations(handle, Some(on_conversations), Some(on_error), data)
        };
        client.called(code);
        assert_eq!(client.settle(), ADIEU_OK);
    }
    Ok(())
}

fuzz_target!(|data: &[u8]| {
    let _ = run(&mut Unstructured::new(data));
});

#[cfg(not(feature = "libfuzzer"))]
fn main() {
    replay::all();
}
