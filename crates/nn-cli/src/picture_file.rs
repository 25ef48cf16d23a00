//! Pictures in: owns which files are read (PNG, JPEG, GIF and BMP), what becomes of colors, depths, transparency and the
//! way a camera was held, and how much a file may ask for, and refuses to know what the pictures are for.

mod error;
mod grey;
#[cfg(test)]
mod tests;

use std::{
    fs::File,
    io::{Cursor, Read},
    path::Path,
};

use image::{DynamicImage, GrayImage, ImageDecoder, ImageReader, Limits, metadata::Orientation};

pub use self::error::{DecodeError, ReadError};
use self::error::{FirstBytes, Format, damaged};
use crate::{Picture, Size, pipe, png_file};

/// The longest file to read, 64 MiB: photos of telephones have a quarter of that.
const MOST_BYTES: usize = 64 << 20;

/// The most pixels of a picture, some more than the 50 million of the largest photos that telephones usually make.
const MOST_PIXELS: u64 = 50 << 20;

/// The most bytes of a picture that is decoded, and of what its decoder takes besides: 3 for each pixel, or 8 of a
/// smaller one.
const MOST_DECODED: u64 = 3 * MOST_PIXELS;

/// The bytes of a palette of 256 colors.
const MOST_PALETTE: usize = 3 * 256;

/// Reads a picture as grey, of any format, color type, depth and size that is known.
///
/// # Errors
/// When the file is no such picture, or too large.
pub fn read(path: &Path) -> Result<Picture, ReadError> {
    if pipe::is_named(path) {
        return Err(ReadError::NamedPipe { path: path.to_owned() });
    }
    File::open(path)
        .map_err(|source| ReadError::Io { path: path.to_owned(), source })
        .and_then(|file| read_from(file, path))
}

/// Reads a picture, as [`read`] does, from what was opened already; `name` is what errors call it.
///
/// # Errors
/// As [`read`].
pub fn read_from(reader: impl Read, name: &Path) -> Result<Picture, ReadError> {
    let mut bytes = Vec::new();
    reader
        .take(MOST_BYTES as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(|source| ReadError::Io { path: name.to_owned(), source })?;
    decode(&bytes).map_err(|source| ReadError::Unusable { path: name.to_owned(), source })
}

/// Decodes the bytes of a file, as [`read`] does.
///
/// # Errors
/// [`DecodeError`]. The size is looked at before memory is taken for the pixels.
pub fn decode(bytes: &[u8]) -> Result<Picture, DecodeError> {
    decode_within(bytes, MOST_PIXELS)
}

/// Decodes a picture, as [`decode`] does, of at most so many pixels.
///
/// # Errors
/// As [`decode`].
pub fn decode_within(bytes: &[u8], most_pixels: u64) -> Result<Picture, DecodeError> {
    if bytes.len() > MOST_BYTES {
        return Err(DecodeError::TooLong);
    }
    let Some(format) = Format::of(bytes) else {
        return Err(DecodeError::OtherFormat { found: FirstBytes::of(bytes) });
    };
    format.check(bytes)?;
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format.into());
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(MOST_DECODED);
    reader.limits(limits);
    let damaged = |error| damaged(format, &error);
    let mut decoder = reader.into_decoder().map_err(damaged)?;
    let (width, height) = decoder.dimensions();
    let found = Size { width: width as usize, height: height as usize };
    if u64::from(width) * u64::from(height) > most_pixels.min(MOST_PIXELS)
        || decoder.total_bytes() > MOST_DECODED
    {
        return Err(DecodeError::TooLarge { most_pixels: most_pixels.min(MOST_PIXELS), found });
    }
    if width == 0 || height == 0 {
        return Err(DecodeError::NoPixels { found });
    }
    // A mark that cannot be read says nothing.
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let color_type = decoder.color_type();
    let mut samples = vec![0; decoder.total_bytes() as usize];
    decoder.read_image(&mut samples).map_err(damaged)?;
    let pixels = grey::grey(color_type, samples).ok_or_else(|| DecodeError::Damaged {
        format: format.name(),
        reason: format!("{color_type:?} pixels"),
    })?;
    Ok(upright(found, pixels, orientation))
}

/// The picture as it was seen, which a camera that was turned notes down beside what its sensor saw.
fn upright(size: Size, pixels: Vec<u8>, orientation: Orientation) -> Picture {
    if orientation == Orientation::NoTransforms {
        return Picture { width: size.width, height: size.height, pixels };
    }
    let grey = GrayImage::from_raw(size.width as u32, size.height as u32, pixels);
    let mut image = DynamicImage::ImageLuma8(grey.unwrap_or_default());
    image.apply_orientation(orientation);
    let (width, height) = (image.width() as usize, image.height() as usize);
    Picture { width, height, pixels: image.into_bytes() }
}
