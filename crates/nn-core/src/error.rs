//! Owns the ways in which a caller of this crate can be wrong.

use crate::{Activation, Loss, Rule};
use thiserror::Error;

/// A name that stands for none of the choices.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("unknown {what} {found:?}, expected one of: {expected}")]
pub struct UnknownName {
    /// What was to be named: "activation", "loss", ...
    pub what: &'static str,
    /// What was given.
    pub found: String,
    /// The known names, separated by commas.
    pub expected: String,
}

/// Why a network can't be built.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum NetworkError {
    /// There is no layer.
    #[error("a network needs at least one layer, found none")]
    NoLayers,
    /// A layer has no units, or the network no inputs.
    #[error("layer {layer} has {inputs} inputs and {units} units, expected at least one of each")]
    EmptyLayer {
        /// Index of the layer, from 0.
        layer: usize,
        /// Its inputs.
        inputs: usize,
        /// Its units.
        units: usize,
    },
    /// Softmax stands before the last layer.
    #[error("layer {layer} of {layers} is a softmax, expected one at the last layer only")]
    SoftmaxInside {
        /// Index of the layer, from 0.
        layer: usize,
        /// Number of layers.
        layers: usize,
    },
    /// There are more parameters than this machine has memory for.
    #[error("the network's {parameters} parameters don't fit in memory")]
    TooLarge {
        /// How many parameters it would have, their padding counted; `usize::MAX` stands for more than
        /// can be counted.
        parameters: usize,
    },
    /// Parameters can't be drawn with such a standard deviation.
    #[error("initial standard deviation {deviation}, expected a finite number of at least 0")]
    Deviation {
        /// The deviation, as text.
        deviation: String,
    },
    /// The loss does not go with the output layer's activation.
    #[error("loss {loss} is not defined on {found} outputs, expected {}", .loss.output_activation())]
    LossMismatch {
        /// The loss.
        loss: Loss,
        /// The output layer's activation.
        found: Activation,
    },
}

/// Why an optimizer can't go on with some memories.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum OptimizerError {
    /// There are not as many memories as the rule has.
    #[error(
        "{rule} has {expected} {} after {steps} steps, found {found}",
        if *.expected == 1 { "memory" } else { "memories" }
    )]
    Memories {
        /// The rule.
        rule: Rule,
        /// How many steps were taken.
        steps: u64,
        /// How many memories it has then.
        expected: usize,
        /// How many were given.
        found: usize,
    },
    /// The memories are not all of one network.
    #[error("the memories of {rule} are of different shapes, expected those of one network")]
    Shapes {
        /// The rule.
        rule: Rule,
    },
}

/// Why bytes and labels are no data set.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum DatasetError {
    /// The samples have no features.
    #[error("samples have 0 features, expected at least one")]
    NoFeatures,
    /// The number of bytes isn't that of the labels' samples.
    #[error("{labels} labels of {features} features each need {expected} bytes, found {found}")]
    Length {
        /// How many labels there are.
        labels: usize,
        /// Bytes of a sample.
        features: usize,
        /// Bytes that so many samples have (`usize::MAX` stands for more than can be addressed).
        expected: usize,
        /// Bytes there are.
        found: usize,
    },
    /// There are no classes, or more than a byte can tell apart.
    #[error("{classes} classes, expected 1 to 256")]
    Classes {
        /// How many classes were asked for.
        classes: usize,
    },
    /// A label is past the last class.
    #[error("label {label} of sample {index} is past the last of {classes} classes, expected 0 to {}", .classes - 1)]
    Label {
        /// The sample's index.
        index: usize,
        /// Its label.
        label: u8,
        /// How many classes there are.
        classes: usize,
    },
}
