//! What may be typed after `predict`.

use std::path::PathBuf;

use clap::{ArgGroup, Args, ValueEnum};

use super::{
    DataArgs, SplitName,
    value::{self, Indices},
};

const PREDICT_USAGE: &str = "\
nn-cli predict [OPTIONS] <MODEL> <FILE.png>...
       nn-cli predict [OPTIONS] <MODEL> --index <NUMBERS>";

const PREDICT_EXAMPLES: &str = "\
Examples:
  nn-cli predict mnist.model --index 0-9
  nn-cli predict mnist.model --index 8,247,321 --split test --top 5
  nn-cli predict mnist.model five.png seven.png --json

A PNG file has the size of the model's images (28x28 for MNIST) and any color type; colors become grey. MNIST is white
on black: with `--invert auto` a picture whose outermost pixels are bright, more than half of white on average, is
taken for dark ink on paper and inverted. See-through pixels count as paper.";

#[derive(Debug, Args)]
#[command(after_help = PREDICT_EXAMPLES)]
#[command(group = ArgGroup::new("images").args(["files", "index"]).required(true))]
#[command(override_usage = PREDICT_USAGE)]
pub(crate) struct PredictArgs {
    /// A network that `nn-cli train` saved
    pub(crate) model: PathBuf,
    /// Pictures to look at
    #[arg(value_name = "FILE.png", conflicts_with_all = ["folder", "split"])]
    pub(crate) files: Vec<PathBuf>,
    /// Images of the data set to look at, counted from 0: 0,5,10-19
    #[arg(long, value_name = "NUMBERS", allow_negative_numbers = true)]
    pub(crate) index: Option<Indices>,
    #[command(flatten)]
    pub(crate) data: DataArgs,
    /// The half of the data set that --index counts in
    #[arg(long, value_enum, default_value_t = SplitName::Test)]
    pub(crate) split: SplitName,
    /// How many classes to name, the most probable first
    #[arg(long, value_name = "COUNT", default_value = "3", value_parser = value::at_least_one,
        allow_negative_numbers = true)]
    pub(crate) top: usize,
    /// Whether pictures are dark on light, to be inverted
    #[arg(long, value_enum, default_value_t = Invert::Auto, conflicts_with = "index")]
    pub(crate) invert: Invert,
    /// Print one JSON object a line, one for each image
    #[arg(long)]
    pub(crate) json: bool,
}

/// Whether to turn dark-on-light pictures around.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Invert {
    /// If the outermost pixels are bright
    Auto,
    /// Always
    Yes,
    /// Never
    No,
}
