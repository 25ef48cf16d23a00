//! Checkpoint files, whole, damaged, hostile and of another fit. The network is 6-3-5, so that no two sizes are equal.

use std::{borrow::Cow, fs, panic::catch_unwind};

use nn_train::{
    Augmentation, Averaging, Checkpoint, ContainerError, DecodeError, EpochSummary, Fingerprint, FitConfig,
    Ingredients, Limits, LoadError, Order, Place, SaveError, Schedule, WriteError, load_checkpoint,
    load_checkpoint_with,
    nn_core::{Average, Loss, Network, Optimizer, Parameters, Rule, Tally},
    save_checkpoint,
};

mod checkpoints;
mod sealed;

use checkpoints::{bits, config, network, size};
use sealed::{seal, seal_as};

/// Made by golden/checkpoint_v1.py.
const GOLDEN: &[u8] = include_bytes!("golden/checkpoint-v1.bin");

const HEADER_LEN: usize = 20;
const CHECKSUM_LEN: usize = 32;

/// Numbers as golden/checkpoint_v1.py counts them.
fn counted(parameters: &mut Parameters, part: u8) {
    let mut number = (0..41_u8).map(|i| (f32::from(i) - 20.0) / 8.0 + 100.0 * f32::from(part));
    for layer in 0..2 {
        parameters.weights_mut(layer).iter_mut().for_each(|weight| *weight = number.next().unwrap());
        parameters.biases_mut(layer).iter_mut().for_each(|bias| *bias = number.next().unwrap());
    }
}

fn counted_network(part: u8) -> Network {
    let mut network = network();
    counted(network.parameters_mut(), part);
    network
}

fn tally(samples: u64, correct: u64, loss_sum: f64) -> Tally {
    Tally { samples, correct, loss_sum }
}

fn fingerprint(samples: u64, first: u8) -> Fingerprint {
    let sha256 = std::array::from_fn(|i| first + i as u8);
    Fingerprint { samples, features: 6, classes: 5, sha256 }
}

/// What the golden file holds.
fn checkpoint() -> Checkpoint<'static> {
    let network = counted_network(0);
    let memories = [1, 2].map(|part| {
        let mut memory = network.parameters().zeros_like();
        counted(&mut memory, part);
        memory
    });
    let epoch =
        |epoch, rate, train, validation| EpochSummary { epoch, rate, train, validation: Some(validation) };
    Checkpoint {
        release: Cow::Borrowed("0.1.0"),
        network: Cow::Owned(network),
        optimizer: Cow::Owned(Optimizer::resume(Rule::ALL[3], 0.125, 8, memories.to_vec()).unwrap()),
        place: Cow::Owned(Place {
            epochs: vec![
                epoch(1, 0.25, tally(13, 4, 20.5), tally(10, 6, 9.25)),
                epoch(2, 0.5, tally(13, 9, 8.5), tally(10, 5, 9.5)),
            ],
            batches: 2,
            running: tally(10, 7, 6.5),
            average: None,
        }),
        best: Some(Cow::Owned(counted_network(3))),
        config: FitConfig { schedule: Schedule::OneCycle { warmup: 0.25 }, seed: u64::MAX, ..config() },
        image_shape: Cow::Borrowed(&[2, 3]),
        train: fingerprint(13, 0),
        validation: Some(fingerprint(10, 100)),
        settings: Cow::Borrowed("{\"data\":\"дом\"}"),
    }
}

/// The golden file with a part of its payload replaced.
fn with_replaced(part: &[u8], by: &[u8]) -> Vec<u8> {
    let payload = &GOLDEN[HEADER_LEN..GOLDEN.len() - CHECKSUM_LEN];
    let start = payload.windows(part.len()).position(|window| window == part).unwrap();
    seal(b"NNC", &[&payload[..start], by, &payload[start + part.len()..]].concat())
}

#[test]
fn the_golden_file_of_version_1_is_read_and_written_byte_for_byte() {
    let found = Checkpoint::from_bytes(GOLDEN).unwrap();
    assert_eq!(found, checkpoint());
    assert_eq!(bits(found.network.parameters()), bits(counted_network(0).parameters()));
    assert_eq!(found.place.best().unwrap().epoch, 1);
    assert!(found.to_bytes().unwrap() == GOLDEN);
    assert!(checkpoint().to_bytes().unwrap() == GOLDEN);
}

/// A checkpoint with all that version 1 has no place for and version 2 has.
fn latest() -> Checkpoint<'static> {
    let mut latest = checkpoint();
    latest.config.ingredients = Ingredients {
        augmentation: Some(Augmentation::STRONG),
        mixup: 0.25,
        label_smoothing: 0.125,
        input_dropout: 0.5,
        hidden_dropout: 0.75,
        weight_decay: 0.0625,
        clip: Some(2.0),
        average: Some(Averaging::Ema { decay: 0.875 }),
    };
    let average = Average::from_parts(counted_network(4).parameters().clone(), 8);
    latest.place.to_mut().average = Some(average);
    latest
}

#[test]
fn what_version_1_has_no_place_for_makes_a_file_of_version_2_and_comes_back() {
    let bytes = latest().to_bytes().unwrap();
    assert_eq!(bytes[8..12], [2, 0, 0, 0]);
    assert_eq!(
        Checkpoint::from_bytes(&bytes).unwrap(),
        Checkpoint { config: FitConfig { threads: size(1), ..latest().config }, ..latest() }
    );
    for len in 0..bytes.len() {
        assert!(Checkpoint::from_bytes(&bytes[..len]).is_err(), "cut at {len}");
    }
    let payload = &bytes[HEADER_LEN..bytes.len() - CHECKSUM_LEN];
    for len in 0..payload.len() {
        assert!(Checkpoint::from_bytes(&seal_as(2, b"NNC", &payload[..len])).is_err(), "cut at {len}");
    }
    for bit in 0..8 * bytes.len() {
        let mut damaged = bytes.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        assert!(Checkpoint::from_bytes(&damaged).is_err(), "bit {bit}");
    }
    let (mut sound, mut refused) = (0, 0);
    for bit in 0..8 * payload.len() {
        let mut damaged = payload.to_vec();
        damaged[bit / 8] ^= 1 << (bit % 8);
        match Checkpoint::from_bytes(&seal_as(2, b"NNC", &damaged)) {
            Ok(other) => {
                sound += 1;
                let canonical = other.to_bytes().unwrap();
                assert!(Checkpoint::from_bytes(&canonical).unwrap().to_bytes().unwrap() == canonical);
            }
            Err(error) => {
                refused += 1;
                assert!(!error.to_string().is_empty());
            }
        }
    }
    assert!(sound > payload.len() && refused > 0, "{sound} sound, {refused} refused");
}

#[test]
fn an_order_of_blocks_makes_a_file_of_version_3_and_comes_back() {
    let order: Order = "blocks:128,512".parse().unwrap();
    for checkpoint in [checkpoint(), latest()] {
        let config = FitConfig { order, threads: size(1), ..checkpoint.config };
        let checkpoint = Checkpoint { config, ..checkpoint };
        let bytes = checkpoint.to_bytes().unwrap();
        assert_eq!(bytes[8..12], [3, 0, 0, 0]);
        assert_eq!(Checkpoint::from_bytes(&bytes).unwrap(), checkpoint);
        let payload = &bytes[HEADER_LEN..bytes.len() - CHECKSUM_LEN];
        for len in 0..payload.len() {
            assert!(Checkpoint::from_bytes(&seal_as(3, b"NNC", &payload[..len])).is_err(), "cut at {len}");
        }
        // Variant 1, 128 as one byte and 512 as three; a block of no samples is none.
        let order = [1, 128, 251, 0, 2];
        let start = payload.windows(order.len()).position(|window| window == order).unwrap();
        let empty = [&payload[..start], &[1, 0, 251, 0, 2], &payload[start + order.len()..]].concat();
        assert!(Checkpoint::from_bytes(&seal_as(3, b"NNC", &empty)).is_err());
        // As an order of a later release would be, and a version that says more than there is.
        let unknown = [&payload[..start], &[2, 128, 251, 0, 2], &payload[start + order.len()..]].concat();
        assert!(Checkpoint::from_bytes(&seal_as(3, b"NNC", &unknown)).is_err());
        assert!(Checkpoint::from_bytes(&seal_as(2, b"NNC", payload)).is_err());
    }
}

#[test]
fn an_average_is_there_exactly_where_there_is_to_be_one() {
    let mut missing = latest();
    missing.place.to_mut().average = None;
    let message = |checkpoint: &Checkpoint<'_>| checkpoint.to_bytes().unwrap_err().to_string();
    assert_eq!(message(&missing), "expected an average of the weights so far");
    let mut unasked = latest();
    unasked.config.ingredients.average = None;
    assert_eq!(message(&unasked), "expected no average of the weights so far");
    let mut wild = latest();
    wild.config.ingredients.mixup = 1.5;
    assert_eq!(message(&wild), "expected a mixup from 0 to 1, found 1.5");
}

#[test]
fn a_saved_checkpoint_is_loaded_as_it_was_with_and_without_all_that_may_be_missing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("checkpoint");
    let sgd = Checkpoint {
        optimizer: Cow::Owned(Optimizer::sgd(0.5)),
        place: Cow::Owned(Place::default()),
        best: None,
        validation: None,
        settings: Cow::Borrowed(""),
        ..checkpoint()
    };
    let unvalidated = EpochSummary { validation: None, ..checkpoint().place.epochs[0] };
    let place = Place { epochs: vec![unvalidated], ..Place::default() };
    let first_epoch = Checkpoint { place: Cow::Owned(place), ..checkpoint() };
    for checkpoint in [checkpoint(), sgd, first_epoch] {
        save_checkpoint(&checkpoint, &path).unwrap();
        assert_eq!(load_checkpoint(&path).unwrap(), checkpoint);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}

#[test]
fn the_number_of_threads_is_not_kept() {
    let config = FitConfig { threads: size(4), ..checkpoint().config };
    assert!(Checkpoint { config, ..checkpoint() }.to_bytes().unwrap() == GOLDEN);
}

#[test]
fn every_cut_and_every_flipped_bit_is_an_error() {
    for len in 0..GOLDEN.len() {
        let error = Checkpoint::from_bytes(&GOLDEN[..len]).unwrap_err();
        assert!(matches!(error, DecodeError::Container(ContainerError::CutOff { .. })), "{len}: {error:?}");
    }
    let mut bytes = GOLDEN.to_vec();
    for bit in 0..8 * bytes.len() {
        bytes[bit / 8] ^= 1 << (bit % 8);
        let error = Checkpoint::from_bytes(&bytes).unwrap_err();
        assert!(matches!(error, DecodeError::Container(_)), "bit {bit}: {error:?}");
        bytes[bit / 8] ^= 1 << (bit % 8);
    }
    bytes.push(0);
    assert!(Checkpoint::from_bytes(&bytes).is_err());
}

/// Whoever makes a file can make its checksum too.
#[test]
fn behind_a_sound_checksum_every_cut_and_flipped_bit_is_an_error_or_another_sound_checkpoint() {
    let payload = &GOLDEN[HEADER_LEN..GOLDEN.len() - CHECKSUM_LEN];
    let (mut sound, mut refused) = (0, 0);
    let mut judge = |payload: &[u8]| match Checkpoint::from_bytes(&seal(b"NNC", payload)) {
        Ok(checkpoint) => {
            sound += 1;
            let canonical = checkpoint.to_bytes().unwrap();
            assert!(Checkpoint::from_bytes(&canonical).unwrap().to_bytes().unwrap() == canonical);
        }
        Err(error) => {
            refused += 1;
            assert!(!error.to_string().is_empty());
        }
    };
    for len in 0..payload.len() {
        judge(&payload[..len]);
    }
    for bit in 0..8 * payload.len() {
        let mut damaged = payload.to_vec();
        damaged[bit / 8] ^= 1 << (bit % 8);
        judge(&damaged);
    }
    // All cuts were refused, and most numbers may be others.
    assert!(refused > payload.len() && sound > payload.len(), "{sound} sound, {refused} refused");
}

#[test]
fn numbers_of_no_checkpoint_are_refused_with_what_was_expected() {
    let message = |bytes: &[u8]| {
        let error = Checkpoint::from_bytes(bytes).unwrap_err();
        std::error::Error::source(&error)
            .map_or_else(|| error.to_string(), |source| format!("{error}: {source}"))
    };
    // The steps of the optimizer: after none there are no memories.
    let steps = [&0.125_f32.to_le_bytes()[..], &[8]].concat();
    let none = [&0.125_f32.to_le_bytes()[..], &[0]].concat();
    assert!(message(&with_replaced(&steps, &none)).contains("bytes of parameters at byte"));
    // Batches, and the samples in them.
    let running = [&[2, 2, 10, 7][..], &6.5_f64.to_le_bytes()].concat();
    let place = |batches, samples| {
        let bytes = [&[2, batches, samples, 7][..], &6.5_f64.to_le_bytes()].concat();
        message(&with_replaced(&running, &bytes))
    };
    assert_eq!(place(4, 13), "expected at most 3 batches of the epoch under way, found 4");
    assert_eq!(place(2, 11), "expected a tally of 10 samples after 2 batches, found 11");
    // What was measured in the first epoch: 4 of 13 to train on, 6 of 10 to validate on.
    let tally = |samples: u64, correct: u64| [samples.to_le_bytes(), correct.to_le_bytes()].concat();
    let measured = |samples, correct, by: Vec<u8>| message(&with_replaced(&tally(samples, correct), &by));
    assert_eq!(measured(13, 4, tally(14, 4)), "expected a tally of 13 training samples in epoch 1, found 14");
    assert_eq!(
        measured(10, 6, tally(11, 6)),
        "expected a tally of 10 validation samples in epoch 1, found 11"
    );
    for (samples, correct) in [(13, 4), (10, 6)] {
        assert_eq!(
            measured(samples, correct, tally(samples, u64::MAX)),
            format!(
                "expected at most {samples} right answers in a tally of {samples} samples, found {}",
                u64::MAX
            )
        );
    }
    // Of three epochs only one.
    let config = [&[3, 5, 0][..], &0.5_f32.to_le_bytes()].concat();
    let changed = |epochs, rate: f32| {
        let bytes = [&[epochs, 5, 0][..], &rate.to_le_bytes()].concat();
        message(&with_replaced(&config, &bytes))
    };
    assert_eq!(changed(1, 0.5), "expected at most 1 finished epochs, found 2");
    assert_eq!(changed(0, 0.5), "expected at least 1 epoch, found 0");
    assert_eq!(changed(3, f32::NAN), "expected a finite learning rate above 0, found NaN");
    // A parameter.
    let number = with_replaced(&(-2.5_f32).to_le_bytes(), &f32::INFINITY.to_le_bytes());
    assert_eq!(message(&number), "expected finite parameters, found one in layer 0 that is not");
    // The image shape.
    let shape = with_replaced(&[2, 2, 3, 3, 5, 0], &[2, 3, 3, 3, 5, 0]);
    assert_eq!(message(&shape), "expected an image shape of 6 pixels, found 3 x 3");
}

#[test]
fn a_later_version_a_model_and_a_file_over_the_limit_are_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("checkpoint");
    let message = |bytes: &[u8], limits: &Limits| {
        fs::write(&path, bytes).unwrap();
        match load_checkpoint_with(&path, limits).unwrap_err() {
            LoadError::Invalid { path: named, source } => {
                assert_eq!(named, path);
                source.to_string()
            }
            other => panic!("{other:?}"),
        }
    };
    let mut later = GOLDEN.to_vec();
    later[8] = 4;
    assert_eq!(
        message(&later, &Limits::CHECKPOINT),
        "checkpoint format version 4 at byte 8, expected 1 to 3"
    );
    let model = message(include_bytes!("golden/model-v1.bin"), &Limits::CHECKPOINT);
    assert!(model.starts_with("not a checkpoint file: expected the first bytes"), "{model}");
    let limits = Limits { max_bytes: 100 };
    let len = GOLDEN.len();
    assert_eq!(
        message(GOLDEN, &limits),
        format!("the header declares a file of {len} bytes, more than the limit of 100")
    );
    assert!(matches!(load_checkpoint(&folder.path().join("none")), Err(LoadError::Read { .. })));
}

#[test]
fn a_checkpoint_that_cannot_be_written_leaves_the_earlier_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("checkpoint");
    save_checkpoint(&checkpoint(), &path).unwrap();

    let mut diverged = network();
    diverged.parameters_mut().weights_mut(1)[[2, 4]] = f32::NEG_INFINITY;
    let error = save_checkpoint(&Checkpoint { network: Cow::Owned(diverged), ..checkpoint() }, &path);
    assert!(matches!(error, Err(SaveError::InvalidCheckpoint { .. })), "{error:?}");

    let long = "x".repeat(70_000);
    let error = save_checkpoint(&Checkpoint { settings: Cow::Owned(long), ..checkpoint() }, &path);
    assert!(matches!(error, Err(SaveError::InvalidCheckpoint { .. })), "{error:?}");

    let error = save_checkpoint(&checkpoint(), &folder.path().join("missing/checkpoint")).unwrap_err();
    assert!(matches!(error, SaveError::Write(WriteError { .. })), "{error:?}");
    assert_eq!(load_checkpoint(&path).unwrap(), checkpoint());
}

#[test]
fn a_best_network_of_another_shape_is_a_mistake_of_the_caller() {
    let other = Network::builder(6)
        .dense(4, nn_train::nn_core::Activation::Relu)
        .dense(5, nn_train::nn_core::Activation::Identity)
        .zeros()
        .unwrap();
    let panic = catch_unwind(|| Checkpoint { best: Some(Cow::Owned(other)), ..checkpoint() }.to_bytes());
    let message = panic.unwrap_err().downcast::<String>().unwrap();
    assert!(message.contains("[(6, 4), (4, 5)]") && message.contains("[(6, 3), (3, 5)]"), "{message}");
}

#[test]
fn going_on_with_anything_else_is_refused_and_the_difference_named() {
    let checkpoint = Checkpoint { release: Cow::Borrowed(Checkpoint::RELEASE), ..checkpoint() };
    let own = checkpoint.config;
    let (train, validation) = (checkpoint.train, checkpoint.validation);
    let check = |config: &FitConfig, train: &Fingerprint, validation: Option<&Fingerprint>| {
        checkpoint.check(config, train, validation).map_err(|mismatch| {
            assert_eq!(
                mismatch.to_string(),
                format!(
                    "the {} is another one: expected {}, as in the checkpoint, found {}",
                    mismatch.what, mismatch.expected, mismatch.found
                )
            );
            (mismatch.what, mismatch.expected, mismatch.found)
        })
    };
    assert_eq!(check(&own, &train, validation.as_ref()), Ok(()));
    assert_eq!(check(&FitConfig { threads: size(7), ..own }, &train, validation.as_ref()), Ok(()));

    let step = "step:2:0.5".parse().unwrap();
    for (config, what, expected, found) in [
        (FitConfig { epochs: 4, ..own }, "number of epochs", "3", "4"),
        (FitConfig { batch_size: size(6), ..own }, "batch size", "5", "6"),
        (
            FitConfig { loss: Loss::MeanSquaredError, ..own },
            "loss",
            "softmax-cross-entropy",
            "mean-squared-error",
        ),
        (FitConfig { rate: 0.25, ..own }, "learning rate", "0.5", "0.25"),
        (FitConfig { schedule: step, ..own }, "schedule", "one-cycle:0.25", "step:2:0.5"),
        (FitConfig { seed: 7, ..own }, "seed", "18446744073709551615", "7"),
        (FitConfig { order: Order::BLOCKS, ..own }, "order of the samples", "full", "blocks:128,512"),
    ] {
        let expected = Err((what, expected.to_owned(), found.to_owned()));
        assert_eq!(check(&config, &train, validation.as_ref()), expected);
    }

    let ingredients = Ingredients { mixup: 0.75, ..own.ingredients };
    let expected = Err(("ingredients", own.ingredients.to_string(), ingredients.to_string()));
    assert_eq!(check(&FitConfig { ingredients, ..own }, &train, validation.as_ref()), expected);

    // One pixel, one label, one sample: the checksum or a number tells.
    for other in [fingerprint(13, 1), fingerprint(14, 0), Fingerprint { classes: 6, ..train }] {
        let differs = (train.to_string(), other.to_string());
        let expected = Err(("training data", differs.0, differs.1));
        assert_eq!(check(&own, &other, validation.as_ref()), expected);
    }
    let other = fingerprint(10, 7);
    let known = validation.unwrap().to_string();
    let expected = Err(("validation data", known.clone(), other.to_string()));
    assert_eq!(check(&own, &train, Some(&other)), expected);
    assert_eq!(check(&own, &train, None), Err(("validation data", known, "none".to_owned())));

    let later = Checkpoint { release: Cow::Borrowed("0.9.3"), ..checkpoint.clone() };
    let mismatch = later.check(&own, &train, validation.as_ref()).unwrap_err();
    assert_eq!(
        (mismatch.what, &*mismatch.expected, &*mismatch.found),
        ("release", "0.9.3", Checkpoint::RELEASE)
    );
    assert_eq!(later.check_release(), Err(mismatch));

    assert_eq!(checkpoint.check_image_shape(&[2, 3]), Ok(()));
    let mismatch = checkpoint.check_image_shape(&[3, 2]).unwrap_err();
    assert_eq!((mismatch.what, &*mismatch.expected, &*mismatch.found), ("image shape", "2 x 3", "3 x 2"));
}

#[test]
fn a_fingerprint_tells_every_pixel_every_label_and_every_order_apart() {
    use nn_train::nn_core::Dataset;
    let print = |pixels: &[u8], labels: &[u8]| Fingerprint::of(Dataset::new(pixels, 3, labels, 5).unwrap());
    let known = print(&[1, 2, 3, 4, 5, 6], &[0, 4]);
    // hashlib.sha256(bytes([1, 2, 3, 4, 5, 6, 0, 4])).hexdigest()
    assert_eq!(known.hex(), "bf2c7ff4e869a6d202fd5d01c41d5c0b1ba5a1666031ac0da61f8472ebaa044a");
    assert_eq!(known, print(&[1, 2, 3, 4, 5, 6], &[0, 4]));
    assert_ne!(known, print(&[1, 2, 3, 4, 5, 7], &[0, 4]));
    assert_ne!(known, print(&[1, 2, 3, 4, 5, 6], &[0, 3]));
    assert_ne!(known, print(&[4, 5, 6, 1, 2, 3], &[4, 0]));
}
