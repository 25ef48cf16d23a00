//! One training of a sweep: owns the way from a task to what was measured, and refuses to know other trainings.

use std::{
    num::NonZeroUsize,
    ops::ControlFlow,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use nn_train::{
    BatchReport, FitError, History, Model, Observer, Samples, TrainingRecord, TrainingSet, evaluate, fit,
    nn_core::{Network, Optimizer, Tally},
};

use super::{candidate::Candidate, plan::Trial, shared::Shared};
use crate::{
    failure::Advised,
    train::{build::build, task::Task},
};

/// What came of a training.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Outcome {
    Finished(Measured),
    /// The numbers became infinite, or none.
    Diverged,
    /// It was asked to end.
    Stopped,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Measured {
    pub(super) train: Figures,
    pub(super) validation: Figures,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Figures {
    pub(super) loss: f64,
    pub(super) accuracy: f64,
}

impl From<Tally> for Figures {
    fn from(tally: Tally) -> Figures {
        Figures { loss: tally.mean_loss(), accuracy: tally.accuracy() }
    }
}

/// Trains a network on one thread, and measures it on the validation samples when it is finished. Between the epochs it
/// is not measured, which would take a tenth of the time and decide nothing.
///
/// # Errors
/// When the settings and the data do not go together.
pub(super) fn train(
    shared: &Shared<'_>,
    candidate: &Candidate,
    trial: &Trial,
    should_stop: &(dyn Fn() -> bool + Sync),
) -> Result<(Outcome, Duration)> {
    let clock = Instant::now();
    let one = NonZeroUsize::MIN;
    let task = candidate.task(shared.folder, (trial.seed, trial.epochs), shared.kept, one)?;
    let sets = shared.sets(task.recipe.preprocessing)?;
    let validation = sets.validation.context("samples are kept for validation")?;
    let fitted = fit_network(shared, &task, sets.train, should_stop)?;
    let outcome = match fitted {
        Fitted::Diverged => Outcome::Diverged,
        Fitted::Whole(_, history) if history.stopped_early => Outcome::Stopped,
        Fitted::Whole(network, history) => {
            let last = history.last().context("an epoch was trained")?;
            let measured = evaluate(&network, task.recipe.loss, validation, one)?.tally;
            Outcome::Finished(Measured { train: last.train.into(), validation: measured.into() })
        }
    };
    Ok((outcome, clock.elapsed()))
}

/// Trains a network on all training samples, with all threads, and measures it once on the test set. `None` when it was
/// asked to end.
///
/// # Errors
/// When it diverges.
pub(super) fn train_best(
    shared: &Shared<'_>,
    task: &Task,
    should_stop: &(dyn Fn() -> bool + Sync),
) -> Result<Option<(Model, Option<Tally>)>> {
    let config = task.config();
    let (train, test) = shared.all(task.recipe.preprocessing)?;
    let (network, mut history) = match fit_network(shared, task, train, should_stop)? {
        Fitted::Whole(_, history) if history.stopped_early => return Ok(None),
        Fitted::Whole(network, history) => (network, history),
        Fitted::Diverged => bail!(Advised::new(
            format!("trained on all samples, with seed {}, the best network diverges", task.seed),
            "the next in the table may be as good: a lower `rate` makes training steadier"
        )),
    };
    let tally = test.map(|test| evaluate(&network, config.loss, test, config.threads)).transpose()?;
    let tally = tally.map(|evaluation| evaluation.tally);
    // As `train` remembers it, which measures each epoch.
    if let Some(last) = history.epochs.last_mut() {
        last.validation = tally;
    }
    let record = TrainingRecord::new(task.recipe_name(), &config, task.recipe.rule, train.len(), &history);
    let model = Model {
        network,
        loss: config.loss,
        image_shape: shared.files.image_shape().to_vec(),
        preprocessing: task.recipe.preprocessing,
        class_names: shared.files.class_names().map(<[String]>::to_vec),
        record: Some(record),
    };
    Ok(Some((model, tally)))
}

enum Fitted {
    Whole(Network, History),
    Diverged,
}

fn fit_network(
    shared: &Shared<'_>,
    task: &Task,
    samples: Samples<'_>,
    should_stop: &(dyn Fn() -> bool + Sync),
) -> Result<Fitted> {
    let mut network = build(&task.recipe, &samples, task.seed)?;
    let mut optimizer = Optimizer::new(task.recipe.rule, task.recipe.rate);
    // Several trainings are at different places of the data at a time: nobody knows what is no longer needed.
    let train = TrainingSet {
        image_shape: shared.files.image_shape(),
        teacher: shared.teacher(task),
        ..samples.into()
    };
    let mut watch = Watch { should_stop };
    match fit(&mut network, &mut optimizer, train, None, &task.config(), &mut watch) {
        Ok(history) => Ok(Fitted::Whole(network, history)),
        Err(FitError::NonFiniteLoss { .. } | FitError::NonFiniteParameters { .. }) => Ok(Fitted::Diverged),
        Err(error) => Err(error.into()),
    }
}

/// Ends a training that is asked to.
struct Watch<'a> {
    should_stop: &'a (dyn Fn() -> bool + Sync),
}

impl Observer for Watch<'_> {
    fn batch_finished(&mut self, _: &BatchReport) -> ControlFlow<()> {
        if (self.should_stop)() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}
