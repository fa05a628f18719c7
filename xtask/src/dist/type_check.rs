//! Platforms for which nothing here can link or run: that the library's Rust, the standard library
//! under it and all that it uses fit their types together there.
//!
//! No C is compiled: there is no SDK here, so the compiler of SQLite and ring is a stand-in that
//! writes empty files. What only a linker, or the platform itself, would notice stays unnoticed.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

use super::build;
use crate::{captured::Captured, tally::Tally, workspace::Workspace};

/// rustc's names for them.
const TRIPLES: [&str; 4] = [
    "aarch64-linux-android",
    "aarch64-apple-ios",
    "aarch64-apple-darwin",
    "x86_64-pc-windows-msvc",
];

/// Answers for a compiler and for an archiver, of either family: the file that is to be made is
/// there afterwards, and empty.
const STAND_IN: &str = r#"#!/bin/sh
made=
before=
for word in "$@"; do
  case $word in
  -E) echo clang; exit 0 ;;
  -Fo* | -out:* | -OUT:* | /out:*) made=${word#-Fo}; made=${made#*out:}; made=${made#*OUT:} ;;
  *.a | *.lib) made=$word ;;
  esac
  [ "$before" = -o ] && made=$word
  before=$word
done
[ -z "$made" ] || [ -e "$made" ] || : > "$made"
"#;

/// Checks all of them in one go.
pub fn check(workspace: &Workspace, captured: &mut Captured) -> Result<Tally> {
    let stand_in = stand_in(&workspace.scratch("check"))?;
    let mut command = build::type_check(workspace, &TRIPLES)?;
    command
        // Flags of a platform are asked of its SDK.
        .env("CRATE_CC_NO_DEFAULTS", "1");
    for triple in TRIPLES {
        let triple = triple.replace('-', "_");
        command
            .env(format!("CC_{triple}"), &stand_in)
            .env(format!("AR_{triple}"), &stand_in);
    }
    let mut tally = Tally::default();
    tally.check(captured.run(&mut command)?);
    Ok(tally)
}

fn stand_in(folder: &Path) -> Result<PathBuf> {
    let path = folder.join("stand-in-for-cc");
    fs::write(&path, STAND_IN).context("cannot write the stand-in")?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755))
        .context("cannot make the stand-in a program")?;
    Ok(path)
}
