//! What must hold for any bytes whatever: owns the functions that the fuzzer calls, and `corpus.rs` for what it found;
//! refuses to know where bytes come from.

#[path = "../sealed/mod.rs"]
mod sealed;

use nn_train::Model;
use sealed::seal;

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
