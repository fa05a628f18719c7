//! Every call by everybody: what it is answered, and that a refused one changes and shows nothing.

use std::collections::BTreeSet;

use adieu_protocol::{path, user_sig::Signer};
use serde_json::{Value, json};

use crate::{
    snapshot,
    support::{
        ADMIN, APP, PASSWORD, SECRET, Server, WITH_PASSWORD, body, in_group, now, plus, with,
    },
};

/// Stands in every message, title, remark and name here.
const WHISPER: &str = "whisper";
/// What a refusal says of itself.
const ENVELOPE: [&str; 4] = ["ActionStatus", "ErrorCode", "ErrorInfo", "ErrorDisplay"];

/// A call, and who may make it. `alice` is who asks where it is no administrator.
struct Row {
    path: &'static str,
    /// What alice asks about herself, and the number that she gets.
    own: (Value, i64),
    /// What she asks about others, and the numbers.
    others: Vec<(Value, i64)>,
}

fn row(path: &'static str, own: (Value, i64), others: Vec<(Value, i64)>) -> Row {
    Row { path, own, others }
}

/// The administrator may make every call, about everybody.
fn table() -> Vec<Row> {
    let of = |owner: &str, request: Value| plus(request, json!({ "From_Account": owner }));
    let sent = |request: Value| plus(request, json!({ "MsgRandom": 7, "MsgBody": body("hello") }));
    let said = |request: Value| plus(request, json!({ "Random": 7, "MsgBody": body("hello") }));
    let roam = |owner: &str, peer: &str| json!({ "Operator_Account": owner, "Peer_Account": peer, "MaxCnt": 9, "MinTime": 0, "MaxTime": now() + 9 });
    let delete =
        |owner: &str, target: &Value| of(owner, plus(target.clone(), json!({ "ClearRamble": 1 })));
    let (club, den) = (json!({ "GroupId": "club" }), json!({ "GroupId": "den" }));
    let page = json!({ "ReqMsgNumber": 9 });
    let friend =
        json!({ "AddFriendItem": [{ "To_Account": "dave", "AddSource": "AddSource_Type_x" }] });
    let unfriend = json!({ "To_Account": ["dave"] });
    let create = |id: &str, owner: &str| json!({ "Type": "Public", "Name": "n", "GroupId": id, "Owner_Account": owner });
    let member = |group: &Value, name: &str| {
        plus(
            group.clone(),
            json!({ "MemberList": [{ "Member_Account": name }] }),
        )
    };
    let gone =
        |group: &Value, name: &str| plus(group.clone(), json!({ "MemberToDel_Account": [name] }));
    vec![
        row(
            path::ACCOUNT_IMPORT,
            (json!({ "UserID": "alice", "Nick": "a" }), 60010),
            vec![
                (json!({ "UserID": "bob", "Nick": "b" }), 60010),
                (json!({ "UserID": "new" }), 60010),
            ],
        ),
        row(
            path::SEND_MSG,
            (sent(of("alice", json!({ "To_Account": "bob" }))), 0),
            vec![(sent(of("bob", json!({ "To_Account": "alice" }))), 90009)],
        ),
        row(
            path::ADMIN_GET_ROAM_MSG,
            (roam("alice", "bob"), 0),
            vec![(roam("bob", "alice"), 90009), (roam("bob", "carol"), 90009)],
        ),
        row(
            path::CREATE_GROUP,
            (create("hers", "alice"), 60010),
            vec![(create("his", "bob"), 60010)],
        ),
        row(
            path::ADD_GROUP_MEMBER,
            (member(&den, "alice"), 60010),
            vec![(member(&club, "carol"), 60010)],
        ),
        row(
            path::SEND_GROUP_MSG,
            (said(of("alice", club.clone())), 0),
            vec![
                (said(of("bob", club.clone())), 10007),
                (said(of("bob", den.clone())), 10007),
            ],
        ),
        row(
            path::GROUP_MSG_GET_SIMPLE,
            (plus(club.clone(), page.clone()), 0),
            vec![(plus(den.clone(), page), 10007)],
        ),
        row(
            path::FRIEND_ADD,
            (of("alice", friend.clone()), 0),
            vec![(of("bob", friend), 30004)],
        ),
        row(
            path::FRIEND_GET,
            (of("alice", json!({ "StartIndex": 0 })), 0),
            vec![(of("bob", json!({ "StartIndex": 0 })), 30004)],
        ),
        row(
            path::FRIEND_DELETE,
            (of("alice", unfriend.clone()), 0),
            vec![(of("bob", unfriend), 30004)],
        ),
        row(
            path::GET_LIST,
            (of("alice", json!({})), 0),
            vec![(of("bob", json!({})), 50003)],
        ),
        row(
            path::SYNC,
            (of("alice", json!({ "DeviceId": "phone" })), 0),
            vec![(of("bob", json!({ "DeviceId": "phone" })), 50003)],
        ),
        row(
            path::GET_HISTORY,
            (of("alice", with("bob")), 0),
            vec![
                (of("bob", with("alice")), 50003),
                (of("bob", in_group("den")), 50003),
            ],
        ),
        row(
            path::DELETE,
            (delete("alice", &with("bob")), 0),
            vec![
                (delete("bob", &with("alice")), 50003),
                (delete("bob", &in_group("den")), 50003),
                (delete(ADMIN, &with("alice")), 50003),
            ],
        ),
        row(
            path::BATCH_DELETE,
            (of("alice", json!({ "DeleteItem": [in_group("club")] })), 0),
            vec![(of("bob", json!({ "DeleteItem": [with("carol")] })), 50003)],
        ),
        row(
            path::SYNC_DELETIONS,
            (json!({}), 60010),
            vec![(json!({ "SyncDeletions": 1 }), 60010)],
        ),
        row(
            path::DELETE_GROUP_MEMBER,
            (gone(&club, "alice"), 60010),
            vec![(gone(&den, "bob"), 60010)],
        ),
        row(path::DESTROY_GROUP, (club, 60010), vec![(den, 60010)]),
    ]
}

/// alice talks to bob, bob to carol; bob and carol have a group that she is not in.
fn world(server: &Server) {
    server.accounts(&["alice", "bob", "carol", "dave"]);
    server.group("club", &["alice", "bob"]);
    server.group("den", &["bob", "carol"]);
    for (from, to) in [("alice", "bob"), ("bob", "alice"), ("bob", "carol")] {
        let message = json!({ "From_Account": from, "To_Account": to, "MsgRandom": 1, "MsgBody": body(WHISPER) });
        server.admin(path::SEND_MSG, &message);
    }
    for group in ["club", "den"] {
        let message = json!({ "GroupId": group, "From_Account": "bob", "Random": 1, "MsgBody": body(WHISPER) });
        server.admin(path::SEND_GROUP_MSG, &message);
    }
    let item = json!({ "To_Account": "carol", "Remark": WHISPER, "AddSource": "AddSource_Type_x" });
    server.admin(
        path::FRIEND_ADD,
        &json!({ "From_Account": "bob", "AddFriendItem": [item] }),
    );
}

/// Names and credentials that let nobody in, and the number of each.
fn nobody() -> Vec<(&'static str, Option<String>, i64)> {
    let signer = Signer::new(APP, SECRET.as_bytes());
    let forger = Signer::new(APP, b"another secret");
    let neighbour = Signer::new(APP + 1, SECRET.as_bytes());
    let mut all = vec![(ADMIN, Some(signer.sign("alice", now(), 600)), 70013)];
    for name in ["alice", ADMIN] {
        all.push((name, None, 70002));
        all.push((name, Some(forger.sign(name, now(), 600)), 70009));
        all.push((name, Some(neighbour.sign(name, now(), 600)), 70014));
        all.push((name, Some(signer.sign(name, now() - 601, 600)), 70001));
    }
    all
}

/// The call is refused with this number, says no more than that, and leaves the store as it was.
fn is_refused(server: &Server, who: (&str, &str), path: &str, request: &Value, code: i64) {
    let before = snapshot::of(server);
    let answer = server.post_raw(
        &server.url(path, who.0, who.1),
        request.to_string().as_bytes(),
    );
    let case = format!("{path} by {} with {request}: {answer}", who.0);
    assert_eq!(answer["ErrorCode"], code, "{case}");
    assert_eq!(answer["ActionStatus"], "FAIL", "{case}");
    let fields = answer.as_object().unwrap();
    assert!(
        fields.keys().all(|name| ENVELOPE.contains(&&**name)),
        "{case}"
    );
    assert!(!answer.to_string().contains(WHISPER), "{case}");
    snapshot::assert_unchanged(server, &before, &case);
}

#[test]
fn every_call_by_everybody() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/openapi.json");
    let page: Value = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    let described: BTreeSet<String> = page["paths"].as_object().unwrap().keys().cloned().collect();
    let table = table();
    let tried: BTreeSet<String> = table.iter().map(|row| format!("/{}", row.path)).collect();
    assert_eq!(
        tried, described,
        "a call without a row, or a row without a call"
    );

    let server = Server::start_embedded();
    world(&server);
    let sig = |name: &str| Signer::new(APP, SECRET.as_bytes()).sign(name, now(), 600);
    // First whatever is refused, while nothing moves.
    let mut refusals = 0;
    for row in &table {
        let all = || std::iter::once(&row.own).chain(&row.others);
        for (request, _) in all() {
            for (name, sig, code) in nobody() {
                is_refused(
                    &server,
                    (name, &sig.unwrap_or_default()),
                    row.path,
                    request,
                    code,
                );
                refusals += 1;
            }
        }
        for (request, code) in all().filter(|(_, code)| *code != 0) {
            is_refused(&server, ("alice", &sig("alice")), row.path, request, *code);
            refusals += 1;
        }
    }
    assert!(refusals > 300, "{refusals}");
    for row in &table {
        if row.own.1 == 0 {
            server.ok("alice", row.path, &row.own.0);
        }
        for (request, _) in std::iter::once(&row.own).chain(&row.others) {
            server.admin(row.path, request);
        }
    }
}

/// What a request of the console shows.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Shows {
    Nothing,
    AForgedCookie,
    ACookieOfBefore,
    OnlyTheCookie,
    TheTokenOfAnother,
    CookieAndToken,
}

const SHOWN: [Shows; 6] = [
    Shows::Nothing,
    Shows::AForgedCookie,
    Shows::ACookieOfBefore,
    Shows::OnlyTheCookie,
    Shows::TheTokenOfAnother,
    Shows::CookieAndToken,
];

/// Method, path, body, and the status for each of [`SHOWN`]. The page itself is for everybody; it
/// shows nothing without the state.
const CONSOLE: [(&str, &str, &str, [u16; 6]); 12] = [
    ("GET", "/healthz", "", [200; 6]),
    ("GET", "/metrics", "", [200; 6]),
    ("GET", "/console", "", [200; 6]),
    ("GET", "/console/", "", [308; 6]),
    ("GET", "/console/console.css", "", [200; 6]),
    ("GET", "/console/console.js", "", [200; 6]),
    ("GET", "/console/icon.svg", "", [200; 6]),
    ("GET", "/console/{*rest}", "", [404; 6]),
    (
        "POST",
        "/console/api/sign-in",
        r#"{"password":"not the password"}"#,
        [401; 6],
    ),
    (
        "GET",
        "/console/api/state",
        "",
        [401, 401, 401, 200, 200, 200],
    ),
    (
        "POST",
        "/console/api/sync-deletions",
        r#"{"on":true}"#,
        [401, 401, 401, 403, 403, 204],
    ),
    (
        "POST",
        "/console/api/sign-out",
        "{}",
        [401, 401, 401, 403, 403, 204],
    ),
];

/// The paths that a source file routes.
fn routed(source: &str) -> impl Iterator<Item = &str> {
    let calls = source.split(".route(").skip(1);
    calls.map(|call| call.split('"').nth(1).unwrap())
}

struct Operator<'a> {
    server: &'a Server,
    agent: ureq::Agent,
}

impl Operator<'_> {
    fn request(
        &self,
        (method, path, body): (&str, &str, &str),
        cookie: &str,
        token: &str,
    ) -> (u16, String, String) {
        let request = ureq::http::Request::builder()
            .method(method)
            .uri(format!(
                "http://{}{}",
                self.server.address,
                path.replace("{*rest}", "nothing")
            ))
            .header("Content-Type", "application/json")
            .header("Cookie", format!("adieu_console={cookie}"))
            .header("X-CSRF-Token", token);
        let mut answer = self
            .agent
            .run(request.body(body.to_owned()).unwrap())
            .unwrap();
        let cookie = answer.headers().get("set-cookie").map(|line| {
            let pair = line.to_str().unwrap().split(';').next().unwrap();
            pair.strip_prefix("adieu_console=").unwrap().to_owned()
        });
        (
            answer.status().as_u16(),
            cookie.unwrap_or_default(),
            answer.body_mut().read_to_string().unwrap(),
        )
    }

    /// A session's cookie and token.
    fn signs_in(&self) -> (String, String) {
        let body = json!({ "password": PASSWORD }).to_string();
        let (status, cookie, text) = self.request(("POST", "/console/api/sign-in", &body), "", "");
        assert_eq!(status, 200, "{text}");
        let answer: Value = serde_json::from_str(&text).unwrap();
        (cookie, answer["csrf"].as_str().unwrap().to_owned())
    }
}

#[test]
fn every_call_of_the_console_by_everybody() {
    let sources = [
        include_str!("../../src/console/mod.rs"),
        include_str!("../../src/routes/mod.rs"),
    ];
    let routes: BTreeSet<&str> = sources.iter().flat_map(|source| routed(source)).collect();
    let tried: BTreeSet<&str> = CONSOLE.iter().map(|(_, path, ..)| *path).collect();
    assert_eq!(
        tried, routes,
        "a route without a row, or a row without a route"
    );

    let server = Server::start_on(None, &WITH_PASSWORD);
    world(&server);
    let agent = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .build()
        .into();
    let operator = Operator {
        server: &server,
        agent,
    };
    let past = operator.signs_in();
    let out = ("POST", "/console/api/sign-out", "{}");
    assert_eq!(operator.request(out, &past.0, &past.1).0, 204);
    let (session, other) = (operator.signs_in(), operator.signs_in());
    for (method, path, body, statuses) in CONSOLE {
        for (shows, wanted) in SHOWN.into_iter().zip(statuses) {
            let (cookie, token) = match shows {
                Shows::Nothing => ("", ""),
                Shows::AForgedCookie => ("bm90IGEgc2Vzc2lvbg", &*session.1),
                Shows::ACookieOfBefore => (&*past.0, &*past.1),
                Shows::OnlyTheCookie => (&*session.0, ""),
                Shows::TheTokenOfAnother => (&*session.0, &*other.1),
                Shows::CookieAndToken => (&*session.0, &*session.1),
            };
            let before = snapshot::of(&server);
            let (status, _, text) = operator.request((method, path, body), cookie, token);
            assert_eq!(status, wanted, "{method} {path} with {shows:?}: {text}");
            assert!(!text.contains(WHISPER), "never content: {path}");
            if wanted != 204 {
                snapshot::assert_unchanged(&server, &before, &format!("{path} with {shows:?}"));
            }
        }
    }
    let state = ("GET", "/console/api/state", "");
    assert_eq!(
        operator.request(state, &session.0, "").0,
        401,
        "signed out at last"
    );
    assert_eq!(
        operator.request(state, &other.0, "").0,
        200,
        "this one is not"
    );
}
