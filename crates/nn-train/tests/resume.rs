//! What a checkpoint promises: a fit that is left and taken up again gives the bits of one that never was, wherever
//! that is. Images are 2 x 3, there are 5 classes, 13 samples to train on and 10 to validate on.

use std::ops::ControlFlow;

use nn_train::{
    Augmentation, Averaging, Checkpoint, EpochReport, FitConfig, FitError, History, Ingredients,
    InvalidPlace, Observer, Order, Place, Snapshot, TrainingSet, fit, fit_from,
    nn_core::{Activation, Dataset, Loss, Network, Optimizer, Parameters, Rule, Tally},
};

mod checkpoints;

use checkpoints::{CLASSES, FEATURES, Samples, bits, config, fingerprints, network, size};

/// Every rule with every schedule, with every ingredient, alone or with all others, and with orders of blocks.
fn recipes() -> Vec<(Rule, FitConfig)> {
    let config = FitConfig { rate: 0.05, ..config() };
    let schedules = ["constant", "step:1:0.5", "cosine", "one-cycle:0.4"];
    let schedules = schedules.map(|schedule| schedule.parse().unwrap());
    let plain = schedules.map(|schedule| FitConfig { schedule, ..config });
    let none = Ingredients::NONE;
    let all = Ingredients {
        augmentation: Some(Augmentation { shift: 0.5, elastic_strength: 0.3, ..Augmentation::AFFINE }),
        mixup: 0.5,
        label_smoothing: 0.1,
        input_dropout: 0.2,
        hidden_dropout: 0.3,
        weight_decay: 0.01,
        clip: Some(0.5),
        average: Some(Averaging::Ema { decay: 0.8 }),
    };
    let ingredients = [
        all,
        Ingredients { augmentation: all.augmentation, ..none },
        Ingredients { mixup: 1.0, ..none },
        Ingredients { label_smoothing: 0.2, ..none },
        Ingredients { input_dropout: 0.4, ..none },
        Ingredients { hidden_dropout: 0.4, ..none },
        Ingredients { weight_decay: 0.1, ..none },
        Ingredients { clip: Some(0.1), ..none },
        Ingredients { average: Some(Averaging::Tail { share: 0.5 }), ..none },
    ];
    let with = ingredients.map(|ingredients| FitConfig { ingredients, ..config });
    // Of 13 samples the last block is shorter, and so is the last window.
    let order: Order = "blocks:2,3".parse().unwrap();
    let in_blocks = [none, all].map(|ingredients| FitConfig { ingredients, order, ..config });
    let configs = || plain.into_iter().chain(with).chain(in_blocks);
    Rule::ALL.into_iter().flat_map(|rule| configs().map(move |config| (rule, config))).collect()
}

/// Keeps a checkpoint of every place, or of one, and stops there.
struct Keeper<'a> {
    config: &'a FitConfig,
    stop_at: Option<u64>,
    places: u64,
    checkpoints: Vec<Vec<u8>>,
    reports: Vec<EpochReport>,
}

impl<'a> Keeper<'a> {
    fn new(config: &'a FitConfig, stop_at: Option<u64>) -> Keeper<'a> {
        Keeper { config, stop_at, places: 0, checkpoints: Vec::new(), reports: Vec::new() }
    }
}

impl Observer for Keeper<'_> {
    fn epoch_finished(&mut self, report: &EpochReport, _: &Network) -> ControlFlow<()> {
        self.reports.push(report.clone());
        ControlFlow::Continue(())
    }

    fn between_steps(&mut self, snapshot: &Snapshot<'_>) -> ControlFlow<()> {
        self.places += 1;
        let samples = Samples::new();
        let (train, validation) = fingerprints(&samples);
        let checkpoint = Checkpoint {
            validation: Some(validation),
            ..Checkpoint::new(snapshot, self.config, &[2, 3], train)
        };
        self.checkpoints.push(checkpoint.to_bytes().unwrap());
        if self.stop_at == Some(self.places) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}

/// What is left of a fit when it is over.
#[derive(Debug, PartialEq)]
struct Outcome {
    network: Vec<u32>,
    memories: Vec<Vec<u32>>,
    history: History,
}

fn outcome(network: &Network, optimizer: &Optimizer, history: History) -> Outcome {
    let memories = optimizer.memories().iter().map(bits).collect();
    Outcome { network: bits(network.parameters()), memories, history }
}

/// With the shape that distortions need.
fn shaped(samples: Dataset<'_>) -> TrainingSet<'_> {
    TrainingSet { image_shape: &[2, 3], ..samples.into() }
}

fn from_the_beginning(rule: Rule, config: &FitConfig, observer: &mut dyn Observer) -> Outcome {
    let samples = Samples::new();
    let (train, validation) = samples.halves();
    let (mut network, mut optimizer) = (network(), Optimizer::new(rule, 9.0));
    let train = shaped(train);
    let history =
        fit(&mut network, &mut optimizer, train, Some(validation.into()), config, observer).unwrap();
    outcome(&network, &optimizer, history)
}

fn from_a_checkpoint(bytes: &[u8], config: &FitConfig, observer: &mut dyn Observer) -> Outcome {
    let samples = Samples::new();
    let (train, validation) = samples.halves();
    let checkpoint = Checkpoint::from_bytes(bytes).unwrap();
    let prints = fingerprints(&samples);
    checkpoint.check(config, &prints.0, Some(&prints.1)).unwrap();
    let (mut network, mut optimizer) = (checkpoint.network.into_owned(), checkpoint.optimizer.into_owned());
    let place = checkpoint.place.into_owned();
    let train = shaped(train);
    let history =
        fit_from(place, &mut network, &mut optimizer, train, Some(validation.into()), config, observer)
            .unwrap();
    outcome(&network, &optimizer, history)
}

#[test]
fn a_fit_taken_up_at_any_place_ends_with_the_same_bits_for_every_rule_and_every_schedule() {
    for (rule, config) in recipes() {
        let mut keeper = Keeper::new(&config, None);
        let expected = from_the_beginning(rule, &config, &mut keeper);
        assert!(expected.history.epochs.len() == 3 && !expected.history.stopped_early);
        // Three batches and the end of the epoch, three times.
        assert_eq!(keeper.checkpoints.len(), 12);

        for (place, bytes) in keeper.checkpoints.iter().enumerate() {
            for threads in 1..=4 {
                let config = FitConfig { threads: size(threads), ..config };
                let mut rest = Keeper::new(&config, None);
                let found = from_a_checkpoint(bytes, &config, &mut rest);
                assert_eq!(found, expected, "{rule}, {config:?}, place {place}");
                // What comes after it is the same at every place of the rest too, checkpoints included.
                assert!(rest.checkpoints == keeper.checkpoints[place + 1..], "{rule}, {config:?}, {place}");
            }
        }
    }
}

#[test]
fn a_fit_that_is_left_and_taken_up_after_every_single_step_ends_with_the_same_bits() {
    for (rule, config) in recipes() {
        let expected = from_the_beginning(rule, &config, &mut ());

        let mut keeper = Keeper::new(&config, Some(1));
        from_the_beginning(rule, &config, &mut keeper);
        let mut found = None;
        for _ in 0..12 {
            let bytes = keeper.checkpoints.pop().unwrap();
            keeper = Keeper::new(&config, Some(1));
            found = Some(from_a_checkpoint(&bytes, &config, &mut keeper));
            if keeper.checkpoints.is_empty() {
                break;
            }
        }
        assert!(keeper.checkpoints.is_empty(), "it came to its end");
        assert_eq!(found.unwrap(), expected, "{rule}, {config:?}");
    }
}

#[test]
fn every_place_is_reported_as_if_the_fit_had_never_been_left() {
    let config = config();
    let mut whole = Keeper::new(&config, None);
    from_the_beginning(Rule::Sgd, &config, &mut whole);
    let measured = |report: &EpochReport| (report.summary(), report.validation.clone());
    for (place, bytes) in whole.checkpoints.iter().enumerate() {
        let mut rest = Keeper::new(&config, None);
        from_a_checkpoint(bytes, &config, &mut rest);
        let finished = (place + 1) / 4;
        let expected: Vec<_> = whole.reports[finished..].iter().map(measured).collect();
        assert_eq!(rest.reports.iter().map(measured).collect::<Vec<_>>(), expected, "place {place}");
    }
}

#[test]
fn wide_networks_and_shared_batches_are_taken_up_with_the_same_bits_by_any_number_of_threads() {
    let labels: Vec<u8> = (0..203).map(|i| (i % CLASSES) as u8).collect();
    let pixels: Vec<u8> = (0..203 * 70).map(|i: usize| (i * i % 251).saturating_sub(150) as u8).collect();
    let train = Dataset::new(&pixels, 70, &labels, CLASSES).unwrap();
    let network = || {
        Network::builder(70)
            .dense(33, Activation::Relu)
            .dense(17, Activation::Tanh)
            .dense(CLASSES, Activation::Identity)
            .build(&mut nn_train::initial_rng(42))
            .unwrap()
    };
    struct Leave {
        at: u64,
        left: Option<(Network, Optimizer, Place)>,
    }
    impl Observer for Leave {
        fn between_steps(&mut self, snapshot: &Snapshot<'_>) -> ControlFlow<()> {
            if snapshot.optimizer.steps() < self.at {
                return ControlFlow::Continue(());
            }
            let Snapshot { network, optimizer, place, .. } = *snapshot;
            self.left = Some((network.clone(), optimizer.clone(), place.clone()));
            ControlFlow::Break(())
        }
    }
    for rule in Rule::ALL {
        let config = FitConfig { batch_size: size(64), rate: 0.01, ..config() };
        let mut expected = network();
        let mut optimizer = Optimizer::new(rule, 0.01);
        fit(&mut expected, &mut optimizer, train, None, &config, &mut ()).unwrap();
        for (at, threads) in [(1, 2), (4, 3), (6, 4), (11, 1)] {
            let mut leave = Leave { at, left: None };
            let mut optimizer = Optimizer::new(rule, 0.01);
            fit(&mut network(), &mut optimizer, train, None, &config, &mut leave).unwrap();
            let (mut network, mut optimizer, place) = leave.left.unwrap();
            let config = FitConfig { threads: size(threads), ..config };
            fit_from(place, &mut network, &mut optimizer, train, None, &config, &mut ()).unwrap();
            assert!(bits(network.parameters()) == bits(expected.parameters()), "{rule} left at {at}");
        }
    }
}

#[test]
fn at_the_end_there_is_nothing_to_do() {
    let config = config();
    let mut keeper = Keeper::new(&config, None);
    let expected = from_the_beginning(Rule::ALL[3], &config, &mut keeper);
    let mut rest = Keeper::new(&config, None);
    assert_eq!(from_a_checkpoint(keeper.checkpoints.last().unwrap(), &config, &mut rest), expected);
    assert_eq!((rest.places, rest.reports.len()), (0, 0));
}

#[test]
fn a_place_of_another_fit_is_refused_before_anything_happens() {
    let samples = Samples::new();
    let (train, _) = samples.halves();
    let place = Place { batches: 2, running: Tally { samples: 9, ..Tally::default() }, ..Place::default() };
    let (mut network, mut optimizer) = (network(), Optimizer::sgd(0.5));
    let before = network.clone();
    let mut keeper_config = config();
    keeper_config.batch_size = size(5);
    let mut keeper = Keeper::new(&keeper_config, None);
    let error =
        fit_from(place, &mut network, &mut optimizer, train, None, &config(), &mut keeper).unwrap_err();
    let expected = InvalidPlace::Samples { batches: 2, expected: 10, found: 9 };
    assert_eq!(error, FitError::Place(expected));
    assert_eq!((network, keeper.places), (before, 0));
}

#[test]
fn a_network_that_has_diverged_cannot_be_kept() {
    let config = config();
    let mut network = network();
    network.parameters_mut().biases_mut(1)[3] = f32::NAN;
    let (optimizer, place) = (Optimizer::sgd(0.5), Place::default());
    let snapshot = Snapshot {
        network: &network,
        optimizer: &optimizer,
        place: &place,
        judged: &network,
        stopping: false,
    };
    let (train, _) = fingerprints(&Samples::new());
    let error = Checkpoint::new(&snapshot, &config, &[2, 3], train).to_bytes().unwrap_err();
    assert_eq!(error.to_string(), "expected finite parameters, found one in layer 1 that is not");
}

#[test]
fn infinite_memories_and_minus_nothing_are_kept_bit_for_bit() {
    let config = config();
    let network = network();
    let mut memory: Parameters = network.parameters().zeros_like();
    let extremes = [f32::INFINITY, -0.0, f32::from_bits(1), f32::MIN, f32::NAN];
    for (number, extreme) in memory.biases_mut(1).iter_mut().zip(extremes) {
        *number = extreme;
    }
    let optimizer = Optimizer::resume(Rule::ALL[1], 0.5, 3, vec![memory]).unwrap();
    let place = Place::default();
    let snapshot = Snapshot {
        network: &network,
        optimizer: &optimizer,
        place: &place,
        judged: &network,
        stopping: false,
    };
    let (train, _) = fingerprints(&Samples::new());
    let bytes = Checkpoint::new(&snapshot, &config, &[2, 3], train).to_bytes().unwrap();
    let loaded = Checkpoint::from_bytes(&bytes).unwrap();
    assert_eq!(bits(&loaded.optimizer.memories()[0]), bits(&optimizer.memories()[0]));
    assert_eq!(loaded.config.loss, Loss::SoftmaxCrossEntropy);
    assert_eq!(loaded.network.inputs(), FEATURES);
}
