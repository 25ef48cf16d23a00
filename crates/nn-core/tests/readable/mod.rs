//! Owns the readable step of the library and the comparison of the engine's with it. Knows no oracle.
#![allow(dead_code, reason = "each test program uses a part of it")]

use crate::samples::Samples;
use nn_core::{Batch, Engine, Evaluated, Network, Objective, Optimizer, Parameters, Targets};
use std::num::NonZeroUsize;

pub(crate) fn engine(threads: usize) -> Engine {
    Engine::new(NonZeroUsize::new(threads).unwrap())
}

/// The bits of every number: unlike `==` they tell 0 from -0, and a NaN is equal to itself.
pub(crate) fn bits(parameters: &Parameters) -> Vec<u32> {
    let numbers = |layer| {
        let weights = parameters.weights(layer).iter().map(|w| w.to_bits()).collect::<Vec<_>>();
        let biases = parameters.biases(layer).iter().map(|b| b.to_bits()).collect::<Vec<_>>();
        [weights, biases].concat()
    };
    (0..parameters.layers()).flat_map(numbers).collect()
}

/// The gradient of an objective at a batch, in the step that follows `steps` others, and its value.
pub(crate) fn gradient(
    network: &Network,
    objective: Objective,
    steps: u64,
    batch: Batch<'_>,
) -> (Parameters, Evaluated) {
    let trace = network.trace_dropping(batch, &objective.dropout, steps);
    let targets = batch.targets(network.outputs(), objective.label_smoothing);
    let evaluated = objective.loss.evaluate_targets(trace.output(), targets.view());
    (network.backward(&trace, evaluated.gradient.view()), evaluated)
}

/// The readable step, which the engine's must equal. Gives the mean loss.
pub(crate) fn readable_step(
    network: &mut Network,
    optimizer: &mut Optimizer,
    objective: Objective,
    batch: Batch<'_>,
) -> f64 {
    let (gradients, evaluated) = gradient(network, objective, optimizer.steps(), batch);
    optimizer.step(network, &gradients);
    f64::from(evaluated.value)
}

/// Batches of odd sizes that change from step to step, the last one short, one of a single sample.
pub(crate) fn orders(samples: usize) -> Vec<Vec<usize>> {
    let mut orders = Vec::new();
    let mut next = 0;
    for size in [7, 1, 13, 64, 65, 3, 100, 7] {
        orders.push((0..size).map(|n| (next + n * 17) % samples).collect());
        next += size;
    }
    orders
}

/// Steps over batches of many sizes in both ways, with engines of 1 to 4 threads.
#[track_caller]
pub(crate) fn assert_same_steps<'a>(
    network: &Network,
    optimizer: &Optimizer,
    objective: Objective,
    samples: &Samples,
    targets: impl Fn(usize) -> Targets<'a>,
) -> Network {
    let (mut readable, mut readable_optimizer) = (network.clone(), optimizer.clone());
    let mut all = [1, 2, 3, 4].map(|threads| (engine(threads), network.clone(), optimizer.clone()));
    for (step, order) in orders(samples.labels.len()).iter().enumerate() {
        let batch = samples.dataset().batch(order).with_targets(targets(order.len()));
        let expected = readable_step(&mut readable, &mut readable_optimizer, objective, batch);
        for (engine, fast, fast_optimizer) in &mut all {
            let case = format!(
                "step {step}, {} samples, {}, {objective:?}, {} threads",
                order.len(),
                optimizer.rule(),
                engine.threads()
            );
            let found = engine.step(fast, fast_optimizer, objective, batch);
            assert_eq!(found.samples, order.len() as u64, "{case}");
            let error = (found.mean_loss() - expected).abs();
            assert!(error <= 1e-6 * (1.0 + expected.abs()), "{case}: {}, {expected}", found.mean_loss());
            assert_eq!(bits(fast.parameters()), bits(readable.parameters()), "{case}");
            assert_eq!(*fast_optimizer, readable_optimizer, "{case}");
        }
    }
    assert_ne!(readable, *network, "the steps change something");
    readable
}
