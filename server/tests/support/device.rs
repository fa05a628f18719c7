//! A device as the sync call sees it.
#![allow(dead_code, reason = "each test file uses a part of it")]
#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests; a failure is the test's"
)]

use adieu_protocol::path;
use serde_json::{Value, json};

use crate::support::{Server, plus};

/// A device, with the cursor that it was given last.
pub struct Device<'a> {
    pub server: &'a Server,
    pub owner: &'a str,
    pub name: &'a str,
    pub version: Option<&'a str>,
    pub cursor: String,
}

impl<'a> Device<'a> {
    pub fn new(server: &'a Server, owner: &'a str, name: &'a str) -> Self {
        Self {
            server,
            owner,
            name,
            version: None,
            cursor: String::new(),
        }
    }

    pub fn request(&self, wait: u64) -> Value {
        let mut request = json!({ "From_Account": self.owner, "DeviceId": self.name, "Cursor": self.cursor, "Wait": wait });
        if let Some(version) = self.version {
            request["Version"] = json!(version);
        }
        request
    }

    /// One request.
    pub fn ask(&mut self, wait: u64) -> Value {
        let answer = self.server.ok(self.owner, path::SYNC, &self.request(wait));
        self.cursor = answer["Cursor"].as_str().unwrap().to_owned();
        answer
    }

    /// Asks until it has all; gives the views, and whether they began anew.
    pub fn pull(&mut self) -> (Vec<Value>, bool) {
        let (mut views, mut anew) = (Vec::new(), false);
        loop {
            let answer = self.ask(0);
            anew |= answer["Anew"] == 1;
            views.extend(answer["Views"].as_array().unwrap().iter().cloned());
            if answer["Complete"] == 1 {
                return (views, anew);
            }
        }
    }

    pub fn pulled(&mut self) -> Vec<Value> {
        self.pull().0
    }
}

pub fn from_device(device: &str, request: Value) -> Value {
    plus(request, json!({ "DeviceId": device }))
}

/// The fields of a view that a deletion changes.
pub fn marks(view: &Value) -> Value {
    json!([
        view["EraseThrough"],
        view["ErasedBy"],
        view["HiddenThrough"],
        view["Listed"],
        view["Head"]
    ])
}

pub fn switch(server: &Server, on: u8) {
    let answer = server.admin(path::SYNC_DELETIONS, &json!({ "SyncDeletions": on }));
    assert_eq!(answer["SyncDeletions"], on);
}
