//! Samples that do not lie in one piece: they make the bits that they make in one.

mod oracle;
mod samples;

use nn_core::{Activation, Batch, Dataset, Engine, Evaluation, Loss, Network, Optimizer, Targets};
use samples::{Samples, network, panic_of, rng};
use std::num::NonZeroUsize;

/// 70 samples of 137 features and 7 classes, and the same in three data sets of others lengths.
fn whole_and_parts(density: f64) -> (Samples, Vec<Samples>) {
    let whole = Samples::new(70, 137, 7, density, &mut rng(1));
    let part = |range: std::ops::Range<usize>| Samples {
        pixels: whole.pixels.slice(nn_core::ndarray::s![range.clone(), ..]).to_owned(),
        labels: whole.labels[range].to_vec(),
        classes: 7,
    };
    let parts = [0..3, 3..49, 49..70].map(part).to_vec();
    (whole, parts)
}

/// Its rows, from wherever they are.
fn rows<'a>(parts: &[Dataset<'a>]) -> Vec<&'a [u8]> {
    parts.iter().flat_map(|part| (0..part.len()).map(|n| part.row(n))).collect()
}

fn engine(threads: usize) -> Engine {
    Engine::new(NonZeroUsize::new(threads).unwrap())
}

fn bits(network: &Network) -> Vec<u32> {
    let parameters = network.parameters();
    let layer = |layer| {
        let weights = parameters.weights(layer).to_owned();
        weights.into_iter().chain(parameters.biases(layer).to_owned()).map(f32::to_bits)
    };
    (0..network.depth()).flat_map(layer).collect()
}

#[test]
fn steps_over_gathered_rows_have_the_bits_of_steps_over_a_data_set() {
    for density in [0.2, 0.9] {
        let (whole, parts) = whole_and_parts(density);
        let parts: Vec<Dataset<'_>> = parts.iter().map(Samples::dataset).collect();
        let all = rows(&parts);
        let order: Vec<usize> = (0..70).map(|n| n * 29 % 70).collect();
        let (others, shares) = (vec![3; 16], vec![0.75; 16]);
        for threads in 1..=4 {
            let begun = network(&[137, 20, 7], Activation::Relu, Activation::Identity, &mut rng(2));
            let (mut expected, mut found) = (begun.clone(), begun);
            let (mut one, mut other) = (Optimizer::sgd(0.1), Optimizer::sgd(0.1));
            let (mut engine, loss) = (engine(threads), Loss::SoftmaxCrossEntropy);
            for (step, indices) in order.chunks(16).enumerate() {
                let rows: Vec<&[u8]> = indices.iter().map(|&index| all[index]).collect();
                let labels: Vec<u8> = indices.iter().map(|&index| whole.labels[index]).collect();
                let mut batch = whole.dataset().batch(indices);
                let mut gathered = Batch::of_rows(&rows, &labels, 137, 7).followed_by_rows(&all[..5]);
                if step % 2 == 1 {
                    let targets = Targets::Mixed {
                        other_labels: &others[..indices.len()],
                        shares: &shares[..indices.len()],
                    };
                    (batch, gathered) = (batch.with_targets(targets), gathered.with_targets(targets));
                }
                let tally = engine.step(&mut expected, &mut one, loss, batch);
                assert_eq!(engine.step(&mut found, &mut other, loss, gathered), tally);
                assert_eq!(bits(&found), bits(&expected), "{density} {threads} {step}");
                assert_eq!(found.forward(gathered), expected.forward(batch));
                assert_eq!(gathered.targets(7, 0.1), batch.targets(7, 0.1));
            }
        }
    }
}

#[test]
fn evaluations_of_the_parts_add_up_to_that_of_the_whole() {
    let (whole, parts) = whole_and_parts(0.3);
    let network = network(&[137, 20, 7], Activation::Relu, Activation::Identity, &mut rng(3));
    for threads in 1..=4 {
        let (mut engine, loss) = (engine(threads), Loss::SoftmaxCrossEntropy);
        let mut evaluation = Evaluation::new(7);
        for part in &parts {
            engine.evaluate_into(&mut evaluation, &network, loss, part.dataset());
        }
        let expected = engine.evaluate(&network, loss, whole.dataset());
        assert_eq!(evaluation.tally.loss_sum.to_bits(), expected.tally.loss_sum.to_bits());
        assert_eq!(evaluation, expected);
    }
}

#[test]
fn rows_that_do_not_fit_are_refused_in_these_words() {
    let rows: [&[u8]; 2] = [&[1, 2, 3], &[4, 5, 6]];
    for (labels, features, expected) in [
        (&[1][..], 3, "1 labels for 2 rows"),
        (&[1, 0], 2, "a row of 3 bytes, expected 2"),
        (&[1, 5], 3, "class 5 of 5 classes"),
    ] {
        assert_eq!(panic_of(|| Batch::of_rows(&rows, labels, features, 5)), expected);
    }
    let batch = Batch::of_rows(&rows, &[1, 0], 3, 5);
    assert_eq!(panic_of(|| batch.followed_by_rows(&[&[1, 2]])), "a row of 2 bytes, expected 3");
    assert_eq!(
        panic_of(|| batch.followed_by(&[0])),
        "indices after a batch of rows, which are of no data set"
    );
    assert_eq!((batch.len(), batch.features(), batch.classes()), (2, 3, 5));
    assert!(Batch::of_rows(&[], &[], 3, 5).is_empty());

    let four = network(&[137, 4], Activation::Relu, Activation::Identity, &mut rng(4));
    let (whole, _) = whole_and_parts(0.3);
    let with_four = whole.dataset().slice(0..0).with_classes(4).unwrap();
    let mut evaluation = Evaluation::new(7);
    let mut evaluate =
        || engine(1).evaluate_into(&mut evaluation, &four, Loss::SoftmaxCrossEntropy, with_four);
    assert_eq!(panic_of(&mut evaluate), "an evaluation of 7 outputs for a network of 4");
}
