//! Two devices of many accounts and one server, used for as long as one wants, while the network goes
//! and comes, processes are killed, and back ends and peers write and delete.

mod device;
mod growth;
mod wire;

use std::{
    path::Path,
    thread,
    time::{Duration, Instant},
};

use adieu_protocol::path;
use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use self::{
    device::Device,
    growth::{History, Sample},
    wire::Wire,
};
use super::{Bench, instrument::Kit};
use crate::{
    captured::Captured,
    children::interrupted,
    forensics::Search,
    harness::make_folder,
    machine::Need,
    rest::Account,
    server::{ADMIN, Server, Serving},
    tally::Tally,
    workspace::Workspace,
};

/// What the command needs.
pub const NEEDS: &[Need] = &[super::need("cc", "gcc")];

const ACCOUNTS: usize = 6;
/// As in `lab/soak.c`.
const PEERS: usize = 5;
/// Between two messages, at most.
const STEP: Duration = Duration::from_millis(50);
/// Between two looks at what everything takes.
const LOOK: Duration = Duration::from_secs(1);
/// Between two lines on the terminal.
const WORD: Duration = Duration::from_secs(10);
/// Within this, everything that was deleted has left the server's files.
const PURGE: Duration = Duration::from_secs(90);
/// What the server remembers of one deletion for thirty days, in bytes, with its indexes.
const REMEMBERED: u64 = 400;

/// Uses them for so long: built for tests, with a library that looks for locks in callbacks.
pub fn check(
    workspace: &Workspace,
    time: Duration,
    loud: bool,
    captured: &mut Captured,
) -> Result<Tally> {
    let mut bench = Bench::new(captured, loud);
    let built = workspace.debug();
    let kit = Kit::plain(workspace, &built)?;
    let program = kit.compile(&["lab/soak.c"], bench.captured)?;
    let place = tempfile::Builder::new().prefix("adieu-soak-").tempdir();
    let place = place.context("cannot make a temporary folder")?;
    let mut soak = Soak::new(place.path(), &Workspace::server(&built), &program, loud)?;
    bench.check("two devices and a server, used", |_| soak.use_all(time))?;
    if bench.tally.failed > 0 {
        return Ok(bench.tally);
    }
    bench.check("every deletion ends", |_| soak.settle())?;
    bench.check("what was deleted is gone from the devices", |_| {
        soak.devices
            .iter()
            .try_for_each(|device| device.ledger().is_kept())
    })?;
    bench.check("nothing grows", |_| soak.is_flat())?;
    bench.check("no byte of it is left in any file", |_| soak.is_gone())?;
    let summary = soak.summary();
    bench.say(&summary);
    bench.captured.note(&summary)?;
    Ok(bench.tally)
}

/// A generator by Steele, Lea and Flood (2014): SplitMix64.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, below: usize) -> usize {
        (self.next() >> 33) as usize % below
    }

    fn one_in(&mut self, of: usize) -> bool {
        self.below(of) == 0
    }
}

/// Everything that runs.
struct Soak {
    server: Server,
    serving: Option<Serving>,
    url: String,
    wire: Wire,
    admin: Account,
    /// The first is killed now and then; the second lives from beginning to end.
    devices: [Device; 2],
    accounts: Vec<String>,
    chance: Chance,
    seed: u64,
    /// What each process that lives long takes: the second device, and the server.
    histories: [History; 2],
    /// The text of every message, by account, peer and number.
    texts: Vec<Vec<Vec<String>>>,
    sent: u64,
    kills: u64,
    outages: u64,
    restarts: u64,
    back_end: u64,
    took: Duration,
    searched: u64,
    loud: bool,
}

fn account(number: usize) -> String {
    format!("account{number}")
}

fn peer(number: usize) -> String {
    format!("peer{number}")
}

impl Soak {
    fn new(place: &Path, server: &Path, program: &Path, loud: bool) -> Result<Self> {
        let seed = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .map_or(1, |time| time.as_secs());
        let server = Server::new(server.to_owned(), place.join("server"))?;
        let serving = server.serve()?;
        let url = serving.url.clone();
        let wire = Wire::to(&url)?;
        let admin = Account::sign_in(&server, &url, ADMIN)?;
        let accounts: Vec<_> = (0..ACCOUNTS).map(account).collect();
        for name in accounts.iter().cloned().chain((0..PEERS).map(peer)) {
            let _: Value = admin.post(path::ACCOUNT_IMPORT, &json!({ "UserID": name }))?;
        }
        make_folder(place)?;
        let device = |name| Device::new(name, place, &server, &wire.url, &accounts, program);
        let devices = [device("phone")?, device("tablet")?];
        Ok(Self {
            serving: Some(serving),
            url,
            wire,
            admin,
            devices,
            texts: vec![vec![Vec::new(); PEERS]; ACCOUNTS],
            accounts,
            server,
            chance: Chance(seed),
            seed,
            histories: Default::default(),
            sent: 0,
            kills: 0,
            outages: 0,
            restarts: 0,
            back_end: 0,
            took: Duration::ZERO,
            searched: 0,
            loud,
        })
    }

    fn say(&self, what: &str) {
        if self.loud {
            eprintln!("lab: {what}");
        }
    }

    fn use_all(&mut self, time: Duration) -> Result<()> {
        self.say(&format!("seed {}", self.seed));
        let begun = Instant::now();
        for device in &mut self.devices {
            device.start(self.chance.next())?;
        }
        let (mut looked, mut said, mut away) = (begun, begun, None);
        while begun.elapsed() < time {
            ensure!(!interrupted(), "interrupted");
            self.write_or_delete()?;
            if away.is_some_and(|until| Instant::now() >= until) {
                self.wire.mend();
                away = None;
            }
            if looked.elapsed() >= LOOK {
                looked = Instant::now();
                self.look()?;
                // Killed in the first half only, so that the second shows whether it grows.
                self.make_trouble(begun.elapsed() < time / 2)?;
                if away.is_none() && self.chance.one_in(8) {
                    self.wire.cut();
                    self.outages += 1;
                    let long = Duration::from_millis(300 + self.chance.next() % 4_000);
                    away = Some(Instant::now() + long);
                }
            }
            if said.elapsed() >= WORD {
                said = Instant::now();
                self.say(&format!(
                    "{} of {} s: {}",
                    begun.elapsed().as_secs(),
                    time.as_secs(),
                    self.summary()
                ));
            }
            thread::sleep(Duration::from_millis(
                self.chance.next() % STEP.as_millis() as u64,
            ));
        }
        self.wire.mend();
        self.took = begun.elapsed();
        Ok(())
    }

    /// A peer writes, or deletes its own view, or the back end deletes a user's.
    fn write_or_delete(&mut self) -> Result<()> {
        let (a, p) = (self.chance.below(ACCOUNTS), self.chance.below(PEERS));
        if self.chance.one_in(12) {
            return self.delete(&peer(p), &account(a));
        }
        if self.chance.one_in(100) {
            self.back_end += 1;
            return self.delete(&account(a), &peer(p));
        }
        let Some(texts) = self.texts.get_mut(a).and_then(|peers| peers.get_mut(p)) else {
            return Ok(());
        };
        let text = format!("number {} {:016x}", texts.len() + 1, self.chance.next());
        texts.push(text.clone());
        self.sent += 1;
        let message = json!({
            "From_Account": peer(p),
            "To_Account": account(a),
            "MsgRandom": self.sent,
            "MsgBody": [{ "MsgType": "TIMTextElem", "MsgContent": { "Text": text } }],
        });
        let _: Value = self.admin.post(path::SEND_MSG, &message)?;
        Ok(())
    }

    fn delete(&self, owner: &str, other: &str) -> Result<()> {
        let request =
            json!({ "From_Account": owner, "Type": 1, "To_Account": other, "ClearRamble": 1 });
        let _: Value = self.admin.post(path::DELETE, &request)?;
        Ok(())
    }

    fn look(&mut self) -> Result<()> {
        for device in &self.devices {
            device.is_well()?;
        }
        let [_, tablet] = &self.devices;
        let serving = self.serving.as_ref().map(Serving::process);
        let watched = [
            (tablet.process(), tablet.folder.as_path()),
            (serving, self.server.folder()),
        ];
        for ((process, folder), history) in watched.into_iter().zip(&mut self.histories) {
            if let Some(process) = process {
                history.note(Sample::of(process, folder)?);
            }
        }
        Ok(())
    }

    fn make_trouble(&mut self, server_too: bool) -> Result<()> {
        let seed = self.chance.next();
        if self.chance.one_in(10) {
            let [phone, _] = &mut self.devices;
            phone.kill()?;
            phone.start(seed)?;
            self.kills += 1;
        } else if self.chance.one_in(25) {
            let [phone, _] = &mut self.devices;
            phone.end(false)?;
            phone.start(seed)?;
            self.restarts += 1;
        }
        if server_too && self.chance.one_in(40) {
            self.serving = None;
            self.kills += 1;
            self.serving = Some(self.server.serve_again(&self.url)?);
        }
        Ok(())
    }

    fn settle(&mut self) -> Result<()> {
        for device in &mut self.devices {
            device.end(true)?;
        }
        Ok(())
    }

    fn is_flat(&self) -> Result<()> {
        let [tablet, server] = &self.histories;
        let deletions: u64 = self
            .devices
            .iter()
            .map(|device| device.ledger().accepted)
            .sum();
        tablet.is_flat("the device", 0)?;
        server.is_flat("the server", (deletions + self.sent) * REMEMBERED)
    }

    /// On the devices, what they owe; on the server, everything, when nobody has a view of it.
    fn is_gone(&mut self) -> Result<()> {
        for device in &self.devices {
            let mut texts = Vec::new();
            for ((account, conversation), gone) in &device.ledger().gone {
                let at = self.accounts.iter().position(|name| name == account);
                let of =
                    (0..PEERS).position(|number| *conversation == format!("c2c_{}", peer(number)));
                let texts_of = at.zip(of).and_then(|(a, p)| self.texts.get(a)?.get(p));
                for text in texts_of.into_iter().flatten().take(*gone as usize) {
                    texts.extend_from_slice(text.as_bytes());
                    texts.push(0);
                }
            }
            let search = Search::of(&texts);
            self.searched += search.searched();
            for account in &self.accounts {
                let found = search.found_in(&device.folder.join(account))?;
                ensure!(found == 0, "{found} deleted texts are left on a device");
            }
        }
        let all = self.texts.iter().flatten().flatten();
        let all = all
            .flat_map(|text| [text.as_bytes(), &[0]])
            .collect::<Vec<_>>();
        let search = Search::of(&all.concat());
        let before = search.found_in(self.server.folder())?;
        for a in 0..ACCOUNTS {
            for p in 0..PEERS {
                self.delete(&account(a), &peer(p))?;
                self.delete(&peer(p), &account(a))?;
            }
        }
        let begun = Instant::now();
        loop {
            let found = search.found_in(self.server.folder())?;
            if found == 0 {
                break;
            }
            ensure!(
                begun.elapsed() < PURGE,
                "{found} deleted texts are left in the server's files"
            );
            thread::sleep(LOOK);
        }
        ensure!(before > 0, "the look sees nothing of what lives");
        self.searched += search.searched();
        Ok(())
    }

    fn summary(&self) -> String {
        let (mut accepted, mut ended) = (0, std::collections::BTreeMap::new());
        for device in &self.devices {
            let ledger = device.ledger();
            accepted += ledger.accepted;
            for (code, count) in &ledger.ended {
                *ended.entry(*code).or_insert(0) += count;
            }
        }
        let [tablet, server] = self.histories.each_ref().map(History::before_and_after);
        let takes = |name: &str, (before, after): (Sample, Sample)| {
            format!(
                "{name}: {} -> {} KiB of memory, {} -> {} threads, {} -> {} files, {} -> {} bytes",
                before.memory,
                after.memory,
                before.threads,
                after.threads,
                before.files,
                after.files,
                before.bytes,
                after.bytes
            )
        };
        format!(
            "{} messages, {accepted} deletions accepted ({ended:?} by code), {} by the back end, {} kills, \
             {} restarts, {} outages, {} texts searched; {}; {}",
            self.sent,
            self.back_end,
            self.kills,
            self.restarts,
            self.outages,
            self.searched,
            takes("device", tablet),
            takes("server", server)
        )
    }
}
