//! The real thing and the model, step by step.

use serde_json::{Value, json};

use crate::support::{Client, Options, Outcome, Server, abi};

use super::device::{Device, Source};
use super::operation::{CONVERSATIONS, HOSTED, Kind, Operation, Scope};
use super::seat::Seat;
use super::server::{self, Message};

pub struct World {
    pub(super) kind: Kind,
    pub(super) seats: Vec<Seat>,
    pub(super) server: server::Server,
    /// Deletions without an id of their own.
    pub(super) deletions: u128,
    /// What makes every text another one.
    number: u64,
}

/// What the wire calls a conversation, for the user or for its other side.
fn target(id: &str) -> (Value, &str, Value) {
    match id.split_once('_').unwrap() {
        ("c2c", peer) => (
            json!({"Type": 1, "To_Account": peer}),
            peer,
            json!({"Type": 1, "To_Account": "alice"}),
        ),
        (_, group) => {
            let group = json!({"Type": 2, "ToGroupid": group});
            (group.clone(), "bob", group)
        }
    }
}

fn on_the_server() -> impl Iterator<Item = &'static str> {
    CONVERSATIONS.into_iter().filter(|id| *id != HOSTED)
}

impl World {
    /// Everybody is there, and nobody has said anything.
    pub fn new(kind: Kind, real: Option<&Server>) -> Self {
        let mut server = server::Server::default();
        server.away = real.is_none();
        if let Some(real) = real {
            real.accounts(&["alice", "bob", "carol"]);
            real.group("club", "The Club", "carol", &["alice", "bob"]);
            server.begin("group_club");
        }
        let seat = |_| {
            Seat::new(|folder| match real {
                Some(real) => real.device("alice", folder.path()),
                None => Options::local(folder.path()),
            })
        };
        let mut seats: Vec<_> = (0..kind.devices()).map(seat).collect();
        seats.iter_mut().for_each(Seat::open);
        Self {
            kind,
            seats,
            server,
            deletions: 0,
            number: 0,
        }
    }

    /// Does one step, and compares.
    pub fn step(&mut self, operation: &Operation, real: &mut Option<Server>) {
        self.perform(operation, real);
        self.check(real.as_ref());
    }

    /// Everything comes back, is pulled, and compared.
    pub fn end(&mut self, real: &mut Option<Server>) {
        self.step(&Operation::ServerBack, real);
        for at in 0..self.seats.len() {
            self.step(&Operation::Reopen(at), real);
            self.step(&Operation::Pull(at), real);
            for id in CONVERSATIONS {
                self.seats[at].verify(id);
            }
        }
    }

    fn text(&mut self, sender: &str) -> Message {
        self.number += 1;
        Message {
            sender: sender.to_owned(),
            text: format!("{sender} says number {:04}", self.number),
        }
    }

    fn perform(&mut self, operation: &Operation, real: &mut Option<Server>) {
        match *operation {
            Operation::Send { to, own } => self.send(CONVERSATIONS[to], own, real.as_ref()),
            Operation::Save { at, from, own } => self.save(at, from, own),
            Operation::Pull(at) => self.pull(at),
            Operation::Delete { at, of, terms } => self.delete(at, CONVERSATIONS[of], terms),
            Operation::DeleteAll { at, of } => self.delete_all(at, of),
            Operation::Manage {
                at,
                nth,
                management,
            } => self.manage(at, nth, management),
            Operation::Reopen(at) => {
                self.seats[at].close();
                self.seats[at].open();
                self.settle(at);
            }
            Operation::Close(at) => self.seats[at].close(),
            Operation::ServerAway => {
                if let Some(real) = real.as_mut() {
                    real.kill();
                    self.server.away = true;
                }
            }
            Operation::ServerBack => {
                if let Some(real) = real.as_mut() {
                    real.restart();
                    self.server.away = false;
                    for at in 0..self.seats.len() {
                        self.settle(at);
                    }
                }
            }
            Operation::Rest { of, clear } => self.rest(CONVERSATIONS[of], clear, real.as_ref()),
            Operation::SwitchSync(on) => {
                if let Some(real) = real.as_ref().filter(|_| !self.server.away) {
                    let body = json!({"SyncDeletions": u8::from(on)});
                    real.admin("config/sync_deletions", &body);
                    self.server.sync = on;
                }
            }
            Operation::Copy(at) => {
                self.seats[at].take_copy();
                self.settle(at);
            }
            Operation::Restore(at) => {
                if self.seats[at].restore() {
                    self.settle(at);
                }
            }
            Operation::Verify { at, of } => self.seats[at].verify(CONVERSATIONS[of]),
            Operation::Pin { at, of, pinned } => self.set(at, of, |model, client, id| {
                model.pin(id, pinned);
                (client.pin(id, pinned), abi::OK)
            }),
            Operation::Draft { at, of, empty } => {
                let draft = if empty {
                    String::new()
                } else {
                    self.text("draft").text
                };
                self.set(at, of, |model, client, id| {
                    model.set_draft(id, &draft);
                    (client.set_draft(id, &draft), abi::OK)
                });
            }
            Operation::Mark { at, of, set, clear } => self.set(at, of, |model, client, id| {
                let known = model.mark(id, set, clear);
                (
                    client.mark(id, set, clear),
                    if known { abi::OK } else { abi::NOT_FOUND },
                )
            }),
            Operation::Read { at, of, through } => self.set(at, of, |model, client, id| {
                let known = model.mark_read(id, through);
                (
                    client.mark_read(id, through),
                    if known { abi::OK } else { abi::NOT_FOUND },
                )
            }),
        }
    }

    fn send(&mut self, id: &str, own: bool, real: Option<&Server>) {
        let Some(real) = real.filter(|_| !self.server.away && id != HOSTED) else {
            return;
        };
        let (_, peer, _) = target(id);
        let (from, to) = if own {
            ("alice", peer)
        } else {
            (peer, "alice")
        };
        let message = self.text(from);
        match id.strip_prefix("group_") {
            Some(group) => real.send_group(group, from, &message.text),
            None => real.send(from, to, &message.text),
        }
        self.server.send(id, message);
    }

    fn save(&mut self, at: usize, from: i64, own: bool) {
        let message = self.text(if own { "alice" } else { "dora" });
        let seat = &mut self.seats[at];
        let Some(client) = seat.client() else { return };
        let newest = seat.model.cut_off(HOSTED).unwrap_or(0);
        let position = newest.saturating_add_signed(from).max(1);
        client.save(HOSTED, &[(position, &message.sender, &message.text)]);
        seat.model
            .take(HOSTED, Source::Host, vec![(position, message)]);
    }

    fn pull(&mut self, at: usize) {
        let seat = &mut self.seats[at];
        let Some(client) = seat.client().filter(|_| self.kind != Kind::Alone) else {
            return;
        };
        let outcome = client.pull();
        if self.server.away {
            assert_ne!(outcome.code(), abi::OK, "there is no server");
            return;
        }
        assert_eq!(outcome, Outcome::Success, "pulling");
        let mut elsewhere = Vec::new();
        for id in on_the_server() {
            let version = seat.model.versions.get(id).copied().unwrap_or(0);
            let Some(state) = self.server.state(id, at, version) else {
                continue;
            };
            seat.model.versions.insert(id.to_owned(), state.version);
            let floor = seat.model.get(id).floor;
            // Its history may be gone as far, and the conversation still be listed.
            let reaches = |scope: &Scope| {
                let listed = *scope == Scope::Everything && seat.model.lists_below(id, state.erase);
                state.erase > floor || listed
            };
            if let Some(scope) = state.scope.filter(reaches) {
                // Told of one within an undo window too: there is nothing left to bring back.
                let loses = seat.model.would_lose(id, state.erase);
                if loses && scope == Scope::Everything && state.cause != server::THIS_DEVICE {
                    elsewhere.push((id.to_owned(), state.cause));
                }
                seat.model.erase(id, state.erase, scope);
            }
            let head = seat.model.cut_off(id).unwrap_or(0);
            seat.model
                .take(id, Source::Server, self.server.page(id, head));
            if state.unlist > 0 {
                seat.model.unlist(id, state.unlist);
            }
            if state.read > 0 {
                seat.model.mark_read(id, state.read);
            }
        }
        seat.check();
        let mut told = std::mem::take(&mut seat.shown.elsewhere);
        told.sort();
        assert_eq!(told, elsewhere, "who deleted what");
    }

    fn rest(&mut self, id: &str, clear: bool, real: Option<&Server>) {
        let Some(real) = real.filter(|_| !self.server.away && id != HOSTED) else {
            return;
        };
        let (mut body, ..) = target(id);
        body["From_Account"] = "alice".into();
        body["ClearRamble"] = u8::from(clear).into();
        real.admin("recentcontact/delete", &body);
        let scope = if clear {
            Scope::Everything
        } else {
            Scope::ListEntry
        };
        self.server.delete(id, None, scope, None, None);
    }

    /// Changes what a conversation shows; not of one that is hidden as a whole.
    fn set(
        &mut self,
        at: usize,
        of: usize,
        change: impl FnOnce(&mut Device, &Client, &str) -> (Outcome, i32),
    ) {
        let id = CONVERSATIONS[of];
        let seat = &mut self.seats[at];
        if seat.model.veil_of_entry(id).is_some() && seat.model.line(id).is_none() {
            return;
        }
        let mut model = std::mem::take(&mut seat.model);
        if let Some(client) = seat.client() {
            let (outcome, code) = change(&mut model, client, id);
            assert_eq!(outcome.code(), code, "{outcome:?}");
        }
        seat.model = model;
    }

    fn check(&mut self, real: Option<&Server>) {
        self.seats.iter_mut().for_each(Seat::check);
        let Some(real) = real.filter(|_| !self.server.away) else {
            return;
        };
        for id in on_the_server() {
            let (mine, peer, theirs) = target(id);
            let visible = self.server.visible(id).into_iter();
            let visible: Vec<_> = visible.map(|(_, message)| message.text).collect();
            assert_eq!(
                real.history("alice", mine),
                visible,
                "the server's history of {id}"
            );
            assert_eq!(
                real.history(peer, theirs),
                self.server.all(id),
                "{peer} keeps a copy of {id}"
            );
        }
        assert_eq!(
            real.contacts("alice"),
            self.server.listed(),
            "the server's list"
        );
    }
}
