//! Holds the oracle's back-propagation against differences of its own loss, so that the judge is judged,
//! and then the library's against differences of the library's loss.

mod oracle;
mod samples;

use nn_core::rand::Rng;
use nn_core::{Activation, Loss, Network};
use oracle::{Oracle, flat, flat_mut, layers_of};
use rand_chacha::ChaCha8Rng;
use samples::{classes, floats, hidden_activations, losses_and_outputs, network, rng, table};

/// A network of two hidden layers and a batch for it, on which no ReLU comes within `margin` of its kink.
fn case(
    hidden: Activation,
    output: Activation,
    margin: f64,
    rng: &mut ChaCha8Rng,
) -> (Network, nn_core::ndarray::Array2<f32>, Vec<u8>) {
    loop {
        let network = network(&[3, 5, 4, 2], hidden, output, rng);
        let inputs = floats(3, 3, rng);
        if Oracle::of(&network).distance_from_kinks(&table(inputs.view())) > margin {
            let classes = classes(3, 2, rng);
            return (network, inputs, classes);
        }
    }
}

#[test]
fn the_oracle_agrees_with_differences_of_its_own_loss_in_every_parameter() {
    const STEP: f64 = 1e-5;
    for hidden in hidden_activations() {
        for (loss, output) in losses_and_outputs() {
            let (network, inputs, classes) = case(hidden, output, 1e-3, &mut rng(1));
            let (mut oracle, inputs) = (Oracle::of(&network), table(inputs.view()));
            let gradient = flat(&oracle.gradient(loss, &inputs, &classes));
            assert_eq!(gradient.len(), network.parameter_count());
            for (index, expected) in gradient.into_iter().enumerate() {
                let mut loss_at = |step: f64| {
                    *flat_mut(&mut oracle.layers)[index] += step;
                    let value = oracle.loss(loss, &inputs, &classes);
                    *flat_mut(&mut oracle.layers)[index] -= step;
                    value
                };
                let found = (loss_at(STEP) - loss_at(-STEP)) / (2.0 * STEP);
                assert!(
                    (found - expected).abs() <= 1e-8 + 1e-7 * expected.abs(),
                    "{hidden}, {output}, {loss}, parameter {index}: {expected}, by differences {found}"
                );
            }
        }
    }
}

/// The loss of the library with every parameter moved by `step` along `direction`.
fn moved(network: &Network, direction: &[f64], step: f64) -> Network {
    let mut moved = network.clone();
    let mut numbers = direction.iter().map(|d| (d * step) as f32);
    for layer in 0..network.depth() {
        let weights = &mut moved.parameters_mut().weights_mut(layer);
        weights.iter_mut().zip(&mut numbers).for_each(|(w, d)| *w += d);
        let biases = &mut moved.parameters_mut().biases_mut(layer);
        biases.iter_mut().zip(&mut numbers).for_each(|(b, d)| *b += d);
    }
    moved
}

#[test]
fn the_library_agrees_with_differences_of_its_own_loss_in_random_directions() {
    // The loss is good to 1e-7, so the step must be long, and the kinks far: no pre-activation moves by
    // more than some 0.01 at a step of 0.002 in each parameter.
    const STEP: f64 = 2e-3;
    for hidden in hidden_activations() {
        for (loss, output) in losses_and_outputs() {
            let rng = &mut rng(2);
            let (network, inputs, classes) = case(hidden, output, 0.03, rng);
            let loss_of = |network: &Network| loss.evaluate(network.forward(&inputs).view(), &classes);
            let trace = network.trace(&inputs);
            let d_output = loss_of(&network).gradient;
            let gradient = flat(&layers_of(&network.backward(&trace, d_output.view())));
            for _ in 0..20 {
                let direction: Vec<f64> =
                    gradient.iter().map(|_| [-1.0, 1.0][usize::from(rng.random_bool(0.5))]).collect();
                let expected: f64 = gradient.iter().zip(&direction).map(|(g, d)| g * d).sum();
                let value = |step: f64| f64::from(loss_of(&moved(&network, &direction, step)).value);
                let found = (value(STEP) - value(-STEP)) / (2.0 * STEP);
                let length: f64 = gradient.iter().map(|g| g.abs()).sum();
                assert!(
                    (found - expected).abs() <= 1e-3 * length + 3e-4,
                    "{hidden}, {output}, {loss}: {expected}, by differences {found}, of {length}"
                );
            }
        }
    }
}

#[test]
fn a_wide_network_on_bytes_agrees_with_differences_of_the_oracles_loss() {
    // As wide as MNIST, where every parameter by itself would take too long: random directions.
    const STEP: f64 = 1e-6;
    let rng = &mut rng(3);
    let network = network(&[784, 30, 10], Activation::Tanh, Activation::Identity, rng);
    let pixels = samples::bytes(9, 784, 0.2, rng);
    let classes = classes(9, 10, rng);
    let loss = Loss::SoftmaxCrossEntropy;
    let trace = network.trace(&pixels);
    let d_output = loss.evaluate(trace.output(), &classes).gradient;
    let gradient = flat(&layers_of(&network.backward(&trace, d_output.view())));
    let (oracle, inputs) = (Oracle::of(&network), samples::table_of_bytes(pixels.view()));
    for _ in 0..5 {
        let direction: Vec<f64> = gradient.iter().map(|_| rng.random_range(-1.0..1.0)).collect();
        let expected: f64 = gradient.iter().zip(&direction).map(|(g, d)| g * d).sum();
        let value = |step: f64| {
            let mut oracle = oracle.clone();
            for (w, d) in flat_mut(&mut oracle.layers).into_iter().zip(&direction) {
                *w += d * step;
            }
            oracle.loss(loss, &inputs, &classes)
        };
        let found = (value(STEP) - value(-STEP)) / (2.0 * STEP);
        assert!((found - expected).abs() <= 1e-5, "{expected}, by differences {found}");
    }
}
