//! The power is cut at any moment of a life, on a device alone; and what a device with a server,
//! and the server itself, have said is true after a power cut.
//!
//! `ADIEU_SEED` repeats the choices of a run as far as the machine's timing lets it, and
//! `ADIEU_CUTS` says how many cuts are looked at.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests fail the test"
)]

mod support;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use support::abi;
use support::child;
use support::deed::{LONG, veil_over};
use support::folder;
use support::life::{self, Life, Script, Word, passes_integrity_check};
use support::operation::{Manage, Operation, Target, Terms, text_of};
use support::power::{Deed, Record};
use support::random::{Random, number};
use support::shelf::{CutOff, Shelf};
use support::{Client, FakeServer, Options, Outcome, Server, eventually};

const NAMES: [&str; 4] = ["c2c_ann", "c2c_ben", "group_dogs", "group_elms"];
const CUTS_PER_LIFE: usize = 25;

/// What was answered before the cut, as far as it was said.
#[derive(Default)]
struct Model {
    shelves: BTreeMap<String, Shelf>,
    /// Saves that were answered, and when.
    saved: Vec<(usize, String, CutOff)>,
    /// Deletions under way: conversation, cut-off, whether it can be undone for long.
    open: HashMap<usize, (String, CutOff, Terms)>,
    /// What was answered as undone.
    undone: Vec<usize>,
    ids: HashMap<usize, [u8; 16]>,
}

impl Model {
    fn hear(&mut self, at: usize, script: &Script, word: &Word) {
        match word {
            Word::Ask(number) => match &script.operations[*number] {
                Operation::Save {
                    conversation,
                    first,
                    last,
                } => self.shelf(conversation).save_asked(*first..=*last),
                Operation::DeleteAs {
                    conversation,
                    terms,
                } => {
                    let cut_off = self.shelf(conversation).cut_off();
                    if terms.erases() {
                        self.shelf(conversation).delete_asked(cut_off.clone());
                    }
                    self.open
                        .insert(*number, (conversation.clone(), cut_off, *terms));
                }
                _ => {}
            },
            Word::Accepted(number, id) => self.ids.extend(id.map(|id| (*number, id))),
            Word::Answer(number, answer) => match &script.operations[*number] {
                Operation::Save {
                    conversation,
                    first,
                    last,
                } => {
                    self.shelf(conversation)
                        .save_answered(&(*first..=*last), true);
                    self.saved.push((at, conversation.clone(), *first..=*last));
                }
                Operation::DeleteAs { .. } => {
                    let (conversation, cut_off, terms) = self.open[number].clone();
                    match answer.codes[0] {
                        abi::OK if terms.erases() => {
                            self.shelf(&conversation).delete_succeeded(&cut_off);
                        }
                        abi::CANCELLED if terms.erases() && !self.undone.contains(number) => {
                            self.shelf(&conversation).delete_failed(&cut_off);
                            self.undone.push(*number);
                        }
                        abi::OK | abi::CANCELLED | abi::PENDING => {}
                        code => panic!("{code}: {}", answer.text),
                    }
                }
                _ => {}
            },
            _ => {}
        }
    }

    fn shelf(&mut self, conversation: &str) -> &mut Shelf {
        self.shelves.entry(conversation.to_owned()).or_default()
    }

    /// What no flush had confirmed may be lost.
    fn lose(&mut self, flushed_through: usize) {
        for (at, conversation, positions) in std::mem::take(&mut self.saved) {
            if at >= flushed_through {
                self.shelf(&conversation).may_lose(&positions);
            }
        }
    }
}

/// What a life does: each conversation is filled, deleted in some way, and filled again.
fn operations(random: &mut Random, heads: &mut BTreeMap<String, u64>) -> Vec<Operation> {
    let mut operations = Vec::new();
    for number in 0..random.within(6..=30) as usize {
        let conversation = (*random.one(&NAMES)).to_owned();
        let head = heads.entry(conversation.clone()).or_default();
        operations.push(match random.within(0..=9) {
            0..=4 => {
                let first = *head + 1;
                *head += random.within(1..=12);
                Operation::Save {
                    conversation,
                    first,
                    last: *head,
                }
            }
            5..=6 => Operation::DeleteAs {
                conversation,
                terms: *random.one(&[
                    Terms::default(),
                    Terms::default(),
                    Terms::clearing_history(),
                    Terms::keeping_history(),
                ]),
            },
            7 => Operation::DeleteAs {
                conversation,
                terms: Terms::undo(LONG),
            },
            8 => Operation::Manage {
                what: Manage::Undo,
                of: Target::Here(random.within(0..=number as u64) as usize),
            },
            _ => Operation::Draft {
                text: format!("to {conversation}: unfinished {number}"),
                conversation,
            },
        });
    }
    operations
}

/// DUR-1, DEL-1, DEL-3, DUR-6, ERA-2: after a power cut the store opens and is whole. What was
/// answered as deleted is gone, and stays gone; what was answered as undone is there; what was
/// saved and flushed is there, and of the rest each save wholly or not at all.
#[test]
fn the_power_is_cut_at_any_moment() {
    let test = "the_power_is_cut_at_any_moment";
    if child::is_child() {
        life::live();
    }
    let mut random = Random::announced(test);
    let wanted = number("ADIEU_CUTS").unwrap_or(400) as usize;
    let (mut cuts, mut deeds) = (0, 0);
    while cuts < wanted {
        let home = folder::in_memory();
        let mut heads = BTreeMap::new();
        let script = Script {
            folder: home.path().to_owned(),
            server: None,
            operations: operations(&mut random, &mut heads),
            window: random.within(1..=6) as usize,
            patient: random.percent(70),
        };
        let (mut record, environment) = Record::begin(home.path());
        let end = Life::begin(test, &script, environment).end();
        assert!(
            matches!(end.heard.last(), Some(Word::Closed)),
            "{}",
            end.errors
        );
        record.end();
        deeds += record.deeds.len();
        for _ in 0..CUTS_PER_LIFE {
            let cut = random.within(1..=record.deeds.len() as u64) as usize;
            look(&record, &script, cut, &mut random);
            cuts += 1;
        }
    }
    eprintln!("{test}: {cuts} cuts in lives of {deeds} records");
    assert!(
        deeds > 10 * cuts / CUTS_PER_LIFE,
        "the calls on files are seen"
    );
}

/// A life that saves and deletes with such terms, where the server is this one: what it did, and
/// the number of deeds after which the first word had been said that is `wanted`.
fn recorded<T>(
    test: &str,
    fake: &FakeServer,
    terms: Terms,
    wanted: impl Fn(Word) -> Option<T>,
) -> (Record, usize, T) {
    let home = folder::in_memory();
    let conversation = NAMES[0].to_owned();
    let script = Script {
        folder: home.path().to_owned(),
        server: Some((fake.url(), "sig".to_owned())),
        operations: vec![
            Operation::Save {
                conversation: conversation.clone(),
                first: 1,
                last: 3,
            },
            Operation::DeleteAs {
                conversation,
                terms,
            },
        ],
        window: 1,
        patient: true,
    };
    // Not its first life: the files are there, and their names are flushed.
    assert_eq!(Client::local(home.path()).close(), abi::OK);
    let (mut record, environment) = Record::begin(home.path());
    Life::begin(test, &script, environment).end();
    record.end();
    let said = |deed: &Deed| match deed {
        Deed::Mark(text) if !text.is_empty() => wanted(serde_json::from_str(text).unwrap()),
        _ => None,
    };
    let mut deeds = record.deeds.iter().enumerate();
    let (at, found) = deeds
        .find_map(|(at, deed)| Some((at, said(deed)?)))
        .expect("it was said");
    (record, at + 1, found)
}

/// DUR-1, DUR-2, CALL-1: once the listener was told that a deletion is queued, no power cut loses
/// it: the next life asks the server for it, by the same id. The call itself has flushed nothing.
#[test]
fn the_power_is_cut_while_a_deletion_is_queued() {
    let test = "the_power_is_cut_while_a_deletion_is_queued";
    if child::is_child() {
        life::live();
    }
    let mut random = Random::announced(test);
    let (fake, give_in) = FakeServer::refusing(60007);
    let stands = |word| match word {
        Word::Stands(id, _) => Some(abi::DeletionId(id).wire()),
        _ => None,
    };
    let (record, told, id) = recorded(test, &fake, Terms::queue(), stands);
    assert_eq!(record.flushed_through("accepted", told), 0);
    give_in();
    for _ in 0..CUTS_PER_LIFE {
        let cut = random.within(told as u64..=record.deeds.len() as u64) as usize;
        let left = folder::in_memory();
        record.cut(cut, 4096, &mut random, left.path());
        let asked = fake.deletions().len();
        let client = Options::remote(left.path(), &fake.url(), "sig").open();
        fake.wait_for_deletions(asked + 1);
        assert_eq!(fake.deletions()[asked]["DeletionId"], id, "cut at {cut}");
        eventually("it is done", || client.pending().is_empty());
        assert!(client.history(NAMES[0]).is_empty(), "cut at {cut}");
    }
}

/// DEL-2: once the call was told that the server refuses, the intent is gone, and no power cut
/// brings it back.
#[test]
fn the_power_is_cut_after_a_refusal() {
    let test = "the_power_is_cut_after_a_refusal";
    if child::is_child() {
        life::live();
    }
    let mut random = Random::announced(test);
    let (fake, _) = FakeServer::refusing(20003);
    let answer = |word| match word {
        Word::Answer(1, answer) => Some(answer),
        _ => None,
    };
    let (record, told, answer) = recorded(test, &fake, Terms::default(), answer);
    assert_eq!(answer.codes, [20003]);
    assert_eq!(fake.deletions().len(), 1);
    for _ in 0..2 * CUTS_PER_LIFE {
        let cut = random.within(told as u64..=record.deeds.len() as u64) as usize;
        let left = folder::in_memory();
        record.cut(cut, 4096, &mut random, left.path());
        let client = Options::remote(left.path(), &fake.url(), "sig").open();
        assert!(client.pending().is_empty(), "cut at {cut}");
        assert_eq!(client.close(), abi::OK);
        assert_eq!(fake.deletions().len(), 1, "cut at {cut}");
    }
}

/// DUR-7: what the server has answered it still knows when its power was cut right after that.
#[test]
fn the_servers_power_is_cut_after_its_answer() {
    let home = folder::in_memory();
    let (mut record, environment) = Record::begin(home.path());
    let mut server = Server::start_in(home, &environment);
    server.accounts(&["alice", "bob"]);
    server.send("bob", "alice", "bob: one message");
    server.send("bob", "alice", "bob: two messages");
    let device = tempfile::tempdir().unwrap();
    let client = server.device("alice", device.path()).open();
    client.pulled();
    assert_eq!(client.delete("c2c_bob"), Outcome::Success);
    server.kill();
    record.end();
    let mut random = Random::announced("the_servers_power_is_cut_after_its_answer");
    for _ in 0..6 {
        let left = folder::in_memory();
        record.cut(record.deeds.len(), 4096, &mut random, left.path());
        let server = Server::start_in(left, &[]);
        assert!(server.roaming("alice", "bob").is_empty());
        assert_eq!(server.roaming("bob", "alice").len(), 2);
    }
}

fn look(record: &Record, script: &Script, cut: usize, random: &mut Random) {
    let mut model = Model::default();
    for (at, deed) in record.deeds[..cut].iter().enumerate() {
        if let Deed::Mark(text) = deed
            && !text.is_empty()
        {
            model.hear(at, script, &serde_json::from_str(text).unwrap());
        }
    }
    model.lose(record.flushed_through("store.db-wal", cut));
    let mut left = folder::in_memory();
    let block = *random.one(&[4096, 4096, 512]);
    record.cut(cut, block, random, left.path());
    if std::env::var_os("ADIEU_STORY").is_some() {
        left.disable_cleanup(true);
        eprintln!("cut at {cut} of {}: {:?}", record.deeds.len(), left.path());
        for deed in &record.deeds[..cut] {
            match deed {
                Deed::Mark(word) => eprintln!("  {word}"),
                Deed::Write { inode, at, bytes } => eprintln!("  {inode}: {at}+{}", bytes.len()),
                _ => eprintln!("  {deed:?}"),
            }
        }
        eprintln!("{:?}", script.operations);
    }
    passes_integrity_check(left.path());
    let client = Client::local(left.path());
    let pending = client.pending();
    for number in &model.undone {
        let back = pending
            .iter()
            .find(|one| one.deletion.0 == model.ids[number]);
        assert!(back.is_none(), "it was undone, cut at {cut}: {back:?}");
    }
    for conversation in NAMES {
        let found: BTreeSet<u64> = client
            .history(conversation)
            .into_iter()
            .map(|message| {
                assert_eq!(message.text, text_of(conversation, message.position));
                message.position
            })
            .collect();
        let shelf = model.shelf(conversation);
        let gone = shelf.gone_through();
        let veil = veil_over(conversation, &pending);
        let settled = if veil > 0 {
            shelf.settle_above(veil, &found)
        } else {
            shelf.settle(&found)
        };
        settled.unwrap_or_else(|wrong| panic!("{conversation}, cut at {cut}: {wrong}"));
        if gone > 0 {
            let texts: Vec<String> = (1..=gone).map(|at| text_of(conversation, at)).collect();
            let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
            let look = client.verify(conversation, &texts);
            assert_eq!(
                (look.found, look.readable_records),
                (0, 0),
                "{conversation}, cut at {cut}"
            );
        }
    }
    // It works on.
    for conversation in NAMES {
        let next = model.shelf(conversation).head() + 1;
        client.save(conversation, &[(next, "bob", &text_of(conversation, next))]);
        assert_eq!(client.delete(conversation), Outcome::Success);
    }
    assert_eq!(client.close(), abi::OK);
}
