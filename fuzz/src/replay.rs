//! Instead of libFuzzer: runs the inputs in the folders that it is given, once each. Nothing is
//! instrumented, so it is quick to build.

use std::{env, fs, ptr::null};

pub fn all() {
    libfuzzer_sys::initialize(null(), null());
    let mut count = 0;
    for folder in env::args().skip(1) {
        let files = fs::read_dir(&folder).expect("the folder can be read");
        for file in files.flatten() {
            let input = fs::read(file.path()).expect("an input can be read");
            // SAFETY: these bytes, so many.
            unsafe { libfuzzer_sys::test_input_wrap(input.as_ptr(), input.len()) };
            count += 1;
        }
    }
    println!("{count} inputs");
}
