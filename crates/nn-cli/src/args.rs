//! What the user may type: owns the commands, their flags and their help, and refuses to act on them.

pub(crate) mod value;

use std::{
    num::{NonZeroU64, NonZeroUsize},
    path::PathBuf,
};

use clap::{ArgGroup, Args, Parser, Subcommand, ValueEnum, value_parser};
use nn_train::{
    Schedule, Split,
    nn_core::{Activation, Loss, Rule},
};

pub(crate) use value::{Hidden, Indices, InitializerChoice, RunName, Validation};

use crate::preset::{self, PresetName};

/// Train small neural networks on MNIST, and on every data set in its format (IDX), from scratch: no framework, no
/// GPU, a minute at most.
#[derive(Debug, Parser)]
#[command(name = "nn-cli", version, max_term_width = 100, after_help = EXAMPLES)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXAMPLES: &str = "\
Examples:
  nn-cli train                           train with the defaults, save mnist.model
  nn-cli eval mnist.model --confusion    how good it is, and what it takes for what
  nn-cli predict mnist.model five.png    what it sees in a picture
  nn-cli show                            the first ten digits of the training set
  nn-cli inspect data/mnist              what is in a folder, a file or a model

Exit status: 0 done, 1 failed, 2 wrong usage, 130 interrupted. See `nn-cli help <command>` for more.";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Train a network and save it
    Train(TrainArgs),
    /// Measure a saved network on a data set
    Eval(EvalArgs),
    /// Ask a saved network about images of a data set, or PNG files
    Predict(PredictArgs),
    /// Draw images of a data set in the terminal, or into a PNG file
    Show(ShowArgs),
    /// Tell what an IDX file, a data folder, a saved network or a run holds
    Inspect(InspectArgs),
}

fn train_after_help() -> String {
    format!(
        "Presets (flags override them; another --optimizer brings a --rate of its own):\n{}\n\n{TRAIN_EXAMPLES}",
        preset::help_table()
    )
}

const TRAIN_EXAMPLES: &str = "\
Examples:
  nn-cli train
  nn-cli train --hidden 300,100 --epochs 20 --output large.model
  nn-cli train --preset article --activation relu --rate 0.01
  nn-cli train --optimizer adam --rate 0.001 --schedule cosine --validation 0.1
  nn-cli train --data data/fashion-mnist --output fashion.model --json
  nn-cli train --run first --epochs 30 --patience 5 --validation 0.1
  nn-cli train --resume first

Ctrl-C stops training after the step; the network of the last finished epoch is saved, or of a run a checkpoint, and
the exit status is 130. So do SIGTERM and, on Linux, SIGHUP, with 143 and 129. A second Ctrl-C or SIGTERM ends the
program at once; no file is damaged by it.
The same seed, data and recipe give the same file, byte for byte, with any number of threads.";

#[derive(Debug, Args)]
#[command(after_help = train_after_help())]
#[command(group = ArgGroup::new("kept").args(["run", "resume"]))]
pub(crate) struct TrainArgs {
    /// The recipe to start from, which the flags below override [default: default]
    #[arg(long, value_enum, value_name = "NAME")]
    pub(crate) preset: Option<PresetName>,

    /// Units of each hidden layer: 100, or 300,100 for two layers, or none
    #[arg(long, value_name = "UNITS,...", allow_hyphen_values = true, help_heading = "Network")]
    pub(crate) hidden: Option<Hidden>,
    /// Activation of the hidden layers
    #[arg(long, value_name = "NAME", value_parser = value::hidden_activation(), help_heading = "Network")]
    pub(crate) activation: Option<Activation>,
    /// What training minimises, averaged over the samples of a step
    #[arg(long, value_name = "NAME", value_parser = value::loss(), help_heading = "Network")]
    pub(crate) loss: Option<Loss>,
    /// Activation of the last layer; by default the one that suits the loss (identity: the loss takes logits)
    #[arg(long, value_name = "NAME", value_parser = value::activation(), help_heading = "Network")]
    pub(crate) output_activation: Option<Activation>,
    /// How the first weights are drawn: he, glorot, normal:DEVIATION (as normal:0.01; biases too), or auto, which is
    /// he for layers of ReLU and glorot for others
    #[arg(long, value_name = "NAME", help_heading = "Network")]
    pub(crate) initializer: Option<InitializerChoice>,

    /// How a gradient changes the weights
    #[arg(long, value_name = "NAME", value_parser = value::rule(), help_heading = "Recipe")]
    pub(crate) optimizer: Option<Rule>,
    /// The learning rate at its highest, above 0
    #[arg(long, value_name = "NUMBER", value_parser = value::rate, allow_negative_numbers = true,
        help_heading = "Recipe")]
    pub(crate) rate: Option<f32>,
    /// How the rate moves: constant; step:EPOCHS:FACTOR, multiplied by FACTOR after each so many epochs; cosine, down
    /// to 0; one-cycle or one-cycle:WARMUP, up from 0 for that share of all steps (0.3), then down to 0
    #[arg(long, value_name = "SCHEDULE", help_heading = "Recipe")]
    pub(crate) schedule: Option<Schedule>,
    /// Samples in a step
    #[arg(long, value_name = "COUNT", value_parser = value::at_least_one, allow_negative_numbers = true,
        help_heading = "Recipe")]
    pub(crate) batch: Option<usize>,
    /// How often every training sample is seen
    #[arg(long, value_name = "COUNT", value_parser = value_parser!(u32).range(1..), allow_negative_numbers = true,
        help_heading = "Recipe")]
    pub(crate) epochs: Option<u32>,
    /// Decides the first weights and the order of the samples: a whole number of up to 64 bits [default: 1]
    #[arg(long, value_name = "NUMBER", allow_negative_numbers = true, help_heading = "Recipe")]
    pub(crate) seed: Option<u64>,

    #[command(flatten)]
    pub(crate) data: DataArgs,
    /// Samples at the end of the training files to keep for validation: a COUNT, or a FRACTION such as 0.1. With 0
    /// each epoch is measured on the test set [default: 0]
    #[arg(long, value_name = "FRACTION|COUNT", allow_negative_numbers = true)]
    pub(crate) validation: Option<Validation>,
    /// Where to save the network; an earlier model of that name is replaced, no other file is
    #[arg(short, long, value_name = "FILE", default_value = "mnist.model", conflicts_with = "kept")]
    pub(crate) output: PathBuf,
    #[command(flatten)]
    pub(crate) threads: ThreadArgs,
    /// Print one JSON object a line: the start, each epoch, the end
    #[arg(long)]
    pub(crate) json: bool,

    /// Keep all of the training in a new folder, runs/NAME or the FOLDER of a path such as ./NAME: checkpoints to go
    /// on from, the last and the best network, a line of JSON for each epoch
    #[arg(long, value_name = "NAME|FOLDER", help_heading = "Runs")]
    pub(crate) run: Option<RunName>,
    /// Go on with a run where its last checkpoint is, to the same result, bit for bit, as if it had never been left
    #[arg(long, value_name = "NAME|FOLDER", help_heading = "Runs")]
    pub(crate) resume: Option<RunName>,
    /// Save a checkpoint of the run after each so many steps too, not only after each epoch
    #[arg(long, value_name = "STEPS", requires = "kept", help_heading = "Runs")]
    pub(crate) checkpoint_every: Option<NonZeroU64>,
    /// End the run when so many epochs in a row were no better than the best before them; `best.model` has that one
    #[arg(long, value_name = "EPOCHS", value_parser = value_parser!(u32).range(1..), requires = "kept",
        help_heading = "Runs")]
    pub(crate) patience: Option<u32>,
}

impl TrainArgs {
    pub(crate) fn preset(&self) -> PresetName {
        self.preset.unwrap_or(PresetName::Default)
    }

    /// Where the run is to be kept, if it is one.
    pub(crate) fn is_run(&self) -> bool {
        self.run.is_some() || self.resume.is_some()
    }
}

#[derive(Debug, Args)]
pub(crate) struct DataArgs {
    /// Folder of the IDX files, plain or .gz; by default data/mnist, else data/sample, in this folder or one above
    #[arg(long = "data", value_name = "FOLDER")]
    pub(crate) folder: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct ThreadArgs {
    /// Threads to compute with, 1 to 1024; by default as many as there are cores. The result does not depend on it
    #[arg(long = "threads", value_name = "COUNT", value_parser = value::threads, allow_negative_numbers = true)]
    pub(crate) count: Option<NonZeroUsize>,
}

impl ThreadArgs {
    pub(crate) fn count(&self) -> NonZeroUsize {
        self.count.or_else(|| std::thread::available_parallelism().ok()).unwrap_or(NonZeroUsize::MIN)
    }
}

/// Which half of a data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum SplitName {
    Train,
    Test,
}

impl From<SplitName> for Split {
    fn from(name: SplitName) -> Split {
        match name {
            SplitName::Train => Split::Train,
            SplitName::Test => Split::Test,
        }
    }
}

const EVAL_EXAMPLES: &str = "\
Examples:
  nn-cli eval mnist.model
  nn-cli eval mnist.model --confusion --per-class
  nn-cli eval mnist.model --split train --json";

#[derive(Debug, Args)]
#[command(after_help = EVAL_EXAMPLES)]
pub(crate) struct EvalArgs {
    /// A network that `nn-cli train` saved
    pub(crate) model: PathBuf,
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
    #[command(flatten)]
    pub(crate) threads: ThreadArgs,
    /// Print one JSON object, confusion matrix and classes included
    #[arg(long)]
    pub(crate) json: bool,
}

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

const SHOW_EXAMPLES: &str = "\
Examples:
  nn-cli show
  nn-cli show --split test --index 115,247,321
  nn-cli show --index 0-49 --columns 10 --png sheet.png

A terminal with colors gets every pixel in grey; anything else gets shades, two pixels (one above the other) in a
character. Images that are wider than the terminal are reduced.";

#[derive(Debug, Args)]
#[command(after_help = SHOW_EXAMPLES)]
pub(crate) struct ShowArgs {
    #[command(flatten)]
    pub(crate) data: DataArgs,
    /// The half of the data set
    #[arg(long, value_enum, default_value_t = SplitName::Train)]
    pub(crate) split: SplitName,
    /// Images to show, counted from 0: 0,5,10-19; by default the first ten
    #[arg(long, value_name = "NUMBERS", allow_negative_numbers = true)]
    pub(crate) index: Option<Indices>,
    /// Images beside one another; by default as many as fit, and 5 in a PNG file
    #[arg(long, value_name = "COUNT", value_parser = value::at_least_one, allow_negative_numbers = true)]
    pub(crate) columns: Option<usize>,
    /// Write a sheet of the images with their labels to this file instead; an earlier PNG file of that name is
    /// replaced, no other file is
    #[arg(long, value_name = "FILE")]
    pub(crate) png: Option<PathBuf>,
    /// Draw with letters and signs only, as is done anyway where the locale is not UTF-8
    #[arg(long)]
    pub(crate) ascii: bool,
}

const INSPECT_EXAMPLES: &str = "\
Examples:
  nn-cli inspect data/sample
  nn-cli inspect data/sample/train-images-idx3-ubyte.gz
  nn-cli inspect mnist.model --json
  nn-cli inspect runs/first";

#[derive(Debug, Args)]
#[command(after_help = INSPECT_EXAMPLES)]
pub(crate) struct InspectArgs {
    /// An IDX file, a folder with the files of a data set, a network that `nn-cli train` saved, or a run or its
    /// checkpoint
    pub(crate) path: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

#[cfg(test)]
mod tests;
