//! The whole chain on the real thing: MNIST's files, a network of 100 hidden units, three epochs.
//!
//! Looks in the folder `MNIST_DIR`, or in `data/mnist` at the top of the workspace; says so and passes where there is
//! nothing, unless `MNIST_REQUIRED=1`.

use std::{env, num::NonZeroUsize, path::PathBuf, thread};

use nn_train::{
    DataError, DataFiles, FitConfig, Ingredients, Model, Order, Schedule, Split, TrainingRecord, evaluate,
    fit, initial_rng,
    nn_core::{Activation, Loss, Network, Optimizer, Rule},
};

/// Well below what the recipe reaches, far above what a broken one does.
const REQUIRED_ACCURACY: f64 = 0.97;

#[test]
fn a_network_of_a_hundred_hidden_units_learns_mnist() {
    let workspace = concat!(env!("CARGO_MANIFEST_DIR"), "/../../data/mnist");
    let folder = env::var_os("MNIST_DIR").map_or_else(|| PathBuf::from(workspace), PathBuf::from);
    let required = env::var_os("MNIST_REQUIRED").is_some_and(|value| value == "1");
    let train_files = match DataFiles::open(&folder, Split::Train) {
        Err(DataError::NotFound { .. }) if !required => {
            #[expect(clippy::print_stderr, reason = "a test that does not run says so")]
            {
                eprintln!("skipped: no MNIST in {}", folder.display());
            }
            return;
        }
        files => files.unwrap(),
    };
    let test_files = DataFiles::open(&folder, Split::Test).unwrap();
    let (train, test) = (train_files.view(), test_files.view());
    assert_eq!((train.len(), test.len(), train.classes()), (60_000, 10_000, 10));

    let mut network = Network::builder(train.features())
        .dense(100, Activation::Relu)
        .dense(train.classes(), Activation::Identity)
        .build(&mut initial_rng(42))
        .unwrap();
    let config = FitConfig {
        epochs: 3,
        batch_size: NonZeroUsize::new(64).unwrap(),
        loss: Loss::SoftmaxCrossEntropy,
        rate: 0.5,
        schedule: Schedule::OneCycle { warmup: 0.3 },
        seed: 42,
        threads: thread::available_parallelism().unwrap_or(NonZeroUsize::MIN),
        ingredients: Ingredients::NONE,
        order: Order::Full,
    };
    let mut optimizer = Optimizer::sgd(config.rate);
    let history = fit(&mut network, &mut optimizer, train, None, &config, &mut ()).unwrap();

    let model = Model {
        network,
        loss: config.loss,
        image_shape: train_files.image_shape().to_vec(),
        preprocessing: nn_train::Preprocessing::None,
        class_names: None,
        record: Some(TrainingRecord::new(None, &config, Rule::Sgd, train.len(), &history)),
    };
    let loaded = Model::from_bytes(&model.to_bytes().unwrap()).unwrap();
    let accuracy = evaluate(&loaded.network, loaded.loss, test, config.threads).unwrap().tally.accuracy();

    assert!(accuracy >= REQUIRED_ACCURACY, "test accuracy {accuracy}");
}
