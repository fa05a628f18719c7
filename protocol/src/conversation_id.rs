//! The name of a conversation, in each of the dialects that callers use.

use std::fmt;

use smol_str::SmolStr;

/// Longest user id, in bytes.
pub const MAX_USER_ID: usize = 32;
/// Longest group id, in bytes.
pub const MAX_GROUP_ID: usize = 48;
/// How ids of groups that the server named begin; a client may not choose such an id.
pub const SERVER_GROUP_PREFIX: &str = "@TGS#";

const SYSTEM: &str = "@TIM#SYSTEM";

/// Which conversation is meant, from one user's side. Cheap to clone: ids of up to 23 bytes lie in
/// the value itself, longer ones are shared.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ConversationId {
    /// The one-to-one conversation with this user.
    C2c(SmolStr),
    /// The conversation of this group.
    Group(SmolStr),
    /// The system notifications of the web dialect.
    System,
}

/// Why a text is no conversation id. The text of the error says what is allowed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidConversationId {
    /// Nothing was given.
    #[error(
        "conversation id is empty; allowed: c2c_<user>, group_<group>, C2C<user>, GROUP<group>, @TIM#SYSTEM"
    )]
    Empty,
    /// None of the known prefixes stands at the beginning.
    #[error(
        "conversation id has no known prefix; allowed: c2c_<user>, group_<group>, C2C<user>, GROUP<group>, @TIM#SYSTEM"
    )]
    UnknownPrefix,
    /// The prefix is followed by nothing.
    #[error("conversation id ends after its prefix; a {0} id must follow")]
    NoId(&'static str),
    /// The user or group id is over its limit.
    #[error("{what} id has {len} bytes; at most {max} are allowed")]
    TooLong {
        /// `user` or `group`.
        what: &'static str,
        /// What was given, in bytes.
        len: usize,
        /// What is allowed, in bytes.
        max: usize,
    },
    /// A byte outside 0x20 to 0x7e.
    #[error("{what} id has a byte that is not printable ASCII (0x20 to 0x7e), at offset {at}")]
    NotPrintable {
        /// `user` or `group`.
        what: &'static str,
        /// Offset within the id, after the prefix.
        at: usize,
    },
}

/// Checks a user id: 1 to 32 bytes of printable ASCII.
///
/// # Errors
/// What is wrong and what is allowed.
pub fn check_user_id(id: &str) -> Result<(), InvalidConversationId> {
    check("user", id, MAX_USER_ID)
}

/// Checks a group id: 1 to 48 bytes of printable ASCII. An id that the server made passes.
///
/// # Errors
/// What is wrong and what is allowed.
pub fn check_group_id(id: &str) -> Result<(), InvalidConversationId> {
    check("group", id, MAX_GROUP_ID)
}

fn check(what: &'static str, id: &str, max: usize) -> Result<(), InvalidConversationId> {
    if id.is_empty() {
        return Err(InvalidConversationId::NoId(what));
    }
    if id.len() > max {
        return Err(InvalidConversationId::TooLong {
            what,
            len: id.len(),
            max,
        });
    }
    match id.bytes().position(|byte| !(0x20..=0x7e).contains(&byte)) {
        Some(at) => Err(InvalidConversationId::NotPrintable { what, at }),
        None => Ok(()),
    }
}

impl ConversationId {
    /// Reads an id of any dialect. Only a prefix at the very beginning counts: `c2c_c2c_x` is the
    /// conversation with the user `c2c_x`.
    ///
    /// # Errors
    /// [`InvalidConversationId`], whose text says what is allowed.
    pub fn parse(text: &str) -> Result<Self, InvalidConversationId> {
        if text.is_empty() {
            return Err(InvalidConversationId::Empty);
        }
        if text == SYSTEM {
            return Ok(Self::System);
        }
        let one_to_one = text
            .strip_prefix("c2c_")
            .or_else(|| text.strip_prefix("C2C"));
        if let Some(user) = one_to_one {
            check_user_id(user)?;
            return Ok(Self::C2c(user.into()));
        }
        let group = text
            .strip_prefix("group_")
            .or_else(|| text.strip_prefix("GROUP"));
        if let Some(group) = group {
            check_group_id(group)?;
            return Ok(Self::Group(group.into()));
        }
        Err(InvalidConversationId::UnknownPrefix)
    }

    /// The native dialect in two parts, which [`Self::native`] joins: what kind it is, and of whom.
    #[must_use]
    pub fn parts(&self) -> (&'static str, &str) {
        match self {
            Self::C2c(user) => ("c2c_", user),
            Self::Group(group) => ("group_", group),
            Self::System => (SYSTEM, ""),
        }
    }

    /// The id as the native SDKs write it: `c2c_<user>`, `group_<group>`.
    #[must_use]
    pub fn native(&self) -> String {
        let (kind, whose) = self.parts();
        format!("{kind}{whose}")
    }

    /// The id as the web SDKs write it: `C2C<user>`, `GROUP<group>`, `@TIM#SYSTEM`.
    #[must_use]
    pub fn web(&self) -> String {
        match self {
            Self::C2c(user) => format!("C2C{user}"),
            Self::Group(group) => format!("GROUP{group}"),
            Self::System => SYSTEM.to_owned(),
        }
    }
}

/// The native dialect, which adieu speaks by itself.
impl fmt::Display for ConversationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::C2c(user) => write!(f, "c2c_{user}"),
            Self::Group(group) => write!(f, "group_{group}"),
            Self::System => f.write_str(SYSTEM),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_dialect_round_trips_exactly() {
        for user in [
            "x",
            "c2c_x",
            "C2Cx",
            "group_x",
            " spaced out ",
            "GROUP",
            "_",
            "~!@#$%^&*()",
        ] {
            let id = ConversationId::C2c(user.into());
            assert_eq!(ConversationId::parse(&id.native()), Ok(id.clone()));
            assert_eq!(ConversationId::parse(&id.web()), Ok(id.clone()));
        }
        for group in ["ubuntu", "@TGS#1ABC", "group_group_x", "c2c_y", "_"] {
            let id = ConversationId::Group(group.into());
            assert_eq!(ConversationId::parse(&id.native()), Ok(id.clone()));
            assert_eq!(ConversationId::parse(&id.web()), Ok(id.clone()));
        }
        assert_eq!(
            ConversationId::parse("@TIM#SYSTEM"),
            Ok(ConversationId::System)
        );
        assert_eq!(
            ConversationId::System.native(),
            ConversationId::System.web()
        );
    }

    #[test]
    fn limits_are_in_bytes_and_named() {
        assert!(ConversationId::parse(&format!("c2c_{}", "u".repeat(32))).is_ok());
        assert!(ConversationId::parse(&format!("group_{}", "g".repeat(48))).is_ok());
        let too_long = ConversationId::parse(&format!("c2c_{}", "u".repeat(33)));
        assert_eq!(
            too_long,
            Err(InvalidConversationId::TooLong {
                what: "user",
                len: 33,
                max: 32
            })
        );
        assert!(ConversationId::parse(&format!("GROUP{}", "g".repeat(49))).is_err());
    }

    #[test]
    fn what_is_no_id_says_why() {
        use InvalidConversationId as No;
        for (text, why) in [
            ("", No::Empty),
            ("x", No::UnknownPrefix),
            ("C2c_x", No::UnknownPrefix),
            (" c2c_x", No::UnknownPrefix),
            ("@TIM#SYSTEMS", No::UnknownPrefix),
            ("c2c_", No::NoId("user")),
            ("GROUP", No::NoId("group")),
            (
                "c2c_a\nb",
                No::NotPrintable {
                    what: "user",
                    at: 1,
                },
            ),
            (
                "c2c_\u{5c0f}",
                No::NotPrintable {
                    what: "user",
                    at: 0,
                },
            ),
        ] {
            assert_eq!(ConversationId::parse(text), Err(why), "{text:?}");
        }
    }
}
