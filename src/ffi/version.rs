//! Which library this is.

use std::ffi::c_char;

/// Major number of the ABI. Raised only when programs built against an older header would break.
pub const ADIEU_ABI_MAJOR: u32 = 0;
/// Minor number of the ABI. Raised when something is added.
pub const ADIEU_ABI_MINOR: u32 = 2;

/// The ABI of the library at run time: major << 16 | minor. A program works with it when the
/// major number is ADIEU_ABI_MAJOR and the minor number is at least ADIEU_ABI_MINOR of the header
/// that it was compiled with. Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn adieu_abi_version() -> u32 {
    ADIEU_ABI_MAJOR << 16 | ADIEU_ABI_MINOR
}

/// The version of the library at run time, such as "0.1.0". Never NULL; valid for ever. Any
/// thread.
#[unsafe(no_mangle)]
pub extern "C" fn adieu_version() -> *const c_char {
    concat!(env!("CARGO_PKG_VERSION"), "\0").as_ptr().cast()
}
