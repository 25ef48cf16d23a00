//! Owns where the files of a set wait until all of them are there, and how they then appear; knows nothing of where
//! they come from.

use super::catalogue::{DataFile, DataSet};
use super::install::{Presence, verify};
use crate::publish::{make_folder, sync_folder};
use anyhow::{Context as _, Result};
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// A hidden folder for what has come, in part or whole. It outlives a failure, so that the next run goes on from there.
pub(crate) struct Staging {
    folder: PathBuf,
    /// Where the set is to stand.
    to: PathBuf,
    /// Whether the folder becomes `to` in one rename; else its files are moved into the folder that is there.
    is_whole: bool,
}

impl Staging {
    /// The staging for the folder `to`: beside it, or inside of one that is there, which may be on a disk of its own.
    pub(crate) fn create(to: &Path) -> Result<Self> {
        let is_whole = to.symlink_metadata().is_err();
        let folder = if is_whole {
            let mut name = OsString::from(".");
            name.push(to.file_name().unwrap_or_default());
            name.push(".incoming");
            to.with_file_name(name)
        } else {
            make_folder(to)?; // says what is there in its place
            to.join(".incoming")
        };
        make_folder(&folder)?;
        Ok(Self { folder, to: to.to_path_buf(), is_whole })
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where a download of `file` grows. It outlives a failure, so that the next mirror, or the next run, goes on from
    /// there: the mirrors mostly hold the same bytes.
    pub(crate) fn part(&self, file: &DataFile) -> PathBuf {
        self.folder.join(format!(".{}.gz.part", file.name))
    }

    /// Whether the file waits here and verifies.
    pub(crate) fn has(&self, file: &DataFile) -> bool {
        matches!(verify(file, &self.folder), Ok(Presence::Verified))
    }

    /// Puts what waits in its place: a new folder at once, with all of its files; in a folder that is there already, one
    /// whole file after the other.
    pub(crate) fn publish(self, set: &DataSet) -> Result<()> {
        let place = || format!("cannot put the files into {}", self.to.display());
        let waits = |path: &Path| set.files.iter().any(|file| path == self.folder.join(&file.name));
        for entry in fs::read_dir(&self.folder).with_context(place)? {
            let path = entry.with_context(place)?.path();
            if !waits(&path) {
                // The start of a download, of this run or an earlier one.
                fs::remove_file(&path).with_context(place)?;
            } else if !self.is_whole {
                let name = path.file_name().unwrap_or_default();
                fs::rename(&path, self.to.join(name)).with_context(place)?;
            }
        }
        if self.is_whole {
            fs::rename(&self.folder, &self.to).with_context(place)?;
            sync_folder(self.to.parent().unwrap_or(Path::new("."))).with_context(place)
        } else {
            sync_folder(&self.to).with_context(place)?;
            fs::remove_dir(&self.folder).with_context(place)
        }
    }

    /// Takes the folder away if nothing waits in it; tells whether something does.
    pub(crate) fn keep_if_used(&self) -> bool {
        match fs::remove_dir(&self.folder) {
            Ok(()) => false,
            Err(error) => error.kind() != io::ErrorKind::NotFound,
        }
    }
}
