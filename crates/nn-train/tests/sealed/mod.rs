//! The container of models and checkpoints, made by the bytes that its documentation lists: shares no code with the crate.

use sha2::{Digest, Sha256};

/// A sound container around any payload. The kind is `NNM` for a model and `NNC` for a checkpoint.
pub(crate) fn seal(kind: &[u8; 3], payload: &[u8]) -> Vec<u8> {
    let mut bytes = [&[0x89][..], kind, b"\r\n\x1a\n\x01\0\0\0"].concat();
    bytes.extend((payload.len() as u64).to_le_bytes());
    bytes.extend(payload);
    let checksum = Sha256::digest(&bytes);
    bytes.extend(checksum);
    bytes
}
