//! A disk that fails, is full or is slow: every single call on the files of a store, one after the
//! other.
//!
//! `FAULT_AT` looks at one call alone.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests fail the test"
)]

mod support;

use std::collections::BTreeMap;
use std::path::Path;

use support::Options;
use support::child;
use support::deed::LONG;
use support::faults::{self, How, Plan, Shim};
use support::folder;
use support::operation::{Manage, Operation, Target, Terms};
use support::random::number;
use support::trial::Trial;

fn save(conversation: &str, first: u64, last: u64) -> Operation {
    Operation::Save {
        conversation: conversation.to_owned(),
        first,
        last,
    }
}

fn delete(conversation: &str) -> Operation {
    Operation::Delete {
        conversation: conversation.to_owned(),
    }
}

fn history(conversation: &str) -> Operation {
    Operation::History {
        conversation: conversation.to_owned(),
    }
}

fn delete_as(conversation: &str, terms: Terms) -> Operation {
    Operation::DeleteAs {
        conversation: conversation.to_owned(),
        terms,
    }
}

fn draft(conversation: &str) -> Operation {
    Operation::Draft {
        conversation: conversation.to_owned(),
        text: "what I meant to say".to_owned(),
    }
}

/// What happens while the disk fails.
fn story() -> Vec<Operation> {
    vec![
        Operation::List,
        history("c2c_ben"),
        save("c2c_ann", 11, 14),
        save("group_dogs", 1, 40),
        history("c2c_ann"),
        delete("c2c_ann"),
        history("c2c_ann"),
        save("c2c_ann", 15, 16),
        Operation::DeleteAll {
            conversations: vec!["c2c_ben".to_owned(), "c2c_nobody".to_owned()],
        },
        save("c2c_cleo", 1, 2),
        history("c2c_cleo"),
        draft("group_elms"),
        delete_as("group_elms", Terms::undo(LONG)),
        Operation::Manage {
            what: Manage::Undo,
            of: Target::Here(12),
        },
        history("group_elms"),
        delete_as("group_elms", Terms::keeping_history()),
        save("group_elms", 4, 5),
        delete_as("group_elms", Terms::clearing_history()),
        delete_as("c2c_cleo", Terms::queue()),
        history("c2c_ann"),
        Operation::List,
    ]
}

/// How a folder comes to be, before anything fails.
#[derive(Clone, Copy, Debug)]
enum Past {
    Nothing,
    Closed,
    /// Closed, with much to purge and slots to renew.
    Long,
    /// The process died with a key destroyed and its rows still there.
    Died,
}

impl Past {
    /// Makes such a folder; gives what is in it.
    fn make(self, test: &str, path: &Path) -> Trial {
        let mut trial = Trial::default();
        if matches!(self, Self::Nothing) {
            return trial;
        }
        assert!(trial.open(&Options::local(path)));
        trial.run(save("c2c_ann", 1, 10));
        trial.run(save("c2c_ben", 1, 5));
        trial.run(save("group_elms", 1, 3));
        if matches!(self, Self::Long) {
            for number in 0..150 {
                let name = format!("c2c_number-{number}");
                trial.run(save(&name, 1, 8));
            }
            for number in 0..150 {
                let name = format!("c2c_number-{number}");
                trial.run(delete(&name));
                trial.shelves.remove(&name);
            }
        }
        trial.close();
        if matches!(self, Self::Died) {
            let folder = path.to_str().unwrap();
            let died = child::command(test)
                .env("FAULT_DIES", folder)
                .env("ADIEU_FAILPOINT", "keys-destroyed=abort")
                .env_remove("LD_PRELOAD")
                .output()
                .unwrap();
            assert!(!died.status.success());
            let shelf = trial.shelves.get_mut("group_elms").unwrap();
            let cut_off = shelf.cut_off();
            shelf.delete_asked(cut_off.clone());
            shelf.delete_succeeded(&cut_off);
        }
        trial
    }
}

/// The child's child: dies on its way through a deletion.
fn die_where_told() {
    if let Ok(path) = std::env::var("FAULT_DIES") {
        support::Client::local(Path::new(&path)).delete("group_elms");
        panic!("it lives");
    }
}

/// In a child that has the shim: the story with the first call failing, the second, and so on
/// until none fails.
fn every_call(test: &str, past: Past, plans: &[(&str, Plan)], step: u64) {
    if !child::is_child() {
        let shim = faults::shim();
        let environment = [("LD_PRELOAD", shim.to_str().unwrap())];
        let output = child::run(test, &environment);
        let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        eprintln!("{}", said(&output.stderr));
        assert!(
            output.status.success() && said(&output.stdout).contains("1 passed"),
            "{}\n{}",
            output.status,
            said(&output.stdout)
        );
        return;
    }
    die_where_told();
    let shim = Shim::find();
    let template = folder::in_memory();
    let before = past.make(test, template.path());
    for (name, plan) in plans {
        let mut told: BTreeMap<i32, u64> = BTreeMap::new();
        let mut nth = number("FAULT_AT").unwrap_or(1);
        loop {
            let mut copy = folder::in_memory();
            // One that is looked at alone is for whoever looks.
            copy.disable_cleanup(number("FAULT_AT").is_some());
            folder::copy(template.path(), copy.path());
            let mut trial = Trial::of(before.shelves.clone());
            // The last words of a child that dies.
            eprintln!("{name} {nth}");
            shim.arm(plan, copy.path(), nth);
            if trial.open(&Options::local(copy.path())) {
                for operation in story() {
                    trial.run(operation);
                }
                trial.close();
            }
            let hits = shim.disarm();
            if number("FAULT_AT").is_some() {
                eprintln!("{:?}: {:#?}", copy.path(), trial.errors);
            }
            for (_, code, _) in &trial.errors {
                *told.entry(*code).or_default() += 1;
            }
            trial.is_sound(copy.path(), &Options::local(copy.path()));
            if hits == 0 {
                assert!(trial.errors.is_empty(), "{:?}", trial.errors);
            }
            if hits == 0 || number("FAULT_AT").is_some() {
                break;
            }
            nth += step;
        }
        eprintln!("{test}: {name}: {nth} calls, codes and how often: {told:?}");
    }
}

fn plans() -> Vec<(&'static str, Plan)> {
    use faults::{ALL, GROWING, READ, STAT, WRITE};
    let plan = |calls, how, times, error| Plan {
        calls,
        how,
        times,
        error,
    };
    vec![
        ("one fails", plan(ALL, How::Fail, 1, libc::EIO)),
        ("some fail", plan(ALL, How::Fail, 4, libc::EIO)),
        ("all fail from", plan(ALL, How::Fail, 0, libc::EIO)),
        (
            "full for a moment",
            plan(GROWING, How::Fail, 2, libc::ENOSPC),
        ),
        ("full from", plan(GROWING, How::Fail, 0, libc::ENOSPC)),
        ("torn, then full", plan(WRITE, How::Torn, 0, libc::ENOSPC)),
        (
            "torn, full for a moment",
            plan(WRITE, How::Torn, 3, libc::ENOSPC),
        ),
        ("one comes short", plan(READ | WRITE, How::Short, 1, 0)),
        ("no state of a file", plan(STAT, How::Fail, 1, libc::EIO)),
    ]
}

/// CALL-3, DEL-1, DEL-2: on a new store, whichever call on the disk fails: one outcome for each
/// call, an honest code, no success that is none, and no loss after an error.
#[test]
fn every_disk_call_fails_once_on_a_new_store() {
    every_call(
        "every_disk_call_fails_once_on_a_new_store",
        Past::Nothing,
        &plans(),
        1,
    );
}

/// CALL-3, DEL-1, DEL-2: the same on a store with a past.
#[test]
fn every_disk_call_fails_once_on_a_used_store() {
    every_call(
        "every_disk_call_fails_once_on_a_used_store",
        Past::Closed,
        &plans(),
        1,
    );
}

/// DUR-1, DEL-1: the same while the store recovers from a crash in the middle of a deletion.
#[test]
fn every_disk_call_fails_once_after_a_crash() {
    every_call(
        "every_disk_call_fails_once_after_a_crash",
        Past::Died,
        &plans(),
        1,
    );
}

/// ERA-3, DEL-1: the same with a purge and the renewal of key slots under way, at some of the calls.
#[test]
fn disk_calls_fail_during_the_purge() {
    every_call("disk_calls_fail_during_the_purge", Past::Long, &plans(), 17);
}
