//! The C ABI as `include/adieu.h` declares it, looked up in the built library by name.

use std::ffi::{c_char, c_void};
use std::sync::OnceLock;

use super::build;

pub const DELIVER_BY_POLL: u32 = 1;

pub const OK: i32 = 0;
pub const PENDING: i32 = 1;
pub const LOCAL_ONLY: i32 = 2;
pub const INVALID_HANDLE: i32 = -1;
pub const INVALID_ARGUMENT: i32 = -2;
pub const CLOSED: i32 = -3;
pub const FORKED: i32 = -4;
pub const ABI: i32 = -5;
pub const PANIC: i32 = -6;
pub const OUTCOME_UNKNOWN: i32 = -7;
pub const NOT_FOUND: i32 = -8;
pub const TOO_LATE: i32 = -9;
pub const STORE_LOCKED: i32 = -10;
pub const STORE_NEWER: i32 = -11;
pub const STORE_DAMAGED: i32 = -12;
pub const MASTER_KEY: i32 = -13;
pub const STORE_PATH: i32 = -14;
pub const CANCELLED: i32 = -15;
pub const BAD_ANSWER: i32 = 6010;
pub const NOT_SIGNED_IN: i32 = 6014;
pub const INVALID_PARAMETER: i32 = 6017;
pub const STORE_FAILED: i32 = 6019;
pub const STORE_IO: i32 = 6022;
pub const NETWORK_UNREACHABLE: i32 = 9508;
pub const CONNECT_TIMED_OUT: i32 = 9510;
pub const CONNECTION_REFUSED: i32 = 9511;
pub const QUEUE_TIMED_OUT: i32 = 9518;

pub const FAIL: u32 = 0;
pub const QUEUE: u32 = 1;
pub const POLICY_LOCAL_ONLY: u32 = 2;

pub type Handle = *mut c_void;
pub type Data = *mut c_void;
pub type OnSuccess = Option<unsafe extern "C" fn(Data)>;
pub type OnError = Option<unsafe extern "C" fn(Data, i32, *const c_char)>;
pub type OnConversations = Option<unsafe extern "C" fn(Data, *const *const RawConversation, usize)>;
pub type OnMessages = Option<unsafe extern "C" fn(Data, *const *const RawMessage, usize)>;
pub type OnResults = Option<unsafe extern "C" fn(Data, *const *const RawDeletionResult, usize)>;
pub type OnPending = Option<unsafe extern "C" fn(Data, *const *const RawPending, usize)>;
pub type OnEvent = Option<unsafe extern "C" fn(Data, *const RawEvent)>;
pub type Delete = unsafe extern "C" fn(
    Handle,
    *const c_char,
    *const RawDeleteOptions,
    OnSuccess,
    OnError,
    Data,
) -> i32;
/// Undo, cancel, retry, acknowledge.
pub type Manage = unsafe extern "C" fn(Handle, *const DeletionId, OnSuccess, OnError, Data) -> i32;
pub type OnVerification = Option<unsafe extern "C" fn(Data, *const RawVerification)>;

#[repr(C)]
#[derive(Clone, Copy)]
pub struct RawClientOptions {
    pub struct_size: u32,
    pub delivery: u32,
    pub store_path: *const c_char,
    pub user_id: *const c_char,
    pub master_key: *const u8,
    pub server_url: *const c_char,
    pub sdk_app_id: u64,
    pub device_id: *const c_char,
    pub user_sig: *const c_char,
    pub post: OnSuccess,
    pub post_data: Data,
    pub listener: *const RawListener,
    pub live_sync: u32,
    pub reserved: u32,
    pub ca_certificates: *const c_char,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct RawListener {
    pub struct_size: u32,
    pub reserved: u32,
    pub on_event: OnEvent,
    pub user_data: Data,
    pub user_data_destructor: OnSuccess,
}

#[repr(C)]
pub struct RawEvent {
    pub kind: u32,
    pub cause: u32,
    pub scope: u32,
    pub sync_state: u32,
    pub conversation_id: *const c_char,
    pub conversation: *const RawConversation,
    pub pending: *const RawPending,
    pub desc: *const c_char,
    pub total_unread: u64,
    pub deletion_id: DeletionId,
    pub code: i32,
}

#[repr(C)]
pub struct RawPending {
    pub deletion_id: DeletionId,
    pub conversation_id: *const c_char,
    pub desc: *const c_char,
    pub cut_off: u64,
    pub accepted_at_ms: u64,
    pub undo_until_ms: u64,
    pub next_try_ms: u64,
    pub state: u32,
    pub scope: u32,
    pub policy: u32,
    pub attempts: u32,
    pub code: i32,
    pub erased: u32,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct RawDeleteOptions {
    pub struct_size: u32,
    pub timeout_ms: u32,
    pub user_data_destructor: OnSuccess,
    pub deletion_id: *mut DeletionId,
    pub policy: u32,
    pub keep_history: u32,
    pub undo_ms: u32,
    pub reserved: u32,
}

#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct DeletionId(pub [u8; 16]);

impl DeletionId {
    /// As it stands on the wire.
    pub fn wire(self) -> String {
        self.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct RawReceipt {
    pub struct_size: u32,
    pub reserved: u32,
    pub cut_off: u64,
    pub erase_ns: u64,
    pub total_ns: u64,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct RawNewMessage {
    pub struct_size: u32,
    pub reserved: u32,
    pub position: u64,
    pub time: u64,
    pub sender: *const c_char,
    pub body: *const c_char,
}

#[repr(C)]
pub struct RawMessage {
    pub position: u64,
    pub time: u64,
    pub sender: *const c_char,
    pub body: *const c_char,
    pub text: *const c_char,
}

#[repr(C)]
pub struct RawConversation {
    pub conversation_id: *const c_char,
    pub title: *const c_char,
    pub message_count: u64,
    pub unread_count: u64,
    pub last_message: *const RawMessage,
    pub draft: *const c_char,
    pub marks: u64,
    pub pinned: u32,
}

#[repr(C)]
pub struct RawVerification {
    pub searched: u64,
    pub found: u64,
    pub left_out_short: u64,
    pub left_out_shared: u64,
    pub readable_records: u64,
    pub records: u64,
    pub bytes: u64,
}

#[repr(C)]
pub struct RawDeletionResult {
    pub conversation_id: *const c_char,
    pub desc: *const c_char,
    pub code: i32,
}

macro_rules! functions {
    ($($field:ident = $name:literal ($($argument:ty),*) -> $result:ty;)*) => {
        /// The functions of the library.
        pub struct Abi {
            $(pub $field: unsafe extern "C" fn($($argument),*) -> $result,)*
        }

        fn load(library: &libloading::Library) -> Abi {
            Abi {
                // SAFETY: the types are those of the header.
                $($field: *unsafe { library.get($name) }.expect("the library exports it"),)*
            }
        }
    };
}

functions! {
    open = "adieu_client_open" (*const RawClientOptions, *mut Handle, *mut c_char, usize) -> i32;
    close = "adieu_client_close" (Handle) -> i32;
    close_async = "adieu_client_close_async" (Handle, OnSuccess, Data) -> i32;
    poll = "adieu_client_poll" (Handle) -> i32;
    sign_in = "adieu_sign_in" (Handle, *const c_char) -> i32;
    pull = "adieu_pull" (Handle, OnSuccess, OnError, Data) -> i32;
    list = "adieu_list_conversations" (Handle, OnConversations, OnError, Data) -> i32;
    total_unread = "adieu_total_unread" (Handle, *mut u64) -> i32;
    delete = "adieu_delete_conversation" (Handle, *const c_char, OnSuccess, OnError, Data) -> i32;
    delete_with = "adieu_delete_conversation_with_options"
        (Handle, *const c_char, *const RawDeleteOptions, OnSuccess, OnError, Data) -> i32;
    delete_all = "adieu_delete_conversations"
        (Handle, *const *const c_char, usize, *const RawDeleteOptions, OnResults, OnError, Data) -> i32;
    clear_history = "adieu_clear_history"
        (Handle, *const c_char, *const RawDeleteOptions, OnSuccess, OnError, Data) -> i32;
    list_pending = "adieu_list_pending" (Handle, OnPending, OnError, Data) -> i32;
    undo = "adieu_undo_delete" (Handle, *const DeletionId, OnSuccess, OnError, Data) -> i32;
    cancel = "adieu_cancel_deletion" (Handle, *const DeletionId, OnSuccess, OnError, Data) -> i32;
    retry = "adieu_retry_deletion" (Handle, *const DeletionId, OnSuccess, OnError, Data) -> i32;
    acknowledge = "adieu_acknowledge_deletion"
        (Handle, *const DeletionId, OnSuccess, OnError, Data) -> i32;
    network_changed = "adieu_network_changed" (Handle, i32) -> i32;
    pin = "adieu_pin_conversation" (Handle, *const c_char, i32, OnSuccess, OnError, Data) -> i32;
    set_draft = "adieu_set_draft"
        (Handle, *const c_char, *const c_char, OnSuccess, OnError, Data) -> i32;
    mark = "adieu_mark_conversation"
        (Handle, *const c_char, u64, u64, OnSuccess, OnError, Data) -> i32;
    mark_read = "adieu_mark_read" (Handle, *const c_char, u64, OnSuccess, OnError, Data) -> i32;
    receipt = "adieu_get_receipt" (Handle, *const DeletionId, *mut RawReceipt) -> i32;
    history = "adieu_get_history" (Handle, *const c_char, u64, usize, OnMessages, OnError, Data) -> i32;
    save = "adieu_save_messages"
        (Handle, *const c_char, *const RawNewMessage, usize, OnSuccess, OnError, Data) -> i32;
    verify = "adieu_verify_erased"
        (Handle, *const c_char, *const *const c_char, usize, OnVerification, OnError, Data) -> i32;
    strerror = "adieu_strerror" (i32) -> *const c_char;
    is_retryable = "adieu_is_retryable" (i32) -> i32;
    abi_version = "adieu_abi_version" () -> u32;
    version = "adieu_version" () -> *const c_char;
}

/// The library, loaded once.
pub fn abi() -> &'static Abi {
    static LOADED: OnceLock<Abi> = OnceLock::new();
    LOADED.get_or_init(|| {
        // SAFETY: loading our own library runs no code but its constructors.
        let library = unsafe { libloading::Library::new(build::library()) }.expect("it loads");
        // Never unloaded: the library refuses that.
        load(Box::leak(Box::new(library)))
    })
}

/// The text of a code.
pub fn strerror(code: i32) -> String {
    // SAFETY: never NULL and valid for ever, says the header.
    unsafe { std::ffi::CStr::from_ptr((abi().strerror)(code)) }
        .to_str()
        .expect("UTF-8")
        .to_owned()
}
