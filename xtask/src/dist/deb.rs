//! Debian packages: one that programs need to run, one that building them needs.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};

use super::{
    localise::run,
    platform::Platform,
    stage::{Stage, VERSION, copy_tree, entries, write},
};
use crate::{captured::Captured, machine::Need};

/// What building and checking them needs.
pub const NEEDS: [Need; 1] = [Need {
    program: "dpkg-deb",
    package: "dpkg",
}];

struct Package {
    name: &'static str,
    section: &'static str,
    depends: &'static str,
    description: &'static str,
}

const RUNTIME: Package = Package {
    name: "libadieu0",
    section: "libs",
    // The floor that the check of the archives holds the library to.
    depends: "libc6 (>= 2.34), libgcc-s1",
    description: "deletes instant-messaging conversations for good (shared library)",
};

const DEVELOPMENT: Package = Package {
    name: "libadieu-dev",
    section: "libdevel",
    depends: concat!("libadieu0 (= ", env!("CARGO_PKG_VERSION"), ")"),
    description: "deletes instant-messaging conversations for good (headers, static library)",
};

/// Packs a laid out folder of a Linux platform; the same bytes for the same files.
pub fn pack(stage: &Stage, platform: &Platform, into: &Path) -> Result<[PathBuf; 2]> {
    let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
    let (runtime, development) = (folder.path().join("runtime"), folder.path().join("dev"));
    copy_tree(&stage.root, &development.join("usr"))?;
    fs::remove_file(development.join("usr/README.md")).context("cannot leave the README out")?;
    let lib = runtime.join("usr/lib");
    fs::create_dir_all(&lib).context("cannot make a folder")?;
    for path in entries(&development.join("usr/lib"))? {
        let name = path.file_name().unwrap_or_default();
        if name.to_string_lossy().starts_with("libadieu.so.") {
            fs::rename(&path, lib.join(name)).context("cannot move the shared library")?;
        }
    }
    // Whoever loads a new library has to find it.
    let triggers = "activate-noawait ldconfig\n";
    fs::create_dir_all(runtime.join("DEBIAN")).context("cannot make a folder")?;
    write(&runtime.join("DEBIAN/triggers"), triggers.as_bytes())?;
    Ok([
        build(&RUNTIME, platform, stage, &runtime, into)?,
        build(&DEVELOPMENT, platform, stage, &development, into)?,
    ])
}

fn build(
    package: &Package,
    platform: &Platform,
    stage: &Stage,
    folder: &Path,
    into: &Path,
) -> Result<PathBuf> {
    let architecture = if platform.name.starts_with("aarch64") {
        "arm64"
    } else {
        "amd64"
    };
    let documents = folder.join("usr/share/doc").join(package.name);
    fs::create_dir_all(&documents).context("cannot make a folder")?;
    let mut copyright = String::new();
    for path in entries(&stage.root.join("share/licenses/adieu"))? {
        let text = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        copyright += &format!("{}\n", String::from_utf8_lossy(&text));
    }
    write(&documents.join("copyright"), copyright.as_bytes())?;
    let Package {
        name,
        section,
        depends,
        description,
    } = package;
    let control = format!(
        "Package: {name}\nVersion: {VERSION}\nArchitecture: {architecture}\nSection: {section}\n\
         Priority: optional\nMaintainer: The adieu authors <authors@adieu.invalid>\n\
         Depends: {depends}\nDescription: {description}\n"
    );
    let head = folder.join("DEBIAN");
    fs::create_dir_all(&head).context("cannot make a folder")?;
    write(&head.join("control"), control.as_bytes())?;
    let file = into.join(format!("{name}_{VERSION}_{architecture}.deb"));
    run(Command::new("dpkg-deb")
        .env("SOURCE_DATE_EPOCH", "0")
        .args(["--root-owner-group", "-Zxz", "--build"])
        .args([folder, &file])
        .stdout(std::process::Stdio::null()))?;
    Ok(file)
}

/// Installs them below a folder, builds an example with what is there, and runs it.
pub fn works(packages: &[PathBuf], captured: &mut Captured) -> Result<bool> {
    let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
    let root = folder.path().join("root");
    let known = root.join("var/lib/dpkg");
    for name in ["info", "updates", "triggers"] {
        fs::create_dir_all(known.join(name)).context("cannot make a folder")?;
    }
    write(&known.join("status"), b"")?;
    let mut install = Command::new("dpkg");
    install
        .arg(format!("--root={}", root.display()))
        // Nothing else is installed there, and nobody has to be root.
        .args(["--force-depends", "--force-not-root", "--install"])
        .args(packages);
    let examples = root.join("usr/share/adieu/examples");
    let program = folder.path().join("poll_loop");
    let mut flags = Command::new("pkg-config");
    flags
        .env("PKG_CONFIG_PATH", root.join("usr/lib/pkgconfig"))
        .args(["--cflags", "--libs", "adieu"]);
    if !captured.run(&mut install)? {
        return Ok(false);
    }
    let flags = flags.output().context("cannot run pkg-config")?;
    let flags = String::from_utf8_lossy(&flags.stdout).into_owned();
    let mut compile = Command::new("cc");
    compile
        .args([examples.join("poll_loop.c"), examples.join("app.c")])
        .arg("-o")
        .arg(&program)
        .args(flags.split_whitespace());
    let store = folder.path().join("store");
    fs::create_dir(&store).context("cannot make a folder")?;
    let mut first = Command::new(&program);
    first
        .arg(&store)
        .env("LD_LIBRARY_PATH", root.join("usr/lib"));
    Ok(captured.run(&mut compile)? && captured.run(&mut first)?)
}
