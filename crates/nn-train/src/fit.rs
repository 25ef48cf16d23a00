//! The training loop: owns when which sample is seen at which rate, and when to stop, and refuses to know how a step
//! is computed.

use std::{
    mem,
    num::NonZeroUsize,
    thread,
    time::{Duration, Instant},
};

use nn_core::{Average, Dropout, Engine, Loss, Network, Objective, Optimizer, Tally};

use crate::{
    BatchReport, EpochReport, FitPlan, History, Incompatible, Ingredients, InvalidIngredient, InvalidPlace,
    InvalidSchedule, InvalidTeacher, Observer, Order, Pages, Place, Ranks, RanksError, Samples, Schedule,
    Snapshot, TrainingSet,
    dataset::spelled,
    feed::Feed,
    pages::Aside,
    ranks::{self, Division, Start},
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
    /// Decides the order of every epoch, by [`Order::epoch`], and whatever else is left to chance.
    pub seed: u64,
    /// Threads to compute with. The result does not depend on their number.
    pub threads: NonZeroUsize,
    /// What is done beside following the gradient.
    pub ingredients: Ingredients,
    /// In which order an epoch visits the samples: one of blocks for data that is larger than memory.
    pub order: Order,
}

/// Trains a network.
///
/// In each epoch every sample is seen once, in the [order](FitConfig::order) of the configuration. Before each step the
/// optimizer's rate is set to that of the schedule. After each epoch the network is measured on the validation data,
/// if there is any, and the observer hears of it; [`Observer`] has the exact sequence.
///
/// With [averages](Ingredients::average), it is their network that is measured, that the observer hears of and that comes
/// out.
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
/// use nn_train::{FitConfig, Ingredients, Order, Schedule, fit, initial_rng};
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
///     ingredients: Ingredients::NONE,
///     order: Order::Full,
/// };
/// let history = fit(&mut network, &mut optimizer, train, None, &config, &mut ())?;
/// assert_eq!(history.epochs.len(), 20);
/// assert_eq!(history.epochs[19].train.accuracy(), 1.0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn fit<'a>(
    network: &mut Network,
    optimizer: &mut Optimizer,
    train: impl Into<TrainingSet<'a>>,
    validation: Option<Samples<'_>>,
    config: &FitConfig,
    observer: &mut dyn Observer,
) -> Result<History, FitError> {
    fit_from(Place::default(), network, optimizer, train, validation, config, observer)
}

/// Goes on with a [`fit`] from a place in it.
///
/// With the network and the optimizer as they were at that place ([`Observer::between_steps`] shows all three), and
/// the same data, teacher and configuration, the rest is the same to the last bit as if the fit had never been left. The
/// number of threads may be another. A place at the end of the fit leaves nothing to do.
///
/// # Errors
/// As [`fit`], and [`FitError::Place`] when a fit of this configuration does not come by there.
///
/// # Panics
/// As [`fit`].
pub fn fit_from<'a>(
    place: Place,
    network: &mut Network,
    optimizer: &mut Optimizer,
    train: impl Into<TrainingSet<'a>>,
    validation: Option<Samples<'_>>,
    config: &FitConfig,
    observer: &mut dyn Observer,
) -> Result<History, FitError> {
    go_on(None, place, (network, optimizer), train.into(), validation, config, observer)
}

/// A [`fit_from`] by several processes, each of which calls this with the same arguments, but for the threads, the
/// observer and the [`Ranks`] that tell which of them it is.
///
/// Each step is over the whole batch, of which every rank has a part: the samples from place `rank n / size` to
/// `(rank + 1) n / size` of the batch's `n`. The gradients are summed over the ranks, and each rank makes the same
/// change to its own network. So a fit comes to what it comes to in one process, but for the rounding of those
/// sums, whatever the number of ranks; for one number of them it comes to the same bits every time, and one rank alone
/// comes to those of [`fit_from`]. A place from which one number of ranks went on may be left to another.
/// Each rank trains on the samples of its own parts alone, with mixup those that it mixes with them too, and measures its
/// part of the validation data.
///
/// That all ranks do the same is checked before the first step, for which each reads all of the data once, and that they
/// have come to the same numbers after each epoch.
///
/// Every rank's observer is called as [`Observer`] says, and sees the sums over all ranks. **A `Break` of any of
/// them ends the fit for all of them after the next step, or at the end of the epoch.** Processors must be of one
/// kind, for others may round otherwise.
///
/// # Errors
/// As [`fit_from`], and [`FitError::Ranks`] where the ranks cannot go on together. Errors that follow from what all
/// ranks share come on all of them.
///
/// # Panics
/// As [`fit`].
pub fn fit_on<'a>(
    ranks: &mut dyn Ranks,
    place: Place,
    (network, optimizer): (&mut Network, &mut Optimizer),
    train: impl Into<TrainingSet<'a>>,
    validation: Option<Samples<'_>>,
    config: &FitConfig,
    observer: &mut dyn Observer,
) -> Result<History, FitError> {
    go_on(Some(ranks), place, (network, optimizer), train.into(), validation, config, observer)
}

fn go_on(
    ranks: Option<&mut dyn Ranks>,
    place: Place,
    both: (&mut Network, &mut Optimizer),
    train: TrainingSet<'_>,
    validation: Option<Samples<'_>>,
    config: &FitConfig,
    observer: &mut dyn Observer,
) -> Result<History, FitError> {
    // In a full order nothing is needed sooner than anything else.
    let pages = train.pages.filter(|_| config.order != Order::Full);
    thread::scope(|scope| {
        let aside = pages.map(|pages| Aside::start(scope, pages));
        let train = TrainingSet { pages: aside.as_ref().map(|aside| aside as &dyn Pages), ..train };
        go_on_with(ranks, place, both, train, validation, config, observer)
    })
}

fn go_on_with(
    mut ranks: Option<&mut dyn Ranks>,
    place: Place,
    (network, optimizer): (&mut Network, &mut Optimizer),
    train: TrainingSet<'_>,
    validation: Option<Samples<'_>>,
    config: &FitConfig,
    observer: &mut dyn Observer,
) -> Result<History, FitError> {
    config.check(network, train.samples, validation)?;
    train.teacher.map_or(Ok(()), |teacher| teacher.check(network))?;
    place.check(config, train.samples.len() as u64).map_err(FitError::Place)?;
    let division = match &ranks {
        None => Division::WHOLE,
        Some(ranks) => Division::of(&**ranks),
    };
    let feed = Feed::new(train, config, division)?;
    if let Some(ranks) = &mut ranks {
        let TrainingSet { samples: train, image_shape, teacher, .. } = train;
        let start =
            Start { config, network, optimizer, place: &place, train, image_shape, teacher, validation };
        ranks::check_same(*ranks, &start)?;
    }
    optimizer.set_weight_decay(config.ingredients.weight_decay);
    optimizer.set_clip(config.ingredients.clip);
    let mut fit = Fit {
        config,
        train: train.samples,
        validation,
        engine: Engine::new(config.threads),
        averaged: config.ingredients.average.map(|_| network.clone()),
        network,
        optimizer,
        place,
        observer,
        ranks,
        asked: false,
    };
    let stopped_early = fit.run(feed)?;
    let Fit { network, place, observer, .. } = fit;
    if let Some(average) = &place.average {
        average.write_to(network);
    }
    let history = History { epochs: place.epochs, stopped_early };
    observer.fit_finished(&history);
    Ok(history)
}

/// A fit under way.
struct Fit<'a, 'b, 'c> {
    config: &'a FitConfig,
    train: Samples<'b>,
    validation: Option<Samples<'a>>,
    engine: Engine,
    network: &'a mut Network,
    optimizer: &'a mut Optimizer,
    /// Where the average of the weights is put to be measured, if there is to be one.
    averaged: Option<Network>,
    place: Place,
    observer: &'a mut dyn Observer,
    /// The processes that have a part in it, if it is not this one's alone.
    ranks: Option<&'c mut dyn Ranks>,
    /// Whether the observer has asked for the end, of which the other ranks do not know yet.
    asked: bool,
}

impl Fit<'_, '_, '_> {
    /// Whether the observer stopped it before its last epoch was over.
    fn run(&mut self, mut feed: Feed<'_>) -> Result<bool, FitError> {
        let plan = FitPlan {
            epochs: self.config.epochs,
            batches: feed.batches(),
            batch_size: feed.batch_size(),
            samples: self.train.len(),
            validation_samples: self.validation.map(|validation| validation.len()),
            steps_done: self.place.steps(feed.batches()),
        };
        self.observer.fit_started(&plan);
        for epoch in self.place.epoch()..=plan.epochs {
            self.observer.epoch_started(epoch);
            feed.begin(epoch);
            let start = Instant::now();
            while self.place.batches < plan.batches {
                if self.step(epoch, &mut feed)? {
                    return Ok(true);
                }
            }
            if self.end_epoch(epoch, start.elapsed())? {
                return Ok(epoch < plan.epochs);
            }
        }
        Ok(false)
    }

    /// One step, and whether the observer wants to end the fit with it.
    fn step(&mut self, epoch: u32, feed: &mut Feed<'_>) -> Result<bool, FitError> {
        let Self { config, network, optimizer, place, .. } = self;
        let ingredients = &config.ingredients;
        let (batches, done) = (feed.batches(), place.batches);
        let step = place.steps(batches);
        let rate = config.schedule.rate(config.rate, step, batches, config.epochs);
        optimizer.set_rate(rate);
        let (part, objective) = (feed.batch(done), config.objective());
        let mut stopping = false;
        let tally = match &mut self.ranks {
            None => self.engine.step(network, optimizer, objective, part.batch),
            Some(ranks) => {
                let exchange = |gradient: &mut [f32], tally: &mut Tally| {
                    let asked = f64::from(u8::from(self.asked));
                    let mut few = [tally.loss_sum, tally.correct as f64, asked];
                    ranks.sum(gradient, &mut few)?;
                    *tally = Tally { samples: part.of as u64, correct: few[1] as u64, loss_sum: few[0] };
                    stopping = few[2] > 0.0;
                    Ok::<(), RanksError>(())
                };
                self.engine.step_part(network, optimizer, objective, part, exchange)?
            }
        };
        let batch = done + 1;
        if !tally.loss_sum.is_finite() {
            return Err(FitError::NonFiniteLoss { epoch, batch, rate });
        }
        if let Some(averaging) = ingredients.average
            && step >= averaging.first_step(batches * u64::from(config.epochs))
        {
            let average = place.average.get_or_insert_with(|| Average::new(network));
            self.engine.average(average, network, averaging.decay());
        }
        place.batches = batch;
        place.running += tally;
        let report = BatchReport { epoch, batch, rate, tally, running: place.running };
        let asks = self.observer.batch_finished(&report).is_break();
        if self.ranks.is_none() {
            return Ok(self.show(asks) || asks);
        }
        // All ranks end it at the same step: the next, which tells them.
        self.asked |= asks;
        self.asked |= self.show(stopping);
        Ok(stopping)
    }

    /// The validation after an epoch, and whether the observer wants to end the fit there.
    fn end_epoch(&mut self, epoch: u32, train_time: Duration) -> Result<bool, FitError> {
        let Self { config, network, optimizer, place, .. } = self;
        // The loss of the last batch was measured before its update.
        if !network.parameters().is_finite() {
            let (batch, rate) = (place.batches, optimizer.rate());
            return Err(FitError::NonFiniteParameters { epoch, batch, rate });
        }
        if let (Some(average), Some(averaged)) = (&place.average, &mut self.averaged) {
            average.write_to(averaged);
        }
        place.batches = 0;
        let judged = judged(place, self.averaged.as_ref(), network);
        let validation_start = Instant::now();
        let (engine, loss) = (&mut self.engine, config.loss);
        let validation = match (&mut self.ranks, self.validation) {
            (_, None) => None,
            (None, Some(data)) => Some(data.evaluate(engine, judged, loss)),
            (Some(ranks), Some(data)) => Some(ranks::evaluate(*ranks, engine, judged, loss, data)?),
        };
        if let Some(ranks) = &mut self.ranks {
            ranks::check_state(*ranks, epoch, (network, optimizer), place)?;
        }
        let report = EpochReport {
            epoch,
            rate: optimizer.rate(),
            train: mem::take(&mut place.running),
            validation,
            train_time,
            validation_time: validation_start.elapsed(),
        };
        let mut stopping = self.observer.epoch_finished(&report, judged).is_break();
        place.epochs.push(report.summary());
        stopping |= self.show(stopping);
        if let Some(ranks) = &mut self.ranks {
            let mut asking = [f64::from(u8::from(stopping || self.asked))];
            ranks.sum(&mut [], &mut asking)?;
            stopping = asking[0] > 0.0;
        }
        Ok(stopping)
    }

    /// Shows the observer all that decides how the fit goes on, and tells whether it wants to end it.
    fn show(&mut self, stopping: bool) -> bool {
        let Self { network, optimizer, place, .. } = self;
        let judged = judged(place, self.averaged.as_ref(), network);
        let snapshot = Snapshot { network, optimizer, place, judged, stopping };
        self.observer.between_steps(&snapshot).is_break()
    }
}

/// What is measured at this place: the average of the weights at the end of an epoch, where it has been put together,
/// if there is one yet.
fn judged<'a>(place: &Place, averaged: Option<&'a Network>, network: &'a Network) -> &'a Network {
    match averaged {
        Some(averaged) if place.average.is_some() && place.batches == 0 => averaged,
        _ => network,
    }
}

impl FitConfig {
    fn check(
        &self,
        network: &Network,
        train: Samples<'_>,
        validation: Option<Samples<'_>>,
    ) -> Result<(), FitError> {
        self.check_numbers()?;
        Incompatible::check(network, self.loss, train).map_err(FitError::Training)?;
        if let Some(validation) = validation {
            Incompatible::check(network, self.loss, validation).map_err(FitError::Validation)?;
        }
        Ok(())
    }

    /// What a step minimises, and how.
    fn objective(&self) -> Objective {
        let Ingredients { label_smoothing, input_dropout, hidden_dropout, .. } = self.ingredients;
        let dropout = Dropout { input: input_dropout, hidden: hidden_dropout, seed: self.seed };
        Objective { loss: self.loss, label_smoothing, dropout }
    }

    /// Checks what can be wrong whatever the network and the data are.
    pub(crate) fn check_numbers(&self) -> Result<(), FitError> {
        if self.epochs == 0 {
            return Err(FitError::NoEpochs);
        }
        if !(self.rate.is_finite() && self.rate > 0.0) {
            return Err(FitError::Rate { found: self.rate });
        }
        self.schedule.check()?;
        Ok(self.ingredients.check()?)
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
    /// An ingredient makes no sense.
    #[error(transparent)]
    Ingredient(#[from] InvalidIngredient),
    /// Images are to be distorted, and are not of the shape that was said.
    #[error("expected an image shape of {features} pixels to distort, found {}", spelled(image_shape))]
    ImageShape {
        /// What was said.
        image_shape: Vec<usize>,
        /// The bytes in a sample.
        features: usize,
    },
    /// The network cannot learn from that teacher.
    #[error(transparent)]
    Teacher(#[from] InvalidTeacher),
    /// Network, loss and training data do not go together.
    #[error("cannot train on this data")]
    Training(#[source] Incompatible),
    /// Network, loss and validation data do not go together.
    #[error("cannot validate on this data")]
    Validation(#[source] Incompatible),
    /// A fit of this configuration and data does not come by the place to go on from.
    #[error("cannot go on from this place in a fit")]
    Place(#[source] InvalidPlace),
    /// The processes that train together cannot go on.
    #[error("the ranks cannot go on together")]
    Ranks(#[from] RanksError),
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
