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
    for suite in chosen {
        total += run_one(suite, &built, &mut left_out)?;
    }
    println!();
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
fn show(text: &str) {
    let lines: Vec<&str> = text.lines().collect();
    let left_out = lines.len().saturating_sub(SHOWN);
    if left_out > 0 {
        println!("{:14} | {left_out} lines, and then", "");
    }
    for line in lines.iter().skip(left_out) {
        println!("{:14} | {line}", "");
    }
}

fn run_one(suite: &Suite, built: &Built, left_out: &mut Vec<String>) -> Result<Tally> {
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
        show(&captured.text()?);
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
