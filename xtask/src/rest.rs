//! What an account sees through the REST API.

use std::time::Duration;

use adieu_protocol::{
    ConversationId, conversation_id, envelope,
    recent_contact::{GetHistory, History, MAX_HISTORY_PAGE, Target},
};
use anyhow::{Context, Result, anyhow};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::json;

use crate::server::{APP_ID, Server};

/// How long an answer may take.
const TIMEOUT: Duration = Duration::from_secs(30);

/// One account, signed in.
pub struct Account {
    agent: ureq::Agent,
    url: String,
    name: String,
    user_sig: String,
}

#[derive(Deserialize)]
struct GroupPage {
    #[serde(rename = "RspMsgList")]
    messages: Vec<serde_json::Value>,
}

#[derive(Deserialize)]
struct RoamPage {
    #[serde(rename = "MsgCnt")]
    count: u64,
}

impl Account {
    /// Signs `name` in at a server that listens at `url`.
    pub fn sign_in(server: &Server, url: &str, name: &str) -> Result<Self> {
        let config = ureq::Agent::config_builder()
            .timeout_global(Some(TIMEOUT))
            .build();
        Ok(Self {
            agent: config.into(),
            url: url.to_owned(),
            name: name.to_owned(),
            user_sig: server.user_sig(name)?,
        })
    }

    /// The identifier.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Asks, and reads an answer without an error.
    pub fn post<A: DeserializeOwned>(&self, command: &str, request: &impl Serialize) -> Result<A> {
        let body = serde_json::to_vec(request).context("cannot write a request")?;
        let mut response = self
            .agent
            .post(format!("{}/{command}", self.url))
            .query("sdkappid", APP_ID.to_string())
            .query("identifier", &self.name)
            .query("usersig", &self.user_sig)
            .query("random", "7")
            .query("contenttype", "json")
            .send(&body[..])
            .with_context(|| format!("no answer to {command}"))?;
        let bytes = response
            .body_mut()
            .with_config()
            .limit(64 << 20)
            .read_to_vec()
            .with_context(|| format!("half an answer to {command}"))?;
        envelope::read_answer(&bytes).with_context(|| command.to_owned())
    }

    /// Counts the messages of this account's view, page by page.
    pub fn count(&self, conversation: &str) -> Result<u64> {
        let target = Target::of(&native(conversation)?).context("not a conversation of the API")?;
        let (mut count, mut after) = (0, 0);
        loop {
            let request = GetHistory {
                from_account: self.name.clone(),
                target: target.clone(),
                after,
                max_count: MAX_HISTORY_PAGE,
            };
            let page: History = self.post(adieu_protocol::path::GET_HISTORY, &request)?;
            count += page.messages.len() as u64;
            match page.messages.last() {
                Some(last) if page.complete == 0 => after = last.position,
                _ => return Ok(count),
            }
        }
    }

    /// Messages in the first page of the published call that reads this conversation.
    pub fn count_published(&self, conversation: &str) -> Result<u64> {
        match native(conversation)? {
            ConversationId::Group(group) => {
                let page: GroupPage = self.post(
                    adieu_protocol::path::GROUP_MSG_GET_SIMPLE,
                    &json!({ "GroupId": group.as_str(), "ReqMsgNumber": 20 }),
                )?;
                Ok(page.messages.len() as u64)
            }
            ConversationId::C2c(peer) => {
                let page: RoamPage = self.post(
                    adieu_protocol::path::ADMIN_GET_ROAM_MSG,
                    &json!({ "Operator_Account": self.name, "Peer_Account": peer.as_str(), "MaxCnt": 100,
                             "MinTime": 0, "MaxTime": u32::MAX }),
                )?;
                Ok(page.count)
            }
            ConversationId::System => Err(anyhow!("the API does not know {conversation}")),
        }
    }
}

fn native(conversation: &str) -> Result<ConversationId> {
    conversation_id::ConversationId::parse(conversation)
        .with_context(|| format!("{conversation:?} is no conversation id"))
}
