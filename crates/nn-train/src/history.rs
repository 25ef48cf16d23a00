//! What happened in a fit, epoch by epoch: owns which of them was the best, and refuses to know clocks and networks.

use nn_core::Tally;

/// What a [`fit`](crate::fit) remembers of an epoch: all of [`EpochReport`](crate::EpochReport) but the times and the
/// confusion matrix.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EpochSummary {
    /// The epoch, from 1.
    pub epoch: u32,
    /// The learning rate of the last step.
    pub rate: f32,
    /// The training samples, each measured before the update by its batch.
    pub train: Tally,
    /// The validation samples, measured after the epoch's last update.
    pub validation: Option<Tally>,
}

impl EpochSummary {
    /// The tally to judge the epoch by: of the validation samples if there are any, else of the training samples.
    #[must_use]
    pub fn measured(&self) -> Tally {
        self.validation.unwrap_or(self.train)
    }

    /// Whether it was [measured](Self::measured) to be more accurate than another epoch.
    #[must_use]
    pub fn is_better_than(&self, other: &EpochSummary) -> bool {
        self.measured().accuracy() > other.measured().accuracy()
    }
}

/// What happened in a [`fit`](crate::fit).
#[derive(Clone, Debug, PartialEq)]
pub struct History {
    /// The finished epochs, in order, with those that were finished before the fit was [resumed](crate::fit_from).
    pub epochs: Vec<EpochSummary>,
    /// Whether the observer stopped it before its last epoch was over.
    pub stopped_early: bool,
}

impl History {
    /// The last finished epoch.
    #[must_use]
    pub fn last(&self) -> Option<&EpochSummary> {
        self.epochs.last()
    }

    /// The epoch of the highest [measured](EpochSummary::measured) accuracy, the earliest of several.
    #[must_use]
    pub fn best(&self) -> Option<&EpochSummary> {
        best_of(&self.epochs)
    }
}

pub(crate) fn best_of(epochs: &[EpochSummary]) -> Option<&EpochSummary> {
    epochs.iter().reduce(|best, summary| if summary.is_better_than(best) { summary } else { best })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(correct: u64) -> Tally {
        Tally { samples: 10, correct, loss_sum: 1.0 }
    }

    /// A history of these numbers of right answers in ten, on training and, if given, on validation samples.
    fn history(epochs: &[(u64, Option<u64>)]) -> History {
        let summary = |(epoch, &(train, validation)): (u32, &(u64, Option<u64>))| EpochSummary {
            epoch,
            rate: 0.1,
            train: tally(train),
            validation: validation.map(tally),
        };
        History { epochs: (1..).zip(epochs).map(summary).collect(), stopped_early: false }
    }

    #[test]
    fn the_best_epoch_is_the_first_of_the_highest_validation_accuracy() {
        let best = |history: &History| history.best().map(|summary| summary.epoch);
        assert_eq!(best(&history(&[(7, Some(5)), (8, Some(9)), (9, Some(9)), (10, Some(8))])), Some(2));
        assert_eq!(best(&history(&[(7, None), (6, None), (7, None)])), Some(1));
        assert_eq!(best(&history(&[])), None);
    }
}
