//! A client on a disk that may fail: calls one after the other, beside a model of what they may
//! have done.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::abi::{self, DeletionId};
use super::call::{Call, Outcome};
use super::client::Client;
use super::listener::UNDOABLE;
use super::operation::{Answer, Operation, text_of};
use super::options::Options;
use super::shelf::{CutOff, Shelf};
use super::slate::Slate;

/// What may be said of a disk that failed, by anything. A read that the disk refuses is damage in
/// SQLite's eyes.
const DISK: [i32; 3] = [abi::STORE_IO, abi::STORE_FAILED, abi::STORE_DAMAGED];
/// Longest time for one call: nothing here waits for a network.
const LONGEST: Duration = Duration::from_secs(10);

/// The client and the model.
#[derive(Default)]
pub struct Trial {
    pub shelves: BTreeMap<String, Shelf>,
    drafts: BTreeMap<String, Slate<String>>,
    client: Option<Client>,
    calls: Vec<(String, Arc<Call>)>,
    ids: Vec<Option<DeletionId>>,
    /// Deletions that can be undone: the call, the conversation, the cut-off.
    open: Vec<(Arc<Call>, String, CutOff)>,
    /// Every error that was told: what was asked, the code, the text.
    pub errors: Vec<(String, i32, String)>,
}

impl Trial {
    /// With what is in the store already.
    pub fn of(shelves: BTreeMap<String, Shelf>) -> Self {
        Self {
            shelves,
            ..Self::default()
        }
    }

    /// Opens; `false` when the disk did not let it.
    pub fn open(&mut self, options: &Options) -> bool {
        match options.try_open() {
            Ok(client) => self.client = Some(client),
            Err((code, text)) => {
                assert!(
                    DISK.contains(&code) || code == abi::STORE_PATH,
                    "open: {code} {text}"
                );
                self.errors.push(("open".to_owned(), code, text));
            }
        }
        self.client.is_some()
    }

    /// One call and its outcome, which goes into the model. One that can be undone is left open.
    pub fn run(&mut self, operation: Operation) {
        let Some(client) = &self.client else { return };
        let number = self.ids.len() as u64 + 1;
        let mut cut_offs = Vec::new();
        match &operation {
            Operation::Save {
                conversation,
                first,
                last,
            } => {
                let shelf = self.shelves.entry(conversation.clone()).or_default();
                shelf.save_asked(*first..=*last);
            }
            Operation::Draft { conversation, text } => {
                let draft = self.drafts.entry(conversation.clone()).or_default();
                draft.asked(number, text.clone());
            }
            other => {
                for conversation in other.deletes() {
                    let shelf = self.shelves.entry(conversation.clone()).or_default();
                    cut_offs.push(shelf.cut_off());
                    if other.terms().erases() {
                        shelf.delete_asked(shelf.cut_off());
                    }
                    if !other.terms().clear_history {
                        let draft = self.drafts.entry(conversation.clone()).or_default();
                        draft.asked(number, String::new());
                    }
                }
            }
        }
        let call = client.call();
        let id = operation.begin(client, &self.ids, &call);
        self.ids.push(id);
        self.calls.push((format!("{operation:?}"), call.clone()));
        if operation.terms().undo_ms > 0 {
            // It is written down, or has failed, when this is answered.
            let then = client.call();
            assert_eq!(client.begin_list(&then), abi::OK);
            then.event_within(LONGEST).expect("listing hangs");
            let conversation = operation.deletes()[0].clone();
            self.open.push((call, conversation, cut_offs.remove(0)));
        } else {
            let outcome = call.event_within(LONGEST);
            let outcome = outcome.unwrap_or_else(|| panic!("{operation:?} hangs"));
            let answer = operation.answer(&outcome.outcome);
            self.answered(&operation, &answer, &cut_offs, number);
        }
        self.hear_of_open();
    }

    /// The deletions that can be undone, as far as they have their outcome.
    fn hear_of_open(&mut self) {
        self.open.retain(|(call, conversation, cut_off)| {
            let Some(told) = call.events().first().cloned() else {
                return true;
            };
            let shelf = self.shelves.get_mut(conversation).unwrap();
            match told.outcome.code() {
                // The device's disk has failed it later, or it goes on at the next open.
                abi::OUTCOME_UNKNOWN | abi::PENDING => {}
                abi::CANCELLED => shelf.delete_failed(cut_off),
                code => {
                    assert!(DISK.contains(&code), "{conversation}: {told:?}");
                    shelf.delete_failed(cut_off);
                }
            }
            false
        });
    }

    fn answered(
        &mut self,
        operation: &Operation,
        answer: &Answer,
        cut_offs: &[CutOff],
        number: u64,
    ) {
        let codes = &answer.codes;
        for code in codes.iter().filter(|code| **code != abi::OK) {
            let told = (format!("{operation:?}"), *code, answer.text.clone());
            self.errors.push(told);
        }
        let honest = |code: i32| assert!(DISK.contains(&code), "{operation:?}: {answer:?}");
        match operation {
            Operation::Save {
                conversation,
                first,
                last,
            } => {
                let shelf = self.shelves.get_mut(conversation).unwrap();
                shelf.save_answered(&(*first..=*last), *codes == [abi::OK]);
            }
            Operation::Draft { conversation, .. } if *codes == [abi::OK] => {
                self.drafts.get_mut(conversation).unwrap().written(number);
            }
            Operation::Delete { .. } | Operation::DeleteAs { .. } | Operation::DeleteAll { .. } => {
                for (index, conversation) in operation.deletes().iter().enumerate() {
                    let shelf = self.shelves.get_mut(conversation).unwrap();
                    let erases = operation.terms().erases();
                    match codes[index.min(codes.len() - 1)] {
                        abi::OK if erases => shelf.delete_succeeded(&cut_offs[index]),
                        abi::OK | abi::OUTCOME_UNKNOWN => {}
                        code => {
                            honest(code);
                            if erases {
                                shelf.delete_failed(&cut_offs[index]);
                            }
                        }
                    }
                    if let (abi::OK, false) = (codes[0], operation.terms().clear_history) {
                        self.drafts.get_mut(conversation).unwrap().written(number);
                    }
                }
                return;
            }
            // Of a deletion that could not begin there is nothing to undo.
            Operation::Manage { .. } if *codes == [abi::NOT_FOUND] => {
                assert!(!self.errors.is_empty());
                return;
            }
            Operation::History { conversation } if *codes == [abi::OK] => {
                let shelf = self.shelves.entry(conversation.clone()).or_default();
                let read: BTreeSet<u64> = answer.read.iter().copied().collect();
                assert!(
                    shelf.certain().is_subset(&read),
                    "{conversation}: {read:?} {shelf:?}"
                );
                let gone = shelf.gone_through();
                assert!(
                    read.iter().all(|at| *at > gone),
                    "{conversation}: {read:?} {shelf:?}"
                );
            }
            _ => {}
        }
        codes
            .iter()
            .filter(|code| **code != 0)
            .for_each(|code| honest(*code));
    }

    /// Closes; every call has had one callback by then, and gets no other.
    pub fn close(&mut self) {
        let Some(client) = self.client.take() else {
            return;
        };
        let start = Instant::now();
        assert_eq!(client.close(), abi::OK);
        assert!(start.elapsed() < LONGEST, "close hangs");
        for (name, call) in self.calls.drain(..) {
            assert_eq!(call.events().len(), 1, "{name}");
        }
        self.hear_of_open();
    }

    /// With a disk that is well again: it opens, holds what it must and nothing else, and works.
    pub fn is_sound(&mut self, folder: &Path, options: &Options) {
        super::life::passes_integrity_check(folder);
        let client = options
            .try_open()
            .unwrap_or_else(|(code, text)| panic!("it does not open again: {code} {text}"));
        // What the disk did not let anybody undo is still there to be undone.
        for pending in client.pending() {
            if pending.state == UNDOABLE {
                assert!(!self.errors.is_empty(), "{pending:?}");
                assert_eq!(client.undo(pending.deletion), Outcome::Success);
            }
        }
        let drafts: BTreeMap<String, String> = client
            .list()
            .into_iter()
            .map(|line| (line.id, line.draft))
            .collect();
        for (conversation, draft) in &mut self.drafts {
            let found = drafts.get(conversation).cloned().unwrap_or_default();
            if let Err(wrong) = draft.settle(found) {
                panic!("{conversation}: {wrong}; told: {:?}", self.errors);
            }
        }
        for (conversation, shelf) in &mut self.shelves {
            let found: BTreeSet<u64> = client
                .history(conversation)
                .into_iter()
                .map(|message| {
                    assert_eq!(message.text, text_of(conversation, message.position));
                    message.position
                })
                .collect();
            if let Err(wrong) = shelf.settle(&found) {
                panic!("{conversation}: {wrong}; told: {:?}", self.errors);
            }
            let gone = shelf.gone_through();
            if gone > 0 {
                let texts: Vec<String> = (1..=gone).map(|at| text_of(conversation, at)).collect();
                let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
                let look = client.verify(conversation, &texts);
                assert_eq!(
                    (look.found, look.readable_records),
                    (0, 0),
                    "{conversation}"
                );
            }
        }
        for (conversation, shelf) in &self.shelves {
            let next = shelf.head() + 1;
            client.save(conversation, &[(next, "bob", &text_of(conversation, next))]);
            assert_eq!(
                client.delete(conversation),
                Outcome::Success,
                "{conversation}"
            );
            assert!(client.history(conversation).is_empty(), "{conversation}");
        }
        assert!(client.ids().is_empty());
        assert_eq!(client.close(), abi::OK);
    }
}
