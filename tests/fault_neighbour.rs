//! Another process that reads the database of an open store, as a backup or a curious shell does.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests fail the test"
)]

mod support;

use std::path::PathBuf;

use support::{Client, Outcome, child, life};

/// Not a proof by itself: the neighbour of the test below, who comes, writes nothing, and goes.
#[test]
fn a_neighbour() {
    if !child::is_child() {
        return;
    }
    let path = PathBuf::from(std::env::var("NEIGHBOUR_FOLDER").unwrap()).join("store.db");
    let db = rusqlite::Connection::open(path).unwrap();
    let rows: i64 = db
        .query_row("SELECT count(*) FROM messages", [], |row| row.get(0))
        .unwrap();
    assert!(rows > 0);
}

/// ERA-2, DUR-1: the forensic look leaves SQLite's locks as they are: a neighbour who comes after it
/// sees that the store is open, and does not clear away the log that the app goes on writing to.
#[test]
fn a_neighbour_after_a_forensic_look() {
    const TEXTS: [&str; 2] = ["bob: come at dawn", "bob: come alone"];
    let test = "a_neighbour_after_a_forensic_look";
    if child::is_child() {
        let path = std::env::var("NEIGHBOUR_FOLDER").unwrap();
        let client = Client::local(&PathBuf::from(&path));
        client.save_texts("c2c_ann", &["ann: hello"]);
        client.save_texts("c2c_bob", &TEXTS);
        for _ in 0..2 {
            assert_eq!(client.verify("c2c_nobody", &["nobody: nothing"]).found, 0);
            child::passes("a_neighbour", &[("NEIGHBOUR_FOLDER", &path)]);
        }
        assert_eq!(client.delete("c2c_bob"), Outcome::Success);
        client.save("c2c_ann", &[(2, "ann", "ann: are you there?")]);
        println!("\nall is saved");
        std::process::abort();
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    let died = child::run(test, &[("NEIGHBOUR_FOLDER", path)]);
    let said = String::from_utf8_lossy(&died.stdout).into_owned();
    assert!(said.contains("all is saved"), "{said}");
    life::passes_integrity_check(folder.path());
    let client = Client::local(folder.path());
    assert_eq!(
        client.texts("c2c_ann"),
        ["ann: hello", "ann: are you there?"]
    );
    assert!(client.history("c2c_bob").is_empty());
    assert_eq!(client.verify("c2c_bob", &TEXTS).found, 0);
}
