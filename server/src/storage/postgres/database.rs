//! Operations as a whole: a connection for each, and again where that helps.

use std::{sync::Arc, time::Duration};

use deadpool_postgres::{Object, Pool};
use tokio::{
    sync::Notify,
    time::{Instant, sleep},
};

use super::{
    connect::take,
    failure::{Failure, Remedy, Result},
    session::{Became, Session, Transaction},
};
use crate::Error;

/// How long an operation is tried again: a standby takes over in that time, and whoever asks has
/// not given up yet.
const PATIENCE: Duration = Duration::from_secs(12);
/// The first pause, and the longest.
const PAUSES: (Duration, Duration) = (Duration::from_millis(2), Duration::from_millis(400));
/// Most tries where somebody else was quicker.
const TRIES: u32 = 50;

/// The pool, and whom to tell of commits.
#[derive(Clone)]
pub(super) struct Database {
    pub(super) pool: Pool,
    pub(super) committed: Arc<Notify>,
}

/// Grows, and differs by chance, so that two who collided do not collide again.
struct Pauses {
    until: Instant,
    tries: u32,
    next: Duration,
}

impl Pauses {
    fn new() -> Self {
        Self {
            until: Instant::now() + PATIENCE,
            tries: 0,
            next: PAUSES.0,
        }
    }

    /// Whether it is worth another try, after a pause.
    async fn again(&mut self, remedy: Remedy) -> bool {
        self.tries += 1;
        let over = Instant::now() >= self.until;
        if remedy == Remedy::None || over || (remedy == Remedy::Again && self.tries > TRIES) {
            return false;
        }
        let chance = f64::from(rand()) / f64::from(u32::MAX);
        sleep(self.next.mul_f64(0.5 + chance)).await;
        self.next = (self.next * 2).min(PAUSES.1);
        true
    }
}

fn rand() -> u32 {
    use std::hash::{BuildHasher, RandomState};
    #[expect(clippy::cast_possible_truncation, reason = "any bits will do")]
    let bits = RandomState::new().hash_one(0) as u32;
    bits
}

impl Database {
    /// Reads; each statement sees the moment at which it runs.
    pub(super) async fn read<A: ?Sized, T>(
        &self,
        arguments: &A,
        operation: impl AsyncFn(&Session, &A) -> Result<T>,
    ) -> crate::Result<T> {
        self.reading(Session::plain, arguments, operation).await
    }

    /// Reads; all statements see one moment.
    pub(super) async fn look<A: ?Sized, T>(
        &self,
        arguments: &A,
        operation: impl AsyncFn(&Session, &A) -> Result<T>,
    ) -> crate::Result<T> {
        self.reading(Session::snapshot, arguments, operation).await
    }

    async fn reading<A: ?Sized, T>(
        &self,
        begin: fn(Object) -> Session,
        arguments: &A,
        operation: impl AsyncFn(&Session, &A) -> Result<T>,
    ) -> crate::Result<T> {
        let mut pauses = Pauses::new();
        loop {
            let read = async {
                let session = begin(take(&self.pool).await?);
                let value = operation(&session, arguments).await;
                lost(value, session)
            };
            let failure = match read.await {
                Ok(value) => return Ok(value),
                Err(failure) => failure,
            };
            if !pauses.again(failure.remedy()).await {
                return Err(failure.into());
            }
        }
    }

    /// Writes, in one transaction, and answers when it has been flushed. An operation runs again
    /// where it did not take effect; where the connection broke at the commit, the database is
    /// asked what became of it.
    pub(super) async fn write<A: ?Sized, T>(
        &self,
        arguments: &A,
        operation: impl AsyncFn(&Session, &A) -> Result<T>,
    ) -> crate::Result<T> {
        let mut pauses = Pauses::new();
        loop {
            let failure = match self.write_once(arguments, &operation).await {
                Ok(value) => {
                    self.committed.notify_one();
                    return Ok(value);
                }
                Err((Failure::Unsure(transaction), Some(value))) => {
                    match self.became(&transaction, &mut pauses).await {
                        Some(true) => {
                            self.committed.notify_one();
                            return Ok(value);
                        }
                        Some(false) => continue,
                        None => Failure::Unsure(transaction),
                    }
                }
                Err((failure, _)) => failure,
            };
            if matches!(failure, Failure::Unsure(_)) || !pauses.again(failure.remedy()).await {
                return Err(failure.into());
            }
            tracing::debug!(?failure, "an operation is tried again");
        }
    }

    async fn write_once<A: ?Sized, T>(
        &self,
        arguments: &A,
        operation: &impl AsyncFn(&Session, &A) -> Result<T>,
    ) -> std::result::Result<T, (Failure, Option<T>)> {
        let client = take(&self.pool).await.map_err(|failure| (failure, None))?;
        let mut session = Session::writing(client)
            .await
            .map_err(|failure| (failure, None))?;
        let value = match operation(&session, arguments).await {
            Ok(value) => value,
            Err(failure) => {
                let failure = session.cause(failure).await;
                if failure.remedy() == Remedy::Reconnect {
                    session.discard();
                }
                return Err((failure, None));
            }
        };
        match session.commit().await {
            Ok(()) => Ok(value),
            Err(failure) => {
                if failure.remedy() == Remedy::Reconnect {
                    session.discard();
                }
                Err((failure, Some(value)))
            }
        }
    }

    /// Whether a transaction took effect; none: nobody could be asked in time.
    async fn became(&self, transaction: &Transaction, pauses: &mut Pauses) -> Option<bool> {
        loop {
            let became = async {
                let session = Session::plain(take(&self.pool).await?);
                let became = session.became(transaction).await;
                lost(became, session)
            };
            match became.await {
                Ok(Became::Committed) => return Some(true),
                Ok(Became::Aborted) => return Some(false),
                Ok(Became::UnderWay) => {}
                Err(failure) => tracing::debug!(?failure, "a transaction cannot be asked for"),
            }
            if !pauses.again(Remedy::Reconnect).await {
                return None;
            }
        }
    }
}

/// Lets go of a connection that is of no more use.
fn lost<T>(value: Result<T>, session: Session) -> Result<T> {
    if let Err(failure) = &value
        && failure.remedy() == Remedy::Reconnect
    {
        session.discard();
    }
    value
}

/// For a start: what keeps the database from being used at all is told at once.
pub(super) fn unusable(failure: Failure) -> Error {
    match Error::from(failure) {
        Error::Storage(why) => Error::Store(format!("the store cannot be opened: {why}")),
        other => other,
    }
}
