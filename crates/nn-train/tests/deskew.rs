//! What deskewing promises: upright digits, by the formula of its documentation, and the names of the choices.

mod distortion;

use std::num::NonZeroUsize;

use distortion::Image;
use nn_train::{DataFiles, InvalidPreprocessing, Preprocessing, Split, deskew};
use proptest::prelude::*;

fn deskewed(image: Image<'_>) -> Vec<u8> {
    let mut out = vec![7; image.pixels.len()];
    deskew(image.pixels, image.rows, image.columns, &mut out);
    out
}

fn assert_near(found: &[u8], expected: &[f64]) {
    for (place, (&found, &expected)) in found.iter().zip(expected).enumerate() {
        assert!((f64::from(found) - expected).abs() <= 0.501, "pixel {place}: {found}, expected {expected}");
    }
}

fn digits() -> DataFiles {
    let sample = concat!(env!("CARGO_MANIFEST_DIR"), "/../../data/sample");
    DataFiles::open(sample.as_ref(), Split::Test).unwrap()
}

/// mu11 / mu02.
fn slant(pixels: &[u8], columns: usize) -> f64 {
    let places = || {
        pixels
            .iter()
            .enumerate()
            .map(|(place, &pixel)| (f64::from(pixel), (place % columns) as f64, (place / columns) as f64))
    };
    let mass: f64 = places().map(|(pixel, ..)| pixel).sum();
    let x = places().map(|(pixel, x, _)| pixel * x).sum::<f64>() / mass;
    let y = places().map(|(pixel, _, y)| pixel * y).sum::<f64>() / mass;
    let together: f64 = places().map(|(pixel, a, b)| pixel * (a - x) * (b - y)).sum();
    together / places().map(|(pixel, _, b)| pixel * (b - y).powi(2)).sum::<f64>()
}

#[test]
fn digits_stand_upright_afterwards_with_all_their_ink() {
    let files = digits();
    let mut steepest = 0_f64;
    for pixels in files.view().pixels().chunks_exact(784) {
        let upright = deskewed(Image { rows: 28, columns: 28, pixels });
        steepest = steepest.max(slant(pixels, 28).abs());
        let mass = |pixels: &[u8]| pixels.iter().map(|&pixel| f64::from(pixel)).sum::<f64>();
        // What little leaves the image would have weighed much, for it is far from the center.
        let lost = 1.0 - mass(&upright) / mass(pixels);
        assert!(lost < 0.02, "{lost}");
        let left = slant(&upright, 28).abs();
        assert!(left < 0.005 + 10.0 * lost.max(0.0), "{left} of {}, {lost} lost", slant(pixels, 28));
        // What is upright already hardly changes.
        let again = deskewed(Image { rows: 28, columns: 28, pixels: &upright });
        let changed: f64 = again.iter().zip(&upright).map(|(a, b)| f64::from(a.abs_diff(*b))).sum();
        assert!(changed < (0.1 + 10.0 * left) * mass(pixels), "{changed} of {}", mass(pixels));
    }
    assert!(steepest > 0.5, "{steepest}");
}

#[test]
fn digits_are_those_of_the_slow_formula() {
    for pixels in digits().view().pixels().chunks_exact(784) {
        let image = Image { rows: 28, columns: 28, pixels };
        assert_near(&deskewed(image), &distortion::deskewed(image));
    }
}

#[test]
fn what_has_no_slant_is_copied() {
    let blank = [0; 15];
    let line = [0, 0, 0, 0, 0, 0, 40, 80, 255, 0, 0, 0, 0, 0, 0];
    let pillar = [0, 0, 9, 0, 0, 0, 0, 255, 0, 0, 0, 0, 3, 0, 0];
    for pixels in [blank, line, pillar] {
        assert_eq!(deskewed(Image { rows: 3, columns: 5, pixels: &pixels }), pixels);
    }
    assert_eq!(deskewed(Image { rows: 0, columns: 5, pixels: &[] }), [0; 0]);
    assert_eq!(deskewed(Image { rows: 5, columns: 0, pixels: &[] }), [0; 0]);
}

#[test]
fn a_flat_dash_is_moved_by_two_pixels_a_row_and_no_more() {
    // Its own slant is 4, the way from the middle of the one row to that of the other.
    let dash = [
        200, 200, 200, 200, 0, 0, 0, 0, //
        0, 0, 0, 0, 200, 200, 200, 200,
    ];
    // Half a row from the center: one pixel.
    let expected = [
        0, 200, 200, 200, 200, 0, 0, 0, //
        0, 0, 0, 200, 200, 200, 200, 0,
    ];
    assert_eq!(deskewed(Image { rows: 2, columns: 8, pixels: &dash }), expected);
}

proptest! {
    #[test]
    fn any_image_is_that_of_the_slow_formula(
        (rows, columns, pixels) in (1..12_usize, 1..12_usize).prop_flat_map(|(rows, columns)| {
            let pixel = prop_oneof![Just(0), any::<u8>()];
            (Just(rows), Just(columns), prop::collection::vec(pixel, rows * columns))
        })
    ) {
        let image = Image { rows, columns, pixels: &pixels };
        assert_near(&deskewed(image), &distortion::deskewed(image));
    }
}

#[test]
fn all_images_are_done_as_each_of_them_by_any_number_of_threads() {
    let files = digits();
    let pixels = &files.view().pixels()[..784 * 7];
    let each: Vec<u8> =
        pixels.chunks(784).flat_map(|pixels| deskewed(Image { rows: 28, columns: 28, pixels })).collect();
    for threads in [1, 2, 3, 7, 50] {
        let threads = NonZeroUsize::new(threads).unwrap();
        assert_eq!(Preprocessing::Deskew.apply_all(pixels, &[28, 28], threads), each);
        assert_eq!(Preprocessing::None.apply_all(pixels, &[784], threads), pixels);
        assert!(Preprocessing::Deskew.apply_all(&[], &[28, 28], threads).is_empty());
    }
    let mut out = [0; 784];
    Preprocessing::Deskew.apply(&pixels[..784], &[28, 28], &mut out);
    assert_eq!(out, each[..784]);
    Preprocessing::None.apply(&pixels[..784], &[28, 28], &mut out);
    assert_eq!(out, pixels[..784]);
}

#[test]
fn choices_are_read_from_the_names_that_they_are_shown_by() {
    for (choice, name) in Preprocessing::ALL.into_iter().zip(["none", "deskew"]) {
        assert_eq!((choice.to_string().as_str(), choice.name(), name.parse()), (name, name, Ok(choice)));
    }
    assert_eq!(Preprocessing::default(), Preprocessing::None);
    let message = "upright".parse::<Preprocessing>().unwrap_err().to_string();
    assert_eq!(message, "unknown preprocessing \"upright\", expected one of: none, deskew");
}

#[test]
fn only_grey_pictures_can_be_made_upright() {
    for shape in [&[][..], &[784], &[3, 28, 28]] {
        let error = InvalidPreprocessing::Shape { image_shape: shape.to_vec() };
        assert_eq!(Preprocessing::Deskew.check(shape), Err(error));
        assert_eq!(Preprocessing::None.check(shape), Ok(()));
    }
    assert_eq!(Preprocessing::Deskew.check(&[5, 9]), Ok(()));
    let message = Preprocessing::Deskew.check(&[3, 28, 28]).unwrap_err().to_string();
    assert_eq!(message, "expected images of rows x columns to make upright, found 3 x 28 x 28");
}

#[test]
#[should_panic(expected = "an image of 15 and room for 14 of 3 x 5 pixels")]
fn another_number_of_pixels_is_a_mistake_of_the_caller() {
    deskew(&[0; 15], 3, 5, &mut [0; 14]);
}
