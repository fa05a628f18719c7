//! Every byte of an embedded store's files, searched for what was deleted and purged: as UTF-8 and as
//! UTF-16, whole and in pieces of 16 bytes. The same look at a plain database, and at what lives,
//! shows that it finds things.

#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests; a failure is the test's"
)]

mod support;

use std::{collections::HashMap, fs, path::Path};

use adieu_protocol::path;
use serde_json::json;
use support::{Server, body, delete, in_group, random, wait_until, with};

/// Length of a piece.
const PIECE: usize = 16;
const MESSAGES: &str = "SELECT count(*) FROM messages";

/// Texts that chance does not repeat: SplitMix64 (Steele, Lea and Flood 2014).
struct Texts(u64);

impl Texts {
    fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Most are short, some take more than a page of the database, some are not ASCII.
    fn next(&mut self) -> String {
        let letters = match self.number() % 10 {
            0 => 2_000,
            1 | 2 => 700,
            _ => 40,
        };
        let first = if self.number().is_multiple_of(4) {
            0x4e00
        } else {
            0x61
        };
        let kinds = if first == 0x61 { 26 } else { 10_000 };
        (0..letters)
            .filter_map(|_| char::from_u32(first + (self.number() % kinds) as u32))
            .collect()
    }
}

/// What stands in files, of these texts.
#[derive(Debug, Default, PartialEq, Eq)]
struct Found {
    whole: usize,
    pieces: usize,
    wide: usize,
}

fn wide(text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
    text.encode_utf16().flat_map(bytes).collect()
}

/// Looks through all files of a folder; tells how many bytes it saw.
fn look(folder: &Path, texts: &[String]) -> (Found, u64) {
    // Whether a piece is of a wide text, and the whole text that it begins.
    let mut pieces: HashMap<&[u8], (bool, Option<&[u8]>)> = HashMap::new();
    let wides: Vec<Vec<u8>> = texts
        .iter()
        .flat_map(|text| [wide(text, u16::to_le_bytes), wide(text, u16::to_be_bytes)])
        .collect();
    let narrow = texts.iter().map(|text| (false, text.as_bytes()));
    for (wide, text) in narrow.chain(wides.iter().map(|text| (true, text.as_slice()))) {
        for (number, piece) in text.chunks_exact(PIECE).enumerate() {
            pieces.insert(piece, (wide, (number == 0).then_some(text)));
        }
    }
    let (mut found, mut seen) = (Found::default(), 0);
    for file in fs::read_dir(folder).unwrap() {
        let bytes = fs::read(file.unwrap().path()).unwrap();
        seen += bytes.len() as u64;
        for (at, window) in bytes.windows(PIECE).enumerate() {
            match pieces.get(window) {
                Some((true, _)) => found.wide += 1,
                Some((false, whole)) => {
                    found.pieces += 1;
                    let whole = whole.is_some_and(|text| bytes[at..].starts_with(text));
                    found.whole += usize::from(whole);
                }
                None => {}
            }
        }
    }
    (found, seen)
}

fn send(server: &Server, from: &str, to: &str, text: &str) {
    let (path, message) = match to.strip_prefix("group:") {
        Some(group) => (
            path::SEND_GROUP_MSG,
            json!({ "GroupId": group, "From_Account": from, "Random": random(), "MsgBody": body(text) }),
        ),
        None => (
            path::SEND_MSG,
            json!({ "From_Account": from, "To_Account": to, "MsgRandom": random(), "MsgBody": body(text) }),
        ),
    };
    server.admin(path, &message);
}

fn log_is_cut(server: &Server) {
    let log = server.dir.path().join("store.db-wal");
    wait_until(|| fs::metadata(&log).map_or(0, |log| log.len()) == 0);
}

// ERA-3 (the server's half): what no view reaches leaves the files, and not only the tables.
#[test]
fn nothing_that_was_purged_is_left_in_any_file() {
    let mut server = Server::start_embedded();
    server.accounts(&["a", "b", "c", "d"]);
    server.group("g", &["a", "b"]);
    let mut texts = Texts(1);
    let (mut gone, mut living) = (Vec::new(), Vec::new());
    // Conversations grow beside each other, and go one after the other while others grow on: the
    // pages of the database are split, joined and used again.
    for round in 0..4 {
        for _ in 0..25 {
            for to in ["b", "group:g", "c", "d"] {
                let text = texts.next();
                send(&server, "a", to, &text);
                if to == "d" { &mut living } else { &mut gone }.push(text);
            }
        }
        let deleted = match round {
            0 | 2 => vec![("a", with("b")), ("b", with("a"))],
            1 => vec![("a", in_group("g")), ("b", in_group("g"))],
            _ => continue,
        };
        for (owner, target) in deleted {
            server.ok(owner, path::DELETE, &delete(owner, &target));
        }
        server.wait_for("SELECT count(*) FROM purge_work", 0);
    }
    for (owner, target) in [("a", with("c")), ("c", with("a"))] {
        server.ok(owner, path::DELETE, &delete(owner, &target));
    }
    server.admin(path::DESTROY_GROUP, &json!({ "GroupId": "g" }));
    for (owner, target) in [
        ("a", with("b")),
        ("b", with("a")),
        ("a", in_group("g")),
        ("b", in_group("g")),
    ] {
        server.ok(owner, path::DELETE, &delete(owner, &target));
    }
    server.wait_for(MESSAGES, living.len() as i64);
    server.wait_for("SELECT count(*) FROM purge_work", 0);
    log_is_cut(&server);
    for running in [true, false] {
        if !running {
            assert!(server.stop());
        }
        let (found, seen) = look(server.dir.path(), &gone);
        println!("{} texts, {seen} bytes: {found:?}", gone.len());
        assert_eq!(found, Found::default(), "running: {running}");
        let (found, _) = look(server.dir.path(), &living);
        assert!(
            found.whole >= living.len() / 2,
            "the look is blind: {found:?}"
        );
    }
}

// ERA-3 (the server's half)
#[test]
fn nothing_is_left_where_the_purge_was_killed() {
    let mut server = Server::start_embedded();
    server.accounts(&["a", "b"]);
    assert!(server.stop());
    let mut texts = Texts(2);
    let gone: Vec<String> = (0..8_000).map(|_| texts.next()).collect();
    let log: String = gone
        .iter()
        .enumerate()
        .map(|(time, text)| {
            let line =
                json!({ "conversation": "c2c_a:b", "sender": "a", "time": time, "text": text });
            format!("{line}\n")
        })
        .collect();
    server.import(&log);
    fs::remove_file(server.dir.path().join("log.jsonl")).unwrap();
    server.run();
    server.ok("a", path::DELETE, &delete("a", &with("b")));
    server.ok("b", path::DELETE, &delete("b", &with("a")));
    wait_until(|| server.stored(MESSAGES) < 8_000);
    server.kill();
    let (found, _) = look(server.dir.path(), &gone);
    assert!(found.pieces > 0, "it should have been killed in the middle");
    server.run();
    server.wait_for(MESSAGES, 0);
    log_is_cut(&server);
    let (found, seen) = look(server.dir.path(), &gone);
    println!("{} texts, {seen} bytes: {found:?}", gone.len());
    assert_eq!(found, Found::default());
}

#[test]
fn a_plain_database_keeps_what_it_deletes() {
    let folder = tempfile::tempdir().unwrap();
    let mut texts = Texts(3);
    let gone: Vec<String> = (0..200).map(|_| texts.next()).collect();
    let plain = rusqlite::Connection::open(folder.path().join("plain.db")).unwrap();
    plain
        .execute_batch(
            "PRAGMA journal_mode = WAL; CREATE TABLE messages (id INTEGER PRIMARY KEY, body TEXT)",
        )
        .unwrap();
    for text in &gone {
        plain
            .execute("INSERT INTO messages (body) VALUES (?1)", [text])
            .unwrap();
    }
    plain
        .execute_batch("DELETE FROM messages; PRAGMA wal_checkpoint(TRUNCATE)")
        .unwrap();
    let (found, _) = look(folder.path(), &gone);
    assert!(found.whole > gone.len() / 4, "{found:?}");
    // And in the other way of writing.
    fs::write(
        folder.path().join("notes"),
        wide(&gone[0], u16::to_le_bytes),
    )
    .unwrap();
    let (with_notes, _) = look(folder.path(), &gone);
    assert!(with_notes.wide > 0 && found.wide == 0, "{with_notes:?}");
}
