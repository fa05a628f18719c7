//! Makes the header, compares it with the committed one, and gives the shared library its name.

use std::env;
use std::error::Error;
use std::fs;
use std::path::PathBuf;

/// The number in the SONAME: raised only when a program built against an older libadieu would no
/// longer run.
const ABI_MAJOR: u32 = 0;

fn main() -> Result<(), Box<dyn Error>> {
    for watched in ["src/ffi", "cbindgen.toml", "include/adieu.h", "Cargo.toml"] {
        println!("cargo::rerun-if-changed={watched}");
    }
    for variable in ["ADIEU_UPDATE_HEADER", "CI"] {
        println!("cargo::rerun-if-env-changed={variable}");
    }
    name_the_library()?;
    header()
}

fn name_the_library() -> Result<(), Box<dyn Error>> {
    match env::var("CARGO_CFG_TARGET_OS")?.as_str() {
        "linux" | "android" | "freebsd" => {
            println!("cargo::rustc-cdylib-link-arg=-Wl,-soname,libadieu.so.{ABI_MAJOR}");
            // Threads of the library may outlive a dlclose: its code stays mapped.
            println!("cargo::rustc-cdylib-link-arg=-Wl,-z,nodelete");
        }
        "macos" | "ios" => {
            println!(
                "cargo::rustc-cdylib-link-arg=-Wl,-install_name,@rpath/libadieu.{ABI_MAJOR}.dylib"
            );
        }
        _ => {}
    }
    Ok(())
}

/// The source tree is written to only on request.
fn header() -> Result<(), Box<dyn Error>> {
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let made = PathBuf::from(env::var("OUT_DIR")?).join("adieu.h");
    let config = cbindgen::Config::from_file(root.join("cbindgen.toml"))?;
    // cbindgen follows the `mod` lines from here.
    let sources = cbindgen::Builder::new()
        .with_config(config)
        .with_src(root.join("src/ffi/mod.rs"));
    sources.generate()?.write_to_file(&made);
    let committed = root.join("include/adieu.h");
    let (new, old) = (fs::read(&made)?, fs::read(&committed).unwrap_or_default());
    if new == old {
        return Ok(());
    }
    if env::var_os("ADIEU_UPDATE_HEADER").is_some() {
        fs::create_dir_all(root.join("include"))?;
        fs::write(&committed, new)?;
    } else if env::var_os("CI").is_some() {
        return Err(
            "include/adieu.h differs from src/ffi: build with ADIEU_UPDATE_HEADER=1 and commit it"
                .into(),
        );
    } else {
        println!(
            "cargo::warning=include/adieu.h differs from src/ffi: build with ADIEU_UPDATE_HEADER=1 and commit it"
        );
    }
    Ok(())
}
