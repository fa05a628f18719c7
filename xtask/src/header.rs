//! include/adieu.h: compiled alone, in every standard, with every macro used.

use std::{
    fmt::Write,
    fs,
    path::Path,
    process::{Command, Stdio},
};

use anyhow::{Context, Result};

use crate::{
    captured::Captured,
    tally::Tally,
    workspace::{DEBUG_LIBRARY, Workspace},
};

const C: [&str; 4] = ["c99", "c11", "c17", "c2x"];
const CPP: [&str; 5] = ["c++11", "c++14", "c++17", "c++20", "c++2b"];
const WARNINGS: [&str; 6] = [
    "-Wall",
    "-Wextra",
    "-Wpedantic",
    "-Werror",
    "-Wundef",
    // Every function is declared once.
    "-Wredundant-decls",
];

/// What the header declares.
pub struct Header {
    text: String,
}

impl Header {
    /// Reads it.
    pub fn read(workspace: &Workspace) -> Result<Self> {
        Self::read_in(&workspace.root)
    }

    /// As above, of the sources in `root`.
    pub fn read_in(root: &Path) -> Result<Self> {
        let path = root.join("include/adieu.h");
        let text =
            fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        Ok(Self::of(text))
    }

    /// A header's text.
    pub fn of(text: String) -> Self {
        Self { text }
    }

    /// Names of the functions, each once, sorted.
    pub fn functions(&self) -> Vec<String> {
        let mut names: Vec<String> = self
            .text
            .split("\nADIEU_API\n")
            .skip(1)
            .filter_map(|declaration| {
                let (before, _) = declaration.split_once('(')?;
                Some(before.rsplit([' ', '*']).next()?.to_owned())
            })
            .collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    fn macros(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self
            .text
            .lines()
            .filter_map(|line| {
                let mut words = line.strip_prefix("#define ")?.split_whitespace();
                let name = words.next()?;
                // What defines nothing, or stands for nothing in an expression.
                words.next()?;
                (name != "ADIEU_API").then_some(name)
            })
            .collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// A program that includes the header twice, uses every macro and names every function.
    fn user(&self) -> String {
        let mut text = String::from("#include \"adieu.h\"\n#include \"adieu.h\"\n");
        text += "int main(void) {\n  int32_t sum = 0;\n";
        for name in self.macros() {
            // Writing to a String does not fail.
            let _ = match name
                .strip_prefix("ADIEU_")
                .and_then(|n| n.strip_suffix("_INIT"))
            {
                Some(noun) => {
                    let noun = noun.to_lowercase();
                    writeln!(
                        text,
                        "  {{ adieu_{noun} it = {name}; sum += it.struct_size == sizeof it; }}"
                    )
                }
                None => writeln!(text, "  sum += (int32_t)({name});"),
            };
        }
        for function in self.functions() {
            let _ = writeln!(text, "  sum += &{function} != NULL;");
        }
        text + "  return sum == 0;\n}\n"
    }
}

/// Compiles it with each compiler in each standard, and has the build compare it with the sources.
pub fn check(workspace: &Workspace, captured: &mut Captured) -> Result<Tally> {
    let header = Header::read(workspace)?;
    let folder = workspace.scratch("header");
    fs::create_dir_all(&folder)
        .with_context(|| format!("cannot make the folder {}", folder.display()))?;
    let mut tally = Tally::default();
    for (standards, extension, compilers) in [
        (&C[..], "c", ["gcc", "clang"]),
        (&CPP[..], "cpp", ["g++", "clang++"]),
    ] {
        let user = folder.join(format!("user.{extension}"));
        fs::write(&user, header.user()).context("cannot write the header's user")?;
        for compiler in compilers {
            for standard in standards {
                tally.check(compiles(workspace, compiler, standard, &user, captured)?);
            }
        }
    }
    // With CI set, a header that is not what the sources say fails the build.
    let mut build = workspace.cargo(&DEBUG_LIBRARY);
    tally.check(captured.run(build.env("CI", "true"))?);
    Ok(tally)
}

fn compiles(
    workspace: &Workspace,
    compiler: &str,
    standard: &str,
    user: &Path,
    captured: &mut Captured,
) -> Result<bool> {
    let mut command = Command::new(compiler);
    command
        .arg(format!("-std={standard}"))
        .args(WARNINGS)
        // A function's address is never NULL: it is asked so that the function is named at all.
        .args(["-Wno-address", "-fsyntax-only"])
        .arg("-I")
        .arg(workspace.root.join("include"))
        .stdin(Stdio::null());
    if compiler.starts_with("clang") {
        command.arg("-Wno-tautological-pointer-compare");
    }
    if user.extension().is_some_and(|extension| extension == "c") {
        command.arg("-Wstrict-prototypes");
    }
    captured.run(command.arg(user))
}
