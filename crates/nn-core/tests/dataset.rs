//! Holds the data set and its batches, with the exact words of every refusal.

mod oracle;
mod samples;

use nn_core::{Activation, Dataset, DatasetError, Engine, Loss, Network, Tally, predicted_class};
use samples::{panic_of, rng};

const PIXELS: [u8; 15] = [0, 1, 2, 3, 4, 0, 0, 0, 0, 9, 10, 0, 12, 0, 14];

/// Three samples of five features.
fn dataset() -> Dataset<'static> {
    Dataset::new(&PIXELS, 5, &[2, 0, 1], 4).unwrap()
}

#[test]
fn a_dataset_tells_its_samples() {
    let dataset = dataset();
    assert_eq!((dataset.len(), dataset.is_empty()), (3, false));
    assert_eq!((dataset.features(), dataset.classes()), (5, 4));
    assert_eq!((dataset.pixels(), dataset.labels()), (&PIXELS[..], &[2, 0, 1][..]));
    assert_eq!((dataset.row(1), dataset.label(1)), (&[0, 0, 0, 0, 9][..], 0));
    assert_eq!(dataset.density(), 8.0 / 15.0);
}

#[test]
fn a_dataset_may_have_no_samples() {
    let empty = Dataset::new(&[], 5, &[], 4).unwrap();
    assert!(empty.is_empty() && empty.all().is_empty());
    assert_eq!((empty.len(), empty.density()), (0, 0.0));
    assert!(empty.split_at(0).1.is_empty());
}

#[test]
fn bytes_and_labels_that_do_not_fit_are_refused_in_these_words() {
    let refused = |features, labels: &[u8], classes| {
        Dataset::new(&PIXELS, features, labels, classes).map(|_| ()).unwrap_err()
    };
    for (error, expected, message) in [
        (
            refused(0, &[2, 0, 1], 4),
            DatasetError::NoFeatures,
            "samples have 0 features, expected at least one",
        ),
        (
            refused(4, &[2, 0, 1], 4),
            DatasetError::Length { labels: 3, features: 4, expected: 12, found: 15 },
            "3 labels of 4 features each need 12 bytes, found 15",
        ),
        (
            refused(usize::MAX, &[2, 0, 1], 4),
            DatasetError::Length { labels: 3, features: usize::MAX, expected: usize::MAX, found: 15 },
            "3 labels of 18446744073709551615 features each need 18446744073709551615 bytes, found 15",
        ),
        (refused(5, &[2, 0, 1], 0), DatasetError::Classes { classes: 0 }, "0 classes, expected 1 to 256"),
        (
            refused(5, &[2, 0, 1], 257),
            DatasetError::Classes { classes: 257 },
            "257 classes, expected 1 to 256",
        ),
        (
            refused(5, &[0, 2, 1], 2),
            DatasetError::Label { index: 1, label: 2, classes: 2 },
            "label 2 of sample 1 is past the last of 2 classes, expected 0 to 1",
        ),
    ] {
        assert_eq!(error, expected);
        assert_eq!(error.to_string(), message);
    }
}

#[test]
fn other_pixels_keep_features_labels_and_classes() {
    let pixels: Vec<u8> = (1..=15).collect();
    let changed = dataset().with_pixels(&pixels).unwrap();
    assert_eq!((changed.features(), changed.labels(), changed.classes()), (5, &[2, 0, 1][..], 4));
    assert_eq!((changed.pixels(), changed.row(2)), (&pixels[..], &[11, 12, 13, 14, 15][..]));
    // Of a part, as many as the part has.
    let (first, rest) = dataset().split_at(1);
    assert_eq!(rest.with_pixels(&pixels[5..]).unwrap().row(0), &[6, 7, 8, 9, 10]);
    assert_eq!(
        first.with_pixels(&pixels[..10]).map(|_| ()),
        Err(DatasetError::Length { labels: 1, features: 5, expected: 5, found: 10 })
    );
    for found in [0, 14] {
        assert_eq!(
            dataset().with_pixels(&pixels[..found]).map(|_| ()),
            Err(DatasetError::Length { labels: 3, features: 5, expected: 15, found })
        );
    }
}

#[test]
fn all_256_labels_are_allowed() {
    let labels: Vec<u8> = (0..=255).collect();
    let dataset = Dataset::new(&[7; 512], 2, &labels, 256).unwrap();
    assert_eq!(dataset.label(255), 255);
    let network = Network::builder(2).dense(256, Activation::Identity).build(&mut rng(5)).unwrap();
    let mut engine = Engine::new(std::num::NonZeroUsize::MIN);
    let evaluation = engine.evaluate(&network, Loss::SoftmaxCrossEntropy, dataset);
    assert_eq!(evaluation.confusion.sum(), 256);
}

#[test]
fn classes_may_be_counted_anew() {
    assert_eq!(dataset().with_classes(3).unwrap().classes(), 3);
    assert_eq!(dataset().with_classes(256).unwrap().classes(), 256);
    assert_eq!(
        dataset().with_classes(2).map(|_| ()),
        Err(DatasetError::Label { index: 0, label: 2, classes: 2 })
    );
    assert_eq!(dataset().with_classes(0).map(|_| ()), Err(DatasetError::Classes { classes: 0 }));
}

#[test]
fn a_dataset_is_split_without_losing_a_sample() {
    for count in 0..=3 {
        let (first, rest) = dataset().split_at(count);
        assert_eq!((first.len(), rest.len()), (count, 3 - count));
        assert_eq!([first.pixels(), rest.pixels()].concat(), PIXELS);
        assert_eq!([first.labels(), rest.labels()].concat(), [2, 0, 1]);
        assert_eq!((first.classes(), rest.classes(), rest.features()), (4, 4, 5));
    }
    let middle = dataset().slice(1..2);
    assert_eq!((middle.row(0), middle.labels()), (dataset().row(1), &[0][..]));
    assert!(dataset().slice(2..2).is_empty());
}

#[test]
fn a_batch_is_rows_by_index_in_the_order_given() {
    let dataset = dataset();
    let indices = [2, 0, 2];
    let batch = dataset.batch(&indices);
    assert_eq!((batch.len(), batch.is_empty()), (3, false));
    assert_eq!((batch.features(), batch.classes()), (5, 4));
    for (n, index) in indices.into_iter().enumerate() {
        assert_eq!((batch.row(n), batch.label(n)), (dataset.row(index), dataset.label(index)));
    }
    assert!(dataset.batch(&[]).is_empty());
    let all = dataset.all();
    assert_eq!(all.len(), 3);
    assert!((0..3).all(|n| all.row(n) == dataset.row(n) && all.label(n) == dataset.label(n)));
    // A view of part of the samples counts from its own beginning.
    let rest = dataset.slice(1..3);
    assert_eq!((rest.all().row(1), rest.batch(&[1]).row(0)), (dataset.row(2), dataset.row(2)));
}

#[test]
fn samples_past_the_end_are_refused() {
    let dataset = dataset();
    assert_eq!(panic_of(|| dataset.batch(&[0, 3])), "index 3 of 3 samples");
    let _ = panic_of(|| dataset.label(3));
    let _ = panic_of(|| dataset.split_at(4).0);
    let _ = panic_of(|| dataset.slice(1..4));
    let _ = panic_of(|| dataset.all().row(3));
    let _ = panic_of(|| dataset.all().label(3));
    let _ = panic_of(|| dataset.batch(&[0]).row(1));
    // The view ends where it was cut, though the bytes go on.
    let first = dataset.slice(0..1);
    let _ = panic_of(|| first.row(1));
    let _ = panic_of(|| first.all().row(1));
}

#[test]
fn a_row_past_the_end_panics_however_far() {
    let dataset = Dataset::new(&[1, 2, 3, 4], 2, &[0, 1], 2).unwrap();
    // Twice the index is 0 in 64 bits.
    let _ = panic_of(|| dataset.row(1 << 63).len());
    let _ = panic_of(|| dataset.all().row(1 << 63).len());
    let _ = panic_of(|| dataset.split_at(1 << 63).0.len());
}

#[test]
fn tallies_add_up_and_divide() {
    let mut tally = Tally { samples: 3, correct: 1, loss_sum: 1.5 };
    tally += Tally { samples: 1, correct: 1, loss_sum: 0.5 };
    assert_eq!(tally, Tally { samples: 4, correct: 2, loss_sum: 2.0 });
    assert_eq!((tally.mean_loss(), tally.accuracy()), (0.5, 0.5));
    assert!(Tally::default().mean_loss().is_nan() && Tally::default().accuracy().is_nan());
}

#[test]
fn the_greatest_output_is_predicted_and_the_first_of_equals() {
    let (nan, infinity) = (f32::NAN, f32::INFINITY);
    for (outputs, expected) in [
        (&[0.1, 0.9, 0.3][..], 1),
        (&[0.5, 0.2, 0.5], 0),
        (&[-3.0, -1.0, -2.0], 1),
        (&[nan, -5.0, nan], 1),
        (&[1.0, nan, 2.0], 2),
        (&[-infinity, 0.0], 1),
        (&[0.0, infinity, infinity], 1),
        (&[nan, nan], 0),
        (&[-0.0, 0.0], 0),
    ] {
        assert_eq!(predicted_class(outputs), expected, "{outputs:?}");
    }
}
