//! What can go wrong, one enum for each operation: the words are here, the advice (`hint`) is in `hint.rs`.

use std::fmt;
use std::io;
use std::path::PathBuf;

use crate::ElementType;
use crate::header::write_lengths;

/// Why bytes are not an IDX file.
///
/// Offsets count from the start of the (decompressed) file. [`hint`](ParseError::hint) knows the usual reasons.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseError {
    /// There are no bytes at all.
    #[error("empty input: expected a header at byte 0, found the end")]
    Empty,
    /// The first two bytes are not zero: this is another format.
    #[error("bad magic number at byte 0: expected 00 00, found {found}")]
    BadMagic {
        /// The first bytes of the input.
        found: FoundBytes,
    },
    /// Byte 2 is none of the six codes.
    #[error(
        "unknown element type at byte 2: expected 0x08, 0x09, 0x0b, 0x0c, 0x0d or 0x0e, found {found:#04x}"
    )]
    UnknownElementType {
        /// The code found.
        found: u8,
    },
    /// Byte 3 is zero: a file has 1 to 255 dimensions.
    #[error("no dimensions at byte 3: expected 1 to 255, found 0")]
    NoDimensions,
    /// The input ends within the header.
    #[error("header truncated at byte {found}: expected {expected} bytes of header, found {found}")]
    HeaderTruncated {
        /// Bytes of the header as far as it is known: 4, or 4 and another 4 for each dimension.
        expected: usize,
        /// Bytes of the input.
        found: usize,
    },
    /// The lengths claim more bytes than any machine of this kind can address.
    ///
    /// Lengths of 0 are left out of the product, so that `0 x 4294967295 x 4294967295 x 4294967295` is refused too.
    #[error(
        "payload too large at byte 4: expected at most {} bytes, found {element_type} {}",
        isize::MAX,
        Lengths(lengths)
    )]
    PayloadTooLarge {
        /// The type of the elements.
        element_type: ElementType,
        /// The lengths of the dimensions.
        lengths: Vec<usize>,
    },
    /// The input ends within the payload.
    #[error(
        "payload truncated at byte {}: expected {expected} bytes of {element_type} {} from byte {offset}, found {found}",
        offset.saturating_add(*found),
        Lengths(lengths)
    )]
    PayloadTruncated {
        /// Where the payload begins.
        offset: usize,
        /// The type of the elements.
        element_type: ElementType,
        /// The lengths of the dimensions.
        lengths: Vec<usize>,
        /// Bytes of payload that the header claims.
        expected: usize,
        /// Bytes of payload that are there.
        found: usize,
    },
    /// The input goes on after the payload; [`Trailing::Ignore`](crate::Trailing::Ignore) lets it.
    #[error(
        "trailing bytes at byte {offset}: expected {element_type} {} to end there, found more",
        Lengths(lengths)
    )]
    TrailingBytes {
        /// Where the payload ends.
        offset: usize,
        /// The type of the elements.
        element_type: ElementType,
        /// The lengths of the dimensions.
        lengths: Vec<usize>,
    },
}

/// Why a valid file is not the one that was asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MismatchError {
    /// The elements are of another type.
    #[error("expected elements of type {expected}, found {found}")]
    ElementType {
        /// The type asked for.
        expected: ElementType,
        /// The type of the file.
        found: ElementType,
    },
    /// There are more or fewer dimensions.
    #[error("expected rank {expected}, found rank {} ({})", lengths.len(), Lengths(lengths))]
    Rank {
        /// The number of dimensions asked for.
        expected: usize,
        /// The lengths of the dimensions of the file.
        lengths: Vec<usize>,
    },
    /// Images were asked for, and the items are single elements.
    #[error("expected images (rank 2 or more), found labels (rank {}: {element_type} {})", lengths.len(), Lengths(lengths))]
    NotImages {
        /// The type of the elements.
        element_type: ElementType,
        /// The lengths of the dimensions.
        lengths: Vec<usize>,
    },
    /// Labels were asked for, and the items are arrays.
    #[error("expected labels (rank 1), found images (rank {}: {element_type} {})", lengths.len(), Lengths(lengths))]
    NotLabels {
        /// The type of the elements.
        element_type: ElementType,
        /// The lengths of the dimensions.
        lengths: Vec<usize>,
    },
}

/// Why a file could not be opened; every message names the path.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// There is no such file.
    #[error("cannot open {}: expected a file, found nothing by that name", path.display())]
    NotFound {
        /// The path asked for.
        path: PathBuf,
        /// A file of nearly the same name that does exist: `.` for `-` before `idx`, with or without `.gz`.
        similar: Option<PathBuf>,
    },
    /// The path is a folder.
    #[error("cannot open {}: expected a file, found a folder", path.display())]
    IsFolder {
        /// The path asked for.
        path: PathBuf,
        /// A file in that folder which bears the folder's name, as some archives unpack.
        inside: Option<PathBuf>,
    },
    /// The path is a pipe, a device or the like, and only regular files were asked for.
    #[error("cannot open {}: expected a regular file, found a pipe or device", path.display())]
    NotRegular {
        /// The path asked for.
        path: PathBuf,
    },
    /// The operating system refused.
    #[error("cannot {operation} {}", path.display())]
    Io {
        /// `"open"`, `"read"` or `"map"`.
        operation: &'static str,
        /// The path asked for.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The gzip layer of the file is damaged.
    #[error("cannot decompress {}", path.display())]
    Gzip {
        /// The path asked for.
        path: PathBuf,
        /// What is wrong with it.
        source: GzipError,
    },
    /// The file, decompressed if need be, is not IDX.
    #[error("{} is not a valid IDX file", path.display())]
    Parse {
        /// The path asked for.
        path: PathBuf,
        /// What is wrong with it.
        source: ParseError,
    },
    /// The file would take more memory than [`OpenOptions::max_bytes`](crate::OpenOptions::max_bytes) allows.
    #[error("cannot read {}: expected at most {limit} bytes, found {claimed} or more", path.display())]
    OverLimit {
        /// The path asked for.
        path: PathBuf,
        /// The limit in force.
        limit: u64,
        /// Bytes that the header claims, or that were found behind the payload.
        claimed: u64,
    },
}

/// Why a stream did not give a file; [`OpenError`] is the same with a path.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The stream could not be read, or there was no memory for what it held.
    #[error("cannot read")]
    Io(#[source] io::Error),
    /// The gzip layer is damaged.
    #[error("cannot decompress")]
    Gzip(#[source] GzipError),
    /// The bytes, decompressed if need be, are not IDX.
    #[error("not a valid IDX file")]
    Parse(#[from] ParseError),
    /// The file would take more memory than [`OpenOptions::max_bytes`](crate::OpenOptions::max_bytes) allows.
    #[error("expected at most {limit} bytes, found {claimed} or more")]
    OverLimit {
        /// The limit in force.
        limit: u64,
        /// Bytes that the header claims, or that were found behind the payload.
        claimed: u64,
    },
}

/// What is wrong with a gzip stream. Offsets count compressed bytes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GzipError {
    /// The stream ends before its end mark, as after an interrupted download.
    #[error("gzip truncated at compressed byte {offset}: expected more, found the end")]
    Truncated {
        /// Where the compressed file ends.
        offset: u64,
    },
    /// The compressed data or their checksum are wrong.
    #[error("gzip damaged before compressed byte {offset}: {reason}")]
    Corrupt {
        /// How far the decompressor had read when it noticed.
        offset: u64,
        /// What it said.
        reason: String,
    },
    /// The stream is whole, and something else follows it.
    #[error(
        "trailing bytes at compressed byte {offset}: expected the end of the gzip stream there, found more"
    )]
    TrailingBytes {
        /// Where the stream ends.
        offset: u64,
    },
}

/// Why elements could not be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {
    /// A file has 1 to 255 dimensions.
    #[error("expected 1 to 255 dimensions, found {found}")]
    Rank {
        /// The number of dimensions given.
        found: usize,
    },
    /// A length does not fit the 4 bytes that the header has for it.
    #[error("expected at most 4294967295 as length of dimension {axis}, found {found}")]
    Length {
        /// The dimension, counted from 0.
        axis: usize,
        /// Its length.
        found: usize,
    },
    /// The lengths claim more bytes than any machine of this kind can address; see [`ParseError::PayloadTooLarge`].
    #[error("expected at most {} bytes of payload, found {element_type} {}", isize::MAX, Lengths(lengths))]
    PayloadTooLarge {
        /// The type of the elements.
        element_type: ElementType,
        /// The lengths of the dimensions.
        lengths: Vec<usize>,
    },
    /// An item has more or fewer elements than the lengths say.
    #[error("expected items of {expected} elements, found {found}")]
    ItemLength {
        /// Elements of one item.
        expected: usize,
        /// Elements given.
        found: usize,
    },
    /// More elements than the lengths say; none of the surplus call was written.
    #[error("expected {expected} elements in all, found {found} or more")]
    TooMany {
        /// Elements declared.
        expected: usize,
        /// Elements written and given.
        found: usize,
    },
    /// `finish` came before all elements were written: the file is truncated.
    #[error("expected {expected} elements in all, found only {found}")]
    TooFew {
        /// Elements declared.
        expected: usize,
        /// Elements written.
        found: usize,
    },
    /// The writer beneath failed; how much it took is not known.
    #[error("cannot write")]
    Io(#[from] io::Error),
}

/// The first bytes of an input that is not IDX, printed in hexadecimal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FoundBytes {
    bytes: [u8; Self::CAPACITY],
    len: usize,
}

impl FoundBytes {
    /// Enough to tell other formats by; a whole IDX header of one dimension is as long.
    pub(crate) const CAPACITY: usize = 8;

    /// Keeps the first bytes of `input`.
    pub(crate) fn start_of(input: &[u8]) -> Self {
        let mut bytes = [0; Self::CAPACITY];
        let len = input.len().min(Self::CAPACITY);
        for (kept, &byte) in bytes.iter_mut().zip(input) {
            *kept = byte;
        }
        Self { bytes, len }
    }

    /// The bytes: at most 8, fewer only if the input was shorter.
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }
}

impl fmt::Display for FoundBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, byte) in self.as_bytes().iter().enumerate() {
            if index > 0 {
                f.write_str(" ")?;
            }
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

/// Prints lengths as [`Shape`](crate::Shape) does.
struct Lengths<'a>(&'a [usize]);

impl fmt::Display for Lengths<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_lengths(f, self.0.iter().copied())
    }
}
