//! Instead of libFuzzer: runs the inputs in the folders that it is given, once each, and then, for as
//! many seconds as `ADIEU_FUZZ_SECONDS` says, such inputs with some of their bytes changed. Nothing is
//! instrumented, so it is quick to build. A panic ends it; the file that `ADIEU_FUZZ_LAST` names
//! has the input that did it.

use std::hash::{BuildHasher, RandomState};
use std::time::{Duration, Instant};
use std::{env, fs, ptr::null};

/// As libFuzzer's own limit here.
const LONGEST: usize = 1_024;

pub fn all() {
    libfuzzer_sys::initialize(null(), null());
    let mut inputs = Vec::new();
    for folder in env::args().skip(1) {
        let files = fs::read_dir(&folder).expect("the folder can be read");
        for file in files.flatten() {
            inputs.push(fs::read(file.path()).expect("an input can be read"));
        }
    }
    inputs.iter().for_each(|input| run(input));
    println!("{} inputs", inputs.len());
    let seconds = env::var("ADIEU_FUZZ_SECONDS").map_or(0, |seconds| {
        seconds.parse().expect("ADIEU_FUZZ_SECONDS is a number")
    });
    let end = Instant::now() + Duration::from_secs(seconds);
    let (mut dice, mut count) = (Dice(RandomState::new().hash_one(0) | 1), 0);
    while Instant::now() < end {
        let input = &inputs[dice.below(inputs.len())];
        run(&changed(input, &mut dice));
        count += 1;
    }
    println!("{count} changed");
}

fn run(input: &[u8]) {
    if let Some(last) = env::var_os("ADIEU_FUZZ_LAST") {
        fs::write(last, input).expect("ADIEU_FUZZ_LAST can be written");
    }
    // SAFETY: these bytes, so many.
    unsafe { libfuzzer_sys::test_input_wrap(input.as_ptr(), input.len()) };
}

/// A few of its bytes changed, taken away, said twice or come from nowhere.
fn changed(input: &[u8], dice: &mut Dice) -> Vec<u8> {
    let mut bytes = input.to_vec();
    for _ in 0..=dice.below(4) {
        let at = dice.below(bytes.len() + 1);
        let end = (at + 1 + dice.below(8)).min(bytes.len());
        match dice.below(4) {
            0 if at < end => bytes[at] ^= 1 << dice.below(8),
            1 if at < end => drop(bytes.drain(at..end)),
            2 if at < end => bytes.extend_from_within(at..end),
            _ => bytes.insert(
                at,
                [0, 1, 0x7f, 0x80, 0xff, b'"', b'{', b'9'][dice.below(8)],
            ),
        }
    }
    bytes.truncate(LONGEST);
    bytes
}

/// Chance, by xorshift.
struct Dice(u64);

impl Dice {
    fn below(&mut self, count: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % count as u64) as usize
    }
}
