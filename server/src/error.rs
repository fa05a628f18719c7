//! What can go wrong, and the vendor's number for it.

use adieu_protocol::{error_code as code, user_sig};

use crate::command::Service;

/// A result of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// What can go wrong. The text is the answer's `ErrorInfo`: it says what is wrong and, where that
/// helps, what is allowed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The URL is not that of a `v4` command.
    #[error("the URL is not /v4/<service>/<command>")]
    BadUrl,
    /// The URL has the form of a command and names none.
    #[error("no such command: {0}")]
    NoSuchCommand(String),
    /// Not a POST.
    #[error("only POST is allowed")]
    NotPost,
    /// The body did not come whole.
    #[error("the request's body could not be read")]
    BodyUnreadable,
    /// The body is over the limit.
    #[error("the request's body is larger than {0} bytes")]
    BodyTooLarge(usize),
    /// The body is no JSON.
    #[error("the request's body is not JSON: {0}")]
    BadJson(String),

    /// The URL lacks `sdkappid`.
    #[error("the URL parameter sdkappid is missing")]
    AppIdMissing,
    /// Another app's number.
    #[error("sdkappid is not this server's")]
    AppIdWrong,
    /// `identifier` is missing or no user id.
    #[error("the URL parameter identifier is wrong: {0}")]
    BadIdentifier(String),
    /// The credential does not hold.
    #[error(transparent)]
    UserSig(#[from] user_sig::Refused),
    /// A command outside the self-service list.
    #[error("this command needs the administrator's identifier")]
    AdminNeeded,
    /// A self-service caller asks about another account.
    #[error("{0} may only act for itself; another account needs the administrator")]
    ForeignView(String),

    /// A field is missing or wrong.
    #[error("{0}")]
    BadParameter(String),
    /// `MsgBody` is missing or not what it should be.
    #[error("{0}")]
    BadBody(String),
    /// `MsgBody` and `CloudCustomData` are over the limit.
    #[error("MsgBody and CloudCustomData have {0} bytes; at most {max} are allowed", max = adieu_protocol::openim::MAX_BODY)]
    MessageTooLarge(usize),
    /// `To_Account` is missing or wrong.
    #[error("To_Account: {0}")]
    BadToAccount(String),
    /// `From_Account` of a message is wrong.
    #[error("From_Account: {0}")]
    BadFromAccount(String),
    /// `MsgRandom` is missing.
    #[error("MsgRandom is missing; allowed: 0 to 4294967295")]
    BadRandom,
    /// A group id is wrong.
    #[error("{0}")]
    BadGroupId(String),
    /// More members than one request may name.
    #[error("{given} members; at most {max} are allowed in one request")]
    TooManyMembers {
        /// What was given.
        given: usize,
        /// What is allowed.
        max: usize,
    },

    /// An account that was never imported.
    #[error("account {0:?} has not been imported")]
    AccountNotFound(String),
    /// The receiver of a message was never imported.
    #[error("To_Account {0:?} has not been imported")]
    ReceiverNotFound(String),
    /// No such group, or it was dissolved.
    #[error("group {0:?} does not exist or has been dissolved")]
    GroupNotFound(String),
    /// The id of a group, living or dissolved.
    #[error("group id {0:?} is or was in use; ids are not given twice")]
    GroupIdInUse(String),
    /// Only members may do this.
    #[error("{account:?} is not a member of group {group:?}")]
    NotAMember {
        /// Who.
        account: String,
        /// Which group.
        group: String,
    },
    /// To be removed from a list in which it is not.
    #[error("{0:?} is not a friend")]
    NotAFriend(String),

    /// More writes wait than the server takes on.
    #[error("the server is overloaded; try again later")]
    Overloaded,
    /// Requests come faster than an address or an account may send them.
    #[error("too many requests of this {of}; at most {most} a second are allowed")]
    TooFrequent {
        /// Of what.
        of: &'static str,
        /// The limit.
        most: u32,
    },
    /// The storage is shutting down.
    #[error("the server is stopping")]
    Stopping,
    /// The storage failed.
    #[error("storage: {0}")]
    Storage(String),
    /// A store that cannot be opened, with what to do about it.
    #[error("{0}")]
    Store(String),
    /// Files and sockets, with what was being done.
    #[error("{what}: {source}")]
    Io {
        /// What was being done.
        what: String,
        /// What the system said.
        source: std::io::Error,
    },
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        Self::Storage(error.to_string())
    }
}

impl Error {
    /// For `map_err`: says what was being done when the system refused.
    pub fn io(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let what = what.into();
        move |source| Self::Io { what, source }
    }

    /// The vendor's number. Services number the same thing differently.
    #[must_use]
    pub fn code(&self, service: Service) -> i32 {
        match self {
            Self::BadUrl => code::BAD_URL,
            Self::NoSuchCommand(_) => code::NO_SUCH_COMMAND,
            Self::NotPost | Self::BodyUnreadable | Self::BodyTooLarge(_) => code::BAD_HTTP,
            Self::BadJson(_) => code::BAD_JSON,
            Self::AppIdMissing => code::SDK_APP_ID_MISSING,
            Self::AppIdWrong => code::BAD_SDK_APP_ID,
            Self::BadIdentifier(_) => code::BAD_ACCOUNT,
            Self::UserSig(refused) => refused.code(),
            Self::AdminNeeded => code::ADMIN_NEEDED,
            Self::ForeignView(_) => service.numbers().admin_needed,
            Self::BadParameter(_) => service.numbers().bad_parameter,
            Self::BadBody(_) if service == Service::Group => code::GROUP_BAD_PARAMETER,
            Self::BadBody(_) => code::MESSAGE_BAD_BODY,
            Self::MessageTooLarge(_) => code::MESSAGE_TOO_LARGE,
            Self::BadToAccount(_) => code::MESSAGE_BAD_TO_ACCOUNT,
            Self::BadFromAccount(_) => code::MESSAGE_BAD_FROM_ACCOUNT,
            Self::BadRandom => code::MESSAGE_BAD_RANDOM,
            Self::BadGroupId(_) => code::GROUP_BAD_ID,
            Self::TooManyMembers { .. } => code::GROUP_TOO_MANY_MEMBERS,
            Self::AccountNotFound(_) => service.numbers().account_not_found,
            Self::ReceiverNotFound(_) => code::MESSAGE_TO_ACCOUNT_NOT_FOUND,
            Self::GroupNotFound(_) => code::GROUP_NOT_FOUND,
            Self::GroupIdInUse(_) => code::GROUP_ID_IN_USE,
            Self::NotAMember { .. } => code::GROUP_PERMISSION,
            Self::NotAFriend(_) => code::FRIEND_NOT_A_FRIEND,
            Self::Overloaded | Self::TooFrequent { .. } => code::REST_FREQUENCY,
            Self::Stopping | Self::Storage(_) | Self::Store(_) | Self::Io { .. } => {
                service.numbers().internal
            }
        }
    }

    /// Whether the fault is the server's: its text is for the log, not for the caller.
    #[must_use]
    pub fn is_internal(&self) -> bool {
        matches!(self, Self::Storage(_) | Self::Store(_) | Self::Io { .. })
    }
}
