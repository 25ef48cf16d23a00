//! Holds a step whose batch is divided to what it promises: the parts together are the step over the whole batch.

mod oracle;
mod samples;

use nn_core::{Activation, Dropout, Engine, Loss, Network, Objective, Optimizer, Part, Rule, Tally, Targets};
use samples::{Samples, network, rng};
use std::convert::Infallible;
use std::num::NonZeroUsize;

const SAMPLES: usize = 21;

fn engine(threads: usize) -> Engine {
    Engine::new(NonZeroUsize::new(threads).unwrap())
}

/// With everything that depends on a sample's place.
fn objective() -> Objective {
    let dropout = Dropout { input: 0.2, hidden: 0.4, seed: 3 };
    Objective { dropout, label_smoothing: 0.1, ..Loss::SoftmaxCrossEntropy.into() }
}

fn targets(range: std::ops::Range<usize>) -> Targets<'static> {
    static OTHERS: [u8; SAMPLES] = [4, 0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 0, 1, 2, 3, 4];
    static SHARES: [f32; SAMPLES] = [0.75; SAMPLES];
    Targets::Mixed { other_labels: &OTHERS[range.clone()], shares: &SHARES[range] }
}

fn optimizer(rule: Rule) -> Optimizer {
    let mut optimizer = Optimizer::new(rule, 0.02);
    optimizer.set_weight_decay(0.1);
    optimizer.set_clip(Some(0.3));
    optimizer
}

/// One step over the samples, cut into parts that end before these places, by as many networks.
fn step_in_parts(
    samples: &Samples,
    (network, optimizer): (&Network, &Optimizer),
    ends: &[usize],
    engine: &mut Engine,
) -> Vec<(Network, Optimizer, Tally)> {
    let starts = [0].into_iter().chain(ends.iter().copied());
    let parts: Vec<Part<'_>> = starts
        .zip(ends)
        .map(|(first, &end)| {
            let batch = samples.dataset().slice(first..end).all().with_targets(targets(first..end));
            Part { batch, first, of: SAMPLES }
        })
        .collect();
    let (mut sum, mut tally) = (Vec::new(), Tally::default());
    for &part in &parts {
        let (mut own_network, mut own_optimizer) = (network.clone(), optimizer.clone());
        let failed =
            engine.step_part(&mut own_network, &mut own_optimizer, objective(), part, |own, own_tally| {
                sum.resize(own.len(), 0.0);
                sum.iter_mut().zip(own).for_each(|(sum, own)| *sum += *own);
                tally += *own_tally;
                Err("not yet")
            });
        assert_eq!(failed, Err("not yet"));
        assert_eq!(
            (&own_network, &own_optimizer),
            (network, optimizer),
            "a step that failed changes nothing"
        );
    }
    let step = |&part: &Part<'_>| {
        let (mut network, mut optimizer) = (network.clone(), optimizer.clone());
        let stepped = engine.step_part(&mut network, &mut optimizer, objective(), part, |own, own_tally| {
            own.copy_from_slice(&sum);
            *own_tally = tally;
            Ok::<(), Infallible>(())
        });
        let Ok(tally) = stepped;
        (network, optimizer, tally)
    };
    parts.iter().map(step).collect()
}

#[test]
fn parts_of_a_batch_are_together_the_step_over_all_of_it() {
    let rng = &mut rng(5);
    for (rule, density) in Rule::ALL.into_iter().flat_map(|rule| [(rule, 0.2), (rule, 0.9)]) {
        let samples = Samples::new(SAMPLES, 70, 5, density, rng);
        let mut network = network(&[70, 19, 17, 5], Activation::Relu, Activation::Identity, rng);
        let mut optimizer = optimizer(rule);
        for (step, ends) in [&[21][..], &[10, 21], &[0, 7, 7, 20, 21], &[3, 21, 21]].iter().enumerate() {
            let engine = &mut engine(1 + step % 3);
            let (mut whole, mut whole_optimizer) = (network.clone(), optimizer.clone());
            let batch = samples.dataset().all().with_targets(targets(0..SAMPLES));
            let expected = engine.step(&mut whole, &mut whole_optimizer, objective(), batch);
            let stepped = step_in_parts(&samples, (&network, &optimizer), ends, engine);
            let (first, first_optimizer, tally) = &stepped[0];
            assert!(stepped.iter().all(|(network, optimizer, other)| {
                (network, optimizer, other) == (first, first_optimizer, tally)
            }));
            assert_eq!((tally.samples, tally.correct), (expected.samples, expected.correct));
            assert!((tally.loss_sum - expected.loss_sum).abs() < 1e-9 * expected.loss_sum);
            if ends.len() == 1 {
                assert_eq!((first, first_optimizer), (&whole, &whole_optimizer), "{rule}: one part is all");
            }
            for layer in 0..whole.depth() {
                let (found, expected) =
                    (first.parameters().weights(layer), whole.parameters().weights(layer));
                // Adam divides a gradient by its own size, and with it the rounding of one that is nearly 0.
                let tolerance = if rule.memories() == 2 { 2e-3 } else { 2e-6 };
                for (found, expected) in found.iter().zip(expected) {
                    let error = (found - expected).abs();
                    assert!(error <= tolerance, "{rule}, {ends:?}: {found} for {expected}");
                }
            }
            assert_ne!(first, &network);
            (network, optimizer) = (whole, whole_optimizer);
        }
    }
}

#[test]
fn one_part_that_is_all_takes_the_step_that_is_fused_with_its_gradient() {
    let rng = &mut rng(6);
    let samples = Samples::new(SAMPLES, 70, 5, 0.2, rng);
    for rule in Rule::ALL {
        let mut network = network(&[70, 19, 5], Activation::Relu, Activation::Identity, rng);
        let (mut optimizer, loss) = (Optimizer::new(rule, 0.05), Loss::SoftmaxCrossEntropy);
        let (mut other, mut other_optimizer) = (network.clone(), optimizer.clone());
        for step in 0..3 {
            let batch = samples.dataset().slice(step..SAMPLES).all();
            let part = Part { batch, first: 0, of: batch.len() };
            let tally = engine(2).step(&mut network, &mut optimizer, loss, batch);
            let exchange = |_: &mut [f32], _: &mut Tally| Ok::<(), Infallible>(());
            let Ok(other_tally) = engine(2).step_part(&mut other, &mut other_optimizer, loss, part, exchange);
            assert_eq!((&network, &optimizer, tally), (&other, &other_optimizer, other_tally), "{rule}");
        }
    }
}

#[test]
#[should_panic(expected = "samples 18 to 18 + 4 of a batch of 21")]
fn a_part_past_the_end_of_its_batch_is_refused() {
    let rng = &mut rng(7);
    let samples = Samples::new(SAMPLES, 6, 2, 0.5, rng);
    let mut network = network(&[6, 2], Activation::Relu, Activation::Identity, rng);
    let part = Part { batch: samples.dataset().slice(0..4).all(), first: 18, of: SAMPLES };
    let exchange = |_: &mut [f32], _: &mut Tally| Ok::<(), Infallible>(());
    let _ = engine(1).step_part(
        &mut network,
        &mut Optimizer::sgd(0.1),
        Loss::SoftmaxCrossEntropy,
        part,
        exchange,
    );
}
