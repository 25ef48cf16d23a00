//! Models in the formats of other programs: owns what is written for them and what is taken from them, and refuses to
//! know how the model came about.
//!
//! | format | written | read |
//! |---|---|---|
//! | safetensors | names and layout of a PyTorch `nn.Sequential` of `Linear` layers with an activation after each: `0.weight` (O, I), `0.bias`, `2.weight` and so on; the texts of [`Contents::metadata`] | networks of fully connected layers, whatever the names |
//! | ONNX | a graph that takes `pixels` of 0 to 255, `f32` of shape (N, then the image shape), and gives `logits` and `probabilities` (N, C) | its description alone |
//! | npz | `W1` (I, O), `b1`, `W2` and so on, and the same texts as a JSON object in `description` | as safetensors |
//!
//! `logits` is what comes out of the last layer before its activation, `probabilities` what [`Loss::probabilities`]
//! says of it. The [training record](crate::TrainingRecord) stays behind.
//!
//! [`Loss::probabilities`]: nn_core::Loss::probabilities

mod assemble;
mod contents;
mod error;
mod format;
mod metadata;
mod names;
mod npy;
mod npz;
mod onnx;
mod options;
mod protobuf;
mod safetensors;
mod tensor;

use std::{collections::BTreeMap, fs, io::Read, path::Path};

use self::{metadata::Metadata, tensor::Tensor};
use crate::{InvalidModel, Limits, Model, SaveError, write_atomically};

pub use self::{
    assemble::{Layout, UnknownLayout},
    contents::{Contents, Graph, Node, Port, TensorDescription},
    error::{FileError, ImportError},
    format::{Format, UnknownFormat},
    npz::Npz,
    options::{ImportOptions, InputScale},
};

/// The name of the array in an npz file that holds its texts.
const DESCRIPTION: &str = "description";

/// The model as the bytes of a file for other programs. Equal models give equal bytes.
///
/// # Errors
/// [`InvalidModel`] when the parts do not go together, or a parameter is not finite.
///
/// # Examples
/// ```
/// use nn_train::{Model, Preprocessing, initial_rng, interchange::{self, Format, ImportOptions}};
/// use nn_train::nn_core::{Activation, Loss, Network};
///
/// let model = Model {
///     network: Network::builder(6).dense(5, Activation::Relu).dense(3, Activation::Identity).build(&mut initial_rng(1))?,
///     loss: Loss::SoftmaxCrossEntropy,
///     image_shape: vec![2, 3],
///     preprocessing: Preprocessing::None,
///     class_names: None,
///     record: None,
/// };
/// let bytes = interchange::to_bytes(&model, Format::Safetensors)?;
/// assert_eq!(interchange::from_bytes(&bytes, &ImportOptions::default())?, model);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn to_bytes(model: &Model, format: Format) -> Result<Vec<u8>, InvalidModel> {
    model.check()?;
    let network = &model.network;
    let parameters = network.parameters();
    Ok(match format {
        Format::Onnx => onnx::write(model),
        Format::Npz => {
            let texts = metadata::texts(model, Layout::InputsFirst);
            let texts = serde_json::to_string(&texts).expect("texts can be written as JSON");
            let mut npz = Npz::default();
            for layer in 0..network.depth() {
                npz = npz
                    .with_floats(&format!("W{}", layer + 1), parameters.weights(layer))
                    .with_vector(&format!("b{}", layer + 1), parameters.biases(layer));
            }
            npz.with_text(DESCRIPTION, &texts).to_bytes()
        }
        Format::Safetensors => {
            let mut tensors = Vec::new();
            for layer in 0..network.depth() {
                let (weights, biases) = (parameters.weights(layer), parameters.biases(layer));
                let bytes =
                    |numbers: &mut dyn Iterator<Item = &f32>| numbers.flat_map(|n| n.to_le_bytes()).collect();
                // An activation stands between two layers and counts.
                let position = 2 * layer;
                let transposed = weights.t();
                tensors.push((
                    format!("{position}.weight"),
                    transposed.shape().to_vec(),
                    bytes(&mut transposed.iter()),
                ));
                tensors.push((format!("{position}.bias"), vec![biases.len()], bytes(&mut biases.iter())));
            }
            let mut texts = metadata::texts(model, Layout::OutputsFirst);
            // Loaders that serve several frameworks ask for it.
            texts.insert("format".to_owned(), "pt".to_owned());
            safetensors::write(&tensors, &texts)
        }
    })
}

/// The model of the bytes of a safetensors or npz file that another program wrote, or [`to_bytes`].
///
/// What the tensors do not tell is taken from the file's metadata, and from `options` before that. A file of the
/// default [`Limits`] or less is read, and unpacks to no more than that.
///
/// # Errors
/// [`ImportError`], which names the tensor and says what was expected and found.
pub fn from_bytes(bytes: &[u8], options: &ImportOptions) -> Result<Model, ImportError> {
    from_bytes_with(bytes, options, &Limits::default())
}

/// The same, under limits of the caller's choice.
///
/// # Errors
/// As [`from_bytes`].
pub fn from_bytes_with(bytes: &[u8], options: &ImportOptions, limits: &Limits) -> Result<Model, ImportError> {
    let (format, tensors, texts) = read(bytes, limits)?;
    if format == Format::Onnx {
        return Err(ImportError::Stranger { found: "an ONNX file" });
    }
    options.model(&tensors, &Metadata::read(&texts)?, limits)
}

/// What stands in a file, without making a network of it. Of an ONNX file the graph is described.
///
/// # Errors
/// [`ImportError`] when it is none of the three formats, or damaged.
pub fn describe_bytes(bytes: &[u8], limits: &Limits) -> Result<Contents, ImportError> {
    let (format, tensors, metadata) = read(bytes, limits)?;
    if format == Format::Onnx {
        return contents::of_onnx(bytes);
    }
    let describe = |tensor: &Tensor<'_>| TensorDescription {
        name: tensor.name.clone(),
        element: tensor.element.name().to_owned(),
        shape: tensor.shape.clone(),
    };
    Ok(Contents { format, metadata, tensors: tensors.iter().map(describe).collect(), graph: None })
}

type Parts<'a> = (Format, Vec<Tensor<'a>>, BTreeMap<String, String>);

/// The tensors and texts of a file; an ONNX file is only told apart.
fn read<'a>(bytes: &'a [u8], limits: &Limits) -> Result<Parts<'a>, ImportError> {
    if bytes.len() as u64 > limits.max_bytes {
        return Err(ImportError::Limit { what: "file", limit: limits.max_bytes });
    }
    let Some(format) = Format::of_bytes(bytes) else {
        return Err(match format::known_stranger(bytes) {
            Some(found) => ImportError::Stranger { found },
            None => ImportError::Format { found: bytes[..bytes.len().min(8)].to_vec() },
        });
    };
    let (tensors, texts) = match format {
        Format::Onnx => (Vec::new(), BTreeMap::new()),
        Format::Safetensors => safetensors::read(bytes)?,
        Format::Npz => {
            let mut tensors = npz::read(bytes, limits.max_bytes)?;
            let texts = tensors.iter().position(|tensor| tensor.name == DESCRIPTION).and_then(|position| {
                let texts = serde_json::from_str(&npy::text(&tensors[position])?).ok()?;
                tensors.remove(position);
                Some(texts)
            });
            (tensors, texts.unwrap_or_default())
        }
    };
    Ok((format, tensors, texts))
}

/// Writes a model for other programs so that `path` holds either what it held before or all of the file.
///
/// # Errors
/// [`SaveError`] when the model is invalid, or the file cannot be written.
pub fn export(model: &Model, path: &Path, format: Format) -> Result<(), SaveError> {
    let bytes =
        to_bytes(model, format).map_err(|source| SaveError::Invalid { path: path.to_owned(), source })?;
    write_atomically(path, |writer| writer.write_all(&bytes))?;
    Ok(())
}

/// Takes a model over from a file of another program, under the default [`Limits`].
///
/// # Errors
/// [`FileError`], which names the file.
pub fn import(path: &Path, options: &ImportOptions) -> Result<Model, FileError> {
    let bytes = read_file(path, &Limits::default())?;
    from_bytes(&bytes, options).map_err(|source| FileError::Invalid { path: path.to_owned(), source })
}

/// What stands in a file, under the default [`Limits`].
///
/// # Errors
/// [`FileError`], which names the file.
pub fn describe(path: &Path) -> Result<Contents, FileError> {
    let limits = Limits::default();
    let bytes = read_file(path, &limits)?;
    describe_bytes(&bytes, &limits).map_err(|source| FileError::Invalid { path: path.to_owned(), source })
}

fn read_file(path: &Path, limits: &Limits) -> Result<Vec<u8>, FileError> {
    let read = || {
        let mut bytes = Vec::new();
        // One byte more than allowed shows that there are too many.
        fs::File::open(path)?.take(limits.max_bytes.saturating_add(1)).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    read().map_err(|source| FileError::Read { path: path.to_owned(), source })
}
