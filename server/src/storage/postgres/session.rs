//! One connection for the time of an operation.
//!
//! Statements that nobody has to wait for are sent at once and their answers collected at the
//! commit, so most operations take two round trips: one to look and lock, one to write.
//!
//! Answers come in the order of the statements, and the connection keeps only a little of one that
//! nobody takes: whoever waits for an answer takes in those before it as well, or would wait for
//! ever.

use std::{
    collections::VecDeque,
    future::poll_fn,
    pin::pin,
    sync::Arc,
    task::{Context, Poll},
};

use deadpool_postgres::Object;
use futures_util::{FutureExt, future::BoxFuture};
use parking_lot::Mutex;
use tokio_postgres::{Row, Statement, error::SqlState, types::ToSql};

use super::{
    FORMAT,
    failure::{Failure, Result},
};
use crate::Error;

/// A parameter that outlives the call.
pub(super) type Owned = Box<dyn ToSql + Send + Sync>;

/// For [`Session::later`].
macro_rules! owned {
    ($($value:expr),* $(,)?) => {
        vec![$(Box::new($value) as $crate::storage::postgres::session::Owned),*]
    };
}
pub(super) use owned;

/// The transaction's id, the timeline that it is of, and the number of the changes that it makes. No
/// row: the tables have become what this server does not know.
const BEGIN: &str =
    "SELECT pg_current_xact_id()::text, left(pg_walfile_name(pg_current_wal_lsn()), 8),
        base + pg_current_xact_id()::text::bigint
    FROM settings WHERE usable_from <= $1";
/// What became of a transaction, and the timeline that says so. The lock changes nothing but that
/// the answer waits, like every commit, for the standbys that commits wait for: what was committed
/// while nobody waited for them may be on this server only.
const BECAME: &str = "SELECT pg_xact_status($1::text::xid8),
        left(pg_walfile_name(pg_current_wal_lsn()), 8)
    FROM settings FOR KEY SHARE";

/// An answer that is on its way.
enum Answer<T> {
    Here(T),
    Coming(BoxFuture<'static, T>),
}

impl<T> Answer<T> {
    /// Sends: that is what the first poll does.
    fn begin(mut future: BoxFuture<'static, T>) -> Self {
        match (&mut future).now_or_never() {
            Some(answer) => Self::Here(answer),
            None => Self::Coming(future),
        }
    }

    /// Takes in what has come; says whether that is all.
    fn take_in(&mut self, cx: &mut Context<'_>) -> bool {
        if let Self::Coming(future) = self {
            match future.poll_unpin(cx) {
                Poll::Ready(answer) => *self = Self::Here(answer),
                Poll::Pending => return false,
            }
        }
        true
    }

    async fn get(self) -> T {
        match self {
            Self::Here(answer) => answer,
            Self::Coming(future) => future.await,
        }
    }
}

type Sent<T> = Answer<Result<T, tokio_postgres::Error>>;

/// A transaction that was sent for.
struct Beginning {
    open: Sent<()>,
    asked: Sent<Option<Row>>,
}

#[derive(Clone)]
struct Begun {
    transaction: Transaction,
    change: i64,
}

/// The name of a transaction.
#[derive(Clone, Debug)]
pub(super) struct Transaction {
    id: String,
    /// A server that takes over gives the ids again that only the old one had given.
    timeline: String,
}

/// What a database says of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Became {
    Committed,
    /// Or never heard of.
    Aborted,
    UnderWay,
}

/// A connection, and the transaction in it, if one was begun.
pub(super) struct Session {
    begin: Mutex<Option<Beginning>>,
    begun: Mutex<Option<Begun>>,
    sent: Mutex<Pipeline>,
    open: Option<Open>,
    client: Arc<Object>,
}

/// Answers that nobody waits for yet, in the order of their statements.
#[derive(Default)]
struct Pipeline {
    answers: VecDeque<Sent<u64>>,
    /// So many have come as a whole.
    here: usize,
}

impl Pipeline {
    fn take_in(&mut self, cx: &mut Context<'_>) {
        while let Some(next) = self.answers.get_mut(self.here) {
            if !next.take_in(cx) {
                break;
            }
            self.here += 1;
        }
    }
}

/// Rolls back, unless it was told that the transaction has ended otherwise.
struct Open {
    client: Arc<Object>,
    ended: bool,
}

impl Drop for Open {
    fn drop(&mut self) {
        if !self.ended {
            // Comes before whatever the connection is used for next.
            drop(send(&self.client, "ROLLBACK"));
        }
    }
}

fn send(client: &Arc<Object>, sql: &'static str) -> Sent<()> {
    let client = Arc::clone(client);
    Answer::begin(async move { client.batch_execute(sql).await }.boxed())
}

impl Session {
    /// Each statement by itself.
    pub(super) fn plain(client: Object) -> Self {
        Self {
            begin: Mutex::default(),
            begun: Mutex::default(),
            sent: Mutex::default(),
            open: None,
            client: Arc::new(client),
        }
    }

    /// One transaction that writes. Does not wait for the answer.
    pub(super) async fn writing(client: Object) -> Result<Self> {
        let mut session = Self::plain(client);
        let begin = session.client.prepare_cached(BEGIN).await?;
        session.open();
        let open = send(&session.client, "BEGIN");
        let client = Arc::clone(&session.client);
        let asked =
            Answer::begin(async move { client.query_opt(&begin, &[&FORMAT]).await }.boxed());
        *session.begin.lock() = Some(Beginning { open, asked });
        Ok(session)
    }

    /// One transaction that only reads, and sees one moment.
    pub(super) fn snapshot(client: Object) -> Self {
        let mut session = Self::plain(client);
        session.open();
        let client = Arc::clone(&session.client);
        let begun = async move {
            let begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
            client.batch_execute(begin).await.map(|()| 0)
        };
        session
            .sent
            .lock()
            .answers
            .push_back(Answer::begin(begun.boxed()));
        session
    }

    fn open(&mut self) {
        self.open = Some(Open {
            client: Arc::clone(&self.client),
            ended: false,
        });
    }

    async fn begun(&self) -> Result<Begun> {
        if let Some(begun) = &*self.begun.lock() {
            return Ok(begun.clone());
        }
        let Some(Beginning { open, asked }) = self.begin.lock().take() else {
            return Err(Failure::Refused(Error::Storage(
                "a transaction was not begun".to_owned(),
            )));
        };
        open.get().await?;
        let row = asked.get().await?.ok_or_else(newer)?;
        let begun = Begun {
            transaction: Transaction {
                id: row.try_get(0)?,
                timeline: row.try_get(1)?,
            },
            change: row.try_get(2)?,
        };
        *self.begun.lock() = Some(begun.clone());
        Ok(begun)
    }

    /// Waits for an answer, and takes in those before it.
    async fn wait<T>(&self, answer: impl Future<Output = T>) -> T {
        let mut answer = pin!(answer);
        poll_fn(|cx| {
            let begun = match &mut *self.begin.lock() {
                Some(begin) => begin.open.take_in(cx) && begin.asked.take_in(cx),
                None => true,
            };
            if begun {
                self.sent.lock().take_in(cx);
            }
            answer.as_mut().poll(cx)
        })
        .await
    }

    /// The statement, ready to be sent.
    async fn prepared(&self, sql: &str) -> Result<Statement> {
        Ok(self.wait(self.client.prepare_cached(sql)).await?)
    }

    /// The number of the changes that this transaction makes.
    pub(super) async fn change(&self) -> Result<i64> {
        Ok(self.begun().await?.change)
    }

    /// Prepares statements that are to be sent one behind the other without waiting.
    pub(super) async fn prepare(&self, statements: &[&str]) -> Result<()> {
        for sql in statements {
            self.prepared(sql).await?;
        }
        Ok(())
    }

    /// All rows of a query.
    pub(super) async fn rows(&self, sql: &str, params: &[&(dyn ToSql + Sync)]) -> Result<Vec<Row>> {
        let statement = self.prepared(sql).await?;
        Ok(self.wait(self.client.query(&statement, params)).await?)
    }

    /// The one row of a query, if there is one.
    pub(super) async fn row(
        &self,
        sql: &str,
        params: &[&(dyn ToSql + Sync)],
    ) -> Result<Option<Row>> {
        let statement = self.prepared(sql).await?;
        Ok(self.wait(self.client.query_opt(&statement, params)).await?)
    }

    /// The one row of a query that always has one.
    pub(super) async fn one(&self, sql: &str, params: &[&(dyn ToSql + Sync)]) -> Result<Row> {
        let statement = self.prepared(sql).await?;
        Ok(self.wait(self.client.query_one(&statement, params)).await?)
    }

    /// Executes, and says how many rows it changed.
    pub(super) async fn execute(&self, sql: &str, params: &[&(dyn ToSql + Sync)]) -> Result<u64> {
        let statement = self.prepared(sql).await?;
        Ok(self.wait(self.client.execute(&statement, params)).await?)
    }

    /// Sends a statement; should it fail, the commit says so.
    pub(super) async fn later(&self, sql: &str, params: Vec<Owned>) -> Result<()> {
        let statement = self.prepared(sql).await?;
        let client = Arc::clone(&self.client);
        let answer = async move {
            let params: Vec<&(dyn ToSql + Sync)> = params
                .iter()
                .map(|one| &**one as &(dyn ToSql + Sync))
                .collect();
            client.execute(&statement, &params).await
        };
        self.sent
            .lock()
            .answers
            .push_back(Answer::begin(answer.boxed()));
        Ok(())
    }

    /// Why a statement failed: behind one that nobody waited for and that failed, all others do.
    pub(super) async fn cause(&self, failure: Failure) -> Failure {
        let Failure::Database(error) = &failure else {
            return failure;
        };
        if error.code() != Some(&SqlState::IN_FAILED_SQL_TRANSACTION) {
            return failure;
        }
        let sent = std::mem::take(&mut self.sent.lock().answers);
        for answer in sent {
            if let Err(first) = answer.get().await {
                return Failure::Database(first);
            }
        }
        failure
    }

    /// Ends the transaction. [`Failure::Unsure`]: whether it took effect has to be asked for.
    pub(super) async fn commit(&mut self) -> Result<()> {
        let writes = self.begin.lock().is_some();
        if writes {
            self.begun().await?;
        }
        let sent = std::mem::take(&mut self.sent.lock().answers);
        let commit = send(&self.client, "COMMIT");
        if let Some(mut open) = self.open.take() {
            open.ended = true;
        }
        // Where one failed, the database makes the commit a rollback.
        for answer in sent {
            let answer = answer.get().await;
            self.unsure(answer)?;
        }
        let ended = commit.get().await;
        self.unsure(ended)
    }

    /// From the moment that the commit is sent, silence says nothing.
    fn unsure<T>(&self, answer: Result<T, tokio_postgres::Error>) -> Result<T> {
        match answer {
            Err(error) if error.code().is_none() => match &*self.begun.lock() {
                Some(begun) => Err(Failure::Unsure(begun.transaction.clone())),
                None => Err(Failure::Database(error)),
            },
            other => Ok(other?),
        }
    }

    /// What became of a transaction of another session. On another timeline nobody knows: it
    /// counts as never heard of, and an operation that runs again finds what it did before.
    pub(super) async fn became(&self, transaction: &Transaction) -> Result<Became> {
        let row = match self.one(BECAME, &[&transaction.id]).await {
            Ok(row) => row,
            // In the future: the database that took over has given fewer ids.
            Err(Failure::Database(error))
                if error.code() == Some(&SqlState::INVALID_PARAMETER_VALUE) =>
            {
                return Ok(Became::Aborted);
            }
            Err(failure) => return Err(failure),
        };
        if row.try_get::<_, String>(1)? != transaction.timeline {
            return Ok(Became::Aborted);
        }
        Ok(match row.try_get::<_, Option<&str>>(0)? {
            Some("committed") => Became::Committed,
            Some("aborted") => Became::Aborted,
            // Its process has not noticed yet.
            _ => Became::UnderWay,
        })
    }

    /// Lets go of the connection for good.
    pub(super) fn discard(self) {
        let Self {
            begin,
            begun: _,
            sent,
            open,
            client,
        } = self;
        drop((begin, sent, open));
        if let Ok(object) = Arc::try_unwrap(client) {
            drop(Object::take(object));
        }
    }
}

fn newer() -> Failure {
    Failure::Refused(Error::Store(
        "the database was brought to a format that only newer servers know; upgrade this one"
            .to_owned(),
    ))
}
