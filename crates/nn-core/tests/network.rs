//! Holds what surrounds the formulas: building, drawing, comparing, and what is
//! refused, with the exact words of every refusal.

mod oracle;
mod samples;

use nn_core::ndarray::{Array2, array};
use nn_core::rand::SeedableRng;
use nn_core::{
    Activation, Average, Batch, Dataset, DatasetError, Dropout, Engine, Evaluated, Evaluation, Initializer,
    Inputs, Loss, Network, NetworkBuilder, NetworkError, Objective, Optimizer, OptimizerError, Parameters,
    Rule, Tally, Targets, Trace, UnknownName, Workspace,
};
use rand_chacha::ChaCha8Rng;
use samples::{floats, network, panic_of, rng};

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
        assert_thread_safe::<Average>();
        assert_thread_safe::<Dropout>();
        assert_thread_safe::<Objective>();
        assert_thread_safe::<Targets<'static>>();
        assert_thread_safe::<Inputs<'static>>();
        assert_thread_safe::<Evaluated>();
        assert_thread_safe::<Evaluation>();
        assert_thread_safe::<Tally>();
        assert_thread_safe::<NetworkError>();
        assert_thread_safe::<DatasetError>();
        assert_thread_safe::<OptimizerError>();
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

mod workspaces {
    use super::*;
    use samples::Samples;

    #[test]
    fn a_workspace_leaves_nothing_of_one_batch_in_the_next() {
        let rng = &mut rng(3);
        let network = network(&[200, 33, 7], Activation::Relu, Activation::Identity, rng);
        let mut workspace = Workspace::new(&network);
        // Dense samples after sparse ones too: the inputs' form changes with those before.
        let (sparse, dense) = (Samples::new(9, 200, 7, 0.1, rng), Samples::new(70, 200, 7, 1.0, rng));
        for samples in [&sparse, &dense, &dense, &sparse, &sparse] {
            let dataset = samples.dataset();
            for batch in [dataset.all(), dataset.slice(2..3).all(), dataset.slice(5..5).all()] {
                let trace = network.trace(batch);
                assert_eq!(network.forward_in(&mut workspace, batch), trace.output());
            }
            let numbers = samples.pixels.mapv(|byte| f32::from(byte) / 255.0);
            let trace = network.trace(&numbers);
            assert_eq!(network.forward_in(&mut workspace, &numbers), trace.output());
        }
    }

    #[test]
    fn a_workspace_of_another_network_is_refused() {
        let rng = &mut rng(4);
        let (mut other, inputs) = (Workspace::new(&seven_five_three()), floats(1, 7, rng));
        let network = network(&[7, 4, 3], Activation::Relu, Activation::Identity, rng);
        let message = panic_of(|| network.forward_in(&mut other, &inputs).to_owned());
        assert_eq!(message, "the workspace is for another network");
    }
}
