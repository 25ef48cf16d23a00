//! Holds every formula of the library, forward and back, against the oracle: all activations, losses,
//! depths, and shapes on both sides of every block that the kernels are cut into.

mod oracle;
mod samples;

use nn_core::ndarray::{Array2, ArrayView2, array, s};
use nn_core::{Activation, Inputs, Loss, Network, PROBABILITY_CLIP};
use oracle::{Oracle, Table, activate, flat, layers_of, loss_gradient, loss_value, sample_losses};
use proptest::prelude::*;
use samples::{
    Samples, bytes, classes, floats, hidden_activations, losses_and_outputs, network, rng, table,
    table_of_bytes,
};
use std::fmt::Display;

/// Widths around the sixteen lanes of a line, the three lines of a panel or tile, the seven or eight lines
/// of a strip, the 64 inputs of a block, the sixteen lines from which on a gradient is packed, and the 288 or
/// 384 terms that a product stays with.
const WIDTHS: [usize; 16] = [1, 15, 16, 17, 47, 48, 49, 63, 64, 65, 100, 129, 255, 257, 300, 400];

/// Batch sizes around the tiles of 1, 2, 4, 6 and 8 samples and the groups of 64.
const BATCHES: [usize; 13] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 63, 64, 65, 130];

/// Errors allowed, relative to the greatest number of the same tensor. A sum of 300 products in `f32` is
/// good to some 20 units in the last place (2^-23 = 1.2e-7), and four layers add theirs up.
const OUTPUT_TOLERANCE: f64 = 3e-6;
const GRADIENT_TOLERANCE: f64 = 2e-5;

/// Error allowed besides: p - t has the rounding of 1, however small it is.
const ROUNDING: f64 = 1e-7;

/// Closer to the kink of a ReLU, `f32` and `f64` may stand on different sides.
const KINK: f64 = 3e-6;

#[track_caller]
fn assert_close(what: impl Display, found: ArrayView2<'_, f32>, expected: &Table, tolerance: f64) {
    let dim = (expected.len(), expected.first().map_or(found.ncols(), Vec::len));
    assert_eq!(found.dim(), dim, "{what}: shape");
    let scale = expected.iter().flatten().fold(0.0_f64, |most, x| most.max(x.abs()));
    for (i, row) in expected.iter().enumerate() {
        for (j, &expected) in row.iter().enumerate() {
            let found = f64::from(found[[i, j]]);
            let error = (found - expected).abs();
            // Written so that a NaN fails.
            assert!(
                error <= tolerance * scale + ROUNDING,
                "{what} [{i}, {j}]: {found}, expected {expected}, at a scale of {scale}"
            );
        }
    }
}

/// Trace, loss and gradients of one batch against the oracle.
#[track_caller]
fn judge(network: &Network, inputs: Inputs<'_>, as_numbers: &Table, loss: Loss, classes: &[u8]) {
    let oracle = Oracle::of(network);
    let stages = oracle.forward(as_numbers);
    let widths: Vec<_> = (0..network.depth()).map(|layer| network.units(layer)).collect();
    let case = format!("{loss}, {} samples, {}-{widths:?}", classes.len(), network.inputs());

    let trace = network.trace(inputs);
    assert_eq!((trace.len(), trace.is_empty()), (classes.len(), classes.is_empty()));
    for (layer, stage) in stages.iter().enumerate() {
        let what = format!("{case}: activations of layer {layer}");
        assert_close(what, trace.activations(layer), &stage.a, OUTPUT_TOLERANCE);
    }
    assert_eq!(network.forward(inputs), trace.output(), "{case}: forward and trace differ");

    let found = loss.evaluate(trace.output(), classes);
    let outputs = table(trace.output());
    let value = loss_value(loss, &outputs, classes);
    let error = (f64::from(found.value) - value).abs();
    assert!(error <= 1e-6 * (1.0 + value), "{case}: loss {}, expected {value}", found.value);
    let d_output = loss_gradient(loss, &outputs, classes);
    assert_close(format!("{case}: loss gradient"), found.gradient.view(), &d_output, 1e-6);

    let gradients = network.backward(&trace, found.gradient.view());
    let expected = oracle.gradient(loss, as_numbers, classes);
    for (layer, expected) in expected.iter().enumerate() {
        let what = format!("{case}: layer {layer}");
        assert_close(format!("{what}: dW"), gradients.weights(layer), &expected.weights, GRADIENT_TOLERANCE);
        let biases = gradients.biases(layer);
        let biases = biases.to_shape((1, biases.len())).unwrap();
        let expected = vec![expected.biases.clone()];
        assert_close(format!("{what}: db"), biases.view(), &expected, GRADIENT_TOLERANCE);
    }
}

/// Judges a random network on random floats; both are drawn anew until no ReLU stands at its kink.
#[track_caller]
fn judge_random(
    widths: &[usize],
    samples: usize,
    hidden: Activation,
    (loss, output): (Loss, Activation),
    seed: u64,
) {
    let rng = &mut rng(seed);
    loop {
        let network = network(widths, hidden, output, rng);
        let inputs = floats(samples, widths[0], rng);
        let numbers = table(inputs.view());
        if Oracle::of(&network).distance_from_kinks(&numbers) > KINK {
            let classes = classes(samples, network.outputs(), rng);
            return judge(&network, (&inputs).into(), &numbers, loss, &classes);
        }
    }
}

/// As [`judge_random`], on bytes of a density; the three forms of inputs must give the same bits.
#[track_caller]
fn judge_random_bytes(widths: &[usize], samples: usize, density: f64, seed: u64) {
    let rng = &mut rng(seed);
    loop {
        let network = network(widths, Activation::Relu, Activation::Identity, rng);
        let data = Samples::new(samples, widths[0], network.outputs().min(256), density, rng);
        let numbers = table_of_bytes(data.pixels.view());
        if Oracle::of(&network).distance_from_kinks(&numbers) > KINK {
            let loss = Loss::SoftmaxCrossEntropy;
            judge(&network, (&data.pixels).into(), &numbers, loss, &data.labels);

            let as_floats = data.pixels.mapv(|v| f32::from(v) / 255.0);
            let order: Vec<usize> = (0..samples).collect();
            let forms: [Inputs<'_>; 4] = [
                data.pixels.view().into(),
                as_floats.view().into(),
                data.dataset().all().into(),
                data.dataset().batch(&order).into(),
            ];
            let traces = forms.map(|inputs| network.trace(inputs));
            let d_output = loss.evaluate(traces[0].output(), &data.labels).gradient;
            let gradients = traces.each_ref().map(|trace| network.backward(trace, d_output.view()));
            for form in 1..forms.len() {
                assert_eq!(forms[form].dim(), (samples, widths[0]));
                assert_eq!(traces[form].output(), traces[0].output(), "outputs of form {form}");
                assert_eq!(gradients[form], gradients[0], "gradients of form {form}");
            }
            return;
        }
    }
}

#[test]
fn every_activation_with_every_loss_agrees_at_every_depth() {
    let mut case = 0;
    for hidden in hidden_activations() {
        for pair in losses_and_outputs() {
            for depth in 1..=4 {
                let widths: Vec<_> = (0..=depth).map(|k| WIDTHS[(7 * case + 4 * k) % WIDTHS.len()]).collect();
                judge_random(&widths, BATCHES[case % BATCHES.len()], hidden, pair, case as u64);
                case += 1;
            }
        }
    }
    assert_eq!(case, 5 * 10 * 4, "five hidden activations, ten pairs of loss and output, four depths");
}

#[test]
fn ordinary_shapes_agree_for_every_loss() {
    for (seed, pair) in losses_and_outputs().into_iter().enumerate() {
        for hidden in hidden_activations() {
            judge_random(&[7, 5, 3], 6, hidden, pair, seed as u64);
            judge_random(&[13, 17, 33, 4], 10, hidden, pair, seed as u64);
        }
    }
}

#[test]
fn dense_products_agree_on_both_sides_of_every_block() {
    let mut case = 0;
    for inputs in WIDTHS {
        for outputs in WIDTHS {
            // The middle layer's products are those of (inputs, outputs), in all three directions.
            for _ in 0..3 {
                let samples = BATCHES[case % BATCHES.len()];
                let pair = (Loss::MeanSquaredError, Activation::Tanh);
                judge_random(&[5, inputs, outputs, 3], samples, Activation::Tanh, pair, case as u64);
                case += 1;
            }
        }
    }
}

#[test]
fn sparse_products_agree_on_both_sides_of_every_block() {
    let mut case = 0;
    for inputs in WIDTHS {
        for outputs in WIDTHS {
            for density in [0.05, 0.5, 1.0] {
                let samples = BATCHES[case % BATCHES.len()];
                judge_random_bytes(&[inputs, outputs, 3], samples, density, case as u64);
                case += 1;
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_shape_agrees(
        widths in prop::collection::vec(1_usize..=80, 2..=5),
        samples in 1_usize..=70,
        hidden in prop::sample::select(hidden_activations()),
        pair in prop::sample::select(losses_and_outputs()),
        seed: u64,
    ) {
        judge_random(&widths, samples, hidden, pair, seed);
    }

    #[test]
    fn any_bytes_agree_in_every_form(
        widths in prop::collection::vec(1_usize..=140, 2..=4),
        samples in 1_usize..=140,
        density in 0.0..=1.0,
        seed: u64,
    ) {
        judge_random_bytes(&widths, samples, density, seed);
    }

    #[test]
    fn a_constant_added_to_the_logits_of_a_sample_changes_nothing(
        logits in prop::collection::vec(-8.0_f32..8.0, 2..40),
        shift in -500.0_f32..500.0,
    ) {
        let units = logits.len();
        let mut outputs = Array2::from_shape_vec((1, units), logits).unwrap();
        let before = Loss::SoftmaxCrossEntropy.evaluate(outputs.view(), &[1]);
        let probabilities = Loss::SoftmaxCrossEntropy.probabilities(outputs.view());
        outputs += shift;
        let after = Loss::SoftmaxCrossEntropy.evaluate(outputs.view(), &[1]);
        // The sum rounds the logits themselves to 2^-15 = 3.1e-5 at most.
        prop_assert!((after.value - before.value).abs() < 1e-4);
        let close = |a: &Array2<f32>, b: &Array2<f32>| (a - b).iter().all(|x| x.abs() < 5e-5);
        prop_assert!(close(&after.gradient, &before.gradient));
        prop_assert!(close(&Loss::SoftmaxCrossEntropy.probabilities(outputs.view()), &probabilities));
    }
}

/// A layer of as many units as inputs, each with its own input as pre-activation.
fn unit_layer(units: usize, activation: Activation) -> Network {
    let mut network = Network::builder(units).dense(units, activation).zeros().unwrap();
    network.parameters_mut().weights_mut(0).diag_mut().fill(1.0);
    network
}

#[test]
fn activations_and_their_slopes_agree_over_the_whole_range() {
    // 20 units, so that a line is full and another is not; 4001 steps from -100 to 100 and finer near 0.
    let steps: Vec<f32> = (-2000..=2000).map(|step| step as f32 / 20.0).collect();
    let fine: Vec<f32> = (-999..=999).map(|step| step as f32 * 1.1e-3).collect();
    let mut z: Vec<f32> = steps.into_iter().chain(fine).collect();
    z.resize(z.len() / 20 * 20, 0.0);
    let z = Array2::from_shape_vec((z.len() / 20, 20), z).unwrap();
    for activation in hidden_activations() {
        let network = unit_layer(20, activation);
        let trace = network.trace(&z);
        let slopes = Array2::from_elem(z.dim(), 1.0_f32);
        for (n, row) in z.rows().into_iter().enumerate() {
            let numbers: Vec<f64> = row.iter().map(|&z| f64::from(z)).collect();
            for (found, expected) in trace.output().row(n).iter().zip(activate(activation, &numbers)) {
                let error = (f64::from(*found) - expected).abs();
                // Four units in the last place; below the smallest normal number, 0 will do.
                let tolerance = 4.8e-7 * expected.abs() + 1.2e-38;
                assert!(error <= tolerance, "{activation}: {found}, expected {expected}");
            }
            // One sample at a time, so that the gradient of the biases is the slope itself.
            let trace = network.trace(z.slice(s![n..=n, ..]));
            let slope = network.backward(&trace, slopes.slice(s![n..=n, ..]));
            let oracle = Oracle::of(&network);
            let numbers = vec![numbers];
            let ones = vec![vec![1.0; 20]];
            let expected = oracle.backward(&numbers, &oracle.forward(&numbers), ones);
            for (found, expected) in slope.biases(0).iter().zip(&expected[0].biases) {
                // 1 - a loses digits where a is near 1.
                let error = (f64::from(*found) - expected).abs();
                assert!(error <= 3e-7, "{activation}': {found}, expected {expected}");
            }
        }
    }
}

#[test]
fn relus_have_slope_zero_at_zero_and_leak_below() {
    let inputs = array![[-2.0_f32, 0.0, 3.0]];
    for (activation, outputs, slopes) in [
        (Activation::Relu, [0.0_f32, 0.0, 3.0], [0.0_f32, 0.0, 1.0]),
        (Activation::LeakyRelu, [-0.02, 0.0, 3.0], [0.01, 0.01, 1.0]),
    ] {
        let network = unit_layer(3, activation);
        let trace = network.trace(&inputs);
        assert_eq!(trace.output(), array![outputs]);
        let gradient = network.backward(&trace, array![[1.0, 1.0, 1.0]].view());
        assert_eq!(gradient.biases(0), array![slopes[0], slopes[1], slopes[2]]);
    }
}

#[test]
fn views_of_any_order_are_read_as_they_look() {
    let rng = &mut rng(5);
    let network = network(&[6, 4, 3], Activation::Tanh, Activation::Identity, rng);
    let numbers = floats(9, 6, rng);
    let pixels = bytes(9, 6, 0.5, rng);
    let columns_first = numbers.t().as_standard_layout().into_owned();
    assert_eq!(network.forward(columns_first.t()), network.forward(&numbers));
    let columns_first = pixels.t().as_standard_layout().into_owned();
    assert_eq!(network.forward(columns_first.t()), network.forward(&pixels));
    let backwards = network.forward(numbers.slice(s![..;-2, ..]));
    assert_eq!(backwards.row(0), network.forward(&numbers).row(8));
    let d_output = floats(9, 3, rng);
    let transposed = d_output.t().as_standard_layout().into_owned();
    let trace = network.trace(&numbers);
    assert_eq!(network.backward(&trace, transposed.t()), network.backward(&trace, d_output.view()));
}

#[test]
fn no_samples_give_no_outputs_no_loss_and_no_gradient() {
    let network = network(&[6, 4, 3], Activation::Relu, Activation::Identity, &mut rng(6));
    for inputs in
        [Inputs::Floats(floats(0, 6, &mut rng(6)).view()), Inputs::Bytes(Array2::zeros((0, 6)).view())]
    {
        let trace = network.trace(inputs);
        assert!(trace.is_empty());
        assert_eq!(trace.output().dim(), (0, 3));
        for loss in Loss::ALL {
            let evaluated = loss.evaluate(trace.output(), &[]);
            assert_eq!((evaluated.value, evaluated.gradient.dim()), (0.0, (0, 3)));
        }
        let gradients = network.backward(&trace, Array2::zeros((0, 3)).view());
        assert_eq!(gradients, network.parameters().zeros_like());
    }
}

#[test]
fn losses_have_the_values_of_their_closed_formulas() {
    let close = |found: f32, expected: f64| {
        assert!(
            (f64::from(found) - expected).abs() < 1e-6 * (1.0 + expected),
            "{found}, expected {expected}"
        );
    };
    // softmax(0, ln 2, ln 5) = 1/8, 2/8, 5/8.
    let logits = array![[0.0, 2_f32.ln(), 5_f32.ln()]];
    close(Loss::SoftmaxCrossEntropy.evaluate(logits.view(), &[1]).value, 4_f64.ln());
    // sigmoid(ln 3) = 3/4, sigmoid(0) = 1/2, sigmoid(-ln 3) = 1/4.
    let logits = array![[3_f32.ln(), 0.0, -3_f32.ln()]];
    let expected = (4.0 / 3.0_f64).ln() + 2_f64.ln() + (4.0 / 3.0_f64).ln();
    close(Loss::SigmoidCrossEntropy.evaluate(logits.view(), &[0]).value, expected);
    let probabilities = array![[0.75_f32, 0.5, 0.25]];
    close(Loss::BinaryCrossEntropy.evaluate(probabilities.view(), &[0]).value, expected);
    close(
        Loss::MeanSquaredError.evaluate(probabilities.view(), &[2]).value,
        (0.75 * 0.75 + 0.25 + 0.75 * 0.75) / 3.0,
    );
    // A batch is a mean: of ln 4 and ln 8.
    let logits = array![[0.0, 2_f32.ln(), 5_f32.ln()], [0.0, 2_f32.ln(), 5_f32.ln()]];
    close(Loss::SoftmaxCrossEntropy.evaluate(logits.view(), &[1, 0]).value, (4_f64.ln() + 8_f64.ln()) / 2.0);
}

#[test]
fn probabilities_are_the_softmax_the_sigmoid_or_the_outputs_themselves() {
    for units in [1, 3, 16, 17, 100] {
        let outputs = floats(5, units, &mut rng(units as u64)) * 4.0;
        for (loss, activation) in [
            (Loss::SoftmaxCrossEntropy, Activation::Softmax),
            (Loss::SigmoidCrossEntropy, Activation::Sigmoid),
            (Loss::BinaryCrossEntropy, Activation::Identity),
            (Loss::MeanSquaredError, Activation::Identity),
        ] {
            let found = loss.probabilities(outputs.view());
            let expected: Table = table(outputs.view()).iter().map(|row| activate(activation, row)).collect();
            assert_close(format!("{loss} of {units}"), found.view(), &expected, 1e-6);
            if activation == Activation::Identity {
                assert_eq!(found, outputs);
            }
        }
    }
}

#[test]
fn extreme_logits_give_finite_losses_and_gradients() {
    let logits = array![[1e4_f32, -1e4, 0.0, 1e4], [-1e4, -1e4, -1e4, 1e4], [1e3, -1e3, 80.0, -80.0]];
    for loss in [Loss::SoftmaxCrossEntropy, Loss::SigmoidCrossEntropy] {
        for class in 0..4 {
            let classes = [class; 3];
            let found = loss.evaluate(logits.view(), &classes);
            let outputs = table(logits.view());
            let expected = loss_value(loss, &outputs, &classes);
            assert!(
                (f64::from(found.value) - expected).abs() <= 1e-6 * (1.0 + expected),
                "{loss} of {class}"
            );
            assert_close(loss, found.gradient.view(), &loss_gradient(loss, &outputs, &classes), 1e-6);
        }
        let probabilities = loss.probabilities(logits.view());
        assert!(probabilities.iter().all(|p| (0.0..=1.0).contains(p)), "{probabilities}");
    }
}

#[test]
fn clipped_cross_entropy_is_finite_at_certainty() {
    let most = -f64::from(PROBABILITY_CLIP).ln();
    for (p, class, expected) in [
        // Certain and right; certain and wrong of both outputs; right of the first, wrong of the second.
        ([1.0_f32, 0.0], 0, 0.0),
        ([0.0, 1.0], 0, 2.0 * most),
        ([1.0, 1.0], 0, most),
    ] {
        let found = Loss::BinaryCrossEntropy.evaluate(array![p].view(), &[class]);
        let error = (f64::from(found.value) - expected).abs();
        assert!(error <= 1e-6 * (1.0 + expected), "{p:?}: {}, expected {expected}", found.value);
        let outputs = table(array![p].view());
        let d_output = loss_gradient(Loss::BinaryCrossEntropy, &outputs, &[class]);
        assert_close(format!("{p:?}"), found.gradient.view(), &d_output, 1e-6);
        assert!(found.gradient.iter().all(|d| d.is_finite()));
    }
}

#[test]
fn a_saturated_network_still_trains_without_infinities() {
    let loss = Loss::BinaryCrossEntropy;
    let mut network = unit_layer(3, Activation::Sigmoid);
    network.parameters_mut().weights_mut(0).mapv_inplace(|w| 1e3 * w);
    let trace = network.trace(&array![[1.0_f32, -1.0, 1.0], [-1.0, 1.0, 1.0]]);
    let gradients = network.backward(&trace, loss.evaluate(trace.output(), &[1, 1]).gradient.view());
    assert!(gradients.is_finite(), "{gradients:?}");
}

#[test]
fn not_a_number_is_seen_in_the_loss_wherever_it_stands() {
    for loss in Loss::ALL {
        for units in [3, 20] {
            for unit in 0..units {
                for class in [0, 2] {
                    let mut outputs = Array2::from_elem((2, units), 0.25);
                    outputs[[1, unit]] = f32::NAN;
                    let value = loss.evaluate(outputs.view(), &[1, class]).value;
                    assert!(value.is_nan(), "{loss}: unit {unit} of {units}, class {class}: {value}");
                }
            }
        }
    }
}

#[test]
fn not_a_number_passes_through_every_activation_to_the_loss() {
    for hidden in hidden_activations() {
        for (loss, output) in losses_and_outputs() {
            let mut network = network(&[3, 18, 2], hidden, output, &mut rng(8));
            network.parameters_mut().weights_mut(0)[[1, 17]] = f32::NAN;
            let outputs = network.forward(&array![[0.5_f32, 0.5, 0.5]]);
            let value = loss.evaluate(outputs.view(), &[0]).value;
            assert!(value.is_nan(), "{hidden}, {output}, {loss}: {value}");
        }
    }
}

#[test]
fn an_infinite_output_is_seen_in_the_loss() {
    for loss in Loss::ALL {
        for infinite in [f32::INFINITY, f32::NEG_INFINITY] {
            if loss == Loss::BinaryCrossEntropy {
                continue; // Its outputs are clipped probabilities.
            }
            let evaluated = loss.evaluate(array![[0.0, infinite, 1.0]].view(), &[1]);
            let expected = loss == Loss::SigmoidCrossEntropy && infinite > 0.0;
            assert!(!evaluated.value.is_finite() || expected, "{loss}: {}", evaluated.value);
        }
    }
}

#[test]
fn the_loss_of_a_batch_is_the_mean_of_its_samples() {
    let rng = &mut rng(9);
    for (loss, activation) in losses_and_outputs() {
        let network = network(&[4, 7], Activation::Relu, activation, rng);
        let outputs = network.forward(&floats(11, 4, rng));
        let classes = classes(11, 7, rng);
        let each = (0..11).map(|n| loss.evaluate(outputs.slice(s![n..=n, ..]), &classes[n..=n]));
        let (values, gradients): (Vec<f32>, Vec<Array2<f32>>) = each.map(|e| (e.value, e.gradient)).unzip();
        let whole = loss.evaluate(outputs.view(), &classes);
        assert!((whole.value - values.iter().sum::<f32>() / 11.0).abs() < 1e-5, "{loss}");
        for (n, gradient) in gradients.iter().enumerate() {
            let difference = &whole.gradient.slice(s![n..=n, ..]) * 11.0 - gradient;
            assert!(difference.iter().all(|d| d.abs() < 1e-4), "{loss}");
        }
        let expected = sample_losses(loss, &table(outputs.view()), &classes);
        assert!(values.iter().zip(expected).all(|(v, e)| (f64::from(*v) - e).abs() < 1e-5 * (1.0 + e)));
    }
}

#[test]
fn gradients_are_sums_over_the_samples() {
    // What a batch of two parts has is the sum of the parts: nothing leaks between samples.
    let rng = &mut rng(10);
    let network = network(&[30, 20, 5], Activation::Tanh, Activation::Identity, rng);
    let (inputs, d_output) = (floats(70, 30, rng), floats(70, 5, rng));
    let gradient = |from: usize, to: usize| {
        let trace = network.trace(inputs.slice(s![from..to, ..]));
        flat(&layers_of(&network.backward(&trace, d_output.slice(s![from..to, ..]))))
    };
    let (whole, first, second) = (gradient(0, 70), gradient(0, 37), gradient(37, 70));
    for ((whole, first), second) in whole.iter().zip(first).zip(second) {
        assert!((whole - first - second).abs() < 1e-4);
    }
}

#[test]
fn numbers_outside_the_unit_range_are_taken_as_they_are() {
    let mut network = Network::builder(2).dense(1, Activation::Identity).zeros().unwrap();
    network.parameters_mut().weights_mut(0).assign(&array![[2.0], [-3.0]]);
    network.parameters_mut().biases_mut(0).assign(&array![0.5]);
    assert_eq!(network.forward(&array![[300.0_f32, -7.0]]), array![[621.5]]);
    assert_eq!(network.forward(&array![[255_u8, 0], [0, 255]]), array![[2.5], [-2.5]]);
    let third = network.forward(&array![[51_u8, 0]])[[0, 0]];
    assert!((third - 0.9).abs() < 1e-6, "51 stands for 0.2");
}

#[test]
fn outputs_of_no_columns_have_no_probabilities() {
    for loss in Loss::ALL {
        let none = Array2::<f32>::zeros((2, 0));
        assert_eq!(loss.probabilities(none.view()), none);
    }
}
