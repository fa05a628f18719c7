//! One message, and its form inside a sealed record.

use crate::error::{Error, Result};

/// A message of a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Its place in the conversation, from 1 up.
    pub position: u64,
    /// User id of the sender.
    pub sender: String,
    /// When it was sent, in Unix seconds.
    pub time: u64,
    /// What the host or the server gave: for the server's messages the JSON array of elements.
    pub body: String,
}

impl Message {
    /// Longest sender, in bytes: what a user id may have.
    pub const MAX_SENDER: usize = adieu_protocol::conversation_id::MAX_USER_ID;
    /// Longest body, in bytes.
    pub const MAX_BODY: usize = 1 << 20;

    /// Writes everything but the position, which the record's place holds: time (8 bytes, little
    /// endian, cut to 5 until the year 36812), length of the sender, sender, body.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.clear();
        out.extend_from_slice(&self.time.to_le_bytes()[..TIME]);
        out.push(self.sender.len() as u8);
        out.extend_from_slice(self.sender.as_bytes());
        out.extend_from_slice(self.body.as_bytes());
    }

    /// Reads what [`Self::encode`] wrote.
    pub fn decode(position: u64, bytes: &[u8]) -> Result<Self> {
        let parts = || {
            let (time, rest) = bytes.split_at_checked(TIME)?;
            let (len, rest) = rest.split_first()?;
            let (sender, body) = rest.split_at_checked(usize::from(*len))?;
            let mut seconds = [0; 8];
            seconds[..TIME].copy_from_slice(time);
            Some(Self {
                position,
                sender: std::str::from_utf8(sender).ok()?.to_owned(),
                time: u64::from_le_bytes(seconds),
                body: std::str::from_utf8(body).ok()?.to_owned(),
            })
        };
        parts().ok_or_else(|| Error::StoreDamaged("a message record cannot be read".to_owned()))
    }

    /// The texts of the body's text elements, joined by line breaks; the body itself where it is
    /// not such an array.
    pub fn text(&self) -> String {
        #[derive(serde::Deserialize)]
        struct Element<'a> {
            #[serde(rename = "MsgType", borrow)]
            kind: std::borrow::Cow<'a, str>,
            #[serde(rename = "MsgContent")]
            content: Content,
        }
        #[derive(serde::Deserialize)]
        struct Content {
            #[serde(rename = "Text", default)]
            text: String,
        }
        match serde_json::from_str::<Vec<Element<'_>>>(&self.body) {
            Ok(elements) => {
                let texts = elements
                    .into_iter()
                    .filter(|element| element.kind == "TIMTextElem");
                texts
                    .map(|element| element.content.text)
                    .collect::<Vec<_>>()
                    .join("\n")
            }
            Err(_) => self.body.clone(),
        }
    }

    /// Checks what a host gave.
    ///
    /// # Errors
    /// [`Error::Parameter`], whose text says what is allowed.
    pub fn check(&self) -> Result<()> {
        let wrong = |text: String| Err(Error::Parameter(text));
        if self.position == 0 || self.position >= super::positions::END {
            return wrong(format!(
                "position {} is outside 1 to {}",
                self.position,
                super::positions::END - 1
            ));
        }
        if let Err(error) = adieu_protocol::conversation_id::check_user_id(&self.sender) {
            return wrong(format!("sender: {error}"));
        }
        if self.time >= 1 << (8 * TIME) {
            return wrong(format!("time {} is no time in Unix seconds", self.time));
        }
        if self.body.len() > Self::MAX_BODY {
            return wrong(format!(
                "body has {} bytes; at most {} are allowed",
                self.body.len(),
                Self::MAX_BODY
            ));
        }
        Ok(())
    }
}

const TIME: usize = 5;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_round_trips_and_a_torn_one_is_an_error() {
        let message = Message {
            position: 7,
            sender: "alice".into(),
            time: 1_700_000_000,
            body: "[…]".into(),
        };
        let mut bytes = Vec::new();
        message.encode(&mut bytes);
        assert_eq!(Message::decode(7, &bytes).unwrap(), message);
        for end in 0..10 {
            assert!(Message::decode(7, &bytes[..end]).is_err());
        }
    }
}
