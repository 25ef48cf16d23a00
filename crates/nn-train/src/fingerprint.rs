//! What a data set is recognised by: owns its checksum, and refuses to know where it came from.

use std::fmt;

use sha2::{Digest, Sha256};

use crate::Samples;

/// The size and the checksum of the samples of a [data set](Samples).
///
/// # Examples
/// ```
/// use nn_train::{Fingerprint, nn_core::Dataset};
///
/// let dataset = Dataset::new(&[97, 98], 2, &[99], 100)?; // the bytes "ab" and "c"
/// assert_eq!(
///     Fingerprint::of(dataset).to_string(),
///     "1 sample of 2 bytes, 100 classes, \
///      SHA-256 ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
/// );
/// # Ok::<(), nn_train::nn_core::DatasetError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fingerprint {
    /// Number of samples.
    pub samples: u64,
    /// Bytes in a sample.
    pub features: u64,
    /// Number of classes.
    pub classes: u64,
    /// SHA-256 of the bytes of all samples, row after row, and then of all labels, a byte each.
    pub sha256: [u8; 32],
}

impl Fingerprint {
    /// Reads all of a data set: 47 MB for the training images of MNIST. How many files they are of makes no difference.
    #[must_use]
    pub fn of<'a>(samples: impl Into<Samples<'a>>) -> Fingerprint {
        let samples = samples.into();
        let mut hasher = Sha256::new();
        samples.parts().for_each(|part| hasher.update(part.pixels()));
        samples.parts().for_each(|part| hasher.update(part.labels()));
        Fingerprint {
            samples: samples.len() as u64,
            features: samples.features() as u64,
            classes: samples.classes() as u64,
            sha256: hasher.finalize().into(),
        }
    }

    /// The checksum as 64 digits.
    #[must_use]
    pub fn hex(&self) -> String {
        hex(&self.sha256)
    }
}

/// Bytes as digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Fingerprint { samples, features, classes, .. } = self;
        let plural = if *samples == 1 { "" } else { "s" };
        write!(f, "{samples} sample{plural} of {features} bytes, {classes} classes, SHA-256 {}", self.hex())
    }
}
