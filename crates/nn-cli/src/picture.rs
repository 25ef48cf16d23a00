//! Pictures on the way out: owns where they are drawn, and refuses to know what they are, which is the library's.

pub(crate) mod sheet;
pub(crate) mod terminal;

pub(crate) use nn_cli::{Picture, Size, picture_file, png_file};
