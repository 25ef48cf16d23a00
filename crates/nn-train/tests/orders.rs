//! How random an order of blocks is, measured beside a full shuffle.

use std::collections::HashSet;

use nn_train::Order;

fn blocks(block: usize, window: usize) -> Order {
    Order::Blocks { block: block.try_into().unwrap(), window: window.try_into().unwrap() }
}

/// How often each class is in each batch, where the samples are sorted by class: the variance of that, in those of a
/// batch that is drawn at random from all samples.
fn variance_of_counts(order: Order, samples: usize, classes: usize, batch: usize, epochs: u32) -> f64 {
    let share = 1.0 / classes as f64;
    let (mut sum, mut terms) = (0.0, 0.0);
    for epoch in 1..=epochs {
        for indices in order.epoch(7, epoch, samples).chunks_exact(batch) {
            let mut counts = vec![0; classes];
            indices.iter().for_each(|index| counts[index * classes / samples] += 1);
            for count in counts {
                sum += (f64::from(count) - batch as f64 * share).powi(2);
                terms += 1.0;
            }
        }
    }
    sum / terms / (batch as f64 * share * (1.0 - share))
}

#[test]
fn an_order_of_blocks_visits_every_sample_once() {
    for samples in [0, 1, 2, 127, 128, 129, 1000, 65_536, 200_001] {
        for order in [Order::BLOCKS, blocks(1, 1), blocks(7, 3), blocks(1000, 1), blocks(1, 1000)] {
            let mut indices = order.epoch(7, 3, samples);
            indices.sort_unstable();
            assert!(indices.into_iter().eq(0..samples), "{order} {samples}");
        }
    }
}

#[test]
fn orders_differ_with_seed_and_epoch_and_with_nothing_else() {
    let order = |seed, epoch| Order::BLOCKS.epoch(seed, epoch, 70_000);
    assert_eq!(order(7, 3), order(7, 3));
    let orders: HashSet<Vec<usize>> =
        [order(7, 3), order(8, 3), order(7, 4), Order::Full.epoch(7, 3, 70_000)].into();
    assert_eq!(orders.len(), 4);
}

#[test]
fn every_sample_is_at_every_position_as_often() {
    // 12,000 epochs of six samples: each position 2,000 times, with a deviation of 41.
    let mut counts = [[0_i32; 6]; 6];
    for epoch in 0..12_000 {
        let order = blocks(2, 2).epoch(1, epoch, 6);
        order.into_iter().enumerate().for_each(|(position, index)| counts[index][position] += 1);
    }
    assert!(counts.iter().flatten().all(|count| (count - 2_000).abs() < 180), "{counts:?}");
}

#[test]
fn blocks_of_one_window_are_shuffled_as_well_as_samples() {
    // 6,000 epochs of three samples: each of the six orders 1,000 times, with a deviation of 28.9.
    let mut counts = std::collections::BTreeMap::new();
    for epoch in 0..6_000 {
        *counts.entry(blocks(1, 3).epoch(1, epoch, 3)).or_insert(0_i32) += 1;
    }
    assert_eq!(counts.len(), 6);
    assert!(counts.values().all(|count| (count - 1_000).abs() < 120), "{counts:?}");
}

#[test]
fn where_a_sample_is_says_nothing_of_when_it_is_visited() {
    // 2,560 blocks in 5 windows. A full order has a correlation of 0, give or take 0.002, and a mean distance of a third.
    const SAMPLES: usize = 327_680;
    let half = SAMPLES as f64 / 2.0;
    let (mut correlations, mut distances) = (Vec::new(), Vec::new());
    for epoch in 1..=8 {
        let (mut products, mut distance) = (0.0, 0.0);
        for (position, index) in Order::BLOCKS.epoch(3, epoch, SAMPLES).into_iter().enumerate() {
            products += (position as f64 - half) * (index as f64 - half);
            distance += position.abs_diff(index) as f64;
        }
        correlations.push(products / (half * half / 3.0 * SAMPLES as f64));
        distances.push(distance / SAMPLES as f64 / SAMPLES as f64);
    }
    // Blocks are as 2,560 samples: a deviation of 0.02.
    assert!(correlations.iter().all(|correlation| correlation.abs() < 0.08), "{correlations:?}");
    assert!(distances.iter().all(|distance| (distance - 1.0 / 3.0).abs() < 0.03), "{distances:?}");
}

#[test]
fn classes_vary_in_batches_of_sorted_data_as_much_as_the_documentation_says() {
    const SAMPLES: usize = 327_680;
    let full = variance_of_counts(Order::Full, SAMPLES, 10, 50, 4);
    assert!((full - 1.0).abs() < 0.02, "{full}");
    for (order, window) in [(Order::BLOCKS, 512.0), (blocks(128, 128), 128.0), (blocks(128, 32), 32.0)] {
        let all = SAMPLES as f64 / 128.0;
        let expected = 1.0 + 49.0 / window * (1.0 - window / all);
        let found = variance_of_counts(order, SAMPLES, 10, 50, 12);
        assert!((found - expected).abs() < 0.1 * (expected - 1.0) + 0.02, "{order}: {found} for {expected}");
    }
    // Data that is not sorted shows nothing of it: the class of a sample is that of its place in its block.
    let (mut sum, mut terms) = (0.0, 0.0);
    for indices in Order::BLOCKS.epoch(7, 1, SAMPLES).chunks_exact(50) {
        let count = indices.iter().filter(|&index| index * 7919 % 100_003 % 10 == 0).count();
        sum += (count as f64 - 5.0).powi(2);
        terms += 1.0;
    }
    let found = sum / terms / 4.5;
    assert!((found - 1.0).abs() < 0.08, "{found}");
}
