//! The container of models and checkpoints, made by the bytes that its documentation lists: shares no code with the crate.
#![allow(dead_code, reason = "each test file uses a part of it")]

use sha2::{Digest, Sha256};

/// A sound container of version 1 around any payload. The kind is `NNM` for a model and `NNC` for a checkpoint.
pub(crate) fn seal(kind: &[u8; 3], payload: &[u8]) -> Vec<u8> {
    seal_as(1, kind, payload)
}

/// The same in any version.
pub(crate) fn seal_as(version: u8, kind: &[u8; 3], payload: &[u8]) -> Vec<u8> {
    let mut bytes = [&[0x89][..], kind, b"\r\n\x1a\n", &[version], b"\0\0\0"].concat();
    bytes.extend((payload.len() as u64).to_le_bytes());
    bytes.extend(payload);
    let checksum = Sha256::digest(&bytes);
    bytes.extend(checksum);
    bytes
}
