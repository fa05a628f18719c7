//! The frame around every answer.

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::error_code;

/// The four fields that every answer carries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Envelope {
    /// `OK` or `FAIL`.
    #[serde(rename = "ActionStatus")]
    pub action_status: String,
    /// 0 or one of [`error_code`].
    #[serde(rename = "ErrorCode")]
    pub error_code: i32,
    /// What went wrong; empty on success.
    #[serde(rename = "ErrorInfo", default)]
    pub error_info: String,
    /// Only the services `recentcontact` and `sns` send it.
    #[serde(
        rename = "ErrorDisplay",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub error_display: Option<String>,
}

impl Envelope {
    /// The envelope of a success.
    #[must_use]
    pub fn ok() -> Self {
        Self {
            action_status: "OK".to_owned(),
            error_code: error_code::OK,
            error_info: String::new(),
            error_display: None,
        }
    }

    /// The envelope of a failure.
    #[must_use]
    pub fn fail(error_code: i32, error_info: impl Into<String>) -> Self {
        Self {
            action_status: "FAIL".to_owned(),
            error_code,
            error_info: error_info.into(),
            error_display: None,
        }
    }

    /// Adds the field that `recentcontact` and `sns` carry beside the others.
    #[must_use]
    pub fn with_display(mut self) -> Self {
        self.error_display = Some(self.error_info.clone());
        self
    }
}

/// A whole answer: the envelope and, on success, what the command returns, in one flat object.
#[derive(Clone, Debug, Serialize)]
pub struct Answer<T> {
    /// What the command returns.
    #[serde(flatten)]
    pub body: T,
    /// The frame.
    #[serde(flatten)]
    pub envelope: Envelope,
}

/// What a client makes of an answer's bytes.
#[derive(Debug, thiserror::Error)]
pub enum BadAnswer {
    /// Not the JSON of an envelope: the answer came from something else than this API.
    #[error("the answer is not an envelope of the REST API: {0}")]
    NotAnEnvelope(serde_json::Error),
    /// The server refused.
    #[error("the server refused with {code}: {info}")]
    Refused {
        /// One of [`error_code`].
        code: i32,
        /// The server's words.
        info: String,
    },
    /// The envelope says OK, and the fields of the command are missing or wrong.
    #[error("the answer lacks what the command returns: {0}")]
    NotTheCommand(serde_json::Error),
}

/// Reads an answer. An envelope that contradicts itself (`FAIL` with code 0, `OK` with another
/// code) or has a code that is none (they are positive) is a wrong envelope, not a success.
///
/// # Errors
/// [`BadAnswer`].
pub fn read_answer<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, BadAnswer> {
    let envelope: Envelope = serde_json::from_slice(bytes).map_err(BadAnswer::NotAnEnvelope)?;
    match (envelope.action_status.as_str(), envelope.error_code) {
        ("OK", error_code::OK) => serde_json::from_slice(bytes).map_err(BadAnswer::NotTheCommand),
        ("FAIL", code) if code > error_code::OK => Err(BadAnswer::Refused {
            code,
            info: reason(code, envelope.error_info),
        }),
        (status, code) => {
            let contradiction = format!("ActionStatus {status:?} with ErrorCode {code}");
            Err(BadAnswer::NotAnEnvelope(serde::de::Error::custom(
                contradiction,
            )))
        }
    }
}

/// A server's words for a refusal, or some where it has none.
#[must_use]
pub fn reason(code: i32, info: String) -> String {
    if info.trim().is_empty() {
        return format!("the server refused with {code} and gave no reason");
    }
    info
}

/// The body of an answer that is nothing but its envelope.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Nothing {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_keeps_code_and_words() {
        let bytes =
            serde_json::to_vec(&Envelope::fail(50001, "not imported").with_display()).unwrap();
        match read_answer::<Nothing>(&bytes) {
            Err(BadAnswer::Refused { code: 50001, info }) => assert_eq!(info, "not imported"),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_refusal_without_words_is_given_some() {
        for text in [
            r#"{"ActionStatus":"FAIL","ErrorCode":60003}"#,
            r#"{"ActionStatus":"FAIL","ErrorCode":60003,"ErrorInfo":""}"#,
            r#"{"ActionStatus":"FAIL","ErrorCode":60003,"ErrorInfo":" \n"}"#,
        ] {
            match read_answer::<Nothing>(text.as_bytes()) {
                Err(BadAnswer::Refused { code: 60003, info }) => assert!(info.contains("60003")),
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn what_is_no_envelope_is_no_success() {
        for text in [
            "",
            "<html>",
            "{}",
            "[]",
            r#"{"ActionStatus":"OK"}"#,
            r#"{"ActionStatus":"FAIL","ErrorCode":0,"ErrorInfo":""}"#,
            r#"{"ActionStatus":"FAIL","ErrorCode":-6,"ErrorInfo":"one of the library's own"}"#,
            r#"{"ActionStatus":"OK","ErrorCode":7,"ErrorInfo":""}"#,
            r#"{"ActionStatus":"OK","ErrorCode":0,"ErrorInfo":"#,
        ] {
            assert!(
                matches!(
                    read_answer::<Nothing>(text.as_bytes()),
                    Err(BadAnswer::NotAnEnvelope(_))
                ),
                "{text}"
            );
        }
    }
}
