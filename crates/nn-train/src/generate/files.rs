//! The files of a generated data set: owns their writing, copying and checksums, and what can fail in that, and refuses
//! to know which there are.

use std::{
    fs::File,
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use sha2::{Digest, Sha256};

use super::{GenerateError, GeneratedFolder, mirror::State};
use crate::{DataWriteError, FileLock, Split, file::write_atomically, fingerprint::hex};

/// The operations that can fail, so that the tests can make each of them fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    WriteImages,
    SyncImages,
    WriteState,
    WriteFile,
    SyncFolder,
    Rename,
}

/// What is asked before each of them.
pub(super) type Hook<'a> = &'a (dyn Fn(Operation) -> io::Result<()> + Sync);

/// A file of a generated data set, or one that it is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct GeneratedFile {
    /// Its name in the folder.
    pub name: String,
    /// Its length.
    pub bytes: u64,
    /// Of all its bytes.
    pub sha256: [u8; 32],
}

impl GeneratedFile {
    /// The checksum as 64 digits, as `sha256sum` prints it.
    #[must_use]
    pub fn hex(&self) -> String {
        hex(&self.sha256)
    }
}

/// The file of the images of a folder.
pub(super) fn images_in(folder: &Path) -> PathBuf {
    folder.join(Split::Train.file_names().0)
}

/// What a thread needs to keep how far the images are, while another one writes more of them.
pub(super) struct Disk<'a> {
    pub(super) lock: &'a FileLock,
    pub(super) partial: &'a Path,
    pub(super) hook: Hook<'a>,
}

impl Disk<'_> {
    /// Waits until the images of a state are on the disk, and then writes the state.
    pub(super) fn keep(&self, state: &State) -> Result<(), GenerateError> {
        self.check_held()?;
        let images = images_in(self.partial);
        let synced = (self.hook)(Operation::SyncImages).and_then(|()| self.lock.file().sync_data());
        synced.map_err(write_error(&images))?;
        let path = self.partial.join(GeneratedFolder::STATE);
        (self.hook)(Operation::WriteState).map_err(write_error(&path))?;
        write_atomically(&path, |writer| writer.write_all(state.to_json().as_bytes()))?;
        Ok(())
    }

    /// That the images are still those of this process, so that what is said beside them is said of them.
    pub(super) fn check_held(&self) -> Result<(), GenerateError> {
        let images = images_in(self.partial);
        match self.lock.is_held().map_err(read_error(&images))? {
            true => Ok(()),
            false => Err(GenerateError::Lost { path: self.partial.to_owned() }),
        }
    }
}

/// Writes, counts and hashes.
pub(super) struct Summed<W> {
    writer: W,
    hasher: Sha256,
    bytes: u64,
}

impl<W> Summed<W> {
    pub(super) fn new(writer: W) -> Summed<W> {
        Summed { writer, hasher: Sha256::new(), bytes: 0 }
    }

    pub(super) fn named(self, name: String) -> GeneratedFile {
        GeneratedFile { name, bytes: self.bytes, sha256: self.hasher.finalize().into() }
    }
}

impl<W: Write> Write for Summed<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.writer.write(bytes)?;
        self.hasher.update(&bytes[..written]);
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

/// Copies the file `from` to a writer, which is the file `to`.
pub(super) fn copy(from: &Path, writer: &mut impl Write, to: &Path) -> Result<GeneratedFile, GenerateError> {
    let mut file = File::open(from).map_err(read_error(from))?;
    let mut summed = Summed::new(writer);
    let mut buffer = vec![0; 1 << 16];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok(summed.named(name_of(from))),
            Ok(read) => summed.write_all(&buffer[..read]).map_err(write_error(to))?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(read_error(from)(error)),
        }
    }
}

pub(super) fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

pub(super) fn write_error(path: &Path) -> impl FnOnce(io::Error) -> GenerateError {
    let path = path.to_owned();
    move |source| DataWriteError::Io { path, source }.into()
}

pub(super) fn read_error(path: &Path) -> impl FnOnce(io::Error) -> GenerateError {
    let path = path.to_owned();
    move |source| GenerateError::Read { path, source }
}
