//! What must hold for any bytes whatever: owns the functions that the fuzzer calls, and `corpus.rs` for what it found;
//! refuses to know where bytes come from.

use nn_cli::{
    Size,
    png_file::{decode, encode},
};

/// The largest side of a picture that is asked for here.
const MOST: usize = 64;

/// The reader of pictures: bytes are refused in words, or are a picture of the size that was asked for.
pub(crate) fn png(bytes: &[u8]) {
    // Asked for as it says it is, so that the size hides nothing behind it; within reason.
    let side = |start: usize| {
        let length: [u8; 4] = bytes.get(start..start + 4)?.try_into().ok()?;
        Some(u32::from_be_bytes(length) as usize).filter(|length| (1..=MOST).contains(length))
    };
    let size = Size { width: side(16).unwrap_or(3), height: side(20).unwrap_or(5) };
    match decode(bytes, size) {
        Ok(picture) => {
            assert_eq!((picture.width, picture.height), (size.width, size.height));
            assert_eq!(picture.pixels.len(), size.width * size.height);
            assert_eq!(decode(&encode(&picture).unwrap(), size).unwrap(), picture);
        }
        Err(error) => {
            assert!(!error.to_string().is_empty());
            let _ = error.hint();
        }
    }
}
