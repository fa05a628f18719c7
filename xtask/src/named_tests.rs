//! The tests, and the sentences of the contract that the comments above them name.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

/// Families of sentences.
const FAMILIES: [&str; 6] = ["CALL", "DEL", "DUR", "ERA", "SYNC", "ABI"];
/// Where tests are.
const FOLDERS: [&str; 6] = [
    "tests",
    "server/tests",
    "src",
    "server/src",
    "protocol/src",
    "xtask/src",
];

/// A test.
#[derive(Debug, PartialEq, Eq)]
pub struct NamedTest {
    /// Its file, from the root, without the ending.
    pub file: String,
    /// Its name.
    pub name: String,
    /// What it says that it proves.
    pub sentences: Vec<String>,
}

/// All tests of the workspace, in the order of files and lines.
pub fn all(root: &Path) -> Result<Vec<NamedTest>> {
    let mut files = Vec::new();
    for folder in FOLDERS {
        collect(&root.join(folder), &mut files)?;
    }
    let mut tests = Vec::new();
    for path in files {
        let text =
            fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let short = path.strip_prefix(root).unwrap_or(&path).with_extension("");
        tests_in(&short.to_string_lossy(), &text, &mut tests);
    }
    Ok(tests)
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    let Ok(entries) = fs::read_dir(folder) else {
        // Not every folder need be there.
        return Ok(());
    };
    let mut paths = Vec::new();
    for entry in entries {
        paths.push(
            entry
                .with_context(|| format!("cannot list {}", folder.display()))?
                .path(),
        );
    }
    paths.sort();
    for path in paths {
        if path.is_dir() {
            collect(&path, files)?;
        } else if path
            .extension()
            .is_some_and(|extension| extension == "rs" || extension == "c")
        {
            files.push(path);
        }
    }
    Ok(())
}

fn tests_in(file: &str, text: &str, tests: &mut Vec<NamedTest>) {
    let mut comment = String::new();
    let mut is_test = false;
    for line in text.lines().map(str::trim) {
        if ["//", "/*", "* "]
            .iter()
            .any(|begin| line.starts_with(begin))
        {
            comment.push_str(line);
            comment.push('\n');
        } else if line.starts_with("#[") {
            is_test |= line.ends_with("test]") || line.contains("test(");
        } else {
            // A check of tests/consumers/contract.
            if let Some(name) = line
                .strip_prefix("CHECK(")
                .and_then(|rest| rest.strip_suffix(") {"))
            {
                tests.push(NamedTest {
                    file: file.to_owned(),
                    name: name.to_owned(),
                    sentences: sentences_in(&comment),
                });
            }
            let name = line
                .strip_prefix("async ")
                .unwrap_or(line)
                .strip_prefix("fn ")
                .and_then(|rest| rest.split(['(', '<']).next());
            if let Some(name) = name.filter(|_| is_test) {
                tests.push(NamedTest {
                    file: file.to_owned(),
                    name: name.to_owned(),
                    sentences: sentences_in(&comment),
                });
            }
            comment.clear();
            is_test = false;
        }
    }
}

/// Ids of sentences in a text, in their order.
pub fn sentences_in(text: &str) -> Vec<String> {
    text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '-')
        .filter(|word| {
            word.split_once('-').is_some_and(|(family, number)| {
                FAMILIES.contains(&family) && number.parse::<u32>().is_ok()
            })
        })
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_above_tests_are_read_and_others_are_not() {
        let text = "/// ERA-1 is told of here.\nfn helper() {}\n\n\
            /// CALL-1, (DEL-2): all.\n/// More: SYNC-x, WIN-3.\n#[test]\nfn first() {\n// DEL-9\n}\n\
            // DUR-7\n#[tokio::test]\nasync fn second() {}\n\
            /* ERA-2: in C,\n * and DUR-1. */\nCHECK(third) {\n  CHECK(not_one);\n}\n";
        let mut tests = Vec::new();
        tests_in("tests/a", text, &mut tests);
        let found: Vec<(&str, Vec<&str>)> = tests
            .iter()
            .map(|test| {
                let sentences = test.sentences.iter().map(String::as_str).collect();
                (test.name.as_str(), sentences)
            })
            .collect();
        assert_eq!(
            found,
            [
                ("first", vec!["CALL-1", "DEL-2"]),
                ("second", vec!["DUR-7"]),
                ("third", vec!["ERA-2", "DUR-1"])
            ]
        );
    }
}
