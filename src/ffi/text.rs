//! Strings across the boundary: copied and checked on the way in, held until the callback returns
//! on the way out.

use std::ffi::{CStr, CString, c_char};

use crate::error::{Error, Result};

/// Longest string that is taken, in bytes: a runaway one is an error, not a copy.
const LONGEST: usize = 16 << 20;

/// Copies a caller's string.
///
/// # Errors
/// [`Error::Parameter`] for NULL and for what is not UTF-8, naming the parameter.
///
/// # Safety
/// `given` is NULL or points to a NUL-terminated string.
pub(super) unsafe fn copy(name: &str, given: *const c_char) -> Result<String> {
    // SAFETY: passed on from the caller.
    unsafe { borrow(name, given) }.map(str::to_owned)
}

/// As [`copy`], with NULL for "not given".
///
/// # Safety
/// As [`copy`].
pub(super) unsafe fn copy_optional(name: &str, given: *const c_char) -> Result<Option<String>> {
    if given.is_null() {
        return Ok(None);
    }
    // SAFETY: passed on from the caller.
    unsafe { copy(name, given) }.map(Some)
}

/// Looks at a caller's string for as long as the call takes.
///
/// # Errors
/// As [`copy`].
///
/// # Safety
/// As [`copy`]; and the string stays as it is for as long as the result is used.
pub(super) unsafe fn borrow<'a>(name: &str, given: *const c_char) -> Result<&'a str> {
    if given.is_null() {
        return Err(Error::Parameter(format!("{name} is NULL")));
    }
    // SAFETY: not NULL, and NUL-terminated by the caller's contract.
    let bytes = unsafe { CStr::from_ptr(given) }.to_bytes();
    if bytes.len() > LONGEST {
        return Err(Error::Parameter(format!(
            "{name} has {} bytes; at most {LONGEST} are allowed",
            bytes.len()
        )));
    }
    std::str::from_utf8(bytes).map_err(|error| {
        let at = error.valid_up_to();
        Error::Parameter(format!("{name} is not UTF-8 at byte {at}"))
    })
}

/// A text for C. A NUL inside, which C could not see past, becomes U+FFFD.
pub(super) fn out(text: &str) -> CString {
    CString::new(text)
        .unwrap_or_else(|_| CString::new(text.replace('\0', "\u{fffd}")).unwrap_or_default())
}
