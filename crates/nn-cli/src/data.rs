//! Where the data is: owns the search for a folder when none was named, and refuses to know what the files are called
//! or hold.
//!
//! Plain files are read into memory, so that what becomes of them afterwards does not matter. Only those of
//! [`MAP_FROM`] bytes and more are mapped, with the promise that `idx_format::IdxFile` asks for made here: this program
//! never writes to a file of data, and `cargo xtask fetch-data` replaces files by renaming. Who breaks it from outside
//! and cuts a file is told so (`cut.rs`).

use std::{
    env,
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use nn_train::{
    DataError, DataFiles, JoinedFiles, Split,
    nn_core::{
        Dataset,
        idx_format::{IdxFile, OpenError, OpenOptions},
    },
};

use crate::{
    args::{DataArgs, FoldersArgs},
    cut,
    failure::{Advised, FETCH_DATA},
    output::{self, count},
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

/// The folders of a training: those that were named, or else [`folder`]'s.
pub(crate) fn folders(args: &FoldersArgs) -> Result<Vec<PathBuf>> {
    if args.folders.is_empty() {
        return Ok(vec![folder(&DataArgs::default())?]);
    }
    args.folders.iter().map(|named| folder(&DataArgs { folder: Some(named.clone()) })).collect()
}

/// The folders, or files, in a line.
pub(crate) fn names(folders: &[PathBuf]) -> String {
    let names: Vec<String> = folders.iter().map(|folder| folder.display().to_string()).collect();
    names.join(", ")
}

/// The places of those of these files or folders that are there more than once, perhaps under another name.
pub(crate) fn repeated(paths: &[PathBuf]) -> Vec<usize> {
    let real = |path: &PathBuf| fs::canonicalize(path).unwrap_or_else(|_| path.clone());
    let real: Vec<PathBuf> = paths.iter().map(real).collect();
    let count = |place: usize| real.iter().filter(|other| **other == real[place]).count();
    (0..paths.len()).filter(|&place| count(place) > 1).collect()
}

/// Says which of these count more than once.
pub(crate) fn note_repeated(paths: &[PathBuf], consequence: &str) {
    let repeated: Vec<PathBuf> = repeated(paths).into_iter().map(|place| paths[place].clone()).collect();
    if !repeated.is_empty() {
        output::note(format_args!("named more than once, so that {consequence}: {}", names(&repeated)));
    }
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

/// The shortest file to map, 256 MiB: five times MNIST. A copy of less costs some hundredths of a second and memory that
/// every machine has.
const MAP_FROM: u64 = 256 << 20;

/// A pipe would be waited for, and a device has no end.
const OPTIONS: OpenOptions = OpenOptions::new().map_from(MAP_FROM).regular_files_only(true);

/// Opens one half of the data set.
pub(crate) fn open(folder: &Path, split: Split) -> Result<DataFiles> {
    watched(DataFiles::open_with(folder, split, &OPTIONS)?)
}

/// Opens one half of the data set, if it is there. Images without labels are half of a half, and an error.
pub(crate) fn open_if_present(folder: &Path, split: Split) -> Result<Option<DataFiles>> {
    if_present(DataFiles::open_with(folder, split, &OPTIONS))
}

/// Opens one half of the data set whose files have this name, such as `emnist-letters`, if it is there.
pub(crate) fn open_named_if_present(name: &Path, split: Split) -> Result<Option<DataFiles>> {
    if_present(DataFiles::open_named_with(name, split, &OPTIONS))
}

fn if_present(opened: Result<DataFiles, DataError>) -> Result<Option<DataFiles>> {
    match opened {
        Err(DataError::NotFound { what: "images", .. }) => Ok(None),
        opened => watched(opened?).map(Some),
    }
}

/// Opens the training files of all these folders as one data set.
pub(crate) fn open_joined(folders: &[PathBuf]) -> Result<JoinedFiles> {
    let files = folders.iter().map(|folder| open(folder, Split::Train)).collect::<Result<_>>()?;
    Ok(JoinedFiles::new(files)?)
}

/// Opens one half of the data set in the first of these folders that has it.
pub(crate) fn open_first(folders: &[PathBuf], split: Split) -> Result<Option<(PathBuf, DataFiles)>> {
    for folder in folders {
        if let Some(files) = open_if_present(folder, split)? {
            return Ok(Some((folder.clone(), files)));
        }
    }
    Ok(None)
}

/// Opens one file, whatever it holds. Where it is mapped, [`cut::watch`] belongs to it.
pub(crate) fn open_file(path: &Path) -> Result<IdxFile, OpenError> {
    IdxFile::open_with(path, &OPTIONS)
}

fn watched(files: DataFiles) -> Result<DataFiles> {
    cut::watch(files.images())?;
    Ok(files)
}

/// Says which classes have no image at all: one damaged label is enough for a hundred of them, and they are trained
/// like any other. No error, for it may be meant so: the letters of EMNIST count from 1.
pub(crate) fn note_empty_classes(files: &JoinedFiles) {
    let mut is_empty = vec![true; files.classes()];
    let parts = files.parts();
    let labels = parts.iter().flat_map(Dataset::labels);
    labels.for_each(|&label| is_empty[usize::from(label)] = false);
    let empty: Vec<usize> = (0..files.classes()).filter(|&class| is_empty[class]).collect();
    let greatest = files.classes() - 1;
    let place = files.files().iter().zip(&parts).find_map(|(files, part)| {
        let sample = part.labels().iter().position(|&label| usize::from(label) == greatest)?;
        Some((files.labels_path(), sample))
    });
    if let (Some(first), Some(last), Some((path, sample))) = (empty.first(), empty.last(), place) {
        let which = if first == last { first.to_string() } else { format!("between {first} and {last}") };
        output::note(format_args!(
            "{} of {} have no image in {}: {which}; is the greatest label, {greatest} of image {sample}, right?",
            empty.len(),
            count(files.classes(), "class"),
            path.display()
        ));
    }
}
