//! Owns finding the files in what the user already has: a folder, a tar archive, or a single file.

use super::catalogue::DataFile;
use super::install::{GZIP, InstallError, install};
use flate2::read::MultiGzDecoder;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

/// How many folders deep to look; the archives that people spread put each file in a folder of its own.
const DEPTH: u32 = 4;
/// The most that an archive may unpack to, for one that unpacks without end.
const ARCHIVE_LIMIT: u64 = 4 << 30;
/// Where `ustar` stands in the header of a tar archive's first entry.
const TAR_MAGIC: std::ops::Range<usize> = 257..262;

/// Installs in `folder` what it finds of `wanted` at `path`. Returns the reasons why candidates were refused.
pub(crate) fn take_from(
    path: &Path,
    wanted: &[DataFile],
    folder: &Path,
) -> Result<Vec<String>, InstallError> {
    let mut offer = Offer { wanted: wanted.to_vec(), folder, refused: Vec::new() };
    if path.is_dir() {
        let mut candidates = Vec::new();
        list_files(path, DEPTH, &mut candidates);
        candidates.sort();
        for candidate in candidates {
            if offer.wants(&candidate) {
                let source = File::open(&candidate).map_err(|error| unreadable(&error))?;
                offer.consider(&candidate, source)?;
            }
        }
    } else {
        let metadata = fs::metadata(path).map_err(|error| unreadable(&error))?;
        // To open a pipe that nobody writes to would wait for ever.
        if !metadata.is_file() {
            return Err(InstallError::Source("neither a folder nor a regular file".into()));
        }
        take_from_file(path, &mut offer)?;
    }
    Ok(offer.refused)
}

/// What is still wanted, and what was wrong with what was found.
struct Offer<'a> {
    wanted: Vec<DataFile>,
    folder: &'a Path,
    refused: Vec<String>,
}

impl Offer<'_> {
    fn position(&self, path: &Path) -> Option<usize> {
        let name = path.file_name()?.to_str()?;
        self.wanted.iter().position(|file| file.is_called(name))
    }

    fn wants(&self, path: &Path) -> bool {
        self.position(path).is_some()
    }

    /// Installs the bytes of the file at `path` if they are what its name says.
    fn consider(&mut self, path: &Path, source: impl Read) -> Result<(), InstallError> {
        let Some(position) = self.position(path) else { return Ok(()) };
        match install(&self.wanted[position], source, self.folder) {
            Ok(()) => {
                self.wanted.remove(position);
                Ok(())
            }
            Err(InstallError::Source(reason)) => {
                self.refused.push(format!("{}: {reason}", path.display()));
                Ok(())
            }
            Err(error) => Err(error),
        }
    }
}

fn take_from_file(path: &Path, offer: &mut Offer<'_>) -> Result<(), InstallError> {
    let mut packed = BufReader::new(File::open(path).map_err(|error| unreadable(&error))?);
    let is_gzip = packed.fill_buf().map_err(|error| unreadable(&error))?.starts_with(&GZIP);
    if is_gzip {
        take_from_stream(path, MultiGzDecoder::new(packed), offer)
    } else {
        take_from_stream(path, packed, offer)
    }
}

/// Tells a tar archive from a single file by its content; nobody agrees on what to call either.
fn take_from_stream(path: &Path, source: impl Read, offer: &mut Offer<'_>) -> Result<(), InstallError> {
    let mut source = BufReader::with_capacity(64 * 1024, source.take(ARCHIVE_LIMIT));
    let start = source.fill_buf().map_err(|error| unreadable(&error))?;
    if start.get(TAR_MAGIC) == Some(b"ustar") {
        let mut archive = tar::Archive::new(source);
        for entry in archive.entries().map_err(|error| unreadable(&error))? {
            let entry = entry.map_err(|error| unreadable(&error))?;
            let inside = entry.path().map_err(|error| unreadable(&error))?.into_owned();
            // Only regular files: what a link in an archive points to is not ours to read.
            if entry.header().entry_type().is_file() {
                offer.consider(&inside, entry)?;
            }
        }
        Ok(())
    } else if start.starts_with(b"PK\x03\x04") {
        Err(InstallError::Source("a zip archive: unpack it and give the folder".into()))
    } else if offer.wants(path) {
        offer.consider(path, source)
    } else {
        Err(InstallError::Source(
            "neither a folder, nor a tar archive, nor a file of a name that is wanted".into(),
        ))
    }
}

/// Regular files under `folder`, leaving out what cannot be read.
fn list_files(folder: &Path, depth: u32, found: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for path in entries.flatten().map(|entry| entry.path()) {
        if path.is_file() {
            found.push(path);
        } else if depth > 1 && path.is_dir() {
            list_files(&path, depth - 1, found);
        }
    }
}

fn unreadable(error: &io::Error) -> InstallError {
    InstallError::Source(format!("cannot be read: {error}"))
}
