//! docs/contract.md: every sentence has a test, or a word on what is still to come.

use std::{collections::HashSet, fs, path::PathBuf};

use anyhow::{Context, Result, bail};

use crate::{
    captured::Captured,
    named_tests::{self, NamedTest},
    suites::SUITES,
    tally::Tally,
    workspace::Workspace,
};

/// A row of the table.
struct Row<'a> {
    id: &'a str,
    sentence: &'a str,
    proofs: &'a str,
    later: &'a str,
}

impl<'a> Row<'a> {
    fn read(line: &'a str) -> Option<Self> {
        let cells: Vec<&str> = line
            .strip_prefix('|')?
            .strip_suffix('|')?
            .split('|')
            .map(str::trim)
            .collect();
        let [id, sentence, proofs, later] = cells.as_slice() else {
            return None;
        };
        (named_tests::sentences_in(id) == [*id]).then_some(Self {
            id,
            sentence,
            proofs,
            later,
        })
    }

    fn write(&self, proofs: &str) -> String {
        let cell = |text: &str| {
            if text.is_empty() {
                " ".to_owned()
            } else {
                format!(" {text} ")
            }
        };
        format!(
            "|{}|{}|{}|{}|",
            cell(self.id),
            cell(self.sentence),
            cell(proofs),
            cell(self.later)
        )
    }

    /// Names between backquotes.
    fn names(&self) -> impl Iterator<Item = &'a str> {
        self.proofs.split('`').skip(1).step_by(2)
    }
}

fn page(workspace: &Workspace) -> PathBuf {
    workspace.root.join("docs/contract.md")
}

/// Checks, or writes the proofs anew.
pub fn run(update: bool) -> Result<bool> {
    let workspace = Workspace::find()?;
    if update {
        let path = page(&workspace);
        let text = fs::read_to_string(&path).context("cannot read docs/contract.md")?;
        let tests = named_tests::all(&workspace.root)?;
        fs::write(&path, updated(&text, &tests)).context("cannot write docs/contract.md")?;
    }
    let mut captured = Captured::new()?;
    let tally = check(&workspace, &mut captured)?;
    print!("{}", captured.text()?);
    println!("{} sentences hold, {} do not", tally.passed, tally.failed);
    Ok(tally.failed == 0)
}

/// One check for each sentence, and one for what the tests name.
pub fn check(workspace: &Workspace, captured: &mut Captured) -> Result<Tally> {
    let text = fs::read_to_string(page(workspace)).context("cannot read docs/contract.md")?;
    let tests = named_tests::all(&workspace.root)?;
    let rows: Vec<Row<'_>> = text.lines().filter_map(Row::read).collect();
    if rows.is_empty() {
        bail!("docs/contract.md has no table of sentences");
    }
    let mut tally = Tally::default();
    for complaints in complaints(&rows, &tests) {
        tally.check(complaints.is_empty());
        for complaint in complaints {
            captured.note(&complaint)?;
        }
    }
    Ok(tally)
}

/// What is wrong with each row, and at last with what the tests and suites name.
fn complaints(rows: &[Row<'_>], tests: &[NamedTest]) -> Vec<Vec<String>> {
    let exists = |name: &str| {
        tests.iter().any(|test| test.name == name) || SUITES.iter().any(|suite| suite.name == name)
    };
    let mut all: Vec<Vec<String>> = rows
        .iter()
        .map(|row| {
            let mut wrong: Vec<String> = row
                .names()
                .filter(|name| !exists(name))
                .map(|name| format!("{}: there is no test or suite {name}", row.id))
                .collect();
            if row.names().next().is_none() && row.later.is_empty() {
                wrong.push(format!(
                    "{}: no test names it (cargo xtask contract --update), and nothing is said of later",
                    row.id
                ));
            }
            wrong
        })
        .collect();
    let known: HashSet<&str> = rows.iter().map(|row| row.id).collect();
    let mut unknown: Vec<String> = tests
        .iter()
        .flat_map(|test| {
            test.sentences
                .iter()
                .map(move |id| (id.as_str(), &*test.name))
        })
        .chain(
            SUITES
                .iter()
                .flat_map(|suite| suite.proves.iter().map(|id| (*id, suite.name))),
        )
        .filter(|(id, _)| !known.contains(id))
        .map(|(id, name)| format!("{name} names {id}, which is no sentence of the contract"))
        .collect();
    if rows.len() != known.len() {
        unknown.push("a sentence stands twice in docs/contract.md".to_owned());
    }
    all.push(unknown);
    all
}

/// The page with its column of proofs as the tests and suites have it.
fn updated(text: &str, tests: &[NamedTest]) -> String {
    text.lines()
        .map(|line| match Row::read(line) {
            Some(row) => row.write(&proofs(row.id, tests)) + "\n",
            None => format!("{line}\n"),
        })
        .collect()
}

fn proofs(id: &str, tests: &[NamedTest]) -> String {
    let mut parts: Vec<String> = Vec::new();
    let mut file = "";
    for test in tests
        .iter()
        .filter(|test| test.sentences.iter().any(|one| one == id))
    {
        let name = format!("`{}`", test.name);
        match parts.last_mut().filter(|_| test.file == file) {
            Some(part) => *part += &format!(", {name}"),
            None => parts.push(format!("{}: {name}", test.file)),
        }
        file = &test.file;
    }
    let suites: Vec<String> = SUITES
        .iter()
        .filter(|suite| suite.proves.contains(&id))
        .map(|suite| format!("`{}`", suite.name))
        .collect();
    if !suites.is_empty() {
        parts.push(format!("suite: {}", suites.join(", ")));
    }
    parts.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn test(file: &str, name: &str, sentence: &str) -> NamedTest {
        NamedTest {
            file: file.to_owned(),
            name: name.to_owned(),
            sentences: vec![sentence.to_owned()],
        }
    }

    #[test]
    fn proofs_are_written_anew_and_the_rest_is_kept() {
        let tests = [
            test("tests/a", "one", "CALL-1"),
            test("tests/a", "two", "CALL-1"),
            test("tests/b", "three", "CALL-1"),
        ];
        let page = "# T\n\n| id | x | y | z |\n|---|---|---|---|\n| CALL-1 | s | `old` | w |\n";
        assert_eq!(
            updated(page, &tests),
            "# T\n\n| id | x | y | z |\n|---|---|---|---|\n\
             | CALL-1 | s | tests/a: `one`, `two`; tests/b: `three` | w |\n"
        );
    }

    #[test]
    fn what_is_wrong_is_said() {
        let rows: Vec<Row<'_>> = [
            "| CALL-1 | s | `one` | |",
            "| CALL-2 | s | `gone` | |",
            "| CALL-3 | s | | |",
            "| CALL-4 | s | | later |",
        ]
        .iter()
        .filter_map(|line| Row::read(line))
        .collect();
        let tests = [test("a", "one", "CALL-1"), test("a", "two", "DEL-99")];
        let counts: Vec<usize> = complaints(&rows, &tests).iter().map(Vec::len).collect();
        assert_eq!(counts[..4], [0, 1, 1, 0]);
        // And what the suites prove is missing from this short table too.
        assert!(counts[4] > 1);
    }
}
