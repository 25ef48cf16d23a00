//! Where the ink stands in the image: owns its size and its place, and refuses to know how it was found.

use super::Plane;

/// Of MNIST's 28 pixels, 20 are for the ink.
const INK_SIDE: f64 = 20.0;
const IMAGE_SIDE: f64 = 28.0;

/// Ink from 0 to 1 as an image of bytes, scaled and put in its place.
pub(super) fn lay_out(ink: &Plane, width: usize, height: usize) -> Vec<u8> {
    let room = |side: usize| (INK_SIDE * side as f64 / IMAGE_SIDE).round().max(1.0);
    let scale = (room(width) / ink.width as f64).min(room(height) / ink.height as f64);
    let scaled = scaled(ink, scale);
    let greatest = scaled.values.iter().copied().fold(f32::MIN_POSITIVE, f32::max);

    let (left, top) = place(&scaled, width, height);
    let mut pixels = vec![0; width * height];
    for (row, values) in (top..).zip(scaled.rows()) {
        let start = row * width + left;
        for (pixel, value) in pixels[start..].iter_mut().zip(values) {
            *pixel = (255.0 * value / greatest).round() as u8;
        }
    }
    pixels
}

/// The first column and row for the scaled ink, so that its center of mass is in the middle, and all of it inside.
///
/// As in MNIST, which moves by whole pixels, that center is not more than a pixel to the right of the middle or below.
fn place(scaled: &Plane, width: usize, height: usize) -> (usize, usize) {
    let (mut mass, mut across, mut down) = (0.0, 0.0, 0.0);
    for (row, values) in scaled.rows().enumerate() {
        for (column, &value) in values.iter().enumerate() {
            let value = f64::from(value);
            mass += value;
            across += value * (column as f64 + 0.5);
            down += value * (row as f64 + 0.5);
        }
    }
    let first = |center: f64, ink: usize, side: usize| {
        // A center that is a whole number may come out a little greater.
        let first = (side as f64 / 2.0 + 1.0 - center + 1e-4).floor();
        (first.max(0.0) as usize).min(side - ink)
    };
    (first(across / mass, scaled.width, width), first(down / mass, scaled.height, height))
}

/// The plane at another size; each value is the mean of the area that it stands for.
fn scaled(plane: &Plane, scale: f64) -> Plane {
    let (columns, rows) = (areas(plane.width, scale), areas(plane.height, scale));
    let mut values = vec![0.0; columns.len() * rows.len()];
    for (area, sums) in rows.iter().zip(values.chunks_exact_mut(columns.len())) {
        for (row, height) in plane.rows().skip(area.first).zip(&area.shares) {
            for (column, sum) in columns.iter().zip(&mut *sums) {
                let piece = row[column.first..].iter().zip(&column.shares);
                *sum += height * piece.map(|(value, width)| value * width).sum::<f32>();
            }
        }
    }
    Plane { width: columns.len(), height: rows.len(), values }
}

/// What a value of a scaled row or column stands for: so many of the old ones, each with its share in the mean.
struct Area {
    first: usize,
    shares: Vec<f32>,
}

fn areas(count: usize, scale: f64) -> Vec<Area> {
    // A size that is a whole number may come out a little greater.
    let areas = (count as f64 * scale - 1e-6).ceil().max(1.0) as usize;
    let area = |number: usize| {
        let (start, end) = (number as f64 / scale, (number + 1) as f64 / scale);
        let first = (start as usize).min(count - 1);
        let last = (end.ceil() as usize).clamp(first + 1, count);
        let share = |place: usize| {
            let inside = end.min((place + 1) as f64) - start.max(place as f64);
            (inside.max(0.0) * scale) as f32
        };
        Area { first, shares: (first..last).map(share).collect() }
    };
    (0..areas).map(area).collect()
}
