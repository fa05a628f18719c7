//! The console in a real browser: Chromium without a window, driven through its WebDriver.
//!
//! Leaves pictures of the page in `target/tmp/console`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests; a failure is the test's"
)]

mod driver;
#[path = "../support/mod.rs"]
mod support;

use adieu_protocol::path;
use driver::Browser;
use serde_json::json;
use support::{PASSWORD, Server, WITH_PASSWORD, delete, in_group, plus, with};

const EVIL: &str = "<script>hacked=1</script>";
const GROUP: &str = "\"><img src=x onerror=hacked=1>";

/// Deletes a conversation of three messages, through a device.
fn delete_with(server: &Server, peer: &str, device: &str) {
    server.accounts(&["alice", peer]);
    server.chat(peer, "alice", 3);
    server.ok(
        "alice",
        path::DELETE,
        &plus(delete("alice", &with(peer)), json!({ "DeviceId": device })),
    );
}

fn deletions(browser: &Browser) -> String {
    browser.text("#deletions")
}

// SYNC-1, SYNC-2: the operator's side of them.
#[test]
fn the_operator_switches_sync_on_sees_a_deletion_arrive_and_switches_it_off() {
    let server = Server::start_with(&WITH_PASSWORD);
    let browser = Browser::start();
    browser.open(&format!("http://{}/console", server.address));

    // A wrong password, and then the right one, by keyboard.
    browser.wait_for_text("#sign-in h1", "adieu console");
    browser.picture("sign-in");
    browser.type_into("#password", "not the password at all\n");
    browser.wait_for_text("#sign-in-error", "neither the operator’s password");
    browser.type_into("#password", &format!("{PASSWORD}\n"));
    browser.wait_for_text("#connection", "Live");
    browser.wait_for_text("h1", "Multi-client Synchronization Settings");
    assert_eq!(browser.attribute("#switch", "aria-checked"), "false");
    assert!(browser.text("#main").contains("Nothing has been deleted"));

    // By mouse, and what was told is true.
    browser.click("#switch");
    browser.wait_for_text("#switch-word", "On");
    support::wait_until(|| server.admin(path::SYNC_DELETIONS, &json!({}))["SyncDeletions"] == 1);

    // A deletion arrives, without a hand on the page.
    delete_with(&server, "bob", "alice's phone");
    browser.wait_for_text("#deletions", "c2c_bob");
    let shown = deletions(&browser);
    for part in ["alice", "Conversation", "3", "Device alice's phone", "Told"] {
        assert!(shown.contains(part), "{part} in {shown}");
    }
    assert!(
        browser.text("#news").contains("alice, c2c_bob"),
        "it is said aloud"
    );

    // Names that are markup are shown as they are.
    server.accounts(&[EVIL]);
    server.group(GROUP, &[EVIL]);
    server.group_chat(GROUP, EVIL, 2);
    server.admin(
        path::SYNC,
        &json!({ "From_Account": EVIL, "DeviceId": EVIL, "Version": "5.1.1" }),
    );
    server.admin(path::DELETE, &delete(EVIL, &in_group(GROUP)));
    browser.wait_for_text("#deletions", GROUP);
    browser.wait_for_text("#devices", EVIL);
    assert!(deletions(&browser).contains(EVIL));
    assert_eq!(browser.script("return typeof hacked"), "undefined");
    assert_eq!(
        browser.script("return document.querySelectorAll('main img, main script').length"),
        1,
        "the one of the sign-in"
    );

    // By keyboard.
    browser.type_into("#switch", " ");
    browser.wait_for_text("#switch-word", "Off");
    support::wait_until(|| server.admin(path::SYNC_DELETIONS, &json!({}))["SyncDeletions"] == 0);
    delete_with(&server, "carol", "alice's tablet");
    browser.wait_for_text("#deletions", "Not told");

    // Somebody else sets it; the page follows.
    server.admin(path::SYNC_DELETIONS, &json!({ "SyncDeletions": 1 }));
    browser.wait_for_text("#switch-word", "On");
    assert_eq!(browser.attribute("#switch", "aria-checked"), "true");

    // A row that says the same is left alone: somebody may be about to copy from it.
    browser.script("document.querySelector('#deletions tr').left = 'alone'");
    server.admin(path::SYNC_DELETIONS, &json!({ "SyncDeletions": 0 }));
    browser.wait_for_text("#switch-word", "Off");
    let left = "return document.querySelector('#deletions tr').left";
    assert_eq!(browser.script(left), "alone");

    // Nothing came from elsewhere, and nothing was refused by the page's own policy.
    let foreign = "return performance.getEntriesByType('resource').filter(one => !one.name.startsWith(location.origin)).length";
    assert_eq!(browser.script(foreign), 0);
    let complaints: Vec<String> = browser
        .log()
        .into_iter()
        .filter(|line| !line.contains("401"))
        .collect();
    assert!(complaints.is_empty(), "{complaints:?}");

    browser.click("#sign-out");
    browser.wait_for_text("#sign-in h1", "adieu console");
    assert_eq!(
        browser.script("return document.getElementById('deletions').children.length"),
        0
    );
    browser.open(&format!("http://{}/console", server.address));
    browser.wait_for_text("#sign-in h1", "adieu console");
}

#[test]
fn the_page_fits_a_wide_and_a_narrow_screen_in_light_and_dark() {
    let server = &Server::start_with(&WITH_PASSWORD);
    for (peer, device) in [
        ("bob", "Pixel 9"),
        ("carol", "iPhone of Alice"),
        ("a-user-with-32-bytes-in-its-name", "desktop"),
    ] {
        delete_with(server, peer, device);
        server.admin(path::SYNC_DELETIONS, &json!({ "SyncDeletions": 1 }));
        server.ok(
            "alice",
            path::SYNC,
            &json!({ "From_Account": "alice", "DeviceId": device, "Version": "8.0.5895" }),
        );
    }
    server.group("book-club", &["alice"]);
    server.group_chat("book-club", "alice", 12);
    server.admin(
        path::DELETE,
        &plus(
            delete("alice", &in_group("book-club")),
            json!({ "KeepListed": 1 }),
        ),
    );
    std::thread::scope(|scope| {
        let waiting =
            json!({ "From_Account": "alice", "DeviceId": "Pixel 9", "Version": "8.0.5895" });
        let cursor = server.ok("alice", path::SYNC, &waiting)["Cursor"].clone();
        let waiting = plus(waiting, json!({ "Cursor": cursor, "Wait": 15 }));
        scope.spawn(move || server.ok("alice", path::SYNC, &waiting));
        let browser = Browser::start();
        browser.open(&format!("http://{}/console", server.address));
        browser.type_into("#password", &format!("{PASSWORD}\n"));
        browser.wait_for_text("#devices", "Connected");
        browser.wait_for_text("#deletions", "book-club");
        for (name, width, scheme) in [
            ("wide-light", 1280, "light"),
            ("wide-dark", 1280, "dark"),
            ("narrow-light", 390, "light"),
            ("narrow-dark", 390, "dark"),
            ("tiny", 320, "light"),
        ] {
            browser.screen(width, scheme);
            let overflow = "return document.documentElement.scrollWidth - document.documentElement.clientWidth";
            assert_eq!(browser.script(overflow), 0, "{name} scrolls sideways");
            let dark = "return matchMedia('(prefers-color-scheme: dark)').matches";
            assert_eq!(browser.script(dark), scheme == "dark");
            let low = browser.script(driver::LOW_CONTRAST);
            assert_eq!(low, json!([]), "{name}: text that is hard to read");
            browser.picture(name);
        }
        let nameless = "return [...document.querySelectorAll('button, input:not([hidden])')].filter(one => !one.computedName && !one.labels?.length && !one.textContent.trim() && !one.getAttribute('aria-labelledby')).length";
        assert_eq!(
            browser.script(nameless),
            0,
            "everything that can be operated has a name"
        );
    });
}
