//! Owns the random networks and data of the tests, from seeds that each test states. Knows no formula.
#![allow(dead_code, reason = "each test program uses a part of it")]

use crate::oracle::Table;
use nn_core::ndarray::{Array1, Array2, ArrayView2};
use nn_core::rand::{Rng, SeedableRng};
use nn_core::{Activation, Dataset, Loss, Network};
use rand_chacha::ChaCha8Rng;
use std::panic::{AssertUnwindSafe, catch_unwind};

pub(crate) fn rng(seed: u64) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(seed)
}

/// Every loss with every output activation that it accepts.
pub(crate) fn losses_and_outputs() -> Vec<(Loss, Activation)> {
    let pair = |loss: Loss| Activation::ALL.into_iter().map(move |output| (loss, output));
    Loss::ALL.into_iter().flat_map(pair).filter(|(loss, output)| loss.accepts(*output)).collect()
}

/// Every activation that may stand before the last layer.
pub(crate) fn hidden_activations() -> Vec<Activation> {
    Activation::ALL.into_iter().filter(|activation| activation.is_elementwise()).collect()
}

/// A network of `widths[0]` inputs with random weights, and random biases too: the usual 0 would hide
/// a bias that is forgotten.
pub(crate) fn network(
    widths: &[usize],
    hidden: Activation,
    output: Activation,
    rng: &mut ChaCha8Rng,
) -> Network {
    let mut builder = Network::builder(widths[0]);
    for (layer, &units) in widths.iter().enumerate().skip(1) {
        builder = builder.dense(units, if layer + 1 == widths.len() { output } else { hidden });
    }
    let mut network = builder.build(rng).expect("every width is at least one");
    for layer in 0..network.depth() {
        let biases = Array1::from_shape_simple_fn(network.units(layer), || rng.random_range(-0.5..0.5));
        network.parameters_mut().biases_mut(layer).assign(&biases);
    }
    network
}

/// Numbers from -1 to 1, shape (samples, features).
pub(crate) fn floats(samples: usize, features: usize, rng: &mut ChaCha8Rng) -> Array2<f32> {
    Array2::from_shape_simple_fn((samples, features), || rng.random_range(-1.0..1.0))
}

/// Bytes of which the share `density` is not 0, shape (samples, features).
pub(crate) fn bytes(samples: usize, features: usize, density: f64, rng: &mut ChaCha8Rng) -> Array2<u8> {
    let byte = || if rng.random_bool(density) { rng.random_range(1..=255) } else { 0 };
    Array2::from_shape_simple_fn((samples, features), byte)
}

/// A random class for each sample.
pub(crate) fn classes(samples: usize, classes: usize, rng: &mut ChaCha8Rng) -> Vec<u8> {
    // A label is a byte, so wider outputs than 256 have classes that never occur.
    (0..samples).map(|_| rng.random_range(0..classes.min(256)) as u8).collect()
}

/// Bytes and labels that a data set borrows.
#[derive(Clone, Debug)]
pub(crate) struct Samples {
    pub(crate) pixels: Array2<u8>,
    pub(crate) labels: Vec<u8>,
    pub(crate) classes: usize,
}

impl Samples {
    pub(crate) fn new(
        samples: usize,
        features: usize,
        count: usize,
        density: f64,
        rng: &mut ChaCha8Rng,
    ) -> Self {
        let pixels = bytes(samples, features, density, rng);
        Self { pixels, labels: classes(samples, count, rng), classes: count }
    }

    pub(crate) fn dataset(&self) -> Dataset<'_> {
        let pixels = self.pixels.as_slice().expect("rows stand one after the other");
        Dataset::new(pixels, self.pixels.ncols(), &self.labels, self.classes).expect("the lengths agree")
    }
}

/// The numbers as the oracle takes them.
pub(crate) fn table(numbers: ArrayView2<'_, f32>) -> Table {
    numbers.rows().into_iter().map(|row| row.iter().map(|&x| f64::from(x)).collect()).collect()
}

/// What the bytes stand for, v / 255.
pub(crate) fn table_of_bytes(bytes: ArrayView2<'_, u8>) -> Table {
    bytes.rows().into_iter().map(|row| row.iter().map(|&v| f64::from(v) / 255.0).collect()).collect()
}

/// The message that `work` panics with, without what `assert_eq!` adds to it.
#[track_caller]
pub(crate) fn panic_of<T>(work: impl FnOnce() -> T) -> String {
    let panic = catch_unwind(AssertUnwindSafe(|| drop(work()))).expect_err("this should have panicked");
    let message = match panic.downcast::<String>() {
        Ok(message) => *message,
        Err(panic) => (*panic.downcast::<&str>().expect("a panic has a message")).to_owned(),
    };
    match message.strip_prefix("assertion `left == right` failed: ") {
        Some(rest) => rest.lines().next().unwrap_or_default().to_owned(),
        None => message,
    }
}
