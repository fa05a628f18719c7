//! Killed at every single call that the library makes on its files.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests fail the test"
)]

mod support;

use support::faults::{self, How, Plan};
use support::life::{self, Life};
use support::operation::Operation;
use support::random::Random;
use support::survivor::Survivor;
use support::{Server, child};

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

/// What a life does that is killed somewhere.
fn first_life() -> Vec<Operation> {
    vec![
        save("c2c_ann", 1, 7),
        save("c2c_ben", 1, 3),
        delete("c2c_ann"),
        save("c2c_ann", 8, 9),
        Operation::List,
    ]
}

fn second_life() -> Vec<Operation> {
    vec![
        save("group_dogs", 1, 30),
        Operation::DeleteAll {
            conversations: vec!["c2c_ann".to_owned(), "group_dogs".to_owned()],
        },
        save("c2c_ann", 10, 12),
        delete("c2c_ben"),
        delete("c2c_ann"),
        save("c2c_ann", 9, 9),
        save("c2c_ann", 13, 13),
    ]
}

/// Kills at the first call, the second, and so on, until a life comes to its end.
fn killed_at_every_call(test: &'static str, how: How, lives: &[Vec<Operation>]) {
    let plan = Plan {
        calls: if how == How::KillTorn {
            faults::WRITE
        } else {
            faults::ALL
        },
        how,
        times: 1,
        error: 0,
    };
    let mut nth = 0;
    loop {
        nth += 1;
        let mut device = Survivor::new(test, None, Random::new(nth));
        let (last, before) = lives.split_last().unwrap();
        for operations in before {
            let script = device.script_of(operations.clone());
            device.live(&script, |_| Life::begin(test, &script, []).end());
        }
        let script = device.script_of(last.clone());
        let environment = plan.environment(&device.path(), nth);
        device.live(&script, |_| Life::begin(test, &script, environment).end());
        if device.killed == 0 {
            break;
        }
    }
    eprintln!("{test}: killed at each of {} calls", nth - 1);
    assert!(nth > 50, "the calls on files are seen");
}

/// DUR-1: killed at any call on the disk of a new store, what was answered holds, and the rest has
/// happened wholly or not at all.
#[test]
fn killed_at_every_disk_call_of_a_new_store() {
    if child::is_child() {
        life::live();
    }
    let test = "killed_at_every_disk_call_of_a_new_store";
    killed_at_every_call(test, How::Kill, &[first_life()]);
}

/// DUR-1, ERA-2: the same on a store with a past, opening and purging included.
#[test]
fn killed_at_every_disk_call_of_a_used_store() {
    if child::is_child() {
        life::live();
    }
    let test = "killed_at_every_disk_call_of_a_used_store";
    killed_at_every_call(test, How::Kill, &[first_life(), second_life()]);
}

/// DUR-1: the same in the middle of every write.
#[test]
fn killed_in_the_middle_of_every_write() {
    if child::is_child() {
        life::live();
    }
    let test = "killed_in_the_middle_of_every_write";
    killed_at_every_call(test, How::KillTorn, &[first_life(), second_life()]);
}

/// DUR-1, DUR-4, DEL-1: the same while a server is asked; after each, server and device agree.
#[test]
fn killed_at_every_disk_call_with_a_server() {
    if child::is_child() {
        life::live();
    }
    let test = "killed_at_every_disk_call_with_a_server";
    let plan = Plan {
        calls: faults::ALL,
        how: How::Kill,
        times: 1,
        error: 0,
    };
    // One device and one server for all: each life goes on where the last one was cut.
    let mut device = Survivor::new(test, Some(Server::start()), Random::new(1));
    let mut lives = 0;
    while device.killed == lives {
        lives += 1;
        device.peers_write();
        let head = device.head("c2c_ann");
        let script = device.script_of(vec![
            Operation::Pull,
            save("c2c_ann", head + 1, head + 3),
            Operation::DeleteAll {
                conversations: vec!["c2c_ann".to_owned(), "c2c_xenia".to_owned()],
            },
            save("c2c_ann", head + 4, head + 5),
            delete("c2c_yves"),
            delete("c2c_ann"),
            save("c2c_ann", head + 6, head + 6),
        ]);
        let environment = plan.environment(&device.path(), lives);
        device.live(&script, |_| Life::begin(test, &script, environment).end());
    }
    eprintln!("{test}: killed at each of {} calls", lives - 1);
    assert!(lives > 50, "the calls on files are seen");
}
