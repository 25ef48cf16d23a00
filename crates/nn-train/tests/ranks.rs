//! What training on several ranks promises: here they are threads. Images are 2 x 3, there are 5 classes and 23 samples
//! in batches of 5, so that the last batch has 3.

mod threads;

use std::{num::NonZeroUsize, ops::ControlFlow, thread, time::Duration};

use nn_train::{
    Augmentation, Averaging, BatchReport, Committee, FitConfig, FitError, History, Ingredients, Model,
    Observer, Order, Place, Preprocessing, RanksError, Schedule, Snapshot, Teacher, TrainingSet, fit,
    fit_from, fit_on, initial_rng,
    nn_core::{Activation, Dataset, Loss, Network, Optimizer, Rule},
};
use threads::Thread;

const LONG: Duration = Duration::from_secs(600);

/// Pixels and labels.
fn samples(count: usize) -> (Vec<u8>, Vec<u8>) {
    let labels: Vec<u8> = (0..count).map(|i| (i * 7 % 5) as u8).collect();
    let pixel = |i: usize, feature: usize| {
        let noise = (i * 31 + feature * 17) % 90;
        if feature == usize::from(labels[i]) { 200 + (noise / 2) as u8 } else { (noise / 45 * noise) as u8 }
    };
    let places = (0..count).flat_map(|i| (0..6).map(move |feature| (i, feature)));
    let pixels = places.map(|(i, feature)| pixel(i, feature)).collect();
    (pixels, labels)
}

fn network(seed: u64) -> Network {
    let builder = Network::builder(6).dense(9, Activation::Relu).dense(5, Activation::Identity);
    builder.build(&mut initial_rng(seed)).unwrap()
}

fn config(ingredients: Ingredients) -> FitConfig {
    FitConfig {
        epochs: 3,
        batch_size: NonZeroUsize::new(5).unwrap(),
        loss: Loss::SoftmaxCrossEntropy,
        rate: 0.1,
        schedule: Schedule::OneCycle { warmup: 0.3 },
        seed: 7,
        threads: NonZeroUsize::MIN,
        ingredients,
        order: Order::Full,
    }
}

fn everything() -> Ingredients {
    Ingredients {
        augmentation: Some(Augmentation { shift: 0.5, ..Augmentation::AFFINE }),
        mixup: 0.3,
        label_smoothing: 0.1,
        input_dropout: 0.1,
        hidden_dropout: 0.2,
        weight_decay: 0.01,
        clip: Some(0.5),
        average: Some(Averaging::Ema { decay: 0.8 }),
    }
}

fn committee() -> Committee {
    let model = Model {
        network: network(3),
        loss: Loss::SoftmaxCrossEntropy,
        image_shape: vec![2, 3],
        preprocessing: Preprocessing::None,
        class_names: None,
        record: None,
    };
    Committee::new(vec![model]).unwrap()
}

/// Where a fit stands, or stood when it was left.
#[derive(Clone, Debug, PartialEq)]
struct State {
    network: Network,
    optimizer: Optimizer,
    place: Place,
}

fn beginning(rule: Rule) -> State {
    State { network: network(42), optimizer: Optimizer::new(rule, 0.1), place: Place::default() }
}

/// Keeps the last state that it is shown, and asks for the end after a step of this number.
#[derive(Default)]
struct Watcher {
    asks_after: Option<u64>,
    batches: u64,
    last: Option<State>,
}

impl Observer for Watcher {
    fn batch_finished(&mut self, _report: &BatchReport) -> ControlFlow<()> {
        self.batches += 1;
        if self.asks_after == Some(self.batches) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    fn between_steps(&mut self, snapshot: &Snapshot<'_>) -> ControlFlow<()> {
        let (network, optimizer) = (snapshot.network.clone(), snapshot.optimizer.clone());
        self.last = Some(State { network, optimizer, place: snapshot.place.clone() });
        ControlFlow::Continue(())
    }
}

/// What has become of a fit on one rank.
#[derive(Debug)]
struct Fitted {
    network: Network,
    history: Result<History, FitError>,
    last: Option<State>,
}

/// Calls `fit` with what every fit here is made on, and what it is measured on.
fn on_data<T>(with_teacher: bool, fit: impl FnOnce(TrainingSet<'_>, Dataset<'_>) -> T) -> T {
    let ((pixels, labels), (held_pixels, held_labels)) = (samples(23), samples(9));
    let train = Dataset::new(&pixels, 6, &labels, 5).unwrap();
    let validation = Dataset::new(&held_pixels, 6, &held_labels, 5).unwrap();
    let committee = committee();
    let teacher = with_teacher.then_some(Teacher { committee: &committee, share: 0.7 });
    fit(TrainingSet { image_shape: &[2, 3], teacher, ..train.into() }, validation)
}

/// A fit on all of these ranks; `change` may give each something else.
fn fit_ranks(
    ranks: Vec<Thread>,
    state: &State,
    config: FitConfig,
    with_teacher: bool,
    change: impl Fn(usize, &mut FitConfig, &mut State, &mut Watcher) + Sync,
) -> Vec<Fitted> {
    on_data(with_teacher, |train, validation| {
        let one = |(rank, mut ranks): (usize, Thread)| {
            let (mut config, mut state, mut watcher) = (config, state.clone(), Watcher::default());
            change(rank, &mut config, &mut state, &mut watcher);
            let State { mut network, mut optimizer, place } = state;
            let both = (&mut network, &mut optimizer);
            let history =
                fit_on(&mut ranks, place, both, train, Some(validation.into()), &config, &mut watcher);
            Fitted { network, history, last: watcher.last }
        };
        thread::scope(|scope| {
            let one = &one;
            let threads: Vec<_> =
                ranks.into_iter().enumerate().map(|rank| scope.spawn(move || one(rank))).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        })
    })
}

/// The same in one process.
fn fit_alone(state: &State, config: &FitConfig, with_teacher: bool) -> (Network, History) {
    let State { mut network, mut optimizer, place } = state.clone();
    let history = on_data(with_teacher, |train, validation| {
        fit_from(place, &mut network, &mut optimizer, train, Some(validation.into()), config, &mut ())
            .unwrap()
    });
    (network, history)
}

#[track_caller]
fn assert_near(found: &Network, expected: &Network) {
    for layer in 0..expected.depth() {
        let (found, expected) = (found.parameters().weights(layer), expected.parameters().weights(layer));
        for (found, expected) in found.iter().zip(expected) {
            assert!((found - expected).abs() < 2e-5, "{found} for {expected}");
        }
    }
}

#[track_caller]
fn assert_alike(fitted: &[Fitted]) {
    for other in &fitted[1..] {
        assert_eq!(other.network, fitted[0].network);
        assert_eq!(other.history, fitted[0].history);
        assert_eq!(other.last, fitted[0].last);
    }
}

#[test]
fn any_number_of_ranks_comes_to_the_same_and_each_number_to_its_own_bits() {
    let momentum = Rule::Momentum { momentum: 0.9, nesterov: true };
    let blocks = "blocks:4,2".parse().unwrap();
    for (ingredients, with_teacher, order) in [
        (Ingredients::NONE, false, Order::Full),
        (everything(), false, Order::Full),
        (everything(), true, Order::Full),
        (Ingredients::NONE, false, blocks),
        (everything(), false, blocks),
    ] {
        let (config, state) = (FitConfig { order, ..config(ingredients) }, beginning(momentum));
        let (expected, history) = fit_alone(&state, &config, with_teacher);
        // With five ranks, some have no sample of the last batch.
        for size in [1, 2, 3, 5] {
            let fit = || {
                fit_ranks(Thread::all(size, LONG), &state, config, with_teacher, |rank, config, _, _| {
                    config.threads = NonZeroUsize::new(1 + rank % 2).unwrap();
                })
            };
            let fitted = fit();
            assert_alike(&fitted);
            assert_near(&fitted[0].network, &expected);
            let found = fitted[0].history.as_ref().unwrap();
            for (found, expected) in found.epochs.iter().zip(&history.epochs) {
                for (found, expected) in
                    [(found.train, expected.train), (found.validation.unwrap(), expected.validation.unwrap())]
                {
                    assert_eq!((found.samples, found.correct), (expected.samples, expected.correct));
                    assert!((found.loss_sum - expected.loss_sum).abs() < 1e-3);
                }
            }
            assert_eq!(found.epochs.len(), 3);
            assert_eq!(fit()[0].network, fitted[0].network);
            if size == 1 {
                assert_eq!(fitted[0].network, expected);
                assert_eq!(found, &history);
            }
        }
    }
}

#[test]
fn a_rank_that_asks_ends_the_fit_of_all_with_the_next_step_and_others_take_it_up() {
    let (config, state) = (config(everything()), beginning(Rule::ALL[1]));
    let (expected, _) = fit_alone(&state, &config, false);
    // Within an epoch, and with its last batch but one.
    for asks_after in [2, 4, 7] {
        let fitted = fit_ranks(Thread::all(3, LONG), &state, config, false, |rank, _, _, watcher| {
            watcher.asks_after = (rank == 1).then_some(asks_after);
        });
        assert_alike(&fitted);
        let history = fitted[0].history.as_ref().unwrap();
        assert!(history.stopped_early);
        let left = fitted[0].last.as_ref().unwrap();
        assert_eq!(left.optimizer.steps(), asks_after + 1);
        for size in [1, 2] {
            let resumed = fit_ranks(Thread::all(size, LONG), left, config, false, |_, _, _, _| {});
            assert_alike(&resumed);
            assert_near(&resumed[0].network, &expected);
        }
        let (alone, _) = fit_alone(left, &config, false);
        assert_near(&alone, &expected);
    }
}

#[test]
fn a_rank_that_asks_with_the_last_step_of_an_epoch_ends_the_fit_with_the_epoch() {
    let state = beginning(Rule::Sgd);
    let fitted =
        fit_ranks(Thread::all(2, LONG), &state, config(Ingredients::NONE), false, |rank, _, _, watcher| {
            watcher.asks_after = (rank == 1).then_some(5);
        });
    assert_alike(&fitted);
    let history = fitted[0].history.as_ref().unwrap();
    assert_eq!((history.epochs.len(), history.stopped_early), (1, true));
}

#[track_caller]
fn assert_all_fail(fitted: &[Fitted], expected: &RanksError) {
    for Fitted { history, .. } in fitted {
        assert_eq!(history.as_ref().unwrap_err(), &FitError::Ranks(expected.clone()));
    }
}

#[test]
fn ranks_that_are_about_to_do_different_things_are_told_apart_before_the_first_step() {
    type Change = fn(&mut FitConfig, &mut State);
    let changes: [(&str, Change); 6] = [
        ("configuration", |config, _| config.seed += 1),
        ("configuration", |config, _| config.ingredients.clip = None),
        ("configuration", |config, _| config.order = Order::BLOCKS),
        ("configuration", |_, state| state.optimizer = Optimizer::new(Rule::ALL[1], 0.1)),
        ("network to begin with", |_, state| state.network = network(43)),
        ("network to begin with", |_, state| state.network.parameters_mut().biases_mut(1)[4] = 1e-30),
    ];
    let state = beginning(Rule::Sgd);
    for (what, change) in changes {
        let fitted =
            fit_ranks(Thread::all(3, LONG), &state, config(everything()), false, |rank, config, state, _| {
                if rank == 2 {
                    change(config, state);
                }
            });
        assert_all_fail(&fitted, &RanksError::Differ { rank: 2, what });
        assert!(fitted.iter().all(|fitted| fitted.last.is_none()));
    }
}

/// What a rank is given.
#[derive(Clone, Copy)]
struct Given<'a> {
    labels: &'a [u8],
    image_shape: &'a [usize],
    validation_labels: &'a [u8],
}

#[test]
fn ranks_with_other_data_are_told_apart_before_the_first_step() {
    let (pixels, mut labels) = samples(23);
    let same = labels.clone();
    labels[22] = (labels[22] + 1) % 5;
    let fit_with = |given: Given<'_>, ranks: &mut Thread| {
        let dataset = |labels| Dataset::new(&pixels, 6, labels, 5).unwrap();
        let Given { labels, image_shape, validation_labels } = given;
        let train = TrainingSet { image_shape, ..dataset(labels).into() };
        let (mut network, mut optimizer) = (network(42), Optimizer::sgd(0.1));
        let both = (&mut network, &mut optimizer);
        let config = config(Ingredients::NONE);
        let validation = Some(dataset(validation_labels).into());
        fit_on(ranks, Place::default(), both, train, validation, &config, &mut ()).unwrap_err()
    };
    let given = Given { labels: &same, image_shape: &[2, 3], validation_labels: &same };
    for (what, other) in [
        ("training data", Given { labels: &labels, ..given }),
        ("image shape", Given { image_shape: &[3, 2], ..given }),
        ("validation data", Given { validation_labels: &labels, ..given }),
    ] {
        let mut ranks = Thread::all(2, LONG);
        let errors = thread::scope(|scope| {
            let fit_with = &fit_with;
            let threads: Vec<_> = ranks
                .iter_mut()
                .zip([given, other])
                .map(|(ranks, given)| scope.spawn(move || fit_with(given, ranks)))
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
        });
        let expected = FitError::Ranks(RanksError::Differ { rank: 1, what });
        assert_eq!(errors, [expected.clone(), expected]);
    }
}

#[test]
fn ranks_whose_numbers_part_are_found_at_the_end_of_the_epoch() {
    let mut ranks = Thread::all(3, LONG);
    ranks[1].mishears = true;
    // Padding means nothing: of a hidden layer as wide as a line there is none at the end.
    let mut state = beginning(Rule::Sgd);
    let builder = Network::builder(6).dense(16, Activation::Identity);
    state.network = builder.build(&mut initial_rng(1)).unwrap();
    let fitted = fit_ranks(ranks, &state, config(Ingredients::NONE), false, |_, _, _, _| {});
    assert_all_fail(&fitted, &RanksError::Apart { epoch: 1, rank: 1 });
}

#[test]
fn a_rank_that_leaves_ends_the_fit_of_the_others() {
    let mut ranks = Thread::all(3, LONG);
    ranks[2].leaves_at = Some(3);
    let state = beginning(Rule::Sgd);
    let fitted = fit_ranks(ranks, &state, config(Ingredients::NONE), false, |_, _, _, _| {});
    assert_all_fail(&fitted, &RanksError::Gone { rank: 2 });
    // What was kept after the last step of all is sound: from there it goes on.
    let left = fitted[0].last.as_ref().unwrap();
    assert_eq!(left.optimizer.steps(), 3);
    assert_near(
        &fit_alone(left, &config(Ingredients::NONE), false).0,
        &fit_alone(&state, &config(Ingredients::NONE), false).0,
    );
}

#[test]
fn a_rank_that_does_not_come_ends_the_fit_of_the_others_after_their_limit() {
    let mut ranks = Thread::all(2, Duration::from_millis(20));
    let (pixels, labels) = samples(23);
    let train = Dataset::new(&pixels, 6, &labels, 5).unwrap();
    let (mut network, mut optimizer) = (network(42), Optimizer::sgd(0.1));
    let both = (&mut network, &mut optimizer);
    let config = config(Ingredients::NONE);
    let error = fit_on(&mut ranks[0], Place::default(), both, train, None, &config, &mut ()).unwrap_err();
    assert_eq!(error, FitError::Ranks(RanksError::Late { seconds: 0 }));
}

#[test]
fn training_that_diverges_does_so_on_all_ranks() {
    let state = beginning(Rule::Sgd);
    let fitted =
        fit_ranks(Thread::all(2, LONG), &state, config(Ingredients::NONE), false, |_, config, _, _| {
            config.rate = 1e30;
        });
    for Fitted { history, .. } in &fitted {
        assert!(matches!(history, Err(FitError::NonFiniteLoss { .. })), "{history:?}");
    }
    let (pixels, labels) = samples(23);
    let train = Dataset::new(&pixels, 6, &labels, 5).unwrap();
    let config = FitConfig { rate: 1e30, ..config(Ingredients::NONE) };
    let alone = fit(&mut network(42), &mut Optimizer::sgd(0.1), train, None, &config, &mut ());
    assert_eq!(alone.unwrap_err(), *fitted[0].history.as_ref().unwrap_err());
}
