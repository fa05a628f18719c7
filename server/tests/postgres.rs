//! Several processes on one PostgreSQL database.

#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests; a failure is the test's"
)]

#[path = "support/device.rs"]
mod device;
mod support;

use std::{
    io::{self, Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    sync::LazyLock,
    thread,
    time::{Duration, Instant},
};

use adieu_protocol::path;
use device::{Device, from_device, marks, switch};
use serde_json::{Value, json};
use support::{
    Server, body, database, database::Node, delete, in_group, plus, wait_until, waiting_polls, with,
};

static NODE: LazyLock<Node> = LazyLock::new(|| Node::start(""));

/// Processes on one new database.
fn processes<const N: usize>() -> [Server; N] {
    let url = NODE.database();
    std::array::from_fn(|_| Server::start_on(Some(url.clone()), &[]))
}

/// What a device is told that waits at one process while something is done at another.
fn told_meanwhile(at: &Server, owner: &str, act: impl FnOnce()) -> (Value, Duration) {
    let mut phone = Device::new(at, owner, "phone");
    phone.pull();
    std::thread::scope(|scope| {
        let waiting = scope.spawn(move || phone.ask(20));
        wait_until(|| waiting_polls(at) == 1);
        let begun = Instant::now();
        act();
        (waiting.join().unwrap(), begun.elapsed())
    })
}

// SYNC-2
#[test]
fn a_device_at_one_process_hears_of_what_another_did() {
    let [first, second] = processes();
    first.accounts(&["a", "b", "c"]);
    first.group("g", &["a", "b"]);
    switch(&first, 1);
    let (told, took) = told_meanwhile(&second, "a", || first.chat("b", "a", 1));
    assert_eq!(told["Views"][0]["To_Account"], "b");
    println!("a message was heard of after {took:?}");
    let (told, _) = told_meanwhile(&first, "a", || second.group_chat("g", "b", 1));
    assert_eq!(told["Views"][0]["ToGroupid"], "g");
    let (told, took) = told_meanwhile(&second, "a", || {
        first.ok(
            "a",
            path::DELETE,
            &from_device("tablet", delete("a", &with("b"))),
        );
    });
    assert_eq!(marks(&told["Views"][0]), json!([1, 1, 1, 0, 0]));
    println!("a deletion was heard of after {took:?}");
    let (told, _) = told_meanwhile(&second, "c", || {
        first.admin(
            path::ADD_GROUP_MEMBER,
            &json!({ "GroupId": "g", "MemberList": [{ "Member_Account": "c" }] }),
        );
    });
    assert_eq!(told["Views"][0]["ToGroupid"], "g");
}

// SYNC-2: a wake-up that gets lost costs seconds.
#[test]
fn a_change_that_nobody_told_of_is_found() {
    let [server] = processes();
    server.accounts(&["a", "b"]);
    server.chat("b", "a", 1);
    let (told, took) = told_meanwhile(&server, "a", || {
        database::execute(
            &server.url_of_store,
            "WITH now AS (SELECT base + pg_current_xact_id()::text::bigint AS change FROM settings),
                 sent AS (INSERT INTO messages (conversation, position, sender, time, seq, random, body)
                     SELECT id, 2, high, 1, 2, 7, '[]' FROM conversations)
             UPDATE conversations SET head = 2, common = 2, changed = now.change FROM now",
        );
    });
    assert_eq!(told["Views"][0]["Head"], 2);
    assert!(took < Duration::from_secs(10), "{took:?}");
}

// DUR-4, DEL-4
#[test]
fn one_deletion_at_many_processes_is_one() {
    let servers: [Server; 3] = processes();
    servers[0].accounts(&["a", "b"]);
    servers[0].chat("b", "a", 3);
    for round in 0..20_u64 {
        let id = format!("{round:032x}");
        let request = plus(delete("a", &with("b")), json!({ "DeletionId": id }));
        let reached: Vec<Value> = std::thread::scope(|scope| {
            let asked = servers.each_ref().map(|server| {
                let request = &request;
                scope.spawn(move || server.ok("a", path::DELETE, request)["ClearedThrough"].clone())
            });
            asked.map(|one| one.join().unwrap()).to_vec()
        });
        assert_eq!(reached, vec![json!(round + 3); 3]);
        servers[1].chat("b", "a", 1);
        // A retry elsewhere takes nothing of what came after.
        let again = servers[2].ok("a", path::DELETE, &request);
        assert_eq!(again["ClearedThrough"], round + 3);
        assert_eq!(servers[0].positions("a", &with("b")), [round + 4]);
    }
    assert_eq!(servers[0].stored("SELECT count(*) FROM deletions"), 20);
}

#[test]
fn one_message_at_many_processes_is_one_and_positions_have_no_gaps() {
    let servers: [Server; 3] = processes();
    servers[0].accounts(&["a", "b"]);
    servers[0].group("g", &["a", "b"]);
    for random in 0..20 {
        let message = json!({ "GroupId": "g", "From_Account": "a", "Random": random, "MsgBody": body("once") });
        std::thread::scope(|scope| {
            for server in &servers {
                let message = &message;
                scope.spawn(move || server.admin(path::SEND_GROUP_MSG, message));
            }
            // The conversation of two comes into being at three places at once.
            for server in &servers {
                scope.spawn(move || server.chat("a", "b", 3));
            }
        });
    }
    let expected: Vec<u64> = (1..=20).collect();
    assert_eq!(servers[2].positions("b", &in_group("g")), expected);
    let expected: Vec<u64> = (1..=180).collect();
    assert_eq!(servers[1].positions("b", &with("a")), expected);
    assert_eq!(servers[1].stored("SELECT count(*) FROM conversations"), 2);
}

// ERA-3 (the server's half)
#[test]
fn processes_share_the_purge_and_one_goes_on_where_another_died() {
    let [mut first, mut second] = processes();
    assert!(first.stop() && second.stop());
    let log: String = (0..40_000)
        .map(|at| {
            let user = at % 8;
            format!("{{\"conversation\":\"c2c_a:u{user}\",\"sender\":\"a\",\"time\":{at},\"text\":\"number {at}\"}}\n")
        })
        .collect();
    first.import(&log);
    first.run();
    second.run();
    for user in 0..8 {
        let user = format!("u{user}");
        first.ok("a", path::DELETE, &delete("a", &with(&user)));
        first.ok(&user, path::DELETE, &delete(&user, &with("a")));
    }
    let messages = "SELECT count(*) FROM messages";
    wait_until(|| second.stored(messages) < 40_000);
    first.kill();
    wait_until(|| second.stored(messages) == 0);
    second.wait_for("SELECT count(*) FROM purge_work", 0);
}

/// A way to the database on which its answers come a few bytes at a time; gives the port.
fn in_pieces(to: u16) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for from in listener.incoming().map_while(Result::ok) {
            let to = TcpStream::connect(("127.0.0.1", to)).unwrap();
            let (mut asks, mut hears) = (from.try_clone().unwrap(), to.try_clone().unwrap());
            thread::spawn(move || {
                let _ = io::copy(&mut asks, &mut hears);
                let _ = hears.shutdown(Shutdown::Both);
            });
            thread::spawn(move || pass_in_pieces(to, from));
        }
    });
    port
}

fn pass_in_pieces(mut from: TcpStream, mut to: TcpStream) {
    to.set_nodelay(true).unwrap();
    let mut buffer = [0; 24];
    while let Ok(read @ 1..) = from.read(&mut buffer) {
        if to.write_all(&buffer[..read]).is_err() {
            break;
        }
        // Or the other side would find them together again.
        thread::sleep(Duration::from_micros(20));
    }
    let _ = to.shutdown(Shutdown::Both);
}

// DEL-3, DUR-7: under the strictest isolation the database has.
#[test]
fn serialization_failures_are_survived() {
    let url = NODE.database();
    let name = url.rsplit('/').next().unwrap();
    database::execute(
        &url,
        &format!("ALTER DATABASE {name} SET default_transaction_isolation = 'serializable'"),
    );
    let start = |url: &str| Server::start_on(Some(url.to_owned()), &["--log-level", "debug"]);
    // One of them hears of every failure in several pieces, and never of all at once.
    let port = in_pieces(NODE.port);
    let servers = [
        start(&url),
        start(&url.replace(&format!(":{}/", NODE.port), &format!(":{port}/"))),
    ];
    servers[0].accounts(&["a", "b"]);
    servers[0].group("g", &["a", "b"]);
    std::thread::scope(|scope| {
        for server in &servers {
            for _ in 0..4 {
                scope.spawn(move || {
                    for _ in 0..25 {
                        server.group_chat("g", "a", 1);
                        server.ok("b", path::DELETE, &delete("b", &in_group("g")));
                    }
                });
            }
        }
    });
    let expected: Vec<u64> = (1..=200).collect();
    assert_eq!(servers[0].positions("a", &in_group("g")), expected);
    assert!(servers[1].positions("b", &in_group("g")).is_empty());
    assert_eq!(servers[1].stored("SELECT count(*) FROM deletions"), 200);
    let logs = servers[0].log() + &servers[1].log();
    assert!(logs.contains("40001"), "no conflict was provoked");
}

// SYNC-2: "however long it was away", and whatever happened to the database.
#[test]
fn a_cursor_from_before_a_restored_database_begins_anew() {
    let [mut server] = processes();
    server.accounts(&["a", "b", "c"]);
    server.chat("b", "a", 1);
    let mut phone = Device::new(&server, "a", "phone");
    phone.pull();
    let early = phone.cursor.clone();
    assert!(server.stop());
    let live = server.url_of_store.clone();
    let name = live.rsplit('/').next().unwrap().to_owned();
    let admin = format!("{}/postgres", NODE.address());
    database::execute(
        &admin,
        &format!("CREATE DATABASE {name}_copy TEMPLATE {name}"),
    );
    server.run();
    server.chat("c", "a", 5);
    let mut phone = Device::new(&server, "a", "phone");
    phone.pull();
    let late = phone.cursor.clone();
    assert!(server.stop());
    server.run();
    let mut phone = Device {
        cursor: late.clone(),
        ..Device::new(&server, "a", "phone")
    };
    assert_eq!(
        phone.pull(),
        (Vec::new(), false),
        "a restart changes nothing"
    );
    assert!(server.stop());

    server.url_of_store = format!("{live}_copy");
    server.run();
    server.chat("b", "c", 20);
    let mut phone = Device {
        cursor: early,
        ..Device::new(&server, "a", "phone")
    };
    assert_eq!(
        phone.pull(),
        (Vec::new(), false),
        "before the copy: shared past"
    );
    let mut phone = Device {
        cursor: late,
        ..Device::new(&server, "a", "phone")
    };
    let (views, anew) = phone.pull();
    assert_eq!((views.len(), anew), (1, true));
    assert_eq!(phone.pull(), (Vec::new(), false));
}

#[test]
fn processes_that_start_at_once_make_the_tables_once() {
    let url = NODE.database();
    let servers: Vec<Server> = std::thread::scope(|scope| {
        let started: Vec<_> = (0..4)
            .map(|_| scope.spawn(|| Server::start_on(Some(url.clone()), &[])))
            .collect();
        started.into_iter().map(|one| one.join().unwrap()).collect()
    });
    servers[0].accounts(&["a", "b"]);
    servers[3].chat("a", "b", 1);
    assert_eq!(servers[1].positions("b", &with("a")), [1]);
    assert_eq!(servers[2].stored("SELECT count(*) FROM settings"), 1);
    assert_eq!(servers[2].stored("SELECT count(*) FROM incarnations"), 1);
}

/// A page costs what it shows, also where the database has not looked at its tables yet: the planner
/// would gather and sort the whole conversation for each, once it is long enough.
#[test]
fn a_page_costs_no_more_with_the_history_right_after_an_import() {
    const MESSAGES: usize = 150_000;
    const PAGES: i64 = 10;
    const PAGE: i64 = 20;
    let node = Node::start("autovacuum = off");
    let url = node.database();
    let mut server = Server::start_on(Some(url.clone()), &[]);
    server.kill();
    let log: String = (0..MESSAGES)
        .map(|at| {
            let message = json!({ "conversation": "c2c_a:b", "sender": "a", "time": 1_700_000_000 + at,
                "text": format!("message {at}") });
            format!("{message}\n")
        })
        .collect();
    server.import(&log);
    server.run();
    let read = || {
        database::query(&url, async |client| {
            let sql = "SELECT idx_tup_read FROM pg_stat_user_indexes WHERE indexrelname = 'messages_pkey'";
            client.query_one(sql, &[]).await.unwrap().get::<_, i64>(0)
        })
    };
    let before = read();
    for _ in 0..PAGES {
        let request = plus(with("b"), json!({ "From_Account": "a", "MaxCnt": PAGE }));
        server.admin(path::GET_HISTORY, &request);
    }
    // Counted a moment later.
    wait_until(|| read() - before >= PAGES * PAGE);
    let cost = read() - before;
    assert!(
        cost < MESSAGES as i64,
        "{cost} messages were looked at for {PAGES} pages of {PAGE}"
    );
}
