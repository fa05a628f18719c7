//! The one table for people.

use crate::elsewhere::ELSEWHERE;
use crate::machine::Noise;
use crate::report::{Goal, Report, Summary};

const WIDTH: usize = 62;

/// Prints every row, then what missed its goal, and how much the rounds differ.
pub fn print(report: &Report) {
    println!(
        "{:WIDTH$} {:>12} {:>10} {:>10} {:>9} {:>7} {:>7}",
        "", "goal", "floor", "median", "99th pct", "ratio", "spread"
    );
    let mut section = "";
    for row in report.rows() {
        if row.section != section {
            section = row.section;
            println!("\n{section}");
        }
        println!("{}", line(row));
    }
    if !report.missing().is_empty() {
        println!("\nwithout figures");
    }
    for missing in report.missing() {
        let verdict = if missing.failed { "FAILED" } else { "left out" };
        let (section, what, why) = (missing.section, &missing.what, &missing.why);
        println!("  {section}: {what}: {verdict}: {why}");
    }
    println!("\nmeasured by other commands");
    for other in ELSEWHERE {
        let (what, goal, command) = (other.what, other.goal, other.command);
        println!("  {what}: {goal}: {command}");
    }
    let judged: Vec<_> = report.rows().iter().filter_map(Summary::kept).collect();
    let missed = judged.iter().filter(|kept| !**kept).count();
    println!("\n{} of {} goals kept", judged.len() - missed, judged.len());
    for row in report.rows().iter().filter(|row| row.kept() == Some(false)) {
        let why = row.why_missed().map(|why| format!(": {why}"));
        let why = why.unwrap_or_default();
        println!("  missed: {}: {}{why}", row.section, row.what);
    }
    println!("{}", Noise::of(report).words());
}

fn line(row: &Summary) -> String {
    let what = match row.unit {
        "" => row.what.clone(),
        unit => format!("{}, {unit}", row.what),
    };
    let goal = row.goal.map_or_else(String::new, |goal| {
        // A goal for the ratio is a number of times; the others are in the row's unit.
        let times = if row.ratio().is_some() { "x" } else { "" };
        match goal {
            Goal::AtMost(limit) => format!("<= {}{times}", number(limit)),
            Goal::AtLeast(limit) => format!(">= {}{times}", number(limit)),
            Goal::NeverAbove(limit) => format!("all <= {}{times}", number(limit)),
        }
    });
    let verdict = match row.kept() {
        Some(true) => "kept",
        Some(false) => "MISSED",
        None => "",
    };
    let or_nothing = |value: Option<f64>| value.map_or_else(String::new, number);
    let spread = row
        .spread()
        .map_or_else(String::new, |spread| format!("{:.0} %", spread * 100.0));
    format!(
        "  {what:width$} {goal:>12} {:>10} {:>10} {:>9} {:>7} {spread:>7} {verdict}",
        or_nothing(row.floor()),
        number(row.median()),
        or_nothing(row.p99()),
        or_nothing(row.ratio()),
        width = WIDTH - 2,
    )
    .trim_end()
    .to_owned()
}

/// Three digits that count, and all of a larger whole number.
pub fn number(value: f64) -> String {
    let digits = match value.abs() {
        size if size >= 99.95 || value.fract() == 0.0 => 0,
        size if size >= 9.995 => 1,
        _ => 2,
    };
    let plain = format!("{value:.digits$}");
    let (whole, rest) = plain.split_once('.').unwrap_or((&plain, ""));
    let (sign, whole) = whole
        .strip_prefix('-')
        .map_or(("", whole), |whole| ("-", whole));
    let grouped: Vec<_> = whole
        .as_bytes()
        .rchunks(3)
        .rev()
        .map(String::from_utf8_lossy)
        .collect();
    let dot = if rest.is_empty() { "" } else { "." };
    format!("{sign}{}{dot}{rest}", grouped.join(","))
}

#[cfg(test)]
mod tests {
    use super::number;

    #[test]
    fn numbers_have_the_digits_that_count() {
        let written = [0.0, 1.234, 12.34, 99.97, 300.0, 1234.5, -0.25, 2_000_000.0].map(number);
        assert_eq!(
            written,
            [
                "0",
                "1.23",
                "12.3",
                "100",
                "300",
                "1,234",
                "-0.25",
                "2,000,000"
            ]
        );
    }
}
