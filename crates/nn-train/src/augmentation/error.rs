//! Owns what can be wrong with an augmentation.

use super::warp::MOST_PLACES;
use crate::dataset::spelled;

/// Why an [`Augmentation`](super::Augmentation) makes no sense, or not for these images.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidAugmentation {
    /// The text is neither a name nor a list.
    #[error("unknown augmentation `{found}`, expected {names}, or a list such as rotation=10,scale=0.1")]
    Unknown {
        /// The text.
        found: String,
        /// The known names, separated by commas.
        names: String,
    },
    /// A list has something that is no setting.
    #[error("unknown setting `{found}` of an augmentation, expected one of: {keys}")]
    Key {
        /// What it has.
        found: String,
        /// The known settings, separated by commas.
        keys: String,
    },
    /// A list has a setting twice.
    #[error("the {key} of an augmentation is given twice")]
    Repeated {
        /// The setting.
        key: &'static str,
    },
    /// A number is none, or outside of what makes sense.
    #[error("the {key} of an augmentation is `{found}`, expected a number from {least} to {most}")]
    Number {
        /// The setting, as it is spelled in a list.
        key: &'static str,
        /// The number, as it was given.
        found: String,
        /// The least that makes sense, as text.
        least: String,
        /// The most that makes sense, as text.
        most: String,
    },
    /// A setting that is on or off is neither.
    #[error("the {key} of an augmentation is `{found}`, expected yes or no")]
    Switch {
        /// The setting.
        key: &'static str,
        /// What was given.
        found: String,
    },
    /// The images are no grey pictures, or too large.
    #[error(
        "expected images of rows x columns, neither 0 and together at most about {MOST_PLACES}, found {}",
        spelled(image_shape)
    )]
    Shape {
        /// The shape of the images.
        image_shape: Vec<usize>,
    },
}
