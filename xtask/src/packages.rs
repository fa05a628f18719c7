//! Outside projects, built and run against the unpacked archive alone.

use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, ensure};

use crate::{
    c_contract::{self, Contract},
    captured::Captured,
    dist,
    header::Header,
    tally::Tally,
    workspace::Workspace,
};

/// Structs that programs fill in.
const FILLED_IN: [&str; 5] = [
    "client_options",
    "delete_options",
    "listener",
    "new_message",
    "receipt",
];

/// An archive, unpacked where no build has ever been.
pub struct Unpacked {
    /// Its one folder.
    pub root: PathBuf,
    _folder: tempfile::TempDir,
}

/// Makes the archive of this machine and unpacks it.
fn unpack(workspace: &Workspace, captured: &mut Captured) -> Result<Unpacked> {
    let platform = dist::of_this_machine().context("there is no archive for this machine")?;
    let (_, archive) = dist::archive(workspace, platform, &workspace.scratch("packages"))?;
    let folder = folder()?;
    let mut tar = Command::new("tar");
    tar.arg("--extract").arg("--file").arg(&archive);
    ensure!(captured.run(tar.current_dir(folder.path()))?, "tar failed");
    Ok(Unpacked {
        root: folder.path().join(dist::folder_name(platform)),
        _folder: folder,
    })
}

fn folder() -> Result<tempfile::TempDir> {
    tempfile::Builder::new()
        .prefix("adieu-packages-")
        .tempdir()
        .context("cannot make a temporary folder")
}

/// The consumers, and what a build of one needs to know.
struct Consumers<'a> {
    sources: PathBuf,
    package: &'a Path,
    build: PathBuf,
    captured: &'a mut Captured,
    tally: Tally,
}

/// Builds and runs all of `tests/consumers`.
pub fn check(workspace: &Workspace, captured: &mut Captured) -> Result<Tally> {
    let unpacked = unpack(workspace, captured)?;
    let build = folder()?;
    let mut consumers = Consumers {
        sources: workspace.root.join("tests/consumers"),
        package: &unpacked.root,
        build: build.path().to_owned(),
        captured,
        tally: Tally::default(),
    };
    consumers.only_our_names()?;
    consumers.make()?;
    consumers.cmake()?;
    consumers.meson()?;
    consumers.own_sqlite()?;
    consumers.second_rust(workspace)?;
    consumers.lifecycle()?;
    consumers.module_map()?;
    consumers.callers()?;
    consumers.contract(workspace)?;
    Ok(consumers.tally)
}

impl Consumers<'_> {
    /// A program with the archive to be found; one check.
    fn run(&mut self, command: &mut Command) -> Result<bool> {
        command.env("PKG_CONFIG_PATH", self.package.join("lib/pkgconfig"));
        let succeeded = self.captured.run(command)?;
        self.tally.check(succeeded);
        Ok(succeeded)
    }

    /// Runs a program with an empty store.
    fn run_with_store(&mut self, program: &Path, more: &[&str]) -> Result<()> {
        let store = folder()?;
        self.run(Command::new(program).arg(store.path()).args(more))?;
        Ok(())
    }

    fn folder(&self, name: &str) -> Result<PathBuf> {
        let folder = self.build.join(name);
        fs::create_dir_all(&folder)
            .with_context(|| format!("cannot make the folder {}", folder.display()))?;
        Ok(folder)
    }

    /// What the static archive shows is what the shared library shows, and what the header says.
    fn only_our_names(&mut self) -> Result<()> {
        let shown = |options: &[&str], file: &str| -> Result<Vec<String>> {
            let output = Command::new("nm")
                .args(["--defined-only", "--extern-only", "--format=posix"])
                .args(options)
                .arg(self.package.join("lib").join(file))
                .output()
                .context("cannot run nm")?;
            let mut names: Vec<String> = String::from_utf8_lossy(&output.stdout)
                .lines()
                // Archives name their members on a line that ends so.
                .filter(|line| !line.ends_with("]:"))
                .filter_map(|line| Some(line.split_whitespace().next()?.to_owned()))
                .collect();
            names.sort_unstable();
            Ok(names)
        };
        let of_archive = shown(&[], "libadieu.a")?;
        let of_library = shown(&["--dynamic"], "libadieu.so")?;
        let header = fs::read_to_string(self.package.join("include/adieu.h"))
            .context("cannot read adieu.h")?;
        let declared = Header::of(header).functions();
        for (what, names) in [("archive", of_archive), ("library", of_library)] {
            let same = names == declared;
            self.tally.check(same);
            if !same {
                self.captured
                    .note(&format!("{what}: {names:?}\nheader: {declared:?}"))?;
            }
        }
        Ok(())
    }

    fn make(&mut self) -> Result<()> {
        let build = self.folder("make")?;
        let mut make = Command::new("make");
        make.arg("--directory")
            .arg(self.sources.join("make"))
            .arg(format!("BUILD={}", build.display()))
            .arg(format!("ADIEU={}", self.package.display()));
        if self.run(&mut make)? {
            for program in ["by_pkg_config", "plain", "plain_static"] {
                self.run_with_store(&build.join(program), &[])?;
            }
        }
        Ok(())
    }

    fn cmake(&mut self) -> Result<()> {
        let build = self.folder("cmake")?;
        let mut configure = Command::new("cmake");
        configure
            .arg("-S")
            .arg(self.sources.join("cmake"))
            .arg("-B")
            .arg(&build)
            .arg(format!("-DCMAKE_PREFIX_PATH={}", self.package.display()));
        let built = self.run(&mut configure)?
            && self.run(Command::new("cmake").arg("--build").arg(&build))?;
        if built {
            self.run(
                Command::new("ctest")
                    .arg("--output-on-failure")
                    .current_dir(&build),
            )?;
        }
        Ok(())
    }

    fn meson(&mut self) -> Result<()> {
        let build = self.folder("meson")?;
        let mut setup = Command::new("meson");
        setup
            .arg("setup")
            .arg(format!("-Dsources={}", self.sources.display()))
            .arg(&build)
            .arg(self.sources.join("meson"));
        if self.run(&mut setup)? {
            self.run(Command::new("meson").arg("test").current_dir(&build))?;
        }
        Ok(())
    }

    /// Compiles one program with plain `cc`.
    fn compile(&mut self, output: &Path, sources: &[&str], link: &[&OsStr]) -> Result<bool> {
        let mut compile = Command::new("gcc");
        compile
            .args(["-std=gnu99", "-Wall", "-Wextra", "-Werror", "-O1"])
            .arg("-I")
            .arg(self.package.join("include"))
            .args(sources.iter().map(|source| self.sources.join(source)))
            .arg("-o")
            .arg(output)
            .args(link);
        self.run(&mut compile)
    }

    /// Flags that link with the shared library of the package.
    fn shared(&self) -> Vec<String> {
        let lib = self.package.join("lib");
        vec![
            format!("-L{}", lib.display()),
            format!("-Wl,-rpath,{}", lib.display()),
            "-ladieu".to_owned(),
        ]
    }

    fn own_sqlite(&mut self) -> Result<()> {
        let build = self.folder("own_sqlite")?;
        let archive = self.package.join("lib/libadieu.a").display().to_string();
        let shared = self.shared();
        for (at, ours) in [vec![archive], shared].into_iter().enumerate() {
            for (theirs_name, theirs) in [("so", "-lsqlite3"), ("a", "-l:libsqlite3.a")] {
                for ours_first in [true, false] {
                    let mut link: Vec<&str> = ours.iter().map(String::as_str).collect();
                    link.insert(if ours_first { link.len() } else { 0 }, theirs);
                    link.extend(["-lgcc_s", "-lm", "-ldl", "-lpthread"]);
                    let program = build.join(format!("{at}_{theirs_name}_{ours_first}"));
                    let link: Vec<&OsStr> = link.iter().map(OsStr::new).collect();
                    if self.compile(&program, &["own_sqlite/main.c", "deletes.c"], &link)? {
                        self.run_with_store(&program, &[])?;
                    }
                }
            }
        }
        Ok(())
    }

    /// The shipped archive, and one of a test build whose panics can be asked for.
    fn second_rust(&mut self, workspace: &Workspace) -> Result<()> {
        let build = self.folder("second_rust")?;
        let second = build.join("libsecond.a");
        let mut rustc = Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
        rustc
            .args([
                "--edition=2024",
                "--crate-type=staticlib",
                "-Copt-level=1",
                "-o",
            ])
            .arg(&second)
            .arg(self.sources.join("second_rust/second.rs"));
        if !self.run(&mut rustc)? {
            return Ok(());
        }
        let shipped = self.package.join("lib/libadieu.a");
        let panics = build.join("libadieu_panics.a");
        dist::localise_tested(workspace, &panics, &build)?;
        let libs = [
            "-lgcc_s",
            "-lutil",
            "-lrt",
            "-lpthread",
            "-lm",
            "-ldl",
            "-lc",
        ];
        for (name, ours, more) in [
            ("shipped", &shipped, &[][..]),
            ("panics", &panics, &["panic"]),
        ] {
            for ours_first in [true, false] {
                let mut link = if ours_first {
                    vec![ours.as_os_str(), second.as_os_str()]
                } else {
                    vec![second.as_os_str(), ours.as_os_str()]
                };
                link.extend(libs.iter().map(OsStr::new));
                let program = build.join(format!("{name}_{ours_first}"));
                if self.compile(&program, &["second_rust/main.c", "deletes.c"], &link)? {
                    let store = folder()?;
                    let mut command = Command::new(&program);
                    command.arg(store.path()).args(more);
                    self.run(command.env("ADIEU_FAILPOINT", "accept=panic"))?;
                }
            }
        }
        Ok(())
    }

    fn lifecycle(&mut self) -> Result<()> {
        let program = self.folder("lifecycle")?.join("lifecycle");
        if !self.compile(&program, &["lifecycle/lifecycle.c"], &[OsStr::new("-ldl")])? {
            return Ok(());
        }
        let library = self.package.join("lib/libadieu.so");
        for (mode, times) in [("unload", 1), ("manners", 1), ("exit", 20)] {
            for _ in 0..times {
                let store = folder()?;
                let mut command = Command::new(&program);
                self.run(command.arg(mode).arg(&library).arg(store.path()))?;
            }
        }
        Ok(())
    }

    /// clang finds the module by its name, in C too.
    fn module_map(&mut self) -> Result<()> {
        let folder = self.folder("module")?;
        let user = folder.join("user.m");
        fs::write(
            &user,
            "@import CAdieu;\nuint32_t f(void) { return adieu_abi_version(); }\n",
        )
        .context("cannot write the module's user")?;
        let mut clang = Command::new("clang");
        clang
            .args(["-fmodules", "-Wall", "-Werror", "-fsyntax-only"])
            .arg(format!("-fmodules-cache-path={}", folder.display()))
            .arg("-I")
            .arg(self.package.join("include"))
            .arg(&user);
        self.run(&mut clang)?;
        Ok(())
    }

    /// Programs that were compiled with an older header and with a newer one.
    fn callers(&mut self) -> Result<()> {
        let build = self.folder("callers")?;
        let newer = build.join("newer");
        fs::create_dir_all(&newer).context("cannot make the newer header's folder")?;
        let header = fs::read_to_string(self.package.join("include/adieu.h"))
            .context("cannot read adieu.h")?;
        fs::write(newer.join("adieu.h"), of_a_later_release(header)?)
            .context("cannot write the newer header")?;
        let headers = self.sources.join("callers");
        for (name, include, define) in [
            ("first", headers.join("first"), "-DOLDER"),
            ("0.1", headers.join("0.1"), "-DOLDER"),
            ("newer", newer, "-DNEWER"),
        ] {
            let program = build.join(format!("caller_{name}"));
            let mut compile = Command::new("gcc");
            compile
                .args(["-std=c99", "-Wall", "-Wextra", "-Werror", define])
                // The newer header's initial values do not know the newer fields.
                .args(["-Wno-missing-field-initializers", "-I"])
                .arg(include)
                .arg(headers.join("caller.c"))
                .arg("-o")
                .arg(&program)
                .args(self.shared());
            if self.run(&mut compile)? {
                self.run_with_store(&program, &[])?;
            }
        }
        Ok(())
    }

    /// The contract, as a C program sees it.
    fn contract(&mut self, workspace: &Workspace) -> Result<()> {
        let build = self.folder("contract")?;
        let program = build.join("contract");
        let sources = c_contract::sources(&self.sources)?;
        let sources: Vec<&str> = sources.iter().map(String::as_str).collect();
        let shared = self.shared();
        let mut link: Vec<&OsStr> = shared.iter().map(OsStr::new).collect();
        link.push(OsStr::new("-pthread"));
        if self.compile(&program, &sources, &link)? {
            let contract = Contract {
                command: &|| Command::new(&program),
                folder: self.folder("contract/stores")?,
            };
            self.tally += contract.check(&workspace.debug(), self.captured)?;
        }
        Ok(())
    }
}

/// A header whose structs have a field that this library does not know.
fn of_a_later_release(mut header: String) -> Result<String> {
    for name in FILLED_IN {
        let end = format!("}} adieu_{name};");
        ensure!(header.contains(&end), "adieu.h has no struct adieu_{name}");
        let longer = format!("  uint64_t from_a_later_release;\n{end}");
        header = header.replace(&end, &longer);
    }
    let (before, minor) = header
        .split_once("#define ADIEU_ABI_MINOR ")
        .context("adieu.h has no ADIEU_ABI_MINOR")?;
    let (_, after) = minor.split_once('\n').unwrap_or_default();
    Ok(format!("{before}#define ADIEU_ABI_MINOR 999\n{after}"))
}
