//! The service `recentcontact`: listing and deleting conversations, and their history.

use adieu_protocol::{
    conversation_id::check_user_id,
    recent_contact::{
        BatchDelete, BatchDeleteResult, BatchDeleted, Delete, Deleted, GetHistory, GetList,
        History, HistoryMessage, List, MAX_BATCH, MAX_HISTORY_PAGE, Target,
    },
};

use super::{Call, listing, message::raw, told};
use crate::{
    Error, Result,
    command::Service,
    storage::{Deletion, HistoryQuery, view::Extent},
};

/// Longest device id, in bytes.
const MAX_DEVICE_ID: usize = 128;
/// Messages in a page of history, where the request does not say.
const DEFAULT_HISTORY_PAGE: usize = 200;

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
            extent(request.clear_ramble, request.keep_listed),
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
    call.app.metrics.deletion();
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
            extent(item.clear_ramble, item.keep_listed),
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
            Ok(reached) => {
                call.app.metrics.deletion();
                BatchDeleteResult {
                    cleared_through: Some(reached),
                    ..BatchDeleteResult::default()
                }
            }
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

type Parts<'a> = (&'a Target, Result<Extent>, Option<u64>, Option<&'a str>);

fn extent(clear: u8, keep_listed: u8) -> Result<Extent> {
    let wrong = |text: String| Err(Error::BadParameter(text));
    match (clear, keep_listed) {
        (0, 0) => Ok(Extent::Entry),
        (1, 0) => Ok(Extent::Conversation),
        (1, 1) => Ok(Extent::History),
        (0, 1) => wrong(
            "KeepListed is 1 without ClearRamble 1: neither the messages nor the list entry would go"
                .to_owned(),
        ),
        (0 | 1, other) => wrong(format!(
            "KeepListed is {other}; allowed: 0 (the list entry goes), 1 (it stays)"
        )),
        (other, _) => wrong(format!(
            "ClearRamble is {other}; allowed: 0 (keep the history), 1 (clear it)"
        )),
    }
}

fn deletion(
    call: &Call<'_>,
    owner: &str,
    device: Option<&str>,
    (target, extent, cut_off, id): Parts<'_>,
) -> Result<Deletion> {
    let conversation = target
        .conversation()
        .map_err(|error| Error::BadParameter(error.to_string()))?;
    Ok(Deletion {
        owner: owner.to_owned(),
        conversation,
        extent: extent?,
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

pub(super) fn device(id: Option<String>) -> Result<Option<String>> {
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

pub(super) fn owner(call: &Call<'_>, account: &str) -> Result<()> {
    check_user_id(account)
        .map_err(|error| Error::BadParameter(format!("From_Account: {error}")))?;
    call.caller.act_for(account)
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

pub(super) fn count(field: &str, given: usize, default: usize, max: usize) -> Result<usize> {
    match given {
        0 => Ok(default),
        given if given <= max => Ok(given),
        given => Err(Error::BadParameter(format!(
            "{field} is {given}; allowed: 1 to {max}, or 0"
        ))),
    }
}
