//! What may be typed after `generate`.

use std::path::PathBuf;

use clap::Args;
use nn_train::Augmentation;

use super::{DataArgs, ThreadArgs, value};

const GENERATE_EXAMPLES: &str = "\
Examples:
  nn-cli generate --images 8100000 -o data/mnist8m
  nn-cli generate --images 600000 --augment strong --seed 42 -o data/strong
  nn-cli generate --data data/fashion --images 600000 --augment shift=2,scale=0.1 -o data/fashion10

The training images come first as they are; then, again and again, as `nn-cli train --augment NAME --seed NUMBER` sees \
them in its first epoch, its second, and so on. `nn-cli help show` says how images are distorted. The test files and \
the names of classes are copied, so that `nn-cli train --data` takes the folder as it is.

manifest.json has what the data set was made of and by, and the SHA-256 of each file, which is the same for any number of \
threads and on every machine. 8,100,000 images of MNIST are 6.35 GB.

The folder appears as a whole. Until then its files are in a folder beside it, of the same name and .partial. After \
Ctrl-C, a loss of power or a full disk the same command goes on from there.";

#[derive(Debug, Args)]
#[command(after_help = GENERATE_EXAMPLES)]
pub(crate) struct GenerateArgs {
    #[command(flatten)]
    pub(crate) data: DataArgs,
    /// The folder to make; there must be nothing, or an empty folder
    #[arg(short, long, value_name = "FOLDER")]
    pub(crate) output: PathBuf,
    /// How many training images to make, those of the data set included
    #[arg(long, value_name = "COUNT", value_parser = value::images, allow_negative_numbers = true)]
    pub(crate) images: u64,
    /// How images are distorted: affine, elastic, medium (both, moderately), strong, or a list such as
    /// rotation=10,scale=0.1
    #[arg(long, value_name = "NAME|LIST", value_parser = value::augmentation(), default_value_t = Augmentation::MEDIUM)]
    pub(crate) augment: Augmentation,
    /// Decides the distortions
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    pub(crate) seed: u64,
    #[command(flatten)]
    pub(crate) threads: ThreadArgs,
    /// Tell it in lines of JSON: one at the start, one at the end
    #[arg(long, help_heading = "Output")]
    pub(crate) json: bool,
}
