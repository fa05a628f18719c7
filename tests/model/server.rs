//! What the server should have: every message, and the user's view of each conversation.

use std::collections::BTreeMap;

use crate::support::abi::DeletionId;

use super::known::IS_SENT_TOO_FAR;
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
    /// What every device is to erase, and who wanted it: a device, or the back end.
    propagated: u64,
    propagated_by: Option<usize>,
    /// What each device deleted itself.
    own: BTreeMap<usize, u64>,
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
    pub fn send(&mut self, id: &str, message: Message) {
        self.messages
            .entry(id.to_owned())
            .or_default()
            .push(message);
        self.views.entry(id.to_owned()).or_default();
    }

    /// A conversation without a message, which a group is when it begins.
    pub fn begin(&mut self, id: &str) {
        self.views.entry(id.to_owned()).or_default();
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
        let reached = through.unwrap_or(head).min(head);
        let whole = IS_SENT_TOO_FAR && reached >= self.newest(id);
        let sent = if whole { head } else { reached };
        let reached = if let Some(view) = self.views.get_mut(id) {
            if scope == Scope::History {
                view.kept = if listed {
                    view.kept.max(reached)
                } else {
                    view.kept
                };
            } else {
                view.hidden = view.hidden.max(Some(reached));
            }
            if scope != Scope::ListEntry {
                view.cleared = view.cleared.max(reached);
                if self.sync && sent > view.propagated {
                    (view.propagated, view.propagated_by) = (sent, device);
                }
                if let Some(device) = device {
                    let own = view.own.entry(device).or_default();
                    *own = reached.max(*own);
                }
            }
            reached
        } else {
            0
        };
        if let Some(deletion) = deletion {
            self.remembered.insert(deletion.0, reached);
        }
        reached
    }

    /// What a device must erase of a conversation (DUR-7, SYNC-2), and who caused it.
    pub fn erased(&self, id: &str, device: usize) -> Option<(u64, u32)> {
        let view = self.views.get(id)?;
        let own = view.own.get(&device).copied().unwrap_or(0);
        let through = own.max(view.propagated);
        let cause = match view.propagated_by {
            _ if own >= view.propagated => THIS_DEVICE,
            Some(by) if by == device => THIS_DEVICE,
            Some(_) => ANOTHER_DEVICE,
            None => BACK_END,
        };
        (through > 0).then_some((through, cause))
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
