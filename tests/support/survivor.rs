//! A device whose process is killed again and again, beside a model of what it may hold.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::json;
use tempfile::TempDir;

use super::life::{self, End, Script, Word};
use super::operation::{Answer, Operation, text_of};
use super::random::Random;
use super::shelf::Shelf;
use super::{Client, Options, Server, abi, child, eventually};

/// Conversations that the host brings.
const OWN: [&str; 6] = [
    "c2c_ann",
    "c2c_ben",
    "c2c_cleo",
    "group_dogs",
    "group_elms",
    "c2c_fay",
];
/// Conversations with these peers come from the server.
const PEERS: [&str; 3] = ["xenia", "yves", "zoe"];
const SIGABRT: i32 = 6;
const SIGKILL: i32 = 9;

/// A device: its folder, what must be in it, and where it gets its messages from.
pub struct Survivor {
    pub test: &'static str,
    folder: TempDir,
    server: Option<(Server, String)>,
    shelves: BTreeMap<String, Shelf>,
    pub random: Random,
    pub killed: u64,
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
        Self {
            test,
            folder: super::folder::in_memory(),
            server,
            shelves: names
                .into_iter()
                .map(|name| (name, Shelf::default()))
                .collect(),
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

    fn is_pulled(conversation: &str) -> bool {
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

    /// Some calls, chosen by chance.
    fn operations(&mut self) -> Vec<Operation> {
        let count = self.random.within(5..=60);
        let names: Vec<String> = self.shelves.keys().cloned().collect();
        let mut heads: HashMap<&str, u64> = OWN
            .iter()
            .map(|name| (*name, self.shelves[*name].head()))
            .collect();
        let mut operations = Vec::new();
        if self.server.is_some() {
            operations.push(Operation::Pull);
        }
        for _ in 0..count {
            let random = &mut self.random;
            let conversation = random.one(&names).clone();
            operations.push(match random.within(0..=99) {
                0..=39 => {
                    let own = *random.one(&OWN);
                    let head = heads.get_mut(own).unwrap();
                    let many = if random.percent(5) { 150 } else { 12 };
                    let first = *head + 1;
                    *head += random.within(1..=many);
                    Operation::Save {
                        conversation: own.to_owned(),
                        first,
                        last: *head,
                    }
                }
                // What was saved or deleted before this life comes once more.
                40..=49 => {
                    let own = *random.one(&OWN);
                    let shelf = &self.shelves[own];
                    let live = shelf.there().iter().copied();
                    let stale = 1..=shelf.gone_through();
                    let old: Vec<u64> = live.chain(stale).collect();
                    if old.is_empty() {
                        continue;
                    }
                    let position = *random.one(&old);
                    Operation::Save {
                        conversation: own.to_owned(),
                        first: position,
                        last: position,
                    }
                }
                50..=74 => Operation::Delete { conversation },
                75..=79 => Operation::DeleteAll {
                    conversations: names
                        .iter()
                        .filter(|_| random.percent(40))
                        .chain([&conversation])
                        .collect::<BTreeSet<_>>()
                        .into_iter()
                        .cloned()
                        .collect(),
                },
                80..=94 => Operation::History { conversation },
                95..=97 if self.server.is_some() => Operation::Pull,
                _ => Operation::List,
            });
        }
        operations
    }

    /// One life with these operations, and the look after it. `how` begins it and hears its end.
    pub fn live(&mut self, script: &Script, how: impl FnOnce(&mut Random) -> End) {
        let end = how(&mut self.random);
        self.killed += u64::from(end.signal.is_some());
        self.replay(script, &end);
        self.look();
    }

    /// A life to be lived, as chance has it.
    pub fn script(&mut self) -> Script {
        let operations = self.operations();
        Script {
            window: self.random.within(1..=12) as usize,
            patient: self.random.percent(50),
            ..self.script_of(operations)
        }
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
            for word in &end.heard {
                match word {
                    Word::Ask(number) => eprintln!("ask {number} {:?}", script.operations[*number]),
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
        let mut cut_offs: HashMap<usize, Vec<RangeInclusive<u64>>> = HashMap::new();
        let mut certain: HashMap<usize, (BTreeSet<u64>, u64)> = HashMap::new();
        for word in &end.heard {
            match word {
                Word::Opened | Word::Closed => {}
                Word::Ask(number) => match &script.operations[*number] {
                    Operation::Save {
                        conversation,
                        first,
                        last,
                    } => self.shelf(conversation).save_asked(*first..=*last),
                    Operation::History { conversation } => {
                        let shelf = self.shelf(conversation);
                        certain.insert(*number, (shelf.certain(), shelf.gone_through()));
                    }
                    other => {
                        for conversation in other.deletes() {
                            let cut_off = self.shelf(conversation).cut_off();
                            self.shelf(conversation).delete_asked(cut_off.clone());
                            cut_offs.entry(*number).or_default().push(cut_off);
                        }
                    }
                },
                Word::Answer(number, answer) => {
                    let operation = &script.operations[*number];
                    let cut_offs = cut_offs.remove(number).unwrap_or_default();
                    self.answered(operation, answer, &cut_offs, certain.remove(number));
                }
            }
        }
    }

    fn answered(
        &mut self,
        operation: &Operation,
        answer: &Answer,
        cut_offs: &[RangeInclusive<u64>],
        certain: Option<(BTreeSet<u64>, u64)>,
    ) {
        match operation {
            Operation::Save {
                conversation,
                first,
                last,
            } => {
                assert_eq!(answer.codes, [abi::OK], "{operation:?}: {}", answer.text);
                self.shelf(conversation)
                    .save_answered(&(*first..=*last), true);
            }
            Operation::History { conversation } => {
                assert_eq!(answer.codes, [abi::OK], "{operation:?}: {}", answer.text);
                let (certain, gone) = certain.unwrap();
                let still = self.shelf(conversation).certain();
                let read: BTreeSet<u64> = answer.read.iter().copied().collect();
                let missing: Vec<_> = certain
                    .intersection(&still)
                    .filter(|at| !read.contains(at))
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
                    assert_eq!(answer.codes, [abi::CLOSED], "pull: {}", answer.text);
                }
            }
            Operation::List => assert_eq!(answer.codes, [abi::OK], "{}", answer.text),
            Operation::Delete { .. } | Operation::DeleteAll { .. } => {
                for (index, conversation) in operation.deletes().iter().enumerate() {
                    match answer.codes[index] {
                        abi::OK => self.shelf(conversation).delete_succeeded(&cut_offs[index]),
                        // To be settled at the next open.
                        abi::PENDING | abi::OUTCOME_UNKNOWN if self.server.is_some() => {}
                        code => panic!("{operation:?} gave {code}: {}", answer.text),
                    }
                }
            }
        }
    }

    fn shelf(&mut self, conversation: &str) -> &mut Shelf {
        self.shelves.get_mut(conversation).unwrap()
    }

    /// Opens what was left and compares it with the model.
    fn look(&mut self) {
        life::passes_integrity_check(self.folder.path());
        let client = match &self.server {
            Some((server, sig)) => Options::remote(self.folder.path(), server.url(), sig).open(),
            None => Client::local(self.folder.path()),
        };
        if self.server.is_some() {
            // Two deletions of one conversation are asked one at each connection.
            eventually("every deletion has its outcome", || {
                client.pulled();
                unfinished(self.folder.path()) == 0
            });
            client.pulled();
        }
        let listed: BTreeMap<String, u64> = client
            .list()
            .into_iter()
            .map(|line| (line.id, line.messages))
            .collect();
        let mut all = 0;
        let names: Vec<String> = self.shelves.keys().cloned().collect();
        for conversation in names {
            let found: BTreeSet<u64> = client
                .history(&conversation)
                .into_iter()
                .map(|message| {
                    assert_eq!(message.text, text_of(&conversation, message.position));
                    message.position
                })
                .collect();
            all += found.len() as u64;
            assert_eq!(
                listed.get(&conversation).copied().unwrap_or(0),
                found.len() as u64,
                "{conversation}: list and history agree"
            );
            if Self::is_pulled(&conversation) {
                self.server_agrees(&conversation, &found);
            }
            self.shelf(&conversation)
                .settle(&found)
                .unwrap_or_else(|wrong| panic!("{conversation}: {wrong}"));
            self.is_erased(&client, &conversation);
        }
        assert_eq!(client.total_unread(), all, "nobody has read anything");
        assert_eq!(client.close(), abi::OK);
    }

    /// The server gives what the device has, no more and no less.
    fn server_agrees(&self, conversation: &str, found: &BTreeSet<u64>) {
        let (server, _) = self.server.as_ref().unwrap();
        let peer = conversation.trim_start_matches("c2c_");
        let there = server.history("alice", json!({"Type": 1, "To_Account": peer}));
        let ours: Vec<String> = found.iter().map(|at| text_of(conversation, *at)).collect();
        assert_eq!(there, ours, "{conversation}: server and device agree");
    }

    /// The newest of what is gone, and some that went long ago, cannot be found.
    fn is_erased(&mut self, client: &Client, conversation: &str) {
        let gone = self.shelves[conversation].gone_through();
        if gone == 0 || !self.random.percent(30) {
            return;
        }
        let mut sample: Vec<u64> = (gone.saturating_sub(20).max(1)..=gone).collect();
        sample.extend((0..10).map(|_| self.random.within(1..=gone)));
        let texts: Vec<String> = sample.iter().map(|at| text_of(conversation, *at)).collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let found = client.verify(conversation, &texts);
        assert_eq!(
            (found.found, found.readable_records),
            (0, 0),
            "{conversation}"
        );
        assert!(found.searched > 0);
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

/// Deletions of an open store whose outcome is not known yet. Asked in another process: SQLite's
/// locks belong to the process, and the test has an SQLite of its own.
fn unfinished(folder: &Path) -> u64 {
    let environment = [("CRASH_FOLDER", folder.to_str().unwrap())];
    let output = child::run("the_unfinished_are_counted", &environment);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let count = said
        .lines()
        .find_map(|line| line.strip_prefix("unfinished: "));
    let count =
        count.unwrap_or_else(|| panic!("{said}{}", String::from_utf8_lossy(&output.stderr)));
    count.parse().unwrap()
}

/// The process that counts, as a test that is nothing else.
pub fn count_unfinished() {
    if !child::is_child() {
        return;
    }
    let path = PathBuf::from(std::env::var("CRASH_FOLDER").unwrap()).join("store.db");
    let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY;
    let db = rusqlite::Connection::open_with_flags(path, flags).unwrap();
    db.busy_timeout(Duration::from_secs(5)).unwrap();
    let count: i64 = db
        .query_row("SELECT count(*) FROM journal", [], |row| row.get(0))
        .unwrap();
    println!("\nunfinished: {count}");
}
