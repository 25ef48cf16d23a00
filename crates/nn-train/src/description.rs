//! Descriptions as bytes: owns their encoding and how long they may be, and refuses to know what they say.

use serde::{Deserialize, Serialize};

/// The longest description: room for some thousand layers, or for 256 class names of 200 bytes.
pub(crate) const MAX_LEN: usize = 64 * 1024;

/// What decoding a description may claim. bincode counts a number as its full width, up to 8 bytes, though it may
/// take one byte in the file.
const LIMIT: usize = 8 * MAX_LEN;

const BINCODE: bincode::config::Configuration<
    bincode::config::LittleEndian,
    bincode::config::Varint,
    bincode::config::Limit<LIMIT>,
> = bincode::config::standard().with_limit::<LIMIT>();

/// The bytes of a description. They are for a file only if there are at most [`MAX_LEN`] of them.
pub(crate) fn encode(description: &impl Serialize) -> Vec<u8> {
    bincode::serde::encode_to_vec(description, BINCODE)
        .expect("numbers, strings and sequences of known length can be encoded")
}

/// The description at the start of a payload, and its length; or what the decoder says.
pub(crate) fn decode<'a, D: Deserialize<'a>>(payload: &'a [u8]) -> Result<(D, usize), String> {
    bincode::serde::borrow_decode_from_slice(payload, BINCODE).map_err(|error| error.to_string())
}
