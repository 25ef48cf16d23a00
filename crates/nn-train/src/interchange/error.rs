//! Why a file of others is no model: owns the messages, and refuses to know where they are shown.

use std::{io, path::PathBuf};

use nn_core::NetworkError;

use super::Layout;
use crate::{InvalidModel, dataset::spelled};

/// Why bytes are not those of a network that can be taken over.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ImportError {
    /// The file begins like none that is read.
    #[error("expected a safetensors or an npz file, found the first bytes {found:02x?}")]
    Format {
        /// The first 8 bytes, or all there are.
        found: Vec<u8>,
    },
    /// The file is one that is known, and not read here.
    #[error("expected a safetensors or an npz file, found {found}")]
    Stranger {
        /// What it is, as `"an HDF5 file"`.
        found: &'static str,
    },
    /// Something is longer than the reader is willing to take.
    #[error("expected {}{what} of at most {limit} bytes", if what.ends_with('s') { "" } else { "a " })]
    Limit {
        /// What it is.
        what: &'static str,
        /// The most that is taken.
        limit: u64,
    },
    /// There are more things than the reader is willing to list.
    #[error("expected at most {limit} {what}, found more")]
    TooMany {
        /// What they are.
        what: &'static str,
        /// The most that are taken.
        limit: usize,
    },
    /// The header of a safetensors file is damaged, or does not suit the file.
    #[error("no sound safetensors file: {reason}")]
    Safetensors {
        /// What the reader says.
        reason: String,
    },
    /// The archive is damaged, or holds other things than arrays.
    #[error("no sound npz file: {reason}")]
    Zip {
        /// What the reader says.
        reason: String,
    },
    /// One of the arrays in an archive is damaged.
    #[error("array {name}: {reason}")]
    Array {
        /// Its name.
        name: String,
        /// What was expected and found.
        reason: String,
    },
    /// The graph is damaged.
    #[error("no sound ONNX file: its fields cannot be read")]
    Onnx,
    /// What the file says of itself is not understood.
    #[error("metadata {key}: expected {expected}, found {found:?}")]
    Metadata {
        /// Its key.
        key: &'static str,
        /// What should stand there.
        expected: &'static str,
        /// What does.
        found: String,
    },
    /// The numbers are of a kind that is no floating-point number, or none that is read.
    #[error("tensor {name}: expected floating-point numbers, found {found}")]
    ElementType {
        /// The tensor.
        name: String,
        /// The kind.
        found: String,
    },
    /// The tensor is no part of a fully connected layer.
    #[error(
        "tensor {name}: expected {expected} of a fully connected layer, found the shape {}",
        spelled_or_none(shape)
    )]
    Shape {
        /// The tensor.
        name: String,
        /// `"the weights"` or `"the biases"`, or both.
        expected: &'static str,
        /// Its shape.
        shape: Vec<usize>,
    },
    /// The name tells neither weights nor biases, where others do.
    #[error("tensor {name}: expected a name with weight or bias in it, as the others have")]
    Name {
        /// The tensor.
        name: String,
    },
    /// Two tensors could be the same part of a layer.
    #[error("tensors {first} and {second}: expected one of them for the same layer")]
    Twice {
        /// The first by name.
        first: String,
        /// The second.
        second: String,
    },
    /// There are biases, and no weights beside them.
    #[error("tensor {name}: expected weights of the same layer beside these biases")]
    NoWeights {
        /// The biases.
        name: String,
    },
    /// There is nothing to make a network of.
    #[error("expected the weights of at least one layer, found no tensor")]
    Empty,
    /// Tensors without telling names cannot be put in pairs.
    #[error("expected as many vectors as matrices, found {vectors} and {matrices}")]
    Unpaired {
        /// Matrices, which are taken for weights.
        matrices: usize,
        /// Vectors, which are taken for biases.
        vectors: usize,
    },
    /// An order of the layers is stated, and no tensor's name says of which layer it is.
    #[error("layers: expected no order of them, for the names of the tensors tell no layers")]
    Unordered,
    /// The stated order of the layers is not that of the layers there are.
    #[error("layers: expected the names of all {layers} layers, {found}")]
    Layers {
        /// How many there are.
        layers: usize,
        /// What is wrong.
        found: String,
    },
    /// A layer does not take what the one before it gives.
    #[error(
        "tensor {name}: expected {expected} inputs, as many as the layer before it has outputs, found {found} ({layout}, shape {})",
        spelled(shape)
    )]
    Chain {
        /// The weights.
        name: String,
        /// Outputs of the layer before.
        expected: usize,
        /// Inputs of this one.
        found: usize,
        /// How the shape was read.
        layout: Layout,
        /// The shape of the weights.
        shape: Vec<usize>,
    },
    /// There are not as many biases as outputs.
    #[error("tensor {name}: expected {expected} biases, one for each output of {weights}, found {found}")]
    Biases {
        /// The biases.
        name: String,
        /// The weights beside them.
        weights: String,
        /// Outputs of the layer.
        expected: usize,
        /// How many there are.
        found: usize,
    },
    /// Both layouts are possible.
    #[error(
        "tensor {name}: expected a layout to be stated, for the shape {} can be read both ways",
        spelled(shape)
    )]
    Ambiguous {
        /// The first weights.
        name: String,
        /// Their shape.
        shape: Vec<usize>,
    },
    /// The tensors do not tell the activations.
    #[error("expected the activation of the hidden layers to be stated, for the file does not tell it")]
    NoActivation,
    /// There are not as many activations as layers.
    #[error("expected {expected} activations{}, found {found}", if *stated { " of hidden layers, or one for all" } else { "" })]
    Activations {
        /// As many as there should be.
        expected: usize,
        /// As many as there are.
        found: usize,
        /// Whether they were stated by the caller.
        stated: bool,
    },
    /// The inputs cannot be scaled so.
    #[error(
        "expected finite numbers with a scale and a deviation above 0, found scale {divisor}, mean {mean} and deviation {deviation}"
    )]
    Scale {
        /// What pixels are divided by.
        divisor: String,
        /// What is subtracted then.
        mean: String,
        /// What they are divided by then.
        deviation: String,
    },
    /// These layers make no network.
    #[error("the layers make no network")]
    Network(#[source] NetworkError),
    /// The parts do not go together.
    #[error(transparent)]
    Invalid(#[from] InvalidModel),
}

/// A shape in a sentence; a single number has none.
fn spelled_or_none(shape: &[usize]) -> String {
    if shape.is_empty() { "of a single number".to_owned() } else { spelled(shape) }
}

impl ImportError {
    /// What to do about it, where that is known.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        Some(match self {
            ImportError::Stranger { found } => match *found {
                "an HDF5 file" => {
                    "in Keras, numpy.savez(\"model.npz\", **{weight.path: weight.numpy() for weight in model.weights}) \
                     writes a file that can be read"
                }
                "a Python pickle" | "a file of torch.save" => {
                    "in PyTorch, safetensors.torch.save_file(model.state_dict(), \"model.safetensors\") writes a file \
                     that can be read; nothing here runs the code in a pickle"
                }
                "a single NumPy array" => {
                    "numpy.savez(\"model.npz\", W1=W1, b1=b1, ...) keeps several in one file"
                }
                _ => return None,
            },
            ImportError::Ambiguous { .. } => {
                "outputs-first is the layout of PyTorch, inputs-first that of Keras and of X @ W in NumPy"
            }
            ImportError::Chain { .. } | ImportError::Unpaired { .. } => {
                "layers are taken in the order of their names, unless another order is stated"
            }
            _ => return None,
        })
    }
}

/// Why a file of others could not be taken over, or looked at.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FileError {
    /// The file could not be opened or read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The file holds no network that can be taken over.
    #[error("cannot use {}", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// What was expected and found.
        source: ImportError,
    },
}
