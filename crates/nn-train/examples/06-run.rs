//! Keeps a training in the folder of a run, leaves it amid an epoch as a loss of power would, goes on from its last
//! checkpoint, and shows that the result is the same to the last bit.
//!
//! Another folder of IDX files can be named behind `--`.

#![expect(clippy::print_stdout, reason = "an example shows its results")]

use std::{env, error::Error, num::NonZeroUsize, ops::ControlFlow, path::PathBuf};

use nn_train::{
    Checkpoint, DataFiles, EpochReport, Fingerprint, FitConfig, Ingredients, Observer, Order, RunError,
    RunFolder, Schedule, Snapshot, Split, fit, fit_from, initial_rng, load_checkpoint,
    nn_core::{Activation, Dataset, Loss, Network, NetworkError, Optimizer, Rule},
    save_checkpoint,
};

/// Keeps a checkpoint after every so many steps and after each epoch.
struct Keeper<'a> {
    folder: RunFolder,
    config: &'a FitConfig,
    image_shape: &'a [usize],
    train: Fingerprint,
    every: u64,
    /// Stop after this step.
    leave_after: Option<u64>,
    failure: Option<Box<dyn Error>>,
}

impl Keeper<'_> {
    fn keep(&self, snapshot: &Snapshot<'_>) -> Result<(), Box<dyn Error>> {
        let checkpoint = Checkpoint::new(snapshot, self.config, self.image_shape, self.train);
        save_checkpoint(&checkpoint, &self.folder.file(RunFolder::CHECKPOINT))?;
        Ok(())
    }
}

impl Observer for Keeper<'_> {
    fn epoch_finished(&mut self, report: &EpochReport, _: &Network) -> ControlFlow<()> {
        println!("epoch {}: training accuracy {:.2} %", report.epoch, 100.0 * report.train.accuracy());
        ControlFlow::Continue(())
    }

    fn between_steps(&mut self, snapshot: &Snapshot<'_>) -> ControlFlow<()> {
        let step = snapshot.optimizer.steps();
        let is_due = snapshot.place.batches == 0 || step.is_multiple_of(self.every);
        if is_due && let Err(error) = self.keep(snapshot) {
            self.failure = Some(error);
            return ControlFlow::Break(());
        }
        if self.leave_after == Some(step) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}

/// Its memories are part of the checkpoint.
const RULE: Rule = Rule::Momentum { momentum: 0.9, nesterov: true };

fn network(train: Dataset<'_>, config: &FitConfig) -> Result<Network, NetworkError> {
    Network::builder(train.features())
        .dense(30, Activation::Relu)
        .dense(train.classes(), Activation::Identity)
        .build(&mut initial_rng(config.seed))
}

fn main() -> Result<(), Box<dyn Error>> {
    let sample = concat!(env!("CARGO_MANIFEST_DIR"), "/../../data/sample");
    let folder = env::args_os().nth(1).map_or_else(|| PathBuf::from(sample), PathBuf::from);
    let files = DataFiles::open(&folder, Split::Train)?;
    let train = files.view();
    let config = FitConfig {
        epochs: 3,
        batch_size: NonZeroUsize::new(50).ok_or("a batch of nothing")?,
        loss: Loss::SoftmaxCrossEntropy,
        rate: 0.05,
        schedule: Schedule::Cosine,
        seed: 42,
        threads: NonZeroUsize::MIN,
        ingredients: Ingredients::NONE,
        order: Order::Full,
    };

    // What is to come out, from a training that is never left.
    let mut never_left = network(train, &config)?;
    fit(&mut never_left, &mut Optimizer::new(RULE, config.rate), train, None, &config, &mut ())?;

    let place = tempfile::tempdir()?;
    let path = place.path().join("runs/first");
    let fingerprint = Fingerprint::of(train);
    let keeper = |folder, leave_after| Keeper {
        folder,
        config: &config,
        image_shape: files.image_shape(),
        train: fingerprint,
        every: 25,
        leave_after,
        failure: None,
    };
    // Left amid the second epoch, 13 steps after the last checkpoint.
    let mut observer = keeper(RunFolder::create(&path)?, Some(138));
    let mut left = network(train, &config)?;
    fit(&mut left, &mut Optimizer::new(RULE, config.rate), train, None, &config, &mut observer)?;
    match observer.failure.take() {
        Some(failure) => return Err(failure),
        None => println!("left after step 138"),
    }
    // The folder is locked as long as somebody has it.
    assert!(matches!(RunFolder::open(&path), Err(RunError::Locked { .. })));
    drop(observer);

    // Another process would begin here.
    let folder = RunFolder::open(&path)?;
    let checkpoint = load_checkpoint(&folder.file(RunFolder::CHECKPOINT))?;
    checkpoint.check(&config, &fingerprint, None)?;
    let (mut network, mut optimizer) = (checkpoint.network.into_owned(), checkpoint.optimizer.into_owned());
    let place = checkpoint.place.into_owned();
    println!(
        "going on at epoch {}, batch {}, step {}",
        place.epoch(),
        place.batches + 1,
        optimizer.steps() + 1
    );
    let mut observer = keeper(folder, None);
    // Any number of threads gives the same bits.
    let two_threads = FitConfig { threads: NonZeroUsize::new(2).ok_or("no threads")?, ..config };
    fit_from(place, &mut network, &mut optimizer, train, None, &two_threads, &mut observer)?;
    if let Some(failure) = observer.failure {
        return Err(failure);
    }

    assert_eq!(network, never_left);
    println!("the same {} parameters as if it had never been left", network.parameter_count());
    Ok(())
}
