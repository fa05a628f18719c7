//! What the server should have: every message, and the user's view of each conversation.

use std::collections::BTreeMap;

use crate::support::abi::DeletionId;

use super::operation::Scope;

/// A message of the model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    pub sender: String,
    pub text: String,
}

/// The user's view of one conversation.
#[derive(Clone, Debug, Default)]
pub struct View {
    /// Deleted up to here.
    cleared: u64,
    /// The list entry was deleted up to here.
    hidden: Option<u64>,
    /// The history was cleared up to here, and the list entry stays.
    kept: u64,
    read: u64,
    /// What every device is to erase, and who wanted it: a device, or the back end.
    propagated: u64,
    propagated_by: Option<usize>,
    /// What every device is to take out of its list.
    hiding_propagated: u64,
    /// What each device deleted itself, and what it took out of the list itself.
    own: BTreeMap<usize, (u64, u64)>,
    /// Grows with every change.
    version: u64,
}

/// What a device is told of a view.
#[derive(Debug, Default)]
pub struct State {
    pub version: u64,
    /// To be erased up to here; 0: nothing.
    pub erase: u64,
    pub scope: Option<Scope>,
    pub cause: u32,
    /// To leave the list up to here; 0: it does not.
    pub unlist: u64,
    pub read: u64,
}

/// Who an erasure is to be blamed on, as `ADIEU_CAUSE_` says it.
pub const THIS_DEVICE: u32 = 0;
pub const ANOTHER_DEVICE: u32 = 1;
pub const BACK_END: u32 = 2;

/// The whole of it.
#[derive(Debug, Default)]
pub struct Server {
    pub away: bool,
    pub sync: bool,
    messages: BTreeMap<String, Vec<Message>>,
    views: BTreeMap<String, View>,
    /// DUR-4: how far each deletion reached.
    remembered: BTreeMap<[u8; 16], u64>,
}

impl Server {
    /// Who speaks has read what was said before.
    pub fn send(&mut self, id: &str, message: Message) {
        let own = message.sender == "alice";
        let messages = self.messages.entry(id.to_owned()).or_default();
        messages.push(message);
        let view = self.views.entry(id.to_owned()).or_default();
        view.version += 1;
        if own {
            view.read = messages.len() as u64;
        }
    }

    /// A conversation without a message, which a group is when it begins.
    pub fn begin(&mut self, id: &str) {
        self.views.entry(id.to_owned()).or_default().version += 1;
    }

    fn head(&self, id: &str) -> u64 {
        self.messages.get(id).map_or(0, |list| list.len() as u64)
    }

    /// All that was ever said: what the other side has (DEL-7).
    pub fn all(&self, id: &str) -> Vec<String> {
        let messages = self.messages.get(id).into_iter().flatten();
        messages.map(|message| message.text.clone()).collect()
    }

    /// What the user can read, with positions.
    pub fn visible(&self, id: &str) -> Vec<(u64, Message)> {
        let cleared = self.views.get(id).map_or(0, |view| view.cleared);
        let messages = self.messages.get(id).into_iter().flatten().cloned();
        (1..)
            .zip(messages)
            .filter(|(position, _)| *position > cleared)
            .collect()
    }

    fn newest(&self, id: &str) -> u64 {
        self.visible(id).last().map_or(0, |(position, _)| *position)
    }

    pub fn is_listed(&self, id: &str) -> bool {
        self.views.get(id).is_some_and(|view| {
            view.hidden
                .is_none_or(|hidden| self.newest(id).max(view.kept) > hidden)
        })
    }

    /// The conversations in the user's list.
    pub fn listed(&self) -> Vec<String> {
        let ids = self.views.keys().filter(|id| self.is_listed(id));
        ids.cloned().collect()
    }

    /// Deletes up to a position; none: all there is (DEL-3). Answers how far it reached.
    pub fn delete(
        &mut self,
        id: &str,
        through: Option<u64>,
        scope: Scope,
        deletion: Option<DeletionId>,
        device: Option<usize>,
    ) -> u64 {
        if let Some(reached) = deletion.and_then(|known| self.remembered.get(&known.0)) {
            return *reached;
        }
        let (head, listed) = (self.head(id), self.is_listed(id));
        let mut reached = through.unwrap_or(head).min(head);
        let kept = self.views.get(id).map_or(0, |view| view.kept);
        let whole = reached >= self.newest(id).max(kept);
        if let Some(view) = self.views.get_mut(id) {
            let own = device.map(|device| view.own.entry(device).or_default());
            let mut unheard = (0, 0);
            let (own_erased, own_hidden) = own.unwrap_or(&mut unheard);
            view.version += 1;
            view.read = view.read.max(if whole { head } else { reached });
            if scope == Scope::History {
                view.kept = if listed { kept.max(reached) } else { kept };
            } else {
                view.hidden = view.hidden.max(Some(reached));
                *own_hidden = reached.max(*own_hidden);
                if self.sync {
                    view.hiding_propagated = view.hiding_propagated.max(reached);
                }
            }
            if scope != Scope::ListEntry {
                view.cleared = view.cleared.max(reached);
                *own_erased = reached.max(*own_erased);
                if self.sync && reached > view.propagated {
                    (view.propagated, view.propagated_by) = (reached, device);
                }
            }
        } else {
            reached = 0;
        }
        if let Some(deletion) = deletion {
            self.remembered.insert(deletion.0, reached);
        }
        reached
    }

    /// What a device is told of a conversation (DUR-7, SYNC-2) that knows of this version; `None`:
    /// nothing.
    pub fn state(&self, id: &str, device: usize, version: u64) -> Option<State> {
        let view = self.views.get(id).filter(|view| view.version > version)?;
        let (own, own_hidden) = view.own.get(&device).copied().unwrap_or_default();
        let (erase, hide) = (
            own.max(view.propagated),
            own_hidden.max(view.hiding_propagated),
        );
        let listed = self.is_listed(id);
        let cause = match view.propagated_by {
            _ if own >= view.propagated => THIS_DEVICE,
            Some(by) if by == device => THIS_DEVICE,
            Some(_) => ANOTHER_DEVICE,
            None => BACK_END,
        };
        // Where only the history was cleared, the list entry was not deleted as far.
        let scope = if hide < erase {
            Scope::History
        } else {
            Scope::Everything
        };
        let state = State {
            version: view.version,
            erase,
            scope: (erase > 0).then_some(scope),
            cause,
            unlist: if listed || hide <= erase { 0 } else { hide },
            read: view.read,
        };
        (listed || erase > 0 || hide > 0).then_some(state)
    }

    /// What a device is given that has everything up to `head` already.
    pub fn page(&self, id: &str, head: u64) -> Vec<(u64, Message)> {
        if !self.is_listed(id) {
            return Vec::new();
        }
        let mut visible = self.visible(id);
        visible.retain(|(position, _)| *position > head);
        visible
    }
}
