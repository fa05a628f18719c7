//! Three processes on one PostgreSQL database under load, one of them killed every two seconds.
//! Nothing that was acknowledged is lost, and nothing is there twice: the clients keep a ledger.
//!
//! `ADIEU_KILL_SECONDS` says for how long; 20 where it does not. Five minutes:
//! `ADIEU_KILL_SECONDS=300 cargo test -p adieu-server --test postgres_kill -- --nocapture`

#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests; a failure is the test's"
)]

mod support;

use std::{
    env,
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use adieu_protocol::{path, user_sig::Signer};
use serde_json::{Value, json};
use support::{
    ADMIN, APP, SECRET, Server, body, database::Node, delete, in_group, now, plus, with,
};

/// Clients; each has a conversation of its own, and all share one.
const CLIENTS: usize = 12;
const PROCESSES: usize = 3;
const SHARED: &str = "shared";

/// Where the processes listen at this moment.
struct Addresses(Mutex<[String; PROCESSES]>);

/// A client of a load balancer: what one process does not answer is asked of the next.
struct Client<'a> {
    agent: ureq::Agent,
    addresses: &'a Addresses,
    next: usize,
    /// Requests that had to be made again.
    again: &'a AtomicU64,
}

impl Client<'_> {
    /// The answer of whoever gives one that succeeds.
    fn insist(&mut self, identifier: &str, path: &str, body: &Value) -> Value {
        let sig = Signer::new(APP, SECRET.as_bytes()).sign(identifier, now(), 600);
        let begun = Instant::now();
        loop {
            assert!(begun.elapsed() < Duration::from_secs(60), "{path} {body}");
            self.next += 1;
            let address = self.addresses.0.lock().unwrap()[self.next % PROCESSES].clone();
            let url = format!(
                "http://{address}/{path}?sdkappid={APP}&identifier={identifier}&usersig={sig}"
            );
            if let Ok(mut answer) = self.agent.post(&url).send(body.to_string())
                && let Ok(text) = answer.body_mut().read_to_string()
                && let Ok(answer) = serde_json::from_str::<Value>(&text)
                && answer["ErrorCode"] == 0
            {
                return answer;
            }
            self.again.fetch_add(1, Ordering::Relaxed);
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// What a client was told.
#[derive(Default)]
struct Ledger {
    /// Positions in its own group, and in the shared one.
    own: Vec<u64>,
    shared: Vec<u64>,
    /// Of its deletions: up to where they reached.
    deleted: Vec<u64>,
}

fn name(at: usize) -> String {
    format!("u{at}")
}

fn group(at: usize) -> String {
    format!("g{at}")
}

/// Sends and deletes until it is told to stop.
fn work(at: usize, mut client: Client<'_>, stop: &AtomicBool) -> Ledger {
    let (name, group) = (name(at), group(at));
    let mut ledger = Ledger::default();
    let mut random = 0_u32;
    while !stop.load(Ordering::Relaxed) {
        for (to, given) in [(&*group, &mut ledger.own), (SHARED, &mut ledger.shared)] {
            random += 1;
            let message = json!({ "GroupId": to, "Random": random, "MsgBody": body(&format!("{name} {random}")) });
            let answer = client.insist(&name, path::SEND_GROUP_MSG, &message);
            given.push(answer["MsgSeq"].as_u64().unwrap());
        }
        if random.is_multiple_of(6) {
            let id = format!("{at:016x}{random:016x}");
            let request = plus(
                delete(&name, &in_group(&group)),
                json!({ "DeletionId": id, "DeviceId": "phone" }),
            );
            let answer = client.insist(&name, path::DELETE, &request);
            let reached = answer["ClearedThrough"].as_u64().unwrap();
            // Nobody else writes here, so the head was what this client was told last.
            assert_eq!(Some(&reached), ledger.own.last());
            ledger.deleted.push(reached);
        }
    }
    ledger
}

// DUR-4, DUR-7, DEL-3
#[test]
fn nothing_is_lost_or_doubled_when_processes_are_killed() {
    let seconds = env::var("ADIEU_KILL_SECONDS").map_or(20, |given| given.parse().unwrap());
    let node = Node::start("");
    let url = node.database();
    let mut servers: Vec<Server> = (0..PROCESSES)
        .map(|_| Server::start_on(Some(url.clone()), &[]))
        .collect();
    let names: Vec<String> = (0..CLIENTS).map(name).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    servers[0].accounts(&names);
    servers[0].accounts(&["witness"]);
    servers[0].group(SHARED, &names);
    for (at, name) in names.iter().enumerate() {
        servers[0].group(&group(at), &[name, "witness"]);
    }
    let addresses = Addresses(Mutex::new(std::array::from_fn(|at| {
        servers[at].address.clone()
    })));
    let (stop, again) = (AtomicBool::new(false), AtomicU64::new(0));
    let mut kills = 0;
    let ledgers: Vec<Ledger> = std::thread::scope(|scope| {
        let working: Vec<_> = (0..CLIENTS)
            .map(|at| {
                let client = Client {
                    agent: ureq::Agent::config_builder()
                        .http_status_as_error(false)
                        .timeout_global(Some(Duration::from_secs(10)))
                        .build()
                        .into(),
                    addresses: &addresses,
                    next: at,
                    again: &again,
                };
                let stop = &stop;
                scope.spawn(move || work(at, client, stop))
            })
            .collect();
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(seconds) {
            std::thread::sleep(Duration::from_secs(2));
            let at = kills % PROCESSES;
            servers[at].kill();
            servers[at].run();
            addresses.0.lock().unwrap()[at].clone_from(&servers[at].address);
            kills += 1;
        }
        stop.store(true, Ordering::Relaxed);
        working.into_iter().map(|one| one.join().unwrap()).collect()
    });
    let balance = balance(&ledgers, &servers[1]);
    println!(
        "{kills} kills, {} requests made again, {balance}",
        again.load(Ordering::Relaxed)
    );
    assert!(again.load(Ordering::Relaxed) > 0, "nobody noticed a kill");
}

/// Compares what the clients were told with what is there.
fn balance(ledgers: &[Ledger], server: &Server) -> String {
    let mut shared: Vec<u64> = Vec::new();
    let mut deletions = 0;
    for (at, ledger) in ledgers.iter().enumerate() {
        let expected: Vec<u64> = (1..=ledger.own.len() as u64).collect();
        assert_eq!(ledger.own, expected, "each message once, none lost");
        // The witness has deleted nothing, so it sees all of them.
        assert_eq!(all_positions(server, "witness", &group(at)), expected);
        let cleared = ledger.deleted.last().copied().unwrap_or(0);
        let left: Vec<u64> = (cleared + 1..=ledger.own.len() as u64).collect();
        assert_eq!(
            all_positions(server, &name(at), &group(at)),
            left,
            "deleted up to {cleared}"
        );
        shared.extend(&ledger.shared);
        deletions += ledger.deleted.len();
    }
    shared.sort_unstable();
    let expected: Vec<u64> = (1..=shared.len() as u64).collect();
    assert_eq!(shared, expected, "each message once, none lost");
    let stored = server.stored("SELECT count(*) FROM deletions");
    assert_eq!(stored, i64::try_from(deletions).unwrap());
    let doubled = "SELECT count(*) - count(DISTINCT (conversation, sender, body)) FROM messages";
    assert_eq!(server.stored(doubled), 0);
    assert!(server.positions("u0", &with("u1")).is_empty());
    let sent: usize = ledgers
        .iter()
        .map(|one| one.own.len() + one.shared.len())
        .sum();
    format!("{sent} messages and {deletions} deletions balance")
}

/// However many there are.
fn all_positions(server: &Server, owner: &str, group: &str) -> Vec<u64> {
    let mut all = Vec::new();
    loop {
        let request = plus(
            in_group(group),
            json!({ "From_Account": owner, "After": all.last().copied().unwrap_or(0), "MaxCnt": 1000 }),
        );
        let answer = server.ok(ADMIN, path::GET_HISTORY, &request);
        let messages = answer["Messages"].as_array().unwrap();
        all.extend(messages.iter().map(|one| one["Position"].as_u64().unwrap()));
        if answer["Complete"] == 1 {
            return all;
        }
    }
}
