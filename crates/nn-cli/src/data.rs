//! Where the data is: owns the search for a folder when none was named, and refuses to know what the files are called
//! or hold.
//!
//! Plain files are mapped, with the promise that `idx_format::IdxFile` asks for made here: this program never writes
//! to a file of data, and `cargo xtask fetch-data` replaces files by renaming.

use std::{
    env,
    ffi::OsString,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use nn_train::{DataError, DataFiles, Split};

use crate::{
    args::DataArgs,
    failure::{Advised, FETCH_DATA},
    output,
};

/// In the order of preference, below the current folder or one above it.
const FULL: &str = "data/mnist";
const SAMPLE: &str = "data/sample";

/// The folder of the data set: the one that was named, or else the first of the usual ones.
pub(crate) fn folder(args: &DataArgs) -> Result<PathBuf> {
    if let Some(folder) = &args.folder {
        if folder.is_file() {
            let message = format!("expected a folder of IDX files at {}, found a file", folder.display());
            return Err(Advised::new(message, "--data names the folder that holds the four files").into());
        }
        return Ok(folder.clone());
    }
    let current = env::current_dir().context("cannot tell the current folder")?;
    if let Some(folder) = search(&current, FULL) {
        return Ok(folder);
    }
    if let Some(folder) = search(&current, SAMPLE) {
        output::note(format_args!(
            "using the small sample in {}, for there is no {FULL}; {FETCH_DATA}",
            folder.display()
        ));
        return Ok(folder);
    }
    let message = format!(
        "no data: expected a folder {FULL} or {SAMPLE} in {} or a folder above it, found neither",
        current.display()
    );
    Err(Advised::new(message, format!("{FETCH_DATA} when run in the project; --data names another folder"))
        .into())
}

/// A folder of this name with something in it, as near as possible. Hidden files do not count: a download that failed
/// leaves them, to be resumed.
fn search(current: &Path, name: &str) -> Option<PathBuf> {
    let is_shown = |name: OsString| !name.as_encoded_bytes().starts_with(b".");
    let has_files = |folder: &Path| {
        folder.read_dir().is_ok_and(|mut entries| {
            entries.any(|entry| entry.is_ok_and(|entry| is_shown(entry.file_name())))
        })
    };
    // The nearest one is shown as the user would name it.
    let nearest = Path::new(name);
    if has_files(nearest) {
        return Some(nearest.to_owned());
    }
    current.ancestors().skip(1).map(|above| above.join(name)).find(|folder| has_files(folder))
}

/// Opens one half of the data set.
pub(crate) fn open(folder: &Path, split: Split) -> Result<DataFiles> {
    Ok(DataFiles::open(folder, split)?)
}

/// Opens one half of the data set, if it is there. Images without labels are half of a half, and an error.
pub(crate) fn open_if_present(folder: &Path, split: Split) -> Result<Option<DataFiles>> {
    match DataFiles::open(folder, split) {
        Err(DataError::NotFound { what: "images", .. }) => Ok(None),
        result => Ok(Some(result?)),
    }
}
