//! Finding what is tested, and building it where nobody has.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// The shared library with its failpoints: `ADIEU_LIB`, or built here.
pub fn library() -> PathBuf {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    PATH.get_or_init(|| {
        given("ADIEU_LIB").unwrap_or_else(|| {
            let names = ["libadieu.so", "libadieu.dylib", "adieu.dll"];
            built(&["-p", "adieu", "--features", "failpoints"], &names)
        })
    })
    .clone()
}

/// The server: `ADIEU_SERVER`, or built here.
pub fn server() -> PathBuf {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    PATH.get_or_init(|| {
        given("ADIEU_SERVER").unwrap_or_else(|| {
            let names = ["adieu-server", "adieu-server.exe"];
            built(&["-p", "adieu-server"], &names)
        })
    })
    .clone()
}

fn given(variable: &str) -> Option<PathBuf> {
    std::env::var_os(variable).map(PathBuf::from)
}

/// Builds, and finds the artefact among those that cargo names.
fn built(what: &[&str], names: &[&str]) -> PathBuf {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    // `cargo test` names this package to its tests. ring's build script asks for the same variables:
    // with them it, and all that stands on it, would be built again.
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            command.env_remove(&name);
        }
    }
    let output = command
        .args([
            "build",
            "--quiet",
            "--message-format=json-render-diagnostics",
        ])
        .args(what)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stderr(Stdio::inherit())
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "cargo build {what:?} failed");
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .filter(|message| message["reason"] == "compiler-artifact")
        .flat_map(|message| message["filenames"].as_array().cloned().unwrap_or_default())
        .filter_map(|file| file.as_str().map(PathBuf::from))
        .rfind(|file| names.iter().any(|name| file.ends_with(name)))
        .unwrap_or_else(|| panic!("cargo build {what:?} made none of {names:?}"))
}
