//! The texts of the licences of everything inside.

use std::{
    collections::BTreeMap,
    fmt::Write,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};

use super::components::Component;

/// How files with licences begin.
const NAMES: [&str; 6] = [
    "LICENSE",
    "LICENCE",
    "COPYING",
    "COPYRIGHT",
    "NOTICE",
    "UNLICENSE",
];

/// One page: who is inside under which licence, and every text once.
pub fn of_crates(components: &[Component], sqlite: &str) -> Result<String> {
    let mut who = String::from(
        "libadieu contains the following works, each under its own licence. The texts follow, each \
         once, under the names of the works that they came with. The notices of Rust's standard \
         library are in the file beside this one.\n\n",
    );
    // By text; the lines of two texts may be broken differently.
    let mut texts: BTreeMap<String, (Vec<String>, String)> = BTreeMap::new();
    for component in components.iter().filter(|one| one.is_foreign()) {
        let name = format!("{} {}", component.name, component.version);
        // Writing to a String does not fail.
        let _ = writeln!(who, "{name}: {}", component.licence);
        let files = files(&component.folder)?;
        ensure!(!files.is_empty(), "{name} brings no text of its licence");
        for file in files {
            let text = fs::read_to_string(&file)
                .with_context(|| format!("cannot read {}", file.display()))?;
            let same: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
            let (names, _) = texts.entry(same).or_insert_with(|| (Vec::new(), text));
            names.push(name.clone());
        }
    }
    let _ = writeln!(who, "SQLite {sqlite}: public domain (blessing)");
    let mut texts: Vec<_> = texts.into_values().collect();
    texts.sort_unstable();
    for (names, text) in texts {
        let line = "-".repeat(78);
        let _ = write!(
            who,
            "\n{line}\n{}\n{line}\n\n{}\n",
            names.join(", "),
            text.trim_end()
        );
    }
    Ok(who)
}

/// What rustc brings about its standard library, and how that file is to be called.
pub fn of_standard_library(sysroot: &Path) -> Result<(&'static str, Vec<u8>)> {
    let known = [
        (
            "share/doc/rust/COPYRIGHT-library.html",
            "RUST-STANDARD-LIBRARY.html",
        ),
        // Debian's.
        (
            "share/doc/libstd-rust-web-dev/copyright",
            "RUST-STANDARD-LIBRARY.txt",
        ),
    ];
    for (path, name) in known {
        if let Ok(text) = fs::read(sysroot.join(path)) {
            return Ok((name, text));
        }
    }
    anyhow::bail!(
        "{} has no notices of Rust's standard library",
        sysroot.display()
    )
}

fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder)
        .with_context(|| format!("cannot list {}", folder.display()))?
        .collect::<Result<Vec<_>, _>>()
        .with_context(|| format!("cannot list {}", folder.display()))?;
    let mut files: Vec<PathBuf> = entries
        .into_iter()
        .map(|entry| entry.path())
        .filter(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let name = name.to_uppercase();
            path.is_file() && NAMES.iter().any(|begin| name.starts_with(begin))
        })
        .collect();
    files.sort();
    Ok(files)
}
