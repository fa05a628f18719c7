//! What the page shows, as one JSON object.

use std::time::Duration;

use serde_json::{Value, json};

use super::sessions::Session;
use crate::{
    Result,
    app::App,
    storage::{DeletionRecord, view::Extent},
    user_sig::unix_now,
};

/// Deletions, and devices, on the page.
const SHOWN: usize = 50;
/// How long a request is held when nothing happens; then the numbers of the page are fresh again.
const HELD: Duration = Duration::from_secs(5);

/// Which state the page has, from its query.
pub(super) fn seen(query: &str) -> Option<u64> {
    form_urlencoded::parse(query.as_bytes())
        .find(|(name, _)| name == "seen")
        .and_then(|(_, value)| value.parse().ok())
}

/// Holds a request whose page has the present state.
pub(super) async fn wait(app: &App, seen: Option<u64>) {
    let Some(seen) = seen else { return };
    let (mut changes, mut stopping) = (app.wakes.operator(), app.stopping.clone());
    tokio::select! {
        _ = changes.wait_for(|count| *count != seen) => {}
        _ = stopping.wait_for(|stopping| *stopping) => {}
        () = tokio::time::sleep(HELD) => {}
    }
}

pub(super) async fn text(app: &App, session: &Session) -> Result<String> {
    // Read first: a change after it is seen as one by the next request.
    let seen = *app.wakes.operator().borrow();
    let settings = app.storage.settings().await?;
    let standing = app.storage.standing().await?;
    let deletions = app.storage.recent_deletions(SHOWN).await?;
    let unreported = match &app.webhook {
        Some(_) => Some(app.storage.reported_through().await?),
        None => None,
    };
    let now = unix_now();
    let state = json!({
        "seen": seen,
        "csrf": session.csrf,
        "appId": settings.app_id,
        "version": env!("CARGO_PKG_VERSION"),
        "now": now,
        "uptime": now.saturating_sub(app.console.started),
        "syncDeletions": settings.sync_deletions,
        "deletions": deletions.iter().map(deletion).collect::<Vec<_>>(),
        "devices": app.devices.recent(SHOWN),
        "waiting": app.devices.waiting(),
        "connections": app.metrics.connections.get(),
        "purgeBacklog": standing.purge_backlog,
        "storeBytes": standing.bytes,
        "webhook": unreported.map(|through| {
            deletions.iter().filter(|one| one.number > through).count()
        }),
    });
    Ok(state.to_string())
}

fn deletion(record: &DeletionRecord) -> Value {
    json!({
        "number": record.number,
        "owner": record.owner,
        "conversation": record.conversation,
        "extent": match record.extent {
            Extent::Entry => "entry",
            Extent::History => "history",
            Extent::Conversation => "conversation",
        },
        "cutOff": record.cut_off,
        "cleared": record.cleared,
        "propagated": record.propagated,
        "device": record.device,
        "at": record.at,
    })
}
