//! The checkpoint of a run: owns its description, and refuses to know how a run goes on.

use std::{collections::BTreeMap, path::Path};

use nn_train::{Checkpoint, EpochSummary, Fingerprint, Order};
use serde::Serialize;

use super::{Description, listed};
use crate::{
    model,
    output::{count, hyphenated, one_line, percent, shape, thousands},
    train::Settings,
};

/// A checkpoint.
#[derive(Serialize)]
pub(super) struct CheckpointDescription {
    kind: &'static str,
    path: String,
    release: String,
    finished_epochs: usize,
    batches: u64,
    steps: u64,
    best_epoch: Option<u32>,
    best_accuracy: Option<f64>,
    last_accuracy: Option<f64>,
    image_shape: Vec<usize>,
    layers: Vec<usize>,
    parameters: usize,
    loss: &'static str,
    optimizer: &'static str,
    memories: usize,
    rate: f32,
    schedule: String,
    batch: usize,
    epochs: u32,
    ingredients: BTreeMap<&'static str, String>,
    order: String,
    seed: u64,
    train: Data,
    held_out: Option<Data>,
    /// Of a run of this program; others may keep what they want there.
    settings: Option<Settings>,
}

#[derive(Serialize)]
struct Data {
    samples: u64,
    sha256: String,
}

impl From<Fingerprint> for Data {
    fn from(fingerprint: Fingerprint) -> Data {
        Data { samples: fingerprint.samples, sha256: fingerprint.hex() }
    }
}

pub(super) fn describe(path: &Path, checkpoint: &Checkpoint<'_>) -> CheckpointDescription {
    let Checkpoint { network, optimizer, place, config, .. } = checkpoint;
    let accuracy = |summary: &EpochSummary| summary.measured().accuracy();
    CheckpointDescription {
        kind: "checkpoint",
        path: path.display().to_string(),
        release: checkpoint.release.to_string(),
        finished_epochs: place.epochs.len(),
        batches: place.batches,
        steps: optimizer.steps(),
        best_epoch: place.best().map(|best| best.epoch),
        best_accuracy: place.best().map(accuracy),
        last_accuracy: place.epochs.last().map(accuracy),
        image_shape: checkpoint.image_shape.to_vec(),
        layers: model::layers(network),
        parameters: network.parameter_count(),
        loss: config.loss.name(),
        optimizer: optimizer.rule().name(),
        memories: optimizer.memories().len(),
        rate: config.rate,
        schedule: config.schedule.to_string(),
        batch: config.batch_size.get(),
        epochs: config.epochs,
        ingredients: config.ingredients.named().into_iter().collect(),
        order: config.order.to_string(),
        seed: config.seed,
        train: checkpoint.train.into(),
        held_out: checkpoint.validation.map(Into::into),
        settings: Settings::of(checkpoint).ok(),
    }
}

impl Description for CheckpointDescription {
    fn text(&self) -> String {
        let percentage = |accuracy: Option<f64>| accuracy.map_or_else(|| "-".to_owned(), percent);
        let ingredients = listed(&self.ingredients);
        let order = if self.order == Order::Full.to_string() {
            String::new()
        } else {
            format!(", order {}", self.order)
        };
        let mut lines = vec![
            format!("file      {}, of release {}", self.path, one_line(&self.release)),
            format!(
                "place     {} of {}{}; {} in all",
                self.finished_epochs,
                count(self.epochs, "epoch"),
                match self.batches {
                    0 => String::new(),
                    batches => format!(", and {} of the next", count(batches, "batch")),
                },
                count(self.steps, "step")
            ),
            format!(
                "network   for images of {}: {}, {} parameters",
                shape(&self.image_shape),
                hyphenated(&self.layers),
                thousands(self.parameters)
            ),
            format!(
                "recipe    {}, {}, rate {} {}, batch {}{ingredients}{order}, seed {}",
                self.loss,
                self.optimizer,
                self.rate,
                self.schedule,
                thousands(self.batch),
                self.seed
            ),
            format!(
                "data      {} to train on, SHA-256 {}",
                count(self.train.samples, "sample"),
                self.train.sha256
            ),
        ];
        if let Some(held_out) = &self.held_out {
            lines.push(format!(
                "          {} to measure on, SHA-256 {}",
                count(held_out.samples, "sample"),
                held_out.sha256
            ));
        }
        if let Some(best) = self.best_epoch {
            let (best_accuracy, last) = (percentage(self.best_accuracy), percentage(self.last_accuracy));
            lines.push(format!("accuracy  {best_accuracy} in epoch {best}, the best; {last} in the last"));
        }
        lines.join("\n")
    }
}
