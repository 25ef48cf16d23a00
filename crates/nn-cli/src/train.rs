//! `train`: owns the way from flags and files to a saved network, and refuses to know how it is computed, shown or
//! stored.

pub(crate) mod build;
mod follow;
mod idle;
mod keep;
mod keeper;
mod report;
pub(crate) mod school;
pub(crate) mod sets;
pub(crate) mod task;
mod watch;

use std::{path::PathBuf, time::Instant};

use anyhow::{Context, Result, bail};
use nn_train::{
    Checkpoint, EpochSummary, Fingerprint, FitConfig, FitError, History, JoinedFiles, Model, Place,
    Ranks as _, RunFolder, Split, Teacher, TrainingRecord, TrainingSet, evaluate, fit_from, fit_on,
    nn_core::{Network, Optimizer, Tally},
};

pub(crate) use self::task::Settings;
use self::{
    build::build,
    keep::keep,
    keeper::{About, Keeper},
    report::{EndLine, StartLine},
    school::Teaching,
    sets::{Images, Sets, check_distortions},
    task::{Resumed, Task},
    watch::Watch,
};
use crate::{
    Outcome,
    args::TrainArgs,
    config::{Config, Found},
    dashboard::{self, Dashboard, Search},
    data,
    failure::{Advised, of_training},
    interrupt::Interrupt,
    model,
    output::{self, Output, count, shape, shell_word},
    preset::Recipe,
    progress::Progress,
    ranks::{self, World},
    target,
};

/// Above a configuration that was asked for, and above that of a run.
const OF_FLAGS: &str = "A configuration of nn-cli; `nn-cli train --config FILE` trains with it.";
const OF_RUN: &str =
    "What this run was begun with; `nn-cli train --config FILE --run NAME` repeats it in a new folder.";

pub(crate) fn run(
    typed: &TrainArgs,
    config: Option<Config>,
    recipe: &Recipe,
    output: &mut Output,
) -> Result<Outcome> {
    let args = &config.as_ref().map_or_else(|| typed.clone(), |config| config.beneath(typed));
    if args.teacher_share.is_some() && args.teacher.is_none() && args.resume.is_none() {
        let message = "--teacher-share is how much is learnt from teachers, and there are none";
        bail!(Advised::new(message, "--teacher names them; without `teacher-share` none are needed"));
    }
    if args.print_config {
        output.line(task::effective(args, recipe).text(OF_FLAGS, None)?.trim_end())?;
        return Ok(Outcome::Done);
    }
    if let (Some(config), Some(_), false) = (&args.config, args.patience, args.is_run()) {
        let message = format!("the patience in {} is that of a run, and this is none", config.display());
        bail!(Advised::new(message, "--run NAME makes it one; without `patience` no run is needed"));
    }
    if args.tui {
        dashboard::check()?;
    }
    if !args.distributed {
        return train(args, typed, config, recipe, None, output);
    }
    let mut world = ranks::join(args.rank_timeout())?;
    let mut args = args.clone();
    args.threads.count.get_or_insert_with(|| world.threads());
    if world.rank() > 0 {
        return follow::run(&args, world);
    }
    let outcome = train(&args, typed, config, recipe, Some(&mut world), output)?;
    // The others end with it.
    output.flush()?;
    world.finish();
    Ok(outcome)
}

/// What all but the ranks other than 0 do.
fn train(
    args: &TrainArgs,
    typed: &TrainArgs,
    config: Option<Config>,
    recipe: &Recipe,
    mut world: Option<&mut World>,
    output: &mut Output,
) -> Result<Outcome> {
    // Whatever may be wrong is found out before anything takes long.
    if !args.is_run() {
        target::check(&args.output, "a model", model::is_model)?;
        for teacher in args.teacher.iter().flat_map(|teachers| &teachers.0) {
            target::check_other(&args.output, teacher, "a teacher's own file")?;
        }
    }
    if let Some(name) = &args.run {
        RunFolder::check_new(&name.0)?;
    }
    let (mut task, resumed) = match &args.resume {
        Some(name) => Task::resume(args, &name.0).map(|(task, resumed)| (task, Some(resumed)))?,
        None => (Task::new(args, recipe)?, None),
    };
    let train_files = data::open_joined(&task.data)?;
    let test_files = data::open_first(&task.data, Split::Test)?.map(|(_, files)| files);
    data::note_empty_classes(&train_files);
    task.choose_order(&train_files);
    let teaching = match &resumed {
        // Where nothing is left to train, nobody has to teach.
        Some(resumed) if resumed.is_over(&task) => None,
        Some(Resumed { folder, lesson, .. }) => Teaching::of(&task, &train_files, lesson.as_ref())
            .with_context(|| format!("cannot go on with {}", folder.path().display()))?,
        None => Teaching::of(&task, &train_files, None)?,
    };
    check_distortions(&task.recipe.ingredients, &train_files)?;
    let preprocessing = task.recipe.preprocessing;
    let images = Images::new(&train_files, test_files.as_ref(), preprocessing, task.threads)?;
    let kept = task.validation.of(train_files.len());
    check_repeated(&task.data, &train_files, kept)?;
    let sets = Sets::new(kept, &images)?;
    if let Some(found) = config.and_then(|config| config.found) {
        note_findings(&found, typed, &sets, train_files.image_shape());
    }
    if task.patience.is_some() && sets.validation.is_none() {
        output::note(
            "patience chooses the network by the test set here, so that its accuracy there is no fair measure; \
             --validation 0.1 keeps training samples to choose by",
        );
    }
    if resumed.is_none() {
        let samples = sets.train.len();
        let steps = samples.div_ceil(task.recipe.batch.max(1)) as u64 * u64::from(task.recipe.epochs);
        idle::notes(&task, samples, steps).iter().for_each(output::note);
    }
    let lesson = match (&teaching, &resumed) {
        (Some(teaching), _) => Some(teaching.lesson.clone()),
        (None, resumed) => resumed.as_ref().and_then(|resumed| resumed.lesson.clone()),
    };
    let is_told = args.is_run() || world.is_some();
    let about = is_told.then(|| About::new(&task, &sets, &train_files, lesson)).transpose()?;
    let mut state = match (resumed, &about) {
        (Some(resumed), Some(about)) => State::resumed(args, resumed, about, kept, train_files.len())?,
        _ => State::first(&task, &sets)?,
    };

    let interrupt = Interrupt::watch()?;
    let ranks = world.as_ref().map(|world| world.size());
    let start = StartLine::new(&task, args, &sets, train_files.image_shape(), &state, ranks);
    let message = match (&world, &about) {
        (Some(_), Some(about)) => follow::message(about, &state)?,
        _ => Vec::new(),
    };
    if let Some(world) = &mut world {
        ranks::explain_waiting(world, &interrupt);
    }
    let keeper = about.filter(|_| args.is_run()).map(|about| state.keep(args, about, &task)).transpose()?;
    if args.json {
        output.json(&start)?;
    } else {
        output.line(start.text())?;
    }
    output.flush()?;

    let clock = Instant::now();
    let training = Training {
        args,
        task: &task,
        files: &train_files,
        sets: &sets,
        teacher: teaching.as_ref().map(Teaching::teacher),
        start: &start,
        interrupt: &interrupt,
    };
    let Trained { network, kept, history, reported } =
        training.carry_out(state, keeper, world.map(|world| (world, message)), output)?;
    let advised = |error| of_training(error, task.recipe.rule, &task.recipe.ingredients);
    let history = history.map_err(advised).with_context(|| {
        let saved = match &kept {
            Kept::Run { keeper, .. } => format!(" ({})", keeper.saved()),
            Kept::Model { .. } | Kept::Nothing => String::new(),
        };
        format!("cannot train on {}{saved}", data::names(&task.data))
    })?;
    let done = Done { history, clock, reported };
    match kept {
        Kept::Run { keeper, failure: Some(failure) } => {
            Err(failure.context(format!("cannot keep the run ({})", keeper.saved())))
        }
        Kept::Run { keeper, failure: None } => {
            finish_run(args, &keeper, &network, &sets, done, &interrupt, output)
        }
        Kept::Model { model, saved } => {
            saved?;
            finish_plain(args, &model, &sets, &task, done, &interrupt, output)
        }
        Kept::Nothing => {
            done.reported?;
            output::note("interrupted before the first epoch was over: nothing was saved");
            Ok(interrupt.exit_status().map_or(Outcome::Done, Outcome::Interrupted))
        }
    }
}

/// Refuses to train on the samples that are `kept` to measure by, the last ones, as those of a folder that is there twice
/// would be.
fn check_repeated(folders: &[PathBuf], files: &JoinedFiles, kept: usize) -> Result<()> {
    let repeated = data::repeated(folders);
    let mut kept = kept;
    for (place, files) in files.files().iter().enumerate().rev() {
        if kept > 0 && repeated.contains(&place) {
            let folder = folders[place].display();
            let message =
                format!("{folder} is named twice, and what is kept of it for validation would be trained on");
            return Err(Advised::new(message, "name each folder once, or leave out --validation").into());
        }
        kept = kept.saturating_sub(files.len());
    }
    data::note_repeated(folders, "their samples are seen as often in each epoch");
    Ok(())
}

/// All that a training is carried out with.
struct Training<'a> {
    args: &'a TrainArgs,
    task: &'a Task,
    files: &'a JoinedFiles,
    sets: &'a Sets<'a>,
    teacher: Option<Teacher<'a>>,
    start: &'a StartLine<'a>,
    interrupt: &'a Interrupt,
}

/// What a training has come to.
struct Trained {
    network: Network,
    kept: Kept,
    history: Result<History, FitError>,
    /// Whether all of the output was written.
    reported: Result<()>,
}

/// What there is of a training on disk.
#[allow(clippy::large_enum_variant, reason = "a process has one of them")]
enum Kept {
    /// A run, or so much of it as was kept before it failed.
    Run { keeper: Keeper, failure: Option<anyhow::Error> },
    /// The model of a training that is no run, if it could be saved.
    Model { model: Model, saved: Result<()> },
    /// Of a training that is no run, and had no network to save.
    Nothing,
}

impl Training<'_> {
    /// Trains from here on. The screen is watched up to the end of this, and then free again.
    /// Where there are other ranks, they are told the message first.
    fn carry_out(
        &self,
        state: State,
        keeper: Option<Keeper>,
        mut world: Option<(&mut World, Vec<u8>)>,
        output: &mut Output,
    ) -> Result<Trained> {
        let Self { args, sets, interrupt, start, .. } = *self;
        let config = self.task.config();
        let State { mut network, mut optimizer, place, .. } = state;
        let dashboard = args.tui.then(|| {
            let search = Search::new(sets.held_out(), self.files.image_shape(), config.loss);
            Dashboard::start(
                (start.title(), start.summary()),
                &place,
                sets.held_out_name(),
                search,
                interrupt,
            )
        });
        let dashboard = dashboard.transpose()?;
        let progress = Progress::new(output, args.json, sets.held_out_name(), interrupt, dashboard);
        let mut watch = Watch { progress, keeper, failure: None };
        let is_over = watch.keeper.is_some() && task::is_over(&place, config.epochs, self.task.patience);
        if let Some((world, message)) = &mut world {
            // Nothing to go on from where nothing is left to do.
            world.send(if is_over { &[] } else { message });
        }
        let history = if is_over {
            network = place.judged(&network).into_owned();
            let stopped_early = place.epochs.len() as u64 != u64::from(config.epochs);
            Ok(History { epochs: place.epochs, stopped_early })
        } else {
            let (image_shape, teacher) = (self.files.image_shape(), self.teacher);
            let train = TrainingSet { samples: sets.train, image_shape, teacher, pages: sets.pages };
            let held_out = Some(sets.held_out());
            match &mut world {
                None => fit_from(place, &mut network, &mut optimizer, train, held_out, &config, &mut watch),
                Some((world, _)) => {
                    let both = (&mut network, &mut optimizer);
                    fit_on(*world, place, both, train, held_out, &config, &mut watch)
                }
            }
        };
        if let (Some((world, _)), Ok(_), false) = (&mut world, &history, is_over) {
            ranks::share_signals(world, interrupt)?;
        }
        let Watch { mut progress, keeper, failure } = watch;
        let finished = progress.take_network();
        let kept = match (keeper, &history, finished) {
            (Some(keeper), ..) => Kept::Run { keeper, failure },
            // What was trained is not lost when nobody can be told.
            (None, Ok(history), Some(network)) => {
                let model = self.model(network, history);
                let saved = keep(&model, &args.output);
                Kept::Model { model, saved }
            }
            (None, ..) => Kept::Nothing,
        };
        if history.is_ok() && interrupt.exit_status().is_none() {
            match &kept {
                Kept::Run { keeper, failure: None } => {
                    progress.show_end(format_args!("kept in {}", keeper.path().display()), Some(&network));
                }
                Kept::Model { model, saved: Ok(()) } => {
                    let saved = format_args!("saved {}", args.output.display());
                    progress.show_end(saved, Some(&model.network));
                }
                Kept::Run { .. } | Kept::Model { .. } | Kept::Nothing => {}
            }
        }
        let reported = progress.finish();
        Ok(Trained { network, kept, history, reported })
    }

    /// What is saved of a training that is no run.
    fn model(&self, network: Network, history: &History) -> Model {
        let (task, config) = (self.task, self.task.config());
        let samples = self.sets.train.len();
        let record = TrainingRecord::new(task.recipe_name(), &config, task.recipe.rule, samples, history);
        Model {
            network,
            loss: config.loss,
            image_shape: self.files.image_shape().to_vec(),
            preprocessing: task.recipe.preprocessing,
            class_names: self.files.class_names().map(<[String]>::to_vec),
            record: Some(record),
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

/// The end of a training that is no run, and whose model is saved.
fn finish_plain(
    args: &TrainArgs,
    model: &Model,
    sets: &Sets<'_>,
    task: &Task,
    done: Done,
    interrupt: &Interrupt,
    output: &mut Output,
) -> Result<Outcome> {
    let Done { history, clock, reported } = done;
    let epochs = count(history.epochs.len(), "epoch");
    if reported.is_err() {
        output::note(format_args!("saved {} as it was after {epochs}", args.output.display()));
        reported?;
    }
    let test = test_tally(sets, &model.network, &task.config(), history.last())?;
    let named = (!args.data.folders.is_empty()).then(|| task.folder_to_measure_in(sets));
    let mut end = EndLine::new(named, test, &args.output, clock.elapsed());
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
    let is_out_of_patience = task::is_out_of_patience(keeper.about.patience, history.best(), history.last());
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
            let resume = format!("{} train --resume {}", output::invocation(), shell_word(keeper.path()));
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
        let Resumed { folder, checkpoint, lesson: _ } = resumed;
        let cannot = || format!("cannot go on with {}", folder.path().display());
        if let Some(typed) = args.validation.map(|validation| validation.of(samples))
            && typed != kept
        {
            let (expected, found) = (kept.to_string(), typed.to_string());
            bail!(task::other_flag(folder.path(), "--validation", Some(&expected), &found));
        }
        checkpoint.check_image_shape(&about.image_shape).with_context(cannot)?;
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
    fn keep(&mut self, args: &TrainArgs, about: About, task: &Task) -> Result<Keeper> {
        if let Some(folder) = self.folder.take() {
            return Keeper::resume(folder, about, &self.network, &self.place, self.best.take());
        }
        let name = args.run.as_ref().context("a run has a folder")?;
        let folder = RunFolder::create(&name.0)?;
        let kept = if about.held_out_name == "validation" { about.held_out.samples } else { 0 };
        let kept = usize::try_from(kept).unwrap_or(usize::MAX);
        let config = task.effective(kept).text(OF_RUN, Some(&about.found(&self.network)))?;
        Keeper::begin(folder, about, &config, &self.network, &self.optimizer)
    }
}

/// Says what is not as it was when a run wrote the configuration, so that nobody wonders at another result.
fn note_findings(found: &Found, typed: &TrainArgs, sets: &Sets<'_>, image_shape: &[usize]) {
    if found.release != Checkpoint::RELEASE {
        let (expected, release) = (&found.release, Checkpoint::RELEASE);
        output::note(format_args!(
            "the configuration is of release {expected}, and this is {release}: the result may be another"
        ));
    }
    // Who names other data or divides it otherwise knows that it differs.
    if !typed.data.folders.is_empty() || typed.validation.is_some() {
        return;
    }
    if found.image_shape != image_shape {
        let (expected, found) = (shape(&found.image_shape), shape(image_shape));
        output::note(format_args!(
            "the configuration is of images of {expected}, and these are of {found}: the result may be another"
        ));
    }
    let is_other = |data, expected: &str| Fingerprint::of(data).hex() != expected;
    for (what, data, expected) in [
        ("training", sets.train, &found.train_sha256),
        (sets.held_out_name(), sets.held_out(), &found.held_out_sha256),
    ] {
        if is_other(data, expected) {
            output::note(format_args!(
                "the {what} data is not that of the configuration: the result will be another"
            ));
        }
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
