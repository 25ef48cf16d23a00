//! PNG files in and out: owns what becomes of colors, depths and transparency, and how much a file may ask for, and
//! refuses to know what the pictures are for.

use std::{
    fmt,
    fs::File,
    io::{self, Cursor, Read},
    path::{Path, PathBuf},
};

use png::{BitDepth, ColorType, DecodeOptions, Decoder, Encoder, Limits, Transformations};

use crate::{Picture, Size, pipe};

const SIGNATURE: [u8; 8] = *b"\x89PNG\r\n\x1a\n";

/// The longest file to read, 16 MiB, and the most memory that its decoder may take. The pictures are tiny; what else a
/// file carries is of no interest.
const MOST_BYTES: usize = 16 << 20;

/// The bytes of a palette of 256 colors.
const MOST_PALETTE: usize = 3 * 256;

/// Whether a file begins as a PNG file does.
pub fn is_png(path: &Path) -> bool {
    let mut start = [0; SIGNATURE.len()];
    File::open(path).and_then(|mut file| file.read_exact(&mut start)).is_ok() && start == SIGNATURE
}

/// Reads a PNG file of a certain size as grey, of any color type and depth.
///
/// # Errors
/// When the file is no PNG file of that size. The size is looked at before memory is taken for the pixels.
pub fn read(path: &Path, expected: Size) -> Result<Picture, ReadError> {
    if pipe::is_named(path) {
        return Err(ReadError::NamedPipe { path: path.to_owned() });
    }
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(MOST_BYTES as u64 + 1).read_to_end(&mut bytes))
        .map_err(|source| ReadError::Io { path: path.to_owned(), source })?;
    decode(&bytes, expected).map_err(|source| ReadError::Unusable { path: path.to_owned(), source })
}

/// Decodes the bytes of a PNG file, as [`read`] does.
///
/// # Errors
/// [`DecodeError`], after taking no more than some 16 MiB, whatever the bytes claim.
pub fn decode(bytes: &[u8], expected: Size) -> Result<Picture, DecodeError> {
    if bytes.len() > MOST_BYTES {
        return Err(DecodeError::TooLong);
    }
    if !bytes.starts_with(&SIGNATURE) {
        let found = bytes[..bytes.len().min(SIGNATURE.len())].to_vec();
        return Err(DecodeError::OtherFormat { expected, found });
    }
    let mut options = DecodeOptions::default();
    options.set_ignore_text_chunk(true);
    options.set_ignore_iccp_chunk(true);
    let mut decoder = Decoder::new_with_options(Cursor::new(bytes), options);
    decoder.set_limits(Limits { bytes: MOST_BYTES });
    // Palettes become colors, fewer bits become 8, and of 16 the upper 8 are kept.
    decoder.set_transformations(Transformations::EXPAND | Transformations::STRIP_16);

    let (width, height) = decoder.read_header_info().map_err(damaged)?.size();
    let found = Size { width: width as usize, height: height as usize };
    if found != expected {
        return Err(DecodeError::OtherSize { expected, found });
    }
    let mut reader = decoder.read_info().map_err(damaged)?;
    // The decoder would panic.
    if let Some(palette) = &reader.info().palette
        && (palette.len() % 3 != 0 || palette.len() > MOST_PALETTE)
    {
        let reason =
            format!("expected a palette of at most {MOST_PALETTE} bytes, 3 a color, found {}", palette.len());
        return Err(DecodeError::Damaged { reason });
    }
    let (color_type, depth) = reader.output_color_type();
    let size = reader.output_buffer_size().filter(|size| depth == BitDepth::Eight && *size <= MOST_BYTES);
    let mut samples = vec![0; size.ok_or(DecodeError::TooLong)?];
    reader.next_frame(&mut samples).map_err(damaged)?;
    let pixels = grey(color_type, &samples);
    Ok(Picture { width: found.width, height: found.height, pixels })
}

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
    /// The file is no PNG file of the size asked for.
    #[error("cannot use {}", path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What was expected and found.
        source: DecodeError,
    },
}

/// Why bytes are no PNG file of the size asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The file is longer, or takes more memory, than a picture of digits can need.
    #[error("expected a PNG file of at most {MOST_BYTES} bytes, found more")]
    TooLong,
    /// Another format.
    #[error("expected a PNG file, found {}", FirstBytes(found))]
    OtherFormat {
        /// The size asked for.
        expected: Size,
        /// The first bytes, at most 8.
        found: Vec<u8>,
    },
    /// A picture of another size.
    #[error("expected a picture of {expected} pixels, found {found}")]
    OtherSize {
        /// The size asked for.
        expected: Size,
        /// The size found.
        found: Size,
    },
    /// The decoder cannot make sense of it.
    #[error("the PNG file is damaged: {reason}")]
    Damaged {
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
            DecodeError::OtherFormat { expected, .. } => {
                Some(format!("convert the picture to PNG, {expected} pixels"))
            }
            DecodeError::OtherSize { .. } => {
                Some("scale the picture to the size of the model's images".to_owned())
            }
            DecodeError::TooLong | DecodeError::Damaged { .. } => None,
        }
    }
}

/// The first bytes of a file in hexadecimal.
struct FirstBytes<'a>(&'a [u8]);

impl fmt::Display for FirstBytes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("an empty file");
        }
        f.write_str("the first bytes")?;
        self.0.iter().try_for_each(|byte| write!(f, " {byte:02x}"))
    }
}

/// The decoder's messages end with a full stop, or not, and name a chunk as `ChunkType { type: PLTE, .. }`.
fn damaged(error: png::DecodingError) -> DecodeError {
    let text = error.to_string();
    let mut reason = String::new();
    let mut rest = text.trim_end_matches('.');
    while let Some((before, chunk)) = rest.split_once("ChunkType { type: ") {
        let (fields, after) = chunk.split_once('}').unwrap_or((chunk, ""));
        reason += before;
        reason += fields.split(',').next().unwrap_or_default();
        rest = after;
    }
    DecodeError::Damaged { reason: reason + rest }
}

/// Samples of 8 bits as grey pixels.
fn grey(color_type: ColorType, samples: &[u8]) -> Vec<u8> {
    match color_type {
        // A palette has been expanded.
        ColorType::Grayscale | ColorType::Indexed => samples.to_vec(),
        ColorType::Rgb => samples.as_chunks::<3>().0.iter().map(|&color| luma(color)).collect(),
        ColorType::GrayscaleAlpha => {
            on_paper(samples.as_chunks::<2>().0.iter().map(|&[grey, alpha]| (grey, alpha)))
        }
        ColorType::Rgba => on_paper(
            samples
                .as_chunks::<4>()
                .0
                .iter()
                .map(|&[red, green, blue, alpha]| (luma([red, green, blue]), alpha)),
        ),
    }
}

/// How bright a color looks, by the weights of ITU-R BT.601. A grey stays what it is.
fn luma([red, green, blue]: [u8; 3]) -> u8 {
    ((299 * u32::from(red) + 587 * u32::from(green) + 114 * u32::from(blue) + 500) / 1000) as u8
}

/// Lays grey pixels with an alpha on paper: white paper where what can be seen is dark, else black.
fn on_paper(pixels: impl Iterator<Item = (u8, u8)> + Clone) -> Vec<u8> {
    let (ink, weight) = pixels.clone().fold((0_u64, 0_u64), |(ink, weight), (grey, alpha)| {
        (ink + u64::from(grey) * u64::from(alpha), weight + u64::from(alpha))
    });
    let paper = if 2 * ink < 255 * weight { 255 } else { 0 };
    pixels
        .map(|(grey, alpha)| {
            let (grey, alpha) = (u32::from(grey), u32::from(alpha));
            ((grey * alpha + paper * (255 - alpha) + 127) / 255) as u8
        })
        .collect()
}

/// The bytes of a grey PNG file of 8 bits.
///
/// # Errors
/// When PNG has no numbers for the size of the picture.
pub fn encode(picture: &Picture) -> Result<Vec<u8>, EncodeError> {
    let side =
        |length: usize| u32::try_from(length).map_err(|error| EncodeError { reason: error.to_string() });
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, side(picture.width)?, side(picture.height)?);
    encoder.set_color(ColorType::Grayscale);
    encoder.set_depth(BitDepth::Eight);
    let write = |encoder: Encoder<'_, &mut Vec<u8>>| {
        let mut writer = encoder.write_header()?;
        writer.write_image_data(&picture.pixels)?;
        writer.finish()
    };
    write(encoder).map_err(|error| EncodeError { reason: error.to_string() })?;
    Ok(bytes)
}

/// A picture that no PNG file can hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot make a PNG file: {reason}")]
pub struct EncodeError {
    reason: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: Size = Size { width: 5, height: 3 };

    /// A picture with all sorts of greys.
    fn picture() -> Picture {
        Picture { width: 5, height: 3, pixels: (0..15).map(|n| n * 17 + n).collect() }
    }

    fn encoded(color: ColorType, depth: BitDepth, palette: &[u8], data: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut encoder = Encoder::new(&mut bytes, 5, 3);
        encoder.set_color(color);
        encoder.set_depth(depth);
        if !palette.is_empty() {
            encoder.set_palette(palette.to_vec());
        }
        encoder.write_header().unwrap().write_image_data(data).unwrap();
        bytes
    }

    #[test]
    fn a_grey_picture_is_the_same_in_every_color_type_and_depth() {
        let grey = picture();
        let each = |samples: &dyn Fn(u8) -> Vec<u8>| {
            grey.pixels.iter().flat_map(|&g| samples(g)).collect::<Vec<_>>()
        };
        let palette: Vec<u8> = each(&|g| vec![g; 3]);
        let indices: Vec<u8> = (0..15).collect();
        for (color, depth, palette, data) in [
            (ColorType::Grayscale, BitDepth::Eight, &[][..], each(&|g| vec![g])),
            (ColorType::Grayscale, BitDepth::Sixteen, &[], each(&|g| vec![g, g])),
            (ColorType::GrayscaleAlpha, BitDepth::Eight, &[], each(&|g| vec![g, 255])),
            (ColorType::GrayscaleAlpha, BitDepth::Sixteen, &[], each(&|g| vec![g, g, 255, 255])),
            (ColorType::Rgb, BitDepth::Eight, &[], each(&|g| vec![g; 3])),
            (ColorType::Rgb, BitDepth::Sixteen, &[], each(&|g| vec![g; 6])),
            (ColorType::Rgba, BitDepth::Eight, &[], each(&|g| vec![g, g, g, 255])),
            (ColorType::Indexed, BitDepth::Eight, &palette, indices),
        ] {
            let decoded = decode(&encoded(color, depth, palette, &data), SIZE).unwrap();
            assert_eq!(decoded, grey, "{color:?} {depth:?}");
        }
        assert_eq!(decode(&encode(&grey).unwrap(), SIZE).unwrap(), grey);
    }

    #[test]
    fn fewer_bits_are_spread_over_all_greys() {
        // One bit a pixel, five to a row: each row is a byte, from its highest bit.
        let one = encoded(ColorType::Grayscale, BitDepth::One, &[], &[0b1010_1000, 0b0101_0000, 0]);
        let pixels = decode(&one, SIZE).unwrap().pixels;
        assert_eq!(pixels, [255, 0, 255, 0, 255, 0, 255, 0, 255, 0, 0, 0, 0, 0, 0]);
        let two = encoded(ColorType::Grayscale, BitDepth::Two, &[], &[0b00_01_10_11, 0, 0, 0, 0, 0]);
        assert_eq!(decode(&two, SIZE).unwrap().pixels[..5], [0, 85, 170, 255, 0]);
    }

    #[test]
    fn colors_become_as_bright_as_they_look() {
        assert_eq!([[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255]].map(luma), [76, 150, 29, 255]);
        assert!((0..=255).all(|grey| luma([grey; 3]) == grey));
    }

    #[test]
    fn what_is_seen_through_is_paper_of_the_other_brightness() {
        let dark_ink = [(10, 255), (200, 0), (0, 128)];
        assert_eq!(on_paper(dark_ink.into_iter()), [10, 255, 127]);
        let light_ink = [(250, 255), (200, 0), (255, 128)];
        assert_eq!(on_paper(light_ink.into_iter()), [250, 0, 128]);
    }

    #[test]
    fn a_picture_of_another_size_is_refused_with_both_sizes() {
        let bytes = encode(&picture()).unwrap();
        let message = decode(&bytes, Size { width: 28, height: 28 }).unwrap_err().to_string();
        assert_eq!(message, "expected a picture of 28x28 pixels, found 5x3");
    }

    #[test]
    fn a_claim_of_a_huge_picture_takes_no_memory() {
        let mut bytes = encode(&picture()).unwrap();
        bytes[16..24].fill(0x7f);
        assert!(decode(&bytes, Size { width: 0x7f7f_7f7f, height: 0x7f7f_7f7f }).is_err());
        assert!(decode(&bytes, SIZE).is_err());
    }

    /// Three bytes a color and at most 256 of them are what PNG allows. The decoder looks at neither, and panics.
    #[test]
    fn a_palette_of_no_whole_number_of_colors_is_an_error() {
        for (bytes, is_sound) in
            [(3, true), (6, true), (768, true), (4, false), (5, false), (767, false), (771, false)]
        {
            let file = encoded(ColorType::Indexed, BitDepth::Eight, &vec![7; bytes], &[0; 15]);
            assert_eq!(decode(&file, SIZE).is_ok(), is_sound, "{bytes} bytes");
        }
    }

    #[test]
    fn messages_have_none_of_the_decoders_structs_in_them() {
        let file = encoded(ColorType::Indexed, BitDepth::Eight, &[7; 2], &[0; 15]);
        assert_eq!(
            decode(&file, SIZE).unwrap_err().to_string(),
            "the PNG file is damaged: Chunk length wrong: PLTE"
        );
    }

    #[test]
    fn every_cut_and_every_other_file_is_an_error() {
        let bytes = encode(&picture()).unwrap();
        // The last 12 bytes are the mark of the end, after all pixels.
        for end in 0..bytes.len() - 12 {
            assert!(decode(&bytes[..end], SIZE).is_err(), "{end} bytes");
        }
        let jpeg = decode(b"\xff\xd8\xff\xe0\x00\x10JFIF", SIZE).unwrap_err().to_string();
        assert_eq!(jpeg, "expected a PNG file, found the first bytes ff d8 ff e0 00 10 4a 46");
        assert_eq!(decode(b"", SIZE).unwrap_err().to_string(), "expected a PNG file, found an empty file");
    }

    #[test]
    fn no_flipped_bit_makes_the_decoder_panic() {
        let bytes = encode(&picture()).unwrap();
        for bit in 0..8 * bytes.len() {
            let mut damaged = bytes.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            let _ = decode(&damaged, SIZE);
        }
    }
}
