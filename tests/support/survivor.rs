//! A device whose process is killed again and again, beside a model of what it may hold.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::PathBuf;

use tempfile::TempDir;

use super::deed::Deed;
use super::life::{End, Script, Word};
use super::listener::{CANCELLED, FAILED};
use super::operation::{Answer, Manage, Operation, Target, text_of};
use super::random::Random;
use super::shelf::Shelf;
use super::slate::Slate;
use super::{Server, abi};

/// Conversations that the host brings.
pub const OWN: [&str; 6] = [
    "c2c_ann",
    "c2c_ben",
    "c2c_cleo",
    "group_dogs",
    "group_elms",
    "c2c_fay",
];
/// Conversations with these peers come from the server.
pub const PEERS: [&str; 3] = ["xenia", "yves", "zoe"];
const SIGABRT: i32 = 6;
const SIGKILL: i32 = 9;

/// A device: its folder, what must be in it, and where it gets its messages from.
pub struct Survivor {
    pub test: &'static str,
    pub(super) folder: TempDir,
    pub(super) server: Option<(Server, String)>,
    pub(super) shelves: BTreeMap<String, Shelf>,
    pub(super) drafts: BTreeMap<String, Slate<String>>,
    pub(super) pins: BTreeMap<String, Slate<bool>>,
    /// Conversations that may have left the list with their history.
    pub(super) unlisted: BTreeSet<String>,
    /// Up to where a conversation of the server may be deleted on this device only.
    pub(super) here_only: HashMap<String, u64>,
    /// Deletions whose outcome is not certain.
    pub(super) deeds: Vec<Deed>,
    /// Those that were done since the last look. One that the kill after it kept from being
    /// forgotten is asked for again.
    pub(super) done: Vec<Deed>,
    /// How often the end of each conversation was heard of.
    heard: HashMap<String, u64>,
    /// In which life that of each deletion was heard of last.
    heard_in: HashMap<[u8; 16], u64>,
    /// Lives that were killed.
    killed_in: HashSet<u64>,
    /// Pulled conversations that came into the list since they left it.
    back: HashSet<String>,
    /// What was heard in the look at hand already.
    pub(super) skip: usize,
    /// Calls, and lives, so far.
    pub(super) calls: u64,
    pub(super) lives: u64,
    /// There is no server for the life at hand.
    pub(super) away: bool,
    pub random: Random,
    pub killed: u64,
}

/// What a life under way has asked, by the number of the operation.
#[derive(Default)]
struct Asked {
    calls: HashMap<usize, u64>,
    certain: HashMap<usize, (BTreeSet<u64>, u64)>,
    ids: HashMap<usize, [u8; 16]>,
}

impl Survivor {
    pub fn new(test: &'static str, server: Option<Server>, random: Random) -> Self {
        let mut names: Vec<String> = OWN.iter().map(|name| (*name).to_owned()).collect();
        let server = server.map(|server| {
            let mut accounts = vec!["alice"];
            accounts.extend(PEERS);
            server.accounts(&accounts);
            names.extend(PEERS.map(|peer| format!("c2c_{peer}")));
            let sig = server.user_sig("alice");
            (server, sig)
        });
        let shelves = names.into_iter().map(|name| (name, Shelf::default()));
        Self {
            test,
            folder: super::folder::in_memory(),
            server,
            shelves: shelves.collect(),
            drafts: BTreeMap::new(),
            pins: BTreeMap::new(),
            unlisted: BTreeSet::new(),
            here_only: HashMap::new(),
            deeds: Vec::new(),
            done: Vec::new(),
            skip: 0,
            heard: HashMap::new(),
            heard_in: HashMap::new(),
            killed_in: HashSet::new(),
            back: HashSet::new(),
            calls: 0,
            lives: 0,
            away: false,
            random,
            killed: 0,
        }
    }

    pub fn path(&self) -> PathBuf {
        self.folder.path().to_owned()
    }

    /// The highest position that a conversation ever had.
    pub fn head(&self, conversation: &str) -> u64 {
        self.shelves[conversation].head()
    }

    pub(super) fn is_pulled(conversation: &str) -> bool {
        PEERS.iter().any(|peer| conversation.ends_with(peer))
    }

    /// Peers write while the device is away.
    pub fn peers_write(&mut self) {
        let Some((server, _)) = &self.server else {
            return;
        };
        for peer in PEERS {
            let conversation = format!("c2c_{peer}");
            let shelf = self.shelves.get_mut(&conversation).unwrap();
            let more = self.random.within(0..=4);
            for position in shelf.head() + 1..=shelf.head() + more {
                server.send(peer, "alice", &text_of(&conversation, position));
            }
            shelf.may_grow_to(shelf.head() + more);
        }
    }

    /// The server goes away until the next look.
    pub fn server_goes(&mut self) {
        if let Some((server, _)) = &mut self.server {
            server.kill();
            self.away = true;
        }
    }

    /// One life with these operations, and the look after it. `how` begins it and hears its end.
    pub fn live(&mut self, script: &Script, how: impl FnOnce(&mut Random) -> End) {
        let end = how(&mut self.random);
        self.lives += 1;
        if end.signal.is_some() {
            self.killed_in.insert(self.lives);
            self.killed += 1;
        }
        self.replay(script, &end);
        self.look();
    }

    /// A life with these operations, one after the other.
    pub fn script_of(&self, operations: Vec<Operation>) -> Script {
        let server = self.server.as_ref();
        Script {
            folder: self.path(),
            server: server.map(|(server, sig)| (server.url().to_owned(), sig.clone())),
            operations,
            window: 1,
            patient: true,
        }
    }

    /// What the life has said goes into the model.
    fn replay(&mut self, script: &Script, end: &End) {
        if std::env::var_os("ADIEU_STORY").is_some() {
            let away = if self.away { ", without a server" } else { "" };
            eprintln!("life {}, signal {:?}{away}", self.lives, end.signal);
            for word in &end.heard {
                match word {
                    Word::Ask(number) => eprintln!(
                        "ask {number} (call {}) {:?}",
                        self.calls + 1 + *number as u64,
                        script.operations[*number]
                    ),
                    other => eprintln!("{other:?}"),
                }
            }
        }
        let as_wished = match end.signal {
            None => matches!(end.heard.last(), Some(Word::Closed)),
            Some(signal) => signal == SIGKILL || signal == SIGABRT,
        };
        assert!(
            as_wished,
            "signal {:?}, last word {:?}: {}",
            end.signal,
            end.heard.last(),
            end.errors
        );
        let mut asked = Asked::default();
        for word in &end.heard {
            match word {
                Word::Opened | Word::Closed => {}
                Word::Ask(number) => self.asked(*number, &script.operations[*number], &mut asked),
                Word::Accepted(number, id) => {
                    asked.ids.extend(id.map(|id| (*number, id)));
                    for deed in self.deeds_of(asked.calls[number]) {
                        (deed.accepted, deed.id) = (true, *id);
                    }
                }
                Word::Answer(number, answer) => {
                    let operation = &script.operations[*number];
                    self.answered(*number, operation, answer, &mut asked);
                }
                Word::Gone(conversation, id) => self.heard_gone(conversation, *id),
                Word::New(conversation) => self.heard_new(conversation),
                Word::Stands(id, state) => self.heard_standing(*id, *state),
            }
        }
        if self.away {
            self.deeds.iter_mut().for_each(Deed::server_was_away);
        }
    }

    fn deeds_of(&mut self, call: u64) -> impl Iterator<Item = &mut Deed> {
        self.deeds
            .iter_mut()
            .filter(move |deed| deed.number == call)
    }

    fn asked(&mut self, number: usize, operation: &Operation, asked: &mut Asked) {
        self.calls += 1;
        let call = self.calls;
        asked.calls.insert(number, call);
        match operation {
            Operation::Save {
                conversation,
                first,
                last,
            } => self.shelf(conversation).save_asked(*first..=*last),
            Operation::History { conversation } => {
                let shelf = self.shelf(conversation);
                let before = (shelf.certain(), shelf.gone_through());
                asked.certain.insert(number, before);
            }
            Operation::Draft { conversation, text } => {
                let draft = self.drafts.entry(conversation.clone()).or_default();
                draft.asked(call, text.clone());
            }
            Operation::Pin {
                conversation,
                pinned,
            } => {
                let pin = self.pins.entry(conversation.clone()).or_default();
                pin.asked(call, *pinned);
            }
            Operation::Manage { what, of } => self.taking_back(*what, of, &asked.ids, true),
            other => {
                for conversation in other.deletes() {
                    self.delete_asked(conversation, other, call);
                }
            }
        }
    }

    fn delete_asked(&mut self, conversation: &str, operation: &Operation, call: u64) {
        let terms = operation.terms();
        let shelf = self.shelves.get_mut(conversation).unwrap();
        let cut_off = shelf.cut_off();
        let something = shelf.certain().range(..=cut_off.start()).next().is_some();
        let heard = self.heard.get(conversation).copied().unwrap_or(0);
        let listed = !self.unlisted.contains(conversation);
        if terms.policy == abi::POLICY_LOCAL_ONLY {
            let through = self.here_only.entry(conversation.to_owned()).or_default();
            *through = shelf.head().max(*through);
        }
        if terms.clear_history {
            // What it clears, and keeps in the list, is not there any more for those before it.
            let mut before = self.deeds.iter_mut();
            while let Some(deed) = before.find(|deed| deed.conversation == conversation) {
                deed.shown = None;
            }
        }
        if terms.erases() {
            shelf.delete_asked(cut_off.clone());
        } else {
            self.unlisted.insert(conversation.to_owned());
        }
        if !terms.clear_history {
            let draft = self.drafts.entry(conversation.to_owned()).or_default();
            draft.asked(call, String::new());
            let pin = self.pins.entry(conversation.to_owned()).or_default();
            pin.asked(call, false);
        }
        self.deeds.push(Deed {
            number: call,
            conversation: conversation.to_owned(),
            terms,
            cut_off,
            id: None,
            accepted: false,
            either: false,
            // One that is queued when its window ends may be erased without a word when a kill
            // comes right then.
            shown: (something
                && listed
                && !terms.clear_history
                && (terms.undo_ms == 0 || terms.policy != abi::QUEUE))
                .then_some(heard),
        });
    }

    fn answered(
        &mut self,
        number: usize,
        operation: &Operation,
        answer: &Answer,
        asked: &mut Asked,
    ) {
        let call = asked.calls[&number];
        let is_fine = |answer: &Answer| {
            assert_eq!(answer.codes, [abi::OK], "{operation:?}: {}", answer.text);
        };
        match operation {
            Operation::Save {
                conversation,
                first,
                last,
            } => {
                is_fine(answer);
                self.shelf(conversation)
                    .save_answered(&(*first..=*last), true);
            }
            Operation::History { conversation } => {
                is_fine(answer);
                let (certain, gone) = asked.certain.remove(&number).unwrap();
                let still = self.shelf(conversation).certain();
                let read: BTreeSet<u64> = answer.read.iter().copied().collect();
                let veiled = self.deeds.iter().any(|deed| {
                    deed.conversation == *conversation
                        && deed.terms.keep_history
                        && deed.terms.undo_ms > 0
                });
                let missing: Vec<_> = certain
                    .intersection(&still)
                    .filter(|at| !veiled && !read.contains(at))
                    .collect();
                assert!(missing.is_empty(), "{conversation} lacks {missing:?}");
                let back: Vec<_> = read.iter().filter(|at| **at <= gone).collect();
                assert!(back.is_empty(), "{conversation} gives {back:?} again");
            }
            Operation::Pull => {
                if answer.codes == [abi::OK] {
                    let pulled = |name: &String| Self::is_pulled(name);
                    let shelves = self.shelves.iter_mut();
                    for (_, shelf) in shelves.filter(|(name, _)| pulled(name)) {
                        shelf.all_is_known();
                    }
                } else {
                    let closed = answer.codes == [abi::CLOSED];
                    assert!(closed || self.away, "pull: {answer:?}");
                }
            }
            Operation::List => is_fine(answer),
            Operation::Draft { conversation, .. } => {
                is_fine(answer);
                if !self
                    .deeds
                    .iter()
                    .any(|deed| deed.conversation == *conversation)
                {
                    self.drafts.get_mut(conversation).unwrap().written(call);
                }
            }
            Operation::Pin { conversation, .. } => {
                is_fine(answer);
                if !self
                    .deeds
                    .iter()
                    .any(|deed| deed.conversation == *conversation)
                {
                    self.pins.get_mut(conversation).unwrap().written(call);
                }
            }
            Operation::Manage { what, of } => match answer.codes[0] {
                abi::OK => self.taking_back(*what, of, &asked.ids, false),
                abi::NOT_FOUND | abi::TOO_LATE | abi::INVALID_PARAMETER => {}
                code => panic!("{operation:?} gave {code}: {}", answer.text),
            },
            Operation::Delete { .. } | Operation::DeleteAs { .. } | Operation::DeleteAll { .. } => {
                for (index, conversation) in operation.deletes().iter().enumerate() {
                    let told =
                        |deed: &Deed| deed.number == call && deed.conversation == *conversation;
                    // One that was taken back is not open any more.
                    if let Some(at) = self.deeds.iter().position(told) {
                        self.delete_answered(at, answer.codes[index], answer);
                    }
                }
            }
        }
    }

    fn delete_answered(&mut self, at: usize, code: i32, answer: &Answer) {
        let deed = &mut self.deeds[at];
        match code {
            abi::OK | abi::LOCAL_ONLY => self.succeeded(at),
            abi::CANCELLED => {
                assert!(deed.either, "nobody took it back: {deed:?}");
                self.failed(at);
            }
            // To be settled at the next open.
            abi::PENDING => deed.accepted = true,
            abi::OUTCOME_UNKNOWN if self.server.is_some() => deed.accepted = true,
            _ if self.away && deed.terms.policy == abi::FAIL => self.failed(at),
            code => panic!("{deed:?} gave {code}: {}", answer.text),
        }
    }

    /// It is certain that a deletion is done.
    pub(super) fn succeeded(&mut self, at: usize) {
        let deed = self.deeds.remove(at);
        self.done.push(deed.clone());
        if deed.terms.erases() {
            self.shelf(&deed.conversation)
                .delete_succeeded(&deed.cut_off);
        }
        if !deed.terms.clear_history {
            self.drafts
                .get_mut(&deed.conversation)
                .unwrap()
                .written(deed.number);
            self.pins
                .get_mut(&deed.conversation)
                .unwrap()
                .written(deed.number);
        }
        let heard = self.heard.get(&deed.conversation).copied().unwrap_or(0);
        if let Some(before) = deed.shown {
            assert!(heard > before, "nobody was told of its end: {deed:?}");
        }
    }

    /// It is certain that nothing came of one.
    pub(super) fn failed(&mut self, at: usize) {
        let deed = self.deeds.remove(at);
        if deed.terms.erases() {
            self.shelf(&deed.conversation).delete_failed(&deed.cut_off);
        }
    }

    /// A deletion is taken back, or may be: with it goes what had joined it.
    fn taking_back(
        &mut self,
        what: Manage,
        of: &Target,
        ids: &HashMap<usize, [u8; 16]>,
        maybe: bool,
    ) {
        if !matches!(what, Manage::Undo | Manage::Cancel) {
            return;
        }
        let id = match of {
            Target::Here(number) => ids.get(number).copied(),
            Target::Earlier(id) => Some(*id),
        };
        let meant = |deed: &Deed| deed.id.is_some() && deed.id == id;
        let Some(at) = self.deeds.iter().position(meant) else {
            return;
        };
        let (conversation, terms) = (self.deeds[at].conversation.clone(), self.deeds[at].terms);
        for deed in &mut self.deeds {
            deed.either |= deed.conversation == conversation
                && deed.terms.keep_history == terms.keep_history
                && deed.terms.clear_history == terms.clear_history;
        }
        if !maybe {
            self.failed(at);
        }
    }

    /// What was pulled meanwhile is in the list again: a deletion whose cut-off the server says may
    /// have to take it out once more.
    pub(super) fn heard_new(&mut self, conversation: &str) {
        if Self::is_pulled(conversation) {
            self.back.insert(conversation.to_owned());
        }
    }

    /// The listener hears of the end of a conversation. It hears of it again only in a later life,
    /// and only when the one that it heard of it in was killed before it could note that.
    pub(super) fn heard_gone(&mut self, conversation: &str, id: [u8; 16]) {
        *self.heard.entry(conversation.to_owned()).or_default() += 1;
        if id == [0; 16] {
            return;
        }
        let life = self.lives;
        let back = self.back.remove(conversation);
        if let Some(before) = self.heard_in.insert(id, life) {
            let allowed = back || before < life && self.killed_in.contains(&before);
            assert!(
                allowed,
                "{conversation}: told in life {before} and in {life} again: {id:02x?}"
            );
        }
    }

    fn heard_standing(&mut self, id: [u8; 16], state: u32) {
        // What has failed without a server says so to its call, or to the listener.
        if matches!(state, CANCELLED | FAILED) {
            let of = |deed: &&mut Deed| deed.id == Some(id);
            self.deeds.iter_mut().filter(of).for_each(|deed| {
                assert!(deed.either || self.away, "{deed:?} stands at {state}");
                deed.either = true;
            });
        }
    }

    pub(super) fn shelf(&mut self, conversation: &str) -> &mut Shelf {
        self.shelves.get_mut(conversation).unwrap()
    }
}

impl Drop for Survivor {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.folder.disable_cleanup(true);
            eprintln!(
                "{}: the store is kept in {:?}",
                self.test,
                self.folder.path()
            );
        }
    }
}
