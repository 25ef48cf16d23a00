//! What must hold for any bytes whatever: owns the functions that the fuzzer calls, and `corpus.rs` for what it found;
//! refuses to know where bytes come from.

use nn_cli::{
    picture_file::{decode, decode_within},
    png_file::encode,
};
use nn_train::Preparation;

/// The most pixels of a picture that is asked for here: small ones have all that large ones have.
const MOST: u64 = 1 << 18;

/// The reader of pictures and what prepares them: bytes are refused in words, or are a picture.
pub(crate) fn picture(bytes: &[u8]) {
    match decode_within(bytes, MOST) {
        Ok(picture) => {
            assert!(picture.width > 0 && picture.height > 0);
            assert_eq!(picture.pixels.len(), picture.width * picture.height);
            assert_eq!(decode(&encode(&picture).unwrap()).unwrap(), picture);
            let preparation = Preparation::of(&[7, 5]).unwrap();
            match preparation.apply(picture.width, picture.height, &picture.pixels) {
                Ok(prepared) => {
                    assert_eq!(prepared.pixels.len(), 7 * 5);
                    assert_eq!(prepared.pixels.iter().max(), Some(&255));
                }
                Err(error) => assert!(!error.to_string().is_empty()),
            }
        }
        Err(error) => {
            assert!(!error.to_string().is_empty());
            let _ = error.hint();
        }
    }
}
