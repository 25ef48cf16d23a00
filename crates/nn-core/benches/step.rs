//! Forward propagation, back-propagation and whole training steps at named shapes, in samples a second,
//! on the embedded MNIST sample; beside them the same step in plain ndarray, as one would write it first.

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use nn_core::idx_format::IdxFile;
use nn_core::ndarray::{Array1, Array2, Axis, Zip};
use nn_core::rand::{SeedableRng, rngs::StdRng};
use nn_core::{Activation, Dataset, Dropout, Engine, Loss, Network, Objective, Optimizer, Rule, Workspace};
use std::hint::black_box;
use std::num::NonZeroUsize;
use std::path::Path;
use std::time::Duration;

/// Name, units of the hidden layers, batch size.
const SHAPES: &[(&str, &[usize], usize)] = &[
    ("784-100-10/1", &[100], 1),
    ("784-100-10/64", &[100], 64),
    ("784-100-10/1024", &[100], 1024),
    ("784-800-10/128", &[800], 128),
    ("784-2500-2000-1500-1000-500-10/128", &[2500, 2000, 1500, 1000, 500], 128),
];

/// The naive step is too slow for the deep network to be worth the wait.
const NAIVE_UP_TO: usize = 800;

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
    fn dense(&self) -> Self {
        let pixels = self.pixels.iter().map(|&pixel| pixel.max(1)).collect();
        Self { pixels, labels: self.labels.clone() }
    }

    fn dataset(&self) -> Dataset<'_> {
        Dataset::new(&self.pixels, 784, &self.labels, 10).expect("a row of pixels for each label")
    }
}

fn network(hidden: &[usize]) -> Network {
    let mut builder = Network::builder(784);
    for &units in hidden {
        builder = builder.dense(units, Activation::Relu);
    }
    builder
        .dense(10, Activation::Identity)
        .build(&mut StdRng::seed_from_u64(1))
        .expect("the layers have units")
}

fn forward_and_backward(criterion: &mut Criterion) {
    let images = Images::sample();
    let dataset = images.dataset();
    for &(name, hidden, size) in SHAPES {
        let mut group = criterion.benchmark_group(name);
        group.throughput(Throughput::Elements(size as u64));
        let network = network(hidden);
        let batch = dataset.slice(0..size).all();
        let mut workspace = Workspace::new(&network);
        group.bench_function("forward", |bencher| {
            bencher.iter(|| black_box(network.forward_in(&mut workspace, batch)).sum());
        });
        let trace = network.trace(batch);
        let loss = Loss::SoftmaxCrossEntropy.evaluate(trace.output(), &images.labels[..size]);
        group.bench_function("backward", |bencher| {
            bencher.iter(|| black_box(network.backward(&trace, loss.gradient.view())));
        });
    }
}

fn step(criterion: &mut Criterion) {
    let sparse = Images::sample();
    let dense = sparse.dense();
    let cores = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    for &(name, hidden, size) in SHAPES {
        let mut group = criterion.benchmark_group(name);
        group.throughput(Throughput::Elements(size as u64));
        for (input, images) in [("step", &sparse), ("step, no dark pixel", &dense)] {
            for threads in [NonZeroUsize::MIN, cores] {
                let (mut network, mut sgd) = (network(hidden), Optimizer::sgd(0.01));
                let mut engine = Engine::new(threads);
                let mut next = 0;
                group.bench_function(BenchmarkId::new(input, format!("{threads} threads")), |bencher| {
                    bencher.iter(|| {
                        next = if next + 2 * size > images.labels.len() { 0 } else { next + size };
                        let batch = images.dataset().slice(next..next + size).all();
                        engine.step(&mut network, &mut sgd, Loss::SoftmaxCrossEntropy, batch)
                    });
                });
            }
        }
        if hidden.iter().all(|&units| units <= NAIVE_UP_TO) {
            group.bench_function("step in plain ndarray", |bencher| {
                bencher.iter_batched_ref(
                    || Naive::new(&network(hidden)),
                    |naive| naive.step(sparse.dataset(), size),
                    BatchSize::LargeInput,
                );
            });
        }
    }
}

/// Steps that do more than follow the gradient of a loss.
fn step_with_more(criterion: &mut Criterion) {
    let images = Images::sample();
    let (hidden, size) = ([100], 64);
    let mut group = criterion.benchmark_group("784-100-10/64");
    group.throughput(Throughput::Elements(size as u64));
    let plain = Objective::from(Loss::SoftmaxCrossEntropy);
    let dropout = Objective { dropout: Dropout { input: 0.2, hidden: 0.5, seed: 1 }, ..plain };
    let smoothed = Objective { label_smoothing: 0.1, ..plain };
    let mut clipped = Optimizer::sgd(0.01);
    clipped.set_clip(Some(1.0));
    for (name, objective, optimizer) in [
        ("step with dropout", dropout, Optimizer::sgd(0.01)),
        ("step with label smoothing", smoothed, Optimizer::sgd(0.01)),
        ("step with clipping", plain, clipped),
        ("step of Muon", plain, Optimizer::new(Rule::ALL[4], 0.001)),
    ] {
        let (mut network, mut optimizer) = (network(&hidden), optimizer);
        let mut engine = Engine::new(NonZeroUsize::MIN);
        let mut next = 0;
        group.bench_function(BenchmarkId::new(name, "1 threads"), |bencher| {
            bencher.iter(|| {
                next = if next + 2 * size > images.labels.len() { 0 } else { next + size };
                let batch = images.dataset().slice(next..next + size).all();
                engine.step(&mut network, &mut optimizer, objective, batch)
            });
        });
    }
}

/// A hidden layer of ReLUs and a softmax, as whole-array expressions.
struct Naive {
    weights: [Array2<f32>; 2],
    biases: [Array1<f32>; 2],
}

impl Naive {
    fn new(network: &Network) -> Self {
        let parameters = network.parameters();
        Self {
            weights: [0, 1].map(|layer| parameters.weights(layer).to_owned()),
            biases: [0, 1].map(|layer| parameters.biases(layer).to_owned()),
        }
    }

    fn step(&mut self, dataset: Dataset<'_>, size: usize) {
        let pixels = &dataset.pixels()[..size * 784];
        let x = Array2::from_shape_fn((size, 784), |(n, i)| f32::from(pixels[n * 784 + i]) / 255.0);
        let hidden = (x.dot(&self.weights[0]) + &self.biases[0]).mapv(|z| z.max(0.0));
        let mut d_z = hidden.dot(&self.weights[1]) + &self.biases[1];
        for (mut row, &label) in d_z.outer_iter_mut().zip(dataset.labels()) {
            let greatest = row.fold(f32::NEG_INFINITY, |a, &b| a.max(b));
            row.mapv_inplace(|z| (z - greatest).exp());
            let sum = row.sum();
            row.mapv_inplace(|e| e / sum);
            row[usize::from(label)] -= 1.0;
        }
        d_z /= size as f32;
        let mut d_hidden = d_z.dot(&self.weights[1].t());
        Zip::from(&mut d_hidden).and(&hidden).for_each(|d, &a| *d *= f32::from(u8::from(a > 0.0)));
        self.weights[1].scaled_add(-0.01, &hidden.t().dot(&d_z));
        self.biases[1].scaled_add(-0.01, &d_z.sum_axis(Axis(0)));
        self.weights[0].scaled_add(-0.01, &x.t().dot(&d_hidden));
        self.biases[0].scaled_add(-0.01, &d_hidden.sum_axis(Axis(0)));
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
        .sample_size(20);
    targets = forward_and_backward, step, step_with_more
}
criterion_main!(benches);
