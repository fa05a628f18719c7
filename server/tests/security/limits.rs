//! How much anybody can make the server take: the largest that is allowed, and one more.

use std::{
    io::{Read, Write},
    net::TcpStream,
    time::Duration,
};

use adieu_protocol::{
    conversation_id::{MAX_GROUP_ID, MAX_USER_ID},
    group::{
        MAX_ADD_MEMBERS, MAX_CREATE_MEMBERS, MAX_DELETE_MEMBERS, MAX_GROUP_PAGE, MAX_RECEIVERS,
    },
    openim::MAX_BODY,
    path,
    recent_contact::{MAX_BATCH, MAX_HISTORY_PAGE, MAX_SYNC_PAGE},
    sns::MAX_FRIENDS,
    user_sig::Signer,
};
use serde_json::{Value, json};

use crate::{
    snapshot,
    support::{ADMIN, APP, SECRET, Server, body, delete, now, plus, wait_until, with},
};

/// Connections that are open at a time.
const CROWD: usize = 150;

/// A message body of so many bytes.
fn long_body(bytes: usize) -> Value {
    let empty = body("").to_string().len();
    body(&"x".repeat(bytes - empty))
}

#[test]
fn the_largest_is_taken_and_one_more_is_not() {
    let server = Server::start_embedded();
    server.accounts(&["alice", "bob"]);
    server.group("club", &["alice", "bob"]);
    let many = |count: usize| vec!["bob"; count];
    let members = |count: usize| -> Vec<Value> {
        many(count)
            .iter()
            .map(|name| json!({ "Member_Account": name }))
            .collect()
    };
    let friends = |count: usize| -> Vec<Value> {
        many(count)
            .iter()
            .map(|name| json!({ "To_Account": name, "AddSource": "AddSource_Type_x" }))
            .collect()
    };
    let message = |bytes: usize, custom: usize| {
        json!({ "From_Account": "alice", "To_Account": "bob", "MsgRandom": bytes,
                "MsgBody": long_body(bytes), "CloudCustomData": "c".repeat(custom) })
    };
    let said = |bytes: usize, custom: usize| {
        json!({ "GroupId": "club", "From_Account": "alice", "Random": bytes,
                "MsgBody": long_body(bytes), "CloudCustomData": "c".repeat(custom) })
    };
    let told = |count: usize| {
        json!({ "GroupId": "club", "From_Account": "alice", "Random": count,
                "MsgBody": body("x"), "To_Account": many(count) })
    };
    let mine = |more: Value| plus(json!({ "From_Account": "alice" }), more);
    let history = |count: usize| plus(mine(json!({ "MaxCnt": count })), with("bob"));
    let group = |id: usize, members: Vec<Value>| json!({ "Type": "Public", "Name": "n", "GroupId": "g".repeat(id), "MemberList": members });
    for (path, most, more, code) in [
        (
            path::ACCOUNT_IMPORT,
            json!({ "UserID": "u".repeat(MAX_USER_ID) }),
            json!({ "UserID": "u".repeat(MAX_USER_ID + 1) }),
            70402,
        ),
        (
            path::CREATE_GROUP,
            group(MAX_GROUP_ID, vec![]),
            group(MAX_GROUP_ID + 1, vec![]),
            10015,
        ),
        (
            path::CREATE_GROUP,
            group(2, members(MAX_CREATE_MEMBERS)),
            group(3, members(MAX_CREATE_MEMBERS + 1)),
            10005,
        ),
        (
            path::ADD_GROUP_MEMBER,
            json!({ "GroupId": "club", "MemberList": members(MAX_ADD_MEMBERS) }),
            json!({ "GroupId": "club", "MemberList": members(MAX_ADD_MEMBERS + 1) }),
            10005,
        ),
        (
            path::DELETE_GROUP_MEMBER,
            json!({ "GroupId": "gg", "MemberToDel_Account": many(MAX_DELETE_MEMBERS) }),
            json!({ "GroupId": "gg", "MemberToDel_Account": many(MAX_DELETE_MEMBERS + 1) }),
            10005,
        ),
        (
            path::SEND_MSG,
            message(MAX_BODY, 0),
            message(MAX_BODY + 1, 0),
            93000,
        ),
        (
            path::SEND_MSG,
            message(MAX_BODY - 9, 9),
            message(MAX_BODY - 9, 10),
            93000,
        ),
        (
            path::SEND_GROUP_MSG,
            said(MAX_BODY, 0),
            said(MAX_BODY + 1, 0),
            93000,
        ),
        (
            path::SEND_GROUP_MSG,
            said(99, MAX_BODY - 99),
            said(99, MAX_BODY - 98),
            93000,
        ),
        (
            path::SEND_GROUP_MSG,
            told(MAX_RECEIVERS),
            told(MAX_RECEIVERS + 1),
            10005,
        ),
        (
            path::GROUP_MSG_GET_SIMPLE,
            json!({ "GroupId": "club", "ReqMsgNumber": MAX_GROUP_PAGE }),
            json!({ "GroupId": "club", "ReqMsgNumber": MAX_GROUP_PAGE + 1 }),
            10004,
        ),
        (
            path::FRIEND_ADD,
            mine(json!({ "AddFriendItem": friends(MAX_FRIENDS) })),
            mine(json!({ "AddFriendItem": friends(MAX_FRIENDS + 1) })),
            30001,
        ),
        (
            path::FRIEND_DELETE,
            mine(json!({ "To_Account": many(MAX_FRIENDS) })),
            mine(json!({ "To_Account": many(MAX_FRIENDS + 1) })),
            30001,
        ),
        (
            path::BATCH_DELETE,
            mine(json!({ "DeleteItem": vec![with("bob"); MAX_BATCH] })),
            mine(json!({ "DeleteItem": vec![with("bob"); MAX_BATCH + 1] })),
            50002,
        ),
        (
            path::GET_HISTORY,
            history(MAX_HISTORY_PAGE),
            history(MAX_HISTORY_PAGE + 1),
            50002,
        ),
        (
            path::SYNC,
            mine(json!({ "MaxCnt": MAX_SYNC_PAGE, "DeviceId": "d".repeat(128) })),
            mine(json!({ "MaxCnt": MAX_SYNC_PAGE + 1 })),
            50002,
        ),
        (
            path::DELETE,
            plus(
                delete("alice", &with("bob")),
                json!({ "DeviceId": "d".repeat(128) }),
            ),
            plus(
                delete("alice", &with("bob")),
                json!({ "DeviceId": "d".repeat(129) }),
            ),
            50002,
        ),
        (
            path::DELETE,
            plus(
                delete("alice", &with("bob")),
                json!({ "DeletionId": "0".repeat(32) }),
            ),
            plus(
                delete("alice", &with("bob")),
                json!({ "DeletionId": "0".repeat(33) }),
            ),
            50002,
        ),
    ] {
        server.admin(path, &most);
        let before = snapshot::of(&server);
        server.refused(ADMIN, path, &more, code);
        snapshot::assert_unchanged(&server, &before, path);
    }
}

/// JSON within JSON, as deep as is read and deeper.
#[test]
fn depth_is_refused_and_not_followed() {
    let server = Server::start_embedded();
    server.accounts(&["alice", "bob"]);
    let sig = Signer::new(APP, SECRET.as_bytes()).sign("alice", now(), 600);
    let url = server.url(path::SEND_MSG, "alice", &sig);
    for depth in [100, 1_000, 100_000] {
        let deep = "[".repeat(depth) + &"]".repeat(depth);
        for (place, request) in [
            ("as a whole", deep.clone()),
            ("in a field", format!(r#"{{"To_Account":{deep}}}"#)),
            (
                "in a field of no meaning",
                format!(r#"{{"Whatever":{deep}}}"#),
            ),
            (
                "in a message",
                format!(
                    r#"{{"To_Account":"bob","MsgRandom":1,"MsgBody":[{{"MsgType":"x","MsgContent":{deep}}}]}}"#
                ),
            ),
        ] {
            let answer = server.post_raw(&url, request.as_bytes());
            assert_eq!(answer["ActionStatus"], "FAIL", "{depth} {place}: {answer}");
        }
    }
    assert_eq!(server.stored("SELECT count(*) FROM messages"), 0);
    server.chat("alice", "bob", 1);
}

fn head(server: &Server, padding: usize, name: &str, sig: &str) -> String {
    let url = server.url(path::GET_LIST, name, sig);
    let target = url
        .trim_start_matches("http://")
        .trim_start_matches(&server.address);
    let padding = "p".repeat(padding);
    format!("POST {target} HTTP/1.1\r\nHost: x\r\nX-Padding: {padding}\r\n")
}

/// What comes back until the other side has no more to say.
fn said(mut stream: TcpStream) -> String {
    stream
        .set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    let mut text = Vec::new();
    let _ = stream.read_to_end(&mut text);
    String::from_utf8_lossy(&text).into_owned()
}

#[test]
fn heads_have_an_end() {
    let server = Server::start_embedded();
    let sig = Signer::new(APP, SECRET.as_bytes()).sign(ADMIN, now(), 600);
    let ask = |head: String| {
        let mut stream = TcpStream::connect(&server.address).unwrap();
        let request = json!({ "From_Account": ADMIN }).to_string();
        let rest = format!(
            "Connection: close\r\nContent-Length: {}\r\n\r\n{request}",
            request.len()
        );
        let _ = stream.write_all((head + &rest).as_bytes());
        said(stream)
    };
    let taken = ask(head(&server, 60 << 10, ADMIN, &sig));
    assert!(taken.contains(r#""ErrorCode":0"#), "{taken}");
    let refused = ask(head(&server, 200 << 10, ADMIN, &sig));
    assert!(refused.starts_with("HTTP/1.1 431 "), "{refused}");
    let fields = "X-One-More: x\r\n".repeat(100);
    let refused = ask(head(&server, 1, ADMIN, &sig) + &fields);
    assert!(refused.starts_with("HTTP/1.1 431 "), "{refused}");
    // A UserSig is looked at up to 8 KiB.
    let answer = ask(head(&server, 1, ADMIN, &"A".repeat((8 << 10) + 1)));
    assert!(answer.contains(r#""ErrorCode":70003"#), "{answer}");
}

/// A crowd sends all it can, and never the end of it; says what the server's memory grows by, in
/// KiB.
fn grows(server: &Server, first: &str, then: usize) -> u64 {
    let before = snapshot::memory(server.id());
    let chunk = vec![b'x'; 16 << 10];
    let crowd: Vec<TcpStream> = (0..CROWD)
        .map(|_| {
            let mut stream = TcpStream::connect(&server.address).unwrap();
            stream
                .set_write_timeout(Some(Duration::from_secs(20)))
                .unwrap();
            stream.write_all(first.as_bytes()).unwrap();
            for _ in 0..then / chunk.len() {
                // Who was told to go has said enough.
                if stream.write_all(&chunk).is_err() {
                    break;
                }
            }
            stream
        })
        .collect();
    let mut most = 0;
    // It has taken in what it takes when its memory stands still.
    let mut still = 0;
    wait_until(|| {
        let now = snapshot::memory(server.id());
        still = if now > most { 0 } else { still + 1 };
        most = most.max(now);
        still > 60
    });
    drop(crowd);
    most.saturating_sub(before)
}

#[test]
fn a_crowd_of_strangers_fills_no_memory() {
    let server = Server::start_embedded();
    let forged = Signer::new(APP, b"another secret").sign(ADMIN, now(), 600);
    let body = 1_000 << 10;
    let announced = format!(
        "{}Content-Length: {}\r\n\r\n",
        head(&server, 1, ADMIN, &forged),
        body + 1
    );
    let bodies = grows(&server, &announced, body);
    // A new one: what the first has given back to itself is still its memory.
    let server = Server::start_embedded();
    let heads = grows(&server, "POST / HTTP/1.1\r\nX-Padding: ", 1_000 << 10);
    println!("{CROWD} strangers: {bodies} KiB for bodies of {body} bytes, {heads} KiB for heads");
    // Each had a thousand KiB to say.
    let each = (CROWD as u64) * 256;
    assert!(bodies < each, "{bodies} KiB");
    assert!(heads < each, "{heads} KiB");
    server.accounts(&["alice"]);
}
