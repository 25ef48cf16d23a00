//! Owns what is counted while a network is judged: samples, right answers, loss, and which class was
//! taken for which.

use ndarray::Array2;
use std::ops::AddAssign;

/// Sums over some samples.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Tally {
    /// Number of samples.
    pub samples: u64,
    /// Samples whose predicted class is theirs.
    pub correct: u64,
    /// The sum of the samples' losses.
    pub loss_sum: f64,
}

impl Tally {
    /// Loss per sample, in nats for the cross-entropies; not a number where there is no sample.
    #[must_use]
    pub fn mean_loss(&self) -> f64 {
        self.loss_sum / self.samples as f64
    }

    /// Right answers per sample, 0 to 1; not a number where there is no sample.
    #[must_use]
    pub fn accuracy(&self) -> f64 {
        self.correct as f64 / self.samples as f64
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.samples += other.samples;
        self.correct += other.correct;
        self.loss_sum += other.loss_sum;
    }
}

/// How a network does on a data set.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation {
    /// The sums.
    pub tally: Tally,
    /// Shape (C, C): at [true class, predicted class], how many samples.
    pub confusion: Array2<u64>,
}

impl Evaluation {
    /// That of a network of so many outputs on no samples yet.
    #[must_use]
    pub fn new(classes: usize) -> Self {
        Self { tally: Tally::default(), confusion: Array2::zeros((classes, classes)) }
    }
}

/// The class of the greatest output, the first of equals; outputs that are not numbers never win. Where none is a
/// number above negative infinity, or there is none, it is 0.
///
/// # Examples
/// ```
/// assert_eq!(nn_core::predicted_class(&[0.1, 0.7, 0.7]), 1);
/// ```
#[must_use]
#[inline]
pub fn predicted_class(outputs: &[f32]) -> usize {
    // Two loops, of which the first has no branch: which class wins is not to be predicted.
    let greatest =
        outputs.iter().fold(f32::NEG_INFINITY, |greatest, &z| if z > greatest { z } else { greatest });
    outputs.iter().position(|&output| output == greatest).unwrap_or(0)
}
