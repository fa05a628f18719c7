//! The tables of a run as a page, from its file of figures.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::elsewhere::ELSEWHERE;
use crate::table::number;

/// Reads the figures in a folder, and writes `results.md` beside them.
pub fn write(folder: &Path) -> Result<()> {
    let path = folder.join("figures.json");
    let text = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let page = page(&serde_json::from_slice(&text)?).context("a figure is not as expected")?;
    let path = folder.join("results.md");
    fs::write(&path, page).with_context(|| format!("cannot write {}", path.display()))
}

fn page(figures: &Value) -> Option<String> {
    let rows = figures["rows"].as_array()?;
    let has = |field: &'static str| rows.iter().filter(move |row| !row[field].is_null());
    // Writing to a String cannot fail.
    let mut page = head(figures)?;
    page += "## What is promised\n\nA goal with an x is one for the ratio to the floor.\n\n";
    page +=
        "| | goal | floor | result | ratio | rounds apart by | |\n|---|---|---|---|---|---|---|\n";
    for row in has("goal") {
        let verdict = match (row["kept"].as_bool()?, row["why_missed"].as_str()) {
            (true, _) => "kept".to_owned(),
            (false, None) => "**missed**".to_owned(),
            (false, Some(why)) => format!("**missed**: {why}"),
        };
        let _ = writeln!(
            page,
            "| {}: {} | {} | {} | {} | {} | {} | {verdict} |",
            row["section"].as_str()?,
            row["what"].as_str()?,
            goal(row),
            floor(row),
            result(row)?,
            or_nothing(&row["ratio"]),
            percent(&row["spread"]),
        );
    }
    page += "\nMeasured by other commands:\n\n| | goal | command |\n|---|---|---|\n";
    for other in ELSEWHERE {
        let (what, goal, command) = (other.what, other.goal, other.command);
        let _ = writeln!(page, "| {what} | {goal} | `{command}` |");
    }
    page += "\n## All figures\n";
    let mut section = "";
    for row in has("median") {
        if row["section"] != section {
            section = row["section"].as_str()?;
            let _ = write!(
                page,
                "\n### {section}\n\n| | floor | median | 99th percentile | slowest | samples | ratio | rounds apart by |\n\
                 |---|---|---|---|---|---|---|---|\n"
            );
        }
        let _ = writeln!(
            page,
            "| {} | {} | {} | {} | {} | {} | {} | {} |",
            row["what"].as_str()?,
            floor(row),
            result(row)?,
            or_nothing(&row["p99"]),
            or_nothing(&row["slowest"]),
            row["samples"],
            or_nothing(&row["ratio"]),
            percent(&row["spread"]),
        );
    }
    let missing: Vec<_> = has("failed").chain(has("left_out")).collect();
    if !missing.is_empty() {
        page += "\n## Without figures\n\n| | | |\n|---|---|---|\n";
    }
    for row in missing {
        let (verdict, why) = match row["failed"].as_str() {
            Some(why) => ("**failed**", why),
            None => ("left out", row["left_out"].as_str()?),
        };
        let (section, what) = (row["section"].as_str()?, row["what"].as_str()?);
        let _ = writeln!(page, "| {section}: {what} | {verdict} | {why} |");
    }
    Some(page)
}

/// On what, how long, and how restless that was.
fn head(figures: &Value) -> Option<String> {
    let machine = |field: &str| figures["machine"][field].as_str();
    let (noise, judged) = (&figures["noise"], kept(figures)?);
    Some(format!(
        "# Results of one run\n\n\
         Written by `cargo xtask bench{}`, as [`figures.json`](figures.json) beside it, which has every \
         round. {}, {} cores, {} MiB, Linux {}, {}; {}; revision {}; load before {}, after {}. It took \
         {} s, after {} s of building. {} of {} goals kept. Between its rounds a row differs by {} \
         (middle of {} rows), at most by {} ({}).\n\n",
        if figures["quick"].as_bool()? {
            " --quick"
        } else {
            ""
        },
        machine("cpu")?,
        figures["machine"]["cores"],
        figures["machine"]["memory_mib"],
        machine("kernel")?,
        machine("file_system")?,
        machine("rustc")?,
        machine("revision")?,
        machine("load_before")?,
        machine("load_after")?,
        number(figures["seconds"].as_f64()?.round()),
        number(figures["build_seconds"].as_f64()?.round()),
        judged.0,
        judged.1,
        percent(&noise["spread_median"]),
        noise["rows"],
        percent(&noise["spread_largest"]),
        noise["largest_of"].as_str()?,
    ))
}

/// How many goals are kept, and how many there are.
fn kept(figures: &Value) -> Option<(usize, usize)> {
    let rows = figures["rows"].as_array()?.iter();
    let judged: Vec<_> = rows.filter_map(|row| row["kept"].as_bool()).collect();
    Some((judged.iter().filter(|kept| **kept).count(), judged.len()))
}

fn goal(row: &Value) -> String {
    let goal = &row["goal"];
    let times = if row["ratio"].is_null() { "" } else { "x" };
    let words = [
        ("at_most", "at most"),
        ("at_least", "at least"),
        ("never_above", "never above"),
    ];
    let mut words = words
        .iter()
        .filter_map(|(field, words)| Some((words, goal[field].as_f64()?)));
    let found = words.next();
    found.map_or_else(String::new, |(words, limit)| {
        format!("{words} {}{times}", number(limit))
    })
}

fn floor(row: &Value) -> String {
    match (row["floor"].as_f64(), row["floor_name"].as_str()) {
        (Some(floor), Some(name)) => format!("{} ({name})", number(floor)),
        _ => String::new(),
    }
}

fn result(row: &Value) -> Option<String> {
    let value = number(row["median"].as_f64()?);
    Some(
        format!("{value} {}", row["unit"].as_str()?)
            .trim_end()
            .to_owned(),
    )
}

fn or_nothing(value: &Value) -> String {
    value.as_f64().map_or_else(String::new, number)
}

fn percent(share: &Value) -> String {
    share
        .as_f64()
        .map_or_else(String::new, |share| format!("{:.0} %", share * 100.0))
}
