//! Archives of other platforms, tried out on this machine: under qemu and under wine.

use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};

use super::platform::{Platform, System};
use crate::{
    c_contract::{self, Contract},
    captured::Captured,
    machine::Need,
    tally::Tally,
    workspace::Workspace,
};

const QEMU: &[Need] = &[
    Need {
        program: "qemu-aarch64",
        package: "qemu-user",
    },
    c_contract::NEEDS[0],
    c_contract::NEEDS[1],
];
const WINE: &[Need] = &[
    Need {
        program: "wine",
        package: "wine",
    },
    Need {
        program: "/usr/lib/wine/wine64",
        package: "wine64",
    },
    Need {
        program: "x86_64-w64-mingw32-g++-posix",
        package: "g++-mingw-w64-x86-64",
    },
    Need {
        program: "clang-22",
        package: "clang-22",
    },
    Need {
        program: "lld-link-22",
        package: "lld-22",
    },
    c_contract::NEEDS[0],
    c_contract::NEEDS[1],
];

/// What running a platform's programs needs.
pub fn needs(platform: &Platform) -> &'static [Need] {
    match (platform.system, platform.tools) {
        (_, "") => &[],
        (System::Linux, _) => QEMU,
        (System::Windows, _) => WINE,
    }
}

/// Programs for a platform, compiled against its archive and run.
pub(super) struct Runs<'a> {
    pub(super) platform: &'a Platform,
    pub(super) workspace: &'a Workspace,
    /// The unpacked archive.
    pub(super) package: &'a Path,
    /// Where programs and stores are.
    pub(super) folder: tempfile::TempDir,
    pub(super) captured: &'a mut Captured,
    pub(super) tally: Tally,
}

/// Compiles and runs what can be run.
pub fn check(
    workspace: &Workspace,
    platform: &Platform,
    package: &Path,
    captured: &mut Captured,
) -> Result<Tally> {
    let folder = tempfile::Builder::new()
        .prefix("adieu-foreign-")
        .tempdir()
        .context("cannot make a temporary folder")?;
    let mut runs = Runs {
        platform,
        workspace,
        package,
        folder,
        captured,
        tally: Tally::default(),
    };
    match platform.system {
        System::Linux => runs.linux()?,
        System::Windows => runs.windows()?,
    }
    Ok(runs.tally)
}

impl Runs<'_> {
    /// Runs a program to its end; one check.
    pub(super) fn run(&mut self, command: &mut Command) -> Result<bool> {
        let succeeded = self.captured.run(command)?;
        self.tally.check(succeeded);
        Ok(succeeded)
    }

    /// Compiles sources of the repository; one check.
    pub(super) fn compile(
        &mut self,
        compiler: &str,
        sources: &[&str],
        link: &[&OsStr],
    ) -> Result<PathBuf> {
        let stem = Path::new(sources[0]).file_stem().unwrap_or_default();
        let program = self.folder.path().join(stem).with_extension("exe");
        let mut compile = Command::new(compiler);
        compile
            .args(["-Wall", "-Wextra", "-Werror", "-O1", "-I"])
            .arg(self.package.join("include"))
            .args(
                sources
                    .iter()
                    .map(|source| self.workspace.root.join(source)),
            )
            .arg("-o")
            .arg(&program)
            .args(link);
        self.run(&mut compile)?;
        Ok(program)
    }

    /// An empty folder for a store.
    pub(super) fn store(&self, name: &str) -> Result<PathBuf> {
        let store = self.folder.path().join(name);
        fs::create_dir_all(&store).context("cannot make the store's folder")?;
        Ok(store)
    }

    /// The programs with callbacks in three ways say what they say everywhere.
    pub(super) fn app(&mut self, program: &Path, runner: &[&OsStr], name: &str) -> Result<()> {
        let store = self.store(&format!("store {name}"))?;
        let mut own = Captured::new()?;
        let mut command = Command::new(runner.first().copied().unwrap_or(program.as_os_str()));
        if !runner.is_empty() {
            command.args(&runner[1..]).arg(program);
        }
        command.arg(&store);
        self.environment(&mut command);
        let succeeded = own.run(&mut command)?;
        let text = own.text()?.replace('\r', "");
        self.captured.note(&text)?;
        let expected = fs::read_to_string(self.workspace.root.join("examples-c/app.expected"))
            .context("cannot read examples-c/app.expected")?;
        let said = text.split_once('\n').map(|(_, said)| said);
        self.tally.check(succeeded && said == Some(&expected));
        let opened = store.join("store.db").is_file();
        self.tally.check(opened);
        Ok(())
    }

    /// Of this machine's, nothing but what wine wants is told.
    pub(super) fn environment(&self, command: &mut Command) {
        command
            .env("WINEPREFIX", self.folder.path().join("wine"))
            .env("WINEARCH", "win64")
            .env("WINEDEBUG", "-all")
            .env("LC_ALL", "C.UTF-8")
            // Nothing asks for a browser or for .NET.
            .env("WINEDLLOVERRIDES", "mscoree,mshtml=")
            .env_remove("DISPLAY");
    }

    /// Compiles the contract as a C program sees it; one check.
    pub(super) fn compile_contract(&mut self, compiler: &str, link: &[&OsStr]) -> Result<PathBuf> {
        let consumers = "tests/consumers";
        let sources: Vec<String> = c_contract::sources(&self.workspace.root.join(consumers))?
            .iter()
            .map(|source| format!("{consumers}/{source}"))
            .collect();
        let sources: Vec<&str> = sources.iter().map(String::as_str).collect();
        self.compile(compiler, &sources, link)
    }

    /// Runs that.
    pub(super) fn contract(&mut self, program: &Path, runner: &[&OsStr]) -> Result<()> {
        let mut command = Command::new(runner.first().copied().unwrap_or(program.as_os_str()));
        if !runner.is_empty() {
            command.args(&runner[1..]).arg(program);
        }
        self.environment(&mut command);
        let contract = Contract {
            command: &|| copy_of(&command),
            folder: self.store("contract")?,
        };
        let built = self.workspace.release();
        self.tally += contract.check(&built, self.captured)?;
        Ok(())
    }

    fn linux(&mut self) -> Result<()> {
        let compiler = self.platform.tool("gcc");
        let runner = ["qemu-aarch64", "-L", "/usr/aarch64-linux-gnu"].map(OsStr::new);
        let lib = self.package.join("lib");
        let path = format!("-Wl,-rpath,{}", lib.display());
        let shared = [
            OsStr::new("-L"),
            lib.as_os_str(),
            OsStr::new("-ladieu"),
            OsStr::new(&path),
            OsStr::new("-pthread"),
        ];
        for name in ["library_thread", "poll_loop", "post_hook"] {
            let source = format!("examples-c/{name}.c");
            let program = self.compile(&compiler, &[&source, "examples-c/app.c"], &shared)?;
            self.app(&program, &runner, name)?;
        }
        let archive = lib.join("libadieu.a");
        let mut link = vec![archive.as_os_str()];
        link.extend(["-lgcc_s", "-lpthread", "-lm", "-ldl"].map(OsStr::new));
        let sources = ["examples-c/poll_loop.c", "examples-c/app.c"];
        let program = self.compile(&compiler, &sources, &link)?;
        self.app(&program, &runner, "static")?;
        let program = self.compile_contract(&compiler, &shared)?;
        self.contract(&program, &runner)
    }
}

/// The same words in the same environment.
fn copy_of(command: &Command) -> Command {
    let mut copy = Command::new(command.get_program());
    copy.args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => copy.env(name, value),
            None => copy.env_remove(name),
        };
    }
    copy
}
