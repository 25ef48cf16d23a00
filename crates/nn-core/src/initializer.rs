//! Owns the distributions that parameters are drawn from before training. Picks no seed.

use crate::Activation;
use ndarray::{Array1, Array2};
use ndarray_rand::{RandomExt, rand::Rng, rand_distr::Normal};

/// How a layer's weights W (I, O) and biases b (O) are drawn. Biases are 0 but for
/// [`Initializer::Normal`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Initializer {
    /// N(0, deviation^2), biases too. The article's has a deviation of 0.01.
    Normal {
        /// Standard deviation.
        deviation: f32,
    },
    /// N(0, 2 / I), for ReLUs, which pass half of the variance on (He et al. 2015).
    He,
    /// N(0, 2 / (I + O)), for sigmoid and tanh (Glorot and Bengio 2010).
    Glorot,
}

impl Initializer {
    /// The one that keeps the variance of a layer with this activation: He for the ReLUs, else Glorot.
    #[must_use]
    pub const fn suiting(activation: Activation) -> Self {
        match activation {
            Activation::Relu | Activation::LeakyRelu => Self::He,
            Activation::Identity | Activation::Sigmoid | Activation::Tanh | Activation::Softmax => {
                Self::Glorot
            }
        }
    }

    /// The standard deviation of the weights of a layer of I inputs and O outputs.
    #[must_use]
    pub fn deviation(self, inputs: usize, outputs: usize) -> f32 {
        match self {
            Self::Normal { deviation } => deviation,
            Self::He => (2.0 / inputs as f32).sqrt(),
            Self::Glorot => (2.0 / (inputs + outputs) as f32).sqrt(),
        }
    }

    /// Draws W (I, O), then b (O).
    pub(crate) fn draw(
        self,
        inputs: usize,
        outputs: usize,
        rng: &mut impl Rng,
    ) -> (Array2<f32>, Array1<f32>) {
        let normal = Normal::new(0.0, self.deviation(inputs, outputs)).expect("a deviation is finite");
        let weights = Array2::random_using((inputs, outputs), normal, rng);
        let biases = match self {
            Self::Normal { .. } => Array1::random_using(outputs, normal, rng),
            Self::He | Self::Glorot => Array1::zeros(outputs),
        };
        (weights, biases)
    }
}
