//! What becomes of processes when PostgreSQL goes away, is slow, or changes under them.

#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests; a failure is the test's"
)]

#[path = "support/device.rs"]
mod device;
mod support;

use std::{
    process::{Command, Stdio},
    sync::LazyLock,
    time::{Duration, Instant},
};

use adieu_protocol::{error_code, path};
use device::Device;
use serde_json::json;
use support::{
    Server, database, database::Node, delete, in_group, wait_until, waiting_polls, with,
};
use tokio_postgres::types::FromSql;

static NODE: LazyLock<Node> = LazyLock::new(|| Node::start(""));

fn started(url: &str) -> Server {
    let server = Server::start_on(Some(url.to_owned()), &[]);
    server.accounts(&["a", "b"]);
    server.chat("a", "b", 3);
    server
}

#[test]
fn a_database_that_is_not_there_is_said() {
    let server = Server::start_embedded();
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    for (url, said) in [
        (
            format!("postgres://app:geheim@127.0.0.1:{port}/x"),
            "cannot be reached",
        ),
        (format!("{}/nowhere", NODE.address()), "does not exist"),
        (
            "postgres://app:geheim@127.0.0.1/x?sslmode=prefer".to_owned(),
            "allowed: ",
        ),
    ] {
        let begun = Instant::now();
        let refused = Server::command_on(server.dir.path(), &url)
            .output()
            .unwrap();
        assert!(!refused.status.success());
        let error = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(error.contains(said), "{error}");
        assert!(!error.contains("geheim"), "{error}");
        assert_eq!(error.matches(said).count(), 1, "{error}");
        assert!(begun.elapsed() < Duration::from_secs(30));
    }
    let foreign = NODE.database();
    database::execute(&foreign, "CREATE TABLE settings (mine text)");
    let refused = Server::command_on(server.dir.path(), &foreign)
        .output()
        .unwrap();
    let error = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(error.contains("another program"), "{error}");
}

// DUR-7
#[test]
fn a_database_that_goes_and_comes_back_costs_time_and_nothing_else() {
    let node = Node::start("");
    let server = started(&node.database());
    let mut phone = Device::new(&server, "a", "phone");
    phone.pull();
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| phone.ask(30));
        wait_until(|| waiting_polls(&server) == 1);
        node.crash();
        // In the middle of everything: asked while nothing is there, answered when it is again.
        let deleting = scope.spawn(|| server.ok("b", path::DELETE, &delete("b", &with("a"))));
        std::thread::sleep(Duration::from_secs(2));
        assert!(!deleting.is_finished());
        node.up();
        assert_eq!(deleting.join().unwrap()["ClearedThrough"], 3);
        server.chat("b", "a", 1);
        let told = waiting.join().unwrap();
        assert_eq!(told["Views"][0]["Head"], 4, "the wait went on through it");
        assert_ne!(told["Anew"], 1, "and from where it was");
    });
    assert_eq!(server.positions("a", &with("b")), [1, 2, 3, 4]);
    assert_eq!(server.positions("b", &with("a")), [4]);

    // Away for longer than anybody waits.
    node.down();
    let begun = Instant::now();
    let answer = server.call("a", path::DELETE, &delete("a", &with("b")));
    assert_eq!(answer["ErrorCode"], error_code::CONTACT_INTERNAL);
    assert_eq!(answer["ErrorInfo"], "internal error");
    assert!(
        begun.elapsed() < Duration::from_secs(19),
        "{:?}",
        begun.elapsed()
    );
    node.up();
    wait_until(|| server.call("a", path::DELETE, &delete("a", &with("b")))["ErrorCode"] == 0);
    assert!(server.positions("a", &with("b")).is_empty());
}

// DUR-7: what was answered is on the standby too. SYNC-2: devices go on from where they stood.
#[test]
fn a_standby_that_is_promoted_is_followed() {
    let (primary, standby, url) = pair();
    let both = on_either(&url, &standby);
    let servers = [started(&both), Server::start_on(Some(both.clone()), &[])];
    servers[1].group("g", &["a", "b"]);
    servers[1].accounts(&["c"]);
    let mut phone = Device::new(&servers[1], "b", "phone");
    assert_eq!(phone.pulled().len(), 2);
    let mut waiting = Device::new(&servers[1], "c", "phone");
    waiting.pull();
    let acknowledged: Vec<Vec<u64>> = std::thread::scope(|scope| {
        let waiting = scope.spawn(|| waiting.ask(60));
        wait_until(|| waiting_polls(&servers[1]) == 1);
        let sending: Vec<_> = (0..4)
            .map(|at: u32| {
                let server = &servers[at as usize % 2];
                scope.spawn(move || {
                    let mut given = Vec::new();
                    for round in 0..60_u32 {
                        let message = json!({ "GroupId": "g", "From_Account": "a", "Random": at * 1_000 + round,
                            "MsgBody": support::body(&format!("{at} {round}")) });
                        // The same message until it is acknowledged.
                        loop {
                            let answer = server.call(support::ADMIN, path::SEND_GROUP_MSG, &message);
                            if answer["ErrorCode"] == 0 {
                                given.push(answer["MsgSeq"].as_u64().unwrap());
                                break;
                            }
                        }
                        std::thread::sleep(Duration::from_millis(20));
                    }
                    given
                })
            })
            .collect();
        std::thread::sleep(Duration::from_millis(600));
        primary.crash();
        standby.promote();
        let given = sending.into_iter().map(|one| one.join().unwrap()).collect();
        // What another process does on the new primary wakes who has waited since the old one.
        servers[0].chat("a", "c", 1);
        let told = waiting.join().unwrap();
        assert_eq!(told["Views"][0]["Head"], 1);
        assert_ne!(told["Anew"], 1);
        given
    });
    let mut given: Vec<u64> = acknowledged.concat();
    given.sort_unstable();
    let expected: Vec<u64> = (1..=240).collect();
    assert_eq!(given, expected, "each once, none lost");
    assert_eq!(servers[0].positions("b", &in_group("g")), expected);
    assert_eq!(servers[0].positions("b", &with("a")), [1, 2, 3]);
    let (views, anew) = phone.pull();
    assert!(!anew, "the standby held all that the device knew");
    assert_eq!(views.len(), 1, "and what did not change is not told again");
    assert_eq!(views[0]["Head"], 240);
    servers[1].ok("b", path::DELETE, &delete("b", &in_group("g")));
    assert!(servers[0].positions("b", &in_group("g")).is_empty());
}

// DUR-7: nothing is answered that only a primary knew which is no more, and nothing is taken for done
// because another transaction has got the same number since.
#[test]
fn what_only_the_old_primary_had_is_done_again() {
    let (primary, standby, one) = pair();
    let both = on_either(&one, &standby);
    let server = started(&both);
    let (mut phone, mut tablet) = (
        Device::new(&server, "b", "phone"),
        Device::new(&server, "b", "tablet"),
    );
    tablet.pull();
    let sender: i32 = asked(&one, "SELECT pid FROM pg_stat_replication");
    let sender = Stopped::new(sender.cast_unsigned());
    std::thread::scope(|scope| {
        let sending = scope.spawn(|| {
            let message = json!({ "From_Account": "a", "To_Account": "b", "MsgRandom": 7,
                "MsgBody": support::body("the fourth") });
            server.call(support::ADMIN, path::SEND_MSG, &message)
        });
        let waits =
            "SELECT coalesce(max(pid), 0) FROM pg_stat_activity WHERE wait_event = 'SyncRep'";
        let mut first = 0;
        wait_until(|| {
            first = asked(&one, waits);
            first != 0
        });
        let given: i64 = asked(
            &one,
            "SELECT max(backend_xid::text::bigint) FROM pg_stat_activity WHERE wait_event = 'SyncRep'",
        );
        // Now it is committed, but on this server only.
        database::execute(&one, &format!("SELECT pg_terminate_backend({first})"));
        wait_until(|| sending.is_finished() || ![0, first].contains(&asked(&one, waits)));
        assert!(!sending.is_finished(), "{:?}", sending.join());
        assert_eq!(phone.pulled()[0]["Head"], 4, "told of what is lost soon");

        signal("-STOP", server.id());
        primary.crash();
        drop(sender);
        standby.promote();
        let taken_over = one.replace(&primary.port.to_string(), &standby.port.to_string());
        wait_until(|| {
            asked::<i64>(&taken_over, "SELECT pg_current_xact_id()::text::bigint") > given
        });
        signal("-CONT", server.id());
        assert_eq!(sending.join().unwrap()["ErrorCode"], 0);
    });
    assert_eq!(server.positions("b", &with("a")), [1, 2, 3, 4]);
    for (device, knew_more) in [(&mut phone, true), (&mut tablet, false)] {
        let (views, anew) = device.pull();
        assert_eq!((views.len(), anew), (1, knew_more));
        assert_eq!(views[0]["Head"], 4);
        assert_eq!(device.pull(), (Vec::new(), false));
    }
}

/// A primary whose commits wait for its standby, and the URL of a new database on it.
fn pair() -> (Node, Node, String) {
    let primary = Node::start("wal_level = replica\nsynchronous_standby_names = '*'");
    let standby = primary.standby();
    let url = primary.database();
    (primary, standby, url)
}

/// The URL of a database on whichever of the two serves it.
fn on_either(url: &str, standby: &Node) -> String {
    let (server, name) = url.rsplit_once('/').unwrap();
    format!("{server},127.0.0.1:{}/{name}", standby.port)
}

/// The one value of a query.
fn asked<T: for<'a> FromSql<'a> + Send>(url: &str, sql: &str) -> T {
    database::query(url, async |client| {
        client.query_one(sql, &[]).await.unwrap().get(0)
    })
}

/// A process that goes no further, and goes for good with this, also where the test fails.
struct Stopped(u32);

impl Stopped {
    fn new(process: u32) -> Self {
        signal("-STOP", process);
        Self(process)
    }
}

impl Drop for Stopped {
    fn drop(&mut self) {
        signal("-KILL", self.0);
    }
}

fn signal(name: &str, process: u32) {
    let sent = Command::new("kill")
        .args([name, &process.to_string()])
        .status();
    assert!(sent.unwrap().success(), "kill {name} {process}");
}

#[test]
fn a_pool_that_is_used_up_refuses_in_time_and_recovers() {
    let url = NODE.database();
    let server = started(&format!("{url}?pool_size=2"));
    let answers: Vec<(i64, Duration)> = database::query(&url, async |client| {
        client
            .batch_execute("BEGIN; SELECT 1 FROM views FOR UPDATE")
            .await
            .unwrap();
        let answers = std::thread::scope(|scope| {
            let asked: Vec<_> = (0..8)
                .map(|_| {
                    scope.spawn(|| {
                        let begun = Instant::now();
                        let answer = server.call("a", path::DELETE, &delete("a", &with("b")));
                        (answer["ErrorCode"].as_i64().unwrap(), begun.elapsed())
                    })
                })
                .collect();
            asked.into_iter().map(|one| one.join().unwrap()).collect()
        });
        client.batch_execute("ROLLBACK").await.unwrap();
        answers
    });
    let overloaded = i64::from(error_code::REST_FREQUENCY);
    assert!(
        answers.iter().any(|(code, _)| *code == overloaded),
        "{answers:?}"
    );
    assert!(
        answers
            .iter()
            .all(|(code, took)| *code != 0 && *took < Duration::from_secs(20)),
        "{answers:?}"
    );
    server.ok("a", path::DELETE, &delete("a", &with("b")));
}

#[test]
fn a_migration_that_is_killed_half_way_leaves_nothing() {
    let url = NODE.database();
    let server = Server::start_embedded();
    database::query(&url, async |client| {
        // The server has made some of its tables by the time it wants to make this one.
        client
            .batch_execute("BEGIN; CREATE TABLE messages (x int)")
            .await
            .unwrap();
        let mut child = Server::command_on(server.dir.path(), &url)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let waits = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()";
        wait_until(|| database::number(&url, waits) == 1);
        child.kill().unwrap();
        child.wait().unwrap();
        client.batch_execute("ROLLBACK").await.unwrap();
    });
    wait_until(|| {
        database::number(
            &url,
            "SELECT count(*) FROM pg_class WHERE relname IN ('settings', 'messages')",
        ) == 0
    });
    let server = started(&url);
    assert_eq!(server.positions("b", &with("a")), [1, 2, 3]);
}

#[test]
fn two_versions_share_a_database_as_far_as_the_newer_one_says() {
    let url = NODE.database();
    let server = started(&url);
    // A newer format that this version can still work on.
    database::execute(
        &url,
        "UPDATE settings SET format = 2; ALTER TABLE views ADD COLUMN newer text",
    );
    server.chat("a", "b", 1);
    let second = Server::start_on(Some(url.clone()), &[]);
    assert_eq!(second.positions("b", &with("a")), [1, 2, 3, 4]);
    // One that it cannot.
    database::execute(&url, "UPDATE settings SET usable_from = 2");
    let answer = server.call("a", path::DELETE, &delete("a", &with("b")));
    assert_eq!(answer["ErrorCode"], error_code::CONTACT_INTERNAL);
    assert_eq!(server.stored("SELECT count(*) FROM deletions"), 0);
    let refused = Server::command_on(server.dir.path(), &url)
        .output()
        .unwrap();
    assert!(!refused.status.success());
    let error = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(error.contains("newer adieu-server"), "{error}");
}

#[test]
fn the_way_to_the_database_is_encrypted_and_checked() {
    let folder = tempfile::tempdir().unwrap();
    let (key, certificate) = (folder.path().join("key"), folder.path().join("certificate"));
    let made = Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
        ])
        .args([
            "-days",
            "2",
            "-subj",
            "/CN=localhost",
            "-addext",
            "subjectAltName=DNS:localhost",
        ])
        .args(["-addext", "basicConstraints=critical,CA:FALSE"])
        .arg("-keyout")
        .arg(&key)
        .arg("-out")
        .arg(&certificate)
        .output()
        .unwrap();
    assert!(made.status.success(), "{made:?}");
    let node = Node::start("");
    node.file("server.key", &key);
    node.file("server.crt", &certificate);
    node.restart_with("ssl = on");
    let url = node.database().replace("127.0.0.1", "localhost");
    let trusting = format!(
        "{url}?sslmode=verify-full&sslrootcert={}",
        certificate.display()
    );
    let server = started(&trusting);
    assert_eq!(server.positions("b", &with("a")), [1, 2, 3]);
    let encrypted = "SELECT count(*) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
        WHERE application_name LIKE 'adieu-server%' AND NOT ssl";
    assert_eq!(database::number(&url, encrypted), 0);
    let open = "SELECT count(*) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
        WHERE application_name LIKE 'adieu-server%' AND ssl";
    assert!(database::number(&url, open) > 0);
    // A name that the certificate does not have, and an authority that nobody named.
    for refused in [
        trusting.replace("localhost", "127.0.0.1"),
        format!("{url}?sslmode=verify-full"),
    ] {
        let refused = Server::command_on(server.dir.path(), &refused)
            .output()
            .unwrap();
        assert!(!refused.status.success(), "{refused:?}");
    }
}
