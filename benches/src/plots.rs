//! The pictures of a run, from its file of figures.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::chart::{Axis, Bar, Line, bars, lines};

/// Draws what the figures in a folder allow; says what was drawn.
pub fn draw(folder: &Path) -> Result<Vec<&'static str>> {
    let path = folder.join("figures.json");
    let text = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let figures: Value = serde_json::from_slice(&text)?;
    let rows = Rows(figures["rows"].as_array().context("no rows")?);
    let mut drawn = Vec::new();
    for (name, picture) in PICTURES {
        if picture(&rows, &folder.join(name))? {
            drawn.push(name);
        }
    }
    Ok(drawn)
}

type Picture = fn(&Rows<'_>, &Path) -> Result<bool>;

const PICTURES: [(&str, Picture); 8] = [
    ("erase.svg", erase),
    ("history.svg", history),
    ("connections.svg", connections),
    ("latency.svg", latency),
    ("inserts.svg", inserts),
    ("bulk.svg", bulk),
    ("gone.svg", gone),
    ("readable.svg", readable),
];

struct Rows<'a>(&'a [Value]);

impl<'a> Rows<'a> {
    fn of(&self, section: &'static str) -> impl Iterator<Item = (&'a str, &'a Value)> {
        let rows = self.0.iter().filter(move |row| row["section"] == section);
        rows.filter_map(|row| Some((row["what"].as_str()?, row)))
    }

    fn one(&self, section: &'static str, what: &str) -> Option<&'a Value> {
        let mut rows = self.of(section);
        rows.find(|(name, _)| *name == what).map(|(_, row)| row)
    }
}

fn of(row: &Value, field: &str) -> f64 {
    row[field].as_f64().unwrap_or(f64::NAN)
}

/// Rows whose name is a number between two texts, as (number, median).
fn by_number(rows: &Rows<'_>, section: &'static str, around: [&str; 2]) -> Vec<(f64, f64)> {
    let number = |what: &str| {
        let rest = what.strip_prefix(around[0])?.strip_suffix(around[1])?;
        rest.parse().ok()
    };
    rows.of(section)
        .filter_map(|(what, row)| Some((number(what)?, of(row, "median"))))
        .collect()
}

fn marked(name: &str, points: Vec<(f64, f64)>) -> Line {
    Line {
        name: name.to_owned(),
        points,
        marked: true,
    }
}

/// From the call to the success with each engine of the server, against the length of the history.
fn history(rows: &Rows<'_>, path: &Path) -> Result<bool> {
    let of_engine = |name: &str, shown: &str| {
        let around = [name, " messages: call to success"];
        marked(shown, by_number(rows, "round-trip", around))
    };
    let mut shown = vec![
        of_engine("PostgreSQL, ", "server on PostgreSQL"),
        of_engine("SQLite, ", "server on its embedded file"),
    ];
    shown.retain(|line| !line.points.is_empty());
    let floor = "SQLite: slowest of these medians";
    let Some(floor) = rows.one("round-trip", floor) else {
        return Ok(false);
    };
    let of_floor = |(length, _): &(f64, f64)| (*length, of(floor, "floor"));
    let longest = shown.iter().max_by_key(|line| line.points.len());
    let points = longest.map(|line| line.points.iter().map(of_floor).collect());
    shown.push(marked(
        "floor: two flushes, a round trip and 100 µs",
        points.unwrap_or_default(),
    ));
    let all = || shown.iter().flat_map(|line| line.points.iter());
    let across = Axis::powers("messages in the deleted group", all().map(|(x, _)| *x));
    let up = Axis::from_zero("µs, median", all().map(|(_, y)| *y));
    lines(
        path,
        "From the call to the success, by the length of the conversation",
        [&across, &up],
        &shown,
    )?;
    Ok(true)
}

/// Deletions a second with each engine, against the number of connections.
fn connections(rows: &Rows<'_>, path: &Path) -> Result<bool> {
    let of_engine = |name: &str, shown: &str| {
        let mut points = Vec::new();
        for end in [" connection", " connections"] {
            let begin = format!("{name}: deletions by ");
            points.extend(by_number(rows, "load", [&begin, end]));
        }
        marked(shown, points)
    };
    let mut shown = vec![
        of_engine("SQLite", "embedded file"),
        of_engine("PostgreSQL", "PostgreSQL"),
    ];
    shown.retain(|line| line.points.len() > 1);
    if shown.is_empty() {
        return Ok(false);
    }
    let all = || shown.iter().flat_map(|line| line.points.iter());
    let across = Axis::powers("connections", all().map(|(x, _)| *x));
    let up = Axis::from_zero("deletions a second", all().map(|(_, y)| *y));
    lines(
        path,
        "What a server deletes, by the number of connections",
        [&across, &up],
        &shown,
    )?;
    Ok(true)
}

/// How long erasing takes, against the length of the history.
fn erase(rows: &Rows<'_>, path: &Path) -> Result<bool> {
    let by_length = |end: &str, field: &str| -> Vec<(f64, f64)> {
        let number = |what: &str| what.strip_suffix(end)?.parse().ok();
        let point = |(what, row)| Some((number(what)?, of(row, field)));
        rows.of("erase").filter_map(point).collect()
    };
    let erased = by_length(" messages: erased", "median");
    let Some(append) = rows.one("erase", "4 KiB append + fdatasync") else {
        return Ok(false);
    };
    let floor = erased
        .iter()
        .map(|(length, _)| (*length, of(append, "median")));
    let shown = [
        marked("erased, slowest", by_length(" messages: erased", "slowest")),
        marked(
            "call to success, median",
            by_length(" messages: call to success", "median"),
        ),
        marked("erased, median", erased.clone()),
        marked("floor: 4 KiB append + fdatasync, median", floor.collect()),
    ];
    let all = || shown.iter().flat_map(|line| line.points.iter());
    let across = Axis::powers(
        "messages in the deleted conversation",
        all().map(|(x, _)| *x),
    );
    let up = Axis::from_zero("µs", all().map(|(_, y)| *y));
    lines(
        path,
        "Erasing on the device, by the length of the conversation",
        [&across, &up],
        &shown,
    )?;
    Ok(true)
}

/// A row's samples as (value, share in percent that took at most that).
fn distribution(row: &Value) -> Vec<(f64, f64)> {
    let percentiles = row["percentiles"].as_array();
    let values = percentiles.into_iter().flatten().filter_map(Value::as_f64);
    values
        .enumerate()
        .map(|(share, value)| (value, share as f64))
        .collect()
}

/// From the call to the callback.
fn latency(rows: &Rows<'_>, path: &Path) -> Result<bool> {
    let wanted = [
        ("erase", "1000 messages: call to success", "device alone"),
        (
            "round-trip",
            "SQLite, 10 messages: call to success",
            "with a server on loopback, embedded file",
        ),
        (
            "round-trip",
            "PostgreSQL, 10 messages: call to success",
            "the same, PostgreSQL",
        ),
        (
            "sync",
            "SQLite: call on one to the event on the other",
            "until another device hears of it",
        ),
        (
            "load",
            "SQLite: each of them",
            "server: 64 connections, embedded file",
        ),
        (
            "load",
            "PostgreSQL: each of them",
            "server: 64 connections, PostgreSQL",
        ),
    ];
    let line = |(section, what, name): (&'static str, &str, &str)| {
        let points = distribution(rows.one(section, what)?);
        (!points.is_empty()).then(|| Line {
            name: name.to_owned(),
            points,
            marked: false,
        })
    };
    let shown: Vec<_> = wanted.into_iter().filter_map(line).collect();
    if shown.is_empty() {
        return Ok(false);
    }
    let values = shown
        .iter()
        .flat_map(|line| line.points.iter().map(|(value, _)| *value));
    let across = Axis::powers("µs from the call to its answer", values);
    let up = Axis {
        name: "% of deletions that took at most so long",
        log: false,
        least: 0.0,
        most: 100.0,
    };
    lines(path, "How long a deletion takes", [&across, &up], &shown)?;
    Ok(true)
}

/// What an insert waits while there is a purge, and without.
fn inserts(rows: &Rows<'_>, path: &Path) -> Result<bool> {
    let wanted = [
        ("insert while nothing is purged", "nothing is purged"),
        ("insert while purging", "beside the purge"),
    ];
    let line = |(what, name): (&str, &str)| {
        let row = rows.one("purge", what)?;
        // The slowest, of which nothing is longer, has no place on this axis.
        let points = distribution(row).into_iter().take(100);
        let points = points.map(|(value, share)| (value, 100.0 - share));
        Some(Line {
            name: format!(
                "{name}; slowest of {}: {:.0} µs",
                row["samples"],
                of(row, "slowest")
            ),
            points: points.collect(),
            marked: false,
        })
    };
    let shown: Vec<_> = wanted.into_iter().filter_map(line).collect();
    if shown.iter().all(|line| line.points.is_empty()) {
        return Ok(false);
    }
    let values = shown
        .iter()
        .flat_map(|line| line.points.iter().map(|(value, _)| *value));
    let across = Axis::powers("µs from the call to the callback of an insert", values);
    let up = Axis {
        name: "% of inserts that took longer",
        log: true,
        least: 1.0,
        most: 100.0,
    };
    lines(
        path,
        "What an insert waits for a purge",
        [&across, &up],
        &shown,
    )?;
    Ok(true)
}

/// Messages a second, wherever many are moved.
fn bulk(rows: &Rows<'_>, path: &Path) -> Result<bool> {
    let rates = rows.of("bulk").chain(rows.of("purge"));
    let shown: Vec<_> = rates
        .filter(|(_, row)| row["unit"] == "messages/s")
        .map(|(what, row)| Bar {
            name: what.to_owned(),
            value: of(row, "median"),
            goal: row["goal"]["at_least"].as_f64(),
        })
        .collect();
    if shown.is_empty() {
        return Ok(false);
    }
    let axis = Axis::from_zero(
        "messages a second (the mark: at least this)",
        shown
            .iter()
            .map(|bar| bar.value.max(bar.goal.unwrap_or(0.0))),
    );
    bars(path, "Bringing much in, and purging it", &axis, &shown)?;
    Ok(true)
}

/// Rows of the section side-by-side whose name ends so; its beginning names the store.
fn beside(rows: &Rows<'_>, end: &str) -> Vec<Bar> {
    let bar = |(what, row): (&str, &Value)| {
        Some(Bar {
            name: what.strip_suffix(end)?.to_owned(),
            value: of(row, "median"),
            goal: None,
        })
    };
    rows.of("side-by-side").filter_map(bar).collect()
}

/// Until a conversation is gone, with each way to store it.
fn gone(rows: &Rows<'_>, path: &Path) -> Result<bool> {
    let shown = beside(rows, ": until it is gone");
    if shown.is_empty() {
        return Ok(false);
    }
    let axis = Axis::powers(
        "ms, until the deletion is on the disk",
        shown.iter().map(|bar| bar.value),
    );
    bars(path, "Deleting a long conversation", &axis, &shown)?;
    Ok(true)
}

/// What can be read of a deleted conversation, with each way to store it.
fn readable(rows: &Rows<'_>, path: &Path) -> Result<bool> {
    let shown = beside(rows, ": texts still in the files");
    if shown.is_empty() {
        return Ok(false);
    }
    let axis = Axis {
        name: "% of the deleted texts that stand in the store's files, the log emptied",
        log: false,
        least: 0.0,
        most: 100.0,
    };
    bars(path, "What a deletion leaves readable", &axis, &shown)?;
    Ok(true)
}
