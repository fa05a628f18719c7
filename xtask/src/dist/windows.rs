//! What is tried of the archive for Windows, under wine.

use std::{
    ffi::{OsStr, OsString},
    fs,
    path::Path,
    process::Command,
};

use anyhow::{Context, Result};

use super::foreign::Runs;
use crate::bindings::Stage;

impl Runs<'_> {
    /// All of it.
    pub(super) fn windows(&mut self) -> Result<()> {
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
        let compiler = "x86_64-w64-mingw32-gcc-posix";
        let library = self.package.join("lib/libadieu.dll.a");
        let link = [library.as_os_str(), OsStr::new("-static")];
        for name in ["library_thread", "poll_loop"] {
            let source = format!("examples-c/{name}.c");
            let program = self.compile(compiler, &[&source, "examples-c/app.c"], &link)?;
            self.app(&program, &wine, name)?;
        }
        let program = self.compile_contract(compiler, &link)?;
        self.contract(&program, &wine)?;
        self.cpp(&link)?;
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
        let source = self
            .workspace
            .root
            .join("tests/consumers/windows/bcryptprimitives.c");
        let mut compile = Command::new("x86_64-w64-mingw32-gcc-posix");
        compile
            .args(["-shared", "-O1", "-o"])
            .arg(self.folder.path().join("bcryptprimitives.dll"))
            .arg(source)
            .arg("-ladvapi32");
        self.run(&mut compile)?;
        Ok(())
    }

    /// The C++ wrapper, the vendor's classes and the example, with a real server.
    fn cpp(&mut self, link: &[&OsStr]) -> Result<()> {
        let compiler = "x86_64-w64-mingw32-g++-posix";
        let built = self.workspace.release();
        let example = "bindings/cpp/examples/delete_conversation.cpp";
        let program = self.compile(compiler, &[example], link)?;
        let words = self.words(&program);
        let words: Vec<&OsStr> = words.iter().map(AsRef::as_ref).collect();
        self.tally.attempt(example, self.captured, |captured| {
            Stage::set(&built)?.run_example(&words, "group_team", captured)
        })?;
        for name in ["client", "v2tim"] {
            let source = format!("bindings/cpp/tests/{name}.cpp");
            let program = self.compile(compiler, &[&source], link)?;
            let words = self.words(&program);
            let words: Vec<&OsStr> = words.iter().map(AsRef::as_ref).collect();
            self.tally.attempt(name, self.captured, |captured| {
                Stage::set(&built)?.run(&words, captured)
            })?;
        }
        Ok(())
    }

    /// What runs a program of Windows from anywhere.
    fn words(&self, program: &Path) -> Vec<OsString> {
        let mut wine = Command::new("wine");
        self.environment(&mut wine);
        let mut words = vec![OsString::from("env")];
        for (name, value) in wine.get_envs() {
            match value {
                Some(value) => {
                    let mut word = name.to_owned();
                    word.push("=");
                    word.push(value);
                    words.push(word);
                }
                None => words.extend([OsString::from("-u"), name.to_owned()]),
            }
        }
        words.extend([OsString::from("wine"), program.as_os_str().to_owned()]);
        words
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
            .arg(
                self.workspace
                    .root
                    .join("tests/consumers/windows/freestanding"),
            )
            .arg("-I")
            .arg(self.package.join("include"))
            .arg("-c")
            .arg(self.workspace.root.join("tests/consumers/windows/msvc.c"))
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
