//! `bindings/swift`, and the module maps that it stands on.

use std::{fs, process::Command};

use anyhow::{Context, Result};

use super::stage::library_folder;
use crate::{captured::Captured, machine, tally::Tally, workspace::Workspace};

/// Uses what the package uses, through the module.
const USER: &str = "@import CAdieu;\n\
    int main(void) {\n\
    \x20 adieu_client_options options = {0};\n\
    \x20 options.struct_size = (uint32_t)sizeof options;\n\
    \x20 return adieu_delete_conversation(NULL, \"c2c_x\", NULL, NULL, NULL) == ADIEU_OK ||\n\
    \x20        adieu_abi_version() >> 16 != ADIEU_ABI_MAJOR;\n\
    }\n";

/// Has clang read both module maps, as Swift's own importer does; where there is a Swift toolchain,
/// the package's tests run too.
pub fn check(workspace: &Workspace, captured: &mut Captured) -> Result<Tally> {
    let library = library_folder(workspace, &workspace.debug())?;
    let package = workspace.root.join("bindings/swift");
    let include = workspace.root.join("include");
    let folder = workspace.scratch("bindings").join("swift");
    fs::create_dir_all(&folder).context("cannot make the folder of the module's user")?;
    let user = folder.join("user.m");
    fs::write(&user, USER).context("cannot write the module's user")?;
    let mut tally = Tally::default();
    for map in [&include, &package.join("Sources/CAdieu")] {
        let program = folder.join("user");
        let mut clang = Command::new("clang");
        clang
            .args(["-fmodules", "-Wall", "-Wextra", "-Werror"])
            .arg("-fno-implicit-module-maps")
            .arg(format!(
                "-fmodule-map-file={}",
                map.join("module.modulemap").display()
            ))
            .arg(format!(
                "-fmodules-cache-path={}",
                folder.join("cache").display()
            ))
            .arg("-I")
            .arg(&include)
            .arg(&user)
            .arg("-o")
            .arg(&program)
            .arg("-L")
            .arg(&library)
            .arg("-ladieu")
            .arg(format!("-Wl,-rpath,{}", library.display()));
        let holds = captured.run(&mut clang)? && captured.run(&mut Command::new(&program))?;
        tally.check(holds);
    }
    if !machine::in_path("swift") {
        captured.note("no Swift toolchain: the package itself was not compiled")?;
        return Ok(tally);
    }
    let mut test = Command::new("swift");
    test.args(["test", "-Xcc"])
        .arg(format!("-I{}", include.display()))
        .arg("-Xlinker")
        .arg(format!("-L{}", library.display()))
        .arg("--scratch-path")
        .arg(folder.join("build"))
        .env("LD_LIBRARY_PATH", &library)
        .current_dir(&package);
    tally.check(captured.run(&mut test)?);
    Ok(tally)
}
