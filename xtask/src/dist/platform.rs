//! The platforms that an archive is made for.

use crate::machine::Need;

/// Which kind of files a platform wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum System {
    /// ELF: a versioned shared library and a static archive.
    Linux,
    /// PE: a DLL and its import libraries.
    Windows,
}

/// One platform.
#[derive(Debug)]
pub struct Platform {
    /// In the archive's name, and what `--target` takes.
    pub name: &'static str,
    /// rustc's name for it.
    pub triple: &'static str,
    /// Which files.
    pub system: System,
    /// Put before the names of gcc, ld, objcopy, strip; empty for the machine itself.
    pub tools: &'static str,
    /// What building for it needs.
    pub needs: &'static [Need],
}

const fn need(program: &'static str, package: &'static str) -> Need {
    Need { program, package }
}

/// The compiler whose standard library can be built, for every platform.
pub const RUST_WITH_SOURCES: [Need; 3] = [
    need("/usr/bin/rustc", "rustc-web"),
    need("/usr/bin/cargo", "cargo-web"),
    need(
        "/usr/lib/rustlib/src/rust/library/Cargo.lock",
        "rust-web-src",
    ),
];

/// All of them.
pub const PLATFORMS: &[Platform] = &[
    Platform {
        name: "x86_64-linux-gnu",
        triple: "x86_64-unknown-linux-gnu",
        system: System::Linux,
        tools: "",
        needs: &[
            need("gcc", "gcc"),
            need("objcopy", "binutils"),
            RUST_WITH_SOURCES[0],
            RUST_WITH_SOURCES[1],
            RUST_WITH_SOURCES[2],
        ],
    },
    Platform {
        name: "aarch64-linux-gnu",
        triple: "aarch64-unknown-linux-gnu",
        system: System::Linux,
        tools: "aarch64-linux-gnu-",
        needs: &[
            need("aarch64-linux-gnu-gcc", "gcc-aarch64-linux-gnu"),
            need(
                "/usr/aarch64-linux-gnu/lib/libc.so",
                "libc6-dev-arm64-cross",
            ),
            RUST_WITH_SOURCES[0],
            RUST_WITH_SOURCES[1],
            RUST_WITH_SOURCES[2],
        ],
    },
    Platform {
        name: "x86_64-windows",
        triple: "x86_64-pc-windows-gnu",
        system: System::Windows,
        tools: "x86_64-w64-mingw32-",
        needs: &[
            need("x86_64-w64-mingw32-gcc", "gcc-mingw-w64-x86-64"),
            need("llvm-lib-22", "llvm-22"),
            RUST_WITH_SOURCES[0],
            RUST_WITH_SOURCES[1],
            RUST_WITH_SOURCES[2],
        ],
    },
];

/// The platform that this machine is, where it is one of them.
pub fn of_this_machine() -> Option<&'static Platform> {
    let name = format!("{}-{}", std::env::consts::ARCH, std::env::consts::OS);
    PLATFORMS
        .iter()
        .find(|platform| platform.name.starts_with(&name) && cfg!(any(target_env = "gnu", windows)))
}

impl Platform {
    /// One of its tools.
    pub fn tool(&self, name: &str) -> String {
        format!("{}{name}", self.tools)
    }

    /// The shared library's file, as cargo names it.
    pub fn library(&self) -> &'static str {
        match self.system {
            System::Linux => "libadieu.so",
            System::Windows => "adieu.dll",
        }
    }
}
