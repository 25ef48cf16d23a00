//! `train`: owns the way from flags and files to a saved network, and refuses to know how it is computed, shown or
//! stored.

mod build;
mod keep;
mod keeper;
mod report;
mod sets;
mod task;
mod watch;

use std::{path::Path, time::Instant};

use anyhow::{Context, Result, bail};
use nn_train::{
    ContainerError, DecodeError, EpochSummary, FitConfig, History, LoadError, Model, Place, RunFolder, Split,
    TrainingRecord, evaluate, fit_from,
    nn_core::{Network, Optimizer, Tally},
};

pub(crate) use self::task::Settings;
use self::{
    build::build,
    keep::keep,
    keeper::{About, Keeper},
    report::{ConfigFile, EndLine, StartLine},
    sets::Sets,
    task::{Resumed, Task},
    watch::Watch,
};
use crate::{
    Outcome,
    args::TrainArgs,
    data,
    interrupt::Interrupt,
    output::{self, Output, count},
    preset::Recipe,
    progress::Progress,
    target,
};

pub(crate) fn run(args: &TrainArgs, recipe: &Recipe, output: &mut Output) -> Result<Outcome> {
    // Whatever may be wrong is found out before anything takes long.
    if !args.is_run() {
        target::check(&args.output, "a model", is_model)?;
    }
    let (task, resumed) = match &args.resume {
        Some(name) => Task::resume(args, &name.0).map(|(task, resumed)| (task, Some(resumed)))?,
        None => (Task::new(args, recipe)?, None),
    };
    let train_files = data::open(&task.data, Split::Train)?;
    let test_files = data::open_if_present(&task.data, Split::Test)?;
    data::note_empty_classes(&train_files);
    let kept = task.validation.of(train_files.len());
    let sets = Sets::new(kept, &train_files, test_files.as_ref())?;
    let config = task.config();
    let about = args.is_run().then(|| About::new(&task, &sets, &train_files)).transpose()?;
    let mut state = match (resumed, &about) {
        (Some(resumed), Some(about)) => State::resumed(args, resumed, about, kept, train_files.len())?,
        _ => State::first(&task, &sets)?,
    };

    let interrupt = Interrupt::watch()?;
    let start = StartLine::new(&task, args, &sets, train_files.image_shape(), &state);
    let keeper = about.map(|about| state.keep(args, about, &start)).transpose()?;
    if args.json {
        output.json(&start)?;
    } else {
        output.line(start.text())?;
    }
    output.flush()?;

    let State { mut network, mut optimizer, place, .. } = state;
    let progress = Progress::new(output, args.json, sets.held_out_name(), &interrupt);
    let mut watch = Watch { progress, keeper, failure: None };
    let clock = Instant::now();
    let history = match &watch.keeper {
        Some(keeper)
            if place.batches == 0 && keeper.is_out_of_patience(place.best(), place.epochs.last()) =>
        {
            Ok(History { epochs: place.epochs, stopped_early: true })
        }
        _ => {
            let held_out = Some(sets.held_out());
            fit_from(place, &mut network, &mut optimizer, sets.train, held_out, &config, &mut watch)
        }
    };
    let Watch { progress, keeper, failure } = watch;
    let (finished, reported) = progress.finish();
    let history = history.with_context(|| {
        let saved = keeper.as_ref().map_or_else(String::new, |keeper| format!(" ({})", keeper.saved()));
        format!("cannot train on {}{saved}", task.data.display())
    })?;
    let done = Done { history, clock, reported };
    match (keeper, failure) {
        (Some(keeper), Some(failure)) => {
            Err(failure.context(format!("cannot keep the run ({})", keeper.saved())))
        }
        (Some(keeper), None) => finish_run(args, &keeper, &network, &sets, done, &interrupt, output),
        (None, _) => {
            let Some(network) = finished else {
                done.reported?;
                output::note("interrupted before the first epoch was over: nothing was saved");
                return Ok(interrupt.exit_status().map_or(Outcome::Done, Outcome::Interrupted));
            };
            let record = TrainingRecord::new(
                task.recipe_name(),
                &config,
                task.recipe.rule,
                sets.train.len(),
                &done.history,
            );
            let model = Model {
                network,
                loss: config.loss,
                image_shape: train_files.image_shape().to_vec(),
                class_names: train_files.class_names().map(<[String]>::to_vec),
                record: Some(record),
            };
            finish_plain(args, &model, &sets, &config, done, &interrupt, output)
        }
    }
}

/// A fit that came to its end, or was stopped.
struct Done {
    history: History,
    /// Since its beginning.
    clock: Instant,
    /// Whether all of the output was written.
    reported: Result<()>,
}

/// The end of a training that is no run: the model is saved.
fn finish_plain(
    args: &TrainArgs,
    model: &Model,
    sets: &Sets<'_>,
    config: &FitConfig,
    done: Done,
    interrupt: &Interrupt,
    output: &mut Output,
) -> Result<Outcome> {
    let Done { history, clock, reported } = done;
    // What was trained is not lost when nobody can be told.
    keep(model, &args.output)?;
    let epochs = count(history.epochs.len(), "epoch");
    if reported.is_err() {
        output::note(format_args!("saved {} as it was after {epochs}", args.output.display()));
        reported?;
    }
    let test = test_tally(sets, &model.network, config, history.last())?;
    let mut end = EndLine::new(args.data.folder.as_deref(), test, &args.output, clock.elapsed());
    end.interrupted = history.stopped_early;
    end.epochs = history.last().map_or(0, |summary| summary.epoch);
    end.show(args, output)?;
    match interrupt.exit_status() {
        Some(status) if history.stopped_early => {
            output.flush()?;
            output::note(format_args!("interrupted: saved the network as it was after {epochs}"));
            Ok(Outcome::Interrupted(status))
        }
        _ => Ok(Outcome::Done),
    }
}

/// The end of a run, or of a part of it: all is in its folder.
fn finish_run(
    args: &TrainArgs,
    keeper: &Keeper,
    network: &Network,
    sets: &Sets<'_>,
    done: Done,
    interrupt: &Interrupt,
    output: &mut Output,
) -> Result<Outcome> {
    let Done { history, clock, reported } = done;
    if reported.is_err() {
        output::note(keeper.saved());
        reported?;
    }
    let is_out_of_patience = keeper.is_out_of_patience(history.best(), history.last());
    let interrupted = history.stopped_early && !is_out_of_patience;
    let (chosen, summary) = match keeper.best().filter(|_| keeper.about.patience.is_some()) {
        Some(best) => (best, history.best()),
        None => (network, history.last()),
    };
    let test = match interrupted {
        false => test_tally(sets, chosen, &keeper.about.config, summary)?,
        true => None,
    };
    let model = keeper.folder.file(keeper.chosen_model());
    let mut end = EndLine::new(Some(&keeper.about.data), test, &model, clock.elapsed());
    end.interrupted = interrupted;
    end.epochs = history.last().map_or(0, |summary| summary.epoch);
    end.run = Some(keeper.path().display().to_string());
    end.best_epoch = history.best().map(|summary| summary.epoch);
    end.out_of_patience = Some(is_out_of_patience);
    end.show(args, output)?;
    match interrupt.exit_status() {
        Some(status) if interrupted => {
            output.flush()?;
            let resume = format!("{} train --resume {}", output::invocation(), keeper.path().display());
            output::note(format_args!("interrupted: {}; go on with `{resume}`", keeper.saved()));
            Ok(Outcome::Interrupted(status))
        }
        _ => Ok(Outcome::Done),
    }
}

/// Where a training stands before it begins or goes on.
struct State {
    network: Network,
    optimizer: Optimizer,
    place: Place,
    best: Option<Network>,
    /// Of a run that exists.
    folder: Option<RunFolder>,
}

impl State {
    fn first(task: &Task, sets: &Sets<'_>) -> Result<State> {
        let network = build(&task.recipe, &sets.train, task.seed)?;
        let optimizer = Optimizer::new(task.recipe.rule, task.recipe.rate);
        Ok(State { network, optimizer, place: Place::default(), best: None, folder: None })
    }

    fn resumed(
        args: &TrainArgs,
        resumed: Resumed,
        about: &About,
        kept: usize,
        samples: usize,
    ) -> Result<State> {
        let Resumed { folder, checkpoint } = resumed;
        let cannot = || format!("cannot go on with {}", folder.path().display());
        if let Some(typed) = args.validation.map(|validation| validation.of(samples))
            && typed != kept
        {
            let (expected, found) = (kept.to_string(), typed.to_string());
            bail!(task::other_flag(folder.path(), "--validation", &expected, &found));
        }
        checkpoint.check(&about.config, &about.train, Some(&about.held_out)).with_context(cannot)?;
        Ok(State {
            network: checkpoint.network.into_owned(),
            optimizer: checkpoint.optimizer.into_owned(),
            place: checkpoint.place.into_owned(),
            best: checkpoint.best.map(std::borrow::Cow::into_owned),
            folder: Some(folder),
        })
    }

    /// Makes the folder of a run, or that of one that exists as it was at this place.
    fn keep(&mut self, args: &TrainArgs, about: About, start: &StartLine<'_>) -> Result<Keeper> {
        if let Some(folder) = self.folder.take() {
            return Keeper::resume(folder, about, &self.network, &self.place, self.best.take());
        }
        let name = args.run.as_ref().context("a run has a folder")?;
        let folder = RunFolder::create(&name.0)?;
        let config = ConfigFile::new(start, &about);
        Keeper::begin(folder, about, &config, &self.network, &self.optimizer)
    }
}

/// How a network does on the test set, if there is one; `summary` is of the epoch after which it was so.
fn test_tally(
    sets: &Sets<'_>,
    network: &Network,
    config: &FitConfig,
    summary: Option<&EpochSummary>,
) -> Result<Option<Tally>> {
    match (sets.validation, sets.test) {
        (Some(_), Some(test)) => Ok(Some(evaluate(network, config.loss, test, config.threads)?.tally)),
        // It was measured after that epoch.
        (None, Some(_)) => Ok(summary.and_then(|summary| summary.validation)),
        (_, None) => Ok(None),
    }
}

/// Whether there is a model, though perhaps a damaged one or one of a later release.
fn is_model(path: &Path) -> bool {
    match nn_train::load(path) {
        Ok(_) => true,
        Err(LoadError::Invalid { source, .. }) => {
            !matches!(source, DecodeError::Container(ContainerError::Magic { .. }))
        }
        Err(_) => false,
    }
}
