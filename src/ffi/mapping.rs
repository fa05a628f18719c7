//! Memory that is shared with a file.

use std::fs::File;

use crate::deletion::SharedWords;

/// Maps a file into memory.
#[cfg(unix)]
pub(super) fn map(file: &File, bytes: usize) -> std::io::Result<Box<dyn SharedWords>> {
    use std::os::fd::AsRawFd;
    let access = libc::PROT_READ | libc::PROT_WRITE;
    // SAFETY: a new mapping at an address of the system's choice touches no other memory.
    let at = unsafe {
        libc::mmap(
            std::ptr::null_mut(),
            bytes,
            access,
            libc::MAP_SHARED,
            file.as_raw_fd(),
            0,
        )
    };
    if at == libc::MAP_FAILED {
        return Err(std::io::Error::last_os_error());
    }
    Ok(Box::new(Mapping { at, bytes }))
}

/// Not there yet for this system.
#[cfg(not(unix))]
pub(super) fn map(_: &File, _: usize) -> std::io::Result<Box<dyn SharedWords>> {
    Err(std::io::ErrorKind::Unsupported.into())
}

#[cfg(unix)]
struct Mapping {
    at: *mut std::ffi::c_void,
    bytes: usize,
}

// SAFETY: the memory is reached through atomics only, and is unmapped by its one owner.
#[cfg(unix)]
unsafe impl Send for Mapping {}
// SAFETY: as above.
#[cfg(unix)]
unsafe impl Sync for Mapping {}

#[cfg(unix)]
impl SharedWords for Mapping {
    fn words(&self) -> &[std::sync::atomic::AtomicU64] {
        // SAFETY: mapped, aligned to a page, as long as the file, and nothing but atomics looks at
        // it. The file has this length for as long as the store's lock is held.
        unsafe { std::slice::from_raw_parts(self.at.cast(), self.bytes / 8) }
    }

    fn flush(&self) -> std::io::Result<()> {
        // SAFETY: what is mapped, all of it.
        match unsafe { libc::msync(self.at, self.bytes, libc::MS_SYNC) } {
            0 => Ok(()),
            _ => Err(std::io::Error::last_os_error()),
        }
    }
}

#[cfg(unix)]
impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: what mmap gave, once.
        unsafe { libc::munmap(self.at, self.bytes) };
    }
}
