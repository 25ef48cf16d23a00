//! What a network answers to each sample of a data set: owns which class it takes each for and how sure it is, and
//! refuses to know what is made of it.

use std::num::NonZeroUsize;

use nn_core::{Dataset, Engine, Loss, Network, predicted_class};

use crate::Incompatible;

/// What a network says to one sample.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Answer {
    /// The number of the sample, from 0.
    pub sample: usize,
    /// The class that the data gives it.
    pub label: usize,
    /// The class that the network takes it for.
    pub predicted: usize,
    /// The [probability](Loss::probabilities) that the network gives to the class it takes it for.
    pub confidence: f32,
    /// The probability that the network gives to the label.
    pub label_probability: f32,
}

impl Answer {
    /// Whether the network takes the sample for its label.
    #[must_use]
    pub fn is_right(&self) -> bool {
        self.predicted == self.label
    }
}

/// Samples that are asked about together. Their outputs are all that is kept at a time beside the answers.
pub(crate) const ASKED_TOGETHER: usize = 4096;

/// Asks a network about each sample, with `threads` threads; the answers do not depend on their number, and are those
/// that [`evaluate`](crate::evaluate) counts.
///
/// # Errors
/// [`Incompatible`] when network, loss and data do not go together.
///
/// # Examples
/// ```
/// use std::num::NonZeroUsize;
/// use nn_train::{answers, nn_core::{Activation, Dataset, Loss, Network}};
///
/// // All scores are equal, so the first class is predicted for every sample, with probability 1/2.
/// let network = Network::builder(3).dense(2, Activation::Identity).zeros()?;
/// let dataset = Dataset::new(&[0, 1, 2, 3, 4, 5], 3, &[0, 1], 2)?;
/// let answers = answers(&network, Loss::SoftmaxCrossEntropy, dataset, NonZeroUsize::MIN)?;
/// assert!(answers[0].is_right() && !answers[1].is_right());
/// assert_eq!((answers[1].predicted, answers[1].confidence, answers[1].label_probability), (0, 0.5, 0.5));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn answers(
    network: &Network,
    loss: Loss,
    dataset: Dataset<'_>,
    threads: NonZeroUsize,
) -> Result<Vec<Answer>, Incompatible> {
    Incompatible::check(network, loss, dataset)?;
    let mut engine = Engine::new(threads);
    let mut answers = Vec::with_capacity(dataset.len());
    for start in (0..dataset.len()).step_by(ASKED_TOGETHER) {
        let share = dataset.slice(start..dataset.len().min(start + ASKED_TOGETHER));
        let outputs = engine.forward(network, share);
        let probabilities = loss.probabilities(outputs.view());
        for (row, (outputs, probabilities)) in
            outputs.rows().into_iter().zip(probabilities.rows()).enumerate()
        {
            // Two outputs may round to one probability; the prediction is that of the outputs.
            let predicted = predicted_class(outputs.as_slice().unwrap_or_default());
            let label = usize::from(share.label(row));
            answers.push(Answer {
                sample: start + row,
                label,
                predicted,
                confidence: probabilities[predicted],
                label_probability: probabilities[label],
            });
        }
    }
    Ok(answers)
}

/// The wrong answers, at most `count`, the one first that the network was surest of; of equal ones the first sample.
///
/// # Examples
/// ```
/// use nn_train::{Answer, surest_mistakes};
///
/// let answer = |sample, predicted, confidence| {
///     Answer { sample, label: 1, predicted, confidence, label_probability: 1.0 - confidence }
/// };
/// let answers = [answer(0, 0, 0.6), answer(1, 1, 0.9), answer(2, 0, 0.8), answer(3, 0, 0.6)];
/// let samples: Vec<usize> = surest_mistakes(&answers, 2).iter().map(|answer| answer.sample).collect();
/// assert_eq!(samples, [2, 0]);
/// ```
#[must_use]
pub fn surest_mistakes(answers: &[Answer], count: usize) -> Vec<Answer> {
    let mut mistakes: Vec<Answer> = answers.iter().filter(|answer| !answer.is_right()).copied().collect();
    // Stable, so that equal ones keep their order.
    mistakes.sort_by(|a, b| b.confidence.total_cmp(&a.confidence));
    mistakes.truncate(count);
    mistakes
}
