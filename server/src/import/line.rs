//! One line of a chat log.

use std::borrow::Cow;

use adieu_protocol::{
    conversation_id::{check_group_id, check_user_id},
    openim::MAX_BODY,
};
use serde::{Deserialize, Serialize};

use crate::storage::{Between, LoggedMessage};

/// Why a line is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, thiserror::Error)]
pub(super) enum Rejected {
    #[error("not a JSON object with conversation, sender, time and text")]
    NotTheFormat,
    #[error("line longer than 1 MiB")]
    LineTooLong,
    #[error("sender id outside the rule: 1 to 32 bytes of printable ASCII")]
    Sender,
    #[error("conversation is neither c2c_<a>:<b> nor group_<name> with ids inside the rules")]
    Conversation,
    #[error("sender is not one of the conversation's two users")]
    SenderOfAnotherPair,
    #[error("time lies in the future; Unix seconds are expected")]
    Time,
    #[error("empty line")]
    Empty,
    #[error("text makes a message larger than 12 KB")]
    TooLarge,
}

#[derive(Deserialize)]
struct Line<'a> {
    #[serde(borrow)]
    conversation: Cow<'a, str>,
    #[serde(borrow)]
    sender: Cow<'a, str>,
    time: u64,
    #[serde(borrow)]
    text: Cow<'a, str>,
}

#[derive(Serialize)]
struct Element<'a> {
    #[serde(rename = "MsgType")]
    kind: &'static str,
    #[serde(rename = "MsgContent")]
    content: Text<'a>,
}

#[derive(Serialize)]
struct Text<'a> {
    #[serde(rename = "Text")]
    text: &'a str,
}

/// Reads a line. `latest`: times above it are no Unix seconds.
pub(super) fn parse(line: &[u8], latest: u64) -> Result<LoggedMessage, Rejected> {
    if line.trim_ascii().is_empty() {
        return Err(Rejected::Empty);
    }
    let line: Line<'_> = serde_json::from_slice(line).map_err(|_| Rejected::NotTheFormat)?;
    check_user_id(&line.sender).map_err(|_| Rejected::Sender)?;
    let between = between(&line.conversation, &line.sender)?;
    if line.time > latest {
        return Err(Rejected::Time);
    }
    let elements = [Element {
        kind: "TIMTextElem",
        content: Text { text: &line.text },
    }];
    let body = serde_json::to_string(&elements).map_err(|_| Rejected::NotTheFormat)?;
    if body.len() > MAX_BODY {
        return Err(Rejected::TooLarge);
    }
    Ok(LoggedMessage {
        between,
        sender: line.sender.into_owned(),
        time: line.time,
        body,
    })
}

fn between(conversation: &str, sender: &str) -> Result<Between, Rejected> {
    if let Some(name) = conversation.strip_prefix("group_") {
        check_group_id(name).map_err(|_| Rejected::Conversation)?;
        return Ok(Between::Group(name.to_owned()));
    }
    let pair = conversation
        .strip_prefix("c2c_")
        .ok_or(Rejected::Conversation)?;
    // Ids may hold colons: the pair is cut where both sides are ids and the sender is one of them.
    let mut good = false;
    for (at, _) in pair.match_indices(':') {
        let (one, other) = (
            pair.get(..at).unwrap_or_default(),
            pair.get(at + 1..).unwrap_or_default(),
        );
        if check_user_id(one).is_err() || check_user_id(other).is_err() {
            continue;
        }
        good = true;
        if one == sender || other == sender {
            // The same pair in either order is one conversation.
            let (low, high) = if one <= other {
                (one, other)
            } else {
                (other, one)
            };
            return Ok(Between::Users(low.to_owned(), high.to_owned()));
        }
    }
    Err(if good {
        Rejected::SenderOfAnotherPair
    } else {
        Rejected::Conversation
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse_text(line: &str) -> Result<LoggedMessage, Rejected> {
        parse(line.as_bytes(), 2_000)
    }

    #[test]
    fn good_lines() {
        let message =
            parse_text(r#"{"conversation":"c2c_b:a","sender":"a","time":5,"text":"h\"i\n","x":1}"#)
                .unwrap();
        assert_eq!(
            message.between,
            Between::Users("a".to_owned(), "b".to_owned())
        );
        assert_eq!(
            message.body,
            r#"[{"MsgType":"TIMTextElem","MsgContent":{"Text":"h\"i\n"}}]"#
        );
        let colons =
            parse_text(r#"{"conversation":"c2c_a:b:c","sender":"a:b","time":5,"text":"x"}"#)
                .unwrap();
        assert_eq!(
            colons.between,
            Between::Users("a:b".to_owned(), "c".to_owned())
        );
        let silent =
            parse_text(r#"{"conversation":"c2c_b:a","sender":"a","time":5,"text":""}"#).unwrap();
        assert_eq!(
            silent.body,
            r#"[{"MsgType":"TIMTextElem","MsgContent":{"Text":""}}]"#
        );
        let group = parse_text(r##"{"conversation":"group_#g","sender":"a","time":5,"text":"x"}"##)
            .unwrap();
        assert_eq!(group.between, Between::Group("#g".to_owned()));
    }

    #[test]
    fn each_reason() {
        let long = "x".repeat(33);
        let large = "x".repeat(MAX_BODY);
        for (line, why) in [
            ("", Rejected::Empty),
            (" \r\n", Rejected::Empty),
            ("{", Rejected::NotTheFormat),
            ("[1]", Rejected::NotTheFormat),
            (
                r#"{"conversation":"group_g","sender":"a","time":"5","text":"x"}"#,
                Rejected::NotTheFormat,
            ),
            (
                r#"{"conversation":"group_g","sender":"a","time":-5,"text":"x"}"#,
                Rejected::NotTheFormat,
            ),
            (
                r#"{"conversation":"group_g","sender":"","time":5,"text":"x"}"#,
                Rejected::Sender,
            ),
            (
                r#"{"conversation":"group_g","sender":"é","time":5,"text":"x"}"#,
                Rejected::Sender,
            ),
            (
                &format!(r#"{{"conversation":"group_g","sender":"{long}","time":5,"text":"x"}}"#),
                Rejected::Sender,
            ),
            (
                r#"{"conversation":"group_","sender":"a","time":5,"text":"x"}"#,
                Rejected::Conversation,
            ),
            (
                r#"{"conversation":"a:b","sender":"a","time":5,"text":"x"}"#,
                Rejected::Conversation,
            ),
            (
                r#"{"conversation":"c2c_a","sender":"a","time":5,"text":"x"}"#,
                Rejected::Conversation,
            ),
            (
                r#"{"conversation":"c2c_a:","sender":"a","time":5,"text":"x"}"#,
                Rejected::Conversation,
            ),
            (
                r#"{"conversation":"c2c_a:b","sender":"c","time":5,"text":"x"}"#,
                Rejected::SenderOfAnotherPair,
            ),
            (
                r#"{"conversation":"group_g","sender":"a","time":2001,"text":"x"}"#,
                Rejected::Time,
            ),
            (
                &format!(r#"{{"conversation":"group_g","sender":"a","time":5,"text":"{large}"}}"#),
                Rejected::TooLarge,
            ),
        ] {
            assert_eq!(parse_text(line).unwrap_err(), why, "{line}");
        }
    }
}
