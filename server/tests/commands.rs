//! The commands `usersig` and `import`.

#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests; a failure is the test's"
)]

mod support;

use std::process::{Command, Output};

use adieu_protocol::user_sig::Signer;
use serde_json::Value;
use support::{APP, SECRET, Server, in_group, now, with};

fn run(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_adieu-server"))
        .args(args)
        .output()
        .unwrap()
}

#[test]
fn usersig_prints_a_credential_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let secret = dir.path().join("secret");
    std::fs::write(&secret, format!("{SECRET}\n")).unwrap();
    let secret = secret.to_str().unwrap();
    let printed = run(&[
        "usersig",
        "--app-id",
        &APP.to_string(),
        "--secret-file",
        secret,
        "--identifier",
        "xiaojun",
        "--time",
        "1700000000",
        "--expire",
        "15552000",
    ]);
    assert!(printed.status.success());
    let text = String::from_utf8(printed.stdout).unwrap();
    let sig = text.strip_suffix('\n').unwrap();
    let signer = Signer::new(APP, SECRET.as_bytes());
    assert_eq!(signer.verify(sig, "xiaojun", 1_700_000_000), Ok(()));
    let too_long = run(&[
        "usersig",
        "--app-id",
        "1",
        "--secret-file",
        secret,
        "--identifier",
        &"x".repeat(33),
    ]);
    assert!(!too_long.status.success());
    let missing = run(&[
        "usersig",
        "--app-id",
        "1",
        "--secret-file",
        "/nowhere",
        "--identifier",
        "x",
    ]);
    assert!(String::from_utf8_lossy(&missing.stderr).contains("/nowhere"));
}

fn import(server: &Server, name: &str, log: &[u8]) -> Value {
    let file = server.dir.path().join(name);
    std::fs::write(&file, log).unwrap();
    let done = run(&[
        "import",
        file.to_str().unwrap(),
        "--store",
        &server.url_of_store,
        "--json",
    ]);
    assert!(done.status.success(), "{done:?}");
    serde_json::from_slice(&done.stdout).unwrap()
}

const LOG: &str = r#"{"conversation":"c2c_bob:al","sender":"al","time":1000,"text":"hello"}
{"conversation":"c2c_bob:al","sender":"bob","time":1001,"text":"hello yourself"}
{"conversation":"group_tea","sender":"al","time":900,"text":"is there tea?"}
{"conversation":"group_tea","sender":"a nick that is far too long to be an id","time":901,"text":"yes"}
{"conversation":"group_tea","sender":"bob","time":902,"text":"no"}
not json

{"conversation":"c2c_bob:al","sender":"eve","time":1002,"text":"let me in"}
{"conversation":"group_tea","sender":"bob","time":850,"text":"earlier"}"#;

#[test]
fn a_log_is_loaded_and_what_it_cannot_take_is_named() {
    let mut server = Server::start();
    assert!(server.stop());
    for (name, log) in [
        ("log.jsonl", LOG.as_bytes().to_vec()),
        (
            "log.jsonl.zst",
            zstd::encode_all(LOG.as_bytes(), 3).unwrap(),
        ),
    ] {
        let summary = import(&server, name, &log);
        assert_eq!(summary["messages"], 5, "{summary}");
        assert_eq!(summary["conversations"], 2);
        assert_eq!(summary["rejected"], 4);
        assert_eq!(
            summary["out_of_order"],
            if name == "log.jsonl" { 1 } else { 3 }
        );
        let lines: Vec<_> = summary["first_rejected"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["line"].as_u64().unwrap())
            .collect();
        assert_eq!(lines, [4, 6, 7, 8]);
        assert_eq!(summary["reasons"].as_object().unwrap().len(), 4);
    }
    server.run();
    // Loaded twice, appended twice; members see a group from its beginning.
    assert_eq!(server.positions("al", &with("bob")), [1, 2, 3, 4]);
    assert_eq!(
        server.positions("bob", &in_group("tea")),
        [1, 2, 3, 4, 5, 6]
    );
    assert_eq!(server.list("al"), ["c2c_bob", "group_tea"]);
    let history = server.admin(
        "v4/recentcontact/get_history",
        &serde_json::json!({ "From_Account": "al", "Type": 1, "To_Account": "bob", "MaxCnt": 2 }),
    );
    assert_eq!(
        history["Messages"][1]["MsgBody"],
        support::body("hello yourself")
    );
    assert_eq!(history["Messages"][1]["MsgTime"], 1001);
    server.chat("al", "bob", 1);
    assert_eq!(server.positions("bob", &with("al")), [1, 2, 3, 4, 5]);
    // A log that went back in time is still paged without loss.
    let mut request = serde_json::json!({ "Operator_Account": "al", "Peer_Account": "bob", "MaxCnt": 2, "MinTime": 0, "MaxTime": now() + 5 });
    let mut texts = Vec::new();
    loop {
        let page = server.admin("v4/openim/admin_getroammsg", &request);
        for message in page["MsgList"].as_array().unwrap().iter().rev() {
            texts.push(message["MsgTimeStamp"].as_u64().unwrap());
        }
        if page["Complete"] == 1 {
            break;
        }
        request["MaxTime"] = page["LastMsgTime"].clone();
        request["LastMsgKey"] = page["LastMsgKey"].clone();
    }
    assert_eq!(texts[1..], [1001, 1001, 1000, 1000]);
}
