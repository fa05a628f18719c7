//! The commands of the REST API: which service they belong to, and who may call them.

use adieu_protocol::{error_code as code, path};

/// A family of commands with numbers of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// `im_open_login_svc`.
    Account,
    /// `openim`.
    Message,
    /// `group_open_http_svc`.
    Group,
    /// `sns`.
    Friend,
    /// `recentcontact`.
    Contact,
    /// `config`, with the numbers of `recentcontact`.
    Config,
}

/// How a service numbers what can happen in all of them.
pub(crate) struct Numbers {
    pub(crate) bad_parameter: i32,
    pub(crate) admin_needed: i32,
    pub(crate) account_not_found: i32,
    pub(crate) internal: i32,
}

impl Service {
    pub(crate) fn numbers(self) -> Numbers {
        let [bad_parameter, admin_needed, account_not_found, internal] = match self {
            Self::Account => [
                code::ACCOUNT_BAD_PARAMETER,
                code::ACCOUNT_ADMIN_NEEDED,
                code::ACCOUNT_NOT_FOUND,
                code::ACCOUNT_INTERNAL,
            ],
            Self::Message => [
                code::MESSAGE_BAD_JSON,
                code::MESSAGE_ADMIN_NEEDED,
                code::MESSAGE_ACCOUNT_NOT_FOUND,
                code::MESSAGE_INTERNAL,
            ],
            Self::Group => [
                code::GROUP_BAD_PARAMETER,
                code::GROUP_PERMISSION,
                code::GROUP_ACCOUNT_NOT_FOUND,
                code::GROUP_INTERNAL,
            ],
            Self::Friend => [
                code::FRIEND_BAD_PARAMETER,
                code::FRIEND_ADMIN_NEEDED,
                code::FRIEND_ACCOUNT_NOT_FOUND,
                code::FRIEND_INTERNAL,
            ],
            Self::Contact | Self::Config => [
                code::CONTACT_BAD_PARAMETER,
                code::CONTACT_ADMIN_NEEDED,
                code::CONTACT_ACCOUNT_NOT_IMPORTED,
                code::CONTACT_INTERNAL,
            ],
        };
        Numbers {
            bad_parameter,
            admin_needed,
            account_not_found,
            internal,
        }
    }

    /// Whether answers of this service carry `ErrorDisplay`.
    pub(crate) fn has_error_display(self) -> bool {
        matches!(self, Self::Friend | Self::Contact)
    }
}

/// One command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Command {
    AccountImport,
    SendMsg,
    AdminGetRoamMsg,
    CreateGroup,
    AddGroupMember,
    DeleteGroupMember,
    DestroyGroup,
    SendGroupMsg,
    GroupMsgGetSimple,
    FriendAdd,
    FriendDelete,
    FriendGet,
    GetList,
    Delete,
    BatchDelete,
    Sync,
    GetHistory,
    SyncDeletions,
}

impl Command {
    /// The command of a URL's path, without its leading slash.
    pub(crate) fn of(path: &str) -> Option<Self> {
        Some(match path {
            path::ACCOUNT_IMPORT => Self::AccountImport,
            path::SEND_MSG => Self::SendMsg,
            path::ADMIN_GET_ROAM_MSG => Self::AdminGetRoamMsg,
            path::CREATE_GROUP => Self::CreateGroup,
            path::ADD_GROUP_MEMBER => Self::AddGroupMember,
            path::DELETE_GROUP_MEMBER => Self::DeleteGroupMember,
            path::DESTROY_GROUP => Self::DestroyGroup,
            path::SEND_GROUP_MSG => Self::SendGroupMsg,
            path::GROUP_MSG_GET_SIMPLE => Self::GroupMsgGetSimple,
            path::FRIEND_ADD => Self::FriendAdd,
            path::FRIEND_DELETE => Self::FriendDelete,
            path::FRIEND_GET => Self::FriendGet,
            path::GET_LIST => Self::GetList,
            path::DELETE => Self::Delete,
            path::BATCH_DELETE => Self::BatchDelete,
            path::SYNC => Self::Sync,
            path::GET_HISTORY => Self::GetHistory,
            path::SYNC_DELETIONS => Self::SyncDeletions,
            _ => return None,
        })
    }

    pub(crate) fn service(self) -> Service {
        match self {
            Self::AccountImport => Service::Account,
            Self::SendMsg | Self::AdminGetRoamMsg => Service::Message,
            Self::CreateGroup
            | Self::AddGroupMember
            | Self::DeleteGroupMember
            | Self::DestroyGroup
            | Self::SendGroupMsg
            | Self::GroupMsgGetSimple => Service::Group,
            Self::FriendAdd | Self::FriendDelete | Self::FriendGet => Service::Friend,
            Self::GetList | Self::Delete | Self::BatchDelete | Self::Sync | Self::GetHistory => {
                Service::Contact
            }
            Self::SyncDeletions => Service::Config,
        }
    }

    /// Whether an account may call it for itself. A new command is for the administrator until
    /// someone has thought about it.
    pub(crate) fn is_self_service(self) -> bool {
        match self {
            Self::SendMsg
            | Self::AdminGetRoamMsg
            | Self::SendGroupMsg
            | Self::GroupMsgGetSimple
            | Self::FriendAdd
            | Self::FriendDelete
            | Self::FriendGet
            | Self::GetList
            | Self::Delete
            | Self::BatchDelete
            | Self::Sync
            | Self::GetHistory => true,
            Self::AccountImport
            | Self::CreateGroup
            | Self::AddGroupMember
            | Self::DeleteGroupMember
            | Self::DestroyGroup
            | Self::SyncDeletions => false,
        }
    }
}
