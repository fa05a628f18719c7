//! What was deleted elsewhere, and is to be deleted here.

use super::flight::State;
use super::{DeletionId, Deletions, Scope};
use crate::conversation::{ConversationId, END};
use crate::error::{Error, Result};
use crate::event::Cause;
use crate::store::{Erasure, Store};

/// A deletion that the server tells of.
#[derive(Clone, Copy, Debug)]
pub struct ErasedElsewhere {
    /// The last position that goes.
    pub through: u64,
    /// Whether the list entry goes too.
    pub scope: Scope,
    /// Who did it.
    pub cause: Cause,
}

/// One that changes something here.
struct Followed {
    erasure: Erasure,
    cause: Cause,
    own: Option<DeletionId>,
    news: bool,
}

impl Deletions {
    /// Erases what was deleted elsewhere, with one flush: the server has done its part, and no call
    /// waits.
    ///
    /// # Errors
    /// A position that no message can have: nothing has happened. The disk failed.
    pub fn erase_elsewhere(
        &mut self,
        told: Vec<(ConversationId, ErasedElsewhere)>,
        store: &mut Store,
    ) -> Result<()> {
        let mut followed = Vec::new();
        for (conversation, elsewhere) in told {
            let ErasedElsewhere {
                through,
                scope,
                cause,
            } = elsewhere;
            // Its history may be cleared as far, and the conversation still be listed.
            let listed = scope == Scope::Everything && store.lists_below(&conversation, through);
            if through >= END {
                let text =
                    format!("the server wants positions up to {through} erased; none is as high");
                return Err(Error::BadAnswer(text));
            }
            if through <= store.standing(&conversation).floor && !listed {
                // Told again, it takes nothing that was set since.
                if scope == Scope::Everything {
                    store.note_left(&conversation, through)?;
                }
                continue;
            }
            // Nothing is written down first: the dead slots are the record, and until there are
            // any, the server says it again at every pull.
            let own = (cause == Cause::ThisDevice)
                .then(|| self.reaching(&conversation, through, scope))
                .flatten();
            let erasure = Erasure {
                deletion: own.unwrap_or_else(|| self.ids.next()),
                conversation,
                through,
                source: None,
                scope,
            };
            followed.push(Followed {
                news: self.has_news(&erasure, store),
                erasure,
                cause,
                own,
            });
        }
        let erasures: Vec<_> = followed.iter().map(|one| one.erasure.clone()).collect();
        store.destroy(&erasures)?;
        let mut ended = Vec::new();
        for one in &followed {
            if one.news {
                self.tell_gone(&one.erasure, one.cause, one.own, store);
            }
            // One of this device's own that is under way is done with it, whatever becomes of its
            // answer.
            let name = (one.erasure.deletion, one.erasure.conversation.clone());
            let own = one.own.and_then(|own| self.succeed(own));
            ended.push(own.unwrap_or((name, None)));
        }
        self.forget_when_delivered(ended);
        let released = |one: &Followed| self.released(&one.erasure.conversation);
        let released: Vec<_> = followed.iter().filter_map(released).collect();
        if !released.is_empty() {
            self.start(released, store);
        }
        Ok(())
    }

    /// A deletion of this device that is under way and reaches just as far: the server tells of it.
    fn reaching(
        &self,
        conversation: &ConversationId,
        through: u64,
        scope: Scope,
    ) -> Option<DeletionId> {
        let reaches = |id: &&DeletionId| {
            let flight = self.flights.get(id);
            flight.is_some_and(|flight| {
                let intent = &flight.intent;
                intent.scope == scope
                    && intent.cut_off.is_none_or(|cut_off| cut_off == through)
                    && matches!(flight.state, State::Asked | State::Behind | State::Waiting)
            })
        };
        self.of_conversation(conversation)
            .iter()
            .find(reaches)
            .copied()
    }

    /// Takes out of the list what was taken out of it elsewhere; its history stays.
    pub fn unlist_elsewhere(
        &mut self,
        conversation: &ConversationId,
        through: u64,
        store: &mut Store,
    ) -> Result<()> {
        if through >= END {
            let text = format!("the server hides up to {through}; no position is as high");
            return Err(Error::BadAnswer(text));
        }
        if !store.lists_below(conversation, through) {
            return Ok(());
        }
        let erasure = Erasure {
            deletion: self.ids.next(),
            conversation: conversation.clone(),
            through,
            source: None,
            scope: Scope::ListEntry,
        };
        let news = store.would_lose(&erasure);
        store.destroy(std::slice::from_ref(&erasure))?;
        if news {
            self.tell_gone(&erasure, Cause::AnotherDevice, None, store);
        }
        Ok(())
    }
}
