//! The training loop: owns when which sample is seen at which rate, and when to stop, and refuses to know how a step
//! is computed.

use std::{mem, num::NonZeroUsize, time::Instant};

use nn_core::{Dataset, Engine, Loss, Network, Optimizer};

use crate::{
    BatchReport, EpochReport, FitPlan, History, Incompatible, InvalidPlace, InvalidSchedule, Observer, Place,
    Schedule, Snapshot, fill_epoch_order,
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
    fit_from(Place::default(), network, optimizer, train, validation, config, observer)
}

/// Goes on with a [`fit`] from a place in it.
///
/// With the network and the optimizer as they were at that place ([`Observer::between_steps`] shows all three), and
/// the same data and configuration, the rest is the same to the last bit as if the fit had never been left. The number
/// of threads may be another. A place at the end of the fit leaves nothing to do.
///
/// # Errors
/// As [`fit`], and [`FitError::Place`] when a fit of this configuration does not come by there.
///
/// # Panics
/// As [`fit`].
pub fn fit_from(
    mut place: Place,
    network: &mut Network,
    optimizer: &mut Optimizer,
    train: Dataset<'_>,
    validation: Option<Dataset<'_>>,
    config: &FitConfig,
    observer: &mut dyn Observer,
) -> Result<History, FitError> {
    config.check(network, train, validation)?;
    place.check(config, train.len() as u64).map_err(FitError::Place)?;
    let mut engine = Engine::new(config.threads);
    let batch_size = config.batch_size.get();
    let batches = train.len().div_ceil(batch_size) as u64;
    let plan = FitPlan {
        epochs: config.epochs,
        batches,
        batch_size,
        samples: train.len(),
        validation_samples: validation.map(|validation| validation.len()),
        steps_done: place.steps(batches),
    };
    observer.fit_started(&plan);

    let mut order = Vec::new();
    for epoch in place.epoch()..=config.epochs {
        observer.epoch_started(epoch);
        fill_epoch_order(&mut order, config.seed, epoch, train.len());

        let train_start = Instant::now();
        let first_step = u64::from(epoch - 1) * plan.batches;
        // At most as many as there are, so that this fits.
        let mut batches = order.chunks(batch_size).skip(place.batches as usize).peekable();
        while let Some(indices) = batches.next() {
            let next = batches.peek().copied().unwrap_or_default();
            let step = first_step + place.batches;
            let batch = place.batches + 1;
            let rate = config.schedule.rate(config.rate, step, plan.batches, config.epochs);
            optimizer.set_rate(rate);
            let tally = engine.step(network, optimizer, config.loss, train.batch(indices).followed_by(next));
            if !tally.loss_sum.is_finite() {
                return Err(FitError::NonFiniteLoss { epoch, batch, rate });
            }
            place.batches = batch;
            place.running += tally;
            let report = BatchReport { epoch, batch, rate, tally, running: place.running };
            let stopping = observer.batch_finished(&report).is_break();
            let snapshot = Snapshot { network, optimizer, place: &place, stopping };
            if observer.between_steps(&snapshot).is_break() || stopping {
                return Ok(History::finish(place.epochs, true, observer));
            }
        }
        let train_time = train_start.elapsed();

        // The loss of the last batch was measured before its update.
        if !network.parameters().is_finite() {
            let (batch, rate) = (place.batches, optimizer.rate());
            return Err(FitError::NonFiniteParameters { epoch, batch, rate });
        }
        let validation_start = Instant::now();
        let validation = validation.map(|validation| engine.evaluate(network, config.loss, validation));
        place.batches = 0;
        let report = EpochReport {
            epoch,
            rate: optimizer.rate(),
            train: mem::take(&mut place.running),
            validation,
            train_time,
            validation_time: validation_start.elapsed(),
        };
        let stopping = observer.epoch_finished(&report, network).is_break();
        place.epochs.push(report.summary());
        let snapshot = Snapshot { network, optimizer, place: &place, stopping };
        if observer.between_steps(&snapshot).is_break() || stopping {
            return Ok(History::finish(place.epochs, epoch < config.epochs, observer));
        }
    }
    Ok(History::finish(place.epochs, false, observer))
}

impl FitConfig {
    fn check(
        &self,
        network: &Network,
        train: Dataset<'_>,
        validation: Option<Dataset<'_>>,
    ) -> Result<(), FitError> {
        self.check_numbers()?;
        Incompatible::check(network, self.loss, train).map_err(FitError::Training)?;
        if let Some(validation) = validation {
            Incompatible::check(network, self.loss, validation).map_err(FitError::Validation)?;
        }
        Ok(())
    }

    /// Checks what can be wrong whatever the network and the data are.
    pub(crate) fn check_numbers(&self) -> Result<(), FitError> {
        if self.epochs == 0 {
            return Err(FitError::NoEpochs);
        }
        if !(self.rate.is_finite() && self.rate > 0.0) {
            return Err(FitError::Rate { found: self.rate });
        }
        Ok(self.schedule.check()?)
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
    /// A fit of this configuration and data does not come by the place to go on from.
    #[error("cannot go on from this place in a fit")]
    Place(#[source] InvalidPlace),
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
    /// Training diverged, though no loss showed it, as with the last update of an epoch: a parameter became infinite
    /// or NaN.
    #[error("a parameter is not finite after epoch {epoch}, batch {batch}, with learning rate {rate}")]
    NonFiniteParameters {
        /// The epoch, from 1.
        epoch: u32,
        /// The batch within the epoch, from 1.
        batch: u64,
        /// The learning rate of that step.
        rate: f32,
    },
}
