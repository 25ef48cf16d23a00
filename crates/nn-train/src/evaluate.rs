//! How good a network is: owns the scores of each class and what goes together with what, and refuses to know how
//! the network came about.

use std::num::NonZeroUsize;

use nn_core::{Activation, Engine, Evaluation, Loss, Network, ndarray::ArrayView2};

use crate::Samples;

/// Measures a network on a data set, with `threads` threads; the result does not depend on their number.
///
/// The data may have fewer classes than the network has outputs: a test set need not show all of them.
///
/// # Errors
/// [`Incompatible`] when network, loss and data do not go together.
///
/// # Examples
/// ```
/// use std::num::NonZeroUsize;
/// use nn_train::{ClassReport, evaluate, nn_core::{Activation, Dataset, Loss, Network}};
///
/// // All scores are equal, so the first class is predicted for every sample.
/// let network = Network::builder(3).dense(2, Activation::Identity).zeros()?;
/// let dataset = Dataset::new(&[0, 1, 2, 3, 4, 5], 3, &[0, 1], 2)?;
/// let evaluation = evaluate(&network, Loss::SoftmaxCrossEntropy, dataset, NonZeroUsize::MIN)?;
/// assert_eq!(evaluation.tally.accuracy(), 0.5);
///
/// let report = ClassReport::new(evaluation.confusion.view());
/// assert_eq!((report.classes[0].precision, report.classes[0].recall), (0.5, 1.0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn evaluate<'a>(
    network: &Network,
    loss: Loss,
    samples: impl Into<Samples<'a>>,
    threads: NonZeroUsize,
) -> Result<Evaluation, Incompatible> {
    let samples = samples.into();
    Incompatible::check(network, loss, samples)?;
    Ok(samples.evaluate(&mut Engine::new(threads), network, loss))
}

/// Why a network cannot be trained or measured with some loss on some data.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Incompatible {
    /// There is nothing to measure.
    #[error("expected at least one sample, found none")]
    NoSamples,
    /// The samples are not of the size that the network takes.
    #[error("expected samples of {network} features for this network, found {data}")]
    Features {
        /// Inputs of the network.
        network: usize,
        /// Features of the data.
        data: usize,
    },
    /// The data has classes for which the network has no output.
    #[error("expected at most {network} classes for this network, found {data}")]
    Classes {
        /// Outputs of the network.
        network: usize,
        /// Classes of the data.
        data: usize,
    },
    /// The loss is not defined on what the network's last layer gives.
    #[error("loss {loss} expects output activation {}, found {output}", loss.output_activation())]
    Loss {
        /// The loss.
        loss: Loss,
        /// The activation of the network's last layer.
        output: Activation,
    },
}

impl Incompatible {
    /// Checks that a network can be measured with this loss on samples.
    ///
    /// # Errors
    /// What is in the way of it.
    pub fn check<'a>(
        network: &Network,
        loss: Loss,
        samples: impl Into<Samples<'a>>,
    ) -> Result<(), Incompatible> {
        let samples = samples.into();
        let output = network.activation(network.depth() - 1);
        if !loss.accepts(output) {
            return Err(Incompatible::Loss { loss, output });
        }
        if samples.is_empty() {
            return Err(Incompatible::NoSamples);
        }
        if samples.features() != network.inputs() {
            return Err(Incompatible::Features { network: network.inputs(), data: samples.features() });
        }
        if samples.classes() > network.outputs() {
            return Err(Incompatible::Classes { network: network.outputs(), data: samples.classes() });
        }
        Ok(())
    }
}

/// How well each class is told from the others.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ClassReport {
    /// The scores of each class.
    pub classes: Vec<ClassScore>,
    /// The mean precision of the classes that occur, as label or as prediction; each counts the same.
    pub macro_precision: f64,
    /// The mean recall of the same classes.
    pub macro_recall: f64,
    /// The mean F1 of the same classes.
    pub macro_f1: f64,
}

/// The scores of one class. A quotient 0/0 is 0, as in scikit-learn.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct ClassScore {
    /// Samples of this class.
    pub support: u64,
    /// Samples taken for this class.
    pub predicted: u64,
    /// Samples of this class that were taken for it.
    pub correct: u64,
    /// `correct / predicted`: how far to believe a prediction of this class.
    pub precision: f64,
    /// `correct / support`: how much of this class is found.
    pub recall: f64,
    /// The harmonic mean of the two, `2 correct / (support + predicted)`.
    pub f1: f64,
}

impl ClassReport {
    /// The report of a confusion matrix, shape (C, C): the entry at `[true class, predicted class]` counts samples.
    ///
    /// # Panics
    /// If the matrix is not square.
    #[must_use]
    #[track_caller]
    pub fn new(confusion: ArrayView2<'_, u64>) -> ClassReport {
        assert!(
            confusion.is_square(),
            "expected a square confusion matrix, found shape {:?}",
            confusion.shape()
        );
        let classes: Vec<ClassScore> = (0..confusion.nrows())
            .map(|class| {
                let support = confusion.row(class).sum();
                let predicted = confusion.column(class).sum();
                let correct = confusion[[class, class]];
                ClassScore {
                    support,
                    predicted,
                    correct,
                    precision: ratio(correct, predicted),
                    recall: ratio(correct, support),
                    f1: ratio(2 * correct, support + predicted),
                }
            })
            .collect();

        let occurring: Vec<&ClassScore> =
            classes.iter().filter(|class| class.support + class.predicted > 0).collect();
        let mean = |score: fn(&ClassScore) -> f64| {
            occurring.iter().map(|class| score(class)).sum::<f64>() / occurring.len().max(1) as f64
        };
        let macro_precision = mean(|class| class.precision);
        let macro_recall = mean(|class| class.recall);
        let macro_f1 = mean(|class| class.f1);
        ClassReport { classes, macro_precision, macro_recall, macro_f1 }
    }
}

fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

#[cfg(test)]
mod tests {
    use nn_core::ndarray::{Array2, array};

    use super::*;

    #[test]
    fn scores_are_those_of_scikit_learn() {
        // from sklearn.metrics import precision_recall_fscore_support as scores
        // t = [0] * 5 + [1] * 3 + [2] * 4
        // p = [0, 0, 0, 1, 2, 1, 1, 0, 2, 2, 2, 2]
        // scores(t, p)                   -> [3/4, 2/3, 4/5], [3/5, 2/3, 1], [2/3, 2/3, 8/9], [5, 3, 4]
        // scores(t, p, average="macro")  -> 133/180, 34/45, 20/27
        let report = ClassReport::new(array![[3, 1, 1], [1, 2, 0], [0, 0, 4]].view());

        let column = |score: fn(&ClassScore) -> f64| report.classes.iter().map(score).collect::<Vec<_>>();
        assert_eq!(column(|class| class.precision), [3.0 / 4.0, 2.0 / 3.0, 4.0 / 5.0]);
        assert_eq!(column(|class| class.recall), [3.0 / 5.0, 2.0 / 3.0, 1.0]);
        assert_eq!(column(|class| class.f1), [6.0 / 9.0, 4.0 / 6.0, 8.0 / 9.0]);
        let counts: Vec<_> = report.classes.iter().map(|c| (c.support, c.predicted, c.correct)).collect();
        assert_eq!(counts, [(5, 4, 3), (3, 3, 2), (4, 5, 4)]);
        assert!((report.macro_precision - 133.0 / 180.0).abs() < 1e-15);
        assert!((report.macro_recall - 34.0 / 45.0).abs() < 1e-15);
        assert!((report.macro_f1 - 20.0 / 27.0).abs() < 1e-15);
    }

    #[test]
    fn a_class_that_is_never_predicted_or_never_occurs_scores_zero() {
        // Class 1 occurs and is never predicted; class 2 is predicted and never occurs.
        let report = ClassReport::new(array![[2, 0, 0], [0, 0, 1], [0, 0, 0]].view());
        for class in [1, 2] {
            let score = report.classes[class];
            assert_eq!((score.precision, score.recall, score.f1), (0.0, 0.0, 0.0));
        }
        assert_eq!(report.macro_f1, 1.0 / 3.0);
    }

    #[test]
    fn a_class_that_neither_occurs_nor_is_predicted_is_left_out_of_the_means() {
        let report = ClassReport::new(array![[2, 0, 0], [0, 0, 0], [0, 0, 3]].view());
        assert_eq!((report.macro_precision, report.macro_recall, report.macro_f1), (1.0, 1.0, 1.0));
    }

    #[test]
    fn an_empty_matrix_has_no_nan_in_it() {
        let report = ClassReport::new(Array2::zeros((3, 3)).view());
        assert_eq!((report.macro_precision, report.macro_recall, report.macro_f1), (0.0, 0.0, 0.0));
    }
}
