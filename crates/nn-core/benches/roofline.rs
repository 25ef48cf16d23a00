//! How close a training step comes to what the machine could do if nothing but multiplications took
//! time: the rate of a large matrix product, the time that a step's products would take at that rate, and
//! the time that the step does take. More than 100 % means that products with zeros were skipped.
#![allow(clippy::print_stdout, reason = "its table is what it is for")]

use nn_core::idx_format::IdxFile;
use nn_core::ndarray::Array2;
use nn_core::rand::{SeedableRng, rngs::StdRng};
use nn_core::{Activation, Dataset, Engine, Loss, Network, Optimizer};
use std::hint::black_box;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Barrier;
use std::time::Instant;

/// Name, units of the hidden layers, batch size, and how many steps are timed together.
const CASES: &[(&str, &[usize], usize, usize)] = &[
    ("784-100-10", &[100], 64, 200),
    ("784-800-10", &[800], 128, 20),
    ("784-2500-2000-1500-1000-500-10", &[2500, 2000, 1500, 1000, 500], 128, 2),
];

/// Rounds, of which the fastest counts: all else that the machine does can only slow one down.
const ROUNDS: usize = 15;

/// Rows and columns of the matrices whose product shows the machine's rate.
const SIZE: usize = 1024;

fn main() {
    // As for the other benchmarks, a word asks for those whose name contains it.
    if std::env::args().nth(1).is_some_and(|word| !word.starts_with('-') && !"roofline".contains(&word)) {
        return;
    }
    // `cargo test --benches` asks for no more than that this runs.
    let rounds = if std::env::args().any(|argument| argument == "--bench") { ROUNDS } else { 1 };
    let threads = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    let peak = product_rate(threads.get(), rounds);
    println!("\nRoofline on {threads} threads, fastest of {rounds} rounds");
    println!("large matrix product, f32: {:.1} GFLOP/s", peak * 1e-9);
    println!("{:<32} {:>5}  {:>6}  {:>12}  {:>12}  {:>7}", "step", "batch", "lit", "bound", "took", "share");
    let images = Images::sample();
    for (images, lit) in [(&images, "19 %"), (&images.without_dark(), "all")] {
        for &(name, hidden, batch, steps) in CASES {
            let bound = step_flops(hidden, batch) / peak;
            let took = step_seconds(images, hidden, batch, steps, threads, rounds);
            println!(
                "{name:<32} {batch:>5}  {lit:>6}  {:>9.1} µs  {:>9.1} µs  {:>5.0} %",
                bound * 1e6,
                took * 1e6,
                100.0 * bound / took
            );
        }
    }
    println!();
}

/// Multiplications and additions of a step on dense inputs. Each weight takes part in three products,
/// X W, X^T dZ and dZ W^T, and those of the first layer in the first two, since nobody asks for the
/// gradient of the inputs.
fn step_flops(hidden: &[usize], batch: usize) -> f64 {
    let widths: Vec<usize> = [784].iter().chain(hidden).chain(&[10]).copied().collect();
    let weights = |pair: &[usize]| (pair[0] * pair[1]) as f64;
    let all: f64 = widths.windows(2).map(weights).sum();
    let first = weights(&widths[..2]);
    2.0 * batch as f64 * (3.0 * all - first)
}

/// Floating-point operations a second, each thread with a product of its own, all at the same time.
fn product_rate(threads: usize, rounds: usize) -> f64 {
    let start = Barrier::new(threads);
    let work = || {
        let a = Array2::from_elem((SIZE, SIZE), 0.5_f32);
        let b = Array2::from_elem((SIZE, SIZE), 0.25_f32);
        let mut rate = 0.0_f64;
        for _ in 0..rounds {
            start.wait();
            let begin = Instant::now();
            black_box(a.dot(&b));
            rate = rate.max(2.0 * (SIZE as f64).powi(3) / begin.elapsed().as_secs_f64());
        }
        rate
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        threads.into_iter().map(|thread| thread.join().expect("a product does not panic")).sum()
    })
}

fn step_seconds(
    images: &Images,
    hidden: &[usize],
    batch: usize,
    steps: usize,
    threads: NonZeroUsize,
    rounds: usize,
) -> f64 {
    let mut builder = Network::builder(784);
    for &units in hidden {
        builder = builder.dense(units, Activation::Relu);
    }
    let mut network = builder
        .dense(10, Activation::Identity)
        .build(&mut StdRng::seed_from_u64(1))
        .expect("the layers have units");
    let (mut engine, mut sgd) = (Engine::new(threads), Optimizer::sgd(0.01));
    let dataset = images.dataset();
    let mut next = 0;
    let mut fastest = f64::INFINITY;
    // The first round makes the buffers and finds the inputs' form.
    for round in 0..=rounds {
        let begin = Instant::now();
        for _ in 0..steps {
            next = if next + 2 * batch > dataset.len() { 0 } else { next + batch };
            let samples = dataset.slice(next..next + batch).all();
            engine.step(&mut network, &mut sgd, Loss::SoftmaxCrossEntropy, samples);
        }
        if round > 0 {
            fastest = fastest.min(begin.elapsed().as_secs_f64() / steps as f64);
        }
    }
    fastest
}

struct Images {
    pixels: Vec<u8>,
    labels: Vec<u8>,
}

impl Images {
    fn sample() -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data/sample");
        let read = |name: &str| {
            let file = IdxFile::open(folder.join(name)).expect("the embedded sample is there");
            file.view().payload().to_vec()
        };
        Self { pixels: read("train-images-idx3-ubyte.gz"), labels: read("train-labels-idx1-ubyte.gz") }
    }

    /// The same digits with no pixel dark, so that nothing can be skipped.
    fn without_dark(&self) -> Self {
        let pixels = self.pixels.iter().map(|&pixel| pixel.max(1)).collect();
        Self { pixels, labels: self.labels.clone() }
    }

    fn dataset(&self) -> Dataset<'_> {
        Dataset::new(&self.pixels, 784, &self.labels, 10).expect("a row of pixels for each label")
    }
}
