//! The console over HTTP: who is let in, what a change needs, and what the page never does.

#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests; a failure is the test's"
)]

mod support;

use adieu_protocol::{path, user_sig::Signer};
use serde_json::{Value, json};
use support::{
    ADMIN, APP, DEADLINE, PASSWORD, SECRET, Server, WITH_PASSWORD, delete, in_group, now, plus,
    with,
};

/// A browser, as far as the server can tell.
struct Browser {
    agent: ureq::Agent,
    url: String,
    cookie: Option<String>,
    csrf: String,
}

struct Answer {
    status: u16,
    headers: ureq::http::HeaderMap,
    text: String,
}

impl Answer {
    fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap()
    }
}

impl Browser {
    fn new(server: &Server) -> Self {
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .timeout_global(Some(DEADLINE))
            .build();
        Self {
            agent: agent.into(),
            url: format!("http://{}/console", server.address),
            cookie: None,
            csrf: String::new(),
        }
    }

    fn request(
        &self,
        method: &str,
        path: &str,
        body: Option<&str>,
        headers: &[(&str, &str)],
    ) -> Answer {
        let mut request = ureq::http::Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.url));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(cookie) = &self.cookie {
            request = request.header("Cookie", format!("other=1; adieu_console={cookie}"));
        }
        let mut answer = self
            .agent
            .run(request.body(body.unwrap_or_default().to_owned()).unwrap())
            .unwrap();
        Answer {
            status: answer.status().as_u16(),
            headers: answer.headers().clone(),
            text: answer.body_mut().read_to_string().unwrap(),
        }
    }

    fn get(&self, path: &str) -> Answer {
        self.request("GET", path, None, &[])
    }

    /// As the page does it.
    fn post(&self, path: &str, body: &Value) -> Answer {
        let headers = [
            ("Content-Type", "application/json"),
            ("X-CSRF-Token", &self.csrf),
        ];
        self.request("POST", path, Some(&body.to_string()), &headers)
    }

    fn sign_in(&mut self, password: &str) -> Answer {
        let answer = self.post("/api/sign-in", &json!({ "password": password }));
        if answer.status == 200 {
            let cookie = answer.header("set-cookie").split(';').next().unwrap();
            self.cookie = Some(cookie.strip_prefix("adieu_console=").unwrap().to_owned());
            self.csrf = answer.json()["csrf"].as_str().unwrap().to_owned();
        }
        answer
    }

    fn state(&self) -> Value {
        let answer = self.get("/api/state");
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.json()
    }
}

fn signed_in(server: &Server) -> Browser {
    let mut browser = Browser::new(server);
    assert_eq!(browser.sign_in(PASSWORD).status, 200);
    browser
}

// SYNC-1
#[test]
fn the_operator_signs_in_and_sets_the_switch() {
    let server = Server::start_with(&WITH_PASSWORD);
    let mut browser = Browser::new(&server);
    let answer = browser.sign_in(PASSWORD);
    assert_eq!(answer.status, 200);
    let cookie = answer.header("set-cookie");
    for attribute in ["HttpOnly", "SameSite=Strict", "Path=/console"] {
        assert!(cookie.contains(attribute), "{cookie}");
    }
    assert!(!cookie.contains("Secure"), "this one is not behind https");
    assert_eq!(browser.state()["syncDeletions"], false);
    assert_eq!(
        browser
            .post("/api/sync-deletions", &json!({ "on": true }))
            .status,
        204
    );
    assert_eq!(browser.state()["syncDeletions"], true);
    assert_eq!(
        server.admin(path::SYNC_DELETIONS, &json!({}))["SyncDeletions"],
        1
    );
    assert_eq!(
        browser
            .post("/api/sync-deletions", &json!({ "on": false }))
            .status,
        204
    );
    assert_eq!(
        server.admin(path::SYNC_DELETIONS, &json!({}))["SyncDeletions"],
        0
    );
}

#[test]
fn a_user_sig_of_the_administrator_opens_and_no_other() {
    let server = Server::start();
    let signer = Signer::new(APP, SECRET.as_bytes());
    let mut browser = Browser::new(&server);
    for wrong in [
        "",
        " ",
        PASSWORD,
        &signer.sign("a", now(), 600),
        &signer.sign(ADMIN, now() - 1_000, 600),
        &Signer::new(APP, b"another secret").sign(ADMIN, now(), 600),
        &Signer::new(7, SECRET.as_bytes()).sign(ADMIN, now(), 600),
    ] {
        assert_eq!(browser.sign_in(wrong).status, 401, "{wrong:?}");
    }
    assert_eq!(browser.sign_in(&signer.sign(ADMIN, now(), 600)).status, 200);
}

#[test]
fn behind_https_the_cookie_goes_nowhere_else() {
    let server = Server::start_with(&["--behind-https", WITH_PASSWORD[0], WITH_PASSWORD[1]]);
    let cookie = Browser::new(&server)
        .sign_in(PASSWORD)
        .header("set-cookie")
        .to_owned();
    assert!(cookie.contains("; Secure"), "{cookie}");
}

#[test]
fn a_password_that_can_be_guessed_is_not_taken() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("secret"), SECRET).unwrap();
    std::fs::write(dir.path().join("password"), "short\n").unwrap();
    let ended = Server::command(dir.path())
        .arg("--console-password-file")
        .arg(dir.path().join("password"))
        .output()
        .unwrap();
    assert!(!ended.status.success());
    let said = String::from_utf8(ended.stderr).unwrap();
    assert!(
        said.contains("fewer than 16 bytes") && !said.contains("short"),
        "{said}"
    );
}

#[test]
fn a_thousand_wrong_passwords_are_held_up_and_none_is_logged() {
    let server = Server::start_with(&["--log-level", "trace", WITH_PASSWORD[0], WITH_PASSWORD[1]]);
    let mut browser = Browser::new(&server);
    let mut answers = [0; 2];
    for at in 0..1_000 {
        let answer = browser.sign_in(&format!("hunter{at} is no password"));
        match answer.status {
            401 => answers[0] += 1,
            429 => {
                answers[1] += 1;
                let seconds: u64 = answer.header("retry-after").parse().unwrap();
                assert!((1..=60).contains(&seconds));
            }
            other => panic!("{other}"),
        }
    }
    // As many as come at once, and some for the time it took.
    assert!((10..=60).contains(&answers[0]), "{answers:?}");
    assert_eq!(
        browser.sign_in(PASSWORD).status,
        429,
        "not even the right one"
    );
    let log = server.log();
    assert!(log.contains("a sign-in to the console was refused"));
    assert!(
        !log.contains("hunter") && !log.contains(PASSWORD) && !log.contains(SECRET),
        "{log}"
    );
}

#[test]
fn a_stolen_cookie_is_of_no_use_after_sign_out() {
    let mut server = Server::start_with(&WITH_PASSWORD);
    let browser = signed_in(&server);
    let thief = Browser {
        cookie: browser.cookie.clone(),
        csrf: browser.csrf.clone(),
        ..Browser::new(&server)
    };
    let seen = thief.state()["seen"].clone();
    // One request of the thief is held while the operator signs out.
    let held = std::thread::spawn(move || {
        let answer = thief.get(&format!("/api/state?seen={seen}"));
        (thief, answer)
    });
    std::thread::sleep(std::time::Duration::from_millis(200));
    let answer = browser.post("/api/sign-out", &json!({}));
    assert_eq!(answer.status, 204);
    assert!(
        answer.header("set-cookie").contains("Max-Age=0"),
        "{}",
        answer.header("set-cookie")
    );
    let (thief, answer) = held.join().unwrap();
    assert_eq!(answer.status, 401, "also what was asked before");
    for answer in [
        thief.get("/api/state"),
        thief.post("/api/sync-deletions", &json!({ "on": true })),
        thief.post("/api/sign-out", &json!({})),
    ] {
        assert_eq!(answer.status, 401);
    }
    assert_eq!(
        server.admin(path::SYNC_DELETIONS, &json!({}))["SyncDeletions"],
        0
    );
    // And a restart signs everybody out.
    let browser = signed_in(&server);
    assert!(server.stop());
    server.run();
    let after = Browser {
        cookie: browser.cookie,
        csrf: browser.csrf,
        ..Browser::new(&server)
    };
    assert_eq!(after.get("/api/state").status, 401);
}

#[test]
fn a_change_needs_the_token_of_the_page() {
    let server = Server::start_with(&WITH_PASSWORD);
    let browser = signed_in(&server);
    let other = signed_in(&server);
    let on = Some(r#"{"on":true}"#);
    const JSON: (&str, &str) = ("Content-Type", "application/json");
    for (headers, status) in [
        (vec![JSON], 403),
        (vec![JSON, ("X-CSRF-Token", "")], 403),
        (vec![JSON, ("X-CSRF-Token", "guessed")], 403),
        (vec![JSON, ("X-CSRF-Token", &other.csrf)], 403),
        // What a form can send.
        (
            vec![
                ("Content-Type", "text/plain"),
                ("X-CSRF-Token", &browser.csrf),
            ],
            415,
        ),
        (
            vec![
                ("Content-Type", "application/x-www-form-urlencoded"),
                ("X-CSRF-Token", &browser.csrf),
            ],
            415,
        ),
        (vec![("X-CSRF-Token", &browser.csrf)], 415),
    ] {
        let answer = browser.request("POST", "/api/sync-deletions", on, &headers);
        assert_eq!(answer.status, status, "{headers:?}");
    }
    assert_eq!(
        browser
            .request("GET", "/api/sync-deletions", None, &[])
            .status,
        405
    );
    assert_eq!(
        browser.request("POST", "/api/sign-out", None, &[]).status,
        403
    );
    let stranger = Browser {
        csrf: browser.csrf.clone(),
        ..Browser::new(&server)
    };
    assert_eq!(
        stranger
            .post("/api/sync-deletions", &json!({ "on": true }))
            .status,
        401
    );
    assert_eq!(
        stranger
            .post("/api/sign-in", &json!({ "password": "x".repeat(100_000) }))
            .status,
        400
    );
    for body in ["", "{", "[]", r#"{"on":1}"#, r#"{"on":null}"#] {
        let headers = [JSON, ("X-CSRF-Token", &browser.csrf)];
        assert_eq!(
            browser
                .request("POST", "/api/sync-deletions", Some(body), &headers)
                .status,
            400,
            "{body}"
        );
    }
    assert_eq!(browser.state()["syncDeletions"], false);
}

#[test]
fn nothing_inline_and_nothing_from_elsewhere() {
    let server = Server::start_with(&WITH_PASSWORD);
    let browser = Browser::new(&server);
    let page = browser.get("");
    assert_eq!(
        (page.status, page.header("content-type")),
        (200, "text/html; charset=utf-8")
    );
    for path in [
        "",
        "/console.css",
        "/console.js",
        "/icon.svg",
        "/api/state",
        "/api/nothing",
        "/nothing",
    ] {
        let answer = browser.get(path);
        let policy = answer.header("content-security-policy");
        assert!(
            policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"),
            "{path}"
        );
        assert!(
            !policy.contains("unsafe") && !policy.contains('*') && !policy.contains("http"),
            "{policy}"
        );
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "no-referrer"),
            ("cache-control", "no-store"),
        ] {
            assert_eq!(answer.header(name), value, "{path}");
        }
    }
    let text = page.text.to_lowercase();
    for inline in [
        "<style",
        " style=",
        " onclick",
        " onload",
        "javascript:",
        "<script>",
    ] {
        assert!(!text.contains(inline), "{inline}");
    }
    let assets = [
        page.text,
        browser.get("/console.css").text,
        browser.get("/console.js").text,
    ];
    for asset in &assets {
        assert!(
            !asset.contains("//cdn") && !asset.contains("https://") && !asset.contains("@import")
        );
    }
    // Names are put in as text; there is no way to put them in as markup.
    for way in [
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "document.write",
        "eval(",
    ] {
        assert!(!assets[2].contains(way), "{way}");
    }
    for word in [
        "Application Configuration",
        "Feature Configuration",
        "Login and Message",
        "Multi-client Synchronization Settings",
        "Sync Conversation Deletion Across Clients",
        "never sent later",
    ] {
        assert!(assets[0].contains(word), "{word}");
    }
    assert_eq!(browser.get("/").status, 308);
    assert_eq!(browser.get("/api/nothing").status, 404);
}

// SYNC-2: what the operator sees of it, and never content.
#[test]
fn the_state_tells_who_deleted_what_and_never_content() {
    let server = Server::start_with(&WITH_PASSWORD);
    let browser = signed_in(&server);
    const EVIL: &str = "<script>alert(1)</script>";
    const GROUP: &str = "\"><img src=x onerror=alert(2)>";
    server.accounts(&["a", "b", EVIL]);
    server.group(GROUP, &["a"]);
    server.group_chat(GROUP, "a", 3);
    server.chat("a", EVIL, 2);
    browser.post("/api/sync-deletions", &json!({ "on": true }));
    let before = browser.state();
    let seen = before["seen"].as_u64().unwrap();
    // A page that waits is told of a deletion.
    let waiting = std::thread::scope(|scope| {
        let waits = scope.spawn(|| browser.get(&format!("/api/state?seen={seen}")).json());
        server.ok(
            "a",
            path::SYNC,
            &json!({ "From_Account": "a", "DeviceId": "phone", "Version": "5.1.1" }),
        );
        server.ok(
            "a",
            path::DELETE,
            &plus(delete("a", &in_group(GROUP)), json!({ "DeviceId": EVIL })),
        );
        waits.join().unwrap()
    });
    let deletion = &waiting["deletions"][0];
    for (field, value) in [
        ("owner", json!("a")),
        ("conversation", json!(format!("group_{GROUP}"))),
        ("extent", json!("conversation")),
        ("cutOff", json!(3)),
        ("cleared", json!(3)),
        ("propagated", json!(true)),
        ("device", json!(EVIL)),
    ] {
        assert_eq!(deletion[field], value, "{field}");
    }
    server.admin(
        path::DELETE,
        &plus(with(EVIL), json!({ "From_Account": "a" })),
    );
    server.ok(
        "a",
        path::DELETE,
        &plus(delete("a", &with(EVIL)), json!({ "KeepListed": 1 })),
    );
    let answer = browser.get("/api/state");
    assert_eq!(answer.header("content-type"), "application/json");
    let state = answer.json();
    assert_eq!(state["deletions"][0]["extent"], "history");
    assert_eq!(
        (
            &state["deletions"][1]["extent"],
            &state["deletions"][1]["device"]
        ),
        (&json!("entry"), &json!(null))
    );
    assert_eq!(state["devices"][0]["device"], "phone");
    assert_eq!(state["devices"][0]["version"], "5.1.1");
    for number in [
        "purgeBacklog",
        "storeBytes",
        "uptime",
        "waiting",
        "connections",
    ] {
        assert!(state[number].is_u64(), "{number}");
    }
    let text = answer.text;
    assert!(
        !text.contains("TIMTextElem")
            && !text.contains(" in \\\">")
            && !text.contains("a to <script>")
    );
    assert!(!text.contains(PASSWORD) && !text.contains(SECRET));
}
