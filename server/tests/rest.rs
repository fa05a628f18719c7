//! The REST API of the real server: signing in, bad input, and what published clients rely on.

#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests; a failure is the test's"
)]

mod support;

use adieu_protocol::{path, user_sig::Signer};
use serde_json::{Value, json};
use support::{ADMIN, APP, SECRET, Server, body, delete, in_group, now, plus, with};

fn error(answer: &Value) -> (i64, bool) {
    (
        answer["ErrorCode"].as_i64().unwrap(),
        answer["ActionStatus"] == "OK",
    )
}

#[test]
fn each_wrong_credential_has_its_number() {
    let server = Server::start();
    server.accounts(&["a"]);
    let request = delete("a", &with("b")).to_string();
    let signer = Signer::new(APP, SECRET.as_bytes());
    let good = signer.sign("a", now(), 60);
    let base = format!("http://{}/{}", server.address, path::DELETE);
    for (query, code) in [
        (String::new(), 60012),
        (format!("?sdkappid=1&identifier=a&usersig={good}"), 60006),
        (format!("?sdkappid={APP}&usersig={good}"), 60004),
        (format!("?sdkappid={APP}&identifier=a"), 70002),
        (
            format!("?sdkappid={APP}&identifier=a&usersig=nonsense"),
            70003,
        ),
        (
            format!("?sdkappid={APP}&identifier=b&usersig={good}"),
            70013,
        ),
        (
            format!(
                "?sdkappid={APP}&identifier=a&usersig={}",
                Signer::new(APP + 1, SECRET.as_bytes()).sign("a", now(), 60)
            ),
            70014,
        ),
        (
            format!(
                "?sdkappid={APP}&identifier=a&usersig={}",
                Signer::new(APP, b"other").sign("a", now(), 60)
            ),
            70009,
        ),
        (
            format!(
                "?sdkappid={APP}&identifier=a&usersig={}",
                signer.sign("a", now() - 61, 60)
            ),
            70001,
        ),
        (
            format!("?sdkappid={APP}&identifier=a&usersig={good}&random=1&contenttype=json"),
            0,
        ),
    ] {
        let answer = server.post_raw(&format!("{base}{query}"), request.as_bytes());
        assert_eq!(error(&answer), (code, code == 0), "{query} {answer}");
    }
}

#[test]
fn whatever_is_asked_the_answer_is_an_envelope_with_status_200() {
    let server = Server::start();
    let sig = Signer::new(APP, SECRET.as_bytes()).sign(ADMIN, now(), 600);
    let url = |path: &str| server.url(path, ADMIN, &sig);
    let good = delete("a", &with("b")).to_string();
    for (path, body, code) in [
        (path::DELETE, "", 60003),
        (path::DELETE, " ", 60003),
        (path::DELETE, "{", 60003),
        (path::DELETE, "<html>", 60003),
        (path::DELETE, "\u{0}", 60003),
        (path::DELETE, "[]", 50002),
        (path::DELETE, "{}", 50002),
        (path::DELETE, "7", 50002),
        (
            path::DELETE,
            r#"{"From_Account":7,"Type":1,"To_Account":"b"}"#,
            50002,
        ),
        (
            path::DELETE,
            r#"{"From_Account":"a","Type":"1","To_Account":"b"}"#,
            50002,
        ),
        (
            path::DELETE,
            r#"{"From_Account":"a","Type":3,"To_Account":"b"}"#,
            50002,
        ),
        (path::DELETE, r#"{"From_Account":"a","Type":1}"#, 50002),
        (
            path::DELETE,
            r#"{"From_Account":"","Type":1,"To_Account":"b"}"#,
            50002,
        ),
        (
            path::DELETE,
            r#"{"From_Account":"a","Type":1,"To_Account":"b","ClearRamble":2}"#,
            50002,
        ),
        (
            path::DELETE,
            r#"{"From_Account":"a","Type":1,"To_Account":"b","CutOff":-1}"#,
            50002,
        ),
        (
            path::DELETE,
            r#"{"From_Account":"a","Type":1,"To_Account":"b","DeletionId":"x"}"#,
            50002,
        ),
        (
            path::DELETE,
            r#"{"From_Account":"a","Type":1,"To_Account":"b","DeletionId":"0123456789ABCDEF0123456789ABCDEF"}"#,
            50002,
        ),
        (
            path::DELETE,
            r#"{"From_Account":"a","Type":1,"To_Account":"b","DeviceId":""}"#,
            50002,
        ),
        (path::DELETE, &good, 50001),
        ("v4/recentcontact/nonsense", &good, 60009),
        ("v4/nonsense/delete", &good, 60009),
        ("v4/recentcontact", &good, 60002),
        ("", &good, 60002),
        ("v5/recentcontact/delete", &good, 60002),
        (path::ACCOUNT_IMPORT, r#"{"UserID":""}"#, 70402),
        (
            path::ACCOUNT_IMPORT,
            r#"{"UserID":"012345678901234567890123456789012"}"#,
            70402,
        ),
        (path::ACCOUNT_IMPORT, r#"{"UserID":"é"}"#, 70402),
        (path::CREATE_GROUP, r#"{"Type":"Odd","Name":"n"}"#, 10004),
        (path::CREATE_GROUP, r#"{"Type":"Public","Name":""}"#, 10004),
        (
            path::CREATE_GROUP,
            r#"{"Type":"Public","Name":"n","GroupId":"@TGS#mine"}"#,
            10015,
        ),
        (
            path::CREATE_GROUP,
            r#"{"Type":"Public","Name":"n","Owner_Account":"nobody"}"#,
            10019,
        ),
        (path::DESTROY_GROUP, r#"{"GroupId":"nowhere"}"#, 10010),
        (
            path::FRIEND_ADD,
            r#"{"From_Account":"nobody","AddFriendItem":[{"To_Account":"x"}]}"#,
            30003,
        ),
        (
            path::FRIEND_ADD,
            r#"{"From_Account":"administrator","AddFriendItem":[]}"#,
            30001,
        ),
        (
            path::FRIEND_DELETE,
            r#"{"From_Account":"administrator","To_Account":["x"],"DeleteType":"All"}"#,
            30001,
        ),
        (
            path::SYNC,
            r#"{"From_Account":"administrator","Wait":61}"#,
            50002,
        ),
        (
            path::SYNC,
            r#"{"From_Account":"administrator","Wait":-1}"#,
            50002,
        ),
        (
            path::SYNC,
            r#"{"From_Account":"administrator","Version":"absurd"}"#,
            50002,
        ),
        (
            path::DELETE,
            r#"{"From_Account":"administrator","Type":1,"To_Account":"x","KeepListed":1}"#,
            50002,
        ),
        (
            path::DELETE,
            r#"{"From_Account":"administrator","Type":1,"To_Account":"x","ClearRamble":1,"KeepListed":2}"#,
            50002,
        ),
        (path::SYNC_DELETIONS, r#"{"SyncDeletions":2}"#, 50002),
        (
            path::SYNC,
            r#"{"From_Account":"administrator","MaxCnt":501}"#,
            50002,
        ),
        (
            path::GET_HISTORY,
            r#"{"From_Account":"administrator","Type":1,"To_Account":"x","MaxCnt":1001}"#,
            50002,
        ),
        (path::GET_LIST, r#"{"From_Account":"nobody"}"#, 50001),
    ] {
        let answer = server.post_raw(&url(path), body.as_bytes());
        assert_eq!(error(&answer), (code, false), "{path} {body} {answer}");
        assert_ne!(answer["ErrorInfo"], "", "{path} {body}");
        let displayed = answer["ErrorDisplay"] == answer["ErrorInfo"];
        let has = path.starts_with("v4/recentcontact/") || path.starts_with("v4/sns/");
        assert_eq!(displayed, has && code != 60009, "{path} {answer}");
    }
    let get: Value = serde_json::from_str(&server.get(&url(path::DELETE))).unwrap();
    assert_eq!(error(&get), (60008, false));
    assert_eq!(
        server.get(&format!("http://{}/healthz", server.address)),
        "ok"
    );
    let large = vec![b' '; (1 << 20) + 1];
    assert_eq!(
        error(&server.post_raw(&url(path::DELETE), &large)),
        (60008, false)
    );
    // The texts say which field, and what is allowed.
    let wrong = server.post_raw(
        &url(path::SEND_GROUP_MSG),
        br#"{"GroupId":"g","Random":"x","MsgBody":[]}"#,
    );
    assert!(
        wrong["ErrorInfo"].as_str().unwrap().contains("Random"),
        "{wrong}"
    );
    let wrong = server.post_raw(&url(path::DELETE), br#"{"From_Account":"a","Type":9}"#);
    assert!(
        wrong["ErrorInfo"].as_str().unwrap().contains("allowed: 1"),
        "{wrong}"
    );
}

#[test]
fn an_account_by_itself_gets_its_own_view_and_nothing_else() {
    let server = Server::start();
    server.accounts(&["a", "b", "c"]);
    server.group("g", &["b"]);
    server.group_chat("g", "b", 3);
    server.chat("b", "c", 2);
    for (path, request, code) in [
        (path::ACCOUNT_IMPORT, json!({ "UserID": "new" }), 60010),
        (
            path::CREATE_GROUP,
            json!({ "Type": "Public", "Name": "n" }),
            60010,
        ),
        (
            path::ADD_GROUP_MEMBER,
            json!({ "GroupId": "g", "MemberList": [{ "Member_Account": "a" }] }),
            60010,
        ),
        (
            path::DELETE_GROUP_MEMBER,
            json!({ "GroupId": "g", "MemberToDel_Account": ["b"] }),
            60010,
        ),
        (path::DESTROY_GROUP, json!({ "GroupId": "g" }), 60010),
        (path::DELETE, delete("b", &with("c")), 50003),
        (
            path::BATCH_DELETE,
            json!({ "From_Account": "b", "DeleteItem": [with("c")] }),
            50003,
        ),
        (path::GET_LIST, json!({ "From_Account": "b" }), 50003),
        (path::SYNC, json!({ "From_Account": "b" }), 50003),
        (
            path::GET_HISTORY,
            plus(with("c"), json!({ "From_Account": "b" })),
            50003,
        ),
        (
            path::ADMIN_GET_ROAM_MSG,
            json!({ "Operator_Account": "b", "Peer_Account": "a", "MaxCnt": 1, "MinTime": 0, "MaxTime": 1 }),
            90009,
        ),
        (
            path::SEND_MSG,
            json!({ "From_Account": "b", "To_Account": "c", "MsgRandom": 1, "MsgBody": body("x") }),
            90009,
        ),
        (
            path::FRIEND_ADD,
            json!({ "From_Account": "b", "AddFriendItem": [{ "To_Account": "a" }] }),
            30004,
        ),
        (
            path::FRIEND_DELETE,
            json!({ "From_Account": "b", "To_Account": ["a"] }),
            30004,
        ),
        (path::FRIEND_GET, json!({ "From_Account": "b" }), 30004),
        (
            path::SEND_GROUP_MSG,
            json!({ "GroupId": "g", "Random": 1, "MsgBody": body("x") }),
            10007,
        ),
        (
            path::SEND_GROUP_MSG,
            json!({ "GroupId": "g", "From_Account": "b", "Random": 1, "MsgBody": body("x") }),
            10007,
        ),
        (
            path::GROUP_MSG_GET_SIMPLE,
            json!({ "GroupId": "g", "ReqMsgNumber": 1 }),
            10007,
        ),
        (
            path::GROUP_MSG_GET_SIMPLE,
            json!({ "GroupId": "nowhere", "ReqMsgNumber": 1 }),
            10007,
        ),
    ] {
        server.refused("a", path, &request, code);
    }
    assert_eq!(
        server.list("b"),
        ["c2c_c", "group_g"],
        "nothing of it happened"
    );
    server.refused(
        "stranger",
        path::GET_LIST,
        &json!({ "From_Account": "stranger" }),
        50001,
    );
    server.refused(
        "stranger",
        path::FRIEND_GET,
        &json!({ "From_Account": "stranger" }),
        30003,
    );

    // For itself: all of these.
    server.ok(
        "a",
        path::SEND_MSG,
        &json!({ "To_Account": "b", "MsgRandom": 1, "MsgBody": body("x") }),
    );
    server.ok(
        "b",
        path::SEND_GROUP_MSG,
        &json!({ "GroupId": "g", "Random": 1, "MsgBody": body("x") }),
    );
    server.ok("b", path::GET_LIST, &json!({ "From_Account": "b" }));
    // Its own view of a group, not everything that is stored.
    server.ok(
        "b",
        path::DELETE,
        &plus(delete("b", &in_group("g")), json!({ "CutOff": 2 })),
    );
    let seen = server.ok(
        "b",
        path::GROUP_MSG_GET_SIMPLE,
        &json!({ "GroupId": "g", "ReqMsgNumber": 20 }),
    );
    let seqs = |answer: &Value| -> Vec<u64> {
        answer["RspMsgList"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["MsgSeq"].as_u64().unwrap())
            .collect()
    };
    assert_eq!(seqs(&seen), [4, 3]);
    assert_eq!(seen["IsFinished"], 1);
    // A cursor is of no use to another account.
    let mine = server.ok("b", path::SYNC, &json!({ "From_Account": "b" }));
    let anew = server.ok(
        "c",
        path::SYNC,
        &json!({ "From_Account": "c", "Cursor": mine["Cursor"] }),
    );
    assert_eq!(anew["Anew"], 1);
    server.refused(
        "c",
        path::SYNC_DELETIONS,
        &json!({ "SyncDeletions": 1 }),
        60010,
    );
}

#[test]
fn accounts_are_imported_in_both_spellings_and_again() {
    let server = Server::start();
    for request in [
        json!({ "UserID": "a" }),
        json!({ "Identifier": "b", "Nick": "Bee" }),
        json!({ "UserID": "a" }),
    ] {
        server.admin(path::ACCOUNT_IMPORT, &request);
    }
    assert_eq!(
        server.stored("SELECT count(*) FROM accounts WHERE name IN ('a', 'b')"),
        2
    );
}

#[test]
fn sending_checks_each_field_and_recognises_repeats() {
    let server = Server::start();
    server.accounts(&["a", "b"]);
    let good = json!({ "From_Account": "a", "To_Account": "b", "MsgSeq": 7, "MsgRandom": 5, "MsgBody": body("hi") });
    let without = |field: &str| {
        let mut request = good.clone();
        request.as_object_mut().unwrap().remove(field);
        request
    };
    for (request, code) in [
        (without("To_Account"), 90003),
        (without("MsgRandom"), 90005),
        (without("MsgBody"), 90002),
        (plus(good.clone(), json!({ "MsgBody": [] })), 90002),
        (plus(good.clone(), json!({ "MsgBody": [{}] })), 90002),
        (
            plus(
                good.clone(),
                json!({ "MsgBody": [{ "MsgType": "T", "MsgContent": "text" }] }),
            ),
            90002,
        ),
        (plus(good.clone(), json!({ "MsgBody": "text" })), 90002),
        (
            plus(
                good.clone(),
                json!({ "MsgBody": body(&"x".repeat(12 * 1024)) }),
            ),
            93000,
        ),
        (plus(good.clone(), json!({ "To_Account": "nobody" })), 90012),
        (plus(good.clone(), json!({ "To_Account": "" })), 90003),
        (
            plus(good.clone(), json!({ "From_Account": "nobody" })),
            90048,
        ),
        (plus(good.clone(), json!({ "From_Account": "\n" })), 90008),
        (
            plus(good.clone(), json!({ "MsgRandom": 4_294_967_296_u64 })),
            90001,
        ),
    ] {
        server.refused(ADMIN, path::SEND_MSG, &request, code);
    }
    let first = server.admin(path::SEND_MSG, &good);
    let (time, key) = (
        first["MsgTime"].as_u64().unwrap(),
        first["MsgKey"].as_str().unwrap(),
    );
    assert_eq!(key, format!("7_5_{time}"));
    let again = server.admin(path::SEND_MSG, &good);
    if again["MsgTime"].as_u64().unwrap() <= time + 1 {
        assert_eq!(
            again["MsgKey"], key,
            "a repeat within a second is the same message"
        );
        assert_eq!(server.positions("a", &with("b")), [1]);
    }
    // Messages for those who are online only are stored for nobody.
    server.admin(
        path::SEND_MSG,
        &plus(good.clone(), json!({ "MsgRandom": 9, "MsgLifeTime": 0 })),
    );
    assert_eq!(server.stored("SELECT count(*) FROM messages"), 1);
}

#[test]
fn a_message_not_for_the_sender_is_stored_once_and_not_seen_by_the_sender() {
    let server = Server::start();
    server.accounts(&["a", "b"]);
    let request = json!({ "SyncOtherMachine": 2, "From_Account": "a", "To_Account": "b", "MsgRandom": 5, "MsgBody": body("hi") });
    server.admin(path::SEND_MSG, &request);
    assert_eq!(server.stored("SELECT count(*) FROM messages"), 1);
    assert!(server.list("a").is_empty());
    assert!(server.positions("a", &with("b")).is_empty());
    assert_eq!(server.positions("b", &with("a")), [1]);
    server.chat("b", "a", 1);
    assert_eq!(server.positions("a", &with("b")), [2]);
    assert_eq!(server.positions("b", &with("a")), [1, 2]);
    server.ok("a", path::DELETE, &delete("a", &with("b")));
    server.ok("b", path::DELETE, &delete("b", &with("a")));
    server.wait_for("SELECT count(*) FROM messages", 0);
}

#[test]
fn roaming_history_is_paged_backwards_without_loss() {
    let server = Server::start();
    server.accounts(&["a", "b"]);
    server.chat("a", "b", 130);
    let mut request = json!({ "Operator_Account": "b", "Peer_Account": "a", "MaxCnt": 100, "MinTime": 0, "MaxTime": now() + 5 });
    let mut pages: Vec<Vec<String>> = Vec::new();
    loop {
        let answer = server.admin(path::ADMIN_GET_ROAM_MSG, &request);
        let list = answer["MsgList"].as_array().unwrap();
        assert_eq!(answer["MsgCnt"], list.len());
        assert!(
            answer.to_string().len() < 16 * 1024,
            "a page is about 13 KB at most"
        );
        assert_eq!(answer["LastMsgKey"], list[0]["MsgKey"]);
        assert_eq!(answer["LastMsgTime"], list[0]["MsgTimeStamp"]);
        assert_eq!(
            (&list[0]["From_Account"], &list[0]["To_Account"]),
            (&json!("a"), &json!("b"))
        );
        pages.push(
            list.iter()
                .map(|one| {
                    one["MsgBody"][0]["MsgContent"]["Text"]
                        .as_str()
                        .unwrap()
                        .to_owned()
                })
                .collect(),
        );
        if answer["Complete"] == 1 {
            break;
        }
        request["MaxTime"] = answer["LastMsgTime"].clone();
        request["LastMsgKey"] = answer["LastMsgKey"].clone();
    }
    assert!(pages.len() > 1);
    pages.reverse();
    let expected: Vec<String> = (0..130).map(|at| format!("a to b, {at}")).collect();
    assert_eq!(pages.concat(), expected);
    for (wrong, code) in [
        (json!({ "MaxCnt": 0 }), 90001),
        (json!({ "LastMsgKey": "x" }), 90001),
        (json!({ "Peer_Account": "nobody" }), 90048),
        (json!({ "MinTime": "x" }), 90001),
    ] {
        server.refused(
            ADMIN,
            path::ADMIN_GET_ROAM_MSG,
            &plus(request.clone(), wrong),
            code,
        );
    }
    let never = plus(
        request,
        json!({ "MinTime": 10, "MaxTime": 5, "LastMsgKey": "" }),
    );
    assert_eq!(
        server.admin(path::ADMIN_GET_ROAM_MSG, &never)["Complete"],
        1
    );
}

#[test]
fn groups() {
    let server = Server::start();
    server.accounts(&["a", "b", "c"]);
    let made = server.admin(
        path::CREATE_GROUP,
        &json!({ "Owner_Account": "a", "Type": "Public", "Name": "made" }),
    );
    let id = made["GroupId"].as_str().unwrap();
    assert!(id.starts_with("@TGS#") && id.len() <= 48);
    let added = server.admin(
        path::ADD_GROUP_MEMBER,
        &json!({ "GroupId": id, "Silence": 1, "MemberList":
        [{ "Member_Account": "b" }, { "Member_Account": "a" }, { "Member_Account": "nobody" }] }),
    );
    let results: Vec<_> = added["MemberList"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["Result"].as_u64().unwrap())
        .collect();
    assert_eq!(results, [1, 2, 0]);

    let send = json!({ "GroupId": id, "From_Account": "a", "Random": 1, "MsgBody": body("one") });
    assert_eq!(server.admin(path::SEND_GROUP_MSG, &send)["MsgSeq"], 1);
    assert_eq!(
        server.admin(path::SEND_GROUP_MSG, &send)["MsgSeq"],
        1,
        "the same within five minutes"
    );
    assert_eq!(
        server.admin(
            path::SEND_GROUP_MSG,
            &plus(send.clone(), json!({ "MsgBody": body("two") }))
        )["MsgSeq"],
        2
    );
    assert_eq!(
        server.admin(
            path::SEND_GROUP_MSG,
            &plus(send.clone(), json!({ "OnlineOnlyFlag": 1, "Random": 8 }))
        )["MsgSeq"],
        0
    );
    // For b only: stored once, and c, who joins now, sees neither it nor what came before.
    server.admin(
        path::ADD_GROUP_MEMBER,
        &json!({ "GroupId": id, "MemberList": [{ "Member_Account": "c" }] }),
    );
    server.admin(
        path::SEND_GROUP_MSG,
        &plus(send.clone(), json!({ "Random": 3, "To_Account": ["b"] })),
    );
    server.group_chat(id, "b", 1);
    assert_eq!(server.positions("a", &in_group(id)), [1, 2, 3, 4]);
    assert_eq!(server.positions("b", &in_group(id)), [1, 2, 3, 4]);
    assert_eq!(server.positions("c", &in_group(id)), [4]);
    assert_eq!(server.view("c", "phone", id).unwrap()["Title"], "made");

    let page = |through: Option<u64>| {
        let mut request = json!({ "GroupId": id, "ReqMsgNumber": 3 });
        if let Some(through) = through {
            request["ReqMsgSeq"] = json!(through);
        }
        let answer = server.admin(path::GROUP_MSG_GET_SIMPLE, &request);
        let seqs: Vec<_> = answer["RspMsgList"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["MsgSeq"].as_u64().unwrap())
            .collect();
        (seqs, answer["IsFinished"].as_u64().unwrap())
    };
    assert_eq!(page(None), (vec![4, 3, 2], 0));
    assert_eq!(page(Some(1)), (vec![1], 1));

    server.refused(
        ADMIN,
        path::CREATE_GROUP,
        &json!({ "Type": "Public", "Name": "n", "GroupId": id }),
        10015,
    );
    server.group("mine", &[]);
    server.refused(
        ADMIN,
        path::CREATE_GROUP,
        &json!({ "Type": "Public", "Name": "n", "GroupId": "mine" }),
        10021,
    );
    server.admin(path::DESTROY_GROUP, &json!({ "GroupId": "mine" }));
    server.refused(
        ADMIN,
        path::CREATE_GROUP,
        &json!({ "Type": "Public", "Name": "n", "GroupId": "mine" }),
        10021,
    );
    server.refused(
        ADMIN,
        path::SEND_GROUP_MSG,
        &plus(send.clone(), json!({ "GroupId": "mine" })),
        10010,
    );
    server.refused(
        ADMIN,
        path::SEND_GROUP_MSG,
        &plus(send.clone(), json!({ "From_Account": "nobody" })),
        10019,
    );
    let many = |count: usize| -> Vec<Value> {
        (0..count)
            .map(|at| json!({ "Member_Account": format!("u{at}") }))
            .collect()
    };
    server.refused(
        ADMIN,
        path::CREATE_GROUP,
        &json!({ "Type": "Public", "Name": "n", "MemberList": many(101) }),
        10005,
    );
    server.refused(
        ADMIN,
        path::ADD_GROUP_MEMBER,
        &json!({ "GroupId": id, "MemberList": many(301) }),
        10005,
    );
    let names: Vec<String> = (0..101).map(|at| format!("u{at}")).collect();
    server.refused(
        ADMIN,
        path::DELETE_GROUP_MEMBER,
        &json!({ "GroupId": id, "MemberToDel_Account": names }),
        10005,
    );
    server.refused(
        ADMIN,
        path::SEND_GROUP_MSG,
        &plus(send, json!({ "To_Account": &names[..51] })),
        10005,
    );
    server.refused(
        ADMIN,
        path::GROUP_MSG_GET_SIMPLE,
        &json!({ "GroupId": id, "ReqMsgNumber": 21 }),
        10004,
    );
}

#[test]
fn friends_have_a_result_each() {
    let server = Server::start();
    server.accounts(&["a", "b", "c"]);
    let added = server.admin(path::FRIEND_ADD, &json!({ "From_Account": "a", "AddFriendItem": [
        { "To_Account": "b", "Remark": "Bee", "AddSource": "AddSource_Type_X" }, { "To_Account": "nobody", "AddSource": "AddSource_Type_X" },
    ]}));
    assert_eq!(added["ResultItem"][0]["ResultCode"], 0);
    assert_eq!(added["ResultItem"][1]["ResultCode"], 30003);
    assert_eq!(added["Fail_Account"], json!(["nobody"]));
    assert_eq!(added["ErrorDisplay"], "");
    let friends = |owner: &str| {
        server.admin(path::FRIEND_GET, &json!({ "From_Account": owner, "StartIndex": 0, "StandardSequence": 0, "CustomSequence": 0 }))
    };
    assert_eq!(friends("a")["UserDataItem"][0]["To_Account"], "b");
    assert_eq!(friends("b")["FriendNum"], 1, "both by default");
    assert_eq!(friends("b")["CompleteFlag"], 1);
    let removed = server.admin(path::FRIEND_DELETE, &json!({ "From_Account": "a", "To_Account": ["b", "c"], "DeleteType": "Delete_Type_Single" }));
    assert_eq!(removed["ResultItem"][0]["ResultCode"], 0);
    assert_eq!(removed["ResultItem"][1]["ResultCode"], 31704);
    assert_eq!(
        (&friends("a")["FriendNum"], &friends("b")["FriendNum"]),
        (&json!(0), &json!(1))
    );
}

#[test]
fn a_device_pulls_its_state_page_by_page() {
    let server = Server::start();
    let names: Vec<String> = (0..7).map(|at| format!("peer{at}")).collect();
    server.accounts(&["a"]);
    for name in &names {
        server.accounts(&[name]);
        server.chat(name, "a", 3);
    }
    let mut cursor = String::new();
    let mut seen = Vec::new();
    loop {
        let page = server.ok(
            "a",
            path::SYNC,
            &json!({ "From_Account": "a", "DeviceId": "phone", "MaxCnt": 3, "Cursor": cursor }),
        );
        for view in page["Views"].as_array().unwrap() {
            assert_eq!(
                (&view["Head"], &view["ReadThrough"]),
                (&json!(3), &json!(0))
            );
            seen.push(view["To_Account"].as_str().unwrap().to_owned());
        }
        cursor = page["Cursor"].as_str().unwrap().to_owned();
        if page["Complete"] == 1 {
            break;
        }
    }
    assert_eq!(seen, names);
    let page = server.ok(
        "a",
        path::GET_HISTORY,
        &plus(
            with("peer0"),
            json!({ "From_Account": "a", "After": 1, "MaxCnt": 1 }),
        ),
    );
    assert_eq!((&page["Head"], &page["Complete"]), (&json!(3), &json!(0)));
    let message = &page["Messages"][0];
    assert_eq!(
        (&message["Position"], &message["From_Account"]),
        (&json!(2), &json!("peer0"))
    );
    assert_eq!(message["MsgBody"], body("peer0 to a, 1"));
    // Who writes has read what stands above.
    server.chat("a", "peer0", 1);
    assert_eq!(
        server.view("a", "phone", "peer0").unwrap()["ReadThrough"],
        4
    );
}

#[test]
fn logs_hold_neither_secrets_nor_texts() {
    use std::{
        io::{BufRead, BufReader, Read},
        process::Stdio,
    };
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("secret"), SECRET).unwrap();
    let mut child = Server::command(dir.path())
        .args(["--log-level", "trace", "--log-format", "json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    out.read_line(&mut line).unwrap();
    let first: Value = serde_json::from_str(&line).unwrap();
    let sig = Signer::new(APP, SECRET.as_bytes()).sign(ADMIN, now(), 600);
    let url = format!(
        "http://{}/{}?sdkappid={APP}&identifier={ADMIN}&usersig={sig}",
        first["listening"].as_str().unwrap(),
        path::SEND_MSG
    );
    let message =
        json!({ "To_Account": ADMIN, "MsgRandom": 1, "MsgBody": body("a very private text") })
            .to_string();
    ureq::post(&url).send(message.as_bytes()).unwrap();
    ureq::post(&url).send(b"{\"a very private text").unwrap();
    assert!(
        std::process::Command::new("kill")
            .args(["-TERM", &child.id().to_string()])
            .status()
            .unwrap()
            .success()
    );
    let mut log = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut log)
        .unwrap();
    let mut rest = String::new();
    out.read_to_string(&mut rest).unwrap();
    assert!(child.wait().unwrap().success());
    assert_eq!(
        rest, "",
        "nothing but the first line goes to standard output"
    );
    assert!(log.contains("sendmsg"), "the log would tell: {log}");
    for secret in [SECRET, &sig, "private text"] {
        assert!(!log.contains(secret), "{log}");
    }
}
