//! The container of a model file, made by the bytes that its documentation lists: shares no code with the crate.

use sha2::{Digest, Sha256};

/// A sound container around any payload.
pub(crate) fn seal(payload: &[u8]) -> Vec<u8> {
    let mut bytes = b"\x89NNM\r\n\x1a\n\x01\0\0\0".to_vec();
    bytes.extend((payload.len() as u64).to_le_bytes());
    bytes.extend(payload);
    let checksum = Sha256::digest(&bytes);
    bytes.extend(checksum);
    bytes
}
