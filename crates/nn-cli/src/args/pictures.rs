//! What may be typed about pictures in files, whatever is done with them.

use clap::{Args, ValueEnum};
use nn_train::Ink;

#[derive(Debug, Args)]
pub(crate) struct PictureArgs {
    /// Whether to find the ink in a picture, scale it and put it in the middle, as MNIST did
    #[arg(long, value_enum, default_value_t = Prepare::Auto)]
    pub(crate) prepare: Prepare,
    /// Whether pictures are dark on light, to be inverted
    #[arg(long, value_enum, default_value_t = Invert::Auto)]
    pub(crate) invert: Invert,
}

/// Whether to prepare pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Prepare {
    /// If a picture is not of the images' size already
    Auto,
    /// Always
    Yes,
    /// Never; a picture of another size is an error
    No,
}

/// Whether to turn dark-on-light pictures around.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Invert {
    /// If the border is brighter than the ink
    Auto,
    /// Always
    Yes,
    /// Never
    No,
}

impl From<Invert> for Ink {
    fn from(invert: Invert) -> Ink {
        match invert {
            Invert::Auto => Ink::Auto,
            Invert::Yes => Ink::Dark,
            Invert::No => Ink::Light,
        }
    }
}
