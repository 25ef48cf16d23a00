//! What may be typed after `show`.

use std::path::PathBuf;

use clap::Args;

use super::{
    DataArgs, PictureArgs, SplitName,
    value::{self, ImageSize, Indices},
};

const SHOW_EXAMPLES: &str = "\
Examples:
  nn-cli show
  nn-cli show --split test --index 115,247,321
  nn-cli show --index 0-49 --columns 10 --png sheet.png
  nn-cli show five.jpg scans

A terminal with colors gets every pixel in grey; anything else gets shades, two pixels (one above the other) in a \
character. Images that are wider than the terminal are reduced. Pictures in files are shown as a network for \
images of --size would see them; `nn-cli help predict` says which files, and how.";

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
    /// The size of the images that pictures become, WIDTHxHEIGHT
    #[arg(long, value_name = "SIZE", default_value = "28x28", requires = "files")]
    pub(crate) size: ImageSize,
    #[command(flatten)]
    pub(crate) pictures: PictureArgs,
    /// Draw with letters and signs only, as is done anyway where the locale is not UTF-8
    #[arg(long)]
    pub(crate) ascii: bool,
}
