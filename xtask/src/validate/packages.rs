//! Owns trying the packages out: what others get of each crate, unpacked beside the others and checked.
//!
//! Cargo's own trial of a package compiles it and all that it depends on once more. Here the unpacked packages are a
//! workspace with the profiles of this one, and share its target folder, so that what clippy has had checked of the
//! dependencies serves them as well, where it has the same features.

use crate::{tidy, workspace};
use anyhow::{Context as _, Result};
use flate2::read::GzDecoder;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use tar::Archive;

/// Makes the workspace of what `cargo package` has left, and gives its manifest.
pub(super) fn unpack(target: &Path) -> Result<PathBuf> {
    let folder = target.join("packages");
    if folder.exists() {
        fs::remove_dir_all(&folder).with_context(|| format!("cannot remove {}", folder.display()))?;
    }
    let metadata = workspace::metadata()?;
    let packages = metadata["packages"].as_array().context("`cargo metadata` names no packages")?;
    let mut members = Vec::new();
    for package in packages {
        let (Some(name), Some(version)) = (package["name"].as_str(), package["version"].as_str()) else {
            continue;
        };
        if tidy::CHAIN.contains(&name) {
            let member = format!("{name}-{version}");
            let archive = target.join("package").join(format!("{member}.crate"));
            unpack_archive(&archive, &folder)
                .with_context(|| format!("cannot unpack {}", archive.display()))?;
            members.push((name, member));
        }
    }
    let root = workspace::root();
    let own = fs::read_to_string(root.join("Cargo.toml")).context("cannot read Cargo.toml")?;
    let path = folder.join("Cargo.toml");
    fs::write(&path, manifest(&members, &own)).with_context(|| format!("cannot write {}", path.display()))?;
    fs::copy(root.join("Cargo.lock"), folder.join("Cargo.lock")).context("cannot copy Cargo.lock")?;
    Ok(path)
}

/// The files get the time of now: by that of the archive, cargo would take them for what it has checked before.
fn unpack_archive(archive: &Path, folder: &Path) -> Result<()> {
    let mut archive = Archive::new(GzDecoder::new(File::open(archive)?));
    archive.set_preserve_mtime(false);
    Ok(archive.unpack(folder)?)
}

/// The manifest of a workspace of these packages, by name and folder, that takes them from there and not from a registry.
fn manifest(members: &[(&str, String)], own: &str) -> String {
    let folders: Vec<String> = members.iter().map(|(_, folder)| format!("{folder:?}")).collect();
    let mut text =
        format!("[workspace]\nresolver = \"3\"\nmembers = [{}]\n\n[patch.crates-io]\n", folders.join(", "));
    for (name, folder) in members {
        text += &format!("{name} = {{ path = {folder:?} }}\n");
    }
    text + own.find("\n[profile.").map_or("", |start| &own[start..])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scratch::ScratchFolder;
    use flate2::{Compression, write::GzEncoder};
    use std::time::{Duration, SystemTime};

    #[test]
    fn the_manifest_has_the_packages_and_the_profiles() {
        let members = [("a", "a-0.1.0".to_owned()), ("b", "b-0.1.0".to_owned())];
        let own = "[workspace]\nmembers = [\"a\"]\n\n[profile.dev]\nopt-level = 1\n";
        let expected = "\
[workspace]
resolver = \"3\"
members = [\"a-0.1.0\", \"b-0.1.0\"]

[patch.crates-io]
a = { path = \"a-0.1.0\" }
b = { path = \"b-0.1.0\" }

[profile.dev]
opt-level = 1
";
        assert_eq!(manifest(&members, own), expected);
    }

    #[test]
    fn unpacked_files_are_new_however_old_the_archive_says_that_they_are() {
        let scratch = ScratchFolder::create("packages").unwrap();
        let path = scratch.path().join("a-0.1.0.crate");
        let mut archive =
            tar::Builder::new(GzEncoder::new(File::create(&path).unwrap(), Compression::fast()));
        let mut header = tar::Header::new_gnu();
        header.set_size(3);
        header.set_mtime(1);
        header.set_mode(0o644);
        archive.append_data(&mut header, "a-0.1.0/lib.rs", &b"abc"[..]).unwrap();
        archive.into_inner().unwrap().finish().unwrap();
        unpack_archive(&path, scratch.path()).unwrap();
        let file = scratch.path().join("a-0.1.0/lib.rs");
        assert_eq!(fs::read(&file).unwrap(), b"abc");
        let modified = fs::metadata(&file).unwrap().modified().unwrap();
        assert!(modified > SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000));
    }
}
