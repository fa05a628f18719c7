//! Laying out what is shipped, as it stands in an archive and under a prefix.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};

use super::{
    build, components,
    localise::{localise, run},
    notices,
    platform::{Platform, System},
    sbom,
};
use crate::{header::Header, workspace::Workspace};

/// What a program that links the static archive needs besides, as rustc says it
/// (`--print=native-static-libs`).
const STATIC_LIBS: [&str; 7] = ["gcc_s", "util", "rt", "pthread", "m", "dl", "c"];

/// The version of the library.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// A laid out folder.
pub struct Stage {
    /// Its name: also the archive's.
    pub name: String,
    /// Where it is.
    pub root: PathBuf,
    /// The shared library with its symbols and debug information.
    pub unstripped: PathBuf,
}

/// Builds the sources in `sources` and lays them out in `into`, anew.
pub fn stage(
    workspace: &Workspace,
    sources: &Path,
    platform: &Platform,
    into: &Path,
) -> Result<Stage> {
    let built = build::build(workspace, sources, platform)?;
    let name = super::folder_name(platform);
    let root = into.join(&name);
    if root.exists() {
        fs::remove_dir_all(&root).with_context(|| format!("cannot remove {}", root.display()))?;
    }
    let stage = Stage {
        unstripped: built.folder.join(platform.library()),
        name,
        root,
    };
    copy_tree(&sources.join("include"), &stage.folder("include")?)?;
    let exports = Header::read_in(sources)?.functions();
    let between = tempfile::tempdir().context("cannot make a temporary folder")?;
    match platform.system {
        System::Linux => {
            stage.elf(platform)?;
            let archive = stage.folder("lib")?.join("libadieu.a");
            let from = built.folder.join("libadieu.a");
            localise(platform, &from, &archive, &exports, between.path())?;
        }
        System::Windows => stage.pe(platform, &exports)?,
    }
    stage.package_files(sources)?;
    stage.examples(sources)?;
    let components = components::of_library(workspace, platform)?;
    let sqlite = components::sqlite_version(&components)?;
    let licences = stage.folder("share/licenses/adieu")?;
    for own in ["LICENSE-APACHE", "LICENSE-MIT"] {
        copy(&sources.join(own), &licences.join(own))?;
    }
    let notices = notices::of_crates(&components, &sqlite)?;
    write(&licences.join("THIRD-PARTY.txt"), notices.as_bytes())?;
    let (name, text) = notices::of_standard_library(&built.sysroot)?;
    write(&licences.join(name), &text)?;
    let parts = sbom::document(platform, &components, &sqlite)?;
    let parts_path = stage.folder("share/adieu")?.join("adieu.cdx.json");
    write(&parts_path, parts.as_bytes())?;
    Ok(stage)
}

impl Stage {
    /// A folder in it, made where it is not there.
    fn folder(&self, name: &str) -> Result<PathBuf> {
        let folder = self.root.join(name);
        fs::create_dir_all(&folder)
            .with_context(|| format!("cannot make the folder {}", folder.display()))?;
        Ok(folder)
    }

    /// The shared library under its whole version, and the two names that lead to it.
    fn elf(&self, platform: &Platform) -> Result<()> {
        let lib = self.folder("lib")?;
        let whole = format!("libadieu.so.{VERSION}");
        let shared = lib.join(&whole);
        copy(&self.unstripped, &shared)?;
        run(Command::new(platform.tool("strip"))
            .args(["--strip-all", "--remove-section=.comment"])
            .arg(&shared))?;
        let soname = format!("libadieu.so.{}", abi_major());
        link(&whole, &lib.join(&soname))?;
        link(&soname, &lib.join("libadieu.so"))
    }

    /// The DLL, and what the two families of compilers link in its stead.
    fn pe(&self, platform: &Platform, exports: &[String]) -> Result<()> {
        let dll = self.folder("bin")?.join("adieu.dll");
        copy(&self.unstripped, &dll)?;
        run(Command::new(platform.tool("strip"))
            .args(["--strip-all", "--enable-deterministic-archives"])
            .arg(&dll))?;
        let lib = self.folder("lib")?;
        let list = lib.join("adieu.def");
        let text = format!("LIBRARY adieu.dll\nEXPORTS\n  {}\n", exports.join("\n  "));
        write(&list, text.as_bytes())?;
        run(Command::new(platform.tool("dlltool"))
            // Objects in an import library are named after a temporary file unless told how.
            .args(["--deterministic-libraries", "--temp-prefix=adieu"])
            .args(["--dllname=adieu.dll", "--input-def"])
            .arg(&list)
            .arg("--output-lib")
            .arg(lib.join("libadieu.dll.a"))
            .current_dir(&lib))?;
        run(Command::new("llvm-lib-22")
            .arg(format!("/def:{}", list.display()))
            .arg(format!("/out:{}", lib.join("adieu.lib").display()))
            .arg("/machine:x64"))
    }

    /// What pkg-config, CMake and a reader look for.
    fn package_files(&self, sources: &Path) -> Result<()> {
        for (template, folder, name) in [
            ("adieu.pc.in", "lib/pkgconfig", "adieu.pc"),
            (
                "adieu-config.cmake.in",
                "lib/cmake/adieu",
                "adieu-config.cmake",
            ),
            (
                "adieu-config-version.cmake.in",
                "lib/cmake/adieu",
                "adieu-config-version.cmake",
            ),
        ] {
            let path = sources.join("packaging").join(template);
            let text = fs::read_to_string(&path)
                .with_context(|| format!("cannot read {}", path.display()))?;
            // How a list is written: with -l and blanks for pkg-config, with semicolons for CMake.
            let libs = if name == "adieu.pc" {
                STATIC_LIBS.map(|lib| format!("-l{lib}")).join(" ")
            } else {
                STATIC_LIBS.join(";")
            };
            let text = text
                .replace("@STATIC_LIBS@", &libs)
                .replace("@ABI_MAJOR@", abi_major())
                .replace("@COMPATIBLE@", &compatible())
                .replace("@VERSION@", VERSION);
            write(&self.folder(folder)?.join(name), text.as_bytes())?;
        }
        copy(
            &sources.join("packaging/README.md"),
            &self.root.join("README.md"),
        )
    }

    fn examples(&self, sources: &Path) -> Result<()> {
        let to = self.folder("share/adieu/examples")?;
        for path in entries(&sources.join("examples-c"))? {
            let wanted = path.extension().is_some_and(|end| end == "c" || end == "h");
            if let Some(name) = path.file_name().filter(|_| wanted) {
                copy(&path, &to.join(name))?;
            }
        }
        Ok(())
    }
}

/// The number in the SONAME.
fn abi_major() -> &'static str {
    "0"
}

/// The oldest version for which a program may have been written that this one serves.
fn compatible() -> String {
    let mut parts = VERSION.split('.');
    match (parts.next(), parts.next()) {
        (Some("0"), Some(minor)) => format!("0.{minor}.0"),
        (major, _) => format!("{}.0.0", major.unwrap_or("0")),
    }
}

/// The entries of a folder, sorted.
pub fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let read = || {
        fs::read_dir(folder)?
            .map(|entry| Ok(entry?.path()))
            .collect()
    };
    let paths: std::io::Result<Vec<PathBuf>> = read();
    let mut paths = paths.with_context(|| format!("cannot list {}", folder.display()))?;
    paths.sort();
    Ok(paths)
}

/// Copies a folder with all that is in it; links stay links.
pub fn copy_tree(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to).with_context(|| format!("cannot make the folder {}", to.display()))?;
    for path in entries(from)? {
        let target = to.join(path.file_name().unwrap_or_default());
        if path.is_symlink() {
            let points_to =
                fs::read_link(&path).with_context(|| format!("cannot read {}", path.display()))?;
            link(&points_to.to_string_lossy(), &target)?;
        } else if path.is_dir() {
            copy_tree(&path, &target)?;
        } else {
            copy(&path, &target)?;
        }
    }
    Ok(())
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    // A file that a running program has mapped is replaced, not written over.
    let _ = fs::remove_file(to);
    fs::copy(from, to)
        .with_context(|| format!("cannot copy {} to {}", from.display(), to.display()))?;
    Ok(())
}

/// Writes a file, whatever was there.
pub fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    fs::write(path, bytes).with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(unix)]
fn link(to: &str, at: &Path) -> Result<()> {
    let _ = fs::remove_file(at);
    std::os::unix::fs::symlink(to, at).with_context(|| format!("cannot link {}", at.display()))
}

#[cfg(not(unix))]
fn link(_: &str, at: &Path) -> Result<()> {
    anyhow::bail!("cannot link {}: not on this system", at.display())
}
