//! The numbers, and what they mean.

use std::ffi::{CStr, c_char};

use crate::error::code;

/// Accepted, or done.
pub const ADIEU_OK: i32 = 0;
/// Not finished yet. From adieu_client_close: called from a callback, it takes effect when that
/// callback returns. To an error callback: the client closed before the outcome was known; the
/// deletion is written down and is taken up when the store is opened again.
pub const ADIEU_PENDING: i32 = 1;
/// To an error callback, of a deletion with ADIEU_POLICY_LOCAL_ONLY: it is done on this device,
/// and the server was not asked.
pub const ADIEU_LOCAL_ONLY: i32 = 2;

/// The handle is NULL, stale (closed before) or not from this library. It was not dereferenced.
pub const ADIEU_ERR_INVALID_HANDLE: i32 = -1;
/// A pointer that may not be NULL is NULL, or an option has an impossible value.
pub const ADIEU_ERR_INVALID_ARGUMENT: i32 = -2;
/// The client is closing.
pub const ADIEU_ERR_CLOSED: i32 = -3;
/// This process is a fork of the one that opened the client. Nothing works in it but exec.
pub const ADIEU_ERR_FORKED: i32 = -4;
/// struct_size is smaller than the first release knew or ends within a field, or the struct uses
/// fields that this older library does not know.
pub const ADIEU_ERR_ABI: i32 = -5;
/// A bug in the library. It went no further than this request.
pub const ADIEU_ERR_PANIC: i32 = -6;
/// The request may have reached the server and no readable answer came. The device still has all
/// of the conversation; the deletion is written down and is settled at the next connection.
pub const ADIEU_ERR_OUTCOME_UNKNOWN: i32 = -7;
/// There is nothing under this id (any more).
pub const ADIEU_ERR_NOT_FOUND: i32 = -8;
/// The deletion has gone too far to be taken back.
pub const ADIEU_ERR_TOO_LATE: i32 = -9;
/// The store is open in another process or client.
pub const ADIEU_ERR_STORE_LOCKED: i32 = -10;
/// The store was written by a newer version of this library.
pub const ADIEU_ERR_STORE_NEWER: i32 = -11;
/// A file of the store is damaged. Nothing was overwritten.
pub const ADIEU_ERR_STORE_DAMAGED: i32 = -12;
/// The master key is not the one that the store was made with.
pub const ADIEU_ERR_MASTER_KEY: i32 = -13;
/// The store's folder does not exist or cannot be used.
pub const ADIEU_ERR_STORE_PATH: i32 = -14;
/// The deletion was undone or cancelled; nothing was deleted.
pub const ADIEU_ERR_CANCELLED: i32 = -15;

/// HTTP, but no answer of this API (vendor's number).
pub const ADIEU_ERR_BAD_ANSWER: i32 = 6010;
/// No UserSig was given (vendor's number).
pub const ADIEU_ERR_NOT_SIGNED_IN: i32 = 6014;
/// A parameter breaks a rule; the text says what is allowed (vendor's number).
pub const ADIEU_ERR_INVALID_PARAMETER: i32 = 6017;
/// The store's database failed (vendor's number).
pub const ADIEU_ERR_STORE_FAILED: i32 = 6019;
/// The disk failed or is full (vendor's number).
pub const ADIEU_ERR_STORE_IO: i32 = 6022;
/// The server cannot be reached (vendor's number).
pub const ADIEU_ERR_NETWORK_UNREACHABLE: i32 = 9508;
/// Connecting to the server timed out (vendor's number).
pub const ADIEU_ERR_CONNECT_TIMED_OUT: i32 = 9510;
/// The server refused the connection (vendor's number).
pub const ADIEU_ERR_CONNECTION_REFUSED: i32 = 9511;
/// The timeout passed before the request could be sent (vendor's number).
pub const ADIEU_ERR_QUEUE_TIMED_OUT: i32 = 9518;
/// The UserSig has expired (vendor's number).
pub const ADIEU_ERR_USER_SIG_EXPIRED: i32 = 70001;

const _: () = {
    assert!(ADIEU_OK == code::OK && ADIEU_PENDING == code::PENDING);
    assert!(ADIEU_LOCAL_ONLY == code::LOCAL_ONLY && ADIEU_ERR_TOO_LATE == code::TOO_LATE);
    assert!(ADIEU_ERR_CANCELLED == code::CANCELLED && ADIEU_ERR_NOT_FOUND == code::NOT_FOUND);
    assert!(ADIEU_ERR_INVALID_HANDLE == code::INVALID_HANDLE);
    assert!(ADIEU_ERR_INVALID_ARGUMENT == code::INVALID_ARGUMENT);
    assert!(ADIEU_ERR_CLOSED == code::CLOSED && ADIEU_ERR_FORKED == code::FORKED);
    assert!(ADIEU_ERR_ABI == code::ABI && ADIEU_ERR_PANIC == code::PANIC);
    assert!(ADIEU_ERR_OUTCOME_UNKNOWN == code::OUTCOME_UNKNOWN);
    assert!(ADIEU_ERR_NOT_FOUND == code::NOT_FOUND);
    assert!(
        ADIEU_ERR_STORE_LOCKED == code::STORE_LOCKED && ADIEU_ERR_STORE_NEWER == code::STORE_NEWER
    );
    assert!(
        ADIEU_ERR_STORE_DAMAGED == code::STORE_DAMAGED && ADIEU_ERR_MASTER_KEY == code::MASTER_KEY
    );
    assert!(ADIEU_ERR_STORE_PATH == code::STORE_PATH && ADIEU_ERR_BAD_ANSWER == code::BAD_ANSWER);
    assert!(ADIEU_ERR_NOT_SIGNED_IN == code::NOT_SIGNED_IN);
    assert!(ADIEU_ERR_INVALID_PARAMETER == code::INVALID_PARAMETER);
    assert!(ADIEU_ERR_STORE_FAILED == code::STORE_FAILED && ADIEU_ERR_STORE_IO == code::STORE_IO);
    assert!(ADIEU_ERR_NETWORK_UNREACHABLE == code::NETWORK_UNREACHABLE);
    assert!(ADIEU_ERR_CONNECT_TIMED_OUT == code::CONNECT_TIMED_OUT);
    assert!(ADIEU_ERR_CONNECTION_REFUSED == code::CONNECTION_REFUSED);
    assert!(ADIEU_ERR_QUEUE_TIMED_OUT == code::QUEUE_TIMED_OUT);
    assert!(ADIEU_ERR_USER_SIG_EXPIRED == adieu_protocol::error_code::USER_SIG_EXPIRED);
};

/// Says in English what a code means. Codes that the server sends pass through the library;
/// those that it does not know itself get a general text. Never NULL; valid for ever. Any thread,
/// forked children included.
#[unsafe(no_mangle)]
pub extern "C" fn adieu_strerror(code: i32) -> *const c_char {
    text(code).as_ptr()
}

/// Says whether trying the same call again can help: 1 when it can (the network, a busy server, a
/// full disk, a UserSig that can be replaced), 0 when it cannot (a wrong parameter, a damaged
/// store). Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn adieu_is_retryable(code: i32) -> i32 {
    i32::from(code::is_retryable(code))
}

pub(super) fn text(code: i32) -> &'static CStr {
    match code {
        ADIEU_OK => c"success",
        ADIEU_PENDING => c"pending: it is settled after the store is opened again",
        ADIEU_LOCAL_ONLY => c"deleted on this device only; the server was not asked",
        ADIEU_ERR_TOO_LATE => c"too late: the deletion cannot be taken back any more",
        ADIEU_ERR_CANCELLED => c"the deletion was undone or cancelled; nothing was deleted",
        ADIEU_ERR_INVALID_HANDLE => c"the handle is NULL, stale or foreign",
        ADIEU_ERR_INVALID_ARGUMENT => c"a required pointer is NULL, or an option has an impossible value",
        ADIEU_ERR_CLOSED => c"the client is closed",
        ADIEU_ERR_FORKED => c"this process is a fork of the one that opened the client; only exec helps",
        ADIEU_ERR_ABI => c"struct_size does not fit this library: recompile against its header, or use a newer library",
        ADIEU_ERR_PANIC => c"a bug in the library failed this request",
        ADIEU_ERR_OUTCOME_UNKNOWN => c"outcome unknown: it is settled at the next connection",
        ADIEU_ERR_NOT_FOUND => c"nothing is known under this id",
        ADIEU_ERR_STORE_LOCKED => c"the store is open elsewhere",
        ADIEU_ERR_STORE_NEWER => c"the store was written by a newer libadieu",
        ADIEU_ERR_STORE_DAMAGED => c"the store is damaged",
        ADIEU_ERR_MASTER_KEY => c"the master key is not the one of this store",
        ADIEU_ERR_STORE_PATH => c"the store folder cannot be used",
        ADIEU_ERR_BAD_ANSWER => c"the answer is not one of the REST API",
        6012 => c"the request timed out",
        6013 => c"not initialised",
        ADIEU_ERR_NOT_SIGNED_IN => c"not signed in",
        ADIEU_ERR_INVALID_PARAMETER => c"invalid parameter",
        ADIEU_ERR_STORE_FAILED => c"the store's database failed",
        ADIEU_ERR_STORE_IO => c"the disk failed or is full",
        ADIEU_ERR_NETWORK_UNREACHABLE => c"the server cannot be reached",
        ADIEU_ERR_CONNECT_TIMED_OUT => c"connecting to the server timed out",
        ADIEU_ERR_CONNECTION_REFUSED => c"the server refused the connection",
        ADIEU_ERR_QUEUE_TIMED_OUT => c"the timeout passed before the request could be sent",
        50001 => c"the account was never imported",
        50002 => c"the server found a wrong parameter",
        50003 => c"this needs an administrator",
        50004 => c"internal error of the server",
        50005 => c"timeout inside the server",
        60007 => c"too many requests",
        60010 => c"the identifier must be an administrator",
        ADIEU_ERR_USER_SIG_EXPIRED => c"the UserSig has expired",
        70002 => c"the UserSig is empty",
        70003 | 70005 => c"the UserSig cannot be read",
        70009 => c"the UserSig was made with another key, or changed",
        70013 => c"the UserSig belongs to another user",
        70014 => c"the UserSig belongs to another app",
        70107 => c"no such account",
        code if code > 0 => c"an error that the server reported",
        _ => c"unknown code",
    }
}
