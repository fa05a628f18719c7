//! The real server, and its REST API as an administrator's program sees it.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::build;
use super::options::Options;

pub const APP_ID: u64 = 1_400_000_000;
const SECRET: &str = "5bd2850fff3ecb11d7c805251c51ee463a25727bddc2385f3fa8bfee1bb93b5e";
const ADMIN: &str = "administrator";

pub struct Server {
    folder: TempDir,
    process: Child,
    url: String,
    admin_sig: OnceLock<String>,
    agent: ureq::Agent,
}

impl Server {
    #[track_caller]
    pub fn start() -> Self {
        Self::start_in(tempfile::tempdir().unwrap(), &[])
    }

    /// In a folder that may hold a store, with more in its environment.
    #[track_caller]
    pub fn start_in(folder: TempDir, environment: &[(&str, String)]) -> Self {
        std::fs::write(folder.path().join("secret"), SECRET).unwrap();
        let (process, url) = launch(folder.path(), "127.0.0.1:0", environment);
        Self {
            folder,
            process,
            url,
            admin_sig: OnceLock::new(),
            agent: ureq::Agent::new_with_defaults(),
        }
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    /// Kills it as a power cut would end the process.
    pub fn kill(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }

    /// Starts it again on the same store, at the same address.
    #[track_caller]
    pub fn restart(&mut self) {
        self.kill();
        let address = self.url.trim_start_matches("http://").to_owned();
        (self.process, self.url) = launch(self.folder.path(), &address, &[]);
    }

    /// What it has logged.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// A good credential.
    pub fn user_sig(&self, user: &str) -> String {
        self.user_sig_of(user, APP_ID, SECRET, &[])
    }

    /// A credential of another app or secret, or with more options of the command.
    #[track_caller]
    pub fn user_sig_of(&self, user: &str, app_id: u64, secret: &str, more: &[&str]) -> String {
        let file: PathBuf = tempfile::NamedTempFile::new_in(self.folder.path())
            .unwrap()
            .into_temp_path()
            .keep()
            .unwrap();
        std::fs::write(&file, secret).unwrap();
        let output = Command::new(build::server())
            .args([
                "usersig",
                "--app-id",
                &app_id.to_string(),
                "--identifier",
                user,
            ])
            .arg("--secret-file")
            .arg(&file)
            .args(more)
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// How a device of a user is opened.
    pub fn device(&self, user: &str, path: &Path) -> Options {
        Options {
            user: user.to_owned(),
            ..Options::remote(path, &self.url, &self.user_sig(user))
        }
    }

    /// One call as the administrator; the whole answer.
    #[track_caller]
    pub fn rest(&self, command: &str, body: &Value) -> Value {
        static RANDOM: AtomicU32 = AtomicU32::new(1);
        let sig = self.admin_sig.get_or_init(|| self.user_sig(ADMIN));
        let url = format!(
            "{}/v4/{command}?sdkappid={APP_ID}&identifier={ADMIN}&usersig={sig}&random={}&contenttype=json",
            self.url,
            RANDOM.fetch_add(1, Ordering::Relaxed)
        );
        let answer = self
            .agent
            .post(&url)
            .header("content-type", "application/json")
            .send(body.to_string().as_bytes())
            .unwrap_or_else(|error| panic!("{command}: {error}\n{}", self.log()))
            .into_body()
            .read_to_string()
            .unwrap();
        serde_json::from_str(&answer).unwrap_or_else(|_| panic!("{command}: {answer}"))
    }

    /// One call as the administrator that must succeed.
    #[track_caller]
    pub fn admin(&self, command: &str, body: &Value) -> Value {
        let answer = self.rest(command, body);
        assert_eq!(answer["ErrorCode"], 0, "{command} {body}: {answer}");
        answer
    }

    pub fn accounts(&self, users: &[&str]) {
        for user in users {
            self.admin("im_open_login_svc/account_import", &json!({"UserID": user}));
        }
    }

    pub fn send(&self, from: &str, to: &str, text: &str) {
        static RANDOM: AtomicU32 = AtomicU32::new(1);
        self.admin(
            "openim/sendmsg",
            &json!({
                "From_Account": from,
                "To_Account": to,
                "MsgRandom": RANDOM.fetch_add(1, Ordering::Relaxed),
                "MsgBody": body(text),
            }),
        );
    }

    pub fn group(&self, id: &str, name: &str, owner: &str, members: &[&str]) {
        let members: Vec<_> = members
            .iter()
            .map(|member| json!({"Member_Account": member}))
            .collect();
        self.admin(
            "group_open_http_svc/create_group",
            &json!({"Owner_Account": owner, "Type": "Public", "GroupId": id, "Name": name, "MemberList": members}),
        );
    }

    pub fn send_group(&self, group: &str, from: &str, text: &str) {
        static RANDOM: AtomicU32 = AtomicU32::new(1);
        self.admin(
            "group_open_http_svc/send_group_msg",
            &json!({
                "GroupId": group,
                "From_Account": from,
                "Random": RANDOM.fetch_add(1, Ordering::Relaxed),
                "MsgBody": body(text),
            }),
        );
    }

    /// A user's server-side history with a peer, texts, the oldest first.
    pub fn roaming(&self, user: &str, peer: &str) -> Vec<String> {
        let answer = self.admin(
            "openim/admin_getroammsg",
            &json!({"Operator_Account": user, "Peer_Account": peer, "MaxCnt": 100, "MinTime": 0, "MaxTime": 4_000_000_000_u32}),
        );
        answer["MsgList"]
            .as_array()
            .unwrap()
            .iter()
            .map(|message| {
                let text = &message["MsgBody"][0]["MsgContent"]["Text"];
                text.as_str().unwrap().to_owned()
            })
            .collect()
    }

    /// A user's server-side view of a conversation, texts, the oldest first.
    pub fn history(&self, user: &str, target: Value) -> Vec<String> {
        let mut request = target;
        request["From_Account"] = user.into();
        request["After"] = 0.into();
        request["MaxCnt"] = 1000.into();
        let answer = self.admin("recentcontact/get_history", &request);
        answer["Messages"]
            .as_array()
            .unwrap()
            .iter()
            .map(|message| {
                let text = &message["MsgBody"][0]["MsgContent"]["Text"];
                text.as_str().unwrap().to_owned()
            })
            .collect()
    }

    /// The peers and groups in a user's server-side list.
    pub fn contacts(&self, user: &str) -> Vec<String> {
        let answer = self.admin(
            "recentcontact/get_list",
            &json!({"From_Account": user, "TimeStamp": 0, "StartIndex": 0, "TopTimeStamp": 0, "TopStartIndex": 0, "AssistFlags": 7}),
        );
        let mut names: Vec<_> = answer["SessionItem"]
            .as_array()
            .unwrap()
            .iter()
            .map(|item| match item["Type"].as_u64() {
                Some(1) => format!("c2c_{}", item["To_Account"].as_str().unwrap()),
                _ => format!("group_{}", item["GroupId"].as_str().unwrap()),
            })
            .collect();
        names.sort();
        names
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            eprintln!("--- the server's log ---\n{}", self.log());
        }
    }
}

fn body(text: &str) -> Value {
    json!([{"MsgType": "TIMTextElem", "MsgContent": {"Text": text}}])
}

#[track_caller]
fn launch(folder: &Path, listen: &str, environment: &[(&str, String)]) -> (Child, String) {
    let log = std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(folder.join("log"))
        .unwrap();
    let mut process = Command::new(build::server())
        .args(["serve", "--listen", listen])
        .args(["--app-id", &APP_ID.to_string(), "--admin", ADMIN])
        .arg("--store")
        .arg(format!("sqlite:{}", folder.join("server.db").display()))
        .arg("--secret-file")
        .arg(folder.join("secret"))
        .envs(environment.iter().map(|(name, value)| (name, value)))
        .stdout(Stdio::piped())
        .stderr(log)
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(process.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    let first: Value = serde_json::from_str(&line).unwrap_or_else(|_| {
        panic!(
            "the server did not start: {line:?}\n{}",
            std::fs::read_to_string(folder.join("log")).unwrap_or_default()
        )
    });
    let address = first["listening"].as_str().unwrap();
    (process, format!("http://{address}"))
}
