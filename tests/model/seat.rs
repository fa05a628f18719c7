//! A device and its model, side by side.

use std::sync::Arc;

use tempfile::TempDir;

use crate::support::abi::DeletionId;
use crate::support::listener::{ASKING, UNDOABLE, WAITING};
use crate::support::{
    Call, Client, DeleteOptions, Listener, Options, Outcome, abi, eventually, folder,
};

use super::device::{Device, Pending, State};
use super::operation::{CONVERSATIONS, Policy, Scope, Terms, Undo};
use super::shown::Shown;

/// No test lasts so long.
const LONG: u32 = 3_600_000;
const SHORT: u32 = 5;

/// A copy of a folder.
pub struct Copy {
    folder: TempDir,
    model: Device,
}

pub struct Seat {
    pub model: Device,
    pub shown: Shown,
    pub copy: Option<Copy>,
    /// All deletions that it ever made, the oldest first.
    pub made: Vec<DeletionId>,
    /// Calls whose outcome is to come.
    calls: Vec<(DeletionId, Arc<Call>)>,
    options: Options,
    listener: Arc<Listener>,
    client: Option<Client>,
    folder: TempDir,
}

impl Seat {
    /// A device that is not open yet. `options` are given its folder.
    pub fn new(options: impl FnOnce(&TempDir) -> Options) -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self {
            model: Device::default(),
            shown: Shown::default(),
            copy: None,
            made: Vec::new(),
            calls: Vec::new(),
            options: options(&folder),
            listener: Listener::new(),
            client: None,
            folder,
        }
    }

    /// The client, where it is open.
    pub fn client(&self) -> Option<&Client> {
        self.client.as_ref()
    }

    pub fn open(&mut self) {
        self.listener = Listener::new();
        let options = Options {
            listener: Some(self.listener.clone()),
            ..self.options.clone()
        };
        let client = options.open();
        self.shown.begin(&client, &self.listener);
        self.client = Some(client);
    }

    /// DUR-2: calls that are open at close are pending.
    pub fn close(&mut self) {
        let Some(client) = self.client.take() else {
            return;
        };
        assert_eq!(client.close(), abi::OK);
        for (id, call) in self.calls.drain(..) {
            assert_eq!(call.wait().code(), abi::PENDING, "{id:?} at close");
        }
        assert_eq!(self.listener.destroyed(), 1);
    }

    pub fn take_copy(&mut self) {
        let was_open = self.client.is_some();
        self.close();
        let copy = tempfile::tempdir().unwrap();
        folder::copy(self.folder.path(), copy.path());
        self.copy = Some(Copy {
            folder: copy,
            model: self.model.clone(),
        });
        if was_open {
            self.open();
        }
    }

    /// `false` when there is none that could be put back.
    pub fn restore(&mut self) -> bool {
        if self.copy.is_none() {
            return false;
        }
        self.close();
        let Some(copy) = &self.copy else { return false };
        for file in std::fs::read_dir(self.folder.path()).unwrap() {
            std::fs::remove_file(file.unwrap().path()).unwrap();
        }
        folder::copy(copy.folder.path(), self.folder.path());
        self.model = copy.model.clone();
        self.shown.forget();
        self.open();
        true
    }

    /// Makes the call.
    pub fn begin(&mut self, conversation: &str, terms: Terms) -> (DeletionId, Arc<Call>) {
        let client = self.client.as_ref().unwrap();
        let call = client.call();
        let options = DeleteOptions {
            timeout_ms: 0,
            policy: match terms.policy {
                Policy::Fail => abi::FAIL,
                Policy::Queue => abi::QUEUE,
                Policy::LocalOnly => abi::POLICY_LOCAL_ONLY,
            },
            keep_history: terms.scope == Scope::ListEntry,
            undo_ms: match terms.undo {
                Undo::None => 0,
                Undo::Short => SHORT,
                Undo::Long => LONG,
            },
        };
        let (code, id) = match terms.scope {
            Scope::History => client.begin_clear_history(conversation, options, &call),
            _ => client.begin_delete_as(conversation, options, &call),
        };
        assert_eq!(code, abi::OK, "deleting is accepted");
        self.made.push(id);
        (id, call)
    }

    /// Whether a deletion is pending by itself, and not as a part of another.
    pub fn is_pending(&self, id: DeletionId) -> bool {
        let pending = self.client.as_ref().unwrap().pending();
        pending.iter().any(|one| one.deletion == id)
    }

    /// An outcome that is to come later.
    pub fn expect(&mut self, id: DeletionId, call: Arc<Call>) {
        self.calls.push((id, call));
    }

    /// CALL-3: the calls that wait for a deletion end with this code, and only once.
    pub fn answered(&mut self, pending: &Pending, code: i32) {
        self.calls.retain(|(id, call)| {
            let its = pending.is(*id);
            if its {
                assert_eq!(call.wait().code(), code, "{pending:?}");
                eventually("the destructor ran", || call.destroyed() == 1);
                assert_eq!(call.events().len(), 1, "{pending:?}");
            }
            !its
        });
    }

    /// Has everything that waits asked for, until nothing waits.
    pub fn settled(&self) {
        let client = self.client.as_ref().unwrap();
        eventually("nothing waits", || {
            let waits = client.pending().iter().any(|one| one.state != UNDOABLE);
            if waits {
                assert_eq!(client.network_changed(true), abi::OK);
            }
            !waits
        });
    }

    /// Compares what the device shows with what it should.
    pub fn check(&mut self) {
        let Some(client) = self.client.as_ref() else {
            return;
        };
        let list = self.shown.follow(client, &self.listener);
        let rank = |line: &crate::support::Conversation| {
            let time = line.last.as_ref().map_or(0, |last| last.time);
            (line.pinned, time)
        };
        for pair in list.windows(2) {
            let ranks = (rank(&pair[0]), rank(&pair[1]));
            let in_order = ranks.0 > ranks.1 || ranks.0 == ranks.1 && pair[0].id < pair[1].id;
            assert!(in_order, "the order of the list: {list:#?}");
        }
        for id in CONVERSATIONS {
            let line = list.iter().find(|line| line.id == id);
            let shown = line.map(|line| super::device::Line {
                messages: line.messages,
                unread: line.unread,
                last: line.last.as_ref().map(|last| last.text.clone()),
                pinned: line.pinned,
                draft: line.draft.clone(),
                marks: line.marks,
            });
            assert_eq!(shown, self.model.line(id), "{id} in the list");
            if let Some(line) = line.filter(|line| line.messages > 0) {
                let title = if id.starts_with("group_") {
                    "The Club"
                } else {
                    ""
                };
                assert_eq!(line.title, title, "{id}");
            }
            let mut history: Vec<_> = client
                .history(id)
                .into_iter()
                .map(|message| (message.position, message.sender, message.text))
                .collect();
            history.reverse();
            let should: Vec<_> = self
                .model
                .history(id)
                .into_iter()
                .map(|(position, message)| (position, message.sender, message.text))
                .collect();
            assert_eq!(history, should, "the history of {id}");
        }
        assert_eq!(client.total_unread(), self.model.unread(), "total unread");
        self.check_pending(client);
        for (id, call) in &self.calls {
            let events = call.events();
            assert!(events.is_empty(), "{id:?} is open, and had {events:?}");
        }
    }

    fn check_pending(&self, client: &Client) {
        let pending = client.pending();
        assert_eq!(
            pending.len(),
            self.model.pending.len(),
            "pending: {pending:#?}, and should be {:#?}",
            self.model.pending
        );
        for should in &self.model.pending {
            let one = pending.iter().find(|one| one.deletion == should.id);
            let one = one.unwrap_or_else(|| panic!("{should:?} is not in {pending:?}"));
            let states: &[u32] = match should.state {
                State::Undoable => &[UNDOABLE],
                State::Waiting => &[ASKING, WAITING],
            };
            assert!(states.contains(&one.state), "{one:?}, {should:?}");
            assert_eq!(one.id, should.conversation, "{should:?}");
            let floor = self.model.get(&one.id).floor;
            assert_eq!(
                one.cut_off.max(floor),
                should.cut_off.unwrap_or(0).max(floor),
                "{should:?}"
            );
            if should.cut_off.is_some() {
                assert_eq!(one.erased, should.erased, "{should:?}");
            }
        }
    }

    /// ERA-2: nothing of what was deleted can be found.
    pub fn verify(&self, id: &str) {
        let Some(client) = self.client.as_ref() else {
            return;
        };
        let of = self.model.gone.iter().filter(|(of, _)| of == id);
        let texts: Vec<&str> = of.map(|(_, text)| text.as_str()).collect();
        let found = client.verify(id, &texts);
        assert_eq!(found.searched, texts.len() as u64, "{id}: {found:?}");
        assert_eq!(
            (found.found, found.readable_records),
            (0, 0),
            "{id}: {found:?}"
        );
    }

    pub fn manage(&self, function: abi::Manage, id: DeletionId) -> Outcome {
        self.client.as_ref().unwrap().manage(function, id)
    }
}
