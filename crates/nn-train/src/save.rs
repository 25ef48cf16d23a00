//! Models in files: owns opening, limits and the names of files in errors, and refuses to know the bytes.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use crate::{DecodeError, InvalidModel, Model, WriteError, container, write_atomically};

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
    let read_error = |source| LoadError::Read { path: path.to_owned(), source };
    let invalid = |source| LoadError::Invalid { path: path.to_owned(), source };

    let mut file = fs::File::open(path).map_err(read_error)?;
    let bytes = container::read(&mut file, limits.max_bytes)
        .map_err(read_error)?
        .map_err(|error| invalid(error.into()))?;
    Model::from_bytes(&bytes).map_err(invalid)
}

/// How much a file may ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The longest file to load. The default is 256 MiB, 67 million parameters.
    ///
    /// The network takes as much again, for whole rows of 16 parameters; one of many inputs and a single unit a layer,
    /// which nobody trains, up to 16 times as much.
    pub max_bytes: u64,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { max_bytes: 256 << 20 }
    }
}

/// Why a model was not saved.
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
    /// The file could not be written.
    #[error(transparent)]
    Write(#[from] WriteError),
}

/// Why a model was not loaded.
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
    /// The file holds no sound model.
    #[error("cannot load {}", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// What was expected and found.
        source: DecodeError,
    },
}
