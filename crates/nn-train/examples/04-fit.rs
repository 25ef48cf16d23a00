//! Trains 784-100-10 on real digits and says how each class does.
//!
//! `cargo run -p nn-train --example 04-fit` uses the small sample in the repository; another folder of IDX files can
//! be named behind `--`.

#![expect(clippy::print_stdout, reason = "an example shows its results")]

use std::{env, error::Error, num::NonZeroUsize, ops::ControlFlow, path::PathBuf, thread};

use nn_train::{
    ClassReport, DataFiles, EpochReport, FitConfig, Ingredients, Observer, Order, Schedule, Split, evaluate,
    fit, initial_rng,
    nn_core::{Activation, Loss, Network, Optimizer},
};

/// A line for each epoch, and an end when nothing is left to learn.
struct Lines;

impl Observer for Lines {
    fn epoch_finished(&mut self, report: &EpochReport, _: &Network) -> ControlFlow<()> {
        let test = report.measured();
        println!(
            "epoch {:2}: training loss {:.4}, test accuracy {:.2} %, {:?}",
            report.epoch,
            report.train.mean_loss(),
            100.0 * test.accuracy(),
            report.train_time,
        );
        if report.train.correct == report.train.samples {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let sample = concat!(env!("CARGO_MANIFEST_DIR"), "/../../data/sample");
    let folder = env::args_os().nth(1).map_or_else(|| PathBuf::from(sample), PathBuf::from);
    let train_files = DataFiles::open(&folder, Split::Train)?;
    let test_files = DataFiles::open(&folder, Split::Test)?;
    let train = train_files.view();
    let test = test_files.view();
    println!(
        "{} samples of {:?} to train on, {} to test",
        train.len(),
        train_files.image_shape(),
        test.len()
    );

    let config = FitConfig {
        epochs: 10,
        batch_size: NonZeroUsize::new(32).ok_or("a batch of nothing")?,
        loss: Loss::SoftmaxCrossEntropy,
        rate: 0.3,
        schedule: Schedule::OneCycle { warmup: 0.3 },
        seed: 42,
        threads: thread::available_parallelism()?,
        ingredients: Ingredients::NONE,
        order: Order::Full,
    };
    let mut network = Network::builder(train.features())
        .dense(100, Activation::Relu)
        .dense(train.classes(), Activation::Identity)
        .build(&mut initial_rng(config.seed))?;

    fit(&mut network, &mut Optimizer::sgd(config.rate), train, Some(test.into()), &config, &mut Lines)?;

    let evaluation = evaluate(&network, config.loss, test, config.threads)?;
    let report = ClassReport::new(evaluation.confusion.view());
    println!("class  precision  recall      F1  samples");
    for (class, score) in report.classes.iter().enumerate() {
        println!(
            "{class:5}  {:9.4}  {:6.4}  {:6.4}  {:7}",
            score.precision, score.recall, score.f1, score.support
        );
    }
    println!(" mean  {:9.4}  {:6.4}  {:6.4}", report.macro_precision, report.macro_recall, report.macro_f1);
    Ok(())
}
