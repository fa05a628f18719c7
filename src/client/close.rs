//! Delivering on a host's thread, and the end: here, elsewhere, or behind a callback.

use std::sync::Arc;
use std::time::Duration;

use super::Client;
use crate::delivery::Job;
use crate::error::Result;
use crate::primitives::MutexGuard;
use crate::primitives::atomic::Ordering;

/// How often a close that waits for another looks whether it has to deliver.
const POLLING: Duration = Duration::from_millis(5);

impl Client {
    /// Delivers on this thread what is queued; `gone` is called when a callback has closed the
    /// client and that has taken effect.
    pub fn poll(&self, gone: impl FnOnce()) -> usize {
        let delivered = self.delivery.poll(usize::MAX);
        // Not before that callback has returned, and on one of the threads that poll: another one
        // would find nothing left to wait for and call it done.
        if self.close_from_callback.load(Ordering::SeqCst)
            && self.delivery.is_idle()
            && !self.close_taken_up.swap(true, Ordering::SeqCst)
        {
            self.close_here();
            gone();
        }
        delivered
    }

    /// Whether this thread is inside a callback of this client, or one of its own: it cannot wait
    /// for the client's end.
    pub fn is_here(&self) -> bool {
        self.threads.is_one() || self.delivery.is_delivering_here()
    }

    /// Takes no more calls. `false` when that was so already.
    pub fn begin_close(&self) -> bool {
        !self.closing.swap(true, Ordering::SeqCst)
    }

    /// Notes that a callback wants the client closed, which happens when it returns.
    pub fn close_after_callback(&self) {
        self.close_from_callback.store(true, Ordering::SeqCst);
    }

    /// Closes: returns when the last callback has returned and the last thread is gone.
    pub fn close_here(&self) {
        self.stop_threads();
        if self.delivery.by_host() || self.close_from_callback.load(Ordering::SeqCst) {
            self.delivery.drain();
        } else {
            self.delivery.finish();
            if let Some(thread) = self.deliverer.lock().take() {
                let _ = thread.join();
            }
        }
        self.let_go_of_store();
        self.note_closed();
    }

    /// Closes without waiting: `last` is delivered after everything else, and then nothing is.
    pub fn close_elsewhere(self: &Arc<Self>, last: Job) -> Result<()> {
        let client = self.clone();
        let started = self.threads.spawn("adieu-close", move || {
            client.stop_threads();
            let closed = client.clone();
            client.delivery.push(Box::new(move || {
                closed.let_go_of_store();
                last();
                closed.note_closed();
            }));
            client.delivery.finish();
        });
        if let Err(error) = started {
            // Nothing has begun: a later close can try again.
            self.closing.store(false, Ordering::SeqCst);
            return Err(error);
        }
        Ok(())
    }

    /// Waits until another thread's close has ended; where the host delivers, delivers meanwhile.
    pub fn wait_closed(&self, gone: impl Fn()) {
        let mut closed = self.closed.lock();
        while !*closed {
            if self.delivery.by_host() {
                MutexGuard::unlocked(&mut closed, || self.poll(&gone));
                if !*closed {
                    self.closed_changed.wait_for(&mut closed, POLLING);
                }
            } else {
                self.closed_changed.wait(&mut closed);
            }
        }
    }

    /// The worker has ended and everything is delivered: the last names go, and the folder is free.
    fn let_go_of_store(&self) {
        let ended = self.ended.lock().take();
        if let Some(mut ended) = ended {
            let delivered = std::mem::take(&mut *self.delivered_late.lock());
            ended.tidy(delivered);
        }
    }

    fn note_closed(&self) {
        self.events.end();
        *self.closed.lock() = true;
        self.closed_changed.notify_all();
    }

    /// Ends every thread but the one that delivers.
    fn stop_threads(&self) {
        if let Some(remote) = &self.remote {
            remote.interrupt();
        }
        drop(self.puller.lock().take());
        drop(self.live.lock().take());
        self.queue.close();
        let running = std::mem::take(&mut *self.running.lock());
        for thread in running {
            let _ = thread.join();
        }
    }

    pub(super) fn wake_live(&self) {
        if let Some(live) = self.live.lock().as_ref() {
            live.wake();
        }
    }
}
