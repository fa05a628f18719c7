//! The operator's page: the switch, what was deleted lately, which devices are there, and how the
//! server is doing. Never content.
//!
//! The page is static files; what it shows comes from [`state`], and only to who signed in.

mod door;
mod sessions;
mod state;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{ConnectInfo, Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, Uri, header},
    middleware,
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use cookie::{Cookie, SameSite};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::json;

pub use door::Door;
pub use sessions::Sessions;

use self::sessions::Session;
use crate::{Result, app::App, routes, user_sig::unix_now};

const COOKIE: &str = "adieu_console";
const CSRF: &str = "x-csrf-token";
/// Largest body of a request, in bytes.
const MAX_BODY: usize = 16 << 10;
const BODY_TIME: Duration = Duration::from_secs(10);

/// On every answer. No inline code or style, nothing from elsewhere, in no frame, in no cache.
const HEADERS: [(&str, &str); 8] = [
    (
        "content-security-policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
         form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    ),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    (
        "permissions-policy",
        "camera=(), geolocation=(), microphone=()",
    ),
    ("cache-control", "no-store"),
];

/// The console's part of the app.
pub struct Console {
    /// Who is let in.
    pub door: Door,
    /// Who is in.
    pub sessions: Sessions,
    /// Whether the operator reaches it through https: the cookie goes nowhere else then.
    pub behind_https: bool,
    /// When the server started, in Unix seconds.
    pub started: u64,
}

/// The routes under `/console`.
pub fn router() -> Router<Arc<App>> {
    const HTML: &str = "text/html; charset=utf-8";
    const CSS: &str = "text/css; charset=utf-8";
    const JS: &str = "text/javascript; charset=utf-8";
    Router::new()
        .route(
            "/console",
            asset(HTML, include_str!("../../console/index.html")),
        )
        .route("/console/", get(async || Redirect::permanent("/console")))
        .route(
            "/console/console.css",
            asset(CSS, include_str!("../../console/console.css")),
        )
        .route(
            "/console/console.js",
            asset(JS, include_str!("../../console/console.js")),
        )
        .route(
            "/console/icon.svg",
            asset("image/svg+xml", include_str!("../../console/icon.svg")),
        )
        .route("/console/api/sign-in", post(sign_in))
        .route("/console/api/sign-out", post(sign_out))
        .route("/console/api/sync-deletions", post(set_sync_deletions))
        .route("/console/api/state", get(look))
        .route("/console/{*rest}", get(async || StatusCode::NOT_FOUND))
        .layer(middleware::map_response(guarded))
}

fn asset(kind: &'static str, text: &'static str) -> axum::routing::MethodRouter<Arc<App>> {
    get(async move || ([(header::CONTENT_TYPE, kind)], text))
}

async fn guarded(mut response: Response) -> Response {
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

/// What a request is refused with.
type Refused = (StatusCode, String);
type Answered = std::result::Result<Response, Refused>;

fn refused(status: StatusCode, why: &str) -> Refused {
    (status, why.to_owned())
}

fn internal(error: crate::Error) -> Refused {
    tracing::error!(%error, "a request of the console failed");
    refused(
        StatusCode::INTERNAL_SERVER_ERROR,
        "internal error; see the server's log",
    )
}

/// The body of a change. Read before anything is said about it: an answer to a half-read request
/// gets lost on the way.
async fn read(body: Body) -> std::result::Result<Bytes, Refused> {
    match tokio::time::timeout(BODY_TIME, routes::read(body, MAX_BODY)).await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(error)) => Err(refused(StatusCode::BAD_REQUEST, &error.to_string())),
        Err(_) => Err(refused(
            StatusCode::REQUEST_TIMEOUT,
            "the body did not come",
        )),
    }
}

/// What a body says. A form of another site cannot send this content type.
fn parse<T: DeserializeOwned>(
    headers: &HeaderMap,
    bytes: &[u8],
) -> std::result::Result<T, Refused> {
    let json = headers
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"));
    if !json {
        return Err(refused(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "only application/json",
        ));
    }
    // The text of the error could repeat what was sent.
    serde_json::from_slice(bytes).map_err(|_| {
        refused(
            StatusCode::BAD_REQUEST,
            "the body is not what this call takes",
        )
    })
}

fn token(headers: &HeaderMap) -> Option<&str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find_map(|(name, value)| (name == COOKIE).then_some(value))
}

fn session(app: &App, headers: &HeaderMap) -> std::result::Result<Session, Refused> {
    token(headers)
        .and_then(|token| app.console.sessions.find(token, unix_now()))
        .ok_or_else(|| refused(StatusCode::UNAUTHORIZED, "not signed in"))
}

/// A session that also shows the token that only our own page can read.
fn changing_session(app: &App, headers: &HeaderMap) -> std::result::Result<Session, Refused> {
    let session = session(app, headers)?;
    let shown = headers
        .get(CSRF)
        .map(HeaderValue::as_bytes)
        .unwrap_or_default();
    if session.is_shown_by(shown) {
        Ok(session)
    } else {
        Err(refused(
            StatusCode::FORBIDDEN,
            "the request does not come from the console's page",
        ))
    }
}

#[derive(Deserialize)]
struct SignIn {
    password: String,
}

async fn sign_in(State(app): State<Arc<App>>, request: Request) -> Answered {
    let (parts, body) = request.into_parts();
    let body = read(body).await?;
    let console = &app.console;
    let peer = parts
        .extensions
        .get::<ConnectInfo<SocketAddr>>()
        .map(|info| info.0.ip());
    if let Err(seconds) = console.door.knock(peer) {
        let why = "too many attempts; wait a little";
        let after = [(header::RETRY_AFTER, seconds.to_string())];
        return Ok((StatusCode::TOO_MANY_REQUESTS, after, why).into_response());
    }
    let SignIn { password } = parse(&parts.headers, &body)?;
    if !console.door.opens(&app, &password, unix_now()) {
        tracing::warn!(?peer, "a sign-in to the console was refused");
        return Err(refused(
            StatusCode::UNAUTHORIZED,
            "that is neither the password nor a UserSig of the administrator",
        ));
    }
    let (token, session) = console.sessions.begin(unix_now()).map_err(internal)?;
    tracing::info!(?peer, "the operator signed in to the console");
    let cookie = Cookie::build((COOKIE, token))
        .path("/console")
        .http_only(true)
        .same_site(SameSite::Strict)
        .secure(console.behind_https)
        .build();
    let headers = [
        (header::SET_COOKIE, cookie.to_string()),
        (header::CONTENT_TYPE, "application/json".to_owned()),
    ];
    Ok((headers, json!({ "csrf": session.csrf }).to_string()).into_response())
}

async fn sign_out(State(app): State<Arc<App>>, headers: HeaderMap, body: Body) -> Answered {
    read(body).await?;
    changing_session(&app, &headers)?;
    if let Some(token) = token(&headers) {
        app.console.sessions.end(token);
    }
    let mut cookie = Cookie::build((COOKIE, ""))
        .path("/console")
        .http_only(true)
        .build();
    cookie.make_removal();
    let headers = [(header::SET_COOKIE, cookie.to_string())];
    Ok((StatusCode::NO_CONTENT, headers).into_response())
}

#[derive(Deserialize)]
struct Switch {
    on: bool,
}

// SYNC-1
async fn set_sync_deletions(State(app): State<Arc<App>>, request: Request) -> Answered {
    let (parts, body) = request.into_parts();
    let body = read(body).await?;
    changing_session(&app, &parts.headers)?;
    let Switch { on } = parse(&parts.headers, &body)?;
    app.set_sync_deletions(on, "the console")
        .await
        .map_err(internal)?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// The state; where it is the one that the page has, held for a while until it changes.
async fn look(State(app): State<Arc<App>>, uri: Uri, headers: HeaderMap) -> Answered {
    session(&app, &headers)?;
    let seen = state::seen(uri.query().unwrap_or_default());
    state::wait(&app, seen).await;
    // Again: who signed out meanwhile sees no more.
    let session = session(&app, &headers)?;
    let text = state::text(&app, &session).await.map_err(internal)?;
    Ok(([(header::CONTENT_TYPE, "application/json")], text).into_response())
}

impl Console {
    /// Prepares the door; reads the operator's password, if there is one.
    ///
    /// # Errors
    /// An unreadable password, or one that is too short to guard anything.
    pub fn new(args: &crate::cli::Serve) -> Result<Self> {
        Ok(Self {
            door: Door::new(args.console_password_file.as_deref())?,
            sessions: Sessions::default(),
            behind_https: args.behind_https,
            started: unix_now(),
        })
    }
}
