//! Holds what surrounds the formulas: building, naming, drawing, comparing, the data set, and what is
//! refused, with the exact words of every refusal.

mod oracle;
mod samples;

use nn_core::ndarray::{Array2, array};
use nn_core::rand::SeedableRng;
use nn_core::{
    Activation, Batch, Dataset, DatasetError, Engine, Evaluated, Evaluation, Initializer, Inputs,
    LEAKY_SLOPE, Loss, Network, NetworkBuilder, NetworkError, Optimizer, PROBABILITY_CLIP, Parameters, Rule,
    Tally, Trace, UnknownName, predicted_class,
};
use rand_chacha::ChaCha8Rng;
use samples::{floats, network, rng};
use std::fmt::{Debug, Display};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::str::FromStr;

/// The message that `work` panics with, without what `assert_eq!` adds to it.
#[track_caller]
fn panic_of<T>(work: impl FnOnce() -> T) -> String {
    let panic = catch_unwind(AssertUnwindSafe(|| drop(work()))).expect_err("this should have panicked");
    let message = match panic.downcast::<String>() {
        Ok(message) => *message,
        Err(panic) => (*panic.downcast::<&str>().expect("a panic has a message")).to_owned(),
    };
    match message.strip_prefix("assertion `left == right` failed: ") {
        Some(rest) => rest.lines().next().unwrap_or_default().to_owned(),
        None => message,
    }
}

fn seven_five_three() -> Network {
    network(&[7, 5, 3], Activation::Relu, Activation::Identity, &mut rng(1))
}

mod building {
    use super::*;

    #[test]
    fn a_network_tells_its_shape() {
        let network = Network::builder(7)
            .dense(5, Activation::Tanh)
            .dense(3, Activation::Softmax)
            .build(&mut rng(1))
            .unwrap();
        assert_eq!((network.inputs(), network.outputs(), network.depth()), (7, 3, 2));
        assert_eq!((network.units(0), network.units(1)), (5, 3));
        assert_eq!((network.activation(0), network.activation(1)), (Activation::Tanh, Activation::Softmax));
        assert_eq!(network.parameter_count(), 8 * 5 + 6 * 3);
        let parameters = network.parameters();
        assert_eq!((parameters.layers(), parameters.count()), (2, 8 * 5 + 6 * 3));
        assert_eq!((parameters.weights(0).dim(), parameters.weights(1).dim()), ((7, 5), (5, 3)));
        assert_eq!((parameters.biases(0).dim(), parameters.biases(1).dim()), (5, 3));
    }

    #[track_caller]
    fn assert_refused(builder: NetworkBuilder, expected: NetworkError, message: &str) {
        assert_eq!(builder.clone().build(&mut rng(1)), Err(expected.clone()));
        assert_eq!(builder.zeros(), Err(expected.clone()), "zeros() checks as build() does");
        assert_eq!(expected.to_string(), message);
    }

    #[test]
    fn impossible_networks_are_refused() {
        let relu = Activation::Relu;
        assert_refused(
            Network::builder(7),
            NetworkError::NoLayers,
            "a network needs at least one layer, found none",
        );
        assert_refused(
            Network::builder(0).dense(3, relu),
            NetworkError::EmptyLayer { layer: 0, inputs: 0, units: 3 },
            "layer 0 has 0 inputs and 3 units, expected at least one of each",
        );
        assert_refused(
            Network::builder(7).dense(5, relu).dense(0, relu).dense(3, relu),
            NetworkError::EmptyLayer { layer: 1, inputs: 5, units: 0 },
            "layer 1 has 5 inputs and 0 units, expected at least one of each",
        );
        assert_refused(
            Network::builder(7).dense(5, Activation::Softmax).dense(3, relu),
            NetworkError::SoftmaxInside { layer: 0, layers: 2 },
            "layer 0 of 2 is a softmax, expected one at the last layer only",
        );
    }

    #[test]
    fn networks_that_no_memory_holds_are_refused() {
        for (inputs, units) in
            [(usize::MAX, 1), (1, usize::MAX), (usize::MAX, usize::MAX), (1 << 32, 1 << 31)]
        {
            let builder = Network::builder(inputs).dense(units, Activation::Relu);
            assert!(matches!(builder.zeros(), Err(NetworkError::TooLarge { .. })), "{inputs} x {units}");
        }
        let error = NetworkError::TooLarge { parameters: 5 };
        assert_eq!(error.to_string(), "the network's 5 parameters don't fit in memory");
    }

    #[test]
    fn deviations_that_are_none_are_refused() {
        for (deviation, text) in [(f32::NAN, "NaN"), (f32::INFINITY, "inf"), (-0.01, "-0.01")] {
            let builder = Network::builder(7).dense(3, Activation::Relu);
            let error =
                builder.initializer(Initializer::Normal { deviation }).build(&mut rng(1)).unwrap_err();
            let message =
                format!("initial standard deviation {text}, expected a finite number of at least 0");
            assert_eq!(error.to_string(), message);
        }
    }

    #[test]
    fn losses_are_checked_against_the_output_layer() {
        let network = seven_five_three();
        assert_eq!(network.check_loss(Loss::SoftmaxCrossEntropy), Ok(()));
        let error = network.check_loss(Loss::BinaryCrossEntropy).unwrap_err();
        assert_eq!(
            error,
            NetworkError::LossMismatch { loss: Loss::BinaryCrossEntropy, found: Activation::Identity }
        );
        assert_eq!(
            error.to_string(),
            "loss binary-cross-entropy is not defined on identity outputs, expected sigmoid"
        );
        for loss in Loss::ALL {
            assert!(loss.accepts(loss.output_activation()), "{loss}");
        }
    }
}

mod drawing {
    use super::*;

    /// Mean and standard deviation.
    fn moments(numbers: impl Iterator<Item = f32> + Clone) -> (f64, f64) {
        let count = numbers.clone().count() as f64;
        let mean = numbers.clone().map(f64::from).sum::<f64>() / count;
        let square = numbers.map(|x| (f64::from(x) - mean).powi(2)).sum::<f64>() / count;
        (mean, square.sqrt())
    }

    #[track_caller]
    fn assert_drawn(numbers: impl Iterator<Item = f32> + Clone, deviation: f64) {
        let count = numbers.clone().count() as f64;
        let (mean, found) = moments(numbers.clone());
        // Five standard errors: of a mean s / sqrt(n), of a deviation s / sqrt(2 n).
        assert!(mean.abs() <= 5.0 * deviation / count.sqrt(), "mean {mean} of {count}");
        let error = (found - deviation).abs();
        assert!(error <= 5.0 * deviation / (2.0 * count).sqrt(), "{found}, expected {deviation}");
        // A normal distribution, not a uniform one of the same deviation (0.58 within one, none past 1.74).
        let share = |bound: f64| {
            numbers.clone().filter(|x| f64::from(*x).abs() <= bound * deviation).count() as f64 / count
        };
        assert!((share(1.0) - 0.6827).abs() < 0.02 && (share(2.0) - 0.9545).abs() < 0.01);
    }

    fn drawn(activation: Activation, initializer: Option<Initializer>) -> Network {
        let mut builder = Network::builder(300).dense(200, activation);
        if let Some(initializer) = initializer {
            builder = builder.initializer(initializer);
        }
        builder.build(&mut rng(3)).unwrap()
    }

    #[test]
    fn weights_have_the_deviation_of_their_initializer_and_biases_are_zero() {
        let he = (2.0 / 300.0_f64).sqrt();
        let glorot = (2.0 / 500.0_f64).sqrt();
        for (activation, initializer, deviation) in [
            (Activation::Tanh, Some(Initializer::He), he),
            (Activation::Relu, Some(Initializer::Glorot), glorot),
            // Unless said, what suits the activation.
            (Activation::Relu, None, he),
            (Activation::LeakyRelu, None, he),
            (Activation::Tanh, None, glorot),
            (Activation::Sigmoid, None, glorot),
            (Activation::Identity, None, glorot),
            (Activation::Softmax, None, glorot),
        ] {
            let network = drawn(activation, initializer);
            assert_drawn(network.parameters().weights(0).iter().copied(), deviation);
            assert!(network.parameters().biases(0).iter().all(|&bias| bias == 0.0));
            let initializer = initializer.unwrap_or(Initializer::suiting(activation));
            assert!((f64::from(initializer.deviation(300, 200)) - deviation).abs() < 1e-7);
        }
    }

    #[test]
    fn a_normal_initializer_draws_biases_too() {
        let initializer = Initializer::Normal { deviation: 0.01 };
        let builder = Network::builder(3).dense(20_000, Activation::Sigmoid).initializer(initializer);
        let network = builder.build(&mut rng(3)).unwrap();
        assert_drawn(network.parameters().weights(0).iter().copied(), 0.01);
        assert_drawn(network.parameters().biases(0).iter().copied(), 0.01);
        assert_eq!(initializer.deviation(3, 5), 0.01);
    }

    #[test]
    fn a_deviation_of_zero_draws_zeros() {
        let network = drawn(Activation::Relu, Some(Initializer::Normal { deviation: 0.0 }));
        assert_eq!(network, Network::builder(300).dense(200, Activation::Relu).zeros().unwrap());
    }

    #[test]
    fn the_same_generator_draws_the_same_network() {
        let builder = || Network::builder(7).dense(5, Activation::Relu).dense(3, Activation::Identity);
        let first = builder().build(&mut rng(1)).unwrap();
        assert_eq!(builder().build(&mut rng(1)).unwrap(), first);
        assert_ne!(builder().build(&mut rng(2)).unwrap(), first);
        assert_ne!(first.parameters().weights(0).row(0), first.parameters().weights(0).row(1));
    }

    #[test]
    fn the_first_weights_of_a_seed_are_these() {
        // Files and papers name seeds: an upgrade that draws other numbers from them must be seen. The
        // numbers are those of rand_distr 0.5's Normal on rand_chacha 0.9's ChaCha8, printed by this test.
        let builder = Network::builder(2).dense(3, Activation::Relu).dense(1, Activation::Identity);
        let network = builder.build(&mut ChaCha8Rng::seed_from_u64(7)).unwrap();
        assert_eq!(
            network.parameters().weights(0),
            array![[-0.7753719, -1.3834218, 0.889713], [0.35977906, 0.300009, -0.64998645]]
        );
        assert_eq!(network.parameters().weights(1), array![[-0.7985211], [0.76512325], [-0.1907484]]);
    }
}

mod naming {
    use super::*;

    #[track_caller]
    fn assert_named<T>(all: &[T], names: &[&str], what: &str)
    where
        T: Copy + PartialEq + Debug + Display + FromStr<Err = UnknownName>,
    {
        assert_eq!(all.len(), names.len());
        for (&choice, &name) in all.iter().zip(names) {
            assert_eq!(choice.to_string(), name);
            assert_eq!(format!("{choice:>30}|{choice:<30}|"), format!("{name:>30}|{name:<30}|"));
            assert_eq!(name.parse(), Ok(choice));
        }
        for wrong in ["", "Relu", " relu", "nothing"] {
            let error = wrong.parse::<T>().unwrap_err();
            let expected = names.join(", ");
            assert_eq!(error.to_string(), format!("unknown {what} {wrong:?}, expected one of: {expected}"));
            assert_eq!((error.what, error.found.as_str(), error.expected), (what, wrong, expected));
        }
    }

    #[test]
    fn every_choice_is_read_from_the_name_that_it_is_shown_by() {
        let names = ["identity", "sigmoid", "relu", "leaky-relu", "tanh", "softmax"];
        assert_named(&Activation::ALL, &names, "activation");
        let names =
            ["softmax-cross-entropy", "sigmoid-cross-entropy", "binary-cross-entropy", "mean-squared-error"];
        assert_named(&Loss::ALL, &names, "loss");
        assert_named(&Rule::ALL, &["sgd", "momentum", "nesterov", "adam"], "optimizer");
        for activation in Activation::ALL {
            assert_eq!(activation.name(), activation.to_string());
            assert_eq!(activation.is_elementwise(), activation != Activation::Softmax);
        }
        assert!(Loss::ALL.iter().all(|loss| loss.name() == loss.to_string()));
        assert!(Rule::ALL.iter().all(|rule| rule.name() == rule.to_string()));
    }

    #[test]
    fn rules_tell_how_much_they_remember() {
        assert_eq!(Rule::ALL.map(Rule::memories), [0, 1, 1, 2]);
        assert_eq!(Rule::ALL[3], Rule::Adam { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 });
        assert_eq!(Rule::ALL[2], Rule::Momentum { momentum: 0.9, nesterov: true });
    }

    #[test]
    fn constants_are_those_of_the_formulas() {
        assert_eq!((LEAKY_SLOPE, PROBABILITY_CLIP), (0.01, 1e-10));
    }
}

mod comparing {
    use super::*;

    fn assert_thread_safe<T: Send + Sync>() {}

    #[test]
    fn everything_public_may_be_sent_and_shared() {
        assert_thread_safe::<Network>();
        assert_thread_safe::<NetworkBuilder>();
        assert_thread_safe::<Parameters>();
        assert_thread_safe::<Trace>();
        assert_thread_safe::<Optimizer>();
        assert_thread_safe::<Engine>();
        assert_thread_safe::<Dataset<'static>>();
        assert_thread_safe::<Batch<'static>>();
        assert_thread_safe::<Inputs<'static>>();
        assert_thread_safe::<Evaluated>();
        assert_thread_safe::<Evaluation>();
        assert_thread_safe::<Tally>();
        assert_thread_safe::<NetworkError>();
        assert_thread_safe::<DatasetError>();
        assert_thread_safe::<UnknownName>();
    }

    #[test]
    fn errors_are_errors() {
        fn assert_error<T: std::error::Error + 'static>(error: &T) {
            assert!(error.source().is_none(), "the whole cause is in the message");
        }
        assert_error(&NetworkError::NoLayers);
        assert_error(&DatasetError::NoFeatures);
        assert_error(&"none".parse::<Loss>().unwrap_err());
    }

    #[test]
    fn a_clone_is_equal_until_one_number_changes() {
        let network = seven_five_three();
        let mut clone = network.clone();
        assert_eq!(clone, network);
        clone.parameters_mut().biases_mut(1)[2] += 1.0;
        assert_ne!(clone, network);
        let mut clone = network.clone();
        clone.parameters_mut().weights_mut(0)[[6, 4]] += 1.0;
        assert_ne!(clone, network);
        assert_ne!(clone.parameters(), network.parameters());
    }

    #[test]
    fn networks_of_other_activations_or_shapes_differ() {
        let zeros = |widths: [usize; 2], activation| {
            let builder = Network::builder(widths[0]).dense(widths[1], activation);
            builder.zeros().unwrap()
        };
        let network = zeros([4, 6], Activation::Relu);
        assert_eq!(network, zeros([4, 6], Activation::Relu));
        assert_ne!(network, zeros([4, 6], Activation::Tanh));
        assert_ne!(network, zeros([6, 4], Activation::Relu));
        // Of the same number of lines in memory.
        assert_ne!(network.parameters(), zeros([4, 7], Activation::Relu).parameters());
    }

    #[test]
    fn optimizers_compare_by_rule_rate_and_memory() {
        let mut network = seven_five_three();
        let gradients = network.parameters().clone();
        let mut optimizer = Optimizer::new(Rule::ALL[1], 0.1);
        assert_eq!((optimizer.rule(), optimizer.rate(), optimizer.steps()), (Rule::ALL[1], 0.1, 0));
        let fresh = optimizer.clone();
        optimizer.step(&mut network, &gradients);
        assert_ne!(optimizer, fresh);
        assert_eq!(optimizer.steps(), 1);
        assert_eq!(Optimizer::sgd(0.1), Optimizer::new(Rule::Sgd, 0.1));
        assert_ne!(Optimizer::sgd(0.1), Optimizer::sgd(0.2));
    }

    #[test]
    fn debug_output_of_a_large_network_is_short() {
        let network = Network::builder(784).dense(100, Activation::Relu).zeros().unwrap();
        let text = format!("{network:?}");
        assert!(text.contains("Relu"), "{}", &text[..200]);
        assert!(text.len() < 2000, "{} characters", text.len());
    }

    #[test]
    fn zeros_like_has_the_shape_and_nothing_else() {
        let network = seven_five_three();
        let zeros = network.parameters().zeros_like();
        assert_eq!((zeros.layers(), zeros.count()), (2, network.parameter_count()));
        assert_eq!(zeros.weights(0), Array2::zeros((7, 5)));
        assert_ne!(&zeros, network.parameters());
    }

    #[test]
    fn one_number_that_is_not_finite_is_found_wherever_it_is() {
        for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let network = seven_five_three();
            assert!(network.parameters().is_finite());
            let mut in_weights = network.clone();
            in_weights.parameters_mut().weights_mut(1)[[4, 2]] = bad;
            assert!(!in_weights.parameters().is_finite());
            let mut in_biases = network;
            in_biases.parameters_mut().biases_mut(0)[4] = bad;
            assert!(!in_biases.parameters().is_finite());
        }
    }

    #[test]
    fn a_diverged_network_is_healed_by_writing_over_its_parameters() {
        let healthy = seven_five_three();
        let mut network = healthy.clone();
        let loss = Loss::MeanSquaredError;
        let inputs = Array2::from_elem((2, 7), f32::INFINITY);
        let trace = network.trace(&inputs);
        let gradients = network.backward(&trace, loss.evaluate(trace.output(), &[0, 1]).gradient.view());
        Optimizer::sgd(f32::MAX).step(&mut network, &gradients);
        assert!(!network.parameters().is_finite());
        for layer in 0..2 {
            network.parameters_mut().weights_mut(layer).assign(&healthy.parameters().weights(layer));
            network.parameters_mut().biases_mut(layer).assign(&healthy.parameters().biases(layer));
        }
        assert!(network.parameters().is_finite());
        assert_eq!(network, healthy);
        let inputs = floats(3, 7, &mut rng(4));
        assert_eq!(network.forward(&inputs), healthy.forward(&inputs));
    }
}

mod refusing {
    use super::*;

    #[test]
    fn inputs_of_other_widths_are_refused() {
        let network = seven_five_three();
        let message = "inputs of shape (2, 6) for 7 inputs";
        assert_eq!(panic_of(|| network.forward(&Array2::<f32>::zeros((2, 6)))), message);
        assert_eq!(panic_of(|| network.trace(&Array2::<u8>::zeros((2, 6)))), message);
        let dataset = Dataset::new(&[0; 12], 6, &[0, 1], 3).unwrap();
        assert_eq!(panic_of(|| network.forward(dataset.all())), message);
        // As many numbers, another shape.
        assert!(panic_of(|| network.forward(&Array2::<f32>::zeros((7, 2)))).contains("shape (7, 2)"));
    }

    #[test]
    fn layers_that_are_not_there_are_refused() {
        let mut network = seven_five_three();
        let trace = network.trace(&Array2::<f32>::zeros((2, 7)));
        let _ = panic_of(|| network.units(2));
        let _ = panic_of(|| network.activation(2));
        let _ = panic_of(|| network.parameters().weights(2));
        let _ = panic_of(|| network.parameters().biases(2));
        let _ = panic_of(|| trace.activations(2));
        let _ = panic_of(|| network.parameters_mut().weights_mut(2).fill(0.0));
        let _ = panic_of(|| network.parameters_mut().biases_mut(2).fill(0.0));
    }

    #[test]
    fn backward_refuses_a_gradient_of_another_shape() {
        let network = seven_five_three();
        let trace = network.trace(&Array2::<f32>::zeros((2, 7)));
        for shape in [(2, 4), (3, 3), (3, 2)] {
            let message = format!("the gradient of the outputs has shape {shape:?}, the outputs (2, 3)");
            assert_eq!(panic_of(|| network.backward(&trace, Array2::zeros(shape).view())), message);
        }
    }

    #[test]
    fn backward_refuses_a_trace_of_another_network() {
        let network = seven_five_three();
        for widths in [&[7, 4, 3][..], &[7, 3], &[7, 5, 5, 3]] {
            let other = super::network(widths, Activation::Relu, Activation::Identity, &mut rng(2));
            let trace = other.trace(&Array2::<f32>::zeros((2, 7)));
            let message = panic_of(|| network.backward(&trace, Array2::zeros((2, 3)).view()));
            assert_eq!(message, "the trace is of another network");
        }
    }

    #[test]
    fn backward_refuses_a_trace_of_a_network_with_other_inputs() {
        let other = super::network(&[9, 5, 3], Activation::Relu, Activation::Identity, &mut rng(2));
        for trace in
            [other.trace(&Array2::<f32>::zeros((2, 9))), other.trace(&Array2::<u8>::from_elem((2, 9), 1))]
        {
            let message = panic_of(|| seven_five_three().backward(&trace, Array2::zeros((2, 3)).view()));
            assert_eq!(message, "the trace is of another network");
        }
    }

    #[test]
    fn losses_refuse_classes_that_do_not_fit() {
        let outputs = Array2::<f32>::zeros((2, 3));
        for loss in Loss::ALL {
            let message = panic_of(|| loss.evaluate(outputs.view(), &[0]));
            assert_eq!(message, "1 classes for 2 rows of outputs");
            let message = panic_of(|| loss.evaluate(outputs.view(), &[0, 3]));
            assert_eq!(message, "class 3 of 3 outputs");
        }
    }

    #[test]
    fn optimizers_refuse_other_networks() {
        let mut network = seven_five_three();
        let mut other = super::network(&[7, 6, 3], Activation::Relu, Activation::Identity, &mut rng(2));
        let gradients = network.parameters().zeros_like();
        for rule in Rule::ALL {
            let mut optimizer = Optimizer::new(rule, 0.1);
            optimizer.step(&mut network, &gradients);
            let message = panic_of(|| optimizer.step(&mut other, &gradients));
            assert_eq!(message, "the gradients are of another network");
            let gradients = other.parameters().zeros_like();
            if rule.memories() == 0 {
                optimizer.step(&mut other, &gradients);
            } else {
                let message = panic_of(|| optimizer.step(&mut other, &gradients));
                assert_eq!(message, "the optimizer has stepped another network");
                assert_eq!(optimizer.steps(), 1, "a step that is refused is not counted");
            }
        }
    }
}

mod data {
    use super::*;

    const PIXELS: [u8; 15] = [0, 1, 2, 3, 4, 0, 0, 0, 0, 9, 10, 0, 12, 0, 14];

    /// Three samples of five features.
    fn dataset() -> Dataset<'static> {
        Dataset::new(&PIXELS, 5, &[2, 0, 1], 4).unwrap()
    }

    #[test]
    fn a_dataset_tells_its_samples() {
        let dataset = dataset();
        assert_eq!((dataset.len(), dataset.is_empty()), (3, false));
        assert_eq!((dataset.features(), dataset.classes()), (5, 4));
        assert_eq!((dataset.pixels(), dataset.labels()), (&PIXELS[..], &[2, 0, 1][..]));
        assert_eq!((dataset.row(1), dataset.label(1)), (&[0, 0, 0, 0, 9][..], 0));
        assert_eq!(dataset.density(), 8.0 / 15.0);
    }

    #[test]
    fn a_dataset_may_have_no_samples() {
        let empty = Dataset::new(&[], 5, &[], 4).unwrap();
        assert!(empty.is_empty() && empty.all().is_empty());
        assert_eq!((empty.len(), empty.density()), (0, 0.0));
        assert!(empty.split_at(0).1.is_empty());
    }

    #[test]
    fn bytes_and_labels_that_do_not_fit_are_refused_in_these_words() {
        let refused = |features, labels: &[u8], classes| {
            Dataset::new(&PIXELS, features, labels, classes).map(|_| ()).unwrap_err()
        };
        for (error, expected, message) in [
            (
                refused(0, &[2, 0, 1], 4),
                DatasetError::NoFeatures,
                "samples have 0 features, expected at least one",
            ),
            (
                refused(4, &[2, 0, 1], 4),
                DatasetError::Length { labels: 3, features: 4, expected: 12, found: 15 },
                "3 labels of 4 features each need 12 bytes, found 15",
            ),
            (
                refused(usize::MAX, &[2, 0, 1], 4),
                DatasetError::Length { labels: 3, features: usize::MAX, expected: usize::MAX, found: 15 },
                "3 labels of 18446744073709551615 features each need 18446744073709551615 bytes, found 15",
            ),
            (refused(5, &[2, 0, 1], 0), DatasetError::Classes { classes: 0 }, "0 classes, expected 1 to 256"),
            (
                refused(5, &[2, 0, 1], 257),
                DatasetError::Classes { classes: 257 },
                "257 classes, expected 1 to 256",
            ),
            (
                refused(5, &[0, 2, 1], 2),
                DatasetError::Label { index: 1, label: 2, classes: 2 },
                "label 2 of sample 1 is past the last of 2 classes, expected 0 to 1",
            ),
        ] {
            assert_eq!(error, expected);
            assert_eq!(error.to_string(), message);
        }
    }

    #[test]
    fn all_256_labels_are_allowed() {
        let labels: Vec<u8> = (0..=255).collect();
        let dataset = Dataset::new(&[7; 512], 2, &labels, 256).unwrap();
        assert_eq!(dataset.label(255), 255);
        let network = Network::builder(2).dense(256, Activation::Identity).build(&mut rng(5)).unwrap();
        let mut engine = Engine::new(std::num::NonZeroUsize::MIN);
        let evaluation = engine.evaluate(&network, Loss::SoftmaxCrossEntropy, dataset);
        assert_eq!(evaluation.confusion.sum(), 256);
    }

    #[test]
    fn classes_may_be_counted_anew() {
        assert_eq!(dataset().with_classes(3).unwrap().classes(), 3);
        assert_eq!(dataset().with_classes(256).unwrap().classes(), 256);
        assert_eq!(
            dataset().with_classes(2).map(|_| ()),
            Err(DatasetError::Label { index: 0, label: 2, classes: 2 })
        );
        assert_eq!(dataset().with_classes(0).map(|_| ()), Err(DatasetError::Classes { classes: 0 }));
    }

    #[test]
    fn a_dataset_is_split_without_losing_a_sample() {
        for count in 0..=3 {
            let (first, rest) = dataset().split_at(count);
            assert_eq!((first.len(), rest.len()), (count, 3 - count));
            assert_eq!([first.pixels(), rest.pixels()].concat(), PIXELS);
            assert_eq!([first.labels(), rest.labels()].concat(), [2, 0, 1]);
            assert_eq!((first.classes(), rest.classes(), rest.features()), (4, 4, 5));
        }
        let middle = dataset().slice(1..2);
        assert_eq!((middle.row(0), middle.labels()), (dataset().row(1), &[0][..]));
        assert!(dataset().slice(2..2).is_empty());
    }

    #[test]
    fn a_batch_is_rows_by_index_in_the_order_given() {
        let dataset = dataset();
        let indices = [2, 0, 2];
        let batch = dataset.batch(&indices);
        assert_eq!((batch.len(), batch.is_empty()), (3, false));
        assert_eq!((batch.features(), batch.classes()), (5, 4));
        for (n, index) in indices.into_iter().enumerate() {
            assert_eq!((batch.row(n), batch.label(n)), (dataset.row(index), dataset.label(index)));
        }
        assert!(dataset.batch(&[]).is_empty());
        let all = dataset.all();
        assert_eq!(all.len(), 3);
        assert!((0..3).all(|n| all.row(n) == dataset.row(n) && all.label(n) == dataset.label(n)));
        // A view of part of the samples counts from its own beginning.
        let rest = dataset.slice(1..3);
        assert_eq!((rest.all().row(1), rest.batch(&[1]).row(0)), (dataset.row(2), dataset.row(2)));
    }

    #[test]
    fn samples_past_the_end_are_refused() {
        let dataset = dataset();
        assert_eq!(panic_of(|| dataset.batch(&[0, 3])), "index 3 of 3 samples");
        let _ = panic_of(|| dataset.label(3));
        let _ = panic_of(|| dataset.split_at(4).0);
        let _ = panic_of(|| dataset.slice(1..4));
        let _ = panic_of(|| dataset.all().row(3));
        let _ = panic_of(|| dataset.all().label(3));
        let _ = panic_of(|| dataset.batch(&[0]).row(1));
        // The view ends where it was cut, though the bytes go on.
        let first = dataset.slice(0..1);
        let _ = panic_of(|| first.row(1));
        let _ = panic_of(|| first.all().row(1));
    }

    #[test]
    fn a_row_past_the_end_panics_however_far() {
        let dataset = Dataset::new(&[1, 2, 3, 4], 2, &[0, 1], 2).unwrap();
        // Twice the index is 0 in 64 bits.
        let _ = panic_of(|| dataset.row(1 << 63).len());
        let _ = panic_of(|| dataset.all().row(1 << 63).len());
        let _ = panic_of(|| dataset.split_at(1 << 63).0.len());
    }

    #[test]
    fn tallies_add_up_and_divide() {
        let mut tally = Tally { samples: 3, correct: 1, loss_sum: 1.5 };
        tally += Tally { samples: 1, correct: 1, loss_sum: 0.5 };
        assert_eq!(tally, Tally { samples: 4, correct: 2, loss_sum: 2.0 });
        assert_eq!((tally.mean_loss(), tally.accuracy()), (0.5, 0.5));
        assert!(Tally::default().mean_loss().is_nan() && Tally::default().accuracy().is_nan());
    }

    #[test]
    fn the_greatest_output_is_predicted_and_the_first_of_equals() {
        let (nan, infinity) = (f32::NAN, f32::INFINITY);
        for (outputs, expected) in [
            (&[0.1, 0.9, 0.3][..], 1),
            (&[0.5, 0.2, 0.5], 0),
            (&[-3.0, -1.0, -2.0], 1),
            (&[nan, -5.0, nan], 1),
            (&[1.0, nan, 2.0], 2),
            (&[-infinity, 0.0], 1),
            (&[0.0, infinity, infinity], 1),
            (&[nan, nan], 0),
            (&[-0.0, 0.0], 0),
        ] {
            assert_eq!(predicted_class(outputs), expected, "{outputs:?}");
        }
    }
}
