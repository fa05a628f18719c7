//! The commands `migrate` and `check`, and the limits of `serve`.

#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests; a failure is the test's"
)]

#[path = "support/device.rs"]
mod device;
mod support;

use std::process::{Command, Output};

use adieu_protocol::path;
use device::{Device, from_device, marks, switch};
use serde_json::{Value, json};
use support::{ADMIN, APP, Server, body, delete, in_group, plus, wait_until, with};

fn run(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_adieu-server"))
        .args(args)
        .output()
        .unwrap()
}

fn migrate(from: &str, to: &str) -> Output {
    run(&["migrate", "--from", from, "--to", to, "--json"])
}

/// A store with something of everything.
fn filled() -> Server {
    let server = Server::start();
    server.accounts(&["a", "b", "c"]);
    switch(&server, 1);
    server.chat("a", "b", 5);
    server.chat("c", "a", 3);
    server.group("g", &["a", "b", "c"]);
    server.group_chat("g", "b", 4);
    let whisper = json!({ "GroupId": "g", "From_Account": "b", "Random": 77, "MsgBody": body("psst"), "To_Account": ["c"] });
    server.admin(path::SEND_GROUP_MSG, &whisper);
    server.admin(
        path::FRIEND_ADD,
        &json!({ "From_Account": "a", "AddFriendItem": [{ "To_Account": "c", "AddSource": "AddSource_Type_X", "Remark": "C" }] }),
    );
    let request = plus(
        delete("a", &with("b")),
        json!({ "DeletionId": "0123456789abcdef0123456789abcdef", "CutOff": 3 }),
    );
    server.ok("a", path::DELETE, &from_device("phone", request));
    server
}

/// Everything that the store held is there, and goes on.
fn all_there(server: &Server) {
    assert_eq!(server.positions("a", &with("b")), [4, 5]);
    assert_eq!(server.positions("b", &with("a")), [1, 2, 3, 4, 5]);
    assert_eq!(server.positions("c", &in_group("g")), [1, 2, 3, 4, 5]);
    assert_eq!(server.positions("a", &in_group("g")), [1, 2, 3, 4]);
    let friends = server.admin(
        "v4/sns/friend_get",
        &json!({ "From_Account": "a", "StartIndex": 0 }),
    );
    assert_eq!(friends["UserDataItem"][0]["To_Account"], "c");
    let looked = server.admin(path::SYNC_DELETIONS, &json!({}));
    assert_eq!(looked["SyncDeletions"], 1);
    let again = plus(
        delete("a", &with("b")),
        json!({ "DeletionId": "0123456789abcdef0123456789abcdef" }),
    );
    assert_eq!(server.ok("a", path::DELETE, &again)["ClearedThrough"], 3);
    let mut phone = Device::new(server, "a", "tablet");
    let views = phone.pulled();
    let one = views.iter().find(|view| view["To_Account"] == "b").unwrap();
    assert_eq!(marks(one), json!([3, 1, 3, 1, 5]));
    server.accounts(&["d"]);
    server.chat("d", "a", 1);
    server.ok("a", path::DELETE, &delete("a", &with("d")));
    assert_eq!(phone.pulled().len(), 1);
    assert_eq!(server.stored("SELECT count(*) FROM deletions"), 2);
}

#[test]
fn a_store_moves_to_the_other_engine_and_back() {
    let mut old = filled();
    let mut there = Server::start();
    let mut back = Server::start_embedded();
    for server in [&mut old, &mut there, &mut back] {
        assert!(server.stop());
    }
    // New stores, that no server has bound to an app yet.
    let dir = tempfile::tempdir().unwrap();
    let to = support::database::new()
        .unwrap_or_else(|| format!("sqlite:{}", dir.path().join("there.db").display()));
    let home = format!("sqlite:{}", dir.path().join("back.db").display());
    let done = migrate(&old.url_of_store, &to);
    assert!(done.status.success(), "{done:?}");
    let there_tables: Value = serde_json::from_slice(&done.stdout).unwrap();
    assert_eq!(there_tables["tables"]["messages"]["rows"], 13);
    // Once it is somebody's, it is not overwritten.
    let refused = migrate(&old.url_of_store, &to);
    assert!(!refused.status.success());
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(said.contains("already"), "{said}");
    let done = migrate(&to, &home);
    assert!(done.status.success(), "{done:?}");
    let back_tables: Value = serde_json::from_slice(&done.stdout).unwrap();
    assert_eq!(back_tables, there_tables, "the same cells on all three");
    there.url_of_store = to;
    there.run();
    all_there(&there);
    back.url_of_store = home;
    back.run();
    assert_eq!(back.positions("c", &in_group("g")), [1, 2, 3, 4, 5]);
}

/// Messages in a store that is being made.
fn arrived(url: &str) -> i64 {
    let count = "SELECT count(*) FROM messages";
    if let Some(file) = url.strip_prefix("sqlite:") {
        let readable = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY;
        return rusqlite::Connection::open_with_flags(file, readable)
            .and_then(|store| store.query_row(count, [], |row| row.get(0)))
            .unwrap_or(0);
    }
    support::database::query(url, async |client| {
        let row = client.query_one(count, &[]).await;
        row.map_or(0, |row| row.get(0))
    })
}

#[test]
fn a_migration_that_was_killed_goes_on() {
    let mut old = Server::start();
    assert!(old.stop());
    let log: String = (0..60_000)
        .map(|at| format!("{{\"conversation\":\"c2c_a:u{}\",\"sender\":\"a\",\"time\":{at},\"text\":\"number {at}\"}}\n", at % 50))
        .collect();
    old.import(&log);
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("new.db");
    let to = support::database::new().unwrap_or_else(|| format!("sqlite:{}", file.display()));
    let mut child = Command::new(env!("CARGO_BIN_EXE_adieu-server"))
        .args(["migrate", "--from", &old.url_of_store, "--to", &to])
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    wait_until(|| arrived(&to) > 0);
    child.kill().unwrap();
    child.wait().unwrap();
    let half = arrived(&to);
    assert!((1..60_000).contains(&half), "killed half-way: {half}");
    let done = migrate(&old.url_of_store, &to);
    assert!(done.status.success(), "{done:?}");
    let tables: Value = serde_json::from_slice(&done.stdout).unwrap();
    assert_eq!(tables["tables"]["messages"]["rows"], 60_000);
    assert_eq!(tables["tables"]["views"]["rows"], 100);
}

#[test]
fn check_says_what_is_wrong() {
    let mut server = Server::start();
    assert!(server.stop());
    let secret = server.dir.path().join("secret");
    let secret = secret.to_str().unwrap();
    let check = |secret: &str, app: &str, admin: &str| {
        let store = &server.url_of_store;
        let args = [
            "check",
            "--json",
            "--store",
            store,
            "--app-id",
            app,
            "--secret-file",
            secret,
            "--admin",
            admin,
        ];
        let done = run(&args);
        let said: Value = serde_json::from_slice(&done.stdout).unwrap();
        let wrong: Vec<String> = (said["checks"].as_array().unwrap().iter())
            .filter(|one| one["ok"] == false)
            .map(|one| one["what"].as_str().unwrap().to_owned())
            .collect();
        assert_eq!(done.status.success(), wrong.is_empty(), "{said}");
        wrong
    };
    let app = APP.to_string();
    assert!(
        Command::new("chmod")
            .args(["600", secret])
            .status()
            .unwrap()
            .success()
    );
    assert!(check(secret, &app, ADMIN).is_empty());
    assert_eq!(check(secret, "5", ADMIN), ["store"]);
    assert_eq!(check("/nowhere", &app, ADMIN), ["secret"]);
    assert_eq!(check(secret, &app, &"x".repeat(40)), ["administrator"]);
    assert!(
        Command::new("chmod")
            .args(["644", secret])
            .status()
            .unwrap()
            .success()
    );
    assert_eq!(check(secret, &app, ADMIN), ["secret"]);
}

#[test]
fn who_asks_too_often_is_told_so() {
    let server = Server::start_with(&["--limit-account", "5"]);
    server.accounts(&["a", "b"]);
    let ask = |who: &str| {
        server.call(who, path::GET_LIST, &json!({ "From_Account": who }))["ErrorCode"].clone()
    };
    let codes: Vec<Value> = (0..60).map(|_| ask("a")).collect();
    assert!(
        codes.contains(&json!(60007)) && codes[..5].iter().all(|code| *code == 0),
        "{codes:?}"
    );
    assert_eq!(ask("b"), 0, "somebody else");
    for _ in 0..20 {
        server.admin(path::GET_LIST, &json!({ "From_Account": "a" }));
    }
    let server = Server::start_with(&["--limit-address", "5"]);
    let codes: Vec<Value> = (0..60)
        .map(|_| {
            server.call(ADMIN, path::ACCOUNT_IMPORT, &json!({ "UserID": "a" }))["ErrorCode"].clone()
        })
        .collect();
    assert!(
        codes.contains(&json!(60007)) && codes.contains(&json!(0)),
        "{codes:?}"
    );
}
