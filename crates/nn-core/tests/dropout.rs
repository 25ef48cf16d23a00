//! Holds dropout against the oracle, back-propagation through it against differences, and the engine's steps with
//! it against the readable ones.

mod oracle;
mod readable;
mod samples;

use nn_core::ndarray::{Array2, s};
use nn_core::rand::Rng;
use nn_core::{Activation, Dropout, Inputs, Loss, Network, Objective, Optimizer, Rule, Targets};
use oracle::{Oracle, Table, flat, flat_mut, layers_of, loss_gradient, multiply};
use readable::{assert_same_steps, bits, engine};
use samples::{Samples, floats, hidden_activations, losses_and_outputs, network, panic_of, rng, table};

const DROPOUT: Dropout = Dropout { input: 0.25, hidden: 0.4, seed: 11 };

/// What the inputs, and the activations of each hidden layer, are multiplied by: told by a network whose
/// activations are all 1.
fn factors(widths: &[usize], samples: usize, dropout: &Dropout, steps: u64) -> (Table, Vec<Table>) {
    let mut probe = Network::builder(widths[0]).dense(widths[0], Activation::Identity).zeros().unwrap();
    probe.parameters_mut().weights_mut(0).diag_mut().fill(1.0);
    let ones = Array2::from_elem((samples, widths[0]), 1.0_f32);
    let inputs = table(probe.trace_dropping(&ones, dropout, steps).output());

    let mut builder = Network::builder(widths[0]);
    for &units in &widths[1..] {
        builder = builder.dense(units, Activation::Identity);
    }
    let mut probe = builder.zeros().unwrap();
    for layer in 0..probe.depth() {
        probe.parameters_mut().biases_mut(layer).fill(1.0);
    }
    let trace = probe.trace_dropping(&ones, dropout, steps);
    assert!(trace.output().iter().all(|&a| a == 1.0), "outputs are never dropped");
    (inputs, (0..probe.depth() - 1).map(|layer| table(trace.activations(layer))).collect())
}

#[test]
fn inputs_and_hidden_units_are_dropped_by_their_probabilities() {
    let (inputs, hidden) = factors(&[300, 40, 90, 5], 50, &DROPOUT, 3);
    for (factors, probability) in [(&inputs, 0.25), (&hidden[0], 0.4), (&hidden[1], 0.4)] {
        let numbers: Vec<f64> = factors.iter().flatten().copied().collect();
        let dropped = numbers.iter().filter(|&&factor| factor == 0.0).count() as f64 / numbers.len() as f64;
        assert!((dropped - probability).abs() < 0.05, "{dropped} of {probability}");
        let kept = 1.0 / (1.0 - probability);
        assert!(numbers.iter().all(|&factor| factor == 0.0 || (factor - kept).abs() < 1e-6));
    }
    assert_ne!(factors(&[300, 40, 90, 5], 50, &DROPOUT, 4).0, inputs, "another step drops others");
    assert_ne!(factors(&[300, 40, 90, 5], 50, &Dropout { seed: 12, ..DROPOUT }, 3).0, inputs);
    let (inputs, hidden) = factors(&[30, 20, 5], 8, &Dropout { input: 0.0, ..DROPOUT }, 3);
    assert!(inputs.iter().flatten().all(|&factor| factor == 1.0));
    assert!(hidden[0].iter().flatten().any(|&factor| factor == 0.0));
}

#[test]
fn activations_and_gradients_agree_with_the_oracle() {
    let rng = &mut rng(1);
    for hidden in hidden_activations() {
        for (loss, output) in losses_and_outputs() {
            for density in [0.1, 1.0] {
                let widths = [70, 33, 18, 5];
                let network = network(&widths, hidden, output, rng);
                let samples = Samples::new(13, 70, 5, density, rng);
                let (input_factors, hidden_factors) = factors(&widths, 13, &DROPOUT, 9);
                let mut inputs = samples::table_of_bytes(samples.pixels.view());
                multiply(&mut inputs, &input_factors);
                let oracle = Oracle::of(&network);
                let stages = oracle.forward_times(&inputs, &hidden_factors);
                let trace = network.trace_dropping(samples.dataset().all(), &DROPOUT, 9);
                for (layer, stage) in stages.iter().enumerate() {
                    let case = format!("{hidden}, {output}, layer {layer}");
                    let found = table(trace.activations(layer));
                    for (found, expected) in found.iter().flatten().zip(stage.a.iter().flatten()) {
                        let error = (found - expected).abs();
                        assert!(error <= 3e-6 * (1.0 + expected.abs()), "{case}: {found}, {expected}");
                    }
                }
                // The gradient at the library's own outputs, so that the loss does not add its error.
                let d_output = loss.evaluate(trace.output(), &samples.labels).gradient;
                let outputs = table(trace.output());
                let expected = oracle.backward_times(
                    &inputs,
                    &stages,
                    &hidden_factors,
                    loss_gradient(loss, &outputs, &samples.labels),
                );
                let (found, expected) =
                    (flat(&layers_of(&network.backward(&trace, d_output.view()))), flat(&expected));
                let scale = expected.iter().fold(0.0_f64, |most, d| most.max(d.abs()));
                for (found, expected) in found.iter().zip(expected) {
                    let error = (found - expected).abs();
                    assert!(error <= 2e-5 * scale + 1e-7, "{hidden}, {loss}: {found}, {expected}");
                }
            }
        }
    }
}

#[test]
fn back_propagation_agrees_with_differences_of_the_loss_with_the_same_units_left_out() {
    const STEP: f64 = 1e-5;
    let rng = &mut rng(2);
    for hidden in [Activation::Sigmoid, Activation::Tanh, Activation::Identity] {
        let widths = [6, 5, 4, 3];
        let network = network(&widths, hidden, Activation::Identity, rng);
        let inputs = floats(4, 6, rng);
        let (classes, loss) = ([0, 2, 1, 1], Loss::SoftmaxCrossEntropy);
        let (input_factors, hidden_factors) = factors(&widths, 4, &DROPOUT, 1);
        let trace = network.trace_dropping(&inputs, &DROPOUT, 1);
        let d_output = loss.evaluate(trace.output(), &classes).gradient;
        let gradient = flat(&layers_of(&network.backward(&trace, d_output.view())));
        let mut numbers = table(inputs.view());
        multiply(&mut numbers, &input_factors);
        let mut oracle = Oracle::of(&network);
        for (index, expected) in gradient.into_iter().enumerate() {
            let mut loss_at = |step: f64| {
                *flat_mut(&mut oracle.layers)[index] += step;
                let outputs = oracle.forward_times(&numbers, &hidden_factors).pop().unwrap().a;
                *flat_mut(&mut oracle.layers)[index] -= step;
                oracle::loss_value(loss, &outputs, &classes)
            };
            let found = (loss_at(STEP) - loss_at(-STEP)) / (2.0 * STEP);
            assert!((found - expected).abs() <= 2e-6, "{hidden} {index}: {expected}, by differences {found}");
        }
    }
}

#[test]
fn all_forms_of_inputs_have_the_same_bits_with_some_dropped() {
    let rng = &mut rng(3);
    for density in [0.1, 0.5, 1.0] {
        for count in [1, 9, 70] {
            let network = network(&[150, 20, 4], Activation::Tanh, Activation::Identity, rng);
            let samples = Samples::new(count, 150, 4, density, rng);
            let as_floats = samples.pixels.mapv(|v| f32::from(v) / 255.0);
            let forms: [Inputs<'_>; 3] =
                [samples.pixels.view().into(), as_floats.view().into(), samples.dataset().all().into()];
            let traces = forms.map(|inputs| network.trace_dropping(inputs, &DROPOUT, 5));
            let d_output = floats(count, 4, rng);
            let gradients = traces.each_ref().map(|trace| bits(&network.backward(trace, d_output.view())));
            for form in 1..3 {
                assert_eq!(traces[form].output(), traces[0].output(), "form {form}");
                assert_eq!(gradients[form], gradients[0], "form {form}");
            }
            assert_ne!(traces[0].output(), network.trace(&as_floats).output());
        }
    }
}

#[test]
fn steps_with_dropout_are_the_readable_ones_bit_for_bit() {
    let rng = &mut rng(4);
    for (density, input, hidden) in [(0.2, 0.25, 0.5), (0.2, 0.0, 0.5), (1.0, 0.2, 0.0), (0.7, 0.1, 0.1)] {
        let samples = Samples::new(101, 150, 6, density, rng);
        for activation in hidden_activations() {
            for rule in [Rule::Sgd, Rule::ALL[3]] {
                let network = network(&[150, 40, 18, 6], activation, Activation::Identity, rng);
                let dropout = Dropout { input, hidden, seed: 5 };
                let objective =
                    Objective { dropout, label_smoothing: 0.1, ..Loss::SoftmaxCrossEntropy.into() };
                let optimizer = Optimizer::new(rule, 0.01);
                assert_same_steps(&network, &optimizer, objective, &samples, |_| Targets::Labels);
            }
        }
    }
}

#[test]
fn nothing_is_dropped_by_an_evaluation_or_a_step_that_follows() {
    let rng = &mut rng(5);
    let samples = Samples::new(60, 150, 6, 0.2, rng);
    let loss = Loss::SoftmaxCrossEntropy;
    let mut dropped = network(&[150, 40, 6], Activation::Relu, Activation::Identity, rng);
    let (mut used, mut sgd) = (engine(2), Optimizer::sgd(0.1));
    let objective = Objective { dropout: DROPOUT, ..loss.into() };
    used.step(&mut dropped, &mut sgd, objective, samples.dataset().all());
    assert_eq!(used.forward(&dropped, samples.dataset()), dropped.forward(&samples.pixels));
    let found = used.evaluate(&dropped, loss, samples.dataset());
    assert_eq!(found, engine(2).evaluate(&dropped, loss, samples.dataset()));
    let mut other = dropped.clone();
    used.step(&mut dropped, &mut sgd.clone(), loss, samples.dataset().all());
    engine(1).step(&mut other, &mut sgd, loss, samples.dataset().all());
    assert_eq!(bits(dropped.parameters()), bits(other.parameters()));
}

#[test]
fn a_trace_that_drops_nothing_is_a_trace() {
    let rng = &mut rng(6);
    let network = network(&[20, 9, 3], Activation::Tanh, Activation::Identity, rng);
    let inputs = floats(5, 20, rng);
    let (a, b) = (network.trace(&inputs), network.trace_dropping(&inputs, &Dropout::NONE, 77));
    assert_eq!((a.activations(0), a.output()), (b.activations(0), b.output()));
    let d_output = floats(5, 3, rng);
    assert_eq!(network.backward(&a, d_output.view()), network.backward(&b, d_output.view()));
}

#[test]
fn a_sample_has_the_mask_of_its_place_alone() {
    let rng = &mut rng(7);
    let network = network(&[20, 9, 3], Activation::Sigmoid, Activation::Identity, rng);
    let inputs = floats(5, 20, rng);
    let whole = network.trace_dropping(&inputs, &DROPOUT, 2);
    let first = network.trace_dropping(inputs.slice(s![..3, ..]), &DROPOUT, 2);
    assert_eq!(whole.activations(0).slice(s![..3, ..]), first.activations(0));
}

#[test]
fn probabilities_that_are_none_are_refused() {
    let mut rng = rng(8);
    let network = network(&[3, 4], Activation::Relu, Activation::Identity, &mut rng);
    let inputs = floats(2, 3, &mut rng);
    for (probability, text) in [(1.0, "1"), (-0.1, "-0.1"), (f32::NAN, "NaN")] {
        let refusal = |dropout: Dropout| panic_of(|| network.trace_dropping(&inputs, &dropout, 0));
        let expected = |what| format!("a dropout of {text} ({what}), expected at least 0 and below 1");
        assert_eq!(refusal(Dropout { input: probability, ..DROPOUT }), expected("input"));
        assert_eq!(refusal(Dropout { hidden: probability, ..DROPOUT }), expected("hidden"));
    }
    let samples = Samples::new(2, 3, 4, 0.5, &mut rng);
    let dropout = Dropout { input: rng.random_range(1.0..2.0), ..DROPOUT };
    let objective = Objective { dropout, ..Loss::SoftmaxCrossEntropy.into() };
    let message = panic_of(|| {
        engine(1).step(&mut network.clone(), &mut Optimizer::sgd(0.1), objective, samples.dataset().all())
    });
    assert!(message.starts_with("a dropout of 1."), "{message}");
}
