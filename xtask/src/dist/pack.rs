//! Archives and their checksums: the same bytes for the same files, whenever and wherever they are
//! packed.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use ring::digest;

use super::{
    platform::System,
    stage::{Stage, entries},
};

/// Packs a laid out folder beside itself.
pub fn pack(stage: &Stage, system: System, into: &Path) -> Result<PathBuf> {
    let end = match system {
        System::Linux => "tar.gz",
        System::Windows => "zip",
    };
    let path = into.join(format!("{}.{end}", stage.name));
    let file = File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
    match system {
        System::Linux => tar(stage, file),
        System::Windows => zip(stage, file),
    }
    .with_context(|| format!("cannot write {}", path.display()))?;
    Ok(path)
}

fn tar(stage: &Stage, file: File) -> Result<()> {
    // No name and no date in the head.
    let packed = flate2::GzBuilder::new().write(file, flate2::Compression::best());
    let mut tar = tar::Builder::new(packed);
    // No owners and dates; permissions as the owner has them.
    tar.mode(tar::HeaderMode::Deterministic);
    tar.follow_symlinks(false);
    each(&stage.root, Path::new(&stage.name), &mut |path, name| {
        tar.append_path_with_name(path, name)
            .with_context(|| format!("cannot pack {}", path.display()))
    })?;
    tar.into_inner()?.finish()?.flush()?;
    Ok(())
}

fn zip(stage: &Stage, file: File) -> Result<()> {
    let mut zip = zip::ZipWriter::new(file);
    let plain = zip::write::SimpleFileOptions::default()
        .last_modified_time(zip::DateTime::default())
        .unix_permissions(0o644);
    each(&stage.root, Path::new(&stage.name), &mut |path, name| {
        let name = name.to_string_lossy();
        if path.is_dir() {
            zip.add_directory(name, plain.unix_permissions(0o755))?;
        } else {
            zip.start_file(name, plain)?;
            io::copy(&mut File::open(path)?, &mut zip)?;
        }
        Ok(())
    })?;
    zip.finish()?;
    Ok(())
}

/// A folder and what is in it, in one order.
fn each(path: &Path, name: &Path, pack: &mut impl FnMut(&Path, &Path) -> Result<()>) -> Result<()> {
    pack(path, name)?;
    if path.is_dir() && !path.is_symlink() {
        for inside in entries(path)? {
            let name = name.join(inside.file_name().unwrap_or_default());
            each(&inside, &name, pack)?;
        }
    }
    Ok(())
}

/// Writes SHA256SUMS of what was packed, as `sha256sum --check` reads it.
pub fn checksums(packed: &[PathBuf], into: &Path) -> Result<()> {
    let mut lines = String::new();
    for path in packed {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        lines += &format!("{}  {name}\n", sha256(path)?);
    }
    let path = into.join("SHA256SUMS");
    fs::write(&path, lines).with_context(|| format!("cannot write {}", path.display()))
}

/// The checksum of a file, in hexadecimal.
pub fn sha256(path: &Path) -> Result<String> {
    let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(digest::digest(&digest::SHA256, &bytes)
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect())
}
