//! What a life does when chance decides.

use std::collections::{BTreeSet, HashMap};

use super::abi;
use super::deed::LONG;
use super::life::Script;
use super::operation::{Manage, Operation, Target, Terms};
use super::random::Random;
use super::survivor::{OWN, Survivor};

impl Survivor {
    /// A life to be lived, as chance has it.
    pub fn script(&mut self) -> Script {
        let operations = self.operations();
        Script {
            window: self.random.within(1..=12) as usize,
            patient: !self.away && self.random.percent(50),
            ..self.script_of(operations)
        }
    }

    /// Some calls.
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
        for number in 0..count {
            let random = &mut self.random;
            let conversation = random.one(&names).clone();
            operations.push(match random.within(0..=99) {
                0..=34 => {
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
                35..=42 => {
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
                43..=46 => Operation::Delete { conversation },
                47..=76 => Operation::DeleteAs {
                    conversation,
                    terms: terms(random),
                },
                77..=79 => Operation::DeleteAll {
                    conversations: names
                        .iter()
                        .filter(|_| random.percent(40))
                        .chain([&conversation])
                        .collect::<BTreeSet<_>>()
                        .into_iter()
                        .cloned()
                        .collect(),
                },
                80..=86 => {
                    let earlier = self.deeds.iter().filter_map(|deed| deed.id);
                    let mut targets: Vec<Target> = earlier.map(Target::Earlier).collect();
                    targets.push(Target::Here(random.within(0..=number) as usize));
                    Operation::Manage {
                        what: *random.one(&[
                            Manage::Undo,
                            Manage::Undo,
                            Manage::Cancel,
                            Manage::Retry,
                            Manage::Acknowledge,
                        ]),
                        of: random.one(&targets).clone(),
                    }
                }
                87..=89 => Operation::Draft {
                    text: match random.within(0..=3) {
                        0 => String::new(),
                        some => format!("to {conversation}: what I meant to say {number} {some}"),
                    },
                    conversation,
                },
                90..=91 => Operation::Pin {
                    conversation,
                    pinned: random.percent(60),
                },
                92..=97 => Operation::History { conversation },
                98 if self.server.is_some() => Operation::Pull,
                _ => Operation::List,
            });
        }
        operations
    }
}

/// How to delete.
fn terms(random: &mut Random) -> Terms {
    let mut terms = match random.within(0..=19) {
        0..=6 => Terms::default(),
        7..=12 => Terms::queue(),
        13..=14 => Terms::local_only(),
        15..=16 => Terms::keeping_history(),
        17..=18 => Terms::clearing_history(),
        _ => Terms {
            policy: abi::QUEUE,
            ..Terms::clearing_history()
        },
    };
    terms.undo_ms = match random.within(0..=9) {
        0..=6 => 0,
        7 => random.within(1..=300) as u32,
        _ => LONG,
    };
    terms
}
