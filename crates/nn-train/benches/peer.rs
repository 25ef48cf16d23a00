//! This project's part of `cargo xtask bench --peers`: owns running one task of the comparison and printing its
//! figures as a line of JSON, and refuses to know whom they are compared with.
//!
//! `peer TASK --data FOLDER [--threads N] [--variant NAME] [--seed S]`

#![expect(clippy::print_stdout, reason = "the figures are what the program is for")]

use std::error::Error;
use std::fmt::Write as _;
use std::hint::black_box;
use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Instant;
use std::{env, fmt, thread};

use nn_train::nn_core::idx_format::{Access, OpenOptions};
use nn_train::nn_core::{Activation, Dataset, Engine, Initializer, Loss, Network, Optimizer, Workspace};
use nn_train::{
    Augmentation, Augmenter, DataFiles, EpochReport, FitConfig, Ingredients, Observer, Order, Schedule,
    Split, epoch_order, evaluate, fit, initial_rng,
};
use sha2::{Digest as _, Sha256};

/// Epochs that are timed, after one that is not.
const TIMED_EPOCHS: u32 = 2;
const DEEP: &[usize] = &[2500, 2000, 1500, 1000, 500];
const DEEP_BATCH: usize = 128;
const DEEP_WARMUP: usize = 4;
const DEEP_STEPS: usize = 12;
const MANY_IMAGES_CALLS: usize = 20;
const AUGMENT_PASSES: u32 = 5;

const USAGE: &str = "\
usage: peer TASK --data FOLDER [--threads N] [--variant NAME] [--seed S]
tasks: epoch, one-by-one, deep, one-image, many-images, augment; run by `cargo xtask bench --peers`";

type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> Outcome<()> {
    // `cargo bench` adds a flag, and without a task there is nothing to compare with.
    let words: Vec<String> = env::args().skip(1).filter(|word| word != "--bench").collect();
    let Some(job) = Job::parse(&words)? else {
        println!("{USAGE}");
        return Ok(());
    };
    let figures = match job.task.as_str() {
        "epoch" => epoch(&job)?,
        "one-by-one" => one_by_one(&job)?,
        "deep" => deep(&job)?,
        "one-image" => one_image(&job)?,
        "many-images" => many_images(&job)?,
        "augment" => augment(&job)?,
        other => return Err(format!("there is no task '{other}'\n{USAGE}").into()),
    };
    println!("{figures}");
    Ok(())
}

/// What is asked for.
struct Job {
    task: String,
    data: PathBuf,
    threads: NonZeroUsize,
    variant: String,
    seed: u64,
}

impl Job {
    fn parse(words: &[String]) -> Outcome<Option<Self>> {
        let Some((task, options)) = words.split_first() else { return Ok(None) };
        let mut job = Self {
            task: task.clone(),
            data: "data/mnist".into(),
            threads: NonZeroUsize::MIN,
            variant: String::new(),
            seed: 1,
        };
        for pair in options.chunks(2) {
            let [name, value] = pair else { return Err(format!("{} needs a value", pair[0]).into()) };
            match name.as_str() {
                "--data" => job.data = value.into(),
                "--threads" => job.threads = value.parse()?,
                "--variant" => job.variant.clone_from(value),
                "--seed" => job.seed = value.parse()?,
                _ => return Err(format!("there is no option '{name}'\n{USAGE}").into()),
            }
        }
        Ok(Some(job))
    }
}

/// What a task found.
#[derive(Default)]
struct Figures {
    /// Of each repetition.
    seconds: Vec<f64>,
    /// On the test images.
    accuracy: Option<f64>,
    /// SHA-256 of the parameters.
    hash: Option<String>,
}

impl fmt::Display for Figures {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, r#"{{"seconds": {:?}"#, self.seconds)?;
        if let Some(accuracy) = self.accuracy {
            write!(formatter, r#", "accuracy": {accuracy}"#)?;
        }
        if let Some(hash) = &self.hash {
            write!(formatter, r#", "hash": "{hash}""#)?;
        }
        let version = env!("CARGO_PKG_VERSION");
        write!(formatter, r#", "versions": {{"this project": "{version}"}}}}"#)
    }
}

/// The images, of which a variant has no dark pixel, so that nothing can be skipped.
struct Images {
    files: DataFiles,
    changed: Option<Vec<u8>>,
}

impl Images {
    fn open(folder: &Path, split: Split, variant: &str) -> Outcome<Self> {
        // In memory, as `nn-cli` has files of this length, and the peers all of theirs.
        let files = DataFiles::open_with(folder, split, &OpenOptions::new().access(Access::Read))?;
        let lit = || files.view().pixels().iter().map(|&pixel| pixel.max(1)).collect();
        let changed = (variant == "no dark pixel").then(lit);
        Ok(Self { files, changed })
    }

    fn view(&self) -> Outcome<Dataset<'_>> {
        let original = self.files.view();
        Ok(match &self.changed {
            None => original,
            Some(pixels) => Dataset::new(pixels, original.features(), original.labels(), original.classes())?,
        })
    }
}

/// Times epochs from before their order is drawn until after the network was checked.
struct Clock {
    start: Instant,
    seconds: Vec<f64>,
}

impl Observer for Clock {
    fn epoch_started(&mut self, _: u32) {
        self.start = Instant::now();
    }

    fn epoch_finished(&mut self, _: &EpochReport, _: &Network) -> ControlFlow<()> {
        self.seconds.push(self.start.elapsed().as_secs_f64());
        ControlFlow::Continue(())
    }
}

/// Trains, and gives the seconds of each epoch after `untimed` of them, the accuracy and the parameters' hash.
fn train(job: &Job, mut network: Network, config: &FitConfig, untimed: usize) -> Outcome<Figures> {
    let images = Images::open(&job.data, Split::Train, &job.variant)?;
    let test = Images::open(&job.data, Split::Test, &job.variant)?;
    let mut clock = Clock { start: Instant::now(), seconds: Vec::new() };
    let mut sgd = Optimizer::sgd(config.rate);
    fit(&mut network, &mut sgd, images.view()?, None, config, &mut clock)?;
    let evaluation = evaluate(&network, config.loss, test.view()?, config.threads)?;
    Ok(Figures {
        seconds: clock.seconds.split_off(untimed),
        accuracy: Some(evaluation.tally.accuracy()),
        hash: Some(hash(&network)),
    })
}

fn epoch(job: &Job) -> Outcome<Figures> {
    let config = FitConfig {
        epochs: 1 + TIMED_EPOCHS,
        batch_size: NonZeroUsize::new(64).ok_or("a batch of nothing")?,
        loss: Loss::SoftmaxCrossEntropy,
        rate: 0.1,
        schedule: Schedule::Constant,
        seed: job.seed,
        threads: job.threads,
        ingredients: Ingredients::NONE,
        order: Order::Full,
    };
    train(job, relu_network(&[100], job.seed)?, &config, 1)
}

/// The recipe of the preset `article`.
fn one_by_one(job: &Job) -> Outcome<Figures> {
    let network = Network::builder(784)
        .dense(100, Activation::Sigmoid)
        .dense(10, Activation::Sigmoid)
        .initializer(Initializer::Normal { deviation: 0.01 })
        .build(&mut initial_rng(job.seed))?;
    let config = FitConfig {
        epochs: 1,
        batch_size: NonZeroUsize::MIN,
        loss: Loss::BinaryCrossEntropy,
        rate: 0.1,
        schedule: Schedule::Constant,
        seed: job.seed,
        threads: job.threads,
        ingredients: Ingredients::NONE,
        order: Order::Full,
    };
    train(job, network, &config, 0)
}

fn deep(job: &Job) -> Outcome<Figures> {
    let images = Images::open(&job.data, Split::Train, &job.variant)?;
    let train = images.view()?;
    let mut network = relu_network(DEEP, job.seed)?;
    let (mut engine, mut sgd) = (Engine::new(job.threads), Optimizer::sgd(0.01));
    let order = epoch_order(job.seed, 1, train.len());
    let mut seconds = Vec::new();
    for indices in order.chunks_exact(DEEP_BATCH).take(DEEP_WARMUP + DEEP_STEPS) {
        let start = Instant::now();
        engine.step(&mut network, &mut sgd, Loss::SoftmaxCrossEntropy, train.batch(indices));
        seconds.push(start.elapsed().as_secs_f64());
    }
    Ok(Figures { seconds: seconds.split_off(DEEP_WARMUP), ..Figures::default() })
}

/// The median over all test images, each looked at alone.
fn one_image(job: &Job) -> Outcome<Figures> {
    let images = Images::open(&job.data, Split::Test, &job.variant)?;
    let test = images.view()?;
    let network = relu_network(&[100], job.seed)?;
    let mut workspace = Workspace::new(&network);
    let mut look = |index: usize| {
        let image = black_box(test.slice(index..index + 1).all());
        black_box(network.forward_in(&mut workspace, image));
    };
    (0..1000).for_each(&mut look);
    let mut seconds = Vec::new();
    for index in 0..test.len() {
        let start = Instant::now();
        look(index);
        seconds.push(start.elapsed().as_secs_f64());
    }
    seconds.sort_by(f64::total_cmp);
    Ok(Figures { seconds: vec![seconds[seconds.len() / 2]], ..Figures::default() })
}

fn many_images(job: &Job) -> Outcome<Figures> {
    let images = Images::open(&job.data, Split::Test, &job.variant)?;
    let test = images.view()?;
    let network = relu_network(&[100], job.seed)?;
    let mut engine = Engine::new(job.threads);
    let mut seconds = Vec::new();
    for _ in 0..3 + MANY_IMAGES_CALLS {
        let start = Instant::now();
        black_box(engine.forward(&network, black_box(test)));
        seconds.push(start.elapsed().as_secs_f64());
    }
    Ok(Figures { seconds: seconds.split_off(3), ..Figures::default() })
}

/// The images distorted once an epoch, each thread a part of them.
fn augment(job: &Job) -> Outcome<Figures> {
    let images = Images::open(&job.data, Split::Train, &job.variant)?;
    let train = images.view()?;
    let features = train.features();
    // The peers know no classes that are treated differently.
    let augmentation = Augmentation { class_limits: false, ..Augmentation::STRONG };
    let augmenter = Augmenter::new(augmentation, images.files.image_shape(), job.seed)?;
    let mut out = vec![0; train.pixels().len()];
    let share = train.len().div_ceil(job.threads.get()).max(1);
    let mut seconds = Vec::new();
    for epoch in 0..=AUGMENT_PASSES {
        let start = Instant::now();
        thread::scope(|scope| {
            for (part, out) in out.chunks_mut(share * features).enumerate() {
                let mut augmenter = augmenter.clone();
                scope.spawn(move || {
                    for (index, out) in (part * share..).zip(out.chunks_exact_mut(features)) {
                        augmenter.augment(train.row(index), train.label(index), epoch, index, out);
                    }
                });
            }
        });
        seconds.push(start.elapsed().as_secs_f64());
        black_box(&mut out);
    }
    Ok(Figures { seconds: seconds.split_off(1), ..Figures::default() })
}

fn relu_network(hidden: &[usize], seed: u64) -> Outcome<Network> {
    let mut builder = Network::builder(784);
    for &units in hidden {
        builder = builder.dense(units, Activation::Relu);
    }
    Ok(builder.dense(10, Activation::Identity).build(&mut initial_rng(seed))?)
}

/// SHA-256 of all weights and biases, layer after layer.
fn hash(network: &Network) -> String {
    let mut hasher = Sha256::new();
    let parameters = network.parameters();
    for layer in 0..parameters.layers() {
        let weights = parameters.weights(layer);
        for number in weights.iter().chain(parameters.biases(layer)) {
            hasher.update(number.to_le_bytes());
        }
    }
    hasher.finalize().iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
