//! A combination of settings as a recipe: owns how its values stand above the settings of all networks, as flags of
//! `train` do above a configuration, and refuses to know which combinations there are.

use std::num::NonZeroUsize;

use anyhow::Result;
use nn_train::Order;

use super::{file::Sweep, shared::Shared};
use crate::{
    args::{FoldersArgs, ThreadArgs, TrainArgs, Validation, value::OrderChoice},
    config::{Config, take_text},
    failure::Advised,
    preset::Recipe,
    train::task::Task,
};

/// The order of the samples where a file says nothing, or leaves it to the data.
const FULL: OrderChoice = OrderChoice::Fixed(Order::Full);

/// A network that may be trained.
pub(super) struct Candidate {
    /// Of the settings that are varied, as flags spell them.
    pub(super) values: Vec<String>,
    pub(super) recipe: Recipe,
    /// As if all had been typed.
    args: TrainArgs,
}

impl Candidate {
    /// # Errors
    /// When the settings do not go together.
    pub(super) fn new(sweep: &Sweep, values: Vec<String>) -> Result<Candidate> {
        let mut typed = TrainArgs::default();
        for (axis, value) in sweep.search.axes().iter().zip(&values) {
            take_text(&mut typed, &axis.key, value).map_err(anyhow::Error::msg)?;
        }
        let recipe = Recipe::new(Some(&sweep.base), &typed).map_err(|message| {
            let what = described(sweep, &values);
            Advised::new(
                format!("cannot train with {what}: {message}"),
                "vary only what goes together with the rest",
            )
        })?;
        let args = Config { args: sweep.base.clone(), found: None }.beneath(&typed);
        Ok(Candidate { values, recipe, args })
    }

    /// The training of this network, on the samples that are kept for validation or on all.
    pub(super) fn task(
        &self,
        data: &std::path::Path,
        (seed, epochs): (u64, u32),
        kept: usize,
        threads: NonZeroUsize,
    ) -> Result<Task> {
        let args = TrainArgs {
            seed: Some(seed),
            validation: Some(Validation::Count(kept)),
            data: FoldersArgs { folders: vec![data.to_owned()] },
            threads: ThreadArgs { count: Some(threads) },
            // Nobody chooses an order for several trainings at different places of the data.
            order: self.args.order.filter(|&order| order != OrderChoice::Auto).or(Some(FULL)),
            ..self.args.clone()
        };
        Task::new(&args, &Recipe { epochs, ..self.recipe.clone() })
    }

    /// What a training of it costs, roughly and only beside others: the products with its weights.
    pub(super) fn cost(&self, shared: &Shared<'_>, epochs: u32) -> f64 {
        // A step has work that does not depend on its size, and each image some that does not on the network.
        const OF_AN_IMAGE: f64 = 10_000.0;
        const OF_A_STEP: f64 = 200_000.0;
        let weights = self.parameters(shared) as f64;
        f64::from(epochs) * (weights + OF_AN_IMAGE + OF_A_STEP / self.recipe.batch as f64)
    }

    pub(super) fn parameters(&self, shared: &Shared<'_>) -> usize {
        let (inputs, outputs) = shared.shape();
        let sizes: Vec<usize> =
            [inputs].into_iter().chain(self.recipe.hidden.iter().copied()).chain([outputs]).collect();
        sizes
            .windows(2)
            .map(|layer| layer[0].saturating_add(1).saturating_mul(layer[1]))
            .fold(0, usize::saturating_add)
    }
}

/// hidden 100, rate 0.5
pub(super) fn described(sweep: &Sweep, values: &[String]) -> String {
    let settings = sweep.search.axes().iter().zip(values);
    settings.map(|(axis, value)| format!("{} {value}", axis.key)).collect::<Vec<_>>().join(", ")
}
