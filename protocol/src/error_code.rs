//! The vendor's error numbers, as far as both ends of the wire use them.
//!
//! Source: the published error-code tables of the vendor's client SDK and REST API.

/// Success.
pub const OK: i32 = 0;

/// URL is no `v4` command.
pub const BAD_URL: i32 = 60002;
/// Body is not JSON, or not the JSON of this command.
pub const BAD_JSON: i32 = 60003;
/// The identifier is missing or breaks the rule for ids.
pub const BAD_ACCOUNT: i32 = 60004;
/// The URL's SDKAppID is not this server's.
pub const BAD_SDK_APP_ID: i32 = 60006;
/// Too many REST requests.
pub const REST_FREQUENCY: i32 = 60007;
/// The HTTP request itself is malformed, too large or late.
pub const BAD_HTTP: i32 = 60008;
/// No such command.
pub const NO_SUCH_COMMAND: i32 = 60009;
/// The identifier must be an administrator of the app.
pub const ADMIN_NEEDED: i32 = 60010;
/// The URL has no SDKAppID.
pub const SDK_APP_ID_MISSING: i32 = 60012;

/// UserSig has expired.
pub const USER_SIG_EXPIRED: i32 = 70001;
/// UserSig is empty.
pub const USER_SIG_EMPTY: i32 = 70002;
/// UserSig cannot be decoded.
pub const USER_SIG_UNREADABLE: i32 = 70003;
/// UserSig was made with another key, or changed.
pub const USER_SIG_KEY_MISMATCH: i32 = 70009;
/// UserSig belongs to another identifier.
pub const USER_SIG_IDENTIFIER_MISMATCH: i32 = 70013;
/// UserSig belongs to another SDKAppID.
pub const USER_SIG_APP_MISMATCH: i32 = 70014;
/// No such account (account commands).
pub const ACCOUNT_NOT_FOUND: i32 = 70107;
/// Wrong parameter (account commands).
pub const ACCOUNT_BAD_PARAMETER: i32 = 70402;
/// Administrator needed (account commands).
pub const ACCOUNT_ADMIN_NEEDED: i32 = 70403;
/// Internal error (account commands).
pub const ACCOUNT_INTERNAL: i32 = 70500;

/// Account not imported (recent contacts).
pub const CONTACT_ACCOUNT_NOT_IMPORTED: i32 = 50001;
/// Wrong parameter (recent contacts).
pub const CONTACT_BAD_PARAMETER: i32 = 50002;
/// Administrator needed (recent contacts).
pub const CONTACT_ADMIN_NEEDED: i32 = 50003;
/// Internal error (recent contacts).
pub const CONTACT_INTERNAL: i32 = 50004;
/// Timeout inside the server (recent contacts).
pub const CONTACT_TIMEOUT: i32 = 50005;

/// Body of a message cannot be read.
pub const MESSAGE_BAD_JSON: i32 = 90001;
/// `MsgBody` is missing or malformed.
pub const MESSAGE_BAD_BODY: i32 = 90002;
/// `To_Account` is missing or malformed.
pub const MESSAGE_BAD_TO_ACCOUNT: i32 = 90003;
/// `MsgRandom` is missing or malformed.
pub const MESSAGE_BAD_RANDOM: i32 = 90005;
/// `From_Account` is malformed.
pub const MESSAGE_BAD_FROM_ACCOUNT: i32 = 90008;
/// Administrator needed (messages).
pub const MESSAGE_ADMIN_NEEDED: i32 = 90009;
/// `To_Account` was never imported.
pub const MESSAGE_TO_ACCOUNT_NOT_FOUND: i32 = 90012;
/// The account of a history request was never imported.
pub const MESSAGE_ACCOUNT_NOT_FOUND: i32 = 90048;
/// Internal error (messages).
pub const MESSAGE_INTERNAL: i32 = 91000;
/// The message is larger than 12 KB.
pub const MESSAGE_TOO_LARGE: i32 = 93000;

/// Internal error (groups).
pub const GROUP_INTERNAL: i32 = 10002;
/// Wrong parameter (groups).
pub const GROUP_BAD_PARAMETER: i32 = 10004;
/// Too many members in one request.
pub const GROUP_TOO_MANY_MEMBERS: i32 = 10005;
/// Not allowed in this group.
pub const GROUP_PERMISSION: i32 = 10007;
/// No such group, or dissolved.
pub const GROUP_NOT_FOUND: i32 = 10010;
/// Malformed group id.
pub const GROUP_BAD_ID: i32 = 10015;
/// An account of a group request was never imported.
pub const GROUP_ACCOUNT_NOT_FOUND: i32 = 10019;
/// The group id is taken.
pub const GROUP_ID_IN_USE: i32 = 10021;

/// Wrong parameter (friends).
pub const FRIEND_BAD_PARAMETER: i32 = 30001;
/// No such account (friends).
pub const FRIEND_ACCOUNT_NOT_FOUND: i32 = 30003;
/// Administrator needed (friends).
pub const FRIEND_ADMIN_NEEDED: i32 = 30004;
/// Internal error (friends).
pub const FRIEND_INTERNAL: i32 = 30006;
/// The account to be deleted is no friend.
pub const FRIEND_NOT_A_FRIEND: i32 = 31704;
