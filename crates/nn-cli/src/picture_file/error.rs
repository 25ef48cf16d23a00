//! Why a file is no picture: owns telling the formats apart, the messages and the advice, and refuses to decode.

use std::{error::Error, fmt, io, io::Cursor, path::PathBuf};

use image::{ImageError, ImageFormat};

use super::{MOST_BYTES, MOST_PALETTE, png_file};
use crate::Size;

/// Why a picture could not be read; every message names the file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The operating system refused.
    #[error("cannot read {}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Whoever opens it may wait for ever.
    #[error("cannot read {}: expected a file, found a named pipe", path.display())]
    NamedPipe {
        /// The pipe.
        path: PathBuf,
    },
    /// The file is no picture that can be used.
    #[error("cannot use {}", path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What was expected and found.
        source: DecodeError,
    },
}

/// Why bytes are no picture that can be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The file is longer than a picture of a digit can need.
    #[error("expected a picture of at most {MOST_BYTES} bytes, found more")]
    TooLong,
    /// Another format.
    #[error("expected a PNG, JPEG, GIF or BMP file, found {found}")]
    OtherFormat {
        /// How the file begins.
        found: FirstBytes,
    },
    /// The picture has more pixels, or takes more memory, than is allowed.
    #[error("expected a picture of at most {most_pixels} pixels of 24 bits, found one of {found}")]
    TooLarge {
        /// The most pixels.
        most_pixels: u64,
        /// The size found.
        found: Size,
    },
    /// The picture is all edge.
    #[error("expected a picture of at least one pixel, found one of {found}")]
    NoPixels {
        /// The size found.
        found: Size,
    },
    /// The decoder cannot make sense of it.
    #[error("the {format} file is damaged: {reason}")]
    Damaged {
        /// The format that it begins as.
        format: &'static str,
        /// What the decoder says.
        reason: String,
    },
}

impl ReadError {
    /// What to do about it, where that is known.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            ReadError::Io { .. } => None,
            ReadError::NamedPipe { .. } => Some("write what it gives to a file first".to_owned()),
            ReadError::Unusable { source, .. } => source.hint(),
        }
    }
}

impl DecodeError {
    /// What to do about it, where that is known.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            DecodeError::OtherFormat { .. } => Some("save the picture as PNG or JPEG".to_owned()),
            DecodeError::TooLong | DecodeError::TooLarge { .. } => {
                Some("scale the picture down: a thousand pixels to a side are plenty".to_owned())
            }
            DecodeError::NoPixels { .. } | DecodeError::Damaged { .. } => None,
        }
    }
}

/// The formats that are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Png,
    Jpeg,
    Gif,
    Bmp,
}

impl Format {
    /// The format that the bytes begin as.
    pub(super) fn of(bytes: &[u8]) -> Option<Format> {
        let starts = [
            (&png_file::SIGNATURE[..], Format::Png),
            (b"\xff\xd8\xff", Format::Jpeg),
            (b"GIF87a", Format::Gif),
            (b"GIF89a", Format::Gif),
            (b"BM", Format::Bmp),
        ];
        starts.into_iter().find(|(start, _)| bytes.starts_with(start)).map(|(_, format)| format)
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Format::Png => "PNG",
            Format::Jpeg => "JPEG",
            Format::Gif => "GIF",
            Format::Bmp => "BMP",
        }
    }

    /// Refuses what the decoder of the format does not: what it would panic at, or take for whole.
    pub(super) fn check(self, bytes: &[u8]) -> Result<(), DecodeError> {
        let damaged = |reason| Err(DecodeError::Damaged { format: self.name(), reason });
        match self {
            Format::Png => match png_palette(bytes) {
                Some(length) if length % 3 != 0 || length > MOST_PALETTE => damaged(format!(
                    "expected a palette of at most {MOST_PALETTE} bytes, 3 a color, found {length}"
                )),
                _ => Ok(()),
            },
            Format::Jpeg if !has_jpeg_end(bytes) => damaged(
                "expected the mark of its end after the pixels, found none; is it cut off?".to_owned(),
            ),
            Format::Jpeg | Format::Gif | Format::Bmp => Ok(()),
        }
    }
}

impl From<Format> for ImageFormat {
    fn from(format: Format) -> ImageFormat {
        match format {
            Format::Png => ImageFormat::Png,
            Format::Jpeg => ImageFormat::Jpeg,
            Format::Gif => ImageFormat::Gif,
            Format::Bmp => ImageFormat::Bmp,
        }
    }
}

/// The length of a PNG file's palette. The decoder would panic at one of no whole number of colors.
fn png_palette(bytes: &[u8]) -> Option<usize> {
    let limits = png::Limits { bytes: MOST_BYTES };
    let reader = png::Decoder::new_with_limits(Cursor::new(bytes), limits).read_info().ok()?;
    reader.info().palette.as_ref().map(|palette| palette.len())
}

/// Whether a JPEG file has the mark of the end after its first scan. The decoder makes up the rest of a file that was cut
/// off. A thumbnail has such marks too, in a segment before the scan; in the scan there are none.
fn has_jpeg_end(bytes: &[u8]) -> bool {
    const START_OF_SCAN: u8 = 0xda;
    const END: u8 = 0xd9;
    let mut rest = bytes.get(2..).unwrap_or_default();
    // Segments: a mark (before which there may be any number of ff), the length of what follows, and that.
    while let [0xff, marker, after @ ..] = rest {
        match (marker, after) {
            (0xff, _) => rest = &rest[1..],
            (&START_OF_SCAN, _) => return after.windows(2).any(|pair| pair == [0xff, END]),
            (_, [high, low, ..]) => {
                let length = usize::from(u16::from_be_bytes([*high, *low]));
                rest = after.get(length..).unwrap_or_default();
            }
            _ => return false,
        }
    }
    // Something that is no segment: for the decoder to judge.
    !rest.is_empty()
}

/// The first bytes of a file of another format.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FirstBytes(Vec<u8>);

impl FirstBytes {
    /// As many as tell the usual formats apart.
    pub(super) fn of(bytes: &[u8]) -> FirstBytes {
        FirstBytes(bytes[..bytes.len().min(12)].to_vec())
    }

    /// What begins like this, if that is known.
    fn format(&self) -> Option<&'static str> {
        match &self.0[..] {
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P'] => Some("a WebP file"),
            [_, _, _, _, b'f', b't', b'y', b'p', b'a', b'v', b'i', b'f' | b's'] => Some("an AVIF file"),
            [_, _, _, _, b'f', b't', b'y', b'p', b'h', b'e', ..]
            | [_, _, _, _, b'f', b't', b'y', b'p', b'm', b'i' | b's', b'f', b'1'] => Some("a HEIC file"),
            [b'I', b'I', 42, 0, ..] | [b'M', b'M', 0, 42, ..] => Some("a TIFF file"),
            [b'%', b'P', b'D', b'F', ..] => Some("a PDF file"),
            [b'<', ..] => Some("text with marks, perhaps an SVG file or a web page"),
            [0, 0, 8, 1 | 3, ..] => Some("an IDX file"),
            [0x1f, 0x8b, ..] => Some("a gzip file"),
            [] => Some("an empty file"),
            _ => None,
        }
    }
}

impl fmt::Display for FirstBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(format) = self.format() {
            return f.write_str(format);
        }
        f.write_str("the first bytes")?;
        self.0.iter().take(8).try_for_each(|byte| write!(f, " {byte:02x}"))
    }
}

/// The decoders' messages end with a full stop, or not, and name a chunk as `ChunkType { type: PLTE, .. }`.
pub(super) fn damaged(format: Format, error: &ImageError) -> DecodeError {
    // What is around the cause says again that it is damaged.
    let text = error.source().map_or_else(|| error.to_string(), ToString::to_string);
    let mut reason = String::new();
    let mut rest = text.trim_end_matches('.');
    while let Some((before, chunk)) = rest.split_once("ChunkType { type: ") {
        let (fields, after) = chunk.split_once('}').unwrap_or((chunk, ""));
        reason += before;
        reason += fields.split(',').next().unwrap_or_default();
        rest = after;
    }
    DecodeError::Damaged { format: format.name(), reason: reason + rest }
}
