//! The long-poll that a device learns of changes by.

use std::{pin::pin, time::Duration};

use adieu_protocol::recent_contact::{
    ERASED_BY_ANOTHER_DEVICE, ERASED_BY_BACK_END, ERASED_BY_THIS_DEVICE, MAX_SYNC_PAGE,
    MAX_SYNC_WAIT, Sync, Synced, Target, View,
};
use tokio::time::{Instant, sleep_until};

use super::{
    Call,
    contact::{count, device, owner},
};
use crate::{
    Error, Result,
    cursor::Bearer,
    storage::{OwnedView, SyncQuery},
    version::gets_deletions,
};

/// Views in a page, where the request does not say.
const DEFAULT_PAGE: usize = 100;
pub(super) async fn sync(call: &Call<'_>, request: Sync) -> Result<Synced> {
    let app = call.app;
    owner(call, &request.from_account)?;
    let device = device(request.device_id)?;
    let device = device.as_deref();
    let bearer = Bearer {
        owner: &request.from_account,
        device,
        gets_deletions: gets_deletions(request.version.as_deref())?,
    };
    let limit = count("MaxCnt", request.max_count, DEFAULT_PAGE, MAX_SYNC_PAGE)?;
    if request.wait > MAX_SYNC_WAIT {
        return Err(Error::BadParameter(format!(
            "Wait is {}; allowed: 0 to {MAX_SYNC_WAIT} seconds",
            request.wait
        )));
    }
    let position = app.cursors.open(bearer, &request.cursor);
    // What is no cursor of ours begins anew, as the store's verdict on one that is.
    let foreign = position.is_none() && !request.cursor.is_empty();
    let mut query = SyncQuery {
        owner: request.from_account.clone(),
        device: device.map(str::to_owned),
        position,
        limit,
    };

    let until = Instant::now() + Duration::from_secs(request.wait.into());
    let waiter = app.wakes.owner(bearer.owner);
    let mut stopping = app.stopping.clone();
    let mut waiting = None;
    loop {
        let mut woken = pin!(waiter.woken());
        // From here on no change is missed, also one between the look and the wait.
        woken.as_mut().enable();
        let page = app.storage.sync(query.clone()).await?;
        if waiting.is_none() {
            app.devices
                .saw(bearer.owner, device, request.version.as_deref(), call.now);
        }
        let anew = page.anew || foreign;
        let views: Vec<View> = page
            .views
            .into_iter()
            .filter_map(|owned| state(owned, bearer))
            .collect();
        // The last page of a pass is answered even if it is empty: it tells that the pass ends.
        let at_end = query
            .position
            .as_ref()
            .is_some_and(|position| position.after == 0);
        let nothing = views.is_empty() && page.complete && !anew && at_end;
        let answer = Synced {
            views,
            cursor: app.cursors.seal(bearer, &page.position),
            complete: page.complete.into(),
            anew: anew.into(),
        };
        if !nothing || Instant::now() >= until || *stopping.borrow() {
            return Ok(answer);
        }
        waiting.get_or_insert_with(|| app.wait_of(bearer.owner, device));
        query.position = Some(page.position);
        tokio::select! {
            () = woken => {}
            // The next request looks again: should a wake-up get lost, that is the floor.
            () = sleep_until(until) => return Ok(answer),
            // A sender that is gone is a server that stops.
            _ = stopping.wait_for(|stopping| *stopping) => return Ok(answer),
        }
    }
}

/// What a device is told of a view; nothing of one that the list does not show and that the
/// device has nothing of to erase or to hide.
///
/// `Head` is the highest position above the cleared ones that the owner can see, and 0 where
/// there is none or where the list entry is hidden: the device has nothing to show then.
fn state(owned: OwnedView, bearer: Bearer<'_>) -> Option<View> {
    let (view, heads) = (&owned.view, &owned.heads);
    // SYNC-4. Its own deletions a device is told of whatever its version (DUR-7).
    let of_others = |through: u64| if bearer.gets_deletions { through } else { 0 };
    let (own, others) = (
        owned.device_erased_through,
        of_others(view.propagated_through),
    );
    let erased_by = match &view.propagated_by {
        _ if own >= others => ERASED_BY_THIS_DEVICE,
        None => ERASED_BY_BACK_END,
        Some(device) if bearer.device == Some(device) => ERASED_BY_THIS_DEVICE,
        Some(_) => ERASED_BY_ANOTHER_DEVICE,
    };
    let erase_through = own.max(others);
    let hidden_through = owned
        .device_hidden_through
        .max(of_others(view.hiding_propagated_through));
    let listed = view.is_listed(heads);
    if !listed && erase_through == 0 && hidden_through == 0 {
        return None;
    }
    let newest = view.newest(heads).map_or(0, |(position, _)| position);
    Some(View {
        target: Target::of(&owned.conversation)?,
        head: if listed { newest } else { 0 },
        listed: listed.into(),
        read_through: view.read_through,
        cleared_through: view.cleared_through,
        erase_through,
        erased_by,
        hidden_through,
        top_flag: view.pinned.into(),
        title: owned.title,
    })
}
