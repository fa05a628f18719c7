//! What a device should show.

use std::collections::BTreeMap;

use crate::support::abi::DeletionId;

use super::operation::{Policy, Scope, Terms, Undo};
use super::server::Message;

/// Whose positions a conversation has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    Server,
    Host,
}

/// A conversation on a device. What was set remembers the head at that time: a deletion takes
/// what was set at or below its cut-off.
#[derive(Clone, Debug, Default)]
pub struct Conversation {
    pub messages: BTreeMap<u64, Message>,
    pub source: Option<Source>,
    /// Erased up to here.
    pub floor: u64,
    read: u64,
    /// Left the list with its history, up to here.
    unlisted: Option<u64>,
    /// The same, and it stays when something brings it back.
    was_unlisted: u64,
    /// Listed without a message: its history was cleared, up to here.
    stays: Option<u64>,
    pin: Option<u64>,
    draft: Option<(u64, String)>,
    /// Each bit by itself.
    marks: BTreeMap<u64, u64>,
}

/// Where a deletion stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Undoable,
    /// The server is away.
    Waiting,
}

/// A deletion whose outcome is open.
#[derive(Clone, Debug)]
pub struct Pending {
    pub id: DeletionId,
    /// Those of calls that want just the same.
    pub joined: Vec<DeletionId>,
    pub conversation: String,
    pub terms: Terms,
    pub cut_off: Option<u64>,
    pub state: State,
    /// Erased on the device already.
    pub erased: bool,
}

impl Pending {
    pub fn is(&self, id: DeletionId) -> bool {
        self.id == id || self.joined.contains(&id)
    }
}

/// A line of the list.
#[derive(Debug, PartialEq, Eq)]
pub struct Line {
    pub messages: u64,
    pub unread: u64,
    pub last: Option<String>,
    pub pinned: bool,
    pub draft: String,
    pub marks: u64,
}

#[derive(Clone, Debug, Default)]
pub struct Device {
    conversations: BTreeMap<String, Conversation>,
    pub pending: Vec<Pending>,
    /// What was deleted: conversation and text.
    pub gone: Vec<(String, String)>,
    /// Which version of each view the server told of.
    pub versions: BTreeMap<String, u64>,
}

impl Conversation {
    /// The highest position that was accepted.
    fn head(&self) -> u64 {
        let newest = self.messages.keys().next_back();
        newest.copied().unwrap_or(0).max(self.floor)
    }

    /// Whether there is nothing to list it for.
    fn is_bare(&self) -> bool {
        self.messages.is_empty()
            && self.stays.is_none()
            && self.pin.is_none()
            && self.draft.is_none()
    }

    fn has_message_above(&self, position: u64) -> bool {
        let newest = self.messages.keys().next_back();
        newest.is_some_and(|newest| *newest > position)
    }

    /// Forgets what was set at or below a position.
    fn forget_set(&mut self, through: u64) -> Option<String> {
        self.stays = self.stays.filter(|at| *at > through);
        self.pin = self.pin.filter(|at| *at > through);
        self.marks.retain(|_, at| *at > through);
        let draft = self.draft.take_if(|(at, _)| *at <= through);
        draft.map(|(_, text)| text)
    }
}

impl Device {
    pub fn get(&self, id: &str) -> Conversation {
        self.conversations.get(id).cloned().unwrap_or_default()
    }

    fn at(&mut self, id: &str) -> &mut Conversation {
        self.conversations.entry(id.to_owned()).or_default()
    }

    /// DEL-3: where a deletion that is made now ends.
    pub fn cut_off(&self, id: &str) -> Option<u64> {
        Some(self.get(id).head()).filter(|head| *head > 0)
    }

    /// DUR-6: up to where undo windows hide the messages.
    fn veil(&self, id: &str) -> Option<u64> {
        let within = self.within_windows(id);
        within.map(|pending| pending.cut_off.unwrap_or(0)).max()
    }

    /// DUR-6, DEL-8: up to where they hide all else, the place in the list among it.
    pub fn veil_of_entry(&self, id: &str) -> Option<u64> {
        let within = self.within_windows(id);
        within
            .filter(|pending| pending.terms.scope != Scope::History)
            .map(|pending| pending.cut_off.unwrap_or(0))
            .max()
    }

    fn within_windows(&self, id: &str) -> impl Iterator<Item = &Pending> {
        let of = move |pending: &&Pending| {
            pending.conversation == id && pending.state == State::Undoable
        };
        self.pending.iter().filter(of)
    }

    /// How many deletions of a conversation are open.
    pub fn pends(&self, id: &str) -> usize {
        let of = self.pending.iter();
        of.filter(|pending| pending.conversation == id).count()
    }

    /// The history that is given out, the oldest first.
    pub fn history(&self, id: &str) -> Vec<(u64, Message)> {
        let above = self.veil(id).unwrap_or(0);
        let conversation = self.get(id);
        let messages = conversation.messages.into_iter();
        messages.filter(|(position, _)| *position > above).collect()
    }

    /// What the list shows of a conversation, if it does.
    pub fn line(&self, id: &str) -> Option<Line> {
        let mut conversation = self.get(id);
        let veil = self.veil_of_entry(id);
        let history = self.history(id);
        let head = conversation.head();
        if let Some(veil) = veil {
            conversation.forget_set(veil);
        }
        let stays = conversation.has_message_above(veil.unwrap_or(0))
            || conversation.stays.is_some()
            || conversation.pin.is_some()
            || conversation.draft.is_some();
        let left = conversation
            .unlisted
            .is_some_and(|unlisted| head <= unlisted);
        if left || !stays {
            return None;
        }
        let unread = history.iter().filter(|(position, message)| {
            *position > conversation.read && message.sender != "alice"
        });
        Some(Line {
            messages: history.len() as u64,
            unread: unread.count() as u64,
            last: history.last().map(|(_, message)| message.text.clone()),
            pinned: conversation.pin.is_some(),
            draft: conversation.draft.map_or(String::new(), |(_, text)| text),
            marks: conversation
                .marks
                .keys()
                .fold(0, |bits, bit| bits | 1 << bit),
        })
    }

    /// Whether the list shows it, or would without undo windows.
    fn is_there(&self, id: &str) -> bool {
        let conversation = self.get(id);
        let head = conversation.head();
        let left = conversation
            .unlisted
            .is_some_and(|unlisted| head <= unlisted);
        !left && !conversation.is_bare()
    }

    /// Whether a deletion up to a position takes something of what the list shows, or would show
    /// without undo windows.
    pub fn would_lose(&self, id: &str, through: u64) -> bool {
        let (mut left, before) = (self.get(id), self.get(id));
        left.forget_set(through);
        left.messages.retain(|position, _| *position > through);
        let set = |of: &Conversation| (of.stays, of.pin, of.draft.clone(), of.marks.clone());
        let takes = left.messages.len() < before.messages.len() || set(&left) != set(&before);
        self.is_there(id) && takes
    }

    pub fn unread(&self) -> u64 {
        let lines = self.conversations.keys().filter_map(|id| self.line(id));
        lines.map(|line| line.unread).sum()
    }

    /// Takes messages in. What is there stays as it is, what was erased stays erased.
    pub fn take(&mut self, id: &str, source: Source, messages: Vec<(u64, Message)>) {
        let conversation = self.at(id);
        for (position, message) in messages {
            if position > conversation.floor {
                conversation.source = Some(source);
                conversation.messages.entry(position).or_insert(message);
            }
        }
    }

    /// A deletion's effect on the device, up to a position.
    pub fn erase(&mut self, id: &str, through: u64, scope: Scope) {
        let listed = self.line(id).is_some();
        let veil = self.veil_of_entry(id).filter(|_| !listed);
        let there = self.is_there(id);
        let conversation = self.at(id);
        let mut gone = Vec::new();
        if scope != Scope::History {
            conversation.was_unlisted = conversation.was_unlisted.max(through);
        }
        if scope == Scope::ListEntry {
            conversation.unlisted = conversation.unlisted.max(Some(through));
            conversation.read = conversation.read.max(through);
        } else {
            let living = conversation.messages.split_off(&(through + 1));
            let dead = std::mem::replace(&mut conversation.messages, living);
            gone.extend(dead.into_values().map(|message| message.text));
            conversation.floor = conversation.floor.max(through);
        }
        if scope == Scope::History {
            if there {
                // What an undo window hides stays hidden by it.
                let at = veil.map_or(through, |veil| veil.min(through));
                conversation.stays = conversation.stays.max(Some(at));
            }
        } else {
            let draft = conversation.forget_set(through);
            gone.extend(draft.filter(|_| scope == Scope::Everything));
        }
        let gone = gone.into_iter().map(|text| (id.to_owned(), text));
        self.gone.extend(gone);
    }

    /// What the device had went before, and what is there now was set since: only how far the
    /// deletion reached is new.
    pub fn cover(&mut self, id: &str, through: u64, scope: Scope) {
        let conversation = self.at(id);
        if scope != Scope::History {
            conversation.was_unlisted = conversation.was_unlisted.max(through);
        }
        if scope == Scope::ListEntry {
            conversation.read = conversation.read.max(through);
            if conversation.unlisted.is_some() {
                conversation.unlisted = conversation.unlisted.max(Some(through));
            }
        } else {
            conversation.floor = conversation.floor.max(through);
        }
    }

    /// Whether it would leave the list with everything up to a position, and has not done so.
    pub fn lists_below(&self, id: &str, through: u64) -> bool {
        let conversation = self.get(id);
        let head = conversation.head();
        let left = conversation
            .unlisted
            .is_some_and(|unlisted| head <= unlisted);
        conversation.was_unlisted < through && head <= through && !left
    }

    /// What took it out of the list elsewhere does so here, once, where nothing newer came.
    pub fn unlist(&mut self, id: &str, through: u64) {
        let conversation = self.at(id);
        let known = conversation.was_unlisted >= through;
        if !known && conversation.head() <= through && self.line(id).is_some() {
            self.erase(id, through, Scope::ListEntry);
        }
    }

    pub fn pin(&mut self, id: &str, pinned: bool) {
        let conversation = self.at(id);
        conversation.pin = pinned.then_some(conversation.head());
        if pinned {
            conversation.unlisted = None;
        }
    }

    pub fn set_draft(&mut self, id: &str, text: &str) {
        let conversation = self.at(id);
        conversation.draft = (!text.is_empty()).then(|| (conversation.head(), text.to_owned()));
        if conversation.draft.is_some() {
            conversation.unlisted = None;
        }
    }

    /// `false`: the list does not show it.
    pub fn mark(&mut self, id: &str, set: u64, clear: u64) -> bool {
        if self.line(id).is_none() {
            return false;
        }
        let conversation = self.at(id);
        let head = conversation.head();
        for bit in 0..64 {
            if set >> bit & 1 == 1 {
                conversation.marks.insert(bit, head);
            }
            if clear >> bit & 1 == 1 {
                conversation.marks.remove(&bit);
            }
        }
        true
    }

    /// `false`: the list does not show it.
    pub fn mark_read(&mut self, id: &str, through: u64) -> bool {
        if self.line(id).is_none() {
            return false;
        }
        let conversation = self.at(id);
        let head = conversation.head();
        let through = if through == 0 {
            head
        } else {
            through.min(head)
        };
        conversation.read = conversation.read.max(through);
        true
    }

    pub fn pending_of(&self, id: DeletionId) -> Option<&Pending> {
        self.pending.iter().find(|pending| pending.is(id))
    }

    /// DEL-4: a deletion under way that a new call wants just the same. Below what is erased
    /// already, one position is as good as another.
    pub fn same(&mut self, id: &str, terms: Terms) -> Option<&mut Pending> {
        let (cut_off, floor) = (self.cut_off(id), self.get(id).floor);
        self.pending.iter_mut().find(|pending| {
            let under_way = match pending.state {
                State::Undoable => terms.undo == pending.terms.undo,
                State::Waiting => terms.policy == Policy::Queue && terms.undo == Undo::None,
            };
            under_way
                && pending.conversation == id
                && pending.cut_off.map(|through| through.max(floor)) == cut_off
                && (pending.terms.scope, pending.terms.policy) == (terms.scope, terms.policy)
        })
    }
}
