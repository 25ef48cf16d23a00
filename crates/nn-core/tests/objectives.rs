//! Holds targets that are more than one class, and label smoothing, against the oracle, and the engine's steps
//! with them against the readable ones.

mod oracle;
mod readable;
mod samples;

use nn_core::ndarray::{Array2, array};
use nn_core::rand::Rng;
use nn_core::{Activation, Loss, Objective, Optimizer, Rule, Targets};
use oracle::{Table, label_targets, loss_gradient_against, sample_losses_against};
use rand_chacha::ChaCha8Rng;
use readable::{assert_same_steps, engine};
use samples::{Samples, classes, floats, losses_and_outputs, network, panic_of, rng, table};

/// Numbers from 0 to 1, shape (samples, units); a row does not sum to 1.
fn unit_floats(samples: usize, units: usize, rng: &mut ChaCha8Rng) -> Array2<f32> {
    Array2::from_shape_simple_fn((samples, units), || rng.random_range(0.0..=1.0))
}

#[track_caller]
fn assert_close(what: &str, found: &Array2<f32>, expected: &Table, tolerance: f64) {
    assert_eq!(found.dim(), (expected.len(), expected[0].len()), "{what}");
    for ((index, &found), &expected) in found.indexed_iter().zip(expected.iter().flatten()) {
        let error = (f64::from(found) - expected).abs();
        assert!(error <= tolerance, "{what} {index:?}: {found}, expected {expected}");
    }
}

#[test]
fn every_loss_of_any_targets_agrees_with_the_oracle() {
    let rng = &mut rng(1);
    for units in [1, 3, 16, 17, 50] {
        for (loss, output) in losses_and_outputs() {
            let network = network(&[4, units], Activation::Relu, output, rng);
            let outputs = network.forward(&(floats(7, 4, rng) * 4.0));
            let targets = unit_floats(7, units, rng);
            let case = format!("{loss} of {units} units");
            let (as_table, of_targets) = (table(outputs.view()), table(targets.view()));
            let found = loss.evaluate_targets(outputs.view(), targets.view());
            let expected = sample_losses_against(loss, &as_table, &of_targets).iter().sum::<f64>() / 7.0;
            let error = (f64::from(found.value) - expected).abs();
            assert!(error <= 1e-6 * (1.0 + expected), "{case}: {}, expected {expected}", found.value);
            let gradient = loss_gradient_against(loss, &as_table, &of_targets);
            let scale = gradient.iter().flatten().fold(1.0_f64, |most, d| most.max(d.abs()));
            assert_close(&case, &found.gradient, &gradient, 2e-6 * scale);
        }
    }
}

#[test]
fn the_oracles_gradient_of_any_targets_agrees_with_differences_of_its_loss() {
    const STEP: f64 = 1e-6;
    let rng = &mut rng(2);
    for (loss, output) in losses_and_outputs() {
        let network = network(&[4, 5], Activation::Relu, output, rng);
        let mut outputs = table(network.forward(&floats(3, 4, rng)).view());
        let targets = table(unit_floats(3, 5, rng).view());
        let gradient = loss_gradient_against(loss, &outputs, &targets);
        for n in 0..3 {
            for unit in 0..5 {
                let mut loss_at = |step: f64| {
                    outputs[n][unit] += step;
                    let sum: f64 = sample_losses_against(loss, &outputs, &targets).iter().sum();
                    outputs[n][unit] -= step;
                    sum / 3.0
                };
                let found = (loss_at(STEP) - loss_at(-STEP)) / (2.0 * STEP);
                let error = (found - gradient[n][unit]).abs();
                assert!(error <= 1e-7, "{loss}: {}, by differences {found}", gradient[n][unit]);
            }
        }
    }
}

#[test]
fn the_targets_of_labels_are_the_labels() {
    let rng = &mut rng(3);
    for (loss, output) in losses_and_outputs() {
        let network = network(&[4, 18], Activation::Relu, output, rng);
        let outputs = network.forward(&floats(9, 4, rng));
        let samples = Samples::new(9, 4, 18, 0.5, rng);
        let targets = samples.dataset().all().targets(18, 0.0);
        let (of_labels, of_targets) = (
            loss.evaluate(outputs.view(), &samples.labels),
            loss.evaluate_targets(outputs.view(), targets.view()),
        );
        assert_eq!(of_targets.gradient, of_labels.gradient, "{loss}");
        let error = (of_targets.value - of_labels.value).abs();
        assert!(error <= 1e-6 * (1.0 + of_labels.value), "{loss}: {error}");
    }
}

#[test]
fn each_kind_of_targets_is_its_formula() {
    let rng = &mut rng(4);
    let samples = Samples::new(8, 3, 5, 0.5, rng);
    let others = classes(6, 5, rng);
    let shares: Vec<f32> = (0..6).map(|n| n as f32 / 5.0).collect();
    let probabilities = unit_floats(6, 7, rng);
    // Not from the first sample on: everything goes by the place in the batch.
    let order = [7, 2, 2, 5, 0, 3];
    let labels: Vec<u8> = order.map(|index| samples.labels[index]).to_vec();
    for smoothing in [0.0_f32, 0.1, 1.0] {
        let wide = f64::from(smoothing);
        let (own, other) = (label_targets(&labels, 7, wide), label_targets(&others, 7, wide));
        let mixed = |n: usize, unit: usize| {
            let share = f64::from(shares[n]);
            share * own[n][unit] + (1.0 - share) * other[n][unit]
        };
        let taught = |n: usize, unit: usize| 0.75 * f64::from(probabilities[[n, unit]]) + 0.25 * own[n][unit];
        let rows = |of: &dyn Fn(usize, usize) -> f64| -> Table {
            (0..6).map(|n| (0..7).map(|unit| of(n, unit)).collect()).collect()
        };
        let batch = samples.dataset().batch(&order);
        for (targets, expected) in [
            (Targets::Labels, own.clone()),
            (Targets::Mixed { other_labels: &others, shares: &shares }, rows(&mixed)),
            (Targets::Teacher { probabilities: probabilities.view(), share: 0.75 }, rows(&taught)),
        ] {
            let found = batch.with_targets(targets).targets(7, smoothing);
            assert_close(&format!("{targets:?}, {smoothing}"), &found, &expected, 2e-7);
        }
    }
}

#[test]
fn steps_of_soft_targets_are_the_readable_ones_bit_for_bit() {
    let rng = &mut rng(5);
    let samples = Samples::new(101, 70, 6, 0.2, rng);
    let others = classes(100, 6, rng);
    let shares: Vec<f32> = (0..100).map(|_| rng.random_range(0.0..=1.0)).collect();
    let probabilities = unit_floats(100, 6, rng);
    for (loss, output) in losses_and_outputs() {
        let network = network(&[70, 18, 6], Activation::Relu, output, rng);
        for (label_smoothing, targets) in [(0.1, 0), (0.0, 1), (0.1, 1), (0.0, 2), (0.2, 2)] {
            let objective = Objective { label_smoothing, ..loss.into() };
            let targets = |count: usize| match targets {
                0 => Targets::Labels,
                1 => Targets::Mixed { other_labels: &others[..count], shares: &shares[..count] },
                _ => Targets::Teacher {
                    probabilities: probabilities.slice(nn_core::ndarray::s![..count, ..]),
                    share: 0.5,
                },
            };
            assert_same_steps(&network, &Optimizer::new(Rule::Sgd, 0.05), objective, &samples, targets);
        }
    }
}

#[test]
fn a_loss_alone_is_an_objective_and_no_smoothing_changes_no_bit() {
    let rng = &mut rng(6);
    let samples = Samples::new(20, 30, 4, 0.3, rng);
    let start = network(&[30, 9, 4], Activation::Relu, Activation::Identity, rng);
    let loss = Loss::SoftmaxCrossEntropy;
    let run = |objective: Objective| {
        let (mut network, mut sgd) = (start.clone(), Optimizer::sgd(0.1));
        let tally = engine(2).step(&mut network, &mut sgd, objective, samples.dataset().all());
        (network, tally)
    };
    let mut network = start.clone();
    let tally = engine(2).step(&mut network, &mut Optimizer::sgd(0.1), loss, samples.dataset().all());
    assert_eq!(run(loss.into()), (network, tally));
    assert_ne!(run(Objective { label_smoothing: 0.1, ..loss.into() }).0, run(loss.into()).0);
}

#[test]
fn answers_are_right_by_the_label_and_of_two_by_the_greater_share() {
    // The outputs are the biases: class 2 is the answer to everything.
    let samples = Samples { pixels: Array2::zeros((4, 3)), labels: vec![2, 0, 2, 0], classes: 3 };
    let mut network =
        nn_core::Network::builder(3).dense(3, Activation::Identity).zeros().expect("a layer of three units");
    network.parameters_mut().biases_mut(0).assign(&array![0.0, 0.5, 1.0]);
    let correct = |targets: Targets<'_>| {
        let batch = samples.dataset().all().with_targets(targets);
        let loss = Loss::SoftmaxCrossEntropy;
        [1, 2, 4].map(|threads| {
            engine(threads).step(&mut network.clone(), &mut Optimizer::sgd(0.1), loss, batch).correct
        })
    };
    assert_eq!(correct(Targets::Labels), [2; 3]);
    // Right: all of the first, none of the second, the third because the other is too, the last by its other.
    let targets = Targets::Mixed { other_labels: &[1, 2, 2, 2], shares: &[0.5, 0.5, 0.1, 0.4] };
    assert_eq!(correct(targets), [3; 3]);
    let probabilities = array![[1.0, 0.0, 0.0], [1.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]];
    assert_eq!(correct(Targets::Teacher { probabilities: probabilities.view(), share: 1.0 }), [2; 3]);
}

#[test]
fn targets_that_do_not_fit_are_refused() {
    let samples = Samples::new(2, 3, 4, 0.5, &mut rng(7));
    let refusal = |targets: Targets<'_>| panic_of(|| samples.dataset().all().with_targets(targets).len());
    let mixed = |other_labels, shares| Targets::Mixed { other_labels, shares };
    assert_eq!(refusal(mixed(&[0], &[0.5, 0.5])), "1 other labels for a batch of 2 samples");
    assert_eq!(refusal(mixed(&[0, 1], &[0.5; 3])), "3 shares for a batch of 2 samples");
    assert_eq!(refusal(mixed(&[0, 4], &[0.5; 2])), "class 4 of 4 classes");
    assert_eq!(refusal(mixed(&[0, 1], &[0.5, 1.5])), "a share of 1.5, expected 0 to 1");
    assert_eq!(refusal(mixed(&[0, 1], &[f32::NAN, 0.5])), "a share of NaN, expected 0 to 1");
    let zeros = Array2::zeros((3, 4));
    let teacher = |share| Targets::Teacher { probabilities: zeros.view(), share };
    assert_eq!(refusal(teacher(0.5)), "probabilities of shape (3, 4) for a batch of 2 samples");
    let zeros = Array2::zeros((2, 3));
    let teacher = |share| Targets::Teacher { probabilities: zeros.view(), share };
    assert_eq!(refusal(teacher(0.5)), "probabilities of shape (2, 3) for a batch of 4 classes");
    let zeros = Array2::zeros((2, 5));
    let teacher = |share| Targets::Teacher { probabilities: zeros.view(), share };
    assert_eq!(refusal(teacher(-0.5)), "a share of -0.5, expected 0 to 1");

    let start = network(&[3, 4], Activation::Relu, Activation::Identity, &mut rng(7));
    let loss = Loss::SoftmaxCrossEntropy;
    let batch = samples.dataset().all().with_targets(teacher(0.5));
    let step = |objective: Objective, batch| {
        panic_of(|| engine(1).step(&mut start.clone(), &mut Optimizer::sgd(0.1), objective, batch))
    };
    let expected = "probabilities of shape (2, 5) for a network of 4 outputs";
    assert_eq!(step(loss.into(), batch), expected);
    assert_eq!(
        panic_of(|| batch.targets(4, 0.0)),
        "probabilities of shape (2, 5) for a network of 4 outputs"
    );
    assert_eq!(panic_of(|| batch.targets(3, 0.0)), "4 classes for 3 outputs");
    for label_smoothing in [-0.1, 1.1] {
        let objective = Objective { label_smoothing, ..loss.into() };
        let expected = format!("a label smoothing of {label_smoothing}, expected 0 to 1");
        assert_eq!(step(objective, samples.dataset().all()), expected);
    }
    let (outputs, targets) = (Array2::zeros((2, 3)), Array2::zeros((3, 2)));
    let message = panic_of(|| loss.evaluate_targets(outputs.view(), targets.view()));
    assert_eq!(message, "targets of shape (3, 2) for outputs of shape (2, 3)");
}
