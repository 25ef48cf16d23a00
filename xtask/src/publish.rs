//! Owns putting a whole file in its place at once; knows nothing of what is in it.

use anyhow::{Context as _, Result, bail};
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process;

/// A file under a temporary name beside its final one, which it takes by [`commit`](PendingFile::commit).
///
/// Another process may have the old file mapped: a rename leaves it its bytes, an edit in place would not.
/// A pending file that is dropped is removed.
#[derive(Debug)]
pub(crate) struct PendingFile {
    writer: Option<BufWriter<File>>,
    temporary: PathBuf,
    path: PathBuf,
}

impl PendingFile {
    /// Starts the file that is to stand at `path`, whose folder must exist.
    pub(crate) fn create(path: &Path) -> io::Result<Self> {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let temporary = path.with_file_name(format!(".{name}.{}.tmp", process::id()));
        let file = OpenOptions::new().write(true).create(true).truncate(true).open(&temporary)?;
        Ok(Self { writer: Some(BufWriter::new(file)), temporary, path: path.to_path_buf() })
    }

    /// Makes the bytes durable, then visible under the final name.
    pub(crate) fn commit(mut self) -> io::Result<()> {
        if let Some(writer) = self.writer.take() {
            let file = writer.into_inner().map_err(io::IntoInnerError::into_error)?;
            file.sync_all()?;
        } // closed here: Windows renames no open file
        fs::rename(&self.temporary, &self.path)?;
        sync_folder(self.path.parent().unwrap_or(Path::new(".")))
    }
}

impl Write for PendingFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.writer.as_mut().expect("a pending file is open until it is committed").write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.as_mut().expect("a pending file is open until it is committed").flush()
    }
}

impl Drop for PendingFile {
    fn drop(&mut self) {
        self.writer = None;
        // After a commit there is nothing under this name.
        let _ = fs::remove_file(&self.temporary);
    }
}

/// Writes `bytes` to `path` as a whole or not at all.
pub(crate) fn write_atomically(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut pending = PendingFile::create(path)?;
    pending.write_all(bytes)?;
    pending.commit()
}

/// Makes `folder` and those above it; says what to do where a file is in the way.
pub(crate) fn make_folder(folder: &Path) -> Result<()> {
    let Err(error) = fs::create_dir_all(folder) else { return Ok(()) };
    let failed = format!("cannot make the folder {}", folder.display());
    if let Some(file) = folder.ancestors().find(|path| path.exists() && !path.is_dir()) {
        bail!("{failed}: {} is a file\nhint: --to wants a folder", file.display());
    }
    Err(error).context(failed)
}

/// A rename is durable once its folder is. An empty name is the current folder.
#[cfg(unix)]
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    File::open(folder)?.sync_all()
}

/// Folders cannot be opened for this elsewhere; the rename itself is still atomic.
#[cfg(not(unix))]
pub(crate) fn sync_folder(_folder: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scratch::ScratchFolder;

    #[test]
    fn a_dropped_file_leaves_the_old_one_and_no_litter() {
        let folder = ScratchFolder::create("publish").unwrap();
        let path = folder.path().join("answer");
        fs::write(&path, "old").unwrap();
        let mut pending = PendingFile::create(&path).unwrap();
        pending.write_all(b"new, but cut sh").unwrap();
        drop(pending);
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_file_in_the_way_of_a_folder_is_named_with_a_hint() {
        let scratch = ScratchFolder::create("publish").unwrap();
        let file = scratch.path().join("file");
        fs::write(&file, "mine").unwrap();
        for folder in [file.clone(), file.join("below")] {
            let message = make_folder(&folder).unwrap_err().to_string();
            let expected = format!("{} is a file\nhint: --to wants a folder", file.display());
            assert!(message.ends_with(&expected), "{message}");
        }
        assert_eq!(fs::read(&file).unwrap(), b"mine");
    }

    #[test]
    fn a_committed_file_replaces_the_old_one_and_leaves_no_litter() {
        let folder = ScratchFolder::create("publish").unwrap();
        let path = folder.path().join("answer");
        fs::write(&path, "old").unwrap();
        write_atomically(&path, b"new").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
