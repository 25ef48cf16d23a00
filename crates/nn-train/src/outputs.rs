//! What a model says of every sample: owns logits and probabilities for whoever goes on with them, and refuses to judge.

use std::num::NonZeroUsize;

use nn_core::{Activation, Dataset, Engine, Network, ndarray::Array2};

use crate::{Incompatible, Model};

/// What a model says of each sample of a data set, in their order.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Outputs {
    /// The Z of the last layer, before its activation: shape (N, C).
    pub logits: Array2<f32>,
    /// What [`Loss::probabilities`](nn_core::Loss::probabilities) says of its A: shape (N, C).
    pub probabilities: Array2<f32>,
}

impl Outputs {
    /// Asks a model about all samples, with `threads` threads, on whose number nothing depends.
    ///
    /// # Errors
    /// [`Incompatible`] when model and data do not go together.
    ///
    /// # Examples
    /// ```
    /// use std::num::NonZeroUsize;
    /// use nn_train::{Outputs, Model, Preprocessing, nn_core::{Activation, Dataset, Loss, Network}};
    /// let network = Network::builder(3).dense(2, Activation::Sigmoid).zeros()?;
    /// let loss = Loss::BinaryCrossEntropy;
    /// let model = Model { network, loss, image_shape: vec![3], preprocessing: Preprocessing::None, class_names: None, record: None };
    /// let dataset = Dataset::new(&[0, 1, 2, 3, 4, 5], 3, &[0, 1], 2)?;
    /// let outputs = Outputs::of(&model, dataset, NonZeroUsize::MIN)?;
    /// assert_eq!((outputs.logits[[1, 0]], outputs.probabilities[[1, 0]]), (0.0, 0.5));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn of(model: &Model, dataset: Dataset<'_>, threads: NonZeroUsize) -> Result<Outputs, Incompatible> {
        let Model { network, loss, .. } = model;
        Incompatible::check(network, *loss, dataset)?;
        let seen = model.preprocessing.apply_all(dataset.pixels(), &model.image_shape, threads);
        let seen = dataset.with_pixels(&seen).expect("an image has as many pixels as before");
        let mut engine = Engine::new(threads);
        let a = engine.forward(network, seen);
        let probabilities = loss.probabilities(a.view());
        let logits = match without_last_activation(network) {
            None => a,
            Some(network) => engine.forward(&network, seen),
        };
        Ok(Outputs { logits, probabilities })
    }
}

/// The network that gives the Z of the last layer, if it is another one.
fn without_last_activation(network: &Network) -> Option<Network> {
    let last = network.depth() - 1;
    if network.activation(last) == Activation::Identity {
        return None;
    }
    let mut builder = Network::builder(network.inputs());
    for layer in 0..network.depth() {
        let activation = if layer == last { Activation::Identity } else { network.activation(layer) };
        builder = builder.dense(network.units(layer), activation);
    }
    let mut twin = builder.zeros().expect("layers of these sizes are there already");
    *twin.parameters_mut() = network.parameters().clone();
    Some(twin)
}
