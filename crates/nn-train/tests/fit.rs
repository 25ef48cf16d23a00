//! What the training loop promises. Images are 2 x 3, there are 5 classes and 23 samples.

use std::{error::Error, num::NonZeroUsize, ops::ControlFlow};

use nn_train::{
    BatchReport, EpochReport, FitConfig, FitError, FitPlan, History, Incompatible, Ingredients, Observer,
    Order, Place, Schedule, Snapshot, epoch_order, evaluate, fit, initial_rng,
    nn_core::{Activation, Dataset, Engine, Loss, Network, Optimizer, Rule},
};

const FEATURES: usize = 6;
const CLASSES: usize = 5;
const SAMPLES: usize = 23;

/// Samples whose class can be seen: the pixel of the class is bright, the others are dim noise or dark.
struct Samples {
    pixels: Vec<u8>,
    labels: Vec<u8>,
}

impl Samples {
    fn new() -> Samples {
        let labels: Vec<u8> = (0..SAMPLES).map(|i| (i * 7 % CLASSES) as u8).collect();
        let pixels = labels
            .iter()
            .enumerate()
            .flat_map(|(i, &label)| {
                (0..FEATURES).map(move |feature| {
                    let noise = (i * 31 + feature * 17) % 90;
                    if feature == usize::from(label) {
                        200 + (noise / 2) as u8
                    } else {
                        (noise / 45 * noise) as u8
                    }
                })
            })
            .collect();
        Samples { pixels, labels }
    }

    fn view(&self) -> Dataset<'_> {
        Dataset::new(&self.pixels, FEATURES, &self.labels, CLASSES).unwrap()
    }
}

fn network() -> Network {
    Network::builder(FEATURES)
        .dense(9, Activation::Relu)
        .dense(CLASSES, Activation::Identity)
        .build(&mut initial_rng(42))
        .unwrap()
}

fn config() -> FitConfig {
    FitConfig {
        epochs: 3,
        batch_size: size(5),
        loss: Loss::SoftmaxCrossEntropy,
        rate: 0.5,
        schedule: Schedule::OneCycle { warmup: 0.3 },
        seed: 7,
        threads: size(1),
        ingredients: Ingredients::NONE,
        order: Order::Full,
    }
}

fn size(n: usize) -> NonZeroUsize {
    NonZeroUsize::new(n).unwrap()
}

/// Fits the network of these tests by plain gradient descent.
fn fitted(config: &FitConfig) -> (Network, History) {
    let samples = Samples::new();
    let (mut network, mut optimizer) = (network(), Optimizer::sgd(config.rate));
    let history = fit(&mut network, &mut optimizer, samples.view(), None, config, &mut ()).unwrap();
    (network, history)
}

/// Writes every call down, and breaks at one of them.
#[derive(Default)]
struct Recorder {
    calls: Vec<String>,
    break_at: Option<&'static str>,
}

impl Recorder {
    fn record(&mut self, call: String) -> ControlFlow<()> {
        let stop = self.break_at == Some(&call);
        self.calls.push(call);
        if stop { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}

impl Observer for Recorder {
    fn fit_started(&mut self, plan: &FitPlan) {
        let FitPlan { epochs, batches, batch_size, samples, validation_samples, steps_done } = plan;
        let _ = self.record(format!(
            "fit started: {epochs} epochs, {batches} batches of {batch_size}, {samples} samples, \
             {validation_samples:?} to validate, {steps_done} steps done"
        ));
    }

    fn epoch_started(&mut self, epoch: u32) {
        let _ = self.record(format!("epoch {epoch} started"));
    }

    fn batch_finished(&mut self, report: &BatchReport) -> ControlFlow<()> {
        let BatchReport { epoch, batch, rate: _, tally, running } = report;
        self.record(format!("batch {epoch}.{batch} finished: {} of {}", tally.samples, running.samples))
    }

    fn epoch_finished(&mut self, report: &EpochReport, _: &Network) -> ControlFlow<()> {
        self.record(format!("epoch {} finished: {}", report.epoch, report.train.samples))
    }

    fn between_steps(&mut self, snapshot: &Snapshot<'_>) -> ControlFlow<()> {
        let Place { epochs, batches, running, average: _ } = snapshot.place;
        let stopping = if snapshot.stopping { ", stopping" } else { "" };
        let (finished, samples) = (epochs.len(), running.samples);
        assert_eq!(snapshot.optimizer.steps(), snapshot.place.steps(3));
        self.record(format!("at {finished} + {batches}: {samples}{stopping}"))
    }

    fn fit_finished(&mut self, history: &History) {
        let stopped = if history.stopped_early { ", stopped" } else { "" };
        let _ = self.record(format!("fit finished: {} epochs{stopped}", history.epochs.len()));
    }
}

/// The calls of a fit of two epochs of three batches, broken at a call.
fn calls(break_at: Option<&'static str>) -> Vec<String> {
    let samples = Samples::new();
    let (train, validation) = samples.view().split_at(13);
    let config = FitConfig { epochs: 2, ..config() };
    let mut recorder = Recorder { break_at, ..Recorder::default() };
    fit(&mut network(), &mut Optimizer::sgd(0.5), train, Some(validation.into()), &config, &mut recorder)
        .unwrap();
    recorder.calls
}

const FULL_SEQUENCE: [&str; 20] = [
    "fit started: 2 epochs, 3 batches of 5, 13 samples, Some(10) to validate, 0 steps done",
    "epoch 1 started",
    "batch 1.1 finished: 5 of 5",
    "at 0 + 1: 5",
    "batch 1.2 finished: 5 of 10",
    "at 0 + 2: 10",
    "batch 1.3 finished: 3 of 13",
    "at 0 + 3: 13",
    "epoch 1 finished: 13",
    "at 1 + 0: 0",
    "epoch 2 started",
    "batch 2.1 finished: 5 of 5",
    "at 1 + 1: 5",
    "batch 2.2 finished: 5 of 10",
    "at 1 + 2: 10",
    "batch 2.3 finished: 3 of 13",
    "at 1 + 3: 13",
    "epoch 2 finished: 13",
    "at 2 + 0: 0",
    "fit finished: 2 epochs",
];

#[test]
fn the_observer_is_called_in_the_documented_sequence() {
    assert_eq!(calls(None), FULL_SEQUENCE);
}

#[test]
fn a_break_after_a_batch_ends_the_fit_without_that_epoch_once_the_place_was_shown() {
    let end = ["at 1 + 2: 10, stopping", "fit finished: 1 epochs, stopped"];
    assert_eq!(calls(Some(FULL_SEQUENCE[13])), [&FULL_SEQUENCE[..14], &end].concat());
}

#[test]
fn a_break_after_an_epoch_ends_the_fit_with_that_epoch_once_the_place_was_shown() {
    let end = ["at 1 + 0: 0, stopping", "fit finished: 1 epochs, stopped"];
    assert_eq!(calls(Some(FULL_SEQUENCE[8])), [&FULL_SEQUENCE[..9], &end].concat());
}

#[test]
fn a_break_between_steps_ends_the_fit_there() {
    let end = ["fit finished: 1 epochs, stopped"];
    for place in [9, 12, 16] {
        assert_eq!(calls(Some(FULL_SEQUENCE[place])), [&FULL_SEQUENCE[..=place], &end].concat(), "{place}");
    }
}

#[test]
fn a_break_after_the_last_epoch_stops_nothing_early() {
    let end = ["at 2 + 0: 0, stopping", "fit finished: 2 epochs"];
    assert_eq!(calls(Some(FULL_SEQUENCE[17])), [&FULL_SEQUENCE[..18], &end].concat());
    assert_eq!(calls(Some(FULL_SEQUENCE[18])), FULL_SEQUENCE);
}

#[test]
fn parameters_are_the_same_bits_for_any_number_of_threads() {
    let (expected, _) = fitted(&config());
    for threads in 2..=4 {
        let (network, _) = fitted(&FitConfig { threads: size(threads), ..config() });
        assert_eq!(bits(&network), bits(&expected), "{threads} threads");
    }
}

#[test]
fn parameters_are_the_same_bits_for_any_number_of_threads_with_batches_that_are_worth_sharing() {
    // Wide enough, and batches large enough, for the work to be spread over all the threads.
    let labels: Vec<u8> = (0..203).map(|i| (i % CLASSES) as u8).collect();
    let pixels: Vec<u8> = (0..203 * 70).map(|i: usize| (i * i % 251).saturating_sub(150) as u8).collect();
    let train = Dataset::new(&pixels, 70, &labels, CLASSES).unwrap();
    for rule in Rule::ALL {
        let networks = [1, 2, 3, 4].map(|threads| {
            let mut network = Network::builder(70)
                .dense(33, Activation::Relu)
                .dense(17, Activation::Tanh)
                .dense(CLASSES, Activation::Identity)
                .build(&mut initial_rng(42))
                .unwrap();
            let config = FitConfig { batch_size: size(64), rate: 0.01, threads: size(threads), ..config() };
            fit(&mut network, &mut Optimizer::new(rule, 0.01), train, None, &config, &mut ()).unwrap();
            bits(&network)
        });
        for network in &networks[1..] {
            assert!(*network == networks[0], "{rule}");
        }
    }
}

/// All weights and biases, as bits: a comparison of numbers would let 0 be -0.
fn bits(network: &Network) -> Vec<u32> {
    let parameters = network.parameters();
    (0..parameters.layers())
        .flat_map(|layer| {
            let (weights, biases) =
                (parameters.weights(layer).to_owned(), parameters.biases(layer).to_owned());
            weights.into_iter().chain(biases).map(f32::to_bits).collect::<Vec<_>>()
        })
        .collect()
}

#[test]
fn another_seed_gives_another_order() {
    let (one, _) = fitted(&config());
    let (other, _) = fitted(&FitConfig { seed: 8, ..config() });
    assert_ne!(one, other);
}

#[test]
fn a_fit_is_the_steps_of_its_orders_at_the_rates_of_its_schedule() {
    let samples = Samples::new();
    let train = samples.view();
    for rule in Rule::ALL {
        let config = config();
        let (mut network, mut optimizer) = (network(), Optimizer::new(rule, 123.0));
        let (mut expected, mut expected_optimizer) = (network.clone(), optimizer.clone());

        let history = fit(&mut network, &mut optimizer, train, None, &config, &mut ()).unwrap();

        let mut engine = Engine::new(size(1));
        let (mut step, mut rate) = (0, 0.0);
        for epoch in 1..=3 {
            for indices in epoch_order(7, epoch, SAMPLES).chunks(5) {
                rate = config.schedule.rate(0.5, step, 5, 3);
                expected_optimizer.set_rate(rate);
                engine.step(&mut expected, &mut expected_optimizer, config.loss, train.batch(indices));
                step += 1;
            }
        }
        assert_eq!(step, 15);
        assert_eq!(bits(&network), bits(&expected), "{rule}");
        assert_eq!((optimizer.steps(), optimizer.rate()), (15, rate));
        assert_eq!(history.last().unwrap().rate, rate);
    }
}

#[test]
fn a_network_learns_what_can_be_learnt() {
    let (_, history) = fitted(&FitConfig { epochs: 40, ..config() });
    assert!(history.epochs[0].train.accuracy() < 0.9);
    assert_eq!(history.last().unwrap().train.accuracy(), 1.0);
    assert!(history.last().unwrap().train.mean_loss() < 0.1);
}

#[test]
fn a_batch_larger_than_the_data_is_one_batch_of_all() {
    let (expected, history) = fitted(&FitConfig { batch_size: size(SAMPLES), ..config() });
    let (network, _) = fitted(&FitConfig { batch_size: NonZeroUsize::MAX, ..config() });
    assert_eq!(network, expected);
    assert_eq!(history.epochs[0].train.samples, SAMPLES as u64);
}

#[test]
fn validation_measures_the_network_as_it_is_after_each_epoch() {
    struct Evaluate<'a>(Dataset<'a>, Vec<EpochReport>);
    impl Observer for Evaluate<'_> {
        fn epoch_finished(&mut self, report: &EpochReport, network: &Network) -> ControlFlow<()> {
            let expected = evaluate(network, Loss::SoftmaxCrossEntropy, self.0, size(2)).unwrap();
            assert_eq!(report.validation, Some(expected));
            self.1.push(report.clone());
            ControlFlow::Continue(())
        }
    }
    let samples = Samples::new();
    let (train, validation) = samples.view().split_at(13);
    let mut observer = Evaluate(validation, Vec::new());
    let history = fit(
        &mut network(),
        &mut Optimizer::sgd(0.5),
        train,
        Some(validation.into()),
        &config(),
        &mut observer,
    )
    .unwrap();

    assert_eq!(observer.1.len(), 3);
    assert_eq!(history.epochs.len(), 3);
    for report in &history.epochs {
        assert_eq!(report.measured().samples, 10);
        assert_eq!(report.train.samples, 13);
    }
    let validated = history.epochs.iter().map(|report| report.measured().accuracy());
    let best = validated.clone().fold(0.0, f64::max);
    let first_best = validated.clone().position(|accuracy| accuracy == best).unwrap();
    assert_eq!(history.best().unwrap().epoch as usize, first_best + 1);
}

#[test]
fn data_with_fewer_classes_than_the_network_has_outputs_is_accepted() {
    let dataset = Dataset::new(&[9; 2 * FEATURES], FEATURES, &[1, 0], 2).unwrap();
    fit(&mut network(), &mut Optimizer::sgd(0.5), dataset, Some(dataset.into()), &config(), &mut ()).unwrap();
}

#[test]
fn arguments_that_do_not_go_together_are_refused_before_anything_happens() {
    let samples = Samples::new();
    let train = samples.view();
    let narrow = Dataset::new(&[0; 2 * 3], 3, &[0, 1], CLASSES).unwrap();
    let many_classes = train.with_classes(6).unwrap();
    let empty = train.split_at(0).0;
    let refused = |train, validation: Option<Dataset<'_>>, config: FitConfig| {
        let (mut network, mut recorder) = (network(), Recorder::default());
        let before = network.clone();
        let mut sgd = Optimizer::sgd(123.0);
        let validation = validation.map(Into::into);
        let error = fit(&mut network, &mut sgd, train, validation, &config, &mut recorder).unwrap_err();
        assert_eq!((network, sgd), (before, Optimizer::sgd(123.0)));
        assert!(recorder.calls.is_empty());
        error
    };

    assert_eq!(refused(train, None, FitConfig { epochs: 0, ..config() }), FitError::NoEpochs);
    for rate in [0.0, -0.1, f32::INFINITY] {
        let error = refused(train, None, FitConfig { rate, ..config() });
        assert_eq!(error, FitError::Rate { found: rate });
    }
    assert!(matches!(refused(train, None, FitConfig { rate: f32::NAN, ..config() }), FitError::Rate { .. }));
    let schedule = Schedule::OneCycle { warmup: -1.0 };
    assert!(matches!(refused(train, None, FitConfig { schedule, ..config() }), FitError::Schedule(_)));

    assert_eq!(refused(empty, None, config()), FitError::Training(Incompatible::NoSamples));
    assert_eq!(refused(train, Some(empty), config()), FitError::Validation(Incompatible::NoSamples));
    let features = Incompatible::Features { network: 6, data: 3 };
    assert_eq!(refused(narrow, None, config()), FitError::Training(features.clone()));
    assert_eq!(refused(train, Some(narrow), config()), FitError::Validation(features));
    let classes = Incompatible::Classes { network: 5, data: 6 };
    assert_eq!(refused(many_classes, None, config()), FitError::Training(classes.clone()));
    assert_eq!(refused(train, Some(many_classes), config()), FitError::Validation(classes));

    let error = refused(train, None, FitConfig { loss: Loss::BinaryCrossEntropy, ..config() });
    assert_eq!(error.to_string(), "cannot train on this data");
    assert_eq!(
        error.source().unwrap().to_string(),
        "loss binary-cross-entropy expects output activation sigmoid, found identity"
    );
}

#[test]
fn a_loss_that_is_not_finite_ends_the_fit_and_names_epoch_batch_and_rate() {
    let samples = Samples::new();
    // The first update throws the parameters to about 10^25, where the square of an output overflows.
    let config = FitConfig {
        loss: Loss::MeanSquaredError,
        rate: 1e25,
        schedule: Schedule::Constant,
        batch_size: size(10),
        ..config()
    };
    let mut recorder = Recorder::default();
    let mut network = network();
    let error = fit(&mut network, &mut Optimizer::sgd(1.0), samples.view(), None, &config, &mut recorder)
        .unwrap_err();

    let FitError::NonFiniteLoss { epoch: 1, batch, rate: 1e25 } = error else { panic!("{error:?}") };
    assert_eq!(
        error.to_string(),
        format!(
            "the loss is not finite at epoch 1, batch {batch}, with learning rate 10000000000000000000000000"
        )
    );
    // Everything up to the batch before was reported, and nothing after it.
    assert_eq!(recorder.calls.len() as u64, 2 + 2 * (batch - 1));
    assert!(recorder.calls.last().unwrap().starts_with(&format!("at 0 + {}", batch - 1)));
}

#[test]
fn a_last_update_that_overflows_is_an_error_though_no_loss_shows_it() {
    let samples = Samples::new();
    let config = FitConfig {
        epochs: 1,
        loss: Loss::MeanSquaredError,
        rate: f32::MAX,
        batch_size: size(SAMPLES),
        schedule: Schedule::Constant,
        ..config()
    };
    let mut network = network();
    network.parameters_mut().biases_mut(1).fill(1e10);
    let error =
        fit(&mut network, &mut Optimizer::sgd(1.0), samples.view(), None, &config, &mut ()).unwrap_err();
    assert_eq!(error, FitError::NonFiniteParameters { epoch: 1, batch: 1, rate: f32::MAX });
}
