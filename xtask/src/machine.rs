//! Programs that a suite needs: found, or installed where that can be done.

use std::{
    env,
    fs::File,
    path::Path,
    process::{Command, Stdio},
    sync::OnceLock,
};

use crate::children::Running;

/// A program, and the Debian package that has it.
#[derive(Clone, Copy, Debug)]
pub struct Need {
    /// The program.
    pub program: &'static str,
    /// Where apt has it.
    pub package: &'static str,
}

impl Need {
    /// Whether it is there.
    pub fn is_met(&self) -> bool {
        in_path(self.program)
    }

    /// Finds or installs it; otherwise says why it is not there.
    pub fn meet(self) -> Result<(), String> {
        if in_path(self.program) {
            return Ok(());
        }
        if !in_path("apt-get") {
            return Err(format!("{} is not installed", self.program));
        }
        if !is_root() {
            return Err(format!(
                "{} is not installed (as root it would be, from the package {})",
                self.program, self.package
            ));
        }
        static UPDATED: OnceLock<bool> = OnceLock::new();
        UPDATED.get_or_init(|| apt(&["update"]));
        eprintln!("installing {}", self.package);
        if apt(&["install", "-y", "--no-install-recommends", self.package]) && in_path(self.program)
        {
            Ok(())
        } else {
            Err(format!("apt-get cannot install {}", self.package))
        }
    }
}

fn apt(arguments: &[&str]) -> bool {
    // apt itself waits for the lock of its packages, but not for that of its lists.
    let lock = File::create(env::temp_dir().join("adieu-xtask-apt.lock"));
    let _one_at_a_time = lock.and_then(|lock| lock.lock().map(|()| lock));
    let mut command = Command::new("apt-get");
    command
        .args(["-q", "-o", "DPkg::Lock::Timeout=900"])
        .args(arguments)
        .env("DEBIAN_FRONTEND", "noninteractive")
        .stdin(Stdio::null())
        .stdout(Stdio::null());
    Running::start(&mut command)
        .and_then(|running| Ok(running.wait()?.success()))
        .unwrap_or(false)
}

/// Whether a program is to be had.
pub fn in_path(program: &str) -> bool {
    env::var_os("PATH")
        .is_some_and(|path| env::split_paths(&path).any(|folder| is_file(&folder.join(program))))
}

fn is_file(path: &Path) -> bool {
    path.metadata().is_ok_and(|metadata| metadata.is_file())
}

/// Asks `id`: there is no safe way to ask the system itself.
fn is_root() -> bool {
    Command::new("id")
        .arg("-u")
        .output()
        .is_ok_and(|said| said.stdout.trim_ascii() == b"0")
}

/// Whether nothing may be left out.
pub fn in_ci() -> bool {
    env::var_os("CI").is_some()
}
