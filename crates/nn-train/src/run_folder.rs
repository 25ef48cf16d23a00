//! The folder of a run: owns the names in it, the lock that keeps a second process out, and the removal of what a
//! killed one left, and refuses to know what the files say.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use crate::{
    FileLock, LockError,
    event_log::is_event_file,
    file::{folder_of, is_temporary, remove_temporaries, sync_folder},
};

/// A folder for the files of one run, locked for this process as long as the value lives.
///
/// The lock is the operating system's, on the file [`LOCK`](Self::LOCK), which stays: it goes away with the process,
/// however that ends. Who moves or removes that file lets a second process in; [`check_held`](Self::check_held) notices
/// it. Other programs may read the files; each of them appears whole, by
/// [`write_atomically`](crate::write_atomically).
///
/// A run exists once its [`CHECKPOINT`](Self::CHECKPOINT) does. Whoever writes the other files before the checkpoint
/// that knows of them can make all of them again from any checkpoint.
///
/// # Examples
/// ```
/// use nn_train::{RunError, RunFolder, write_atomically};
///
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("runs/first");
/// let run = RunFolder::create(&path)?;
/// assert!(matches!(RunFolder::create(&path), Err(RunError::Locked { .. })));
/// write_atomically(&run.file(RunFolder::CHECKPOINT), |writer| writer.write_all(b"all that is needed"))?;
/// drop(run);
///
/// assert!(matches!(RunFolder::create(&path), Err(RunError::Exists { .. })));
/// let run = RunFolder::open(&path)?;
/// # drop(run);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct RunFolder {
    path: PathBuf,
    lock: FileLock,
}

impl RunFolder {
    /// All that it takes to go on.
    pub const CHECKPOINT: &'static str = "checkpoint";
    /// What the run was begun with, for people and their programs.
    pub const CONFIG: &'static str = "config.toml";
    /// A line for each finished epoch.
    pub const METRICS: &'static str = "metrics.jsonl";
    /// The same as a table, for spreadsheets.
    pub const METRICS_TABLE: &'static str = "metrics.csv";
    /// The network after the last finished epoch.
    pub const LAST_MODEL: &'static str = "last.model";
    /// The network after the best epoch.
    pub const BEST_MODEL: &'static str = "best.model";
    /// An empty file, to be locked.
    pub const LOCK: &'static str = "lock";

    /// Checks that a new run may have this folder, as [`create`](Self::create) does: before what takes long, when nothing
    /// is to be made yet.
    ///
    /// # Errors
    /// [`RunError`].
    pub fn check_new(path: &Path) -> Result<(), RunError> {
        if path.symlink_metadata().is_ok() { check_vacant(path) } else { Ok(()) }
    }

    /// Makes and locks the folder of a new run, and the folders above it that are missing.
    ///
    /// A folder that is there already must be empty, or hold no more than a process left that was killed before the
    /// run existed.
    ///
    /// # Errors
    /// [`RunError`]; other files are never touched.
    pub fn create(path: &Path) -> Result<RunFolder, RunError> {
        RunFolder::check_new(path)?;
        create_folder(path).map_err(RunError::io("make the folder", path))?;
        let run = RunFolder::lock(path)?;
        // Another process may have begun the run, and left it, in between.
        check_vacant(path)?;
        run.clean()
    }

    /// Locks the folder of a run that exists, and removes the temporary files that killed processes left in it.
    ///
    /// # Errors
    /// [`RunError`].
    pub fn open(path: &Path) -> Result<RunFolder, RunError> {
        let checkpoint = path.join(RunFolder::CHECKPOINT);
        match checkpoint.metadata() {
            Ok(metadata) if metadata.is_file() => RunFolder::lock(path)?.clean(),
            // Whether there is one cannot be said.
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                Err(RunError::io("look at", &checkpoint)(error))
            }
            _ => Err(RunError::Missing { path: path.to_owned(), is_folder: path.is_dir() }),
        }
    }

    /// The folder, as it was named.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The path of a file in the folder.
    #[must_use]
    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Checks that the lock is still the one in the folder, which is so until somebody moves or removes either: then
    /// another process may have begun to write under the same names. To be called before writing.
    ///
    /// Systems that are no Unix do not tell files apart by more than their names, and nothing is checked there.
    ///
    /// # Errors
    /// [`RunError::Lost`] when it is not, [`RunError::Io`] when that cannot be told.
    pub fn check_held(&self) -> Result<(), RunError> {
        let lock_path = self.file(RunFolder::LOCK);
        match self.lock.is_held().map_err(RunError::io("look at", &lock_path))? {
            true => Ok(()),
            false => Err(RunError::Lost { path: self.path.clone() }),
        }
    }

    fn lock(path: &Path) -> Result<RunFolder, RunError> {
        let path = path.to_owned();
        match FileLock::take(&path.join(RunFolder::LOCK)) {
            Ok(lock) => Ok(RunFolder { path, lock }),
            Err(LockError::Taken { .. }) => Err(RunError::Locked { path }),
            Err(LockError::Moved { .. }) => Err(RunError::Lost { path }),
            Err(LockError::Io { action, path, source }) => Err(RunError::Io { action, path, source }),
        }
    }

    /// Only a process that holds the lock writes here, so what still has the name of a temporary file is left over.
    fn clean(self) -> Result<RunFolder, RunError> {
        remove_temporaries(&self.path).map_err(|(path, error)| RunError::io("remove", &path)(error))?;
        Ok(self)
    }
}

/// Checks that no run and no other file is there. What a process leaves that was killed before its run existed is
/// known by the lock, the first file of all.
fn check_vacant(path: &Path) -> Result<(), RunError> {
    let own = [RunFolder::LOCK, RunFolder::CONFIG, RunFolder::METRICS, RunFolder::METRICS_TABLE];
    let is_own = |name: &str| own.contains(&name) || is_event_file(name) || is_temporary(name);
    let names: Vec<String> = entries(path)?.into_iter().map(|(name, _)| name).collect();
    let has = |own: &str| names.iter().any(|name| name == own);
    if has(RunFolder::CHECKPOINT) {
        return Err(RunError::Exists { path: path.to_owned() });
    }
    let is_begun = has(RunFolder::LOCK);
    match names.into_iter().find(|name| !(is_begun && is_own(name))) {
        Some(found) => Err(RunError::Occupied { path: path.to_owned(), found }),
        None => Ok(()),
    }
}

/// The names in a folder, which are text enough to be compared, and their paths.
fn entries(path: &Path) -> Result<Vec<(String, PathBuf)>, RunError> {
    let named = |entry: fs::DirEntry| (entry.file_name().to_string_lossy().into_owned(), entry.path());
    let read = || fs::read_dir(path)?.map(|entry| entry.map(named)).collect::<io::Result<_>>();
    read().map_err(RunError::io("read the folder", path))
}

/// Makes a folder and those above it that are missing, each of them durably. Another process may be making the same.
pub(crate) fn create_folder(path: &Path) -> io::Result<()> {
    let above = folder_of(path);
    if above != path && !above.is_dir() {
        create_folder(above)?;
    }
    match fs::create_dir(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => return Ok(()),
        result => result?,
    }
    sync_folder(above)
}

/// Why a folder is not open for a run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// There is no run to go on with.
    #[error(
        "no run in {}: expected a folder with a file `{}`, found {}",
        path.display(),
        RunFolder::CHECKPOINT,
        if *is_folder { "a folder without one" } else { "no folder" }
    )]
    Missing {
        /// The folder.
        path: PathBuf,
        /// Whether there is a folder at all.
        is_folder: bool,
    },
    /// A new run would replace an earlier one.
    #[error("cannot begin a run in {}: expected no run there, found one", path.display())]
    Exists {
        /// The folder.
        path: PathBuf,
    },
    /// The folder holds other files.
    #[error("cannot begin a run in {}: expected an empty folder or none, found `{found}` in it", path.display())]
    Occupied {
        /// The folder.
        path: PathBuf,
        /// One of the names in it.
        found: String,
    },
    /// Another process has the run.
    #[error("the run in {} is in use: expected to be its only process, found another", path.display())]
    Locked {
        /// The folder.
        path: PathBuf,
    },
    /// The lock that was taken is not in the folder any more, so that another process may have the run.
    #[error(
        "the run in {} was taken from this process: expected its lock in the folder, found another or none",
        path.display()
    )]
    Lost {
        /// The folder.
        path: PathBuf,
    },
    /// The operating system said no.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was tried, as "lock".
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
}

impl RunError {
    fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> RunError {
        move |source| RunError::Io { action, path: path.to_owned(), source }
    }
}
