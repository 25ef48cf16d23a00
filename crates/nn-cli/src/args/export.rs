//! What may be typed after `export`.

use std::path::PathBuf;

use clap::Args;
use nn_train::interchange::Format;

use super::value;

const EXPORT_EXAMPLES: &str = "\
Examples:
  nn-cli export mnist.model --output mnist.safetensors
  nn-cli export mnist.model --output mnist.onnx
  nn-cli export mnist.model --output weights.bin --format npz

safetensors: the tensors of a PyTorch nn.Sequential(Linear, activation, Linear, ...): 0.weight (outputs, inputs), 0.bias, \
2.weight and so on. It takes pixels divided by 255, flattened.
onnx: a graph that takes `pixels` of 0 to 255 as float32, of shape (any number, height, width), and gives `logits` and \
`probabilities`.
npz: the arrays W1 (inputs, outputs), b1, W2 and so on of A = f(X @ W + b), for numpy.load.
All say in their metadata which activations, loss, image shape and class names belong to them.";

#[derive(Debug, Args)]
#[command(after_help = EXPORT_EXAMPLES)]
pub(crate) struct ExportArgs {
    /// A network that `nn-cli train` saved
    pub(crate) model: PathBuf,
    /// The file to write; an earlier one that this command wrote in the same format is replaced, no other file is
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: PathBuf,
    /// The format; by default the one that the file's name ends with
    #[arg(long, value_name = "NAME", value_parser = value::format())]
    pub(crate) format: Option<Format>,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}
