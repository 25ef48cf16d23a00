//! What the user may type: owns the commands, their flags and their help, and refuses to act on them.

// A file for each command, and what their flags take.
mod completions;
mod convert;
mod distill;
mod eval;
mod export;
mod generate;
mod import;
mod inspect;
mod man;
mod pictures;
mod predict;
mod report;
mod serve;
mod show;
mod sweep;
mod train;

pub(crate) mod value;

use std::{num::NonZeroUsize, path::PathBuf};

use clap::{Args, Parser, Subcommand, ValueEnum};
use nn_train::Split;

use crate::output::ColorChoice;

pub(crate) use {
    completions::CompletionsArgs,
    convert::{ConvertArgs, Form},
    distill::DistillArgs,
    eval::EvalArgs,
    export::ExportArgs,
    generate::GenerateArgs,
    import::ImportArgs,
    inspect::InspectArgs,
    man::ManArgs,
    pictures::{Invert, PictureArgs, Prepare},
    predict::PredictArgs,
    report::ReportArgs,
    serve::ServeArgs,
    show::ShowArgs,
    sweep::SweepArgs,
    train::TrainArgs,
    value::{Indices, InitializerChoice, RunName, Validation},
};

/// Train small neural networks on MNIST, and on every data set in its format (IDX), from scratch: no framework, no
/// GPU, in seconds to minutes.
#[derive(Debug, Parser)]
#[command(name = "nn-cli", version, max_term_width = 100, after_help = EXAMPLES)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
    /// When to use colors
    #[arg(long, global = true, value_enum, value_name = "WHEN", default_value_t = ColorChoice::Auto,
        help_heading = "Output")]
    pub(crate) color: ColorChoice,
}

const EXAMPLES: &str = "\
Examples:
  nn-cli train                           train with the defaults, save mnist.model
  nn-cli train --preset small            the most accurate network of that size
  nn-cli sweep rates.toml                many networks from one file, and the best of them
  nn-cli eval mnist.model --confusion    how good it is, and what it takes for what
  nn-cli predict mnist.model five.png    what it sees in a picture
  nn-cli show                            the first ten digits of the training set
  nn-cli report runs/first               a page about a run: curves, errors, calibration
  nn-cli export mnist.model -o m.onnx    for ONNX Runtime; .safetensors, .npz for others
  nn-cli inspect data/mnist              what is in a folder, a file or a model
  nn-cli serve mnist.model               a page to draw on, and an endpoint for programs
  nn-cli convert scans -o data/mine      a data set of pictures in a folder for each class

Exit status: 0 done, 1 failed, 2 wrong usage, 130 interrupted. See `nn-cli help <command>` for more.";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Train a network and save it
    Train(TrainArgs),
    /// Train a small network on what larger ones say, beside the labels
    #[command(after_help = DistillArgs::EXAMPLES)]
    Distill(DistillArgs),
    /// Train many networks, a grid or a random choice of settings, and keep the best
    Sweep(SweepArgs),
    /// Measure a saved network on a data set, or several of them as a committee
    Eval(EvalArgs),
    /// Ask a saved network about images of a data set, or pictures in files
    Predict(PredictArgs),
    /// Make a page about a run or a saved network: curves, errors, calibration, what it looks for
    Report(ReportArgs),
    /// Draw images of a data set, or pictures as a network sees them, in the terminal or into a PNG file
    Show(ShowArgs),
    /// Write a saved network for other programs: safetensors, ONNX or npz
    Export(ExportArgs),
    /// Take a network over from PyTorch, Keras or NumPy: safetensors or npz
    Import(ImportArgs),
    /// Tell what an IDX file, a data folder, a saved network, a run or a file of another program's format holds
    Inspect(InspectArgs),
    /// Make a data set of pictures or a CSV file, or pictures of a data set
    Convert(ConvertArgs),
    /// Make a data set of millions of images, of one that is there, by distortions
    Generate(GenerateArgs),
    /// Show a page to draw on, on which a saved network answers with each stroke
    Serve(ServeArgs),
    /// Print a script that completes this program's commands and flags in a shell
    Completions(CompletionsArgs),
    /// Print the manual, or write its pages into a folder
    Man(ManArgs),
}

#[derive(Clone, Debug, Default, Args)]
pub(crate) struct DataArgs {
    /// Folder of the IDX files, plain or .gz; by default data/mnist, else data/sample, in this folder or one above
    #[arg(long = "data", value_name = "FOLDER")]
    pub(crate) folder: Option<PathBuf>,
}

/// Of a training, which may have the files of several folders.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct FoldersArgs {
    /// Folder of the IDX files, plain or .gz; by default data/mnist, else data/sample, in this folder or one above. Given
    /// several times, the training files of all of them are one data set, in that order, and the test files are those
    /// of the first folder that has some
    #[arg(long = "data", value_name = "FOLDER")]
    pub(crate) folders: Vec<PathBuf>,
}

#[derive(Clone, Debug, Default, Args)]
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

#[cfg(test)]
mod tests;
