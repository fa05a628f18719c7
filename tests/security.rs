//! Who the library talks to: real certificates, good ones and those of somebody else.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests fail the test"
)]

mod support;
#[path = "support/tls.rs"]
mod tls;

use support::abi;
use support::fake::{BOB, CLUB};
use support::listener::WAITING;
use support::options::DeleteOptions;
use support::{Answer, Client, FakeServer, Options, Outcome, eventually};
use tempfile::TempDir;
use tls::{Authority, Front, NOW, Peer};

const SIG: &str = "eJyrVgrx-a-very*secret-signature_";
const PATIENCE_MS: u32 = 400;

/// A scripted server that carries every deletion out.
fn willing() -> FakeServer {
    FakeServer::with_world(|_, _| Answer::Ok(().into()))
}

/// The same, behind TLS.
fn front(identity: tls::Identity, behind: &FakeServer) -> Front {
    let address = behind.url().trim_start_matches("http://").to_owned();
    Front::start(Peer::Tls(identity, address))
}

fn device(folder: &TempDir, url: &str, authorities: Option<&Authority>) -> Client {
    let options = Options {
        authorities: authorities.map(|authority| authority.pem.clone()),
        ..Options::remote(folder.path(), url, SIG)
    };
    options.open()
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes
        .windows(text.len())
        .any(|part| part == text.as_bytes())
}

/// DEL-2, DUR-2: a device that trusts `authority`, and whose server's place somebody else has
/// taken. What it was to delete stays as it was, or waits; nobody is told who asks; and the right
/// server gets what waited.
#[track_caller]
fn tells_nobody(authority: &Authority, wrong: &Front, code: i32, words: &str) {
    let server = willing();
    let right = front(authority.identity(&["localhost"], NOW), &server);
    let folder = tempfile::tempdir().unwrap();
    let client = device(&folder, &right.url("localhost"), Some(authority));
    client.pulled();
    assert_eq!(client.texts("group_club"), CLUB);
    drop(client);

    let client = device(&folder, &wrong.url("localhost"), Some(authority));
    let before = client.everything();
    let (outcome, deletion) = client.delete_within("c2c_bob", PATIENCE_MS);
    assert_eq!(outcome.code(), code, "{outcome:?}");
    assert!(outcome.text().contains(words), "{outcome:?}");
    assert!(!outcome.text().contains("secret"), "{outcome:?}");
    assert_eq!(client.everything(), before, "the device is untouched");
    assert_eq!(client.receipt(deletion).unwrap_err(), abi::NOT_FOUND);
    assert!(client.pending().is_empty(), "and the intent is gone");

    let queue = DeleteOptions {
        timeout_ms: PATIENCE_MS,
        ..DeleteOptions::queue()
    };
    let (call, _) = client.deleting("group_club", queue);
    eventually("it has been tried in vain", || {
        let pending = client.pending();
        assert_eq!(pending.len(), 1, "{pending:?}");
        pending[0].attempts > 0
    });
    let pending = client.pending();
    assert_eq!(
        (pending[0].state, pending[0].code),
        (WAITING, code),
        "{pending:?}"
    );
    assert!(pending[0].erased, "gone from the device at once");
    assert_eq!(client.ids(), ["c2c_bob"]);
    drop(client);
    assert_eq!(call.wait().code(), abi::PENDING);

    let came = wrong.came();
    assert!(!came.is_empty(), "it was spoken to");
    for secret in [SIG, "secret", "usersig", "alice", "club"] {
        assert!(!holds(&came, secret), "{secret} was sent in the clear");
    }
    assert!(server.deletions().is_empty());

    let client = device(&folder, &right.url("localhost"), Some(authority));
    eventually("what waited is done", || client.pending().is_empty());
    let asked = server.deletions();
    assert_eq!(asked.len(), 1, "{asked:?}");
    assert_eq!(asked[0]["ToGroupid"], "club");
    assert_eq!(client.texts("c2c_bob"), BOB);
}

/// A server that shows this and would carry out everything, in the place of the right one.
#[track_caller]
fn distrusts(identity: impl FnOnce(&Authority) -> tls::Identity, words: &str) {
    let authority = Authority::new("Test Authority");
    let impostor = willing();
    let wrong = front(identity(&authority), &impostor);
    tells_nobody(&authority, &wrong, abi::NETWORK_UNREACHABLE, words);
    assert!(impostor.requests().is_empty(), "not one request came");
}

#[test]
fn a_certificate_of_an_own_authority_is_trusted() {
    let authority = Authority::new("Test Authority");
    let other = Authority::new("Another Authority");
    let server = willing();
    let right = front(
        authority.identity(&["localhost", "127.0.0.1"], NOW),
        &server,
    );
    for host in ["localhost", "127.0.0.1"] {
        let folder = tempfile::tempdir().unwrap();
        let options = Options {
            // Each of several counts, wherever it stands.
            authorities: Some(format!("{}\n{}", other.pem, authority.pem)),
            ..Options::remote(folder.path(), &right.url(host), SIG)
        };
        let client = options.open();
        client.pulled();
        assert_eq!(client.delete("c2c_bob"), Outcome::Success);
        assert_eq!(client.ids(), ["group_club"]);
    }
    assert_eq!(server.deletions().len(), 2);
    assert!(
        server.requests()[0].query.contains(SIG),
        "it got the credential"
    );
    assert!(!holds(&right.came(), SIG), "and nobody on the way did");
}

#[test]
fn a_certificate_for_another_name() {
    distrusts(
        |authority| authority.identity(&["chat.example"], NOW),
        "another name",
    );
}

#[test]
fn a_certificate_that_has_expired() {
    distrusts(
        |authority| authority.identity(&["localhost"], (2000, 2001)),
        "has expired",
    );
}

#[test]
fn a_certificate_that_is_not_valid_yet() {
    distrusts(
        |authority| authority.identity(&["localhost"], (3000, 4000)),
        "not valid yet",
    );
}

#[test]
fn a_certificate_that_signed_itself() {
    distrusts(
        |_| tls::self_signed(&["localhost"]),
        "none of the authorities",
    );
}

#[test]
fn a_certificate_of_an_authority_of_the_same_name() {
    distrusts(
        |_| Authority::new("Test Authority").identity(&["localhost"], NOW),
        "",
    );
}

/// A device without an authority of its own has the usual ones, and this is none of them.
#[test]
fn an_authority_that_nobody_named() {
    let authority = Authority::new("Test Authority");
    let server = willing();
    let right = front(authority.identity(&["localhost"], NOW), &server);
    let folder = tempfile::tempdir().unwrap();
    let client = device(&folder, &right.url("localhost"), None);
    let outcome = client.pull();
    assert_eq!(outcome.code(), abi::NETWORK_UNREACHABLE, "{outcome:?}");
    assert!(
        outcome.text().contains("none of the authorities"),
        "{outcome:?}"
    );
    assert!(server.requests().is_empty());
}

#[test]
fn a_server_that_speaks_no_tls() {
    let authority = Authority::new("Test Authority");
    let wrong = Front::start(Peer::Plain);
    tells_nobody(
        &authority,
        &wrong,
        abi::NETWORK_UNREACHABLE,
        "does not speak TLS",
    );
}

#[test]
fn a_server_that_hangs_up_on_the_handshake() {
    let authority = Authority::new("Test Authority");
    let wrong = Front::start(Peer::HangsUp);
    tells_nobody(
        &authority,
        &wrong,
        abi::NETWORK_UNREACHABLE,
        "no connection",
    );
}

#[test]
fn a_server_that_says_nothing_to_the_handshake() {
    let authority = Authority::new("Test Authority");
    let wrong = Front::start(Peer::Silent);
    tells_nobody(&authority, &wrong, abi::CONNECT_TIMED_OUT, "timed out");
}

/// DEL-2: where the server points is not where the credential goes.
#[test]
fn a_redirect_is_not_followed() {
    let authority = Authority::new("Test Authority");
    let elsewhere = willing();
    let elsewhere_too = front(authority.identity(&["localhost"], NOW), &elsewhere);
    for (status, target) in [
        ("301 Moved Permanently", elsewhere.url()),
        ("302 Found", elsewhere.url()),
        ("307 Temporary Redirect", elsewhere.url()),
        ("308 Permanent Redirect", elsewhere.url()),
        ("308 Permanent Redirect", elsewhere_too.url("localhost")),
    ] {
        let header: &'static str = format!("Location: {target}/\r\n").leak();
        let server =
            FakeServer::with_world(move |_, _| Answer::Http(status, header, String::new()));
        let right = front(authority.identity(&["localhost"], NOW), &server);
        let folder = tempfile::tempdir().unwrap();
        let client = device(&folder, &right.url("localhost"), Some(&authority));
        client.pulled();
        let before = client.everything();
        let outcome = client.delete("c2c_bob");
        assert_eq!(outcome.code(), abi::BAD_ANSWER, "{outcome:?}");
        assert_eq!(client.everything(), before, "the device is untouched");
        let (_call, _) = client.deleting("group_club", DeleteOptions::queue());
        eventually("it has been tried in vain", || {
            client.pending()[0].attempts > 0
        });
        assert_eq!(client.pending()[0].code, abi::BAD_ANSWER);
    }
    assert!(
        elsewhere.requests().is_empty(),
        "{:?}",
        elsewhere.requests()
    );
    assert!(elsewhere_too.came().is_empty());
}

/// What is no certificate is said at the open, before anything is made.
#[test]
fn authorities_that_cannot_be_read() {
    let good = Authority::new("Test Authority").pem;
    let noise =
        "-----BEGIN CERTIFICATE-----\nbm90IGEgY2VydGlmaWNhdGU=\n-----END CERTIFICATE-----\n";
    let key = "-----BEGIN PRIVATE KEY-----\nbm90IGEga2V5\n-----END PRIVATE KEY-----\n";
    for (pem, words) in [
        (String::new(), "no certificate"),
        (
            "/etc/ssl/certs/ca-certificates.crt".to_owned(),
            "no certificate",
        ),
        (key.to_owned(), "no certificate"),
        (
            good[..good.len() / 2].to_owned(),
            "certificate 1 cannot be read",
        ),
        (noise.to_owned(), "certificate 1 cannot be read"),
        (format!("{good}{noise}"), "certificate 2 cannot be read"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let options = Options {
            authorities: Some(pem.clone()),
            ..Options::remote(folder.path(), "https://localhost", SIG)
        };
        let Err((code, text)) = options.try_open() else {
            panic!("{pem:?} was taken");
        };
        assert_eq!(code, abi::INVALID_PARAMETER, "{pem:?}: {text}");
        assert!(
            text.contains(words) && text.contains("allowed"),
            "{pem:?}: {text}"
        );
        assert_eq!(folder.path().read_dir().unwrap().count(), 0, "{pem:?}");
    }
}

/// What an app hands in has an end, too.
#[test]
fn the_largest_is_taken_and_one_more_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let client = Client::local(folder.path());
    let saved = |messages: &[(u64, &str, &str)]| {
        let call = client.call();
        assert_eq!(client.begin_save("c2c_bob", messages, &call), abi::OK);
        call.wait().code()
    };
    let body = |bytes: usize| {
        let text = r#"[{"MsgType":"TIMTextElem","MsgContent":{"Text":"x"}}]"#;
        text.to_owned() + &" ".repeat(bytes - text.len())
    };
    let short = body(60);
    let many = |first: u64, count: u64| -> Vec<(u64, &str, &str)> {
        (first..first + count)
            .map(|at| (at, "bob", &*short))
            .collect()
    };
    assert_eq!(saved(&many(1, 10_000)), abi::OK);
    assert_eq!(saved(&many(10_001, 10_001)), abi::INVALID_PARAMETER);
    assert_eq!(saved(&[(10_001, "bob", &body(1 << 20))]), abi::OK);
    assert_eq!(
        saved(&[(10_002, "bob", &body((1 << 20) + 1))]),
        abi::INVALID_PARAMETER
    );
    assert_eq!(
        saved(&[(10_002, &"s".repeat(33), &short)]),
        abi::INVALID_PARAMETER
    );
    for (count, code) in [
        (0, abi::INVALID_PARAMETER),
        (1_000, abi::OK),
        (1_001, abi::INVALID_PARAMETER),
    ] {
        let call = client.call();
        assert_eq!(client.begin_history("c2c_bob", 0, count, &call), abi::OK);
        assert_eq!(call.wait().code(), code, "{count}");
    }
    for (bytes, code) in [
        (64 << 10, abi::OK),
        ((64 << 10) + 1, abi::INVALID_PARAMETER),
        ((16 << 20) + 1, abi::INVALID_PARAMETER),
    ] {
        assert_eq!(
            client.set_draft("c2c_bob", &"d".repeat(bytes)).code(),
            code,
            "{bytes}"
        );
    }
    assert_eq!(client.list()[0].messages, 10_001);
    drop(client);
    let long = |user: usize, device: usize| Options {
        user: "u".repeat(user),
        device: Some("d".repeat(device)),
        ..Options::remote(folder.path(), "https://localhost", SIG)
    };
    for options in [long(33, 1), long(1, 65)] {
        assert_eq!(options.try_open().err().unwrap().0, abi::INVALID_PARAMETER);
    }
}
