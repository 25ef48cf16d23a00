//! Owns what a training step strives for: a loss, and what makes it harder than the data alone. Knows no
//! network.

use crate::dropout::Dropout;
use crate::loss::Loss;

/// What a training step lowers. A [`Loss`] alone is one too, with nothing added.
///
/// # Examples
/// ```
/// use nn_core::{Loss, Objective};
/// let plain = Objective::from(Loss::SoftmaxCrossEntropy);
/// let smoothed = Objective { label_smoothing: 0.1, ..plain };
/// assert_eq!((plain.label_smoothing, smoothed.loss), (0.0, Loss::SoftmaxCrossEntropy));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Objective {
    /// The loss.
    pub loss: Loss,
    /// How much of each label is given to all C outputs alike, 0 to 1: the target of a label is
    /// (1 - smoothing) onehot(label) + smoothing / C (Szegedy et al. 2016).
    pub label_smoothing: f32,
    /// What is left out of the network while it learns.
    pub dropout: Dropout,
}

impl From<Loss> for Objective {
    fn from(loss: Loss) -> Self {
        Self { loss, label_smoothing: 0.0, dropout: Dropout::NONE }
    }
}

impl Objective {
    /// # Panics
    /// If a number is out of its range.
    #[track_caller]
    pub(crate) fn check(&self) {
        let smoothing = self.label_smoothing;
        assert!((0.0..=1.0).contains(&smoothing), "a label smoothing of {smoothing}, expected 0 to 1");
        self.dropout.check();
    }
}
