//! What a deletion does, through the REST API of the real server.

mod support;

use adieu_protocol::path;
use serde_json::json;
use support::{ADMIN, Server, delete, in_group, plus, with};

const MESSAGES: &str = "SELECT count(*) FROM messages";

// DEL-1 (the server's half), DEL-5, DEL-7
#[test]
fn a_deleted_conversation_is_gone_for_its_owner_and_for_nobody_else() {
    let server = Server::start();
    server.accounts(&["a", "b", "c"]);
    server.chat("a", "b", 3);
    server.chat("b", "a", 2);
    server.chat("c", "a", 1);
    let answer = server.ok("a", path::DELETE, &delete("a", &with("b")));
    assert_eq!(answer["ClearedThrough"], 5);
    assert_eq!(answer["ErrorDisplay"], "");
    assert_eq!(server.list("a"), ["c2c_c"]);
    assert!(server.positions("a", &with("b")).is_empty());
    assert_eq!(server.positions("a", &with("c")), [1]);
    assert_eq!(server.list("b"), ["c2c_a"]);
    assert_eq!(server.positions("b", &with("a")), [1, 2, 3, 4, 5]);
    let roam = json!({ "Operator_Account": "a", "Peer_Account": "b", "MaxCnt": 100, "MinTime": 0, "MaxTime": 9_999_999_999_u64 });
    assert_eq!(server.admin(path::ADMIN_GET_ROAM_MSG, &roam)["MsgCnt"], 0);
    let roam = json!({ "Operator_Account": "b", "Peer_Account": "a", "MaxCnt": 100, "MinTime": 0, "MaxTime": 9_999_999_999_u64 });
    assert_eq!(server.admin(path::ADMIN_GET_ROAM_MSG, &roam)["MsgCnt"], 5);
}

// DEL-3
#[test]
fn a_newer_message_brings_back_the_conversation_with_just_the_newer_ones() {
    let server = Server::start();
    server.accounts(&["a", "b"]);
    server.chat("a", "b", 4);
    server.ok("a", path::DELETE, &delete("a", &with("b")));
    assert!(server.list("a").is_empty());
    server.chat("b", "a", 2);
    assert_eq!(server.list("a"), ["c2c_b"]);
    assert_eq!(server.positions("a", &with("b")), [5, 6]);
}

// DEL-3, DEL-4
#[test]
fn the_cut_off_is_kept_never_past_the_head_and_never_lowered() {
    let server = Server::start();
    server.accounts(&["a", "b"]);
    server.chat("a", "b", 6);
    let at = |cut_off: u64| plus(delete("a", &with("b")), json!({ "CutOff": cut_off }));
    assert_eq!(server.ok("a", path::DELETE, &at(4))["ClearedThrough"], 4);
    assert_eq!(server.positions("a", &with("b")), [5, 6]);
    assert_eq!(server.list("a"), ["c2c_b"], "5 and 6 keep it in the list");
    assert_eq!(server.ok("a", path::DELETE, &at(2))["ClearedThrough"], 2);
    assert_eq!(
        server.positions("a", &with("b")),
        [5, 6],
        "a lower cut-off lowers nothing"
    );
    assert_eq!(
        server.ok("a", path::DELETE, &at(u64::MAX))["ClearedThrough"],
        6
    );
    server.chat("b", "a", 1);
    assert_eq!(
        server.positions("a", &with("b")),
        [7],
        "a cut-off past the head did not wait for it"
    );
    assert_eq!(server.stored("SELECT max(cleared_through) FROM views"), 6);
}

// DUR-4, DEL-3
#[test]
fn a_known_deletion_id_gets_the_same_answer_and_does_nothing() {
    let server = Server::start();
    server.accounts(&["a", "b"]);
    server.chat("a", "b", 3);
    let id = "0123456789abcdef0123456789abcdef";
    let request = plus(delete("a", &with("b")), json!({ "DeletionId": id }));
    assert_eq!(server.ok("a", path::DELETE, &request)["ClearedThrough"], 3);
    server.chat("b", "a", 2);
    assert_eq!(server.ok("a", path::DELETE, &request)["ClearedThrough"], 3);
    assert_eq!(
        server.positions("a", &with("b")),
        [4, 5],
        "the retry took nothing that came after"
    );
    assert_eq!(server.stored("SELECT count(*) FROM deletions"), 1);
    let other = plus(delete("a", &with("x")), json!({ "DeletionId": id }));
    assert!(
        server
            .refused("a", path::DELETE, &other, 50002)
            .contains("another conversation")
    );
    let same_id_of_another = plus(delete("b", &with("a")), json!({ "DeletionId": id }));
    assert_eq!(
        server.ok("b", path::DELETE, &same_id_of_another)["ClearedThrough"],
        5,
        "ids are the owner's own"
    );
}

// DEL-4, DEL-6
#[test]
fn what_is_unknown_or_gone_already_counts_as_deleted() {
    let server = Server::start();
    server.accounts(&["a", "b"]);
    for target in [
        with("b"),
        with("never seen"),
        in_group("nowhere"),
        in_group("@TGS#gone"),
    ] {
        for _ in 0..2 {
            assert_eq!(
                server.ok("a", path::DELETE, &delete("a", &target))["ClearedThrough"],
                0
            );
        }
    }
    server.chat("a", "b", 1);
    server.ok("a", path::DELETE, &delete("a", &with("b")));
    assert_eq!(
        server.ok("a", path::DELETE, &delete("a", &with("b")))["ClearedThrough"],
        1
    );
    assert_eq!(server.positions("b", &with("a")), [1]);
}

// DEL-6
#[test]
fn leaving_dissolving_and_unfriending_delete_nothing_and_can_be_deleted_after() {
    let server = Server::start();
    server.accounts(&["a", "b", "c"]);
    server.group("left", &["a", "b"]);
    server.group("dissolved", &["a", "b"]);
    server.group_chat("left", "b", 3);
    server.group_chat("dissolved", "b", 2);
    server.chat("a", "c", 1);
    server.admin(path::FRIEND_ADD, &json!({ "From_Account": "a", "AddFriendItem": [{ "To_Account": "c", "AddSource": "AddSource_Type_X" }] }));

    server.admin(
        path::DELETE_GROUP_MEMBER,
        &json!({ "GroupId": "left", "MemberToDel_Account": ["a", "c", "nobody"] }),
    );
    server.group_chat("left", "b", 1);
    server.admin(path::DESTROY_GROUP, &json!({ "GroupId": "dissolved" }));
    server.admin(
        path::FRIEND_DELETE,
        &json!({ "From_Account": "a", "To_Account": ["c"], "DeleteType": "Delete_Type_Both" }),
    );

    assert_eq!(server.list("a"), ["c2c_c", "group_dissolved", "group_left"]);
    assert_eq!(
        server.positions("a", &in_group("left")),
        [1, 2, 3],
        "nothing from after leaving"
    );
    assert_eq!(server.positions("a", &in_group("dissolved")), [1, 2]);
    assert_eq!(
        server.ok("a", path::DELETE, &delete("a", &in_group("left")))["ClearedThrough"],
        3
    );
    assert_eq!(
        server.ok("a", path::DELETE, &delete("a", &in_group("dissolved")))["ClearedThrough"],
        2
    );
    assert_eq!(
        server.ok("a", path::DELETE, &delete("a", &with("c")))["ClearedThrough"],
        1
    );
    assert!(server.list("a").is_empty());
    assert_eq!(server.positions("b", &in_group("left")), [1, 2, 3, 4]);
    assert_eq!(server.list("b"), ["group_dissolved", "group_left"]);

    // Joining again shows what comes from now on.
    server.admin(
        path::ADD_GROUP_MEMBER,
        &json!({ "GroupId": "left", "MemberList": [{ "Member_Account": "a" }] }),
    );
    assert!(server.positions("a", &in_group("left")).is_empty());
    server.group_chat("left", "b", 1);
    assert_eq!(server.positions("a", &in_group("left")), [5]);
}

// DEL-8
#[test]
fn without_clear_ramble_only_the_list_entry_goes() {
    let server = Server::start();
    server.accounts(&["a", "b"]);
    server.chat("a", "b", 2);
    let request = plus(with("b"), json!({ "From_Account": "a" }));
    server.ok("a", path::DELETE, &request);
    assert!(server.list("a").is_empty());
    assert_eq!(
        server.positions("a", &with("b")),
        [1, 2],
        "the history is kept"
    );
    assert!(
        server.view("a", "phone", "b").is_none(),
        "nothing to show and nothing to erase"
    );
    server.chat("b", "a", 1);
    assert_eq!(server.list("a"), ["c2c_b"]);
    assert_eq!(
        server.positions("a", &with("b")),
        [1, 2, 3],
        "and returns with it"
    );
}

#[test]
fn published_spellings_of_a_group_are_taken() {
    let server = Server::start();
    server.accounts(&["a"]);
    for (group, request) in [
        (
            "one",
            json!({ "From_Account": "a", "Type": 2, "ToGroupid": "one", "ClearRamble": 1 }),
        ),
        (
            "two",
            json!({ "From_Account": "a", "type": 2, "To_Account": "two", "ClearRamble": 1 }),
        ),
    ] {
        server.group(group, &["a"]);
        server.group_chat(group, "a", 2);
        assert_eq!(server.admin(path::DELETE, &request)["ClearedThrough"], 2);
        assert!(server.positions("a", &in_group(group)).is_empty());
    }
}

// DEL-4
#[test]
fn a_batch_has_a_result_for_each_item() {
    let server = Server::start();
    server.accounts(&["a", "b", "c"]);
    server.chat("a", "b", 3);
    server.chat("a", "c", 2);
    let answer = server.ok("a", path::BATCH_DELETE, &json!({ "From_Account": "a", "DeviceId": "phone", "DeleteItem": [
        { "Type": 1, "To_Account": "b", "ClearRamble": 1 },
        { "Type": 3, "To_Account": "b", "ClearRamble": 1 },
        { "Type": 1, "To_Account": "c", "ClearRamble": 1, "CutOff": 1, "DeletionId": "00000000000000000000000000000001" },
        { "Type": 2, "ToGroupid": "nowhere", "ClearRamble": 1 },
    ]}));
    let results = answer["ResultItem"].as_array().unwrap();
    let codes: Vec<_> = results
        .iter()
        .map(|result| result["ResultCode"].as_i64().unwrap())
        .collect();
    assert_eq!(codes, [0, 50002, 0, 0]);
    assert_eq!(results[0]["ClearedThrough"], 3);
    assert_eq!(results[2]["ClearedThrough"], 1);
    assert_eq!(server.positions("a", &with("c")), [2]);
    let many: Vec<_> = (0..101)
        .map(|at| json!({ "Type": 1, "To_Account": format!("u{at}") }))
        .collect();
    server.refused(
        "a",
        path::BATCH_DELETE,
        &json!({ "From_Account": "a", "DeleteItem": many }),
        50002,
    );
    server.refused(
        "a",
        path::BATCH_DELETE,
        &json!({ "From_Account": "a", "DeleteItem": [] }),
        50002,
    );
    server.refused(
        ADMIN,
        path::BATCH_DELETE,
        &json!({ "From_Account": "nobody", "DeleteItem": [with("b")] }),
        50001,
    );
}

// DUR-7, SYNC-1, SYNC-3
#[test]
fn a_device_is_told_of_its_own_deletions_and_with_sync_off_of_no_others() {
    let server = Server::start();
    server.accounts(&["a", "b"]);
    server.chat("b", "a", 5);
    let request = plus(
        delete("a", &with("b")),
        json!({ "DeviceId": "phone", "CutOff": 4 }),
    );
    server.ok("a", path::DELETE, &request);
    let phone = server.view("a", "phone", "b").unwrap();
    assert_eq!(
        (
            &phone["EraseThrough"],
            &phone["ClearedThrough"],
            &phone["Head"]
        ),
        (&json!(4), &json!(4), &json!(5))
    );
    let tablet = server.view("a", "tablet", "b").unwrap();
    assert_eq!(
        (&tablet["EraseThrough"], &tablet["ClearedThrough"]),
        (&json!(0), &json!(4))
    );
    server.ok("a", path::DELETE, &delete("a", &with("b")));
    let phone = server.view("a", "phone", "b").unwrap();
    assert_eq!(
        (&phone["EraseThrough"], &phone["Head"]),
        (&json!(4), &json!(0)),
        "hidden, and still to be erased"
    );
    assert!(
        server.view("a", "tablet", "b").is_none(),
        "not in the list, and nothing to erase"
    );
}

// SYNC-2, SYNC-3
#[test]
fn with_sync_on_other_devices_are_told_and_what_was_deleted_before_is_not_sent_later() {
    let mut server = Server::start();
    server.accounts(&["a", "b", "c"]);
    server.chat("b", "a", 2);
    server.chat("c", "a", 3);
    server.ok(
        "a",
        path::DELETE,
        &plus(delete("a", &with("b")), json!({ "DeviceId": "phone" })),
    );
    assert!(server.stop());
    server.run_with(&["--sync-deletions", "on"]);
    server.ok(
        "a",
        path::DELETE,
        &plus(delete("a", &with("c")), json!({ "DeviceId": "phone" })),
    );
    assert_eq!(server.view("a", "tablet", "c").unwrap()["EraseThrough"], 3);
    assert!(
        server.view("a", "tablet", "b").is_none(),
        "deleted while it was off"
    );
    assert!(server.stop());
    // The switch is the store's: a start without the flag changes nothing.
    server.run_with(&[]);
    server.chat("b", "a", 1);
    server.ok(ADMIN, path::DELETE, &delete("a", &with("b")));
    assert_eq!(
        server.view("a", "tablet", "b").unwrap()["EraseThrough"],
        3,
        "a back end's deletion is propagated too"
    );
}

// DUR-7
#[test]
fn what_was_answered_survives_a_kill() {
    let mut server = Server::start();
    server.accounts(&["a", "b"]);
    for round in 1..=5_u64 {
        server.chat("b", "a", 2);
        assert_eq!(
            server.ok("a", path::DELETE, &delete("a", &with("b")))["ClearedThrough"],
            2 * round
        );
        server.kill();
        server.run();
        assert!(
            server.positions("a", &with("b")).is_empty(),
            "round {round}"
        );
        assert_eq!(server.positions("b", &with("a")).len() as u64, 2 * round);
    }
}

// ERA-3 (the server's half)
#[test]
fn what_nobody_can_reach_leaves_the_file() {
    let server = Server::start();
    server.accounts(&["a", "b", "c"]);
    server.chat("a", "b", 30);
    server.group("g", &["a", "b"]);
    server.group_chat("g", "a", 20);
    assert_eq!(server.stored(MESSAGES), 50);

    server.ok("a", path::DELETE, &delete("a", &with("b")));
    server.ok("a", path::DELETE, &delete("a", &in_group("g")));
    server.wait_for("SELECT count(*) FROM purge_work", 0);
    assert_eq!(server.stored(MESSAGES), 50, "the other side keeps its copy");

    server.ok(
        "b",
        path::DELETE,
        &plus(delete("b", &with("a")), json!({ "CutOff": 12 })),
    );
    server.wait_for(MESSAGES, 38);
    assert_eq!(
        server.positions("b", &with("a")),
        (13..=30).collect::<Vec<_>>()
    );
    server.ok("b", path::DELETE, &delete("b", &with("a")));
    server.wait_for(MESSAGES, 20);

    // Left by one who keeps its history, dissolved, and deleted at last.
    server.admin(
        path::DELETE_GROUP_MEMBER,
        &json!({ "GroupId": "g", "MemberToDel_Account": ["b"] }),
    );
    server.admin(path::DESTROY_GROUP, &json!({ "GroupId": "g" }));
    server.wait_for("SELECT count(*) FROM purge_work", 0);
    assert_eq!(server.positions("b", &in_group("g")).len(), 20);
    server.ok("b", path::DELETE, &delete("b", &in_group("g")));
    server.wait_for(MESSAGES, 0);
}

// DUR-7
#[test]
fn many_at_once_each_get_their_own_answer() {
    let server = Server::start();
    let names: Vec<String> = (0..16).map(|at| format!("u{at}")).collect();
    server.accounts(&names.iter().map(String::as_str).collect::<Vec<_>>());
    server.group("g", &names.iter().map(String::as_str).collect::<Vec<_>>());
    server.group_chat("g", "u0", 8);
    std::thread::scope(|scope| {
        for (at, name) in names.iter().enumerate() {
            let server = &server;
            scope.spawn(move || {
                for cut_off in 1..=8_u64 {
                    let request = plus(
                        delete(name, &in_group("g")),
                        json!({ "CutOff": cut_off.min(at as u64) }),
                    );
                    let answer = server.ok(name, path::DELETE, &request);
                    assert_eq!(answer["ClearedThrough"], cut_off.min(at as u64));
                }
            });
        }
    });
    for (at, name) in names.iter().enumerate() {
        let expected: Vec<u64> = (at.min(8) as u64 + 1..=8).collect();
        assert_eq!(server.positions(name, &in_group("g")), expected, "{name}");
    }
}
