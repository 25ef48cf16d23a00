//! What must hold for any bytes whatever: owns the functions that the fuzzer calls, and `corpus.rs` for what it found;
//! refuses to know where bytes come from.

use nn_train::Model;
use sha2::{Digest, Sha256};

/// The reader of model files. The first byte says what becomes of the rest: it is the file, or its payload, around which
/// a sound container is made, as whoever wants to do harm would.
pub(crate) fn model(bytes: &[u8]) {
    let Some((&way, rest)) = bytes.split_first() else { return };
    let file = if way % 2 == 0 { rest.to_vec() } else { seal(rest) };
    match Model::from_bytes(&file) {
        Ok(model) => {
            assert!(model.network.parameters().is_finite());
            // Not the same bytes, for a number may be spelled longer than it need be. From then on they are.
            let canonical = model.to_bytes().unwrap();
            assert_eq!(Model::from_bytes(&canonical).unwrap().to_bytes().unwrap(), canonical);
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// A sound container around any payload.
fn seal(payload: &[u8]) -> Vec<u8> {
    let mut bytes = b"\x89NNM\r\n\x1a\n\x01\0\0\0".to_vec();
    bytes.extend((payload.len() as u64).to_le_bytes());
    bytes.extend(payload);
    let checksum = Sha256::digest(&bytes);
    bytes.extend(checksum);
    bytes
}
