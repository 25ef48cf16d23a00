//! Owns bringing a data set's package with the registry's own client; knows nothing of what is in it.

use super::catalogue::Package;
use crate::process::run_quietly;
use anyhow::{Context as _, Result};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(600);

/// Brings `package` into the empty `folder`, and says where to look for its files.
pub(crate) fn bring(package: &Package, folder: &Path) -> Result<PathBuf> {
    match package {
        Package::Npm { name, version } => {
            let npm = if cfg!(windows) { "npm.cmd" } else { "npm" };
            let mut command = Command::new(npm);
            // A registry that does not answer is given up within a minute, not npm's five.
            command
                .args(["pack", &format!("{name}@{version}"), "--ignore-scripts", "--loglevel=error"])
                .args(["--fetch-retries=1", "--fetch-retry-mintimeout=1000", "--fetch-timeout=60000"])
                .current_dir(folder);
            run_quietly(&mut command, LIMIT)?;
            only_file(folder)
        }
        Package::Debian { name, folder: inside } => {
            run_quietly(Command::new("apt-get").args(["download", name]).current_dir(folder), LIMIT)?;
            let package = only_file(folder)?;
            let unpacked = folder.join("unpacked");
            run_quietly(Command::new("dpkg-deb").arg("-x").arg(&package).arg(&unpacked), LIMIT)?;
            Ok(unpacked.join(inside))
        }
    }
}

/// The one file in `folder`: clients choose the name of what they bring.
fn only_file(folder: &Path) -> Result<PathBuf> {
    let mut entries = fs::read_dir(folder)?;
    Ok(entries.next().context("the client brought no file")??.path())
}
