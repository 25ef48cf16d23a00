//! What may be typed after `show`.

use std::path::PathBuf;

use clap::{Args, value_parser};
use nn_train::{Augmentation, Preprocessing};

use super::{
    DataArgs, PictureArgs, SplitName,
    value::{self, ImageSize, Indices, OrNone},
};

const SHOW_EXAMPLES: &str = "\
Examples:
  nn-cli show
  nn-cli show --split test --index 115,247,321
  nn-cli show --index 0-49 --columns 10 --png sheet.png
  nn-cli show five.jpg scans
  nn-cli show --augment strong --png distorted.png
  nn-cli show --augment rotation=15,elastic-strength=1.2 --index 7 --versions 9
  nn-cli show --preprocess deskew --index 0-9 --columns 10 --png upright.png

A terminal with colors gets every pixel in grey; anything else gets shades, two pixels (one above the other) in a \
character. Images that are wider than the terminal are reduced. Pictures in files are shown as a network for \
images of --size would see them; `nn-cli help predict` says which files, and how.

--augment shows how images are distorted for training: by name (affine, elastic, medium, strong), or by a list of
  rotation            at most so many degrees either way
  scale               width and height by at most this share, such as 0.1
  shear               slanted by at most so many pixels a row
  shift               moved by at most so many pixels across and down
  elastic-strength    bent out of shape: how far a pixel moves, a root mean square in pixels
  elastic-smoothness  over how many pixels such movements are alike (5.5)
  class-limits=yes    the digits 1 and 7 are turned and slanted by half of that
What a list does not name is off, but for elastic-smoothness, which is 5.5.";

#[derive(Debug, Args)]
#[command(after_help = SHOW_EXAMPLES)]
#[command(mut_arg("prepare", |arg| arg.requires("files")), mut_arg("invert", |arg| arg.requires("files")))]
pub(crate) struct ShowArgs {
    /// Pictures to show instead of a data set's, or folders of them, or `-` for standard input
    #[arg(value_name = "PICTURE", conflicts_with_all = ["folder", "split", "index", "png"])]
    pub(crate) files: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) data: DataArgs,
    /// The half of the data set
    #[arg(long, value_enum, default_value_t = SplitName::Train)]
    pub(crate) split: SplitName,
    /// Images to show, counted from 0: 0,5,10-19; by default the first ten, or the first four with --augment or
    /// --preprocess
    #[arg(long, value_name = "NUMBERS", allow_negative_numbers = true)]
    pub(crate) index: Option<Indices>,
    /// Images beside one another; by default as many as fit, and in a PNG file 5, or all that become of one image
    #[arg(long, value_name = "COUNT", value_parser = value::at_least_one::<usize>, allow_negative_numbers = true)]
    pub(crate) columns: Option<usize>,
    /// Write a sheet of the images with their labels to this file instead; an earlier PNG file of that name is
    /// replaced, no other file is
    #[arg(long, value_name = "FILE")]
    pub(crate) png: Option<PathBuf>,
    /// The size of the images that pictures become, WIDTHxHEIGHT
    #[arg(long, value_name = "SIZE", default_value = "28x28", requires = "files")]
    pub(crate) size: ImageSize,
    #[command(flatten)]
    pub(crate) pictures: PictureArgs,
    /// Show after each image what is made of it before training and use: deskew makes slanted digits upright. Pictures
    /// in files are shown as they are then
    #[arg(long, value_name = "NAME", value_parser = value::preprocessing(), default_value_t = Preprocessing::None)]
    pub(crate) preprocess: Preprocessing,
    /// Show after each image how it is distorted in the first epochs: NAME or SETTING=NUMBER,..., or none
    #[arg(long, value_name = "NAME|LIST", value_parser = value::augmentation_or_none(), conflicts_with = "files")]
    pub(crate) augment: Option<OrNone<Augmentation>>,
    /// Distorted versions of each image, those of so many epochs
    #[arg(long, value_name = "COUNT", default_value_t = 4, value_parser = value_parser!(u32).range(1..=1000),
        requires = "augment", allow_negative_numbers = true)]
    pub(crate) versions: u32,
    /// Decides the distortions
    #[arg(long, value_name = "NUMBER", default_value_t = 1, requires = "augment")]
    pub(crate) seed: u64,
    /// Draw with letters and signs only, as is done anyway where the locale is not UTF-8
    #[arg(long)]
    pub(crate) ascii: bool,
}
