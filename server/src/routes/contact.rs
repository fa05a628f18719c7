//! The service `recentcontact`: listing and deleting conversations, and pulling them to a device.

use adieu_protocol::{
    conversation_id::check_user_id,
    recent_contact::{
        BatchDelete, BatchDeleteResult, BatchDeleted, Delete, Deleted, GetHistory, GetList,
        History, HistoryMessage, List, MAX_BATCH, MAX_HISTORY_PAGE, MAX_SYNC_PAGE, Sync, Synced,
        Target, View,
    },
};

use super::{Call, listing, message::raw, told};
use crate::{
    Error, Result,
    command::Service,
    storage::{Deletion, HistoryQuery, OwnedView, SyncQuery},
};

/// Longest device id, in bytes.
const MAX_DEVICE_ID: usize = 128;
/// Messages in a page of history, where the request does not say.
const DEFAULT_HISTORY_PAGE: usize = 200;
/// Views in a page, where the request does not say.
const DEFAULT_SYNC_PAGE: usize = 100;

pub(super) async fn list(call: &Call<'_>, request: GetList) -> Result<List> {
    owner(call, &request.from_account)?;
    let views = call.app.storage.views(&request.from_account).await?;
    Ok(listing::page(views, &request))
}

pub(super) async fn delete(call: &Call<'_>, request: Delete) -> Result<Deleted> {
    owner(call, &request.from_account)?;
    let device = device(request.device_id)?;
    let deletion = deletion(
        call,
        &request.from_account,
        device.as_deref(),
        (
            &request.target,
            request.clear_ramble,
            request.cut_off,
            request.deletion_id.as_deref(),
        ),
    )?;
    let results = call.app.storage.delete(vec![deletion]).await?;
    call.app.purge.notify_one();
    let reached = results
        .into_iter()
        .next()
        .ok_or_else(|| Error::Storage("a deletion got no result".to_owned()))??;
    Ok(Deleted {
        cleared_through: Some(reached),
    })
}

/// Each item has a result of its own; a request that is wrong as a whole is refused as a whole.
pub(super) async fn batch_delete(call: &Call<'_>, request: BatchDelete) -> Result<BatchDeleted> {
    owner(call, &request.from_account)?;
    let device = device(request.device_id)?;
    if request.items.is_empty() || request.items.len() > MAX_BATCH {
        let given = request.items.len();
        return Err(Error::BadParameter(format!(
            "DeleteItem has {given} items; allowed: 1 to {MAX_BATCH}"
        )));
    }
    let mut asked = Vec::with_capacity(request.items.len());
    let mut deletions = Vec::with_capacity(request.items.len());
    for item in &request.items {
        let parts = (
            &item.target,
            item.clear_ramble,
            item.cut_off,
            item.deletion_id.as_deref(),
        );
        asked.push(
            deletion(call, &request.from_account, device.as_deref(), parts)
                .map(|good| deletions.push(good)),
        );
    }
    let mut done = call.app.storage.delete(deletions).await?.into_iter();
    call.app.purge.notify_one();
    let mut results = Vec::with_capacity(asked.len());
    for item in asked {
        let result = match item {
            Ok(()) => done
                .next()
                .unwrap_or_else(|| Err(Error::Storage("a deletion got no result".to_owned()))),
            Err(error) => Err(error),
        };
        results.push(match result {
            Ok(reached) => BatchDeleteResult {
                cleared_through: Some(reached),
                ..BatchDeleteResult::default()
            },
            // The owner is the same for all.
            Err(error @ Error::AccountNotFound(_)) => return Err(error),
            Err(error) => {
                let (code, info) = told(&error, Service::Contact);
                BatchDeleteResult {
                    code,
                    info,
                    cleared_through: None,
                }
            }
        });
    }
    Ok(BatchDeleted { results })
}

type Parts<'a> = (&'a Target, u8, Option<u64>, Option<&'a str>);

fn deletion(
    call: &Call<'_>,
    owner: &str,
    device: Option<&str>,
    (target, clear, cut_off, id): Parts<'_>,
) -> Result<Deletion> {
    let conversation = target
        .conversation()
        .map_err(|error| Error::BadParameter(error.to_string()))?;
    if clear > 1 {
        return Err(Error::BadParameter(format!(
            "ClearRamble is {clear}; allowed: 0 (keep the history), 1 (clear it)"
        )));
    }
    Ok(Deletion {
        owner: owner.to_owned(),
        conversation,
        clear: clear == 1,
        cut_off,
        id: id.map(deletion_id).transpose()?,
        device: device.map(str::to_owned),
        now: call.now,
    })
}

fn deletion_id(text: &str) -> Result<[u8; 16]> {
    let wrong =
        || Error::BadParameter("DeletionId is not 32 lower-case hexadecimal digits".to_owned());
    if text.len() != 32
        || !text
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    {
        return Err(wrong());
    }
    Ok(u128::from_str_radix(text, 16)
        .map_err(|_| wrong())?
        .to_be_bytes())
}

fn device(id: Option<String>) -> Result<Option<String>> {
    let Some(id) = id else { return Ok(None) };
    if id.is_empty()
        || id.len() > MAX_DEVICE_ID
        || !id.bytes().all(|byte| (0x20..=0x7e).contains(&byte))
    {
        return Err(Error::BadParameter(format!(
            "DeviceId is not 1 to {MAX_DEVICE_ID} bytes of printable ASCII"
        )));
    }
    Ok(Some(id))
}

fn owner(call: &Call<'_>, account: &str) -> Result<()> {
    check_user_id(account)
        .map_err(|error| Error::BadParameter(format!("From_Account: {error}")))?;
    call.caller.act_for(account)
}

pub(super) async fn sync(call: &Call<'_>, request: Sync) -> Result<Synced> {
    let owner_name = request.from_account;
    owner(call, &owner_name)?;
    let query = SyncQuery {
        owner: owner_name.clone(),
        device: device(request.device_id)?,
        after: call.app.cursors.open(&owner_name, &request.cursor)?,
        limit: count(
            "MaxCnt",
            request.max_count,
            DEFAULT_SYNC_PAGE,
            MAX_SYNC_PAGE,
        )?,
    };
    let page = call.app.storage.sync(query).await?;
    Ok(Synced {
        views: page.views.into_iter().filter_map(state).collect(),
        cursor: call.app.cursors.seal(&owner_name, page.after),
        complete: page.complete.into(),
        anew: 0,
    })
}

/// What a device is told of a view; nothing of one that the list does not show and that the
/// device has nothing of to erase.
///
/// `Head` is the highest position above the cleared ones that the owner can see, and 0 where
/// there is none or where the list entry is hidden: the device has nothing to show then.
fn state(owned: OwnedView) -> Option<View> {
    let listed = owned.view.is_listed(&owned.heads);
    let erase_through = owned
        .device_erased_through
        .max(owned.view.propagated_through);
    if !listed && erase_through == 0 {
        return None;
    }
    let newest = owned
        .view
        .newest(&owned.heads)
        .map_or(0, |(position, _)| position);
    Some(View {
        target: Target::of(&owned.conversation)?,
        title: owned.title,
        head: if listed { newest } else { 0 },
        listed: listed.into(),
        read_through: owned.view.read_through,
        cleared_through: owned.view.cleared_through,
        erase_through,
        top_flag: owned.view.pinned.into(),
        ..View::default()
    })
}

pub(super) async fn history(call: &Call<'_>, request: GetHistory) -> Result<History> {
    owner(call, &request.from_account)?;
    let conversation = request
        .target
        .conversation()
        .map_err(|error| Error::BadParameter(error.to_string()))?;
    let query = HistoryQuery {
        owner: request.from_account,
        conversation,
        after: request.after,
        limit: count(
            "MaxCnt",
            request.max_count,
            DEFAULT_HISTORY_PAGE,
            MAX_HISTORY_PAGE,
        )?,
    };
    let page = call.app.storage.history(query).await?;
    let messages = page
        .messages
        .into_iter()
        .map(|message| {
            Ok(HistoryMessage {
                position: message.position,
                from_account: message.sender,
                time: message.time,
                body: raw(message.body)?,
            })
        })
        .collect::<Result<_>>()?;
    Ok(History {
        messages,
        complete: page.complete.into(),
        head: page.head,
    })
}

fn count(field: &str, given: usize, default: usize, max: usize) -> Result<usize> {
    match given {
        0 => Ok(default),
        given if given <= max => Ok(given),
        given => Err(Error::BadParameter(format!(
            "{field} is {given}; allowed: 1 to {max}, or 0"
        ))),
    }
}
