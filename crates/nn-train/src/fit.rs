//! The training loop: owns when which sample is seen at which rate, and when to stop, and refuses to know how a step
//! is computed.

use std::{num::NonZeroUsize, ops::ControlFlow, time::Instant};

use nn_core::{Dataset, Engine, Loss, Network, Optimizer, Tally};

use crate::{
    BatchReport, EpochReport, FitPlan, Incompatible, InvalidSchedule, Observer, Schedule, fill_epoch_order,
};

/// What to do in a [`fit`]. There are no defaults: whoever calls knows more.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FitConfig {
    /// How often to see every sample; at least once.
    pub epochs: u32,
    /// Samples in a step. The last batch of an epoch has what is left, and a size beyond the number of samples means
    /// one batch of all.
    pub batch_size: NonZeroUsize,
    /// What to minimise.
    pub loss: Loss,
    /// The learning rate at its highest; finite and above 0.
    pub rate: f32,
    /// How the rate moves.
    pub schedule: Schedule,
    /// Decides the order of every epoch, by [`epoch_order`](crate::epoch_order).
    pub seed: u64,
    /// Threads to compute with. The result does not depend on their number.
    pub threads: NonZeroUsize,
}

/// Trains a network.
///
/// In each epoch every sample is seen once, in the order of [`epoch_order`](crate::epoch_order). Before each step the
/// optimizer's rate is set to that of the schedule. After each epoch the network is measured on the validation data,
/// if there is any, and the observer hears of it; [`Observer`] has the exact sequence.
///
/// The parameters that come out depend on the network and optimizer that went in, the data and the configuration, to
/// the last bit, and not on the number of threads. (Processors with other vector instructions may round otherwise.)
///
/// # Errors
/// [`FitError`]: either the arguments do not go together, and nothing has happened, or training diverged, and
/// **`network` holds no useful numbers any more**.
///
/// # Panics
/// If `optimizer` has stepped a network of other shapes before.
///
/// # Examples
/// ```
/// use std::num::NonZeroUsize;
/// use nn_train::{FitConfig, Schedule, fit, initial_rng};
/// use nn_train::nn_core::{Activation, Dataset, Loss, Network, Optimizer};
///
/// // Four samples of three pixels: class 0 is bright on the left, class 1 on the right.
/// let train = Dataset::new(&[255, 9, 0, 210, 0, 30, 0, 40, 220, 20, 0, 255], 3, &[0, 0, 1, 1], 2)?;
/// let mut network = Network::builder(3).dense(2, Activation::Identity).build(&mut initial_rng(42))?;
/// let mut optimizer = Optimizer::sgd(0.5);
/// let config = FitConfig {
///     epochs: 20,
///     batch_size: NonZeroUsize::new(2).unwrap(),
///     loss: Loss::SoftmaxCrossEntropy,
///     rate: 0.5,
///     schedule: Schedule::Constant,
///     seed: 42,
///     threads: NonZeroUsize::MIN,
/// };
/// let history = fit(&mut network, &mut optimizer, train, None, &config, &mut ())?;
/// assert_eq!(history.epochs.len(), 20);
/// assert_eq!(history.epochs[19].train.accuracy(), 1.0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn fit(
    network: &mut Network,
    optimizer: &mut Optimizer,
    train: Dataset<'_>,
    validation: Option<Dataset<'_>>,
    config: &FitConfig,
    observer: &mut dyn Observer,
) -> Result<History, FitError> {
    config.check(network, train, validation)?;
    let mut engine = Engine::new(config.threads);
    let batch_size = config.batch_size.get();
    let plan = FitPlan {
        epochs: config.epochs,
        batches: train.len().div_ceil(batch_size) as u64,
        batch_size,
        samples: train.len(),
        validation_samples: validation.map(|validation| validation.len()),
    };
    observer.fit_started(&plan);

    let mut history = History { epochs: Vec::new(), stopped_early: false };
    let mut order = Vec::new();
    for epoch in 1..=config.epochs {
        observer.epoch_started(epoch);
        fill_epoch_order(&mut order, config.seed, epoch, train.len());

        let train_start = Instant::now();
        let mut running = Tally::default();
        let first_step = u64::from(epoch - 1) * plan.batches;
        let mut batches = order.chunks(batch_size).peekable();
        let mut batch = 0;
        while let Some(indices) = batches.next() {
            batch += 1;
            let next = batches.peek().copied().unwrap_or_default();
            let step = first_step + batch - 1;
            let rate = config.schedule.rate(config.rate, step, plan.batches, config.epochs);
            optimizer.set_rate(rate);
            let tally = engine.step(network, optimizer, config.loss, train.batch(indices).followed_by(next));
            if !tally.loss_sum.is_finite() {
                return Err(FitError::NonFiniteLoss { epoch, batch, rate });
            }
            running += tally;
            if observer.batch_finished(&BatchReport { epoch, batch, rate, tally, running }).is_break() {
                return Ok(history.finish(true, observer));
            }
        }
        let train_time = train_start.elapsed();

        // The loss of the last batch was measured before its update.
        if !network.parameters().is_finite() {
            return Err(FitError::NonFiniteParameters { epoch, rate: optimizer.rate() });
        }
        let validation_start = Instant::now();
        let validation = validation.map(|validation| engine.evaluate(network, config.loss, validation));
        let report = EpochReport {
            epoch,
            rate: optimizer.rate(),
            train: running,
            validation,
            train_time,
            validation_time: validation_start.elapsed(),
        };
        let flow = observer.epoch_finished(&report, network);
        history.epochs.push(report);
        if flow == ControlFlow::Break(()) {
            return Ok(history.finish(epoch < config.epochs, observer));
        }
    }
    Ok(history.finish(false, observer))
}

impl FitConfig {
    fn check(
        &self,
        network: &Network,
        train: Dataset<'_>,
        validation: Option<Dataset<'_>>,
    ) -> Result<(), FitError> {
        if self.epochs == 0 {
            return Err(FitError::NoEpochs);
        }
        if !(self.rate.is_finite() && self.rate > 0.0) {
            return Err(FitError::Rate { found: self.rate });
        }
        self.schedule.check()?;
        Incompatible::check(network, self.loss, train).map_err(FitError::Training)?;
        if let Some(validation) = validation {
            Incompatible::check(network, self.loss, validation).map_err(FitError::Validation)?;
        }
        Ok(())
    }
}

/// What happened in a [`fit`].
#[derive(Clone, Debug)]
pub struct History {
    /// The finished epochs, in order.
    pub epochs: Vec<EpochReport>,
    /// Whether the observer stopped it before its last epoch was over.
    pub stopped_early: bool,
}

impl History {
    /// The last finished epoch.
    #[must_use]
    pub fn last(&self) -> Option<&EpochReport> {
        self.epochs.last()
    }

    /// The epoch of the highest [measured](EpochReport::measured) accuracy, the earliest of several.
    #[must_use]
    pub fn best(&self) -> Option<&EpochReport> {
        self.epochs.iter().reduce(|best, report| {
            if report.measured().accuracy() > best.measured().accuracy() { report } else { best }
        })
    }

    fn finish(mut self, stopped_early: bool, observer: &mut dyn Observer) -> History {
        self.stopped_early = stopped_early;
        observer.fit_finished(&self);
        self
    }
}

/// Why a [`fit`] ended without a result.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum FitError {
    /// There is nothing to do.
    #[error("expected at least 1 epoch, found 0")]
    NoEpochs,
    /// No learning rate.
    #[error("expected a finite learning rate above 0, found {found}")]
    Rate {
        /// The rate.
        found: f32,
    },
    /// The schedule makes no sense.
    #[error(transparent)]
    Schedule(#[from] InvalidSchedule),
    /// Network, loss and training data do not go together.
    #[error("cannot train on this data")]
    Training(#[source] Incompatible),
    /// Network, loss and validation data do not go together.
    #[error("cannot validate on this data")]
    Validation(#[source] Incompatible),
    /// Training diverged: the loss became infinite or NaN.
    #[error("the loss is not finite at epoch {epoch}, batch {batch}, with learning rate {rate}")]
    NonFiniteLoss {
        /// The epoch, from 1.
        epoch: u32,
        /// The batch within the epoch, from 1.
        batch: u64,
        /// The learning rate of that step.
        rate: f32,
    },
    /// Training diverged with the last update of an epoch: a parameter became infinite or NaN.
    #[error("a parameter is not finite after epoch {epoch}, with learning rate {rate}")]
    NonFiniteParameters {
        /// The epoch, from 1.
        epoch: u32,
        /// The learning rate of the epoch's last step.
        rate: f32,
    },
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use nn_core::{Evaluation, ndarray::Array2};

    use super::*;

    fn tally(correct: u64) -> Tally {
        Tally { samples: 10, correct, loss_sum: 1.0 }
    }

    /// A history of these numbers of right answers in ten, on training and, if given, on validation samples.
    fn history(epochs: &[(u64, Option<u64>)]) -> History {
        let report = |(epoch, &(train, validation)): (u32, &(u64, Option<u64>))| EpochReport {
            epoch,
            rate: 0.1,
            train: tally(train),
            validation: validation
                .map(|correct| Evaluation { tally: tally(correct), confusion: Array2::zeros((2, 2)) }),
            train_time: Duration::ZERO,
            validation_time: Duration::ZERO,
        };
        History { epochs: (1..).zip(epochs).map(report).collect(), stopped_early: false }
    }

    #[test]
    fn the_best_epoch_is_the_first_of_the_highest_validation_accuracy() {
        let best = |history: &History| history.best().map(|report| report.epoch);
        assert_eq!(best(&history(&[(7, Some(5)), (8, Some(9)), (9, Some(9)), (10, Some(8))])), Some(2));
        assert_eq!(best(&history(&[(7, None), (6, None), (7, None)])), Some(1));
        assert_eq!(best(&history(&[])), None);
    }
}
