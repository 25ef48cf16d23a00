//! PNG files out: owns the bytes of a grey one, and refuses to know what the pictures are for.

use std::{fs::File, io::Read, path::Path};

use png::{BitDepth, ColorType, Encoder};

use crate::Picture;

pub(crate) const SIGNATURE: [u8; 8] = *b"\x89PNG\r\n\x1a\n";

/// Whether a file begins as a PNG file does.
pub fn is_png(path: &Path) -> bool {
    let mut start = [0; SIGNATURE.len()];
    File::open(path).and_then(|mut file| file.read_exact(&mut start)).is_ok() && start == SIGNATURE
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
