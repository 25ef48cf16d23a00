//! `train`: owns the way from flags and files to a saved network, and refuses to know how it is computed, shown or
//! stored.

mod keep;
mod report;

use std::{num::NonZeroUsize, path::Path, time::Instant};

use anyhow::{Context, Result, bail, ensure};
use nn_train::{
    ContainerError, DataFiles, DecodeError, FitConfig, History, Limits, LoadError, Model, Split,
    TrainingRecord, evaluate, fit, initial_rng,
    nn_core::{Dataset, Network, Optimizer, Tally},
};

use self::{
    keep::keep,
    report::{EndLine, StartLine},
};
use crate::{
    Outcome,
    args::{InitializerChoice, TrainArgs},
    data,
    failure::Advised,
    interrupt::Interrupt,
    output::{self, Output, count, hyphenated, shape, thousands},
    preset::Recipe,
    progress::Progress,
    target,
};

pub(crate) fn run(args: &TrainArgs, recipe: &Recipe, output: &mut Output) -> Result<Outcome> {
    // Whatever may be wrong is found out before anything takes long.
    target::check(&args.output, "a model", is_model)?;
    let folder = data::folder(&args.data)?;
    let train_files = data::open(&folder, Split::Train)?;
    let test_files = data::open_if_present(&folder, Split::Test)?;
    data::note_empty_classes(&train_files);
    let sets = Sets::new(args, &train_files, test_files.as_ref())?;
    let mut network = build(recipe, &sets.train, args.seed)?;

    let interrupt = Interrupt::watch()?;
    let start = StartLine::new(args, recipe, &folder, &sets, train_files.image_shape(), &network);
    if args.json {
        output.json(&start)?;
    } else {
        output.line(start.text())?;
    }
    output.flush()?;

    let config = FitConfig {
        epochs: recipe.epochs,
        batch_size: NonZeroUsize::new(recipe.batch).unwrap_or(NonZeroUsize::MIN),
        loss: recipe.loss,
        rate: recipe.rate,
        schedule: recipe.schedule,
        seed: args.seed,
        threads: args.threads.count(),
    };
    let mut optimizer = Optimizer::new(recipe.rule, recipe.rate);
    let mut progress = Progress::new(output, args.json, sets.held_out_name(), &interrupt);
    let clock = Instant::now();
    let history =
        fit(&mut network, &mut optimizer, sets.train, Some(sets.held_out()), &config, &mut progress);
    let (finished, reported) = progress.finish();
    let history = history.with_context(|| format!("cannot train on {}", folder.display()))?;
    let Some(network) = finished else {
        reported?;
        output::note("interrupted before the first epoch was over: nothing was saved");
        return Ok(interrupt.exit_status().map_or(Outcome::Done, Outcome::Interrupted));
    };

    let model = Model {
        network,
        loss: recipe.loss,
        image_shape: train_files.image_shape().to_vec(),
        class_names: None,
        record: Some(TrainingRecord::new(
            // A recipe of the user's own has no name.
            (!start.preset_changed).then(|| start.preset.to_owned()),
            &config,
            recipe.rule,
            sets.train.len(),
            &history,
        )),
    };
    // What was trained is not lost when nobody can be told.
    keep(&model, &args.output)?;
    let epochs = count(history.epochs.len(), "epoch");
    if reported.is_err() {
        output::note(format_args!("saved {} as it was after {epochs}", args.output.display()));
        reported?;
    }

    let test = test_tally(&sets, &model.network, &config, &history)?;
    let end = EndLine::new(args, &history, test, clock.elapsed());
    if args.json {
        output.json(&end)?;
    } else {
        output.line(end.text())?;
    }
    match interrupt.exit_status() {
        Some(status) if history.stopped_early => {
            output.flush()?;
            output::note(format_args!("interrupted: saved the network as it was after {epochs}"));
            Ok(Outcome::Interrupted(status))
        }
        _ => Ok(Outcome::Done),
    }
}

/// What is trained on, and what is not.
struct Sets<'a> {
    train: Dataset<'a>,
    /// The samples at the end of the training files that were kept from training, if any were.
    validation: Option<Dataset<'a>>,
    /// The test set; there is this or `validation`.
    test: Option<Dataset<'a>>,
}

impl<'a> Sets<'a> {
    fn new(args: &TrainArgs, train_files: &'a DataFiles, test_files: Option<&'a DataFiles>) -> Result<Self> {
        let all = train_files.view();
        let kept = args.validation.of(all.len());
        if kept >= all.len() {
            let message = format!(
                "--validation keeps {} of {} training samples, expected fewer",
                thousands(kept),
                thousands(all.len())
            );
            bail!(Advised::new(message, "a fraction such as 0.1 suits any data set"));
        }
        if kept == 0 && test_files.is_none() {
            let path = train_files.images().path();
            let message =
                format!("no test set beside {}, and no samples are kept for validation", path.display());
            bail!(Advised::new(message, "--validation 0.1 keeps a tenth of the training samples"));
        }
        if let Some(test_files) = test_files {
            check_alike(train_files, test_files)?;
        }
        let (train, validation) = all.split_at(all.len() - kept);
        let test = test_files.map(DataFiles::view);
        Ok(Sets { train, validation: (kept > 0).then_some(validation), test })
    }

    /// What the network is measured on after each epoch.
    fn held_out(&self) -> Dataset<'a> {
        self.validation.or(self.test).unwrap_or(self.train)
    }

    fn held_out_name(&self) -> &'static str {
        if self.validation.is_some() { "validation" } else { "test" }
    }
}

/// Checks that a network for the training images can be asked about the test images.
fn check_alike(train: &DataFiles, test: &DataFiles) -> Result<()> {
    let (expected, found) = (train.image_shape(), test.image_shape());
    let path = test.images().path().display();
    ensure!(
        expected == found,
        "expected test images of {} like those to train on, found {} in {path}",
        shape(expected),
        shape(found)
    );
    ensure!(
        test.classes() <= train.classes(),
        "expected test labels from 0 to {} like those to train on, found {} in {}",
        train.classes() - 1,
        test.classes() - 1,
        test.labels_path().display()
    );
    Ok(())
}

/// How the network does on the test set, if there is one.
fn test_tally(
    sets: &Sets<'_>,
    network: &Network,
    config: &FitConfig,
    history: &History,
) -> Result<Option<Tally>> {
    match (sets.validation, sets.test) {
        (Some(_), Some(test)) => Ok(Some(evaluate(network, config.loss, test, config.threads)?.tally)),
        // It was measured after every epoch, and so after the last.
        (None, Some(_)) => Ok(history.last().and_then(|report| Some(report.validation.as_ref()?.tally))),
        (_, None) => Ok(None),
    }
}

/// What the activations of a batch and their gradients may take, 4 GiB: four bytes each for every unit and sample.
const MOST_STEP_BYTES: usize = 4 << 30;

/// More bytes than a model file has beside its parameters.
const MOST_DESCRIPTION: u64 = 128 << 10;

fn build(recipe: &Recipe, train: &Dataset<'_>, seed: u64) -> Result<Network> {
    let mut sizes = vec![train.features()];
    sizes.extend(&recipe.hidden);
    sizes.push(train.classes());
    // Before memory is asked for.
    let parameters = sizes
        .windows(2)
        .fold(0_usize, |sum, layer| sum.saturating_add(layer[0].saturating_add(1).saturating_mul(layer[1])));
    let most = usize::try_from(Limits::default().max_bytes - MOST_DESCRIPTION).unwrap_or(usize::MAX)
        / size_of::<f32>();
    if parameters >= most {
        let message = format!(
            "the network {} is too large: expected fewer than {} parameters, found {}",
            hyphenated(&sizes),
            thousands(most),
            thousands(parameters)
        );
        bail!(Advised::new(message, "a saved network is loaded up to that size; try a smaller --hidden"));
    }
    let rows = recipe.batch.min(train.len());
    let step_bytes =
        sizes.iter().fold(0_usize, |sum, &units| sum.saturating_add(units)).saturating_mul(8 * rows);
    if step_bytes > MOST_STEP_BYTES {
        let message = format!(
            "a step of {} samples through {} is too large: expected at most {} bytes of activations and gradients, \
             found {}",
            thousands(rows),
            hyphenated(&sizes),
            thousands(MOST_STEP_BYTES),
            thousands(step_bytes)
        );
        bail!(Advised::new(message, "try a smaller --batch or --hidden"));
    }
    let mut builder = Network::builder(train.features());
    for &units in &recipe.hidden {
        builder = builder.dense(units, recipe.activation);
    }
    builder = builder.dense(train.classes(), recipe.output);
    if let InitializerChoice::Fixed(initializer) = recipe.initializer {
        builder = builder.initializer(initializer);
    }
    Ok(builder.build(&mut initial_rng(seed))?)
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
