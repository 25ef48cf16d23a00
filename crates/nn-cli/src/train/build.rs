//! The network before its training: owns the checks that it fits into memory and into a model file, and refuses to
//! know how it is trained.

use anyhow::{Result, bail};
use nn_train::{Limits, Samples, initial_rng, nn_core::Network};

use crate::{
    args::InitializerChoice,
    failure::Advised,
    output::{hyphenated, thousands},
    preset::Recipe,
};

/// What the activations of a batch and their gradients may take, 4 GiB: four bytes each for every unit and sample.
const MOST_STEP_BYTES: usize = 4 << 30;

/// More bytes than a model file has beside its parameters.
const MOST_DESCRIPTION: u64 = 128 << 10;

/// Builds the network of a recipe for the samples.
///
/// # Errors
/// When it or a step of its training is too large.
pub(crate) fn build(recipe: &Recipe, train: &Samples<'_>, seed: u64) -> Result<Network> {
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
