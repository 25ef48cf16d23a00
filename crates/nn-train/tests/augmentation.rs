//! What augmentation promises: the distortions of its documentation, as pure functions, for images of any shape.

mod distortion;

use std::thread;

use distortion::Image;
use nn_train::{Augmentation, Augmenter, DataFiles, InvalidAugmentation, Split};
use proptest::prelude::*;

const OFF: Augmentation = Augmentation {
    rotation: 0.0,
    scale: 0.0,
    shear: 0.0,
    shift: 0.0,
    elastic_strength: 0.0,
    elastic_smoothness: 5.5,
    class_limits: false,
};

/// As much as a pixel may differ from the slow formula, which does not round: half a level, and what single floats do
/// to a place where two pixels differ by 255.
const TOLERANCE: f64 = 0.52;

fn augmented(augmentation: Augmentation, image: Image<'_>, label: u8, chance: (u64, u32, usize)) -> Vec<u8> {
    let (seed, epoch, index) = chance;
    let mut augmenter = Augmenter::new(augmentation, &[image.rows, image.columns], seed).unwrap();
    // What was there must not matter.
    let mut out = vec![77; image.pixels.len()];
    augmenter.augment(image.pixels, label, epoch, index, &mut out);
    out
}

fn assert_near(found: &[u8], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len());
    for (place, (&found, &expected)) in found.iter().zip(expected).enumerate() {
        // What is fainter than 8 is background, and at 8 a single float may be on either side.
        let error = tolerance - 0.5;
        let is_near = expected > 8.0 - error && (f64::from(found) - expected).abs() <= tolerance;
        let is_background = expected < 8.0 + error && found == 0;
        assert!(is_near || is_background, "pixel {place}: {found}, expected {expected}");
    }
}

fn digits() -> DataFiles {
    let sample = concat!(env!("CARGO_MANIFEST_DIR"), "/../../data/sample");
    DataFiles::open(sample.as_ref(), Split::Test).unwrap()
}

fn mass(pixels: &[u8]) -> f64 {
    pixels.iter().map(|&pixel| f64::from(pixel)).sum()
}

#[test]
fn distortions_are_those_of_an_independent_program() {
    // tests/golden/augmentation.py
    let pixels: Vec<u8> =
        (0..7_usize).flat_map(|y| (0..9).map(move |x| ((37 * x + 61 * y + x * x * y) % 256) as u8)).collect();
    let image = Image { rows: 7, columns: 9, pixels: &pixels };
    for (augmentation, expected) in [
        (
            "affine",
            [
                77.182, 111.259, 146.627, 182.450, 123.686, 146.797, 57.760, 57.586, 0.686, //
                144.634, 181.025, 221.150, 141.799, 80.405, 99.566, 146.267, 133.642, 0.000, 192.122,
                105.194, 60.200, 105.967, 145.396, 83.408, 153.739, 74.160, 0.000, 118.079, 65.336, 115.492,
                173.430, 82.134, 64.180, 129.582, 104.721, 0.000, 91.509, 135.881, 179.138, 68.477, 82.659,
                159.609, 102.079, 79.369, 0.000, 83.699, 140.192, 57.771, 82.063, 170.485, 74.927, 111.250,
                73.715, 0.000, 0.000, 0.000, 0.000, 0.000, 5.351, 5.526, 38.281, 7.329, 0.000,
            ],
        ),
        (
            "elastic",
            [
                29.782, 47.545, 59.834, 70.685, 85.192, 109.340, 75.639, 14.132, 21.105, //
                85.655, 114.586, 145.572, 179.700, 138.147, 88.259, 94.829, 120.722, 97.899, 142.655,
                175.704, 212.459, 167.795, 88.254, 101.762, 166.900, 159.185, 32.977, 195.528, 128.146,
                90.455, 112.580, 121.045, 131.495, 41.449, 98.874, 106.773, 157.385, 81.356, 71.116, 124.274,
                153.235, 67.699, 90.985, 157.028, 29.068, 117.058, 71.217, 118.880, 160.414, 107.827, 68.619,
                158.308, 77.527, 137.799, 73.109, 112.373, 157.718, 160.539, 47.916, 124.741, 128.735,
                101.287, 71.672,
            ],
        ),
        (
            "rotation=25,scale=0.3,shear=0.4,shift=2,elastic-strength=1.5,elastic-smoothness=2",
            [
                177.782, 88.238, 102.295, 116.835, 97.663, 78.868, 0.000, 0.000, 0.000, //
                188.749, 65.524, 143.190, 58.316, 126.185, 101.628, 55.057, 0.000, 0.000, 100.194, 99.093,
                164.887, 83.340, 151.749, 82.601, 65.912, 15.163, 0.000, 110.118, 162.348, 136.143, 79.220,
                127.870, 93.650, 43.077, 6.598, 0.000, 73.020, 94.424, 44.492, 114.278, 24.825, 0.000, 0.000,
                0.000, 0.000, 0.000, 0.000, 0.000, 0.000, 0.000, 0.000, 0.000, 0.000, 0.000, 0.000, 0.000,
                0.000, 0.000, 0.000, 0.000, 0.000, 0.000, 0.000,
            ],
        ),
    ] {
        let found = augmented(augmentation.parse().unwrap(), image, 3, (42, 3, 17));
        assert_near(&found, &expected, TOLERANCE);
    }
}

#[test]
fn digits_are_those_of_the_slow_formula() {
    let files = digits();
    for (name, augmentation) in Augmentation::ALL_NAMED {
        for index in (0..files.len()).step_by(9) {
            let pixels = files.view().row(index);
            let image = Image { rows: 28, columns: 28, pixels };
            let (label, chance) = (files.view().label(index), (5, 2, index));
            let found = augmented(augmentation, image, label, chance);
            let expected = distortion::augmented(&augmentation, image, label, chance);
            assert_ne!(found, pixels, "{name} {index}");
            assert_near(&found, &expected, TOLERANCE);
        }
    }
}

prop_compose! {
    fn any_augmentation()(
        rotation in 0.0..=180_f32,
        scale in 0.0..=0.9_f32,
        shear in 0.0..=2_f32,
        shift in prop_oneof![0.0..3_f32, 0.0..=1000_f32],
        elastic_strength in prop_oneof![Just(0.0), 0.0..3_f32, 0.0..=100_f32],
        elastic_smoothness in prop_oneof![1.0..8_f32, 1.0..=1000_f32],
        class_limits in any::<bool>(),
    ) -> Augmentation {
        Augmentation { rotation, scale, shear, shift, elastic_strength, elastic_smoothness, class_limits }
    }
}

fn any_image() -> impl Strategy<Value = (usize, usize, Vec<u8>)> {
    let shape = prop_oneof![
        Just((1, 1)),
        Just((1, 13)),
        Just((13, 1)),
        Just((5, 9)),
        Just((28, 28)),
        Just((40, 17)),
        (1..20_usize, 1..20_usize)
    ];
    shape.prop_flat_map(|(rows, columns)| {
        let pixel = prop_oneof![Just(0), Just(255), any::<u8>()];
        (Just(rows), Just(columns), prop::collection::vec(pixel, rows * columns))
    })
}

proptest! {
    #[test]
    fn any_distortion_is_that_of_the_slow_formula(
        augmentation in any_augmentation(),
        (rows, columns, pixels) in any_image(),
        label: u8,
        chance in any::<(u64, u32, usize)>(),
    ) {
        let image = Image { rows, columns, pixels: &pixels };
        let found = augmented(augmentation, image, label, chance);
        let expected = distortion::augmented(&augmentation, image, label, chance);
        // Single floats know a place a thousand pixels away to 1 / 8192 pixels, where the slope may be 255.
        assert_near(&found, &expected, 0.7);
    }

    #[test]
    fn every_distortion_is_spelled_so_that_it_is_read_again(augmentation in any_augmentation()) {
        prop_assert_eq!(augmentation.to_string().parse(), Ok(augmentation));
    }

    #[test]
    fn without_a_distortion_every_image_stays_what_it_is(
        (rows, columns, pixels) in any_image(),
        chance in any::<(u64, u32, usize)>(),
    ) {
        let image = Image { rows, columns, pixels: &pixels };
        prop_assert_eq!(augmented(OFF, image, 7, chance), &*pixels);
        // Distortions too weak to be seen go the other way through the code, where faint pixels become background.
        let clear: Vec<u8> = pixels.iter().map(|&pixel| if pixel < 8 { 0 } else { pixel }).collect();
        for weak in [Augmentation { elastic_strength: 1e-9, ..OFF }, Augmentation { shift: 1e-9, ..OFF }] {
            prop_assert_eq!(augmented(weak, image, 7, chance), &*clear);
        }
    }
}

#[test]
fn a_large_image_of_another_shape_is_distorted_too() {
    let (rows, columns) = (100, 60);
    let pixels: Vec<u8> = (0..rows * columns).map(|place| (place * place / 7 % 256) as u8).collect();
    let image = Image { rows, columns, pixels: &pixels };
    let found = augmented(Augmentation::STRONG, image, 7, (1, 1, 0));
    assert_near(&found, &distortion::augmented(&Augmentation::STRONG, image, 7, (1, 1, 0)), TOLERANCE);
}

#[test]
fn an_image_of_one_long_row_or_column_takes_no_more_memory_than_another() {
    // A grid of half a million points, of which each pixel sees four in a row.
    let bent = Augmentation { elastic_strength: 2.0, elastic_smoothness: 1.0, ..OFF };
    for shape in [[1, 1_000_000], [1_000_000, 1]] {
        let (pixels, mut out) = (vec![255; 1_000_000], vec![0; 1_000_000]);
        Augmenter::new(bent, &shape, 1).unwrap().augment(&pixels, 0, 1, 0, &mut out);
        // All but where the way leads off the line, which movements of 2 pixels nearly always do.
        let lit = out.iter().filter(|&&pixel| pixel > 0).count();
        assert!((100_000..700_000).contains(&lit), "{lit}");
    }
}

#[test]
fn the_same_sample_is_the_same_in_any_order_and_on_any_thread() {
    let files = digits();
    let images = files.view();
    let samples: Vec<(u32, usize)> =
        (1..4).flat_map(|epoch| (0..20).map(move |index| (epoch, index))).collect();
    let all = |samples: &[(u32, usize)]| {
        let mut augmenter = Augmenter::new(Augmentation::STRONG, files.image_shape(), 9).unwrap();
        let mut each = |&(epoch, index): &(u32, usize)| {
            let mut out = vec![0; 784];
            augmenter.augment(images.row(index), images.label(index), epoch, index, &mut out);
            out
        };
        samples.iter().map(&mut each).collect::<Vec<_>>()
    };
    let expected = all(&samples);
    let mut backwards = samples.clone();
    backwards.reverse();
    let mut found = all(&backwards);
    found.reverse();
    assert_eq!(found, expected);
    let (first, second) = samples.split_at(23);
    let found = thread::scope(|scope| {
        let halves = [first, second].map(|half| scope.spawn(move || all(half)));
        halves.map(|half| half.join().unwrap()).concat()
    });
    assert_eq!(found, expected);
    // And each is another one: epochs, indices and seeds all count.
    for (place, image) in expected.iter().enumerate() {
        assert!(!expected[place + 1..].contains(image), "{place}");
    }
    let image = Image { rows: 28, columns: 28, pixels: images.row(0) };
    let of_seed = |seed| augmented(Augmentation::AFFINE, image, 0, (seed, 1, 0));
    assert_ne!(of_seed(1), of_seed(2));
}

#[test]
fn a_digit_keeps_its_ink() {
    let files = digits();
    let images = files.view();
    for (name, augmentation) in Augmentation::ALL_NAMED {
        let mut augmenter = Augmenter::new(augmentation, &[28, 28], 3).unwrap();
        let (mut before, mut after, mut out) = (0.0, 0.0, vec![0; 784]);
        for index in 0..images.len() {
            augmenter.augment(images.row(index), images.label(index), 1, index, &mut out);
            let share = mass(&out) / mass(images.row(index));
            assert!((0.4..1.8).contains(&share), "{name} {index}: {share}");
            before += mass(images.row(index));
            after += mass(&out);
        }
        assert!((after / before - 1.0_f64).abs() < 0.03, "{name}: {}", after / before);
    }
}

#[test]
fn the_digits_1_and_7_are_turned_and_slanted_half_as_far_where_asked() {
    let limited = Augmentation { class_limits: true, ..Augmentation::AFFINE };
    for label in 0..=u8::MAX {
        let expected = if [1, 7].contains(&label) { 0.5 } else { 1.0 };
        assert_eq!(limited.limit(label), expected);
        assert_eq!(Augmentation::AFFINE.limit(label), 1.0);
    }
    let files = digits();
    let image = Image { rows: 28, columns: 28, pixels: files.view().row(7) };
    let whole = Augmentation { rotation: 40.0, shear: 0.5, scale: 0.2, ..OFF };
    let half = Augmentation { rotation: 20.0, shear: 0.25, ..whole };
    let limited = Augmentation { class_limits: true, ..whole };
    let of = |augmentation, label| augmented(augmentation, image, label, (1, 2, 3));
    assert_eq!(of(limited, 7), of(half, 7));
    assert_eq!(of(limited, 3), of(whole, 3));
    assert_ne!(of(limited, 7), of(whole, 7));
}

#[test]
fn a_movement_has_the_strength_that_was_asked_for_at_every_pixel() {
    // On a slope of 3 levels a pixel, a movement along it changes a pixel by three times as much. 40 rows, 50 columns,
    // of which those are judged that no movement takes to the border.
    let (rows, columns, border) = (40, 50, 14);
    let places = || (0..rows * columns).map(|place| (place % columns, place / columns));
    let across: Vec<u8> = places().map(|(x, _)| (50 + 3 * x) as u8).collect();
    let down: Vec<u8> = places().map(|(_, y)| (50 + 3 * y) as u8).collect();
    let elastic = Augmentation { elastic_strength: 1.5, elastic_smoothness: 3.0, ..OFF };
    let mut augmenter = Augmenter::new(elastic, &[rows, columns], 11).unwrap();
    let samples = 3000;
    for slope in [across, down] {
        let (mut squares, mut out) = (vec![0.0; rows * columns], vec![0; rows * columns]);
        for index in 0..samples {
            augmenter.augment(&slope, 0, 1, index, &mut out);
            for ((square, &out), &pixel) in squares.iter_mut().zip(&out).zip(&slope) {
                *square += ((f64::from(out) - f64::from(pixel)) / 3.0).powi(2) / samples as f64;
            }
        }
        for ((x, y), square) in places().zip(squares) {
            if (border..columns - border).contains(&x) && (border..rows - border).contains(&y) {
                assert!((square.sqrt() - 1.5).abs() < 0.1, "({x}, {y}): {}", square.sqrt());
            }
        }
    }
}

#[test]
fn movements_are_as_smooth_as_those_of_a_gaussian() {
    // The correlation of two places follows from the weights, which are the oracle's here: that of the library is
    // held to it above.
    for smoothness in [2.0_f32, 5.5] {
        let weights = distortion::axis(40, smoothness);
        for (place, one) in weights.iter().enumerate() {
            for (other_place, other) in weights.iter().enumerate() {
                let found: f64 = one.iter().zip(other).map(|(a, b)| a * b).sum();
                let distance = place.abs_diff(other_place) as f64;
                let expected = (-distance * distance / (4.0 * f64::from(smoothness).powi(2))).exp();
                assert!(
                    (found - expected).abs() < 0.08,
                    "{smoothness} {place} {other_place}: {found}, {expected}"
                );
            }
        }
    }
}

#[test]
fn what_makes_no_sense_is_refused() {
    let number = |augmentation: Augmentation, key: &str, found: &str| {
        let error = augmentation.check().unwrap_err();
        assert_eq!(Augmenter::new(augmentation, &[28, 28], 1).unwrap_err(), error);
        let start = format!("the {key} of an augmentation is `{found}`, expected a number from ");
        assert!(error.to_string().starts_with(&start), "{error}");
    };
    number(Augmentation { rotation: 180.1, ..OFF }, "rotation", "180.1");
    number(Augmentation { rotation: -1.0, ..OFF }, "rotation", "-1");
    number(Augmentation { scale: 1.0, ..OFF }, "scale", "1");
    number(Augmentation { shear: f32::INFINITY, ..OFF }, "shear", "inf");
    number(Augmentation { shift: f32::NAN, ..OFF }, "shift", "NaN");
    number(
        Augmentation { elastic_strength: 1e30, ..OFF },
        "elastic-strength",
        "1000000000000000000000000000000",
    );
    number(Augmentation { elastic_smoothness: 0.0, ..OFF }, "elastic-smoothness", "0");
    for (_, named) in Augmentation::ALL_NAMED {
        named.check().unwrap();
    }
    for shape in
        [&[][..], &[784], &[3, 28, 28], &[0, 28], &[28, 0], &[usize::MAX, 2], &[2047, 2047], &[1 << 22, 1]]
    {
        let error = InvalidAugmentation::Shape { image_shape: shape.to_vec() };
        assert_eq!(Augmenter::new(OFF, shape, 1).unwrap_err(), error);
    }
    assert!(Augmenter::new(OFF, &[2046, 2046], 1).is_ok());
    assert_eq!(
        Augmenter::new(OFF, &[784], 1).unwrap_err().to_string(),
        "expected images of rows x columns, neither 0 and together at most about 4194304, found 784"
    );
}

#[test]
#[should_panic(expected = "an image of 784 and room for 783 of 28 x 28 pixels")]
fn another_number_of_pixels_is_a_mistake_of_the_caller() {
    Augmenter::new(OFF, &[28, 28], 1).unwrap().augment(&[0; 784], 0, 1, 0, &mut [0; 783]);
}

#[test]
fn names_and_lists_are_read_as_they_are_shown() {
    for (name, augmentation) in Augmentation::ALL_NAMED {
        assert_eq!((augmentation.to_string().as_str(), name.parse()), (name, Ok(augmentation)));
    }
    for text in
        ["rotation=0", "rotation=10,scale=0.1", "elastic-strength=1.5,elastic-smoothness=4,class-limits=yes"]
    {
        assert_eq!(text.parse::<Augmentation>().unwrap().to_string(), text);
    }
    let spaced = " shift = 2 , rotation = 12.50,class-limits=no";
    assert_eq!(spaced.parse(), Ok(Augmentation { rotation: 12.5, shift: 2.0, ..OFF }));
    let affine = "rotation=10,scale=0.1,shear=0.15,shift=1";
    assert_eq!(affine.parse(), Ok(Augmentation::AFFINE));
    assert_eq!(format!("{:>8}|", Augmentation::MEDIUM), "  medium|");
}

#[test]
fn errors_name_what_was_found_and_what_was_expected() {
    let message = |text: &str| text.parse::<Augmentation>().unwrap_err().to_string();
    let unknown = "expected affine, elastic, medium, strong, or a list such as rotation=10,scale=0.1";
    for text in ["", "Strong", "rotation", "strong,rotation"] {
        assert_eq!(message(text), format!("unknown augmentation `{text}`, {unknown}"));
    }
    let keys =
        "expected one of: rotation, scale, shear, shift, elastic-strength, elastic-smoothness, class-limits";
    for (text, key) in [("angle=3", "angle"), ("rotation=3,", ""), ("strong,scale=0.1", "strong"), ("=", "")]
    {
        assert_eq!(message(text), format!("unknown setting `{key}` of an augmentation, {keys}"));
    }
    for (text, key, found, range) in [
        ("rotation=", "rotation", "", "0 to 180"),
        ("rotation=wide", "rotation", "wide", "0 to 180"),
        ("scale=1.5", "scale", "1.5", "0 to 0.9"),
        ("shear=nan", "shear", "nan", "0 to 2"),
        ("shift=-1", "shift", "-1", "0 to 1000"),
        ("elastic-strength=inf", "elastic-strength", "inf", "0 to 100"),
        // In 32 bits these are others.
        ("elastic-strength=1e99", "elastic-strength", "1e99", "0 to 100"),
        ("rotation=180.0001234", "rotation", "180.0001234", "0 to 180"),
        ("elastic-smoothness=0.5", "elastic-smoothness", "0.5", "1 to 1000"),
    ] {
        let expected = format!("the {key} of an augmentation is `{found}`, expected a number from {range}");
        assert_eq!(message(text), expected);
    }
    assert_eq!(message("shift=1,shift=2"), "the shift of an augmentation is given twice");
    assert_eq!(message("class-limits=1"), "the class-limits of an augmentation is `1`, expected yes or no");
}
