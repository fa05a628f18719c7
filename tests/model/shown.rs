//! The list as an app has it that only listens.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::support::listener::{HISTORY, Heard, Listener, UNDOABLE};

use crate::support::{Client, Conversation, Outcome, abi};

/// What was heard, put together.
#[derive(Default)]
pub struct Shown {
    list: BTreeMap<String, Conversation>,
    /// How much of what was heard is in it.
    heard: usize,
    /// Deletions whose deleted event came.
    told: BTreeSet<[u8; 16]>,
    /// Who caused what was deleted elsewhere: conversation and cause.
    pub elsewhere: Vec<(String, u32)>,
}

impl Shown {
    /// Begins with the list as it is.
    pub fn begin(&mut self, client: &Client, listener: &Arc<Listener>) {
        self.heard = 0;
        let (list, heard) = list_now(client, listener);
        let before = listener.heard();
        for event in &before[..heard] {
            self.tell_once(event);
        }
        self.list = by_id(&list);
        self.heard = heard;
    }

    /// After a restored copy, the past is told again.
    pub fn forget(&mut self) {
        self.told.clear();
    }

    /// Listens on. DEL-10, DEL-9: what was heard so far is what the list shows. Gives the list.
    pub fn follow(&mut self, client: &Client, listener: &Arc<Listener>) -> Vec<Conversation> {
        let (list, heard) = list_now(client, listener);
        let events = listener.heard();
        for event in &events[self.heard..heard] {
            self.tell_once(event);
            self.apply(event);
        }
        self.heard = heard;
        let listed = by_id(&list);
        assert_eq!(
            self.list,
            listed,
            "what the events told (left) is what the list shows (right); heard: {:#?}",
            &events[heard.saturating_sub(4)..heard]
        );
        list
    }

    fn apply(&mut self, event: &Heard) {
        match event {
            Heard::New(line) => {
                let before = self.list.insert(line.id.clone(), line.clone());
                assert_eq!(before, None, "new, and it was there: {line:?}");
            }
            Heard::Changed(line) => {
                let before = self.list.insert(line.id.clone(), line.clone());
                assert!(before.is_some(), "changed, and it was not there: {line:?}");
            }
            Heard::Deleted {
                id,
                cause,
                deletion,
                scope,
            } => {
                self.list.remove(id);
                if deletion.0 == [0; 16] && *cause != 0 && *scope == 0 {
                    self.elsewhere.push((id.clone(), *cause));
                }
            }
            // Its window hides it, but for one that only its history is within.
            Heard::Pending(pending) if pending.state == UNDOABLE && pending.scope != HISTORY => {
                self.list.remove(&pending.id);
            }
            _ => {}
        }
    }

    /// A deletion has one deleted event.
    fn tell_once(&mut self, event: &Heard) {
        if let Heard::Deleted { deletion, id, .. } = event
            && deletion.0 != [0; 16]
        {
            assert!(self.told.insert(deletion.0), "{id} was told deleted twice");
        }
    }
}

fn by_id(list: &[Conversation]) -> BTreeMap<String, Conversation> {
    let lines = list.iter().map(|line| (line.id.clone(), line.clone()));
    lines.collect()
}

/// The list, and how much had been heard when it was delivered.
fn list_now(client: &Client, listener: &Arc<Listener>) -> (Vec<Conversation>, usize) {
    let heard = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let (counted, ears) = (heard.clone(), listener.clone());
    let call = client.call_with(move |_| {
        counted.store(ears.heard().len(), std::sync::atomic::Ordering::SeqCst);
    });
    assert_eq!(client.begin_list(&call), abi::OK);
    match call.wait() {
        Outcome::Conversations(list) => (list, heard.load(std::sync::atomic::Ordering::SeqCst)),
        other => panic!("listing gave {other:?}"),
    }
}
