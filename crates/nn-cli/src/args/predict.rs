//! What may be typed after `predict`.

use std::path::PathBuf;

use clap::{ArgGroup, Args};

use super::{
    DataArgs, PictureArgs, SplitName,
    value::{self, Indices},
};

const PREDICT_USAGE: &str = "\
nn-cli predict [OPTIONS] <MODEL> <PICTURE>...
       nn-cli predict [OPTIONS] <MODEL> --index <NUMBERS>";

const PREDICT_EXAMPLES: &str = "\
Examples:
  nn-cli predict mnist.model --index 0-9
  nn-cli predict mnist.model --index 8,247,321 --split test --top 5
  nn-cli predict mnist.model five.png photo.jpg --show
  nn-cli predict mnist.model scans --json --save-prepared seen
  nn-cli predict mnist.model -  < five.gif

A picture is a PNG, JPEG, GIF or BMP file; of a folder, all such files in it (not in the folders within), by name; `-` is \
standard input. Colors become grey, see-through pixels paper, and photos stand as the camera was held. A picture of the \
size of the model's images (28x28 for MNIST) is taken as it is, and inverted if its outermost pixels are bright, more \
than half of white on average. Any other is prepared as MNIST was: the ink is found, dark or light, in even light or \
uneven, its longer side is scaled to 20 of 28 pixels, and its center of mass is put in the middle.
A picture that cannot be used is reported; the others are done, and the exit status is 1.";

#[derive(Debug, Args)]
#[command(after_help = PREDICT_EXAMPLES)]
#[command(group = ArgGroup::new("images").args(["files", "index"]).required(true))]
#[command(override_usage = PREDICT_USAGE)]
pub(crate) struct PredictArgs {
    /// A network that `nn-cli train` saved
    pub(crate) model: PathBuf,
    /// Pictures to look at, or folders of them, or `-` for standard input
    #[arg(value_name = "PICTURE", conflicts_with_all = ["folder", "split"])]
    pub(crate) files: Vec<PathBuf>,
    /// Images of the data set to look at, counted from 0: 0,5,10-19
    #[arg(long, value_name = "NUMBERS", allow_negative_numbers = true, conflicts_with_all = ["prepare", "invert"])]
    pub(crate) index: Option<Indices>,
    #[command(flatten)]
    pub(crate) data: DataArgs,
    /// The half of the data set that --index counts in
    #[arg(long, value_enum, default_value_t = SplitName::Test)]
    pub(crate) split: SplitName,
    /// How many classes to name, the most probable first
    #[arg(long, value_name = "COUNT", default_value = "3", value_parser = value::at_least_one::<usize>,
        allow_negative_numbers = true)]
    pub(crate) top: usize,
    #[command(flatten)]
    pub(crate) pictures: PictureArgs,
    /// Also draw what the network saw
    #[arg(long, conflicts_with = "json")]
    pub(crate) show: bool,
    /// Draw with letters and signs only, as is done anyway where the locale is not UTF-8
    #[arg(long, requires = "show")]
    pub(crate) ascii: bool,
    /// Save what the network saw as PNG: of one picture to a file that ends in .png, or of each to a folder, under the
    /// picture's name or the image's number; earlier files of that size and name are replaced, no others are
    #[arg(long, value_name = "FOLDER|FILE")]
    pub(crate) save_prepared: Option<PathBuf>,
    /// Print one JSON object a line, one for each image
    #[arg(long)]
    pub(crate) json: bool,
}
