//! Why a data set is not generated.

use std::{io, path::PathBuf};

use crate::{DataWriteError, InvalidAugmentation, WriteError};

/// Why there is no such data set.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidGeneration {
    /// None, or more than the format counts.
    #[error("expected 1 to {} images to generate, found {found}", u32::MAX)]
    Images {
        /// How many were asked for.
        found: u64,
    },
    /// There is nothing to make it of.
    #[error("expected at least one sample to generate images of, found none")]
    NoSamples,
    /// The samples are of another size.
    #[error("expected samples of {image_shape} pixels, found {features}")]
    Shape {
        /// The shape of the images.
        image_shape: String,
        /// Bytes in a sample.
        features: usize,
    },
    /// The distortions, or the shape of what is to be distorted.
    #[error(transparent)]
    Augmentation(#[from] InvalidAugmentation),
}

/// Why a generated data set is not in its folder.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GenerateError {
    /// There is no such data set.
    #[error(transparent)]
    Invalid(#[from] InvalidGeneration),
    /// Files could not be written, or something is there that is not to be replaced.
    #[error(transparent)]
    Write(#[from] DataWriteError),
    /// How far it came could not be written.
    #[error(transparent)]
    Save(#[from] WriteError),
    /// A file that is copied, or gone on with, could not be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Another process is at it.
    #[error("{} is in use: expected to be the only process that writes there, found another", path.display())]
    Locked {
        /// The folder of the unfinished data set.
        path: PathBuf,
    },
    /// The folder or its images were moved, removed or replaced while the data set was made.
    #[error("{} is not what was begun any more: it, or the images in it, were moved or removed meanwhile", path.display())]
    Lost {
        /// Where the unfinished data set was.
        path: PathBuf,
    },
    /// What is there was begun as another data set.
    #[error("cannot go on with {}: it was begun with {what} {found}, expected {expected}", path.display())]
    Other {
        /// The folder of the unfinished data set.
        path: PathBuf,
        /// What differs.
        what: &'static str,
        /// What was asked for.
        expected: String,
        /// What it was begun with.
        found: String,
    },
    /// What is there is not what was written.
    #[error("cannot go on with {}: it is damaged: {reason}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What was expected and found.
        reason: String,
    },
}
