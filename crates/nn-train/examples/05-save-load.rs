//! Keeps a network in a file, shows that it comes back bit for bit, and what becomes of a damaged file.

#![expect(clippy::print_stdout, reason = "an example shows its results")]

use std::{error::Error, fs};

use nn_train::{
    Model, Preprocessing, initial_rng, load,
    nn_core::{Activation, Loss, Network, ndarray::array},
    save,
};

fn main() -> Result<(), Box<dyn Error>> {
    let model = Model {
        network: Network::builder(6)
            .dense(4, Activation::Relu)
            .dense(3, Activation::Identity)
            .build(&mut initial_rng(42))?,
        loss: Loss::SoftmaxCrossEntropy,
        image_shape: vec![2, 3],
        preprocessing: Preprocessing::None,
        class_names: Some(vec!["circle".to_owned(), "square".to_owned(), "triangle".to_owned()]),
        record: None, // an untrained network has none
    };
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("shapes.model");

    save(&model, &path)?;
    let loaded = load(&path)?;
    assert_eq!(loaded, model);
    println!("{} parameters in {} bytes", loaded.network.parameter_count(), fs::metadata(&path)?.len());

    let image = array![[0_u8, 255, 0, 128, 255, 128]];
    let probabilities = loaded.loss.probabilities(loaded.network.forward(&image).view());
    for (name, probability) in loaded.class_names.iter().flatten().zip(&probabilities) {
        println!("{name:>8}: {:5.1} %", 100.0 * probability);
    }

    // One bit of one weight, and the file says so.
    let mut bytes = fs::read(&path)?;
    let last_weight = bytes.len() - 33;
    bytes[last_weight] ^= 1;
    fs::write(&path, bytes)?;
    let error = load(&path).err().ok_or("a damaged file was loaded")?;
    println!("{error}: {}", error.source().map_or(String::new(), ToString::to_string));
    Ok(())
}
