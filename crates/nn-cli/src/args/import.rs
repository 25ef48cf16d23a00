//! What may be typed after `import`.

use std::path::PathBuf;

use clap::Args;
use nn_train::{
    interchange::Layout,
    nn_core::{Activation, Loss},
};

use super::value;

const IMPORT_EXAMPLES: &str = "\
Examples:
  nn-cli import mnist.safetensors --output back.model
  nn-cli import torch.safetensors --activation relu --mean 0.1307 --std 0.3081
  nn-cli import keras.npz --activation relu --output-activation softmax --output keras.model
  nn-cli import weights.npz --activation relu,tanh --layout inputs-first --scale 1

Networks of fully connected layers are taken, in f32, f64, f16 or bf16. Tensors are known by their names: fc1.weight and \
fc1.bias, 0.weight, dense/kernel:0, W1 and b1, or arr_0, arr_1 and so on. What a file of `nn-cli export` says of itself \
need not be typed; what is typed goes before it.

From PyTorch:  safetensors.torch.save_file(model.state_dict(), \"torch.safetensors\")
From Keras:    numpy.savez(\"keras.npz\", **{weight.path: weight.numpy() for weight in model.weights})";

#[derive(Debug, Args)]
#[command(after_help = IMPORT_EXAMPLES)]
pub(crate) struct ImportArgs {
    /// A safetensors or npz file
    pub(crate) file: PathBuf,
    /// Where to save the network [default: FILE with the ending .model]; an earlier network of that name is replaced, no
    /// other file is
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Activation of the hidden layers: one for all, or one for each, as relu,tanh
    #[arg(long, value_name = "NAME,...", value_delimiter = ',', value_parser = value::hidden_activation())]
    pub(crate) activation: Option<Vec<Activation>>,
    /// Activation of the last layer; by default the one that suits the loss. A softmax becomes part of the
    /// softmax-cross-entropy unless --loss says otherwise
    #[arg(long, value_name = "NAME", value_parser = value::activation())]
    pub(crate) output_activation: Option<Activation>,
    /// What the network was trained on; by default what suits the outputs (softmax-cross-entropy: the outputs are
    /// logits)
    #[arg(long, value_name = "NAME", value_parser = value::loss())]
    pub(crate) loss: Option<Loss>,
    /// The layers from the inputs to the outputs, if that is not the order of their names: fc_in,fc_out
    #[arg(long, value_name = "NAME,...", value_delimiter = ',')]
    pub(crate) layers: Option<Vec<String>>,
    /// Whether weights are (outputs, inputs), as in PyTorch, or (inputs, outputs); by default as the shapes fit, and
    /// as the names say where both fit
    #[arg(long, value_name = "NAME", value_parser = value::layout())]
    pub(crate) layout: Option<Layout>,
    /// Shape of the images, as 28x28; by default a square, if the number of inputs is one
    #[arg(long, value_name = "LENGTHxLENGTH", value_parser = value::shape)]
    pub(crate) shape: Option<Shape>,
    /// What pixels of 0 to 255 were divided by before they were shown to the network [default: 255]
    #[arg(long, value_name = "NUMBER", value_parser = value::divisor, allow_negative_numbers = true)]
    pub(crate) scale: Option<f64>,
    /// The mean that was subtracted then [default: 0]
    #[arg(long, value_name = "NUMBER", value_parser = value::finite, allow_negative_numbers = true)]
    pub(crate) mean: Option<f64>,
    /// The standard deviation that the rest was divided by [default: 1]
    #[arg(long = "std", value_name = "NUMBER", value_parser = value::divisor, allow_negative_numbers = true)]
    pub(crate) deviation: Option<f64>,
    /// Print one JSON object, as `inspect` does
    #[arg(long)]
    pub(crate) json: bool,
}

/// Lengths, of which there may be several where clap would see several values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Shape(pub(crate) Vec<usize>);
