//! A file that one process at a time has: owns how it is locked, and how it shows that the name means another file by
//! now, and refuses to know what the lock is for.

use std::{
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
};

/// An exclusive lock on a file, as long as the value lives.
///
/// It is the operating system's and goes away with the process, however that ends; the file stays. Who moves or removes
/// the file lets a second process in, for a lock is on a file and not on its name: [`is_held`](Self::is_held) notices
/// it.
///
/// # Examples
/// ```
/// use nn_train::{FileLock, LockError};
///
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("lock");
/// let lock = FileLock::take(&path)?;
/// assert!(matches!(FileLock::take(&path), Err(LockError::Taken { .. })));
/// assert!(lock.is_held()?);
/// drop(lock);
/// assert!(FileLock::take(&path).is_ok());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct FileLock {
    path: PathBuf,
    /// Closing it unlocks it.
    file: File,
}

impl FileLock {
    /// Locks the file, which is made where there is none and else left as it is. Waits for nobody.
    ///
    /// # Errors
    /// [`LockError`].
    pub fn take(path: &Path) -> Result<FileLock, LockError> {
        let failed = |action| move |source| LockError::Io { action, path: path.to_owned(), source };
        // To open a pipe would wait for whoever is to read from it.
        if path.metadata().is_ok_and(|metadata| !metadata.is_file()) {
            let source = io::Error::new(io::ErrorKind::InvalidInput, "not a regular file");
            return Err(failed("lock")(source));
        }
        let file = File::options().read(true).write(true).create(true).truncate(false).open(path);
        let file = file.map_err(failed("open"))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(LockError::Taken { path: path.to_owned() }),
            Err(TryLockError::Error(source)) => return Err(failed("lock")(source)),
        }
        let lock = FileLock { path: path.to_owned(), file };
        // Another process may have had it, and moved or removed it, in between.
        match lock.is_held().map_err(failed("look at"))? {
            true => Ok(lock),
            false => Err(LockError::Moved { path: path.to_owned() }),
        }
    }

    /// Whether the name still means the file that is locked.
    ///
    /// Systems that are no Unix do not tell files apart by more than their names, and nothing is checked there.
    ///
    /// # Errors
    /// When that cannot be told.
    pub fn is_held(&self) -> io::Result<bool> {
        is_same_file(&self.file, &self.path)
    }

    /// The name by which it was locked.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The file, open for reading and writing.
    #[must_use]
    pub fn file(&self) -> &File {
        &self.file
    }
}

#[cfg(unix)]
fn is_same_file(open: &File, path: &Path) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt;
    let identity = |metadata: fs::Metadata| (metadata.dev(), metadata.ino());
    match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        named => Ok(identity(named?) == identity(open.metadata()?)),
    }
}

#[cfg(not(unix))]
fn is_same_file(_open: &File, _path: &Path) -> io::Result<bool> {
    Ok(true)
}

/// Why a file is not locked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LockError {
    /// Another process has it.
    #[error("{} is in use: expected to be its only process, found another", path.display())]
    Taken {
        /// The file.
        path: PathBuf,
    },
    /// The file that was locked is not the one of that name any more.
    #[error("{} was moved or removed while it was locked", path.display())]
    Moved {
        /// The file.
        path: PathBuf,
    },
    /// The operating system said no.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was tried, as "lock".
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
}
