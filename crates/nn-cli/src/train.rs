//! `train`: owns the way from flags and files to a saved network, and refuses to know how it is computed, shown or
//! stored.

mod report;

use self::report::{EndLine, Measured, StartLine};
use std::{
    num::NonZeroUsize,
    path::Path,
    sync::{Arc, atomic::AtomicBool},
    time::Instant,
};

use anyhow::{Context, Result, bail};
use nn_train::{
    ContainerError, DecodeError, FitConfig, Limits, LoadError, Model, Split, TrainingRecord, evaluate, fit,
    initial_rng,
    nn_core::{Dataset, Network, Optimizer},
};
use signal_hook::{consts::SIGINT, flag};

use crate::{
    Outcome,
    args::{InitializerChoice, TrainArgs},
    data,
    failure::Advised,
    output::{self, Output, count, hyphenated, thousands},
    preset::Recipe,
    progress::Progress,
    target,
};

pub(crate) fn run(args: &TrainArgs, recipe: &Recipe, output: &mut Output) -> Result<Outcome> {
    // Everything that may be wrong is asked before anything takes long.
    target::check(&args.output, "a model", is_model)?;
    let folder = data::folder(&args.data)?;
    let train_files = data::open(&folder, Split::Train)?;
    let test_files = data::open_if_present(&folder, Split::Test)?;
    let (train, validation) = split(train_files.view(), args)?;
    let test = test_files.as_ref().map(|files| files.view());
    let (held_out, held_out_data) = match (validation, test) {
        (Some(validation), _) => ("validation", validation),
        (None, Some(test)) => ("test", test),
        (None, None) => {
            let message =
                format!("no test set in {}, and no samples are kept for validation", folder.display());
            bail!(Advised::new(message, "--validation 0.1 keeps a tenth of the training samples"));
        }
    };
    let sizes = sizes(recipe, &train);
    let mut network = build(recipe, &sizes, args.seed)?;

    let threads = args.threads.count();
    let preset = args.preset.name();
    let preset_changed = *recipe != args.preset.recipe();
    let start = StartLine {
        event: "start",
        data: folder.display().to_string(),
        train_samples: train.len(),
        held_out,
        held_out_samples: held_out_data.len(),
        test_samples: test.map(|test| test.len()),
        image_shape: train_files.image_shape(),
        parameters: network.parameter_count(),
        preset,
        preset_changed,
        activation: recipe.activation.name(),
        output_activation: recipe.output.name(),
        loss: recipe.loss.name(),
        initializer: recipe.initializer.to_string(),
        optimizer: recipe.rule.name(),
        rate: recipe.rate,
        schedule: recipe.schedule.to_string(),
        batch: recipe.batch,
        epochs: recipe.epochs,
        seed: args.seed,
        threads,
        layers: sizes,
    };
    if args.json {
        output.json(&start)?;
    } else {
        output.line(start.text())?;
    }
    output.flush()?;

    let interrupted = watch_for_interrupt()?;
    let config = FitConfig {
        epochs: recipe.epochs,
        batch_size: NonZeroUsize::new(recipe.batch).unwrap_or(NonZeroUsize::MIN),
        loss: recipe.loss,
        rate: recipe.rate,
        schedule: recipe.schedule,
        seed: args.seed,
        threads,
    };
    let mut optimizer = Optimizer::new(recipe.rule, recipe.rate);
    let mut progress = Progress::new(output, args.json, held_out, &interrupted);
    let clock = Instant::now();
    let result = fit(&mut network, &mut optimizer, train, Some(held_out_data), &config, &mut progress);
    let finished = progress.finish();
    let history = result.with_context(|| format!("cannot train on {}", folder.display()))?;
    let Some(network) = finished? else {
        output::note("interrupted before the first epoch was over: nothing was saved");
        return Ok(Outcome::Interrupted);
    };
    let epochs = history.last().map_or(0, |report| report.epoch);

    // Where the test set was measured after every epoch, it was after the last.
    let last = history.last().and_then(|report| Some(report.validation.as_ref()?.tally));
    let test = match (test, held_out) {
        (Some(test), "validation") => Some(evaluate(&network, recipe.loss, test, threads)?.tally),
        (Some(_), _) => last,
        (None, _) => None,
    };
    let model = Model {
        network,
        loss: recipe.loss,
        image_shape: train_files.image_shape().to_vec(),
        class_names: None,
        record: Some(TrainingRecord::new(
            // A recipe of the user's own has no name.
            (!preset_changed).then(|| preset.to_owned()),
            &config,
            recipe.rule,
            train.len(),
            &history,
        )),
    };
    nn_train::save(&model, &args.output)?;
    let end = EndLine {
        event: "end",
        interrupted: history.stopped_early,
        epochs,
        test: test.map(Measured::from),
        model: args.output.display().to_string(),
        bytes: args.output.metadata().ok().map(|metadata| metadata.len()),
        seconds: clock.elapsed().as_secs_f64(),
        next: next_command(args),
    };
    if args.json {
        output.json(&end)?;
    } else {
        output.line(end.text())?;
    }
    if history.stopped_early {
        output::note(format_args!(
            "interrupted: the network is that after {} of {}",
            count(epochs, "epoch"),
            thousands(recipe.epochs)
        ));
        return Ok(Outcome::Interrupted);
    }
    Ok(Outcome::Done)
}

/// The samples to train on, and those at the end of the files that were kept from it.
fn split<'a>(all: Dataset<'a>, args: &TrainArgs) -> Result<(Dataset<'a>, Option<Dataset<'a>>)> {
    match args.validation.of(all.len()) {
        0 => Ok((all, None)),
        kept if kept < all.len() => {
            let (train, validation) = all.split_at(all.len() - kept);
            Ok((train, Some(validation)))
        }
        kept => bail!(
            "--validation keeps {} of {} training samples, expected fewer",
            thousands(kept),
            thousands(all.len())
        ),
    }
}

/// Units of all layers: 784, 100, 10.
fn sizes(recipe: &Recipe, train: &Dataset<'_>) -> Vec<usize> {
    let mut sizes = vec![train.features()];
    sizes.extend(&recipe.hidden);
    sizes.push(train.classes());
    sizes
}

fn build(recipe: &Recipe, sizes: &[usize], seed: u64) -> Result<Network> {
    // Before memory is asked for.
    let parameters = sizes
        .windows(2)
        .fold(0_usize, |sum, layer| sum.saturating_add(layer[0].saturating_add(1).saturating_mul(layer[1])));
    let most = usize::try_from(Limits::default().max_bytes).unwrap_or(usize::MAX) / size_of::<f32>();
    if parameters >= most {
        let message = format!(
            "the network {} is too large: expected fewer than {} parameters, found {}",
            hyphenated(sizes),
            thousands(most),
            thousands(parameters)
        );
        bail!(Advised::new(message, "a saved network is loaded up to that size; try a smaller --hidden"));
    }
    let mut builder = Network::builder(sizes[0]);
    for &units in &recipe.hidden {
        builder = builder.dense(units, recipe.activation);
    }
    builder = builder.dense(sizes[sizes.len() - 1], recipe.output);
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

/// Ctrl-C raises the flag, and once it is up exits at once.
fn watch_for_interrupt() -> Result<Arc<AtomicBool>> {
    let interrupted = Arc::new(AtomicBool::new(false));
    flag::register_conditional_shutdown(SIGINT, Outcome::INTERRUPTED, Arc::clone(&interrupted))
        .and_then(|_| flag::register(SIGINT, Arc::clone(&interrupted)))
        .context("cannot watch for Ctrl-C")?;
    Ok(interrupted)
}

/// The look at the errors that comes naturally after a training.
fn next_command(args: &TrainArgs) -> String {
    let data = args.data.folder.as_ref().map(|folder| format!(" --data {}", folder.display()));
    format!("{} eval {}{} --confusion", output::invocation(), args.output.display(), data.unwrap_or_default())
}
