//! Archives of other platforms, tried out on this machine: under qemu and under wine.

use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};

use super::platform::{Platform, System};
use crate::{captured::Captured, machine::Need, tally::Tally, workspace::Workspace};

const QEMU: &[Need] = &[Need {
    program: "qemu-aarch64",
    package: "qemu-user",
}];
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
struct Runs<'a> {
    platform: &'a Platform,
    root: &'a Path,
    package: &'a Path,
    folder: tempfile::TempDir,
    captured: &'a mut Captured,
    tally: Tally,
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
        root: &workspace.root,
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
    fn run(&mut self, command: &mut Command) -> Result<bool> {
        let succeeded = self.captured.run(command)?;
        self.tally.check(succeeded);
        Ok(succeeded)
    }

    fn compile(&mut self, compiler: &str, sources: &[&str], link: &[&OsStr]) -> Result<PathBuf> {
        let stem = Path::new(sources[0]).file_stem().unwrap_or_default();
        let program = self.folder.path().join(stem).with_extension("exe");
        let mut compile = Command::new(compiler);
        compile
            .args(["-Wall", "-Wextra", "-Werror", "-O1", "-I"])
            .arg(self.package.join("include"))
            .args(sources.iter().map(|source| self.root.join(source)))
            .arg("-o")
            .arg(&program)
            .args(link);
        self.run(&mut compile)?;
        Ok(program)
    }

    /// An empty folder for a store.
    fn store(&self, name: &str) -> Result<PathBuf> {
        let store = self.folder.path().join(name);
        fs::create_dir_all(&store).context("cannot make the store's folder")?;
        Ok(store)
    }

    /// The programs with callbacks in three ways say what they say everywhere.
    fn app(&mut self, program: &Path, runner: &[&OsStr], name: &str) -> Result<()> {
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
        let expected = fs::read_to_string(self.root.join("examples-c/app.expected"))
            .context("cannot read examples-c/app.expected")?;
        let said = text.split_once('\n').map(|(_, said)| said);
        self.tally.check(succeeded && said == Some(&expected));
        let opened = store.join("store.db").is_file();
        self.tally.check(opened);
        Ok(())
    }

    /// Of this machine's, nothing but what wine wants is told.
    fn environment(&self, command: &mut Command) {
        command
            .env("WINEPREFIX", self.folder.path().join("wine"))
            .env("WINEARCH", "win64")
            .env("WINEDEBUG", "-all")
            .env("LC_ALL", "C.UTF-8")
            // Nothing asks for a browser or for .NET.
            .env("WINEDLLOVERRIDES", "mscoree,mshtml=")
            .env_remove("DISPLAY");
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
        self.app(&program, &runner, "static")
    }

    fn windows(&mut self) -> Result<()> {
        let mut boot = Command::new("wine");
        boot.args(["wineboot", "--init"]);
        self.environment(&mut boot);
        self.run(&mut boot)?;
        // Windows looks for a DLL beside the program.
        fs::copy(
            self.package.join("bin/adieu.dll"),
            self.folder.path().join("adieu.dll"),
        )
        .context("cannot copy the DLL")?;
        self.stand_in_for_wine()?;
        let wine = [OsStr::new("wine")];
        let library = self.package.join("lib/libadieu.dll.a");
        let link = [library.as_os_str(), OsStr::new("-static")];
        for name in ["library_thread", "poll_loop"] {
            let source = format!("examples-c/{name}.c");
            let compiler = "x86_64-w64-mingw32-gcc-posix";
            let program = self.compile(compiler, &[&source, "examples-c/app.c"], &link)?;
            self.app(&program, &wine, name)?;
        }
        self.unloading()?;
        self.msvc()?;
        let mut end = Command::new("wineserver");
        end.args(["--kill", "--wait"]);
        self.environment(&mut end);
        // Fails where none runs any more.
        self.captured.run(&mut end)?;
        Ok(())
    }

    /// wine 8 has no bcryptprimitives.dll, which every Windows since 10 has.
    fn stand_in_for_wine(&mut self) -> Result<()> {
        let source = self.root.join("tests/consumers/windows/bcryptprimitives.c");
        let mut compile = Command::new("x86_64-w64-mingw32-gcc-posix");
        compile
            .args(["-shared", "-O1", "-o"])
            .arg(self.folder.path().join("bcryptprimitives.dll"))
            .arg(source)
            .arg("-ladvapi32");
        self.run(&mut compile)?;
        Ok(())
    }

    /// FreeLibrary with a client open and work in flight.
    fn unloading(&mut self) -> Result<()> {
        let compiler = "x86_64-w64-mingw32-gcc-posix";
        let sources = ["tests/consumers/windows/unload.c"];
        let program = self.compile(compiler, &sources, &[OsStr::new("-static")])?;
        // It is told in Unicode, and the library in UTF-8.
        let store = self.store("小明 unload")?;
        let mut command = Command::new("wine");
        command.arg(&program).arg(&store);
        self.environment(&mut command);
        self.run(&mut command)?;
        self.tally.check(store.join("store.db").is_file());
        Ok(())
    }

    /// A program in the ABI of Microsoft's compiler, linked by its kind of import library. It has
    /// no C library: that cannot be had here.
    fn msvc(&mut self) -> Result<()> {
        let object = self.folder.path().join("msvc.obj");
        let mut compile = Command::new("clang-22");
        compile
            .args([
                "--target=x86_64-pc-windows-msvc",
                "-ffreestanding",
                "-nostdinc",
            ])
            .arg("-isystem")
            .arg(self.root.join("tests/consumers/windows/freestanding"))
            .arg("-I")
            .arg(self.package.join("include"))
            .arg("-c")
            .arg(self.root.join("tests/consumers/windows/msvc.c"))
            .arg("-o")
            .arg(&object);
        let program = self.folder.path().join("msvc.exe");
        let mut link = Command::new("lld-link-22");
        link.args(["/subsystem:console", "/entry:entry", "/nodefaultlib"])
            .arg(&object)
            .arg(self.package.join("lib/adieu.lib"))
            .arg("/usr/x86_64-w64-mingw32/lib/libkernel32.a")
            .arg(format!("/out:{}", program.display()));
        if self.run(&mut compile)? && self.run(&mut link)? {
            let store = self.folder.path().join("store_msvc");
            fs::create_dir_all(&store).context("cannot make the store's folder")?;
            let mut command = Command::new("wine");
            command.arg(&program).current_dir(self.folder.path());
            self.environment(&mut command);
            self.run(&mut command)?;
        }
        Ok(())
    }
}
