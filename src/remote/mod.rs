//! The server, as the library speaks to it: the published REST contract over one kept-alive
//! connection a thread.

mod authorities;
mod connector;
mod resolver;

use std::time::{Duration, Instant};

use adieu_protocol::envelope::{BadAnswer, read_answer};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use ureq::Agent;
use ureq::http::header::RETRY_AFTER;
use ureq::http::{HeaderMap, Uri};
use ureq::tls::TlsConfig;
use zeroize::Zeroizing;

use crate::error::{Error, Result, code};
use crate::primitives::RwLock;
use crate::primitives::atomic::{AtomicBool, Ordering};

/// Largest answer that is read, in bytes.
const MAX_ANSWER: u64 = 64 << 20;
/// Longest time for a connection to come up.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// An idle connection is closed before common middleboxes forget it.
const MAX_IDLE: Duration = Duration::from_secs(50);
/// A UserSig is base64 with `*`, `-` and `_`, which stand as they are.
const QUERY: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'*')
    .remove(b'-')
    .remove(b'_')
    .remove(b'.');

/// Why a call gave nothing.
#[derive(Debug)]
pub enum CallError {
    /// No UserSig.
    NotSignedIn,
    /// The request did not reach the server: one of the network numbers, and what happened.
    NotSent {
        /// The number.
        code: i32,
        /// What happened.
        text: String,
    },
    /// The server refused.
    Refused {
        /// The vendor's number.
        code: i32,
        /// The server's words.
        info: String,
    },
    /// The request may have reached the server.
    Unclear(String),
    /// One of the above, and the server wants to be left alone for so long.
    Busy(Box<Self>, Duration),
    /// The client closes.
    Interrupted,
}

impl CallError {
    /// How long the server wants to be left alone.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Busy(_, time) => Some(*time),
            _ => None,
        }
    }

    /// The error without that.
    pub fn plain(self) -> Self {
        match self {
            Self::Busy(error, _) => *error,
            other => other,
        }
    }
}

impl From<CallError> for Error {
    fn from(error: CallError) -> Self {
        match error.plain() {
            CallError::NotSignedIn => Self::NotSignedIn,
            CallError::NotSent { code, text } => Self::Network { code, text },
            CallError::Refused { code, info } => Self::Refused { code, info },
            CallError::Unclear(text) => Self::BadAnswer(text),
            CallError::Interrupted | CallError::Busy(..) => Self::Closed,
        }
    }
}

/// A server, and who asks it.
pub struct Server {
    /// Its URL.
    pub url: String,
    /// Authorities whose certificates it may show, PEM; `None`: those of Mozilla's list.
    pub ca_certificates: Option<String>,
    /// The app.
    pub app_id: u64,
    /// Which of the user's devices this is; `None`: a name that the store keeps.
    pub device: Option<String>,
    /// The credential; empty: not signed in yet.
    pub user_sig: Zeroizing<String>,
}

/// The line to one server, for one user on one device.
pub struct Remote {
    agent: Agent,
    base: String,
    app_id: u64,
    user: String,
    device: String,
    user_sig: RwLock<Zeroizing<String>>,
    interrupted: AtomicBool,
}

impl Remote {
    /// Prepares the line; nothing is sent yet.
    ///
    /// # Errors
    /// [`Error::Parameter`], as from [`Self::check`].
    pub fn new(server: &Server, user: &str, device: &str) -> Result<Self> {
        let base = checked_base(&server.url)?;
        let authorities = authorities::trusted(server.ca_certificates.as_deref())?;
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_connect(Some(CONNECT_TIMEOUT))
            .max_idle_age(MAX_IDLE)
            .max_idle_connections_per_host(8)
            .user_agent(concat!("libadieu/", env!("CARGO_PKG_VERSION")))
            .proxy(None)
            .tls_config(TlsConfig::builder().root_certs(authorities).build())
            .build();
        let agent = Agent::with_parts(
            config,
            connector::Connecting::default(),
            resolver::OnThisThread,
        );
        Ok(Self {
            agent,
            base,
            app_id: server.app_id,
            user: user.to_owned(),
            device: device.to_owned(),
            user_sig: RwLock::new(server.user_sig.clone()),
            interrupted: AtomicBool::new(false),
        })
    }

    /// Checks what [`Self::new`] would be given, before anything is touched.
    ///
    /// # Errors
    /// [`Error::Parameter`], whose text says what is allowed.
    pub fn check(server: &Server) -> Result<()> {
        checked_base(&server.url)?;
        authorities::trusted(server.ca_certificates.as_deref())?;
        match &server.device {
            Some(device)
                if device.is_empty()
                    || device.len() > 64
                    || !device.bytes().all(|byte| (0x20..=0x7e).contains(&byte)) =>
            {
                Err(Error::Parameter(
                    "device_id: 1 to 64 bytes of printable ASCII are allowed".to_owned(),
                ))
            }
            _ => Ok(()),
        }
    }

    /// Whose account this is.
    pub fn user(&self) -> &str {
        &self.user
    }

    /// Which of their devices.
    pub fn device(&self) -> &str {
        &self.device
    }

    /// Whether there is a UserSig.
    pub fn is_signed_in(&self) -> bool {
        !self.user_sig.read().is_empty()
    }

    /// Replaces the UserSig; an empty one signs out.
    pub fn set_user_sig(&self, user_sig: &str) {
        *self.user_sig.write() = Zeroizing::new(user_sig.to_owned());
    }

    /// Ends every call that is under way and refuses all later ones.
    pub fn interrupt(&self) {
        self.interrupted.store(true, Ordering::SeqCst);
        self.agent.clone().shutdown();
    }

    /// One call.
    pub fn post<Q: Serialize, A: DeserializeOwned>(
        &self,
        path: &str,
        request: &Q,
        time: Duration,
    ) -> std::result::Result<A, CallError> {
        let url = self.url(path)?;
        let body = serde_json::to_vec(request).map_err(|error| CallError::NotSent {
            code: code::INVALID_PARAMETER,
            text: error.to_string(),
        })?;
        let response = self
            .agent
            .post(url.as_str())
            .header("content-type", "application/json")
            .config()
            .timeout_global(Some(time))
            .build()
            .send(&body)
            .map_err(|error| self.call_error(error))?;
        let status = response.status().as_u16();
        let retry_after = retry_after(response.headers());
        let bytes = response
            .into_body()
            .into_with_config()
            .limit(MAX_ANSWER)
            .read_to_vec()
            .map_err(|error| match self.call_error(error) {
                CallError::Interrupted => CallError::Interrupted,
                CallError::NotSent { text, .. } | CallError::Unclear(text) => {
                    CallError::Unclear(format!("the answer broke off: {text}"))
                }
                other => other,
            })?;
        let result = match status {
            200 => read_answer(&bytes).map_err(|error| match error {
                BadAnswer::Refused { code, info } => CallError::Refused { code, info },
                unreadable => CallError::Unclear(unreadable.to_string()),
            }),
            // What is not the API itself turned the request away.
            300..=499 => CallError::NotSent {
                code: code::BAD_ANSWER,
                text: format!("HTTP status {status} instead of an answer of the REST API: is the server URL right?"),
            }
            .into_err(),
            _ => CallError::Unclear(format!("HTTP status {status} instead of an answer of the REST API")).into_err(),
        };
        result.map_err(|error| match retry_after {
            Some(time) => CallError::Busy(Box::new(error), time),
            None => error,
        })
    }

    /// A question that changes nothing: when the connection was cut (an idle one that the server
    /// had just closed looks like that), it is asked once more.
    pub fn ask_again_if_cut<Q: Serialize, A: DeserializeOwned>(
        &self,
        path: &str,
        request: &Q,
        time: Duration,
    ) -> std::result::Result<A, CallError> {
        let (answer, _) = self.twice_if_cut(path, request, time);
        answer
    }

    /// A change that may be made twice without harm: repeated as above. What the second request
    /// is refused says nothing of the first, which may have arrived: the answer comes with what
    /// became of that.
    pub fn change_again_if_cut<Q: Serialize, A: DeserializeOwned>(
        &self,
        path: &str,
        request: &Q,
        time: Duration,
    ) -> std::result::Result<(A, Option<String>), CallError> {
        match self.twice_if_cut(path, request, time) {
            (Ok(answer), first) => Ok((answer, first)),
            (Err(CallError::Interrupted), _) => Err(CallError::Interrupted),
            (Err(second), Some(first)) => {
                let second = Error::from(second);
                Err(CallError::Unclear(format!("{first}; then {second}")))
            }
            (Err(error), None) => Err(error),
        }
    }

    /// The answer, and what became of the first request where there were two.
    fn twice_if_cut<Q: Serialize, A: DeserializeOwned>(
        &self,
        path: &str,
        request: &Q,
        time: Duration,
    ) -> (std::result::Result<A, CallError>, Option<String>) {
        let start = Instant::now();
        match self.post(path, request, time) {
            Err(CallError::Unclear(first)) if start.elapsed() * 2 < time => {
                let left = time.saturating_sub(start.elapsed());
                (self.post(path, request, left), Some(first))
            }
            other => (other, None),
        }
    }

    fn url(&self, path: &str) -> std::result::Result<Zeroizing<String>, CallError> {
        let user_sig = self.user_sig.read();
        if user_sig.is_empty() {
            return Err(CallError::NotSignedIn);
        }
        Ok(Zeroizing::new(format!(
            "{}/{path}?sdkappid={}&identifier={}&usersig={}&random={}&contenttype=json",
            self.base,
            self.app_id,
            utf8_percent_encode(&self.user, QUERY),
            utf8_percent_encode(&user_sig, QUERY),
            random()
        )))
    }

    /// Sorts what went wrong by the one question that matters: can the request have arrived?
    fn call_error(&self, error: ureq::Error) -> CallError {
        use ureq::{Error as Http, Timeout};
        if self.interrupted.load(Ordering::SeqCst) {
            return CallError::Interrupted;
        }
        if let Some(why) = connector::before_sending(&error) {
            return why.call_error();
        }
        // Never the error's own text where it could quote the URL, which holds the UserSig.
        let not_sent = |code, text: &str| CallError::NotSent {
            code,
            text: text.to_owned(),
        };
        match error {
            Http::HostNotFound => not_sent(
                code::NETWORK_UNREACHABLE,
                "the server's name cannot be resolved",
            ),
            Http::Timeout(Timeout::Resolve) => not_sent(
                code::CONNECT_TIMED_OUT,
                "resolving the server's name timed out",
            ),
            Http::Io(error) => {
                CallError::Unclear(format!("the connection was cut: {}", error.kind()))
            }
            Http::Timeout(_) => CallError::Unclear("no answer until the timeout".to_owned()),
            Http::BodyExceedsLimit(limit) => {
                CallError::Unclear(format!("the answer is longer than {limit} bytes"))
            }
            Http::Protocol(_) => CallError::Unclear("the answer is not HTTP".to_owned()),
            _ => CallError::Unclear("the HTTP request failed".to_owned()),
        }
    }
}

impl CallError {
    fn into_err<A>(self) -> std::result::Result<A, Self> {
        Err(self)
    }
}

/// What the server asks for, where it says it in seconds.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?;
    text.trim().parse().ok().map(Duration::from_secs)
}

fn checked_base(url: &str) -> Result<String> {
    let wrong = |what: &str| {
        Error::Parameter(format!(
            "server URL {what}; allowed: https://HOST[:PORT][/PATH], and http:// only to this machine itself"
        ))
    };
    let uri: Uri = url.parse().map_err(|_| wrong("cannot be read"))?;
    let host = uri.host().ok_or_else(|| wrong("has no host"))?;
    if uri.query().is_some()
        || uri
            .authority()
            .is_some_and(|authority| authority.as_str().contains('@'))
    {
        return Err(wrong("has a query or a user"));
    }
    match uri.scheme_str() {
        Some("https") => {}
        Some("http") if is_loopback(host) => {}
        Some("http") => return Err(wrong("is not encrypted")),
        _ => return Err(wrong("has another scheme")),
    }
    Ok(url.trim_end_matches('/').to_owned())
}

fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || bare
            .parse::<std::net::IpAddr>()
            .is_ok_and(|ip| ip.is_loopback())
}

/// The contract wants a number in every request; published clients send any.
fn random() -> u32 {
    use std::sync::atomic::AtomicU32;
    static COUNT: AtomicU32 = AtomicU32::new(1);
    COUNT.fetch_add(0x9e37_79b9, Ordering::Relaxed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_encrypted_or_own_machine() {
        for good in [
            "https://chat.example",
            "https://chat.example:8443/api/",
            "http://127.0.0.1:80",
            "http://localhost:1",
            "http://[::1]:9",
        ] {
            assert!(checked_base(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "chat.example",
            "http://chat.example",
            "ftp://127.0.0.1",
            "https://",
            "https://u:p@h",
            "https://h/?q=1",
            "http://127.0.0.1.example",
        ] {
            assert_eq!(
                checked_base(bad).unwrap_err().code(),
                code::INVALID_PARAMETER,
                "{bad}"
            );
        }
    }

    #[test]
    fn the_user_sig_stands_in_no_error() {
        let server = Server {
            url: "http://127.0.0.1:1".to_owned(),
            ca_certificates: None,
            app_id: 1,
            device: None,
            user_sig: Zeroizing::new("very-secret-signature".to_owned()),
        };
        let remote = Remote::new(&server, "u", "d").unwrap();
        let error = remote
            .post::<_, adieu_protocol::envelope::Nothing>("v4/x", &(), Duration::from_secs(1))
            .unwrap_err();
        assert!(!format!("{error:?}").contains("very-secret"));
        assert!(
            matches!(
                error,
                CallError::NotSent {
                    code: code::CONNECTION_REFUSED,
                    ..
                }
            ),
            "{error:?}"
        );
    }
}
