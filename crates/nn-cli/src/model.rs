//! A saved network in use: owns the questions that `eval` and `predict` ask of it, and refuses to know how it is
//! stored or computed.

use std::{borrow::Cow, num::NonZeroUsize, path::Path};

use anyhow::{Result, ensure};
use nn_train::{
    ContainerError, DataFiles, DecodeError, LoadError, Model, RunFolder,
    nn_core::{Dataset, Network, ndarray::ArrayView2, predicted_class},
};
use serde::Serialize;

use crate::{
    failure::Advised,
    output::{one_line, shape, shell_word},
};

/// Loads a model.
///
/// # Errors
/// When there is none at the path.
pub(crate) fn load(path: &Path) -> Result<Model> {
    if path.is_dir() {
        let message = format!("cannot load {}: expected a model file, found a folder", path.display());
        let network = path.join(RunFolder::LAST_MODEL);
        let hint = if network.is_file() {
            format!("the folder is that of a run; its last network is {}", shell_word(&network))
        } else {
            "name the file that `nn-cli train` saved".to_owned()
        };
        return Err(Advised::new(message, hint).into());
    }
    refuse_named_pipe(path, "a model file")?;
    Ok(nn_train::load(path)?)
}

/// Whether there is a model, though perhaps a damaged one or one of a later release.
pub(crate) fn is_model(path: &Path) -> bool {
    match nn_train::load(path) {
        Ok(_) => true,
        Err(LoadError::Invalid { source, .. }) => {
            !matches!(source, DecodeError::Container(ContainerError::Magic { .. }))
        }
        Err(_) => false,
    }
}

/// Refuses a path that would be waited for until somebody writes to it, which may be never.
///
/// # Errors
/// When it is such a path.
pub(crate) fn refuse_named_pipe(path: &Path, what: &str) -> Result<()> {
    if !nn_cli::pipe::is_named(path) {
        return Ok(());
    }
    let message = format!("cannot read {}: expected {what}, found a named pipe", path.display());
    Err(Advised::new(message, "write what it gives to a file first").into())
}

/// A class and how probable it is.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Guess {
    pub(crate) class: usize,
    pub(crate) probability: f32,
}

/// The classes that the model finds most probable for an image as it [sees](see) it, at most `top`, the predicted one
/// first.
///
/// Images are asked about one by one, so that the answer does not depend on their neighbours in a batch.
///
/// # Errors
/// When the image has not as many pixels as the model takes.
pub(crate) fn predict(model: &Model, seen: &[u8], top: usize) -> Result<Vec<Guess>> {
    ensure!(
        seen.len() == model.network.inputs(),
        "expected {} pixels for this model, found {}",
        model.network.inputs(),
        seen.len()
    );
    let inputs = ArrayView2::from_shape((1, seen.len()), seen)?;
    Ok(guesses(model, model.network.forward(inputs).view(), top))
}

/// An image as the model's preprocessing makes it.
pub(crate) fn see<'a>(model: &Model, pixels: &'a [u8]) -> Cow<'a, [u8]> {
    model.preprocessing.apply_all(pixels, &model.image_shape, NonZeroUsize::MIN)
}

/// The images of a data set as the model's preprocessing makes them.
pub(crate) fn see_all<'a>(model: &Model, dataset: Dataset<'a>, threads: NonZeroUsize) -> Cow<'a, [u8]> {
    model.preprocessing.apply_all(dataset.pixels(), &model.image_shape, threads)
}

/// The classes that outputs, shape (1, C), make most probable, at most `top`, the predicted one first.
pub(crate) fn guesses(model: &Model, outputs: ArrayView2<'_, f32>, top: usize) -> Vec<Guess> {
    let predicted = predicted_class(outputs.row(0).as_slice().unwrap_or_default());
    let probabilities = model.loss.probabilities(outputs);
    let mut guesses: Vec<Guess> =
        probabilities.iter().enumerate().map(|(class, &probability)| Guess { class, probability }).collect();
    // Two outputs may round to one probability; the prediction is that of the outputs.
    guesses.sort_by(|a, b| {
        let by_probability = b.probability.total_cmp(&a.probability);
        (b.class == predicted).cmp(&(a.class == predicted)).then(by_probability).then(a.class.cmp(&b.class))
    });
    guesses.truncate(top);
    guesses
}

/// Gives a model without names for its classes those of the data, if there are as many.
pub(crate) fn name_classes(model: &mut Model, files: &DataFiles) {
    if model.class_names.is_none() {
        model.class_names = files
            .class_names()
            .filter(|names| names.len() == model.network.outputs())
            .map(<[String]>::to_vec);
    }
}

/// What a class is called, if not by its number.
pub(crate) fn class_name(model: &Model, class: usize) -> Option<&str> {
    model.class_names.as_ref()?.get(class).map(String::as_str)
}

/// What a class is called, for a terminal.
pub(crate) fn class_text(model: &Model, class: usize) -> String {
    class_name(model, class).map_or_else(|| class.to_string(), one_line)
}

/// Inputs, then the units of each layer: 784, 100, 10.
pub(crate) fn layers(network: &Network) -> Vec<usize> {
    std::iter::once(network.inputs()).chain((0..network.depth()).map(|layer| network.units(layer))).collect()
}

/// Checks that images of the data set are of the model's shape; one of the two may be flat.
pub(crate) fn check_images(model: &Model, path: &Path, files: &DataFiles) -> Result<()> {
    let (expected, found) = (&model.image_shape[..], files.image_shape());
    let pixels: usize = found.iter().product();
    let is_flat = expected.len() < 2 || found.len() < 2;
    if expected == found || (is_flat && pixels == model.network.inputs()) {
        return Ok(());
    }
    let message = format!(
        "{} does not fit the data: expected images of {}, found {} in {}",
        path.display(),
        shape(expected),
        shape(found),
        files.images().path().display()
    );
    Err(Advised::new(message, "--data names the folder of the data set that the model was trained on").into())
}
