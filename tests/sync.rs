//! Two devices of one user, a back end, and the operator's switch, on the real server.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests fail the test"
)]

mod support;

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;
use support::{
    Answer, Client, DeleteOptions, FakeServer, Heard, Listener, Options, Outcome, Server, abi,
    child, eventually, fake, folder,
};
use tempfile::TempDir;

const BOB: [&str; 2] = [
    "bob: meet me by the old mill",
    "bob: bring the green lantern",
];

/// A device of alice that stays up to date by itself.
struct Device {
    folder: TempDir,
    client: Client,
    listener: Arc<Listener>,
}

impl Device {
    fn open(server: &Server, name: &str) -> Self {
        Self::open_in(server, name, tempfile::tempdir().unwrap())
    }

    fn open_in(server: &Server, name: &str, folder: TempDir) -> Self {
        let listener = Listener::new();
        let client = options(server, name, &folder, &listener).open();
        listener.wait("it is up to date", |heard| *heard == Heard::Sync(2, 0));
        Self {
            folder,
            client,
            listener,
        }
    }

    fn away(self) -> TempDir {
        self.client.close();
        self.folder
    }

    fn hears_of_deletion(&self, id: &str) -> Heard {
        self.listener
            .wait("the deletion is told", |heard| heard.is_deletion_of(id))
    }
}

fn options(server: &Server, name: &str, folder: &TempDir, listener: &Arc<Listener>) -> Options {
    Options {
        device: Some(name.to_owned()),
        listener: Some(listener.clone()),
        live: true,
        ..server.device("alice", folder.path())
    }
}

/// A device of alice that knows what it was asked to pull.
fn plain(server: &Server, name: &str) -> (Client, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let options = Options {
        device: Some(name.to_owned()),
        ..server.device("alice", folder.path())
    };
    (options.open(), folder)
}

fn world() -> Server {
    let server = Server::start();
    server.accounts(&["alice", "bob", "carol"]);
    for text in BOB {
        server.send("bob", "alice", text);
    }
    server.send("carol", "alice", "carol: tea at four?");
    server
}

fn switch(server: &Server, on: bool) {
    server.admin(
        "config/sync_deletions",
        &json!({"SyncDeletions": u8::from(on)}),
    );
}

/// SYNC-2, SYNC-1: with the switch on, the other device erases its own copy up to the same cut-off
/// and hears who did it, without being asked; the device that deleted hears of itself once.
#[test]
fn on_and_at_once() {
    let server = world();
    switch(&server, true);
    let (one, two) = (
        Device::open(&server, "phone"),
        Device::open(&server, "tablet"),
    );
    assert_eq!(two.client.texts("c2c_bob"), BOB);
    assert_eq!(one.client.delete("c2c_bob"), Outcome::Success);
    let told = two.hears_of_deletion("c2c_bob");
    assert!(
        matches!(
            told,
            Heard::Deleted {
                cause: 1,
                scope: 0,
                ..
            }
        ),
        "{told:?}"
    );
    assert_eq!(two.client.ids(), ["c2c_carol"]);
    assert_eq!(two.client.verify("c2c_bob", &BOB).found, 0);
    // A message that comes after it comes back alone, on both.
    server.send("bob", "alice", "bob: something new at last");
    for device in [&one, &two] {
        eventually("the new message came", || {
            device.client.texts("c2c_bob") == ["bob: something new at last"]
        });
        let of_bob = device.listener.heard_of("c2c_bob");
        let deletions = of_bob
            .iter()
            .filter(|heard| heard.is_deletion_of("c2c_bob"));
        assert_eq!(deletions.count(), 1, "{of_bob:?}");
    }
}

/// SYNC-2: what a back end deletes through REST reaches every device.
#[test]
fn deleted_by_a_back_end() {
    let server = world();
    switch(&server, true);
    let device = Device::open(&server, "phone");
    server.admin(
        "recentcontact/delete",
        &json!({"From_Account": "alice", "Type": 1, "To_Account": "bob", "ClearRamble": 1}),
    );
    let told = device.hears_of_deletion("c2c_bob");
    assert!(matches!(told, Heard::Deleted { cause: 2, .. }), "{told:?}");
    assert_eq!(device.client.verify("c2c_bob", &BOB).found, 0);
}

/// SYNC-2: a device that was away catches up when it connects, from the cursor that it kept.
#[test]
fn away_meanwhile() {
    let server = world();
    switch(&server, true);
    let one = Device::open(&server, "phone");
    let folder = Device::open(&server, "tablet").away();
    assert_eq!(one.client.delete("c2c_bob"), Outcome::Success);
    server.send("carol", "alice", "carol: or at five?");
    let two = Device::open_in(&server, "tablet", folder);
    assert_eq!(two.client.ids(), ["c2c_carol"]);
    assert_eq!(two.client.texts("c2c_carol").len(), 2);
    two.hears_of_deletion("c2c_bob");
    let folder = two.away();
    let two = Device::open_in(&server, "tablet", folder);
    assert!(two.listener.heard_of("c2c_bob").is_empty(), "told once");
    assert!(
        two.listener.heard_of("c2c_carol").is_empty(),
        "nothing has changed"
    );
}

/// SYNC-3, SYNC-1: off, which it is by default, other devices keep their copies; what was deleted
/// while it was off is not sent later either.
#[test]
fn off_and_never_sent_later() {
    let server = world();
    let (one, two) = (
        Device::open(&server, "phone"),
        Device::open(&server, "tablet"),
    );
    assert_eq!(one.client.delete("c2c_bob"), Outcome::Success);
    assert!(server.roaming("alice", "bob").is_empty());
    switch(&server, true);
    assert_eq!(one.client.delete("c2c_carol"), Outcome::Success);
    two.hears_of_deletion("c2c_carol");
    assert_eq!(two.client.ids(), ["c2c_bob"]);
    assert_eq!(two.client.texts("c2c_bob"), BOB);
    assert!(
        two.listener
            .heard_of("c2c_bob")
            .iter()
            .all(|heard| !heard.is_deletion_of("c2c_bob"))
    );
}

/// SYNC-2, DEL-8: clearing a history elsewhere keeps the entry here, hiding an entry elsewhere
/// keeps the history here.
#[test]
fn cleared_and_hidden_elsewhere() {
    let server = world();
    switch(&server, true);
    let (one, two) = (
        Device::open(&server, "phone"),
        Device::open(&server, "tablet"),
    );
    assert_eq!(one.client.clear_history("c2c_bob"), Outcome::Success);
    eventually("the history went", || {
        two.client.history("c2c_bob").is_empty()
    });
    let bob = two
        .client
        .list()
        .into_iter()
        .find(|line| line.id == "c2c_bob");
    assert_eq!(bob.expect("it is still listed").messages, 0);
    let keep = DeleteOptions {
        keep_history: true,
        ..DeleteOptions::default()
    };
    assert_eq!(one.client.delete_as("c2c_carol", keep), Outcome::Success);
    let told = two.hears_of_deletion("c2c_carol");
    assert!(matches!(told, Heard::Deleted { scope: 1, .. }), "{told:?}");
    assert_eq!(two.client.ids(), ["c2c_bob"]);
    assert_eq!(two.client.texts("c2c_carol"), ["carol: tea at four?"]);
}

/// SYNC-2, DEL-9: cleared elsewhere and then deleted elsewhere, at the same position: the list
/// entry goes here too, and the draft with it.
#[test]
fn cleared_and_then_deleted_elsewhere() {
    const DRAFT: &str = "a draft on the tablet";
    let server = world();
    switch(&server, true);
    let (one, two) = (
        Device::open(&server, "phone"),
        Device::open(&server, "tablet"),
    );
    assert_eq!(two.client.set_draft("c2c_bob", DRAFT), Outcome::Success);
    assert_eq!(one.client.clear_history("c2c_bob"), Outcome::Success);
    eventually("the history went", || {
        two.client.history("c2c_bob").is_empty()
    });
    assert_eq!(two.client.ids().len(), 2, "it is still listed");
    assert_eq!(one.client.delete("c2c_bob"), Outcome::Success);
    eventually("it left the list", || two.client.ids() == ["c2c_carol"]);
    assert_eq!(two.client.verify("c2c_bob", &[DRAFT]).found, 0);
}

/// SYNC-2, DEL-8: cleared here before anything was pulled, then pinned, and deleted elsewhere at the
/// same position: what only cleared the history is not taken for the deletion, and the pin goes.
#[test]
fn cleared_unseen_and_then_deleted_elsewhere() {
    let server = world();
    switch(&server, true);
    let (phone, _phone) = plain(&server, "phone");
    let (tablet, _tablet) = plain(&server, "tablet");
    let (call, _) = phone.clearing("c2c_bob", DeleteOptions::queue());
    assert_eq!(call.wait(), Outcome::Success);
    assert_eq!(tablet.delete("c2c_bob"), Outcome::Success);
    assert_eq!(phone.pin("c2c_bob", true), Outcome::Success);
    assert_eq!(phone.ids(), ["c2c_bob"]);
    phone.pulled();
    assert_eq!(phone.ids(), ["c2c_carol"]);
}

/// DEL-3, DEL-4: what a device set after it was told of a deletion elsewhere outlives that the server
/// tells of it again, also where there was nothing on the device to delete.
#[test]
fn set_after_a_deletion_elsewhere_was_told() {
    let server = world();
    switch(&server, true);
    let (phone, _phone) = plain(&server, "phone");
    let (tablet, _tablet) = plain(&server, "tablet");
    let (call, _) = phone.clearing("c2c_bob", DeleteOptions::queue());
    assert_eq!(call.wait(), Outcome::Success);
    assert_eq!(tablet.delete("c2c_bob"), Outcome::Success);
    phone.pulled();
    assert_eq!(phone.set_draft("c2c_bob", "since"), Outcome::Success);
    server.send("bob", "alice", "bob: a later message");
    phone.pulled();
    let lines = phone.list();
    let line = lines.iter().find(|line| line.id == "c2c_bob").unwrap();
    assert_eq!((line.draft.as_str(), line.messages), ("since", 1));
}

/// SYNC-2, SYNC-3, DEL-3, DEL-5: two connected devices delete the same conversation at once, again
/// and again, while messages come into it and the switch goes on and off. What a device had when
/// it deleted never comes back to it, what came later is there, and no other conversation is
/// touched.
#[test]
fn both_delete_at_once_while_messages_come_and_the_switch_flips() {
    const ROUNDS: usize = 25;
    let server = world();
    let devices = ["phone", "tablet"].map(|name| Device::open(&server, name));
    let over = AtomicBool::new(false);
    let deleted: Vec<HashSet<String>> = std::thread::scope(|scope| {
        scope.spawn(|| {
            for number in 0.. {
                if over.load(Ordering::SeqCst) {
                    break;
                }
                switch(&server, number % 2 == 0);
            }
        });
        scope.spawn(|| {
            for number in 0.. {
                if over.load(Ordering::SeqCst) {
                    break;
                }
                server.send("bob", "alice", &format!("bob: number {number}"));
            }
        });
        let deleting = devices.each_ref().map(|device| {
            scope.spawn(|| {
                let mut deleted = HashSet::new();
                for _ in 0..ROUNDS {
                    deleted.extend(device.client.texts("c2c_bob"));
                    assert_eq!(device.client.delete("c2c_bob"), Outcome::Success);
                    let left = device.client.texts("c2c_bob");
                    let back: Vec<_> = left.iter().filter(|text| deleted.contains(*text)).collect();
                    assert!(back.is_empty(), "came back: {back:?}");
                }
                deleted
            })
        });
        // They end also when one of them failed.
        let ended = deleting.map(std::thread::ScopedJoinHandle::join);
        over.store(true, Ordering::SeqCst);
        ended.into_iter().map(|ended| ended.unwrap()).collect()
    });

    server.send("bob", "alice", "bob: the last of many");
    for (device, deleted) in devices.iter().zip(&deleted) {
        eventually("the last message came", || {
            let texts = device.client.texts("c2c_bob");
            texts
                .last()
                .is_some_and(|last| last == "bob: the last of many")
        });
        let texts = device.client.texts("c2c_bob");
        assert!(
            texts.iter().all(|text| !deleted.contains(text)),
            "{texts:?}"
        );
        assert_eq!(device.client.texts("c2c_carol"), ["carol: tea at four?"]);
    }
    let on_server = server.roaming("alice", "bob");
    let gone = |text: &String| deleted.iter().all(|deleted| !deleted.contains(text));
    assert!(on_server.iter().all(gone), "{on_server:?}");

    switch(&server, true);
    let [phone, tablet] = &devices;
    assert_eq!(phone.client.delete("c2c_bob"), Outcome::Success);
    eventually("it is gone from both", || {
        tablet.client.ids() == ["c2c_carol"] && phone.client.ids() == ["c2c_carol"]
    });
    server.send("bob", "alice", "bob: a new beginning");
    for device in &devices {
        eventually("just the newer one came", || {
            device.client.texts("c2c_bob") == ["bob: a new beginning"]
        });
    }
}

/// DUR-7: an own deletion that is replayed while a later one is asked for is carried out, although
/// the server then refuses the later one.
#[test]
fn replayed_while_a_later_one_is_refused() {
    let fake = FakeServer::start(|request, _| {
        let bob = json!({"Type": 1, "To_Account": "bob", "Title": "", "Head": 3, "Listed": 1});
        let mut erased = bob.clone();
        erased["EraseThrough"] = 2.into();
        erased["HiddenThrough"] = 2.into();
        erased["ErasedBy"] = 0.into();
        let (views, cursor) = match request.body["Cursor"].as_str() {
            None | Some("") => (vec![bob], "first"),
            Some("first") => (vec![erased], "second"),
            _ => (Vec::new(), "second"),
        };
        match request.path.as_str() {
            "v4/recentcontact/delete" => {
                Answer::Hold(Box::new(Answer::Fail(20003, "no such account")))
            }
            "v4/recentcontact/sync" => {
                Answer::Ok(json!({"Views": views, "Cursor": cursor, "Complete": 1}))
            }
            _ => fake::world(request).unwrap_or(Answer::Close),
        }
    });
    let folder = tempfile::tempdir().unwrap();
    let options = Options::remote(folder.path(), &fake.url(), "sig");
    let client = options.open();
    client.pulled();
    assert_eq!(client.texts("c2c_bob"), fake::BOB);
    let (call, _) = client.deleting("c2c_bob", DeleteOptions::default());
    fake.wait_for_deletions(1);
    client.pulled();
    fake.release();
    assert_eq!(call.wait().code(), 20003);
    client.pulled();
    assert_eq!(client.texts("c2c_bob"), [fake::BOB[2]]);
    client.close();
    assert_eq!(options.open().texts("c2c_bob"), [fake::BOB[2]]);
}

/// SYNC-2: a server, or something before it, that answers a long-poll at once is not asked all the
/// time.
#[test]
fn a_long_poll_that_is_not_held() {
    let fake = FakeServer::start(|request, _| match request.path.as_str() {
        "v4/recentcontact/sync" => Answer::Ok(json!({"Views": [], "Cursor": "c", "Complete": 1})),
        _ => fake::world(request).unwrap_or(Answer::Close),
    });
    let folder = tempfile::tempdir().unwrap();
    let listener = Listener::new();
    let client = Options {
        listener: Some(listener.clone()),
        live: true,
        ..Options::remote(folder.path(), &fake.url(), "sig")
    }
    .open();
    listener.wait("it is up to date", |heard| *heard == Heard::Sync(2, 0));
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(2) {
        let asked = fake.requests().len();
        assert!(asked <= 8, "asked {asked} times in two seconds");
        std::thread::sleep(Duration::from_millis(20));
    }
    eventually("it goes on asking", || fake.requests().len() > 2);
    client.close();
}

/// DUR-7, SYNC-2: a device whose store was restored from a backup, cursor and all, loses again
/// what it had deleted itself.
#[test]
fn restored_with_its_old_cursor() {
    let server = world();
    let device = Device::open(&server, "phone");
    let folder = device.away();
    let backup = tempfile::tempdir().unwrap();
    folder::copy(folder.path(), backup.path());
    let device = Device::open_in(&server, "phone", folder);
    assert_eq!(device.client.delete("c2c_bob"), Outcome::Success);
    device.away();
    let restored = Device::open_in(&server, "phone", backup);
    let told = restored.hears_of_deletion("c2c_bob");
    assert!(matches!(told, Heard::Deleted { cause: 0, .. }), "{told:?}");
    assert_eq!(restored.client.ids(), ["c2c_carol"]);
}

/// SYNC-2: the line is taken up again by itself when the server comes back, and the listener hears
/// of both once.
#[test]
fn the_server_goes_away_and_comes_back() {
    let mut server = world();
    let device = Device::open(&server, "phone");
    server.kill();
    device.listener.wait("the failure is told", |heard| {
        matches!(heard, Heard::Sync(3, _))
    });
    server.restart();
    assert_eq!(device.client.network_changed(true), abi::OK);
    eventually("it is up to date again", || {
        device
            .listener
            .heard()
            .iter()
            .filter(|heard| **heard == Heard::Sync(2, 0))
            .count()
            == 2
    });
    server.send("bob", "alice", "bob: still there?");
    eventually("a new message comes", || {
        device.client.texts("c2c_bob").len() == 3
    });
    let failures = device.listener.heard().into_iter();
    assert_eq!(
        failures
            .filter(|heard| matches!(heard, Heard::Sync(3, _)))
            .count(),
        1
    );
}

/// SYNC-2: signing in wakes the line; without a UserSig it says so once.
#[test]
fn signing_in_wakes_the_line() {
    let server = world();
    let folder = tempfile::tempdir().unwrap();
    let listener = Listener::new();
    let options = Options {
        user_sig: None,
        ..options(&server, "phone", &folder, &listener)
    };
    let client = options.open();
    listener.wait("it says so", |heard| {
        *heard == Heard::SignInNeeded(abi::NOT_SIGNED_IN)
    });
    assert_eq!(client.sign_in(&server.user_sig("alice")), abi::OK);
    eventually("it pulls", || client.texts("c2c_bob") == BOB);
}

/// DEL-10, DUR-7: the server tells a device of its own deletion, maybe before its answer comes:
/// the listener hears of it once.
#[test]
fn the_own_deletion_overtakes_its_answer() {
    let deleted = Arc::new(AtomicBool::new(false));
    let now = deleted.clone();
    let fake = FakeServer::start(move |request, _| match request.path.as_str() {
        "v4/recentcontact/delete" => {
            now.store(true, Ordering::SeqCst);
            Answer::Hold(Box::new(Answer::Ok(json!({"ClearedThrough": 3}))))
        }
        "v4/recentcontact/sync" if now.load(Ordering::SeqCst) => Answer::Ok(json!({
            "Views": [{"Type": 1, "To_Account": "bob", "Head": 0, "ErasedBy": 0,
                       "EraseThrough": 3, "HiddenThrough": 3}],
            "Cursor": "d", "Complete": 1,
        })),
        _ => fake::world(request).unwrap_or(Answer::Close),
    });
    let folder = tempfile::tempdir().unwrap();
    let listener = Listener::new();
    let client = Options {
        listener: Some(listener.clone()),
        ..Options::remote(folder.path(), &fake.url(), "sig")
    }
    .open();
    client.pulled();
    let (call, _) = client.deleting("c2c_bob", DeleteOptions::default());
    fake.wait_for_deletions(1);
    client.pulled();
    fake.release();
    assert_eq!(call.wait(), Outcome::Success);
    client.close();
    let deleted = |heard: &&Heard| heard.is_deletion_of("c2c_bob");
    assert_eq!(listener.heard().iter().filter(deleted).count(), 1);
}

/// ABI-5: a close ends the long-poll at once, and no thread is left.
#[test]
fn a_close_ends_the_long_poll() {
    if child::is_child() {
        let server = world();
        for _ in 0..5 {
            let device = Device::open(&server, "phone");
            let start = std::time::Instant::now();
            assert_eq!(device.client.close(), abi::OK);
            assert!(
                start.elapsed() < support::DEADLINE,
                "the long-poll was waited for"
            );
            assert_eq!(child::threads("adieu"), 0);
        }
        return;
    }
    child::passes("a_close_ends_the_long_poll", &[]);
}

/// Options that break a rule.
#[test]
fn live_sync_is_on_or_off() {
    let folder = tempfile::tempdir().unwrap();
    let path = std::ffi::CString::new(folder.path().to_str().unwrap()).unwrap();
    let mut options: abi::RawClientOptions = unsafe_zeroed();
    options.struct_size = size_of::<abi::RawClientOptions>() as u32;
    options.store_path = path.as_ptr();
    options.user_id = c"alice".as_ptr();
    options.live_sync = 2;
    let (code, text) = support::options::open_raw(&raw const options).unwrap_err();
    assert_eq!(code, abi::INVALID_PARAMETER);
    assert!(
        text.contains("allowed: 0 (when asked), 1 (by itself)"),
        "{text}"
    );
}

fn unsafe_zeroed() -> abi::RawClientOptions {
    // SAFETY: NULL pointers, None and zeros are values of all fields.
    unsafe { std::mem::zeroed() }
}
