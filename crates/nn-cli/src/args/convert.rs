//! What may be typed after `convert`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{
    PictureArgs,
    value::{ImageSize, Validation},
};

const CONVERT_EXAMPLES: &str = "\
Examples:
  nn-cli convert scans -o data/mine --test 0.2
  nn-cli convert labels.csv -o data/mine --size 32x32
  nn-cli convert mnist_train.csv --test-from mnist_test.csv -o data/csv
  nn-cli convert emnist-letters -o letters --transpose --label-offset -1 --classes names.txt
  nn-cli convert data/sample -o pictures

A SOURCE is one of:
  a folder with a folder of pictures for each class, named 0, 1, ... or otherwise; or with such folders train and test
  a CSV file of path,label, paths counting from its folder; or of label,pixel,pixel,... as MNIST comes
  a data folder of IDX files; or the start of their names, before -train-images-idx3-ubyte, as EMNIST comes
A first line of a CSV file that names the columns is left out. Labels that are no numbers are names of classes, numbered \
in their order. A file classes.txt beside the pictures, or in a data folder, has the names of numbered classes. \
Pictures become images as `nn-cli help predict` says. What cannot be used ends the conversion, and nothing is written; \
the folder appears as a whole.";

#[derive(Debug, Args)]
#[command(after_help = CONVERT_EXAMPLES)]
pub(crate) struct ConvertArgs {
    /// Pictures, a CSV file or a data set
    pub(crate) source: PathBuf,
    /// The folder to make; there must be nothing, or an empty folder
    #[arg(short, long, value_name = "FOLDER")]
    pub(crate) output: PathBuf,
    /// What to make [default: pictures of a data set, else a data set]
    #[arg(long, value_enum, value_name = "FORM")]
    pub(crate) to: Option<Form>,
    /// Samples for the test set, where the source does not say: a COUNT, or a FRACTION [default: 0.1]
    #[arg(long, value_name = "COUNT|FRACTION", allow_negative_numbers = true)]
    pub(crate) test: Option<Validation>,
    /// A second source, which has the test set
    #[arg(long, value_name = "SOURCE", conflicts_with = "test")]
    pub(crate) test_from: Option<PathBuf>,
    /// Decides which samples are for the test set, and the order of those that come class by class
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    pub(crate) seed: u64,
    /// The size of the images, WIDTHxHEIGHT [default: that of a data set, the square that a CSV file has pixels for, and
    /// 28x28 of pictures]
    #[arg(long, value_name = "SIZE")]
    pub(crate) size: Option<ImageSize>,
    #[command(flatten)]
    pub(crate) pictures: PictureArgs,
    /// Exchange rows and columns, which EMNIST has the other way round
    #[arg(long)]
    pub(crate) transpose: bool,
    /// Add this to every label: -1 for EMNIST's letters, which count from 1
    #[arg(long, value_name = "NUMBER", default_value_t = 0, allow_negative_numbers = true)]
    pub(crate) label_offset: i32,
    /// The names of the classes: one a line, the first that of class 0, or as in EMNIST's mapping files a label and the
    /// codes of its characters
    #[arg(long, value_name = "FILE")]
    pub(crate) classes: Option<PathBuf>,
}

/// What a data set can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Form {
    /// The four IDX files
    Idx,
    /// PNG files in folders train and test, one for each class, with CSV files of path,label
    Pictures,
}
