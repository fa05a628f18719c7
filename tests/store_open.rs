//! Opening a store that cannot be opened: a clear error, and nothing overwritten.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests fail the test"
)]

mod support;

use std::fs::{self, OpenOptions};
use std::io::{BufRead, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::Command;

use rusqlite::Connection;
use support::{Client, Options, abi, child, folder};
use tempfile::TempDir;

const KEY: [u8; 32] = [7; 32];
const TEXTS: [&str; 2] = ["the key is under the third stone", "come at dawn, alone"];

fn options(path: &Path) -> Options {
    Options {
        master_key: Some(KEY),
        ..Options::local(path)
    }
}

/// A closed store with two conversations.
fn store() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let client = options(folder.path()).open();
    client.save_texts("c2c_bob", &TEXTS);
    client.save_texts("group_club", &["the vote is on friday"]);
    client.close();
    folder
}

/// The open fails with one of these codes and a text that says something, and every file is what
/// it was.
#[track_caller]
fn fails(options: &Options, codes: &[i32]) -> String {
    let before = options.path.is_dir().then(|| folder::bytes(&options.path));
    let (code, text) = match options.try_open() {
        Ok(client) => panic!("it opened, and shows {:?}", client.ids()),
        Err(error) => error,
    };
    assert!(codes.contains(&code), "{code} {text}");
    assert!(text.len() > 10, "{code} {text:?}");
    assert!(!text.contains("third stone"), "{text}");
    if let Some(before) = before {
        let after = folder::bytes(&options.path);
        let names = |files: &std::collections::BTreeMap<String, Vec<u8>>| {
            files.keys().cloned().collect::<Vec<_>>()
        };
        assert_eq!(names(&after), names(&before), "files came or went");
        for (name, bytes) in before {
            assert!(after[&name] == bytes, "{name} was changed");
        }
    }
    text
}

/// It opens and shows all that was there.
#[track_caller]
fn is_whole(options: &Options) {
    let client = options.open();
    assert_eq!(client.texts("c2c_bob"), TEXTS);
    assert_eq!(client.list().len(), 2);
}

/// The premise of all the others.
#[test]
fn a_good_store_opens_again_with_all_it_has() {
    let folder = store();
    is_whole(&options(folder.path()));
    is_whole(&options(folder.path()));
}

/// A folder that does not exist is not made; a file is no folder.
#[test]
fn no_folder() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing");
    let text = fails(&options(&missing), &[abi::STORE_PATH]);
    assert!(text.contains("missing"), "{text}");
    assert!(!missing.exists());
    let file = folder.path().join("file");
    fs::write(&file, "a file").unwrap();
    fails(&options(&file), &[abi::STORE_PATH]);
    fails(&options(&file.join("below")), &[abi::STORE_PATH]);
    assert_eq!(fs::read(&file).unwrap(), b"a file");
    fails(
        &options(Path::new("")),
        &[abi::STORE_PATH, abi::INVALID_PARAMETER],
    );
    // A folder that nobody can make a file in, whoever asks.
    let (code, text) = options(Path::new("/proc/self")).try_open().err().unwrap();
    assert_eq!(code, abi::STORE_PATH, "{text}");
}

/// A user id that breaks the rule is told before anything is touched.
#[test]
fn a_user_id_that_breaks_the_rule() {
    let folder = tempfile::tempdir().unwrap();
    for user in ["", "\u{7}", "ä", "123456789012345678901234567890123"] {
        let mut options = options(folder.path());
        options.user = user.to_owned();
        let text = fails(&options, &[abi::INVALID_PARAMETER]);
        assert!(text.contains("user"), "{text}");
    }
    assert!(folder::bytes(folder.path()).is_empty());
}

/// A server URL that breaks the rule is told before anything is touched.
#[test]
fn a_server_url_that_breaks_the_rule() {
    let folder = tempfile::tempdir().unwrap();
    for url in [
        "",
        "chat.example",
        "http://chat.example",
        "ftp://127.0.0.1",
        "https://",
    ] {
        let mut options = options(folder.path());
        options.server = Some(url.to_owned());
        let text = fails(&options, &[abi::INVALID_PARAMETER]);
        assert!(text.contains("https://"), "{text}");
    }
    assert!(folder::bytes(folder.path()).is_empty());
}

/// Mounts, or says loudly that it cannot.
fn mounted(at: &Path, arguments: &[&str]) -> Option<Mount> {
    let done = Command::new("mount").args(arguments).arg(at).output();
    if done.is_ok_and(|done| done.status.success()) {
        return Some(Mount(at.to_owned()));
    }
    eprintln!("SKIPPED: mounting needs a privilege that this run does not have");
    None
}

struct Mount(std::path::PathBuf);

impl Drop for Mount {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).output();
    }
}

/// A read-only folder.
#[test]
fn a_read_only_folder() {
    let (folder, at) = (store(), tempfile::tempdir().unwrap());
    let Some(_mount) = mounted(at.path(), &["--bind", folder.path().to_str().unwrap()]) else {
        return;
    };
    is_whole(&options(at.path()));
    let again = Command::new("mount")
        .args(["-o", "remount,ro,bind"])
        .arg(at.path())
        .output()
        .unwrap();
    assert!(again.status.success(), "{again:?}");
    assert!(
        fs::write(at.path().join("probe"), "x").is_err(),
        "it is not read-only"
    );
    fails(&options(at.path()), &[abi::STORE_PATH, abi::STORE_IO]);
    is_whole(&options(folder.path()));
}

/// A full disk: no new store, an old one is left as it is, and a deletion that does not fit says
/// so and can be repeated when there is room.
#[test]
fn a_full_disk() {
    let at = tempfile::tempdir().unwrap();
    let Some(_mount) = mounted(at.path(), &["-t", "tmpfs", "-o", "size=1m", "tmpfs"]) else {
        return;
    };
    let (empty, old) = (at.path().join("empty"), at.path().join("old"));
    fs::create_dir(&empty).unwrap();
    let from = store();
    folder::copy(from.path(), &old);
    let filler = at.path().join("filler");
    fill(&filler);
    let (code, text) = options(&empty)
        .try_open()
        .err()
        .expect("no room for a store");
    assert!(
        [abi::STORE_IO, abi::STORE_PATH].contains(&code),
        "{code} {text}"
    );
    let before = folder::bytes(&old);
    // It may open, since reading needs little room; it may not lose anything.
    match options(&old).try_open() {
        Ok(client) => assert_eq!(client.texts("c2c_bob"), TEXTS),
        Err((code, text)) => {
            assert!(
                [abi::STORE_IO, abi::STORE_PATH].contains(&code),
                "{code} {text}"
            );
            let after = folder::bytes(&old);
            for (name, bytes) in before {
                assert!(after.get(&name) == Some(&bytes), "{name} was changed");
            }
        }
    }
    fs::remove_file(&filler).unwrap();
    is_whole(&options(&old));
    is_whole_and_new(&empty);
}

fn is_whole_and_new(path: &Path) {
    let client = options(path).open();
    client.save_texts("c2c_bob", &TEXTS);
    assert_eq!(client.texts("c2c_bob"), TEXTS);
}

/// Fills a file system to the last byte.
fn fill(path: &Path) {
    let mut file = fs::File::create(path).unwrap();
    for size in [4096, 1] {
        let block = vec![0; size];
        while file
            .write_all(&block)
            .and_then(|()| file.sync_all())
            .is_ok()
        {}
    }
}

/// DUR-2, CALL-3: on a disk that becomes full while the client is open, every call still has its
/// outcome, and what failed has changed nothing.
#[test]
fn a_disk_that_becomes_full() {
    let at = tempfile::tempdir().unwrap();
    let Some(_mount) = mounted(at.path(), &["-t", "tmpfs", "-o", "size=2m", "tmpfs"]) else {
        return;
    };
    let path = at.path().join("store");
    fs::create_dir(&path).unwrap();
    let client = options(&path).open();
    client.save_texts("c2c_bob", &TEXTS);
    fill(&at.path().join("filler"));
    let body = "x".repeat(100_000);
    let save = client.call();
    let messages: Vec<_> = (1..=30)
        .map(|position| (position, "bob", body.as_str()))
        .collect();
    assert_eq!(client.begin_save("c2c_big", &messages, &save), abi::OK);
    let outcome = save.wait();
    assert_eq!(outcome.code(), abi::STORE_IO, "{outcome:?}");
    assert_eq!(client.ids(), ["c2c_bob"], "all or none");
    assert_eq!(client.texts("c2c_bob"), TEXTS);
    // Erasing is an overwrite in place: a full disk is when one wants to delete.
    let outcome = client.delete("c2c_bob");
    if outcome.code() != 0 {
        assert!(
            [abi::STORE_IO, abi::OUTCOME_UNKNOWN].contains(&outcome.code()),
            "{outcome:?}"
        );
    }
    fs::remove_file(at.path().join("filler")).unwrap();
    assert_eq!(client.delete("c2c_bob").code(), 0);
    assert!(client.texts("c2c_bob").is_empty());
    client.save("c2c_big", &messages[..3]);
    assert_eq!(client.history("c2c_big").len(), 3);
}

/// DEL-1, CALL-3: a deletion whose only record is a row that cannot be written fails, and fails alone:
/// one that was made together with it, and one after it, have a key to destroy.
#[test]
fn a_row_that_cannot_be_written_keeps_no_key_alive() {
    let folder = tempfile::tempdir().unwrap();
    let client = options(folder.path()).open();
    client.save_texts("c2c_gone", &TEXTS);
    assert_eq!(client.delete("c2c_gone").code(), 0);
    client.save_texts("c2c_bob", &TEXTS);
    client.save_texts("c2c_carol", &TEXTS);
    drop(client);
    let db = Connection::open(folder.path().join("store.db")).unwrap();
    let never = "CREATE TRIGGER never BEFORE INSERT ON tombstones
         BEGIN SELECT raise(ABORT, 'not today'); END";
    db.execute_batch(never).unwrap();
    drop(db);
    let client = options(folder.path()).open();
    let begin = |name: &str| {
        let call = client.call();
        assert_eq!(client.begin_delete(name, &call), abi::OK);
        call
    };
    let calls = ["c2c_gone", "c2c_bob"].map(begin);
    let codes = calls.map(|call| call.wait().code());
    assert_eq!(codes, [abi::OUTCOME_UNKNOWN, abi::OK]);
    assert_eq!(begin("c2c_carol").wait().code(), abi::OK);
    assert!(client.texts("c2c_bob").is_empty());
}

/// A database of a newer version, and one that no release has written.
#[test]
fn a_newer_database() {
    let folder = store();
    let path = folder.path().join("store.db");
    let set = |version: u32| {
        let db = Connection::open(&path).unwrap();
        db.pragma_update(None, "user_version", version).unwrap();
    };
    set(3);
    let text = fails(&options(folder.path()), &[abi::STORE_NEWER]);
    assert!(
        text.contains('3') && text.contains('2'),
        "which versions: {text}"
    );
    set(1);
    let text = fails(&options(folder.path()), &[abi::STORE_DAMAGED]);
    assert!(text.contains("format 1"), "{text}");
    set(2);
    is_whole(&options(folder.path()));
}

/// A key file of a newer version: told even though its header has a checksum that fits.
#[test]
fn a_newer_key_file() {
    let folder = store();
    let path = folder.path().join("keys");
    let good = fs::read(&path).unwrap();
    let mut newer = good.clone();
    for block in [0, 4096] {
        assert_eq!(&newer[block..block + 8], b"adieukey");
        newer[block + 8..block + 12].copy_from_slice(&99_u32.to_le_bytes());
    }
    fs::write(&path, &newer).unwrap();
    // Without the right checksum it is a damaged header; a newer version may have another one.
    fails(
        &options(folder.path()),
        &[abi::STORE_NEWER, abi::STORE_DAMAGED],
    );
    fs::write(&path, &good).unwrap();
    is_whole(&options(folder.path()));
}

/// A key file that is cut, empty, overwritten or missing.
#[test]
fn a_damaged_key_file() {
    let folder = store();
    let path = folder.path().join("keys");
    let good = fs::read(&path).unwrap();
    let mut noise = good.clone();
    for (index, byte) in noise.iter_mut().enumerate() {
        *byte ^= (index as u8).wrapping_mul(37) | 1;
    }
    let mut headless = good.clone();
    headless[..8192].fill(0);
    for bad in [
        &good[..0],
        &good[..10],
        &good[..4095],
        &good[..8192],
        &noise,
        &headless,
    ] {
        fs::write(&path, bad).unwrap();
        fails(&options(folder.path()), &[abi::STORE_DAMAGED]);
    }
    fs::remove_file(&path).unwrap();
    fails(&options(folder.path()), &[abi::STORE_DAMAGED]);
    fs::write(&path, &good).unwrap();
    is_whole(&options(folder.path()));
}

/// One block of the key file may be lost: every slot and the header stand twice.
#[test]
fn one_lost_block_of_the_key_file_is_made_good() {
    for block in 0..4 {
        let folder = store();
        let keys = OpenOptions::new()
            .write(true)
            .open(folder.path().join("keys"))
            .unwrap();
        keys.write_all_at(&[0xee; 4096], block * 4096).unwrap();
        is_whole(&options(folder.path()));
    }
}

/// ERA-2, DUR-1: slots of which both copies are damaged are damaged, and never taken for deleted:
/// nothing is removed.
#[test]
fn damaged_slots_are_not_deletions() {
    let folder = store();
    let path = folder.path().join("keys");
    let good = fs::read(&path).unwrap();
    let mut bad = good.clone();
    bad[8192..].fill(0x55);
    fs::write(&path, &bad).unwrap();
    fails(&options(folder.path()), &[abi::STORE_DAMAGED]);
    fs::write(&path, &good).unwrap();
    is_whole(&options(folder.path()));
}

/// A database that is cut, overwritten, or something else.
#[test]
fn a_damaged_database() {
    let folder = store();
    let path = folder.path().join("store.db");
    let good = fs::read(&path).unwrap();
    let mut noise = good.clone();
    noise[..2000].fill(0x55);
    let not_sqlite = b"this is a letter to my landlord, and no database at all".repeat(100);
    for bad in [&noise[..], &good[..100], &good[..5000], &not_sqlite] {
        fs::write(&path, bad).unwrap();
        fails(&options(folder.path()), &[abi::STORE_DAMAGED]);
    }
    let foreign = tempfile::tempdir().unwrap();
    let other = foreign.path().join("other.db");
    Connection::open(&other)
        .unwrap()
        .execute_batch("CREATE TABLE letters(text TEXT)")
        .unwrap();
    fs::copy(&other, &path).unwrap();
    fails(&options(folder.path()), &[abi::STORE_DAMAGED]);
    fs::write(&path, &good).unwrap();
    is_whole(&options(folder.path()));
}

/// A database that was emptied: not a new store, since there are keys in use.
#[test]
fn an_emptied_database() {
    let folder = store();
    let path = folder.path().join("store.db");
    let good = fs::read(&path).unwrap();
    fs::write(&path, b"").unwrap();
    fails(&options(folder.path()), &[abi::STORE_DAMAGED]);
    fs::write(&path, &good).unwrap();
    is_whole(&options(folder.path()));
}

/// A database that is gone: not a new store either.
#[test]
fn a_missing_database() {
    let folder = store();
    let path = folder.path().join("store.db");
    let good = fs::read(&path).unwrap();
    fs::remove_file(&path).unwrap();
    fails(&options(folder.path()), &[abi::STORE_DAMAGED]);
    fs::write(&path, &good).unwrap();
    is_whole(&options(folder.path()));
}

/// A database of another store, with keys that are not its own.
#[test]
fn a_database_of_another_store() {
    let (folder, other) = (store(), store());
    let path = folder.path().join("store.db");
    let good = fs::read(&path).unwrap();
    fs::copy(other.path().join("store.db"), &path).unwrap();
    fails(&options(folder.path()), &[abi::STORE_DAMAGED]);
    fs::write(&path, &good).unwrap();
    is_whole(&options(folder.path()));
}

/// Held by another client of this process; free after its close.
#[test]
fn held_by_another_client() {
    let folder = store();
    let first = options(folder.path()).open();
    let (code, text) = options(folder.path()).try_open().err().unwrap();
    assert_eq!(code, abi::STORE_LOCKED, "{text}");
    assert_eq!(
        first.texts("c2c_bob"),
        TEXTS,
        "the first one is not disturbed"
    );
    // By another name, too.
    let link = tempfile::tempdir().unwrap();
    let other = link.path().join("link");
    std::os::unix::fs::symlink(folder.path(), &other).unwrap();
    assert_eq!(
        options(&other).try_open().err().unwrap().0,
        abi::STORE_LOCKED
    );
    first.close();
    is_whole(&options(folder.path()));
}

/// Held by another process; free when that one is killed.
#[test]
fn held_by_another_process() {
    if child::is_child() {
        let path = std::env::var("ADIEU_TEST_FOLDER").unwrap();
        let _client = options(Path::new(&path)).open();
        println!("open");
        std::thread::sleep(std::time::Duration::from_secs(60));
        return;
    }
    let folder = store();
    let mut process = child::command("held_by_another_process")
        .env("ADIEU_TEST_FOLDER", folder.path())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let lines = std::io::BufReader::new(process.stdout.take().unwrap()).lines();
    assert!(
        lines
            .map_while(Result::ok)
            .any(|line| line.contains("open")),
        "the child opened it"
    );
    fails(&options(folder.path()), &[abi::STORE_LOCKED]);
    process.kill().unwrap();
    process.wait().unwrap();
    is_whole(&options(folder.path()));
}

/// A wrong master key, a forgotten one, and one where none was given.
#[test]
fn a_wrong_master_key() {
    let folder = store();
    let mut wrong = options(folder.path());
    for key in [[0; 32], [8; 32]] {
        wrong.master_key = Some(key);
        fails(&wrong, &[abi::MASTER_KEY]);
    }
    wrong.master_key = None;
    fails(&wrong, &[abi::MASTER_KEY]);
    is_whole(&options(folder.path()));

    let kept = tempfile::tempdir().unwrap();
    let client = Client::local(kept.path());
    client.save_texts("c2c_bob", &TEXTS);
    client.close();
    fails(&options(kept.path()), &[abi::MASTER_KEY]);
    let file = kept.path().join("master.key");
    let good = fs::read(&file).unwrap();
    fs::write(&file, &good[..31]).unwrap();
    fails(
        &Options::local(kept.path()),
        &[abi::STORE_DAMAGED, abi::MASTER_KEY],
    );
    fs::remove_file(&file).unwrap();
    fails(&Options::local(kept.path()), &[abi::MASTER_KEY]);
    fs::write(&file, &good).unwrap();
    assert_eq!(Client::local(kept.path()).texts("c2c_bob"), TEXTS);
}

/// What the library makes is readable for its owner only.
#[test]
fn files_are_private() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let client = Client::local(folder.path());
    client.save_texts("c2c_bob", &TEXTS);
    for name in ["keys", "master.key"] {
        let mode = fs::metadata(folder.path().join(name))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}
