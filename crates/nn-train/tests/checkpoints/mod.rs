//! What the tests of checkpoints share: a small fit, with data that can be learnt. Images are 2 x 3, there are 5
//! classes, 13 samples to train on and 10 to validate on.
#![allow(dead_code, reason = "each test file uses a part of it")]

use std::num::NonZeroUsize;

use nn_train::{
    Fingerprint, FitConfig, Ingredients, Order, Schedule, initial_rng,
    nn_core::{Activation, Dataset, Loss, Network, Parameters},
};

pub(crate) const FEATURES: usize = 6;
pub(crate) const CLASSES: usize = 5;
const SAMPLES: usize = 23;
const TRAIN: usize = 13;

/// Samples whose class can be seen: the pixel of the class is bright, the others are dim noise.
pub(crate) struct Samples {
    pub(crate) pixels: Vec<u8>,
    pub(crate) labels: Vec<u8>,
}

impl Samples {
    pub(crate) fn new() -> Samples {
        let labels: Vec<u8> = (0..SAMPLES).map(|i| (i * 7 % CLASSES) as u8).collect();
        let pixel = |i: usize, feature: usize| {
            let noise = (i * 31 + feature * 17) % 90;
            if feature == usize::from(labels[i]) { 200 + (noise / 2) as u8 } else { noise as u8 }
        };
        let pixels = (0..SAMPLES * FEATURES).map(|i| pixel(i / FEATURES, i % FEATURES)).collect();
        Samples { pixels, labels }
    }

    /// To train on and to validate on.
    pub(crate) fn halves(&self) -> (Dataset<'_>, Dataset<'_>) {
        Dataset::new(&self.pixels, FEATURES, &self.labels, CLASSES).unwrap().split_at(TRAIN)
    }
}

pub(crate) fn fingerprints(samples: &Samples) -> (Fingerprint, Fingerprint) {
    let (train, validation) = samples.halves();
    (Fingerprint::of(train), Fingerprint::of(validation))
}

pub(crate) fn network() -> Network {
    Network::builder(FEATURES)
        .dense(3, Activation::Relu)
        .dense(CLASSES, Activation::Identity)
        .build(&mut initial_rng(42))
        .unwrap()
}

/// Three epochs of three batches, of which the last is smaller.
pub(crate) fn config() -> FitConfig {
    FitConfig {
        epochs: 3,
        batch_size: size(5),
        loss: Loss::SoftmaxCrossEntropy,
        rate: 0.5,
        schedule: Schedule::OneCycle { warmup: 0.3 },
        seed: 7,
        threads: size(1),
        ingredients: Ingredients::NONE,
        order: Order::Full,
    }
}

pub(crate) fn size(n: usize) -> NonZeroUsize {
    NonZeroUsize::new(n).unwrap()
}

/// Bit patterns: a comparison of numbers would let 0 be -0.
pub(crate) fn bits(parameters: &Parameters) -> Vec<u32> {
    (0..parameters.layers())
        .flat_map(|layer| {
            let weights = parameters.weights(layer).to_owned();
            weights.into_iter().chain(parameters.biases(layer).to_owned()).map(f32::to_bits)
        })
        .collect()
}
