//! The look at a device between two lives: what was left is compared with the model.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::json;

use super::abi::{self, DeletionId};
use super::call::{Conversation, Outcome};
use super::deed::{Deed, LONG, veil_over, window_of};
use super::life::{self, Word, word_of};
use super::listener::{Listener, Pending, UNDOABLE};
use super::operation::text_of;
use super::survivor::Survivor;
use super::{Client, Options, eventually};

fn is_long(pending: &Pending) -> bool {
    pending.state == UNDOABLE && window_of(pending) >= LONG.into()
}

impl Survivor {
    /// Opens what was left and compares it with the model.
    pub(super) fn look(&mut self) {
        life::passes_integrity_check(self.folder.path());
        if self.away {
            self.look_without_server();
            self.server.as_mut().unwrap().0.restart();
            self.away = false;
        }
        let (client, listener) = self.open();
        self.undo_some(&client);
        // Nobody pulls for it.
        eventually("every deletion has its outcome", || {
            client.pending().iter().all(is_long)
        });
        let pending = client.pending();
        self.hear(&listener);
        self.settle_deeds(&pending);
        if self.server.is_some() {
            client.pulled();
        }
        let listed: BTreeMap<String, Conversation> = client
            .list()
            .into_iter()
            .map(|line| (line.id.clone(), line))
            .collect();
        let names: Vec<String> = self.shelves.keys().cloned().collect();
        for conversation in names {
            let veil = veil_over(&conversation, &pending);
            self.compare(&client, &conversation, listed.get(&conversation), veil);
        }
        let unread: u64 = listed.values().map(|line| line.unread).sum();
        assert_eq!(client.total_unread(), unread);
        assert_eq!(client.close(), abi::OK);
        self.hear(&listener);
        self.done.clear();
    }

    /// A look while there is no server: what is queued is erased here, hidden and pending, and
    /// nothing else is pending that was not asked for.
    fn look_without_server(&mut self) {
        let (client, listener) = self.open();
        for deed in &mut self.deeds {
            deed.server_was_away();
        }
        let short = |one: &Pending| one.state == UNDOABLE && !is_long(one);
        eventually("no window is open that closes", || {
            !client.pending().iter().any(short)
        });
        let pending = client.pending();
        self.are_ours(&pending);
        for deed in &self.deeds {
            let queued = deed.must_succeed() && deed.terms.policy == abi::QUEUE;
            if !queued {
                continue;
            }
            let waits = pending.iter().find(|one| deed.is(one));
            let waits = waits.unwrap_or_else(|| panic!("{deed:?} is not pending: {pending:?}"));
            if deed.terms.erases() && waits.cut_off > 0 {
                assert!(waits.erased, "{deed:?}: {waits:?}");
                let shown = client.history(&deed.conversation);
                let shown = shown.iter().find(|at| at.position <= *deed.cut_off.start());
                assert!(shown.is_none(), "{deed:?}: {shown:?}");
            }
        }
        assert_eq!(client.close(), abi::OK);
        self.hear(&listener);
    }

    fn open(&mut self) -> (Client, Arc<Listener>) {
        self.lives += 1;
        self.skip = 0;
        let listener = Listener::new();
        let options = match &self.server {
            Some((server, sig)) => Options::remote(self.folder.path(), server.url(), sig),
            None => Options::local(self.folder.path()),
        };
        let options = Options {
            listener: Some(listener.clone()),
            ..options
        };
        (options.open(), listener)
    }

    /// What the listener heard since the last time goes into the model.
    fn hear(&mut self, listener: &Listener) {
        let heard = listener.heard();
        for heard in heard.iter().skip(self.skip) {
            if std::env::var_os("ADIEU_STORY").is_some() {
                eprintln!("look {}: {heard:?}", self.lives);
            }
            match word_of(heard) {
                Some(Word::Gone(conversation, id)) => self.heard_gone(&conversation, id),
                Some(Word::New(conversation)) => self.heard_new(&conversation),
                _ => {}
            }
        }
        self.skip = heard.len();
    }

    /// Everything that is pending was asked for.
    fn are_ours(&self, pending: &[Pending]) {
        for one in pending {
            // With no key to destroy, nothing but the journal says that it is done: a kill right
            // after the answer has it asked for again, which does nothing twice.
            let ours = self.done.iter().chain(&self.deeds).any(|deed| deed.is(one));
            assert!(ours, "nobody asked for {one:?}: {:?}", self.deeds);
        }
    }

    /// Within its window a deletion can be undone, whatever happened since.
    fn undo_some(&mut self, client: &Client) {
        let pending = client.pending();
        self.are_ours(&pending);
        for one in pending.iter().filter(|one| one.state == UNDOABLE) {
            if !self.random.percent(50) {
                continue;
            }
            let long = is_long(one);
            match client.undo(DeletionId(one.deletion.0)) {
                Outcome::Success => {
                    let same = |deed: &Deed| deed.is(one);
                    for deed in self.deeds.iter_mut().filter(|deed| same(deed)) {
                        deed.either = true;
                    }
                    let this = |deed: &Deed| deed.id == Some(one.deletion.0);
                    if let Some(at) = self.deeds.iter().position(this) {
                        self.failed(at);
                    }
                }
                other => assert!(!long, "{one:?}: {other:?}"),
            }
        }
    }

    /// Nothing is pending but what can be undone for long: everything else has its outcome.
    fn settle_deeds(&mut self, pending: &[Pending]) {
        self.are_ours(pending);
        let mut at = 0;
        while let Some(deed) = self.deeds.get(at) {
            let waits = pending
                .iter()
                .any(|one| deed.is(one) && one.undo_until_ms > 0);
            if deed.is_long() && waits {
                at += 1;
            } else if deed.must_succeed() {
                self.succeeded(at);
            } else {
                let lost = deed.is_long() && deed.accepted && !deed.either;
                assert!(!lost, "{deed:?} is not pending");
                // It has happened or not: the comparison finds out.
                self.deeds.remove(at);
            }
        }
    }

    fn compare(
        &mut self,
        client: &Client,
        conversation: &str,
        line: Option<&Conversation>,
        veil: u64,
    ) {
        let found: BTreeSet<u64> = client
            .history(conversation)
            .into_iter()
            .map(|message| {
                assert_eq!(message.text, text_of(conversation, message.position));
                message.position
            })
            .collect();
        match line {
            Some(line) => {
                assert_eq!(
                    line.messages,
                    found.len() as u64,
                    "{conversation}: list and history"
                );
            }
            None => assert!(
                found.is_empty() || self.unlisted.contains(conversation),
                "{conversation} is not listed: {found:?}"
            ),
        }
        let mut not_pulled = Vec::new();
        if Self::is_pulled(conversation) {
            not_pulled = self.server_agrees(conversation, &found, veil);
        }
        let shelf = self.shelf(conversation);
        let settled = if veil > 0 {
            shelf.settle_above(veil, &found)
        } else {
            shelf.settle(&found)
        };
        settled.unwrap_or_else(|wrong| panic!("{conversation}: {wrong}"));
        shelf.may_return(&not_pulled);
        if veil == 0 {
            // What hides nothing can still be undone.
            let open = self
                .deeds
                .iter()
                .filter(|deed| deed.conversation == conversation);
            let open: Vec<_> = open.filter(|deed| deed.terms.erases()).cloned().collect();
            for deed in open {
                self.shelf(conversation).delete_asked(deed.cut_off);
            }
        }
        // What a window hides, it hides with draft and pin.
        if veil == 0
            && !self
                .deeds
                .iter()
                .any(|deed| deed.conversation == conversation)
        {
            let draft = line.map_or(String::new(), |line| line.draft.clone());
            let pinned = line.is_some_and(|line| line.pinned);
            let drafts = self.drafts.entry(conversation.to_owned()).or_default();
            let pins = self.pins.entry(conversation.to_owned()).or_default();
            let as_written = drafts.settle(draft).and(pins.settle(pinned));
            as_written.unwrap_or_else(|wrong| panic!("{conversation}: {wrong}"));
            if line.is_some() && not_pulled.is_empty() {
                self.unlisted.remove(conversation);
            }
        }
        self.is_erased(client, conversation);
    }

    /// The server gives what the device has, no more and no less, but what only the device deleted.
    /// What left the list before it was pulled comes when the conversation returns: that is given.
    fn server_agrees(&self, conversation: &str, found: &BTreeSet<u64>, veil: u64) -> Vec<u64> {
        let (server, _) = self.server.as_ref().unwrap();
        let peer = conversation.trim_start_matches("c2c_");
        let mut there = server.history("alice", json!({"Type": 1, "To_Account": peer}));
        let here_only = self.here_only.get(conversation).copied().unwrap_or(0);
        let hidden = veil.max(here_only);
        let hidden: BTreeSet<String> = (1..=hidden).map(|at| text_of(conversation, at)).collect();
        there.retain(|text| !hidden.contains(text));
        let ours = found.iter().map(|at| text_of(conversation, *at));
        let ours: Vec<String> = ours.filter(|text| !hidden.contains(text)).collect();
        if ours.is_empty() && self.unlisted.contains(conversation) {
            let head = self.head(conversation);
            return (1..=head)
                .filter(|at| there.contains(&text_of(conversation, *at)))
                .collect();
        }
        assert_eq!(there, ours, "{conversation}: server and device agree");
        Vec::new()
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
