//! How soon a thread gets the processor.

/// Has the system let other threads go before this one, where it can say so of one thread.
pub fn step_back() {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    {
        /// As `nice` does when it is not told more.
        const LATER: libc::c_int = 10;
        // SAFETY: no memory is touched. On Linux, 0 is the calling thread alone; whether it works
        // changes nothing but the speed.
        unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, LATER) };
    }
}
