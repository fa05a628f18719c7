//! Reading messages, as far as a view lets one.

use tokio_postgres::Row;

use super::{
    failure::Result,
    names::{account, c2c, conversation, known_account, living_group, signed, unsigned},
    session::Session,
    views,
};
use crate::{
    Error,
    storage::{GroupPage, GroupQuery, HistoryPage, HistoryQuery, Message, RoamPage, RoamQuery},
};

/// The messages of conversation $1 above $2 and up to $3 that $4 sees (all of them, without one);
/// at most $5.
macro_rules! messages {
    ($rest:literal) => {
        concat!(
            "SELECT m.position, a.name, m.time, m.seq, m.random, m.body, m.custom
             FROM messages m JOIN accounts a ON a.id = m.sender
             WHERE m.conversation = $1 AND m.position > $2 AND m.position <= $3
             AND (m.audience IS NULL OR $4::bigint IS NULL OR $4 = ANY (m.audience)) ",
            $rest,
            " LIMIT $5"
        )
    };
}

fn read(row: &Row) -> Result<Message> {
    let small = |at: usize| {
        row.try_get::<_, i64>(at)
            .map(|one| u32::try_from(one).unwrap_or_default())
    };
    Ok(Message {
        position: row.try_get(0).map(unsigned)?,
        sender: row.try_get(1)?,
        time: row.try_get(2).map(unsigned)?,
        seq: small(3)?,
        random: small(4)?,
        body: row.try_get(5)?,
        custom: row.try_get(6)?,
    })
}

/// A range of a conversation: positions above `above` and up to `through`, as `viewer` sees them;
/// without one, all.
#[derive(Clone)]
struct Range {
    conversation: i64,
    above: i64,
    through: i64,
    viewer: Option<i64>,
}

impl Range {
    async fn collect(&self, session: &Session, sql: &str, limit: usize) -> Result<Vec<Message>> {
        let rows = session
            .rows(
                sql,
                &[
                    &self.conversation,
                    &self.above,
                    &self.through,
                    &self.viewer,
                    &signed(limit as u64),
                ],
            )
            .await?;
        rows.iter().map(read).collect()
    }

    async fn ascending(&self, session: &Session, limit: usize) -> Result<Vec<Message>> {
        self.collect(session, messages!("ORDER BY m.position"), limit)
            .await
    }

    async fn descending(&self, session: &Session, limit: usize) -> Result<Vec<Message>> {
        self.collect(session, messages!("ORDER BY m.position DESC"), limit)
            .await
    }

    /// The first position in the range whose message is later than `time`, or the one behind the
    /// range. Times never fall while positions rise, so this takes a few steps, not a scan.
    async fn first_later(&self, session: &Session, time: i64) -> Result<i64> {
        let row = session
            .row(
                "WITH RECURSIVE search (low, high) AS (
                     SELECT $2::bigint + 1, $3::bigint + 1
                     UNION ALL
                     SELECT CASE WHEN m.time > $4 THEN low ELSE m.position + 1 END,
                            CASE WHEN m.time > $4 THEN m.position ELSE high END
                     FROM search JOIN messages m ON m.conversation = $1 AND m.position = (low + high) / 2
                     WHERE low < high)
                 SELECT low FROM search WHERE low >= high LIMIT 1",
                &[&self.conversation, &self.above, &self.through, &time],
            )
            .await?;
        match row {
            Some(row) => Ok(row.try_get(0)?),
            // The purge took what the search was to step on: it lay under the view's floor.
            None => Ok(self.through + 1),
        }
    }

    /// The newest messages of the query's time, newest first and one more than asked for, where
    /// times never fall while positions rise.
    async fn backwards_by_time(
        &self,
        session: &Session,
        query: &RoamQuery,
    ) -> Result<Vec<Message>> {
        let mut end = self.first_later(session, signed(query.max_time)).await?;
        if let Some(behind @ (_, _, time)) = query.behind {
            let time = signed(time);
            let first = self.first_later(session, time - 1).await?;
            let last = self.first_later(session, time).await? - 1;
            let same_time = Self {
                above: first - 1,
                through: last,
                ..self.clone()
            };
            end = end.min(same_time.place_of(session, behind).await?.unwrap_or(first));
        }
        let begin = self
            .first_later(session, signed(query.min_time) - 1)
            .await?;
        if begin >= end {
            return Ok(Vec::new());
        }
        let range = Self {
            above: begin - 1,
            through: end - 1,
            ..self.clone()
        };
        range.descending(session, query.limit + 1).await
    }

    /// The same for a conversation from a chat log that goes back in time: all of it is looked at.
    async fn backwards_by_search(
        &self,
        session: &Session,
        query: &RoamQuery,
    ) -> Result<Vec<Message>> {
        let (time, position) = match query.behind {
            Some(behind @ (_, _, time)) => {
                let place = self.place_of(session, behind).await?;
                (time, place.unwrap_or(0))
            }
            None => (query.max_time, i64::MAX),
        };
        let rows = session
            .rows(
                messages!(
                    "AND m.time BETWEEN $6 AND $7 AND (m.time < $8 OR (m.time = $8 AND m.position < $9))
                     ORDER BY m.time DESC, m.position DESC"
                ),
                &[
                    &self.conversation,
                    &self.above,
                    &self.through,
                    &self.viewer,
                    &signed(query.limit as u64 + 1),
                    &signed(query.min_time),
                    &signed(query.max_time),
                    &signed(time),
                    &position,
                ],
            )
            .await?;
        rows.iter().map(read).collect()
    }

    /// The position of the message with this sequence number, random and time. Where it is gone,
    /// whoever asks goes on behind its time: nothing comes twice.
    async fn place_of(
        &self,
        session: &Session,
        (seq, random, time): (u32, u32, u64),
    ) -> Result<Option<i64>> {
        let row = session
            .one(
                "SELECT max(position) FROM messages
                 WHERE conversation = $1 AND position > $2 AND position <= $3 AND time = $4 AND seq = $5 AND random = $6",
                &[
                    &self.conversation,
                    &self.above,
                    &self.through,
                    &signed(time),
                    &i64::from(seq),
                    &i64::from(random),
                ],
            )
            .await?;
        Ok(row.try_get(0)?)
    }
}

/// What an owner's view of a conversation shows above a position.
pub(super) async fn history(session: &Session, query: &HistoryQuery) -> Result<HistoryPage> {
    let nothing = HistoryPage {
        complete: true,
        ..HistoryPage::default()
    };
    let owner = known_account(session, &query.owner).await?;
    let Some(conversation) = conversation(session, owner, &query.conversation).await? else {
        return Ok(nothing);
    };
    let Some((view, heads)) = views::load(session, owner, conversation).await? else {
        return Ok(nothing);
    };
    let Some((head, _)) = view.newest(&heads) else {
        return Ok(nothing);
    };
    let range = Range {
        conversation,
        above: signed(view.floor().max(query.after)),
        through: signed(head),
        viewer: Some(owner),
    };
    let messages = range.ascending(session, query.limit).await?;
    let complete =
        messages.len() < query.limit || messages.last().is_some_and(|last| last.position >= head);
    Ok(HistoryPage {
        messages,
        head,
        complete,
    })
}

/// A page of a group's messages, newest first.
pub(super) async fn group_messages(session: &Session, query: &GroupQuery) -> Result<GroupPage> {
    let range = match &query.viewer {
        None => {
            let conversation = living_group(session, &query.group).await?;
            Range {
                conversation,
                above: 0,
                through: i64::MAX,
                viewer: None,
            }
        }
        Some(viewer) => {
            let owner = known_account(session, viewer).await?;
            let stranger = || Error::NotAMember {
                account: viewer.clone(),
                group: query.group.clone(),
            };
            let (conversation, _) = super::names::group(session, &query.group)
                .await?
                .ok_or_else(stranger)?;
            let (view, heads) = views::load(session, owner, conversation)
                .await?
                .ok_or_else(stranger)?;
            let through = view.newest(&heads).map_or(0, |(position, _)| position);
            Range {
                conversation,
                above: signed(view.floor()),
                through: signed(through),
                viewer: Some(owner),
            }
        }
    };
    let through = query
        .through
        .map_or(range.through, |wanted| signed(wanted).min(range.through));
    let mut messages = Range { through, ..range }
        .descending(session, query.limit + 1)
        .await?;
    let complete = messages.len() <= query.limit;
    messages.truncate(query.limit);
    Ok(GroupPage { messages, complete })
}

/// A page of one-to-one history in a range of time.
pub(super) async fn roam(session: &Session, query: &RoamQuery) -> Result<RoamPage> {
    let nothing = RoamPage {
        complete: true,
        ..RoamPage::default()
    };
    let operator = known_account(session, &query.operator).await?;
    let peer = account(session, &query.peer)
        .await?
        .ok_or_else(|| Error::AccountNotFound(query.peer.clone()))?;
    let Some(conversation) = c2c(session, operator, peer).await? else {
        return Ok(nothing);
    };
    let Some((view, heads)) = views::load(session, operator, conversation).await? else {
        return Ok(nothing);
    };
    let Some((head, _)) = view.newest(&heads) else {
        return Ok(nothing);
    };
    let whole = Range {
        conversation,
        above: signed(view.floor()),
        through: signed(head),
        viewer: Some(operator),
    };
    let unsorted: bool = session
        .one(
            "SELECT unsorted FROM conversations WHERE id = $1",
            &[&conversation],
        )
        .await?
        .try_get(0)?;
    let messages = if unsorted {
        whole.backwards_by_search(session, query).await?
    } else {
        whole.backwards_by_time(session, query).await?
    };
    Ok(RoamPage::fitting(messages, query))
}
