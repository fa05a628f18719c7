//! Appending chat logs in bulk: a few statements for a batch, whatever it holds.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{
    failure::Result,
    groups::create_row,
    names::{group, signed},
    session::{Session, owned},
};
use crate::{
    Error,
    storage::{Between, Imported, LoggedMessage},
};

/// A conversation while a batch goes into it; counters go back to its row once, at the end.
struct Growing {
    head: i64,
    /// The highest time so far, and the last message's.
    last_time: i64,
    time: i64,
    unsorted: bool,
    /// Position of each sender's last message in this batch.
    written: BTreeMap<i64, i64>,
}

pub(super) async fn append(session: &Session, messages: &[LoggedMessage]) -> Result<Imported> {
    let mut done = Imported::default();
    let accounts = accounts(session, messages, &mut done).await?;
    let ids = conversations(session, messages, &accounts, &mut done).await?;
    let mut growing = lock(session, &ids).await?;
    let mut rows = Rows::default();
    for message in messages {
        let (Some(id), Some(sender)) = (
            ids.get(&message.between),
            accounts.get(message.sender.as_str()),
        ) else {
            continue;
        };
        let Some(one) = growing.get_mut(id) else {
            continue;
        };
        let time = signed(message.time);
        one.head += 1;
        if time < one.last_time {
            one.unsorted = true;
            done.out_of_order += 1;
        }
        one.time = time;
        one.last_time = one.last_time.max(time);
        one.written.insert(*sender, one.head);
        done.messages += 1;
        rows.conversation.push(*id);
        rows.position.push(one.head);
        rows.sender.push(*sender);
        rows.time.push(time);
        rows.body.push(message.body.clone());
    }
    rows.insert(session).await?;
    finish(session, &growing).await?;
    Ok(done)
}

#[derive(Default)]
struct Rows {
    conversation: Vec<i64>,
    position: Vec<i64>,
    sender: Vec<i64>,
    time: Vec<i64>,
    body: Vec<String>,
}

impl Rows {
    async fn insert(self, session: &Session) -> Result<()> {
        session
            .later(
                // The sender's number is one for clients to show; it may wrap.
                "INSERT INTO messages (conversation, position, sender, time, seq, random, body)
                 SELECT c, p, s, t, p & 4294967295, 0, b
                 FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::text[]) r (c, p, s, t, b)",
                owned![
                    self.conversation,
                    self.position,
                    self.sender,
                    self.time,
                    self.body
                ],
            )
            .await
    }
}

/// The rows of all accounts that are named, in one order whoever imports.
async fn accounts<'a>(
    session: &Session,
    messages: &'a [LoggedMessage],
    done: &mut Imported,
) -> Result<HashMap<&'a str, i64>> {
    let mut names = BTreeSet::new();
    for message in messages {
        names.insert(message.sender.as_str());
        if let Between::Users(one, other) = &message.between {
            names.extend([one.as_str(), other.as_str()]);
        }
    }
    let names: Vec<&str> = names.into_iter().collect();
    done.accounts = session
        .execute(
            "INSERT INTO accounts (name) SELECT unnest($1::text[]) ON CONFLICT DO NOTHING",
            &[&names],
        )
        .await?;
    let rows = session
        .rows(
            "SELECT n.place, a.id FROM unnest($1::text[]) WITH ORDINALITY n (name, place)
             JOIN accounts a ON a.name = n.name",
            &[&names],
        )
        .await?;
    let mut ids = HashMap::with_capacity(rows.len());
    for row in rows {
        let place: i64 = row.try_get(0)?;
        let name = usize::try_from(place - 1).ok().and_then(|at| names.get(at));
        if let Some(name) = name {
            ids.insert(*name, row.try_get(1)?);
        }
    }
    Ok(ids)
}

async fn conversations<'a>(
    session: &Session,
    messages: &'a [LoggedMessage],
    accounts: &HashMap<&str, i64>,
    done: &mut Imported,
) -> Result<HashMap<&'a Between, i64>> {
    let change = session.change().await?;
    let mut ids = HashMap::new();
    let mut pairs: BTreeMap<(i64, i64), Vec<&Between>> = BTreeMap::new();
    for message in messages {
        let between = &message.between;
        if ids.contains_key(between) {
            continue;
        }
        match between {
            Between::Users(one, other) => {
                if let (Some(one), Some(other)) =
                    (accounts.get(one.as_str()), accounts.get(other.as_str()))
                {
                    let named = pairs.entry((*one.min(other), *one.max(other))).or_default();
                    named.push(between);
                }
            }
            Between::Group(name) => {
                let id = match group(session, name).await? {
                    Some((_, true)) => return Err(Error::GroupNotFound(name.clone()).into()),
                    Some((conversation, false)) => conversation,
                    None => {
                        done.conversations += 1;
                        create_row(session, name, name, "Public", None).await?
                    }
                };
                ids.insert(between, id);
            }
        }
    }
    let (low, high): (Vec<i64>, Vec<i64>) = pairs.keys().copied().unzip();
    let made = session
        .rows(
            "INSERT INTO conversations (kind, low, high, changed)
             SELECT 1, l, h, $3 FROM unnest($1::bigint[], $2::bigint[]) p (l, h)
             ON CONFLICT (low, high) WHERE kind = 1 DO NOTHING RETURNING id, low, high",
            &[&low, &high, &change],
        )
        .await?;
    done.conversations += made.len() as u64;
    let (mut owners, mut of) = (Vec::new(), Vec::new());
    for row in &made {
        for side in [1, 2] {
            of.push(row.try_get::<_, i64>(0)?);
            owners.push(row.try_get::<_, i64>(side)?);
        }
    }
    session
        .later(
            "INSERT INTO views (owner, conversation, version)
             SELECT o, c, $3 FROM unnest($1::bigint[], $2::bigint[]) v (o, c) ON CONFLICT DO NOTHING",
            owned![owners, of, change],
        )
        .await?;
    let rows = session
        .rows(
            "SELECT c.id, c.low, c.high FROM unnest($1::bigint[], $2::bigint[]) p (l, h)
             JOIN conversations c ON c.kind = 1 AND c.low = p.l AND c.high = p.h",
            &[&low, &high],
        )
        .await?;
    for row in rows {
        let id: i64 = row.try_get(0)?;
        for between in pairs
            .remove(&(row.try_get(1)?, row.try_get(2)?))
            .unwrap_or_default()
        {
            ids.insert(between, id);
        }
    }
    Ok(ids)
}

async fn lock(session: &Session, ids: &HashMap<&Between, i64>) -> Result<BTreeMap<i64, Growing>> {
    let mut all: Vec<i64> = ids.values().copied().collect();
    all.sort_unstable();
    all.dedup();
    let rows = session
        .rows(
            "SELECT id, head, last_time, unsorted FROM conversations WHERE id = ANY ($1)
             ORDER BY id FOR UPDATE",
            &[&all],
        )
        .await?;
    let mut growing = BTreeMap::new();
    for row in rows {
        let one = Growing {
            head: row.try_get(1)?,
            last_time: row.try_get(2)?,
            time: 0,
            unsorted: row.try_get(3)?,
            written: BTreeMap::new(),
        };
        growing.insert(row.try_get(0)?, one);
    }
    Ok(growing)
}

async fn finish(session: &Session, growing: &BTreeMap<i64, Growing>) -> Result<()> {
    let change = session.change().await?;
    let column = |of: fn(&Growing) -> i64| growing.values().map(of).collect::<Vec<_>>();
    session
        .later(
            "UPDATE conversations c SET head = r.head, common = r.head, common_time = r.time,
                 last_time = r.last_time, unsorted = r.unsorted, changed = $6
             FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::boolean[])
                 r (id, head, time, last_time, unsorted) WHERE c.id = r.id",
            owned![
                growing.keys().copied().collect::<Vec<_>>(),
                column(|one| one.head),
                column(|one| one.time),
                column(|one| one.last_time),
                growing.values().map(|one| one.unsorted).collect::<Vec<_>>(),
                change
            ],
        )
        .await?;
    let (mut owner, mut conversation, mut read) = (Vec::new(), Vec::new(), Vec::new());
    for (id, one) in growing {
        for (sender, position) in &one.written {
            owner.push(*sender);
            conversation.push(*id);
            read.push(*position);
        }
    }
    // Whoever writes in a group of a log is a member of it, and sees all of it.
    session
        .later(
            "INSERT INTO views (owner, conversation, version, read_through)
             SELECT o, c, $4, r FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) w (o, c, r)
             ON CONFLICT (owner, conversation) DO UPDATE SET read_through = excluded.read_through",
            owned![owner, conversation, read, change],
        )
        .await
}
