//! `bindings/java`.

use std::{
    ffi::{OsStr, OsString},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, ensure};

use super::{
    overhead,
    samples::{self, SKIPPED, Sample},
    stage::{Stage, library_folder},
};
use crate::{captured::Captured, tally::Tally, workspace::Workspace};

/// Builds the jar and runs what uses it, with the JVM's checks of native code.
pub fn check(workspace: &Workspace, captured: &mut Captured) -> Result<Tally> {
    let built = &workspace.debug();
    let folder = workspace.scratch("bindings").join("java");
    let java = Java::build(workspace, built, folder, captured)?;
    let tests = ["tests/Tests.java", "tests/android/util/Log.java"];
    let tests = [&tests[..], &["examples/DeleteConversation.java"]].concat();
    let tests: Vec<PathBuf> = tests.iter().map(|name| java.root.join(name)).collect();
    java.compile(&tests, &java.tests, captured)?;
    let mut tally = Tally::default();
    let path = format!("{}:{}", java.jar.display(), java.tests.display());
    tally.attempt("example", captured, |captured| {
        // The natives come out of the jar here, and from a folder below.
        let words = ["java", "-Xcheck:jni", "-cp", &path, "DeleteConversation"].map(OsStr::new);
        Stage::set(built)?.run_example(&words, "group_team", captured)
    })?;
    let natives = format!("-Dadieu.library.path={}", java.library.display());
    // A heap that does not grow: what the process grows by is the native side's.
    let heap = ["-Xms96m", "-Xmx96m", "-XX:+AlwaysPreTouch"];
    let java_words = [
        &["java", "-Xcheck:jni"],
        &heap[..],
        &[&natives, "-cp", &path],
    ]
    .concat();
    let java_words: Vec<&OsStr> = java_words.into_iter().map(OsStr::new).collect();
    tally.attempt("Tests", captured, |captured| {
        let stage = Stage::set_with_tls(built)?;
        stage.run(
            &[&java_words[..], &[OsStr::new("Tests")]].concat(),
            captured,
        )?;
        stage.expect_gone("c2c_bob")?;
        stage.expect_gone("c2c_carol")?;
        stage.expect_whole("c2c_Example")
    })?;
    let Some(sample) = Sample::Java.read(&workspace.root)? else {
        captured.note(SKIPPED)?;
        tally.skipped += 1;
        return Ok(tally);
    };
    tally.attempt("the sample", captured, |captured| {
        java.write_sample(&sample)?;
        java.compile(
            &[
                java.folder.join("Sample.java"),
                java.root.join("tests/SampleTest.java"),
            ],
            &java.tests,
            captured,
        )?;
        let stage = Stage::set(built)?;
        let words = [&java_words[..], &[OsStr::new("SampleTest")]].concat();
        stage.run(&words, captured)?;
        stage.expect_gone("c2c_bob")
    })?;
    Ok(tally)
}

/// The words that start the program whose calls are timed.
pub fn overhead(
    workspace: &Workspace,
    built: &Path,
    captured: &mut Captured,
) -> Result<Vec<OsString>> {
    let java = Java::build(
        workspace,
        built,
        overhead::folder(workspace, "java"),
        captured,
    )?;
    let source = workspace.root.join("bindings/overhead/Overhead.java");
    java.compile(&[source], &java.tests, captured)?;
    let natives = format!("-Dadieu.library.path={}", java.library.display());
    let path = format!("{}:{}", java.jar.display(), java.tests.display());
    let words = ["java", &natives, "-cp", &path, "Overhead"];
    Ok(words.map(OsString::from).to_vec())
}

struct Java {
    root: PathBuf,
    folder: PathBuf,
    library: PathBuf,
    jar: PathBuf,
    tests: PathBuf,
}

impl Java {
    /// The native side, and the jar with both libraries in it.
    fn build(
        workspace: &Workspace,
        built: &Path,
        folder: PathBuf,
        captured: &mut Captured,
    ) -> Result<Self> {
        // Classes of an earlier run must not stand in for one that is gone.
        let _ = fs::remove_dir_all(&folder);
        let java = Self {
            root: workspace.root.join("bindings/java"),
            library: library_folder(workspace, built)?,
            jar: folder.join("adieu.jar"),
            tests: folder.join("tests"),
            folder,
        };
        java.make_jar(&workspace.root.join("include"), captured)?;
        Ok(java)
    }

    fn make_jar(&self, include: &Path, captured: &mut Captured) -> Result<()> {
        let jdk = home(captured)?;
        let native = self.library.join("libadieu_jni.so");
        let compiled = captured.run(
            Command::new("gcc")
                .args(["-std=c11", "-shared", "-fPIC", "-O2", "-g"])
                .args(["-Wall", "-Wextra", "-Wpedantic", "-Werror"])
                .arg(format!("-I{}", jdk.join("include").display()))
                .arg(format!("-I{}", jdk.join("include/linux").display()))
                .arg(format!("-I{}", include.display()))
                .arg(self.root.join("native/adieu_jni.c"))
                .arg("-o")
                .arg(&native)
                .arg(format!("-L{}", self.library.display()))
                .args(["-ladieu", "-Wl,-rpath,$ORIGIN"]),
        )?;
        ensure!(compiled, "the native side does not compile");
        let classes = self.folder.join("classes");
        self.compile(&sources(&self.root.join("src"))?, &classes, captured)?;
        let arch = match std::env::consts::ARCH {
            "x86_64" => "amd64",
            other => other,
        };
        let natives = classes.join(format!("native/linux-{arch}"));
        fs::create_dir_all(&natives).context("cannot make the jar's folder of natives")?;
        for (from, name) in [
            (native, "libadieu_jni.so"),
            (self.library.join("libadieu.so.0"), "libadieu.so.0"),
        ] {
            fs::copy(from, natives.join(name)).context("cannot copy a native library")?;
        }
        let mut jar = Command::new("jar");
        jar.arg("--create").arg("--no-compress").arg("--file");
        jar.arg(&self.jar).arg("-C").arg(&classes).arg(".");
        ensure!(captured.run(&mut jar)?, "the jar cannot be made");
        Ok(())
    }

    /// For JDK 8 and newer.
    fn compile(&self, sources: &[PathBuf], into: &Path, captured: &mut Captured) -> Result<()> {
        fs::create_dir_all(into).context("cannot make a folder for classes")?;
        let compiled = captured.run(
            Command::new("javac")
                .args(["--release", "8", "-Xlint:all,-options,-path", "-Werror"])
                .args(["-encoding", "UTF-8", "-cp"])
                .arg(format!("{}:{}", self.jar.display(), self.tests.display()))
                .arg("-d")
                .arg(into)
                .args(sources),
        )?;
        ensure!(compiled, "the Java sources do not compile");
        Ok(())
    }

    /// The sample with a conversation in the place of its placeholder, within a method.
    fn write_sample(&self, sample: &str) -> Result<()> {
        let sample = samples::replace(sample, "\"conversationID\"", "\"c2c_bob\"")?;
        let text = format!(
            "import android.util.Log;\nimport com.tencent.imsdk.v2.*;\n\n\
             final class Sample {{\n  static void run() {{\n{sample}  }}\n}}\n"
        );
        fs::write(self.folder.join("Sample.java"), text).context("cannot write the sample")
    }
}

/// Where the JDK is, with its headers.
fn home(captured: &mut Captured) -> Result<PathBuf> {
    let said = Command::new("java")
        .args(["-XshowSettings:properties", "-version"])
        .output()
        .context("cannot run java")?;
    let said = String::from_utf8_lossy(&said.stderr);
    let home = said
        .lines()
        .find_map(|line| line.trim().strip_prefix("java.home = "))
        .context("java does not say where it is")?;
    captured.note(home)?;
    Ok(home.into())
}

/// All Java files below a folder.
fn sources(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| format!("no {}", folder.display()))? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(sources(&path)?);
        } else if path
            .extension()
            .is_some_and(|extension| extension == "java")
        {
            found.push(path);
        }
    }
    Ok(found)
}
