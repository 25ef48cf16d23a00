//! What is said before and after a training: owns both announcements, for people and as JSON, and refuses to know what
//! happens in between.

use std::{collections::BTreeMap, num::NonZeroUsize, path::Path, time::Duration};

use anyhow::Result;
use nn_train::{Order, Preprocessing, nn_core::Tally};
use serde::Serialize;

use super::{
    Sets, State,
    task::{self, Task},
};
use crate::{
    args::TrainArgs,
    data::names,
    model,
    output::{Output, count, hyphenated, invocation, percent, shape, shell_word, thousands},
};

/// What is announced before training, as JSON.
#[derive(Serialize)]
pub(super) struct StartLine<'a> {
    event: &'static str,
    /// The folders, in a line.
    data: String,
    train_samples: usize,
    held_out: &'static str,
    held_out_samples: usize,
    test_samples: Option<usize>,
    image_shape: &'a [usize],
    layers: Vec<usize>,
    parameters: usize,
    preset: &'static str,
    preset_changed: bool,
    activation: &'static str,
    output_activation: &'static str,
    loss: &'static str,
    initializer: String,
    optimizer: &'static str,
    rate: f32,
    schedule: String,
    batch: usize,
    epochs: u32,
    order: String,
    preprocessing: &'static str,
    /// Those that are there.
    ingredients: BTreeMap<&'static str, String>,
    teachers: Vec<String>,
    seed: u64,
    threads: NonZeroUsize,
    /// Of a distributed training.
    #[serde(skip_serializing_if = "Option::is_none")]
    ranks: Option<usize>,
    run: Option<String>,
    /// Steps that were taken before, by the processes of this run.
    steps_done: u64,
    /// Where those ended, for people.
    #[serde(skip)]
    place: Option<String>,
}

/// What has come of it, as JSON.
#[derive(Serialize)]
pub(super) struct EndLine {
    event: &'static str,
    pub(super) interrupted: bool,
    /// Those that were finished.
    pub(super) epochs: u32,
    test: Option<Measured>,
    /// Where the network is, if there is one already.
    model: Option<String>,
    bytes: Option<u64>,
    seconds: f64,
    pub(super) run: Option<String>,
    /// Of a run.
    pub(super) best_epoch: Option<u32>,
    /// Of a run: whether its patience ended it.
    pub(super) out_of_patience: Option<bool>,
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
        task: &Task,
        args: &TrainArgs,
        sets: &Sets<'_>,
        image_shape: &'a [usize],
        state: &State,
        ranks: Option<usize>,
    ) -> StartLine<'a> {
        let recipe = &task.recipe;
        let steps_per_epoch = sets.train.len().div_ceil(recipe.batch.max(1)) as u64;
        let place = &state.place;
        let resumed =
            format!("from epoch {}, batch {} of {steps_per_epoch}", place.epoch(), place.batches + 1);
        StartLine {
            event: "start",
            data: names(&task.data),
            train_samples: sets.train.len(),
            held_out: sets.held_out_name(),
            held_out_samples: sets.held_out().len(),
            test_samples: sets.test.map(|test| test.len()),
            image_shape,
            layers: model::layers(&state.network),
            parameters: state.network.parameter_count(),
            preset: task.preset.name(),
            preset_changed: task.is_preset_changed(),
            activation: recipe.activation.name(),
            output_activation: recipe.output.name(),
            loss: recipe.loss.name(),
            initializer: recipe.initializer.to_string(),
            optimizer: recipe.rule.name(),
            rate: recipe.rate,
            schedule: recipe.schedule.to_string(),
            batch: recipe.batch,
            epochs: recipe.epochs,
            order: task.config().order.to_string(),
            preprocessing: recipe.preprocessing.name(),
            ingredients: recipe.ingredients.named().into_iter().collect(),
            teachers: task.school.as_ref().map_or_else(Vec::new, |school| {
                school.teachers.0.iter().map(|path| path.display().to_string()).collect()
            }),
            seed: task.seed,
            threads: task.threads,
            ranks,
            run: args.run.as_ref().or(args.resume.as_ref()).map(|name| name.0.display().to_string()),
            steps_done: place.steps(steps_per_epoch),
            place: args.resume.is_some().then_some(
                match task::is_over(place, recipe.epochs, task.patience) {
                    true => "which is complete".to_owned(),
                    false => resumed,
                },
            ),
        }
    }

    /// What is trained on, and where it is kept, for a heading.
    pub(super) fn title(&self) -> String {
        match &self.run {
            Some(run) => format!("{run}, on {}", self.data),
            None => format!("training on {}", self.data),
        }
    }

    /// Network and recipe, in the 80 columns of a small terminal if they are not unusual.
    pub(super) fn summary(&self) -> String {
        let activation = if self.layers.len() > 2 { format!(" {}", self.activation) } else { String::new() };
        format!(
            "{}{activation}, {}, {} {} {}, batch {}, seed {}",
            hyphenated(&self.layers),
            self.loss,
            self.optimizer,
            self.rate,
            self.schedule,
            self.batch,
            self.seed
        )
    }

    pub(super) fn text(&self) -> String {
        let held_out = thousands(self.held_out_samples);
        let measured = match self.held_out {
            "validation" => format!("{held_out} to validate on"),
            _ => format!("{held_out} to test on"),
        };
        let run = self.run.as_ref().map_or_else(String::new, |run| {
            let place = self.place.as_ref().map_or_else(String::new, |place| format!(", {place}"));
            format!("run      {run}{place}\n")
        });
        let hidden = if self.layers.len() > 2 { format!("{}, ", self.activation) } else { String::new() };
        let mut extras: Vec<String> =
            self.ingredients.iter().map(|(name, value)| format!("{name} {value}")).collect();
        if self.order != Order::Full.to_string() {
            extras.push(format!("order {}", self.order));
        }
        if self.preprocessing != Preprocessing::None.name() {
            extras.insert(0, format!("preprocess {}", self.preprocessing));
        }
        let with =
            if extras.is_empty() { String::new() } else { format!("with     {}\n", extras.join(", ")) };
        let ranks =
            self.ranks.map_or_else(String::new, |ranks| format!("{} of ", count(ranks as u64, "rank")));
        let taught = match &self.teachers[..] {
            [] => String::new(),
            teachers => format!("taught   by {}\n", teachers.join(", ")),
        };
        format!(
            "data     {}: {} of {} to train on, {measured} after each epoch\n\
             network  {}: {hidden}{} outputs, {} weights, {} parameters\n\
             recipe   {}{}: {}, {}, rate {} {}, batch {}, {}, seed {}, {ranks}{}\n{with}{taught}{run}",
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
    /// The end of a training that was neither interrupted nor a run, of no epochs: what else it was is to be set.
    pub(super) fn new(data: Option<&Path>, test: Option<Tally>, model: &Path, duration: Duration) -> EndLine {
        // The look at the errors that comes naturally after a training.
        let data = data.map(|folder| format!(" --data {}", shell_word(folder)));
        let split = if test.is_some() { "" } else { " --split train" };
        let next = format!(
            "{} eval {}{}{split} --confusion",
            invocation(),
            shell_word(model),
            data.unwrap_or_default()
        );
        let metadata = model.metadata();
        EndLine {
            event: "end",
            interrupted: false,
            epochs: 0,
            test: test.map(Measured::from),
            model: metadata.is_ok().then(|| model.display().to_string()),
            bytes: metadata.ok().map(|metadata| metadata.len()),
            seconds: duration.as_secs_f64(),
            run: None,
            best_epoch: None,
            out_of_patience: None,
            next,
        }
    }

    pub(super) fn show(&self, args: &TrainArgs, output: &mut Output) -> Result<()> {
        if args.json { output.json(self) } else { output.line(self.text()) }
    }

    fn text(&self) -> String {
        if let (Some(run), true) = (&self.run, self.interrupted) {
            let epochs = count(self.epochs, "finished epoch");
            return format!(
                "\nleft     {run}, with {epochs}\nnext     {} train --resume {}",
                invocation(),
                shell_word(Path::new(run))
            );
        }
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
        let mut lines = Vec::new();
        if let Some(best) = self.best_epoch {
            let patience = if self.out_of_patience == Some(true) { ", and patience ended there" } else { "" };
            lines.push(format!("best     epoch {best} of {}{patience}", count(self.epochs, "epoch")));
        }
        lines.push(format!("test     {test}"));
        if let Some(model) = &self.model {
            let bytes = self.bytes.map_or_else(String::new, |bytes| format!(" ({})", count(bytes, "byte")));
            lines.push(format!("saved    {model}{bytes}"));
        }
        lines.push(format!("next     {}", self.next));
        format!("\n{}", lines.join("\n"))
    }
}
