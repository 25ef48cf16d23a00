//! What a fit tells while it runs: owns the reports and the order in which they come, and refuses to know where they
//! go.

use std::{ops::ControlFlow, time::Duration};

use nn_core::{Evaluation, Network, Optimizer, Tally};

use crate::{EpochSummary, History, Place};

/// Watches a [`fit`](crate::fit), and may stop it.
///
/// # Call sequence
/// ```text
/// fit_started
/// for each epoch:
///     epoch_started
///     for each batch:
///         batch_finished      Break: after the next call to fit_finished, this epoch is not in the history
///         between_steps       Break: straight to fit_finished, this epoch is not in the history
///     epoch_finished          Break: after the next call to fit_finished, this epoch is in the history
///     between_steps           Break: straight to fit_finished, this epoch is in the history
/// fit_finished
/// ```
/// A fit that goes on from a [`Place`] begins with `fit_started` and `epoch_started` too, the latter with the epoch
/// that was left.
///
/// When `fit` returns an error because of its arguments, nothing is called. When it returns one because training
/// diverged, the calls end there: `fit_finished` comes only before a [`History`].
///
/// # Examples
/// Early stopping, which keeps the best network:
/// ```
/// use std::ops::ControlFlow;
/// use nn_train::{EpochReport, Observer, nn_core::Network};
///
/// struct EarlyStopping {
///     patience: u32,
///     best: Option<(f64, u32, Network)>,
/// }
///
/// impl Observer for EarlyStopping {
///     fn epoch_finished(&mut self, report: &EpochReport, network: &Network) -> ControlFlow<()> {
///         let accuracy = report.measured().accuracy();
///         match &self.best {
///             Some((best, epoch, _)) if accuracy <= *best => {
///                 if report.epoch - epoch >= self.patience {
///                     return ControlFlow::Break(());
///                 }
///             }
///             _ => self.best = Some((accuracy, report.epoch, network.clone())),
///         }
///         ControlFlow::Continue(())
///     }
/// }
///
/// let mut observer = EarlyStopping { patience: 3, best: None };
/// let observer: &mut dyn Observer = &mut observer; // what `fit` takes
/// # let _ = observer;
/// ```
pub trait Observer {
    /// The arguments are sound, and training is about to begin.
    fn fit_started(&mut self, plan: &FitPlan) {
        let _ = plan;
    }

    /// An epoch, counted from 1, is about to begin.
    fn epoch_started(&mut self, epoch: u32) {
        let _ = epoch;
    }

    /// A batch was measured, and the parameters were updated by it. `Break` ends the fit here.
    ///
    /// This is called within the training loop: what takes long here makes training slow.
    fn batch_finished(&mut self, report: &BatchReport) -> ControlFlow<()> {
        let _ = report;
        ControlFlow::Continue(())
    }

    /// An epoch is over, and so is its validation. `Break` ends the fit here.
    fn epoch_finished(&mut self, report: &EpochReport, network: &Network) -> ControlFlow<()> {
        let _ = (report, network);
        ControlFlow::Continue(())
    }

    /// All that decides how the fit goes on can be seen, and kept; [`fit_from`](crate::fit_from) takes it up again.
    /// `Break` ends the fit here.
    ///
    /// As [`batch_finished`](Self::batch_finished), this is called within the training loop.
    fn between_steps(&mut self, snapshot: &Snapshot<'_>) -> ControlFlow<()> {
        let _ = snapshot;
        ControlFlow::Continue(())
    }

    /// `fit` is about to return this history.
    fn fit_finished(&mut self, history: &History) {
        let _ = history;
    }
}

/// Watches nothing.
impl Observer for () {}

/// What a fit is going to do, unless it is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FitPlan {
    /// Epochs to train.
    pub epochs: u32,
    /// Batches in each epoch; the last one may be smaller than the others.
    pub batches: u64,
    /// Samples in a batch.
    pub batch_size: usize,
    /// Samples to train on.
    pub samples: usize,
    /// Samples to validate on after each epoch.
    pub validation_samples: Option<usize>,
    /// Steps that were taken before, where the fit goes on from a [`Place`].
    pub steps_done: u64,
}

/// A fit between two steps.
#[derive(Clone, Copy, Debug)]
pub struct Snapshot<'a> {
    /// The network, after the last update.
    pub network: &'a Network,
    /// The optimizer, after the last update.
    pub optimizer: &'a Optimizer,
    /// How far the fit has come.
    pub place: &'a Place,
    /// At the end of an epoch the network that was measured: with [averages](crate::Ingredients::average) theirs. Else,
    /// and amid an epoch, `network`.
    pub judged: &'a Network,
    /// Whether the fit is to end here, because the observer has just asked, or with [ranks](crate::fit_on) that of any of
    /// them.
    pub stopping: bool,
}

/// One training step.
#[derive(Clone, Copy, Debug)]
pub struct BatchReport {
    /// The epoch, from 1.
    pub epoch: u32,
    /// The batch within the epoch, from 1.
    pub batch: u64,
    /// The learning rate of this step.
    pub rate: f32,
    /// This batch, measured before its update.
    pub tally: Tally,
    /// The epoch so far: the sum of its batches.
    pub running: Tally,
}

/// One epoch.
#[derive(Clone, Debug)]
pub struct EpochReport {
    /// The epoch, from 1.
    pub epoch: u32,
    /// The learning rate of the last step.
    pub rate: f32,
    /// The training samples, each measured before the update by its batch. The parameters moved meanwhile, so
    /// **this is not the loss of the network as it is now**; on data it was not trained on, `validation` is.
    pub train: Tally,
    /// The validation samples, measured after the epoch's last update.
    pub validation: Option<Evaluation>,
    /// Time spent on training steps, the observer's included; without those before the [`Place`] that the fit went on
    /// from.
    pub train_time: Duration,
    /// Time spent on validation.
    pub validation_time: Duration,
}

impl EpochReport {
    /// The tally to judge the epoch by: of the validation samples if there are any, else of the training samples.
    #[must_use]
    pub fn measured(&self) -> Tally {
        self.validation.as_ref().map_or(self.train, |validation| validation.tally)
    }
    /// What a [`History`] keeps of it.
    #[must_use]
    pub fn summary(&self) -> EpochSummary {
        let EpochReport { epoch, rate, train, ref validation, .. } = *self;
        let validation = validation.as_ref().map(|validation| validation.tally);
        EpochSummary { epoch, rate, train, validation }
    }
}
