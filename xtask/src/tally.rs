//! Counting what passed, failed and was left out.

use std::ops::AddAssign;

use anyhow::Result;

use crate::captured::Captured;

/// Counts of checks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Checks that held.
    pub passed: u64,
    /// Checks that did not.
    pub failed: u64,
    /// Checks that were not made.
    pub skipped: u64,
}

impl Tally {
    /// One check.
    pub fn check(&mut self, holds: bool) {
        if holds {
            self.passed += 1;
        } else {
            self.failed += 1;
        }
    }

    /// One check that says why it does not hold.
    pub fn attempt(
        &mut self,
        what: &str,
        captured: &mut Captured,
        check: impl FnOnce(&mut Captured) -> Result<()>,
    ) -> Result<()> {
        let done = check(captured);
        self.check(done.is_ok());
        match done {
            Ok(()) => Ok(()),
            Err(error) => captured.note(&format!("{what}: {error:#}")),
        }
    }

    /// Counts the tests of `cargo test` from what it printed, errors and results in one stream. The
    /// last result after each program's start is that program's own: a test may have run a test
    /// program itself, and its words are shown when it fails.
    pub fn of_cargo_test(output: &str) -> Self {
        let mut total = Self::default();
        let mut own = Self::default();
        for line in output.lines().map(str::trim) {
            if line.starts_with("Running ") || line.starts_with("Doc-tests ") {
                total += std::mem::take(&mut own);
            } else if let Some(result) = line.strip_prefix("test result: ") {
                own = Self::of_result(result);
            }
        }
        total += own;
        total
    }

    fn of_result(result: &str) -> Self {
        let mut tally = Self::default();
        let counts = result.split_once(". ").map_or("", |(_, counts)| counts);
        for (number, what) in counts
            .split("; ")
            .filter_map(|count| count.split_once(' '))
            .filter_map(|(number, what)| Some((number.parse::<u64>().ok()?, what)))
        {
            match what {
                "passed" => tally.passed = number,
                "failed" => tally.failed = number,
                "ignored" => tally.skipped = number,
                _ => {}
            }
        }
        tally
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cargos_results_are_added_up() {
        let output = "     Running unittests src/lib.rs (a)\n\
            test result: ok. 2 passed; 0 failed; 1 ignored; 0 measured; 4 filtered out; finished in 0.01s\n\
                 Running tests/call.rs (b)\n\
            test result: FAILED. 0 passed; 1 failed; 0 ignored; 0 measured; 9 filtered out; finished in 1s\n\
            test result: FAILED. 5 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1s\n\
               Doc-tests adieu\n\
            test result: ok. 0 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0s\n";
        assert_eq!(
            Tally::of_cargo_test(output),
            Tally {
                passed: 7,
                failed: 1,
                skipped: 1
            }
        );
    }
}
