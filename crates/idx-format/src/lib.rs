#![doc = include_str!("../README.md")]
// Input is hostile until it is checked: nothing here may index, overflow or unwrap. The tests are outside, in `tests/`.
#![deny(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unreachable,
    clippy::unwrap_used
)]

mod element;
mod error;
mod file;
mod gzip;
mod header;
mod hint;
mod map;
mod options;
mod parse;
mod read;
mod view;
mod writer;

pub use element::{Element, ElementType};
pub use error::{FoundBytes, GzipError, MismatchError, OpenError, ParseError, ReadError, WriteError};
pub use file::{IdxFile, Storage};
pub use header::{Header, Shape};
pub use options::{Access, DEFAULT_MAP_FROM, DEFAULT_MAX_BYTES, OpenOptions};
pub use parse::Trailing;
pub use read::read;
pub use view::Idx;
pub use writer::{IdxWriter, header_bytes, write_array};

pub use ndarray;
pub use zerocopy::big_endian;
