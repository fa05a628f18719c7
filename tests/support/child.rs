//! Running a test in a process of its own: for what is process-wide (threads, environment, fork)
//! and for what dies.

use std::process::{Command, Output};

const CHILD: &str = "ADIEU_TEST_CHILD";

/// Whether this process is the child.
pub fn is_child() -> bool {
    std::env::var_os(CHILD).is_some()
}

/// Runs the test `name` of this binary again, alone in a child, with more in its environment.
pub fn run(name: &str, environment: &[(&str, &str)]) -> Output {
    Command::new(std::env::current_exe().unwrap())
        .args([name, "--exact", "--nocapture", "--test-threads=1"])
        .env(CHILD, "1")
        .env("RUST_BACKTRACE", "0")
        // Found or built already: the child does not look again.
        .env("ADIEU_LIB", super::build::library())
        .envs(environment.iter().copied())
        .output()
        .unwrap()
}

/// As [`run`], and the child must pass.
#[track_caller]
pub fn passes(name: &str, environment: &[(&str, &str)]) {
    let output = run(name, environment);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(
        output.status.success() && text(&output.stdout).contains("1 passed"),
        "child {name} {environment:?}: {}\n{}\n{}",
        output.status,
        text(&output.stdout),
        text(&output.stderr)
    );
}

/// Threads of this process whose name begins so.
pub fn threads(prefix: &str) -> usize {
    std::fs::read_dir("/proc/self/task")
        .unwrap()
        .filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("comm")).ok())
        .filter(|name| name.starts_with(prefix))
        .count()
}

/// All threads of this process.
pub fn all_threads() -> usize {
    threads("")
}
