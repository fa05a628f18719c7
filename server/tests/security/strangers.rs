//! Credentials by chance: none opens, none harms.
//!
//! `ADIEU_STRANGERS=1000000` tries so many instead of a few thousand, and prints what it saw.

use std::{
    collections::BTreeMap,
    io::{Read, Write},
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use adieu_protocol::{
    path,
    user_sig::{Refused, Signer},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use flate2::{Compression, read::ZlibDecoder, write::ZlibEncoder};
use serde_json::{Value, json};

use crate::{
    snapshot,
    support::{ADMIN, APP, SECRET, Server, delete, now, plus, with},
};

/// How many where nobody asks for more.
const FEW: u64 = 20_000;
/// Of so many, one goes through a running server; the others go straight to what checks them.
const OVER_HTTP: u64 = 10;
/// Connections at one time.
const CALLERS: u64 = 4;
/// What the server's memory may grow by between the first quarter and the end, in KiB.
const MAY_GROW: u64 = 8 << 10;

/// SplitMix64: the same numbers in every run.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.next() as u8).collect()
    }

    fn text(&mut self, count: usize) -> String {
        const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789*-_";
        let letters = (0..count).map(|_| char::from(LETTERS[self.below(LETTERS.len())]));
        letters.collect()
    }
}

fn encoded(bytes: &[u8]) -> String {
    let text = STANDARD.encode(bytes);
    text.replace('+', "*").replace('/', "-").replace('=', "_")
}

fn packed(json: &[u8], level: Compression) -> String {
    let mut zlib = ZlibEncoder::new(Vec::new(), level);
    zlib.write_all(json).unwrap();
    encoded(&zlib.finish().unwrap())
}

/// What a credential says, where it can be read.
fn unpacked(user_sig: &str) -> Option<Vec<u8>> {
    let text = user_sig
        .replace('*', "+")
        .replace('-', "/")
        .replace('_', "=");
    let mut json = Vec::new();
    let packed = STANDARD.decode(text).ok()?;
    ZlibDecoder::new(packed.as_slice())
        .read_to_end(&mut json)
        .ok()?;
    Some(json)
}

fn claims(name: &str, app: u64, time: u64, expire: u64, sig: &str) -> Value {
    json!({
        "TLS.ver": "2.0", "TLS.identifier": name, "TLS.sdkappid": app,
        "TLS.expire": expire, "TLS.time": time, "TLS.sig": sig,
    })
}

/// One that was not made by who has the secret. `good` was, for this name.
fn stranger(chance: &mut Chance, name: &str, good: &str, good_sig: &str) -> String {
    let now = now();
    let level = Compression::fast();
    match chance.below(10) {
        0 => {
            let length = chance.below(600);
            chance.text(length)
        }
        1 => {
            let length = chance.below(600);
            encoded(&chance.bytes(length))
        }
        // Everything is right but the signature.
        2 | 3 => {
            let sig = STANDARD.encode(chance.bytes(32));
            let claims = claims(name, APP, now - chance.next() % 600, 86_400, &sig);
            packed(claims.to_string().as_bytes(), level)
        }
        // A signature of another length, or of no bytes at all.
        4 => {
            let length = chance.below(80);
            let sig = STANDARD.encode(chance.bytes(length));
            packed(
                claims(name, APP, now, 86_400, &sig).to_string().as_bytes(),
                level,
            )
        }
        // A good one whose claims were changed.
        5 => {
            let longer = 601 + chance.next() % 1_000_000;
            packed(
                claims(name, APP, now, longer, good_sig)
                    .to_string()
                    .as_bytes(),
                level,
            )
        }
        // A good one with another letter, or cut short. There are letters that say nothing: bits
        // between the compressed text and its checksum.
        6 => loop {
            let mut letters: Vec<u8> = good.bytes().collect();
            letters[chance.below(good.len())] = b'a' + chance.below(26) as u8;
            let changed = String::from_utf8(letters).unwrap();
            if unpacked(&changed) != unpacked(good) {
                break changed;
            }
        },
        7 => good[..chance.below(good.len() - 4)].to_owned(),
        // Somebody else's key.
        8 => Signer::new(APP, &chance.bytes(32)).sign(name, now, 86_400),
        // What is meant to harm whoever reads it.
        _ => match chance.below(4) {
            0 => packed(&vec![b' '; 1 << 20], Compression::best()),
            1 => packed("[".repeat(10_000).as_bytes(), level),
            2 => packed(
                br#"{"TLS.ver":1e999,"TLS.expire":-1,"TLS.time":18446744073709551616}"#,
                level,
            ),
            _ => {
                let hidden = format!("{name}\nTLS.sdkappid:{APP}\nTLS.time:{now}");
                packed(
                    claims(&hidden, APP, now, 86_400, good_sig)
                        .to_string()
                        .as_bytes(),
                    level,
                )
            }
        },
    }
}

fn how_many() -> u64 {
    let asked = std::env::var("ADIEU_STRANGERS").ok();
    asked.map_or(FEW, |asked| {
        asked.parse().expect("ADIEU_STRANGERS is a number")
    })
}

/// A credential with a short life, and its signature.
fn good(name: &str) -> (String, String) {
    let signer = Signer::new(APP, SECRET.as_bytes());
    let time = now();
    // What the vendor's documents say is signed.
    let text =
        format!("TLS.identifier:{name}\nTLS.sdkappid:{APP}\nTLS.time:{time}\nTLS.expire:600\n");
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, SECRET.as_bytes());
    let sig = STANDARD.encode(ring::hmac::sign(&key, text.as_bytes()));
    (signer.sign(name, time, 600), sig)
}

#[test]
fn no_credential_by_chance_is_good() {
    let signer = Signer::new(APP, SECRET.as_bytes());
    let (begun, many) = (Instant::now(), how_many());
    let mut chance = Chance(1);
    let mut refusals: BTreeMap<i32, u64> = BTreeMap::new();
    let memory = snapshot::memory(std::process::id());
    for name in ["alice", ADMIN] {
        let (mut known, mut sig) = good(name);
        assert_eq!(signer.verify(&known, name, now()), Ok(()));
        for at in 0..many / 2 {
            if at % 10_000 == 0 {
                (known, sig) = good(name);
            }
            let user_sig = stranger(&mut chance, name, &known, &sig);
            match signer.verify(&user_sig, name, now()) {
                Ok(()) => panic!("{name} was let in by {user_sig}"),
                Err(why) => *refusals.entry(Refused::code(why)).or_default() += 1,
            }
        }
    }
    println!(
        "{many} tried in {:?}: {refusals:?}; memory {memory} KiB before, {} KiB after",
        begun.elapsed(),
        snapshot::memory(std::process::id())
    );
    // Each check had its share: the letters and the key.
    for code in [70003, 70009] {
        assert!(refusals[&code] > many / 10, "{refusals:?}");
    }
}

#[test]
fn a_server_full_of_strangers() {
    let server = Server::start_embedded();
    server.accounts(&["alice", "bob"]);
    server.chat("bob", "alice", 3);
    let before = snapshot::of(&server);
    let (begun, many) = (Instant::now(), how_many() / OVER_HTTP);
    let answers: Mutex<BTreeMap<i64, u64>> = Mutex::default();
    let (done, early) = (AtomicU64::new(0), AtomicU64::new(0));
    let request = delete("alice", &with("bob")).to_string();
    std::thread::scope(|scope| {
        for caller in 0..CALLERS {
            let (server, answers, done, early, request) =
                (&server, &answers, &done, &early, &request);
            scope.spawn(move || {
                let agent = ureq::Agent::new_with_defaults();
                let mut chance = Chance(caller << 32);
                for at in 0..many / CALLERS {
                    let name = if chance.below(2) == 0 { "alice" } else { ADMIN };
                    let (known, sig) = good(name);
                    let user_sig = stranger(&mut chance, name, &known, &sig);
                    let url = server.url(path::DELETE, name, &user_sig);
                    let mut answer = agent.post(&url).send(request.as_bytes()).unwrap();
                    let answer: Value =
                        serde_json::from_str(&answer.body_mut().read_to_string().unwrap()).unwrap();
                    let code = answer["ErrorCode"].as_i64().unwrap();
                    assert!((70001..=70014).contains(&code), "{answer} for {user_sig}");
                    *answers.lock().unwrap().entry(code).or_default() += 1;
                    done.fetch_add(1, Ordering::Relaxed);
                    if caller == 0 && at == many / CALLERS / 4 {
                        early.store(snapshot::memory(server.id()), Ordering::Relaxed);
                    }
                }
            });
        }
    });
    let (early, late) = (early.into_inner(), snapshot::memory(server.id()));
    println!(
        "{} requests in {:?}: {:?}; the server's memory {early} KiB after a quarter, {late} KiB at the end",
        done.into_inner(),
        begun.elapsed(),
        answers.into_inner().unwrap()
    );
    assert!(
        early > 0 && late < early + MAY_GROW,
        "{early} KiB, then {late} KiB"
    );
    snapshot::assert_unchanged(&server, &before, "a stranger");
    assert!(!server.log().contains("panicked"));
    // And alice herself gets in as ever.
    let mine = plus(delete("alice", &with("bob")), json!({ "CutOff": 3 }));
    assert_eq!(server.ok("alice", path::DELETE, &mine)["ClearedThrough"], 3);
}
