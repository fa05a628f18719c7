//! The calls: each is checked, noted where that is due, and handed to the worker.

use std::sync::Arc;

use adieu_protocol::recent_contact::MAX_BATCH;

use super::{Client, MAX_HISTORY, MAX_UNDO, no_server, push};
use crate::conversation::{Change, ConversationId, MAX_DRAFT, Message, Source, Summary};
use crate::deletion::{
    DeletionId, Gather, Management, Moment, Pending, Receipt, Record, Request, Terms,
};
use crate::delivery::{Delivery, Reply};
use crate::error::{Error, Result};
use crate::store::Verification;
use crate::worker::Command;

impl Client {
    /// A new id for a deletion.
    pub fn new_deletion_id(&self) -> DeletionId {
        self.ids.next()
    }

    /// Where answers of this client go.
    pub fn delivery(&self) -> &Arc<Delivery> {
        &self.delivery
    }

    /// Deletes a conversation. Never waits for disk or network.
    ///
    /// # Errors
    /// [`Error::Closed`], as for every call below: it was refused, and `reply` answers nothing.
    pub fn delete(
        &self,
        id: DeletionId,
        conversation: ConversationId,
        terms: Terms,
        reply: Reply<()>,
    ) -> Result<()> {
        if let Err(error) = check(&terms) {
            return self.reject(error, reply);
        }
        let request = self.request(id, conversation, terms, reply, Moment::now());
        self.submit(Command::Delete(request))
    }

    /// From here on, nothing but a power cut can lose it.
    fn request(
        &self,
        id: DeletionId,
        conversation: ConversationId,
        terms: Terms,
        reply: Reply<()>,
        now: Moment,
    ) -> Request {
        let (source, cut_off) = self.positions.head(&conversation).unzip();
        let host_positions = source == Some(Source::Host);
        let noted = self.inbox.as_ref().and_then(|inbox| {
            let record = Record {
                deletion: id,
                cut_off,
                accepted_at: now.by_clock,
                undo: u32::try_from(terms.undo.as_millis()).unwrap_or(u32::MAX),
                scope: terms.scope,
                policy: terms.policy,
                alone: self.remote.is_none(),
                host_positions,
            };
            inbox.note(&conversation, &record)
        });
        Request {
            id,
            conversation,
            cut_off,
            host_positions,
            terms,
            accepted: now,
            noted,
            reply,
        }
    }

    /// Deletes several conversations in one call, which is accepted or refused as a whole; those
    /// whose id is an error fail by themselves. `done` is called once, on whichever thread
    /// delivers.
    pub fn delete_all(
        &self,
        wanted: Vec<(DeletionId, Result<ConversationId>)>,
        terms: Terms,
        done: impl FnOnce(Result<Vec<Result<()>>>) + Send + 'static,
    ) -> Result<()> {
        if wanted.is_empty() || wanted.len() > MAX_BATCH {
            let reply = Reply::new(self.delivery.clone(), done);
            return self.reject(Error::TooMany(wanted.len()), reply);
        }
        if let Err(error) = check(&terms) {
            let reply = Reply::new(self.delivery.clone(), done);
            return self.reject(error, reply);
        }
        let reply = Reply::new(self.delivery.clone(), done);
        let gather = Gather::new(wanted.len(), reply);
        let now = Moment::now();
        let mut requests = Vec::with_capacity(wanted.len());
        let mut failed = Vec::new();
        for (index, (id, conversation)) in wanted.into_iter().enumerate() {
            let reply = Reply::part(gather.clone(), index);
            match conversation {
                Ok(conversation) => {
                    requests.push(self.request(id, conversation, terms, reply, now));
                }
                Err(error) => failed.push((error, reply)),
            }
        }
        let submitted = self.submit(Command::DeleteAll { requests, failed });
        if submitted.is_err() {
            gather.release();
        }
        submitted
    }

    /// Fails a call that was accepted, by the same way as every other outcome.
    pub fn reject<T: Send>(&self, error: Error, reply: Reply<T>) -> Result<()> {
        self.submit(Command::Reject(Box::new(move |accepted| {
            if accepted {
                reply.send(Err(error))
            } else {
                reply.release()
            }
        })))
    }

    /// Saves messages of the host's own transport. From here on they are accepted: a deletion
    /// that is made after this covers them.
    pub fn save(
        &self,
        conversation: ConversationId,
        messages: Vec<Message>,
        reply: Reply<()>,
    ) -> Result<()> {
        if let Some(error) = messages.iter().find_map(|message| message.check().err()) {
            return self.reject(error, reply);
        }
        if let Some(highest) = messages.iter().map(|message| message.position).max() {
            self.positions.raise(&conversation, Source::Host, highest);
        }
        self.submit(Command::Save {
            conversation,
            messages,
            reply,
        })
    }

    /// Pulls what the server has and this device lacks.
    pub fn pull(&self, reply: Reply<()>) -> Result<()> {
        if self.remote.is_none() {
            return self.reject(no_server(), reply);
        }
        match self.puller.lock().as_ref() {
            Some(puller) => {
                if self
                    .remote
                    .as_ref()
                    .is_some_and(|remote| remote.is_signed_in())
                {
                    push(&self.queue, Command::Settle);
                }
                puller.pull(reply);
                Ok(())
            }
            None => {
                reply.release();
                Err(Error::Closed)
            }
        }
    }

    /// The conversation list, the newest first.
    pub fn list(&self, reply: Reply<Vec<Summary>>) -> Result<()> {
        self.submit(Command::List(reply))
    }

    /// At most `count` messages below the position `before`, the newest first.
    pub fn history(
        &self,
        conversation: ConversationId,
        before: u64,
        count: usize,
        reply: Reply<Vec<Message>>,
    ) -> Result<()> {
        if count == 0 || count > MAX_HISTORY {
            return self.reject(
                Error::Parameter(format!("count is {count}; allowed: 1 to {MAX_HISTORY}")),
                reply,
            );
        }
        self.submit(Command::History {
            conversation,
            before,
            count,
            reply,
        })
    }

    /// Changes what a conversation shows.
    pub fn change(
        &self,
        conversation: ConversationId,
        change: Change,
        reply: Reply<()>,
    ) -> Result<()> {
        if let Change::Draft(text) = &change
            && text.len() > MAX_DRAFT
        {
            let text = format!(
                "the draft has {} bytes; at most {MAX_DRAFT} are allowed",
                text.len()
            );
            return self.reject(Error::Parameter(text), reply);
        }
        let head = self.positions.head(&conversation);
        self.submit(Command::Change {
            conversation,
            change,
            head: head.map_or(0, |(_, head)| head),
            reply,
        })
    }

    /// The deletions whose outcome is open, the oldest first.
    pub fn pending(&self, reply: Reply<Vec<Pending>>) -> Result<()> {
        self.submit(Command::ListPending(reply))
    }

    /// Undoes, cancels, retries or acknowledges a pending deletion.
    pub fn manage(
        &self,
        deletion: DeletionId,
        management: Management,
        reply: Reply<()>,
    ) -> Result<()> {
        self.submit(Command::Manage {
            deletion,
            management,
            reply,
        })
    }

    /// Takes note that there is a network, which is used at once, or none.
    pub fn network_changed(&self, online: bool) -> Result<()> {
        if online {
            self.wake_live();
        }
        self.queue
            .push(Command::Network(online))
            .map_err(|_| Error::Closed)
    }

    /// The forensic look.
    pub fn verify(
        &self,
        conversation: ConversationId,
        texts: Vec<Vec<u8>>,
        reply: Reply<Verification>,
    ) -> Result<()> {
        self.submit(Command::Verify {
            conversation,
            texts,
            reply,
        })
    }

    /// Unread messages in all conversations.
    pub fn total_unread(&self) -> u64 {
        self.positions.unread()
    }

    /// What a deletion that succeeded did.
    pub fn receipt(&self, id: DeletionId) -> Option<Receipt> {
        self.receipts.find(id)
    }

    /// Replaces the UserSig, and asks again for what is not settled; an empty one signs out.
    pub fn sign_in(&self, user_sig: &str) -> Result<()> {
        let remote = self.remote.as_ref().ok_or_else(no_server)?;
        remote.set_user_sig(user_sig);
        if !user_sig.is_empty() {
            self.events.signed_in();
            self.wake_live();
            push(&self.queue, Command::Settle);
        }
        Ok(())
    }

    fn submit(&self, command: Command) -> Result<()> {
        self.queue.push(command).map_err(|refused| {
            refused.release();
            Error::Closed
        })
    }
}

fn check(terms: &Terms) -> Result<()> {
    if terms.undo > MAX_UNDO {
        return Err(Error::Parameter(format!(
            "undo window of {} ms; at most {} are allowed",
            terms.undo.as_millis(),
            MAX_UNDO.as_millis()
        )));
    }
    Ok(())
}
