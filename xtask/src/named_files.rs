//! Pages that name files and tests: what they name is there.

use std::{fs, path::Path};

use anyhow::{Context, Result, ensure};

use crate::{captured::Captured, named_tests, tally::Tally, workspace::Workspace};

/// Checks every `folder/file` and every `folder/file::test` between backquotes of a page.
pub fn check(workspace: &Workspace, page: &str, captured: &mut Captured) -> Result<Tally> {
    let text = fs::read_to_string(workspace.root.join(page))
        .with_context(|| format!("cannot read {page}"))?;
    let tests = named_tests::all(&workspace.root)?;
    let mut tally = Tally::default();
    for name in names(&text) {
        let there = match name.split_once("::") {
            Some((file, test)) => tests.iter().any(|one| one.file == file && one.name == test),
            None => workspace.root.join(name).exists(),
        };
        tally.check(there);
        if !there {
            captured.note(&format!("{page} names {name}, which is not there"))?;
        }
    }
    ensure!(tally != Tally::default(), "{page} names nothing");
    Ok(tally)
}

/// What looks like a path from the root: not a URL's, not one of a machine.
fn names(text: &str) -> impl Iterator<Item = &str> {
    let quoted = text.split('`').skip(1).step_by(2);
    quoted.filter(|name| {
        let path = name.split("::").next().unwrap_or_default();
        let first = path.split('/').next().unwrap_or_default();
        path.contains('/')
            && !path.contains([' ', ':', '\n'])
            && !first.is_empty()
            && first != "v4"
            && Path::new(path).is_relative()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_and_tests_are_told_from_other_words() {
        let text = "`src/ffi` and `tests/a::b`, `/console`, `v4/x`, `https://x/y`, `a b/c`, `word`";
        let found: Vec<&str> = names(text).collect();
        assert_eq!(found, ["src/ffi", "tests/a::b"]);
    }
}
