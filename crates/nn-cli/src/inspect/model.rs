//! A saved network: owns its description, and refuses to know what it predicts.

use std::{collections::BTreeMap, path::Path};

use nn_train::{Model, Preprocessing, TrainingRecord};
use serde::Serialize;

use super::{Description, listed};
use crate::{
    model,
    output::{count, one_line, percent, shape, table, thousands},
};

/// A saved network.
#[derive(Serialize)]
pub(crate) struct ModelDescription<'a> {
    kind: &'static str,
    path: String,
    image_shape: &'a [usize],
    layers: Vec<LayerDescription>,
    parameters: usize,
    loss: &'static str,
    preprocessing: &'static str,
    class_names: Option<&'a [String]>,
    training: Option<TrainingDescription<'a>>,
}

#[derive(Serialize)]
struct LayerDescription {
    inputs: usize,
    units: usize,
    activation: &'static str,
    parameters: usize,
}

/// How it was trained.
#[derive(Serialize)]
struct TrainingDescription<'a> {
    preset: Option<&'a str>,
    seed: u64,
    epochs: u32,
    finished_epochs: u32,
    batch: u64,
    rate: f32,
    schedule: String,
    optimizer: &'static str,
    ingredients: BTreeMap<&'static str, String>,
    samples: u64,
    train_accuracy: Option<f64>,
    held_out_accuracy: Option<f64>,
}

pub(crate) fn describe<'a>(path: &Path, model: &'a Model) -> ModelDescription<'a> {
    let network = &model.network;
    let sizes = model::layers(network);
    let layer = |layer: usize| LayerDescription {
        inputs: sizes[layer],
        units: sizes[layer + 1],
        activation: network.activation(layer).name(),
        parameters: network.parameters().weights(layer).len() + network.parameters().biases(layer).len(),
    };
    ModelDescription {
        kind: "model",
        path: path.display().to_string(),
        image_shape: &model.image_shape,
        layers: (0..network.depth()).map(layer).collect(),
        parameters: network.parameter_count(),
        loss: model.loss.name(),
        preprocessing: model.preprocessing.name(),
        class_names: model.class_names.as_deref(),
        training: model.record.as_ref().map(training),
    }
}

fn training(record: &TrainingRecord) -> TrainingDescription<'_> {
    TrainingDescription {
        preset: record.preset.as_deref(),
        seed: record.seed,
        epochs: record.epochs,
        finished_epochs: record.finished_epochs,
        batch: record.batch_size,
        rate: record.rate,
        schedule: record.schedule.to_string(),
        optimizer: record.rule.name(),
        ingredients: record.ingredients.named().into_iter().collect(),
        samples: record.samples,
        train_accuracy: record.train.map(|tally| tally.accuracy()),
        held_out_accuracy: record.validation.map(|tally| tally.accuracy()),
    }
}

impl Description for ModelDescription<'_> {
    fn text(&self) -> String {
        let mut rows =
            vec![["layer", "inputs", "units", "activation", "parameters"].map(str::to_owned).to_vec()];
        for (number, layer) in (1..).zip(&self.layers) {
            rows.push(vec![
                u64::to_string(&number),
                thousands(layer.inputs),
                thousands(layer.units),
                layer.activation.to_owned(),
                thousands(layer.parameters),
            ]);
        }
        let mut lines = vec![
            format!("file      {}", self.path),
            format!(
                "network   for images of {}, {} parameters, trained on {}",
                shape(self.image_shape),
                thousands(self.parameters),
                self.loss
            ),
        ];
        if self.preprocessing != Preprocessing::None.name() {
            lines.push(format!("images    with preprocessing {}", self.preprocessing));
        }
        if let Some(names) = self.class_names {
            lines.push(format!("classes   {}", one_line(&names.join(", "))));
        }
        lines.push(self.training.as_ref().map_or_else(
            || "training  not recorded".to_owned(),
            |training| format!("training  {}", training.text()),
        ));
        lines.push(format!("\n{}", table(&rows)));
        lines.join("\n")
    }
}

impl TrainingDescription<'_> {
    fn text(&self) -> String {
        let accuracy = |accuracy: Option<f64>| accuracy.map_or_else(|| "-".to_owned(), percent);
        let ingredients = listed(&self.ingredients);
        format!(
            "{}: {}, rate {} {}, batch {}{ingredients}, {} of {}, seed {}, {}\n\
             accuracy  {} on the training samples, {} on those held out, in the last epoch",
            self.preset.map_or_else(|| "own recipe".to_owned(), |name| format!("preset {}", one_line(name))),
            self.optimizer,
            self.rate,
            self.schedule,
            thousands(self.batch),
            self.finished_epochs,
            count(self.epochs, "epoch"),
            self.seed,
            count(self.samples, "sample"),
            accuracy(self.train_accuracy),
            accuracy(self.held_out_accuracy),
        )
    }
}
