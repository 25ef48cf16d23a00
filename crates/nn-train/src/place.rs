//! A place between two steps of a fit: owns what has happened up to there, and refuses to know networks and files.

use std::borrow::Cow;

use nn_core::{Average, Network, Tally};

use crate::{Averaging, EpochSummary, FitConfig, history};

/// How far a [`fit`](crate::fit) has come, between two of its steps. The default is its beginning.
///
/// The order of an epoch follows from seed and epoch, and the rate of a step from its number, so that a place, the
/// network and the optimizer are all that decides how a fit of some configuration on some data goes on.
///
/// There are as many places as steps, and one more at the end of each epoch: when its last batch is done, its
/// validation is still to come.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Place {
    /// The finished epochs, in order.
    pub epochs: Vec<EpochSummary>,
    /// Batches done of the epoch after those.
    pub batches: u64,
    /// The sum of those batches, each measured before its update.
    pub running: Tally,
    /// The average of the weights so far, once there is one.
    pub average: Option<Average>,
}

impl Place {
    /// The epoch of the highest [measured](EpochSummary::measured) accuracy so far, the earliest of several.
    #[must_use]
    pub fn best(&self) -> Option<&EpochSummary> {
        history::best_of(&self.epochs)
    }

    /// The network to use of a fit that has come to here with this one: with averages theirs, as far as there are any.
    #[must_use]
    pub fn judged<'a>(&self, network: &'a Network) -> Cow<'a, Network> {
        let Some(average) = &self.average else { return Cow::Borrowed(network) };
        let mut averaged = network.clone();
        average.write_to(&mut averaged);
        Cow::Owned(averaged)
    }

    /// The epoch that is under way, or about to begin, from 1.
    #[must_use]
    pub fn epoch(&self) -> u32 {
        u32::try_from(self.epochs.len()).unwrap_or(u32::MAX).saturating_add(1)
    }

    /// Steps done, where an epoch has so many batches.
    #[must_use]
    pub fn steps(&self, batches_per_epoch: u64) -> u64 {
        (self.epochs.len() as u64).saturating_mul(batches_per_epoch).saturating_add(self.batches)
    }

    /// Checks that a fit of this configuration on `samples` samples comes by here.
    ///
    /// # Errors
    /// [`InvalidPlace`] names what was expected and found.
    pub fn check(&self, config: &FitConfig, samples: u64) -> Result<(), InvalidPlace> {
        for (expected, summary) in (1..).zip(&self.epochs) {
            if summary.epoch != expected {
                return Err(InvalidPlace::Epoch { expected, found: summary.epoch });
            }
            let (epoch, found) = (summary.epoch, summary.train.samples);
            if found != samples {
                return Err(InvalidPlace::EpochSamples { epoch, expected: samples, found });
            }
        }
        let measured = self.epochs.iter().flat_map(|summary| [Some(summary.train), summary.validation]);
        for Tally { samples, correct, .. } in measured.flatten().chain([self.running]) {
            if correct > samples {
                return Err(InvalidPlace::Correct { samples, found: correct });
            }
        }
        let found = self.epochs.len() as u64;
        if found > u64::from(config.epochs) {
            return Err(InvalidPlace::Epochs { expected: config.epochs, found });
        }
        let batch_size = config.batch_size.get() as u64;
        let is_over = found == u64::from(config.epochs);
        let expected = if is_over { 0 } else { samples.div_ceil(batch_size) };
        if self.batches > expected {
            return Err(InvalidPlace::Batches { expected, found: self.batches });
        }
        let (expected, found) = (self.batches.saturating_mul(batch_size).min(samples), self.running.samples);
        if expected != found {
            return Err(InvalidPlace::Samples { batches: self.batches, expected, found });
        }
        let batches = samples.div_ceil(batch_size);
        let first_step =
            |averaging: Averaging| averaging.first_step(batches.saturating_mul(u64::from(config.epochs)));
        let is_averaged = |averaging: Averaging| self.steps(batches) > first_step(averaging);
        let expected = config.ingredients.average.is_some_and(is_averaged);
        if self.average.is_some() != expected {
            return Err(InvalidPlace::Average { expected });
        }
        if let (Some(averaging), Some(average)) = (config.ingredients.average, &self.average) {
            let (expected, (_, found)) = (self.steps(batches) - first_step(averaging), average.parts());
            if expected != found {
                return Err(InvalidPlace::Averaged { expected, found });
            }
        }
        Ok(())
    }
}

/// Why a [`Place`] is none of a fit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidPlace {
    /// The epochs are not numbered from 1.
    #[error("expected the summary of epoch {expected}, found that of epoch {found}")]
    Epoch {
        /// The epoch whose turn it is.
        expected: u32,
        /// The one that is there.
        found: u32,
    },
    /// A finished epoch has not seen every sample once.
    #[error("expected a tally of {expected} training samples in epoch {epoch}, found {found}")]
    EpochSamples {
        /// The epoch.
        epoch: u32,
        /// The samples to train on.
        expected: u64,
        /// The samples in the tally.
        found: u64,
    },
    /// A tally of samples of which more are right than there are.
    #[error("expected at most {samples} right answers in a tally of {samples} samples, found {found}")]
    Correct {
        /// The samples in the tally.
        samples: u64,
        /// The right answers in it.
        found: u64,
    },
    /// More epochs are finished than there are.
    #[error("expected at most {expected} finished epochs, found {found}")]
    Epochs {
        /// The epochs of the fit.
        expected: u32,
        /// Those that are said to be finished.
        found: u64,
    },
    /// More batches are done than the epoch has.
    #[error("expected at most {expected} batches of the epoch under way, found {found}")]
    Batches {
        /// The batches of an epoch, or 0 after the last one.
        expected: u64,
        /// Those that are said to be done.
        found: u64,
    },
    /// Weights were averaged that are not to be, or the other way round.
    #[error("expected {} of the weights so far", if *.expected { "an average" } else { "no average" })]
    Average {
        /// Whether there is to be an average.
        expected: bool,
    },
    /// The average is of another number of networks.
    #[error("expected an average of {expected} networks, found one of {found}")]
    Averaged {
        /// As many as steps that count.
        expected: u64,
        /// Those that it is said to have taken.
        found: u64,
    },
    /// The tally is not that of the batches.
    #[error("expected a tally of {expected} samples after {batches} batches, found {found}")]
    Samples {
        /// The batches that are done.
        batches: u64,
        /// The samples in them.
        expected: u64,
        /// The samples in the tally.
        found: u64,
    },
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroUsize;

    use nn_core::Loss;

    use super::*;
    use crate::{Ingredients, Order, Schedule};

    /// Three epochs, in batches of 5.
    fn config() -> FitConfig {
        FitConfig {
            epochs: 3,
            batch_size: NonZeroUsize::new(5).unwrap(),
            loss: Loss::SoftmaxCrossEntropy,
            rate: 0.5,
            schedule: Schedule::Constant,
            seed: 7,
            threads: NonZeroUsize::MIN,
            ingredients: Ingredients::NONE,
            order: Order::Full,
        }
    }

    /// Of 23 samples, so that the last batch has 3.
    fn check(epochs: &[u32], batches: u64, samples: u64) -> Result<(), InvalidPlace> {
        let summary =
            |&epoch: &u32| EpochSummary { epoch, rate: 0.5, train: tally(23, 20), validation: None };
        let place = Place {
            epochs: epochs.iter().map(summary).collect(),
            batches,
            running: tally(samples, 0),
            average: None,
        };
        place.check(&config(), 23)
    }

    fn tally(samples: u64, correct: u64) -> Tally {
        Tally { samples, correct, loss_sum: 0.0 }
    }

    #[test]
    fn a_fit_comes_by_every_batch_of_every_epoch_and_by_its_end() {
        for epochs in [&[][..], &[1], &[1, 2]] {
            for (batches, samples) in [(0, 0), (1, 5), (4, 20), (5, 23)] {
                assert_eq!(check(epochs, batches, samples), Ok(()));
            }
        }
        assert_eq!(check(&[1, 2, 3], 0, 0), Ok(()));
    }

    #[test]
    fn places_of_no_fit_are_refused() {
        assert_eq!(check(&[1, 3], 0, 0), Err(InvalidPlace::Epoch { expected: 2, found: 3 }));
        assert_eq!(check(&[1, 2, 3, 4], 0, 0), Err(InvalidPlace::Epochs { expected: 3, found: 4 }));
        assert_eq!(check(&[1], 6, 23), Err(InvalidPlace::Batches { expected: 5, found: 6 }));
        assert_eq!(check(&[1, 2, 3], 1, 5), Err(InvalidPlace::Batches { expected: 0, found: 1 }));
        assert_eq!(check(&[], u64::MAX, 0), Err(InvalidPlace::Batches { expected: 5, found: u64::MAX }));
        assert_eq!(check(&[], 5, 25), Err(InvalidPlace::Samples { batches: 5, expected: 23, found: 25 }));
        assert_eq!(check(&[], 0, 5), Err(InvalidPlace::Samples { batches: 0, expected: 0, found: 5 }));
    }

    #[test]
    fn tallies_of_no_fit_are_refused() {
        let check = |train, validation, running: Tally| {
            let summary = EpochSummary { epoch: 1, rate: 0.5, train, validation };
            let batches = running.samples.div_ceil(5);
            Place { epochs: vec![summary], batches, running, average: None }.check(&config(), 23)
        };
        assert_eq!(check(tally(23, 23), Some(tally(7, 7)), tally(10, 10)), Ok(()));
        assert_eq!(
            check(tally(22, 20), None, tally(0, 0)),
            Err(InvalidPlace::EpochSamples { epoch: 1, expected: 23, found: 22 })
        );
        let too_many = |samples, found| Err(InvalidPlace::Correct { samples, found });
        assert_eq!(check(tally(23, 24), None, tally(0, 0)), too_many(23, 24));
        assert_eq!(check(tally(23, 9), Some(tally(7, 8)), tally(0, 0)), too_many(7, 8));
        assert_eq!(check(tally(23, 9), Some(tally(7, 6)), tally(10, 11)), too_many(10, 11));
    }

    #[test]
    fn steps_are_counted_over_epochs() {
        let place = Place { batches: 2, ..Place::default() };
        assert_eq!((place.steps(5), place.epoch()), (2, 1));
    }
}
