//! What an operator works with: health, metrics, logs, the webhook, and a store of an older
//! version.

#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests; a failure is the test's"
)]

mod support;

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU16, Ordering},
    },
};

use adieu_protocol::path;
use ring::hmac;
use serde_json::{Value, json};
use support::{
    PASSWORD, SECRET, Server, body, delete, in_group, metric, now, plus, wait_until, with,
};

#[test]
fn health_and_metrics_tell_how_it_is_and_nothing_of_anybody() {
    let server = Server::start();
    assert_eq!(
        server.get(&format!("http://{}/healthz", server.address)),
        "ok"
    );
    server.accounts(&["alice", "bob"]);
    server.chat("alice", "bob", 3);
    server.ok("alice", path::DELETE, &delete("alice", &with("bob")));
    server.refused("alice", path::ACCOUNT_IMPORT, &json!({}), 60010);
    server.call("alice", "v4/no/such/command/at/all", &json!({}));
    let text = server.get(&format!("http://{}/metrics", server.address));
    for line in [
        r#"adieu_requests_total{command="v4/openim/sendmsg",code="0"} 3"#,
        r#"adieu_requests_total{command="v4/recentcontact/delete",code="0"} 1"#,
        r#"adieu_requests_total{command="v4/im_open_login_svc/account_import",code="60010"} 1"#,
        r#"adieu_requests_total{command="unknown",code="60002"} 1"#,
        r#"adieu_request_duration_seconds_count{command="v4/openim/sendmsg"} 3"#,
        "adieu_deletions_total 1",
        "adieu_long_polls_open 0",
        "# EOF",
    ] {
        assert!(text.lines().any(|one| one == line), "{line} in\n{text}");
    }
    assert!(metric(&server, "adieu_store_bytes") > Some(0));
    assert!(metric(&server, "adieu_connections_open") >= Some(1));
    wait_until(|| metric(&server, "adieu_purge_backlog") == Some(0));
    assert!(!text.contains("alice") && !text.contains("bob"));
}

#[test]
fn logs_are_json_lines_without_secrets_and_content() {
    let mut server = Server::start_with(&[
        "--log-format",
        "json",
        "--log-level",
        "trace",
        "--console-password-file",
        "{dir}/password",
    ]);
    server.accounts(&["a", "b"]);
    let sig = adieu_protocol::user_sig::Signer::new(support::APP, SECRET.as_bytes()).sign(
        "a",
        now(),
        600,
    );
    let message =
        json!({ "To_Account": "b", "MsgRandom": 1, "MsgBody": body("the text of a message") });
    server.post_raw(
        &server.url(path::SEND_MSG, "a", &sig),
        message.to_string().as_bytes(),
    );
    server.post_raw(&server.url("v4/nothing", "a", &sig), b"{");
    server.ok("a", path::DELETE, &delete("a", &with("b")));
    assert!(server.stop());
    let log = server.log();
    let lines: Vec<Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).expect(line))
        .collect();
    let answered = lines
        .iter()
        .find(|line| line["fields"]["command"] == path::DELETE)
        .unwrap();
    assert_eq!(answered["fields"]["code"], 0);
    for secret in [SECRET, PASSWORD, &sig, "the text of a message"] {
        assert!(!log.contains(secret));
    }
}

/// The operator's back end: answers with what it is told to, and keeps what it hears.
struct Receiver {
    url: String,
    answer: Arc<AtomicU16>,
    heard: Arc<Mutex<Vec<Post>>>,
}

#[derive(Clone)]
struct Post {
    headers: Vec<(String, String)>,
    body: String,
}

impl Post {
    fn header(&self, name: &str) -> &str {
        let found = self
            .headers
            .iter()
            .find(|(one, _)| one.eq_ignore_ascii_case(name));
        found.map_or("", |(_, value)| value)
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

impl Receiver {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!(
            "http://{}/hook?token=in-the-url",
            listener.local_addr().unwrap()
        );
        let (answer, heard) = (
            Arc::new(AtomicU16::new(200)),
            Arc::new(Mutex::new(Vec::new())),
        );
        let (answers, posts) = (Arc::clone(&answer), Arc::clone(&heard));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (answers, posts) = (Arc::clone(&answers), Arc::clone(&posts));
                std::thread::spawn(move || listen(&stream.unwrap(), &answers, &posts));
            }
        });
        Self { url, answer, heard }
    }

    fn heard(&self) -> Vec<Post> {
        self.heard.lock().unwrap().clone()
    }
}

/// Takes the posts of one connection.
fn listen(stream: &TcpStream, answer: &AtomicU16, posts: &Mutex<Vec<Post>>) {
    let mut reader = BufReader::new(stream);
    loop {
        let mut headers = Vec::new();
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) == 0 {
            return;
        }
        loop {
            line.clear();
            reader.read_line(&mut line).unwrap();
            let Some((name, value)) = line.trim().split_once(": ") else {
                break;
            };
            headers.push((name.to_owned(), value.to_owned()));
        }
        let mut post = Post {
            headers,
            body: String::new(),
        };
        let length = post.header("content-length").parse().unwrap();
        reader
            .by_ref()
            .take(length)
            .read_to_string(&mut post.body)
            .unwrap();
        posts.lock().unwrap().push(post);
        let answer = format!(
            "HTTP/1.1 {} X\r\nContent-Length: 0\r\n\r\n",
            answer.load(Ordering::SeqCst)
        );
        let mut stream = stream;
        stream.write_all(answer.as_bytes()).unwrap();
    }
}

const HOOK_SECRET: &str = "the secret of the webhook";

fn with_webhook(server: &mut Server, url: &str) {
    std::fs::write(server.dir.path().join("hook"), HOOK_SECRET).unwrap();
    server.run_with(&["--webhook-url", url, "--webhook-secret-file", "{dir}/hook"]);
}

#[test]
fn each_deletion_reaches_the_webhook_signed_and_in_order() {
    let receiver = Receiver::start();
    let mut server = Server::start();
    server.accounts(&["a", "b"]);
    server.chat("a", "b", 3);
    server.ok("a", path::DELETE, &delete("a", &with("b")));
    assert!(server.stop());
    with_webhook(&mut server, &receiver.url);
    server.admin(path::SYNC_DELETIONS, &json!({ "SyncDeletions": 1 }));
    server.chat("b", "a", 2);
    let id = "0123456789abcdef0123456789abcdef";
    let first = plus(
        delete("a", &with("b")),
        json!({ "DeviceId": "phone", "DeletionId": id }),
    );
    server.ok("a", path::DELETE, &first);
    server.ok("a", path::DELETE, &first);
    server.admin(
        path::DELETE,
        &plus(in_group("nowhere"), json!({ "From_Account": "b" })),
    );
    wait_until(|| receiver.heard().len() >= 2);
    let heard = receiver.heard();
    assert_eq!(
        heard.len(),
        2,
        "not what was deleted before there was a webhook, and a retry is none"
    );
    for post in &heard {
        let key = hmac::Key::new(hmac::HMAC_SHA256, HOOK_SECRET.as_bytes());
        let signed = format!("{}.{}", post.header("X-Adieu-Timestamp"), post.body);
        let signature = post
            .header("X-Adieu-Signature")
            .strip_prefix("sha256=")
            .unwrap();
        let expected: String = hmac::sign(&key, signed.as_bytes())
            .as_ref()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        assert_eq!(signature, expected);
        assert!(
            post.header("X-Adieu-Timestamp")
                .parse::<u64>()
                .unwrap()
                .abs_diff(now())
                < 60
        );
        assert_eq!(post.header("Content-Type"), "application/json");
    }
    let told = heard[0].json();
    for (field, value) in [
        ("Event", json!("conversation.deleted")),
        ("SdkAppId", json!(support::APP)),
        ("From_Account", json!("a")),
        ("ConversationId", json!("c2c_b")),
        ("ClearRamble", json!(1)),
        ("KeepListed", json!(0)),
        ("ClearedThrough", json!(5)),
        ("Cleared", json!(2)),
        ("Propagated", json!(1)),
        ("DeletionId", json!(id)),
        ("DeviceId", json!("phone")),
    ] {
        assert_eq!(told[field], value, "{field}");
    }
    let second = heard[1].json();
    assert_eq!(
        (&second["ConversationId"], &second["DeviceId"]),
        (&json!("group_nowhere"), &json!(null))
    );
    assert!(second["Number"].as_u64() > told["Number"].as_u64());
    assert!(!heard[0].body.contains(" to "), "no content");
}

#[test]
fn a_webhook_that_is_down_is_told_later_and_a_restart_forgets_nothing() {
    let receiver = Receiver::start();
    receiver.answer.store(503, Ordering::SeqCst);
    let mut server = Server::start();
    server.accounts(&["a", "b"]);
    assert!(server.stop());
    with_webhook(&mut server, &receiver.url);
    for peer in ["b", "c", "d"] {
        server.ok("a", path::DELETE, &delete("a", &with(peer)));
    }
    wait_until(|| receiver.heard().len() >= 2);
    assert!(
        receiver
            .heard()
            .iter()
            .all(|post| post.json()["ConversationId"] == "c2c_b"),
        "the first comes first"
    );
    wait_until(|| {
        server
            .get(&format!("http://{}/metrics", server.address))
            .contains(r#"adieu_webhook_posts_total{outcome="failed"}"#)
    });
    server.kill();
    receiver.heard.lock().unwrap().clear();
    receiver.answer.store(204, Ordering::SeqCst);
    server.run();
    wait_until(|| receiver.heard().len() >= 3);
    let told: Vec<Value> = receiver
        .heard()
        .iter()
        .map(|post| post.json()["ConversationId"].clone())
        .collect();
    assert_eq!(told, ["c2c_b", "c2c_c", "c2c_d"]);
    let log = server.log();
    assert!(
        log.contains("was not heard") && !log.contains("in-the-url") && !log.contains(HOOK_SECRET),
        "{log}"
    );
}

#[test]
fn a_webhook_in_the_clear_to_another_machine_is_refused() {
    let server = Server::start();
    std::fs::write(server.dir.path().join("hook"), HOOK_SECRET).unwrap();
    for url in [
        "http://example.org/hook",
        "ftp://localhost/",
        "nothing",
        "https://",
        "http://10.0.0.1/",
    ] {
        let ended = Server::command(server.dir.path())
            .args(["--webhook-url", url, "--webhook-secret-file"])
            .arg(server.dir.path().join("hook"))
            .output()
            .unwrap();
        assert!(!ended.status.success(), "{url}");
        assert!(
            String::from_utf8_lossy(&ended.stderr).contains("webhook"),
            "{url}"
        );
    }
}
