//! Holds the engine's fast path against the readable steps of the library, bit for bit: for every rule,
//! any number of threads, any batch, sparse or dense.

mod oracle;
mod samples;

use nn_core::ndarray::Array2;
use nn_core::{
    Activation, Batch, Engine, Evaluation, Loss, Network, Optimizer, Parameters, Rule, Tally, predicted_class,
};
use oracle::{Memory, Oracle, Training, flat, layers_of, sample_losses, train_step};
use samples::{Samples, hidden_activations, losses_and_outputs, network, rng, table, table_of_bytes};
use std::num::NonZeroUsize;

fn engine(threads: usize) -> Engine {
    Engine::new(NonZeroUsize::new(threads).unwrap())
}

/// The bits of every number: unlike `==` they tell 0 from -0, and a NaN is equal to itself.
fn bits(parameters: &Parameters) -> Vec<u32> {
    let numbers = |layer| {
        let weights = parameters.weights(layer).iter().map(|w| w.to_bits()).collect::<Vec<_>>();
        let biases = parameters.biases(layer).iter().map(|b| b.to_bits()).collect::<Vec<_>>();
        [weights, biases].concat()
    };
    (0..parameters.layers()).flat_map(numbers).collect()
}

/// The readable step, which the engine's must equal.
fn readable_step(network: &mut Network, optimizer: &mut Optimizer, loss: Loss, batch: Batch<'_>) -> Tally {
    let classes: Vec<u8> = (0..batch.len()).map(|n| batch.label(n)).collect();
    let trace = network.trace(batch);
    let evaluated = loss.evaluate(trace.output(), &classes);
    let gradients = network.backward(&trace, evaluated.gradient.view());
    let tally = tally_of(loss, trace.output().to_owned(), &classes);
    assert!((tally.mean_loss() - f64::from(evaluated.value)).abs() <= 1e-6 * (1.0 + tally.mean_loss()));
    optimizer.step(network, &gradients);
    tally
}

/// What the outputs of some samples count for, by the oracle.
fn tally_of(loss: Loss, outputs: Array2<f32>, classes: &[u8]) -> Tally {
    let predicted = outputs.rows().into_iter().map(|row| predicted_class(row.as_slice().unwrap()));
    Tally {
        samples: classes.len() as u64,
        correct: predicted
            .zip(classes)
            .filter(|(predicted, class)| *predicted == usize::from(**class))
            .count() as u64,
        loss_sum: sample_losses(loss, &table(outputs.view()), classes).iter().sum(),
    }
}

/// Steps over `orders`, one after the other, in both ways, on one engine.
#[track_caller]
fn assert_same_steps(
    engine: &mut Engine,
    network: &Network,
    optimizer: &Optimizer,
    loss: Loss,
    samples: &Samples,
    orders: &[Vec<usize>],
) -> Network {
    let (mut fast, mut readable) = (network.clone(), network.clone());
    let (mut fast_optimizer, mut readable_optimizer) = (optimizer.clone(), optimizer.clone());
    for (step, order) in orders.iter().enumerate() {
        let batch = samples.dataset().batch(order);
        let found = engine.step(&mut fast, &mut fast_optimizer, loss, batch);
        let expected = readable_step(&mut readable, &mut readable_optimizer, loss, batch);
        let case = format!(
            "step {step} of {} samples, {}, {loss}, {} threads",
            order.len(),
            optimizer.rule(),
            engine.threads()
        );
        assert_eq!((found.samples, found.correct), (expected.samples, expected.correct), "{case}");
        let error = (found.loss_sum - expected.loss_sum).abs();
        assert!(error <= 1e-6 * (found.samples as f64 + expected.loss_sum), "{case}");
        assert_eq!(bits(fast.parameters()), bits(readable.parameters()), "{case}");
        assert_eq!(fast, readable, "{case}");
        assert_eq!(fast_optimizer, readable_optimizer, "{case}");
    }
    fast
}

/// Batches of odd sizes that change from step to step, the last one short, one of a single sample.
fn orders(samples: usize) -> Vec<Vec<usize>> {
    let mut orders = Vec::new();
    let mut next = 0;
    for size in [7, 7, 1, 13, 64, 65, 3, 8, 2, 100, 7] {
        orders.push((0..size).map(|n| (next + n * 17) % samples).collect());
        next += size;
    }
    orders
}

#[test]
fn a_step_equals_the_readable_step_bit_for_bit() {
    let rng = &mut rng(1);
    let samples = Samples::new(101, 130, 10, 0.2, rng);
    for threads in 1..=4 {
        let mut engine = engine(threads);
        for rule in Rule::ALL {
            let network = network(&[130, 50, 17, 10], Activation::Relu, Activation::Identity, rng);
            let optimizer = Optimizer::new(rule, 0.01);
            let orders = orders(101);
            let loss = Loss::SoftmaxCrossEntropy;
            let last = assert_same_steps(&mut engine, &network, &optimizer, loss, &samples, &orders);
            assert_ne!(last, network);
        }
    }
}

#[test]
fn every_activation_and_loss_takes_the_same_steps_either_way() {
    let rng = &mut rng(2);
    let samples = Samples::new(40, 70, 5, 0.3, rng);
    let orders: Vec<Vec<usize>> = vec![(0..40).collect(), (0..9).collect(), vec![3]];
    let mut engine = engine(2);
    for hidden in hidden_activations() {
        for (loss, output) in losses_and_outputs() {
            for rule in [Rule::Sgd, Rule::ALL[3]] {
                let network = network(&[70, 18, 5], hidden, output, rng);
                let optimizer = Optimizer::new(rule, 0.02);
                assert_same_steps(&mut engine, &network, &optimizer, loss, &samples, &orders);
            }
        }
    }
}

#[test]
fn networks_of_any_depth_and_odd_widths_take_the_same_steps_either_way() {
    let rng = &mut rng(3);
    for widths in [
        &[3, 2][..],
        &[65, 1],
        &[100, 16, 3],
        &[64, 48, 49, 4],
        &[300, 129, 2],
        &[9, 200, 97, 33, 17, 3],
        &[40, 300, 260, 3],
    ] {
        let classes = *widths.last().unwrap();
        let samples = Samples::new(70, widths[0], classes, 0.3, rng);
        for threads in [1, 3] {
            for rule in Rule::ALL {
                let network = network(widths, Activation::Tanh, Activation::Identity, rng);
                let optimizer = Optimizer::new(rule, 0.05);
                let loss = Loss::SigmoidCrossEntropy;
                let orders = orders(70);
                assert_same_steps(&mut engine(threads), &network, &optimizer, loss, &samples, &orders);
            }
        }
    }
}

#[test]
fn sparse_and_dense_inputs_take_the_same_steps_either_way() {
    let rng = &mut rng(4);
    for density in [0.0, 0.05, 0.5, 1.0] {
        let samples = Samples::new(90, 150, 4, density, rng);
        for rule in Rule::ALL {
            let network = network(&[150, 40, 4], Activation::Relu, Activation::Identity, rng);
            let optimizer = Optimizer::new(rule, 0.01);
            let loss = Loss::SoftmaxCrossEntropy;
            assert_same_steps(&mut engine(2), &network, &optimizer, loss, &samples, &orders(90));
        }
    }
}

/// Two halves: the first sparse, the second dense.
fn sparse_then_dense(features: usize) -> Samples {
    let rng = &mut rng(5);
    let mut samples = Samples::new(64, features, 4, 0.05, rng);
    let dense = samples::bytes(32, features, 1.0, rng);
    samples.pixels.slice_mut(nn_core::ndarray::s![32.., ..]).assign(&dense);
    samples
}

#[test]
fn the_kernel_that_earlier_batches_suggest_does_not_change_a_bit() {
    let samples = sparse_then_dense(150);
    let network = network(&[150, 40, 4], Activation::Relu, Activation::Identity, &mut rng(6));
    let loss = Loss::SoftmaxCrossEntropy;
    let (sparse, dense): (Vec<usize>, Vec<usize>) = ((0..32).collect(), (32..64).collect());
    let mixed: Vec<usize> = (0..64).map(|n| n * 37 % 64).collect();
    let orders = [
        // Each form meets a batch that the other suits.
        vec![sparse.clone(), dense.clone(), dense.clone(), sparse.clone(), sparse, mixed.clone()],
        vec![dense.clone(), dense, mixed.clone(), mixed],
    ];
    for orders in orders {
        for threads in 1..=3 {
            let optimizer = Optimizer::sgd(0.1);
            assert_same_steps(&mut engine(threads), &network, &optimizer, loss, &samples, &orders);
        }
    }
    // Evaluation, on engines that have last seen sparse, dense, and nothing.
    let (first, second) = samples.dataset().split_at(32);
    let [mut a, mut b, mut c] = [1, 1, 1].map(engine);
    let _ = (a.forward(&network, first), b.forward(&network, second));
    let (outputs, evaluation) = (c.forward(&network, first), c.evaluate(&network, loss, first));
    assert_eq!(a.forward(&network, first), outputs);
    assert_eq!(b.forward(&network, first), outputs);
    assert_eq!(a.evaluate(&network, loss, first), evaluation);
    assert_eq!(b.evaluate(&network, loss, first), evaluation);
}

#[test]
fn any_number_of_threads_gives_the_same_bits() {
    let rng = &mut rng(7);
    let samples = Samples::new(333, 200, 10, 0.2, rng);
    let network = network(&[200, 60, 10], Activation::Relu, Activation::Sigmoid, rng);
    let loss = Loss::BinaryCrossEntropy;
    for rule in Rule::ALL {
        let run = |threads: usize| {
            let (mut engine, mut network, mut optimizer) =
                (engine(threads), network.clone(), Optimizer::new(rule, 0.01));
            assert_eq!(engine.threads(), threads);
            let mut tally = Tally::default();
            for order in orders(333) {
                tally += engine.step(&mut network, &mut optimizer, loss, samples.dataset().batch(&order));
            }
            let evaluation = engine.evaluate(&network, loss, samples.dataset());
            let sums = [tally.loss_sum.to_bits(), evaluation.tally.loss_sum.to_bits()];
            (bits(network.parameters()), optimizer, tally, evaluation, sums)
        };
        let one = run(1);
        for threads in [2, 3, 4, 7] {
            assert_eq!(run(threads), one, "{rule} on {threads} threads");
        }
    }
}

#[test]
fn ten_steps_stay_close_to_the_oracles() {
    let rng = &mut rng(8);
    let samples = Samples::new(24, 60, 6, 0.3, rng);
    let loss = Loss::SoftmaxCrossEntropy;
    for rule in Rule::ALL {
        let mut network = network(&[60, 20, 6], Activation::Tanh, Activation::Identity, rng);
        let (mut oracle, mut memories) = (Oracle::of(&network), Vec::<Memory>::new());
        let (mut engine, mut optimizer) = (engine(2), Optimizer::new(rule, 0.02));
        let numbers = table_of_bytes(samples.pixels.view());
        for step in 1..=10 {
            engine.step(&mut network, &mut optimizer, loss, samples.dataset().all());
            assert_eq!(optimizer.steps(), step);
            let batch = (&numbers, &samples.labels[..]);
            train_step(&mut oracle, &mut memories, Training::of(&optimizer), loss, batch);
        }
        let found = flat(&layers_of(network.parameters()));
        for (found, expected) in found.iter().zip(flat(&oracle.layers)) {
            // Adam divides by the gradient's own size, so it magnifies the rounding of a small one, as Muon does
            // with a small singular value; an input that is never lit has gradient 0 in both.
            let magnifies = matches!(rule, Rule::Adam { .. } | Rule::Muon { .. });
            let tolerance = if magnifies { 1e-4 } else { 2e-6 };
            assert!((found - expected).abs() <= tolerance, "{rule}: {found}, expected {expected}");
        }
    }
}

#[test]
fn the_tally_of_a_step_is_measured_before_the_update() {
    let rng = &mut rng(9);
    let samples = Samples::new(30, 20, 3, 0.5, rng);
    let mut network = network(&[20, 8, 3], Activation::Relu, Activation::Identity, rng);
    let loss = Loss::SoftmaxCrossEntropy;
    let (mut engine, mut optimizer) = (engine(2), Optimizer::sgd(1.0));
    let before = engine.evaluate(&network, loss, samples.dataset());
    let tally = engine.step(&mut network, &mut optimizer, loss, samples.dataset().all());
    let after = engine.evaluate(&network, loss, samples.dataset());
    assert_eq!(tally, before.tally);
    assert!(after.tally.loss_sum < before.tally.loss_sum, "a step of gradient descent lowers the loss");
}

/// By `Network::forward` and counting.
fn counted(network: &Network, loss: Loss, samples: &Samples) -> Evaluation {
    let outputs = network.forward(&samples.pixels);
    let mut confusion = Array2::zeros((network.outputs(), network.outputs()));
    for (row, &label) in outputs.rows().into_iter().zip(&samples.labels) {
        confusion[[usize::from(label), predicted_class(row.as_slice().unwrap())]] += 1;
    }
    Evaluation { tally: tally_of(loss, outputs, &samples.labels), confusion }
}

#[test]
fn an_evaluation_is_the_forward_pass_and_counting() {
    let rng = &mut rng(10);
    // More outputs than classes, so that a row of the confusion stays empty but its column need not.
    for (count, density) in [(1, 0.2), (5, 1.0), (127, 0.2), (128, 0.6), (129, 0.2), (1000, 0.1), (515, 1.0)]
    {
        let samples = Samples::new(count, 70, 6, density, rng);
        for (loss, output) in losses_and_outputs() {
            let network = network(&[70, 20, 7], Activation::Tanh, output, rng);
            let expected = counted(&network, loss, &samples);
            let mut sums = Vec::new();
            for threads in 1..=4 {
                let mut engine = engine(threads);
                let found = engine.evaluate(&network, loss, samples.dataset());
                assert_eq!(found.confusion, expected.confusion, "{loss}, {threads} threads");
                assert_eq!(found.confusion.sum(), count as u64);
                assert_eq!(found.confusion.diag().sum(), found.tally.correct);
                assert_eq!(found.tally.samples, expected.tally.samples);
                assert_eq!(found.tally.correct, expected.tally.correct);
                let error = (found.tally.loss_sum - expected.tally.loss_sum).abs();
                assert!(error <= 1e-6 * (expected.tally.loss_sum + count as f64), "{loss}");
                assert_eq!(engine.forward(&network, samples.dataset()), network.forward(&samples.pixels));
                sums.push(found.tally.loss_sum.to_bits());
            }
            sums.dedup();
            assert_eq!(sums.len(), 1, "{loss}: the loss sum depends on the number of threads");
        }
    }
}

#[test]
fn no_samples_evaluate_to_nothing() {
    let samples = Samples::new(0, 6, 3, 0.5, &mut rng(11));
    let network = network(&[6, 3], Activation::Relu, Activation::Identity, &mut rng(11));
    let mut engine = engine(2);
    let evaluation = engine.evaluate(&network, Loss::SoftmaxCrossEntropy, samples.dataset());
    assert_eq!(evaluation.tally, Tally::default());
    assert_eq!(evaluation.confusion, Array2::<u64>::zeros((3, 3)));
    assert_eq!(engine.forward(&network, samples.dataset()).dim(), (0, 3));
}

/// A loop of one step and a change, in both ways.
#[track_caller]
fn assert_sees(mut change: impl FnMut(&mut Network, usize)) {
    let rng = &mut rng(12);
    let samples = Samples::new(20, 30, 4, 0.3, rng);
    let mut fast = network(&[30, 50, 20, 4], Activation::Tanh, Activation::Identity, rng);
    let mut readable = fast.clone();
    let loss = Loss::SoftmaxCrossEntropy;
    let (mut engine, mut a, mut b) = (engine(2), Optimizer::sgd(0.1), Optimizer::sgd(0.1));
    for step in 0..6 {
        engine.step(&mut fast, &mut a, loss, samples.dataset().all());
        readable_step(&mut readable, &mut b, loss, samples.dataset().all());
        assert_eq!(bits(fast.parameters()), bits(readable.parameters()), "step {step}");
        change(&mut fast, step);
        change(&mut readable, step);
    }
}

#[test]
fn weights_changed_between_steps_are_seen() {
    assert_sees(|network, step| {
        let weight = network.parameters().weights(1)[[49, 19]];
        network.parameters_mut().weights_mut(1)[[49, 19]] = weight + 1.0;
        network.parameters_mut().weights_mut(2).mapv_inplace(|w| w * 0.5);
        network.parameters_mut().weights_mut(0)[[step, 3]] = 0.25;
        network.parameters_mut().biases_mut(1)[step] = -0.25;
    });
}

#[test]
fn replaced_swapped_and_restored_networks_are_seen() {
    let mut other = network(&[30, 50, 20, 4], Activation::Tanh, Activation::Identity, &mut rng(13));
    let mut others = [other.clone(), other.clone()];
    let mut turn = 0;
    assert_sees(|network, _| {
        // Called for the fast network, then for the readable one.
        std::mem::swap(network, &mut others[turn]);
        turn = 1 - turn;
    });
    let mut kept = Vec::new();
    assert_sees(|network, step| {
        // A snapshot of an earlier step comes back.
        kept.push(network.clone());
        if step % 2 == 1 {
            *network = kept[kept.len() - 3].clone();
        }
    });
    assert_sees(|network, step| {
        if step == 2 {
            std::mem::swap(network.parameters_mut(), other.parameters_mut());
            *other.parameters_mut() = network.parameters().clone();
        }
    });
    assert_sees(|network, _| *network.parameters_mut() = network.parameters().zeros_like());
    assert_sees(|network, _| *network = network.clone());
}

#[test]
fn an_engine_serves_several_networks_of_the_same_shape_in_turn() {
    let rng = &mut rng(14);
    let samples = Samples::new(20, 30, 4, 0.3, rng);
    let loss = Loss::SoftmaxCrossEntropy;
    let first = network(&[30, 50, 4], Activation::Tanh, Activation::Identity, rng);
    // The third begins as a clone of the first, and parts from it at the first step.
    let mut fast =
        [first.clone(), network(&[30, 50, 4], Activation::Relu, Activation::Identity, rng), first.clone()];
    let mut readable = fast.clone();
    let rates = [0.1, 0.2, 0.3];
    let mut engine = engine(2);
    for step in 0..20 {
        let index = [0, 2, 1, 0, 0, 1, 2][step % 7];
        let (mut a, mut b) = (Optimizer::sgd(rates[index]), Optimizer::sgd(rates[index]));
        engine.step(&mut fast[index], &mut a, loss, samples.dataset().all());
        readable_step(&mut readable[index], &mut b, loss, samples.dataset().all());
        for (fast, readable) in fast.iter().zip(&readable) {
            assert_eq!(bits(fast.parameters()), bits(readable.parameters()), "step {step}");
        }
        let index = (index + 1) % 3;
        let found = engine.forward(&fast[index], samples.dataset());
        assert_eq!(found, readable[index].forward(&samples.pixels));
    }
}

#[test]
fn an_engine_serves_networks_of_other_shapes_in_turn() {
    let rng = &mut rng(15);
    let shapes: [&[usize]; 5] = [&[30, 50, 4], &[20, 10], &[30, 4], &[30, 49, 4], &[30, 50, 50, 4]];
    let mut engine = engine(3);
    for step in 0..15 {
        let widths = shapes[step % shapes.len()];
        let samples = Samples::new(5 + step, widths[0], 4, 0.3, rng);
        let network = network(widths, Activation::Relu, Activation::Identity, rng);
        let orders = [(0..5 + step).collect(), vec![0, 1, 2]];
        let optimizer = Optimizer::new(Rule::ALL[step % 5], 0.1);
        let loss = Loss::SoftmaxCrossEntropy;
        assert_same_steps(&mut engine, &network, &optimizer, loss, &samples, &orders);
        let found = engine.evaluate(&network, loss, samples.dataset());
        assert_eq!(found.confusion, counted(&network, loss, &samples).confusion);
    }
}

#[test]
fn steps_and_evaluations_may_take_turns() {
    let rng = &mut rng(16);
    let samples = Samples::new(300, 40, 4, 0.3, rng);
    let (mut with, mut without) = (engine(2), engine(2));
    let mut network = network(&[40, 20, 4], Activation::Relu, Activation::Identity, rng);
    let mut twin = network.clone();
    let (mut a, mut b) = (Optimizer::new(Rule::ALL[3], 0.01), Optimizer::new(Rule::ALL[3], 0.01));
    let loss = Loss::SoftmaxCrossEntropy;
    for order in orders(300) {
        let batch = samples.dataset().batch(&order);
        let tally = with.step(&mut network, &mut a, loss, batch);
        let evaluation = with.evaluate(&network, loss, samples.dataset());
        assert_eq!(evaluation.tally.samples, 300);
        assert_eq!(without.step(&mut twin, &mut b, loss, batch), tally);
        assert_eq!(network, twin);
    }
}

#[test]
fn a_change_of_rate_holds_from_the_next_step_on() {
    let rng = &mut rng(17);
    let samples = Samples::new(10, 12, 3, 0.5, rng);
    let start = network(&[12, 3], Activation::Relu, Activation::Identity, rng);
    for rule in Rule::ALL {
        let mut network = start.clone();
        let mut optimizer = Optimizer::new(rule, 0.5);
        optimizer.set_rate(0.0);
        assert_eq!(optimizer.rate(), 0.0);
        engine(1).step(&mut network, &mut optimizer, Loss::SoftmaxCrossEntropy, samples.dataset().all());
        assert_eq!(network, start, "{rule}: a rate of 0 moves nothing");
        optimizer.set_rate(0.5);
        engine(1).step(&mut network, &mut optimizer, Loss::SoftmaxCrossEntropy, samples.dataset().all());
        assert_ne!(network, start, "{rule}");
    }
}

#[test]
fn a_diverged_network_shows_in_the_tally() {
    let rng = &mut rng(18);
    let samples = Samples::new(10, 12, 3, 0.5, rng);
    for (loss, output) in losses_and_outputs() {
        for bad in [f32::NAN, f32::INFINITY] {
            let mut network = network(&[12, 5, 3], Activation::Relu, output, rng);
            network.parameters_mut().biases_mut(0).fill(bad);
            let tally = engine(2).step(&mut network, &mut Optimizer::sgd(0.1), loss, samples.dataset().all());
            let clipped = bad.is_infinite() && !tally.loss_sum.is_nan();
            assert!(!tally.loss_sum.is_finite() || clipped, "{loss} on {output}: {tally:?}");
            if bad.is_nan() {
                assert!(tally.loss_sum.is_nan(), "{loss} on {output}: {tally:?}");
                assert!(!network.parameters().is_finite());
            }
        }
    }
}

#[test]
#[should_panic(expected = "the optimizer has stepped another network")]
fn an_optimizer_with_a_memory_of_another_network_is_refused() {
    let rng = &mut rng(19);
    let samples = Samples::new(4, 6, 3, 0.5, rng);
    let mut optimizer = Optimizer::new(Rule::ALL[1], 0.1);
    for widths in [[6, 5, 3], [6, 4, 3]] {
        let mut network = network(&widths, Activation::Relu, Activation::Identity, rng);
        engine(1).step(&mut network, &mut optimizer, Loss::SoftmaxCrossEntropy, samples.dataset().all());
    }
}

#[test]
#[should_panic(expected = "a step over an empty batch")]
fn an_empty_batch_is_refused() {
    let samples = Samples::new(4, 6, 3, 0.5, &mut rng(20));
    let mut network = network(&[6, 3], Activation::Relu, Activation::Identity, &mut rng(20));
    let batch = samples.dataset().batch(&[]);
    engine(1).step(&mut network, &mut Optimizer::sgd(0.1), Loss::SoftmaxCrossEntropy, batch);
}

#[test]
#[should_panic(expected = "samples of 6 features for a network of 5 inputs")]
fn samples_of_other_features_are_refused() {
    let samples = Samples::new(4, 6, 3, 0.5, &mut rng(21));
    let mut network = network(&[5, 3], Activation::Relu, Activation::Identity, &mut rng(21));
    let batch = samples.dataset().all();
    engine(1).step(&mut network, &mut Optimizer::sgd(0.1), Loss::SoftmaxCrossEntropy, batch);
}

#[test]
#[should_panic(expected = "3 classes for a network of 2 outputs")]
fn more_classes_than_outputs_are_refused() {
    let samples = Samples::new(4, 6, 3, 0.5, &mut rng(22));
    let network = network(&[6, 2], Activation::Relu, Activation::Identity, &mut rng(22));
    let _ = engine(1).evaluate(&network, Loss::SoftmaxCrossEntropy, samples.dataset());
}

#[test]
#[should_panic(expected = "loss softmax-cross-entropy is not defined on sigmoid outputs, expected identity")]
fn a_loss_of_other_outputs_is_refused() {
    let samples = Samples::new(4, 6, 3, 0.5, &mut rng(23));
    let network = network(&[6, 3], Activation::Relu, Activation::Sigmoid, &mut rng(23));
    let _ = engine(1).evaluate(&network, Loss::SoftmaxCrossEntropy, samples.dataset());
}
