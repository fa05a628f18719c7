//! Hundreds of lives on one store, each ended by a kill at a moment that chance chooses.
//!
//! `ADIEU_SEED` repeats the choices of a run as far as the machine's timing lets it, and
//! `ADIEU_KILLS` says how many lives each test takes.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests fail the test"
)]

mod support;

use std::time::Duration;

use support::life::{self, End, Life, Script};
use support::random::{Random, number};
use support::survivor::Survivor;
use support::{Server, child};

/// Points of a deletion at which a life may be told to die.
const POINTS: [&str; 7] = [
    "accept",
    "intent-recorded",
    "before-destroying",
    "keys-destroyed",
    "before-delivery",
    "rows-followed",
    "address-destroyed",
];
/// Lives that one folder is used for.
const LIVES_PER_FOLDER: u64 = 25;

/// One life, killed as chance has it.
fn killed_at_random(test: &'static str, script: &Script, random: &mut Random) -> End {
    let point = random.percent(20).then(|| *random.one(&POINTS));
    let failpoint = point.map(|point| ("ADIEU_FAILPOINT", format!("{point}=abort")));
    let mut life = Life::begin(test, script, failpoint);
    if point.is_some() || random.percent(4) {
        return life.end();
    }
    // Each call says two words; some lives are killed on their way to the first.
    let words = random.within(0..=2 * script.operations.len() as u64 + 1);
    life.listen(words as usize);
    let most = if random.percent(10) { 20_000 } else { 1500 };
    life.kill_after(Duration::from_micros(random.within(0..=most)))
}

/// Lives until so many were killed.
fn live(test: &'static str, kills: u64, server: impl Fn() -> Option<Server>) {
    let mut random = Random::announced(test);
    let wanted = number("ADIEU_KILLS").unwrap_or(kills);
    let (mut killed, mut lives) = (0, 0);
    while killed < wanted {
        let mut device = Survivor::new(test, server(), Random::new(random.next()));
        for _ in 0..LIVES_PER_FOLDER {
            device.peers_write();
            if device.random.percent(20) {
                device.server_goes();
            }
            let script = device.script();
            device.live(&script, |random| killed_at_random(test, &script, random));
            lives += 1;
            if killed + device.killed == wanted {
                break;
            }
        }
        killed += device.killed;
    }
    eprintln!("{test}: {lives} lives, {killed} of them killed");
}

/// DUR-1, DEL-1, DEL-5, ERA-2: killed at any moment, a store is whole: what was said to be deleted
/// is gone for ever, what was said to be saved and not deleted is there, and what was not answered
/// has happened wholly or not at all.
#[test]
fn killed_at_random_on_a_device_alone() {
    if child::is_child() {
        life::live();
    }
    live("killed_at_random_on_a_device_alone", 300, || None);
}

/// DUR-1, DUR-4, DEL-1, DEL-3: the same with a server: after the next open every deletion comes to
/// one end, which server and device agree on.
#[test]
fn killed_at_random_with_a_server() {
    if child::is_child() {
        life::live();
    }
    live("killed_at_random_with_a_server", 220, || {
        Some(Server::start())
    });
}
