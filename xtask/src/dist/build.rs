//! Building the library for a platform, in a way that leaves no trace of where it was built.

use std::{
    env,
    ffi::OsString,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result, anyhow, ensure};

use super::platform::{Platform, RUST_WITH_SOURCES, System};
use crate::{children::Running, machine::Need, workspace::Workspace};

/// How SQLite is compiled, beside -O2: 230 KB less, and by callgrind not more instructions for
/// writing, reading and deleting than with -O2 alone and all of SQLite.
const C_FLAGS: [&str; 7] = [
    // No panic leaves a callback of SQLite, and ring has none: nothing unwinds through C.
    "-fno-asynchronous-unwind-tables",
    "-fno-partial-inlining",
    "--param",
    "max-inline-insns-auto=6",
    "-falign-loops=1",
    "-falign-jumps=1",
    "-falign-labels=1",
];

/// What a build made.
pub struct Built {
    /// The folder with the libraries, as cargo names them, with symbols and debug information.
    pub folder: PathBuf,
    /// Where rustc's own files are: its standard library's notices among them.
    pub sysroot: PathBuf,
}

/// A compiler that can build for a platform.
struct Toolchain {
    cargo: OsString,
    rustc: OsString,
    /// The standard library has to be built too.
    builds_std: bool,
}

impl Toolchain {
    fn with_sources() -> Self {
        Self {
            cargo: "/usr/bin/cargo".into(),
            rustc: "/usr/bin/rustc".into(),
            builds_std: true,
        }
    }

    /// The one that has the standard library's sources, where it is installed: built from them,
    /// and without what turns addresses into names in a backtrace, the library is smaller by a
    /// twentieth. Else this one, where it has the platform's standard library.
    fn for_platform(platform: &Platform) -> Result<Self> {
        if RUST_WITH_SOURCES.iter().all(Need::is_met) {
            return Ok(Self::with_sources());
        }
        let own = Self {
            cargo: env::var_os("CARGO").unwrap_or_else(|| "cargo".into()),
            rustc: env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()),
            builds_std: false,
        };
        let libraries = own.asked(&["--print=target-libdir", "--target", platform.triple])?;
        ensure!(
            Path::new(&libraries).is_dir(),
            "no toolchain here builds for {}",
            platform.triple
        );
        Ok(own)
    }

    /// cargo, told what all platforms have in common: so they share what runs on this machine,
    /// build scripts and the like.
    fn command(&self, verb: &str, root: &Path, target: &Path) -> Command {
        let mut command = Command::new(&self.cargo);
        command
            .args([verb, "--release", "--locked", "--package=adieu"])
            // For abidiff and for the debug file beside the archive; not in what is shipped.
            .args(["--config", "profile.release.package.adieu.debug=2"])
            .args(["--config", "profile.release.strip=false"])
            .arg("--target-dir")
            .arg(target)
            .current_dir(root)
            .env("RUSTC", &self.rustc);
        if self.builds_std {
            command
                .arg("-Zbuild-std=std,panic_unwind,panic_abort")
                .arg("-Zbuild-std-features=panic-unwind")
                .env("RUSTC_BOOTSTRAP", "1")
                .env_remove("RUSTUP_TOOLCHAIN");
        }
        command
    }

    fn asked(&self, arguments: &[&str]) -> Result<String> {
        let output = Command::new(&self.rustc)
            .args(arguments)
            .stderr(Stdio::inherit())
            .output()
            .with_context(|| format!("cannot run {}", self.rustc.display()))?;
        ensure!(output.status.success(), "rustc {arguments:?} failed");
        let said = String::from_utf8(output.stdout).context("rustc did not print UTF-8")?;
        Ok(said.trim().to_owned())
    }
}

/// Builds the shared and the static library from the sources in `root`.
pub fn build(workspace: &Workspace, root: &Path, platform: &Platform) -> Result<Built> {
    let toolchain = Toolchain::for_platform(platform)?;
    let target = if root != workspace.root {
        root.join("target")
    } else if toolchain.builds_std {
        workspace.scratch("dist-build")
    } else {
        workspace.target.clone()
    };
    let sysroot = PathBuf::from(toolchain.asked(&["--print=sysroot"])?);
    let mut command = toolchain.command("build", root, &target);
    command
        .args(["--target", platform.triple])
        .env(
            "CARGO_ENCODED_RUSTFLAGS",
            flags(root, &target, &sysroot, platform).join("\u{1f}"),
        )
        .stdout(Stdio::null());
    if !platform.tools.is_empty() {
        // Named for this machine too, it would be build scripts' linker as well: cargo would then
        // build those, and all that comes after them, anew for each platform.
        command.env(
            format!("CARGO_TARGET_{}_LINKER", upper(platform.triple)),
            platform.tool("gcc"),
        );
    }
    if platform.system == System::Linux {
        command.env(
            format!("CFLAGS_{}", platform.triple.replace('-', "_")),
            C_FLAGS.join(" "),
        );
    }
    let status = Running::start(&mut command)?
        .wait()
        .context("cannot wait for cargo")?;
    ensure!(status.success(), "the build for {} failed", platform.name);
    Ok(Built {
        folder: target.join(platform.triple).join("release"),
        sysroot,
    })
}

/// A command that checks the library's types for these platforms, the standard library's with them.
pub fn type_check(workspace: &Workspace, triples: &[&str]) -> Result<Command> {
    for need in RUST_WITH_SOURCES {
        need.meet().map_err(|reason| anyhow!(reason))?;
    }
    let target = workspace.scratch("dist-build");
    let mut command = Toolchain::with_sources().command("check", &workspace.root, &target);
    // Otherwise cargo has the standard library translated to machine code, which nobody reads.
    command.env("CARGO_ENCODED_RUSTFLAGS", "-Zno-codegen");
    for triple in triples {
        command.args(["--target", triple]);
    }
    Ok(command)
}

fn upper(triple: &str) -> String {
    triple.to_uppercase().replace('-', "_")
}

/// Paths of this machine are replaced; of two that fit, the later one counts.
fn flags(root: &Path, target: &Path, sysroot: &Path, platform: &Platform) -> Vec<String> {
    let home = env::var_os("CARGO_HOME").map_or_else(
        || PathBuf::from(env::var_os("HOME").unwrap_or_default()).join(".cargo"),
        PathBuf::from,
    );
    let mut flags: Vec<String> = [
        (root, "adieu"),
        (target, "target"),
        (&home, "cargo"),
        (&sysroot.join("lib/rustlib/src/rust"), "rust"),
    ]
    .iter()
    .map(|(path, name)| format!("--remap-path-prefix={}=/{name}", path.display()))
    .collect();
    if platform.system == System::Windows {
        flags.push("-Clink-arg=-Wl,--no-insert-timestamp".to_owned());
    }
    flags
}
