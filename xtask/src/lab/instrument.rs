//! The library and C programs, built so that a sanitizer watches them.

use std::{
    fs,
    os::unix,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result, ensure};

use super::RUST_WITH_SOURCES;
use crate::{captured::Captured, children::Running, workspace::Workspace};

/// The platform whose programs are watched.
const TRIPLE: &str = "x86_64-unknown-linux-gnu";

/// What watches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Sanitizer {
    /// AddressSanitizer, with LeakSanitizer; for C and C++ UndefinedBehaviorSanitizer too.
    Address,
    /// ThreadSanitizer, the standard library included.
    Thread,
}

/// A built library, and how programs are built that go with it.
pub struct Kit<'a> {
    /// The workspace.
    pub workspace: &'a Workspace,
    /// The folder with libadieu.so.
    pub library: PathBuf,
    /// Where programs go.
    folder: PathBuf,
    /// For C and for C++.
    pub compilers: [&'static str; 2],
    /// For both.
    pub flags: Vec<&'static str>,
}

impl Sanitizer {
    /// What people call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Address => "AddressSanitizer",
            Self::Thread => "ThreadSanitizer",
        }
    }

    /// Mistakes of an app that it has to notice (`lab/faults.c` makes them), and what it says of each.
    pub fn notices(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Address => &[
                ("use-after-free", "heap-use-after-free"),
                ("leak", "LeakSanitizer"),
                ("overflow", "signed integer overflow"),
                // One word of it, as the library reads it: the C library's functions are watched
                // whoever calls them, and would copy more.
                ("gone-options", "READ of size 4 "),
            ],
            Self::Thread => &[
                ("race", "data race"),
                ("use-after-free", "use-after-free"),
                ("gone-options", "Read of size 4 "),
            ],
        }
    }

    fn flag(self) -> &'static str {
        match self {
            Self::Address => "address",
            Self::Thread => "thread",
        }
    }

    /// For C and C++ that belongs to it.
    fn c_flags(self) -> Vec<&'static str> {
        let mut flags = vec!["-O1", "-g", "-fno-omit-frame-pointer"];
        flags.extend(match self {
            Self::Address => &["-fsanitize=address,undefined", "-fno-sanitize-recover=all"][..],
            Self::Thread => &["-fsanitize=thread"][..],
        });
        flags
    }

    /// Builds the library: Rust, the bundled SQLite and the cryptography's C alike.
    ///
    /// The release's compiler leaves the switches for this to those who ask by name
    /// (`RUSTC_BOOTSTRAP`). A shared library does not carry the sanitizer's runtime: the program that
    /// loads it does.
    pub fn build(self, workspace: &Workspace) -> Result<Kit<'_>> {
        let folder = workspace.target.join("lab").join(self.flag());
        let c_flags = format!("-fsanitize={} -g -O1 -fno-omit-frame-pointer", self.flag());
        let mut command = match self {
            Self::Address => workspace.cargo(&["build"]),
            Self::Thread => {
                for need in RUST_WITH_SOURCES {
                    need.meet().map_err(anyhow::Error::msg)?;
                }
                let mut command = Command::new("/usr/bin/cargo");
                command
                    .args(["build", "-Zbuild-std"])
                    .current_dir(&workspace.root)
                    .env("PATH", "/usr/bin:/bin")
                    .env("RUSTC", "/usr/bin/rustc")
                    .env_remove("RUSTUP_TOOLCHAIN");
                command
            }
        };
        command
            .args(["--lib", "--package=adieu", "--target", TRIPLE])
            .arg("--target-dir")
            .arg(&folder)
            .env("RUSTC_BOOTSTRAP", "1")
            .env("CC", "clang-22")
            .env("CFLAGS", c_flags)
            .env("CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_LINKER", "clang-22")
            .env(
                "RUSTFLAGS",
                format!("-Zsanitizer={} -Cforce-frame-pointers=yes", self.flag()),
            )
            .stdout(Stdio::null());
        let status = Running::start(&mut command)?
            .wait()
            .context("cannot wait for cargo")?;
        ensure!(
            status.success(),
            "the library does not build for {}",
            self.name()
        );
        let library = folder.join(TRIPLE).join("debug");
        name_the_library(&library)?;
        Ok(Kit {
            workspace,
            library,
            folder: folder.join("programs"),
            compilers: ["clang-22", "clang++-22"],
            flags: self.c_flags(),
        })
    }
}

impl Kit<'_> {
    /// The library in this folder, watched by nothing.
    pub fn plain<'a>(workspace: &'a Workspace, library: &Path) -> Result<Kit<'a>> {
        name_the_library(library)?;
        Ok(Kit {
            workspace,
            library: library.to_owned(),
            folder: workspace.target.join("lab").join("plain"),
            compilers: ["cc", "c++"],
            flags: vec!["-O1", "-g"],
        })
    }

    /// Compiles sources of one language into a program with the name of the first.
    pub fn compile(&self, sources: &[&str], captured: &mut Captured) -> Result<PathBuf> {
        let first = Path::new(sources.first().context("nothing to compile")?);
        let is_cpp = first
            .extension()
            .is_some_and(|extension| extension == "cpp");
        let [c, cpp] = self.compilers;
        let (compiler, standard) = if is_cpp {
            (cpp, "-std=c++17")
        } else {
            (c, "-std=c11")
        };
        fs::create_dir_all(&self.folder)
            .with_context(|| format!("cannot make the folder {}", self.folder.display()))?;
        let program = self.folder.join(first.file_stem().unwrap_or_default());
        let compiled = captured.run(
            Command::new(compiler)
                .args([standard, "-Wall", "-Wextra", "-Wpedantic", "-Werror"])
                .args(&self.flags)
                .arg("-I")
                .arg(self.workspace.root.join("include"))
                .args(
                    sources
                        .iter()
                        .map(|source| self.workspace.root.join(source)),
                )
                .arg("-o")
                .arg(&program)
                .arg("-L")
                .arg(&self.library)
                .args(["-ladieu", "-pthread"])
                .arg(format!("-Wl,-rpath,{}", self.library.display())),
        )?;
        ensure!(compiled, "{} does not compile", first.display());
        Ok(program)
    }
}

/// For whoever starts a program that is watched: it ends with a code of its own.
pub fn options(workspace: &Workspace) -> [(&'static str, String); 3] {
    let suppressions = workspace.root.join("lab/tsan.supp");
    [
        (
            "ASAN_OPTIONS",
            "exitcode=66:detect_leaks=1:detect_stack_use_after_return=1".to_owned(),
        ),
        ("UBSAN_OPTIONS", "exitcode=66:print_stacktrace=1".to_owned()),
        (
            "TSAN_OPTIONS",
            format!(
                "exitcode=66:second_deadlock_stack=1:suppressions={}",
                suppressions.display()
            ),
        ),
    ]
}

/// Programs look for the library under its SONAME.
fn name_the_library(folder: &Path) -> Result<()> {
    let link = folder.join("libadieu.so.0");
    // There may be one from an earlier run.
    let _ = fs::remove_file(&link);
    unix::fs::symlink("libadieu.so", &link).context("cannot name the library")
}
