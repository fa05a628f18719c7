//! Appending messages. A message is one row, whoever sees it.
//!
//! The conversation's row is locked before anything else is looked at, so positions come in the
//! order of commits and a repeated request finds the first one, whichever process took it.

use ring::digest;

use super::{
    failure::Result,
    names::{c2c_or_new, known_account, signed, unsigned},
    session::{Session, owned},
    views,
};
use crate::{
    Error,
    storage::{C2C_REPEAT, C2cMessage, Draft, GROUP_REPEAT, GroupMessage, Sent},
};

const LOCK: &str = "SELECT head, last_time FROM conversations WHERE id = $1 FOR UPDATE";
const REPEATED: &str = "SELECT position, seq, time FROM recent_sends
     WHERE conversation = $1 AND sender = $2 AND random = $3 AND digest = $4 AND time >= $5";
const DISSOLVED: &str = "SELECT dissolved FROM groups WHERE conversation = $1";

/// A conversation that is locked.
struct Locked {
    conversation: i64,
    head: i64,
    last_time: i64,
}

pub(super) async fn send_c2c(session: &Session, message: &C2cMessage) -> Result<Sent> {
    let draft = &message.draft;
    let row = session
        .one(
            "SELECT s.id, r.id, c.id FROM (SELECT $1::text AS sender, $2::text AS receiver) n
             LEFT JOIN accounts s ON s.name = n.sender
             LEFT JOIN accounts r ON r.name = n.receiver
             LEFT JOIN conversations c
                 ON c.kind = 1 AND c.low = least(s.id, r.id) AND c.high = greatest(s.id, r.id)",
            &[&draft.sender, &message.receiver],
        )
        .await?;
    let sender: i64 = row
        .try_get::<_, Option<i64>>(0)?
        .ok_or_else(|| Error::AccountNotFound(draft.sender.clone()))?;
    let receiver: i64 = row
        .try_get::<_, Option<i64>>(1)?
        .ok_or_else(|| Error::ReceiverNotFound(message.receiver.clone()))?;
    let conversation = match row.try_get(2)? {
        Some(conversation) => conversation,
        None => c2c_or_new(session, sender, receiver).await?,
    };
    session.prepare(&[LOCK, REPEATED]).await?;
    // In this order on the wire: what comes behind the lock sees what was committed before it.
    let (locked, repeated) = tokio::try_join!(
        biased;
        lock(session, conversation),
        repeated(session, conversation, sender, draft, &[], C2C_REPEAT)
    )?;
    if let Some(sent) = repeated {
        return Ok(sent);
    }
    let only = message.receiver_only.then(|| vec![receiver]);
    append(session, &locked, sender, draft, &[], only).await
}

pub(super) async fn send_group(session: &Session, message: &GroupMessage) -> Result<Sent> {
    let draft = &message.draft;
    let sender = known_account(session, &draft.sender).await?;
    let row = session
        .row(
            "SELECT conversation FROM groups WHERE name = $1 AND NOT dissolved",
            &[&message.group],
        )
        .await?;
    let conversation: i64 = row
        .ok_or_else(|| Error::GroupNotFound(message.group.clone()))?
        .try_get(0)?;
    let content = digest::digest(&digest::SHA256, draft.body.as_bytes());
    session
        .prepare(&[LOCK, views::LOAD, REPEATED, DISSOLVED])
        .await?;
    let (locked, own, repeated, dissolved) = tokio::try_join!(
        biased;
        lock(session, conversation),
        views::load(session, sender, conversation),
        repeated(
            session,
            conversation,
            sender,
            draft,
            content.as_ref(),
            GROUP_REPEAT
        ),
        async { session.one(DISSOLVED, &[&conversation]).await },
    )?;
    if dissolved.try_get(0)? {
        return Err(Error::GroupNotFound(message.group.clone()).into());
    }
    let member = own.is_some_and(|(view, _)| view.sees_to.is_none());
    if message.members_only && !member {
        return Err(Error::NotAMember {
            account: draft.sender.clone(),
            group: message.group.clone(),
        }
        .into());
    }
    if let Some(sent) = repeated {
        return Ok(sent);
    }
    let mut only = None;
    if !message.receivers.is_empty() {
        let mut seen_by = Vec::with_capacity(message.receivers.len() + 1);
        if member {
            seen_by.push(sender);
        }
        for name in &message.receivers {
            let receiver = known_account(session, name).await?;
            match views::load(session, receiver, conversation).await? {
                Some((view, _)) if view.sees_to.is_none() => {}
                _ => {
                    return Err(Error::NotAMember {
                        account: name.clone(),
                        group: message.group.clone(),
                    }
                    .into());
                }
            }
            if !seen_by.contains(&receiver) {
                seen_by.push(receiver);
            }
        }
        only = Some(seen_by);
    }
    append(session, &locked, sender, draft, content.as_ref(), only).await
}

async fn lock(session: &Session, conversation: i64) -> Result<Locked> {
    let row = session.one(LOCK, &[&conversation]).await?;
    Ok(Locked {
        conversation,
        head: row.try_get(0)?,
        last_time: row.try_get(1)?,
    })
}

/// What an equal request has stored within `window` seconds.
async fn repeated(
    session: &Session,
    conversation: i64,
    sender: i64,
    draft: &Draft,
    content: &[u8],
    window: u64,
) -> Result<Option<Sent>> {
    let row = session
        .row(
            REPEATED,
            &[
                &conversation,
                &sender,
                &i64::from(draft.random),
                &content,
                &signed(draft.time.saturating_sub(window)),
            ],
        )
        .await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(Sent {
        position: row.try_get(0).map(unsigned)?,
        seq: u32::try_from(row.try_get::<_, i64>(1)?).unwrap_or_default(),
        time: row.try_get(2).map(unsigned)?,
    }))
}

/// Takes the next position and stores the message there. `only`: the accounts that see it; none:
/// all sides.
async fn append(
    session: &Session,
    locked: &Locked,
    sender: i64,
    draft: &Draft,
    content: &[u8],
    only: Option<Vec<i64>>,
) -> Result<Sent> {
    let conversation = locked.conversation;
    let position = locked.head + 1;
    // A clock that was set back must not put a message before the one ahead of it.
    let time = locked.last_time.max(signed(draft.time));
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a number for clients to show; it may wrap"
    )]
    let seq = draft.seq.unwrap_or(position as u32);
    let random = i64::from(draft.random);
    let change = session.change().await?;
    session
        .later(
            "UPDATE conversations SET head = $2, last_time = $3, changed = $5,
                 common = CASE WHEN $4 THEN $2 ELSE common END,
                 common_time = CASE WHEN $4 THEN $3 ELSE common_time END
             WHERE id = $1",
            owned![conversation, position, time, only.is_none(), change],
        )
        .await?;
    session
        .later(
            "INSERT INTO messages (conversation, position, sender, time, seq, random, audience, custom, body)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            owned![
                conversation,
                position,
                sender,
                time,
                i64::from(seq),
                random,
                only.clone(),
                draft.custom.clone(),
                draft.body.clone()
            ],
        )
        .await?;
    if let Some(only) = only {
        session
            .later(
                "UPDATE views SET own_head = $3, own_time = $4
                 WHERE conversation = $2 AND owner = ANY ($1)",
                owned![only, conversation, position, time],
            )
            .await?;
    }
    // Who writes has read what stands above.
    session
        .later(
            "UPDATE views SET read_through = $3 WHERE owner = $1 AND conversation = $2",
            owned![sender, conversation, position],
        )
        .await?;
    session
        .later(
            "INSERT INTO recent_sends (conversation, sender, random, digest, time, seq, position)
             VALUES ($1, $2, $3, $4, $5, $6, $7)
             ON CONFLICT (conversation, sender, random, digest)
             DO UPDATE SET time = excluded.time, seq = excluded.seq, position = excluded.position",
            owned![
                conversation,
                sender,
                random,
                content.to_vec(),
                time,
                i64::from(seq),
                position
            ],
        )
        .await?;
    Ok(Sent {
        position: unsigned(position),
        seq,
        time: unsigned(time),
    })
}
