//! What only the embedded engine has: a file, and one process on it.

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
use support::{ADMIN, Server, delete, now, plus, with};

const MESSAGES: &str = "SELECT count(*) FROM messages";

fn run(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_adieu-server"))
        .args(args)
        .output()
        .unwrap()
}

#[test]
fn one_process_and_one_app_for_a_store() {
    let mut server = Server::start_embedded();
    let second = Server::command(server.dir.path()).output().unwrap();
    assert!(!second.status.success());
    assert!(String::from_utf8_lossy(&second.stderr).contains("in use by another process"));
    assert!(second.stdout.is_empty());
    assert!(server.stop());
    let mut other_app = Server::command(server.dir.path());
    let other = other_app
        .env("RUST_BACKTRACE", "0")
        .args(["--app-id", "5"])
        .output()
        .unwrap();
    assert!(!other.status.success(), "{other:?}");
}

#[cfg(unix)]
#[test]
fn a_store_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let server = Server::start_embedded();
    server.accounts(&["a", "b"]);
    server.chat("a", "b", 1);
    let mut seen = 0;
    for file in std::fs::read_dir(server.dir.path()).unwrap() {
        let file = file.unwrap();
        let name = file.file_name().into_string().unwrap();
        if name.starts_with("store.db") {
            seen += 1;
            let mode = file.metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{name}");
        }
    }
    assert!(seen >= 3, "the database, its log and its lock");
}

#[test]
fn a_store_that_is_none_is_left_alone() {
    let server = Server::start_embedded();
    let dir = tempfile::tempdir().unwrap();
    std::fs::copy(server.dir.path().join("secret"), dir.path().join("secret")).unwrap();
    let store = dir.path().join("store.db");
    let what = b"this is no database at all, and long enough to be looked at as one";
    std::fs::write(&store, what).unwrap();
    let refused = Server::command(dir.path()).output().unwrap();
    assert!(!refused.status.success());
    assert!(
        String::from_utf8_lossy(&refused.stderr).contains("cannot use the store"),
        "{refused:?}"
    );
    assert_eq!(std::fs::read(&store).unwrap(), what);
    std::fs::remove_file(&store).unwrap();
    let newer = rusqlite::Connection::open(&store).unwrap();
    newer
        .execute_batch(
            "CREATE TABLE t (x); PRAGMA application_id = 1633970533; PRAGMA user_version = 99",
        )
        .unwrap();
    drop(newer);
    let refused = Server::command(dir.path()).output().unwrap();
    assert!(
        String::from_utf8_lossy(&refused.stderr).contains("newer adieu-server"),
        "{refused:?}"
    );
}

// ERA-3 (the server's half)
#[test]
fn a_purge_that_was_killed_goes_on_and_the_file_shrinks() {
    let mut server = Server::start_embedded();
    server.accounts(&["a", "b"]);
    assert!(server.stop());
    let log: String = (0..60_000)
        .map(|at| format!("{{\"conversation\":\"c2c_a:b\",\"sender\":\"a\",\"time\":{at},\"text\":\"number {at} {}\"}}\n", "x".repeat(200)))
        .collect();
    let file = server.dir.path().join("log.jsonl");
    std::fs::write(&file, log).unwrap();
    let store = format!("sqlite:{}", server.store().display());
    let done = std::process::Command::new(env!("CARGO_BIN_EXE_adieu-server"))
        .args(["import", file.to_str().unwrap(), "--store", &store])
        .output()
        .unwrap();
    assert!(done.status.success(), "{done:?}");
    server.run();
    let before = std::fs::metadata(server.store()).unwrap().len();
    server.ok("a", path::DELETE, &delete("a", &with("b")));
    server.ok("b", path::DELETE, &delete("b", &with("a")));
    while server.stored(MESSAGES) == 60_000 {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    server.kill();
    let left = server.stored(MESSAGES);
    assert!(left > 0, "it should have been killed in the middle");
    server.run();
    server.wait_for(MESSAGES, 0);
    let begun = std::time::Instant::now();
    while std::fs::metadata(server.store()).unwrap().len() > before / 4 {
        assert!(
            begun.elapsed().as_secs() < 15,
            "the file stays at {}",
            std::fs::metadata(server.store()).unwrap().len()
        );
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    let wal = server.dir.path().join("store.db-wal");
    while std::fs::metadata(&wal).map_or(0, |wal| wal.len()) > 0 {
        assert!(begun.elapsed().as_secs() < 20, "the log is not cut");
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
}

// SYNC-2: "however long it was away", and whatever happened to the database.
#[test]
fn a_cursor_from_before_a_restored_database_begins_anew() {
    let mut server = Server::start_embedded();
    server.accounts(&["a", "b", "c"]);
    server.chat("b", "a", 1);
    switch(&server, 1);
    let mut phone = Device::new(&server, "a", "phone");
    phone.pull();
    let before = phone.cursor.clone();
    assert!(server.stop());
    let backup = server.dir.path().join("backup.db");
    std::fs::copy(server.store(), &backup).unwrap();
    server.run();
    let mut phone = Device {
        cursor: before,
        ..Device::new(&server, "a", "phone")
    };
    for _ in 0..5 {
        server.chat("c", "a", 1);
    }
    phone.pull();
    let (late, mut middle) = (phone.cursor.clone(), Device::new(&server, "a", "phone"));
    let page = server.ok(
        "a",
        path::SYNC,
        &plus(middle.request(0), json!({ "MaxCnt": 1 })),
    );
    assert_eq!(page["Complete"], 0);
    middle.cursor = page["Cursor"].as_str().unwrap().to_owned();
    let middle = middle.cursor;
    server.kill();

    for suffix in ["-wal", "-shm"] {
        let mut file = server.store().into_os_string();
        file.push(suffix);
        let _ = std::fs::remove_file(file);
    }
    std::fs::copy(&backup, server.store()).unwrap();
    server.run();
    // The restored database counts on: its numbers pass those of the lost one.
    server.ok(
        "a",
        path::DELETE,
        &from_device("tablet", delete("a", &with("b"))),
    );
    for _ in 0..20 {
        server.chat("b", "c", 1);
    }
    for cursor in [late, middle] {
        let mut phone = Device {
            cursor,
            ..Device::new(&server, "a", "phone")
        };
        let (views, anew) = phone.pull();
        assert!(anew);
        let marks: Vec<Value> = views.iter().map(marks).collect();
        assert_eq!(
            marks,
            [json!([1, 1, 1, 0, 0])],
            "the deletion is not missed"
        );
        assert_eq!(phone.pull(), (Vec::new(), false));
    }
}

// DEL-1, SYNC-3: after an upgrade of the server too.
#[test]
fn a_store_of_the_first_version_is_brought_up_and_keeps_what_it_held() {
    let mut server = Server::start_embedded();
    assert!(server.stop());
    for suffix in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(format!("{}{suffix}", server.store().display()));
    }
    let old = rusqlite::Connection::open(server.store()).unwrap();
    old.execute_batch(include_str!("../src/storage/sqlite/format_1.sql"))
        .unwrap();
    old.execute_batch(&format!(
        "PRAGMA application_id = 1633970533; PRAGMA user_version = 1;
         INSERT INTO settings (name, value) VALUES ('secret', zeroblob(32)), ('app_id', {app}), ('sync_deletions', 1);
         INSERT INTO accounts (id, name, version) VALUES (1, 'a', 9), (2, 'b', 4), (3, 'c', 1);
         INSERT INTO conversations (id, kind, low, high, head, common) VALUES (1, 1, 1, 2, 3, 3), (2, 1, 1, 3, 1, 1);
         INSERT INTO messages (conversation, position, sender, time, seq, random, body)
             VALUES (1, 3, 2, 5, 3, 1, '[]'), (2, 1, 3, 5, 1, 1, '[]');
         INSERT INTO views (owner, conversation, version, cleared_through, propagated_through, hidden_through)
             VALUES (1, 1, 9, 2, 1, 2), (2, 1, 4, 0, 0, NULL), (1, 2, 8, 0, 0, NULL), (3, 2, 1, 0, 0, NULL);
         INSERT INTO device_views (owner, device, conversation, erase_through) VALUES (1, 'phone', 1, 2);
         INSERT INTO deletions (number, owner, id, target, clear, cut_off, device, at)
             VALUES (40, 1, x'0123456789abcdef0123456789abcdef', 'c2c_b', 1, 2, 'phone', {now});",
        app = support::APP,
        now = now(),
    ))
    .unwrap();
    drop(old);
    server.run();
    assert_eq!(server.positions("a", &with("b")), [3]);
    let marks = |device: &str| {
        let view = server.view("a", device, "b").unwrap();
        json!([
            view["EraseThrough"],
            view["ErasedBy"],
            view["HiddenThrough"],
            view["Listed"],
            view["Head"]
        ])
    };
    assert_eq!(marks("phone"), json!([2, 0, 2, 1, 3]));
    assert_eq!(
        marks("tablet"),
        json!([1, 2, 1, 1, 3]),
        "by whom was not kept"
    );
    // The deletion is remembered, and the next one has a number behind it.
    let again = plus(
        delete("a", &with("b")),
        json!({ "DeletionId": "0123456789abcdef0123456789abcdef" }),
    );
    assert_eq!(server.ok("a", path::DELETE, &again)["ClearedThrough"], 2);
    server.ok("a", path::DELETE, &delete("a", &with("b")));
    assert!(server.stored("SELECT max(number) FROM deletions") > 40);
    assert!(server.positions("a", &with("b")).is_empty());
    assert!(server.stop());
    server.run();
    assert!(server.positions("a", &with("b")).is_empty());
    server.refused(
        ADMIN,
        path::GET_LIST,
        &json!({ "From_Account": "nobody" }),
        50001,
    );
}

#[test]
fn a_store_in_use_and_a_broken_file_are_refused() {
    let mut server = Server::start_embedded();
    let file = server.dir.path().join("log.jsonl");
    let log = r#"{"conversation":"c2c_a:b","sender":"a","time":1,"text":"hello"}"#;
    std::fs::write(&file, log).unwrap();
    let store = format!("sqlite:{}", server.store().display());
    let refused = run(&["import", file.to_str().unwrap(), "--store", &store]);
    assert!(!refused.status.success());
    assert!(String::from_utf8_lossy(&refused.stderr).contains("in use by another process"));
    assert!(server.stop());
    let mut broken = zstd::encode_all(log.as_bytes(), 3).unwrap();
    broken.truncate(broken.len() / 2);
    std::fs::write(&file, broken).unwrap();
    let refused = run(&["import", file.to_str().unwrap(), "--store", &store]);
    assert!(!refused.status.success(), "{refused:?}");
    let unknown = run(&[
        "import",
        file.to_str().unwrap(),
        "--store",
        "mysql://somewhere/db",
    ]);
    assert!(String::from_utf8_lossy(&unknown.stderr).contains("allowed: sqlite:PATH"));
}
