//! What may be typed after `eval`.

use std::path::PathBuf;

use clap::Args;

use super::{DataArgs, SplitName, ThreadArgs};

const EVAL_EXAMPLES: &str = "\
Examples:
  nn-cli eval mnist.model
  nn-cli eval mnist.model --confusion --per-class
  nn-cli eval mnist.model --split train --json
  nn-cli eval mnist.model --outputs test.npz
  nn-cli eval first.model second.model third.model

With --outputs, numpy.load(\"test.npz\") has an array `logits` (images, classes), what comes out of the last layer before \
its activation, `probabilities` of the same shape, and `labels`.";

#[derive(Debug, Args)]
#[command(after_help = EVAL_EXAMPLES)]
pub(crate) struct EvalArgs {
    /// A network that `nn-cli train` saved; several of them are asked as a committee, whose answer is the mean of theirs
    #[arg(required = true, value_name = "MODEL")]
    pub(crate) models: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) data: DataArgs,
    /// The half of the data set to measure on
    #[arg(long, value_enum, default_value_t = SplitName::Test)]
    pub(crate) split: SplitName,
    /// Also show the confusion matrix: a row for each true class, a column for each predicted class
    #[arg(long)]
    pub(crate) confusion: bool,
    /// Also show precision, recall and F1 of each class
    #[arg(long)]
    pub(crate) per_class: bool,
    /// Also write what a single network says of each image to this file, in NumPy's format npz; an earlier file of this
    /// command is replaced, no other file is
    #[arg(long, value_name = "FILE")]
    pub(crate) outputs: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) threads: ThreadArgs,
    /// Print one JSON object, confusion matrix and classes included
    #[arg(long)]
    pub(crate) json: bool,
}
