//! Connecting. Nothing of a request is sent before the connection stands and, where it is to be
//! encrypted, the server has shown who it is: what fails here has sent nothing.

use std::fmt;
use std::io::ErrorKind as Io;

use rustls::CertificateError as Certificate;
use ureq::Error;
use ureq::unversioned::transport::{ConnectionDetails, Connector, DefaultConnector, Transport};

use super::CallError;
use crate::error::code;

/// ureq's own connector, whose errors can be told from those of a connection that stood.
#[derive(Debug, Default)]
pub struct Connecting(DefaultConnector);

impl Connector<()> for Connecting {
    type Out = Box<dyn Transport>;

    fn connect(
        &self,
        details: &ConnectionDetails,
        chained: Option<()>,
    ) -> Result<Option<Self::Out>, Error> {
        self.0
            .connect(details, chained)
            .map_err(|error| Error::Other(Box::new(NoConnection(error))))
    }
}

/// What kept a connection from coming up.
#[derive(Debug)]
pub struct NoConnection(Error);

impl fmt::Display for NoConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no connection: {}", self.0)
    }
}

impl std::error::Error for NoConnection {}

impl NoConnection {
    /// What the caller is told.
    pub fn call_error(&self) -> CallError {
        let (code, text) = match &self.0 {
            Error::Timeout(_) => timed_out(),
            Error::Io(error) => match error.kind() {
                Io::ConnectionRefused => (
                    code::CONNECTION_REFUSED,
                    "the server refused the connection".to_owned(),
                ),
                Io::TimedOut => timed_out(),
                Io::HostUnreachable
                | Io::NetworkUnreachable
                | Io::AddrNotAvailable
                | Io::NetworkDown => (
                    code::NETWORK_UNREACHABLE,
                    "the server cannot be reached".to_owned(),
                ),
                kind => match error.get_ref().and_then(|inner| inner.downcast_ref()) {
                    Some(error) => (code::NETWORK_UNREACHABLE, distrust(error)),
                    None => (
                        code::NETWORK_UNREACHABLE,
                        format!("no connection to the server: {kind}"),
                    ),
                },
            },
            Error::Rustls(error) => (code::NETWORK_UNREACHABLE, distrust(error)),
            Error::Tls(_) => (
                code::NETWORK_UNREACHABLE,
                "no trusted TLS connection to the server".to_owned(),
            ),
            _ => (
                code::NETWORK_UNREACHABLE,
                "no connection to the server".to_owned(),
            ),
        };
        CallError::NotSent { code, text }
    }
}

/// That it did not come up in time, whichever limit was over first.
fn timed_out() -> (i32, String) {
    (
        code::CONNECT_TIMED_OUT,
        "connecting to the server timed out".to_owned(),
    )
}

/// In our own words: names in a certificate are the other side's.
fn distrust(error: &rustls::Error) -> String {
    let why = match error {
        rustls::Error::InvalidCertificate(wrong) => match wrong {
            Certificate::Expired | Certificate::ExpiredContext { .. } => {
                "its certificate has expired"
            }
            Certificate::NotValidYet | Certificate::NotValidYetContext { .. } => {
                "its certificate is not valid yet (is this device's clock right?)"
            }
            Certificate::NotValidForName | Certificate::NotValidForNameContext { .. } => {
                "its certificate is for another name"
            }
            Certificate::UnknownIssuer => {
                "its certificate comes from none of the authorities that are trusted here"
            }
            _ => "its certificate cannot be trusted",
        },
        rustls::Error::InvalidMessage(_) => "what answers does not speak TLS",
        _ => "the handshake failed",
    };
    format!("no trusted TLS connection to the server: {why}")
}

/// The [`NoConnection`] within an error of ureq.
pub fn before_sending(error: &Error) -> Option<&NoConnection> {
    match error {
        Error::Other(inner) => inner.downcast_ref(),
        _ => None,
    }
}
