//! What other processes, and this one, have changed.
//!
//! One task looks for changes since its last look: when an operation of this process has
//! committed, when another process says that it has, and every two seconds in any case. So a
//! notification carries nothing, many are one, and one that gets lost costs two seconds. They are
//! sent outside of the transactions, which PostgreSQL would otherwise commit one after the other.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures_util::future::try_join3;
use tokio::{
    sync::{Notify, broadcast, mpsc},
    time::{sleep, timeout},
};
use tokio_postgres::{AsyncMessage, Client, Statement};

use super::{
    clock,
    connect::{Address, alone},
    failure::Result,
};
use crate::{
    Error,
    storage::{Changed, Known},
};

/// How often it looks without being told to.
const FLOOR: Duration = Duration::from_secs(2);
/// The least time between two looks.
const PACE: Duration = Duration::from_millis(3);
/// After a connection was lost.
const PAUSE: Duration = Duration::from_millis(250);
/// Changes that are told one by one; more are told as a whole.
const TOLD: i64 = 4_096;

/// Of the lock that the one who reports holds ("adieu", and a number).
const REPORTER: i64 = 0x6164_6965_7503;

const CHANNEL: &str = "adieu";

/// What the connection is told. Its two statements are planned once, and always go by the indexes of
/// changes: how many changes there are to find, the planner could only guess.
const SETTINGS: &str = "SET application_name = 'adieu-server (changes)'; SET jit = off;
    SET statement_timeout = '20s'; SET synchronous_commit = off;
    SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off;
    SET enable_hashjoin = off; SET enable_mergejoin = off";

const CHANGES: &str = "SELECT * FROM (
         SELECT 0, a.name FROM views v JOIN accounts a ON a.id = v.owner
         WHERE v.version >= $1 AND (v.version > $2 OR v.version = ANY ($3))
         UNION
         SELECT 0, a.name FROM conversations c JOIN accounts a ON a.id = c.low OR a.id = c.high
         WHERE c.kind = 1 AND c.changed >= $1 AND (c.changed > $2 OR c.changed = ANY ($3))
         UNION
         SELECT 1, g.name FROM conversations c JOIN groups g ON g.conversation = c.id
         WHERE c.kind = 2 AND c.changed >= $1 AND (c.changed > $2 OR c.changed = ANY ($3))
         UNION
         SELECT 2, a.name FROM deletions d JOIN accounts a ON a.id = d.owner
         WHERE d.number >= $1 * 128 AND (d.number / 128 > $2 OR d.number / 128 = ANY ($3))
         UNION
         SELECT 3, '' FROM settings
         WHERE changed > $2 OR changed = ANY ($3)
     ) told LIMIT $4";

/// Where the last look ended, and which start of the database server numbered it.
pub(super) struct Place {
    start: i64,
    known: Known,
}

impl Place {
    /// The present one.
    pub(super) async fn of(client: &Client) -> Result<Self> {
        Ok(Self {
            start: clock::start(client).await?,
            known: clock::of(client).await?.known(),
        })
    }
}

/// The statements of a look, prepared.
struct Look {
    now: Statement,
    changes: Statement,
}

/// The task's ends.
#[derive(Clone)]
pub(super) struct Follower {
    pub(super) committed: Arc<Notify>,
    pub(super) changes: broadcast::Sender<Changed>,
    pub(super) reporting: Arc<Reporting>,
}

/// Who reports deletions to the operator: the process whose follower holds a lock, as long as its
/// connection lives.
#[derive(Default)]
pub(super) struct Reporting {
    wanted: AtomicBool,
    held: AtomicBool,
}

impl Reporting {
    /// Whether this process is it; from now on it wants to be.
    pub(super) fn ask(&self) -> bool {
        self.wanted.store(true, Ordering::Relaxed);
        self.held.load(Ordering::Acquire)
    }

    async fn claim(&self, client: &Client) -> Result<()> {
        if self.wanted.load(Ordering::Relaxed) && !self.held.load(Ordering::Relaxed) {
            let row = client
                .query_one("SELECT pg_try_advisory_lock($1)", &[&REPORTER])
                .await?;
            self.held.store(row.try_get(0)?, Ordering::Release);
        }
        Ok(())
    }
}

impl Follower {
    /// Follows for ever, from a moment on.
    pub(super) async fn run(self, address: Address, known: Place) {
        let mut known = Some(known);
        loop {
            // Another connection begins anew: what a lost one missed may be more than a look can
            // find in its time.
            if let Err(failure) = self.follow(&address, known.take()).await {
                let error = Error::from(failure);
                tracing::warn!(%error, "changes are not followed; it is tried again");
            }
            sleep(PAUSE).await;
        }
    }

    async fn follow(&self, address: &Address, known: Option<Place>) -> Result<()> {
        let (client, mut connection) = alone(address).await?;
        let (told, mut notified) = mpsc::channel(1);
        let driver = tokio::spawn(async move {
            loop {
                match std::future::poll_fn(|cx| connection.poll_message(cx)).await {
                    Some(Ok(AsyncMessage::Notification(one))) => {
                        // Full: it will look anyway.
                        let _ = told.try_send(one.process_id());
                    }
                    Some(Ok(_)) => {}
                    Some(Err(_)) | None => break,
                }
            }
        });
        let ended = self.look_and_wait(&client, &mut notified, known).await;
        self.reporting.held.store(false, Ordering::Release);
        driver.abort();
        ended
    }

    async fn look_and_wait(
        &self,
        client: &Client,
        notified: &mut mpsc::Receiver<i32>,
        known: Option<Place>,
    ) -> Result<()> {
        client
            .batch_execute(&format!("{SETTINGS}; LISTEN {CHANNEL}"))
            .await?;
        clock::enter(client).await?;
        let look = Look {
            now: client.prepare(clock::NOW).await?,
            changes: client.prepare(CHANGES).await?,
        };
        let place = Place::of(client).await?;
        // Another start of the database server may have numbered anything anew.
        let mut known = match known.filter(|known| known.start == place.start) {
            Some(known) => known,
            None => {
                self.tell(Changed::All);
                place
            }
        };
        let own: i32 = client
            .query_one("SELECT pg_backend_pid()", &[])
            .await?
            .try_get(0)?;
        let mut committed = false;
        loop {
            self.look(client, &look, committed, &mut known).await?;
            self.reporting.claim(client).await?;
            sleep(PACE).await;
            committed = false;
            tokio::select! {
                () = self.committed.notified() => committed = true,
                // What this process did it has looked at already.
                _ = timeout(FLOOR, async {
                    while notified.recv().await == Some(own) {}
                }) => {
                    if client.is_closed() {
                        return Ok(());
                    }
                }
            }
        }
    }

    /// Tells what has changed since the last look; other processes too, where this one has
    /// committed something.
    async fn look(
        &self,
        client: &Client,
        look: &Look,
        committed: bool,
        known: &mut Place,
    ) -> Result<()> {
        let (through, without) = clock::bounds(&known.known);
        let lowest = without.first().map_or(through + 1, |first| *first);
        let others = async {
            if committed {
                client.batch_execute(&format!("NOTIFY {CHANNEL}")).await?;
            }
            Ok(())
        };
        // Sent in this order, without waiting in between. The snapshot comes before the changes: what
        // is seen beyond it is told twice, never missed.
        let ((), now, rows) = try_join3(
            others,
            client.query_one(&look.now, &[]),
            client.query(&look.changes, &[&lowest, &through, &without, &TOLD]),
        )
        .await?;
        let now = clock::seen(&now)?;
        if rows.len() as i64 == TOLD {
            self.tell(Changed::All);
        } else {
            for row in rows {
                let name: String = row.try_get(1)?;
                self.tell(match row.try_get::<_, i32>(0)? {
                    0 => Changed::Views(name),
                    1 => Changed::Group(name),
                    2 => Changed::Deletion(name),
                    _ => Changed::Settings,
                });
            }
        }
        known.known = now.known();
        Ok(())
    }

    fn tell(&self, change: Changed) {
        // Where nobody listens there is nobody to tell.
        let _ = self.changes.send(change);
    }
}
