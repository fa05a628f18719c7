//! The processes that this one started: none of them outlives it.

use std::{
    io,
    process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};

static RUNNING: Mutex<Vec<Weak<Mutex<Child>>>> = Mutex::new(Vec::new());
static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// How often a child that is waited for is asked whether it has ended.
const STEP: Duration = Duration::from_millis(5);

/// Whether somebody asked this process to end.
pub fn interrupted() -> bool {
    INTERRUPTED.load(Ordering::SeqCst)
}

/// From now on, Ctrl-C and SIGTERM end the children. Whoever waits for one then sees it ended, and
/// fails in the ordinary way: folders are removed on the way out.
pub fn on_interrupt_end_all() -> Result<()> {
    ctrlc::set_handler(|| {
        INTERRUPTED.store(true, Ordering::SeqCst);
        for child in lock(&RUNNING).iter().filter_map(Weak::upgrade) {
            // Fails for one that has ended.
            let _ = lock(&child).kill();
        }
    })
    .context("cannot listen for Ctrl-C")
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A process that is ended when this value goes, at the latest.
pub struct Running(Arc<Mutex<Child>>);

impl Running {
    /// Starts it.
    pub fn start(command: &mut Command) -> Result<Self> {
        anyhow::ensure!(!interrupted(), "interrupted");
        let child = command
            .spawn()
            .with_context(|| format!("cannot start {}", command.get_program().display()))?;
        let child = Arc::new(Mutex::new(child));
        let mut running = lock(&RUNNING);
        running.retain(|one| one.strong_count() > 0);
        running.push(Arc::downgrade(&child));
        Ok(Self(child))
    }

    /// The process's id.
    pub fn id(&self) -> u32 {
        lock(&self.0).id()
    }

    /// Its standard input, once.
    pub fn stdin(&self) -> Result<ChildStdin> {
        lock(&self.0).stdin.take().context("no pipe to the child")
    }

    /// Its standard output, once.
    pub fn stdout(&self) -> Result<ChildStdout> {
        let taken = lock(&self.0).stdout.take();
        taken.context("no pipe from the child")
    }

    /// Its standard error, once.
    pub fn stderr(&self) -> Result<ChildStderr> {
        let taken = lock(&self.0).stderr.take();
        taken.context("no pipe from the child")
    }

    /// Kills it, with SIGKILL where there are signals, and says how it ended.
    pub fn kill(&self) -> io::Result<ExitStatus> {
        let mut child = lock(&self.0);
        child.kill()?;
        child.wait()
    }

    /// Waits until it has ended. The lock is free in between, so that Ctrl-C gets to it.
    pub fn wait(&self) -> io::Result<ExitStatus> {
        loop {
            if let Some(status) = lock(&self.0).try_wait()? {
                return Ok(status);
            }
            thread::sleep(STEP);
        }
    }

    /// Waits at most so long.
    pub fn wait_at_most(&self, limit: Duration) -> io::Result<Option<ExitStatus>> {
        let begun = Instant::now();
        loop {
            let ended = lock(&self.0).try_wait()?;
            if ended.is_some() || begun.elapsed() > limit {
                return Ok(ended);
            }
            thread::sleep(STEP);
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let mut child = lock(&self.0);
        // Both fail for one that has ended, and then there is nothing to do.
        let _ = child.kill();
        let _ = child.wait();
    }
}
