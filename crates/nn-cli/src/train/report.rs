//! What is said before and after a training: owns both announcements, for people and as JSON, and refuses to know what
//! happens in between.

use std::{num::NonZeroUsize, path::Path, time::Duration};

use nn_train::{
    History,
    nn_core::{Network, Tally},
};
use serde::Serialize;

use super::Sets;
use crate::{
    args::TrainArgs,
    model,
    output::{count, hyphenated, invocation, percent, shape, thousands},
    preset::Recipe,
};

/// What is announced before training, as JSON.
#[derive(Serialize)]
pub(super) struct StartLine<'a> {
    event: &'static str,
    data: String,
    train_samples: usize,
    held_out: &'static str,
    held_out_samples: usize,
    test_samples: Option<usize>,
    image_shape: &'a [usize],
    layers: Vec<usize>,
    parameters: usize,
    pub(super) preset: &'static str,
    pub(super) preset_changed: bool,
    activation: &'static str,
    output_activation: &'static str,
    loss: &'static str,
    initializer: String,
    optimizer: &'static str,
    rate: f32,
    schedule: String,
    batch: usize,
    pub(super) epochs: u32,
    seed: u64,
    threads: NonZeroUsize,
}

/// What has come of it, as JSON.
#[derive(Serialize)]
pub(super) struct EndLine {
    event: &'static str,
    interrupted: bool,
    pub(super) epochs: u32,
    test: Option<Measured>,
    model: String,
    bytes: Option<u64>,
    seconds: f64,
    /// What the user may type next.
    #[serde(skip)]
    next: String,
}

/// How the network did on the test set.
#[derive(Clone, Copy, Serialize)]
pub(super) struct Measured {
    samples: u64,
    loss: f64,
    accuracy: f64,
    errors: u64,
}

impl From<Tally> for Measured {
    fn from(tally: Tally) -> Measured {
        Measured {
            samples: tally.samples,
            loss: tally.mean_loss(),
            accuracy: tally.accuracy(),
            errors: tally.samples - tally.correct,
        }
    }
}

impl<'a> StartLine<'a> {
    pub(super) fn new(
        args: &TrainArgs,
        recipe: &Recipe,
        folder: &Path,
        sets: &Sets<'_>,
        image_shape: &'a [usize],
        network: &Network,
    ) -> StartLine<'a> {
        StartLine {
            event: "start",
            data: folder.display().to_string(),
            train_samples: sets.train.len(),
            held_out: sets.held_out_name(),
            held_out_samples: sets.held_out().len(),
            test_samples: sets.test.map(|test| test.len()),
            image_shape,
            layers: model::layers(network),
            parameters: network.parameter_count(),
            preset: args.preset.name(),
            preset_changed: *recipe != args.preset.recipe(),
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
            threads: args.threads.count(),
        }
    }

    pub(super) fn text(&self) -> String {
        let held_out = thousands(self.held_out_samples);
        let measured = match self.held_out {
            "validation" => format!("{held_out} to validate on"),
            _ => format!("{held_out} to test on"),
        };
        let hidden = if self.layers.len() > 2 { format!("{}, ", self.activation) } else { String::new() };
        format!(
            "data     {}: {} of {} to train on, {measured} after each epoch\n\
             network  {}: {hidden}{} outputs, {} weights, {} parameters\n\
             recipe   {}{}: {}, {}, rate {} {}, batch {}, {}, seed {}, {}\n",
            self.data,
            count(self.train_samples, "image"),
            shape(self.image_shape),
            hyphenated(&self.layers),
            self.output_activation,
            self.initializer,
            thousands(self.parameters),
            self.preset,
            if self.preset_changed { ", changed" } else { "" },
            self.loss,
            self.optimizer,
            self.rate,
            self.schedule,
            thousands(self.batch),
            count(self.epochs, "epoch"),
            self.seed,
            count(self.threads.get(), "thread"),
        )
    }
}

impl EndLine {
    pub(super) fn new(
        args: &TrainArgs,
        history: &History,
        test: Option<Tally>,
        duration: Duration,
    ) -> EndLine {
        // The look at the errors that comes naturally after a training.
        let data = args.data.folder.as_ref().map(|folder| format!(" --data {}", folder.display()));
        let model = args.output.display();
        let next = format!("{} eval {model}{} --confusion", invocation(), data.unwrap_or_default());
        EndLine {
            event: "end",
            interrupted: history.stopped_early,
            epochs: history.last().map_or(0, |report| report.epoch),
            test: test.map(Measured::from),
            model: model.to_string(),
            bytes: args.output.metadata().ok().map(|metadata| metadata.len()),
            seconds: duration.as_secs_f64(),
            next,
        }
    }

    pub(super) fn text(&self) -> String {
        let test = self.test.map_or_else(
            || "there is no test set".to_owned(),
            |test| {
                format!(
                    "accuracy {} ({} of {}), loss {:.4}",
                    percent(test.accuracy),
                    thousands(test.samples - test.errors),
                    thousands(test.samples),
                    test.loss
                )
            },
        );
        let bytes = self.bytes.map_or_else(String::new, |bytes| format!(" ({})", count(bytes, "byte")));
        format!("\ntest     {test}\nsaved    {}{bytes}\nnext     {}", self.model, self.next)
    }
}
