//! Training with the engine, on two shapes of 5 x 7 pixels drawn at random places.
//! Run with `cargo run -p nn-core --example 03-engine`.
#![allow(clippy::print_stdout, reason = "an example talks to people")]

use nn_core::rand::{Rng, SeedableRng, rngs::StdRng, seq::SliceRandom};
use nn_core::{Activation, Dataset, Engine, Loss, Network, Optimizer};
use std::num::NonZeroUsize;

const ROWS: usize = 7;
const COLUMNS: usize = 5;

/// A bar of three pixels, lying (class 0) or standing (class 1), and some noise.
fn draw(class: u8, rng: &mut StdRng) -> [u8; ROWS * COLUMNS] {
    let mut image = [0; ROWS * COLUMNS];
    let (row, column) = (rng.random_range(0..ROWS - 2), rng.random_range(0..COLUMNS - 2));
    for i in 0..3 {
        let (row, column) = if class == 0 { (row, column + i) } else { (row + i, column) };
        image[row * COLUMNS + column] = rng.random_range(150..=255);
    }
    image[rng.random_range(0..image.len())] |= rng.random_range(0..100);
    image
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut rng = StdRng::seed_from_u64(5);
    let labels: Vec<u8> = (0..1200).map(|_| rng.random_range(0..2)).collect();
    let pixels: Vec<u8> = labels.iter().flat_map(|&class| draw(class, &mut rng)).collect();
    let (train, test) = Dataset::new(&pixels, ROWS * COLUMNS, &labels, 2)?.split_at(1000);

    let mut network = Network::builder(ROWS * COLUMNS)
        .dense(24, Activation::Relu)
        .dense(2, Activation::Identity)
        .build(&mut rng)?;
    let mut sgd = Optimizer::sgd(0.3);
    let mut engine = Engine::new(std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN));

    let mut order: Vec<usize> = (0..train.len()).collect();
    for epoch in 1..=20 {
        order.shuffle(&mut rng);
        for indices in order.chunks(20) {
            engine.step(&mut network, &mut sgd, Loss::SoftmaxCrossEntropy, train.batch(indices));
        }
        let tally = engine.evaluate(&network, Loss::SoftmaxCrossEntropy, test).tally;
        println!("epoch {epoch:2}: test loss {:.4}, accuracy {:.3}", tally.mean_loss(), tally.accuracy());
    }
    Ok(())
}
