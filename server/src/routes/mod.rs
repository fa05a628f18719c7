//! From a request to its answer.
//!
//! Every answer of the REST API has HTTP status 200 and an envelope, whatever was asked: so one
//! handler takes all requests, and this is the one place that knows how an answer looks.

mod account;
mod config;
mod contact;
mod friend;
mod group;
mod listing;
mod message;
mod sync;

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::{Duration, Instant},
};

use adieu_protocol::{Answer, Envelope, error_code};
use axum::{
    Router,
    body::{Body, Bytes},
    extract::{ConnectInfo, Request, State},
    http::{Method, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use http_body_util::BodyExt;
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    Error, Result,
    app::App,
    command::{Command, Service},
    console, metrics,
    sign_in::{Caller, sign_in},
    user_sig::unix_now,
};

/// Largest body of a request, in bytes.
const MAX_BODY: usize = 1 << 20;
/// How much of a larger body is read and dropped, so that its sender gets to see the refusal.
const MAX_DROPPED: usize = 16 << 20;

/// How long the body of a request may take.
const BODY_TIME: Duration = Duration::from_secs(30);

/// The routes.
pub fn router(app: Arc<App>) -> Router {
    Router::new()
        .route("/healthz", get(health))
        .route("/metrics", get(measure))
        .merge(console::router())
        .fallback(rest)
        .with_state(app)
}

async fn rest(State(app): State<Arc<App>>, request: Request) -> Response {
    let begun = Instant::now();
    let path = request.uri().path().to_owned();
    let command = Command::of(path.trim_start_matches('/'));
    // Where no command is meant, no service has numbers of its own: none of them is used.
    let service = command.map_or(Service::Contact, Command::service);
    let answered = match command {
        Some(command) => call(&app, command, request).await,
        None => Err(unknown(&path)),
    };
    let (bytes, code) = match answered {
        Ok(bytes) => (bytes, error_code::OK),
        Err(error) => {
            let display = service.has_error_display() && command.is_some();
            (refuse(&error, service, display), error.code(service))
        }
    };
    let took = begun.elapsed();
    // What is no command is one name to the metrics: anybody can make up paths.
    let name = command.map_or("unknown", |_| path.trim_start_matches('/'));
    // A long-poll takes as long as nothing happens.
    let counted = (command != Some(Command::Sync)).then_some(took);
    app.metrics.request(name, code, counted);
    tracing::debug!(command = name, code, bytes = bytes.len(), ?took, "answered");
    ([(header::CONTENT_TYPE, "application/json")], bytes).into_response()
}

/// Well is a server whose store answers.
async fn health(State(app): State<Arc<App>>) -> Response {
    match app.storage.settings().await {
        Ok(_) => "ok".into_response(),
        Err(error) => {
            tracing::error!(%error, "the store does not answer");
            (StatusCode::SERVICE_UNAVAILABLE, "the store does not answer").into_response()
        }
    }
}

async fn measure(State(app): State<Arc<App>>) -> Response {
    let told = match app.storage.standing().await {
        Ok(standing) => app.metrics.text(standing, app.devices.waiting()),
        Err(error) => Err(error),
    };
    match told {
        Ok(text) => ([(header::CONTENT_TYPE, metrics::CONTENT_TYPE)], text).into_response(),
        Err(error) => {
            tracing::error!(%error, "the store does not answer");
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
    }
}

fn unknown(path: &str) -> Error {
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    match parts.as_slice() {
        ["v4", service, command] => Error::NoSuchCommand(format!("{service}/{command}")),
        _ => Error::BadUrl,
    }
}

fn refuse(error: &Error, service: Service, display: bool) -> Vec<u8> {
    let (code, info) = told(error, service);
    let envelope = Envelope::fail(code, info);
    let envelope = if display {
        envelope.with_display()
    } else {
        envelope
    };
    serde_json::to_vec(&envelope).unwrap_or_default()
}

/// Number and words for the caller. What broke inside is for the log.
fn told(error: &Error, service: Service) -> (i32, String) {
    if error.is_internal() {
        tracing::error!(%error, "a request failed");
        return (error.code(service), "internal error".to_owned());
    }
    (error.code(service), error.to_string())
}

async fn call(app: &App, command: Command, request: Request) -> Result<Vec<u8>> {
    if request.method() != Method::POST {
        return Err(Error::NotPost);
    }
    let query = request.uri().query().unwrap_or_default().to_owned();
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    let peer = peer.map(|info| info.0.ip());
    let admitted = admit(app, command, peer, &query);
    // Read whoever asks: an answer to a half-read request gets lost on the way. But of whoever has
    // no business here nothing is kept.
    let most = if admitted.is_ok() { MAX_BODY } else { 0 };
    let body = tokio::time::timeout(BODY_TIME, read(request.into_body(), most)).await;
    let caller = admitted?;
    let body = body.map_err(|_| Error::BodyUnreadable)??;
    let call = Call {
        app,
        caller,
        now: unix_now(),
        display: command.service().has_error_display(),
        body,
    };
    match command {
        Command::AccountImport => call.answer(account::import).await,
        Command::SendMsg => call.answer(message::send).await,
        Command::AdminGetRoamMsg => call.answer(message::roam).await,
        Command::CreateGroup => call.answer(group::create).await,
        Command::AddGroupMember => call.answer(group::add_members).await,
        Command::DeleteGroupMember => call.answer(group::remove_members).await,
        Command::DestroyGroup => call.answer(group::dissolve).await,
        Command::SendGroupMsg => call.answer(group::send).await,
        Command::GroupMsgGetSimple => call.answer(group::messages).await,
        Command::FriendAdd => call.answer(friend::add).await,
        Command::FriendDelete => call.answer(friend::delete).await,
        Command::FriendGet => call.answer(friend::list).await,
        Command::GetList => call.answer(contact::list).await,
        Command::Delete => call.answer(contact::delete).await,
        Command::BatchDelete => call.answer(contact::batch_delete).await,
        Command::Sync => call.answer(sync::sync).await,
        Command::GetHistory => call.answer(contact::history).await,
        Command::SyncDeletions => call.answer(config::sync_deletions).await,
    }
}

/// Who asks, where they may ask this at all. Whose views they may ask about is for the commands.
fn admit(app: &App, command: Command, peer: Option<IpAddr>, query: &str) -> Result<Caller> {
    app.limits.address(peer)?;
    let caller = sign_in(query, &app.signer, &app.admin, unix_now())?;
    if let Caller::Account(name) = &caller {
        app.limits.account(name)?;
    }
    if !caller.is_admin() && !command.is_self_service() {
        return Err(Error::AdminNeeded);
    }
    Ok(caller)
}

/// A request whose sender is known.
struct Call<'a> {
    app: &'a App,
    caller: Caller,
    /// When it came, in Unix seconds.
    now: u64,
    display: bool,
    body: Bytes,
}

impl<'a> Call<'a> {
    async fn answer<Q, A>(
        &'a self,
        command: impl AsyncFn(&'a Self, Q) -> Result<A>,
    ) -> Result<Vec<u8>>
    where
        Q: DeserializeOwned,
        A: Serialize,
    {
        let body = command(self, parse(&self.body)?).await?;
        let envelope = if self.display {
            Envelope::ok().with_display()
        } else {
            Envelope::ok()
        };
        serde_json::to_vec(&Answer { body, envelope })
            .map_err(|error| Error::Storage(error.to_string()))
    }
}

fn parse<Q: DeserializeOwned>(body: &[u8]) -> Result<Q> {
    if body.trim_ascii().is_empty() {
        return Err(Error::BadJson(
            "it is empty; a request without fields is {}".to_owned(),
        ));
    }
    match serde_json::from_slice(body) {
        Ok(request) => Ok(request),
        Err(error) if error.is_data() => Err(Error::BadParameter(field_error::<Q>(body))),
        Err(error) => Err(Error::BadJson(error.to_string())),
    }
}

/// Reads once more, for the name of the field that is wrong.
fn field_error<Q: DeserializeOwned>(body: &[u8]) -> String {
    let mut json = serde_json::Deserializer::from_slice(body);
    match serde_path_to_error::deserialize::<_, Q>(&mut json) {
        Ok(_) => "a field is wrong".to_owned(),
        Err(error) if error.path().iter().len() == 0 => error.inner().to_string(),
        Err(error) => format!("{}: {}", error.path(), error.inner()),
    }
}

/// Reads a body of at most `most` bytes; what is more is dropped.
pub(crate) async fn read(mut body: Body, most: usize) -> Result<Bytes> {
    let mut read = Vec::new();
    let mut size = 0;
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| Error::BodyUnreadable)?.into_data() else {
            continue;
        };
        size += data.len();
        if size > MAX_DROPPED {
            break;
        }
        if size <= most {
            read.extend_from_slice(&data);
        }
    }
    if size > most {
        Err(Error::BodyTooLarge(most))
    } else {
        Ok(read.into())
    }
}
