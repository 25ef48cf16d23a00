//! What a committee promises: the mean of its members' probabilities, whoever computes it. Images are 2 x 3, there are 5
//! classes and 23 samples.

mod checkpoints;

use checkpoints::{CLASSES, FEATURES, Samples, size};
use nn_train::{
    Committee, FitError, Incompatible, InvalidCommittee, InvalidTeacher, Model, Preprocessing, Teacher,
    TrainingSet, evaluate, fit, initial_rng,
    nn_core::{
        Activation, Dataset, Loss, Network, Optimizer,
        ndarray::{Array2, ArrayView2},
    },
};

fn member(seed: u64, hidden: usize, loss: Loss, preprocessing: Preprocessing) -> Model {
    let network = Network::builder(FEATURES)
        .dense(hidden, Activation::Tanh)
        .dense(CLASSES, loss.output_activation())
        .build(&mut initial_rng(seed))
        .unwrap();
    Model { network, loss, image_shape: vec![2, 3], preprocessing, class_names: None, record: None }
}

/// Networks of different sizes and losses that see different images.
fn members() -> Vec<Model> {
    vec![
        member(1, 4, Loss::SoftmaxCrossEntropy, Preprocessing::None),
        member(2, 7, Loss::MeanSquaredError, Preprocessing::Deskew),
        member(3, 4, Loss::SigmoidCrossEntropy, Preprocessing::None),
    ]
}

fn dataset(samples: &Samples) -> Dataset<'_> {
    Dataset::new(&samples.pixels, FEATURES, &samples.labels, CLASSES).unwrap()
}

/// The mean, one image and one member after the other, in f64.
fn slow_probabilities(members: &[Model], dataset: Dataset<'_>) -> Array2<f64> {
    let mut mean = Array2::zeros((dataset.len(), CLASSES));
    for n in 0..dataset.len() {
        for model in members {
            let mut seen = vec![0; FEATURES];
            model.preprocessing.apply(dataset.row(n), &model.image_shape, &mut seen);
            let outputs = model.network.forward(ArrayView2::from_shape((1, FEATURES), &seen).unwrap());
            for (class, &p) in model.loss.probabilities(outputs.view()).iter().enumerate() {
                mean[[n, class]] += f64::from(p) / members.len() as f64;
            }
        }
    }
    mean
}

#[test]
fn a_committee_says_the_mean_of_what_its_members_say() {
    let samples = Samples::new();
    let dataset = dataset(&samples);
    for count in 1..=3 {
        let committee = Committee::new(members()[..count].to_vec()).unwrap();
        let expected = slow_probabilities(committee.members(), dataset);
        let found = committee.probabilities(dataset, size(1)).unwrap();
        assert_eq!(found.dim(), expected.dim());
        for (found, expected) in found.iter().zip(&expected) {
            assert!((f64::from(*found) - expected).abs() < 1e-6, "{found} {expected}");
        }
        for threads in 2..=4 {
            assert_eq!(committee.probabilities(dataset, size(threads)).unwrap(), found);
        }
        let (evaluation, alone) = committee.evaluate_with_members(dataset, size(2)).unwrap();
        assert_eq!(committee.evaluate(dataset, size(2)).unwrap(), evaluation);
        for (Model { network, loss, preprocessing, .. }, correct) in committee.members().iter().zip(alone) {
            let seen = preprocessing.apply_all(dataset.pixels(), &[2, 3], size(1));
            let seen = dataset.with_pixels(&seen).unwrap();
            assert_eq!(evaluate(network, *loss, seen, size(1)).unwrap().tally.correct, correct);
        }
        let mut loss = 0.0;
        let mut correct = 0;
        for (n, row) in expected.rows().into_iter().enumerate() {
            let label = usize::from(dataset.label(n));
            loss -= row[label].ln();
            let best = (0..CLASSES).fold(0, |best, class| if row[class] > row[best] { class } else { best });
            correct += u64::from(best == label);
            assert!(evaluation.confusion[[label, best]] > 0);
        }
        assert_eq!((evaluation.tally.samples, evaluation.tally.correct), (dataset.len() as u64, correct));
        assert_eq!(evaluation.confusion.sum(), dataset.len() as u64);
        assert!((evaluation.tally.loss_sum - loss).abs() < 1e-4, "{} {loss}", evaluation.tally.loss_sum);
    }
}

#[test]
fn members_agree_on_their_preprocessing_or_do_not() {
    let preprocessing = |members: Vec<Model>| Committee::new(members).unwrap().preprocessing();
    assert_eq!(preprocessing(members()), None);
    assert_eq!(preprocessing(members()[1..2].to_vec()), Some(Preprocessing::Deskew));
}

#[test]
fn models_that_cannot_be_asked_together_are_refused() {
    assert_eq!(Committee::new(vec![]), Err(InvalidCommittee::Empty));
    let of = |inputs: usize, outputs: usize| {
        let network = Network::builder(inputs).dense(outputs, Activation::Identity).zeros().unwrap();
        let loss = Loss::SoftmaxCrossEntropy;
        let (image_shape, preprocessing) = (vec![inputs], Preprocessing::None);
        Model { network, loss, image_shape, preprocessing, class_names: None, record: None }
    };
    let found = |other| Committee::new(vec![of(6, 5), of(6, 5), other]).unwrap_err();
    assert_eq!(found(of(7, 5)), InvalidCommittee::Inputs { member: 2, expected: 6, found: 7 });
    assert_eq!(found(of(6, 4)), InvalidCommittee::Outputs { member: 2, expected: 5, found: 4 });
    assert_eq!(found(of(6, 4)).to_string(), "expected 5 outputs of model 3, as model 1 has, found 4");
    let samples = Samples::new();
    let error = Committee::new(vec![of(7, 5)]).unwrap().evaluate(dataset(&samples), size(1)).unwrap_err();
    assert_eq!(error, Incompatible::Features { network: 7, data: 6 });
}

#[test]
fn a_teacher_that_a_network_cannot_learn_from_is_refused_before_anything_has_happened() {
    let samples = Samples::new();
    let teacher = |inputs, outputs, share| {
        let network =
            Network::builder(inputs).dense(outputs, Activation::Identity).build(&mut initial_rng(1)).unwrap();
        let (loss, image_shape) = (Loss::SoftmaxCrossEntropy, vec![inputs]);
        let preprocessing = Preprocessing::None;
        let model = Model { network, loss, image_shape, preprocessing, class_names: None, record: None };
        (Committee::new(vec![model]).unwrap(), share)
    };
    let of_share = |found| InvalidTeacher::Share { found };
    for ((committee, share), expected) in [
        (teacher(7, CLASSES, 0.5), InvalidTeacher::Inputs { expected: FEATURES, found: 7 }),
        (teacher(FEATURES, 4, 0.5), InvalidTeacher::Outputs { expected: CLASSES, found: 4 }),
        (teacher(FEATURES, CLASSES, 1.5), of_share(1.5)),
        (teacher(FEATURES, CLASSES, -0.1), of_share(-0.1)),
    ] {
        let (mut network, mut optimizer) = (checkpoints::network(), Optimizer::sgd(0.5));
        let before = network.clone();
        let teacher = Some(Teacher { committee: &committee, share });
        let train = TrainingSet { teacher, ..dataset(&samples).into() };
        let error =
            fit(&mut network, &mut optimizer, train, None, &checkpoints::config(), &mut ()).unwrap_err();
        assert_eq!(error, FitError::Teacher(expected));
        assert_eq!(network, before);
    }
    let (committee, share) = teacher(FEATURES, CLASSES, f32::NAN);
    let teacher = Some(Teacher { committee: &committee, share });
    let train = TrainingSet { teacher, ..dataset(&samples).into() };
    let mut network = checkpoints::network();
    let error = fit(&mut network, &mut Optimizer::sgd(0.5), train, None, &checkpoints::config(), &mut ());
    assert!(matches!(error, Err(FitError::Teacher(InvalidTeacher::Share { found })) if found.is_nan()));
}
