//! Owns where the packages are built to be tried out: a folder for each state of the sources.
//!
//! Cargo tries a package with those that it depends on in a registry of its own making, and takes for granted that a
//! version in a registry never changes: it unpacks `nn-core-0.1.0` once, compiles it once, and keeps both. In one
//! folder, a second run with other sources would be tried with the first run's. The registry is known by its path, so
//! another path is another registry.

use crate::digest::Hasher;
use crate::{tidy, workspace};
use anyhow::{Context as _, Result};
use std::fs;
use std::path::{Path, PathBuf};

/// The folder for the sources as they are now; those of earlier sources are removed.
pub(super) fn folder() -> Result<PathBuf> {
    let all = workspace::target_folder()?.join("packages");
    let folder = all.join(digest_of(&workspace::root(), &tidy::listed_files()?));
    remove_others(&all, &folder)?;
    Ok(folder)
}

/// A name that no other content has.
fn digest_of(root: &Path, paths: &[String]) -> String {
    let mut digest = Hasher::default();
    for path in paths {
        // A file that is deleted but not yet committed as such is not there.
        let Ok(bytes) = fs::read(root.join(path)) else { continue };
        digest.update(path.as_bytes());
        digest.update(&(bytes.len() as u64).to_le_bytes());
        digest.update(&bytes);
    }
    // Some of the digits are enough, and paths have limits.
    digest.finish().chars().take(16).collect()
}

fn remove_others(all: &Path, folder: &Path) -> Result<()> {
    let Ok(entries) = fs::read_dir(all) else { return Ok(()) };
    for entry in entries {
        let path = entry?.path();
        if path != folder {
            fs::remove_dir_all(&path).with_context(|| format!("cannot remove {}", path.display()))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scratch::ScratchFolder;

    #[test]
    fn other_sources_have_another_folder_and_the_earlier_one_goes() {
        let scratch = ScratchFolder::create("packages").unwrap();
        let root = scratch.path();
        let paths = ["a.rs", "gone.rs", "b.rs"].map(str::to_owned);
        let digest = |a: &str, b: &str| {
            fs::write(root.join("a.rs"), a).unwrap();
            fs::write(root.join("b.rs"), b).unwrap();
            digest_of(root, &paths)
        };
        let first = digest("1", "23");
        assert_eq!(digest("1", "23"), first);
        assert_ne!(digest("1", "24"), first);
        assert_ne!(digest("12", "3"), first, "a byte that moves from file to file");

        let all = root.join("packages");
        let folder = |name: &str| all.join(name);
        remove_others(&all, &folder("new")).unwrap();
        fs::create_dir_all(folder("old/debug")).unwrap();
        fs::create_dir_all(folder("new/debug")).unwrap();
        remove_others(&all, &folder("new")).unwrap();
        assert!(folder("new/debug").is_dir() && !folder("old").exists());
    }
}
