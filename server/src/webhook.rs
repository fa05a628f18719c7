//! Tells the operator's back end of every deletion, in their order, until it has heard.
//!
//! The deletions in the store are the queue, and the number of the last one that was heard is the
//! place in it: both survive a restart. One that was heard just before a crash is told again; its
//! `Number` tells so.

use std::{sync::Arc, time::Duration};

use backon::{ExponentialBuilder, Retryable};
use ring::hmac;
use serde_json::json;
use ureq::http::Uri;

use crate::{
    Error, Result,
    app::App,
    storage::{DeletionRecord, Storage, view::Extent},
    user_sig::{secret, unix_now},
};

/// How long a post may take.
const TIMEOUT: Duration = Duration::from_secs(10);
/// The first and the longest pause after a failure; each is twice the one before, and somewhat
/// longer by chance.
const PAUSES: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(300));
/// Deletions that are read from the store at a time.
const PAGE: usize = 100;
/// How often it looks without being woken.
const ROUND: Duration = Duration::from_secs(2);

/// Where to, and signed with what.
pub struct Webhook {
    url: String,
    key: hmac::Key,
    agent: ureq::Agent,
}

impl Webhook {
    /// The webhook that the command line asks for.
    ///
    /// # Errors
    /// A URL that is none, or not `https` to another machine; an unreadable or empty secret.
    pub fn new(args: &crate::cli::Serve) -> Result<Option<Self>> {
        let (Some(url), Some(file)) = (&args.webhook_url, &args.webhook_secret_file) else {
            return Ok(None);
        };
        check(url)?;
        let agent = ureq::Agent::config_builder()
            .timeout_global(Some(TIMEOUT))
            .max_redirects(0)
            .build();
        Ok(Some(Self {
            url: url.clone(),
            key: hmac::Key::new(hmac::HMAC_SHA256, &secret(file)?),
            agent: agent.into(),
        }))
    }

    /// One post. The receiver has heard it when it answers with 2xx.
    fn post(&self, body: &str) -> std::result::Result<(), String> {
        let time = unix_now().to_string();
        let tag = hmac::sign(&self.key, format!("{time}.{body}").as_bytes());
        let sent = self
            .agent
            .post(&self.url)
            .header("Content-Type", "application/json")
            .header("X-Adieu-Timestamp", &time)
            .header(
                "X-Adieu-Signature",
                &format!("sha256={}", hex(tag.as_ref())),
            )
            .send(body);
        match sent {
            Ok(answer) if answer.status().is_success() => Ok(()),
            Ok(answer) => Err(format!("the answer was {}", answer.status())),
            // Its text may hold the URL, and that a password.
            Err(ureq::Error::StatusCode(code)) => Err(format!("the answer was {code}")),
            Err(ureq::Error::Timeout(_)) => Err("no answer in time".to_owned()),
            Err(ureq::Error::Io(error)) => Err(error.kind().to_string()),
            Err(_) => Err("it could not be reached".to_owned()),
        }
    }
}

/// Names travel in it: unencrypted only within this machine.
fn check(url: &str) -> Result<()> {
    let wrong = || {
        Error::Store(
            "the webhook's URL is not https://HOST/..., or http:// to this machine".to_owned(),
        )
    };
    let uri: Uri = url.parse().map_err(|_| wrong())?;
    let host = uri.host().ok_or_else(wrong)?;
    let local = host == "localhost"
        || host
            .trim_matches(['[', ']'])
            .parse()
            .is_ok_and(|address: std::net::IpAddr| address.is_loopback());
    match uri.scheme_str() {
        Some("https") => Ok(()),
        Some("http") if local => Ok(()),
        _ => Err(wrong()),
    }
}

/// Reports for ever.
pub async fn run(app: Arc<App>, webhook: Arc<Webhook>) {
    let mut changes = app.wakes.operator();
    loop {
        // Seen before the look: what comes after it wakes.
        changes.mark_unchanged();
        match report(&app, &webhook).await {
            Ok(()) => {}
            Err(error) => tracing::warn!(%error, "deletions could not be read for the webhook"),
        }
        // A sender that is gone is a server that stops, and this task with it.
        let _ = tokio::time::timeout(ROUND, changes.changed()).await;
    }
}

/// Reports all that there are.
async fn report(app: &App, webhook: &Arc<Webhook>) -> Result<()> {
    let storage: &dyn Storage = &*app.storage;
    // Another process does it, and this one when that is gone.
    while storage.reports().await? {
        let through = storage.reported_through().await?;
        let deletions = storage.deletions_after(through, PAGE).await?;
        if deletions.is_empty() {
            return Ok(());
        }
        for deletion in deletions {
            tell(app, webhook, &deletion).await;
            storage.set_reported_through(deletion.number).await?;
        }
    }
    Ok(())
}

/// Posts until it was heard.
async fn tell(app: &App, webhook: &Arc<Webhook>, deletion: &DeletionRecord) {
    let body = Arc::new(text(app.signer.app_id(), deletion));
    let pauses = ExponentialBuilder::default()
        .with_min_delay(PAUSES.0)
        .with_max_delay(PAUSES.1)
        .with_jitter()
        .without_max_times();
    let post = async || {
        let (webhook, body) = (Arc::clone(webhook), Arc::clone(&body));
        tokio::task::spawn_blocking(move || webhook.post(&body))
            .await
            .unwrap_or_else(|error| Err(error.to_string()))
    };
    let heard = post
        .retry(pauses)
        .notify(|why: &String, pause| {
            app.metrics.webhook("failed");
            tracing::warn!(
                why,
                ?pause,
                number = deletion.number,
                "the webhook was not heard; it is tried again"
            );
        })
        .await;
    if heard.is_ok() {
        app.metrics.webhook("heard");
    }
}

fn text(app_id: u64, deletion: &DeletionRecord) -> String {
    json!({
        "Event": "conversation.deleted",
        "Number": deletion.number,
        "SdkAppId": app_id,
        "From_Account": deletion.owner,
        "ConversationId": deletion.conversation,
        "ClearRamble": u8::from(deletion.extent.clears()),
        "KeepListed": u8::from(deletion.extent == Extent::History),
        "ClearedThrough": deletion.cut_off,
        "Cleared": deletion.cleared,
        "Propagated": u8::from(deletion.propagated),
        "DeletionId": deletion.id.map(|id| hex(&id)),
        "DeviceId": deletion.device,
        "Time": deletion.at,
    })
    .to_string()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
