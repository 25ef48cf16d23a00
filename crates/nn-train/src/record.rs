//! How a network came about: owns what a model file remembers of its training, and refuses to know clocks, machines
//! and thread counts, so that two runs of one recipe give the same bytes.

use nn_core::{Rule, Tally};

use crate::{FitConfig, History, Ingredients, Schedule};

/// The recipe of a trained network, and how it did.
#[derive(Clone, Debug, PartialEq)]
pub struct TrainingRecord {
    /// What the caller calls the recipe, if it has a name.
    pub preset: Option<String>,
    /// The seed of the fit.
    pub seed: u64,
    /// The epochs that the recipe asks for.
    pub epochs: u32,
    /// The epochs that were finished.
    pub finished_epochs: u32,
    /// Samples in a step.
    pub batch_size: u64,
    /// The learning rate at its highest.
    pub rate: f32,
    /// How the rate moved.
    pub schedule: Schedule,
    /// The optimizer's rule.
    pub rule: Rule,
    /// What was done beside following the gradient.
    pub ingredients: Ingredients,
    /// Samples in the training data.
    pub samples: u64,
    /// The training samples in the last finished epoch, each measured before the update by its batch.
    pub train: Option<Tally>,
    /// The validation samples after the last finished epoch.
    pub validation: Option<Tally>,
}

impl TrainingRecord {
    /// The record of a [`fit`](crate::fit) on `samples` samples by an optimizer of rule `rule`.
    #[must_use]
    pub fn new(
        preset: Option<String>,
        config: &FitConfig,
        rule: Rule,
        samples: usize,
        history: &History,
    ) -> TrainingRecord {
        let last = history.last();
        TrainingRecord {
            preset,
            seed: config.seed,
            epochs: config.epochs,
            finished_epochs: last.map_or(0, |summary| summary.epoch),
            batch_size: config.batch_size.get() as u64,
            rate: config.rate,
            schedule: config.schedule,
            rule,
            ingredients: config.ingredients,
            samples: samples as u64,
            train: last.map(|summary| summary.train),
            validation: last.and_then(|summary| summary.validation),
        }
    }
}
