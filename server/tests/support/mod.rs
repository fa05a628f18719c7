//! Starts the real server on a free port and speaks to it as published clients do.
#![allow(dead_code, reason = "each test file uses a part of it")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "helpers of tests; a failure is the test's"
)]

pub mod database;

use std::{
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant, SystemTime},
};

use adieu_protocol::{path, user_sig::Signer};
use serde_json::{Value, json};
use tempfile::TempDir;

pub const APP: u64 = 1_400_000_000;
pub const SECRET: &str = "5bd2850fff3ecb11d7c805251c51ee463a25727bddc2385f3fa8bfee1bb93b5e";
pub const ADMIN: &str = "administrator";
/// The operator's, where a server is started with [`WITH_PASSWORD`].
pub const PASSWORD: &str = "correct horse battery staple";
/// `{dir}` stands for the folder of the test.
pub const WITH_PASSWORD: [&str; 2] = ["--console-password-file", "{dir}/password"];

pub fn now() -> u64 {
    SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap()
        .as_secs()
}

/// A server of its own for a test, and its store.
pub struct Server {
    pub dir: TempDir,
    pub address: String,
    /// The URL of its store.
    pub url_of_store: String,
    child: Option<Child>,
    agent: ureq::Agent,
    extra: Vec<String>,
}

impl Server {
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// On a new store: of PostgreSQL where the environment names one, else in a file.
    pub fn start_with(extra: &[&str]) -> Self {
        Self::start_on(database::new(), extra)
    }

    /// On a new file, whatever the environment names.
    pub fn start_embedded() -> Self {
        Self::start_on(None, &[])
    }

    /// On the store of a URL; none: on a new file.
    pub fn start_on(store: Option<String>, extra: &[&str]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let url_of_store = store.unwrap_or_else(|| embedded(dir.path()));
        std::fs::write(dir.path().join("secret"), format!("{SECRET}\n")).unwrap();
        std::fs::write(dir.path().join("password"), format!("{PASSWORD}\n")).unwrap();
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(20)))
            .build()
            .into();
        let mut server = Self {
            dir,
            url_of_store,
            address: String::new(),
            child: None,
            agent,
            extra: extra.iter().map(ToString::to_string).collect(),
        };
        server.run();
        server
    }

    /// The file of an embedded store.
    pub fn store(&self) -> PathBuf {
        PathBuf::from(self.url_of_store.strip_prefix("sqlite:").unwrap())
    }

    /// What all starts have logged.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("log")).unwrap()
    }

    pub fn on_postgres(&self) -> bool {
        self.url_of_store.starts_with("postgres://")
    }

    /// Serves the embedded store of a folder.
    pub fn command(dir: &Path) -> Command {
        Self::command_on(dir, &embedded(dir))
    }

    pub fn command_on(dir: &Path, store: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_adieu-server"));
        command.args(["serve", "--listen", "127.0.0.1:0", "--admin", ADMIN]);
        command.args(["--store", store]);
        command.args(["--app-id", &APP.to_string()]);
        command.arg("--secret-file").arg(dir.join("secret"));
        command
    }

    /// Starts the process, on the store that is there already or on a new one.
    pub fn run(&mut self) {
        let dir = self.dir.path().to_str().unwrap();
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(self.dir.path().join("log"))
            .unwrap();
        let mut child = Self::command_on(self.dir.path(), &self.url_of_store)
            .args(self.extra.iter().map(|flag| flag.replace("{dir}", dir)))
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut said = BufReader::new(child.stdout.take().unwrap());
        let (tell, line) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let mut line = String::new();
            let _ = said.read_line(&mut line);
            let _ = tell.send(line);
        });
        let line = line.recv_timeout(Duration::from_secs(60));
        if line.is_err() {
            child.kill().unwrap();
        }
        let line = line.expect("it says in time where it listens");
        let first: Value =
            serde_json::from_str(&line).expect("the first line says where it listens");
        self.address = first["listening"].as_str().unwrap().to_owned();
        self.child = Some(child);
    }

    pub fn run_with(&mut self, extra: &[&str]) {
        self.extra = extra.iter().map(ToString::to_string).collect();
        self.run();
    }

    /// The process's id.
    pub fn id(&self) -> u32 {
        self.child.as_ref().unwrap().id()
    }

    /// Loads a chat log; the server must not run.
    pub fn import(&self, log: &str) {
        let file = self.dir.path().join("log.jsonl");
        std::fs::write(&file, log).unwrap();
        let imported = Command::new(env!("CARGO_BIN_EXE_adieu-server"))
            .args(["import", file.to_str().unwrap()])
            .args(["--store", &self.url_of_store])
            .output()
            .unwrap();
        assert!(imported.status.success(), "{imported:?}");
    }

    /// No chance to finish anything.
    pub fn kill(&mut self) {
        let mut child = self.child.take().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// SIGTERM; says whether the server ended well.
    pub fn stop(&mut self) -> bool {
        let mut child = self.child.take().unwrap();
        let id = child.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-TERM", &id])
                .status()
                .unwrap()
                .success()
        );
        child.wait().unwrap().success()
    }

    pub fn url(&self, path: &str, identifier: &str, sig: &str) -> String {
        format!(
            "http://{}/{path}?sdkappid={APP}&identifier={identifier}&usersig={sig}&random=1&contenttype=json",
            self.address
        )
    }

    /// The body of the answer, whose HTTP status has to be 200.
    pub fn post_raw(&self, url: &str, body: &[u8]) -> Value {
        // No Content-Type, as one published client does.
        let mut answer = self.agent.post(url).send(body).unwrap();
        assert_eq!(answer.status(), 200);
        serde_json::from_str(&answer.body_mut().read_to_string().unwrap()).unwrap()
    }

    pub fn get(&self, url: &str) -> String {
        let mut answer = self.agent.get(url).call().unwrap();
        assert_eq!(answer.status(), 200);
        answer.body_mut().read_to_string().unwrap()
    }

    /// Signed in as `identifier`.
    pub fn call(&self, identifier: &str, path: &str, body: &Value) -> Value {
        let sig = Signer::new(APP, SECRET.as_bytes()).sign(identifier, now(), 600);
        self.post_raw(
            &self.url(path, identifier, &sig),
            body.to_string().as_bytes(),
        )
    }

    /// Signed in as `identifier`; has to succeed.
    pub fn ok(&self, identifier: &str, path: &str, body: &Value) -> Value {
        let answer = self.call(identifier, path, body);
        assert_eq!(answer["ErrorCode"], 0, "{path} {body} -> {answer}");
        assert_eq!(answer["ActionStatus"], "OK");
        answer
    }

    /// Signed in as the administrator; has to succeed.
    pub fn admin(&self, path: &str, body: &Value) -> Value {
        self.ok(ADMIN, path, body)
    }

    /// Signed in as `identifier`; has to be refused with this number.
    pub fn refused(&self, identifier: &str, path: &str, body: &Value, code: i32) -> String {
        let answer = self.call(identifier, path, body);
        assert_eq!(answer["ErrorCode"], code, "{path} {body} -> {answer}");
        assert_eq!(answer["ActionStatus"], "FAIL");
        let info = answer["ErrorInfo"].as_str().unwrap();
        assert!(!info.is_empty(), "a refusal says why");
        info.to_owned()
    }

    pub fn accounts(&self, names: &[&str]) {
        for name in names {
            self.admin(path::ACCOUNT_IMPORT, &json!({ "UserID": name }));
        }
    }

    /// Sends `count` one-to-one messages.
    pub fn chat(&self, from: &str, to: &str, count: u32) {
        for at in 0..count {
            let text = format!("{from} to {to}, {at}");
            let message = json!({ "From_Account": from, "To_Account": to, "MsgRandom": random(), "MsgBody": body(&text) });
            self.admin(path::SEND_MSG, &message);
        }
    }

    pub fn group_chat(&self, group: &str, from: &str, count: u32) {
        for at in 0..count {
            let text = format!("{from} in {group}, {at}");
            let message = json!({ "GroupId": group, "From_Account": from, "Random": random(), "MsgBody": body(&text) });
            self.admin(path::SEND_GROUP_MSG, &message);
        }
    }

    pub fn group(&self, id: &str, members: &[&str]) {
        let members: Vec<_> = members
            .iter()
            .map(|name| json!({ "Member_Account": name }))
            .collect();
        self.admin(
            path::CREATE_GROUP,
            &json!({ "Type": "Public", "GroupId": id, "Name": format!("the {id}"), "MemberList": members }),
        );
    }

    /// The positions that an owner's view of a conversation shows.
    pub fn positions(&self, owner: &str, target: &Value) -> Vec<u64> {
        let mut request = target.clone();
        request["From_Account"] = json!(owner);
        request["MaxCnt"] = json!(1_000);
        let answer = self.admin(path::GET_HISTORY, &request);
        assert_eq!(answer["Complete"], 1);
        answer["Messages"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["Position"].as_u64().unwrap())
            .collect()
    }

    /// The conversations in an owner's list, sorted.
    pub fn list(&self, owner: &str) -> Vec<String> {
        let answer = self.admin(
            path::GET_LIST,
            &json!({ "From_Account": owner, "AssistFlags": 1 }),
        );
        assert_eq!(answer["ErrorDisplay"], "");
        assert_eq!(answer["CompleteFlag"], 1);
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

    /// One device's view of a conversation, as the sync call tells it.
    pub fn view(&self, owner: &str, device: &str, peer_or_group: &str) -> Option<Value> {
        let answer = self.admin(
            path::SYNC,
            &json!({ "From_Account": owner, "DeviceId": device }),
        );
        assert_eq!(answer["Complete"], 1);
        let named = |view: &&Value| {
            view["To_Account"] == peer_or_group || view["ToGroupid"] == peer_or_group
        };
        answer["Views"]
            .as_array()
            .unwrap()
            .iter()
            .find(named)
            .cloned()
    }

    /// What the store holds, whoever may see it.
    pub fn stored(&self, sql: &str) -> i64 {
        if self.on_postgres() {
            return database::number(&self.url_of_store, sql);
        }
        let store = rusqlite::Connection::open(self.store()).unwrap();
        store.busy_timeout(Duration::from_secs(5)).unwrap();
        store.query_row(sql, [], |row| row.get(0)).unwrap()
    }

    /// Waits until the store holds this many of something.
    pub fn wait_for(&self, sql: &str, count: i64) {
        let begun = Instant::now();
        while self.stored(sql) != count {
            assert!(
                begun.elapsed() < Duration::from_secs(10),
                "{sql} stays at {}",
                self.stored(sql)
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

fn embedded(dir: &Path) -> String {
    format!("sqlite:{}", dir.join("store.db").display())
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
        if std::thread::panicking() {
            let faults: Vec<String> = (self.log().lines())
                .filter(|line| line.contains(" ERROR "))
                .map(str::to_owned)
                .collect();
            eprintln!("the server's log: {faults:#?}");
        }
    }
}

pub fn body(text: &str) -> Value {
    json!([{ "MsgType": "TIMTextElem", "MsgContent": { "Text": text } }])
}

pub fn random() -> u32 {
    use std::sync::atomic::{AtomicU32, Ordering};
    static NEXT: AtomicU32 = AtomicU32::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

pub fn with(peer: &str) -> Value {
    json!({ "Type": 1, "To_Account": peer })
}

pub fn in_group(group: &str) -> Value {
    json!({ "Type": 2, "ToGroupid": group })
}

/// A deletion with its history.
pub fn delete(owner: &str, target: &Value) -> Value {
    let mut request = target.clone();
    request["From_Account"] = json!(owner);
    request["ClearRamble"] = json!(1);
    request
}

/// The same with more fields.
pub fn plus(mut request: Value, more: Value) -> Value {
    for (name, value) in more.as_object().unwrap() {
        request[name] = value.clone();
    }
    request
}

/// How long something that has to happen may take.
pub const DEADLINE: Duration = Duration::from_secs(20);

pub fn wait_until(mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < DEADLINE, "it never came about");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A number of `/metrics`.
pub fn metric(server: &Server, name: &str) -> Option<u64> {
    let text = server.get(&format!("http://{}/metrics", server.address));
    let line = text
        .lines()
        .find(|line| line.starts_with(&format!("{name} ")))?;
    line.rsplit(' ').next()?.parse().ok()
}

/// What `/metrics` says of the devices that wait.
pub fn waiting_polls(server: &Server) -> u64 {
    metric(server, "adieu_long_polls_open").unwrap()
}
