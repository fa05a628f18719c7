//! The commands, as they stand in the URL.

/// Imports an account.
pub const ACCOUNT_IMPORT: &str = "v4/im_open_login_svc/account_import";
/// Sends a one-to-one message.
pub const SEND_MSG: &str = "v4/openim/sendmsg";
/// A page of one-to-one history, as its operator sees it.
pub const ADMIN_GET_ROAM_MSG: &str = "v4/openim/admin_getroammsg";
/// Creates a group.
pub const CREATE_GROUP: &str = "v4/group_open_http_svc/create_group";
/// Adds members to a group.
pub const ADD_GROUP_MEMBER: &str = "v4/group_open_http_svc/add_group_member";
/// Removes members from a group.
pub const DELETE_GROUP_MEMBER: &str = "v4/group_open_http_svc/delete_group_member";
/// Dissolves a group.
pub const DESTROY_GROUP: &str = "v4/group_open_http_svc/destroy_group";
/// Sends a group message.
pub const SEND_GROUP_MSG: &str = "v4/group_open_http_svc/send_group_msg";
/// A page of group history, the same for everyone.
pub const GROUP_MSG_GET_SIMPLE: &str = "v4/group_open_http_svc/group_msg_get_simple";
/// Adds friends.
pub const FRIEND_ADD: &str = "v4/sns/friend_add";
/// Deletes friends.
pub const FRIEND_DELETE: &str = "v4/sns/friend_delete";
/// Lists friends.
pub const FRIEND_GET: &str = "v4/sns/friend_get";
/// Lists conversations.
pub const GET_LIST: &str = "v4/recentcontact/get_list";
/// Deletes one conversation from its owner's view.
pub const DELETE: &str = "v4/recentcontact/delete";
/// Deletes up to 100 conversations from their owner's view. adieu's own.
pub const BATCH_DELETE: &str = "v4/recentcontact/batch_delete";
/// The state of the owner's views. adieu's own.
pub const SYNC: &str = "v4/recentcontact/sync";
/// A page of up to 1,000 messages of the owner's view. adieu's own.
pub const GET_HISTORY: &str = "v4/recentcontact/get_history";
/// The switch of multi-client sync of deletions. adieu's own.
pub const SYNC_DELETIONS: &str = "v4/config/sync_deletions";
