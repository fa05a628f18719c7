//! A client behind its C ABI.

use std::collections::BTreeMap;
use std::ffi::CString;
use std::path::Path;
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::abi::{self, Data, DeletionId, Handle, RawNewMessage, RawReceipt, abi};
use super::call::{
    self, Call, Conversation, Lane, Message, Outcome, Verification, on_conversations, on_error,
    on_messages, on_pending, on_success, on_verification,
};
use super::listener::Pending;
use super::options::{DeleteOptions, Options};

/// An open client.
pub struct Client {
    handle: usize,
    lane: Arc<Lane>,
    open: AtomicBool,
}

impl Client {
    pub fn of(handle: usize) -> Self {
        Self {
            handle,
            lane: Arc::default(),
            open: AtomicBool::new(true),
        }
    }

    pub fn local(path: &Path) -> Self {
        Options::local(path).open()
    }

    /// The handle, for calls past this wrapper.
    pub fn handle(&self) -> Handle {
        self.handle as Handle
    }

    /// A new call of this client.
    pub fn call(&self) -> Arc<Call> {
        Call::new(&self.lane)
    }

    /// A new call of this client, whose callback runs `hook`.
    pub fn call_with(&self, hook: impl Fn(&Outcome) + Send + Sync + 'static) -> Arc<Call> {
        Call::with_hook(&self.lane, hook)
    }

    /// Whether two callbacks were ever under way at once.
    pub fn overlapped(&self) -> bool {
        self.lane.overlapped()
    }

    pub fn begin_delete(&self, id: &str, call: &Arc<Call>) -> i32 {
        delete(self.handle, id, call)
    }

    /// The form with options: a timeout and a destructor; gives the deletion's id.
    pub fn begin_delete_with(
        &self,
        id: &str,
        timeout_ms: u32,
        call: &Arc<Call>,
    ) -> (i32, DeletionId) {
        let options = DeleteOptions {
            timeout_ms,
            ..DeleteOptions::default()
        };
        self.begin_delete_as(id, options, call)
    }

    /// The form with options; gives the deletion's id.
    pub fn begin_delete_as(
        &self,
        id: &str,
        options: DeleteOptions,
        call: &Arc<Call>,
    ) -> (i32, DeletionId) {
        self.begin(abi().delete_with, id, options, call)
    }

    pub fn begin_clear_history(
        &self,
        id: &str,
        options: DeleteOptions,
        call: &Arc<Call>,
    ) -> (i32, DeletionId) {
        self.begin(abi().clear_history, id, options, call)
    }

    fn begin(
        &self,
        function: abi::Delete,
        id: &str,
        options: DeleteOptions,
        call: &Arc<Call>,
    ) -> (i32, DeletionId) {
        let id = CString::new(id).unwrap();
        let mut deletion = DeletionId::default();
        let options = options.raw(&mut deletion);
        // SAFETY: all pointers are valid during the call, and the data for ever.
        let code = unsafe {
            function(
                self.handle(),
                id.as_ptr(),
                &raw const options,
                Some(on_success),
                Some(on_error),
                call.data(),
            )
        };
        (code, deletion)
    }

    /// Begins a deletion that is accepted.
    #[track_caller]
    pub fn deleting(&self, id: &str, options: DeleteOptions) -> (Arc<Call>, DeletionId) {
        let call = self.call();
        let (code, deletion) = self.begin_delete_as(id, options, &call);
        assert_eq!(code, abi::OK, "deleting is accepted");
        (call, deletion)
    }

    /// Begins to clear a history, which is accepted.
    #[track_caller]
    pub fn clearing(&self, id: &str, options: DeleteOptions) -> (Arc<Call>, DeletionId) {
        let call = self.call();
        let (code, deletion) = self.begin_clear_history(id, options, &call);
        assert_eq!(code, abi::OK, "clearing is accepted");
        (call, deletion)
    }

    #[track_caller]
    pub fn delete_as(&self, id: &str, options: DeleteOptions) -> Outcome {
        self.deleting(id, options).0.wait()
    }

    #[track_caller]
    pub fn clear_history(&self, id: &str) -> Outcome {
        let call = self.call();
        let (code, _) = self.begin_clear_history(id, DeleteOptions::default(), &call);
        assert_eq!(code, abi::OK, "clearing is accepted");
        call.wait()
    }

    /// The pending deletions.
    #[track_caller]
    pub fn pending(&self) -> Vec<Pending> {
        let call = self.call();
        // SAFETY: the data lives for ever.
        let code = unsafe {
            (abi().list_pending)(self.handle(), Some(on_pending), Some(on_error), call.data())
        };
        assert_eq!(code, abi::OK);
        match call.wait() {
            Outcome::Pending(list) => list,
            other => panic!("listing what is pending gave {other:?}"),
        }
    }

    /// Undo, cancel, retry or acknowledge.
    #[track_caller]
    pub fn manage(&self, function: abi::Manage, deletion: DeletionId) -> Outcome {
        let call = self.call();
        // SAFETY: the id lives during the call, the data for ever.
        let code = unsafe {
            function(
                self.handle(),
                &raw const deletion,
                Some(on_success),
                Some(on_error),
                call.data(),
            )
        };
        assert_eq!(code, abi::OK);
        call.wait()
    }

    #[track_caller]
    pub fn undo(&self, deletion: DeletionId) -> Outcome {
        self.manage(abi().undo, deletion)
    }

    pub fn network_changed(&self, online: bool) -> i32 {
        // SAFETY: takes any handle.
        unsafe { (abi().network_changed)(self.handle(), i32::from(online)) }
    }

    #[track_caller]
    pub fn pin(&self, id: &str, pinned: bool) -> Outcome {
        let (id, call) = (CString::new(id).unwrap(), self.call());
        // SAFETY: the id lives during the call, the data for ever.
        let code = unsafe {
            (abi().pin)(
                self.handle(),
                id.as_ptr(),
                i32::from(pinned),
                Some(on_success),
                Some(on_error),
                call.data(),
            )
        };
        assert_eq!(code, abi::OK);
        call.wait()
    }

    #[track_caller]
    pub fn set_draft(&self, id: &str, draft: &str) -> Outcome {
        let (id, call) = (CString::new(id).unwrap(), self.call());
        let draft = CString::new(draft).unwrap();
        // SAFETY: the strings live during the call, the data for ever.
        let code = unsafe {
            (abi().set_draft)(
                self.handle(),
                id.as_ptr(),
                draft.as_ptr(),
                Some(on_success),
                Some(on_error),
                call.data(),
            )
        };
        assert_eq!(code, abi::OK);
        call.wait()
    }

    #[track_caller]
    pub fn mark(&self, id: &str, set: u64, clear: u64) -> Outcome {
        let (id, call) = (CString::new(id).unwrap(), self.call());
        // SAFETY: the id lives during the call, the data for ever.
        let code = unsafe {
            (abi().mark)(
                self.handle(),
                id.as_ptr(),
                set,
                clear,
                Some(on_success),
                Some(on_error),
                call.data(),
            )
        };
        assert_eq!(code, abi::OK);
        call.wait()
    }

    #[track_caller]
    pub fn mark_read(&self, id: &str, through: u64) -> Outcome {
        let (id, call) = (CString::new(id).unwrap(), self.call());
        // SAFETY: the id lives during the call, the data for ever.
        let code = unsafe {
            (abi().mark_read)(
                self.handle(),
                id.as_ptr(),
                through,
                Some(on_success),
                Some(on_error),
                call.data(),
            )
        };
        assert_eq!(code, abi::OK);
        call.wait()
    }

    #[track_caller]
    pub fn delete(&self, id: &str) -> Outcome {
        let call = self.call();
        assert_eq!(
            self.begin_delete(id, &call),
            abi::OK,
            "deleting is accepted"
        );
        call.wait()
    }

    #[track_caller]
    pub fn delete_within(&self, id: &str, timeout_ms: u32) -> (Outcome, DeletionId) {
        let call = self.call();
        let (code, deletion) = self.begin_delete_with(id, timeout_ms, &call);
        assert_eq!(code, abi::OK, "deleting is accepted");
        (call.wait(), deletion)
    }

    pub fn begin_list(&self, call: &Arc<Call>) -> i32 {
        // SAFETY: the data lives for ever.
        unsafe {
            (abi().list)(
                self.handle(),
                Some(on_conversations),
                Some(on_error),
                call.data(),
            )
        }
    }

    #[track_caller]
    pub fn list(&self) -> Vec<Conversation> {
        let call = self.call();
        assert_eq!(self.begin_list(&call), abi::OK);
        match call.wait() {
            Outcome::Conversations(list) => list,
            other => panic!("listing gave {other:?}"),
        }
    }

    /// The ids of the list, in its order.
    #[track_caller]
    pub fn ids(&self) -> Vec<String> {
        self.list().into_iter().map(|line| line.id).collect()
    }

    pub fn begin_history(&self, id: &str, before: u64, count: usize, call: &Arc<Call>) -> i32 {
        let id = CString::new(id).unwrap();
        // SAFETY: the id lives during the call, the data for ever.
        unsafe {
            (abi().history)(
                self.handle(),
                id.as_ptr(),
                before,
                count,
                Some(on_messages),
                Some(on_error),
                call.data(),
            )
        }
    }

    /// All history, the newest first (up to 1,000).
    #[track_caller]
    pub fn history(&self, id: &str) -> Vec<Message> {
        let call = self.call();
        assert_eq!(self.begin_history(id, 0, 1000, &call), abi::OK);
        match call.wait() {
            Outcome::Messages(list) => list,
            other => panic!("history of {id} gave {other:?}"),
        }
    }

    /// The texts of the history, the oldest first.
    #[track_caller]
    pub fn texts(&self, id: &str) -> Vec<String> {
        let mut texts: Vec<_> = self
            .history(id)
            .into_iter()
            .map(|message| message.text)
            .collect();
        texts.reverse();
        texts
    }

    pub fn begin_save(&self, id: &str, messages: &[(u64, &str, &str)], call: &Arc<Call>) -> i32 {
        save(self.handle, id, messages, call)
    }

    #[track_caller]
    pub fn save(&self, id: &str, messages: &[(u64, &str, &str)]) {
        let call = self.call();
        assert_eq!(self.begin_save(id, messages, &call), abi::OK);
        assert_eq!(call.wait(), Outcome::Success);
    }

    /// Saves one message for each text, positions from 1 up, from the other side.
    #[track_caller]
    pub fn save_texts(&self, id: &str, texts: &[&str]) {
        let messages: Vec<_> = texts
            .iter()
            .enumerate()
            .map(|(index, text)| (index as u64 + 1, "bob", *text))
            .collect();
        self.save(id, &messages);
    }

    pub fn begin_pull(&self, call: &Arc<Call>) -> i32 {
        // SAFETY: the data lives for ever.
        unsafe { (abi().pull)(self.handle(), Some(on_success), Some(on_error), call.data()) }
    }

    #[track_caller]
    pub fn pull(&self) -> Outcome {
        let call = self.call();
        assert_eq!(self.begin_pull(&call), abi::OK);
        call.wait()
    }

    #[track_caller]
    pub fn pulled(&self) {
        assert_eq!(self.pull(), Outcome::Success, "pulling");
    }

    pub fn begin_verify(&self, id: &str, texts: &[&str], call: &Arc<Call>) -> i32 {
        let id = CString::new(id).unwrap();
        let texts: Vec<_> = texts
            .iter()
            .map(|text| CString::new(*text).unwrap())
            .collect();
        let pointers: Vec<_> = texts.iter().map(|text| text.as_ptr()).collect();
        // SAFETY: the strings live during the call, the data for ever.
        unsafe {
            (abi().verify)(
                self.handle(),
                id.as_ptr(),
                pointers.as_ptr(),
                pointers.len(),
                Some(on_verification),
                Some(on_error),
                call.data(),
            )
        }
    }

    #[track_caller]
    pub fn verify(&self, id: &str, texts: &[&str]) -> Verification {
        let call = self.call();
        assert_eq!(self.begin_verify(id, texts, &call), abi::OK);
        match call.wait() {
            Outcome::Verification(found) => found,
            other => panic!("verifying gave {other:?}"),
        }
    }

    pub fn total_unread(&self) -> u64 {
        let mut total = u64::MAX;
        // SAFETY: a valid pointer.
        let code = unsafe { (abi().total_unread)(self.handle(), &raw mut total) };
        assert_eq!(code, abi::OK);
        total
    }

    pub fn sign_in(&self, user_sig: &str) -> i32 {
        let user_sig = CString::new(user_sig).unwrap();
        // SAFETY: a string that lives during the call.
        unsafe { (abi().sign_in)(self.handle(), user_sig.as_ptr()) }
    }

    pub fn receipt(&self, deletion: DeletionId) -> Result<RawReceipt, i32> {
        let mut receipt = RawReceipt {
            struct_size: size_of::<RawReceipt>() as u32,
            ..RawReceipt::default()
        };
        // SAFETY: valid pointers.
        match unsafe { (abi().receipt)(self.handle(), &raw const deletion, &raw mut receipt) } {
            abi::OK => Ok(receipt),
            code => Err(code),
        }
    }

    pub fn poll(&self) -> i32 {
        // SAFETY: takes a handle, whatever it is.
        unsafe { (abi().poll)(self.handle()) }
    }

    pub fn close_async(&self, call: &Arc<Call>) -> i32 {
        self.open.store(false, Ordering::SeqCst);
        // SAFETY: the data lives for ever.
        unsafe { (abi().close_async)(self.handle(), Some(on_success), call.data()) }
    }

    pub fn close(&self) -> i32 {
        self.open.store(false, Ordering::SeqCst);
        close(self.handle)
    }

    /// All that the app can see: for "untouched".
    #[track_caller]
    pub fn everything(&self) -> BTreeMap<String, (Conversation, Vec<Message>)> {
        self.list()
            .into_iter()
            .map(|line| {
                let history = self.history(&line.id);
                (line.id.clone(), (line, history))
            })
            .collect()
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        if self.open.load(Ordering::SeqCst) {
            close(self.handle);
        }
        if !std::thread::panicking() {
            assert!(!self.overlapped(), "callbacks of one client overlapped");
        }
    }
}

/// Closes what a handle names.
pub fn close(handle: usize) -> i32 {
    // SAFETY: takes any handle.
    unsafe { (abi().close)(handle as Handle) }
}

/// Saves, by handle.
pub fn save(handle: usize, id: &str, messages: &[(u64, &str, &str)], call: &Arc<Call>) -> i32 {
    let id = CString::new(id).unwrap();
    let texts: Vec<_> = messages
        .iter()
        .map(|(_, sender, body)| (CString::new(*sender).unwrap(), CString::new(*body).unwrap()))
        .collect();
    let raw: Vec<_> = messages
        .iter()
        .zip(&texts)
        .map(|((position, ..), (sender, body))| RawNewMessage {
            struct_size: size_of::<RawNewMessage>() as u32,
            reserved: 0,
            position: *position,
            time: 1_700_000_000 + position,
            sender: sender.as_ptr(),
            body: body.as_ptr(),
        })
        .collect();
    // SAFETY: the array and its strings live during the call, the data for ever.
    unsafe {
        (abi().save)(
            handle as Handle,
            id.as_ptr(),
            raw.as_ptr(),
            raw.len(),
            Some(on_success),
            Some(on_error),
            call.data(),
        )
    }
}

/// Deletes, by handle.
pub fn delete(handle: usize, id: &str, call: &Arc<Call>) -> i32 {
    let id = CString::new(id).unwrap();
    // SAFETY: the id lives during the call, the data for ever.
    unsafe {
        (abi().delete)(
            handle as Handle,
            id.as_ptr(),
            Some(on_success),
            Some(on_error),
            call.data(),
        )
    }
}
