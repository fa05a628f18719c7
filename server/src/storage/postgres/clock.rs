//! The order of changes, and which start of the database server numbered them.
//!
//! A change's number is that of its transaction, so nobody waits for a count. Transactions end in
//! another order than they begin in; so what somebody has seen is told by a snapshot: all up to a
//! number, but for those that were under way.
//!
//! A restored backup counts on from where it was taken: its numbers come twice, for different
//! changes. Restoring needs the database server to be started, or the database to be made: each
//! such start gets a random id of its own, and notes the last change that the database holds. A
//! device's position, which is never beyond the last change that was visible, is one to go on from
//! if this database knows its start, and held as much when the next one came.

use tokio_postgres::{Client, Row};

use super::{
    FORMAT,
    failure::Result,
    names::{signed, unsigned},
    session::Session,
};
use crate::{
    Error,
    storage::{Known, SyncPosition},
};

/// Transactions under way that a position may name. Where there are more, the rest counts as
/// unknown: a device is told of some changes twice.
const EXCEPTIONS: usize = 64;
/// Starts that are remembered; a device that was away for more begins anew.
const REMEMBERED: i64 = 10_000;
/// Of the lock that a new start is noted under ("adieu", and a number).
const LOCK: i64 = 0x6164_6965_7501;

/// The last change that a statement sees. Views and conversations are never removed.
macro_rules! last_change {
    () => {
        "greatest((SELECT max(version) FROM views), (SELECT max(changed) FROM conversations),
             (SELECT changed FROM settings))"
    };
}

/// What [`seen`] takes.
pub(super) const NOW: &str = concat!(
    "SELECT pg_current_snapshot()::text, base, ",
    last_change!(),
    " FROM settings"
);

/// What a snapshot sees.
#[derive(Clone, Debug)]
pub(super) struct Now {
    known: Known,
    lowest: i64,
}

impl Now {
    /// From PostgreSQL's text `xmin:xmax:xip,...`, and the last change that is visible.
    fn read(snapshot: &str, base: i64, last: i64) -> Option<Self> {
        let mut parts = snapshot.split(':');
        let mut number = || parts.next()?.parse::<i64>().ok();
        let (lowest, next) = (number()?, number()?);
        let mut without = Vec::new();
        for one in parts.next()?.split(',').filter(|one| !one.is_empty()) {
            without.push(unsigned(base + one.parse::<i64>().ok()?));
        }
        without.sort_unstable();
        // Above the last one lies nothing to know, and after a restart perhaps something else.
        let mut through = unsigned(last.min(base + next - 1));
        without.retain(|one| *one <= through);
        if let Some(first) = without.get(EXCEPTIONS) {
            through = first - 1;
            without.truncate(EXCEPTIONS);
        }
        Some(Self {
            known: Known { through, without },
            lowest: base + lowest,
        })
    }

    /// What it sees.
    pub(super) fn known(self) -> Known {
        self.known
    }

    /// All changes below this number have ended.
    pub(super) fn settled(&self) -> i64 {
        self.lowest
    }
}

/// The number and the exceptions, as parameters of a query for what is not known.
pub(super) fn bounds(known: &Known) -> (i64, Vec<i64>) {
    let without = known.without.iter().map(|one| signed(*one)).collect();
    (signed(known.through), without)
}

/// What is visible now.
pub(super) async fn now(session: &Session) -> Result<Now> {
    seen(&session.one(NOW, &[]).await?)
}

/// The same, on a connection that is nobody's.
pub(super) async fn of(client: &Client) -> Result<Now> {
    seen(&client.query_one(NOW, &[]).await?)
}

/// The answer to [`NOW`].
pub(super) fn seen(row: &Row) -> Result<Now> {
    read(row.try_get(0)?, row.try_get(1)?, row.try_get(2)?)
}

/// The present start.
pub(super) async fn start(client: &Client) -> Result<i64> {
    let last = "SELECT id FROM incarnations ORDER BY number DESC LIMIT 1";
    Ok(client.query_one(last, &[]).await?.try_get(0)?)
}

fn read(snapshot: &str, base: i64, last: i64) -> Result<Now> {
    Now::read(snapshot, base, last)
        .ok_or_else(|| Error::Storage("the database gave no snapshot".to_owned()).into())
}

/// The present start, and what is visible now; and whether a position is one to go on from.
pub(super) async fn look(
    session: &Session,
    position: Option<&SyncPosition>,
) -> Result<(u64, Now, bool)> {
    let asked = position.map(|position| signed(position.incarnation));
    let row = session
        .one(
            concat!(
                "SELECT pg_current_snapshot()::text, s.base, ",
                last_change!(),
                ", (SELECT id FROM incarnations ORDER BY number DESC LIMIT 1),
                 i.id IS NOT NULL,
                 (SELECT n.began FROM incarnations n WHERE n.number > i.number ORDER BY n.number LIMIT 1)
             FROM settings s LEFT JOIN incarnations i ON i.id = $1"
            ),
            &[&asked],
        )
        .await?;
    let now = read(row.try_get(0)?, row.try_get(1)?, row.try_get(2)?)?;
    let follows = position.is_some_and(|_| row.try_get(4).unwrap_or(false));
    // The start that came next, if one did, ends what this one numbered.
    let end: Option<i64> = row.try_get(5)?;
    let end = end.map_or(now.known.through, unsigned);
    let follows = follows
        && position.is_some_and(|position| {
            position.since.through <= end && position.target.through <= end
        });
    Ok((row.try_get(3).map(unsigned)?, now, follows))
}

/// On a new connection: notes a start of the database server that was not seen before. Every
/// connection goes through here, so none works on a restored database before that is known.
pub(super) async fn enter(client: &Client) -> Result<()> {
    const MARK: &str = "(SELECT oid FROM pg_database WHERE datname = current_database())::text
         || ' ' || extract(epoch FROM pg_postmaster_start_time())::text";
    let known = format!(
        "SELECT (SELECT mark FROM incarnations ORDER BY number DESC LIMIT 1) IS NOT DISTINCT FROM {MARK},
             usable_from <= {FORMAT} FROM settings"
    );
    let row = client.query_one(&known, &[]).await?;
    if !row.try_get(1)? {
        return Err(Error::Store("the database has a newer format".to_owned()).into());
    }
    if row.try_get(0)? {
        return Ok(());
    }
    const LAST: &str = last_change!();
    // Restored into another cluster, numbers of transactions may begin below: the base makes up
    // for it.
    client
        .batch_execute(&format!(
            "BEGIN;
             SELECT pg_advisory_xact_lock({LOCK});
             UPDATE settings SET base = greatest(base, 1 - pg_current_xact_id()::text::bigint
                 + greatest({LAST}, (SELECT max(number) / 128 FROM deletions)))
             WHERE (SELECT mark FROM incarnations ORDER BY number DESC LIMIT 1) IS DISTINCT FROM {MARK};
             INSERT INTO incarnations (id, mark, began)
             SELECT ('x' || substr(md5(random()::text || clock_timestamp()::text), 1, 15))::bit(60)::bigint,
                 {MARK}, {LAST}
             WHERE (SELECT mark FROM incarnations ORDER BY number DESC LIMIT 1) IS DISTINCT FROM {MARK};
             DELETE FROM incarnations WHERE number <= (SELECT max(number) FROM incarnations) - {REMEMBERED};
             COMMIT"
        ))
        .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn snapshots() {
        let now = Now::read("10:20:10,14,19", 100, 118).unwrap();
        assert_eq!(now.settled(), 110);
        assert_eq!(
            now.known(),
            Known {
                through: 118,
                without: vec![110, 114]
            }
        );
        let now = Now::read("20:20:", 0, 50).unwrap();
        assert_eq!(now.known(), Known::all_through(19));
        let many: Vec<String> = (10..100).map(|one| one.to_string()).collect();
        let now = Now::read(&format!("10:200:{}", many.join(",")), 0, 150).unwrap();
        let known = now.known();
        assert_eq!((known.through, known.without.len()), (73, EXCEPTIONS));
        for broken in ["", "1", "1:2", "a:b:c", "1:2:x"] {
            assert!(Now::read(broken, 0, 0).is_none(), "{broken}");
        }
    }
}
