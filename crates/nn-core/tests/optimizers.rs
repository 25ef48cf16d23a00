//! Holds weight decay, clipping and Muon against the oracle, and the engine's steps with them against the readable
//! ones.

mod oracle;
mod readable;
mod samples;

use nn_core::ndarray::{Array2, array};
use nn_core::{Activation, Dropout, Loss, Network, Objective, Optimizer, Parameters, Rule, Targets};
use oracle::{Memory, Oracle, Training, flat, follow, layers_of, orthogonal};
use readable::{assert_same_steps, bits, engine, gradient};
use samples::{Samples, classes, floats, network, rng, table};

const LOSS: Loss = Loss::SoftmaxCrossEntropy;

/// Every rule without and with decay and clipping.
fn optimizers(rate: f32) -> Vec<Optimizer> {
    let settings = [(0.0, None), (0.5, None), (0.0, Some(0.25)), (0.5, Some(0.25))];
    let optimizer = |rule| {
        settings.map(|(weight_decay, clip)| {
            let mut optimizer = Optimizer::new(rule, rate);
            optimizer.set_weight_decay(weight_decay);
            optimizer.set_clip(clip);
            assert_eq!((optimizer.weight_decay(), optimizer.clip()), (weight_decay, clip));
            optimizer
        })
    };
    Rule::ALL.into_iter().flat_map(optimizer).collect()
}

#[test]
fn ten_steps_stay_close_to_the_oracles() {
    let rng = &mut rng(1);
    let samples = Samples::new(24, 60, 6, 0.3, rng);
    for start in optimizers(0.02) {
        let mut network = network(&[60, 20, 30, 6], Activation::Tanh, Activation::Identity, rng);
        let (mut layers, mut memories) = (layers_of(network.parameters()), Vec::<Memory>::new());
        let mut optimizer = start.clone();
        for _ in 0..10 {
            // Of the library's own gradient, so that only the optimizer is judged.
            let (gradients, _) = gradient(&network, LOSS.into(), 0, samples.dataset().all());
            follow(&mut layers, &mut memories, Training::of(&optimizer), layers_of(&gradients));
            optimizer.step(&mut network, &gradients);
        }
        let magnifies = matches!(start.rule(), Rule::Adam { .. } | Rule::Muon { .. });
        let tolerance = if magnifies { 3e-5 } else { 1e-6 };
        for (found, expected) in flat(&layers_of(network.parameters())).iter().zip(flat(&layers)) {
            assert!((found - expected).abs() <= tolerance, "{start:?}: {found}, expected {expected}");
        }
    }
}

#[test]
fn steps_are_the_readable_ones_bit_for_bit() {
    let rng = &mut rng(2);
    for density in [0.2, 1.0] {
        let samples = Samples::new(101, 130, 10, density, rng);
        for optimizer in optimizers(0.01) {
            let network = network(&[130, 50, 60, 10], Activation::Relu, Activation::Identity, rng);
            assert_same_steps(&network, &optimizer, LOSS.into(), &samples, |_| Targets::Labels);
        }
    }
}

#[test]
fn steps_of_everything_at_once_are_the_readable_ones_bit_for_bit() {
    let rng = &mut rng(3);
    let samples = Samples::new(101, 130, 10, 0.2, rng);
    let (others, shares) = (classes(100, 10, rng), [0.6; 100]);
    let dropout = Dropout { input: 0.1, hidden: 0.3, seed: 1 };
    let objective = Objective { dropout, label_smoothing: 0.1, ..LOSS.into() };
    let targets = |count| Targets::Mixed { other_labels: &others[..count], shares: &shares[..count] };
    for optimizer in optimizers(0.01) {
        let network = network(&[130, 17, 33, 10], Activation::Tanh, Activation::Identity, rng);
        assert_same_steps(&network, &optimizer, objective, &samples, targets);
    }
}

#[test]
fn decay_shrinks_weights_and_leaves_biases() {
    for rule in Rule::ALL {
        let mut network = network(&[5, 4, 3], Activation::Relu, Activation::Identity, &mut rng(4));
        let start = network.parameters().clone();
        let mut optimizer = Optimizer::new(rule, 0.5);
        optimizer.set_weight_decay(0.5);
        // No gradient: nothing but the decay moves.
        optimizer.step(&mut network, &start.zeros_like());
        for layer in 0..2 {
            assert_eq!(
                network.parameters().weights(layer),
                start.weights(layer).mapv(|w| 0.75 * w),
                "{rule}"
            );
            assert_eq!(network.parameters().biases(layer), start.biases(layer), "{rule}");
        }
    }
}

#[test]
fn inputs_that_are_never_lit_decay_too() {
    let mut network = network(&[130, 4], Activation::Relu, Activation::Identity, &mut rng(5));
    let start = network.parameters().clone();
    let samples = Samples { pixels: Array2::zeros((9, 130)), labels: vec![1; 9], classes: 4 };
    let mut sgd = Optimizer::sgd(0.5);
    sgd.set_weight_decay(0.5);
    engine(2).step(&mut network, &mut sgd, LOSS, samples.dataset().all());
    assert_eq!(network.parameters().weights(0), start.weights(0).mapv(|w| 0.75 * w));
}

/// Gradients for a network of 5-4-3 whose norm is 13.
fn thirteen(network: &Network) -> Parameters {
    let mut gradients = network.parameters().zeros_like();
    gradients.weights_mut(0)[[4, 3]] = 3.0;
    gradients.biases_mut(0)[1] = -4.0;
    gradients.weights_mut(1)[[2, 0]] = 12.0;
    gradients
}

#[test]
fn a_gradient_is_clipped_where_it_is_longer_and_only_there() {
    let mut zeros =
        Network::builder(5).dense(4, Activation::Relu).dense(3, Activation::Identity).zeros().unwrap();
    let gradients = thirteen(&zeros);
    let moved = |clip| {
        let (mut network, mut sgd) = (zeros.clone(), Optimizer::sgd(1.0));
        sgd.set_clip(clip);
        sgd.step(&mut network, &gradients);
        network
    };
    let clipped = moved(Some(6.5));
    let near = |found: f32, expected: f32| assert!((found - expected).abs() < 1e-5, "{found}, {expected}");
    near(clipped.parameters().weights(0)[[4, 3]], -1.5);
    near(clipped.parameters().biases(0)[1], 2.0);
    near(clipped.parameters().weights(1)[[2, 0]], -6.0);
    assert_eq!(bits(moved(Some(13.01)).parameters()), bits(moved(None).parameters()));
    // A gradient of nothing has no length to divide by.
    let mut sgd = Optimizer::sgd(1.0);
    sgd.set_clip(Some(1.0));
    let none = gradients.zeros_like();
    sgd.step(&mut zeros, &none);
    assert_eq!(zeros.parameters(), &none);
}

#[test]
fn what_stands_in_the_padding_of_a_gradient_is_not_counted() {
    // A bias that was infinite leaves a padding that is not a number behind.
    let mut network = Network::builder(3).dense(2, Activation::Identity).zeros().unwrap();
    let samples = Samples { pixels: array![[255, 0, 9], [0, 7, 0]], labels: vec![0, 1], classes: 2 };
    let mut sgd = Optimizer::sgd(0.5);
    sgd.set_clip(Some(0.1));
    let loss = Loss::MeanSquaredError;
    let mut healed = network.clone();
    healed.parameters_mut().weights_mut(0).fill(f32::INFINITY);
    engine(1).step(&mut healed, &mut sgd.clone(), loss, samples.dataset().all());
    healed.parameters_mut().weights_mut(0).fill(0.0);
    healed.parameters_mut().biases_mut(0).fill(0.0);
    assert_eq!(healed, network);
    for network in [&mut healed, &mut network] {
        engine(1).step(network, &mut sgd.clone(), loss, samples.dataset().all());
    }
    assert_eq!(bits(healed.parameters()), bits(network.parameters()));
}

/// Rows and columns around the sixteen lanes of a line, the tiles, and the 48 rows of a task.
const SHAPES: [(usize, usize); 14] = [
    (1, 1),
    (1, 7),
    (7, 1),
    (5, 16),
    (16, 5),
    (17, 33),
    (47, 20),
    (48, 64),
    (49, 100),
    (100, 49),
    (97, 98),
    (145, 60),
    (60, 300),
    (330, 129),
];

#[test]
fn muon_makes_matrices_of_any_shape_orthogonal() {
    let rng = &mut rng(6);
    let muon = Rule::ALL[4];
    for (inputs, outputs) in SHAPES {
        let mut builder = Network::builder(inputs).dense(outputs, Activation::Relu);
        builder = builder.dense(3, Activation::Identity);
        let mut network = builder.zeros().unwrap();
        let mut gradients = network.parameters().zeros_like();
        gradients.weights_mut(0).assign(&floats(inputs, outputs, rng));
        // The first step goes along the gradient, and from zero it leaves nothing but the change.
        Optimizer::new(muon, 1.0).step(&mut network, &gradients);
        let scale = 0.2 * (inputs.max(outputs) as f64).sqrt();
        let expected = orthogonal(&table(gradients.weights(0)));
        let mut largest = 0.0_f64;
        for (found, expected) in network.parameters().weights(0).iter().zip(expected.iter().flatten()) {
            let found = -f64::from(*found) / scale;
            largest = largest.max((found - expected).abs());
        }
        assert!(largest <= 5e-5, "{inputs} x {outputs}: off by {largest}");
    }
}

#[test]
fn muon_makes_the_rows_or_columns_nearly_perpendicular_and_of_length_one() {
    let rng = &mut rng(7);
    for (inputs, outputs) in [(60, 20), (20, 60)] {
        let builder = Network::builder(inputs).dense(outputs, Activation::Relu);
        let mut network = builder.dense(3, Activation::Identity).zeros().unwrap();
        let mut gradients = network.parameters().zeros_like();
        gradients.weights_mut(0).assign(&floats(inputs, outputs, rng));
        Optimizer::new(Rule::ALL[4], 1.0).step(&mut network, &gradients);
        let x = network.parameters().weights(0).mapv(|w| w / (0.2 * 60_f32.sqrt()));
        let gram = if inputs > outputs { x.t().dot(&x) } else { x.dot(&x.t()) };
        for ((i, j), &g) in gram.indexed_iter() {
            // Singular values are between 0.7 and 1.2, so their squares are within 0.51 of 1.
            let expected = if i == j { 1.0 } else { 0.0 };
            assert!((g - expected).abs() < 0.52, "{inputs} x {outputs}, [{i}, {j}]: {g}");
        }
    }
}

#[test]
fn without_a_gradient_muon_changes_nothing() {
    let mut network = network(&[9, 8, 3], Activation::Relu, Activation::Identity, &mut rng(8));
    let start = network.clone();
    let none = network.parameters().zeros_like();
    Optimizer::new(Rule::ALL[4], 0.5).step(&mut network, &none);
    assert_eq!(network, start);
}

#[test]
fn muon_follows_adam_in_biases_and_the_last_layer() {
    let rng = &mut rng(9);
    let start = network(&[9, 8, 7, 3], Activation::Tanh, Activation::Identity, rng);
    let gradients = network(&[9, 8, 7, 3], Activation::Tanh, Activation::Identity, rng).parameters().clone();
    let after = |rule| {
        let (mut network, mut optimizer) = (start.clone(), Optimizer::new(rule, 0.1));
        (0..3).for_each(|_| optimizer.step(&mut network, &gradients));
        (network, optimizer)
    };
    let ((muon, memory), (adam, _)) = (after(Rule::ALL[4]), after(Rule::ALL[3]));
    for layer in 0..3 {
        assert_eq!(muon.parameters().biases(layer), adam.parameters().biases(layer));
        assert_eq!(muon.parameters().weights(layer) == adam.parameters().weights(layer), layer == 2);
        let squares = memory.memories()[1].weights(layer);
        assert_eq!(squares.iter().all(|&u| u == 0.0), layer < 2, "matrices have no mean square");
    }
}

#[test]
fn a_network_of_one_layer_follows_adam() {
    let rng = &mut rng(10);
    let samples = Samples::new(20, 30, 4, 0.3, rng);
    let start = network(&[30, 4], Activation::Relu, Activation::Identity, rng);
    let after = |rule| {
        let (mut network, mut optimizer) = (start.clone(), Optimizer::new(rule, 0.1));
        engine(2).step(&mut network, &mut optimizer, LOSS, samples.dataset().all());
        bits(network.parameters())
    };
    assert_eq!(after(Rule::ALL[4]), after(Rule::ALL[3]));
}

#[test]
fn every_optimizer_lowers_the_loss() {
    let rng = &mut rng(11);
    let samples = Samples::new(60, 50, 5, 0.3, rng);
    for mut optimizer in optimizers(0.05) {
        let mut network = network(&[50, 30, 5], Activation::Relu, Activation::Identity, rng);
        let mut engine = engine(2);
        let first = engine.step(&mut network, &mut optimizer, LOSS, samples.dataset().all()).mean_loss();
        for _ in 0..60 {
            engine.step(&mut network, &mut optimizer, LOSS, samples.dataset().all());
        }
        let last = engine.evaluate(&network, LOSS, samples.dataset()).tally.mean_loss();
        assert!(last < 0.98 * first, "{optimizer:?}: from {first} to {last}");
        let oracle = Oracle::of(&network);
        let numbers = samples::table_of_bytes(samples.pixels.view());
        assert!((oracle.loss(LOSS, &numbers, &samples.labels) - last).abs() < 1e-4);
    }
}
