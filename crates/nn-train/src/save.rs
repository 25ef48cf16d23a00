//! Models and checkpoints in files: owns opening, limits and the names of files in errors, and refuses to know the
//! bytes.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use crate::{
    Checkpoint, DecodeError, InvalidCheckpoint, InvalidModel, Model, WriteError,
    container::{self, Kind},
    write_atomically,
};

/// Saves a model so that `path` holds either what it held before or all of the model, whatever happens.
///
/// Equal models give byte-identical files. See [`write_atomically`] for what becomes of an existing file.
///
/// # Errors
/// [`SaveError`] when the model is invalid, or the file cannot be written.
pub fn save(model: &Model, path: &Path) -> Result<(), SaveError> {
    let bytes = model.to_bytes().map_err(|source| SaveError::Invalid { path: path.to_owned(), source })?;
    write_atomically(path, |writer| writer.write_all(&bytes))?;
    Ok(())
}

/// Loads a model, bit for bit as it was saved, under the default [`Limits`].
///
/// # Errors
/// [`LoadError`], which names the file.
pub fn load(path: &Path) -> Result<Model, LoadError> {
    load_with(path, &Limits::default())
}

/// Loads a model under limits of the caller's choice.
///
/// # Errors
/// As [`load`].
pub fn load_with(path: &Path, limits: &Limits) -> Result<Model, LoadError> {
    let bytes = read(container::MODEL, path, limits)?;
    Model::from_bytes(&bytes).map_err(|source| LoadError::Invalid { path: path.to_owned(), source })
}

/// Saves a checkpoint so that `path` holds either the one it held before or all of the new one, whatever happens.
///
/// # Errors
/// [`SaveError`] when the checkpoint is invalid, as that of a network that has diverged is, or the file cannot be
/// written.
///
/// # Panics
/// As [`Checkpoint::to_bytes`].
pub fn save_checkpoint(checkpoint: &Checkpoint<'_>, path: &Path) -> Result<(), SaveError> {
    let bytes = checkpoint
        .to_bytes()
        .map_err(|source| SaveError::InvalidCheckpoint { path: path.to_owned(), source })?;
    write_atomically(path, |writer| writer.write_all(&bytes))?;
    Ok(())
}

/// Loads a checkpoint, bit for bit as it was saved, under [`Limits::CHECKPOINT`].
///
/// # Errors
/// [`LoadError`], which names the file.
pub fn load_checkpoint(path: &Path) -> Result<Checkpoint<'static>, LoadError> {
    load_checkpoint_with(path, &Limits::CHECKPOINT)
}

/// Loads a checkpoint under limits of the caller's choice.
///
/// # Errors
/// As [`load_checkpoint`].
pub fn load_checkpoint_with(path: &Path, limits: &Limits) -> Result<Checkpoint<'static>, LoadError> {
    let bytes = read(container::CHECKPOINT, path, limits)?;
    Checkpoint::from_bytes(&bytes).map_err(|source| LoadError::Invalid { path: path.to_owned(), source })
}

fn read(kind: Kind, path: &Path, limits: &Limits) -> Result<Vec<u8>, LoadError> {
    let read_error = |source| LoadError::Read { path: path.to_owned(), source };
    let mut file = fs::File::open(path).map_err(read_error)?;
    container::read(kind, &mut file, limits.max_bytes)
        .map_err(read_error)?
        .map_err(|error| LoadError::Invalid { path: path.to_owned(), source: error.into() })
}

/// How much a file may ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The longest file to load. The default is 256 MiB, a model of 67 million parameters.
    ///
    /// The network takes as much again, for whole rows of 16 parameters; one of many inputs and a single unit a layer,
    /// which nobody trains, up to 16 times as much.
    pub max_bytes: u64,
}

impl Limits {
    /// What [`load_checkpoint`] takes: 1,344 MiB. A checkpoint has up to five times the numbers of a model (the network,
    /// two memories of its optimizer, the best network and an average) and a record of each epoch.
    pub const CHECKPOINT: Limits = Limits { max_bytes: (5 * 256 + 64) << 20 };
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { max_bytes: 256 << 20 }
    }
}

/// Why a model or a checkpoint was not saved.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SaveError {
    /// The model is not one that can be loaded again.
    #[error("cannot save {}", path.display())]
    Invalid {
        /// The file that was to be written.
        path: PathBuf,
        /// What is wrong with the model.
        source: InvalidModel,
    },
    /// The checkpoint is not one that can be loaded again.
    #[error("cannot save {}", path.display())]
    InvalidCheckpoint {
        /// The file that was to be written.
        path: PathBuf,
        /// What is wrong with the checkpoint.
        source: InvalidCheckpoint,
    },
    /// The file could not be written.
    #[error(transparent)]
    Write(#[from] WriteError),
}

/// Why a model or a checkpoint was not loaded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The file could not be opened or read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The file holds no sound model, or no sound checkpoint.
    #[error("cannot load {}", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// What was expected and found.
        source: DecodeError,
    },
}
