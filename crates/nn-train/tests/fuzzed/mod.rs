//! What must hold for any bytes whatever: owns the functions that the fuzzer calls, and `corpus.rs` for what it found;
//! refuses to know where bytes come from.

#[path = "../sealed/mod.rs"]
mod sealed;

use std::io::Write as _;

use nn_train::{
    Checkpoint, Limits, Model,
    interchange::{Format, ImportOptions, describe_bytes, from_bytes_with, to_bytes},
    nn_core::Activation,
};
use sealed::seal_as;

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

/// The reader of safetensors files.
pub(crate) fn safetensors(bytes: &[u8]) {
    import(bytes);
}

/// The reader of npz files. The first byte says what the rest is: the file, or the arrays in one, each after a byte for
/// its length, whose checksums are made sound.
pub(crate) fn npz(bytes: &[u8]) {
    let Some((&way, rest)) = bytes.split_first() else { return };
    if way % 2 == 0 {
        return import(rest);
    }
    let mut archive = rawzip::ZipArchiveWriter::new(Vec::new());
    let mut rest = rest;
    for name in ["W1.npy", "b1.npy", "W2.npy", "b2.npy", "description.npy"] {
        let Some((&len, after)) = rest.split_first() else { break };
        let (array, after) = after.split_at(after.len().min(usize::from(len)));
        let (mut entry, config) = archive.new_file(name).start().unwrap();
        let mut writer = config.wrap(&mut entry);
        writer.write_all(array).unwrap();
        let (_, descriptor) = writer.finish().unwrap();
        entry.finish(descriptor).unwrap();
        rest = after;
    }
    import(&archive.finish().unwrap());
}

/// The reader of ONNX files, which only describes them.
pub(crate) fn onnx(bytes: &[u8]) {
    import(bytes);
}

/// Whatever a file is, it is refused in words, or is a network that goes out again and comes back as it was.
fn import(bytes: &[u8]) {
    let limits = Limits { max_bytes: 1 << 20 };
    match describe_bytes(bytes, &limits) {
        Ok(contents) => assert!(contents.tensors.len() <= 20_000),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
    let options = ImportOptions { activations: Some(vec![Activation::Relu]), ..ImportOptions::default() };
    match from_bytes_with(bytes, &options, &limits) {
        Ok(model) => {
            assert!(model.network.parameters().is_finite());
            for format in [Format::Safetensors, Format::Npz] {
                let exported = to_bytes(&model, format).unwrap();
                let back = from_bytes_with(&exported, &ImportOptions::default(), &Limits::default()).unwrap();
                assert_eq!(back, model);
            }
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// The first byte says what becomes of the rest: it is the file, or its payload, around which a sound container is made,
/// as whoever wants to do harm would.
fn file_of(kind: &[u8; 3], bytes: &[u8]) -> Option<Vec<u8>> {
    let (&way, rest) = bytes.split_first()?;
    Some(match way % 4 {
        1 => seal_as(1, kind, rest),
        2 => seal_as(3, kind, rest),
        3 => seal_as(2, kind, rest),
        _ => rest.to_vec(),
    })
}
