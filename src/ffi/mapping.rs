//! Memory that is shared with a file.

use std::ffi::c_void;
use std::fs::File;
use std::io::{Error, Result};
use std::sync::atomic::AtomicU64;

use crate::deletion::SharedWords;

/// Maps so many bytes of a file into memory; it has at least these.
pub(super) fn map(file: &File, bytes: usize) -> Result<Box<dyn SharedWords>> {
    let file = file.try_clone()?;
    let at = system::map(&file, bytes)?;
    Ok(Box::new(Mapping { at, bytes, file }))
}

struct Mapping {
    at: *mut c_void,
    bytes: usize,
    file: File,
}

// SAFETY: the memory is reached through atomics only, and is unmapped by its one owner.
unsafe impl Send for Mapping {}
// SAFETY: as above.
unsafe impl Sync for Mapping {}

impl SharedWords for Mapping {
    fn words(&self) -> &[AtomicU64] {
        // SAFETY: mapped, aligned to a page, as long as the file, and nothing but atomics looks at
        // it. The file has this length for as long as the store's lock is held.
        unsafe { std::slice::from_raw_parts(self.at.cast(), self.bytes / 8) }
    }

    fn flush(&self) -> Result<()> {
        // SAFETY: what is mapped, all of it.
        unsafe { system::flush(self.at, self.bytes, &self.file) }
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: what was mapped, once.
        unsafe { system::unmap(self.at, self.bytes) };
    }
}

#[cfg(unix)]
mod system {
    use super::{Error, File, Result, c_void};
    use std::os::fd::AsRawFd;

    pub fn map(file: &File, bytes: usize) -> Result<*mut c_void> {
        let access = libc::PROT_READ | libc::PROT_WRITE;
        let file = file.as_raw_fd();
        // SAFETY: a new mapping at an address of the system's choice touches no other memory.
        let at = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                bytes,
                access,
                libc::MAP_SHARED,
                file,
                0,
            )
        };
        if at == libc::MAP_FAILED {
            return Err(Error::last_os_error());
        }
        Ok(at)
    }

    /// # Safety
    /// As [`map`] gave it.
    pub unsafe fn flush(at: *mut c_void, bytes: usize, _: &File) -> Result<()> {
        // SAFETY: mapped by the caller's contract.
        match unsafe { libc::msync(at, bytes, libc::MS_SYNC) } {
            0 => Ok(()),
            _ => Err(Error::last_os_error()),
        }
    }

    /// # Safety
    /// As [`map`] gave it, and never used again.
    pub unsafe fn unmap(at: *mut c_void, bytes: usize) {
        // SAFETY: mapped by the caller's contract.
        unsafe { libc::munmap(at, bytes) };
    }
}

#[cfg(windows)]
mod system {
    use super::{Error, File, Result, c_void};
    use std::os::windows::io::AsRawHandle;
    use windows_sys::Win32::Foundation::CloseHandle;
    use windows_sys::Win32::System::Memory::{
        CreateFileMappingW, FILE_MAP_WRITE, FlushViewOfFile, MEMORY_MAPPED_VIEW_ADDRESS,
        MapViewOfFile, PAGE_READWRITE, UnmapViewOfFile,
    };

    pub fn map(file: &File, bytes: usize) -> Result<*mut c_void> {
        let none = std::ptr::null();
        // SAFETY: an open file; no name and no security attributes. A length of 0 is that of the
        // file.
        let section = unsafe {
            CreateFileMappingW(
                file.as_raw_handle(),
                none,
                PAGE_READWRITE,
                0,
                0,
                none.cast(),
            )
        };
        if section.is_null() {
            return Err(Error::last_os_error());
        }
        // SAFETY: a new view at an address of the system's choice touches no other memory.
        let view = unsafe { MapViewOfFile(section, FILE_MAP_WRITE, 0, 0, bytes) };
        let error = Error::last_os_error();
        // SAFETY: made above; a view keeps what it needs of it.
        unsafe { CloseHandle(section) };
        if view.Value.is_null() {
            return Err(error);
        }
        Ok(view.Value)
    }

    /// # Safety
    /// As [`map`] gave it.
    pub unsafe fn flush(at: *mut c_void, bytes: usize, file: &File) -> Result<()> {
        // SAFETY: mapped by the caller's contract.
        if unsafe { FlushViewOfFile(at, bytes) } == 0 {
            return Err(Error::last_os_error());
        }
        // The view is written by then, but may still be on its way to the disk.
        file.sync_data()
    }

    /// # Safety
    /// As [`map`] gave it, and never used again.
    pub unsafe fn unmap(at: *mut c_void, _: usize) {
        // SAFETY: mapped by the caller's contract.
        unsafe { UnmapViewOfFile(MEMORY_MAPPED_VIEW_ADDRESS { Value: at }) };
    }
}
