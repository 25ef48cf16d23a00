//! Holds the whole of it to its purpose: networks learn tasks that were made so that they can be learned.

mod oracle;
mod samples;

use nn_core::ndarray::Array2;
use nn_core::rand::{Rng, seq::SliceRandom};
use nn_core::{Activation, Engine, Initializer, Loss, Network, Optimizer, Rule};
use rand_chacha::ChaCha8Rng;
use samples::{Samples, losses_and_outputs, rng};
use std::num::NonZeroUsize;

/// Classes that no linear function of the bytes can tell apart: two blobs are bright among 12 x 5 pixels,
/// and the class is the sum of their places, modulo 4 (an exclusive or of more than two).
fn blobs(count: usize, rng: &mut ChaCha8Rng) -> Samples {
    let mut pixels = Array2::zeros((count, 60));
    let mut labels = Vec::new();
    for n in 0..count {
        let places = [rng.random_range(0..6), rng.random_range(6..12)];
        for place in places {
            for pixel in place * 5..place * 5 + 5 {
                pixels[[n, pixel]] = rng.random_range(100..=255);
            }
        }
        // Ink that means nothing.
        for _ in 0..3 {
            pixels[[n, rng.random_range(0..60)]] = rng.random_range(0..=60);
        }
        labels.push(((places[0] + places[1]) % 4) as u8);
    }
    Samples { pixels, labels, classes: 4 }
}

/// Trains in shuffled batches of 32, and gives the accuracy on samples that were not trained on.
fn accuracy(mut network: Network, loss: Loss, mut optimizer: Optimizer, epochs: usize) -> f64 {
    let rng = &mut rng(1);
    let (train, test) = (blobs(1500, rng), blobs(500, rng));
    let mut engine = Engine::new(NonZeroUsize::new(2).unwrap());
    let mut order: Vec<usize> = (0..1500).collect();
    for _ in 0..epochs {
        order.shuffle(rng);
        for batch in order.chunks(32) {
            engine.step(&mut network, &mut optimizer, loss, train.dataset().batch(batch));
        }
    }
    assert!(network.parameters().is_finite());
    engine.evaluate(&network, loss, test.dataset()).tally.accuracy()
}

#[test]
fn every_loss_learns_to_tell_the_blobs_apart() {
    for (loss, output) in losses_and_outputs() {
        // A squared error cannot pull a ReLU out of 0, nor does it suit every output; one is enough.
        if loss == Loss::MeanSquaredError && output != loss.output_activation() {
            continue;
        }
        let network = Network::builder(60).dense(32, Activation::Relu).dense(4, output);
        let adam = Optimizer::new(Rule::ALL[3], 0.005);
        let found = accuracy(network.build(&mut rng(2)).unwrap(), loss, adam, 20);
        assert!(found >= 0.98, "{loss} on {output}: {found}");
    }
}

#[test]
fn every_rule_learns_to_tell_the_blobs_apart() {
    for (rule, rate) in Rule::ALL.into_iter().zip([0.5, 0.05, 0.05, 0.005]) {
        let network = Network::builder(60).dense(32, Activation::Relu).dense(4, Activation::Identity);
        let network = network.build(&mut rng(3)).unwrap();
        let found = accuracy(network, Loss::SoftmaxCrossEntropy, Optimizer::new(rule, rate), 20);
        assert!(found >= 0.98, "{rule}: {found}");
    }
}

#[test]
fn a_network_without_a_hidden_layer_does_not() {
    // Else the tests above would show little.
    let network = Network::builder(60).dense(4, Activation::Identity).build(&mut rng(4)).unwrap();
    let found = accuracy(network, Loss::SoftmaxCrossEntropy, Optimizer::sgd(0.5), 20);
    assert!(found < 0.6, "{found}");
}

#[test]
fn the_articles_setting_learns_one_sample_at_a_time() {
    let rng = &mut rng(5);
    let train = blobs(1500, rng);
    let network = Network::builder(60).dense(32, Activation::Relu).dense(4, Activation::Sigmoid);
    let mut network = network.initializer(Initializer::Normal { deviation: 0.01 }).build(rng).unwrap();
    let (mut engine, mut sgd) = (Engine::new(NonZeroUsize::MIN), Optimizer::sgd(0.1));
    let loss = Loss::BinaryCrossEntropy;
    for _ in 0..10 {
        for n in 0..1500 {
            engine.step(&mut network, &mut sgd, loss, train.dataset().batch(&[n]));
        }
    }
    let test = blobs(500, rng);
    let found = engine.evaluate(&network, loss, test.dataset()).tally.accuracy();
    assert!(found >= 0.98, "{found}");
}
