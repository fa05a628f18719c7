//! The library as a module of its process: it stays loaded.

/// Threads of the library may outlive the host's last look at it, and are about to be started: from
/// here on the library is not unloaded. Elsewhere than on Windows the linker has seen to that.
pub(super) fn keep_loaded() {
    #[cfg(windows)]
    {
        use windows_sys::Win32::System::LibraryLoader::{
            GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS, GET_MODULE_HANDLE_EX_FLAG_PIN,
            GetModuleHandleExW,
        };
        static ONCE: std::sync::Once = std::sync::Once::new();
        ONCE.call_once(|| {
            let flags = GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS | GET_MODULE_HANDLE_EX_FLAG_PIN;
            let mut module = std::ptr::null_mut();
            let here: fn() = keep_loaded;
            // SAFETY: an address within this module, and a place for its handle.
            unsafe { GetModuleHandleExW(flags, here as *const u16, &raw mut module) };
        });
    }
}
