//! What the preparation of pictures promises: MNIST's own way, whatever the picture's size, place, colors and light.

use nn_train::{
    ChaCha8Rng, DataFiles, Ink, Preparation, PreparationError, Prepared, Split, initial_rng,
    nn_core::rand::Rng,
};

/// A grey picture.
#[derive(Clone)]
struct Picture {
    width: usize,
    height: usize,
    grey: Vec<u8>,
}

impl Picture {
    fn new(width: usize, height: usize, grey: impl Fn(usize, usize) -> u8) -> Picture {
        let grey = (0..width * height).map(|place| grey(place % width, place / width)).collect();
        Picture { width, height, grey }
    }

    fn map(&self, change: impl Fn(u8) -> u8) -> Picture {
        Picture { grey: self.grey.iter().map(|&pixel| change(pixel)).collect(), ..*self }
    }

    /// Each pixel a square of so many.
    fn enlarged(&self, factor: usize) -> Picture {
        Picture::new(self.width * factor, self.height * factor, |x, y| {
            self.grey[y / factor * self.width + x / factor]
        })
    }

    /// On a larger canvas.
    fn placed(&self, width: usize, height: usize, left: usize, top: usize, paper: u8) -> Picture {
        let inside =
            |place: usize, first: usize, count| place.checked_sub(first).filter(|&place| place < count);
        Picture::new(width, height, |x, y| match (inside(x, left, self.width), inside(y, top, self.height)) {
            (Some(x), Some(y)) => self.grey[y * self.width + x],
            _ => paper,
        })
    }

    fn prepared(&self) -> Prepared {
        prepare(self, &[28, 28]).unwrap()
    }
}

fn prepare(picture: &Picture, image_shape: &[usize]) -> Result<Prepared, PreparationError> {
    Preparation::of(image_shape).unwrap().apply(picture.width, picture.height, &picture.grey)
}

/// The digits that come with the project, of 28 x 28 pixels.
fn digits() -> Vec<Picture> {
    let sample = concat!(env!("CARGO_MANIFEST_DIR"), "/../../data/sample");
    let files = DataFiles::open(sample.as_ref(), Split::Test).unwrap();
    let digit = |index| Picture { width: 28, height: 28, grey: files.view().row(index).to_vec() };
    (0..files.len()).map(digit).collect()
}

/// The mean distance of two images, in levels of 256.
fn distance(a: &[u8], b: &[u8]) -> f64 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| f64::from(a.abs_diff(*b))).sum::<f64>() / a.len() as f64
}

/// The same, of images of 28 x 28, of which one may be moved by a pixel: where the center of mass is near the middle
/// between two pixels, little decides on which side.
fn distance_in_place(a: &[u8], b: &[u8]) -> f64 {
    let moved = |x: usize, y: usize| {
        let image = Picture { width: 28, height: 28, grey: a.to_vec() }.placed(30, 30, x, y, 0);
        Picture::new(28, 28, |x, y| image.grey[(y + 1) * 30 + x + 1]).grey
    };
    let places = (0..9).map(|place| distance(&moved(place % 3, place / 3), b));
    places.fold(f64::MAX, f64::min)
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let values: Vec<f64> = values.collect();
    values.iter().sum::<f64>() / values.len() as f64
}

/// A picture in black and white of a stroke that wanders about.
fn scribble(rng: &mut ChaCha8Rng) -> Picture {
    let (width, height) = (rng.random_range(5..90), rng.random_range(5..90));
    let mut picture = Picture::new(width, height, |_, _| 0);
    let (mut x, mut y) = (width / 2, height / 2);
    for _ in 0..rng.random_range(width + height..width * height + 60) {
        picture.grey[y * width + x] = 255;
        match rng.random_range(0..4) {
            0 => x = (x + 1).min(width - 1),
            1 => x = x.saturating_sub(1),
            2 => y = (y + 1).min(height - 1),
            _ => y = y.saturating_sub(1),
        }
    }
    picture
}

/// MNIST's way in whole numbers, for ink of 255 on 0: each pixel is cut into 20 x 20, so that a pixel of the result is
/// a square of as many pieces as the longer side has pixels.
fn oracle(picture: &Picture) -> Vec<u8> {
    let lit = |x: usize, y: usize| picture.grey[y * picture.width + x] > 0;
    let columns: Vec<usize> =
        (0..picture.width).filter(|&x| (0..picture.height).any(|y| lit(x, y))).collect();
    let rows: Vec<usize> = (0..picture.height).filter(|&y| (0..picture.width).any(|x| lit(x, y))).collect();
    let (left, right) = (columns[0], columns[columns.len() - 1] + 1);
    let (top, bottom) = (rows[0], rows[rows.len() - 1] + 1);
    let longer = (right - left).max(bottom - top);
    let mut sums = [[0_u64; 20]; 20];
    for (row, line) in sums.iter_mut().enumerate() {
        for (column, sum) in line.iter_mut().enumerate() {
            for piece in 0..longer * longer {
                let x = left + (column * longer + piece % longer) / 20;
                let y = top + (row * longer + piece / longer) / 20;
                *sum += u64::from(x < right && y < bottom && lit(x, y));
            }
        }
    }
    let greatest = *sums.iter().flatten().max().unwrap();
    // Twice the center, times the mass, so that halves are whole numbers.
    let (mut mass, mut across, mut down) = (0, 0, 0);
    for (row, line) in (0..).zip(&sums) {
        for (column, &sum) in (0..).zip(line) {
            mass += sum;
            across += sum * (2 * column + 1);
            down += sum * (2 * row + 1);
        }
    }
    let cells = |from: usize, to: usize| (20 * (to - from)).div_ceil(longer);
    let first = |twice: u64, cells| ((30 * mass - twice) / (2 * mass)).min(28 - cells as u64) as usize;
    let (x, y) = (first(across, cells(left, right)), first(down, cells(top, bottom)));
    let mut image = vec![0; 28 * 28];
    for (row, line) in sums.iter().enumerate() {
        for (column, &sum) in line.iter().enumerate().filter(|(_, sum)| **sum > 0) {
            image[(y + row) * 28 + x + column] = ((2 * 255 * sum + greatest) / (2 * greatest)) as u8;
        }
    }
    image
}

#[test]
fn ink_in_black_and_white_is_prepared_as_the_oracle_says() {
    let mut rng = initial_rng(5);
    for number in 0..300 {
        let scribble = scribble(&mut rng).placed(211, 203, 40, 50, 0);
        let (found, expected) = (scribble.prepared().pixels, oracle(&scribble));
        let greatest = found.iter().zip(&expected).map(|(a, b)| a.abs_diff(*b)).max();
        assert!(greatest <= Some(1), "scribble {number}: {greatest:?}");
    }
}

#[test]
fn a_digit_that_was_prepared_comes_back_nearly_as_it_was() {
    let digits = digits();
    let distances: Vec<f64> =
        digits.iter().map(|digit| distance(&digit.prepared().pixels, &digit.grey)).collect();
    let mean = mean(distances.iter().copied());
    assert!(mean < 2.0, "{mean}");
    let changed = distances.iter().filter(|&&distance| distance > 10.0).count();
    assert!(changed * 50 < digits.len(), "{changed}");
}

#[test]
fn neither_place_nor_colors_nor_whole_sizes_change_anything() {
    for digit in digits().iter().take(100) {
        let expected = digit.placed(60, 50, 10, 10, 0).prepared();
        assert!(!expected.is_inverted);
        for (left, top) in [(0, 0), (32, 22), (3, 19)] {
            assert_eq!(digit.placed(60, 50, left, top, 0).prepared(), expected, "{left} {top}");
        }
        for factor in [2, 5] {
            let larger = digit.placed(60, 50, 20, 15, 0).enlarged(factor).prepared();
            let distance = distance(&larger.pixels, &expected.pixels);
            assert!(distance < 1.0, "{factor} times as large: {distance}");
        }
        let dark = digit.placed(60, 50, 20, 15, 0).map(|pixel| 255 - pixel).prepared();
        assert_eq!((dark.pixels, dark.is_inverted), (expected.pixels, true));
    }
}

#[test]
fn a_large_photo_is_reduced_before_and_gives_the_same() {
    for digit in digits().iter().step_by(97) {
        let small = digit.placed(50, 70, 11, 25, 0).map(|pixel| 255 - pixel);
        let distance = distance_in_place(&small.enlarged(45).prepared().pixels, &small.prepared().pixels);
        assert!(distance < 2.5, "{distance}");
    }
}

/// Light from one side that is nearly gone at the other, grain, dust and a dark strip beside the paper.
#[test]
fn uneven_light_grain_dust_and_what_lies_beside_the_paper_change_little() {
    let mut rng = initial_rng(11);
    let mut distances = Vec::new();
    for digit in digits().iter().step_by(10) {
        let clean = digit.placed(50, 60, 12, 20, 0).enlarged(6).map(|pixel| 255 - pixel);
        let (width, height) = (clean.width, clean.height);
        let mut photo = clean.clone();
        for (place, pixel) in photo.grey.iter_mut().enumerate() {
            let (x, y) = (place % width, place / width);
            // Ink gives back a tenth of the light.
            let light = 70.0 + 160.0 * x as f64 / width as f64 - 30.0 * (y as f64 / height as f64).powi(2);
            let grey = (f64::from(*pixel) * 0.9 / 255.0 + 0.1) * light + rng.random_range(-6.0..6.0);
            *pixel = if y >= height - 12 { 20 } else { grey.clamp(0.0, 255.0) as u8 };
        }
        for _ in 0..20 {
            let (x, y) = (rng.random_range(1..width - 1), rng.random_range(1..height - 1));
            photo.grey[y * width + x] = 0;
            photo.grey[y * width + x + 1] = 0;
        }
        let prepared = photo.prepared();
        assert!(prepared.is_inverted);
        distances.push(distance_in_place(&prepared.pixels, &clean.prepared().pixels));
    }
    distances.sort_by(f64::total_cmp);
    let (mean, most) = (mean(distances.iter().copied()), distances[distances.len() * 95 / 100]);
    assert!(mean < 5.0 && most < 12.0, "{mean} {most}");
}

#[test]
fn ink_may_be_said_to_be_dark_or_light_where_the_border_misleads() {
    // A dark frame around white paper with a black bar.
    let picture = Picture::new(90, 70, |x, y| match (x, y) {
        (40..46, 20..50) => 0,
        (15..75, 10..60) => 255,
        _ => 30,
    });
    let [auto, dark, light] = [Ink::Auto, Ink::Dark, Ink::Light].map(|ink| {
        let preparation = Preparation::of(&[28, 28]).unwrap().ink(ink);
        preparation.apply(picture.width, picture.height, &picture.grey).unwrap().is_inverted
    });
    assert_eq!((auto, dark, light), (false, true, false));
}

#[test]
fn images_of_a_model_are_of_its_size_and_keep_the_aspect() {
    let bar =
        Picture::new(90, 70, |x, y| if (40..46).contains(&x) && (20..50).contains(&y) { 255 } else { 0 });
    for (image_shape, ink) in [([28, 28], 20 * 4), ([14, 14], 10 * 2), ([14, 56], 10 * 2), ([1, 1], 1)] {
        let pixels = prepare(&bar, &image_shape).unwrap().pixels;
        assert_eq!(pixels.len(), image_shape[0] * image_shape[1]);
        assert_eq!(pixels.iter().filter(|&&pixel| pixel == 255).count(), ink, "{image_shape:?}");
    }
    for image_shape in [&[784][..], &[28, 28, 3], &[0, 28], &[]] {
        let error = Preparation::of(image_shape).unwrap_err();
        assert!(error.to_string().starts_with("expected a model for images of height x width"), "{error}");
    }
}

#[test]
fn a_picture_without_ink_is_refused() {
    let mut rng = initial_rng(3);
    let grain: Vec<u8> = (0..100 * 80).map(|_| rng.random_range(180..200)).collect();
    for (what, picture) in [
        ("white", Picture::new(100, 80, |_, _| 255)),
        ("black", Picture::new(100, 80, |_, _| 0)),
        ("one pixel", Picture::new(1, 1, |_, _| 9)),
        ("a faint mark", Picture::new(100, 80, |x, _| if x == 50 { 245 } else { 255 })),
        ("light from one side", Picture::new(100, 80, |x, _| 100 + x as u8)),
        ("grain", Picture { width: 100, height: 80, grey: grain }),
        ("a speck", Picture::new(1000, 800, |x, y| if x / 4 == 99 && y / 4 == 99 { 0 } else { 255 })),
    ] {
        assert_eq!(prepare(&picture, &[28, 28]), Err(PreparationError::Blank), "{what}");
    }
    for (width, height) in [(3, 5), (0, 0), (4, 0), (usize::MAX, 2)] {
        let error = Preparation::of(&[28, 28]).unwrap().apply(width, height, &[7; 14]).unwrap_err();
        assert_eq!(error, PreparationError::Length { width, height, found: 14 });
    }
    let nothing = Preparation::of(&[28, 28]).unwrap().apply(0, 9, &[]).unwrap_err();
    assert_eq!(nothing, PreparationError::Length { width: 0, height: 9, found: 0 });
}

#[test]
fn any_picture_of_any_shape_is_prepared_or_refused() {
    let mut rng = initial_rng(17);
    let sides = [1, 2, 3, 5, 17, 28, 300, 1025, 2049];
    for round in 0..240 {
        let width = sides[rng.random_range(0..sides.len())];
        let height = sides[rng.random_range(0..if width > 300 { 5 } else { sides.len() })];
        // Mostly one of two greys, or all sorts.
        let share = [0.01, 0.3, 0.9][round % 3];
        let (paper, pen) = (rng.random(), rng.random());
        let grey = (0..width * height)
            .map(|_| {
                if round % 4 == 0 {
                    rng.random()
                } else if rng.random_bool(share) {
                    pen
                } else {
                    paper
                }
            })
            .collect();
        let picture = Picture { width, height, grey };
        for image_shape in [[28, 28], [3, 50], [1, 1]] {
            if let Ok(prepared) = prepare(&picture, &image_shape) {
                assert_eq!(prepared.pixels.len(), image_shape[0] * image_shape[1]);
                assert_eq!(prepared.pixels.iter().max(), Some(&255), "{width}x{height}");
            }
        }
    }
}
