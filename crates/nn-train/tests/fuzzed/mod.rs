//! What must hold for any bytes whatever: owns the functions that the fuzzer calls, and `corpus.rs` for what it found;
//! refuses to know where bytes come from.

#[path = "../sealed/mod.rs"]
mod sealed;

use nn_train::{Checkpoint, Model};
use sealed::seal;

/// The reader of model files.
pub(crate) fn model(bytes: &[u8]) {
    let Some(file) = file_of(b"NNM", bytes) else { return };
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

/// The reader of checkpoints.
pub(crate) fn checkpoint(bytes: &[u8]) {
    let Some(file) = file_of(b"NNC", bytes) else { return };
    match Checkpoint::from_bytes(&file) {
        Ok(checkpoint) => {
            assert!(checkpoint.network.parameters().is_finite());
            let canonical = checkpoint.to_bytes().unwrap();
            assert_eq!(Checkpoint::from_bytes(&canonical).unwrap().to_bytes().unwrap(), canonical);
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// The first byte says what becomes of the rest: it is the file, or its payload, around which a sound container is made,
/// as whoever wants to do harm would.
fn file_of(kind: &[u8; 3], bytes: &[u8]) -> Option<Vec<u8>> {
    let (&way, rest) = bytes.split_first()?;
    Some(if way % 2 == 0 { rest.to_vec() } else { seal(kind, rest) })
}
