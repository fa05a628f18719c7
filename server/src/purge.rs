//! The purge's pace: it works while there is something to do, as long as it rests, and looks
//! around by itself now and then.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::Notify,
    time::{Instant, sleep, timeout},
};

use crate::{storage::Storage, user_sig::unix_now};

/// How long a deletion waits for the purge: whoever deletes one conversation often deletes the
/// next one right away, and comes first.
const PATIENCE: Duration = Duration::from_millis(200);
/// How often it looks around without being woken: what is to be forgotten after a while.
const ROUND: Duration = Duration::from_secs(60);
/// The least rest between two steps.
const REST: Duration = Duration::from_millis(1);

/// Purges for ever.
pub async fn run(storage: Arc<dyn Storage>, wake: Arc<Notify>) {
    loop {
        sleep(PATIENCE).await;
        loop {
            let begun = Instant::now();
            match storage.purge_step(unix_now()).await {
                Ok(true) => sleep(begun.elapsed().max(REST)).await,
                Ok(false) => break,
                Err(error) => {
                    tracing::warn!(%error, "a step of the purge failed; it will be tried again");
                    break;
                }
            }
        }
        // Neither outcome matters: both mean to look again.
        let _ = timeout(ROUND, wake.notified()).await;
    }
}
