//! How this program begins: without what `cargo run` tells those that it starts.

use std::{
    env,
    ffi::{OsStr, OsString},
    io,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::Command,
};

/// Where a program looks for libraries before it looks where it was linked to.
const LIBRARIES: &str = "LD_LIBRARY_PATH";

/// `cargo xtask` is `cargo run`, and whatever this program starts would inherit two things from it.
/// The folder of built libraries comes first where programs look for theirs: they would load
/// `libadieu.so` as it is built for tests, whichever they were linked with. And the names of this
/// package: ring's build script looks at variables of the same names, so it and all that stands on
/// it would be built again after every build that a person has started, and the other way round.
///
/// Where it finds such things, the process begins anew without them, and this does not return.
///
/// # Errors
/// The system cannot start this program again.
pub fn without_cargos_words() -> io::Result<()> {
    let of_package = |name: &OsString| {
        let name = name.to_string_lossy();
        name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_")
    };
    let names: Vec<OsString> = env::vars_os()
        .map(|(name, _)| name)
        .filter(of_package)
        .collect();
    if names.is_empty() {
        return Ok(());
    }
    let this = env::current_exe()?;
    let mut again = Command::new(&this);
    again.args(env::args_os().skip(1));
    for name in names {
        again.env_remove(name);
    }
    if let Some(folders) = env::var_os(LIBRARIES) {
        match others(&folders, &this) {
            Some(others) => again.env(LIBRARIES, others),
            None => again.env_remove(LIBRARIES),
        };
    }
    Err(again.exec())
}

/// The folders that do not lie beside this program, where cargo has put it.
fn others(folders: &OsStr, this: &Path) -> Option<OsString> {
    let built = this.parent()?;
    let others: Vec<PathBuf> = env::split_paths(folders)
        .filter(|folder| !folder.starts_with(built))
        .collect();
    let joined = env::join_paths(&others).ok()?;
    (!others.is_empty()).then_some(joined)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_beside_this_program_are_left_out() {
        let this = Path::new("/there/target/debug/xtask");
        let given = "/there/target/debug/deps:/mine:/there/target/debug:/there/rust/lib";
        let left = others(OsStr::new(given), this);
        assert_eq!(left.unwrap(), "/mine:/there/rust/lib");
        let cargos = OsStr::new("/there/target/debug/deps:/there/target/debug");
        assert_eq!(others(cargos, this), None);
    }
}
