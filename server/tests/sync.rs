//! Live sync: what a device is told, when, and from where it goes on.

#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests; a failure is the test's"
)]

#[path = "support/device.rs"]
mod device;
mod support;

use std::{
    io::{Read, Write},
    net::TcpStream,
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use adieu_protocol::{path, user_sig::Signer};
use device::{Device, from_device, marks, switch};
use serde_json::{Value, json};
use support::{
    ADMIN, APP, DEADLINE, SECRET, Server, body, delete, metric, now, plus, random, wait_until,
    waiting_polls, with,
};

fn started(accounts: &[&str]) -> Server {
    let server = Server::start();
    server.accounts(accounts);
    server
}

// SYNC-1
#[test]
fn the_switch_is_off_until_an_administrator_sets_it() {
    let mut server = started(&["a", "b"]);
    let look =
        |server: &Server| server.admin(path::SYNC_DELETIONS, &json!({}))["SyncDeletions"].clone();
    assert_eq!(look(&server), 0);
    server.refused(
        "a",
        path::SYNC_DELETIONS,
        &json!({ "SyncDeletions": 1 }),
        60010,
    );
    server.refused("a", path::SYNC_DELETIONS, &json!({}), 60010);
    server.refused(
        ADMIN,
        path::SYNC_DELETIONS,
        &json!({ "SyncDeletions": 2 }),
        50002,
    );
    assert_eq!(look(&server), 0);
    switch(&server, 1);
    assert!(server.stop());
    server.run();
    assert_eq!(look(&server), 1, "it is the store's");
}

// SYNC-2: at once, and from whom.
#[test]
fn a_waiting_device_is_told_at_once() {
    let server = started(&["a", "b", "c"]);
    server.chat("b", "a", 3);
    server.chat("c", "a", 2);
    switch(&server, 1);
    let mut tablet = Device::new(&server, "a", "tablet");
    assert_eq!(tablet.pulled().len(), 2);
    for (request, expected) in [
        (
            from_device("phone", delete("a", &with("b"))),
            json!([3, 1, 3, 0, 0]),
        ),
        (delete("a", &with("c")), json!([2, 2, 2, 0, 0])),
    ] {
        let begun = Instant::now();
        let answer = std::thread::scope(|scope| {
            let waiting = scope.spawn(|| tablet.ask(30));
            wait_until(|| waiting_polls(&server) == 1);
            server.ok("a", path::DELETE, &request);
            waiting.join().unwrap()
        });
        assert!(begun.elapsed() < DEADLINE, "it was the wait that ended");
        assert_eq!(answer["Views"].as_array().unwrap().len(), 1, "{answer}");
        assert_eq!(marks(&answer["Views"][0]), expected);
        assert_eq!(answer["Complete"], 1);
    }
}

// SYNC-2
#[test]
fn messages_wake_who_waits_and_nobody_else() {
    let server = started(&["a", "b", "c"]);
    server.group("g", &["a", "b"]);
    let mut members: Vec<Device<'_>> = ["a", "b"]
        .iter()
        .map(|owner| Device::new(&server, owner, "phone"))
        .collect();
    let mut outsider = Device::new(&server, "c", "phone");
    for device in members.iter_mut().chain([&mut outsider]) {
        device.pull();
    }
    std::thread::scope(|scope| {
        let waits: Vec<_> = members
            .iter_mut()
            .map(|device| scope.spawn(|| device.ask(30)))
            .collect();
        let outside = scope.spawn(|| outsider.ask(2));
        wait_until(|| waiting_polls(&server) == 3);
        server.group_chat("g", "a", 1);
        for wait in waits {
            assert_eq!(wait.join().unwrap()["Views"][0]["Head"], 1);
        }
        assert_eq!(
            outside.join().unwrap()["Views"],
            json!([]),
            "it was held to the end of its wait"
        );
    });
    assert_eq!(waiting_polls(&server), 0);
    // And one to one.
    std::thread::scope(|scope| {
        let wait = scope.spawn(|| outsider.ask(30));
        wait_until(|| waiting_polls(&server) == 1);
        server.chat("a", "c", 1);
        assert_eq!(wait.join().unwrap()["Views"][0]["To_Account"], "a");
    });
}

// SYNC-2: an incremental pass tells what changed, and nothing twice.
#[test]
fn a_cursor_goes_on_where_it_stood() {
    let mut server = started(&["a", "b", "c"]);
    server.chat("b", "a", 1);
    server.chat("c", "a", 1);
    server.group("g", &["a", "b"]);
    let mut phone = Device::new(&server, "a", "phone");
    assert_eq!(phone.pulled().len(), 3);
    assert!(phone.pulled().is_empty());
    server.group_chat("g", "b", 2);
    server.chat("b", "c", 1);
    let views = phone.pulled();
    assert_eq!(views.len(), 1, "c and b write to each other: {views:?}");
    assert_eq!(
        (&views[0]["ToGroupid"], &views[0]["Head"]),
        (&json!("g"), &json!(2))
    );
    // A restart changes nothing of that.
    let cursor = std::mem::take(&mut phone.cursor);
    server.kill();
    server.run();
    let mut phone = Device {
        cursor,
        ..Device::new(&server, "a", "phone")
    };
    assert_eq!(phone.pull(), (Vec::new(), false));
    server.chat("b", "a", 1);
    assert_eq!(phone.pulled().len(), 1);
}

#[test]
fn what_is_no_cursor_of_this_device_begins_anew() {
    let server = started(&["a", "b", "c"]);
    server.chat("b", "a", 1);
    let mut phone = Device::new(&server, "a", "phone");
    phone.pull();
    let good = phone.cursor.clone();
    let mut foreign = Device::new(&server, "b", "phone");
    foreign.pull();
    let mut tablet = Device::new(&server, "a", "tablet");
    tablet.pull();
    let mut older = Device {
        version: Some("5.1.0"),
        ..Device::new(&server, "a", "phone")
    };
    older.pull();
    let other = started(&["a"]);
    let mut elsewhere = Device::new(&other, "a", "phone");
    elsewhere.pull();
    let flipped: String = good
        .char_indices()
        .map(|(at, one)| match at {
            20 if one == 'A' => 'B',
            20 => 'A',
            _ => one,
        })
        .collect();
    let long = "A".repeat(10_000);
    for cursor in [
        "forged",
        "",
        "\u{0}",
        "\u{1F44B}",
        "====",
        &long,
        &good[..good.len() / 2],
        &format!("{good}{good}"),
        &flipped,
        &foreign.cursor,
        &tablet.cursor,
        &older.cursor,
        &elsewhere.cursor,
    ] {
        phone.cursor = cursor.to_owned();
        let (views, anew) = phone.pull();
        assert_eq!(views.len(), 1, "{cursor}");
        assert_eq!(anew, !cursor.is_empty(), "{cursor}");
        // A wait is not for who begins anew.
        phone.cursor = cursor.to_owned();
        assert_eq!(
            phone.ask(30)["Views"].as_array().unwrap().len(),
            1,
            "{cursor}"
        );
    }
    phone.cursor = good;
    assert_eq!(
        phone.pull(),
        (Vec::new(), false),
        "the good one is good still"
    );
}

// SYNC-2
#[test]
fn a_device_that_was_away_for_a_year_converges_in_one_pass() {
    const CONVERSATIONS: usize = 5_000;
    let mut server = started(&["a", "b"]);
    server.chat("b", "a", 1);
    let mut phone = Device::new(&server, "a", "phone");
    phone.pull();
    let cursor = phone.cursor;
    switch(&server, 1);
    assert!(server.stop());
    let log: String = (0..CONVERSATIONS)
        .map(|at| format!("{{\"conversation\":\"c2c_a:peer{at}\",\"sender\":\"peer{at}\",\"time\":{at},\"text\":\"hello\"}}\n"))
        .collect();
    server.import(&log);
    server.run();
    for first in (0..CONVERSATIONS).step_by(200) {
        let items: Vec<Value> = (first..first + 100)
            .map(|at| delete("a", &with(&format!("peer{at}"))))
            .collect();
        server.ok(
            "a",
            path::BATCH_DELETE,
            &json!({ "From_Account": "a", "DeviceId": "tablet", "DeleteItem": items }),
        );
    }
    let mut phone = Device {
        cursor,
        ..Device::new(&server, "a", "phone")
    };
    let begun = Instant::now();
    let (views, anew) = phone.pull();
    println!("{} views in {:?}", views.len(), begun.elapsed());
    assert!(!anew);
    assert_eq!(
        views.len(),
        CONVERSATIONS,
        "each once, and what did not change not at all"
    );
    let erased = views
        .iter()
        .filter(|view| view["EraseThrough"] == 1)
        .count();
    assert_eq!(erased, CONVERSATIONS / 2);
    assert_eq!(phone.pull(), (Vec::new(), false));
}

// SYNC-1, SYNC-3
#[test]
fn what_was_deleted_while_the_switch_was_off_is_never_sent() {
    let server = started(&["a", "b", "c", "d"]);
    for peer in ["b", "c", "d"] {
        server.chat(peer, "a", 2);
    }
    let mut tablet = Device::new(&server, "a", "tablet");
    tablet.pull();
    server.ok(
        "a",
        path::DELETE,
        &from_device("phone", delete("a", &with("b"))),
    );
    switch(&server, 1);
    server.ok(
        "a",
        path::DELETE,
        &from_device("phone", delete("a", &with("c"))),
    );
    switch(&server, 0);
    server.ok("a", path::DELETE, &delete("a", &with("d")));
    switch(&server, 1);
    let views = tablet.pulled();
    assert_eq!(views.len(), 1, "{views:?}");
    assert_eq!(
        (&views[0]["To_Account"], marks(&views[0])),
        (&json!("c"), json!([2, 1, 2, 0, 0]))
    );
    // Nor with a later message, nor to a device that begins.
    server.chat("b", "a", 1);
    for mut device in [tablet, Device::new(&server, "a", "watch")] {
        let views = device.pulled();
        let back = views.iter().find(|view| view["To_Account"] == "b").unwrap();
        assert_eq!(marks(back), json!([0, 0, 0, 1, 3]));
        assert!(views.iter().all(|view| view["To_Account"] != "d"));
    }
    // Its own, whatever the switch was (DUR-7).
    let mut phone = Device::new(&server, "a", "phone");
    let views = phone.pulled();
    let own = views.iter().find(|view| view["To_Account"] == "b").unwrap();
    assert_eq!(marks(own), json!([2, 0, 2, 1, 3]));
}

// SYNC-4, DUR-7
#[test]
fn an_older_version_is_sent_no_deletions_but_its_own() {
    let server = started(&["a", "b", "c", "d"]);
    for peer in ["b", "c", "d"] {
        server.chat(peer, "a", 2);
    }
    switch(&server, 1);
    let mut old = Device {
        version: Some("5.1.0"),
        ..Device::new(&server, "a", "old")
    };
    let mut new = Device {
        version: Some("5.1.1"),
        ..Device::new(&server, "a", "new")
    };
    old.pull();
    new.pull();
    server.ok(
        "a",
        path::DELETE,
        &from_device("phone", delete("a", &with("b"))),
    );
    server.ok(
        "a",
        path::DELETE,
        &from_device("old", delete("a", &with("c"))),
    );
    server.ok("a", path::DELETE, &delete("a", &with("d")));
    let views = old.pulled();
    assert_eq!(views.len(), 1, "{views:?}");
    assert_eq!(
        (&views[0]["To_Account"], marks(&views[0])),
        (&json!("c"), json!([2, 0, 2, 0, 0]))
    );
    assert_eq!(new.pulled().len(), 3);
    // The upgrade begins anew, and is told of all of them.
    old.version = Some("5.1.1");
    let (views, anew) = old.pull();
    assert!(anew);
    assert_eq!(views.len(), 3);
    for absurd in ["", "abc", "5..1", "-5.1.1", "99999999999.0", "5.1.1.1.1"] {
        let request = plus(old.request(30), json!({ "Version": absurd }));
        let said = server.refused("a", path::SYNC, &request, 50002);
        assert!(said.contains("Version"), "{said}");
    }
}

// DEL-8, DEL-9
#[test]
fn clearing_the_history_leaves_the_entry_and_hiding_leaves_the_history() {
    let server = started(&["a", "b", "c", "d"]);
    for peer in ["b", "c", "d"] {
        server.chat(peer, "a", 2);
    }
    let mut tablet = Device::new(&server, "a", "tablet");
    let mut phone = Device::new(&server, "a", "phone");
    tablet.pull();
    phone.pull();
    let clear = |peer: &str| {
        plus(
            from_device("phone", delete("a", &with(peer))),
            json!({ "KeepListed": 1 }),
        )
    };
    let hide = |peer: &str| {
        plus(
            from_device("phone", delete("a", &with(peer))),
            json!({ "ClearRamble": 0 }),
        )
    };
    // Off: only the device itself.
    server.ok("a", path::DELETE, &hide("d"));
    assert!(tablet.pulled().is_empty());
    assert_eq!(marks(&phone.pulled()[0]), json!([0, 0, 2, 0, 0]));
    // On: both.
    switch(&server, 1);
    let request = plus(
        clear("b"),
        json!({ "DeletionId": "0123456789abcdef0123456789abcdef" }),
    );
    assert_eq!(server.ok("a", path::DELETE, &request)["ClearedThrough"], 2);
    assert!(server.positions("a", &with("b")).is_empty());
    assert_eq!(listed(&server, "a"), ["c2c_b", "c2c_c"]);
    assert_eq!(marks(&tablet.pulled()[0]), json!([2, 1, 0, 1, 0]));
    server.ok("a", path::DELETE, &hide("c"));
    assert_eq!(marks(&tablet.pulled()[0]), json!([0, 0, 2, 0, 0]));
    assert_eq!(server.positions("a", &with("c")), [1, 2]);
    assert_eq!(listed(&server, "a"), ["c2c_b"]);
    // A retry of the clearing does nothing, also after a newer message.
    server.chat("b", "a", 1);
    assert_eq!(server.ok("a", path::DELETE, &request)["ClearedThrough"], 2);
    assert_eq!(server.positions("a", &with("b")), [3]);
    // A newer message brings the hidden one back, with its history.
    server.chat("c", "a", 1);
    tablet.pull();
    assert_eq!(listed(&server, "a"), ["c2c_b", "c2c_c"]);
    assert_eq!(server.positions("a", &with("c")), [1, 2, 3]);
    // In a batch too.
    let items = [
        plus(with("b"), json!({ "ClearRamble": 1, "KeepListed": 1 })),
        plus(with("c"), json!({ "KeepListed": 1 })),
    ];
    let answer = server.ok(
        "a",
        path::BATCH_DELETE,
        &json!({ "From_Account": "a", "DeleteItem": items }),
    );
    assert_eq!(answer["ResultItem"][1]["ResultCode"], 50002);
    assert_eq!(marks(&tablet.pulled()[0]), json!([3, 2, 0, 1, 0]));
}

/// With the conversations that have no message.
fn listed(server: &Server, owner: &str) -> Vec<String> {
    let answer = server.admin(
        path::GET_LIST,
        &json!({ "From_Account": owner, "AssistFlags": 3 }),
    );
    let mut names: Vec<String> = answer["SessionItem"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| format!("c2c_{}", item["To_Account"].as_str().unwrap()))
        .collect();
    names.sort();
    names
}

// SYNC-2, DEL-3
#[test]
fn two_devices_delete_at_once_with_newer_messages_between_and_the_switch_flipped() {
    let server = started(&["a", "b"]);
    switch(&server, 1);
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let flipping = scope.spawn(|| {
            let mut on = 0;
            while !stop.load(Ordering::Relaxed) {
                switch(&server, on);
                on = 1 - on;
            }
        });
        let deleting: Vec<_> = ["phone", "tablet"]
            .into_iter()
            .map(|name| {
                let server = &server;
                scope.spawn(move || {
                    let mut device = Device::new(server, "a", name);
                    let mut erased = 0;
                    for _ in 0..60 {
                        server.chat("b", "a", 1);
                        let answer = server.ok(
                            "a",
                            path::DELETE,
                            &from_device(name, delete("a", &with("b"))),
                        );
                        let own = answer["ClearedThrough"].as_u64().unwrap();
                        for view in device.pulled() {
                            let through = view["EraseThrough"].as_u64().unwrap();
                            assert!(through >= erased.max(own), "{view} after {own}");
                            assert!(
                                view["Head"] == 0 || view["Head"].as_u64() > Some(through),
                                "{view}"
                            );
                            erased = through;
                        }
                        assert!(erased >= own, "its own deletion comes back to it");
                    }
                })
            })
            .collect();
        for one in deleting {
            one.join().unwrap();
        }
        stop.store(true, Ordering::Relaxed);
        flipping.join().unwrap();
    });
    assert_eq!(server.stored("SELECT head FROM conversations"), 120);
    // Each deletion is either propagated or not; what is, is what the record says.
    let recorded = "SELECT coalesce(max(cut_off), 0) FROM deletions WHERE propagated";
    let propagated =
        "SELECT propagated_through FROM views v JOIN accounts a ON a.id = v.owner AND a.name = 'a'";
    assert_eq!(server.stored(propagated), server.stored(recorded));
}

/// A request on a connection of its own, not waiting for the answer.
fn sent(server: &Server, owner: &str, request: &Value) -> TcpStream {
    let mut stream = TcpStream::connect(&server.address).unwrap();
    send(&mut stream, server, owner, request);
    stream
}

fn send(stream: &mut TcpStream, server: &Server, owner: &str, request: &Value) {
    let sig = Signer::new(APP, SECRET.as_bytes()).sign(owner, now(), 600);
    let url = server.url(path::SYNC, owner, &sig);
    let target = url
        .strip_prefix(&format!("http://{}", server.address))
        .unwrap();
    let body = request.to_string();
    let head = format!(
        "POST {target} HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream
        .write_all(format!("{head}{body}").as_bytes())
        .unwrap();
}

#[test]
fn abandoned_polls_leave_nothing_behind() {
    let server = started(&["a"]);
    let mut phone = Device::new(&server, "a", "phone");
    phone.pull();
    let request = phone.request(60);
    for round in 0..100 {
        let streams: Vec<TcpStream> = (0..100).map(|_| sent(&server, "a", &request)).collect();
        if round % 10 == 0 {
            wait_until(|| waiting_polls(&server) == 100);
        }
        drop(streams);
        wait_until(|| waiting_polls(&server) == 0);
    }
    // The connection that asks is one.
    wait_until(|| metric(&server, "adieu_connections_open") <= Some(1));
}

/// Reads one answer of a connection that is kept.
fn answered(stream: &mut TcpStream) -> Value {
    let mut read = Vec::new();
    let mut chunk = [0; 4_096];
    loop {
        let count = stream.read(&mut chunk).unwrap();
        assert!(count > 0, "the connection was closed");
        read.extend_from_slice(&chunk[..count]);
        let Some(head) = read.windows(4).position(|window| window == b"\r\n\r\n") else {
            continue;
        };
        if let Ok(answer) = serde_json::from_slice(&read[head + 4..]) {
            return answer;
        }
    }
}

/// The server's memory in KiB, and its processor time in ticks of 10 ms.
fn resources(server: &Server) -> (u64, u64) {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.id())).unwrap();
    let memory = status
        .lines()
        .find(|line| line.starts_with("VmRSS:"))
        .unwrap();
    let memory = memory.split_whitespace().nth(1).unwrap().parse().unwrap();
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", server.id())).unwrap();
    let (_, stat) = stat.rsplit_once(')').unwrap();
    let times = stat.split_whitespace().skip(11).take(2);
    (memory, times.map(|time| time.parse::<u64>().unwrap()).sum())
}

#[test]
fn ten_thousand_idle_polls_take_little_memory() {
    // Both ends have a descriptor for each; this end is in this process.
    let allowed = rlimit::increase_nofile_limit(11_000).unwrap();
    let polls = allowed.saturating_sub(1_000).min(10_000);
    let mut server = Server::start();
    assert!(server.stop());
    let log: String = (0..polls / 2)
        .map(|at| format!("{{\"conversation\":\"c2c_u{}:u{}\",\"sender\":\"u{}\",\"time\":1,\"text\":\"x\"}}\n", 2 * at, 2 * at + 1, 2 * at))
        .collect();
    server.import(&log);
    server.run();
    let (before, _) = resources(&server);
    let streams: Vec<TcpStream> = std::thread::scope(|scope| {
        let halves = [0, 1].map(|half| {
            let server = &server;
            scope.spawn(move || -> Vec<TcpStream> {
                (half..polls)
                    .step_by(2)
                    .map(|at| {
                        let owner = format!("u{at}");
                        let request =
                            json!({ "From_Account": owner, "DeviceId": "a device with a name" });
                        let mut stream = sent(server, &owner, &request);
                        let cursor = answered(&mut stream)["Cursor"].clone();
                        send(
                            &mut stream,
                            server,
                            &owner,
                            &plus(request, json!({ "Cursor": cursor, "Wait": 60 })),
                        );
                        stream
                    })
                    .collect()
            })
        });
        halves
            .into_iter()
            .flat_map(|half| half.join().unwrap())
            .collect()
    });
    // The first may have ended their wait by the time the last begins.
    wait_until(|| waiting_polls(&server) >= polls * 9 / 10);
    let (memory, busy) = resources(&server);
    std::thread::sleep(Duration::from_secs(5));
    let (_, still_busy) = resources(&server);
    println!(
        "{polls} polls: {before} KiB before, {memory} KiB with them, {} ms of processor time in 5 s",
        (still_busy - busy) * 10
    );
    assert!(
        memory < 300 * 1_000_000 / 1_024 * polls / 10_000 + before,
        "{memory} KiB"
    );
    drop(streams);
    wait_until(|| waiting_polls(&server) == 0);
}

#[test]
fn a_slow_reader_holds_up_nobody() {
    let server = started(&["a", "b"]);
    let text = "x".repeat(8_000);
    for _ in 0..200 {
        server.admin(path::SEND_MSG, &json!({ "From_Account": "b", "To_Account": "a", "MsgRandom": random(), "MsgBody": body(&text) }));
    }
    let sig = Signer::new(APP, SECRET.as_bytes()).sign("a", now(), 600);
    let url = server.url(path::GET_HISTORY, "a", &sig);
    let target = url
        .strip_prefix(&format!("http://{}", server.address))
        .unwrap();
    let body = plus(with("b"), json!({ "From_Account": "a", "MaxCnt": 1000 })).to_string();
    let request = format!(
        "POST {target} HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut slow: Vec<TcpStream> = (0..20)
        .map(|_| {
            let mut stream = TcpStream::connect(&server.address).unwrap();
            stream.write_all(request.as_bytes()).unwrap();
            stream
        })
        .collect();
    // Half a head, and no more.
    let mut halves: Vec<TcpStream> = (0..20)
        .map(|_| TcpStream::connect(&server.address).unwrap())
        .collect();
    for half in &mut halves {
        half.write_all(b"POST /v4/recentcontact/sync HTTP/1.1\r\nHo")
            .unwrap();
    }
    let mut phone = Device::new(&server, "a", "phone");
    for _ in 0..20 {
        server.chat("b", "a", 1);
        assert_eq!(phone.pulled().len(), 1);
    }
    // One that wakes up in time still gets its whole answer.
    let mut answer = vec![0; 1_600_000];
    slow[0].read_exact(&mut answer).unwrap();
}

#[test]
fn stopping_answers_who_waits() {
    let mut server = started(&["a"]);
    let mut phone = Device::new(&server, "a", "phone");
    phone.pull();
    let mut stream = sent(&server, "a", &phone.request(60));
    wait_until(|| waiting_polls(&server) == 1);
    let begun = Instant::now();
    assert!(server.stop());
    assert!(
        begun.elapsed() < Duration::from_secs(9),
        "it waited for the poll"
    );
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.contains("\"Complete\":1"), "{answer}");
}

#[test]
fn more_connections_than_allowed_are_refused_and_the_others_served() {
    let server = Server::start_with(&["--max-connections", "8"]);
    server.accounts(&["a"]);
    let held: Vec<TcpStream> = (0..7)
        .map(|_| TcpStream::connect(&server.address).unwrap())
        .collect();
    wait_until(|| metric(&server, "adieu_connections_open") == Some(8));
    let mut refused = TcpStream::connect(&server.address).unwrap();
    refused.set_read_timeout(Some(DEADLINE)).unwrap();
    assert!(matches!(refused.read(&mut [0; 1]), Ok(0) | Err(_)));
    server.accounts(&["b"]);
    drop(held);
    wait_until(|| metric(&server, "adieu_connections_open") == Some(1));
    assert_eq!(metric(&server, "adieu_connections_refused_total"), Some(1));
}
