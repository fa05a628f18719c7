//! `cargo xtask test`: running suites, and counting.

use std::time::Instant;

use anyhow::{Result, anyhow, bail};
use console::style;

use crate::{
    built::Built,
    captured::Captured,
    children, machine,
    suites::{SUITES, Suite},
    tally::Tally,
    workspace::Workspace,
};

/// Lines that are shown of a suite that failed.
const SHOWN: usize = 400;
/// Lines of it that are shown once more at the end, where whoever keeps only the end sees them.
const SHOWN_AGAIN: usize = 60;

/// Names the suites.
pub fn list() -> Result<bool> {
    for suite in SUITES {
        let needs: Vec<&str> = suite.needs.iter().map(|need| need.program).collect();
        let needs = if needs.is_empty() {
            String::new()
        } else {
            format!("  (needs {})", needs.join(", "))
        };
        println!("{:<14}{}{needs}", suite.name, suite.what);
    }
    Ok(true)
}

/// Runs the named suites, or all; the last line that it prints counts.
pub fn run(only: &[String]) -> Result<bool> {
    let mut chosen: Vec<&Suite> = SUITES.iter().collect();
    if !only.is_empty() {
        if let Some(unknown) = only
            .iter()
            .find(|name| SUITES.iter().all(|suite| suite.name != **name))
        {
            bail!("there is no suite {unknown:?}; cargo xtask test --list names them");
        }
        chosen.retain(|suite| only.iter().any(|name| name == suite.name));
    }
    let built = Built::new(Workspace::find()?);
    let mut total = Tally::default();
    let mut left_out = Vec::new();
    let mut failures = Vec::new();
    for suite in chosen {
        total += run_one(suite, &built, &mut left_out, &mut failures)?;
    }
    println!();
    for (suite, text) in &failures {
        println!("{}", style(format!("failed: {suite}")).red());
        show(text, SHOWN_AGAIN);
    }
    for reason in &left_out {
        println!("{}", style(format!("skipped: {reason}")).yellow());
    }
    if machine::in_ci() && total.skipped > 0 {
        println!("nothing may be skipped here: what was counts as failed");
        total.failed += std::mem::take(&mut total.skipped);
    }
    println!(
        "{} passed, {} failed, {} skipped",
        total.passed, total.failed, total.skipped
    );
    Ok(total.failed == 0)
}

/// Prints the end of what failed: a compiler can say more than a terminal holds.
fn show(text: &str, most: usize) {
    let lines: Vec<&str> = text.lines().collect();
    let left_out = lines.len().saturating_sub(most);
    if left_out > 0 {
        println!("{:14} | {left_out} lines, and then", "");
    }
    for line in lines.iter().skip(left_out) {
        println!("{:14} | {line}", "");
    }
}

/// Where the programs of `cargo test` say what failed and why; everything, where none does.
fn failures_of(text: &str) -> String {
    let mut told = String::new();
    let mut is_told = false;
    for line in text.lines() {
        is_told |= line.trim() == "failures:";
        if is_told {
            told.push_str(line);
            told.push('\n');
        }
        is_told &= !line.starts_with("test result: ");
    }
    if told.is_empty() {
        text.to_owned()
    } else {
        told
    }
}

fn run_one(
    suite: &Suite,
    built: &Built,
    left_out: &mut Vec<String>,
    failures: &mut Vec<(&'static str, String)>,
) -> Result<Tally> {
    println!(
        "{} {}",
        style(format!("{:<14}", suite.name)).bold(),
        suite.what
    );
    let begun = Instant::now();
    for need in suite.needs {
        if let Err(reason) = need.meet() {
            println!("{:14} skipped: {reason}", "");
            left_out.push(format!("{}: {reason}", suite.name));
            return Ok(Tally {
                skipped: 1,
                ..Tally::default()
            });
        }
    }
    let mut captured = Captured::new()?;
    let ran = (suite.run)(built, &mut captured);
    if children::interrupted() {
        return Err(anyhow!("interrupted"));
    }
    let tally = match ran {
        Ok(tally) => tally,
        Err(error) => {
            captured.note(&format!("{error:#}"))?;
            Tally {
                failed: 1,
                ..Tally::default()
            }
        }
    };
    if tally.failed > 0 {
        let text = captured.text()?;
        show(&text, SHOWN);
        failures.push((suite.name, failures_of(&text)));
    }
    if tally.skipped > 0 {
        left_out.push(format!("{}: {} checks", suite.name, tally.skipped));
        for line in captured
            .text()?
            .lines()
            .filter(|line| line.contains("skipped: "))
        {
            left_out.push(format!("{}: {line}", suite.name));
        }
    }
    println!(
        "{:14} {} passed, {} failed, {} skipped in {:.1} s",
        "",
        tally.passed,
        tally.failed,
        tally.skipped,
        begun.elapsed().as_secs_f64()
    );
    Ok(tally)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_failed_is_told_without_what_passed() {
        let output = "\
running 2 tests
test one ... ok
test two ... FAILED

failures:

---- two stdout ----
left is not right

failures:
    two

test result: FAILED. 1 passed; 1 failed; 0 ignored
     Running tests/next.rs
test result: ok. 7 passed; 0 failed; 0 ignored
";
        let told = failures_of(output);
        assert!(told.contains("left is not right"));
        assert!(!told.contains("7 passed") && !told.contains("one ... ok"));
        assert_eq!(failures_of("it does not compile"), "it does not compile");
    }
}
