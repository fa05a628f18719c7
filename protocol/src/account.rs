//! The service `im_open_login_svc`: accounts.

use serde::{Deserialize, Serialize};

/// Makes an account known. Doing it again changes nothing but name and picture.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountImport {
    /// The new account. Some published clients call the field `Identifier`.
    #[serde(rename = "UserID", alias = "Identifier")]
    pub user_id: String,
    /// The name to show.
    #[serde(rename = "Nick", default, skip_serializing_if = "Option::is_none")]
    pub nick: Option<String>,
    /// Where the picture is.
    #[serde(rename = "FaceUrl", default, skip_serializing_if = "Option::is_none")]
    pub face_url: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_published_spellings_are_read() {
        for text in [r#"{"UserID":"a"}"#, r#"{"Identifier":"a","Nick":null}"#] {
            assert_eq!(
                serde_json::from_str::<AccountImport>(text).unwrap().user_id,
                "a"
            );
        }
    }
}
