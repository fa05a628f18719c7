//! Erasure: what is deleted cannot be read any more, by anybody who has the folder.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests fail the test"
)]

mod support;

use std::collections::VecDeque;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use rusqlite::Connection;
use support::fake::{BOB, CLUB};
use support::{
    Answer, Client, FakeServer, Options, Outcome, Verification, abi, child, eventually, folder,
};
use tempfile::TempDir;

const TEXTS: [&str; 4] = [
    "the key is under the third stone",
    "come at dawn, alone",
    "Grüße aus Überlingen",
    "再见，老朋友们，不再相见",
];
const NAMES: [&str; 3] = [
    "benedict.arnold",
    "c2c_benedict.arnold",
    "group_benedict.arnold",
];

fn filled() -> (TempDir, Client) {
    let folder = tempfile::tempdir().unwrap();
    let client = Client::local(folder.path());
    let messages: Vec<_> = TEXTS
        .iter()
        .enumerate()
        .map(|(index, text)| (index as u64 + 1, "benedict.arnold", *text))
        .collect();
    client.save("c2c_benedict.arnold", &messages);
    client.save_texts("group_club", &CLUB);
    client.save_texts("c2c_carol", &["a letter that stays where it is"]);
    (folder, client)
}

/// Slots of the key file, each with its copy: by number.
fn slots(folder: &Path) -> Vec<[Vec<u8>; 2]> {
    let file = fs::read(folder.join("keys")).unwrap();
    file[8192..]
        .chunks_exact(8192)
        .flat_map(|pair| {
            let (first, second) = pair.split_at(4096);
            first
                .chunks_exact(64)
                .zip(second.chunks_exact(64))
                .map(|(first, second)| [first.to_vec(), second.to_vec()])
                .collect::<Vec<_>>()
        })
        .collect()
}

fn changed(before: &[[Vec<u8>; 2]], after: &[[Vec<u8>; 2]]) -> Vec<usize> {
    (0..before.len())
        .filter(|index| before[*index] != after[*index])
        .collect()
}

/// ERA-1, DEL-1: whatever a conversation holds, what its deletion has changed in the key file when
/// `on_success` comes is a slot or two in place, in both copies, which are dead.
#[test]
fn erasing_overwrites_slots_in_place() {
    for count in [1, 20, 5_000] {
        let (folder, client) = filled();
        let body = "x".repeat(200);
        let messages: Vec<_> = (1..=count)
            .map(|position| (position, "bob", body.as_str()))
            .collect();
        client.save("c2c_bob", &messages);
        let before = slots(folder.path());
        let header = fs::read(folder.path().join("keys")).unwrap()[..8192].to_vec();
        let (path, seen) = (folder.path().to_owned(), Arc::new(Mutex::new(Vec::new())));
        let told = seen.clone();
        // In the callback: what comes later is the last name and the purge.
        let call = client.call_with(move |_| *told.lock().unwrap() = slots(&path));
        assert_eq!(client.begin_delete("c2c_bob", &call), abi::OK);
        assert_eq!(call.wait(), Outcome::Success);
        let after = seen.lock().unwrap().clone();
        assert_eq!(after.len(), before.len(), "the key file has another size");
        // The content key, and the one for what would have come next where it was made already.
        let slots = changed(&before, &after);
        assert!(
            (1..=2).contains(&slots.len()),
            "{count} messages: {slots:?}"
        );
        for slot in slots {
            let [first, second] = &after[slot];
            assert_eq!(first, second, "one copy lives");
            assert_eq!((before[slot][0][0], first[0]), (b'L', b'D'));
            let cut_off = u64::from_le_bytes(first[20..28].try_into().unwrap());
            assert_eq!(cut_off, count, "the dead slot remembers the cut-off");
        }
        assert_eq!(
            fs::read(folder.path().join("keys")).unwrap()[..8192],
            header[..]
        );
    }
}

/// ERA-1: a deletion waits for none of the rows that a conversation holds. Killed when its outcome
/// is about to be delivered, all of them still lie where they were, without a key.
#[test]
fn success_waits_for_no_row() {
    const NAME: &str = "success_waits_for_no_row";
    const COUNT: u64 = 3_000;
    if child::is_child() {
        let path = std::env::var("ROWS_FOLDER").unwrap();
        let client = Client::local(path.as_ref());
        let messages: Vec<_> = (1..=COUNT)
            .map(|position| (position, "bob", "one of many"))
            .collect();
        client.save("c2c_bob", &messages);
        panic!("{:?}", client.delete("c2c_bob"));
    }
    let folder = tempfile::tempdir().unwrap();
    let died = child::run(
        NAME,
        &[
            ("ROWS_FOLDER", folder.path().to_str().unwrap()),
            ("ADIEU_FAILPOINT", "before-delivery=abort"),
        ],
    );
    assert_eq!(died.status.signal(), Some(libc::SIGABRT), "{died:?}");
    let copy = tempfile::tempdir().unwrap();
    folder::copy(folder.path(), copy.path());
    let db = Connection::open(copy.path().join("store.db")).unwrap();
    let rows: i64 = db
        .query_row("SELECT count(*) FROM messages", [], |row| row.get(0))
        .unwrap();
    assert_eq!(rows as u64, COUNT);
    let client = Client::local(folder.path());
    assert!(client.ids().is_empty());
    let look = client.verify("c2c_bob", &["one of many"]);
    assert_eq!((look.found, look.readable_records), (0, 0));
}

/// ERA-2, DEL-9: taking a pin, a draft or marks from a conversation that was deleted, as an app does
/// that leaves the chat, writes nothing of it down again.
#[test]
fn what_is_taken_from_the_deleted_is_not_noted() {
    let (folder, client) = filled();
    assert_eq!(client.delete("c2c_benedict.arnold"), Outcome::Success);
    let rows = || -> i64 {
        let db = Connection::open(folder.path().join("store.db")).unwrap();
        db.query_row("SELECT count(*) FROM conversations", [], |row| row.get(0))
            .unwrap()
    };
    client.close();
    let left = rows();
    let client = Client::local(folder.path());
    let id = "c2c_benedict.arnold";
    assert_eq!(client.pin(id, false), Outcome::Success);
    assert_eq!(client.set_draft(id, ""), Outcome::Success);
    assert_eq!(client.mark(id, 0, 1).code(), abi::NOT_FOUND);
    client.close();
    assert_eq!(rows(), left);
}

/// ERA-1, ERA-2, DEL-5: of the keys that live, those of other conversations are what they were when all
/// is tidied up; only slots of the deleted one were touched.
#[test]
fn other_keys_are_not_touched() {
    let (folder, client) = filled();
    client.save_texts("c2c_bob", &["one for bob", "two for bob"]);
    let before = slots(folder.path());
    assert_eq!(client.delete("c2c_bob"), Outcome::Success);
    // Its content key at once, its address key when the outcome has been delivered, and with it
    // the fresh key for what would have come next.
    let touched = || changed(&before, &slots(folder.path()));
    eventually("the last name is gone", || touched().len() >= 2);
    client.close();
    assert!(touched().len() <= 3, "{:?}", touched());
    let client = Client::local(folder.path());
    assert_eq!(client.texts("c2c_benedict.arnold"), TEXTS);
    assert_eq!(client.texts("group_club"), CLUB);
}

/// ERA-2, with its control: the same look finds most of the texts in a plain store after its
/// `DELETE`.
#[test]
fn a_plain_store_keeps_what_it_deletes() {
    let folder = tempfile::tempdir().unwrap();
    let db = Connection::open(folder.path().join("plain.db")).unwrap();
    db.execute_batch(
        "PRAGMA journal_mode = WAL; CREATE TABLE messages(conversation TEXT, sender TEXT, body TEXT)",
    )
    .unwrap();
    for text in TEXTS {
        db.execute(
            "INSERT INTO messages VALUES('c2c_benedict.arnold', 'benedict.arnold', ?)",
            [text],
        )
        .unwrap();
    }
    db.execute("DELETE FROM messages", []).unwrap();
    let found = folder::find(folder.path(), &TEXTS);
    assert!(found.len() >= 3, "the look finds what is there: {found:?}");
    assert!(!folder::find(folder.path(), &NAMES[..2]).is_empty());
}

/// ERA-2: nothing of the deleted conversation stands in any file: while the client is open, while
/// somebody reads the database, after close, after the next open. What lives stands there sealed.
#[test]
fn nothing_is_left_in_any_file() {
    let (folder, client) = filled();
    let everything: Vec<&str> = TEXTS.into_iter().chain(NAMES).collect();
    let nothing = |when: &str| {
        let found = folder::find(folder.path(), &everything);
        assert!(found.is_empty(), "{when}: {found:?}");
        let living = folder::find(folder.path(), &[CLUB[0], CLUB[1], "a letter that stays"]);
        assert!(
            living.is_empty(),
            "{when}: what lives is sealed: {living:?}"
        );
    };
    assert_eq!(client.texts("c2c_benedict.arnold"), TEXTS);
    nothing("before");
    // A backup program that holds a read transaction keeps pages from being moved. It is a process
    // of its own: two SQLite libraries in one process would undo each other's locks.
    let mut reader = child::command("a_reader_of_the_database")
        .env("READ_DATABASE", folder.path().join("store.db"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(reader.stdout.take().unwrap()).lines();
    let rows = lines
        .by_ref()
        .map(Result::unwrap)
        .find_map(|line| line.split_once("rows: ").map(|(_, rows)| rows.to_owned()));
    assert_eq!(rows.as_deref(), Some("7"));
    assert_eq!(client.delete("c2c_benedict.arnold"), Outcome::Success);
    // The id goes when the outcome has been delivered: what comes next comes after that.
    client.list();
    nothing("with a reader");
    is_gone(&client, &everything);
    drop(reader.stdin.take());
    assert!(reader.wait().unwrap().success());
    drop(lines);
    is_gone(&client, &everything);
    client.close();
    nothing("after close");
    let client = Client::local(folder.path());
    nothing("after the next open");
    is_gone(&client, &everything);
    let mut ids = client.ids();
    ids.sort();
    assert_eq!(ids, ["c2c_carol", "group_club"]);
    assert_eq!(client.texts("group_club"), CLUB);
}

/// Not a proof by itself: the process that reads in the test above, until its input ends.
#[test]
fn a_reader_of_the_database() {
    let Some(path) = std::env::var_os("READ_DATABASE") else {
        return;
    };
    let reader = Connection::open(path).unwrap();
    reader.execute_batch("BEGIN").unwrap();
    let rows: i64 = reader
        .query_row("SELECT count(*) FROM messages", [], |row| row.get(0))
        .unwrap();
    println!("rows: {rows}");
    std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
}

/// The look of the library agrees: all looked for, none found, nothing readable.
#[track_caller]
fn is_gone(client: &Client, texts: &[&str]) {
    let found = client.verify("c2c_benedict.arnold", texts);
    assert_eq!(
        (found.searched, found.found, found.readable_records),
        (texts.len() as u64, 0, 0),
        "{found:?}"
    );
    assert!(
        found.bytes > 8192 && found.records >= 2,
        "it has looked: {found:?}"
    );
}

/// ERA-2: title and members of a group that came from a server go as well.
#[test]
fn a_group_from_the_server_goes_with_its_title() {
    let (folder, fake) = (
        tempfile::tempdir().unwrap(),
        FakeServer::with_world(|_, _| Answer::Ok(().into())),
    );
    let client = Options::remote(folder.path(), &fake.url(), "sig").open();
    client.pulled();
    let line = client
        .list()
        .into_iter()
        .find(|line| line.id == "group_club")
        .unwrap();
    assert_eq!(line.title, "The Club of Rome");
    let texts = ["The Club of Rome", "group_club", CLUB[0], CLUB[1]];
    let before = client.verify("c2c_nobody", &texts);
    assert_eq!(before.left_out_shared, 4, "all of them live: {before:?}");
    assert_eq!(client.delete("group_club"), Outcome::Success);
    let found = client.verify("group_club", &texts);
    assert_eq!(
        (found.searched, found.found, found.left_out_shared),
        (4, 0, 0),
        "{found:?}"
    );
    assert!(folder::find(folder.path(), &texts).is_empty());
    assert_eq!(client.texts("c2c_bob"), BOB);
}

/// ERA-2: the look counts what it leaves out: short strings, and those that live elsewhere; equal
/// strings count once.
#[test]
fn what_the_look_leaves_out_is_counted() {
    let (_folder, client) = filled();
    assert_eq!(client.delete("c2c_benedict.arnold"), Outcome::Success);
    let texts = [
        "short",
        "7 bytes",
        "8 bytes!",
        "8 bytes!",
        TEXTS[0],
        CLUB[0],
        "club: the vote",
        "group_club",
    ];
    let found = client.verify("c2c_benedict.arnold", &texts);
    assert_eq!(found.left_out_short, 2, "{found:?}");
    assert_eq!(found.left_out_shared, 3, "{found:?}");
    assert_eq!((found.searched, found.found), (2, 0), "{found:?}");
    let nothing = client.verify("c2c_benedict.arnold", &[]);
    assert_eq!((nothing.searched, nothing.readable_records), (0, 0));
}

/// ERA-2: the look finds what is there: a text planted in any file of the folder, at any place,
/// also across the windows that it reads.
#[test]
fn the_look_finds_what_was_planted() {
    let (folder, client) = filled();
    assert_eq!(client.delete("c2c_benedict.arnold"), Outcome::Success);
    assert_eq!(client.verify("c2c_benedict.arnold", &TEXTS).found, 0);
    let planted = folder.path().join("thumbnail.cache");
    for at in [0, 100, (1 << 20) - 5, (1 << 20) + 1, (2 << 20) - 31] {
        let mut bytes = vec![b'.'; at];
        bytes.extend_from_slice(TEXTS[0].as_bytes());
        bytes.extend(vec![b'.'; 77]);
        fs::write(&planted, &bytes).unwrap();
        let found = client.verify("c2c_benedict.arnold", &TEXTS);
        assert_eq!(
            (found.searched, found.found),
            (4, 1),
            "planted at {at}: {found:?}"
        );
    }
    fs::remove_file(&planted).unwrap();
    assert_eq!(client.verify("c2c_benedict.arnold", &TEXTS).found, 0);
    for name in ["thumbnail", ".thumbnail", "store.db.old", "keys.old"] {
        let planted = folder.path().join(name);
        fs::write(&planted, TEXTS[1]).unwrap();
        let found = client.verify("c2c_benedict.arnold", &TEXTS).found;
        assert_eq!(found, 1, "planted in {name}");
        fs::remove_file(&planted).unwrap();
    }
}

/// ERA-2: the look decodes every record, and counts those that are said to be deleted and have a
/// living key all the same.
#[test]
fn the_look_counts_what_is_readable() {
    let (folder, client) = filled();
    client.close();
    // What no deletion does: the rows say that all is erased, and the keys live.
    let db = Connection::open(folder.path().join("store.db")).unwrap();
    let erased = "INSERT INTO tombstones(address, through, source) SELECT address, head, source FROM conversations";
    assert!(db.execute(erased, []).unwrap() > 0);
    drop(db);
    let client = Client::local(folder.path());
    assert!(client.history("c2c_benedict.arnold").is_empty());
    let look = client.verify("c2c_benedict.arnold", &TEXTS);
    let all = TEXTS.len() + CLUB.len() + 1;
    assert_eq!((look.found, look.readable_records), (0, all as u64));
}

/// ERA-2: what lives is decoded, and its texts are left out of the search; what was deleted is
/// decoded no more.
#[test]
fn the_look_sees_what_lives() {
    let (folder, client) = filled();
    let found = client.verify("c2c_nobody", &TEXTS);
    assert_eq!((found.searched, found.left_out_shared), (0, 4), "{found:?}");
    let records = found.records;
    assert_eq!(client.delete("c2c_benedict.arnold"), Outcome::Success);
    let after = client.verify("c2c_benedict.arnold", &TEXTS);
    assert_eq!(
        after.records,
        records - 5,
        "four messages and a name: {after:?}"
    );
    drop(client);
    let client = Client::local(folder.path());
    let again = client.verify("c2c_benedict.arnold", &TEXTS);
    assert_eq!(
        Verification { bytes: 0, ..again },
        Verification { bytes: 0, ..after }
    );
}

/// ERA-2: an old copy of the database, put back beside the keys of today, gives nothing away:
/// opening finishes the erasure or fails, and what lives is still there when the right one is back.
#[test]
fn an_old_database_with_the_keys_of_today() {
    for tidy in [false, true] {
        let (folder, client) = filled();
        client.close();
        let old = tempfile::tempdir().unwrap();
        folder::copy(folder.path(), old.path());
        let client = Client::local(folder.path());
        assert_eq!(client.texts("c2c_benedict.arnold"), TEXTS);
        assert_eq!(client.delete("c2c_benedict.arnold"), Outcome::Success);
        if tidy {
            // The last name gone and the slots renewed.
            client.verify("c2c_benedict.arnold", &TEXTS);
            for turn in 0..20 {
                client.save_texts(&format!("c2c_new{turn}"), &["something new"]);
            }
        }
        client.close();
        let new = tempfile::tempdir().unwrap();
        folder::copy(folder.path(), new.path());
        // The old database, and its log if it had one, beside the new keys.
        for name in ["store.db", "store.db-wal", "store.db-shm"] {
            let _ = fs::remove_file(folder.path().join(name));
            let _ = fs::copy(old.path().join(name), folder.path().join(name));
        }
        match Options::local(folder.path()).try_open() {
            Ok(client) => {
                assert!(!client.ids().contains(&"c2c_benedict.arnold".to_owned()));
                assert!(client.history("c2c_benedict.arnold").is_empty());
                let found = client.verify("c2c_benedict.arnold", &TEXTS);
                assert_eq!((found.found, found.readable_records), (0, 0));
                assert_eq!(client.texts("group_club"), CLUB, "what lives is there");
            }
            Err((code, text)) => assert_eq!(code, abi::STORE_DAMAGED, "{text}"),
        }
        assert!(folder::find(folder.path(), &TEXTS).is_empty());
        let client = Client::local(new.path());
        assert_eq!(client.texts("group_club"), CLUB);
        assert!(client.history("c2c_benedict.arnold").is_empty());
    }
}

/// ERA-2, DUR-7: on its own the old copy of the whole folder is whole: the control for the test
/// above. Why the docs speak of backups and of rotating the master key.
#[test]
fn an_old_copy_of_the_whole_folder_is_whole() {
    let (folder, client) = filled();
    client.close();
    let old = tempfile::tempdir().unwrap();
    folder::copy(folder.path(), old.path());
    let client = Client::local(folder.path());
    assert_eq!(client.delete("c2c_benedict.arnold"), Outcome::Success);
    client.close();
    assert_eq!(
        Client::local(old.path()).texts("c2c_benedict.arnold"),
        TEXTS
    );
}

/// ERA-2: a client that is closed by the very callback of the success has had no time to remove the
/// last name; the next open does.
#[test]
fn the_last_name_goes_at_the_next_open() {
    let fake = FakeServer::with_world(|_, _| Answer::Ok(().into()));
    for served in [true, false] {
        let folder = tempfile::tempdir().unwrap();
        let options = if served {
            Options::remote(folder.path(), &fake.url(), "sig")
        } else {
            Options::local(folder.path())
        };
        let client = options.open();
        client.save_texts("c2c_carol", &["one for carol"]);
        // Looked at in a copy: two SQLite libraries of one process must not share a file.
        let rows = || {
            let copy = tempfile::tempdir().unwrap();
            folder::copy(folder.path(), copy.path());
            let db = Connection::open(copy.path().join("store.db")).unwrap();
            let count =
                "SELECT (SELECT count(*) FROM conversations) + (SELECT count(*) FROM journal)";
            db.query_row(count, [], |row| row.get::<_, i64>(0)).unwrap()
        };
        eventually("it is stored", || rows() == 1);
        let handle = client.handle() as usize;
        let call = client.call_with(move |_| {
            support::client::close(handle);
        });
        assert_eq!(client.begin_delete("c2c_carol", &call), abi::OK);
        assert_eq!(call.wait(), Outcome::Success);
        eventually("it is closed", || {
            support::client::close(handle) == abi::INVALID_HANDLE
        });
        let client = options.open();
        client.verify("c2c_carol", &[]);
        assert_eq!(
            rows(),
            0,
            "the sealed id, or the deletion's own, lies there (server: {served})"
        );
    }
}

/// ERA-3: the dead ciphertext leaves the file, and the file shrinks, while the client works on.
#[test]
fn the_file_shrinks() {
    let (folder, client) = filled();
    let body = "y".repeat(900);
    let messages: Vec<_> = (1..=8_000)
        .map(|position| (position, "bob", body.as_str()))
        .collect();
    client.save("c2c_bob", &messages);
    let size = || fs::metadata(folder.path().join("store.db")).map_or(0, |file| file.len());
    eventually("the database has taken it in", || size() > 6_000_000);
    assert_eq!(client.delete("c2c_bob"), Outcome::Success);
    eventually("the file has shrunk", || {
        client.total_unread();
        size() < 500_000
    });
    assert_eq!(client.texts("c2c_benedict.arnold"), TEXTS);
}

/// ERA-3: the purge goes in small steps, and whoever comes meanwhile waits for one of them at most.
#[test]
fn the_purge_makes_way() {
    const NAME: &str = "the_purge_makes_way";
    const COUNT: u64 = 3_000;
    if child::is_child() {
        let path = std::env::var("PURGE_FOLDER").unwrap();
        let client = Client::local(path.as_ref());
        let messages: Vec<_> = (1..=COUNT)
            .map(|position| (position, "bob", "one of many"))
            .collect();
        client.save("c2c_bob", &messages);
        assert_eq!(client.delete("c2c_bob"), Outcome::Success);
        println!("deleted");
        std::io::stdin().read_line(&mut String::new()).unwrap();
        for _ in 0..3 {
            assert!(client.list().is_empty());
        }
        println!("answered");
        std::io::stdin().read_line(&mut String::new()).unwrap();
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut client = child::command(NAME)
        .env("PURGE_FOLDER", folder.path())
        .env("ADIEU_FAILPOINT", "rows-purged=pause")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut orders = client.stdin.take().unwrap();
    let mut said = BufReader::new(client.stdout.take().unwrap()).lines();
    let mut wait_for = |word| said.any(|line| line.unwrap().ends_with(word));
    assert!(wait_for("deleted"));
    let db = Connection::open(folder.path().join("store.db")).unwrap();
    db.busy_timeout(support::DEADLINE).unwrap();
    let left = || {
        let count = "SELECT count(*) FROM messages";
        db.query_row(count, [], |row| row.get::<_, i64>(0)).unwrap() as u64
    };
    let mut begun = COUNT;
    eventually("the purge has begun", || {
        begun = left();
        begun < COUNT
    });
    assert!(begun > COUNT / 2, "{begun} left after its first steps");
    orders.write_all(b"go on\n").unwrap();
    assert!(wait_for("answered"));
    assert!(left() > 0, "whoever came had to wait for the whole purge");
    drop(orders);
    assert!(client.wait().unwrap().success());
}

/// ERA-3, ERA-2: the dead ciphertext leaves although writers never pause. Looked at by a process of
/// its own: two SQLite libraries of one process must not share a file.
#[test]
fn purged_while_writers_never_pause() {
    if let Some(path) = std::env::var_os("PURGE_DATABASE") {
        let count = |table: &str| {
            let db = Connection::open(&path).unwrap();
            db.busy_timeout(support::DEADLINE).unwrap();
            db.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| {
                row.get::<_, i64>(0)
            })
            .unwrap()
        };
        eventually("what is dead has left", || {
            count("conversations") == 1 && count("dead") == 0
        });
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let client = Client::local(folder.path());
    client.save_texts("c2c_bob", &TEXTS);
    client.save("c2c_load", &[(1, "bob", "load")]);
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut calls = VecDeque::new();
            let mut next = 2;
            while !stop.load(Ordering::SeqCst) {
                let messages: Vec<_> = (next..next + 20).map(|at| (at, "bob", "load")).collect();
                next += 20;
                let call = client.call();
                assert_eq!(client.begin_save("c2c_load", &messages, &call), abi::OK);
                calls.push_back(call);
                if calls.len() > 20 {
                    calls.pop_front().unwrap().wait();
                }
            }
        });
        let outcome = client.delete("c2c_bob");
        let database = folder.path().join("store.db");
        let looked = child::run(
            "purged_while_writers_never_pause",
            &[("PURGE_DATABASE", database.to_str().unwrap())],
        );
        stop.store(true, Ordering::SeqCst);
        assert_eq!(outcome, Outcome::Success);
        let said = String::from_utf8_lossy(&looked.stderr);
        assert!(looked.status.success(), "{said}");
    });
    assert_eq!(client.ids(), ["c2c_load"]);
}
