//! Model files, whole, damaged and hostile. The network is 6-3-5, so that no two sizes are equal.

mod sealed;

use std::{error::Error, fs, num::NonZeroU32};

use nn_train::{
    Augmentation, Averaging, ContainerError, DecodeError, Ingredients, InvalidModel, Limits, LoadError,
    Model, Preprocessing, SaveError, Schedule, TrainingRecord, initial_rng, load, load_with, nn_core,
    nn_core::{Activation, Loss, Network, Rule, Tally},
    save,
};
use sealed::{seal, seal_as};

/// Where the payload begins.
const HEADER_LEN: usize = 20;
const CHECKSUM_LEN: usize = 32;

fn network() -> Network {
    Network::builder(6)
        .dense(3, Activation::Relu)
        .dense(5, Activation::Identity)
        .build(&mut initial_rng(42))
        .unwrap()
}

fn model() -> Model {
    Model {
        network: network(),
        loss: Loss::SoftmaxCrossEntropy,
        image_shape: vec![2, 3],
        preprocessing: Preprocessing::None,
        class_names: None,
        record: None,
    }
}

fn record() -> TrainingRecord {
    TrainingRecord {
        preset: Some("article".to_owned()),
        seed: u64::MAX,
        epochs: 10,
        finished_epochs: 7,
        batch_size: 64,
        rate: 0.5,
        schedule: Schedule::OneCycle { warmup: 0.25 },
        rule: Rule::Momentum { momentum: 0.9, nesterov: true },
        ingredients: Ingredients::NONE,
        samples: 60_000,
        train: Some(Tally { samples: 60_000, correct: 59_000, loss_sum: 1234.5 }),
        validation: None,
    }
}

fn full_model() -> Model {
    let names = ["zero", "one", "два", "three", "four"];
    Model { class_names: Some(names.map(str::to_owned).to_vec()), record: Some(record()), ..model() }
}

/// All parameters as bits, weights then biases, layer by layer.
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

/// The payload of a model file, with one part of it replaced.
fn with_replaced(model: &Model, part: &[u8], by: &[u8]) -> Vec<u8> {
    let bytes = model.to_bytes().unwrap();
    let payload = &bytes[HEADER_LEN..bytes.len() - CHECKSUM_LEN];
    let start = payload.windows(part.len()).position(|window| window == part).unwrap();
    seal(b"NNM", &[&payload[..start], by, &payload[start + part.len()..]].concat())
}

#[test]
fn the_golden_file_of_version_1_is_read_and_written_byte_for_byte() {
    // Made by golden/model_v1.py.
    let golden = include_bytes!("golden/model-v1.bin");

    let model = Model::from_bytes(golden).unwrap();

    let expected: Vec<u32> = (0..41_u8).map(|i| ((f32::from(i) - 20.0) / 8.0).to_bits()).collect();
    assert_eq!(bits(&model.network), expected);
    assert_eq!((model.network.inputs(), model.network.units(0), model.network.units(1)), (6, 3, 5));
    assert_eq!(model, Model { network: model.network.clone(), ..full_model() });
    assert_eq!(model.to_bytes().unwrap(), golden);
}

#[test]
fn a_saved_model_is_loaded_bit_for_bit() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("digits.model");
    let mut model = full_model();
    // Numbers that a careless format would lose: the smallest, the largest, and minus nothing.
    let extremes = [f32::from_bits(1), f32::MIN_POSITIVE, f32::MAX, f32::MIN, -0.0];
    for (weight, extreme) in model.network.parameters_mut().biases_mut(1).iter_mut().zip(extremes) {
        *weight = extreme;
    }

    save(&model, &path).unwrap();
    let loaded = load(&path).unwrap();

    assert_eq!(loaded, model);
    assert_eq!(bits(&loaded.network), bits(&model.network));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

/// A model with all that version 1 has no place for.
fn latest_model() -> Model {
    let ingredients = Ingredients {
        augmentation: Some(Augmentation::MEDIUM),
        mixup: 0.25,
        label_smoothing: 0.125,
        input_dropout: 0.5,
        hidden_dropout: 0.75,
        weight_decay: 0.0625,
        clip: Some(2.0),
        average: Some(Averaging::Tail { share: 0.25 }),
    };
    let record = Some(TrainingRecord { ingredients, ..record() });
    Model { preprocessing: Preprocessing::Deskew, record, ..full_model() }
}

#[test]
fn what_version_1_has_no_place_for_makes_a_file_of_version_2_and_comes_back() {
    for model in [
        latest_model(),
        Model { preprocessing: Preprocessing::Deskew, ..model() },
        Model { preprocessing: Preprocessing::None, ..latest_model() },
    ] {
        let bytes = model.to_bytes().unwrap();
        assert_eq!(bytes[8..12], [2, 0, 0, 0]);
        assert_eq!(Model::from_bytes(&bytes).unwrap(), model);
        for len in 0..bytes.len() {
            assert!(Model::from_bytes(&bytes[..len]).is_err(), "cut at {len}");
        }
        for bit in 0..8 * bytes.len() {
            let mut damaged = bytes.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(Model::from_bytes(&damaged).is_err(), "bit {bit}");
        }
        // Behind a sound checksum, an error or another model, whose file is sound.
        let payload = &bytes[HEADER_LEN..bytes.len() - CHECKSUM_LEN];
        for bit in 0..8 * payload.len() {
            let mut damaged = payload.to_vec();
            damaged[bit / 8] ^= 1 << (bit % 8);
            if let Ok(other) = Model::from_bytes(&seal_as(2, b"NNM", &damaged)) {
                let canonical = other.to_bytes().unwrap();
                assert!(Model::from_bytes(&canonical).unwrap().to_bytes().unwrap() == canonical, "bit {bit}");
            }
        }
        for len in 0..payload.len() {
            assert!(Model::from_bytes(&seal_as(2, b"NNM", &payload[..len])).is_err(), "cut at {len}");
        }
    }
    let flat = Model { image_shape: vec![6], preprocessing: Preprocessing::Deskew, ..model() };
    assert!(matches!(flat.to_bytes(), Err(InvalidModel::Preprocessing(_))));
}

#[test]
fn equal_models_give_equal_files() {
    assert_eq!(full_model().to_bytes().unwrap(), full_model().to_bytes().unwrap());
}

#[test]
fn every_activation_loss_schedule_and_rule_comes_back() {
    let every = NonZeroU32::new(300).unwrap();
    let schedules = [
        Schedule::Constant,
        Schedule::Step { every, factor: 0.1 },
        Schedule::Cosine,
        Schedule::OneCycle { warmup: 0.3 },
    ];
    let mut models = Vec::new();
    for loss in Loss::ALL {
        for hidden in Activation::ALL {
            let builder = Network::builder(6).dense(3, hidden).dense(5, loss.output_activation());
            let Ok(network) = builder.build(&mut initial_rng(1)) else { continue };
            models.push(Model { network, loss, ..model() });
        }
    }
    // Softmax, which may only come last.
    let network = Network::builder(6).dense(5, Activation::Softmax).build(&mut initial_rng(1)).unwrap();
    models.push(Model { network, loss: Loss::MeanSquaredError, ..model() });
    for schedule in schedules {
        models.push(Model { record: Some(TrainingRecord { schedule, ..record() }), ..model() });
    }
    for rule in Rule::ALL {
        let validation = Some(Tally { samples: 1, correct: 0, loss_sum: f64::MAX });
        let record = TrainingRecord { rule, preset: None, train: None, validation, ..record() };
        models.push(Model { record: Some(record), ..model() });
    }
    assert_eq!(models.len(), 4 * 5 + 1 + 4 + Rule::ALL.len());
    for model in models {
        assert_eq!(Model::from_bytes(&model.to_bytes().unwrap()).unwrap(), model);
    }
}

#[test]
fn a_file_cut_anywhere_is_refused() {
    let bytes = full_model().to_bytes().unwrap();
    for len in 0..bytes.len() {
        let error = Model::from_bytes(&bytes[..len]).unwrap_err();
        assert!(matches!(error, DecodeError::Container(ContainerError::CutOff { .. })), "{len}: {error:?}");
    }
}

#[test]
fn a_file_with_any_bit_flipped_is_refused() {
    let mut bytes = full_model().to_bytes().unwrap();
    for bit in 0..8 * bytes.len() {
        bytes[bit / 8] ^= 1 << (bit % 8);
        assert!(matches!(Model::from_bytes(&bytes), Err(DecodeError::Container(_))), "bit {bit}");
        bytes[bit / 8] ^= 1 << (bit % 8);
    }
    Model::from_bytes(&bytes).unwrap();
}

/// Damage that whoever made the file took into the checksum: it may give another model, but never a panic.
#[test]
fn a_payload_with_any_bit_flipped_or_cut_anywhere_never_panics() {
    let bytes = full_model().to_bytes().unwrap();
    let mut payload = bytes[HEADER_LEN..bytes.len() - CHECKSUM_LEN].to_vec();
    for bit in 0..8 * payload.len() {
        payload[bit / 8] ^= 1 << (bit % 8);
        if let Ok(model) = Model::from_bytes(&seal(b"NNM", &payload)) {
            assert!(model.network.parameters().is_finite());
            model.to_bytes().unwrap();
        }
        payload[bit / 8] ^= 1 << (bit % 8);
    }
    for len in 0..payload.len() {
        let error = Model::from_bytes(&seal(b"NNM", &payload[..len])).unwrap_err();
        assert!(matches!(error, DecodeError::Description { .. } | DecodeError::ParameterBytes { .. }));
    }
}

#[test]
fn parameters_must_be_as_many_as_the_description_says() {
    let bytes = model().to_bytes().unwrap();
    let payload = &bytes[HEADER_LEN..bytes.len() - CHECKSUM_LEN];
    let error = Model::from_bytes(&seal(b"NNM", &[payload, &[0; 4]].concat())).unwrap_err();
    let offset = bytes.len() - CHECKSUM_LEN - 41 * 4;
    assert_eq!(error.to_string(), format!("expected 164 bytes of parameters at byte {offset}, found 168"));
}

#[test]
fn a_description_of_a_giant_is_refused_by_its_size() {
    // inputs, layers: (units, activation)...: 253 announces the eight bytes of a number.
    let giant = [&[253][..], &u64::MAX.to_le_bytes()].concat();
    let error = Model::from_bytes(&with_replaced(&model(), &[6, 2, 3, 2, 5, 0], &{
        let mut description = giant.clone();
        description.push(2);
        description.extend(&giant);
        description.push(2);
        description.extend(&giant);
        description.push(0);
        description
    }))
    .unwrap_err();
    // Two layers of 2^64 (2^64 - 1) parameters, and no overflow on the way; the sum stops at 2^128 - 1.
    let DecodeError::ParameterBytes { expected, found, .. } = error else { panic!("{error:?}") };
    assert_eq!((expected, found), (u128::MAX, 164));
}

#[test]
fn descriptions_of_no_network_are_refused() {
    let layers = [6, 2, 3, 2, 5, 0];
    // No layers, and no parameters to go with them.
    let bytes = model().to_bytes().unwrap();
    let payload = &bytes[HEADER_LEN..bytes.len() - CHECKSUM_LEN - 41 * 4];
    let rest = &payload[layers.len()..];
    let error = Model::from_bytes(&seal(b"NNM", &[&[6, 0], rest].concat())).unwrap_err();
    assert_eq!(error, DecodeError::Network(nn_core::NetworkError::NoLayers));
    // A layer of no units has no parameters, whatever goes in.
    let error = Model::from_bytes(&seal(b"NNM", &[&[6, 1, 0, 0], rest].concat())).unwrap_err();
    assert!(matches!(error, DecodeError::Network(nn_core::NetworkError::EmptyLayer { .. })), "{error:?}");
    // A softmax that is not the last layer.
    let error = Model::from_bytes(&with_replaced(&model(), &layers, &[6, 2, 3, 5, 5, 0])).unwrap_err();
    assert!(matches!(error, DecodeError::Network(nn_core::NetworkError::SoftmaxInside { .. })), "{error:?}");
    // An activation that no release knows.
    let error = Model::from_bytes(&with_replaced(&model(), &layers, &[6, 2, 3, 6, 5, 0])).unwrap_err();
    assert!(matches!(error, DecodeError::Description { .. }), "{error:?}");
}

#[test]
fn class_names_that_are_not_text_are_refused() {
    let error = Model::from_bytes(&with_replaced(&full_model(), b"zero", b"z\xffro")).unwrap_err();
    assert!(matches!(error, DecodeError::Description { .. }), "{error:?}");
}

#[test]
fn models_whose_parts_do_not_go_together_are_not_saved() {
    let refused = |model: &Model| model.to_bytes().unwrap_err().to_string();
    assert_eq!(
        refused(&Model { image_shape: vec![3, 3], ..model() }),
        "expected an image shape of 6 pixels, found 3 x 3"
    );
    let image_shape = vec![usize::MAX, 6];
    assert!(refused(&Model { image_shape, ..model() }).starts_with("expected an image shape of 6 pixels"));
    let class_names = Some(vec!["zero".to_owned()]);
    assert_eq!(refused(&Model { class_names, ..model() }), "expected 5 class names, found 1");
    assert_eq!(
        refused(&Model { loss: Loss::BinaryCrossEntropy, ..model() }),
        "loss binary-cross-entropy expects output activation sigmoid, found identity"
    );
    let class_names = Some(vec!["a long name".repeat(2_000); 5]);
    let error = Model { class_names, ..model() }.to_bytes().unwrap_err();
    assert!(matches!(error, InvalidModel::Description { limit: 65_536, found: 110_000.. }), "{error:?}");
}

#[test]
fn a_description_of_the_greatest_length_can_be_loaded_again() {
    // bincode's limit counts more than is there: eight bytes for each small length, which takes one, and nine for a name
    // of one letter, which takes two.
    let network = Network::builder(1).dense(5, Activation::Identity).zeros().unwrap();
    let lengths = Model { network, image_shape: vec![1; 65_000], ..model() };
    let outputs = 30_000;
    let network = Network::builder(1).dense(outputs, Activation::Identity).zeros().unwrap();
    let class_names = Some(vec!["x".to_owned(); outputs]);
    let names = Model { network, image_shape: vec![1], class_names, ..model() };
    for model in [lengths, names] {
        assert_eq!(Model::from_bytes(&model.to_bytes().unwrap()).unwrap(), model);
    }
}

#[test]
fn parameters_that_are_not_finite_are_neither_saved_nor_loaded() {
    for number in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::from_bits(0x7f80_0001)] {
        let mut broken = model();
        broken.network.parameters_mut().biases_mut(1)[4] = number;
        assert_eq!(broken.to_bytes(), Err(InvalidModel::NonFinite { layer: 1 }));

        let mut bytes = model().to_bytes().unwrap();
        bytes.truncate(bytes.len() - CHECKSUM_LEN - 4);
        bytes.extend(number.to_le_bytes());
        let error = Model::from_bytes(&seal(b"NNM", &bytes[HEADER_LEN..])).unwrap_err();
        assert_eq!(error, DecodeError::Invalid(InvalidModel::NonFinite { layer: 1 }));
    }
}

#[test]
fn a_model_that_cannot_be_saved_leaves_the_file_that_was_there() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("digits.model");
    save(&model(), &path).unwrap();
    let mut broken = model();
    broken.network.parameters_mut().weights_mut(0)[[5, 2]] = f32::NAN;

    let error = save(&broken, &path).unwrap_err();

    assert_eq!(error.to_string(), format!("cannot save {}", path.display()));
    let source = error.source().unwrap().to_string();
    assert_eq!(source, "expected finite parameters, found one in layer 0 that is not");
    assert_eq!(load(&path).unwrap(), model());
    let error = save(&model(), &folder.path().join("missing/digits.model")).unwrap_err();
    assert!(matches!(error, SaveError::Write(_)), "{error:?}");
}

#[test]
fn errors_of_loading_name_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("digits.model");
    let error = load(&path).unwrap_err();
    assert_eq!(error.to_string(), format!("cannot read {}", path.display()));
    assert!(matches!(error, LoadError::Read { .. }));

    fs::write(&path, b"\0\0\x08\x01 not a model").unwrap();
    let error = load(&path).unwrap_err();
    assert_eq!(error.to_string(), format!("cannot load {}", path.display()));
    assert!(error.source().unwrap().to_string().starts_with("not a model file"));

    assert!(matches!(load(folder.path()), Err(LoadError::Read { .. })));
}

#[test]
fn a_file_is_loaded_up_to_the_limit_and_no_further() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("digits.model");
    save(&model(), &path).unwrap();
    let len = fs::metadata(&path).unwrap().len();

    assert_eq!(load_with(&path, &Limits { max_bytes: len }).unwrap(), model());

    let error = load_with(&path, &Limits { max_bytes: len - 1 }).unwrap_err();
    let source = error.source().unwrap().to_string();
    assert_eq!(
        source,
        format!("the header declares a file of {len} bytes, more than the limit of {}", len - 1)
    );
}
