//! Owns turning bytes from anywhere into a verified file in its place; knows nothing of where they come from.

use super::catalogue::DataFile;
use crate::digest::Hasher;
use crate::publish::PendingFile;
use flate2::read::MultiGzDecoder;
use std::fmt;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::Path;

/// Why a file did not come to stand in its place.
#[derive(Debug)]
pub(crate) enum InstallError {
    /// The bytes are not the file's. Another source may have them.
    Source(String),
    /// The place does not take them. No other source will help.
    Place(io::Error),
}

/// The first bytes of a gzip stream.
pub(crate) const GZIP: [u8; 2] = [0x1f, 0x8b];

/// Reads the bytes of `file`, packed or not, and puts them at `folder/NAME` if they verify.
///
/// Reads no more than one byte beyond the expected length, so that a file that unpacks without end is
/// refused before it fills the disk.
pub(crate) fn install(file: &DataFile, source: impl Read, folder: &Path) -> Result<(), InstallError> {
    let mut source = BufReader::new(source);
    let start = source.fill_buf().map_err(|error| unreadable(&error))?;
    let looks_like_page = start.trim_ascii_start().starts_with(b"<");
    let outcome = if start.starts_with(&GZIP) {
        copy_verified(file, MultiGzDecoder::new(source), folder)
    } else {
        copy_verified(file, source, folder)
    };
    match outcome {
        // Said only of bytes that are wrong: data may begin like a page.
        Err(InstallError::Source(reason)) if looks_like_page => {
            Err(InstallError::Source(format!("a web page came instead of the file ({reason})")))
        }
        outcome => outcome,
    }
}

fn copy_verified(file: &DataFile, source: impl Read, folder: &Path) -> Result<(), InstallError> {
    let mut source = source.take(file.bytes + 1);
    let mut pending = PendingFile::create(&folder.join(&file.name)).map_err(InstallError::Place)?;
    let mut hasher = Hasher::default();
    let mut found = 0;
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let read = match source.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(unreadable(&error)),
        };
        hasher.update(&buffer[..read]);
        pending.write_all(&buffer[..read]).map_err(InstallError::Place)?;
        found += read as u64;
    }
    Mismatch::check(file, found, hasher).map_err(|mismatch| InstallError::Source(mismatch.to_string()))?;
    pending.commit().map_err(InstallError::Place)
}

/// Whether `folder/NAME` is there and has the right bytes; says what is wrong with one that has not.
pub(crate) fn verify(file: &DataFile, folder: &Path) -> io::Result<Presence> {
    let path = folder.join(&file.name);
    let length = match fs::metadata(&path) {
        Ok(metadata) => metadata.len(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Presence::Absent),
        Err(error) => return Err(error),
    };
    let mut hasher = Hasher::default();
    if length == file.bytes {
        let mut reader = File::open(&path)?;
        let mut buffer = vec![0; 64 * 1024];
        loop {
            match reader.read(&mut buffer)? {
                0 => break,
                read => hasher.update(&buffer[..read]),
            }
        }
    }
    Ok(match Mismatch::check(file, length, hasher) {
        Ok(()) => Presence::Verified,
        Err(mismatch) => Presence::Wrong(mismatch.to_string()),
    })
}

/// What stands where a file belongs.
#[derive(Debug, PartialEq)]
pub(crate) enum Presence {
    Absent,
    Wrong(String),
    Verified,
}

/// How bytes differ from the file they were to be.
enum Mismatch {
    Short { expected: u64, found: u64 },
    Long { expected: u64 },
    Hash { expected: String, found: String },
}

impl Mismatch {
    fn check(file: &DataFile, found: u64, hasher: Hasher) -> Result<(), Self> {
        let expected = file.bytes;
        if found < expected {
            return Err(Self::Short { expected, found });
        }
        if found > expected {
            return Err(Self::Long { expected });
        }
        let found = hasher.finish();
        if found != file.sha256 {
            return Err(Self::Hash { expected: file.sha256.clone(), found });
        }
        Ok(())
    }
}

impl fmt::Display for Mismatch {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Short { expected, found } => write!(formatter, "expected {expected} bytes, found {found}"),
            Self::Long { expected } => write!(formatter, "expected {expected} bytes, found more"),
            Self::Hash { expected, found } => write!(formatter, "expected SHA-256 {expected}, found {found}"),
        }
    }
}

fn unreadable(error: &io::Error) -> InstallError {
    InstallError::Source(match error.kind() {
        io::ErrorKind::UnexpectedEof => "the gzip stream ends early".into(),
        _ => format!("cannot be read: {error}"),
    })
}
