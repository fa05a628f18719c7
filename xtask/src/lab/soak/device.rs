//! One device of all accounts: the C program in `lab/soak.c`, and what it owes.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{ChildStdin, Command, Stdio},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread::{self, JoinHandle},
};

use anyhow::{Context, Result, bail, ensure};

use crate::{
    children::Running,
    harness::make_folder,
    server::{APP_ID, Server},
};

/// Messages of one conversation, as a device has it: account and conversation.
pub type Place = (String, String);

/// What the device has said.
#[derive(Default)]
pub struct Ledger {
    /// Deletions that were accepted.
    pub accepted: u64,
    /// Those that ended, by code.
    pub ended: BTreeMap<i32, u64>,
    /// Up to which message each conversation has to be gone.
    pub gone: BTreeMap<Place, u64>,
    /// Messages that it had at the end.
    pub held: BTreeMap<Place, BTreeSet<u64>>,
    settled: bool,
    broken: Option<String>,
}

impl Ledger {
    fn owes(&mut self, account: &str, conversation: &str, number: u64) {
        let place = (account.to_owned(), conversation.to_owned());
        let gone = self.gone.entry(place).or_default();
        *gone = number.max(*gone);
    }

    fn read(&mut self, line: &str) -> Option<()> {
        let mut words = line.split(' ');
        let what = words.next()?;
        if what == "settled" {
            self.settled = true;
            return Some(());
        }
        if what == "broken" {
            self.broken = Some(line.to_owned());
            return Some(());
        }
        let (account, conversation) = (words.next()?, words.next()?);
        let number: u64 = words.next()?.parse().ok()?;
        match what {
            // Policy `queue` goes on until the server has done it, whatever happens to the process.
            "accepted" => {
                self.accepted += 1;
                if words.next()? == "1" {
                    self.owes(account, conversation, number);
                }
            }
            "ended" => {
                let code: i32 = words.next()?.parse().ok()?;
                *self.ended.entry(code).or_default() += 1;
                if code == 0 {
                    self.owes(account, conversation, number);
                }
            }
            "holds" => {
                let place = (account.to_owned(), conversation.to_owned());
                self.held.entry(place).or_default().insert(number);
            }
            _ => return None,
        }
        Some(())
    }

    /// Complains about messages that are there and should not be.
    pub fn is_kept(&self) -> Result<()> {
        ensure!(self.settled, "it did not come to its end");
        for (place, numbers) in &self.held {
            let gone = self.gone.get(place).copied().unwrap_or(0);
            let back: Vec<_> = numbers.range(..=gone).collect();
            ensure!(
                back.is_empty(),
                "{} still has messages {back:?} of {}, deleted through {gone}",
                place.0,
                place.1
            );
        }
        Ok(())
    }
}

/// A device, running or not.
pub struct Device {
    name: &'static str,
    /// Its stores.
    pub folder: PathBuf,
    accounts: Vec<String>,
    url: String,
    program: PathBuf,
    ledger: Arc<Mutex<Ledger>>,
    life: Option<Life>,
    lives: u64,
}

struct Life {
    running: Running,
    tell: ChildStdin,
    reading: JoinHandle<()>,
}

impl Device {
    /// With an empty store for each account.
    pub fn new(
        name: &'static str,
        place: &Path,
        server: &Server,
        url: &str,
        accounts: &[String],
        program: &Path,
    ) -> Result<Self> {
        let folder = place.join(name);
        for account in accounts {
            make_folder(&folder.join(account))?;
            let sig = folder.join(format!("{account}.sig"));
            fs::write(sig, server.user_sig(account)?).context("cannot write a credential")?;
        }
        Ok(Self {
            name,
            folder,
            accounts: accounts.to_vec(),
            url: url.to_owned(),
            program: program.to_owned(),
            ledger: Arc::default(),
            life: None,
            lives: 0,
        })
    }

    /// What it has said so far.
    pub fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The process.
    pub fn process(&self) -> Option<u32> {
        self.life.as_ref().map(|life| life.running.id())
    }

    /// Starts it, or starts it again.
    pub fn start(&mut self, seed: u64) -> Result<()> {
        self.lives += 1;
        let mut command = Command::new(&self.program);
        command
            .arg(&self.folder)
            .args([&self.url, &APP_ID.to_string()])
            .args([&seed.to_string(), self.name])
            .args(&self.accounts)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let running = Running::start(&mut command)?;
        let said = BufReader::new(running.stdout()?);
        let ledger = self.ledger.clone();
        let reading = thread::spawn(move || {
            // The last line of a process that was killed may be half a one.
            for line in said.lines().map_while(Result::ok) {
                let mut ledger = ledger.lock().unwrap_or_else(PoisonError::into_inner);
                let _ = ledger.read(&line);
            }
        });
        self.life = Some(Life {
            tell: running.stdin()?,
            running,
            reading,
        });
        Ok(())
    }

    /// Complains when it has ended, or has found something broken.
    pub fn is_well(&self) -> Result<()> {
        if let Some(broken) = &self.ledger().broken {
            bail!("{}: {broken}", self.name);
        }
        if let Some(life) = &self.life
            && let Some(status) = life.running.wait_at_most(std::time::Duration::ZERO)?
        {
            bail!("{} ended by itself: {status}", self.name);
        }
        Ok(())
    }

    /// SIGKILL.
    pub fn kill(&mut self) -> Result<()> {
        if let Some(life) = self.life.take() {
            life.running.kill().context("cannot kill a device")?;
            life.reading.join().ok().context("a reader has panicked")?;
        }
        Ok(())
    }

    /// Closes all clients; `settle`: when no deletion is pending any more.
    pub fn end(&mut self, settle: bool) -> Result<()> {
        let Some(mut life) = self.life.take() else {
            return Ok(());
        };
        if settle {
            writeln!(life.tell, "settle").context("cannot write to a device")?;
        }
        drop(life.tell);
        let status = life.running.wait().context("cannot wait for a device")?;
        life.reading.join().ok().context("a reader has panicked")?;
        self.is_well()?;
        ensure!(status.success(), "{} ended with {status}", self.name);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_device_owes() {
        let mut ledger = Ledger::default();
        for line in [
            "accepted ann c2c_bob 7 0",
            "accepted ann c2c_bob 9 0",
            "ended ann c2c_bob 7 0",
            "ended ann c2c_bob 9 9520",
            "accepted ann c2c_carol 5 1",
            "holds ann c2c_bob 8",
            "holds ann c2c_carol 6",
            "settled",
        ] {
            assert!(ledger.read(line).is_some(), "{line}");
        }
        assert!(ledger.read("holds ann c2c_").is_none());
        ledger.is_kept().unwrap();
        assert_eq!(ledger.accepted, 3);
        assert_eq!(ledger.ended, BTreeMap::from([(0, 1), (9520, 1)]));
        ledger.read("holds ann c2c_carol 5");
        ledger.is_kept().unwrap_err();
    }
}
