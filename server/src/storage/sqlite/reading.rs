//! Reading messages, as far as a view lets one.

use rusqlite::{Connection, Row, params};

use super::{
    names::{account, c2c, conversation, known_account, living_group, signed},
    sending::audience,
    views,
};
use crate::{
    Error, Result,
    storage::{GroupPage, GroupQuery, HistoryPage, HistoryQuery, Message, RoamPage, RoamQuery},
};

macro_rules! messages {
    ($rest:literal) => {
        concat!(
            "SELECT m.position, a.name, m.time, m.seq, m.random, m.body, m.custom
             FROM messages m JOIN accounts a ON a.id = m.sender
             WHERE m.conversation = ?1 AND m.position > ?2 AND m.position <= ?3
             AND (m.audience IS NULL OR instr(m.audience, ?4) > 0) ",
            $rest
        )
    };
}

fn read(row: &Row<'_>) -> rusqlite::Result<Message> {
    Ok(Message {
        position: row.get(0)?,
        sender: row.get(1)?,
        time: row.get(2)?,
        seq: row.get(3)?,
        random: row.get(4)?,
        body: row.get(5)?,
        custom: row.get(6)?,
    })
}

/// A range of a conversation: positions above `above` and up to `through`, as `viewer` sees them.
#[derive(Clone)]
struct Range {
    conversation: i64,
    above: u64,
    through: u64,
    viewer: String,
}

impl Range {
    fn ascending(&self, connection: &Connection, limit: usize) -> Result<Vec<Message>> {
        self.collect(connection, messages!("ORDER BY m.position LIMIT ?5"), limit)
    }

    fn descending(&self, connection: &Connection, limit: usize) -> Result<Vec<Message>> {
        self.collect(
            connection,
            messages!("ORDER BY m.position DESC LIMIT ?5"),
            limit,
        )
    }

    fn collect(&self, connection: &Connection, sql: &str, limit: usize) -> Result<Vec<Message>> {
        let mut find = connection.prepare_cached(sql)?;
        let rows = find.query_map(
            params![
                self.conversation,
                signed(self.above),
                signed(self.through),
                self.viewer,
                signed(limit as u64)
            ],
            read,
        )?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// The first position in the range whose message is later than `time`, or the one behind the
    /// range. Times never fall while positions rise, so this takes a few steps, not a scan.
    fn first_later(&self, connection: &Connection, time: u64) -> Result<u64> {
        let mut find = connection.prepare_cached(
            "SELECT time FROM messages WHERE conversation = ?1 AND position = ?2",
        )?;
        let (mut low, mut high) = (self.above + 1, self.through + 1);
        while low < high {
            let middle = low + (high - low) / 2;
            let at: u64 = find.query_row([self.conversation, signed(middle)], |row| row.get(0))?;
            if at > time {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        Ok(low)
    }

    /// The newest messages of the query's time, newest first and one more than asked for, where
    /// times never fall while positions rise: the ends are found in a few steps.
    fn backwards_by_time(
        &self,
        connection: &Connection,
        query: &RoamQuery,
    ) -> Result<Vec<Message>> {
        let not_before = |time: u64| match time.checked_sub(1) {
            Some(before) => self.first_later(connection, before),
            None => Ok(self.above + 1),
        };
        let mut end = self.first_later(connection, query.max_time)?;
        if let Some(behind @ (_, _, time)) = query.behind {
            let first = not_before(time)?;
            let last = self.first_later(connection, time)? - 1;
            let same_time = Self {
                above: first - 1,
                through: last,
                ..self.clone()
            };
            end = end.min(same_time.place_of(connection, behind)?.unwrap_or(first));
        }
        let begin = not_before(query.min_time)?;
        if begin >= end {
            return Ok(Vec::new());
        }
        let range = Self {
            above: begin - 1,
            through: end - 1,
            ..self.clone()
        };
        range.descending(connection, query.limit + 1)
    }

    /// The same for a conversation from a chat log that goes back in time: all of it is looked at.
    fn backwards_by_search(
        &self,
        connection: &Connection,
        query: &RoamQuery,
    ) -> Result<Vec<Message>> {
        let (time, position) = match query.behind {
            Some(behind @ (_, _, time)) => (time, self.place_of(connection, behind)?.unwrap_or(0)),
            None => (query.max_time, u64::MAX),
        };
        let mut find = connection.prepare_cached(messages!(
            "AND m.time BETWEEN ?6 AND ?7 AND (m.time < ?8 OR (m.time = ?8 AND m.position < ?9))
             ORDER BY m.time DESC, m.position DESC LIMIT ?5"
        ))?;
        let rows = find.query_map(
            params![
                self.conversation,
                signed(self.above),
                signed(self.through),
                self.viewer,
                signed(query.limit as u64 + 1),
                signed(query.min_time),
                signed(query.max_time),
                signed(time),
                signed(position),
            ],
            read,
        )?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// The position of the message with this sequence number, random and time. Where it is gone,
    /// whoever asks goes on behind its time: nothing comes twice.
    fn place_of(
        &self,
        connection: &Connection,
        (seq, random, time): (u32, u32, u64),
    ) -> Result<Option<u64>> {
        let mut find = connection.prepare_cached(
            "SELECT max(position) FROM messages
             WHERE conversation = ?1 AND position > ?2 AND position <= ?3 AND time = ?4 AND seq = ?5 AND random = ?6",
        )?;
        let place = params![
            self.conversation,
            signed(self.above),
            signed(self.through),
            signed(time),
            seq,
            random
        ];
        Ok(find.query_row(place, |row| row.get(0))?)
    }
}

/// What an owner's view of a conversation shows above a position.
pub(super) fn history(connection: &Connection, query: &HistoryQuery) -> Result<HistoryPage> {
    let nothing = HistoryPage {
        complete: true,
        ..HistoryPage::default()
    };
    let owner = known_account(connection, &query.owner)?;
    let Some(conversation) = conversation(connection, owner, &query.conversation)? else {
        return Ok(nothing);
    };
    let Some((view, heads)) = views::load(connection, owner, conversation)? else {
        return Ok(nothing);
    };
    let Some((head, _)) = view.newest(&heads) else {
        return Ok(nothing);
    };
    let range = Range {
        conversation,
        above: view.floor().max(query.after),
        through: head,
        viewer: audience(&[owner]),
    };
    let messages = range.ascending(connection, query.limit)?;
    let complete =
        messages.len() < query.limit || messages.last().is_some_and(|last| last.position >= head);
    Ok(HistoryPage {
        messages,
        head,
        complete,
    })
}

/// A page of a group's messages, newest first.
pub(super) fn group_messages(connection: &Connection, query: &GroupQuery) -> Result<GroupPage> {
    let (range, limit) = match &query.viewer {
        None => {
            let conversation = living_group(connection, &query.group)?;
            let head = views::heads(connection, conversation)?.head;
            // Every audience begins with a comma: this viewer sees all that is stored.
            (
                Range {
                    conversation,
                    above: 0,
                    through: head,
                    viewer: ",".to_owned(),
                },
                query.limit,
            )
        }
        Some(viewer) => {
            let owner = known_account(connection, viewer)?;
            let stranger = || Error::NotAMember {
                account: viewer.clone(),
                group: query.group.clone(),
            };
            let conversation = super::names::group(connection, &query.group)?
                .ok_or_else(stranger)?
                .0;
            let (view, heads) =
                views::load(connection, owner, conversation)?.ok_or_else(stranger)?;
            let through = view.newest(&heads).map_or(0, |(position, _)| position);
            (
                Range {
                    conversation,
                    above: view.floor(),
                    through,
                    viewer: audience(&[owner]),
                },
                query.limit,
            )
        }
    };
    let through = query
        .through
        .map_or(range.through, |wanted| wanted.min(range.through));
    let mut messages = Range { through, ..range }.descending(connection, limit + 1)?;
    let complete = messages.len() <= limit;
    messages.truncate(limit);
    Ok(GroupPage { messages, complete })
}

/// A page of one-to-one history in a range of time.
pub(super) fn roam(connection: &Connection, query: &RoamQuery) -> Result<RoamPage> {
    let nothing = RoamPage {
        complete: true,
        ..RoamPage::default()
    };
    let operator = known_account(connection, &query.operator)?;
    let peer = account(connection, &query.peer)?
        .ok_or_else(|| Error::AccountNotFound(query.peer.clone()))?;
    let Some(conversation) = c2c(connection, operator, peer)? else {
        return Ok(nothing);
    };
    let Some((view, heads)) = views::load(connection, operator, conversation)? else {
        return Ok(nothing);
    };
    let Some((head, _)) = view.newest(&heads) else {
        return Ok(nothing);
    };
    let whole = Range {
        conversation,
        above: view.floor(),
        through: head,
        viewer: audience(&[operator]),
    };

    let unsorted = connection
        .prepare_cached("SELECT unsorted FROM conversations WHERE id = ?1")?
        .query_row([conversation], |row| row.get(0))?;
    let messages = if unsorted {
        whole.backwards_by_search(connection, query)?
    } else {
        whole.backwards_by_time(connection, query)?
    };
    Ok(RoamPage::fitting(messages, query))
}
