//! Reading structs whose size the caller's header decided.

use super::status::{ADIEU_ERR_ABI, ADIEU_ERR_INVALID_ARGUMENT};

/// No release will know more of a struct: what says so was never initialised.
const LARGEST: usize = 4096;

/// A struct that begins with `uint32_t struct_size` and that all zeros are a value of.
///
/// # Safety
/// The type is `repr(C)`, begins with a `u32`, and every bit pattern that C callers may write is
/// valid for it, all zeros included.
pub(super) unsafe trait Sized32: Copy {
    /// Its size in the first release; a caller with less is broken.
    const FIRST_SIZE: usize;
}

/// Whether a release may have a struct of this size. One that is no multiple of its alignment would
/// end within a field: half a pointer is none.
const fn can_be<T: Sized32>(size: usize) -> bool {
    size >= T::FIRST_SIZE && size.is_multiple_of(align_of::<T>())
}

/// Copies a caller's struct: fields that an older caller does not know are zero, and a newer
/// caller may not use fields that this library does not know.
///
/// # Safety
/// `given` is NULL or points to `struct_size` readable bytes, aligned for `T`.
pub(super) unsafe fn read<T: Sized32>(given: *const T) -> Result<T, i32> {
    if given.is_null() {
        return Err(ADIEU_ERR_INVALID_ARGUMENT);
    }
    // SAFETY: not NULL, and by the caller's contract at least the first field is readable.
    let size = unsafe { given.cast::<u32>().read() } as usize;
    if size > LARGEST || !can_be::<T>(size) {
        return Err(ADIEU_ERR_ABI);
    }
    let known = size_of::<T>();
    // SAFETY: `size` bytes are readable by the caller's contract.
    let bytes = unsafe { std::slice::from_raw_parts(given.cast::<u8>(), size) };
    if bytes.iter().skip(known).any(|byte| *byte != 0) {
        return Err(ADIEU_ERR_ABI);
    }
    // SAFETY: all zeros are a value of T by the contract of the trait.
    let mut copy: T = unsafe { std::mem::zeroed() };
    // SAFETY: both are valid for this many bytes, and a local never overlaps the caller's memory.
    unsafe {
        std::ptr::copy_nonoverlapping(
            bytes.as_ptr(),
            (&raw mut copy).cast::<u8>(),
            size.min(known),
        )
    };
    Ok(copy)
}

/// Fills a caller's struct as far as the caller knows it; `struct_size` stays as it was.
///
/// # Safety
/// `wanted` is NULL or points to `struct_size` writable bytes, aligned for `T`, the first four of
/// which are initialised.
pub(super) unsafe fn write<T: Sized32>(wanted: *mut T, value: &T) -> Result<(), i32> {
    if wanted.is_null() {
        return Err(ADIEU_ERR_INVALID_ARGUMENT);
    }
    // SAFETY: not NULL, and by the caller's contract the first field is readable.
    let size = unsafe { wanted.cast::<u32>().read() };
    if !can_be::<T>(size as usize) {
        return Err(ADIEU_ERR_ABI);
    }
    let writable = (size as usize).min(size_of::<T>());
    // SAFETY: `writable` bytes are writable by the caller's contract and readable in `value`.
    unsafe {
        std::ptr::copy_nonoverlapping(
            (&raw const *value).cast::<u8>(),
            wanted.cast::<u8>(),
            writable,
        )
    };
    // SAFETY: as above; the caller's own size is put back.
    unsafe { wanted.cast::<u32>().write(size) };
    Ok(())
}
